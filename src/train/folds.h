/* folds.h: which rows are left out when, in a repeated cross validation. */
#ifndef LATHE_TRAIN_FOLDS_H
#define LATHE_TRAIN_FOLDS_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* Deals `rows` rows into `folds` folds of sizes that differ by one at most: fold[row] receives 0 to
 * folds - 1. With labels (NULL: without) every fold has its share of each label. The rows are
 * shuffled first; *random is the generator's state and moves on, so that the next round deals
 * differently and the same seed deals the same. */
void folds_deal(int *fold, size_t rows, int folds, const float *labels, uint64_t *random);

#endif
