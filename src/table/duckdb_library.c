#include "table/duckdb_library.h"

#include "base/library.h"

static const struct library_symbol symbols[] = {
    {"duckdb_open", offsetof(struct duckdb_library, open)},
    {"duckdb_close", offsetof(struct duckdb_library, close)},
    {"duckdb_connect", offsetof(struct duckdb_library, connect)},
    {"duckdb_disconnect", offsetof(struct duckdb_library, disconnect)},
    {"duckdb_query", offsetof(struct duckdb_library, query)},
    {"duckdb_destroy_result", offsetof(struct duckdb_library, destroy_result)},
    {"duckdb_result_error", offsetof(struct duckdb_library, result_error)},
    {"duckdb_column_count", offsetof(struct duckdb_library, column_count)},
    {"duckdb_column_name", offsetof(struct duckdb_library, column_name)},
    {"duckdb_column_type", offsetof(struct duckdb_library, column_type)},
    {"duckdb_prepare", offsetof(struct duckdb_library, prepare)},
    {"duckdb_destroy_prepare", offsetof(struct duckdb_library, destroy_prepare)},
    {"duckdb_prepare_error", offsetof(struct duckdb_library, prepare_error)},
    {"duckdb_execute_prepared_streaming",
     offsetof(struct duckdb_library, execute_prepared_streaming)},
    {"duckdb_fetch_chunk", offsetof(struct duckdb_library, fetch_chunk)},
    {"duckdb_destroy_data_chunk", offsetof(struct duckdb_library, destroy_data_chunk)},
    {"duckdb_data_chunk_get_size", offsetof(struct duckdb_library, data_chunk_get_size)},
    {"duckdb_data_chunk_get_vector", offsetof(struct duckdb_library, data_chunk_get_vector)},
    {"duckdb_vector_get_data", offsetof(struct duckdb_library, vector_get_data)},
    {"duckdb_vector_get_validity", offsetof(struct duckdb_library, vector_get_validity)},
};

bool duckdb_library_load(struct duckdb_library *library, GError **error)
{
    g_autofree char *path = library_find("LATHE_DUCKDB_LIBRARY", "duckdb/libduckdb.so", error);
    return path && library_load(path, symbols, G_N_ELEMENTS(symbols), library, "DuckDB 1.4", error);
}
