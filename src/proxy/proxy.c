#include "proxy/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/visits.h"
#include "base/within.h"
#include "http/listen.h"
#include "proxy/address.h"
#include "proxy/authority.h"
#include "proxy/aws_host.h"
#include "proxy/pump.h"
#include "proxy/request.h"

#define HEAD_MS 10000 /* for a whole head, and for a handshake */
#define LAST_MS 1000  /* for a refusal to be read */
#define IDLE_MS (10 * 60 * 1000)
#define HTTPS_PORT 443
#define TLS_HANDSHAKE 0x16 /* a connection's first byte */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SSL, SSL_free)

struct proxy {
    struct proxy_options options;
    char *home, *url;
    struct http_server *server;
    int socket; /* that listens, until it is the visits' */
    struct visits *visits;
    pthread_mutex_t lock;
    struct authority *authority; /* under the lock: made, or NULL; it stays until the end */
    char *bundle;                /* under the lock: written, or NULL; so does this */
    bool ended;                  /* under the lock: the server takes no more */
};

/* ---- refusals ---- */

static const char *reason(unsigned status)
{
    return status == 400   ? "Bad Request"
           : status == 403 ? "Forbidden"
           : status == 405 ? "Method Not Allowed"
           : status == 408 ? "Request Timeout"
           : status == 431 ? "Request Header Fields Too Large"
           : status == 502 ? "Bad Gateway"
                           : "Internal Server Error";
}

/* What comes is read for a little while: closed with bytes unread, the kernel takes the refusal
 * back from a client that has not read it yet. */
static void drain(int fd)
{
    char bytes[4096];
    struct pollfd event = {.fd = fd, .events = POLLIN};
    double until = clock_monotonic() + LAST_MS / 1e3;
    shutdown(fd, SHUT_WR);
    for (double left; (left = until - clock_monotonic()) > 0;)
        if (poll(&event, 1, (int)(left * 1e3) + 1) > 0 &&
            recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
            return;
}

static void refuse(int fd, unsigned status, const char *why)
{
    g_autofree char *text = g_strdup_printf("HTTP/1.1 %u %s\r\nContent-Type: text/plain\r\n"
                                            "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
                                            status, reason(status), strlen(why) + 1, why);
    send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    drain(fd);
}

static void refuse_error(int fd, const GError *error)
{
    bool forbidden = g_error_matches(error, LATHE_ERROR, ERROR_ACCESS_DENIED);
    bool elsewhere = g_error_matches(error, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE);
    refuse(fd, forbidden ? 403 : elsewhere ? 502 : 500, error->message);
}

static bool accept_connect(int fd)
{
    static const char reply[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    return send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL) == (ssize_t)sizeof reply - 1;
}

/* ---- hosts of AWS ---- */

static struct authority *authority_of(struct proxy *proxy, GError **error)
{
    pthread_mutex_lock(&proxy->lock);
    if (!proxy->authority)
        proxy->authority = authority_open(proxy->home, error);
    struct authority *authority = proxy->authority;
    pthread_mutex_unlock(&proxy->lock);
    return authority;
}

/* Our end of a connection to the server, or -1. */
static int open_server(struct proxy *proxy, const char *host, bool within)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return -1;
    pthread_mutex_lock(&proxy->lock);
    bool ended = proxy->ended;
    if (!ended)
        http_server_adopt(proxy->server, pair[1], host, within);
    pthread_mutex_unlock(&proxy->lock);
    if (!ended)
        return pair[0];
    close(pair[0]);
    close(pair[1]);
    return -1;
}

/* host is read once the handshake is done, which may fill it in. */
static void serve_session(struct proxy *proxy, int fd, SSL *session, const char *host)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (!pump_accept(session, fd, HEAD_MS))
        return;
    int server = open_server(proxy, host, within_is_peer(fd));
    if (server < 0)
        return;
    pump_run((struct pump_end){fd, session}, (struct pump_end){server, NULL}, IDLE_MS);
    close(server);
}

static void serve_aws(struct proxy *proxy, int fd, struct proxy_target *target)
{
    if (target->port != HTTPS_PORT)
        return refuse(fd, 403, "AWS's hosts are answered here, and on port 443 alone");
    GError *error = NULL;
    struct authority *authority = authority_of(proxy, &error);
    g_autoptr(SSL) session = authority ? authority_session(authority, target->host, &error) : NULL;
    if (session && accept_connect(fd))
        serve_session(proxy, fd, session, target->host);
    if (error)
        refuse_error(fd, error);
    g_clear_error(&error);
}

/* ---- tunnels ---- */

static void serve_tunnel(const struct proxy *proxy, int fd, const struct proxy_target *target)
{
    if (proxy->options.no_tunnels)
        return refuse(fd, 403, "this proxy leads to AWS's hosts alone: its tunnels are turned off");
    g_autoptr(GError) error = NULL;
    int server = address_connect(target->host, target->port, &error);
    if (server < 0)
        return refuse_error(fd, error);
    if (accept_connect(fd)) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
        pump_run((struct pump_end){fd, NULL}, (struct pump_end){server, NULL}, IDLE_MS);
    }
    close(server);
}

/* ---- a connection's beginning ---- */

/* Reads a head and not a byte behind it, which is the other protocol's: looks at what is there, and
 * takes what is of the head. Returns its length, or 0 and the status to refuse with. */
static size_t read_head(int fd, char *head, unsigned *status)
{
    double until = clock_monotonic() + HEAD_MS / 1e3;
    size_t size = 0, length = 0;
    *status = 408;
    while (!length) {
        struct pollfd event = {.fd = fd, .events = POLLIN};
        double left = until - clock_monotonic();
        if (left <= 0 || poll(&event, 1, (int)(left * 1e3) + 1) < 0)
            return 0;
        if (!event.revents)
            continue;
        ssize_t n = recv(fd, head + size, LONGEST_HEAD - size, MSG_PEEK | MSG_DONTWAIT);
        if (n <= 0) {
            *status = n < 0 || size < LONGEST_HEAD ? 400 : 431;
            return 0;
        }
        length = proxy_head_length(head, size + (size_t)n);
        size_t taken = length ? length - size : (size_t)n;
        size += recv(fd, head + size, taken, 0) == (ssize_t)taken ? taken : 0;
    }
    return length;
}

static void serve_connect(struct proxy *proxy, int fd)
{
    char head[LONGEST_HEAD];
    struct proxy_target target;
    const char *why = "a head of at most 8 KiB is expected, within 10 seconds";
    unsigned status;
    size_t size = read_head(fd, head, &status);
    if (size)
        status = proxy_head_read(head, size, &target, &why);
    if (!size || status)
        return refuse(fd, status, why);
    if (aws_host_is(target.host))
        serve_aws(proxy, fd, &target);
    else
        serve_tunnel(proxy, fd, &target);
}

/* A client in a sandbox, where AWS's names lead here: TLS from the first byte. */
static void serve_tls(struct proxy *proxy, int fd)
{
    char host[LONGEST_HOST + 1] = "";
    g_autoptr(GError) error = NULL;
    struct authority *authority = authority_of(proxy, &error);
    g_autoptr(SSL) session = authority ? authority_session(authority, host, &error) : NULL;
    if (session)
        serve_session(proxy, fd, session, host);
}

static void serve(int fd, void *data)
{
    struct pollfd event = {.fd = fd, .events = POLLIN};
    unsigned char first;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    bool is_tls = poll(&event, 1, HEAD_MS) == 1 &&
                  recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first == TLS_HANDSHAKE;
    if (is_tls)
        serve_tls(data, fd);
    else
        serve_connect(data, fd);
}

/* ---- its life ---- */

struct proxy *proxy_open(const struct proxy_options *options, struct http_server *server,
                         GError **error)
{
    struct proxy *proxy = g_new0(struct proxy, 1);
    unsigned port = options->port;
    proxy->socket = -1;
    proxy->options = *options;
    proxy->home = g_strdup(options->home);
    proxy->server = server;
    pthread_mutex_init(&proxy->lock, NULL);
    bool listens = http_listen(options->address, &port, &proxy->socket, 1, error);
    proxy->url = g_strdup_printf("http://%s:%u", options->address, port);
    if (listens)
        return proxy;
    proxy_close(proxy);
    return NULL;
}

bool proxy_start(struct proxy *proxy, GError **error)
{
    int socket = proxy->socket;
    proxy->socket = -1;
    proxy->visits = visits_open(socket, serve, proxy, error);
    return proxy->visits != NULL;
}

const char *proxy_url(const struct proxy *proxy)
{
    return proxy->url;
}

const char *proxy_bundle(struct proxy *proxy, GError **error)
{
    struct authority *authority = authority_of(proxy, error);
    g_autofree char *own = NULL;
    bool has_roots;
    pthread_mutex_lock(&proxy->lock);
    if (authority && !proxy->bundle)
        authority_write_bundle(authority, proxy->home, &own, &proxy->bundle, &has_roots, error);
    const char *bundle = proxy->bundle;
    pthread_mutex_unlock(&proxy->lock);
    return bundle;
}

void proxy_end(struct proxy *proxy)
{
    if (proxy->visits)
        visits_end(proxy->visits);
    pthread_mutex_lock(&proxy->lock);
    proxy->ended = true;
    pthread_mutex_unlock(&proxy->lock);
}

void proxy_close(struct proxy *proxy)
{
    if (!proxy)
        return;
    visits_close(proxy->visits, SHUT_RDWR);
    if (proxy->socket >= 0)
        close(proxy->socket);
    authority_free(proxy->authority);
    pthread_mutex_destroy(&proxy->lock);
    g_free(proxy->home);
    g_free(proxy->url);
    g_free(proxy->bundle);
    g_free(proxy);
}
