/* reason.h: why a program ended, from what it wrote last. */
#ifndef LATHE_SCRIPT_REASON_H
#define LATHE_SCRIPT_REASON_H

#include <glib.h>

/* The end of what a program has written, to one stream or to both. */
struct reason_tail {
    GString *text; /* at most 2 * REASON_TAIL bytes */
};
enum { REASON_TAIL = 65536 }; /* Spark says much around an exception */
void reason_hear(struct reason_tail *tail, const char *bytes, size_t size);

/* Of `count` streams, of which the first that tells a reason counts. One sentence: a Python
 * program's exception with the file and line of its own that it came from;
 * for a library that is missing, the command that would install it into `python`. Else its last
 * line, or NULL where it wrote nothing. status: as a shell tells it. g_free. */
char *reason_of(const struct reason_tail *tails, size_t count, int status, const char *python);

#endif
