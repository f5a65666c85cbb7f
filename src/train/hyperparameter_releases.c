/* Found by asking the container's own validation, release by release (tests/train). What all know
 * does not stand here. */
#include "train/hyperparameter_releases.h"

#include <stddef.h>
#include <string.h>

/* `until` is the last release that has it; 0 (no release with anything here): there is no end. */
struct span {
    const char *name, *value;
    enum xgboost_image since, until;
};

static const struct span values[] = {
    {"objective", "reg:squaredlogerror", IMAGE_1_0_1, 0},
    {"objective", "reg:pseudohubererror", IMAGE_1_2_1, 0},
    {"objective", "survival:aft", IMAGE_1_2_1, 0},
    {"objective", "reg:absoluteerror", IMAGE_3_0_5, 0},
    {"tree_method", "gpu_hist", IMAGE_1_2_1, 0},
    {"predictor", "auto", IMAGE_1_2_1, 0},
    {"predictor", "gpu_predictor", IMAGE_1_2_1, 0},
    {"updater", "grow_local_histmaker", IMAGE_0_72, IMAGE_1_5_1},
    {"eval_metric", "rmsle", IMAGE_1_0_1, 0},
    {"eval_metric", "aft-nloglik", IMAGE_1_2_1, 0},
    {"eval_metric", "interval-regression-accuracy", IMAGE_1_2_1, 0},
    {"eval_metric", "mphe", IMAGE_1_2_1, 0},
    {"eval_metric", "r2", IMAGE_1_2_1, 0},
    {"eval_metric", "f1_binary", IMAGE_1_2_2, 0},
    {"eval_metric", "f1_macro", IMAGE_1_2_2, 0},
    {"eval_metric", "balanced_accuracy", IMAGE_1_3_1, 0},
    {"eval_metric", "mape", IMAGE_1_3_1, 0},
    {"eval_metric", "precision", IMAGE_1_3_1, 0},
    {"eval_metric", "precision_macro", IMAGE_1_3_1, 0},
    {"eval_metric", "precision_micro", IMAGE_1_3_1, 0},
    {"eval_metric", "recall", IMAGE_1_3_1, 0},
    {"eval_metric", "recall_macro", IMAGE_1_3_1, 0},
    {"eval_metric", "recall_micro", IMAGE_1_3_1, 0},
};

bool release_is_in(const struct xgboost_release *release, enum xgboost_image since,
                   enum xgboost_image until)
{
    return release->lenient || (release->image >= since && (until == 0 || release->image <= until));
}

bool release_has_value(const struct xgboost_release *release, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(values[i].name, name) == 0 && strcmp(values[i].value, value) == 0)
            return release_is_in(release, values[i].since, values[i].until);
    return true;
}
