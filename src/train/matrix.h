/* matrix.h: a channel's rows as XGBoost's matrix. */
#ifndef LATHE_TRAIN_MATRIX_H
#define LATHE_TRAIN_MATRIX_H

#include <glib.h>

#include "train/channel.h"
#include "train/library.h"

enum matrix_kind {
    MATRIX_PLAIN,    /* the values themselves: for every algorithm */
    MATRIX_QUANTILE, /* a byte a value, for histograms only; an eighth of the memory */
};

/* A matrix with labels and weights; free it with xgboost->matrix_free. The channel's features are
 * copied. max_bin is read for MATRIX_QUANTILE only.
 *
 * A quantile matrix makes the same cuts as training with tree_method=hist on a plain one would,
 * and the same trees, bit for bit (tests/train holds both releases to it). */
void *matrix_create(const struct xgboost *xgboost, const struct channel *channel,
                    enum matrix_kind kind, int max_bin, int threads, GError **error);

#endif
