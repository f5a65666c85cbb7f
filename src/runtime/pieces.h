/* pieces.h: the text of a CSV file, plain or gzip, in pieces of whole records: a file need not fit
 * into memory, and a piece stays in the processor's cache. */
#ifndef LATHE_RUNTIME_PIECES_H
#define LATHE_RUNTIME_PIECES_H

#include <glib.h>
#include <stdbool.h>

#include "csv/reader.h"

struct pieces;

/* The dialect tells where records end. */
struct pieces *pieces_open(const char *path, const struct csv_dialect *dialect, GError **error);
void pieces_close(struct pieces *pieces);

/* The next piece: *at to *end, valid until the next call; empty at the end of the file. */
bool pieces_next(struct pieces *pieces, const char **at, const char **end, GError **error);

#endif
