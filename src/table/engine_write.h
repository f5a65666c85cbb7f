/* engine_write.h: results that become a table's files.
 *
 *   {"Form": "write",
 *    "Folder": "/...",        there, made where it is missing; files lie in it flat
 *    "Prefix": "20240101_x",  what their names begin with
 *    "Format": "parquet" | "text" | "json" | "csv",
 *    "Compression": "none" | "gzip" | "zstd" | "snappy" (parquet) | "bzip2" (not parquet)
 *    "Delimiter": ",", "Null": "\\N",          of text; "\x01" and "\\N" where missing
 *    "Partitions": 1,         so many of the last columns say the partition
 *    "MostPartitions": 100,   more are HIVE_TOO_MANY_OPEN_PARTITIONS; may be missing
 *    "Buckets": {"Columns": ["a"], "Count": 4}} may be missing
 *
 * The reply's Files say what was written, nothing where there is no row:
 *
 *   [{"Name": "20240101_x_00000", "Values": ["2024"], "Rows": 5, "Bytes": 100, "Bucket": 0}]
 *
 * Name is the file's in Folder, Values are the partition's, null for null. A statement that fails
 * may leave files there. */
#ifndef LATHE_TABLE_ENGINE_WRITE_H
#define LATHE_TABLE_ENGINE_WRITE_H

#include "table/engine_answer.h"

/* `scratch` is a folder that DuckDB may write to. Adds the list of files to `files`. */
bool engine_write(const struct duckdb_library *library, void *connection, const char *sql,
                  const struct engine_answer_columns *columns, const json_t *result,
                  const char *scratch, json_t *files, int64_t *rows, GError **error);

#endif
