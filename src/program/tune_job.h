/* tune_job.h: what a tuning job tries next, as a process of its own: a fit of Gaussian processes
 * takes what a server's thread has not. */
#ifndef LATHE_PROGRAM_TUNE_JOB_H
#define LATHE_PROGRAM_TUNE_JOB_H

/* With a descriptor to talk on (LATHE_REPORT_FD) a process of a pool (worker/serve.h): each call is
 * a study, its reply a configuration. Else answers `study.json` of the folder on standard output.
 *
 * A study: {"Space": [{"Kind", "Scaling", "Low", "High", "Choices"}], "Seed": n,
 *           "Trials": [{"Values": [...], "Loss": x (absent: it failed), "Pending": true}]}
 * with the numbers of tune/space.h's enumerations; a configuration: {"Values": [...]}. */
int tune_main(const char *folder, int report);

#endif
