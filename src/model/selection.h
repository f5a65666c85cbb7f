/* selection.h: selectable inference, Amazon SageMaker's XGBoost container's way to choose what is
 * in an answer (its environment variable SAGEMAKER_INFERENCE_OUTPUT). */
#ifndef LATHE_MODEL_SELECTION_H
#define LATHE_MODEL_SELECTION_H

#include "lathe.h"

enum selection_key {
    SELECT_PREDICTED_LABEL,
    SELECT_LABELS,
    SELECT_PROBABILITY,
    SELECT_PROBABILITIES,
    SELECT_RAW_SCORE,
    SELECT_RAW_SCORES,
    SELECT_PREDICTED_SCORE,
    SELECT_KEYS,
};

/* What kind of objective a prediction comes from, as far as it matters here. */
enum selection_objective {
    SELECT_FROM_REGRESSION,
    SELECT_FROM_LOGISTIC,
    SELECT_FROM_LOGITRAW,
    SELECT_FROM_HINGE,
    SELECT_FROM_SOFTMAX,
    SELECT_FROM_SOFTPROB,
};

struct selected {
    enum selection_key key;
    const char *name; /* as it was asked for */
    bool valid;       /* otherwise its value is NaN */
    bool list;
    bool whole;   /* written as integers */
    size_t width; /* values */
};

enum { SELECTION_MOST = 16 }; /* keys */

struct selection {
    enum selection_objective objective;
    size_t classes;
    struct selected selected[SELECTION_MOST];
    size_t count; /* 0: nothing was selected, the answer is the prediction */
    size_t width; /* values of all keys together */
    char names[160];
};

/* Reads the variable's value: names between commas. classes is the model's number of classes (at
 * least 2 for binary objectives). LATHE_UNSUPPORTED for an objective that nothing can be selected
 * from, LATHE_LIMIT for too many keys. */
bool selection_read(struct selection *selection, const char *keys, const char *objective,
                    size_t classes, struct lathe_error *error);

/* The values of one key for a row's prediction, `width` of them, `stride` apart. */
void selection_values(const struct selection *selection, const struct selected *selected,
                      const float *prediction, double *out, size_t stride);

#endif
