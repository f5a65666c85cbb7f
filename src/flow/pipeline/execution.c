#include "flow/pipeline/execution.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "flow/flows.h"

#define LONGEST_REASON 1300

char *flow_version_name(const char *pipeline, gint64 version)
{
    return g_strdup_printf("%s/%" G_GINT64_FORMAT, pipeline, version);
}

/* --- reading -------------------------------------------------------------------------------------
 */

void execution_free(struct execution *execution)
{
    if (!execution)
        return;
    for (guint i = 0; i < execution->definition->steps->len; i++) {
        json_decref(execution->steps[i].request);
        json_decref(execution->steps[i].description);
        g_array_unref(execution->steps[i].dependents);
    }
    g_free(execution->steps);
    g_sequence_free(execution->candidates);
    g_ptr_array_unref(execution->running);
    g_ptr_array_unref(execution->called);
    g_ptr_array_unref(execution->retried);
    definition_free(execution->definition);
    json_decref(execution->entries);
    resource_free(execution->resource);
    g_free(execution);
}

static struct definition *read_version(struct store *store, const struct service *const *services,
                                       const struct resource *execution, GError **error)
{
    g_autofree char *name = flow_version_name(
        execution->parent, json_integer_at(execution->body, "PipelineVersionId", 0));
    GError *cause = NULL;
    g_autoptr(resource_auto) version = resource_get(store, FLOW_VERSION, name, &cause);
    if (version)
        return definition_parse(json_text_at(version->body, "PipelineDefinition"), services, error);
    if (cause)
        g_propagate_error(error, cause);
    else
        error_set(error, ERROR_INTERNAL, "the pipeline has no version %s", name);
    return NULL;
}

static void read_limits(struct execution *execution, const struct resource *resource)
{
    execution->stopping = strcmp(resource->status, "Stopping") == 0;
    execution->parallel =
        json_integer_at(resource->body, "ParallelismConfiguration.MaxParallelExecutionSteps", 0);
}

static int by_place(const void *a, const void *b, void *data)
{
    (void)data;
    return (a > b) - (a < b); /* the steps stand in one array */
}

static void consider(struct execution *execution, struct execution_step *step)
{
    if (step->considered)
        return;
    step->considered = true;
    g_sequence_insert_sorted(execution->candidates, step, by_place, NULL);
}

void execution_consider_dependents(struct execution *execution, const struct execution_step *step)
{
    for (guint i = 0; i < step->dependents->len; i++)
        consider(execution, &execution->steps[g_array_index(step->dependents, unsigned, i)]);
}

static void make_steps(struct execution *execution)
{
    guint count = execution->definition->steps->len;
    execution->steps = g_new0(struct execution_step, count);
    for (guint i = 0; i < count; i++) {
        struct execution_step *step = &execution->steps[i];
        step->dependents = g_array_new(FALSE, FALSE, sizeof(unsigned));
        step->definition = g_ptr_array_index(execution->definition->steps, i);
        if (step->definition->type == STEP_CALL)
            step->kind = kind_begun_by(operations_services(execution->operations),
                                       step->definition->service, step->definition->operation);
    }
    for (guint i = 0; i < count; i++) {
        const GArray *needs = execution->steps[i].definition->needs;
        for (guint n = 0; n < needs->len; n++)
            g_array_append_val(execution->steps[g_array_index(needs, unsigned, n)].dependents, i);
    }
}

static void attach_entries(struct execution *execution)
{
    size_t i;
    json_t *entry;
    json_array_foreach(execution->entries, i, entry)
    {
        int index = definition_find(execution->definition, json_text_at(entry, "StepName"));
        if (index < 0)
            continue;
        execution->steps[index].entry = entry;
        step_count(execution, &execution->steps[index]);
    }
}

struct execution *execution_load(struct store *store, const struct operations *operations,
                                 const char *id, GError **error)
{
    g_autoptr(resource_auto) resource = resource_get(store, FLOW_EXECUTION, id, error);
    if (!resource ||
        (strcmp(resource->status, "Executing") != 0 && strcmp(resource->status, "Stopping") != 0))
        return NULL;
    struct definition *definition =
        read_version(store, operations_services(operations), resource, error);
    if (!definition)
        return NULL;
    struct execution *execution = g_new0(struct execution, 1);
    json_t *entries = json_object_get(resource->body, "Steps");
    *execution = (struct execution){
        .store = store,
        .operations = operations,
        .definition = definition,
        .entries = entries ? json_incref(entries) : json_array(),
        .region = json_text_at(resource->body, "Region"),
        .candidates = g_sequence_new(NULL),
        .running = g_ptr_array_new(),
        .called = g_ptr_array_new(),
        .retried = g_ptr_array_new(),
    };
    read_limits(execution, resource);
    execution->resource = g_steal_pointer(&resource);
    make_steps(execution);
    attach_entries(execution);
    for (guint i = 0; i < definition->steps->len; i++) {
        if (step_runs(&execution->steps[i]))
            step_take_up(execution, &execution->steps[i]);
        consider(execution, &execution->steps[i]);
    }
    return execution;
}

/* --- writing -------------------------------------------------------------------------------------
 */

/* Why the whole failed: its first failed step. */
static char *failure_reason(const struct execution *execution)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(execution->entries, i, entry)
    {
        const char *reason = json_text_at(entry, "FailureReason");
        if (!reason)
            continue;
        g_autofree char *whole =
            g_strdup_printf("Step failure: One or multiple steps failed: %s: %s",
                            json_text_at(entry, "StepName"), reason);
        return g_utf8_substring(g_strdelimit(whole, "\r\n", ' '), 0,
                                MIN(LONGEST_REASON, g_utf8_strlen(whole, -1)));
    }
    return NULL;
}

static bool write_back(struct resource *resource, void *data, GError **error)
{
    (void)error;
    struct execution *execution = data;
    read_limits(execution, resource);
    json_object_set(resource->body, "Steps", execution->entries);
    json_object_del(resource->body, "FailureReason");
    if (!execution->final)
        return true;
    g_free(resource->status);
    resource->status = g_strdup(execution->final);
    g_autofree char *reason =
        strcmp(execution->final, "Failed") == 0 ? failure_reason(execution) : NULL;
    if (reason)
        json_object_set_new(resource->body, "FailureReason", json_string(reason));
    return true;
}

/* On the way only the order counts: on the disk before what the operations called next leave
 * there. The end is on the disk when it is told. */
static bool commit(struct execution *execution, GError **error)
{
    const char *id = execution->resource->name;
    if (!execution->changed)
        return true;
    bool written = execution->final ? resource_update(execution->store, FLOW_EXECUTION, id,
                                                      write_back, execution, NULL, error)
                                    : resource_update_ordered(execution->store, FLOW_EXECUTION, id,
                                                              write_back, execution, error);
    execution->changed = execution->changed && !written;
    return written;
}

/* --- the graph -----------------------------------------------------------------------------------
 */

/* Whether a step's turn has come: what it needs succeeded, its branch was taken, its retry is due.
 * What needs a step of a branch that was not taken never comes. */
static bool is_due(const struct execution *execution, const struct execution_step *step)
{
    const struct definition_step *definition = step->definition;
    if (step->entry &&
        (!step_is(step, "Starting") || json_number_at(step->entry, "NotBefore", 0) > clock_now()))
        return false;
    for (guint i = 0; i < definition->needs->len; i++)
        if (!step_is(&execution->steps[g_array_index(definition->needs, unsigned, i)], "Succeeded"))
            return false;
    if (definition->parent < 0)
        return true;
    const json_t *condition = execution->steps[definition->parent].entry;
    bool taken = g_strcmp0(json_text_at(condition, "Metadata.Condition.Outcome"), "True") == 0;
    return taken == definition->if_branch;
}

static struct execution_step *take_candidate(struct execution *execution)
{
    GSequenceIter *first = g_sequence_get_begin_iter(execution->candidates);
    if (g_sequence_iter_is_end(first))
        return NULL;
    struct execution_step *step = g_sequence_get(first);
    g_sequence_remove(first);
    step->considered = false;
    return step;
}

static bool may_begin(const struct execution *execution)
{
    return !execution->failed && !execution->stopping &&
           (!execution->parallel || (gint64)execution->running->len < execution->parallel);
}

/* Begins all that are due; those that are done at once may make others due. */
static void begin_due_steps(struct execution *execution)
{
    for (guint i = 0; i < execution->retried->len; i++)
        consider(execution, g_ptr_array_index(execution->retried, i));
    struct execution_step *step;
    while (may_begin(execution) && (step = take_candidate(execution)))
        if (is_due(execution, step))
            step_begin(execution, step);
}

static bool call_begun_steps(struct execution *execution)
{
    bool called = false;
    for (guint i = 0; i < execution->called->len; i++) {
        struct execution_step *step = g_ptr_array_index(execution->called, i);
        if (!step->request)
            continue;
        step_call(execution, step);
        called = true;
    }
    g_ptr_array_set_size(execution->called, 0);
    return called;
}

/* Where nothing more is begun, retries are not waited for. */
static void give_up_retries(struct execution *execution)
{
    const char *status = execution->failed && !execution->stopping ? "Failed" : "Stopped";
    while ((execution->failed || execution->stopping) && execution->retried->len) {
        struct execution_step *step = g_ptr_array_index(execution->retried, 0);
        g_autofree char *reason = g_strdup(json_text_at(step->entry, "FailureReason"));
        step_settle(execution, step, status, reason);
    }
}

static void end_if_done(struct execution *execution)
{
    if (execution->running->len || execution->retried->len)
        return;
    execution->changed = true;
    execution->final = execution->stopping ? "Stopped" : execution->failed ? "Failed" : "Succeeded";
}

static void stop_running_steps(struct execution *execution)
{
    for (guint i = 0; i < execution->definition->steps->len; i++)
        if (step_is(&execution->steps[i], "Executing"))
            step_stop(execution, &execution->steps[i]);
}

bool execution_advance(struct execution *execution, GError **error)
{
    execution->goes_on = false;
    begin_due_steps(execution);
    give_up_retries(execution);
    end_if_done(execution);
    if (!commit(execution, error))
        return false;
    if (execution->final)
        return true;
    execution->goes_on = call_begun_steps(execution);
    if (execution->goes_on || !execution->stopping)
        return true;
    stop_running_steps(execution);
    return commit(execution, error);
}

/* --- what happens outside ------------------------------------------------------------------------
 */

void execution_heard(struct execution *execution, const char *kind, const char *name)
{
    for (guint i = execution->running->len; i-- > 0;) { /* what is settled leaves the list */
        struct execution_step *step = g_ptr_array_index(execution->running, i);
        const json_t *describe = json_object_get(step->entry, "Describe");
        if (step->kind && describe && !step->request && strcmp(step->kind->word, kind) == 0 &&
            strcmp(kind_name_in(step->kind, describe), name) == 0)
            step_look(execution, step);
    }
}

double execution_wakes_at(const struct execution *execution)
{
    double earliest = 0;
    for (guint i = 0; i < execution->retried->len; i++) {
        const struct execution_step *step = g_ptr_array_index(execution->retried, i);
        double at = json_number_at(step->entry, "NotBefore", 0);
        if (at > 0 && (earliest == 0 || at < earliest))
            earliest = at;
    }
    return earliest;
}
