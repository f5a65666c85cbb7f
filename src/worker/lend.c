/* Calls that are waited for: the caller talks with the process itself where one is free, and else
 * when its turn comes. Whoever has had a process hands it to the next in line, with that one's call
 * already sent, so that a process does not wait for threads to change. */
#include <errno.h>
#include <math.h>

#include "base/clock.h"
#include "base/error.h"
#include "worker/frame.h"
#include "worker/workers_inside.h"

/* What has to be looked at while a call runs, or may be asked of one that does, the slot's thread
 * does. */
bool slot_may_lend(const struct workers *workers)
{
    return !workers->plan.memory && workers->plan.grace_seconds <= 0;
}

/* ---- handing it on ---- */

/* Under its lock. */
static void wake(struct worker_wait *wait)
{
    pthread_cond_signal(&wait->changed);
    waiting_wake(wait->here);
}

static void give(struct slot *slot, struct worker_wait *wait)
{
    slot_begin_call(slot);
    pthread_mutex_lock(&wait->lock);
    wait->lent = slot;
    wake(wait);
    pthread_mutex_unlock(&wait->lock);
}

void slot_lend(struct slot *slot)
{
    struct worker_wait *wait = slot->call->wait;
    pthread_mutex_lock(&slot->workers->lock);
    slot->hands = SLOT_LENT;
    pthread_mutex_unlock(&slot->workers->lock);
    give(slot, wait);
}

/* Under the pool's lock: the next call, where its caller waits. */
static struct worker_call *next_in_line(struct workers *workers)
{
    struct worker_call *next = workers->closing ? NULL : g_queue_peek_head(&workers->waiting);
    return next && next->wait ? g_queue_pop_head(&workers->waiting) : NULL;
}

/* After a call that went well. */
static void hand_on(struct slot *slot)
{
    struct workers *workers = slot->workers;
    pthread_mutex_lock(&workers->lock);
    struct worker_call *ended = slot->call;
    slot->idle_since = clock_monotonic();
    slot->call = next_in_line(workers);
    struct worker_wait *wait = slot->call ? slot->call->wait : NULL;
    if (!wait)
        slot->hands = SLOT_OFFERED;
    slot->call_by = 0;
    if (!wait && !g_queue_is_empty(&workers->waiting))
        slot_wake(slot);
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock); /* from here on the pool may be closed */
    if (wait)
        give(slot, wait);
    g_bytes_unref(ended->request);
    g_free(ended);
}

/* After one that did not: the slot's thread ends the process, and the call with it. */
static void give_up(struct slot *slot, enum error_code code, const char *why)
{
    struct workers *workers = slot->workers;
    slot->is_broken = true;
    slot->broken = code;
    slot->broken_why = why;
    pthread_mutex_lock(&workers->lock);
    slot->hands = SLOT_OWN;
    slot_wake(slot);
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
}

/* ---- talking with it ---- */

/* Takes the call's answer off what has arrived. */
static bool take_answer(struct slot *slot, struct worker_wait *wait, bool *broken)
{
    enum frame_kind kind;
    GBytes *bytes;
    size_t longest = slot->workers->plan.longest_reply;
    while (!wait->over && frame_take(slot->in, longest, &kind, &bytes, broken)) {
        if (kind == FRAME_REPLY)
            wait->reply = g_bytes_ref(bytes);
        else if (kind == FRAME_ERROR)
            wait->error = slot_error_of(slot, bytes);
        wait->over = wait->reply || wait->error;
        g_bytes_unref(bytes);
    }
    return wait->over;
}

static int milliseconds_left(const struct slot *slot)
{
    double left = slot->call_by - clock_monotonic();
    return slot->call_by > 0 ? (int)fmin(fmax(left * 1000 + 1, 0), 60000) : -1;
}

/* Waits for the process to say something. True: look again; false: it is over, in one way or the
 * other. */
static bool converse(struct slot *slot, struct worker_wait *wait)
{
    short events = (short)(slot->out->len ? POLLIN | POLLOUT : POLLIN);
    struct pollfd fds[2] = {{.fd = slot->process.report, .events = events},
                            {.fd = slot->process.ended, .events = POLLIN}};
    int ready = waiting_poll(fds, G_N_ELEMENTS(fds), milliseconds_left(slot));
    bool broken = false, gone = false;
    if (fds[0].revents & POLLOUT)
        slot_send(slot);
    if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
        gone = !slot_read(slot);
    if (take_answer(slot, wait, &broken))
        hand_on(slot);
    else if (broken)
        give_up(slot, ERROR_PROCESS_ENDED,
                "its process sent something longer than allowed, or no frame at all");
    else if (gone || (fds[1].revents && !fds[0].revents))
        give_up(slot, ERROR_PROCESS_ENDED, NULL);
    else if (ready == 0 && slot->call_by > 0 && clock_monotonic() >= slot->call_by)
        give_up(slot, ERROR_PROCESS_LATE, "the call took longer than it may");
    else
        return true;
    return false;
}

/* ---- the caller ---- */

/* The slot's thread ended the call, without a reply. */
static void end_wait(GBytes *reply, const GError *error, void *data)
{
    struct worker_wait *wait = data;
    pthread_mutex_lock(&wait->lock);
    wait->reply = reply ? g_bytes_ref(reply) : NULL;
    wait->error = error ? g_error_copy(error) : NULL;
    wait->over = true;
    wake(wait);
    pthread_mutex_unlock(&wait->lock);
}

/* Under its lock. */
static void sleep_until_woken(struct worker_wait *wait)
{
    if (!wait->here) {
        pthread_cond_wait(&wait->changed, &wait->lock);
        return;
    }
    pthread_mutex_unlock(&wait->lock);
    waiting_poll(NULL, 0, -1);
    pthread_mutex_lock(&wait->lock);
}

/* Until the call is over, or a slot has been lent for it. */
static struct slot *wait_for_turn(struct worker_wait *wait)
{
    pthread_mutex_lock(&wait->lock);
    while (!wait->over && !wait->lent)
        sleep_until_woken(wait);
    struct slot *lent = wait->over ? NULL : g_steal_pointer(&wait->lent);
    pthread_mutex_unlock(&wait->lock);
    return lent;
}

/* Under the pool's lock: a process that is free. */
static struct slot *find_offered(struct workers *workers)
{
    for (unsigned i = 0; i < workers->plan.count && !workers->closing; i++)
        if (workers->slots[i].hands == SLOT_OFFERED)
            return &workers->slots[i];
    return NULL;
}

/* Takes a free process in hand, or stands in line. False and an error where it may not. */
static bool enter(struct workers *workers, GBytes *request, struct worker_wait *wait,
                  GError **error)
{
    pthread_mutex_lock(&workers->lock);
    bool lends = slot_may_lend(workers), entered = true;
    struct slot *slot = lends && g_queue_is_empty(&workers->waiting) ? find_offered(workers) : NULL;
    if (slot) {
        slot->call = g_new0(struct worker_call, 1);
        *slot->call = (struct worker_call){
            ++workers->last_id, g_bytes_ref(request), end_wait, wait, wait, false};
        slot->hands = SLOT_LENT;
    } else {
        entered = workers_queue(workers, request, end_wait, wait, lends ? wait : NULL, error) != 0;
    }
    pthread_mutex_unlock(&workers->lock);
    if (slot) {
        slot_begin_call(slot);
        wait->lent = slot;
    }
    return entered;
}

GBytes *workers_call(struct workers *workers, GBytes *request, GError **error)
{
    struct worker_wait wait = {.lock = PTHREAD_MUTEX_INITIALIZER,
                               .changed = PTHREAD_COND_INITIALIZER,
                               .here = waiting_here()};
    if (!enter(workers, request, &wait, error))
        return NULL;
    waiting_begin();
    struct slot *slot;
    while ((slot = wait_for_turn(&wait)))
        while (converse(slot, &wait))
            continue;
    waiting_end();
    if (wait.error)
        g_propagate_error(error, wait.error);
    return wait.reply;
}
