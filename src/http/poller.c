/* A daemon driven from outside: poll on its epoll descriptor, then MHD_run_wait(daemon, 0).
 *
 * In threads of its own MHD 0.9.75 waits again, blocking, each time epoll_wait fills its 128
 * events, before it serves any of them: with 128, 256 or 384 busy connections a thread answers
 * about 100 requests a second. Called with a wait of 0 it cannot. */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/within.h"
#include "http/http_inside.h"

/* What MHD holds a connection: the head, and what it reads of a body at once. It zeroes all of it
 * after each request, so a larger one costs every request time and cache. Beyond it a head is
 * refused with 431. */
#define CONNECTION_MEMORY ((size_t)16 * 1024)
/* A backstop behind deadline.c; alone on its own for replies that nobody reads. */
#define GRACE_SECONDS 2

/* How long to try again after an accept that failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_SECONDS 0.1
#define ACCEPTED_AT_ONCE 64

/* ---- connections that come ----
 *
 * We accept ourselves. MHD, once a process is out of descriptors, takes its listening socket out of
 * its set until one of its own connections ends; the descriptors may be free again long before, and
 * in a loop that is not its own it then forgets to put it back. */

static bool may_accept(const struct http_poller *poller, double now)
{
    return poller->listen_fd >= 0 && poller->client_count < poller->client_limit &&
           now >= poller->accept_after;
}

static bool is_passing(int failure)
{
    return failure == EINTR || failure == ECONNABORTED;
}

static void accept_clients(struct http_poller *poller, double now)
{
    for (unsigned i = 0; i < ACCEPTED_AT_ONCE && may_accept(poller, now); i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        int fd = accept4(poller->listen_fd, (struct sockaddr *)&address, &size,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        /* A number that had been a connection's handed over, and that MHD let go. */
        g_hash_table_remove(poller->hosts, GINT_TO_POINTER(fd));
        bool added = fd >= 0 && MHD_add_connection(poller->daemon, fd, (struct sockaddr *)&address,
                                                   size) == MHD_YES; /* else it has closed it */
        if (!added && fd < 0 && (errno == EAGAIN || is_passing(errno)))
            return;
        if (!added)
            poller->accept_after = now + ACCEPT_PAUSE_SECONDS;
    }
}

/* ---- connections that are handed over ---- */

struct handed {
    int fd;
    char *host;
    bool within;
};

void http_poller_hand(struct http_poller *poller, int fd, const char *host, bool within)
{
    struct handed handed = {fd, g_strdup(host), within};
    pthread_mutex_lock(&poller->lock);
    g_array_append_val(poller->handed, handed);
    pthread_mutex_unlock(&poller->lock);
    http_poller_wake(poller);
}

static void take(struct http_poller *poller, const struct handed *handed)
{
    /* MHD wants an address. */
    const struct sockaddr_in nowhere = {.sin_family = AF_INET}, within = within_address();
    const struct sockaddr_in *from = handed->within ? &within : &nowhere;
    gpointer key = GINT_TO_POINTER(handed->fd);
    g_hash_table_insert(poller->hosts, key, handed->host);
    fcntl(handed->fd, F_SETFL, O_NONBLOCK);
    if (MHD_add_connection(poller->daemon, handed->fd, (const struct sockaddr *)from,
                           sizeof *from) != MHD_YES)
        g_hash_table_remove(poller->hosts, key);
}

static void take_handed(struct http_poller *poller)
{
    struct handed handed;
    bool more;
    do {
        pthread_mutex_lock(&poller->lock);
        more = poller->handed->len > 0;
        if (more) {
            handed = g_array_index(poller->handed, struct handed, 0);
            g_array_remove_index(poller->handed, 0);
        }
        pthread_mutex_unlock(&poller->lock);
        if (more)
            take(poller, &handed);
    } while (more);
}

/* ---- the loop ---- */

/* Seconds until something is to be looked at without an event; -1: never. */
static double time_to_wait(struct http_poller *poller, double now)
{
    MHD_UNSIGNED_LONG_LONG pending;
    double seconds = -1;
    if (MHD_get_timeout(poller->daemon, &pending) == MHD_YES)
        seconds = (double)pending / 1e3;
    if (poller->clients && (seconds < 0 || now + seconds > poller->next_look))
        seconds = MAX(0, poller->next_look - now);
    if (poller->accept_after > now)
        seconds = MIN(seconds < 0 ? 1 : seconds, poller->accept_after - now);
    bool lingering = poller->lingering && poller->lingering->len > 0;
    seconds = http_errands_wait(poller, now, seconds);
    return lingering ? MIN(seconds < 0 ? 1 : seconds, 0.01) : seconds;
}

static void fill_events(struct http_poller *poller, double now)
{
    const struct pollfd events[] = {
        {.fd = poller->epoll_fd, .events = POLLIN},
        {.fd = poller->wake_fd, .events = POLLIN},
        {.fd = may_accept(poller, now) ? poller->listen_fd : -1, .events = POLLIN}};
    g_array_set_size(poller->events, 0);
    g_array_append_vals(poller->events, events, G_N_ELEMENTS(events));
    http_errands_watch(poller, poller->events);
}

/* From an answer to the next request, where one client asks again and again. */
#define SOON_SECONDS 300e-6

/* Whether an event came meanwhile; all that have something to do go first. */
static bool look_for_a_moment(struct pollfd *events, unsigned count, double until)
{
    int ready;
    while ((ready = poll(events, count, 0)) == 0 && clock_monotonic() < until)
        sched_yield();
    return ready > 0;
}

/* As poll. What a process answers goes through four threads that sleep; to wake each costs tens of
 * microseconds where cores halt, which is most of what such a request costs. So after one has been
 * answered the thread stays awake for the next, as long as that comes soon each time. */
static void poll_events(struct http_poller *poller, int milliseconds)
{
    struct pollfd *events = (struct pollfd *)(void *)poller->events->data;
    bool answered = poller->errand_over && !poller->errands->len;
    double until = answered ? clock_monotonic() + SOON_SECONDS : 0;
    if (!(answered && poller->soon && look_for_a_moment(events, poller->events->len, until)))
        poll(events, poller->events->len, milliseconds);
    if (answered)
        poller->soon = clock_monotonic() < until;
    poller->errand_over = false;
}

static void wait_for_events(struct http_poller *poller, double now)
{
    double seconds = time_to_wait(poller, now);
    bool waiting = poller->errands->len;
    if (seconds == 0 && !waiting) { /* MHD has work; it looks at its descriptors itself */
        take_handed(poller);
        return accept_clients(poller, now);
    }
    fill_events(poller, now);
    poll_events(poller, seconds <= 0 ? (int)seconds : (int)(seconds * 1e3) + 1);
    const struct pollfd *events = (const struct pollfd *)(void *)poller->events->data;
    uint64_t count;
    if (events[1].revents && read(poller->wake_fd, &count, sizeof count) > 0) {
        atomic_store(&poller->woken, false); /* before we look at what we were woken for */
        take_handed(poller);
    }
    if (events[2].revents)
        accept_clients(poller, clock_monotonic());
    if (waiting)
        http_errands_look(poller, poller->events, clock_monotonic());
}

static void run_mhd(struct http_poller *poller)
{
    http_bytes_turn(poller);
    MHD_run_wait(poller->daemon, 0);
    http_bytes_turn(NULL);
}

/* Requests that have come are served first; then nothing new is accepted and idle connections
 * close. */
static void stop_accepting(struct http_poller *poller)
{
    accept_clients(poller, clock_monotonic());
    run_mhd(poller);
    close(poller->listen_fd);
    poller->listen_fd = -1;
    for (struct http_client *client = poller->clients; client; client = client->next)
        if (client->stage == STAGE_HEAD)
            shutdown(client->fd, SHUT_RD);
}

/* What their requests wait for ends, too. */
static void abort_clients(struct http_poller *poller)
{
    const struct http_options *options = &poller->server->options;
    if (options->hurry)
        options->hurry(options->data);
    for (struct http_client *client = poller->clients; client; client = client->next)
        http_client_abort(client);
}

static void *run_poller(void *data)
{
    struct http_poller *poller = data;
    struct http_server *server = poller->server;
    bool stopping = false, aborted = false;
    while (!stopping || poller->clients) {
        wait_for_events(poller, clock_monotonic());
        run_mhd(poller);
        double now = clock_monotonic();
        if (now >= poller->next_look)
            poller->next_look = http_deadline_look(poller, now);
        if (poller->lingering)
            http_linger_look(poller, now);
        if (!stopping && atomic_load(&server->stopping)) {
            stopping = true;
            stop_accepting(poller);
        }
        if (stopping && !aborted && now > server->stop_deadline) {
            aborted = true;
            abort_clients(poller);
        }
    }
    return NULL;
}

/* Connections a poller may have: half of the process's descriptors, shared. The others are for what
 * their requests open. Beyond it connections wait in the kernel. */
static unsigned connection_limit(const struct http_server *server)
{
    struct rlimit files = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &files);
    rlim_t half = MIN(files.rlim_cur, 65536) / 2;
    return (unsigned)MAX(half / server->options.threads, 4);
}

static void free_tables(struct http_poller *poller)
{
    g_hash_table_unref(poller->by_fd);
    g_hash_table_unref(poller->hosts);
    g_array_unref(poller->handed);
    g_array_unref(poller->events);
    http_errands_close(poller);
    pthread_mutex_destroy(&poller->lock);
    close(poller->wake_fd);
}

bool http_poller_start(struct http_poller *poller, struct http_server *server, int socket,
                       GError **error)
{
    poller->server = server;
    poller->listen_fd = socket;
    poller->client_limit = connection_limit(server);
    poller->by_fd = g_hash_table_new(NULL, NULL);
    poller->hosts = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    poller->handed = g_array_new(FALSE, FALSE, sizeof(struct handed));
    poller->events = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    http_errands_open(poller);
    pthread_mutex_init(&poller->lock, NULL);
    poller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    poller->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
        http_client_request, poller, MHD_OPTION_CONNECTION_LIMIT, poller->client_limit,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
        server->options.idle_deadline_s + GRACE_SECONDS, MHD_OPTION_URI_LOG_CALLBACK,
        http_client_target, poller, MHD_OPTION_UNESCAPE_CALLBACK, http_client_keep_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, http_client_completed, poller, MHD_OPTION_NOTIFY_CONNECTION,
        http_client_notify, poller, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (!poller->daemon) {
        close(socket);
        free_tables(poller);
        return error_set(error, ERROR_INTERNAL, "the HTTP library did not start: %s",
                         g_strerror(errno));
    }
    poller->epoll_fd = MHD_get_daemon_info(poller->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int failure = pthread_create(&poller->thread, NULL, run_poller, poller);
    if (!failure)
        return true;
    MHD_stop_daemon(poller->daemon);
    close(socket);
    free_tables(poller);
    return error_set_errno(error, failure, "starting a thread for connections");
}

void http_poller_wake(struct http_poller *poller)
{
    uint64_t one = 1;
    if (!atomic_exchange(&poller->woken, true))
        while (write(poller->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
}

void http_poller_join(struct http_poller *poller)
{
    pthread_join(poller->thread, NULL);
}

void http_poller_free(struct http_poller *poller)
{
    http_linger_free(poller);
    take_handed(poller); /* what came too late is closed with the others */
    MHD_stop_daemon(poller->daemon);
    free_tables(poller);
}
