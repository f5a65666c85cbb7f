/* parquet.h: Parquet files, chunk by chunk, straight into columns.
 *
 * DuckDB's library does the reading; it is looked for at $LATHE_DUCKDB_LIBRARY, then beside the
 * program in lib/duckdb/ and ../lib/lathe/duckdb/. */
#ifndef LATHE_TABLE_PARQUET_H
#define LATHE_TABLE_PARQUET_H

#include <glib.h>
#include <stdbool.h>

#include "csv/columns.h"

/* A database of its own, and the file that it reads. One thread at a time. */
struct parquet;

struct parquet *parquet_open(GError **error);
void parquet_close(struct parquet *parquet);

/* Begins to read a file, called `name` in errors: `count` columns by their names, each as its type
 * says; or, where columns is NULL, all as numbers, in the file's order. Whole numbers, floating
 * point, decimals and booleans are numbers; anything can be a text. An error names a column that is
 * missing, or that holds no numbers where they are wanted. */
bool parquet_start(struct parquet *parquet, const char *path, const char *name,
                   const struct csv_column *columns, size_t count, GError **error);

/* Of the file: how many columns a chunk has; and whether one that is wanted as numbers holds texts,
 * and is given as such, for the caller to read numbers from. */
size_t parquet_width(const struct parquet *parquet);
bool parquet_holds_text(const struct parquet *parquet, size_t column);

/* Some two thousand rows. May be read in any thread, and be freed there, while parquet is open. */
struct parquet_chunk;

/* The next chunk, in the file's order; NULL at its end. */
bool parquet_next(struct parquet *parquet, struct parquet_chunk **chunk, GError **error);
void parquet_chunk_free(struct parquet_chunk *chunk);
size_t parquet_chunk_rows(const struct parquet_chunk *chunk);

/* The chunk's values of one column; a null is NaN, or has `bytes` NULL. Texts point into it. */
void parquet_chunk_numbers(const struct parquet_chunk *chunk, size_t column, double *numbers);
void parquet_chunk_texts(const struct parquet_chunk *chunk, size_t column, struct csv_text *texts);

#endif
