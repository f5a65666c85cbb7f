/* stopping.h: when to end what will not become the best: trials by what they reported so far, and
 * whole searches. Losses are made small; an epoch is a report of the objective. */
#ifndef LATHE_TUNE_STOPPING_H
#define LATHE_TUNE_STOPPING_H

#include <stdbool.h>
#include <stddef.h>

/* A trial's losses, an epoch each. */
struct tune_curve {
    const double *losses;
    size_t epochs;
};

/* The median rule: its last loss is worse than the median of the running averages, up to the same
 * epoch, of earlier trials that completed. Never where fewer than four of them came so far. */
bool median_rule_stops(const struct tune_curve *trial, const struct tune_curve *earlier,
                       size_t count);

/* Successive halving (L. Li and others, A System for Massively Parallel Hyperparameter Tuning,
 * 2020): each rung lets the best third go on. */
enum { HALVING_FACTOR = 3 };
/* The epochs of the rung-th rung (from 0) of a bracket; 0 where it would be at `most` or beyond. */
size_t halving_rung(size_t least, size_t most, size_t bracket, size_t rung);
/* How many brackets there are: each begins a rung later. */
size_t halving_brackets(size_t least, size_t most);
/* Whether a loss is among the best third of those at its rung (itself one of them). Where fewer
 * than three are there, the best of them is. */
bool halving_keeps(double loss, const double *losses, size_t count);

/* Whether a search found nothing better for long: the last third of its trials, and at least ten
 * and three a parameter, have improved on the best by less than a thousandth of what was gained
 * before. Losses in the order of their ends. */
bool search_has_converged(const double *losses, size_t count, size_t parameters);

/* How many of the last losses did not improve on the best before them, by a hundredth of it. */
size_t not_improving(const double *losses, size_t count);

#endif
