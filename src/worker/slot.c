/* One process of a pool, and the thread that starts it, talks with it and ends it. The kernel kills
 * the process when that thread ends, so that none outlives the pool, nor a kill -9. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "worker/frame.h"
#include "worker/workers_inside.h"

#define FIRST_PAUSE_SECONDS 0.1
#define LONGEST_PAUSE_SECONDS 30
#define MEMORY_SECONDS 0.2 /* between looks at how much memory a process has */

void slot_wake(const struct slot *slot)
{
    uint64_t one = 1;
    ssize_t n = write(slot->wake, &one, sizeof one);
    (void)n; /* an eventfd that is full is awake already */
}

/* ---- what the pool knows of it ---- */

static void count_process(struct slot *slot, int alive, int ready)
{
    struct workers *workers = slot->workers;
    pthread_mutex_lock(&workers->lock);
    workers->alive += (unsigned)alive;
    workers->ready += (unsigned)ready;
    slot->ready = ready ? ready > 0 : slot->ready;
    workers->started += alive > 0;
    if (ready > 0)
        g_clear_error(&workers->failed);
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
}

static void keep_failure(struct slot *slot, const GError *cause)
{
    struct workers *workers = slot->workers;
    pthread_mutex_lock(&workers->lock);
    g_clear_error(&workers->failed);
    workers->failed = g_error_copy(cause);
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
}

static void end_call(struct slot *slot, GBytes *reply, const GError *error)
{
    struct workers *workers = slot->workers;
    pthread_mutex_lock(&workers->lock);
    struct worker_call *call = g_steal_pointer(&slot->call);
    pthread_mutex_unlock(&workers->lock);
    slot->call_by = slot->cancel_by = 0;
    slot->idle_since = clock_monotonic();
    if (call)
        worker_call_end(call, reply, error);
}

static bool fail_call(struct slot *slot, enum error_code code, const char *what)
{
    g_autoptr(GError) cause = NULL;
    error_set(&cause, code, "%s: %s", slot->workers->plan.name, what);
    end_call(slot, NULL, cause);
    return false;
}

/* ---- its life ---- */

static void log_line(const char *line, size_t size, void *data)
{
    struct slot *slot = data;
    const struct workers_plan *plan = &slot->workers->plan;
    if (plan->log)
        plan->log(slot->number, line, size, plan->data);
}

static bool launch(struct slot *slot, GError **error)
{
    const struct workers_plan *plan = &slot->workers->plan;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_errno(error, errno, "starting %s", plan->name);
    bool started = process_start_with(&slot->process, plan->argv, plan->environment, plan->folder,
                                      ends[1], error);
    close(ends[1]);
    if (!started) {
        close(ends[0]);
        return false;
    }
    slot->process.report = ends[0];
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return true;
}

static void note_failed_start(struct slot *slot, const GError *cause)
{
    double pause = FIRST_PAUSE_SECONDS * pow(2, MIN(slot->failures, 16));
    slot->failures++;
    slot->not_before = clock_monotonic() + fmin(pause, LONGEST_PAUSE_SECONDS);
    keep_failure(slot, cause);
    end_call(slot, NULL, cause);
}

static void start(struct slot *slot)
{
    g_autoptr(GError) error = NULL;
    if (!launch(slot, &error)) {
        note_failed_start(slot, error);
        return;
    }
    double now = clock_monotonic();
    slot->output = (struct lines){.take = log_line, .data = slot};
    slot->in = g_byte_array_new();
    slot->out = g_byte_array_new();
    slot->alive = true;
    slot->mute = false;
    slot->ready_by = now + slot->workers->plan.start_seconds;
    slot->look_at_memory = now;
    count_process(slot, 1, 0);
}

/* Ends the process; `why` (NULL: it ended by itself) is told to the call that it has. */
static void finish(struct slot *slot, enum error_code code, const char *why)
{
    bool more = false, was_ready = slot->ready;
    if (why)
        process_signal(&slot->process, SIGKILL);
    while (lines_read(&slot->output, slot->process.output, &more) && !why)
        if (poll(&(struct pollfd){.fd = slot->process.output, .events = POLLIN}, 1, 0) <= 0)
            break;
    lines_end(&slot->output);
    process_signal(&slot->process, SIGKILL);
    int status = process_finish(&slot->process);
    g_clear_pointer(&slot->in, g_byte_array_unref);
    g_clear_pointer(&slot->out, g_byte_array_unref);
    slot->alive = false;
    count_process(slot, -1, was_ready ? -1 : 0);
    g_autofree char *said = g_steal_pointer(&slot->last_words);
    g_autofree char *how = process_describe(status);
    g_autofree char *text =
        said  ? g_steal_pointer(&said)
        : why ? g_strdup(why)
              : g_strdup_printf("its process ended %s (%s)",
                                was_ready ? "unexpectedly" : "before it was ready", how);
    if (was_ready) {
        slot->failures = 0;
        fail_call(slot, code, text);
        return;
    }
    g_autoptr(GError) cause = NULL;
    error_set(&cause, code, "%s: %s", slot->workers->plan.name, text);
    note_failed_start(slot, cause);
}

/* ---- talking with it ---- */

void slot_send(struct slot *slot)
{
    while (slot->out->len) {
        ssize_t n = send(slot->process.report, slot->out->data, slot->out->len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* full, or gone: then reading tells */
        g_byte_array_remove_range(slot->out, 0, (guint)n);
    }
}

void slot_begin_call(struct slot *slot)
{
    gsize size;
    const void *bytes = g_bytes_get_data(slot->call->request, &size);
    frame_put(slot->out, FRAME_CALL, bytes, size);
    double limit = slot->workers->plan.call_seconds;
    slot->call_by = limit > 0 ? clock_monotonic() + limit : 0;
    slot_send(slot);
}

#define OF_ITS_END "ProcessEnded" /* the name of an error that is no call's */

GError *slot_error_of(struct slot *slot, GBytes *frame)
{
    gsize size;
    const char *data = g_bytes_get_data(frame, &size);
    g_autofree char *text = g_utf8_make_valid(data ? data : "", (gssize)size);
    char *newline = strchr(text, '\n');
    if (newline)
        *newline = '\0';
    GError *cause = NULL;
    if (!slot->ready || strcmp(text, OF_ITS_END) == 0) {
        g_free(slot->last_words);
        slot->last_words = g_strdup(newline ? newline + 1 : text);
    } else {
        error_set(&cause, error_code_named(text), "%s", newline ? newline + 1 : text);
    }
    return cause;
}

static void take_error(struct slot *slot, GBytes *bytes)
{
    g_autoptr(GError) cause = slot_error_of(slot, bytes);
    if (cause)
        end_call(slot, NULL, cause);
}

static void take_frame(struct slot *slot, enum frame_kind kind, GBytes *bytes)
{
    if (kind == FRAME_READY && !slot->ready) {
        slot->failures = 0;
        slot->idle_since = clock_monotonic();
        count_process(slot, 0, 1);
        if (slot->call && !slot->call->wait)
            slot_begin_call(slot);
    } else if (kind == FRAME_REPLY) {
        end_call(slot, bytes, NULL);
    } else if (kind == FRAME_ERROR) {
        take_error(slot, bytes);
    }
}

bool slot_read(struct slot *slot)
{
    guint8 block[65536];
    ssize_t n = recv(slot->process.report, block, sizeof block, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    if (n > 0)
        g_byte_array_append(slot->in, block, (guint)n);
    return true;
}

/* Reads what the process says; false where it has closed its end or speaks nonsense. */
static bool receive(struct slot *slot)
{
    if (!slot_read(slot))
        return false;
    enum frame_kind kind;
    GBytes *bytes;
    bool broken = false;
    while (frame_take(slot->in, slot->workers->plan.longest_reply, &kind, &bytes, &broken)) {
        take_frame(slot, kind, bytes);
        g_bytes_unref(bytes);
    }
    if (broken)
        finish(slot, ERROR_PROCESS_ENDED,
               "its process sent something longer than allowed, or no frame at all");
    return true;
}

/* ---- what is due ---- */

static bool is_over(double time, double now)
{
    return time > 0 && now >= time;
}

static void look_at_cancel(struct slot *slot, double now)
{
    pthread_mutex_lock(&slot->workers->lock);
    bool cancelled = slot->call && slot->call->cancelled;
    pthread_mutex_unlock(&slot->workers->lock);
    if (!cancelled)
        return;
    if (!slot->ready) { /* the process goes on starting, for the next */
        fail_call(slot, ERROR_CANCELLED, "the call was cancelled");
        return;
    }
    double grace = slot->workers->plan.grace_seconds;
    if (slot->cancel_by == 0 && grace > 0) {
        slot->cancel_by = now + grace;
        frame_put(slot->out, FRAME_CANCEL, NULL, 0);
        slot_send(slot);
    } else if (slot->cancel_by == 0 || now >= slot->cancel_by) {
        finish(slot, ERROR_CANCELLED, "the call was cancelled");
    }
}

static void look_at_memory(struct slot *slot, double now)
{
    size_t limit = slot->workers->plan.memory;
    if (!limit || now < slot->look_at_memory)
        return;
    slot->look_at_memory = now + MEMORY_SECONDS;
    size_t held = process_memory(&slot->process);
    if (held <= limit)
        return;
    g_autofree char *text =
        g_strdup_printf("its process held %zu MiB of memory, more than the %zu MiB allowed",
                        held >> 20, limit >> 20);
    finish(slot, ERROR_PROCESS_ENDED, text);
}

/* Ends a process that is too slow, too large, no longer wanted. */
static void hold_to_limits(struct slot *slot, double now)
{
    const struct workers_plan *plan = &slot->workers->plan;
    if (slot->alive && !slot->ready && now >= slot->ready_by)
        finish(slot, ERROR_PROCESS_ENDED, "its process was not ready in time");
    else if (slot->alive && is_over(slot->call_by, now))
        finish(slot, ERROR_PROCESS_LATE, "the call took longer than it may");
    if (slot->alive)
        look_at_cancel(slot, now);
    if (slot->alive)
        look_at_memory(slot, now);
    if (slot->alive && slot->ready && !slot->call && plan->idle_seconds > 0 &&
        now >= slot->idle_since + plan->idle_seconds)
        finish(slot, ERROR_SERVICE_UNAVAILABLE, "it was idle");
}

/* How many calls wait beyond those that processes take at once which have nothing to do; the lock
 * is held. */
static bool more_wait_than_are_idle(const struct workers *workers)
{
    guint idle = 0;
    for (unsigned i = 0; i < workers->plan.count; i++)
        idle += workers->slots[i].ready && !workers->slots[i].call;
    return g_queue_get_length((GQueue *)&workers->waiting) > idle;
}

/* Takes the next call where this process is free for one. Those that are ready come first. */
static void take_call(struct slot *slot, double now)
{
    struct workers *workers = slot->workers;
    if (slot->call || (!slot->alive && now < slot->not_before))
        return;
    pthread_mutex_lock(&workers->lock);
    if (!workers->closing && (slot->ready || more_wait_than_are_idle(workers)))
        slot->call = g_queue_pop_head(&workers->waiting);
    pthread_mutex_unlock(&workers->lock);
    if (slot->call && slot->ready && !slot->call->wait)
        slot_begin_call(slot);
}

static int milliseconds_to_wait(const struct slot *slot, double now)
{
    const struct workers_plan *plan = &slot->workers->plan;
    double until = INFINITY;
    if (!slot->alive)
        until = slot->not_before > now ? slot->not_before : INFINITY;
    else if (!slot->ready)
        until = slot->ready_by;
    if (slot->alive && slot->call_by > 0)
        until = fmin(until, slot->call_by);
    if (slot->alive && slot->cancel_by > 0)
        until = fmin(until, slot->cancel_by);
    if (slot->alive && plan->memory && slot->call)
        until = fmin(until, slot->look_at_memory);
    if (slot->alive && slot->ready && !slot->call && plan->idle_seconds > 0)
        until = fmin(until, slot->idle_since + plan->idle_seconds);
    return isinf(until) ? -1 : (int)fmin(fmax((until - now) * 1000 + 1, 0), 60000);
}

/* ---- in whose hands it is ---- */

/* False while a caller has it. */
static bool take_in_hand(struct slot *slot)
{
    pthread_mutex_lock(&slot->workers->lock);
    bool own = slot->hands != SLOT_LENT;
    if (own)
        slot->hands = SLOT_OWN;
    pthread_mutex_unlock(&slot->workers->lock);
    return own;
}

/* Lets callers have a process that has nothing to do. */
static bool offer(struct slot *slot)
{
    if (!slot->alive || !slot->ready || slot->call || !slot_may_lend(slot->workers))
        return false;
    pthread_mutex_lock(&slot->workers->lock);
    slot->hands = SLOT_OFFERED;
    pthread_mutex_unlock(&slot->workers->lock);
    return true;
}

static bool has_ended(const struct slot *slot)
{
    return poll(&(struct pollfd){.fd = slot->process.ended, .events = POLLIN}, 1, 0) > 0;
}

/* What a caller found, or what ended while nobody had it in hand. */
static void end_what_is_broken(struct slot *slot)
{
    bool broken = slot->is_broken;
    slot->is_broken = false;
    if (broken)
        finish(slot, slot->broken, slot->broken_why);
    else if (slot->alive && slot->ready && !slot->call && has_ended(slot))
        finish(slot, ERROR_PROCESS_ENDED, NULL);
}

/* ---- its thread ---- */

static void hear_wake(const struct slot *slot)
{
    uint64_t ignored;
    if (read(slot->wake, &ignored, sizeof ignored) < 0)
        errno = 0;
}

static void hear_output(struct slot *slot)
{
    bool more = false;
    slot->mute = !lines_read(&slot->output, slot->process.output, &more);
}

/* While the conversation is in others' hands, or may come to be. Who has it notices itself that the
 * process has ended. */
static void wait_beside(struct slot *slot, bool lent, int milliseconds)
{
    struct pollfd fds[3] = {{.fd = slot->wake, .events = POLLIN},
                            {.fd = slot->mute ? -1 : slot->process.output, .events = POLLIN},
                            {.fd = lent ? -1 : slot->process.ended, .events = POLLIN}};
    poll(fds, G_N_ELEMENTS(fds), milliseconds);
    if (fds[0].revents)
        hear_wake(slot);
    if (fds[1].revents)
        hear_output(slot);
}

static void wait_for_something(struct slot *slot, int milliseconds)
{
    struct pollfd fds[3] = {{.fd = slot->wake, .events = POLLIN}, {.fd = -1}, {.fd = -1}};
    if (slot->alive) {
        int output = slot->mute ? -1 : slot->process.output;
        fds[1] = (struct pollfd){.fd = output, .events = POLLIN};
        short events = (short)(slot->out->len ? POLLIN | POLLOUT : POLLIN);
        fds[2] = (struct pollfd){.fd = slot->process.report, .events = events};
    }
    poll(fds, G_N_ELEMENTS(fds), milliseconds);
    if (fds[0].revents)
        hear_wake(slot);
    if (fds[1].revents)
        hear_output(slot);
    if (fds[2].revents & POLLOUT)
        slot_send(slot);
    if (fds[2].revents & (POLLIN | POLLHUP | POLLERR) && !receive(slot))
        finish(slot, ERROR_PROCESS_ENDED, NULL);
}

static bool is_closing(struct slot *slot)
{
    pthread_mutex_lock(&slot->workers->lock);
    bool closing = slot->workers->closing;
    pthread_mutex_unlock(&slot->workers->lock);
    return closing;
}

static void do_what_is_due(struct slot *slot)
{
    double now = clock_monotonic();
    end_what_is_broken(slot);
    hold_to_limits(slot, now);
    take_call(slot, now);
    bool wanted = slot->call || slot->workers->plan.warm;
    if (!slot->alive && wanted && now >= slot->not_before)
        start(slot);
    int milliseconds = milliseconds_to_wait(slot, clock_monotonic());
    if (slot->ready && slot->call && slot->call->wait)
        slot_lend(slot);
    else if (offer(slot))
        wait_beside(slot, false, milliseconds);
    else
        wait_for_something(slot, milliseconds);
}

/* A caller that has it notices that its process has ended. */
static void take_back(struct slot *slot)
{
    pthread_mutex_lock(&slot->workers->lock);
    if (slot->hands == SLOT_LENT)
        process_signal(&slot->process, SIGKILL);
    while (slot->hands == SLOT_LENT)
        pthread_cond_wait(&slot->workers->changed, &slot->workers->lock);
    slot->hands = SLOT_OWN;
    pthread_mutex_unlock(&slot->workers->lock);
}

#define LENT_MILLISECONDS 1000 /* between looks at whether it is idle, once it is back */

void *slot_run(void *data)
{
    struct slot *slot = data;
    while (!is_closing(slot)) {
        if (take_in_hand(slot))
            do_what_is_due(slot);
        else
            wait_beside(slot, true, LENT_MILLISECONDS);
    }
    take_back(slot);
    if (slot->alive)
        finish(slot, ERROR_SERVICE_UNAVAILABLE, "it is being ended");
    return NULL;
}
