/* lines.h: text from a pipe, cut into lines as it comes. */
#ifndef LATHE_BASE_LINES_H
#define LATHE_BASE_LINES_H

#include <glib.h>
#include <stdbool.h>

/* Zero all but take and data. A line longer than 256 KiB comes in pieces. */
struct lines {
    void (*take)(const char *line, size_t size, void *data); /* without its newline */
    void *data;
    GString *rest;
};

/* Reads what the pipe has; false at its end. *more becomes true where there may be more by now. */
bool lines_read(struct lines *lines, int fd, bool *more);
/* Takes what is left without a newline, and frees. */
void lines_end(struct lines *lines);

#endif
