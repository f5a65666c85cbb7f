/* duckdb_library.h: the functions of DuckDB's stable C API that we use, loaded when needed.
 *
 * Members carry DuckDB's names without their prefix; handles are the API's opaque pointers. */
#ifndef LATHE_TABLE_DUCKDB_LIBRARY_H
#define LATHE_TABLE_DUCKDB_LIBRARY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* duckdb_result: what the API asks its callers to keep; only DuckDB reads it. */
struct duckdb_answer {
    uint64_t deprecated_counts[3];
    void *deprecated_columns;
    char *deprecated_error;
    void *internal;
};

/* duckdb_type, as far as errors and conversions name them. */
enum duckdb_kind {
    DUCKDB_BOOLEAN = 1,
    DUCKDB_DOUBLE = 11,
    DUCKDB_TIMESTAMP = 12,
    DUCKDB_DATE = 13,
    DUCKDB_TIME = 14,
    DUCKDB_HUGEINT = 16,
    DUCKDB_VARCHAR = 17,
    DUCKDB_BLOB = 18,
    DUCKDB_DECIMAL = 19,
    DUCKDB_LIST = 24,
    DUCKDB_STRUCT = 25,
    DUCKDB_MAP = 26,
    DUCKDB_TIMESTAMP_TZ = 31,
    DUCKDB_UHUGEINT = 32,
};

/* duckdb_string_t: a text in a chunk, in its place up to 12 bytes. */
union duckdb_string {
    struct {
        uint32_t size;
        char bytes[12];
    } inlined;
    struct {
        uint32_t size;
        char prefix[4];
        const char *bytes;
    } pointer;
};

struct duckdb_library {
    /* Those that return int give 0 for success. */
    int (*open)(const char *path, void **database);
    void (*close)(void **database);
    int (*connect)(void *database, void **connection);
    void (*disconnect)(void **connection);
    int (*query)(void *connection, const char *sql, struct duckdb_answer *answer);
    void (*destroy_result)(struct duckdb_answer *answer);
    const char *(*result_error)(struct duckdb_answer *answer);
    uint64_t (*column_count)(struct duckdb_answer *answer);
    const char *(*column_name)(struct duckdb_answer *answer, uint64_t column);
    int (*column_type)(struct duckdb_answer *answer, uint64_t column);
    int (*prepare)(void *connection, const char *sql, void **statement);
    void (*destroy_prepare)(void **statement);
    const char *(*prepare_error)(void *statement);
    int (*execute_prepared_streaming)(void *statement, struct duckdb_answer *answer);
    void *(*fetch_chunk)(struct duckdb_answer answer);
    void (*destroy_data_chunk)(void **chunk);
    uint64_t (*data_chunk_get_size)(void *chunk);
    void *(*data_chunk_get_vector)(void *chunk, uint64_t column);
    void *(*vector_get_data)(void *vector);
    uint64_t *(*vector_get_validity)(void *vector);
};

/* Loads $LATHE_DUCKDB_LIBRARY, or lib/duckdb/libduckdb.so or ../lib/lathe/duckdb/libduckdb.so
 * beside the program. The library stays loaded. */
bool duckdb_library_load(struct duckdb_library *library, GError **error);

#endif
