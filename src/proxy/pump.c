#include "proxy/pump.h"

#include <errno.h>
#include <glib.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define BUFFER_SIZE (32 * 1024)
/* For a client that does not take the end of what it asked for. */
#define LAST_MS 10000

enum moved { MOVED_WAITS = -1, MOVED_FAILED = -2 }; /* else how many bytes; 0: the end */

/* ---- one end ---- */

/* What a call on TLS came to. Its wish to write in order to read, or the other way round, is noted
 * in *wants. */
static ssize_t tls_result(SSL *session, int result, short *wants)
{
    if (result > 0)
        return result;
    int why = SSL_get_error(session, result);
    ERR_clear_error(); /* of this thread: the next call would take it for its own */
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        return MOVED_FAILED;
    *wants |= why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    return MOVED_WAITS;
}

static ssize_t plain_result(ssize_t n, short event, short *wants)
{
    if (n >= 0)
        return n;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        return MOVED_FAILED;
    *wants |= event;
    return MOVED_WAITS;
}

static ssize_t end_read(struct pump_end *end, char *buffer, size_t size, short *wants)
{
    if (end->session)
        return tls_result(end->session, SSL_read(end->session, buffer, (int)size), wants);
    return plain_result(recv(end->fd, buffer, size, 0), POLLIN, wants);
}

static ssize_t end_write(struct pump_end *end, const char *bytes, size_t size, short *wants)
{
    if (end->session)
        return tls_result(end->session, SSL_write(end->session, bytes, (int)size), wants);
    return plain_result(send(end->fd, bytes, size, MSG_NOSIGNAL), POLLOUT, wants);
}

/* Says that nothing more comes. */
static void end_finish(struct pump_end *end)
{
    if (end->session)
        SSL_shutdown(end->session);
    ERR_clear_error();
    shutdown(end->fd, SHUT_WR);
}

/* ---- one way ---- */

struct way {
    struct pump_end *from, *to;
    short *from_wants, *to_wants;
    char buffer[BUFFER_SIZE];
    size_t start, size; /* of what has been read and not been written */
    bool ended;         /* nothing more comes */
    bool finished;      /* and all has gone */
    bool drops;         /* what the other end takes no more, instead of failing */
};

/* Moves what can be moved now; false where an end has failed. *moved: whether something was. */
static bool way_move(struct way *way, bool *moved)
{
    if (!way->size && !way->ended) {
        ssize_t n = end_read(way->from, way->buffer, sizeof way->buffer, way->from_wants);
        way->start = 0;
        way->size = n > 0 ? (size_t)n : 0;
        way->ended = n == 0;
        *moved |= n >= 0;
        if (n == MOVED_FAILED)
            return false;
    }
    if (way->size) {
        ssize_t n = end_write(way->to, way->buffer + way->start, way->size, way->to_wants);
        way->start += n > 0 ? (size_t)n : 0;
        way->size -= n > 0 ? (size_t)n : 0;
        *moved |= n > 0;
        if (n == MOVED_FAILED && way->drops)
            way->size = 0;
        else if (n == MOVED_FAILED)
            return false;
    }
    if (way->ended && !way->size && !way->finished) {
        end_finish(way->to);
        way->finished = true;
    }
    return true;
}

/* ---- both ---- */

/* Whether to go on; not where the client has shut both ways, or nothing happens for so long. An end
 * of which nothing is wanted is not asked: once it has ended it would be told again and again. */
static bool wait_for(int client, int server, const short *wants, int timeout_ms)
{
    struct pollfd events[] = {{.fd = client, .events = wants[0]},
                              {.fd = wants[1] ? server : -1, .events = wants[1]}};
    int ready = poll(events, 2, timeout_ms);
    if (ready < 0)
        return errno == EINTR;
    bool gone = events[0].revents & (POLLERR | POLLHUP) && !(events[0].revents & POLLIN);
    return ready > 0 && !gone;
}

/* Once the server has said all it had to, the client may take a last while to hear it; what it
 * still sends meanwhile is read, since an answer with unread bytes behind it is lost with the
 * connection. */
static int time_left(const struct way *down, double *until, int idle_ms)
{
    if (!down->ended)
        return idle_ms;
    if (*until == 0)
        *until = clock_monotonic() + LAST_MS / 1e3;
    return (int)((*until - clock_monotonic()) * 1e3);
}

static void run(struct way *up, struct way *down, short *wants, int idle_ms)
{
    double until = 0;
    bool more = true;
    while (more) {
        bool moved = false;
        wants[0] = wants[1] = 0;
        if (!way_move(up, &moved) || !way_move(down, &moved) || (up->finished && down->finished))
            return;
        int left = time_left(down, &until, idle_ms);
        more = left > 0 && (moved || wait_for(up->from->fd, up->to->fd, wants, left));
    }
}

void pump_run(struct pump_end client, struct pump_end server, int idle_ms)
{
    short wants[2]; /* the client's and the server's events that something waits for */
    struct way *up = g_new0(struct way, 1), *down = g_new0(struct way, 1);
    up->from = down->to = &client;
    up->to = down->from = &server;
    up->from_wants = down->to_wants = &wants[0];
    up->to_wants = down->from_wants = &wants[1];
    up->drops = true;
    run(up, down, wants, idle_ms);
    g_free(up);
    g_free(down);
}

bool pump_accept(SSL *session, int fd, int timeout_ms)
{
    double until = clock_monotonic() + timeout_ms / 1e3;
    if (!SSL_set_fd(session, fd))
        return false;
    for (;;) {
        short wants = 0;
        ssize_t result = tls_result(session, SSL_accept(session), &wants);
        int left = (int)((until - clock_monotonic()) * 1e3);
        if (result != MOVED_WAITS || left <= 0)
            return result > 0;
        struct pollfd event = {.fd = fd, .events = wants};
        if (poll(&event, 1, left) < 0 && errno != EINTR)
            return false;
    }
}
