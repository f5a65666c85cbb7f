/* Requests that wait for processes and do little else: on a poll thread, each on a stack of its
 * own. While one waits, the thread serves others, and looks at what it waits for among its own
 * descriptors: so a call to a process costs no change of threads. */
#include "base/clock.h"
#include "base/waiting.h"
#include "http/fiber.h"
#include "http/http_inside.h"

#define MOST_RESTING 64

struct http_errand {
    struct http_poller *poller;
    struct http_exchange *exchange; /* a reference */
    struct fiber *fiber;
    struct waiting_lender lender;
    /* While it waits: */
    struct pollfd *fds;
    unsigned count, first; /* where they are among the thread's events */
    double until;          /* 0: for ever */
    atomic_bool woken;
};

/* ---- within it ---- */

static int wait_for(struct pollfd *fds, unsigned count, int milliseconds, void *data)
{
    struct http_errand *errand = data;
    errand->fds = fds;
    errand->count = count;
    errand->until = milliseconds < 0 ? 0 : clock_monotonic() + milliseconds / 1e3;
    int ready = 0;
    for (unsigned i = 0; i < count; i++)
        fds[i].revents = 0;
    if (!atomic_load(&errand->woken))
        fiber_pause(errand->fiber);
    atomic_store(&errand->woken, false);
    for (unsigned i = 0; i < count; i++)
        ready += fds[i].revents != 0;
    return ready;
}

static void wake(void *data)
{
    struct http_errand *errand = data;
    atomic_store(&errand->woken, true);
    if (!pthread_equal(pthread_self(), errand->poller->thread))
        http_poller_wake(errand->poller);
}

static void run(void *data)
{
    struct http_errand *errand = data;
    http_exchange_respond(errand->exchange);
    http_exchange_answered(errand->exchange);
}

/* ---- around it ---- */

static void free_errand(void *data)
{
    struct http_errand *errand = data;
    fiber_free(errand->fiber);
    g_free(errand);
}

static struct http_errand *new_errand(struct http_poller *poller)
{
    struct fiber *fiber = fiber_new();
    if (!fiber)
        return NULL;
    struct http_errand *errand = g_new0(struct http_errand, 1);
    *errand = (struct http_errand){
        .poller = poller, .fiber = fiber, .lender = {NULL, NULL, wait_for, wake, errand}};
    return errand;
}

static struct http_errand *take_errand(struct http_poller *poller)
{
    GPtrArray *resting = poller->resting;
    return resting->len ? g_ptr_array_steal_index_fast(resting, resting->len - 1)
                        : new_errand(poller);
}

/* Whether it has come to its end. */
static bool go_on(struct http_errand *errand)
{
    waiting_lend(&errand->lender);
    bool ended = fiber_go_on(errand->fiber);
    waiting_lend(NULL);
    if (!ended)
        return false;
    errand->poller->errand_over = true;
    http_exchange_unref(g_steal_pointer(&errand->exchange));
    if (errand->poller->resting->len < MOST_RESTING)
        g_ptr_array_add(errand->poller->resting, errand);
    else
        free_errand(errand);
    return true;
}

void http_errand_start(struct http_exchange *exchange)
{
    struct http_poller *poller = exchange->poller;
    struct http_errand *errand = take_errand(poller);
    if (!errand) {
        http_pool_run(poller->server->pool, http_exchange_work, http_exchange_ref(exchange));
        return;
    }
    errand->exchange = http_exchange_ref(exchange);
    atomic_store(&errand->woken, false);
    fiber_set(errand->fiber, run, errand);
    if (!go_on(errand))
        g_ptr_array_add(poller->errands, errand);
}

/* ---- what they wait for ---- */

void http_errands_watch(struct http_poller *poller, GArray *events)
{
    for (unsigned i = 0; i < poller->errands->len; i++) {
        struct http_errand *errand = poller->errands->pdata[i];
        errand->first = events->len;
        if (errand->count)
            g_array_append_vals(events, errand->fds, errand->count);
    }
}

double http_errands_wait(const struct http_poller *poller, double now, double seconds)
{
    for (unsigned i = 0; i < poller->errands->len; i++) {
        struct http_errand *errand = poller->errands->pdata[i];
        double left = errand->until > 0 ? MAX(errand->until - now, 0) : -1;
        if (atomic_load(&errand->woken))
            return 0;
        if (left >= 0 && (seconds < 0 || left < seconds))
            seconds = left;
    }
    return seconds;
}

static bool is_due(struct http_errand *errand, const GArray *events, double now)
{
    bool due = atomic_load(&errand->woken) || (errand->until > 0 && now >= errand->until);
    for (unsigned i = 0; i < errand->count; i++) {
        errand->fds[i].revents = g_array_index(events, struct pollfd, errand->first + i).revents;
        due |= errand->fds[i].revents != 0;
    }
    return due;
}

void http_errands_look(struct http_poller *poller, const GArray *events, double now)
{
    GPtrArray *errands = poller->errands;
    for (unsigned i = errands->len; i-- > 0;) /* one that ends leaves its place to the last */
        if (is_due(errands->pdata[i], events, now) && go_on(errands->pdata[i]))
            g_ptr_array_remove_index_fast(errands, i);
}

void http_errands_open(struct http_poller *poller)
{
    poller->errands = g_ptr_array_new();
    poller->resting = g_ptr_array_new_with_free_func(free_errand);
}

void http_errands_close(struct http_poller *poller)
{
    g_ptr_array_unref(poller->errands);
    g_ptr_array_unref(poller->resting);
}
