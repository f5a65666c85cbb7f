/* layout.h: what SageMaker's containers find below /opt/ml, as plans: the one place that knows.
 * What is given are parts of the requests, in AWS's shapes; nothing is kept of it. */
#ifndef LATHE_JOB_LAYOUT_H
#define LATHE_JOB_LAYOUT_H

#include "job/plan.h"

/* input/config/{hyperparameters,inputdataconfig,resourceconfig,environment}.json,
 * input/data/<channel>, checkpoints/; model/ and output/data/ become archives below `output`. */
struct layout_training {
    const char *program, *image;
    const json_t *hyperparameters, *environment; /* objects of texts, or NULL */
    const json_t *channels;                      /* InputDataConfig, or NULL */
    const char *input_mode;                      /* of channels that have none of their own */
    const char *instance_type;
    gint64 instances;        /* asked for: the job runs as one, and its log says so */
    const char *checkpoints; /* CheckpointConfig.S3Uri, or NULL: none are kept */
    const char *output;      /* s3://.../<job>/output/ */
};
struct job_plan *layout_training(const struct layout_training *given);
/* What an entry point, or script mode, adds to a plan of either: SANDBOX_FILE with `settings`
 * (sandbox.h, script_job.h; taken), to which come the inputs that the program only sees copies of;
 * and in script mode the archive of its source, an s3:// URI, or NULL. */
void layout_script(struct job_plan *plan, json_t *settings, const char *source);

/* DebugHookConfig of a training: input/config/debughookconfig.json, and what hooks write
 * into its LocalPath, which is to be below /opt/ml/output (else ERROR_VALIDATION), goes to
 * <S3OutputPath>/<job>/debug-output as it comes. */
bool layout_debugger(struct job_plan *plan, const json_t *hook, const char *job, GError **error);

/* ProfilerConfig of a training: what the job uses goes to <S3OutputPath>/<job>/profiler-output as
 * it comes; `usual` stands in for an S3OutputPath that it does not have. */
void layout_profiler(struct job_plan *plan, const json_t *config, const char *job,
                     const char *usual);

/* Debugger rules: input/config/debugrules.json, with the DebugHookConfig, or NULL; what they make
 * in `folder` goes below the URI `output`. */
void layout_rules(struct job_plan *plan, const json_t *rules, const json_t *hook,
                  const char *folder, const char *output);

/* config/transformjob.json: the request, and the members that program/transform_job.h adds, of
 * which Objects is made here; the objects in containers/, the data in input/; results/ and, where
 * it is asked for, capture/ go below their URIs. */
struct layout_transform {
    const char *program;
    const json_t *config;  /* the request, with Containers and Sandbox */
    const json_t *objects; /* s3:// URIs that the containers name */
};
struct job_plan *layout_transform(const struct layout_transform *given);

/* config/processingjobconfig.json, and inputs and outputs where their LocalPath says, which is to
 * be below /opt/ml/processing: else NULL and ERROR_VALIDATION. */
struct layout_processing {
    const char *program, *image;
    const json_t *config;           /* what the program may read of itself */
    const json_t *inputs, *outputs; /* ProcessingInputs, ProcessingOutputConfig.Outputs, or NULL */
    gint64 instances;               /* as above */
};
struct job_plan *layout_processing(const struct layout_processing *given, GError **error);

#endif
