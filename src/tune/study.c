#include "tune/study.h"

#include <math.h>

#include "tune/sobol.h"

/* Points of the sequence looked at before a configuration is tried again. */
#define MOST_LOOKED_AT 10000

static bool same(const struct tune_space *space, const double *a, const double *b)
{
    for (size_t i = 0; i < space->count; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

bool study_has(const struct tune_study *study, const double *values)
{
    for (size_t i = 0; i < study->count; i++)
        if (same(study->space, study->trials[i].values, values))
            return true;
    return false;
}

static void take_point(const struct tune_study *study, size_t index, double *values)
{
    double places[SOBOL_DIMENSIONS];
    sobol_scrambled(study->space->count, (uint32_t)index, study->seed, places);
    tune_values(study->space, places, values);
}

/* Trials that came of another strategy, or of a parent, only move the beginning. */
void study_random(const struct tune_study *study, double *values)
{
    bool may_repeat = tune_size(study->space) <= (double)study->count;
    for (size_t i = 0; i < MOST_LOOKED_AT && !may_repeat; i++) {
        take_point(study, study->count + i, values);
        if (!study_has(study, values))
            return;
    }
    take_point(study, study->count, values);
}

bool loss_is_better(double loss, double than)
{
    return isfinite(loss) && (!isfinite(than) || loss < than);
}
