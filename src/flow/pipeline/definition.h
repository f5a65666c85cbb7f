/* definition.h: SageMaker pipeline definitions (Version 2020-12-01), read and checked: parameters,
 * steps and the graph between them. */
#ifndef LATHE_FLOW_PIPELINE_DEFINITION_H
#define LATHE_FLOW_PIPELINE_DEFINITION_H

#include "base/json.h"

enum step_type {
    STEP_CALL,      /* an operation: Training, Processing, Model, RegisterModel, Operation */
    STEP_CONDITION, /* chooses a branch */
    STEP_FAIL,      /* fails the execution with a message */
};

struct definition_step {
    const char *name;
    enum step_type type;
    const json_t *json;              /* the whole step */
    const json_t *arguments;         /* never NULL */
    const char *service, *operation; /* of STEP_CALL */
    const char *name_member; /* of the request, where the workflow chooses the name; or NULL */
    bool wait;               /* until what the operation started is at its end */
    int parent;              /* the index of the Condition that it is a branch of, or -1 */
    bool if_branch;
    GArray *needs; /* unsigned: indexes of the steps that come first, the parent among them */
    bool cached;
    double cache_seconds; /* how long a result may be used again */
};

struct service;
struct definition {
    const struct service *const *services; /* whose kinds steps make */
    json_t *json;
    const json_t *parameters; /* the list, or NULL */
    GHashTable *places;       /* a step's name -> its index */
    GPtrArray *steps;         /* struct definition_step, nested ones behind their Condition */
};

/* Reads a definition from JSON text and checks it whole: unknown types, names, references, members
 * that would not be acted on, and cycles are errors that name the step. services (as operations_new
 * has them) must outlive it. */
struct definition *definition_parse(const char *text, const struct service *const *services,
                                    GError **error);
void definition_free(struct definition *definition);
typedef struct definition definition_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(definition_auto, definition_free)

/* The index of a step, or -1. */
int definition_find(const struct definition *definition, const char *step);

/* The entry of a step's PropertyFiles, or NULL. Borrowed. */
const json_t *definition_property_file(const struct definition_step *step, const char *file);

/* The values of an execution's parameters: name -> value, typed, defaults where `given` (a list of
 * {"Name", "Value"}, texts; may be NULL) has none. An error names the parameter. */
json_t *definition_parameters(const struct definition *definition, const json_t *given,
                              GError **error);

/* Seconds of an ISO 8601 duration, in any case and with or without its P, as AWS's own examples
 * have them ("PT1H30M", "p30d", "T12H", "30dT5h"); months count 30 days, years 365. */
bool definition_duration(const char *text, double *seconds);

#endif
