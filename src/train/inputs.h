/* inputs.h: a training's channels, read, checked and given to XGBoost. */
#ifndef LATHE_TRAIN_INPUTS_H
#define LATHE_TRAIN_INPUTS_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "train/channel.h"
#include "train/channel_config.h"
#include "train/library.h"

/* What is borrowed has to outlive the call, or what the call gives. */
struct inputs_plan {
    const char *opt_ml; /* the channels lie in its input/data */
    const json_t *hyperparameters;
    const struct channel_config *channels;
    const struct xgboost *xgboost;
    bool shows_values; /* somebody looks at the features themselves, not only at histograms */
    bool one_thread;   /* none but the caller's is to be used */
};

/* The channels are without their features, which the matrices have. No validation is NULL. */
struct inputs {
    struct channel *train, *validation;
    void *train_matrix, *validation_matrix;
};

/* Reads both channels, and says in the log what they have. Errors name channel, file and row. What
 * there is of `inputs` after one is to be cleared, too. */
bool inputs_load(const struct inputs_plan *plan, struct inputs *inputs, GError **error);
void inputs_clear(const struct xgboost *xgboost, struct inputs *inputs);

/* The rows below input/data/<folder>, and other_folder where it is not NULL. */
struct channel *inputs_channel(const struct inputs_plan *plan, const char *folder,
                               const char *other_folder, enum rows_format format, GError **error);

/* How many threads make a matrix of the channel, and up to how many its rounds may choose from
 * (boost.h); 0: it is not for them to choose. */
int inputs_matrix_threads(const struct inputs_plan *plan, const struct channel *channel);
int inputs_threads_to_choose_from(const struct inputs_plan *plan, const struct channel *channel);

/* In a process that forks for each training (base/warm.h), before it does: reads the channels of
 * the training that comes next, by one thread, unless it has them from the one before: the same
 * files, looked at in the same way. The forked one's inputs_load takes them, and says the same.
 * What is large, or cannot be read, each training reads itself. NULL: nothing is kept. */
void inputs_keep(const struct inputs_plan *plan);

#endif
