/* pace.h: how many threads train small data.
 *
 * XGBoost's threads meet at dozens of barriers a round. Where their cores are busy with something
 * else, each barrier waits for the thread that has no core: 100 rounds on 7,000 rows took two
 * threads 0.17 s by themselves and 1.6 s beside one busy process, one thread 0.24 s both times. So
 * a few rounds are grown by one thread and a few by all, and the faster go on for a while. The
 * trees are the same: the threads share out sums that small data has exactly, or nearly. */
#ifndef LATHE_TRAIN_PACE_H
#define LATHE_TRAIN_PACE_H

#include <glib.h>
#include <stdbool.h>

#include "train/library.h"

struct pace {
    int threads;  /* all; 0: they are as many as the library takes */
    int set;      /* what the booster was told last */
    int position; /* of the next round, from one trial to the next */
    bool all_are_faster;
    double lead;  /* of all over one, in seconds of this trial's rounds */
    double began; /* when the round under way did */
};

/* Before and after each round. pace starts as {.threads = n}. */
bool pace_begin(struct pace *pace, const struct xgboost *xgboost, void *booster, GError **error);
void pace_end(struct pace *pace);

#endif
