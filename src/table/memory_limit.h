/* memory_limit.h: how much memory there is for this process and its like. */
#ifndef LATHE_TABLE_MEMORY_LIMIT_H
#define LATHE_TABLE_MEMORY_LIMIT_H

#include <stddef.h>

/* The machine's, or less where a control group that this process is in, or one above it, has a
 * limit. */
size_t memory_limit(void);

/* The same of groups below a folder, as a text of the form of /proc/self/cgroup names them, in both
 * versions of control groups; `most` where none has a limit. */
size_t memory_limit_of(const char *root, const char *groups, size_t most);

#endif
