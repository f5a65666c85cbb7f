#include "tree/objective.h"

#include <math.h>
#include <string.h>

/* Names and formulas: XGBoost's src/objective/. survival:cox answers hazard ratios, the aft model
 * times, so both go through exp. */
static const struct objective objectives[] = {
    {"reg:squarederror", LINK_IDENTITY, ANSWER_MARGIN},
    {"reg:linear", LINK_IDENTITY, ANSWER_MARGIN},
    {"reg:squaredlogerror", LINK_IDENTITY, ANSWER_MARGIN},
    {"reg:pseudohubererror", LINK_IDENTITY, ANSWER_MARGIN},
    {"reg:absoluteerror", LINK_IDENTITY, ANSWER_MARGIN},
    {"reg:quantileerror", LINK_IDENTITY, ANSWER_MARGIN},
    {"reg:logistic", LINK_LOGIT, ANSWER_SIGMOID},
    {"reg:gamma", LINK_LOG, ANSWER_EXP},
    {"reg:tweedie", LINK_LOG, ANSWER_EXP},
    {"count:poisson", LINK_LOG, ANSWER_EXP},
    {"binary:logistic", LINK_LOGIT, ANSWER_SIGMOID},
    {"binary:logitraw", LINK_IDENTITY, ANSWER_MARGIN},
    {"binary:hinge", LINK_IDENTITY, ANSWER_SIGN},
    {"multi:softmax", LINK_IDENTITY, ANSWER_CLASS},
    {"multi:softprob", LINK_IDENTITY, ANSWER_SOFTMAX},
    {"rank:pairwise", LINK_IDENTITY, ANSWER_MARGIN},
    {"rank:ndcg", LINK_IDENTITY, ANSWER_MARGIN},
    {"rank:map", LINK_IDENTITY, ANSWER_MARGIN},
    {"survival:aft", LINK_LOG, ANSWER_EXP},
    {"survival:cox", LINK_LOG, ANSWER_EXP},
};

const struct objective *objective_find(const char *name)
{
    for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++)
        if (strcmp(objectives[i].name, name) == 0)
            return &objectives[i];
    return NULL;
}

/* In float throughout, as XGBoost computes them: the margin's bits depend on it. */
bool objective_base_margin(const struct objective *objective, float base_score, float *margin)
{
    switch (objective->link) {
    case LINK_LOGIT:
        *margin = -logf(1.0f / base_score - 1.0f);
        return base_score > 0.0f && base_score < 1.0f;
    case LINK_LOG:
        *margin = logf(base_score);
        return base_score >= 0.0f && base_score < INFINITY;
    default:
        *margin = base_score;
        return isfinite(base_score);
    }
}

/* XGBoost's common::Sigmoid: the bound keeps exp finite. */
static float sigmoid(float margin)
{
    float negative = -margin < 88.7f ? -margin : 88.7f;
    return 1.0f / (expf(negative) + 1.0f + 1e-16f);
}

/* XGBoost's common::Softmax: the sum is a double. */
static void softmax(const float *margins, size_t outputs, float *out)
{
    float largest = margins[0];
    for (size_t i = 1; i < outputs; i++)
        largest = margins[i] > largest ? margins[i] : largest;
    double sum = 0;
    for (size_t i = 0; i < outputs; i++) {
        out[i] = expf(margins[i] - largest);
        sum += (double)out[i];
    }
    for (size_t i = 0; i < outputs; i++)
        out[i] /= (float)sum;
}

static float largest_of(const float *margins, size_t outputs)
{
    size_t best = 0;
    for (size_t i = 1; i < outputs; i++)
        if (margins[i] > margins[best])
            best = i;
    return (float)best;
}

void objective_transform(const struct objective *objective, const float *margins, size_t count,
                         size_t outputs, float *out)
{
    size_t total = count * outputs;
    switch (objective->answer) {
    case ANSWER_MARGIN:
        if (out != margins)
            memcpy(out, margins, total * sizeof *out);
        break;
    case ANSWER_SIGMOID:
        for (size_t i = 0; i < total; i++)
            out[i] = sigmoid(margins[i]);
        break;
    case ANSWER_EXP:
        for (size_t i = 0; i < total; i++)
            out[i] = expf(margins[i]);
        break;
    case ANSWER_SIGN:
        for (size_t i = 0; i < total; i++)
            out[i] = margins[i] > 0.0f ? 1.0f : 0.0f;
        break;
    case ANSWER_SOFTMAX:
        for (size_t i = 0; i < count; i++)
            softmax(margins + i * outputs, outputs, out + i * outputs);
        break;
    case ANSWER_CLASS:
        for (size_t i = 0; i < count; i++)
            out[i] = largest_of(margins + i * outputs, outputs);
        break;
    }
}

/* ---- classes ---- */

static bool is_binary(const struct objective *objective)
{
    return strncmp(objective->name, "binary:", 7) == 0;
}

static bool is_multiclass(const struct objective *objective)
{
    return objective->answer == ANSWER_CLASS || objective->answer == ANSWER_SOFTMAX;
}

size_t objective_labels(const struct objective *objective, size_t outputs)
{
    return is_binary(objective) ? outputs : is_multiclass(objective) ? 1 : 0;
}

size_t objective_probabilities(const struct objective *objective, size_t outputs)
{
    if (is_binary(objective) && objective->answer != ANSWER_SIGN)
        return outputs == 1 ? 2 : outputs;
    return is_multiclass(objective) ? outputs : 0;
}

void objective_label(const struct objective *objective, const float *margins, size_t count,
                     size_t outputs, float *out)
{
    bool sigmoids = objective->answer == ANSWER_SIGMOID;
    if (is_multiclass(objective))
        for (size_t i = 0; i < count; i++)
            out[i] = largest_of(margins + i * outputs, outputs);
    else /* by the probability, which as a float may be a half where the margin is not yet 0 */
        for (size_t i = 0; i < count * outputs; i++)
            out[i] = sigmoids ? sigmoid(margins[i]) > 0.5f : margins[i] > 0.0f;
}

void objective_tell(const struct objective *objective, const float *margins, size_t count,
                    size_t outputs, float *out)
{
    for (size_t i = 0; is_multiclass(objective) && i < count; i++)
        softmax(margins + i * outputs, outputs, out + i * outputs);
    for (size_t i = 0; is_binary(objective) && i < count * outputs; i++) {
        float second = sigmoid(margins[i]);
        if (outputs == 1)
            *out++ = 1.0f - second;
        *out++ = second;
    }
}
