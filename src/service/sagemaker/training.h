/* training.h: what a training job is between its request and its end. */
#ifndef LATHE_SERVICE_SAGEMAKER_TRAINING_H
#define LATHE_SERVICE_SAGEMAKER_TRAINING_H

#include "operation/operation.h"
#include "runtime/runtime.h"

extern const struct job_life training_life;

/* Whether the request brings its own program: an entry point, or script mode. */
bool training_is_script(const json_t *request);
/* Whether what the job uses is recorded. */
bool training_is_profiled(const json_t *request);
/* Who trains; ERROR_VALIDATION. */
const struct runtime_role *training_role(const json_t *request, GError **error);

/* Refuses what AWS and lathe would of a CreateTrainingJob request, before there is a job. */
bool training_check(const struct call *call, const json_t *request, GError **error);

/* Where a job's results stand: <S3OutputPath>/<job>/output/, as an s3:// URI; g_free. */
char *training_output_prefix(const json_t *request, const char *name);

#endif
