/* The clock: alarms in order of their times, and one thread that waits for the earliest. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define TIMES 2 /* CLOCK_WALL and CLOCK_STEADY */

struct alarm {
    guint64 id;
    double at;
    clock_wake *wake;
    void *data;
};

struct clock {
    pthread_t thread;
    bool started;
    int changed;    /* an eventfd: there is another earliest alarm, or it is the end */
    int wall_timer; /* a timerfd, which alone is told when somebody sets the wall's time */

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t woke;
    GSequence *alarms[TIMES]; /* of struct alarm, by time, then id */
    GHashTable *by_id;        /* id -> its GSequenceIter */
    guint64 last_id;
    guint64 awake; /* the alarm whose wake runs now, or 0 */
    double moved;  /* by how much a test has moved us on */
    double until;  /* while a test moves us: where to; else 0 */
    bool closing;
};

static double real_time(enum clock_time by)
{
    return by == CLOCK_WALL ? clock_now() : clock_monotonic();
}

static double time_now(const struct clock *clock, enum clock_time by)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&clock->lock;
    pthread_mutex_lock(lock);
    double moved = clock->moved;
    pthread_mutex_unlock(lock);
    return real_time(by) + moved;
}

double clock_wall(const struct clock *clock)
{
    return time_now(clock, CLOCK_WALL);
}

double clock_steady(const struct clock *clock)
{
    return time_now(clock, CLOCK_STEADY);
}

static int by_time(const void *a, const void *b, void *data)
{
    const struct alarm *left = a, *right = b;
    (void)data;
    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    return left->id < right->id ? -1 : left->id > right->id;
}

static void look_again(const struct clock *clock)
{
    uint64_t one = 1;
    ssize_t n = write(clock->changed, &one, sizeof one);
    (void)n; /* one that is full says it already */
}

guint64 clock_set(struct clock *clock, enum clock_time by, double at, clock_wake *wake, void *data)
{
    struct alarm *alarm = g_new(struct alarm, 1);
    pthread_mutex_lock(&clock->lock);
    guint64 id = ++clock->last_id;
    *alarm = (struct alarm){id, at, wake, data};
    GSequenceIter *place = g_sequence_insert_sorted(clock->alarms[by], alarm, by_time, NULL);
    g_hash_table_insert(clock->by_id, GSIZE_TO_POINTER(id), place);
    bool earliest = g_sequence_iter_is_begin(place);
    pthread_mutex_unlock(&clock->lock);
    if (earliest)
        look_again(clock);
    return id;
}

void clock_cancel(struct clock *clock, guint64 id)
{
    pthread_mutex_lock(&clock->lock);
    GSequenceIter *place = g_hash_table_lookup(clock->by_id, GSIZE_TO_POINTER(id));
    if (place) {
        g_hash_table_remove(clock->by_id, GSIZE_TO_POINTER(id));
        g_sequence_remove(place);
    }
    while (id && clock->awake == id && !pthread_equal(pthread_self(), clock->thread))
        pthread_cond_wait(&clock->woke, &clock->lock);
    pthread_mutex_unlock(&clock->lock);
}

/* The earliest alarm by one of the times; NULL where there is none. */
static GSequenceIter *earliest(const struct clock *clock, enum clock_time by)
{
    GSequenceIter *first = g_sequence_get_begin_iter(clock->alarms[by]);
    return g_sequence_iter_is_end(first) ? NULL : first;
}

/* Seconds until the earliest alarm, INFINITY where there is none; the lock is held. */
static double seconds_until(const struct clock *clock, enum clock_time by)
{
    GSequenceIter *first = earliest(clock, by);
    if (!first)
        return INFINITY;
    const struct alarm *alarm = g_sequence_get(first);
    return alarm->at - (real_time(by) + clock->moved);
}

/* Runs an alarm; the lock is held, but not meanwhile. */
static void go_off(struct clock *clock, GSequenceIter *place)
{
    struct alarm alarm = *(struct alarm *)g_sequence_get(place);
    g_hash_table_remove(clock->by_id, GSIZE_TO_POINTER(alarm.id));
    g_sequence_remove(place);
    clock->awake = alarm.id;
    pthread_mutex_unlock(&clock->lock);
    alarm.wake(alarm.data);
    pthread_mutex_lock(&clock->lock);
    clock->awake = 0;
    pthread_cond_broadcast(&clock->woke);
}

/* Runs what is due, the earliest first; the lock is held. A test that moves the clock moves it from
 * alarm to alarm, so that what one of them sets for a later time goes off at that time. */
static void run_due(struct clock *clock)
{
    while (!clock->closing) {
        double wall = seconds_until(clock, CLOCK_WALL);
        double steady = seconds_until(clock, CLOCK_STEADY);
        double first = fmin(wall, steady);
        double left = clock->until > 0 ? fmax(clock->until - clock->moved, 0) : 0;
        if (first > left)
            break;
        if (first > 0)
            clock->moved += first;
        go_off(clock, earliest(clock, wall <= steady ? CLOCK_WALL : CLOCK_STEADY));
    }
    if (clock->until > 0) {
        clock->moved = fmax(clock->moved, clock->until);
        clock->until = 0;
        pthread_cond_broadcast(&clock->woke);
    }
}

/* Arms the wall's timer and tells how long to wait for the steady time, in milliseconds. */
static int arm(struct clock *clock)
{
    struct itimerspec at = {0};
    if (earliest(clock, CLOCK_WALL)) {
        double when = clock_now() + fmax(seconds_until(clock, CLOCK_WALL), 0.001);
        at.it_value.tv_sec = (time_t)when;
        at.it_value.tv_nsec = (long)((when - floor(when)) * 1e9);
    }
    timerfd_settime(clock->wall_timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
    double steady = seconds_until(clock, CLOCK_STEADY);
    return isinf(steady) ? -1 : (int)fmin(fmax(ceil(steady * 1000), 0), 1e9);
}

static void *run_alarms(void *data)
{
    struct clock *clock = data;
    struct pollfd fds[] = {{.fd = clock->changed, .events = POLLIN},
                           {.fd = clock->wall_timer, .events = POLLIN}};
    uint64_t ignored;
    pthread_mutex_lock(&clock->lock);
    while (!clock->closing) {
        run_due(clock);
        int wait = arm(clock);
        pthread_mutex_unlock(&clock->lock);
        poll(fds, G_N_ELEMENTS(fds), wait);
        for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
            if (fds[i].revents && read(fds[i].fd, &ignored, sizeof ignored) < 0)
                errno = 0; /* ECANCELED: somebody set the wall's time, and we look again */
        pthread_mutex_lock(&clock->lock);
    }
    pthread_mutex_unlock(&clock->lock);
    return NULL;
}

void clock_move(struct clock *clock, double seconds)
{
    pthread_mutex_lock(&clock->lock);
    while (clock->until > 0)
        pthread_cond_wait(&clock->woke, &clock->lock);
    clock->until = clock->moved + seconds;
    look_again(clock);
    while (clock->until > 0)
        pthread_cond_wait(&clock->woke, &clock->lock);
    pthread_mutex_unlock(&clock->lock);
}

struct clock *clock_open(GError **error)
{
    struct clock *clock = g_new0(struct clock, 1);
    pthread_mutex_init(&clock->lock, NULL);
    pthread_cond_init(&clock->woke, NULL);
    for (int by = 0; by < TIMES; by++)
        clock->alarms[by] = g_sequence_new(g_free);
    clock->by_id = g_hash_table_new(g_direct_hash, g_direct_equal);
    clock->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    clock->wall_timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    int code = clock->changed < 0 || clock->wall_timer < 0
                   ? errno
                   : pthread_create(&clock->thread, NULL, run_alarms, clock);
    clock->started = code == 0;
    if (code == 0)
        return clock;
    error_set_errno(error, code, "starting the clock");
    clock_close(clock);
    return NULL;
}

void clock_close(struct clock *clock)
{
    if (!clock)
        return;
    pthread_mutex_lock(&clock->lock);
    clock->closing = true;
    pthread_mutex_unlock(&clock->lock);
    if (clock->started) {
        look_again(clock);
        pthread_join(clock->thread, NULL);
    }
    for (int by = 0; by < TIMES; by++)
        g_sequence_free(clock->alarms[by]);
    g_hash_table_unref(clock->by_id);
    if (clock->changed >= 0)
        close(clock->changed);
    if (clock->wall_timer >= 0)
        close(clock->wall_timer);
    pthread_cond_destroy(&clock->woke);
    pthread_mutex_destroy(&clock->lock);
    g_free(clock);
}
