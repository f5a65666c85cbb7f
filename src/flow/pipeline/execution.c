#include "flow/pipeline/execution.h"

#include <string.h>

#include "base/error.h"
#include "flow/pipeline/cache.h"
#include "flow/pipeline/pipeline.h"
#include "flow/pipeline/selection.h"
#include "store/entry.h"

#define LONGEST_REASON 1300
/* Steps that are begun in one turn: a stop is heard in between. */
#define MOST_BEGUN 100

char *pipeline_version_name(const char *pipeline, gint64 version)
{
    return g_strdup_printf("%s/%" G_GINT64_FORMAT, pipeline, version);
}

/* ---- reading ---- */

static void free_execution(void *state)
{
    struct execution *execution = state;
    for (guint i = 0; i < execution->definition->steps->len; i++) {
        json_decref(execution->steps[i].entry);
        json_decref(execution->steps[i].request);
        json_decref(execution->steps[i].description);
        g_array_unref(execution->steps[i].dependents);
    }
    g_free(execution->steps);
    g_sequence_free(execution->candidates);
    g_hash_table_unref(execution->awaiting);
    g_ptr_array_unref(execution->running);
    g_ptr_array_unref(execution->retried);
    g_ptr_array_unref(execution->changed);
    g_queue_clear(&execution->called);
    definition_free(execution->definition);
    resource_free(execution->resource);
    g_free(execution);
}

static struct definition *read_version(struct store *store, const struct service *const *services,
                                       const struct resource *execution, GError **error)
{
    g_autofree char *name = pipeline_version_name(
        execution->parent, json_integer_at(execution->body, "PipelineVersionId", 0));
    GError *cause = NULL;
    g_autoptr(resource_auto) version = resource_get(store, PIPELINE_VERSION, name, &cause);
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
    const json_t *selection = json_object_get(execution->resource->body, PIPELINE_SELECTION);
    execution->steps = g_new0(struct execution_step, count);
    for (guint i = 0; i < count; i++) {
        struct execution_step *step = &execution->steps[i];
        step->dependents = g_array_new(FALSE, FALSE, sizeof(unsigned));
        step->definition = g_ptr_array_index(execution->definition->steps, i);
        step->selected = selection_has(selection, step->definition->name);
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

static void attach(struct execution *execution, const struct entry *entry)
{
    int index = definition_find(execution->definition, json_text_at(entry->body, "StepName"));
    execution->entries = entry->number;
    if (index < 0)
        return;
    struct execution_step *step = &execution->steps[index];
    step->number = entry->number;
    step->entry = json_incref(entry->body);
    step_count(execution, step);
}

static bool read_entries(struct execution *execution, GError **error)
{
    struct entry_query query = {.kind = PIPELINE_EXECUTION, .owner = execution->resource->name};
    g_autoptr(GPtrArray) entries = entry_list(execution->store, &query, error);
    for (guint i = 0; entries && i < entries->len; i++)
        attach(execution, g_ptr_array_index(entries, i));
    return entries != NULL;
}

/* What failed or was stopped begins again; what succeeded is not done twice. */
static void retry(struct execution *execution)
{
    for (guint i = 0; i < execution->definition->steps->len; i++) {
        struct execution_step *step = &execution->steps[i];
        if (!step->entry || step_is(step, "Succeeded"))
            continue;
        step_begin_again(execution, step, NULL, 0);
        json_object_del(step->entry, "Interruptions");
    }
}

static void take_up(struct execution *execution)
{
    execution->retry_is_new = json_true_at(execution->resource->body, PIPELINE_RETRY);
    if (execution->retry_is_new)
        retry(execution);
    for (guint i = 0; i < execution->definition->steps->len; i++) {
        if (step_runs(&execution->steps[i]))
            step_take_up(execution, &execution->steps[i]);
        consider(execution, &execution->steps[i]);
    }
}

static void free_steps(void *steps)
{
    g_ptr_array_unref(steps);
}

static struct execution *new_execution(struct flow_life *life, struct resource *resource,
                                       struct definition *definition)
{
    const struct flow_context *context = flow_context(life);
    struct execution *execution = g_new0(struct execution, 1);
    *execution = (struct execution){
        .life = life,
        .store = context->store,
        .operations = context->operations,
        .clock = context->clock,
        .resource = resource,
        .definition = definition,
        .asker = call_kept(resource->body),
        .candidates = g_sequence_new(NULL),
        .awaiting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_steps),
        .running = g_ptr_array_new(),
        .retried = g_ptr_array_new(),
        .changed = g_ptr_array_new(),
    };
    g_queue_init(&execution->called);
    read_limits(execution, resource);
    make_steps(execution);
    return execution;
}

static const char *const statuses[] = {"Executing", "Stopping", NULL};

static void *load(struct flow_life *life, GError **error)
{
    const struct flow_context *context = flow_context(life);
    g_autoptr(resource_auto) resource =
        resource_get(context->store, PIPELINE_EXECUTION, flow_name(life), error);
    if (!resource || !g_strv_contains(statuses, resource->status))
        return NULL;
    struct definition *definition =
        read_version(context->store, operations_services(context->operations), resource, error);
    if (!definition)
        return NULL;
    struct execution *execution = new_execution(life, g_steal_pointer(&resource), definition);
    if (!read_entries(execution, error)) {
        free_execution(execution);
        return NULL;
    }
    take_up(execution);
    return execution;
}

/* ---- writing ---- */

/* Why the whole failed: the first step that did, of those that say why. */
static char *failure_reason(const struct execution *execution)
{
    const struct execution_step *first = NULL;
    for (guint i = 0; i < execution->definition->steps->len; i++) {
        const struct execution_step *step = &execution->steps[i];
        if (json_text_at(step->entry, "FailureReason") && (!first || step->number < first->number))
            first = step;
    }
    if (!first)
        return g_strdup("Step failure: One or multiple steps failed.");
    g_autofree char *whole =
        g_strdup_printf("Step failure: One or multiple steps failed: %s: %s",
                        first->definition->name, json_text_at(first->entry, "FailureReason"));
    return g_utf8_substring(g_strdelimit(whole, "\r\n", ' '), 0,
                            MIN(LONGEST_REASON, g_utf8_strlen(whole, -1)));
}

static bool write_back(struct resource *resource, void *data, GError **error)
{
    (void)error;
    struct execution *execution = data;
    read_limits(execution, resource);
    json_object_del(resource->body, PIPELINE_RETRY);
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

static bool write_entry(const struct execution *execution, struct store_connection *connection,
                        const struct execution_step *step, GError **error)
{
    const char *key = json_text_at(step->entry, "CacheKey");
    g_autofree char *word =
        key ? cache_word(execution->resource->parent, step->definition, key) : NULL;
    return entry_put(connection, PIPELINE_EXECUTION, execution->resource->name, step->number, word,
                     step->entry, error);
}

static bool write(struct store_connection *connection, void *data, GError **error)
{
    struct execution *execution = data;
    for (guint i = 0; i < execution->changed->len; i++)
        if (!write_entry(execution, connection, g_ptr_array_index(execution->changed, i), error))
            return false;
    return resource_update_within(connection, execution->store, PIPELINE_EXECUTION,
                                  execution->resource->name, write_back, execution, error);
}

/* On the way only the order counts: on the disk before what the operations called next leave
 * there. The end is on the disk when it is told. */
static bool commit(struct execution *execution, GError **error)
{
    if (!execution->changed->len && !execution->retry_is_new && !execution->final)
        return true;
    if (!(execution->final ? store_write_spare : store_write_ordered)(execution->store, write,
                                                                      execution, error))
        return false;
    for (guint i = 0; i < execution->changed->len; i++)
        ((struct execution_step *)g_ptr_array_index(execution->changed, i))->changed = false;
    g_ptr_array_set_size(execution->changed, 0);
    execution->retry_is_new = false;
    return true;
}

/* ---- the graph ---- */

/* A step that is needed has succeeded; a Condition that is not selected is not asked. */
static bool has_succeeded(const struct execution *execution, unsigned index)
{
    const struct execution_step *step = &execution->steps[index];
    return step_is(step, "Succeeded") ||
           (step->definition->type == STEP_CONDITION && !step->selected && !step->entry);
}

/* Whether a step's turn has come: it is selected, what it needs succeeded, its branch was taken,
 * its retry is due. What needs a step of a branch that was not taken never comes. */
static bool is_due(const struct execution *execution, const struct execution_step *step)
{
    const struct definition_step *definition = step->definition;
    if (!step->selected ||
        (step->entry && (!step_is(step, "Starting") ||
                         json_number_at(step->entry, "NotBefore", 0) > execution->looked)))
        return false;
    for (guint i = 0; i < definition->needs->len; i++)
        if (!has_succeeded(execution, g_array_index(definition->needs, unsigned, i)))
            return false;
    if (definition->parent < 0 || !execution->steps[definition->parent].selected)
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

/* Begins those that are due, of which some may be done at once and make others due. Whether there
 * may be more. */
static bool begin_due_steps(struct execution *execution)
{
    execution->looked = clock_wall(execution->clock);
    for (guint i = 0; i < execution->retried->len; i++)
        consider(execution, g_ptr_array_index(execution->retried, i));
    struct execution_step *step;
    int begun = 0;
    while (may_begin(execution) && begun < MOST_BEGUN && (step = take_candidate(execution))) {
        if (!is_due(execution, step))
            continue;
        step_begin(execution, step);
        begun++;
    }
    return begun == MOST_BEGUN && may_begin(execution);
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
    execution->final = execution->stopping ? "Stopped" : execution->failed ? "Failed" : "Succeeded";
}

static enum flow_turn advance(void *state, GError **error)
{
    struct execution *execution = state;
    bool more = begin_due_steps(execution);
    if (execution->stopping)
        steps_stop(execution);
    give_up_retries(execution);
    if (!more)
        end_if_done(execution);
    if (!commit(execution, error))
        return FLOW_FAILED;
    if (execution->final)
        return FLOW_ENDED;
    steps_call(execution);
    if (execution->stopping)
        steps_send_stops(execution);
    return more ? FLOW_GOES_ON : FLOW_WAITS;
}

/* ---- what happens outside ---- */

char *execution_await_key(const char *kind, const char *name)
{
    return g_strdup_printf("%s\n%s", kind, name);
}

/* One that was awaited by an earlier attempt is another's now. */
static bool is_of(const struct execution_step *step, const char *name)
{
    const json_t *describe = json_object_get(step->entry, "Describe");
    return step_runs(step) && describe && !step->request && !step->calling &&
           g_strcmp0(kind_name_in(step->kind, describe), name) == 0;
}

static void hear_of(struct execution *execution, const char *kind, const char *name)
{
    g_autofree char *key = execution_await_key(kind, name);
    const GPtrArray *steps = g_hash_table_lookup(execution->awaiting, key);
    for (guint i = 0; steps && i < steps->len; i++)
        if (is_of(g_ptr_array_index(steps, i), name))
            step_look(execution, g_ptr_array_index(steps, i));
}

static void heard(void *state, const char *kind, const char *name, const char *status)
{
    struct execution *execution = state;
    if (strcmp(kind, PIPELINE_EXECUTION) == 0 && strcmp(name, execution->resource->name) == 0)
        execution->stopping |= g_strcmp0(status, "Stopping") == 0;
    else
        hear_of(execution, kind, name);
}

/* A retry whose time had come when it was last looked for waits for another step's end. */
static double wakes_at(const void *state)
{
    const struct execution *execution = state;
    double earliest = 0;
    for (guint i = 0; i < execution->retried->len; i++) {
        const struct execution_step *step = g_ptr_array_index(execution->retried, i);
        double at = json_number_at(step->entry, "NotBefore", 0);
        if (at > execution->looked && (earliest == 0 || at < earliest))
            earliest = at;
    }
    return earliest;
}

const struct flow_driver pipeline_driver = {
    .kind = PIPELINE_EXECUTION,
    .statuses = statuses,
    .load = load,
    .heard = heard,
    .advance = advance,
    .wakes_at = wakes_at,
    .free = free_execution,
};
