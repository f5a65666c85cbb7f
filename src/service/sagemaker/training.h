/* training.h: what happens to a training job between its creation and its end. */
#ifndef LATHE_SERVICE_SAGEMAKER_TRAINING_H
#define LATHE_SERVICE_SAGEMAKER_TRAINING_H

#include "base/json.h"

struct lathe;

/* Queues the job of that name; request is CreateTrainingJob's. */
void training_submit(struct lathe *lathe, const char *name, const json_t *request);

/* Enters a secondary status into a job's body: ends the last transition, begins the next. */
void training_enter(json_t *body, const char *secondary, const char *message);

/* Where a job's results stand: <S3OutputPath>/<job>/output/, as an s3:// URI; g_free. */
char *training_output_prefix(const json_t *request, const char *name);

#endif
