#include "flow/tuning/definition.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "parse/number.h"
#include "parse/number_write.h"

/* As AWS limits them. */
#define MOST_TUNED 30
#define MOST_HYPERPARAMETERS 100

/* ---- ranges ---- */

static const struct {
    const char *member;
    enum tune_kind kind;
} lists[] = {{"IntegerParameterRanges", TUNE_INTEGER},
             {"ContinuousParameterRanges", TUNE_CONTINUOUS},
             {"CategoricalParameterRanges", TUNE_CATEGORICAL}};

static bool read_bound(const json_t *range, const char *member, bool integer, double *value,
                       GError **error)
{
    const char *text = json_text_at(range, member);
    g_autofree char *bare = g_strstrip(g_strdup(text));
    bool fits = number_parse(bare, strlen(bare), value) && isfinite(*value) &&
                (!integer || (*value == floor(*value) && fabs(*value) < 0x1p53));
    return fits ||
           error_set(error, ERROR_VALIDATION,
                     "The hyperparameter range of %s is invalid: its %s '%s' is no %s.",
                     json_text_at(range, "Name"), member, text, integer ? "integer" : "number");
}

static bool read_scaling(const json_t *range, struct tune_parameter *parameter, GError **error)
{
    const char *name = json_text_at(range, "Name");
    const char *scaling = json_text_at(range, "ScalingType");
    bool integer = parameter->kind == TUNE_INTEGER;
    parameter->scaling = TUNE_LINEAR;
    if (!scaling || strcmp(scaling, "Auto") == 0) {
        parameter->scaling = tune_scaling_of(parameter->low, parameter->high, integer);
    } else if (strcmp(scaling, "Logarithmic") == 0) {
        parameter->scaling = TUNE_LOGARITHMIC;
        return parameter->low > 0 ||
               error_set(error, ERROR_VALIDATION,
                         "The hyperparameter range of %s is invalid: logarithmic scaling is for "
                         "values greater than 0, and its MinValue is %s.",
                         name, json_text_at(range, "MinValue"));
    } else if (strcmp(scaling, "ReverseLogarithmic") == 0) {
        parameter->scaling = TUNE_REVERSE_LOGARITHMIC;
        return (!integer && parameter->low >= 0 && parameter->high < 1) ||
               error_set(error, ERROR_VALIDATION,
                         "The hyperparameter range of %s is invalid: reverse logarithmic scaling "
                         "is for continuous ranges within 0 <= x < 1.0.",
                         name);
    }
    return true;
}

static bool read_numbers(const json_t *range, struct tune_parameter *parameter, GError **error)
{
    bool integer = parameter->kind == TUNE_INTEGER;
    if (!read_bound(range, "MinValue", integer, &parameter->low, error) ||
        !read_bound(range, "MaxValue", integer, &parameter->high, error))
        return false;
    if (parameter->low > parameter->high)
        return error_set(error, ERROR_VALIDATION,
                         "The hyperparameter range of %s is invalid: its MinValue %s is greater "
                         "than its MaxValue %s.",
                         json_text_at(range, "Name"), json_text_at(range, "MinValue"),
                         json_text_at(range, "MaxValue"));
    return read_scaling(range, parameter, error);
}

static bool read_choices(const json_t *range, struct tuned *tuned, struct tune_parameter *parameter,
                         GError **error)
{
    tuned->choices = json_object_get(range, "Values");
    parameter->choices = json_array_size(tuned->choices);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < parameter->choices; i++) {
        const char *text = json_string_value(json_array_get(tuned->choices, i));
        if (!g_hash_table_add(seen, (char *)text))
            return error_set(error, ERROR_VALIDATION,
                             "The hyperparameter range of %s is invalid: the value '%s' is there "
                             "twice.",
                             tuned->name, text);
    }
    return true;
}

/* The next of its hyperparameters. */
static bool read_range(struct tuning_definition *definition, const json_t *range,
                       enum tune_kind kind, GError **error)
{
    size_t i = definition->space.count++;
    struct tuned *tuned = &definition->tuned[i];
    struct tune_parameter *parameter = &definition->space.parameters[i];
    tuned->name = json_text_at(range, "Name");
    parameter->kind = kind;
    for (size_t other = 0; other < i; other++)
        if (strcmp(definition->tuned[other].name, tuned->name) == 0)
            return error_set(error, ERROR_VALIDATION,
                             "The hyperparameter %s has two ranges; it may have one.", tuned->name);
    if (json_object_get(json_object_get(definition->json, "StaticHyperParameters"), tuned->name))
        return error_set(error, ERROR_VALIDATION,
                         "The hyperparameter %s is both in StaticHyperParameters and in the "
                         "ranges; it is either static or tuned.",
                         tuned->name);
    return kind == TUNE_CATEGORICAL ? read_choices(range, tuned, parameter, error)
                                    : read_numbers(range, parameter, error);
}

static bool check_counts(const struct tuning_definition *definition, size_t count, GError **error)
{
    size_t fixed = json_object_size(json_object_get(definition->json, "StaticHyperParameters"));
    if (count > MOST_TUNED)
        return error_set(error, ERROR_LIMIT_EXCEEDED,
                         "%zu hyperparameters are to be tuned; at most %d can be.", count,
                         MOST_TUNED);
    if (count + fixed > MOST_HYPERPARAMETERS)
        return error_set(error, ERROR_VALIDATION,
                         "There are %zu hyperparameters, static and tuned; there may be %d.",
                         count + fixed, MOST_HYPERPARAMETERS);
    return true;
}

static bool read_ranges(struct tuning_definition *definition, GError **error)
{
    size_t count = 0, r;
    for (size_t l = 0; l < G_N_ELEMENTS(lists); l++)
        count += json_array_size(json_object_get(definition->ranges, lists[l].member));
    if (!check_counts(definition, count, error))
        return false;
    definition->tuned = g_new0(struct tuned, MAX(count, 1));
    definition->space.parameters = g_new0(struct tune_parameter, MAX(count, 1));
    for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
        const json_t *range;
        json_array_foreach(json_object_get(definition->ranges, lists[l].member), r, range)
        {
            if (!read_range(definition, range, lists[l].kind, error))
                return false;
        }
    }
    return true;
}

/* ---- definitions ---- */

static bool read_definition(struct tuning_definition *definition, const json_t *json,
                            const json_t *objective, const json_t *ranges, GError **error)
{
    definition->json = json;
    definition->name = json_text_at(json, "DefinitionName");
    definition->metric = json_text_at(objective, "MetricName");
    definition->maximize = g_strcmp0(json_text_at(objective, "Type"), "Maximize") == 0;
    definition->ranges = ranges;
    return read_ranges(definition, error);
}

static bool read_one(struct tuning_definitions *definitions, const json_t *request, GError **error)
{
    const json_t *json = json_object_get(request, "TrainingJobDefinition");
    const json_t *config = json_object_get(request, "HyperParameterTuningJobConfig");
    const json_t *objective = json_object_get(config, "HyperParameterTuningJobObjective");
    if (json_object_get(json, "TuningObjective") || json_object_get(json, "HyperParameterRanges"))
        return error_set(error, ERROR_VALIDATION,
                         "TrainingJobDefinition: a tuning job of one definition has its objective "
                         "and ranges in HyperParameterTuningJobConfig; TuningObjective and "
                         "HyperParameterRanges are for TrainingJobDefinitions.");
    if (!objective)
        return error_set(error, ERROR_VALIDATION,
                         "HyperParameterTuningJobConfig has no HyperParameterTuningJobObjective; "
                         "it is needed with a TrainingJobDefinition.");
    definitions->count = 1;
    return read_definition(definitions->all, json, objective,
                           json_object_get(config, "ParameterRanges"), error);
}

static bool check_name(const struct tuning_definitions *definitions, guint index, GError **error)
{
    const char *name = definitions->all[index].name;
    if (!name)
        return error_set(error, ERROR_VALIDATION,
                         "TrainingJobDefinitions[%u] has no DefinitionName.", index);
    for (guint other = 0; other < index; other++)
        if (strcmp(definitions->all[other].name, name) == 0)
            return error_set(error, ERROR_VALIDATION,
                             "Two TrainingJobDefinitions have the DefinitionName %s.", name);
    return true;
}

static bool read_several(struct tuning_definitions *definitions, const json_t *request,
                         GError **error)
{
    const json_t *list = json_object_get(request, "TrainingJobDefinitions");
    const json_t *config = json_object_get(request, "HyperParameterTuningJobConfig");
    if (json_object_get(config, "HyperParameterTuningJobObjective") ||
        json_object_get(config, "ParameterRanges"))
        return error_set(error, ERROR_VALIDATION,
                         "HyperParameterTuningJobConfig: with TrainingJobDefinitions each of them "
                         "has its TuningObjective and HyperParameterRanges;"
                         " HyperParameterTuningJobObjective and ParameterRanges must be absent.");
    for (guint i = 0; i < json_array_size(list); i++) {
        const json_t *json = json_array_get(list, i);
        const json_t *objective = json_object_get(json, "TuningObjective");
        definitions->count = i + 1;
        if (!read_definition(&definitions->all[i], json, objective,
                             json_object_get(json, "HyperParameterRanges"), error) ||
            !check_name(definitions, i, error))
            return false;
        if (!objective)
            return error_set(error, ERROR_VALIDATION,
                             "TrainingJobDefinitions[%u] has no TuningObjective.", i);
    }
    return true;
}

struct tuning_definitions *tuning_definitions_read(const json_t *request, GError **error)
{
    const json_t *one = json_object_get(request, "TrainingJobDefinition");
    const json_t *several = json_object_get(request, "TrainingJobDefinitions");
    if (!one == !json_array_size(several)) {
        error_set(error, ERROR_VALIDATION,
                  "Either TrainingJobDefinition or TrainingJobDefinitions is needed, and not "
                  "both.");
        return NULL;
    }
    g_autoptr(tuning_definitions_auto) definitions = g_new0(struct tuning_definitions, 1);
    definitions->all = g_new0(struct tuning_definition, MAX(json_array_size(several), 1));
    if (!(one ? read_one : read_several)(definitions, request, error))
        return NULL;
    return g_steal_pointer(&definitions);
}

void tuning_definitions_free(struct tuning_definitions *definitions)
{
    if (!definitions)
        return;
    for (guint i = 0; i < definitions->count; i++) {
        g_free(definitions->all[i].tuned);
        g_free(definitions->all[i].space.parameters);
    }
    g_free(definitions->all);
    g_free(definitions);
}

/* ---- configurations ---- */

/* An integer has no point. */
static json_t *text_of_value(const struct tuned *tuned, const struct tune_parameter *parameter,
                             double value)
{
    if (parameter->kind == TUNE_CATEGORICAL)
        return json_deep_copy(json_array_get(tuned->choices, (size_t)value));
    if (parameter->kind == TUNE_INTEGER)
        return json_sprintf("%.0f", value);
    char text[NUMBER_TEXT];
    return json_stringn(text, number_write(text, value));
}

json_t *tuning_hyperparameters(const struct tuning_definition *definition, const double *values)
{
    json_t *object = json_object();
    for (size_t i = 0; i < definition->space.count; i++)
        json_object_set_new(
            object, definition->tuned[i].name,
            text_of_value(&definition->tuned[i], &definition->space.parameters[i], values[i]));
    return object;
}

static bool find_choice(const json_t *choices, const char *text, double *value)
{
    for (size_t i = 0; i < json_array_size(choices); i++)
        if (strcmp(json_string_value(json_array_get(choices, i)), text) == 0) {
            *value = (double)i;
            return true;
        }
    return false;
}

bool tuning_values(const struct tuning_definition *definition, const json_t *hyperparameters,
                   double *values)
{
    for (size_t i = 0; i < definition->space.count; i++) {
        const struct tuned *tuned = &definition->tuned[i];
        const char *text = json_string_value(json_object_get(hyperparameters, tuned->name));
        if (!text || !(tuned->choices ? find_choice(tuned->choices, text, &values[i])
                                      : number_parse(text, strlen(text), &values[i])))
            return false;
    }
    return true;
}

/* ---- training jobs ---- */

json_t *tuning_resources(const json_t *definition)
{
    static const char *const members[] = {"InstanceType", "InstanceCount", "VolumeSizeInGB",
                                          "VolumeKmsKeyId", NULL};
    json_t *plain = json_object_get(definition, "ResourceConfig");
    if (plain)
        return json_deep_copy(plain);
    const json_t *tuning = json_object_get(definition, "HyperParameterTuningResourceConfig");
    json_t *resources = json_pack("{sisi}", "InstanceCount", 1, "VolumeSizeInGB", 1);
    json_copy_members(resources, tuning, members);
    json_copy_members(resources, json_at(tuning, "InstanceConfigs[0]"), members);
    return resources;
}

static json_t *hyperparameters_of(const struct tuning_definition *definition,
                                  const json_t *hyperparameters)
{
    json_t *all = json_object();
    json_object_update(all, json_object_get(definition->json, "StaticHyperParameters"));
    json_object_update(all, (json_t *)hyperparameters);
    json_object_set_new(all, "_tuning_objective_metric", json_string(definition->metric));
    return all;
}

/* Each training has checkpoints of its own: it must not go on from another's. */
void tuning_give_checkpoints(json_t *request, const struct tuning_definition *definition,
                             const char *name)
{
    json_t *config = json_deep_copy(json_object_get(definition->json, "CheckpointConfig"));
    const char *uri = json_text_at(config, "S3Uri");
    if (!config)
        return;
    json_object_set_new(config, "S3Uri",
                        json_sprintf("%s%s%s", uri, g_str_has_suffix(uri, "/") ? "" : "/", name));
    json_object_set_new(request, "CheckpointConfig", config);
}

json_t *tuning_training_request(const struct tuning_definition *definition, const char *name,
                                const json_t *hyperparameters, const json_t *tags)
{
    static const char *const members[] = {"AlgorithmSpecification",
                                          "RoleArn",
                                          "InputDataConfig",
                                          "VpcConfig",
                                          "OutputDataConfig",
                                          "StoppingCondition",
                                          "EnableNetworkIsolation",
                                          "EnableInterContainerTrafficEncryption",
                                          "EnableManagedSpotTraining",
                                          "RetryStrategy",
                                          "Environment",
                                          NULL};
    json_t *request = json_pack("{ss}", "TrainingJobName", name);
    json_copy_members(request, definition->json, members);
    json_object_set_new(request, "HyperParameters",
                        hyperparameters_of(definition, hyperparameters));
    json_object_set_new(request, "ResourceConfig", tuning_resources(definition->json));
    tuning_give_checkpoints(request, definition, name);
    if (json_array_size(tags))
        json_object_set(request, "Tags", (json_t *)tags);
    return request;
}
