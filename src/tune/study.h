/* study.h: what was tried, and what to try next.
 *
 * A study is a space with the trials in it, as far as they are known: pure data. The same study,
 * and the same seed, give the same next configuration. */
#ifndef LATHE_TUNE_STUDY_H
#define LATHE_TUNE_STUDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tune/space.h"

struct tune_trial {
    const double *values; /* its configuration */
    double loss;          /* to be made small; not finite: it failed, or has none yet */
    bool pending;         /* it is under way */
};

struct tune_study {
    const struct tune_space *space;
    const struct tune_trial *trials;
    size_t count;
    uint64_t seed;
};

/* Whether that configuration was tried, or is being. */
bool study_has(const struct tune_study *study, const double *values);

/* The next of a scrambled Sobol sequence that was not tried yet; where all seem to be (the space is
 * small), the next at all. */
void study_random(const struct tune_study *study, double *values);

/* Into [-inf, inf]: which of two losses is better; what is not finite is worst. */
bool loss_is_better(double loss, double than);

#endif
