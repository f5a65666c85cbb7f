/* One step of an execution: begun, looked at, settled. step_call.c calls it. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "flow/call.h"
#include "flow/pipeline/cache.h"
#include "flow/pipeline/condition.h"
#include "flow/pipeline/execution.h"
#include "flow/pipeline/pipeline.h"
#include "flow/pipeline/retry.h"
#include "operation/shape.h"

#define LONGEST_REASON 1024
#define LONGEST_JOB_NAME 63
#define RANDOM_CHARACTERS 10
/* A step that is cut off this often is likely to be what ends the server. */
#define MOST_INTERRUPTIONS 20

/* ---- statuses ---- */

const char *step_status(const struct execution_step *step)
{
    const char *status = json_text_at(step->entry, "StepStatus");
    return status ? status : "";
}

bool step_is(const struct execution_step *step, const char *status)
{
    return strcmp(step_status(step), status) == 0;
}

bool step_runs(const struct execution_step *step)
{
    return step_is(step, "Executing") || step_is(step, "Stopping");
}

void step_changed(struct execution *execution, struct execution_step *step)
{
    if (!step->changed)
        g_ptr_array_add(execution->changed, step);
    step->changed = true;
}

static void set_text(struct execution *execution, struct execution_step *step, const char *member,
                     const char *text)
{
    json_object_set_new(step->entry, member, json_string(text));
    step_changed(execution, step);
}

void step_count(struct execution *execution, struct execution_step *step)
{
    if (step_runs(step))
        g_ptr_array_add(execution->running, step);
    if (step_is(step, "Starting"))
        g_ptr_array_add(execution->retried, step);
    execution->failed += step_is(step, "Failed");
}

static void discount(struct execution *execution, struct execution_step *step)
{
    if (step_runs(step))
        g_ptr_array_remove_fast(execution->running, step);
    if (step_is(step, "Starting"))
        g_ptr_array_remove_fast(execution->retried, step);
    execution->failed -= step_is(step, "Failed");
}

static void set_status(struct execution *execution, struct execution_step *step, const char *status)
{
    discount(execution, step);
    set_text(execution, step, "StepStatus", status);
    step_count(execution, step);
    if (step_is(step, "Succeeded"))
        execution_consider_dependents(execution, step);
}

void step_stopping(struct execution *execution, struct execution_step *step)
{
    set_status(execution, step, "Stopping");
}

static void set_request(struct execution *execution, struct execution_step *step, json_t *request)
{
    if (!step->request)
        g_queue_push_tail(&execution->called, step);
    json_decref(step->request);
    step->request = request;
}

void step_settle(struct execution *execution, struct execution_step *step, const char *status,
                 const char *reason)
{
    set_status(execution, step, status);
    json_object_set_new(step->entry, "EndTime", json_real(clock_now()));
    g_clear_pointer(&step->request, json_decref);
    json_object_del(step->entry, "NotBefore");
    json_object_del(step->entry, "FailureReason");
    if (!reason)
        return;
    g_autofree char *kept =
        g_utf8_substring(reason, 0, MIN(LONGEST_REASON, g_utf8_strlen(reason, -1)));
    set_text(execution, step, "FailureReason", kept);
}

void step_begin_again(struct execution *execution, struct execution_step *step, const char *reason,
                      double not_before)
{
    static const char *const forgotten[] = {"JobName", "Describe", "Metadata"};
    step_settle(execution, step, "Starting", reason);
    for (size_t i = 0; i < G_N_ELEMENTS(forgotten); i++)
        json_object_del(step->entry, forgotten[i]);
    json_object_del(step->entry, "EndTime");
    json_object_set_new(step->entry, "NotBefore", json_real(not_before));
}

static void fail(struct execution *execution, struct execution_step *step, enum retry_cause cause,
                 const char *reason)
{
    double seconds, now = clock_wall(execution->clock);
    const json_t *policies = json_object_get(step->definition->json, "RetryPolicies");
    if (!execution->stopping &&
        retry_wanted(policies, cause, (int)json_integer_at(step->entry, "AttemptCount", 1),
                     json_number_at(step->entry, "StartTime", 0), now, &seconds))
        step_begin_again(execution, step, reason, now + seconds);
    else
        step_settle(execution, step, "Failed", reason);
}

void step_call_failed(struct execution *execution, struct execution_step *step, const GError *error,
                      const char *reason)
{
    fail(execution, step, retry_cause_of_error(error), reason);
}

/* ---- beginning ---- */

/* Of the request that the step makes; NULL: it has none of that name. */
static const struct shape_member *request_member(const struct definition_step *definition,
                                                 const char *name)
{
    const struct shape_service *shapes = shape_service_find(definition->service);
    const struct shape_operation *operation =
        shapes ? shape_operation_find(shapes, definition->operation) : NULL;
    return operation ? shape_member_find(operation->input, name) : NULL;
}

/* As long as a name of what the step makes may be. */
static size_t longest_name(const struct definition_step *definition)
{
    const struct shape_member *name = request_member(definition, definition->name_member);
    bool limited = name && (name->shape->flags & SHAPE_MAX);
    return limited ? MIN((size_t)name->shape->max, LONGEST_JOB_NAME) : LONGEST_JOB_NAME;
}

/* "pipelines-<execution>-<step>-<random>", within what a job's name may be; a name in the arguments
 * takes the place of the first word. */
static char *choose_name(const struct execution *execution, const struct execution_step *step)
{
    const char *given = json_text_at(step->definition->arguments, step->definition->name_member);
    g_autofree char *random = id_word(RANDOM_CHARACTERS);
    g_autofree char *head = g_strdup_printf("%s-%s-%s", given ? given : "pipelines",
                                            execution->resource->name, step->definition->name);
    size_t room = longest_name(step->definition) - RANDOM_CHARACTERS - 1;
    if (strlen(head) > room)
        head[room] = '\0';
    return g_strdup_printf("%s-%s", g_strdelimit(head, "_", '-'), random);
}

/* Parameters of any type may stand where only texts are allowed. */
static void make_texts(json_t *map)
{
    const char *name;
    void *next;
    json_t *value;
    json_object_foreach_safe(map, next, name, value)
    {
        char *text = json_is_string(value) ? NULL : expression_text(value);
        if (text)
            json_object_set_new(map, name, json_string(text));
        g_free(text);
    }
}

/* Marks what only the reply names as this step's, so that it is found again after a crash. AWS puts
 * the execution's ARN there. */
static char *mark_of(const struct execution *execution, const struct execution_step *step)
{
    return g_strdup_printf("%s/%s", execution->resource->arn, step->definition->name);
}

static void set_mark(const struct execution *execution, const struct execution_step *step,
                     json_t *request)
{
    g_autofree char *mark = mark_of(execution, step);
    json_t *properties = json_object_get(request, "MetadataProperties");
    if (!properties) {
        properties = json_object();
        json_object_set_new(request, "MetadataProperties", properties);
    }
    json_object_set_new(properties, "GeneratedBy", json_string(mark));
}

static bool has_tag(const json_t *tags, const char *key)
{
    size_t i;
    const json_t *tag;
    json_array_foreach((json_t *)tags, i, tag)
    {
        if (g_strcmp0(json_text_at(tag, "Key"), key) == 0)
            return true;
    }
    return false;
}

/* By these a job's execution is found from the job. */
static void tag_request(const struct execution *execution, const struct execution_step *step,
                        json_t *request)
{
    const char *const added[][2] = {
        {"sagemaker:pipeline-execution-arn", execution->resource->arn},
        {"sagemaker:pipeline-name", execution->resource->parent},
        {"sagemaker:pipeline-step-name", step->definition->name},
    };
    json_t *given = json_object_get(request, "Tags");
    json_t *tags = given ? json_copy(given) : json_array();
    for (size_t i = 0; i < G_N_ELEMENTS(added); i++)
        if (!has_tag(tags, added[i][0]))
            json_array_append_new(tags,
                                  json_pack("{ssss}", "Key", added[i][0], "Value", added[i][1]));
    json_object_set_new(request, "Tags", tags);
}

/* Jobs whose requests name no experiment belong to the execution's. */
static void set_experiment(const struct execution *execution, const struct execution_step *step,
                           json_t *request)
{
    json_t *config = json_object_get(execution->resource->body, PIPELINE_EXPERIMENT);
    if (config && !json_object_get(request, "ExperimentConfig") &&
        request_member(step->definition, "ExperimentConfig"))
        json_object_set(request, "ExperimentConfig", config);
}

/* The request that an Executing step is to call. */
static bool make_request(struct execution *execution, struct execution_step *step, GError **error)
{
    const struct definition_step *definition = step->definition;
    g_autoptr(json_auto) request = step_resolve(execution, step, definition->arguments, error);
    if (!request)
        return false;
    make_texts(json_object_get(request, "HyperParameters"));
    make_texts(json_object_get(request, "Environment"));
    make_texts(json_at(request, "TrainingJobDefinition.StaticHyperParameters"));
    make_texts(json_at(request, "TrainingJobDefinition.Environment"));
    if (definition->name_member)
        json_object_set(request, definition->name_member, json_object_get(step->entry, "JobName"));
    set_experiment(execution, step, request);
    g_autofree char *seed =
        g_strdup_printf("%s/%s/%" G_GINT64_FORMAT, execution->resource->arn, definition->name,
                        json_integer_at(step->entry, "AttemptCount", 1));
    flow_set_token(definition->service, definition->operation, request, seed);
    if (step->kind && step->kind->marked)
        set_mark(execution, step, request);
    if (step->kind && step->kind->going)
        tag_request(execution, step, request);
    if (step->kind && !step->kind->named_by_reply)
        json_put(step->entry, "Describe", kind_describe_request(step->kind, request, NULL));
    set_request(execution, step, g_steal_pointer(&request));
    return true;
}

static bool use_cache(struct execution *execution, struct execution_step *step, bool *hit,
                      GError **error)
{
    static const char *const taken[] = {"Metadata", "Describe", "Reply", "CacheHitResult", NULL};
    struct expression_scope scope = step_scope(execution, NULL);
    g_autofree char *key = cache_key(step->definition, &scope, error);
    if (!key)
        return false;
    set_text(execution, step, "CacheKey", key);
    GError *cause = NULL;
    g_autoptr(json_auto) earlier =
        cache_find(execution->store, execution->resource->parent, step->definition, key,
                   clock_wall(execution->clock), &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    *hit = earlier != NULL;
    if (earlier)
        json_copy_members(step->entry, earlier, taken);
    return true;
}

static bool begin_call(struct execution *execution, struct execution_step *step, GError **error)
{
    bool hit = false;
    if (step->definition->cached && !use_cache(execution, step, &hit, error))
        return false;
    if (hit) {
        step_settle(execution, step, "Succeeded", NULL);
        return true;
    }
    if (step->definition->name_member) {
        g_autofree char *name = choose_name(execution, step);
        set_text(execution, step, "JobName", name);
    }
    return make_request(execution, step, error);
}

static bool begin_condition(struct execution *execution, struct execution_step *step,
                            GError **error)
{
    g_autoptr(json_auto) variables = step_variables(execution, step);
    struct expression_scope scope = step_scope(execution, variables);
    bool holds;
    if (!condition_holds(json_object_get(step->definition->arguments, "Conditions"), &scope, &holds,
                         error))
        return false;
    json_object_set_new(step->entry, "Metadata",
                        json_pack("{s{ss}}", "Condition", "Outcome", holds ? "True" : "False"));
    step_settle(execution, step, "Succeeded", NULL);
    return true;
}

static bool begin_fail(struct execution *execution, struct execution_step *step, GError **error)
{
    const json_t *given = json_object_get(step->definition->arguments, "ErrorMessage");
    g_autoptr(json_auto) message = given ? step_resolve(execution, step, given, error) : NULL;
    if (given && !message)
        return false;
    g_autofree char *text = message ? expression_text(message) : g_strdup("");
    json_object_set_new(step->entry, "Metadata",
                        json_pack("{s{ss}}", "Fail", "ErrorMessage", text ? text : ""));
    step_settle(execution, step, "Failed", text && *text ? text : NULL);
    return true;
}

void step_begin(struct execution *execution, struct execution_step *step)
{
    if (!step->entry) {
        step->entry = json_pack("{sssfsi}", "StepName", step->definition->name, "StartTime",
                                clock_now(), "AttemptCount", 0);
        step->number = ++execution->entries;
    }
    gint64 attempts = json_integer_at(step->entry, "AttemptCount", 0);
    set_status(execution, step, "Executing");
    json_object_set_new(step->entry, "AttemptCount", json_integer(attempts + 1));
    json_object_del(step->entry, "FailureReason");
    json_object_del(step->entry, "NotBefore");
    g_clear_pointer(&step->description, json_decref);
    step->stopped = false;
    g_autoptr(GError) error = NULL;
    enum step_type type = step->definition->type;
    bool begun = type == STEP_CONDITION ? begin_condition(execution, step, &error)
                 : type == STEP_FAIL    ? begin_fail(execution, step, &error)
                                        : begin_call(execution, step, &error);
    if (!begun)
        step_settle(execution, step, "Failed", error->message);
}

/* ---- looking ---- */

void step_await(struct execution *execution, struct execution_step *step)
{
    const char *name = kind_name_in(step->kind, json_object_get(step->entry, "Describe"));
    g_autofree char *key = execution_await_key(step->kind->word, name);
    GPtrArray *steps = g_hash_table_lookup(execution->awaiting, key);
    if (!steps) {
        steps = g_ptr_array_new();
        g_hash_table_insert(execution->awaiting, g_strdup(key), steps);
    }
    if (!g_ptr_array_find(steps, step, NULL))
        g_ptr_array_add(steps, step);
    flow_await(execution->life, step->kind->word, name);
}

void step_keep_metadata(struct execution *execution, struct execution_step *step,
                        const json_t *answer)
{
    const char *arn = json_text_at(answer, step->kind->arn);
    if (!arn || !step->kind->step_metadata || json_object_get(step->entry, "Metadata"))
        return;
    json_object_set_new(step->entry, "Metadata",
                        json_pack("{s{ss}}", step->kind->step_metadata, "Arn", arn));
    step_changed(execution, step);
}

/* What an update asks for and the description shows once it took effect; NULL: no update. */
static const char *shown_by_update(const struct execution_step *step)
{
    const struct kind *kind = step->kind;
    bool updates = g_strcmp0(kind->update, step->definition->operation) == 0;
    return updates ? kind->update_shows : NULL;
}

/* The request is made again, since it is not kept. */
static bool took_effect(struct execution *execution, const struct execution_step *step,
                        const json_t *description)
{
    const char *shown = shown_by_update(step);
    if (!shown)
        return true;
    g_autoptr(json_auto) request = step_resolve(execution, step, step->definition->arguments, NULL);
    const char *asked = json_text_at(request, shown);
    return !asked || g_strcmp0(asked, json_text_at(description, shown)) == 0;
}

static enum kind_outcome outcome_of(const struct execution_step *step, const json_t *description)
{
    const char *status = step->kind->status;
    return kind_outcome(step->kind, status ? json_text_at(description, status) : NULL);
}

static const char *reason_of(const struct execution_step *step, const json_t *description)
{
    const char *member = step->kind->reason;
    const char *reason = member ? json_text_at(description, member) : NULL;
    return reason ? reason : "it failed without a reason";
}

static void settle_by(struct execution *execution, struct execution_step *step,
                      const json_t *description)
{
    enum kind_outcome outcome = outcome_of(step, description);
    if (outcome == KIND_GOOD && !took_effect(execution, step, description))
        outcome = KIND_BAD;
    const char *reason = reason_of(step, description);
    if (outcome == KIND_GOES_ON)
        return;
    step_keep_metadata(execution, step, description);
    if (outcome == KIND_GOOD) {
        if (!step->kind->step_lists)
            step->description = json_incref((json_t *)description);
        step_settle(execution, step, "Succeeded", NULL);
    } else if (outcome == KIND_BAD) {
        fail(execution, step, retry_cause_of_reason(reason), reason);
    } else if (execution->stopping) {
        step_settle(execution, step, "Stopped", NULL);
    } else { /* stopped from outside, or for taking too long */
        step_settle(execution, step, "Failed", "ClientError: what the step started was stopped");
    }
}

void step_look(struct execution *execution, struct execution_step *step)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_auto) description = step_describe(execution, step, &error);
    if (description)
        settle_by(execution, step, description);
    else
        step_settle(execution, step, "Failed", error->message);
}

/* ---- after a start ---- */

/* One that was to be stopped will not be called any more: it is Stopped with the next turn. */
static void call_again(struct execution *execution, struct execution_step *step)
{
    g_autoptr(GError) error = NULL;
    if (!make_request(execution, step, &error))
        step_settle(execution, step, "Failed", error->message);
}

static void begin_cut_off(struct execution *execution, struct execution_step *step,
                          const json_t *description)
{
    gint64 times = json_integer_at(step->entry, "Interruptions", 0) + 1;
    if (step_is(step, "Stopping")) {
        step_settle(execution, step, "Stopped", NULL);
    } else if (times > MOST_INTERRUPTIONS) {
        step_settle(execution, step, "Failed", reason_of(step, description));
    } else {
        step_begin_again(execution, step, NULL, 0);
        json_object_set_new(step->entry, "Interruptions", json_integer(times));
    }
}

/* Whether a description is of what this attempt made, not of something that was there before. */
static bool is_ours(const struct execution_step *step, const json_t *description)
{
    double began = json_number_at(step->entry, "StartTime", 0);
    return step->definition->name_member || shown_by_update(step) ||
           json_number_at(description, "CreationTime", began) >= began;
}

/* Looks among those listed for the one that this step made: if it is there, the call happened. */
static void find_marked(struct execution *execution, struct execution_step *step)
{
    const struct kind *kind = step->kind;
    g_autofree char *mark = mark_of(execution, step);
    g_autoptr(json_auto) arguments =
        step_resolve(execution, step, step->definition->arguments, NULL);
    g_autoptr(json_auto) request =
        json_pack("{ss*sf}", kind->parent, json_text_at(arguments, kind->parent),
                  "CreationTimeAfter", json_number_at(step->entry, "StartTime", 0) - 1);
    g_autoptr(json_auto) list = flow_call(execution->operations, &execution->asker, kind->service,
                                          kind->list, request, NULL);
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(list, kind->summaries), i, item)
    {
        g_autoptr(json_auto) describe_it = kind_describe_request(kind, NULL, item);
        g_autoptr(json_auto) told = flow_call(execution->operations, &execution->asker,
                                              kind->service, kind->describe, describe_it, NULL);
        if (g_strcmp0(json_text_at(told, "MetadataProperties.GeneratedBy"), mark) == 0)
            json_object_set(step->entry, "Describe", describe_it);
    }
}

/* Whether what it started failed only because lathe ended. */
static bool was_cut_off(const struct execution *execution, const struct execution_step *step)
{
    const char *name = kind_name_in(step->kind, json_object_get(step->entry, "Describe"));
    g_autoptr(resource_auto) found = resource_get(execution->store, step->kind->word, name, NULL);
    return found && json_true_at(found->body, KIND_CUT_OFF);
}

void step_take_up(struct execution *execution, struct execution_step *step)
{
    if (step->kind && step->kind->marked && !json_object_get(step->entry, "Describe"))
        find_marked(execution, step);
    if (!step->kind || !json_object_get(step->entry, "Describe")) {
        call_again(execution, step);
        return;
    }
    step_await(execution, step);
    g_autoptr(json_auto) description = step_describe(execution, step, NULL);
    if (!description || !is_ours(step, description))
        call_again(execution, step);
    else if (outcome_of(step, description) == KIND_BAD && was_cut_off(execution, step))
        begin_cut_off(execution, step, description);
    else if (outcome_of(step, description) == KIND_GOOD &&
             !took_effect(execution, step, description))
        call_again(execution, step);
    else
        settle_by(execution, step, description);
}
