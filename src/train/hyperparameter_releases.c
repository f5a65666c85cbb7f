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

static const struct span names[] = {
    {"silent", NULL, IMAGE_0_72, IMAGE_1_0_1},
    {"num_parallel_tree", NULL, IMAGE_0_90_2, 0},
    {"learning_rate", NULL, IMAGE_0_90_2, 0},
    {"min_split_loss", NULL, IMAGE_0_90_2, 0},
    {"reg_alpha", NULL, IMAGE_0_90_2, 0},
    {"reg_lambda", NULL, IMAGE_0_90_2, 0},
    {"save_model_on_termination", NULL, IMAGE_1_0_1, 0},
    {"monotone_constraints", NULL, IMAGE_1_0_1, 0},
    {"interaction_constraints", NULL, IMAGE_1_0_1, 0},
    {"aft_loss_distribution", NULL, IMAGE_1_2_1, 0},
    {"aft_loss_distribution_scale", NULL, IMAGE_1_2_1, 0},
    {"deterministic_histogram", NULL, IMAGE_1_2_1, 0},
    {"single_precision_histogram", NULL, IMAGE_1_2_1, IMAGE_1_5_1},
    {"_kfold", NULL, IMAGE_1_2_2, 0},
    {"_num_cv_round", NULL, IMAGE_1_2_2, 0},
    {"sampling_method", NULL, IMAGE_1_3_1, 0},
    {"prob_buffer_row", NULL, IMAGE_1_3_1, 0},
    {"use_dask_gpu_training", NULL, IMAGE_1_7_1, 0},
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

static bool covers(const struct span *span, const struct xgboost_release *release)
{
    return release->lenient ||
           (release->image >= span->since && (span->until == 0 || release->image <= span->until));
}

bool release_has_hyperparameter(const struct xgboost_release *release, const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return covers(&names[i], release);
        }
    }
    return true;
}

bool release_has_value(const struct xgboost_release *release, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcmp(values[i].name, name) == 0 && strcmp(values[i].value, value) == 0) {
            return covers(&values[i], release);
        }
    }
    return true;
}
