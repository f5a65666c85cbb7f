/* bayesian.h: the next configuration by what is expected of it: Gaussian processes over what was
 * tried, and the place where they expect the greatest improvement. */
#ifndef LATHE_TUNE_BAYESIAN_H
#define LATHE_TUNE_BAYESIAN_H

#include "tune/gp.h"
#include "tune/study.h"

/* The next configuration; at random until there is something to learn from, and where no memory is
 * left. What is under way is given values as the processes draw them, so that parallel trials
 * differ; what failed counts as the worst that was seen. */
void study_bayesian(const struct tune_study *study, const struct gp_lapack *lapack, double *values);

/* Whether there is too little to learn from. */
bool study_is_early(const struct tune_study *study);

/* The logarithm of the expected improvement on `best` (the lowest loss) by a normal variable, and
 * its derivatives by the mean and the deviation. */
double log_improvement(double best, double mean, double deviation, double *by_mean,
                       double *by_deviation);

/* Losses made more like a normal variable: by the power of I. Yeo and R. Johnson (A New Family of
 * Power Transformations to Improve Normality or Symmetry, 2000) that fits best, centred, of unit
 * variance. In place. */
void normalize_losses(double *losses, size_t count);

#endif
