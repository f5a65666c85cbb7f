/* fit_inside.h: a fit in the making; between fit_spec.c, which reads it, and fit.c. */
#ifndef LATHE_FEATURE_FIT_INSIDE_H
#define LATHE_FEATURE_FIT_INSIDE_H

#include "feature/estimate.h"
#include "feature/fit.h"
#include "feature/json.h"

/* The pipeline of "stages" or of "after", and how far each of its stages is. */
struct fit_side {
    struct pipeline *pipeline;
    struct estimate *estimates; /* a stage */
    size_t count, capacity;
};

struct fit {
    struct fit_side stages, after;
    bool has_after, started, passing;
    struct feature_column *columns; /* of the batches */
    size_t column_count;

    /* Of the pass. */
    bool *ready;
    struct plan *plan;
    enum feature_type *types; /* a value of the plan's outputs */
    void *scratch;
    size_t chunk;                 /* rows at a time */
    union feature_values *values; /* the batch's, moved to the rows at hand */
};

/* Adds the stages of one list of the specification. */
bool fit_read_stages(struct fit_side *side, const struct json *list, struct lathe_error *error);

#endif
