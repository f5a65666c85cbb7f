/* warm.h: processes forked from one that has loaded what they need.
 *
 * A program's libraries may take longer to load than a small piece of work takes. A warm process is
 * executed once, loads them, and then forks for each piece. What is
 * forked is a process as process_start gives it: a group, pipes, an environment and a folder of its
 * own; it ends where the warm one does, and nothing of it comes back into that. */
#ifndef LATHE_BASE_WARM_H
#define LATHE_BASE_WARM_H

#include "base/process.h"

struct warm;

/* Executes argv, which is to call warm_serve with the descriptor PROCESS_REPORT. Like a child of
 * process_start it is killed when the calling thread ends. */
struct warm *warm_open(char *const *argv, char *const *environment, GError **error);
/* Ends it, and what was forked from it and still runs. */
void warm_close(struct warm *warm);

/* One piece of work at a time: the one before is finished. With an error the warm process is good
 * for nothing more. */
bool warm_fork(struct warm *warm, struct process *process, char *const *environment,
               const char *folder, GError **error);

/* In the warm process, which has one thread: forks whenever it is asked to, and returns when nobody
 * can ask any more. Before it does it calls `prepare` with the folder (NULL: nothing is prepared),
 * which may keep what several pieces need and starts no thread that stays. A forked process calls
 * `run` with its folder and its end of the report pipe, and exits with what that returns. */
int warm_serve(int line, void (*prepare)(const char *folder),
               int (*run)(const char *folder, int report));

#endif
