/* Load for an HTTP/1.1 server: so many connections, each sending its next request as soon as the
 * last one is answered, until so many are answered in all.
 *
 *     http_load PORT CONNECTIONS REQUESTS [PATH [BODY]]
 *
 * Prints "answered=... seconds=... rate=... p50_us=... p99_us=... longest_us=...". Fails where an
 * answer is not a 200, a connection breaks, or nothing at all is answered for ten seconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPLY_SIZE 65536
#define SILENCE_MS 10000

struct connection {
    int fd;
    size_t have;    /* bytes of the reply that is coming */
    double sent_at; /* seconds */
    char reply[REPLY_SIZE];
};

static char request[REPLY_SIZE];
static size_t request_size;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "http_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void connect_to(struct connection *connection, unsigned port)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (struct sockaddr *)(void *)&place, sizeof place) != 0)
        die("connecting");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* Requests are small: they fit the socket's buffer, which is empty. */
static void send_request(struct connection *connection)
{
    connection->have = 0;
    connection->sent_at = now();
    if (send(connection->fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size)
        die("sending a request");
}

/* Whether the reply is whole. */
static bool is_whole(struct connection *connection)
{
    connection->reply[connection->have] = '\0';
    char *end = strstr(connection->reply, "\r\n\r\n");
    if (!end)
        return false;
    if (strncmp(connection->reply, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "http_load: the answer is %.40s\n", connection->reply);
        exit(1);
    }
    char *length = strcasestr(connection->reply, "\r\ncontent-length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return connection->have >= (size_t)(end + 4 - connection->reply) + body;
}

static bool receive(struct connection *connection)
{
    ssize_t n = recv(connection->fd, connection->reply + connection->have,
                     REPLY_SIZE - 1 - connection->have, MSG_DONTWAIT);
    if (n == 0)
        errno = ECONNRESET;
    if (n <= 0 && errno != EAGAIN)
        die("receiving an answer");
    connection->have += n > 0 ? (size_t)n : 0;
    return is_whole(connection);
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void report(float *taken, size_t count, double seconds)
{
    qsort(taken, count, sizeof *taken, by_size);
    printf("answered=%zu seconds=%.3f rate=%.0f p50_us=%.1f p99_us=%.1f longest_us=%.1f\n", count,
           seconds, (double)count / seconds, (double)taken[count / 2] * 1e6,
           (double)taken[count * 99 / 100] * 1e6, (double)taken[count - 1] * 1e6);
}

/* Connects all and waits for nothing: connections are ready before the clock starts. */
static int connect_all(struct connection *all, size_t connections, unsigned port)
{
    int epoll = epoll_create1(0);
    for (size_t i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        connect_to(&all[i], port);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) != 0)
            die("watching a connection");
    }
    return epoll;
}

/* Times each of `wanted` requests; false where the server falls silent. */
static bool load(struct connection *all, size_t connections, int epoll, float *taken, size_t wanted)
{
    enum { BATCH = 256 };
    struct epoll_event events[BATCH];
    size_t sent = 0, answered = 0;
    for (; sent < connections && sent < wanted; sent++)
        send_request(&all[sent]);
    while (answered < wanted) {
        int ready = epoll_wait(epoll, events, BATCH, SILENCE_MS);
        if (ready <= 0) {
            fprintf(stderr, "http_load: silence after %zu of %zu answers\n", answered, wanted);
            return false;
        }
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!receive(connection))
                continue;
            taken[answered++] = (float)(now() - connection->sent_at);
            if (sent < wanted) {
                sent++;
                send_request(connection);
            }
        }
    }
    return true;
}

int main(int count, char **words)
{
    if (count < 4) {
        fprintf(stderr, "usage: http_load PORT CONNECTIONS REQUESTS [PATH [BODY]]\n");
        return 2;
    }
    unsigned port = (unsigned)atoi(words[1]);
    size_t connections = strtoul(words[2], NULL, 10), wanted = strtoul(words[3], NULL, 10);
    const char *path = count > 4 ? words[4] : "/", *body = count > 5 ? words[5] : "";
    request_size = (size_t)snprintf(request, sizeof request,
                                    "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                                    "Content-Type: text/csv\r\nContent-Length: %zu\r\n\r\n%s",
                                    path, port, strlen(body), body);
    struct connection *all = calloc(connections, sizeof *all);
    float *taken = calloc(wanted, sizeof *taken);
    if (!all || !taken || request_size >= sizeof request || !connections || !wanted)
        die("starting");
    int epoll = connect_all(all, connections, port);
    double start = now();
    bool whole = load(all, connections, epoll, taken, wanted);
    if (whole)
        report(taken, wanted, now() - start);
    free(taken);
    free(all);
    return whole ? 0 : 1;
}
