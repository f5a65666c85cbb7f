#include "proxy/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define LOOKUP_SECONDS 10
#define CONNECT_MS 10000

/* ---- which addresses ---- */

struct range4 {
    guint32 network;
    unsigned bits;
};

/* IANA's registry of special-purpose addresses, and multicast and what is reserved behind it. */
static const struct range4 special4[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* shared with a provider */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocols */
    {0xc0000200, 24}, /* documentation */
    {0xc0586300, 24}, /* 6to4's relays */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarks */
    {0xc6336400, 24}, /* documentation */
    {0xcb007100, 24}, /* documentation */
    {0xe0000000, 3},  /* multicast, reserved, broadcast */
};

static bool is_public4(guint32 address)
{
    for (size_t i = 0; i < G_N_ELEMENTS(special4); i++)
        if ((address ^ special4[i].network) >> (32 - special4[i].bits) == 0)
            return false;
    return true;
}

static guint32 number_at(const guint8 *bytes)
{
    return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 | (guint32)bytes[2] << 8 | bytes[3];
}

/* Of IPv6 only what is given out to be reached (2000::/3) is public, without its documentation and
 * protocols' parts; an address of IPv4 inside is looked at as such. */
static bool is_public6(const guint8 *bytes)
{
    guint32 first = number_at(bytes);
    if (first == 0x0064ff9b && !number_at(bytes + 4) && !number_at(bytes + 8)) /* NAT64 */
        return is_public4(number_at(bytes + 12));
    if (first >> 16 == 0x2002) /* 6to4 */
        return is_public4(number_at(bytes + 2));
    bool special = first == 0x20010db8 || first >> 9 == 0x20010000 >> 9 || /* 2001::/23 */
                   first >> 12 == 0x3fff0000 >> 12;
    return first >> 29 == 1 && !special;
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_public4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    return address->sa_family == AF_INET6 &&
           is_public6(((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr);
}

/* ---- looking a name up ----
 *
 * On a thread of its own, which nobody waits for longer than a while: the C library asks each name
 * server several times, for seconds. */

struct lookup {
    int references; /* under the lock: the asker's and the thread's */
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
    char *host, port[8];
    int failure;
    struct addrinfo *found;
};

static struct lookup *lookup_new(const char *host, unsigned port)
{
    struct lookup *lookup = g_new0(struct lookup, 1);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&lookup->done, &steady);
    pthread_condattr_destroy(&steady);
    pthread_mutex_init(&lookup->lock, NULL);
    lookup->references = 2;
    lookup->host = g_strdup(host);
    snprintf(lookup->port, sizeof lookup->port, "%u", port);
    return lookup;
}

static void lookup_unref(struct lookup *lookup)
{
    pthread_mutex_lock(&lookup->lock);
    bool last = --lookup->references == 0;
    pthread_mutex_unlock(&lookup->lock);
    if (!last)
        return;
    if (lookup->found)
        freeaddrinfo(lookup->found);
    pthread_cond_destroy(&lookup->done);
    pthread_mutex_destroy(&lookup->lock);
    g_free(lookup->host);
    g_free(lookup);
}

static void *run_lookup(void *data)
{
    struct lookup *lookup = data;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(lookup->host, lookup->port, &hints, &found);
    pthread_mutex_lock(&lookup->lock);
    lookup->failure = failure;
    lookup->found = found;
    lookup->is_done = true;
    pthread_cond_signal(&lookup->done);
    pthread_mutex_unlock(&lookup->lock);
    lookup_unref(lookup);
    return NULL;
}

/* 0 once there is an address, else why there is none. */
static int wait_for(struct lookup *lookup)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOKUP_SECONDS;
    pthread_mutex_lock(&lookup->lock);
    int late = 0;
    while (!lookup->is_done && !late)
        late = pthread_cond_timedwait(&lookup->done, &lookup->lock, &until);
    int failure = lookup->is_done ? lookup->failure : EAI_AGAIN;
    pthread_mutex_unlock(&lookup->lock);
    return failure;
}

/* The host's addresses in a lookup, which the caller unrefs; NULL and an error. */
static struct lookup *look_up(const char *host, unsigned port, GError **error)
{
    struct lookup *lookup = lookup_new(host, port);
    pthread_t thread;
    int failure = pthread_create(&thread, NULL, run_lookup, lookup);
    if (failure) {
        lookup_unref(lookup);
        error_set_errno(error, failure, "looking up %s", host);
    } else {
        pthread_detach(thread);
        failure = wait_for(lookup);
        if (!failure)
            return lookup;
        error_set(error, ERROR_SERVICE_UNAVAILABLE, "the address of %s was not found: %s", host,
                  gai_strerror(failure));
    }
    lookup_unref(lookup);
    return NULL;
}

/* ---- connecting ---- */

static bool wait_connected(int fd)
{
    struct pollfd event = {.fd = fd, .events = POLLOUT};
    int failure = 0;
    socklen_t size = sizeof failure;
    if (poll(&event, 1, CONNECT_MS) != 1)
        return false;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && !failure;
}

static int connect_to(const struct addrinfo *place)
{
    int one = 1;
    int fd = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, place->ai_addr, place->ai_addrlen) == 0 ||
        (errno == EINPROGRESS && wait_connected(fd)))
        return fd;
    close(fd);
    return -1;
}

int address_connect(const char *host, unsigned port, GError **error)
{
    struct lookup *lookup = look_up(host, port, error);
    if (!lookup)
        return -1;
    bool some = false;
    int fd = -1;
    for (const struct addrinfo *at = lookup->found; at && fd < 0; at = at->ai_next) {
        if (!address_is_public(at->ai_addr))
            continue;
        some = true;
        fd = connect_to(at);
    }
    if (!some)
        error_set(
            error, ERROR_ACCESS_DENIED,
            "%s is on this machine or its own network, where this proxy leads nobody: name it "
            "in NO_PROXY, and clients go there themselves",
            host);
    else if (fd < 0)
        error_set(error, ERROR_SERVICE_UNAVAILABLE, "no address of %s took a connection to port %u",
                  host, port);
    lookup_unref(lookup);
    return fd;
}
