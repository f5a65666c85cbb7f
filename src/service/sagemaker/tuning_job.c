/* Hyperparameter tuning jobs: CreateHyperParameterTuningJob and its family. Their driver
 * (flow/tuning/) runs them; here they are checked, created, told and asked to stop. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/page.h"
#include "flow/tuning/definition.h"
#include "flow/tuning/trial.h"
#include "flow/tuning/tuning.h"
#include "runtime/runtime.h"
#include "service/sagemaker/sagemaker.h"
#include "service/sagemaker/training.h"
#include "service/sagemaker/tuning_open.h"
#include "store/entry.h"
#include "tune/study.h"

#define TRAINING_JOB "training-job"

static const char *strategy_of(const json_t *request)
{
    return json_text_at(request, "HyperParameterTuningJobConfig.Strategy");
}

static const json_t *limits_of(const json_t *request)
{
    return json_at(request, "HyperParameterTuningJobConfig.ResourceLimits");
}

/* ---- what is refused before a job exists ---- */

static double grid_size(const struct tuning_definitions *definitions)
{
    double size = 0;
    for (guint i = 0; i < definitions->count; i++)
        size += tune_size(&definitions->all[i].space);
    return size;
}

static bool check_grid(const struct tuning_definitions *definitions, gint64 most, GError **error)
{
    for (guint d = 0; d < definitions->count; d++)
        for (size_t i = 0; i < definitions->all[d].space.count; i++)
            if (!definitions->all[d].tuned[i].choices)
                return error_set(error, ERROR_VALIDATION,
                                 "The strategy Grid is for categorical hyperparameters; %s has a "
                                 "range of numbers.",
                                 definitions->all[d].tuned[i].name);
    double size = grid_size(definitions);
    return !most || (double)most == size ||
           error_set(error, ERROR_VALIDATION,
                     "ResourceLimits.MaxNumberOfTrainingJobs is %lld; with the strategy Grid it is "
                     "the number of configurations, %.0f, or absent.",
                     (long long)most, size);
}

static bool has_other_limit(const json_t *request)
{
    return json_at(request, "HyperParameterTuningJobConfig.ResourceLimits.MaxRuntimeInSeconds") ||
           json_at(request, "HyperParameterTuningJobConfig.TuningJobCompletionCriteria");
}

static bool check_limits(const json_t *request, const struct tuning_definitions *definitions,
                         GError **error)
{
    gint64 most = json_integer_at(limits_of(request), "MaxNumberOfTrainingJobs", 0);
    gint64 parallel = json_integer_at(limits_of(request), "MaxParallelTrainingJobs", 1);
    if (strcmp(strategy_of(request), "Grid") == 0)
        return check_grid(definitions, most, error);
    if (!most && !has_other_limit(request))
        return error_set(error, ERROR_VALIDATION,
                         "ResourceLimits.MaxNumberOfTrainingJobs is needed, or "
                         "MaxRuntimeInSeconds, or TuningJobCompletionCriteria.");
    return !most || parallel <= most ||
           error_set(error, ERROR_VALIDATION,
                     "ResourceLimits.MaxParallelTrainingJobs (%lld) is greater than "
                     "MaxNumberOfTrainingJobs (%lld).",
                     (long long)parallel, (long long)most);
}

/* What a script reports is what its MetricDefinitions find, or its image's where it has none. */
static bool check_script_objective(const struct tuning_definition *definition, const char *image,
                                   GError **error)
{
    const json_t *given = json_at(definition->json, "AlgorithmSpecification.MetricDefinitions");
    g_autoptr(json_auto) own = given ? NULL : runtime_metric_definitions(image);
    size_t i;
    const json_t *metric;
    json_array_foreach((json_t *)(given ? given : own), i, metric)
    {
        if (strcmp(json_text_at(metric, "Name"), definition->metric) == 0)
            return true;
    }
    return error_set(error, ERROR_VALIDATION,
                     "The objective metric %s is none of AlgorithmSpecification.MetricDefinitions; "
                     "it needs a definition there, whose Regex finds it in the log.",
                     definition->metric);
}

static bool check_objective(const struct tuning_definition *definition, const json_t *training,
                            GError **error)
{
    const struct runtime_role *role = training_role(training, error);
    if (!role)
        return false;
    const char *image = json_text_at(training, "AlgorithmSpecification.TrainingImage");
    return role->check_objective ? role->check_objective(image, definition->metric, error)
                                 : check_script_objective(definition, image, error);
}

static bool has_resources(const struct tuning_definition *definition, GError **error)
{
    const json_t *json = definition->json;
    return json_object_get(json, "ResourceConfig") ||
           json_object_get(json, "HyperParameterTuningResourceConfig") ||
           error_set(error, ERROR_VALIDATION,
                     "The training job definition needs a ResourceConfig or a "
                     "HyperParameterTuningResourceConfig.");
}

/* Its trials would be refused for the same reasons, one by one. */
static bool check_definition(const struct call *call, const struct tuning_definition *definition,
                             GError **error)
{
    double values[TUNE_MOST_PARAMETERS];
    struct tune_study study = {.space = &definition->space};
    if (!has_resources(definition, error))
        return false;
    study_random(&study, values);
    g_autoptr(json_auto) tuned = tuning_hyperparameters(definition, values);
    g_autoptr(json_auto) training = tuning_training_request(definition, "trial", tuned, NULL);
    return training_check(call, training, error) && check_objective(definition, training, error);
}

/* Hyperband ends trials itself, and its parents' trials would end at other rungs. */
static bool check_strategy(const json_t *request, GError **error)
{
    const json_t *config = json_object_get(request, "HyperParameterTuningJobConfig");
    const char *early = json_text_at(config, "TrainingJobEarlyStoppingType");
    const json_t *resources = json_at(config, "StrategyConfig.HyperbandStrategyConfig");
    bool hyperband = strcmp(strategy_of(request), "Hyperband") == 0;
    gint64 least = json_integer_at(resources, "MinResource", 1);
    gint64 most = json_integer_at(resources, "MaxResource", least);
    if (json_object_get(config, "StrategyConfig") && !hyperband)
        return error_set(error, ERROR_VALIDATION,
                         "StrategyConfig is for the strategy Hyperband; this is %s.",
                         strategy_of(request));
    if (hyperband && g_strcmp0(early, "Auto") == 0)
        return error_set(error, ERROR_VALIDATION,
                         "The strategy Hyperband stops training jobs by its own rule; "
                         "TrainingJobEarlyStoppingType must be Off.");
    return least <= most ||
           error_set(error, ERROR_VALIDATION,
                     "HyperbandStrategyConfig: MinResource (%lld) is greater than MaxResource "
                     "(%lld).",
                     (long long)least, (long long)most);
}

static bool check_request(const struct call *call, const json_t *request, GError **error)
{
    g_autoptr(tuning_definitions_auto) definitions = tuning_definitions_read(request, error);
    if (!definitions || !check_limits(request, definitions, error))
        return false;
    for (guint i = 0; i < definitions->count; i++)
        if (!check_definition(call, &definitions->all[i], error))
            return false;
    return check_strategy(request, error) && tuning_check_parents(call, request, error);
}

/* ---- creating ---- */

static json_t *seed_of(const json_t *request)
{
    const json_t *given = json_at(request, "HyperParameterTuningJobConfig.RandomSeed");
    uint32_t seed;
    id_random(&seed, sizeof seed);
    return given ? json_incref((json_t *)given) : json_integer(seed);
}

/* As AWS tells it: clients take the objective out again, and look for the metrics, and for the
 * instances where training jobs have them. */
static void complete_definition(json_t *definition, const char *metric)
{
    json_object_set_new(definition, "ResourceConfig", tuning_resources(definition));
    json_t *algorithm = json_object_get(definition, "AlgorithmSpecification");
    if (!json_object_get(algorithm, "MetricDefinitions"))
        json_put(algorithm, "MetricDefinitions",
                 runtime_metric_definitions(json_text_at(algorithm, "TrainingImage")));
    json_t *fixed = json_object_get(definition, "StaticHyperParameters");
    if (!fixed) {
        fixed = json_object();
        json_object_set_new(definition, "StaticHyperParameters", fixed);
    }
    json_object_set_new(fixed, "_tuning_objective_metric", json_string(metric));
}

static void complete_definitions(json_t *body)
{
    size_t i;
    json_t *definition;
    const char *one = json_text_at(
        body, "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective.MetricName");
    if (one)
        complete_definition(json_object_get(body, "TrainingJobDefinition"), one);
    json_array_foreach(json_object_get(body, "TrainingJobDefinitions"), i, definition)
        complete_definition(definition, json_text_at(definition, "TuningObjective.MetricName"));
}

static json_t *first_body(const struct call *call, const json_t *request)
{
    json_t *body = json_deep_copy(request);
    tally_clear(body);
    complete_definitions(body);
    json_object_set_new(body, "Strategy", json_string(strategy_of(request)));
    json_object_set(body, "ResourceLimits", (json_t *)limits_of(request));
    call_keep(call, body);
    json_object_set_new(body, "Seed", seed_of(request));
    return body;
}

static bool create_tuning_job(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    const char *name = json_text_at(request, tuning_job_kind.name);
    g_autoptr(json_auto) asked = json_deep_copy(request);
    return sagemaker_check_free(call, &tuning_job_kind, name, error) &&
           tuning_autotune(asked, error) && check_request(call, asked, error) &&
           sagemaker_create(call, &tuning_job_kind, asked, "InProgress", first_body(call, asked),
                            reply, error);
}

/* ---- as it is at this moment ---- */

/* Takes over what its training job is by now; false where that is not there yet. */
static bool follow(const struct call *call, const struct tuning_definitions *definitions,
                   json_t *entry)
{
    if (json_true_at(entry, "Dropped"))
        return false;
    if (trial_is_settled(entry))
        return true;
    guint index = (guint)json_integer_at(entry, "Definition", 0);
    g_autoptr(resource_auto) job = resource_get(call->lathe->store, TRAINING_JOB,
                                                json_text_at(entry, "TrainingJobName"), NULL);
    if (job)
        trial_follow(entry, &definitions->all[index], job);
    return job != NULL;
}

/* The driver counts a trial when it has heard of its end; until then it is counted here. */
static bool count_anew(const struct call *call, struct resource *tuning, GError **error)
{
    const json_t *numbers = json_object_get(tuning->body, TUNING_UNDER_WAY);
    if (!json_array_size(numbers))
        return true;
    g_autoptr(tuning_definitions_auto) definitions = tuning_definitions_read(tuning->body, error);
    if (!definitions)
        return false;
    tally_forget_pending(tuning->body);
    for (size_t i = 0; i < json_array_size(numbers); i++) {
        gint64 number = json_integer_value(json_array_get(numbers, i));
        struct entry_query query = {
            .kind = TUNING_JOB, .owner = tuning->name, .after = number - 1, .limit = 1};
        g_autoptr(GPtrArray) found = entry_list(call->lathe->store, &query, error);
        if (!found)
            return false;
        json_t *entry = found->len ? ((struct entry *)g_ptr_array_index(found, 0))->body : NULL;
        if (entry && follow(call, definitions, entry))
            tally_add(tuning->body, &definitions->all[json_integer_at(entry, "Definition", 0)],
                      entry);
    }
    return true;
}

static bool describe_tuning_job(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    const char *name = json_text_at(request, tuning_job_kind.name);
    g_autoptr(resource_auto) tuning = sagemaker_get(call, &tuning_job_kind, name, error);
    if (!tuning || !count_anew(call, tuning, error))
        return false;
    reply->output = sagemaker_describe(&tuning_job_kind, tuning);
    return true;
}

/* ---- lists ---- */

static void show_counters(const struct call *call, json_t *summary)
{
    static const char *const members[] = {"TrainingJobStatusCounters", "ObjectiveStatusCounters",
                                          NULL};
    g_autoptr(resource_auto) tuning = resource_get(
        call->lathe->store, TUNING_JOB, json_text_at(summary, tuning_job_kind.name), NULL);
    if (tuning && count_anew(call, tuning, NULL))
        json_copy_members(summary, tuning->body, members);
}

/* By name and ascending, where nothing is said. */
static bool list_tuning_jobs(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    struct resource_query query = sagemaker_query(&tuning_job_kind, request);
    if (!json_object_get(request, "SortBy"))
        query.order = RESOURCE_BY_NAME;
    query.ascending = g_strcmp0(json_text_at(request, "SortOrder"), "Descending") != 0;
    if (!sagemaker_list_query(call, &tuning_job_kind, &query, reply, error))
        return false;
    size_t i;
    json_t *summary;
    json_array_foreach(json_object_get(reply->output, tuning_job_kind.summaries), i, summary)
        show_counters(call, summary);
    return true;
}

/* Compares summaries by the member that is asked for, then by name. */
struct order {
    const char *by;
    bool descending;
};

static int compare_members(const json_t *a, const json_t *b, const char *by)
{
    if (strcmp(by, "FinalObjectiveMetricValue") == 0) {
        double left, right;
        trial_objective(a, &left);
        trial_objective(b, &right);
        return (left > right) - (left < right);
    }
    if (strcmp(by, "CreationTime") == 0) {
        double left = json_number_at(a, by, 0), right = json_number_at(b, by, 0);
        return (left > right) - (left < right);
    }
    if (strcmp(by, "Status") == 0)
        return strcmp(json_text_at(a, "TrainingJobStatus"), json_text_at(b, "TrainingJobStatus"));
    return 0;
}

static int compare(const void *a, const void *b, void *data)
{
    const struct order *order = data;
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    int sign = compare_members(left, right, order->by);
    if (!sign)
        sign =
            strcmp(json_text_at(left, "TrainingJobName"), json_text_at(right, "TrainingJobName"));
    return order->descending ? -sign : sign;
}

static bool is_listed(const json_t *entry, const json_t *request)
{
    double value;
    const char *status = json_text_at(request, "StatusEquals");
    const char *by = json_text_at(request, "SortBy");
    return (!status || g_strcmp0(json_text_at(entry, "TrainingJobStatus"), status) == 0) &&
           (g_strcmp0(by, "FinalObjectiveMetricValue") != 0 || trial_objective(entry, &value));
}

/* Its trials that are asked for, as they are now; an array of entries. */
static json_t *trials_of(const struct call *call, const struct resource *tuning,
                         const json_t *request, GError **error)
{
    struct entry_query query = {.kind = TUNING_JOB, .owner = tuning->name};
    g_autoptr(tuning_definitions_auto) definitions = tuning_definitions_read(tuning->body, error);
    g_autoptr(GPtrArray) entries =
        definitions ? entry_list(call->lathe->store, &query, error) : NULL;
    json_t *trials = entries ? json_array() : NULL;
    for (guint i = 0; entries && i < entries->len; i++) {
        json_t *entry = ((struct entry *)g_ptr_array_index(entries, i))->body;
        if (follow(call, definitions, entry) && is_listed(entry, request))
            json_array_append(trials, entry);
    }
    return trials;
}

static json_t *summaries_in_order(const json_t *trials, const json_t *request)
{
    const char *by = json_text_at(request, "SortBy");
    struct order order = {by ? by : "Name",
                          g_strcmp0(json_text_at(request, "SortOrder"), "Descending") == 0};
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    for (size_t i = 0; i < json_array_size(trials); i++)
        g_ptr_array_add(sorted, json_array_get(trials, i));
    g_ptr_array_sort_with_data(sorted, compare, &order);
    json_t *summaries = json_array();
    for (guint i = 0; i < sorted->len; i++)
        json_array_append_new(summaries, trial_summary(g_ptr_array_index(sorted, i)));
    return summaries;
}

static bool list_trials(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    const char *name = json_text_at(request, tuning_job_kind.name);
    g_autoptr(resource_auto) tuning = sagemaker_get(call, &tuning_job_kind, name, error);
    g_autoptr(json_auto) trials = tuning ? trials_of(call, tuning, request, error) : NULL;
    if (!trials)
        return false;
    g_autoptr(json_auto) summaries = summaries_in_order(trials, request);
    g_autofree char *listing = g_strdup_printf(
        "%s\n%s\n%s\n%s\n%s", call->operation, name, json_text_at(request, "SortBy"),
        json_text_at(request, "SortOrder"), json_text_at(request, "StatusEquals"));
    struct page_listing pages = {listing, 100, ERROR_VALIDATION};
    return page_put(&reply->output, "TrainingJobSummaries", summaries, &pages, request, error);
}

/* ---- stopping and deleting ---- */

static bool begin_to_stop(struct resource *tuning, void *data, GError **error)
{
    (void)data;
    if (strcmp(tuning->status, "InProgress") != 0)
        return error_set(error, ERROR_VALIDATION,
                         "The request was rejected because the hyperparameter tuning job is in "
                         "status %s.",
                         tuning->status);
    sagemaker_set_status(tuning, "Stopping");
    return true;
}

static bool stop_tuning_job(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, tuning_job_kind.name);
    g_autoptr(resource_auto) tuning = sagemaker_get(call, &tuning_job_kind, name, error);
    return tuning &&
           resource_update(call->lathe->store, TUNING_JOB, name, begin_to_stop, NULL, NULL, error);
}

static bool is_at_its_end(struct resource *tuning, void *data, GError **error)
{
    (void)data;
    return kind_outcome(&tuning_job_kind, tuning->status) != KIND_GOES_ON ||
           error_set(error, ERROR_IN_USE,
                     "%s is %s; only a tuning job that is Completed, Failed or Stopped can be "
                     "deleted.",
                     tuning->arn, tuning->status);
}

/* Its training jobs stay. AWS answers the same where there is none. */
static bool delete_tuning_job(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, tuning_job_kind.name);
    bool found;
    return resource_delete_checked(call->lathe->store, TUNING_JOB, name, is_at_its_end, &found,
                                   error);
}

/* ---- what it is ---- */

/* The best first: what a pipeline's step picks its k-th best model from. */
static json_t *list_by_objective(const json_t *description)
{
    const char *type = json_text_at(
        description, "BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Type");
    return json_pack("{sOssss}", "HyperParameterTuningJobName",
                     json_object_get(description, "HyperParameterTuningJobName"), "SortBy",
                     "FinalObjectiveMetricValue", "SortOrder",
                     g_strcmp0(type, "Maximize") == 0 ? "Descending" : "Ascending");
}

static const struct operation operations[] = {
    {"CreateHyperParameterTuningJob", create_tuning_job, OPERATION_BLOCKING},
    {"DescribeHyperParameterTuningJob", describe_tuning_job, OPERATION_BLOCKING},
    {"ListHyperParameterTuningJobs", list_tuning_jobs, OPERATION_BLOCKING},
    {"ListTrainingJobsForHyperParameterTuningJob", list_trials, OPERATION_BLOCKING},
    {"StopHyperParameterTuningJob", stop_tuning_job, OPERATION_BLOCKING},
    {"DeleteHyperParameterTuningJob", delete_tuning_job, OPERATION_BLOCKING},
};

const struct kind tuning_job_kind = {
    .service = "sagemaker",
    .word = TUNING_JOB,
    .noun = "HyperParameterTuningJob",
    KIND_WORDS("HyperParameterTuningJob"),
    KIND_JOB("HyperParameterTuningJob"),
    .title = "tuning jobs",
    .step = "Tuning",
    .step_metadata = "TuningJob",
    .step_is_cached = true,
    .step_lists = "ListTrainingJobsForHyperParameterTuningJob",
    .step_list_request = list_by_objective,
    .searchable = true,
    .missing_code = ERROR_NOT_FOUND,
    .missing = "Amazon SageMaker can't find a tuning job with this name (%s).",
    .taken_code = ERROR_IN_USE,
    .taken = "Hyperparameter tuning job names must be unique within an AWS account and region, and "
             "a hyperparameter tuning job with this name already exists (%s)",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
