/* system_metrics.h: what a training used so far, as whoever started it records it: in the files of
 * SageMaker Debugger's profiler (job/plan.h). */
#ifndef LATHE_TRAIN_SYSTEM_METRICS_H
#define LATHE_TRAIN_SYSTEM_METRICS_H

#include <jansson.h>

/* {"CPUUtilization": [[seconds since the first, value], ...], ...}, of the files below the folder;
 * a new reference, empty where there are none. */
json_t *system_metrics_read(const char *folder);

#endif
