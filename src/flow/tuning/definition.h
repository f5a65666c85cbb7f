/* definition.h: what a tuning job's training definitions say: spaces, objectives, and the training
 * job that a configuration of theirs is. */
#ifndef LATHE_FLOW_TUNING_DEFINITION_H
#define LATHE_FLOW_TUNING_DEFINITION_H

#include "base/json.h"
#include "tune/space.h"

/* A hyperparameter that is tuned. */
struct tuned {
    const char *name;
    const json_t *choices; /* of categories: their texts; else NULL */
};

/* One training definition; what it points to is the request's. */
struct tuning_definition {
    const json_t *json;
    const char *name; /* DefinitionName; NULL where there is one definition without */
    const char *metric;
    bool maximize;
    const json_t *ranges; /* ParameterRanges; or NULL */
    struct tuned *tuned;  /* as many as its space has parameters */
    struct tune_space space;
};

/* All of a tuning job's, in order. */
struct tuning_definitions {
    struct tuning_definition *all;
    guint count;
};

/* From a valid CreateHyperParameterTuningJob request, or what was kept of one; the request must
 * outlive it. ERROR_VALIDATION where they do not fit together. */
struct tuning_definitions *tuning_definitions_read(const json_t *request, GError **error);
void tuning_definitions_free(struct tuning_definitions *definitions);
typedef struct tuning_definitions tuning_definitions_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tuning_definitions_auto, tuning_definitions_free)

/* TunedHyperParameters of a configuration, and back; false where one is missing or no value of its
 * range's kind. Values outside of the ranges are taken as they are. */
json_t *tuning_hyperparameters(const struct tuning_definition *definition, const double *values);
bool tuning_values(const struct tuning_definition *definition, const json_t *hyperparameters,
                   double *values);

/* The ResourceConfig of its training jobs: its own, or of what it says as tuning jobs do the first
 * pool. */
json_t *tuning_resources(const json_t *definition);

/* The request of CreateTrainingJob for a configuration; tags may be NULL. */
json_t *tuning_training_request(const struct tuning_definition *definition, const char *name,
                                const json_t *hyperparameters, const json_t *tags);
/* Gives it the checkpoints of another training job of that definition. */
void tuning_give_checkpoints(json_t *request, const struct tuning_definition *definition,
                             const char *name);

#endif
