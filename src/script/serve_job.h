/* serve_job.h: a user's inference script as one process of a pool: `lathe job serve FOLDER`.
 *
 * The folder is laid out as /opt/ml is: model/, and code/ where the script's source came apart;
 * with .lathe/sandbox.json (sandbox.h), whose Environment the script finds. Several such processes
 * may share it: each runs on a folder of its own with links to what is in it. Calls come through
 * descriptor 3 (worker/serve.h). */
#ifndef LATHE_SCRIPT_SERVE_JOB_H
#define LATHE_SCRIPT_SERVE_JOB_H

/* As struct program's run: the exit status. */
int serve_main(const char *folder, int report);

#endif
