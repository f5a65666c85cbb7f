#include "flow/pipeline/definition.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "flow/pipeline/condition.h"
#include "flow/pipeline/expression.h"
#include "flow/pipeline/retry.h"
#include "operation/kind.h"

static void step_free(void *data)
{
    struct definition_step *step = data;
    g_array_unref(step->needs);
    g_free(step);
}

void definition_free(struct definition *definition)
{
    if (!definition)
        return;
    g_hash_table_unref(definition->places);
    g_ptr_array_unref(definition->steps);
    json_decref(definition->json);
    g_free(definition);
}

static struct definition_step *step_at(const struct definition *definition, guint index)
{
    return g_ptr_array_index(definition->steps, index);
}

int definition_find(const struct definition *definition, const char *step)
{
    void *index;
    return step && g_hash_table_lookup_extended(definition->places, step, NULL, &index)
               ? GPOINTER_TO_INT(index)
               : -1;
}

const json_t *definition_property_file(const struct definition_step *step, const char *file)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(step->json, "PropertyFiles"), i, entry)
    {
        if (g_strcmp0(json_text_at(entry, "PropertyFileName"), file) == 0)
            return entry;
    }
    return NULL;
}

/* ---- members ---- */

/* A member that nobody acts on would be a promise not kept. */
static bool check_members(const json_t *object, const char *const *known, const char *what,
                          GError **error)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        if (!g_strv_contains(known, name) && !json_is_null(value))
            return error_set(error, ERROR_VALIDATION, "%s: the member %s is not supported", what,
                             name);
    }
    return true;
}

static bool is_step_name(const char *name)
{
    return name && *name && strlen(name) <= 64 &&
           name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")] ==
               0;
}

/* ---- a step alone ---- */

/* What a duration counts, in the order that ISO 8601 writes it in. */
static const struct duration_unit {
    char unit;
    bool time; /* behind the T */
    double seconds;
} duration_units[] = {{'Y', false, 365 * 86400.0},
                      {'M', false, 30 * 86400.0},
                      {'W', false, 604800},
                      {'D', false, 86400},
                      {'H', true, 3600},
                      {'M', true, 60},
                      {'S', true, 1}};

/* One number and its unit, at or behind *unit: what it counts in seconds, or a negative number. */
static double duration_part(const char **text, bool time, size_t *unit)
{
    char *end;
    double number = g_ascii_isdigit(**text) ? g_ascii_strtod(*text, &end) : -1;
    while (number >= 0 && *unit < G_N_ELEMENTS(duration_units)) {
        const struct duration_unit *at = &duration_units[(*unit)++];
        if (at->unit == *end && at->time == time) {
            *text = end + 1;
            return number * at->seconds;
        }
    }
    return -1;
}

bool definition_duration(const char *text, double *seconds)
{
    g_autofree char *upper = g_ascii_strup(text, -1);
    const char *at = g_strdelimit(upper, ",", '.');
    bool time = false, ended = false; /* the last was a number with its unit */
    size_t unit = 0;
    *seconds = 0;
    at += *at == 'P';
    while (*at) {
        if (*at == 'T' && !time) {
            time = true;
            ended = false;
            at++;
            continue;
        }
        double part = duration_part(&at, time, &unit);
        if (part < 0)
            return false;
        *seconds += part;
        ended = true;
    }
    return ended;
}

static bool read_cache(struct definition_step *step, bool cacheable, const char *type,
                       GError **error)
{
    const json_t *cache = json_object_get(step->json, "CacheConfig");
    if (!json_true_at(cache, "Enabled"))
        return true;
    if (!cacheable)
        return error_set(error, ERROR_VALIDATION,
                         "step %s: CacheConfig: the results of steps of type %s are not kept for "
                         "later executions; leave it out",
                         step->name, type);
    const char *expires = json_text_at(cache, "ExpireAfter");
    step->cached = true;
    step->cache_seconds = G_MAXDOUBLE;
    if (expires && !definition_duration(expires, &step->cache_seconds))
        return error_set(error, ERROR_VALIDATION,
                         "step %s: CacheConfig.ExpireAfter %s is no ISO 8601 duration such as "
                         "PT1H, P30D, T12H or 30dT5h",
                         step->name, expires);
    return true;
}

static bool check_property_files(const struct definition_step *step, GError **error)
{
    size_t i;
    const json_t *file;
    json_array_foreach(json_object_get(step->json, "PropertyFiles"), i, file)
    {
        static const char *const needed[] = {"PropertyFileName", "OutputName", "FilePath"};
        for (size_t m = 0; m < G_N_ELEMENTS(needed); m++)
            if (!json_text_at(file, needed[m]))
                return error_set(error, ERROR_VALIDATION, "step %s: PropertyFiles[%zu] has no %s",
                                 step->name, i, needed[m]);
    }
    return true;
}

static bool read_operation(struct definition_step *step, GError **error)
{
    step->service = json_text_at(step->json, "Service");
    step->operation = json_text_at(step->json, "Operation");
    if (!step->service || !step->operation)
        return error_set(error, ERROR_VALIDATION,
                         "step %s: a step of type Operation needs Service and Operation, as "
                         "botocore names them (sagemaker, CreateEndpoint)",
                         step->name);
    const json_t *wait = json_object_get(step->json, "Wait");
    step->wait = !json_is_false(wait);
    return !wait || json_is_boolean(wait) ||
           error_set(error, ERROR_VALIDATION, "step %s: Wait is neither true nor false",
                     step->name);
}

/* The types of steps that there are, for an error. g_free. */
static char *known_types(const struct service *const *services)
{
    GString *types = g_string_new("there are Condition, Fail, Operation");
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(services, i)); i++)
        if (kind->step)
            g_string_append_printf(types, ", %s", kind->step);
    return g_string_free(types, FALSE);
}

static bool read_call(const struct definition *definition, struct definition_step *step,
                      const char *type, GError **error)
{
    static const char *const members[] = {
        "Name",        "Type",        "Arguments",     "DependsOn",     "DisplayName",
        "Description", "CacheConfig", "PropertyFiles", "RetryPolicies", NULL};
    static const char *const operation_members[] = {
        "Name",        "Type",          "Arguments", "DependsOn", "DisplayName", "Description",
        "CacheConfig", "RetryPolicies", "Service",   "Operation", "Wait",        NULL};
    g_autofree char *what = g_strdup_printf("step %s", step->name);
    bool operation = strcmp(type, "Operation") == 0;
    step->type = STEP_CALL;
    const struct kind *kind = kind_of_step(definition->services, type);
    if (!operation && !kind) {
        g_autofree char *known = known_types(definition->services);
        return error_set(error, ERROR_VALIDATION,
                         "step %s: steps of type %s are not supported yet; %s", step->name, type,
                         known);
    }
    if (!check_members(step->json, operation ? operation_members : members, what, error))
        return false;
    if (kind) {
        step->service = kind->service;
        step->operation = kind->create;
        step->name_member = kind->named_by_reply ? NULL : kind->name;
        step->wait = true;
    }
    bool cacheable = kind && kind->step_is_cached;
    return (!operation || read_operation(step, error)) &&
           read_cache(step, cacheable, type, error) && check_property_files(step, error) &&
           retry_check(step->name, json_object_get(step->json, "RetryPolicies"), error);
}

static bool read_type(const struct definition *definition, struct definition_step *step,
                      GError **error)
{
    static const char *const members[] = {"Name",        "Type",        "Arguments", "DependsOn",
                                          "DisplayName", "Description", NULL};
    const char *type = json_text_at(step->json, "Type");
    if (!type)
        return error_set(error, ERROR_VALIDATION, "step %s has no Type", step->name);
    g_autofree char *what = g_strdup_printf("step %s", step->name);
    if (strcmp(type, "Fail") == 0) {
        step->type = STEP_FAIL;
        return check_members(step->json, members, what, error);
    }
    if (strcmp(type, "Condition") != 0)
        return read_call(definition, step, type, error);
    step->type = STEP_CONDITION;
    if (!check_members(step->json, members, what, error))
        return false;
    if (condition_check(json_object_get(step->arguments, "Conditions"), error))
        return true;
    g_prefix_error(error, "step %s: ", step->name);
    return false;
}

static bool read_steps(struct definition *definition, const json_t *list, int parent, bool branch,
                       GError **error);

static bool read_step(struct definition *definition, const json_t *json, int parent, bool branch,
                      GError **error)
{
    const char *name = json_text_at(json, "Name");
    if (!is_step_name(name))
        return error_set(error, ERROR_VALIDATION,
                         "a step's Name is missing or not 1 to 64 letters, digits, - and _: %s",
                         name ? name : "(none)");
    if (definition_find(definition, name) >= 0)
        return error_set(error, ERROR_VALIDATION, "two steps have the name %s", name);
    const json_t *arguments = json_object_get(json, "Arguments");
    if (!json_is_object(arguments))
        return error_set(error, ERROR_VALIDATION, "step %s has no Arguments", name);
    struct definition_step *step = g_new0(struct definition_step, 1);
    *step = (struct definition_step){.name = name,
                                     .json = json,
                                     .arguments = arguments,
                                     .parent = parent,
                                     .if_branch = branch,
                                     .needs = g_array_new(FALSE, FALSE, sizeof(unsigned))};
    int index = (int)definition->steps->len;
    g_ptr_array_add(definition->steps, step);
    g_hash_table_insert(definition->places, (char *)name, GINT_TO_POINTER(index));
    if (!read_type(definition, step, error))
        return false;
    return step->type != STEP_CONDITION ||
           (read_steps(definition, json_object_get(arguments, "IfSteps"), index, true, error) &&
            read_steps(definition, json_object_get(arguments, "ElseSteps"), index, false, error));
}

static bool read_steps(struct definition *definition, const json_t *list, int parent, bool branch,
                       GError **error)
{
    size_t i;
    const json_t *step;
    json_array_foreach((json_t *)list, i, step)
    {
        if (!read_step(definition, step, parent, branch, error))
            return false;
    }
    return true;
}

/* ---- the graph ---- */

static void need(struct definition_step *step, unsigned other)
{
    for (guint i = 0; i < step->needs->len; i++)
        if (g_array_index(step->needs, unsigned, i) == other)
            return;
    g_array_append_val(step->needs, other);
}

/* What Execution has: facts of it, and names that steps would give their jobs. */
static bool is_execution_name(const struct definition *definition, const char *name)
{
    static const char *const names[] = {"PipelineName",
                                        "PipelineArn",
                                        "PipelineExecutionId",
                                        "PipelineExecutionArn",
                                        "StartDateTime",
                                        "CurrentDateTime",
                                        NULL};
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(definition->services, i)); i++)
        if (kind->step_is_cached && strcmp(kind->name, name) == 0)
            return true;
    return g_strv_contains(names, name);
}

static bool has_parameter(const struct definition *definition, const char *name)
{
    size_t i;
    const json_t *parameter;
    json_array_foreach((json_t *)definition->parameters, i, parameter)
    {
        if (g_strcmp0(json_text_at(parameter, "Name"), name) == 0)
            return true;
    }
    return false;
}

static bool link_get(const struct definition *definition, struct definition_step *step,
                     const char *get, GError **error)
{
    const char *dot = strchr(get, '.');
    const char *path = NULL;
    g_autofree char *other = expression_step_of(get, &path);
    int index = definition_find(definition, other);
    if (other && index < 0)
        return error_set(error, ERROR_VALIDATION, "step %s: {\"Get\": \"%s\"}: there is no step %s",
                         step->name, get, other);
    if (other) {
        const char *file = g_str_has_prefix(path, "PropertyFiles.") ? strchr(path, '.') + 1 : NULL;
        if (file && !definition_property_file(step_at(definition, (guint)index), file))
            return error_set(error, ERROR_VALIDATION,
                             "step %s: {\"Get\": \"%s\"}: step %s has no property file %s",
                             step->name, get, other, file);
        need(step, (unsigned)index);
        return true;
    }
    if (dot && (g_str_has_prefix(get, "Parameters.") ? has_parameter(definition, dot + 1)
                                                     : g_str_has_prefix(get, "Execution.") &&
                                                           is_execution_name(definition, dot + 1)))
        return true;
    return error_set(error, ERROR_VALIDATION,
                     "step %s: {\"Get\": \"%s\"} refers to no parameter, step or Execution "
                     "variable",
                     step->name, get);
}

static bool check_function(const struct definition_step *step, const json_t *value, GError **error)
{
    const json_t *join = json_object_get(value, "Std:Join");
    const json_t *get = json_object_get(value, "Std:JsonGet");
    if (join && !json_is_array(json_object_get(join, "Values")))
        return error_set(error, ERROR_VALIDATION, "step %s: Std:Join: Values is no list",
                         step->name);
    if (!get)
        return true;
    const char *file = expression_get(json_object_get(get, "PropertyFile"));
    const char *path = NULL;
    g_autofree char *other = file ? expression_step_of(file, &path) : NULL;
    bool property = other && g_str_has_prefix(path, "PropertyFiles.");
    if (!property && !json_object_get(get, "S3Uri"))
        return error_set(error, ERROR_VALIDATION,
                         "step %s: Std:JsonGet needs a PropertyFile ({\"Get\": "
                         "\"Steps.<step>.PropertyFiles.<file>\"}) or an S3Uri",
                         step->name);
    return json_object_get(get, "Path") ||
           error_set(error, ERROR_VALIDATION, "step %s: Std:JsonGet has no Path", step->name);
}

/* Finds the references in a value: each is a step that comes first. */
static bool link_value(const struct definition *definition, struct definition_step *step,
                       const json_t *value, GError **error)
{
    const char *get = expression_get(value);
    if (get)
        return link_get(definition, step, get, error);
    const char *name;
    json_t *member;
    if (!check_function(step, value, error))
        return false;
    json_object_foreach((json_t *)value, name, member)
    {
        if (!link_value(definition, step, member, error))
            return false;
    }
    size_t i;
    json_array_foreach((json_t *)value, i, member)
    {
        if (!link_value(definition, step, member, error))
            return false;
    }
    return true;
}

static bool follow(const struct definition *definition, struct definition_step *step,
                   const char *name, GError **error)
{
    int index = definition_find(definition, name);
    if (index < 0)
        return error_set(error, ERROR_VALIDATION, "step %s: DependsOn: there is no step %s",
                         step->name, name ? name : "of a name that is no text");
    if (step_at(definition, (unsigned)index)->type == STEP_FAIL)
        return error_set(error, ERROR_VALIDATION,
                         "%s can not depends on %s: nothing comes after a step of type Fail",
                         step->name, name);
    need(step, (unsigned)index);
    return true;
}

static bool link_step(const struct definition *definition, struct definition_step *step,
                      GError **error)
{
    if (step->parent >= 0)
        need(step, (unsigned)step->parent);
    size_t i;
    const json_t *other;
    json_array_foreach(json_object_get(step->json, "DependsOn"), i, other)
    {
        const char *trigger = json_text_at(other, "Trigger");
        if (trigger && strcmp(trigger, "Completed") != 0)
            return error_set(error, ERROR_VALIDATION,
                             "step %s: DependsOn: the Trigger %s is not supported; steps follow "
                             "those that have Completed",
                             step->name, trigger);
        if (!follow(definition, step,
                    trigger ? json_text_at(other, "Step") : json_string_value(other), error))
            return false;
    }
    /* A condition's branches are steps of their own. */
    const json_t *read = step->type == STEP_CONDITION
                             ? json_object_get(step->arguments, "Conditions")
                             : step->arguments;
    return link_value(definition, step, read, error);
}

enum mark { UNSEEN, OPEN, DONE };

static bool visit(const struct definition *definition, unsigned index, enum mark *marks,
                  GError **error)
{
    const struct definition_step *step = step_at(definition, index);
    marks[index] = OPEN;
    for (guint i = 0; i < step->needs->len; i++) {
        unsigned other = g_array_index(step->needs, unsigned, i);
        if (marks[other] == OPEN)
            return error_set(error, ERROR_VALIDATION,
                             "step %s: it needs %s, which needs it: the steps form a cycle",
                             step->name, step_at(definition, other)->name);
        if (marks[other] == UNSEEN && !visit(definition, other, marks, error))
            return false;
    }
    marks[index] = DONE;
    return true;
}

static bool link_steps(const struct definition *definition, GError **error)
{
    for (guint i = 0; i < definition->steps->len; i++)
        if (!link_step(definition, step_at(definition, i), error))
            return false;
    g_autofree enum mark *marks = g_new0(enum mark, definition->steps->len);
    for (guint i = 0; i < definition->steps->len; i++)
        if (marks[i] == UNSEEN && !visit(definition, i, marks, error))
            return false;
    return true;
}

/* ---- the whole ---- */

static bool check_parameters(const struct definition *definition, GError **error)
{
    static const char *const types[] = {"String", "Integer", "Float", "Boolean", NULL};
    static const char *const members[] = {"Name", "Type", "DefaultValue", "EnumValues", NULL};
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    size_t i;
    const json_t *parameter;
    json_array_foreach((json_t *)definition->parameters, i, parameter)
    {
        const char *name = json_text_at(parameter, "Name");
        const char *type = json_text_at(parameter, "Type");
        if (!name || !type || !g_strv_contains(types, type))
            return error_set(error, ERROR_VALIDATION,
                             "Parameters[%zu] (%s): a Name and a Type are needed, one of String, "
                             "Integer, Float and Boolean",
                             i, name ? name : "without a name");
        if (!g_hash_table_add(names, (char *)name))
            return error_set(error, ERROR_VALIDATION, "two parameters have the name %s", name);
        g_autofree char *what = g_strdup_printf("parameter %s", name);
        if (!check_members(parameter, members, what, error))
            return false;
    }
    return true;
}

static bool read_definition(struct definition *definition, GError **error)
{
    static const char *const members[] = {
        "Version",      "Metadata", "Parameters", "PipelineExperimentConfig",
        "MlflowConfig", "Steps",    NULL};
    const char *version = json_text_at(definition->json, "Version");
    const json_t *steps = json_object_get(definition->json, "Steps");
    if (g_strcmp0(version, "2020-12-01") != 0)
        return error_set(error, ERROR_VALIDATION,
                         "the definition's Version is %s; 2020-12-01 is the one there is",
                         version ? version : "missing");
    definition->parameters = json_object_get(definition->json, "Parameters");
    if (!json_array_size(steps))
        return error_set(error, ERROR_VALIDATION, "the definition has no Steps");
    return check_members(definition->json, members, "the definition", error) &&
           check_parameters(definition, error) && read_steps(definition, steps, -1, false, error) &&
           link_steps(definition, error);
}

struct definition *definition_parse(const char *text, const struct service *const *services,
                                    GError **error)
{
    g_autoptr(definition_auto) definition = g_new0(struct definition, 1);
    definition->services = services;
    definition->places = g_hash_table_new(g_str_hash, g_str_equal);
    definition->steps = g_ptr_array_new_with_free_func(step_free);
    definition->json = json_parse(text, strlen(text), "the pipeline definition", error);
    if (!definition->json || !read_definition(definition, error))
        return NULL;
    return g_steal_pointer(&definition);
}
