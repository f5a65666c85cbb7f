#include "table/parquet.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "table/duckdb_library.h"

/* One file being read. */
struct reading {
    struct duckdb_library library;
    const char *name; /* the file's, for errors */
    char *source;     /* the file's name for SQL */
    void *database, *connection;
};

/* DuckDB's first line, with the file's own name; its other lines show our SQL. */
static bool fail_with(const struct reading *reading, const char *reason, GError **error)
{
    g_autoptr(GString) text = g_string_new(reason == NULL ? "DuckDB gave no reason" : reason);
    g_string_truncate(text, strcspn(text->str, "\n"));
    g_string_replace(text, reading->source, reading->name, 0);
    return error_set(error, ERROR_VALIDATION, "reading the Parquet file %s: %s", reading->name,
                     text->str);
}

static bool fail(struct reading *reading, struct duckdb_answer *answer, GError **error)
{
    return fail_with(reading, reading->library.result_error(answer), error);
}

static bool is_number(int type)
{
    return (type >= DUCKDB_BOOLEAN && type <= DUCKDB_DOUBLE) || type == DUCKDB_HUGEINT ||
           type == DUCKDB_UHUGEINT || type == DUCKDB_DECIMAL;
}

static const char *type_name(int type)
{
    switch (type) {
    case DUCKDB_VARCHAR:
        return "text";
    case DUCKDB_DATE:
        return "dates";
    case DUCKDB_TIME:
    case DUCKDB_TIMESTAMP:
    case DUCKDB_TIMESTAMP_TZ:
        return "times";
    case DUCKDB_BLOB:
        return "bytes";
    case DUCKDB_LIST:
        return "lists";
    case DUCKDB_STRUCT:
    case DUCKDB_MAP:
        return "structures";
    default:
        return "a type that is not numeric";
    }
}

/* Holds the file's columns against the matrix's and against what floats can hold. */
static bool check_columns(struct reading *reading, struct csv_matrix *matrix, GError **error)
{
    g_autofree char *sql =
        g_strdup_printf("SELECT * FROM read_parquet('%s') LIMIT 0", reading->source);
    struct duckdb_answer answer;
    bool good = reading->library.query(reading->connection, sql, &answer) == 0 ||
                fail(reading, &answer, error);
    uint64_t columns = good ? reading->library.column_count(&answer) : 0;
    for (uint64_t i = 0; i < columns && good; i++) {
        int type = reading->library.column_type(&answer, i);
        if (!is_number(type)) {
            good = error_set(error, ERROR_VALIDATION,
                             "reading the Parquet file %s: column %s (number %d) holds %s; numbers "
                             "are expected",
                             reading->name, reading->library.column_name(&answer, i), (int)i + 1,
                             type_name(type));
        }
    }
    reading->library.destroy_result(&answer);
    if (good && matrix->columns != 0 && matrix->columns != columns) {
        return error_set(error, ERROR_VALIDATION,
                         "reading the Parquet file %s: it has %d columns where the files before it "
                         "have %zu",
                         reading->name, (int)columns, matrix->columns);
    }
    matrix->columns = good ? columns : matrix->columns;
    return good;
}

static void reserve(struct csv_matrix *matrix, size_t rows)
{
    size_t needed = (matrix->rows + rows) * matrix->columns;
    if (needed > matrix->capacity) {
        matrix->capacity = MAX(needed, matrix->capacity * 2);
        /* csv_matrix_clear uses free(), so GLib's allocator is not to be used here. */
        float *values = realloc(matrix->values, matrix->capacity * sizeof(float));
        if (values == NULL) {
            g_error("no memory for %zu bytes of a matrix", matrix->capacity * sizeof(float));
        }
        matrix->values = values;
    }
}

static void append_chunk(const struct duckdb_library *library, struct csv_matrix *matrix,
                         void *chunk)
{
    size_t rows = library->data_chunk_get_size(chunk);
    reserve(matrix, rows);
    float *target = matrix->values + matrix->rows * matrix->columns;
    for (size_t column = 0; column < matrix->columns; column++) {
        void *vector = library->data_chunk_get_vector(chunk, column);
        const double *values = library->vector_get_data(vector);
        const uint64_t *valid = library->vector_get_validity(vector); /* NULL: all are */
        for (size_t row = 0; row < rows; row++) {
            bool is_null = valid != NULL && (valid[row / 64] >> (row % 64) & 1) == 0;
            target[row * matrix->columns + column] = is_null ? NAN : (float)values[row];
        }
    }
    matrix->rows += rows;
}

/* Every column as a double, which holds all of their values that a float can; chunk by chunk, so
 * that the doubles are never all in memory. */
static bool append_rows(struct reading *reading, struct csv_matrix *matrix, GError **error)
{
    const struct duckdb_library *library = &reading->library;
    g_autofree char *sql = g_strdup_printf("SELECT CAST(COLUMNS(*) AS DOUBLE) "
                                           "FROM read_parquet('%s')",
                                           reading->source);
    void *statement;
    if (library->prepare(reading->connection, sql, &statement) != 0) {
        fail_with(reading, library->prepare_error(statement), error);
        library->destroy_prepare(&statement);
        return false;
    }
    struct duckdb_answer answer;
    bool good = library->execute_prepared_streaming(statement, &answer) == 0;
    void *chunk;
    while (good && (chunk = library->fetch_chunk(answer)) != NULL) {
        append_chunk(library, matrix, chunk);
        library->destroy_data_chunk(&chunk);
    }
    /* Where fetching fails it ends early; only the answer's error tells. */
    good = good && library->result_error(&answer) == NULL;
    if (!good) {
        fail(reading, &answer, error);
    }
    library->destroy_result(&answer);
    library->destroy_prepare(&statement);
    return good;
}

/* Does one thing with a database that has the file. */
static bool with_database(struct reading *reading,
                          bool (*act)(struct reading *reading, void *data, GError **error),
                          void *data, GError **error)
{
    if (!duckdb_library_load(&reading->library, error)) {
        return false;
    }
    if (reading->library.open(NULL, &reading->database) != 0) {
        return error_set(error, ERROR_INTERNAL, "DuckDB could not be started");
    }
    bool good = reading->library.connect(reading->database, &reading->connection) == 0;
    if (good) {
        good = act(reading, data, error);
        reading->library.disconnect(&reading->connection);
    } else {
        error_set(error, ERROR_INTERNAL, "DuckDB could not be connected to");
    }
    reading->library.close(&reading->database);
    return good;
}

static bool with_file(const char *path, const char *name,
                      bool (*act)(struct reading *reading, void *data, GError **error), void *data,
                      GError **error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return error_set_errno(error, errno, "opening %s", path);
    }
    /* Under its own name a file with * or [ in it would be taken for a pattern. */
    struct reading reading = {.name = name, .source = g_strdup_printf("/proc/self/fd/%d", file)};
    bool good = with_database(&reading, act, data, error);
    g_free(reading.source);
    close(file);
    return good;
}

static bool append(struct reading *reading, void *data, GError **error)
{
    return check_columns(reading, data, error) && append_rows(reading, data, error);
}

bool parquet_append(struct csv_matrix *matrix, const char *path, const char *name, GError **error)
{
    struct csv_matrix before = *matrix;
    bool good = with_file(path, name, append, matrix, error);
    if (!good) {
        matrix->rows = before.rows;
        matrix->columns = before.columns;
    }
    return good;
}

static bool write_csv(struct reading *reading, void *data, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(data, "'", -1);
    g_autofree char *quoted = g_strjoinv("''", parts);
    g_autofree char *sql = g_strdup_printf("COPY (SELECT * FROM read_parquet('%s')) TO '%s' "
                                           "(FORMAT csv, HEADER)",
                                           reading->source, quoted);
    struct duckdb_answer answer;
    bool good = reading->library.query(reading->connection, sql, &answer) == 0 ||
                fail(reading, &answer, error);
    reading->library.destroy_result(&answer);
    return good;
}

bool parquet_to_csv(const char *path, const char *name, const char *csv_path, GError **error)
{
    return with_file(path, name, write_csv, (void *)csv_path, error);
}
