/* estimate.h: the state of fitting one stage; between fit.c and estimate.c. */
#ifndef LATHE_FEATURE_ESTIMATE_H
#define LATHE_FEATURE_ESTIMATE_H

#include "feature/build.h"
#include "feature/quantile.h"

/* Of one element of a vector: Spark's SummarizerBuffer with weight 1. */
struct moments {
    double mean, m2, weight; /* over non-zeros */
    double min, max;
};

struct estimate {
    /* Set by the specification. */
    bool fitted;              /* or nothing to be learned */
    bool with_mean, with_std; /* StandardScaler, RobustScaler */
    bool quantiles;           /* RobustScaler, QuantileDiscretizer */
    double lower, upper;      /* RobustScaler */
    size_t buckets;           /* QuantileDiscretizer */
    double relative_error;    /* these, and the Imputer */
    const char *labels_from;  /* IndexToString */

    /* Of the pass. */
    bool chosen;               /* learns in this pass */
    size_t first;              /* its first value among the plan's outputs */
    size_t width;              /* how many values it learns from */
    double rows;               /* that were not skipped */
    struct labels **labels;    /* StringIndexer: an input; Imputer's mode: one of doubles */
    double *largest;           /* OneHotEncoder, an input */
    struct moments *moments;   /* scalers, an element */
    double sum;                /* Imputer */
    struct quantile *quantile; /* Imputer */
    struct quantile **ranks;   /* RobustScaler, QuantileDiscretizer: an element */
};

/* The rows that an estimator gets to see: its inputs' values and their types. */
struct estimate_rows {
    const struct feature_stage *stage;
    size_t index, rows;
    const struct feature_batch *batch; /* that they are, for their numbers */
    const union feature_values *values;
    const enum feature_type *types;
    const unsigned char *skipped;
};

bool estimate_begin(struct estimate *estimate, struct pipeline *pipeline, size_t index,
                    struct lathe_error *error);
bool estimate_add(struct estimate *estimate, const struct estimate_rows *rows,
                  struct lathe_error *error);

/* Puts what was learned into the stage. */
bool estimate_end(struct estimate *estimate, struct pipeline *pipeline, size_t index,
                  struct lathe_error *error);

/* Gives back what the pass took. */
void estimate_clear(struct estimate *estimate);

#endif
