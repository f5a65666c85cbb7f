/* script_job.h: a user's own program as a job: `lathe job script FOLDER`.
 *
 * The folder is laid out as /opt/ml is in a container. What is run:
 *
 *   code/requirements.txt             (and where else sources are) libraries, which are installed
 *                                     before, once, below the Cache of the file that follows
 *   .lathe/sandbox.json               Command, where the request names one (an entry point and its
 *                                     arguments); Environment, what it finds beside the request's
 *                                     own; PythonPath, folders and zips that it imports from;
 *                                     Wheels, to be unpacked to <wheel>.unpacked; Requirements,
 *                                     lines in place of a requirements.txt; Spark, where the
 *                                     program is one for that (spark_settings of
 *                                     runtime/spark.h); and what sandbox.h reads
 *   input/config/hyperparameters.json without a Command: script mode, sagemaker_program and its
 * like
 *
 * Where the program says nothing itself (output/failure), what it wrote last before it ended is
 * searched for the reason. */
#ifndef LATHE_SCRIPT_SCRIPT_JOB_H
#define LATHE_SCRIPT_SCRIPT_JOB_H

/* As struct program's run: the exit status. */
int script_main(const char *folder, int report);

#endif
