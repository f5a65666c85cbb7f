/* parquet.h: Parquet files of numbers into a matrix of floats. */
#ifndef LATHE_TABLE_PARQUET_H
#define LATHE_TABLE_PARQUET_H

#include <glib.h>
#include <stdbool.h>

#include "csv/matrix.h"

/* Appends a file's rows to the matrix (csv_matrix_clear it), columns in the file's order: whole
 * numbers, floating point, decimals and booleans, rounded to float; a null is NaN. Any other type,
 * and a number of columns unlike matrix->columns (where that is not 0), is an error that names file
 * (name) and column. DuckDB's library does the reading; it is looked for at $LATHE_DUCKDB_LIBRARY,
 * then beside the program in lib/duckdb/ and ../lib/lathe/duckdb/. */
bool parquet_append(struct csv_matrix *matrix, const char *path, const char *name, GError **error);

/* Writes a Parquet file of any columns as CSV with a header; nulls are empty fields. */
bool parquet_to_csv(const char *path, const char *name, const char *csv_path, GError **error);

#endif
