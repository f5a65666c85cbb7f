#include "worker/workers.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "worker/workers_inside.h"

#define LONGEST_REPLY ((size_t)64 << 20)
#define START_SECONDS 60

void worker_call_end(struct worker_call *call, GBytes *reply, const GError *error)
{
    call->done(reply, error, call->data);
    g_bytes_unref(call->request);
    g_free(call);
}

/* ---- calls ---- */

/* Wakes the slots that have nothing to do: who of them takes a call, they agree on. The lock is
 * held. */
static void wake_idle(struct workers *workers)
{
    for (unsigned i = 0; i < workers->plan.count; i++)
        if (!workers->slots[i].call)
            slot_wake(&workers->slots[i]);
}

static unsigned count_running(const struct workers *workers)
{
    unsigned running = 0;
    for (unsigned i = 0; i < workers->plan.count; i++)
        running += workers->slots[i].call != NULL;
    return running;
}

guint64 workers_queue(struct workers *workers, GBytes *request, worker_done *done, void *data,
                      struct worker_wait *wait, GError **error)
{
    unsigned waiting = g_queue_get_length(&workers->waiting);
    unsigned idle = workers->plan.count - count_running(workers);
    if (workers->closing || waiting >= workers->plan.waiting + idle) {
        error_set(error, ERROR_SERVICE_UNAVAILABLE,
                  "%s: %u calls are under way and %u wait, which is as many as may; try again",
                  workers->plan.name, workers->plan.count - idle, waiting);
        return 0;
    }
    struct worker_call *call = g_new0(struct worker_call, 1);
    *call = (struct worker_call){++workers->last_id, g_bytes_ref(request), done, data, wait, false};
    g_queue_push_tail(&workers->waiting, call);
    wake_idle(workers);
    return call->id;
}

guint64 workers_submit(struct workers *workers, GBytes *request, worker_done *done, void *data,
                       GError **error)
{
    pthread_mutex_lock(&workers->lock);
    guint64 id = workers_queue(workers, request, done, data, NULL, error);
    pthread_mutex_unlock(&workers->lock);
    return id;
}

static struct worker_call *take_waiting(struct workers *workers, guint64 id)
{
    for (GList *link = workers->waiting.head; link; link = link->next) {
        struct worker_call *call = link->data;
        if (call->id == id) {
            g_queue_delete_link(&workers->waiting, link);
            return call;
        }
    }
    return NULL;
}

void workers_cancel(struct workers *workers, guint64 id)
{
    pthread_mutex_lock(&workers->lock);
    struct worker_call *waited = take_waiting(workers, id);
    for (unsigned i = 0; i < workers->plan.count && !waited; i++) {
        struct slot *slot = &workers->slots[i];
        if (slot->call && slot->call->id == id) {
            slot->call->cancelled = true;
            slot_wake(slot);
        }
    }
    pthread_mutex_unlock(&workers->lock);
    if (!waited)
        return;
    g_autoptr(GError) cause = NULL;
    error_set(&cause, ERROR_CANCELLED, "%s: the call was cancelled", workers->plan.name);
    worker_call_end(waited, NULL, cause);
}

/* ---- being ready ---- */

#define LOOK_SECONDS 0.2 /* between questions whether to wait on */

static void wait_a_while(struct workers *workers)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(LOOK_SECONDS * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&workers->changed, &workers->lock, &until);
}

/* Under the lock, which is open while the answer is found. */
static bool is_given_up(struct workers *workers, bool (*given_up)(void *data), void *data)
{
    pthread_mutex_unlock(&workers->lock);
    bool is = given_up && given_up(data);
    pthread_mutex_lock(&workers->lock);
    return is;
}

bool workers_wait_ready(struct workers *workers, bool (*given_up)(void *data), void *data,
                        GError **error)
{
    pthread_mutex_lock(&workers->lock);
    while (!workers->ready && !workers->failed && !workers->closing &&
           !is_given_up(workers, given_up, data))
        wait_a_while(workers);
    bool ready = workers->ready > 0;
    if (!ready && workers->failed)
        g_propagate_error(error, g_error_copy(workers->failed));
    else if (!ready)
        error_set(error, ERROR_SERVICE_UNAVAILABLE, "%s is being ended", workers->plan.name);
    pthread_mutex_unlock(&workers->lock);
    return ready;
}

struct workers_count workers_count(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    struct workers_count count = {workers->alive, count_running(workers),
                                  g_queue_get_length(&workers->waiting), workers->started};
    pthread_mutex_unlock(&workers->lock);
    return count;
}

/* ---- opening and closing ---- */

static void copy_plan(struct workers_plan *copy, const struct workers_plan *plan)
{
    *copy = *plan;
    copy->name = g_strdup(plan->name);
    copy->argv = g_strdupv((char **)plan->argv);
    copy->environment = g_strdupv((char **)plan->environment);
    copy->folder = g_strdup(plan->folder);
    copy->count = MAX(plan->count, 1);
    if (!copy->longest_reply)
        copy->longest_reply = LONGEST_REPLY;
    if (copy->start_seconds <= 0)
        copy->start_seconds = START_SECONDS;
}

static bool open_slot(struct workers *workers, unsigned number, GError **error)
{
    struct slot *slot = &workers->slots[number];
    slot->workers = workers;
    slot->number = number;
    slot->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int code = slot->wake < 0 ? errno : pthread_create(&slot->thread, NULL, slot_run, slot);
    if (code == 0)
        return true;
    if (slot->wake >= 0)
        close(slot->wake);
    slot->workers = NULL;
    return error_set_errno(error, code, "starting %s", workers->plan.name);
}

struct workers *workers_open(const struct workers_plan *plan, GError **error)
{
    struct workers *workers = g_new0(struct workers, 1);
    copy_plan(&workers->plan, plan);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->changed, NULL);
    workers->slots = g_new0(struct slot, workers->plan.count);
    for (unsigned i = 0; i < workers->plan.count; i++) {
        if (!open_slot(workers, i, error)) {
            workers_close(workers);
            return NULL;
        }
    }
    return workers;
}

static void refuse_waiting(struct workers *workers, GQueue *waiting)
{
    g_autoptr(GError) cause = NULL;
    if (!g_queue_is_empty(waiting))
        error_set(&cause, ERROR_SERVICE_UNAVAILABLE, "%s is being ended", workers->plan.name);
    struct worker_call *call;
    while ((call = g_queue_pop_head(waiting)))
        worker_call_end(call, NULL, cause);
}

void workers_end(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->closing = true;
    GQueue waiting = workers->waiting; /* no more will come */
    g_queue_init(&workers->waiting);
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->plan.count; i++)
        if (workers->slots[i].workers)
            slot_wake(&workers->slots[i]);
    refuse_waiting(workers, &waiting);
}

void workers_close(struct workers *workers)
{
    if (!workers)
        return;
    workers_end(workers);
    for (unsigned i = 0; i < workers->plan.count; i++) {
        if (!workers->slots[i].workers)
            continue;
        pthread_join(workers->slots[i].thread, NULL);
        close(workers->slots[i].wake);
    }
    g_free(workers->slots);
    g_free((char *)workers->plan.name);
    g_strfreev((char **)workers->plan.argv);
    g_strfreev((char **)workers->plan.environment);
    g_free((char *)workers->plan.folder);
    g_clear_error(&workers->failed);
    pthread_cond_destroy(&workers->changed);
    pthread_mutex_destroy(&workers->lock);
    g_free(workers);
}
