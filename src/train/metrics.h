/* metrics.h: the metrics that the SageMaker XGBoost container knows, by name. */
#ifndef LATHE_TRAIN_METRICS_H
#define LATHE_TRAIN_METRICS_H

#include <stdbool.h>
#include <stddef.h>

struct train_metric {
    const char *name;    /* "auc"; as a training job's metric "train:auc", "validation:auc" */
    bool maximize;       /* larger is better */
    bool computed_by_us; /* as the container computes it, on predictions, and not XGBoost */
    bool of_classes;     /* (computed by us) compares class numbers; else numbers */
};

/* All of them; *count receives how many. */
const struct train_metric *train_metrics(size_t *count);

/* By name, "error@0.7" as "error"; NULL where there is none. */
const struct train_metric *train_metric_find(const char *name);

/* The regular expression under which the metric of a data set ("train", "validation") is found in
 * the log, for MetricDefinitions; g_free it. It captures a number, not the rest of the line as the
 * container's own (\S+) would where another metric follows. */
char *train_metric_regex(const char *data, const char *metric);

#endif
