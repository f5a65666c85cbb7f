#include "flow/flows.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "flow/pipeline/execution.h"

/* How long to wait before the store is tried again, where it could not be written (a full disk). */
#define STORE_RETRY_SECONDS 1

struct event {
    char *kind, *name, *status;
};

struct flows {
    struct store *store;
    const struct operations *operations;
    GHashTable *executions; /* id -> struct execution; the thread's own */
    bool store_failed;      /* the thread's own */
    pthread_t thread;
    unsigned watch;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wakes;
    GQueue events; /* struct event */
    bool closing;
};

static void event_free(void *data)
{
    struct event *event = data;
    g_free(event->kind);
    g_free(event->name);
    g_free(event->status);
    g_free(event);
}

static void free_execution(void *execution)
{
    execution_free(execution);
}

/* On the store's writer thread: only noted here. */
static void note_event(const char *kind, const char *name, const char *status, void *data)
{
    struct flows *flows = data;
    if (!kind_of_word(operations_services(flows->operations), kind))
        return;
    struct event *event = g_new(struct event, 1);
    *event = (struct event){g_strdup(kind), g_strdup(name), g_strdup(status)};
    pthread_mutex_lock(&flows->lock);
    g_queue_push_tail(&flows->events, event);
    pthread_cond_signal(&flows->wakes);
    pthread_mutex_unlock(&flows->lock);
}

/* --- executions ----------------------------------------------------------------------------------
 */

static bool fail_unreadable(struct resource *resource, void *data, GError **error)
{
    (void)error;
    g_free(resource->status);
    resource->status = g_strdup("Failed");
    json_object_set_new(resource->body, "FailureReason", json_string(data));
    return true;
}

/* An execution that cannot be read would otherwise be under way for ever. */
static void give_up(struct flows *flows, const char *id, const GError *cause)
{
    g_autoptr(GError) error = NULL;
    if (!resource_update(flows->store, FLOW_EXECUTION, id, fail_unreadable, cause->message, NULL,
                         &error))
        g_warning("the execution %s: %s; %s", id, cause->message, error->message);
}

static void take_in_hand(struct flows *flows, const char *id)
{
    g_autoptr(GError) error = NULL;
    struct execution *execution = execution_load(flows->store, flows->operations, id, &error);
    if (execution)
        g_hash_table_insert(flows->executions, g_strdup(id), execution);
    else if (error)
        give_up(flows, id, error);
}

/* An event of an execution's own: it was started or retried, or is to be stopped, or we wrote it.
 */
static void hear_of_execution(struct flows *flows, const struct event *event)
{
    struct execution *execution = g_hash_table_lookup(flows->executions, event->name);
    bool stopping = g_strcmp0(event->status, "Stopping") == 0;
    if (execution && stopping)
        execution->stopping = true;
    else if (!execution && (stopping || g_strcmp0(event->status, "Executing") == 0))
        take_in_hand(flows, event->name);
}

static void hear(struct flows *flows, const struct event *event)
{
    if (strcmp(event->kind, FLOW_EXECUTION) == 0)
        hear_of_execution(flows, event);
    GHashTableIter iterator;
    void *execution;
    g_hash_table_iter_init(&iterator, flows->executions);
    while (g_hash_table_iter_next(&iterator, NULL, &execution))
        execution_heard(execution, event->kind, event->name);
}

static void advance_all(struct flows *flows)
{
    GHashTableIter iterator;
    void *id, *execution;
    flows->store_failed = false;
    g_hash_table_iter_init(&iterator, flows->executions);
    while (g_hash_table_iter_next(&iterator, &id, &execution)) {
        g_autoptr(GError) error = NULL;
        if (!execution_advance(execution, &error)) {
            flows->store_failed = true;
            g_warning("the execution %s waits: %s", (char *)id, error->message);
        } else if (((struct execution *)execution)->final) {
            g_hash_table_iter_remove(&iterator);
        }
    }
}

/* --- the thread ----------------------------------------------------------------------------------
 */

static bool any_goes_on(const struct flows *flows)
{
    GHashTableIter iterator;
    void *execution;
    g_hash_table_iter_init(&iterator, flows->executions);
    while (g_hash_table_iter_next(&iterator, NULL, &execution))
        if (((struct execution *)execution)->goes_on)
            return true;
    return false;
}

static double next_wake(const struct flows *flows)
{
    if (any_goes_on(flows))
        return clock_now();
    double earliest = flows->store_failed ? clock_now() + STORE_RETRY_SECONDS : 0;
    GHashTableIter iterator;
    void *execution;
    g_hash_table_iter_init(&iterator, flows->executions);
    while (g_hash_table_iter_next(&iterator, NULL, &execution)) {
        double at = execution_wakes_at(execution);
        if (at > 0 && (earliest == 0 || at < earliest))
            earliest = at;
    }
    return earliest;
}

/* Waits for an event or for `until` (0: only for an event); takes all events there are. False where
 * the engine is to end. */
static bool wait_for_events(struct flows *flows, double until, GQueue *events)
{
    pthread_mutex_lock(&flows->lock);
    struct timespec at = {.tv_sec = (time_t)until,
                          .tv_nsec = (long)((until - (double)(time_t)until) * 1e9)};
    int code = 0;
    while (g_queue_is_empty(&flows->events) && !flows->closing && code == 0)
        code = until > 0 ? pthread_cond_timedwait(&flows->wakes, &flows->lock, &at)
                         : pthread_cond_wait(&flows->wakes, &flows->lock);
    *events = flows->events;
    g_queue_init(&flows->events);
    bool goes_on = !flows->closing;
    pthread_mutex_unlock(&flows->lock);
    return goes_on;
}

static void *run(void *data)
{
    struct flows *flows = data;
    GQueue events = G_QUEUE_INIT;
    advance_all(flows);
    while (wait_for_events(flows, next_wake(flows), &events)) {
        struct event *event;
        while ((event = g_queue_pop_head(&events))) {
            hear(flows, event);
            event_free(event);
        }
        advance_all(flows);
    }
    g_queue_clear_full(&events, event_free);
    return NULL;
}

/* --- opening and closing -------------------------------------------------------------------------
 */

static bool take_up(struct flows *flows, GError **error)
{
    static const char *const statuses[] = {"Executing", "Stopping"};
    for (size_t s = 0; s < G_N_ELEMENTS(statuses); s++) {
        struct resource_query query = {.kind = FLOW_EXECUTION, .status = statuses[s]};
        g_autoptr(GPtrArray) found = resource_list(flows->store, &query, NULL, error);
        if (!found)
            return false;
        for (guint i = 0; i < found->len; i++)
            take_in_hand(flows, ((struct resource *)g_ptr_array_index(found, i))->name);
    }
    return true;
}

struct flows *flows_open(struct store *store, const struct operations *operations, GError **error)
{
    struct flows *flows = g_new0(struct flows, 1);
    flows->store = store;
    flows->operations = operations;
    flows->executions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_execution);
    pthread_mutex_init(&flows->lock, NULL);
    pthread_cond_init(&flows->wakes, NULL);
    g_queue_init(&flows->events);
    /* Watched before anything is looked at, so that no end is missed between the two. */
    flows->watch = store_watch(store, note_event, flows);
    if (!take_up(flows, error)) {
        flows_close(flows);
        return NULL;
    }
    int code = pthread_create(&flows->thread, NULL, run, flows);
    if (code != 0) {
        error_set_errno(error, code, "starting the engine of workflows");
        flows->thread = 0;
        flows_close(flows);
        return NULL;
    }
    return flows;
}

void flows_close(struct flows *flows)
{
    if (!flows)
        return;
    store_unwatch(flows->store, flows->watch);
    pthread_mutex_lock(&flows->lock);
    flows->closing = true;
    pthread_cond_signal(&flows->wakes);
    pthread_mutex_unlock(&flows->lock);
    if (flows->thread)
        pthread_join(flows->thread, NULL);
    g_queue_clear_full(&flows->events, event_free);
    g_hash_table_unref(flows->executions);
    pthread_mutex_destroy(&flows->lock);
    pthread_cond_destroy(&flows->wakes);
    g_free(flows);
}
