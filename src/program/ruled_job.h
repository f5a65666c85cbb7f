/* ruled_job.h: a user's own training script with debugger rules: `lathe job ruled FOLDER` runs
 * `lathe job script` on the folder and evaluates the rules of input/config/debugrules.json on what
 * the script's hook saves meanwhile (train/saved_steps.h). */
#ifndef LATHE_PROGRAM_RULED_JOB_H
#define LATHE_PROGRAM_RULED_JOB_H

/* As struct program's run: the script's exit status. */
int ruled_main(const char *folder, int report);

#endif
