#include "table/parquet.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "table/duckdb_library.h"

struct parquet {
    struct duckdb_library library;
    void *database, *connection;

    char *name;         /* the file's, for errors */
    int file;           /* -1: none */
    char *source;       /* its name for SQL */
    GPtrArray *columns; /* char *: the names of all that it has */
    GArray *types;      /* int, as many */
    GByteArray *texts;  /* of those that chunks have: whether they are texts, wanted as numbers */
    size_t width;

    void *statement;
    struct duckdb_answer answer;
    bool answering;
};

struct parquet_chunk {
    const struct duckdb_library *library;
    void *chunk;
    size_t rows;
};

/* DuckDB's first line, with the file's own name; its other lines show our SQL. */
static bool fail_with(const struct parquet *parquet, const char *reason, GError **error)
{
    g_autoptr(GString) text = g_string_new(!reason ? "DuckDB gave no reason" : reason);
    g_string_truncate(text, strcspn(text->str, "\n"));
    g_string_replace(text, parquet->source, parquet->name, 0);
    return error_set(error, ERROR_VALIDATION, "reading the Parquet file %s: %s", parquet->name,
                     text->str);
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

/* ---- opening and closing ---- */

static bool connect_to(struct parquet *parquet, GError **error)
{
    const struct duckdb_library *library = &parquet->library;
    if (library->open(NULL, &parquet->database) != 0)
        return error_set(error, ERROR_INTERNAL, "DuckDB could not be started");
    return library->connect(parquet->database, &parquet->connection) == 0 ||
           error_set(error, ERROR_INTERNAL, "DuckDB could not be connected to");
}

struct parquet *parquet_open(GError **error)
{
    struct parquet *parquet = g_new0(struct parquet, 1);
    parquet->file = -1;
    parquet->columns = g_ptr_array_new_with_free_func(g_free);
    parquet->types = g_array_new(FALSE, FALSE, sizeof(int));
    parquet->texts = g_byte_array_new();
    if (duckdb_library_load(&parquet->library, error) && connect_to(parquet, error))
        return parquet;
    parquet_close(parquet);
    return NULL;
}

/* Lets go of the file. */
static void end_file(struct parquet *parquet)
{
    if (parquet->answering)
        parquet->library.destroy_result(&parquet->answer);
    if (parquet->statement)
        parquet->library.destroy_prepare(&parquet->statement);
    parquet->answering = false;
    parquet->statement = NULL;
    if (parquet->file >= 0)
        close(parquet->file);
    parquet->file = -1;
    g_clear_pointer(&parquet->source, g_free);
    g_clear_pointer(&parquet->name, g_free);
    g_ptr_array_set_size(parquet->columns, 0);
    g_array_set_size(parquet->types, 0);
    g_byte_array_set_size(parquet->texts, 0);
}

void parquet_close(struct parquet *parquet)
{
    if (!parquet)
        return;
    end_file(parquet);
    if (parquet->connection)
        parquet->library.disconnect(&parquet->connection);
    if (parquet->database)
        parquet->library.close(&parquet->database);
    g_ptr_array_unref(parquet->columns);
    g_array_unref(parquet->types);
    g_byte_array_unref(parquet->texts);
    g_free(parquet);
}

/* ---- columns ---- */

static bool look_at_columns(struct parquet *parquet, GError **error)
{
    const struct duckdb_library *library = &parquet->library;
    g_autofree char *sql =
        g_strdup_printf("SELECT * FROM read_parquet('%s') LIMIT 0", parquet->source);
    struct duckdb_answer answer;
    bool good = library->query(parquet->connection, sql, &answer) == 0 ||
                fail_with(parquet, library->result_error(&answer), error);
    for (uint64_t i = 0; good && i < library->column_count(&answer); i++) {
        int type = library->column_type(&answer, i);
        g_ptr_array_add(parquet->columns, g_strdup(library->column_name(&answer, i)));
        g_array_append_val(parquet->types, type);
    }
    library->destroy_result(&answer);
    return good;
}

static bool fail_missing(const struct parquet *parquet, const char *wanted, GError **error)
{
    g_autoptr(GString) found = g_string_new(NULL);
    for (guint i = 0; i < parquet->columns->len && found->len < 200; i++)
        g_string_append_printf(found, "%s\"%s\"", i ? ", " : "",
                               (const char *)parquet->columns->pdata[i]);
    return error_set(error, ERROR_VALIDATION,
                     "reading the Parquet file %s: it has no column \"%s\": found %s",
                     parquet->name, wanted, found->str);
}

static bool find_column(const struct parquet *parquet, const char *wanted, guint *index,
                        GError **error)
{
    for (*index = 0; *index < parquet->columns->len; ++*index)
        if (strcmp(parquet->columns->pdata[*index], wanted) == 0)
            return true;
    return fail_missing(parquet, wanted, error);
}

/* Adds a column of the file to the SELECT list, as the type in which it is wanted: a double holds
 * all numbers that are asked for. */
static bool select_column(struct parquet *parquet, guint index, enum csv_type wanted, bool may_text,
                          GString *list, GError **error)
{
    int type = g_array_index(parquet->types, int, index);
    const char *name = parquet->columns->pdata[index];
    uint8_t holds_text = wanted == CSV_NUMBER && may_text && type == DUCKDB_VARCHAR;
    if (wanted == CSV_NUMBER && !is_number(type) && !holds_text)
        return error_set(error, ERROR_VALIDATION,
                         "reading the Parquet file %s: column %s (number %u) holds %s; numbers "
                         "are expected",
                         parquet->name, name, index + 1, type_name(type));
    g_auto(GStrv) parts = g_strsplit(name, "\"", -1);
    g_autofree char *quoted = g_strjoinv("\"\"", parts);
    g_string_append_printf(list, "%sCAST(\"%s\" AS %s)", list->len ? ", " : "", quoted,
                           wanted == CSV_TEXT || holds_text ? "VARCHAR" : "DOUBLE");
    g_byte_array_append(parquet->texts, &holds_text, 1);
    return true;
}

static bool select_columns(struct parquet *parquet, const struct csv_column *columns, size_t count,
                           GString *list, GError **error)
{
    for (guint i = 0; !columns && i < parquet->columns->len; i++)
        if (!select_column(parquet, i, CSV_NUMBER, false, list, error))
            return false;
    for (size_t i = 0; columns && i < count; i++) {
        guint index;
        if (!find_column(parquet, columns[i].name, &index, error) ||
            !select_column(parquet, index, columns[i].type, true, list, error))
            return false;
    }
    parquet->width = parquet->texts->len;
    if (!parquet->width) /* nobody reads a column: only how many rows there are */
        g_string_append(list, "0");
    return true;
}

/* ---- reading ---- */

static bool start_reading(struct parquet *parquet, const char *list, GError **error)
{
    const struct duckdb_library *library = &parquet->library;
    g_autofree char *sql =
        g_strdup_printf("SELECT %s FROM read_parquet('%s')", list, parquet->source);
    if (library->prepare(parquet->connection, sql, &parquet->statement) != 0)
        return fail_with(parquet, library->prepare_error(parquet->statement), error);
    parquet->answer = (struct duckdb_answer){0};
    parquet->answering = true;
    return library->execute_prepared_streaming(parquet->statement, &parquet->answer) == 0 ||
           fail_with(parquet, library->result_error(&parquet->answer), error);
}

bool parquet_start(struct parquet *parquet, const char *path, const char *name,
                   const struct csv_column *columns, size_t count, GError **error)
{
    end_file(parquet);
    parquet->file = open(path, O_RDONLY | O_CLOEXEC);
    if (parquet->file < 0)
        return error_set_errno(error, errno, "opening %s", path);
    /* Under its own name a file with * or [ in it would be taken for a pattern. */
    parquet->source = g_strdup_printf("/proc/self/fd/%d", parquet->file);
    parquet->name = g_strdup(name);
    g_autoptr(GString) list = g_string_new(NULL);
    return look_at_columns(parquet, error) &&
           select_columns(parquet, columns, count, list, error) &&
           start_reading(parquet, list->str, error);
}

size_t parquet_width(const struct parquet *parquet)
{
    return parquet->width;
}

bool parquet_holds_text(const struct parquet *parquet, size_t column)
{
    return parquet->texts->data[column];
}

bool parquet_next(struct parquet *parquet, struct parquet_chunk **chunk, GError **error)
{
    const struct duckdb_library *library = &parquet->library;
    *chunk = NULL;
    void *fetched = library->fetch_chunk(parquet->answer);
    if (!fetched) { /* at the end, or where fetching fails: only the answer's error tells */
        const char *reason = library->result_error(&parquet->answer);
        return !reason || fail_with(parquet, reason, error);
    }
    *chunk = g_new(struct parquet_chunk, 1);
    **chunk = (struct parquet_chunk){library, fetched, library->data_chunk_get_size(fetched)};
    return true;
}

void parquet_chunk_free(struct parquet_chunk *chunk)
{
    if (chunk)
        chunk->library->destroy_data_chunk(&chunk->chunk);
    g_free(chunk);
}

size_t parquet_chunk_rows(const struct parquet_chunk *chunk)
{
    return chunk->rows;
}

/* valid: a bit a row; NULL: all are. */
static bool is_null(const uint64_t *valid, size_t row)
{
    return valid && !(valid[row / 64] >> (row % 64) & 1);
}

void parquet_chunk_numbers(const struct parquet_chunk *chunk, size_t column, double *numbers)
{
    void *vector = chunk->library->data_chunk_get_vector(chunk->chunk, column);
    const double *values = chunk->library->vector_get_data(vector);
    const uint64_t *valid = chunk->library->vector_get_validity(vector);
    for (size_t row = 0; row < chunk->rows; row++)
        numbers[row] = is_null(valid, row) ? NAN : values[row];
}

void parquet_chunk_texts(const struct parquet_chunk *chunk, size_t column, struct csv_text *texts)
{
    void *vector = chunk->library->data_chunk_get_vector(chunk->chunk, column);
    const union duckdb_string *values = chunk->library->vector_get_data(vector);
    const uint64_t *valid = chunk->library->vector_get_validity(vector);
    for (size_t row = 0; row < chunk->rows; row++) {
        const union duckdb_string *value = &values[row];
        bool is_short = value->inlined.size <= sizeof value->inlined.bytes;
        const char *bytes = is_short ? value->inlined.bytes : value->pointer.bytes;
        texts[row] = (struct csv_text){0};
        if (!is_null(valid, row))
            texts[row] = (struct csv_text){bytes, value->inlined.size, true};
    }
}
