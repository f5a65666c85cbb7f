/* channel_csv.h: a CSV file, plain or gzip, into a matrix, in bounded memory. */
#ifndef LATHE_TRAIN_CHANNEL_CSV_H
#define LATHE_TRAIN_CHANNEL_CSV_H

#include <glib.h>
#include <stdbool.h>

#include "csv/matrix.h"

/* Appends a file's rows to the matrix, parsing in `threads` threads. gzip is told by its first
 * bytes, whatever the file's name. Errors name file, line and column. */
bool channel_csv_append(struct csv_matrix *matrix, const char *path, unsigned threads,
                        GError **error);

#endif
