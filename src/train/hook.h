/* hook.h: SageMaker Debugger's hook: saves tensors of a training at the steps that a
 * DebugHookConfig names, in the files of smdebug (tensors.h). */
#ifndef LATHE_TRAIN_HOOK_H
#define LATHE_TRAIN_HOOK_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "train/round_view.h"

struct hook;

/* config: a DebugHookConfig; opt_ml: the folder that /opt/ml stands for. NULL: where there is no
 * configuration. */
struct hook *hook_open(const json_t *config, const char *opt_ml, const struct xgboost *xgboost,
                       const json_t *hyperparameters);
/* Says that there is no more. */
void hook_close(struct hook *hook);

/* Whether it wants contributions of the training's rows, which a quantile matrix has not. */
bool hook_wants_shap(const struct hook *hook);

/* After a round. What cannot be saved is told in the log, and fails no training. NULL is none. */
void hook_round(struct hook *hook, struct round_view *view);

#endif
