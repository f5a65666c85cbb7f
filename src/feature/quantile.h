/* quantile.h: an approximate quantile of a stream in bounded memory, with Spark's parameters and
 * Spark's answers: M. Greenwald, S. Khanna, "Space-efficient Online Computation of Quantile
 * Summaries", SIGMOD 2001, as in Spark's QuantileSummaries (head buffer of 50,000, compressed
 * from 10,000 samples on). */
#ifndef LATHE_FEATURE_QUANTILE_H
#define LATHE_FEATURE_QUANTILE_H

#include <stdbool.h>

struct quantile;

/* relative_error: of the rank, as a part of the number of values. 0: exact, keeping them all. */
struct quantile *quantile_open(double relative_error);
void quantile_close(struct quantile *quantile);

/* value must not be NaN. False: no memory. */
bool quantile_add(struct quantile *quantile, double value);

/* The value at `part` (0 to 1) of the ranks; one of the values added. NaN where there were none.
 * False: no memory. Nothing may be added after. */
bool quantile_find(struct quantile *quantile, double part, double *value);

#endif
