/* parts.h: what a predictor is made of: the artifacts as parts, in order, and a row's columns. To
 * read only, for who writes a predictor in another form. */
#ifndef LATHE_MODEL_PARTS_H
#define LATHE_MODEL_PARTS_H

#include "model/artifact.h"
#include "model/category_codes.h"
#include "model/schema.h"
#include "model/selection.h"
#include "tree/xgboost_release.h"

/* One artifact at work. */
struct part {
    const char *name;
    size_t inputs, outputs; /* values a row */

    /* Transformers: */
    struct pipeline *pipeline;
    struct schema schema;
    struct plan *plan; /* for rows of the schema */

    /* Or trees, several of them an ensemble: */
    struct forest **forests;
    size_t forest_count;
    struct category_codes *categories; /* that they keep; NULL: none */
    size_t answers;                    /* values of a row's prediction */
    bool vote;                         /* predictions are voted on, otherwise averaged */
    struct selection selection;
    const struct xgboost_release *release; /* whose ways it has; NULL: of none */
};

struct lathe_predictor {
    struct arena arena; /* names and schemas */
    struct part *parts;
    size_t part_count;
    struct lathe_column *columns; /* of a row */
    size_t column_count;
};

#endif
