#include "container/worker_model.h"

#include "base/error.h"
#include "container/exchange.h"

/* In place of an answer: the model's failure or lathe's own. */
static bool fail(const GError *cause, struct invocation_reply *reply, GError **error)
{
    static const char late[] =
        "Your invocation timed out while waiting for a response from container primary. Review the "
        "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try "
        "again.";
    if (g_error_matches(cause, LATHE_ERROR, ERROR_PROCESS_LATE))
        return invocation_refuse(reply, 0, late, error);
    if (!g_error_matches(cause, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE))
        return invocation_refuse(reply, 500, cause->message, error);
    g_propagate_error(error, g_error_copy(cause));
    return false;
}

static bool answer(void *workers, const struct invocation *invocation,
                   struct invocation_reply *reply, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GBytes) call = exchange_call(invocation);
    g_autoptr(GBytes) message = workers_call(workers, call, &cause);
    return message ? exchange_take_answer(message, reply, error) : fail(cause, reply, error);
}

static void close_model(void *workers)
{
    workers_close(workers);
}

static void end(void *workers)
{
    workers_end(workers);
}

struct served_model *worker_model_open(const struct workers_plan *plan,
                                       const struct model_wait *wait, GError **error)
{
    static const struct served_model_kind kind = {
        .answer = answer,
        .close = close_model,
        .end = end,
        .quick_bytes = WORKER_QUICK_BYTES,
        .waits = true,
        .takes_target = true,
    };
    struct workers *workers = workers_open(plan, error);
    if (!workers || !wait->waits || workers_wait_ready(workers, wait->given_up, wait->data, error))
        return workers ? served_model_new(&kind, workers) : NULL;
    workers_close(workers);
    return NULL;
}
