#define _GNU_SOURCE /* accept4 */
#include "base/visits.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#define PAUSE_MS 100

struct visits {
    visit_serve *serve;
    void *data;
    int socket;
    int closing[2]; /* a pipe: its write end is closed to end the thread */
    pthread_t thread;
    bool runs;
    guint most;

    pthread_mutex_t lock;
    pthread_cond_t left;
    GArray *here; /* under the lock: the descriptors of those that are */
    GArray *gone; /* under the lock: the threads of those that have left */
};

struct visit {
    struct visits *visits;
    int fd;
};

/* A visit's thread may outlive the accepting one, but not `visits`: visits_close waits for it, and
 * for what libraries clear up at a thread's end. */
static void begin(struct visits *visits, int fd)
{
    pthread_mutex_lock(&visits->lock);
    g_array_append_val(visits->here, fd);
    pthread_mutex_unlock(&visits->lock);
}

static void end(struct visits *visits, int fd)
{
    pthread_mutex_lock(&visits->lock);
    for (guint i = 0; i < visits->here->len; i++) {
        if (g_array_index(visits->here, int, i) == fd) {
            g_array_remove_index_fast(visits->here, i);
            break;
        }
    }
    close(fd);
    pthread_cond_signal(&visits->left);
    pthread_mutex_unlock(&visits->lock);
}

static void *serve_visit(void *data)
{
    struct visit *visit = data;
    struct visits *visits = visit->visits;
    pthread_t self = pthread_self();
    visits->serve(visit->fd, visits->data);
    pthread_mutex_lock(&visits->lock);
    g_array_append_val(visits->gone, self);
    pthread_mutex_unlock(&visits->lock);
    end(visits, visit->fd);
    g_free(visit);
    return NULL;
}

static void bury(struct visits *visits)
{
    pthread_mutex_lock(&visits->lock);
    g_autoptr(GArray) gone = visits->gone;
    visits->gone = g_array_new(FALSE, FALSE, sizeof(pthread_t));
    pthread_mutex_unlock(&visits->lock);
    for (guint i = 0; i < gone->len; i++)
        pthread_join(g_array_index(gone, pthread_t, i), NULL);
}

static bool has_room(struct visits *visits)
{
    pthread_mutex_lock(&visits->lock);
    bool room = visits->here->len < visits->most;
    pthread_mutex_unlock(&visits->lock);
    return room;
}

static void let_in(struct visits *visits, int fd)
{
    pthread_t thread;
    struct visit *visit = g_new(struct visit, 1);
    *visit = (struct visit){visits, fd};
    bury(visits);
    begin(visits, fd);
    if (pthread_create(&thread, NULL, serve_visit, visit) == 0)
        return;
    end(visits, fd);
    g_free(visit);
}

/* While there is no room, or no descriptor or memory for another, visitors wait in the kernel and
 * we look again after a while: the socket would else be reported again and again. */
static void *accept_visits(void *data)
{
    struct visits *visits = data;
    struct pollfd fds[2] = {{.events = POLLIN}, {.fd = visits->closing[0]}};
    bool out = false;
    for (;;) {
        bool waits = out || !has_room(visits);
        fds[0].fd = waits ? -1 : visits->socket;
        int ready = poll(fds, 2, waits ? PAUSE_MS : -1);
        if (fds[1].revents || (ready < 0 && errno != EINTR))
            return NULL;
        out = false;
        if (waits || ready <= 0)
            continue;
        int fd = accept4(visits->socket, NULL, NULL, SOCK_CLOEXEC);
        out = fd < 0;
        if (fd >= 0)
            let_in(visits, fd);
    }
}

/* An eighth of the process's descriptors. */
static guint visits_limit(void)
{
    struct rlimit files = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &files);
    return (guint)CLAMP(files.rlim_cur / 8, 4, 256);
}

struct visits *visits_open(int socket, visit_serve *serve, void *data, GError **error)
{
    struct visits *visits = g_new0(struct visits, 1);
    *visits = (struct visits){.serve = serve,
                              .data = data,
                              .socket = socket,
                              .closing = {-1, -1},
                              .most = visits_limit(),
                              .here = g_array_new(FALSE, FALSE, sizeof(int)),
                              .gone = g_array_new(FALSE, FALSE, sizeof(pthread_t))};
    pthread_mutex_init(&visits->lock, NULL);
    pthread_cond_init(&visits->left, NULL);
    int failure = pipe2(visits->closing, O_CLOEXEC) == 0
                      ? pthread_create(&visits->thread, NULL, accept_visits, visits)
                      : errno;
    visits->runs = !failure;
    if (visits->runs)
        return visits;
    error_set_errno(error, failure, "starting a thread for visitors");
    visits_close(visits, SHUT_RDWR);
    return NULL;
}

void visits_end(struct visits *visits)
{
    if (visits->closing[1] >= 0)
        close(visits->closing[1]);
    if (visits->runs)
        pthread_join(visits->thread, NULL);
    if (visits->closing[0] >= 0)
        close(visits->closing[0]);
    if (visits->socket >= 0)
        close(visits->socket);
    visits->closing[0] = visits->closing[1] = visits->socket = -1;
    visits->runs = false;
}

static void see_off(struct visits *visits, int how)
{
    pthread_mutex_lock(&visits->lock);
    for (guint i = 0; i < visits->here->len; i++)
        shutdown(g_array_index(visits->here, int, i), how);
    while (visits->here->len)
        pthread_cond_wait(&visits->left, &visits->lock);
    pthread_mutex_unlock(&visits->lock);
    bury(visits);
}

void visits_close(struct visits *visits, int how)
{
    if (!visits)
        return;
    visits_end(visits);
    see_off(visits, how);
    g_array_unref(visits->here);
    g_array_unref(visits->gone);
    pthread_mutex_destroy(&visits->lock);
    pthread_cond_destroy(&visits->left);
    g_free(visits);
}
