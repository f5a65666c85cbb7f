/* transform_job.h: a batch transform: files through a model, a file of answers for each.
 *
 * The folder holds
 *
 *   config/transformjob.json   a request to create a transform job, with the members below
 *   input/                     the files; RESULTS of input/a/b.csv are results/a/b.csv.out
 *   output/failure             why it failed, all of it in AWS's words
 *   capture/                   what a DataCaptureConfig asks for
 *
 * Beside the request's members the configuration has
 *
 *   Containers  [{"Image", "ModelDataUrl", "Environment"}, ...]: the model's
 *   Objects     {"s3://bucket/key": "path below the folder", ...}: those that the containers name
 *   Sandbox     what sandbox.h reads, for containers with scripts
 *
 * Where a file's records cannot be answered, the others still are; the job has failed then. */
#ifndef LATHE_PROGRAM_TRANSFORM_JOB_H
#define LATHE_PROGRAM_TRANSFORM_JOB_H

/* As struct program's run: the exit status. */
int transform_main(const char *folder, int report);

#endif
