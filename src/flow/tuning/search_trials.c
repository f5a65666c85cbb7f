/* A tuning job's trials: chosen, created, followed to their ends. */
#include <string.h>

#include "base/error.h"
#include "base/id.h"
#include "flow/call.h"
#include "flow/tuning/search.h"
#include "flow/tuning/trial.h"
#include "flow/tuning/tuning.h"
#include "operation/kind.h"

#define TRAINING_JOB "training-job"
#define NAME_DIGITS 8
#define STORE_RETRY_SECONDS 1
/* Attempts where the job's RetryStrategy says nothing, and attempts do not fail by the server's own
 * end, which is nobody's fault. */
#define MOST_ATTEMPTS 30

/* ---- beginning ---- */

static const struct tuning_definition *definition_of(const struct search *search,
                                                     const struct trial *trial)
{
    return &search->definitions->all[trial->definition];
}

void search_change(struct search *search, struct trial *trial)
{
    if (!trial->changed)
        g_ptr_array_add(search->changed, trial);
    trial->changed = true;
}

static json_t *first_entry(const struct search *search, const struct trial *trial)
{
    const struct tuning_definition *definition = definition_of(search, trial);
    g_autofree char *random = id_hex(NAME_DIGITS);
    json_t *entry = json_pack(
        "{sosssosisi}", "TrainingJobName",
        json_sprintf("%s-%03lld-%s", search->resource->name, (long long)trial->number, random),
        "TuningJobName", search->resource->name, "TunedHyperParameters",
        tuning_hyperparameters(definition, trial->values), "Definition", (int)trial->definition,
        "Bracket", (int)trial->bracket);
    if (definition->name)
        json_object_set_new(entry, "TrainingJobDefinitionName", json_string(definition->name));
    return entry;
}

/* Another attempt has all to do again; one that goes on has the checkpoints of what was paused. */
static void follow_earlier(struct trial *trial, struct trial *earlier)
{
    bool goes_on = json_object_get(earlier->entry, "Paused") != NULL;
    const char *checkpoints = json_text_at(earlier->entry, "Checkpoints");
    gint64 attempt = goes_on ? 1 : json_integer_at(earlier->entry, "Attempt", 1) + 1;
    json_object_set_new(trial->entry, "Attempt", json_integer(attempt));
    json_object_set_new(trial->entry, goes_on ? "GoesOnFrom" : "RetryOf",
                        json_integer(earlier->number));
    if (goes_on || checkpoints)
        json_object_set_new(trial->entry, "Checkpoints",
                            json_string(checkpoints ? checkpoints : earlier->job));
    earlier->promoted = goes_on;
}

static void add(struct search *search, struct trial *trial)
{
    trial->job = json_text_at(trial->entry, "TrainingJobName");
    trial->again = json_object_get(trial->entry, "RetryOf") != NULL ||
                   json_object_get(trial->entry, "GoesOnFrom") != NULL;
    g_ptr_array_add(search->trials, trial);
    g_hash_table_insert(search->by_job, (char *)trial->job, trial);
    search->used++;
}

struct trial *search_begin(struct search *search, guint definition, const double *values,
                           struct trial *earlier)
{
    struct trial *trial = g_new0(struct trial, 1);
    size_t count = search->definitions->all[definition].space.count;
    *trial = (struct trial){.number = search->trials->len + 1, .definition = definition};
    trial->bracket = earlier ? earlier->bracket : search_bracket(search);
    trial->values = g_memdup2(values, MAX(count, 1) * sizeof *values);
    trial->entry = first_entry(search, trial);
    if (earlier)
        follow_earlier(trial, earlier);
    search_change(search, trial);
    add(search, trial);
    g_ptr_array_add(search->running, trial);
    flow_await(search->life, TRAINING_JOB, trial->job);
    return trial;
}

/* ---- ends ---- */

static bool is_dropped(const struct trial *trial)
{
    return json_true_at(trial->entry, "Dropped");
}

/* Whether another attempt is due: else its failure is final. */
static bool may_retry(const struct search *search, const struct trial *trial)
{
    const json_t *definition = definition_of(search, trial)->json;
    gint64 attempts =
        json_integer_at(definition, "RetryStrategy.MaximumRetryAttempts", MOST_ATTEMPTS);
    return json_true_at(trial->entry, KIND_CUT_OFF) ||
           json_integer_at(trial->entry, "Attempt", 1) <= attempts;
}

static bool is_retryable(const struct trial *trial)
{
    return g_strcmp0(json_text_at(trial->entry, "Failure"), "Retryable") == 0;
}

/* What a settled trial counts for. */
static void count_settled(struct search *search, struct trial *trial)
{
    double value;
    if (is_dropped(trial)) {
        search->used--;
        return;
    }
    tally_add(search->resource->body, definition_of(search, trial), trial->entry);
    if (is_retryable(trial)) {
        search->used--;
        g_ptr_array_add(search->to_retry, trial);
    } else if (trial_objective(trial->entry, &value)) {
        search->succeeded++;
    } else {
        search->failed++;
    }
}

static void settle(struct search *search, struct trial *trial)
{
    if (is_retryable(trial) && !may_retry(search, trial))
        json_object_set_new(trial->entry, "Failure", json_string("Final"));
    g_ptr_array_remove_fast(search->running, trial);
    search->body_changed = true;
    count_settled(search, trial);
    search_change(search, trial);
}

bool search_look(struct search *search, struct trial *trial, GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) job = resource_get(search->store, TRAINING_JOB, trial->job, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    trial->heard = false;
    if (trial_is_settled(trial->entry) || (!job && !trial->created))
        return true;
    trial->created = true;
    if (job)
        trial_follow(trial->entry, definition_of(search, trial), job);
    else
        trial_fail(trial->entry, "ClientError: The training job was deleted.");
    if (trial_is_settled(trial->entry))
        settle(search, trial);
    return true;
}

/* ---- reading ---- */

static void forget_retried(struct search *search, gint64 number)
{
    for (guint i = 0; i < search->to_retry->len; i++) {
        const struct trial *trial = g_ptr_array_index(search->to_retry, i);
        if (trial->number == number)
            g_ptr_array_remove_index(search->to_retry, i--);
    }
}

void search_attach(struct search *search, gint64 number, json_t *entry)
{
    struct trial *trial = g_new0(struct trial, 1);
    *trial = (struct trial){.number = number,
                            .definition = (guint)json_integer_at(entry, "Definition", 0),
                            .bracket = (guint)json_integer_at(entry, "Bracket", 0),
                            .entry = json_incref(entry)};
    const struct tuning_definition *definition = definition_of(search, trial);
    trial->values = g_new0(double, MAX(definition->space.count, 1));
    tuning_values(definition, json_object_get(entry, "TunedHyperParameters"), trial->values);
    add(search, trial);
    forget_retried(search, json_integer_at(entry, "RetryOf", 0));
    gint64 paused = json_integer_at(entry, "GoesOnFrom", 0);
    if (paused > 0 && paused < number)
        ((struct trial *)g_ptr_array_index(search->trials, paused - 1))->promoted = true;
    if (trial_is_settled(entry) || is_dropped(trial)) {
        count_settled(search, trial);
    } else {
        g_ptr_array_add(search->running, trial);
        flow_await(search->life, TRAINING_JOB, trial->job);
        trial->heard = true;
    }
}

/* ---- creating ---- */

/* A call on behalf of a trial, which stays in place until it is back. */
struct trial_call {
    const struct operations *operations;
    struct trial *trial;
    const char *operation;
    struct call_context asker;
    json_t *request, *reply;
    GError *error;
};

static void run_call(void *data)
{
    struct trial_call *call = data;
    call->reply = flow_call(call->operations, &call->asker, "sagemaker", call->operation,
                            call->request, &call->error);
}

static void free_call(void *data)
{
    struct trial_call *call = data;
    flow_asker_clear(&call->asker);
    json_decref(call->request);
    json_decref(call->reply);
    g_clear_error(&call->error);
    g_free(call);
}

/* request is taken; no other thread knows it. */
static struct trial_call *new_call(const struct search *search, struct trial *trial,
                                   const char *operation, json_t *request)
{
    struct trial_call *call = g_new0(struct trial_call, 1);
    *call = (struct trial_call){.operations = search->operations,
                                .trial = trial,
                                .operation = operation,
                                .asker = flow_asker_copy(&search->asker),
                                .request = request};
    return call;
}

/* "arn:...:training-job/NAME" where none was created. */
static char *arn_without_job(const struct search *search, const struct trial *trial)
{
    const char *arn = search->resource->arn;
    const char *word = strstr(arn, TUNING_JOB);
    return g_strdup_printf("%.*s" TRAINING_JOB "/%s", (int)(word - arn), arn, trial->job);
}

static void fail_creation(struct search *search, struct trial *trial, const GError *cause)
{
    g_autofree char *arn = arn_without_job(search, trial);
    g_autofree char *reason =
        g_strdup_printf("ClientError: The training job could not be created: %s", cause->message);
    json_object_set_new(trial->entry, "TrainingJobArn", json_string(arn));
    json_object_set_new(trial->entry, "CreationTime", json_real(clock_now()));
    trial_fail(trial->entry, reason);
    settle(search, trial);
}

/* A store that takes no changes (a full disk) may take them later. */
static void created(void *state, void *data)
{
    struct search *search = state;
    const struct trial_call *call = data;
    struct trial *trial = call->trial;
    trial->calling = false;
    if (call->reply)
        trial->created = true;
    else if (g_error_matches(call->error, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE))
        trial->not_before = clock_wall(search->clock) + STORE_RETRY_SECONDS;
    else
        fail_creation(search, trial, call->error);
}

static bool send_creation(struct search *search, struct trial *trial)
{
    static const struct flow_errand errand = {.run = run_call, .back = created, .free = free_call};
    g_autoptr(json_auto) tags = resource_tags(search->store, search->resource->arn, NULL);
    g_autoptr(json_auto) request =
        tuning_training_request(definition_of(search, trial), trial->job,
                                json_object_get(trial->entry, "TunedHyperParameters"), tags);
    const char *checkpoints = json_text_at(trial->entry, "Checkpoints");
    if (checkpoints)
        tuning_give_checkpoints(request, definition_of(search, trial), checkpoints);
    trial->calling = true;
    trial->not_before = 0;
    flow_send(search->life, &errand,
              new_call(search, trial, "CreateTrainingJob", json_deep_copy(request)));
    return true;
}

static bool may_create(const struct search *search, const struct trial *trial)
{
    return !trial->created && !trial->calling && !trial->changed &&
           trial->not_before <= clock_wall(search->clock);
}

void search_create(struct search *search)
{
    for (guint i = 0; i < search->running->len && flow_may_send(search->life); i++) {
        struct trial *trial = g_ptr_array_index(search->running, i);
        if (may_create(search, trial))
            send_creation(search, trial);
    }
}

double search_retries_at(const struct search *search)
{
    double earliest = 0;
    for (guint i = 0; i < search->running->len; i++) {
        const struct trial *trial = g_ptr_array_index(search->running, i);
        if (trial->not_before > 0 && (earliest == 0 || trial->not_before < earliest))
            earliest = trial->not_before;
    }
    return earliest;
}

/* ---- stopping ---- */

void search_drop(struct search *search)
{
    for (guint i = search->running->len; i-- > 0;) {
        struct trial *trial = g_ptr_array_index(search->running, i);
        if (trial->created || trial->calling || trial->heard)
            continue;
        json_object_set_new(trial->entry, "Dropped", json_true());
        settle(search, trial);
    }
}

static void stop_is_back(void *state, void *data)
{
    (void)state;
    (void)data; /* where it has just ended, its end comes through the feed */
}

void search_send_stops(struct search *search, bool all)
{
    static const struct flow_errand errand = {
        .run = run_call, .back = stop_is_back, .free = free_call, .is_brief = true};
    for (guint i = 0; i < search->running->len; i++) {
        struct trial *trial = g_ptr_array_index(search->running, i);
        if (!trial->created || trial->stopping || !(all || trial->to_stop))
            continue;
        trial->stopping = true;
        flow_send(search->life, &errand,
                  new_call(search, trial, "StopTrainingJob",
                           json_pack("{ss}", "TrainingJobName", trial->job)));
    }
}
