/* model_pickle.h: an XGBoost Booster as Python's pickle writes it, which is how SageMaker's images
 * up to 1.2 keep models.
 *
 * A pickle is a program that builds objects, of any class, by calling anything. This reader goes
 * through it without calling: it knows the one class (xgboost.core.Booster), the ways in which
 * pickle's protocols 0 to 5 write its state, and takes anything else in it as a value of which
 * nothing is known. Time and memory are proportional to the pickle's bytes. */
#ifndef LATHE_TREE_MODEL_PICKLE_H
#define LATHE_TREE_MODEL_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lathe.h"

struct model_pickle {
    /* The model in a form of its own: the old binary form (0.90), that with the training's
     * configuration behind it (1.0 to 1.2), or JSON or UBJSON {"Config", "Model"}. In the pickle,
     * or in `decoded`. */
    const unsigned char *model;
    size_t size;
    unsigned char *decoded;
    int64_t best_ntree_limit; /* the attribute of the object; 0 where it has none */
};

/* Whether these are a pickle's bytes. */
bool model_is_pickle(const unsigned char *bytes, size_t size);

/* Finds the model in the pickle. LATHE_UNSUPPORTED for a pickle of something else, which says what
 * it is and what to do; LATHE_INVALID_MODEL, LATHE_LIMIT, LATHE_NO_MEMORY. */
bool model_read_pickle(struct model_pickle *pickle, const unsigned char *bytes, size_t size,
                       struct lathe_error *error);
void model_pickle_clear(struct model_pickle *pickle);

#endif
