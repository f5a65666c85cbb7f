/* program.h: the programs that jobs run as processes of their own, each on a folder laid out as
 * /opt/ml is in a container: one row a program, one verb for all, `lathe job NAME FOLDER`. They
 * know nothing of the server, and can be run and debugged by hand. */
#ifndef LATHE_PROGRAM_PROGRAM_H
#define LATHE_PROGRAM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

struct program {
    const char *name;
    const char *summary; /* a line of help: what it reads and writes */
    /* Works on the folder and returns the exit status. Standard output is the log; JSON lines with
     * metrics and progress go to the descriptor report (-1: nowhere). */
    int (*run)(const char *folder, int report);
    /* Loads what takes long, for a process that forks for each folder (base/warm.h): nothing of a
     * folder, and no threads. NULL: it would save little. */
    bool (*warm_up)(void);
    /* There, before it forks for a folder: makes ready what the next folders may need, too. NULL:
     * nothing. */
    void (*prepare)(const char *folder);
    bool makes_sandbox; /* where it is root it needs root's rights for that; the others lay down the
                         * one that inputs must be safe from (base/process.h) */
};

/* All of them. */
const struct program *programs(size_t *count);
/* NULL where there is none. */
const struct program *program_find(const char *name);

#endif
