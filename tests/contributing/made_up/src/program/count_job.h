/* count_job.h: a program that is made up: how many files its input "rows" has. */
#ifndef LATHE_PROGRAM_COUNT_JOB_H
#define LATHE_PROGRAM_COUNT_JOB_H

/* As program.h says. */
int count_main(const char *folder, int report);

#endif
