#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http_inside.h"

/* At most so many at once: beyond them a client may find its connection reset. */
#define LINGERING 64
#define LINGER_SECONDS 10.0
#define LINGER_QUIET_SECONDS 2.0

struct lingering {
    int fd;
    double until, quiet_until;
};

void http_linger_add(struct http_poller *poller, int fd)
{
    if (!poller->lingering)
        poller->lingering = g_array_new(FALSE, FALSE, sizeof(struct lingering));
    int own = poller->lingering->len < LINGERING ? dup(fd) : -1;
    if (own < 0)
        return;
    double now = clock_monotonic();
    struct lingering one = {own, now + LINGER_SECONDS, now + LINGER_QUIET_SECONDS};
    g_array_append_val(poller->lingering, one);
}

/* Discards what is there; false once the client is done or has had its time. */
static bool discard(struct lingering *one, double now)
{
    char buffer[16384];
    ssize_t n;
    unsigned turns = 0;
    while ((n = recv(one->fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0 && ++turns < 64)
        one->quiet_until = now + LINGER_QUIET_SECONDS;
    bool open = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
    return open && now < one->until && now < one->quiet_until;
}

void http_linger_look(struct http_poller *poller, double now)
{
    for (guint i = 0; poller->lingering && i < poller->lingering->len;) {
        struct lingering *one = &g_array_index(poller->lingering, struct lingering, i);
        if (discard(one, now)) {
            i++;
        } else {
            close(one->fd);
            g_array_remove_index_fast(poller->lingering, i);
        }
    }
}

void http_linger_free(struct http_poller *poller)
{
    if (!poller->lingering)
        return;
    for (guint i = 0; i < poller->lingering->len; i++)
        close(g_array_index(poller->lingering, struct lingering, i).fd);
    g_array_unref(g_steal_pointer(&poller->lingering));
}
