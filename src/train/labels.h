/* labels.h: labels and weights held against what the objective can learn from. */
#ifndef LATHE_TRAIN_LABELS_H
#define LATHE_TRAIN_LABELS_H

#include <glib.h>
#include <stdbool.h>

#include "train/channel.h"

/* What XGBoost would refuse, or learn nonsense from, without naming the row: the error says file
 * and row, the label found and which labels the objective (with that num_class) takes. */
bool labels_check(const struct channel *channel, const char *objective, gint64 num_class,
                  GError **error);

#endif
