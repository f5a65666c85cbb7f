#include "flow/tuning/search.h"

#include <string.h>

#include "base/error.h"
#include "flow/tuning/trial.h"
#include "flow/tuning/tuning.h"
#include "operation/kind.h"
#include "store/entry.h"

#define TRAINING_JOB "training-job"
/* After so many failures and no success AWS gives up. */
#define HOPELESS 5
/* Of Hyperband, where nothing says how many. */
#define MOST_EPOCHS 81

/* ---- reading ---- */

static void free_trial(void *data)
{
    struct trial *trial = data;
    g_free(trial->values);
    if (trial->curve)
        g_array_unref(trial->curve);
    json_decref(trial->entry);
    g_free(trial);
}

static void free_search(void *state)
{
    struct search *search = state;
    search_close(search);
    g_ptr_array_unref(search->trials);
    g_ptr_array_unref(search->running);
    g_ptr_array_unref(search->to_retry);
    g_ptr_array_unref(search->changed);
    if (search->parents)
        g_ptr_array_unref(search->parents);
    g_hash_table_unref(search->by_job);
    tuning_definitions_free(search->definitions);
    resource_free(search->resource);
    g_free(search->reason);
    g_free(search);
}

/* Hyperband counts in reports of the objective; how many there may be, a job may leave to what its
 * definition trains. */
static void read_epochs(struct search *search)
{
    static const char *const names[] = {"num_round", "epochs", "n_estimators"};
    const json_t *config = json_object_get(search->resource->body, "HyperParameterTuningJobConfig");
    const json_t *limits = json_at(config, "StrategyConfig.HyperbandStrategyConfig");
    const char *early = json_text_at(config, "TrainingJobEarlyStoppingType");
    search->stops_early = g_strcmp0(early, "Auto") == 0;
    if (strcmp(json_text_at(config, "Strategy"), "Hyperband") != 0)
        return;
    gint64 most = 0;
    const json_t *fixed =
        json_object_get(search->definitions->all[0].json, "StaticHyperParameters");
    for (size_t i = 0; i < G_N_ELEMENTS(names) && most <= 0; i++) {
        const char *text = json_string_value(json_object_get(fixed, names[i]));
        most = text ? g_ascii_strtoll(text, NULL, 10) : 0;
    }
    search->least_epochs = json_integer_at(limits, "MinResource", 1);
    search->most_epochs = json_integer_at(limits, "MaxResource", most > 0 ? most : MOST_EPOCHS);
}

static void read_limits(struct search *search)
{
    const json_t *body = search->resource->body;
    const json_t *limits = json_at(body, "HyperParameterTuningJobConfig.ResourceLimits");
    gint64 seconds = json_integer_at(limits, "MaxRuntimeInSeconds", 0);
    search->most = json_integer_at(limits, "MaxNumberOfTrainingJobs", 0);
    search->parallel = json_integer_at(limits, "MaxParallelTrainingJobs", 1);
    search->deadline = seconds ? search->resource->created + (double)seconds : 0;
    search->asker = call_kept(body);
    search->seed = (uint64_t)json_integer_at(body, "Seed", 0);
    search->stop_asked = strcmp(search->resource->status, "Stopping") == 0;
}

/* What is counted is counted from its trials. */
static bool read_trials(struct search *search, GError **error)
{
    struct entry_query query = {.kind = TUNING_JOB, .owner = search->resource->name};
    g_autoptr(GPtrArray) entries = entry_list(search->store, &query, error);
    tally_clear(search->resource->body);
    json_object_del(search->resource->body, "BestTrainingJob");
    for (guint i = 0; entries && i < entries->len; i++) {
        const struct entry *entry = g_ptr_array_index(entries, i);
        search_attach(search, entry->number, entry->body);
    }
    return entries != NULL;
}

static struct search *new_search(struct flow_life *life, struct resource *resource)
{
    const struct flow_context *context = flow_context(life);
    struct search *search = g_new0(struct search, 1);
    *search = (struct search){
        .life = life,
        .store = context->store,
        .operations = context->operations,
        .clock = context->clock,
        .resource = resource,
        .trials = g_ptr_array_new_with_free_func(free_trial),
        .by_job = g_hash_table_new(g_str_hash, g_str_equal),
        .running = g_ptr_array_new(),
        .to_retry = g_ptr_array_new(),
        .changed = g_ptr_array_new(),
    };
    read_limits(search);
    return search;
}

static const char *const statuses[] = {"InProgress", "Stopping", NULL};

static void *load(struct flow_life *life, GError **error)
{
    const struct flow_context *context = flow_context(life);
    g_autoptr(resource_auto) resource =
        resource_get(context->store, TUNING_JOB, flow_name(life), error);
    if (!resource || !g_strv_contains(statuses, resource->status))
        return NULL;
    struct search *search = new_search(life, g_steal_pointer(&resource));
    search->definitions = tuning_definitions_read(search->resource->body, error);
    if (!search->definitions || !search_read_parents(search, error)) {
        free_search(search);
        return NULL;
    }
    read_epochs(search);
    if (!read_trials(search, error)) {
        free_search(search);
        return NULL;
    }
    search->body_changed =
        search->trials->len > 0; /* what its end would have led to is due still */
    return search;
}

/* ---- writing ---- */

static json_t *numbers_of(const GPtrArray *trials)
{
    json_t *numbers = json_array();
    for (guint i = 0; i < trials->len; i++) {
        const struct trial *trial = g_ptr_array_index(trials, i);
        json_array_append_new(numbers, json_integer(trial->number));
    }
    return numbers;
}

static void write_end(const struct search *search, struct resource *resource)
{
    double now = clock_wall(search->clock);
    json_object_set_new(resource->body, "HyperParameterTuningEndTime", json_real(now));
    json_object_set_new(
        resource->body, "ConsumedResources",
        json_pack("{sI}", "RuntimeInSeconds", (json_int_t)(now - resource->created + 0.999)));
    if (search->reason)
        json_object_set_new(resource->body, "FailureReason", json_string(search->reason));
    g_free(resource->status);
    resource->status = g_strdup(search->final);
}

static bool write_back(struct resource *resource, void *data, GError **error)
{
    (void)error;
    static const char *const members[] = {
        "TrainingJobStatusCounters", "ObjectiveStatusCounters",    "BestTrainingJob",
        "OverallBestTrainingJob",    "TuningJobCompletionDetails", NULL};
    const struct search *search = data;
    g_autoptr(json_auto) counted = json_deep_copy(search->resource->body);
    for (guint i = 0; i < search->running->len; i++) {
        const struct trial *trial = g_ptr_array_index(search->running, i);
        tally_add(counted, &search->definitions->all[trial->definition], trial->entry);
    }
    json_copy_members(resource->body, counted, members);
    json_object_set_new(resource->body, TUNING_UNDER_WAY, numbers_of(search->running));
    if (search->ended)
        write_end(search, resource);
    return true;
}

static bool write_trials(struct store_connection *connection, const struct search *search,
                         GError **error)
{
    for (guint i = 0; i < search->changed->len; i++) {
        const struct trial *trial = g_ptr_array_index(search->changed, i);
        if (!entry_put(connection, TUNING_JOB, search->resource->name, trial->number, trial->job,
                       trial->entry, error))
            return false;
    }
    return true;
}

static bool write_all(struct store_connection *connection, void *data, GError **error)
{
    struct search *search = data;
    return write_trials(connection, search, error) &&
           resource_update_within(connection, search->store, TUNING_JOB, search->resource->name,
                                  write_back, search, error);
}

/* On the way only the order counts: on the disk before what the operations called next leave there.
 * The end is on the disk when it is told. */
static bool commit(struct search *search, GError **error)
{
    if (!search->changed->len && !search->body_changed && !search->ended)
        return true;
    if (!(search->ended ? store_write_spare : store_write_ordered)(search->store, write_all, search,
                                                                   error))
        return false;
    for (guint i = 0; i < search->changed->len; i++)
        ((struct trial *)g_ptr_array_index(search->changed, i))->changed = false;
    g_ptr_array_set_size(search->changed, 0);
    search->body_changed = false;
    return true;
}

/* ---- how it goes on ---- */

static void end_with(struct search *search, enum search_phase phase, const char *final)
{
    if (search->final)
        return;
    search->phase = phase;
    search->final = final;
}

/* AWS's own sentence. */
static void give_up(struct search *search)
{
    search->reason = g_strdup_printf("No training job succeeded after %u attempts. For additional "
                                     "details, please take a look at the training job failures by "
                                     "listing training jobs for the hyperparameter tuning job.",
                                     search->failed);
    end_with(search, SEARCH_STOPS, "Failed");
}

static void decide(struct search *search)
{
    if (search->stop_asked)
        end_with(search, SEARCH_STOPS, "Stopped");
    if (!search->final && !search->succeeded && search->failed >= HOPELESS)
        give_up(search);
    if (search->body_changed && search_is_complete(search))
        end_with(search, SEARCH_STOPS, "Completed");
    if (search->deadline > 0 && clock_wall(search->clock) >= search->deadline)
        end_with(search, SEARCH_STOPS, "Completed");
}

static void end_if_done(struct search *search)
{
    if (search->running->len || search->asking || search->phase == SEARCH_GOES_ON)
        return;
    if (strcmp(search->final, "Completed") == 0 && !search->succeeded && search->failed) {
        search->final = NULL;
        give_up(search);
    }
    search->ended = true;
}

static bool look_at_heard(struct search *search, GError **error)
{
    for (guint i = search->running->len; i-- > 0;) {
        struct trial *trial = g_ptr_array_index(search->running, i);
        if (trial->heard && !search_look(search, trial, error))
            return false;
    }
    return true;
}

/* What is asked for happens once it is in the store. */
static void ask(struct search *search)
{
    if (search->phase == SEARCH_GOES_ON)
        search_create(search);
    search_send_stops(search, search->phase != SEARCH_GOES_ON);
}

static enum flow_turn advance(void *state, GError **error)
{
    struct search *search = state;
    if (!look_at_heard(search, error) || !search_judge(search, error))
        return FLOW_FAILED;
    decide(search);
    if (search->phase == SEARCH_STOPS) {
        search_drop(search);
        search_stop_asking(search);
    }
    if (search->phase == SEARCH_GOES_ON && search_choose(search) && !search->running->len)
        end_with(search, SEARCH_STOPS, "Completed");
    end_if_done(search);
    if (!commit(search, error))
        return FLOW_FAILED;
    if (search->ended)
        return FLOW_ENDED;
    ask(search);
    return FLOW_WAITS;
}

/* ---- what happens outside ---- */

static bool is_at_its_end(const struct search *search, const char *status)
{
    const struct kind *kind = kind_of_word(operations_services(search->operations), TRAINING_JOB);
    return !status || kind_outcome(kind, status) != KIND_GOES_ON;
}

static void heard(void *state, const char *kind, const char *name, const char *status)
{
    struct search *search = state;
    if (strcmp(kind, TUNING_JOB) == 0) {
        search->stop_asked |= g_strcmp0(status, "Stopping") == 0;
        return;
    }
    struct trial *trial = g_hash_table_lookup(search->by_job, name);
    if (!trial)
        return;
    trial->created = true;
    trial->heard |= is_at_its_end(search, status);
    trial->reported = true;
}

static double wakes_at(const void *state)
{
    const struct search *search = state;
    double retry = search_retries_at(search);
    if (search->final || search->deadline == 0)
        return retry;
    return retry > 0 ? MIN(retry, search->deadline) : search->deadline;
}

const struct flow_driver tuning_driver = {
    .kind = TUNING_JOB,
    .statuses = statuses,
    .load = load,
    .heard = heard,
    .advance = advance,
    .wakes_at = wakes_at,
    .free = free_search,
};
