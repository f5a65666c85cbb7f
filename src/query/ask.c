/* A call of the engine's that can be stopped. */
#include <math.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "query/places.h"
#include "table/engine.h"

struct query_stop {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    struct engine *engine;
    guint64 call; /* under way; 0: none */
    bool stopped, done;
    json_t *reply;
    GError *error;
};

struct query_stop *query_stop_new(void)
{
    struct query_stop *stop = g_new0(struct query_stop, 1);
    pthread_mutex_init(&stop->lock, NULL);
    pthread_cond_init(&stop->answered, NULL);
    return stop;
}

void query_stop_free(struct query_stop *stop)
{
    if (!stop)
        return;
    pthread_mutex_destroy(&stop->lock);
    pthread_cond_destroy(&stop->answered);
    g_free(stop);
}

void query_stop_now(struct query_stop *stop)
{
    pthread_mutex_lock(&stop->lock);
    stop->stopped = true;
    struct engine *engine = stop->engine;
    guint64 call = stop->call;
    pthread_mutex_unlock(&stop->lock);
    if (call)
        engine_cancel(engine, call);
}

static void answered(const json_t *reply, const GError *error, void *data)
{
    struct query_stop *stop = data;
    pthread_mutex_lock(&stop->lock);
    stop->done = true;
    stop->reply = json_incref((json_t *)reply);
    stop->error = error ? g_error_copy(error) : NULL;
    pthread_cond_signal(&stop->answered);
    pthread_mutex_unlock(&stop->lock);
}

static bool cancelled(GError **error)
{
    return error_set(error, ERROR_CANCELLED, "Query cancelled by user");
}

/* Under the lock, which is let go for what cancels. */
static void cancel_where_it_ends(struct query_stop *stop, const atomic_bool *ends)
{
    if (stop->stopped || !atomic_load(ends))
        return;
    pthread_mutex_unlock(&stop->lock);
    query_stop_now(stop);
    pthread_mutex_lock(&stop->lock);
}

static void wait_a_while(struct query_stop *stop, const atomic_bool *ends)
{
    double until = clock_now() + 0.1;
    struct timespec time = {(time_t)until, (long)((until - floor(until)) * 1e9)};
    if (!ends) {
        pthread_cond_wait(&stop->answered, &stop->lock);
        return;
    }
    pthread_cond_timedwait(&stop->answered, &stop->lock, &time);
    cancel_where_it_ends(stop, ends);
}

/* Under the lock. */
static json_t *wait_for_answer(struct query_stop *stop, const atomic_bool *ends, GError **error)
{
    while (!stop->done)
        wait_a_while(stop, ends);
    stop->call = 0;
    stop->done = false;
    if (stop->error)
        g_propagate_error(error, g_steal_pointer(&stop->error));
    return g_steal_pointer(&stop->reply);
}

static json_t *call(struct query_stop *stop, const struct queries *queries, const json_t *request,
                    GError **error)
{
    struct engine *engine = queries->engine;
    pthread_mutex_lock(&stop->lock);
    json_t *reply = NULL;
    stop->engine = engine;
    if (stop->stopped)
        cancelled(error);
    else if ((stop->call = engine_submit(engine, request, answered, stop, error)))
        reply = wait_for_answer(stop, queries->ends, error);
    pthread_mutex_unlock(&stop->lock);
    return reply;
}

/* The statement's fault, in Athena's form: "NAME: text". */
static bool fail(const json_t *fault, GError **error)
{
    return error_set(error, ERROR_INVALID_REQUEST, "%s: %s", json_text_at(fault, "Name"),
                     json_text_at(fault, "Message"));
}

json_t *query_ask_engine(struct query_run *run, const json_t *request, GError **error)
{
    double began = clock_monotonic();
    g_autoptr(json_auto) reply = call(run->request->stop, run->queries, request, error);
    run->end->run += clock_monotonic() - began;
    const json_t *fault = json_object_get(reply, "Error");
    if (fault)
        fail(fault, error);
    return fault ? NULL : g_steal_pointer(&reply);
}
