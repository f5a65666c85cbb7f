/* training.h: what a training job is between its request and its end. */
#ifndef LATHE_SERVICE_SAGEMAKER_TRAINING_H
#define LATHE_SERVICE_SAGEMAKER_TRAINING_H

#include "base/json.h"

extern const struct job_life training_life;

/* Where a job's results stand: <S3OutputPath>/<job>/output/, as an s3:// URI; g_free. */
char *training_output_prefix(const json_t *request, const char *name);

#endif
