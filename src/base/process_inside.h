/* process_inside.h: how a child that was just forked takes its place. */
#ifndef LATHE_BASE_PROCESS_INSIDE_H
#define LATHE_BASE_PROCESS_INSIDE_H

#include <stdbool.h>
#include <sys/types.h>

/* Its own group, its end with parent's, no signals held back, standard output and error, the report
 * pipe and the folder. Only calls that are safe between fork and exec. */
bool process_settle(const char *folder, pid_t parent, int output, int errors, int report);

#endif
