/* expression.h: the expressions of a SageMaker pipeline definition: {"Get": ...}, {"Std:Join": ...}
 * and {"Std:JsonGet": ...}, anywhere in a step's arguments. */
#ifndef LATHE_FLOW_PIPELINE_EXPRESSION_H
#define LATHE_FLOW_PIPELINE_EXPRESSION_H

#include "base/json.h"

/* Where an expression finds its values. */
struct expression_scope {
    const json_t *parameters; /* name -> value */
    const json_t *execution;  /* PipelineName, ... -> text; NULL: Execution.* stays as it is */
    /* What a finished step is described as (a new reference), or NULL and an error. */
    json_t *(*step)(void *data, const char *step, GError **error);
    /* The JSON document at an s3:// URI (a new reference), or NULL and an error. */
    json_t *(*document)(void *data, const char *uri, GError **error);
    /* The URI of a property file of a step, g_free, or NULL and an error. */
    char *(*property_file)(void *data, const char *step, const char *file, GError **error);
    void *data;
};

/* The value with every expression in it replaced by what it stands for (a new reference). */
json_t *expression_resolve(const json_t *value, const struct expression_scope *scope,
                           GError **error);

/* What stands at a path below a value: members by .name or ['name'], elements by [i], or by
 * ['name'] that element of a list of objects whose own name (OutputName, MetricName, ...) it is.
 * Borrowed; NULL where there is none. A leading "$." is ignored. */
json_t *expression_path(const json_t *value, const char *path);

/* A scalar as text: numbers as short as they can be read back from. NULL for lists and objects;
 * g_free. */
char *expression_text(const json_t *value);

/* The step that a Get's text refers to ("Steps.Train.ModelArtifacts"), g_free; NULL: none. rest
 * (may be NULL) becomes what follows the name and its dot. */
char *expression_step_of(const char *get, const char **rest);

/* The text of {"Get": "..."}; NULL where the value is something else. */
const char *expression_get(const json_t *value);

#endif
