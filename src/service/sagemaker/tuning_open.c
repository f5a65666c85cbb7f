#include "service/sagemaker/tuning_open.h"

#include <math.h>
#include <string.h>

#include "flow/tuning/definition.h"
#include "flow/tuning/tuning.h"
#include "runtime/runtime.h"
#include "service/sagemaker/sagemaker.h"
#include "service/sagemaker/training.h"

/* Of a search that has neither a limit nor criteria. */
#define MOST_JOBS 50
#define HINTED_TIMES 10
/* As AWS limits warm starts. */
#define MOST_CHANGED 10
#define MOST_WITH_PARENTS 500

const struct runtime_role *tuning_role(const json_t *definition)
{
    g_autoptr(json_auto) training = json_pack(
        "{sOsO*}", "AlgorithmSpecification", json_object_get(definition, "AlgorithmSpecification"),
        "HyperParameters", json_object_get(definition, "StaticHyperParameters"));
    return training_role(training, NULL);
}

/* ---- ranges ---- */

static const char *const lists[] = {"IntegerParameterRanges", "ContinuousParameterRanges",
                                    "CategoricalParameterRanges"};

static const json_t *range_of(const json_t *ranges, const char *name, const char **list)
{
    for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
        size_t i;
        const json_t *range;
        json_array_foreach(json_object_get(ranges, lists[l]), i, range)
        {
            *list = lists[l];
            if (strcmp(json_text_at(range, "Name"), name) == 0)
                return range;
        }
    }
    return NULL;
}

/* range is taken. */
static void add_range(json_t *ranges, const char *list, json_t *range)
{
    json_t *all = json_object_get(ranges, list);
    if (!all) {
        all = json_array();
        json_object_set_new(ranges, list, all);
    }
    json_array_append_new(all, range);
}

static json_t *numbers(const char *name, double low, double high, bool integer)
{
    const char *format = integer ? "%.0f" : "%.10g";
    g_autofree char *from = g_strdup_printf(format, low);
    g_autofree char *to = g_strdup_printf(format, high);
    return json_pack("{ssssssss}", "Name", name, "MinValue", from, "MaxValue", to, "ScalingType",
                     "Auto");
}

/* The SDK's framework estimators write hyperparameters as JSON, and texts of these once more. */
static char *plain_hint(const char *hint)
{
    size_t size = strlen(hint);
    bool quoted = size >= 2 && hint[0] == '"' && hint[size - 1] == '"';
    return quoted ? g_strndup(hint + 1, size - 2) : g_strdup(hint);
}

/* A range about a hint: ten times smaller to ten times larger; of nothing, up to one. */
static bool add_hinted(json_t *ranges, const char *name, const char *given, GError **error)
{
    g_autofree char *hint = plain_hint(given);
    char *end;
    double value = g_ascii_strtod(hint, &end);
    bool is_number = end != hint && !*g_strchug(end) && isfinite(value);
    if (!is_number && g_ascii_strcasecmp(hint, "true") != 0 &&
        g_ascii_strcasecmp(hint, "false") != 0)
        return error_set(error, ERROR_VALIDATION,
                         "AutoParameters: the ValueHint '%s' of %s is neither a number nor true or "
                         "false; give it a range.",
                         hint, name);
    if (!is_number) {
        add_range(ranges, lists[2],
                  json_pack("{sss[ss]}", "Name", name, "Values", "true", "false"));
        return true;
    }
    bool integer = !strpbrk(hint, ".eE");
    double size = fabs(value), low = size / HINTED_TIMES, high = size * HINTED_TIMES;
    if (integer)
        low = fmax(floor(low), 1);
    if (size == 0)
        low = 0, high = 1;
    add_range(ranges, lists[integer ? 0 : 1],
              value < 0 ? numbers(name, -high, -low, integer) : numbers(name, low, high, integer));
    return true;
}

static bool resolve(json_t *ranges, const json_t *own, const json_t *automatic, GError **error)
{
    const char *name = json_text_at(automatic, "Name"), *list;
    const json_t *known = range_of(own, name, &list);
    if (!known)
        return add_hinted(ranges, name, json_text_at(automatic, "ValueHint"), error);
    add_range(ranges, list, json_deep_copy(known));
    return true;
}

static void take_own(json_t *ranges, const json_t *own, const json_t *fixed)
{
    for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
        size_t i;
        json_t *range;
        json_array_foreach(json_object_get(own, lists[l]), i, range)
        {
            if (!json_object_get(fixed, json_text_at(range, "Name")))
                add_range(ranges, lists[l], json_deep_copy(range));
        }
    }
}

static bool has_ranges(const json_t *ranges)
{
    for (size_t l = 0; l < G_N_ELEMENTS(lists); l++)
        if (json_array_size(json_object_get(ranges, lists[l])))
            return true;
    return json_array_size(json_object_get(ranges, "AutoParameters")) > 0;
}

/* holder.member are the definition's ranges. */
static bool complete_ranges(json_t *holder, const char *member, const json_t *definition,
                            bool autotune, GError **error)
{
    const struct runtime_role *role = tuning_role(definition);
    g_autoptr(json_auto) own =
        role && role->ranges ? json_loads(role->ranges, 0, NULL) : json_object();
    json_t *ranges = json_object_get(holder, member);
    size_t i;
    const json_t *automatic;
    json_array_foreach(json_object_get(ranges, "AutoParameters"), i, automatic)
    {
        if (!resolve(ranges, own, automatic, error))
            return false;
    }
    if (!autotune || has_ranges(ranges))
        return true;
    ranges = json_object();
    take_own(ranges, own, json_object_get(definition, "StaticHyperParameters"));
    json_object_set_new(holder, member, ranges);
    return has_ranges(ranges) ||
           error_set(error, ERROR_VALIDATION,
                     "Autotune knows no ranges for this algorithm; give some, or AutoParameters.");
}

/* A search that may go on for ever ends when it has converged. */
static void complete_limits(json_t *config)
{
    json_t *limits = json_object_get(config, "ResourceLimits");
    if (json_object_get(limits, "MaxNumberOfTrainingJobs") ||
        json_object_get(limits, "MaxRuntimeInSeconds") ||
        json_object_get(config, "TuningJobCompletionCriteria") ||
        strcmp(json_text_at(config, "Strategy"), "Grid") == 0)
        return;
    json_object_set_new(limits, "MaxNumberOfTrainingJobs", json_integer(MOST_JOBS));
    json_object_set_new(
        config, "TuningJobCompletionCriteria",
        json_pack("{s{ss}}", "ConvergenceDetected", "CompleteOnConvergence", "Enabled"));
}

bool tuning_autotune(json_t *request, GError **error)
{
    bool autotune = json_object_get(request, "Autotune") != NULL;
    json_t *config = json_object_get(request, "HyperParameterTuningJobConfig");
    const json_t *one = json_object_get(request, "TrainingJobDefinition");
    size_t i;
    json_t *definition;
    json_array_foreach(json_object_get(request, "TrainingJobDefinitions"), i, definition)
    {
        if (!complete_ranges(definition, "HyperParameterRanges", definition, autotune, error))
            return false;
    }
    if (autotune)
        complete_limits(config);
    return !one || complete_ranges(config, "ParameterRanges", one, autotune, error);
}

/* ---- warm starts ---- */

static size_t hyperparameters_of(const struct tuning_definition *definition)
{
    json_t *fixed = json_object_get(definition->json, "StaticHyperParameters");
    bool told = json_object_get(fixed, "_tuning_objective_metric") != NULL;
    return json_object_size(fixed) - told + definition->space.count;
}

static bool is_tuned(const struct tuning_definition *definition, const char *name)
{
    for (size_t i = 0; i < definition->space.count; i++)
        if (strcmp(definition->tuned[i].name, name) == 0)
            return true;
    return false;
}

/* Tuned by one and not by the other. */
static size_t changed_between(const struct tuning_definition *a, const struct tuning_definition *b)
{
    size_t changed = 0;
    for (size_t i = 0; i < a->space.count; i++)
        changed += !is_tuned(b, a->tuned[i].name);
    for (size_t i = 0; i < b->space.count; i++)
        changed += !is_tuned(a, b->tuned[i].name);
    return changed;
}

static bool check_pair(const struct tuning_definition *own, const struct tuning_definition *parents,
                       const char *parent, GError **error)
{
    if (strcmp(own->metric, parents->metric) != 0 || own->maximize != parents->maximize)
        return error_set(
            error, ERROR_VALIDATION,
            "WarmStartConfig: the objective of the parent %s is to %s %s; a warm start "
            "has the same.",
            parent, parents->maximize ? "maximize" : "minimize", parents->metric);
    if (hyperparameters_of(own) != hyperparameters_of(parents))
        return error_set(
            error, ERROR_VALIDATION,
            "WarmStartConfig: the parent %s has %zu hyperparameters, static and tuned, "
            "and this tuning job %zu; a warm start has as many.",
            parent, hyperparameters_of(parents), hyperparameters_of(own));
    return changed_between(own, parents) <= MOST_CHANGED ||
           error_set(error, ERROR_VALIDATION,
                     "WarmStartConfig: more than %d hyperparameters are tuned by only one of the "
                     "parent %s and this tuning job.",
                     MOST_CHANGED, parent);
}

static bool check_same(const struct tuning_definitions *definitions, const json_t *request,
                       const struct resource *parent, GError **error)
{
    g_autoptr(tuning_definitions_auto) theirs = tuning_definitions_read(parent->body, error);
    if (!theirs)
        return false;
    for (guint i = 0; i < MIN(definitions->count, theirs->count); i++)
        if (!check_pair(&definitions->all[i], &theirs->all[i], parent->name, error))
            return false;
    const char *type = json_text_at(request, "WarmStartConfig.WarmStartType");
    static const char path[] = "AlgorithmSpecification.TrainingImage";
    const char *own_image = json_text_at(definitions->all[0].json, path);
    const char *their_image = json_text_at(theirs->all[0].json, path);
    return strcmp(type, "IdenticalDataAndAlgorithm") != 0 ||
           g_strcmp0(own_image, their_image) == 0 ||
           error_set(
               error, ERROR_VALIDATION,
               "WarmStartConfig: the parent %s trained with %s; IdenticalDataAndAlgorithm has "
               "the same image.",
               parent->name, their_image);
}

static bool check_parent(const struct call *call, const struct tuning_definitions *definitions,
                         const json_t *request, const char *name, gint64 *jobs, GError **error)
{
    g_autoptr(resource_auto) parent = sagemaker_get(call, &tuning_job_kind, name, error);
    if (!parent)
        return false;
    if (kind_outcome(&tuning_job_kind, parent->status) == KIND_GOES_ON)
        return error_set(error, ERROR_VALIDATION,
                         "WarmStartConfig: the parent %s is %s; only one that is Completed, Failed "
                         "or Stopped can be started from.",
                         name, parent->status);
    const char *counter;
    json_t *count;
    json_object_foreach(json_object_get(parent->body, "TrainingJobStatusCounters"), counter,
                        count) *jobs += json_integer_value(count);
    return check_same(definitions, request, parent, error);
}

bool tuning_check_parents(const struct call *call, const json_t *request, GError **error)
{
    const json_t *config = json_object_get(request, "WarmStartConfig");
    gint64 jobs = json_integer_at(
        request, "HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs", 0);
    size_t i;
    const json_t *parent;
    if (!config)
        return true;
    g_autoptr(tuning_definitions_auto) definitions = tuning_definitions_read(request, error);
    if (!definitions)
        return false;
    json_array_foreach(json_object_get(config, "ParentHyperParameterTuningJobs"), i, parent)
    {
        const char *name = json_text_at(parent, "HyperParameterTuningJobName");
        if (!name || !check_parent(call, definitions, request, name, &jobs, error))
            return name != NULL ? false
                                : error_set(error, ERROR_VALIDATION,
                                            "WarmStartConfig: a parent has no "
                                            "HyperParameterTuningJobName.");
    }
    return jobs <= MOST_WITH_PARENTS ||
           error_set(error, ERROR_LIMIT_EXCEEDED,
                     "WarmStartConfig: %lld training jobs with those of the parents; there may be "
                     "%d.",
                     (long long)jobs, MOST_WITH_PARENTS);
}
