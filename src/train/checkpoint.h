/* checkpoint.h: the model after each round, in a folder that outlives the job. */
#ifndef LATHE_TRAIN_CHECKPOINT_H
#define LATHE_TRAIN_CHECKPOINT_H

#include <glib.h>
#include <stdbool.h>

#include "train/library.h"

/* Reads the newest good xgboost-checkpoint.<round> below folder into the empty booster; *rounds
 * receives how many rounds it has (0 where there is none). One that is cut or corrupt is passed
 * over with a line in the log. The booster may have been replaced by another one. */
bool checkpoint_resume(const struct xgboost *xgboost, const char *folder, void **booster,
                       int *rounds, GError **error);

/* Writes xgboost-checkpoint.<round> and removes the one that is five rounds older. */
bool checkpoint_save(const struct xgboost *xgboost, void *booster, const char *folder, int round,
                     GError **error);

#endif
