/* process.h: child processes that end with us, with pipes to read them by. */
#ifndef LATHE_BASE_PROCESS_H
#define LATHE_BASE_PROCESS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

struct process {
    pid_t pid;    /* also the id of its process group */
    int output;   /* read end of its standard output, and of its error where that is not apart; does
                   * not block */
    int errors;   /* read end of its standard error where that is apart, else -1; likewise */
    int report;   /* read end of the pipe it finds as descriptor PROCESS_REPORT; likewise */
    int ended;    /* can be read once it has ended, whoever else has the pipes */
    bool is_told; /* `ended` tells its status: it is another's child (base/warm.h) */
};

/* Where a child finds the pipe for what it reports; its environment says so as LATHE_REPORT_FD. */
#define PROCESS_REPORT 3

/* Executes argv[0] in its own process group with that environment (NULL-terminated lists) and
 * working folder. The child is killed when the calling thread ends, so call this from a thread that
 * lives as long as the children may. Standard input is /dev/null. apart: standard output and error
 * are two pipes, of which each keeps its order; else one, which keeps that of both. */
bool process_start(struct process *process, char *const *argv, char *const *environment,
                   const char *folder, bool apart, GError **error);

/* The same with one pipe for both, but the child finds a descriptor of the caller's as
 * PROCESS_REPORT; process->report is then the caller's to set. */
bool process_start_with(struct process *process, char *const *argv, char *const *environment,
                        const char *folder, int report, GError **error);

/* "NAME=value" of the variables of ours that every child has: what the loader, libraries and
 * sanitizers obey, and with them those of `more` (names, NULL-terminated; or NULL) that are set. */
GStrvBuilder *process_environment(const char *const *more);

/* For a program that reads links to files which nobody may change: where it is root, it lays down
 * root's right to write what a file's mode does not let it write, for good. */
void process_lay_down_override(void);

/* Bytes of memory that the processes of its group hold together, each shared page counted once
 * among those that share it (the kernel's proportional set size). */
size_t process_memory(const struct process *process);

/* What a process and all that it started use together. */
struct process_usage {
    double cpu_seconds;                /* since they began, those that ended counted */
    guint64 memory;                    /* bytes, each shared page counted once among them */
    guint64 read_bytes, written_bytes; /* of storage, since they began */
};
struct process_usage process_usage(const struct process *process);

/* Signals the whole group. */
void process_signal(const struct process *process, int signal);

/* Closes the pipes, kills what is left of the group and waits for the child; its wait status. */
int process_finish(struct process *process);

/* "exit status 3", "killed by signal 9 (Killed)"; g_free. */
char *process_describe(int wait_status);

#endif
