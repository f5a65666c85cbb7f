#include "table/duckdb_library.h"

#include <dlfcn.h>
#include <string.h>

#include "base/error.h"

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
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

static char *find_library(GError **error)
{
    const char *configured = g_getenv("LATHE_DUCKDB_LIBRARY");
    if (configured != NULL && *configured != '\0') {
        return g_strdup(configured);
    }
    g_autofree char *program = g_file_read_link("/proc/self/exe", error);
    if (program == NULL) {
        return NULL;
    }
    g_autofree char *folder = g_path_get_dirname(program);
    static const char *const places[] = {"lib/duckdb/libduckdb.so",
                                         "../lib/lathe/duckdb/libduckdb.so"};
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *path = g_build_filename(folder, places[i], NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS)) {
            return g_steal_pointer(&path);
        }
    }
    error_set(error, ERROR_INTERNAL,
              "DuckDB's library was found neither as %s/%s nor as %s/%s: install it there, or name "
              "it in LATHE_DUCKDB_LIBRARY",
              folder, places[0], folder, places[1]);
    return NULL;
}

bool duckdb_library_load(struct duckdb_library *library, GError **error)
{
    g_autofree char *path = find_library(error);
    if (path == NULL) {
        return false;
    }
    void *loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (loaded == NULL) {
        return error_set(error, ERROR_INTERNAL, "loading DuckDB: %s", dlerror());
    }
    for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++) {
        void *address = dlsym(loaded, symbols[i].name);
        if (address == NULL) {
            return error_set(error, ERROR_INTERNAL, "%s has no function %s: DuckDB 1.4 is needed",
                             path, symbols[i].name);
        }
        memcpy((char *)library + symbols[i].offset, &address, sizeof address);
    }
    return true;
}
