#include "model/selection.h"

#include "parse/fail.h"

#include <math.h>
#include <string.h>

static const char *const KEYS[SELECT_KEYS] = {
    [SELECT_PREDICTED_LABEL] = "predicted_label",
    [SELECT_LABELS] = "labels",
    [SELECT_PROBABILITY] = "probability",
    [SELECT_PROBABILITIES] = "probabilities",
    [SELECT_RAW_SCORE] = "raw_score",
    [SELECT_RAW_SCORES] = "raw_scores",
    [SELECT_PREDICTED_SCORE] = "predicted_score",
};

/* Which objectives the container knows (its VALID_OBJECTIVES). */
static const struct {
    const char *name;
    enum selection_objective objective;
} OBJECTIVES[] = {
    {"reg:squarederror", SELECT_FROM_REGRESSION},  {"reg:linear", SELECT_FROM_REGRESSION},
    {"reg:logistic", SELECT_FROM_REGRESSION},      {"reg:gamma", SELECT_FROM_REGRESSION},
    {"reg:absoluteerror", SELECT_FROM_REGRESSION}, {"reg:tweedie", SELECT_FROM_REGRESSION},
    {"binary:logistic", SELECT_FROM_LOGISTIC},     {"binary:logitraw", SELECT_FROM_LOGITRAW},
    {"binary:hinge", SELECT_FROM_HINGE},           {"multi:softmax", SELECT_FROM_SOFTMAX},
    {"multi:softprob", SELECT_FROM_SOFTPROB},
};

static bool find_objective(const char *name, enum selection_objective *objective)
{
    for (size_t i = 0; i < sizeof OBJECTIVES / sizeof *OBJECTIVES; i++)
        if (strcmp(OBJECTIVES[i].name, name) == 0) {
            *objective = OBJECTIVES[i].objective;
            return true;
        }
    return false;
}

static bool is_valid(enum selection_key key, enum selection_objective objective)
{
    bool probability = key == SELECT_PROBABILITY || key == SELECT_PROBABILITIES;
    if (objective == SELECT_FROM_REGRESSION || key == SELECT_PREDICTED_SCORE)
        return objective == SELECT_FROM_REGRESSION && key == SELECT_PREDICTED_SCORE;
    return !probability || objective == SELECT_FROM_LOGISTIC || objective == SELECT_FROM_SOFTPROB;
}

static bool add(struct selection *selection, const char *name, struct lathe_error *error)
{
    if (selection->count == SELECTION_MOST)
        return fail(error, LATHE_LIMIT, "SAGEMAKER_INFERENCE_OUTPUT selects more than %d values",
                    SELECTION_MOST);
    struct selected *selected = &selection->selected[selection->count++];
    *selected = (struct selected){.key = SELECT_KEYS, .name = name, .width = 1};
    for (int key = 0; key < SELECT_KEYS; key++)
        if (strcmp(KEYS[key], name) == 0)
            selected->key = (enum selection_key)key;
    enum selection_objective objective = selection->objective;
    selected->valid = selected->key != SELECT_KEYS && is_valid(selected->key, objective);
    if (!selected->valid)
        return true;
    selected->list = selected->key == SELECT_LABELS || selected->key == SELECT_PROBABILITIES ||
                     selected->key == SELECT_RAW_SCORES;
    /* The predicted label is the prediction itself where that is one, and so not an integer. */
    selected->whole = selected->key == SELECT_LABELS ||
                      (selected->key == SELECT_PREDICTED_LABEL && objective != SELECT_FROM_HINGE &&
                       objective != SELECT_FROM_SOFTMAX);
    if (selected->key == SELECT_LABELS || (selected->list && objective == SELECT_FROM_SOFTPROB))
        selected->width = selection->classes;
    else if (selected->list)
        selected->width = 2;
    return true;
}

bool selection_read(struct selection *selection, const char *keys, const char *objective,
                    size_t classes, struct lathe_error *error)
{
    *selection = (struct selection){.classes = classes};
    if (!find_objective(objective, &selection->objective))
        return fail(error, LATHE_UNSUPPORTED,
                    "SAGEMAKER_INFERENCE_OUTPUT: objective `%s` unsupported for selectable "
                    "inference predictions",
                    objective);
    if (strlen(keys) >= sizeof selection->names)
        return fail(error, LATHE_LIMIT, "SAGEMAKER_INFERENCE_OUTPUT is longer than %zu bytes",
                    sizeof selection->names - 1);
    /* Blanks do not count, nor does case. */
    char *out = selection->names, *name = out;
    for (const char *at = keys;; at++) {
        if (*at == ',' || !*at) {
            *out++ = '\0';
            if (*name && !add(selection, name, error))
                return false;
            name = out;
        } else if (*at != ' ') {
            *out++ = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        }
        if (!*at)
            break;
    }
    for (size_t i = 0; i < selection->count; i++)
        selection->width += selection->selected[i].width;
    return true;
}

static size_t largest(const float *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

static double predicted_label(const struct selection *selection, const float *prediction)
{
    switch (selection->objective) {
    case SELECT_FROM_LOGISTIC:
        return prediction[0] > 0.5f;
    case SELECT_FROM_LOGITRAW:
        return prediction[0] > 0;
    case SELECT_FROM_SOFTPROB:
        return (double)largest(prediction, selection->classes);
    default:
        return (double)prediction[0];
    }
}

void selection_values(const struct selection *selection, const struct selected *selected,
                      const float *prediction, double *out, size_t stride)
{
    bool softprob = selection->objective == SELECT_FROM_SOFTPROB;
    if (!selected->valid) {
        *out = NAN;
    } else if (selected->key == SELECT_PREDICTED_LABEL) {
        *out = predicted_label(selection, prediction);
    } else if (selected->key == SELECT_LABELS) {
        for (size_t i = 0; i < selected->width; i++)
            out[i * stride] = (double)i;
    } else if (selected->list && softprob) {
        for (size_t i = 0; i < selected->width; i++)
            out[i * stride] = (double)prediction[i];
    } else if (selected->list) {
        out[0] = 1.0 - (double)prediction[0];
        out[stride] = (double)prediction[0];
    } else {
        *out = (double)prediction[softprob ? largest(prediction, selection->classes) : 0];
    }
}
