#include "tune/stopping.h"

#include <math.h>

enum { MEDIAN_OF_AT_LEAST = 4, CONVERGED_AT_LEAST = 10, CONVERGED_A_PARAMETER = 3 };
#define CONVERGED_GAIN 1e-3
#define GAIN 0.01

/* ---- the median rule ---- */

static double running_average(const struct tune_curve *curve, size_t epochs)
{
    double sum = 0;
    for (size_t i = 0; i < epochs; i++)
        sum += curve->losses[i];
    return sum / (double)epochs;
}

/* Worse than the median: more averages are below the loss than are not. */
bool median_rule_stops(const struct tune_curve *trial, const struct tune_curve *earlier,
                       size_t count)
{
    size_t better = 0, all = 0;
    if (!trial->epochs)
        return false;
    double loss = trial->losses[trial->epochs - 1];
    for (size_t i = 0; i < count; i++) {
        if (earlier[i].epochs < trial->epochs)
            continue;
        all++;
        better += running_average(&earlier[i], trial->epochs) < loss;
    }
    return all >= MEDIAN_OF_AT_LEAST && 2 * better > all;
}

/* ---- successive halving ---- */

size_t halving_rung(size_t least, size_t most, size_t bracket, size_t rung)
{
    size_t epochs = least;
    for (size_t i = 0; i < bracket + rung && epochs < most; i++)
        epochs *= HALVING_FACTOR;
    return epochs < most ? epochs : 0;
}

size_t halving_brackets(size_t least, size_t most)
{
    size_t brackets = 0;
    while (halving_rung(least, most, brackets, 0))
        brackets++;
    return brackets ? brackets : 1;
}

bool halving_keeps(double loss, const double *losses, size_t count)
{
    size_t better = 0, kept = count / HALVING_FACTOR;
    for (size_t i = 0; i < count; i++)
        better += losses[i] < loss;
    return better < (kept ? kept : 1);
}

/* ---- whole searches ---- */

static double best_of(const double *losses, size_t count)
{
    double best = INFINITY;
    for (size_t i = 0; i < count; i++)
        best = fmin(best, losses[i]);
    return best;
}

bool search_has_converged(const double *losses, size_t count, size_t parameters)
{
    size_t late = count / 3;
    if (late < CONVERGED_AT_LEAST || late < CONVERGED_A_PARAMETER * parameters)
        return false;
    double before = best_of(losses, count - late), now = best_of(losses, count);
    double gained = losses[0] - before;
    return before - now <= CONVERGED_GAIN * fmax(gained, 0);
}

size_t not_improving(const double *losses, size_t count)
{
    double best = INFINITY;
    size_t since = 0;
    for (size_t i = 0; i < count; i++) {
        bool improves =
            !isfinite(best) ? isfinite(losses[i]) : losses[i] < best - GAIN * fabs(best);
        since = improves ? 0 : since + 1;
        best = fmin(best, losses[i]);
    }
    return since;
}
