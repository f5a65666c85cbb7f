/* log_loss.h: XGBoost's metric logloss, in a small part of the time that XGBoost takes for it. */
#ifndef LATHE_TRAIN_LOG_LOSS_H
#define LATHE_TRAIN_LOG_LOSS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether each label is 0 or 1, as log_loss needs them. */
bool log_loss_is_of(const float *labels, size_t rows);

/* The mean of -ln(the chance that was given to what came true), over `rows` labels (0 or 1) and
 * chances of 1. As XGBoost has it: chances are floats, and none counts as less than 1e-16. */
double log_loss(const float *labels, const float *chances, size_t rows);

#endif
