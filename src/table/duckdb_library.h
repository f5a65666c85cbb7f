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

/* duckdb_type. */
enum duckdb_kind {
    DUCKDB_BOOLEAN = 1,
    DUCKDB_TINYINT = 2,
    DUCKDB_SMALLINT = 3,
    DUCKDB_INTEGER = 4,
    DUCKDB_BIGINT = 5,
    DUCKDB_UTINYINT = 6,
    DUCKDB_USMALLINT = 7,
    DUCKDB_UINTEGER = 8,
    DUCKDB_UBIGINT = 9,
    DUCKDB_FLOAT = 10,
    DUCKDB_DOUBLE = 11,
    DUCKDB_TIMESTAMP = 12, /* microseconds since 1970 */
    DUCKDB_DATE = 13,      /* days since 1970, 32 bits */
    DUCKDB_TIME = 14,      /* microseconds */
    DUCKDB_HUGEINT = 16,   /* struct duckdb_huge */
    DUCKDB_VARCHAR = 17,
    DUCKDB_BLOB = 18,
    DUCKDB_DECIMAL = 19,
    DUCKDB_LIST = 24,
    DUCKDB_STRUCT = 25,
    DUCKDB_MAP = 26,  /* a list of structs of a key and a value */
    DUCKDB_UUID = 27, /* struct duckdb_huge with the highest bit flipped */
    DUCKDB_TIMESTAMP_TZ = 31,
    DUCKDB_UHUGEINT = 32,
    DUCKDB_ANY = 34,
    DUCKDB_SQLNULL = 36,
};

/* duckdb_error_type, of those that we tell apart. */
enum duckdb_error_kind {
    DUCKDB_ERROR_OUT_OF_RANGE = 1,
    DUCKDB_ERROR_CONVERSION = 2,
    DUCKDB_ERROR_INTERRUPTED = 29,
    DUCKDB_ERROR_INPUT = 32,
    DUCKDB_ERROR_OUT_OF_MEMORY = 33,
};

/* duckdb_hugeint: a number of 128 bits. */
struct duckdb_huge {
    uint64_t lower;
    int64_t upper;
};

/* duckdb_list_entry: where a list's elements are in the vector of all lists' elements. */
struct duckdb_list_entry {
    uint64_t offset, length;
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

/* X(what it returns, its name without the prefix duckdb_, what it takes). Those that return int
 * give 0 for success. */
#define DUCKDB_FUNCTIONS(X)                                                                        \
    X(int, open_ext, (const char *path, void **database, void *config, char **error))              \
    X(void, close, (void **database))                                                              \
    X(int, create_config, (void **config))                                                         \
    X(int, set_config, (void *config, const char *name, const char *value))                        \
    X(void, destroy_config, (void **config))                                                       \
    X(int, open, (const char *path, void **database))                                              \
    X(int, connect, (void *database, void **connection))                                           \
    X(void, disconnect, (void **connection))                                                       \
    X(void, interrupt, (void *connection))                                                         \
    X(void, free, (void *memory))                                                                  \
    X(int, query, (void *connection, const char *sql, struct duckdb_answer *answer))               \
    X(void, destroy_result, (struct duckdb_answer * answer))                                       \
    X(const char *, result_error, (struct duckdb_answer * answer))                                 \
    X(int, result_error_type, (struct duckdb_answer * answer))                                     \
    X(uint64_t, column_count, (struct duckdb_answer * answer))                                     \
    X(const char *, column_name, (struct duckdb_answer * answer, uint64_t column))                 \
    X(int, column_type, (struct duckdb_answer * answer, uint64_t column))                          \
    X(void *, column_logical_type, (struct duckdb_answer * answer, uint64_t column))               \
    X(int, prepare, (void *connection, const char *sql, void **statement))                         \
    X(void, destroy_prepare, (void **statement))                                                   \
    X(const char *, prepare_error, (void *statement))                                              \
    X(int, execute_prepared_streaming, (void *statement, struct duckdb_answer *answer))            \
    X(void *, fetch_chunk, (struct duckdb_answer answer))                                          \
    X(void, destroy_data_chunk, (void **chunk))                                                    \
    X(uint64_t, data_chunk_get_size, (void *chunk))                                                \
    X(void, data_chunk_set_size, (void *chunk, uint64_t size))                                     \
    X(uint64_t, data_chunk_get_column_count, (void *chunk))                                        \
    X(void *, data_chunk_get_vector, (void *chunk, uint64_t column))                               \
    X(void *, vector_get_data, (void *vector))                                                     \
    X(uint64_t *, vector_get_validity, (void *vector))                                             \
    X(void *, vector_get_column_type, (void *vector))                                              \
    X(void, vector_ensure_validity_writable, (void *vector))                                       \
    X(void, vector_assign_string_element_len,                                                      \
      (void *vector, uint64_t row, const char *bytes, uint64_t size))                              \
    X(uint64_t, vector_size, (void))                                                               \
    X(void *, list_vector_get_child, (void *vector))                                               \
    X(uint64_t, list_vector_get_size, (void *vector))                                              \
    X(int, list_vector_set_size, (void *vector, uint64_t size))                                    \
    X(int, list_vector_reserve, (void *vector, uint64_t capacity))                                 \
    X(void *, struct_vector_get_child, (void *vector, uint64_t index))                             \
    X(void *, create_logical_type, (int kind))                                                     \
    X(void *, create_decimal_type, (uint8_t width, uint8_t scale))                                 \
    X(void *, create_list_type, (void *child))                                                     \
    X(void *, create_map_type, (void *key, void *value))                                           \
    X(void *, create_struct_type, (void **members, const char **names, uint64_t count))            \
    X(void, destroy_logical_type, (void **type))                                                   \
    X(int, get_type_id, (void *type))                                                              \
    X(uint8_t, decimal_width, (void *type))                                                        \
    X(uint8_t, decimal_scale, (void *type))                                                        \
    X(int, decimal_internal_type, (void *type))                                                    \
    X(void *, list_type_child_type, (void *type))                                                  \
    X(void *, map_type_key_type, (void *type))                                                     \
    X(void *, map_type_value_type, (void *type))                                                   \
    X(uint64_t, struct_type_child_count, (void *type))                                             \
    X(void *, struct_type_child_type, (void *type, uint64_t index))                                \
    X(void *, create_table_function, (void))                                                       \
    X(void, destroy_table_function, (void **function))                                             \
    X(void, table_function_set_name, (void *function, const char *name))                           \
    X(void, table_function_add_parameter, (void *function, void *type))                            \
    X(void, table_function_set_extra_info, (void *function, void *data, void (*destroy)(void *)))  \
    X(void, table_function_set_bind, (void *function, void (*bind)(void *info)))                   \
    X(void, table_function_set_init, (void *function, void (*init)(void *info)))                   \
    X(void, table_function_set_local_init, (void *function, void (*init)(void *info)))             \
    X(void, table_function_set_function, (void *function, void (*fill)(void *info, void *chunk)))  \
    X(void, table_function_supports_projection_pushdown, (void *function, bool supports))          \
    X(int, register_table_function, (void *connection, void *function))                            \
    X(void *, bind_get_extra_info, (void *info))                                                   \
    X(void *, bind_get_parameter, (void *info, uint64_t index))                                    \
    X(void, bind_add_result_column, (void *info, const char *name, void *type))                    \
    X(void, bind_set_bind_data, (void *info, void *data, void (*destroy)(void *)))                 \
    X(void, bind_set_error, (void *info, const char *text))                                        \
    X(int64_t, get_int64, (void *value))                                                           \
    X(void, destroy_value, (void **value))                                                         \
    X(void *, init_get_bind_data, (void *info))                                                    \
    X(uint64_t, init_get_column_count, (void *info))                                               \
    X(uint64_t, init_get_column_index, (void *info, uint64_t column))                              \
    X(void, init_set_init_data, (void *info, void *data, void (*destroy)(void *)))                 \
    X(void *, init_get_extra_info, (void *info))                                                   \
    X(void, init_set_error, (void *info, const char *text))                                        \
    X(void, init_set_max_threads, (void *info, uint64_t count))                                    \
    X(void *, function_get_bind_data, (void *info))                                                \
    X(void *, function_get_init_data, (void *info))                                                \
    X(void *, function_get_local_init_data, (void *info))                                          \
    X(void, function_set_error, (void *info, const char *text))                                    \
    X(void *, create_scalar_function, (void))                                                      \
    X(void, destroy_scalar_function, (void **function))                                            \
    X(void, scalar_function_set_name, (void *function, const char *name))                          \
    X(void, scalar_function_add_parameter, (void *function, void *type))                           \
    X(void, scalar_function_set_return_type, (void *function, void *type))                         \
    X(void, scalar_function_set_varargs, (void *function, void *type))                             \
    X(void, scalar_function_set_special_handling, (void *function))                                \
    X(void, scalar_function_set_volatile, (void *function))                                        \
    X(void, scalar_function_set_extra_info, (void *function, void *data, void (*destroy)(void *))) \
    X(void, scalar_function_set_function,                                                          \
      (void *function, void (*answer)(void *info, void *chunk, void *output)))                     \
    X(void *, scalar_function_get_extra_info, (void *info))                                        \
    X(void, scalar_function_set_error, (void *info, const char *text))                             \
    X(int, register_scalar_function, (void *connection, void *function))                           \
    X(void *, create_scalar_function_set, (const char *name))                                      \
    X(void, destroy_scalar_function_set, (void **set))                                             \
    X(int, add_scalar_function_to_set, (void *set, void *function))                                \
    X(int, register_scalar_function_set, (void *connection, void *set))                            \
    X(void *, create_aggregate_function, (void))                                                   \
    X(void, destroy_aggregate_function, (void **function))                                         \
    X(void, aggregate_function_set_name, (void *function, const char *name))                       \
    X(void, aggregate_function_add_parameter, (void *function, void *type))                        \
    X(void, aggregate_function_set_return_type, (void *function, void *type))                      \
    X(void, aggregate_function_set_functions,                                                      \
      (void *function, uint64_t (*size)(void *info), void (*begin)(void *info, void *state),       \
       void (*update)(void *info, void *chunk, void **states),                                     \
       void (*combine)(void *info, void **from, void **to, uint64_t count),                        \
       void (*finish)(void *info, void **states, void *output, uint64_t count, uint64_t offset)))  \
    X(void, aggregate_function_set_destructor,                                                     \
      (void *function, void (*destroy)(void **states, uint64_t count)))                            \
    X(void, aggregate_function_set_special_handling, (void *function))                             \
    X(void, aggregate_function_set_extra_info,                                                     \
      (void *function, void *data, void (*destroy)(void *)))                                       \
    X(void *, aggregate_function_get_extra_info, (void *info))                                     \
    X(void, aggregate_function_set_error, (void *info, const char *text))                          \
    X(int, register_aggregate_function, (void *connection, void *function))

struct duckdb_library {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration's parts take none */
#define DUCKDB_MEMBER(type, name, arguments) type(*name) arguments;
    DUCKDB_FUNCTIONS(DUCKDB_MEMBER)
#undef DUCKDB_MEMBER
};

/* Loads $LATHE_DUCKDB_LIBRARY, or lib/duckdb/libduckdb.so or ../lib/lathe/duckdb/libduckdb.so
 * beside the program. The library stays loaded. */
bool duckdb_library_load(struct duckdb_library *library, GError **error);

/* The library of this process's engine: functions that DuckDB calls are given nothing but its own
 * handles. NULL where there is none. */
const struct duckdb_library *duckdb_library_of_engine(void);
void duckdb_library_set_engine(const struct duckdb_library *library);

#endif
