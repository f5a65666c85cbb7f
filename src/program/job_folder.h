/* job_folder.h: what the C runtimes' entry points share: paths below /opt/ml, the log, the failure.
 */
#ifndef LATHE_PROGRAM_JOB_FOLDER_H
#define LATHE_PROGRAM_JOB_FOLDER_H

#include <glib.h>

/* A path below the job's folder; g_free. */
char *job_folder_path(const char *folder, const char *below);

/* A line of the job's log. */
void job_say(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Writes the reason to output/failure and to the log; returns the exit status, 1. */
int job_fail(const char *folder, const GError *error);

#endif
