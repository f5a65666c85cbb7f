/* pace.h: how many threads train small data.
 *
 * XGBoost's threads meet at dozens of barriers a round. Where their cores are busy with something
 * else, each barrier waits for the thread that has no core: 100 rounds on 7,000 rows took two
 * threads 0.17 s by themselves and 1.6 s beside one busy process, one thread 0.24 s both times. So
 * a few rounds are grown by all threads and a few by one, and the faster go on for a while. The
 * trees are the same: the threads share out sums that small data has exactly, or nearly. */
#ifndef LATHE_TRAIN_PACE_H
#define LATHE_TRAIN_PACE_H

#include <glib.h>
#include <stdbool.h>

#include "train/library.h"

struct pace {
    int threads;         /* all; where there is no choice: 1 */
    int set;             /* what the booster was told last */
    int chosen;          /* the faster of the last trial */
    int rounds;          /* ended so far */
    double began;        /* the round that is under way */
    double spent_by_all; /* in the trial's rounds */
    double spent_by_one;
};

/* Before and after each round. pace starts as {.threads = n}. */
bool pace_begin(struct pace *pace, const struct xgboost *xgboost, void *booster, GError **error);
void pace_end(struct pace *pace);

#endif
