/* text_lines.h: the lines of a text file as Hadoop cuts them, out of what its name says it is
 * packed in: .gz, .bz2, .zst, .lz4, .xz, .snappy, .deflate. */
#ifndef LATHE_TABLE_TEXT_LINES_H
#define LATHE_TABLE_TEXT_LINES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct text_lines;

/* Whether parts of such a file can be read alone. */
bool text_lines_splits(const char *uri);

/* The lines that begin from byte `from` to before byte `to` (-1: all). */
struct text_lines *text_lines_open(const char *path, const char *uri, int64_t from, int64_t to,
                                   GError **error);
/* A line without its end, borrowed until the next call. False at the end, or with an error. */
bool text_lines_next(struct text_lines *lines, const char **line, size_t *size, GError **error);
void text_lines_close(struct text_lines *lines);

#endif
