/* cgroup.h: control groups (version 2) of sandboxes: the kernel holds a limit of memory exactly,
 * and ends all that a sandbox holds at once. They lie below the server's own group, where that was
 * handed to it: a group that has processes of its own can share no memory out, so the server
 * moves into one of its children first. */
#ifndef LATHE_SANDBOX_CGROUP_H
#define LATHE_SANDBOX_CGROUP_H

#include <glib.h>
#include <stdbool.h>

/* The group that may have groups of sandboxes below it; g_free. NULL where none was handed to this
 * process: it is not writable, has no say over memory, or holds somebody else's processes.
 * root: where control groups are mounted; own: what /proc/self/cgroup holds. */
char *cgroup_claim(const char *root, const char *own);

/* Makes a sandbox's group; g_free. NULL with an error. */
char *cgroup_make(const char *parent, const char *name, guint64 memory, GError **error);
/* This process is of the group from here on, and what it starts. */
bool cgroup_enter(const char *group, GError **error);
/* The most memory that it held, where the kernel ended it for that; else 0. */
guint64 cgroup_overrun(const char *group);
/* Ends what is left in it, and takes it away. */
void cgroup_remove(const char *group);

#endif
