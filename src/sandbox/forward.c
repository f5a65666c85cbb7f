/* Connections from within a sandbox to the server, and to nothing else. Two of these stand in a
 * row: within, from a port to a socket in the file system; outside, from that to the server. */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/within.h"
#include "sandbox/sandbox_inside.h"

enum { CONNECTIONS = 512 };

struct forward {
    int listener;
    struct sockaddr_storage to;
    socklen_t to_size;
    int open; /* connections; atomic */
};

/* ---- one connection ---- */

struct way {
    int from, to;
    char bytes[65536];
    size_t size; /* taken from `from`, not yet given to `to` */
    bool ended;
};

struct connection {
    struct forward *forward;
    int near, far;
};

static void take(struct way *way)
{
    ssize_t n = read(way->from, way->bytes, sizeof way->bytes);
    if (n > 0) {
        way->size = (size_t)n;
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        way->ended = true;
        shutdown(way->to, SHUT_WR); /* the other way may go on */
    }
}

static bool give(struct way *way)
{
    ssize_t n = send(way->to, way->bytes, way->size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    way->size -= (size_t)n;
    memmove(way->bytes, way->bytes + n, way->size);
    return true;
}

static void copy_both_ways(int near, int far)
{
    struct way *ways = g_new0(struct way, 2);
    ways[0] = (struct way){.from = near, .to = far};
    ways[1] = (struct way){.from = far, .to = near};
    bool goes = true;
    while (goes && !(ways[0].ended && ways[1].ended)) {
        struct pollfd fds[4];
        for (int i = 0; i < 2; i++) {
            fds[2 * i] =
                (struct pollfd){ways[i].size || ways[i].ended ? -1 : ways[i].from, POLLIN, 0};
            fds[2 * i + 1] = (struct pollfd){ways[i].size ? ways[i].to : -1, POLLOUT, 0};
        }
        if (poll(fds, 4, -1) < 0 && errno != EINTR)
            break;
        for (int i = 0; i < 2; i++) {
            if (fds[2 * i].fd >= 0 && fds[2 * i].revents)
                take(&ways[i]);
            if (fds[2 * i + 1].fd >= 0 && fds[2 * i + 1].revents)
                goes = goes && give(&ways[i]);
        }
    }
    g_free(ways);
}

static int connect_to(const struct forward *forward)
{
    int fd = socket(forward->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in within = within_address();
    bool marked = forward->to.ss_family != AF_INET ||
                  bind(fd, (const struct sockaddr *)&within, sizeof within) == 0;
    if (fd >= 0 && marked &&
        connect(fd, (const struct sockaddr *)&forward->to, forward->to_size) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void *serve_connection(void *data)
{
    struct connection *connection = data;
    connection->far = connect_to(connection->forward);
    if (connection->far >= 0) {
        copy_both_ways(connection->near, connection->far);
        close(connection->far);
    }
    close(connection->near);
    g_atomic_int_dec_and_test(&connection->forward->open);
    g_free(connection);
    return NULL;
}

/* ---- all of them ---- */

bool forward_thread(void *(*run)(void *), void *data)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, (size_t)256 << 10);
    bool started = pthread_create(&thread, &attributes, run, data) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

static void *accept_all(void *data)
{
    struct forward *forward = data;
    for (;;) {
        int fd = accept4(forward->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EINTR && errno != ECONNABORTED)
                usleep(10000); /* out of descriptors, say */
            continue;
        }
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct connection *connection = g_new0(struct connection, 1);
        *connection = (struct connection){forward, fd, -1};
        if (g_atomic_int_add(&forward->open, 1) >= CONNECTIONS ||
            !forward_thread(serve_connection, connection)) {
            g_atomic_int_dec_and_test(&forward->open);
            close(fd);
            g_free(connection);
        }
    }
    return NULL;
}

static bool begin(int listener, const void *to, socklen_t size, GError **error)
{
    struct forward *forward = g_new0(struct forward, 1); /* lasts as long as the process */
    forward->listener = listener;
    memcpy(&forward->to, to, size);
    forward->to_size = size;
    return forward_thread(accept_all, forward) ||
           error_set(error, ERROR_INTERNAL, "no thread could be started for the forwarder");
}

/* ---- addresses ---- */

/* "127.0.0.1:8080", or "[::1]:8080": numbers, no names. */
static bool parse_address(const char *text, struct sockaddr_storage *address, socklen_t *size,
                          GError **error)
{
    const char *colon = strrchr(text, ':');
    g_autofree char *host = colon ? g_strndup(text, (gsize)(colon - text)) : NULL;
    guint64 port = 0;
    if (host && g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL)) {
        struct sockaddr_in *four = (struct sockaddr_in *)address;
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
        memset(address, 0, sizeof *address);
        if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
            four->sin_family = AF_INET;
            four->sin_port = htons((uint16_t)port);
            *size = sizeof *four;
            return true;
        }
        size_t length = strlen(host);
        g_autofree char *bare = *host == '[' ? g_strndup(host + 1, length - 2) : g_strdup(host);
        if (inet_pton(AF_INET6, bare, &six->sin6_addr) == 1) {
            six->sin6_family = AF_INET6;
            six->sin6_port = htons((uint16_t)port);
            *size = sizeof *six;
            return true;
        }
    }
    return error_set(error, ERROR_INTERNAL, "%s is no address and port in numbers", text);
}

static bool unix_address(const char *path, struct sockaddr_un *address, GError **error)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        return error_set(error, ERROR_INTERNAL, "the path of the socket %s is too long", path);
    strcpy(address->sun_path, path);
    return true;
}

static int listen_at(const void *address, socklen_t size, const char *what, GError **error)
{
    const struct sockaddr *any = address;
    int one = 1, fd = socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && any->sa_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd >= 0 && bind(fd, any, size) == 0 && listen(fd, 128) == 0)
        return fd;
    error_set_errno(error, errno, "listening at %s", what);
    if (fd >= 0)
        close(fd);
    return -1;
}

int forward_listen_unix(const char *path, GError **error)
{
    struct sockaddr_un address;
    return unix_address(path, &address, error) ? listen_at(&address, sizeof address, path, error)
                                               : -1;
}

int forward_listen_tcp(const char *text, GError **error)
{
    struct sockaddr_storage address;
    socklen_t size;
    return parse_address(text, &address, &size, error) ? listen_at(&address, size, text, error)
                                                       : -1;
}

bool forward_to_tcp(int listener, const char *text, GError **error)
{
    struct sockaddr_storage address;
    socklen_t size;
    return parse_address(text, &address, &size, error) && begin(listener, &address, size, error);
}

bool forward_to_unix(int listener, const char *path, GError **error)
{
    struct sockaddr_un address;
    return unix_address(path, &address, error) && begin(listener, &address, sizeof address, error);
}
