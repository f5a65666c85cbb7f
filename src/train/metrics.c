#include "train/metrics.h"

#include <glib.h>
#include <string.h>

/* https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost-tuning.html */
static const struct train_metric metrics[] = {
    {"accuracy", true, true, true},
    {"auc", true, false, false},
    {"aucpr", true, false, false},
    {"balanced_accuracy", true, true, true},
    {"f1", true, true, true},
    {"f1_binary", true, true, true},
    {"f1_macro", true, true, true},
    {"map", true, false, false},
    {"ndcg", true, false, false},
    {"precision", true, true, true},
    {"r2", true, true, false},
    {"recall", true, true, true},
    {"precision_macro", true, true, true},
    {"precision_micro", true, true, true},
    {"recall_macro", true, true, true},
    {"recall_micro", true, true, true},
    {"aft-nloglik", false, false, false},
    {"cox-nloglik", false, false, false},
    {"error", false, false, false},
    {"gamma-deviance", false, false, false},
    {"gamma-nloglik", false, false, false},
    {"interval-regression-accuracy", false, false, false},
    {"logloss", false, false, false},
    {"mae", false, true, false},
    {"mape", false, false, false},
    {"merror", false, false, false},
    {"mlogloss", false, false, false},
    {"mphe", false, false, false},
    {"mse", false, true, false},
    {"poisson-nloglik", false, false, false},
    {"rmse", false, true, false},
    {"rmsle", false, false, false},
    {"tweedie-nloglik", false, false, false},
};

const struct train_metric *train_metrics(size_t *count)
{
    *count = G_N_ELEMENTS(metrics);
    return metrics;
}

const struct train_metric *train_metric_find(const char *name)
{
    size_t length = strcspn(name, "@");
    for (size_t i = 0; i < G_N_ELEMENTS(metrics); i++)
        if (strncmp(metrics[i].name, name, length) == 0 && metrics[i].name[length] == '\0')
            return &metrics[i];
    return NULL;
}

char *train_metric_regex(const char *data, const char *metric)
{
    return g_strdup_printf(".*\\[[0-9]+\\].*#011%s-%s:"
                           "([-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*",
                           data, metric);
}
