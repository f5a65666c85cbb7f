/* objective.h: what XGBoost's objectives do to base scores and margins. */
#ifndef LATHE_TREE_OBJECTIVE_H
#define LATHE_TREE_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>

/* How a base score becomes a margin. */
enum base_link { LINK_IDENTITY, LINK_LOGIT, LINK_LOG };

/* How margins become what predict() returns. */
enum answer_kind {
    ANSWER_MARGIN,
    ANSWER_SIGMOID,
    ANSWER_EXP,
    ANSWER_SIGN, /* 1 where the margin is positive, else 0 */
    ANSWER_SOFTMAX,
    ANSWER_CLASS, /* the number of the largest margin, the first of equals */
};

struct objective {
    const char *name;
    enum base_link link;
    enum answer_kind answer;
};

/* NULL where the name is none that is known. */
const struct objective *objective_find(const char *name);

/* The margin of a base score; false where the score is outside the objective's range. */
bool objective_base_margin(const struct objective *objective, float base_score, float *margin);

/* count x outputs margins to count x answers. In place where margins == out. */
void objective_transform(const struct objective *objective, const float *margins, size_t count,
                         size_t outputs, float *out);

/* How many numbers a row's class, or classes where it has several targets, are; 0: the objective
 * tells none. */
size_t objective_labels(const struct objective *objective, size_t outputs);
/* The same of its classes' probabilities: of two classes both, of several targets of two classes
 * each the second one's. */
size_t objective_probabilities(const struct objective *objective, size_t outputs);

/* Margins to them. Not in place. */
void objective_label(const struct objective *objective, const float *margins, size_t count,
                     size_t outputs, float *out);
void objective_tell(const struct objective *objective, const float *margins, size_t count,
                    size_t outputs, float *out);

#endif
