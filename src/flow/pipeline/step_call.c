/* What steps ask for: the calls of their operations, and of those that stop what they started. They
 * are errands, since they may take long. */
#include <string.h>

#include "flow/call.h"
#include "flow/pipeline/execution.h"

/* An operation to call, on behalf of a step that stays in place until it is back. */
struct call_errand {
    const struct operations *operations;
    struct execution_step *step;
    struct call_context asker;
    const char *service, *operation; /* of the definition or the kind */
    const char *makes_parent;        /* the operation that makes request's `parent`; or NULL */
    const char *parent;
    json_t *request, *reply;
    GError *error;
};

static void free_call(void *data)
{
    struct call_errand *call = data;
    flow_asker_clear(&call->asker);
    json_decref(call->request);
    json_decref(call->reply);
    g_clear_error(&call->error);
    g_free(call);
}

/* The request becomes one that no other thread knows. */
static struct call_errand *new_call(const struct execution *execution, struct execution_step *step,
                                    const json_t *request)
{
    struct call_errand *call = g_new0(struct call_errand, 1);
    call->operations = execution->operations;
    call->step = step;
    call->asker = flow_asker_copy(&execution->asker);
    call->request = json_deep_copy(request);
    return call;
}

/* ---- calling ---- */

/* As SageMaker's steps do. Where that fails because it is there, all is well; where for another
 * reason, the call itself will say so. */
static void make_parent(const struct call_errand *call)
{
    json_t *name = call->makes_parent ? json_object_get(call->request, call->parent) : NULL;
    if (!name)
        return;
    g_autoptr(json_auto) asked = json_pack("{sO}", call->parent, name);
    g_autoptr(json_auto) made =
        flow_call(call->operations, &call->asker, call->service, call->makes_parent, asked, NULL);
}

static void run_call(void *data)
{
    struct call_errand *call = data;
    make_parent(call);
    call->reply = flow_call(call->operations, &call->asker, call->service, call->operation,
                            call->request, &call->error);
}

static void fail_call(struct execution *execution, const struct call_errand *call)
{
    g_autofree char *reason =
        g_strdup_printf("ClientError: Failed to invoke %s:%s. Error Details: %s", call->service,
                        call->operation, call->error->message);
    step_call_failed(execution, call->step, call->error, reason);
}

/* What it started may have ended before it was awaited: it is looked at once. */
static void take_reply(struct execution *execution, struct execution_step *step,
                       const struct call_errand *call)
{
    step_keep_metadata(execution, step, call->reply);
    json_put(step->entry, "Describe",
             kind_describe_request(step->kind, call->request, call->reply));
    step_changed(execution, step);
    if (!kind_waits(step->kind) || !step->definition->wait) {
        step_settle(execution, step, "Succeeded", NULL);
    } else {
        step_await(execution, step);
        step_look(execution, step);
    }
}

static void call_is_back(void *state, void *data)
{
    struct execution *execution = state;
    const struct call_errand *call = data;
    struct execution_step *step = call->step;
    step->calling = false;
    if (!call->reply) {
        fail_call(execution, call);
    } else if (step->kind) {
        take_reply(execution, step, call);
    } else {
        json_object_set(step->entry, "Reply", call->reply);
        step_settle(execution, step, "Succeeded", NULL);
    }
}

static void send_call(struct execution *execution, struct execution_step *step)
{
    static const struct flow_errand errand = {
        .run = run_call, .back = call_is_back, .free = free_call};
    g_autoptr(json_auto) request = g_steal_pointer(&step->request);
    struct call_errand *call = new_call(execution, step, request);
    call->service = step->definition->service;
    call->operation = step->definition->operation;
    if (step->kind && g_strcmp0(step->kind->create, call->operation) == 0) {
        call->makes_parent = step->kind->step_makes_parent;
        call->parent = step->kind->parent;
    }
    step->calling = true;
    flow_send(execution->life, &errand, call);
}

void steps_call(struct execution *execution)
{
    while (!execution->stopping && !g_queue_is_empty(&execution->called) &&
           flow_may_send(execution->life)) {
        struct execution_step *step = g_queue_pop_head(&execution->called);
        if (step->request)
            send_call(execution, step);
    }
}

/* ---- stopping ---- */

void steps_stop(struct execution *execution)
{
    if (execution->stop_begun)
        return;
    execution->stop_begun = true;
    for (guint i = execution->running->len; i-- > 0;) { /* what is settled leaves the list */
        struct execution_step *step = g_ptr_array_index(execution->running, i);
        if (step->request)
            step_settle(execution, step, "Stopped", NULL);
        else if (step_is(step, "Executing"))
            step_stopping(execution, step);
    }
}

static void run_stop(void *data)
{
    struct call_errand *call = data;
    call->reply = flow_call(call->operations, &call->asker, call->service, call->operation,
                            call->request, &call->error);
    if (!call->reply) /* it has just ended: its end comes through the feed */
        g_debug("%s: %s", call->operation, call->error->message);
}

static void stop_is_back(void *state, void *data)
{
    (void)state;
    (void)data;
}

static void send_stop(struct execution *execution, struct execution_step *step)
{
    static const struct flow_errand errand = {
        .run = run_stop, .back = stop_is_back, .free = free_call, .is_brief = true};
    const json_t *describe = json_object_get(step->entry, "Describe");
    step->stopped = true;
    if (!step->kind || !step->kind->stop || !describe)
        return;
    struct call_errand *call = new_call(execution, step, describe);
    call->service = step->kind->service;
    call->operation = step->kind->stop;
    flow_send(execution->life, &errand, call);
}

void steps_send_stops(struct execution *execution)
{
    for (guint i = 0; i < execution->running->len; i++) {
        struct execution_step *step = g_ptr_array_index(execution->running, i);
        if (!step->calling && !step->stopped && step_is(step, "Stopping"))
            send_stop(execution, step);
    }
}
