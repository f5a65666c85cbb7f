#include "table/engine_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "table/value.h"

/* ---- columns ---- */

bool engine_answer_columns_read(struct engine_answer_columns *columns, const json_t *list,
                                GError **error)
{
    size_t count = json_array_size(list);
    *columns = (struct engine_answer_columns){.count = count};
    columns->names = g_new0(const char *, count + 1);
    columns->types = g_new0(const struct sql_type *, count + 1);
    for (size_t i = 0; i < count; i++) {
        const json_t *column = json_array_get(list, i);
        const char *name = json_text_at(column, "Name"), *type = json_text_at(column, "Type");
        columns->names[i] = name ? name : "";
        columns->types[i] = type ? sql_type_read(&columns->arena, type) : NULL;
        if (!columns->types[i])
            return error_set(error, ERROR_VALIDATION, "column %zu has the type '%s', which is none",
                             i, type ? type : "");
    }
    return true;
}

void engine_answer_columns_free(struct engine_answer_columns *columns)
{
    g_free(columns->names);
    g_free(columns->types);
    arena_free(&columns->arena);
}

/* ---- errors ---- */

/* Errors that were raised on purpose say "TRINO:NAME:text" or "TRINO:NAME: text", perhaps behind
 * DuckDB's own words; a place in our SQL is nobody's business. */
static bool fail_marked(const char *mark, GError **error)
{
    const char *name = mark + strlen("TRINO:"), *colon = strchr(name, ':');
    if (!colon)
        return error_set(error, ERROR_VALIDATION, "GENERIC_INTERNAL_ERROR: %s", name);
    const char *text = colon + 1 + (colon[1] == ' ');
    const char *place = strstr(text, "\n\nLINE ");
    int size = place ? (int)(place - text) : (int)strlen(text);
    return error_set(error, ERROR_VALIDATION, "%.*s: %.*s", (int)(colon - name), name, size, text);
}

static const char *name_of_kind(int kind)
{
    switch (kind) {
    case DUCKDB_ERROR_OUT_OF_RANGE:
        return "NUMERIC_VALUE_OUT_OF_RANGE";
    case DUCKDB_ERROR_CONVERSION:
        return "INVALID_CAST_ARGUMENT";
    case DUCKDB_ERROR_OUT_OF_MEMORY:
        return "EXCEEDED_LOCAL_MEMORY_LIMIT";
    default:
        return "GENERIC_INTERNAL_ERROR";
    }
}

/* DuckDB's words for types of integers, and Trino's. */
static const char *name_of_integer(const char *text)
{
    static const char *const names[][2] = {{"INT8", "tinyint"},
                                           {"INT16", "smallint"},
                                           {"INT32", "integer"},
                                           {"INT64", "bigint"},
                                           {"INT128", "bigint"}};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        size_t size = strlen(names[i][0]);
        if (strncmp(text, names[i][0], size) == 0 && !g_ascii_isdigit(text[size]))
            return names[i][1];
    }
    return NULL;
}

/* "Overflow in addition of INT32 (2147483647 + 1)!" */
static bool fail_overflow(const char *text, GError **error)
{
    static const char *const what[] = {"addition", "subtraction", "multiplication"};
    for (size_t i = 0; i < G_N_ELEMENTS(what); i++) {
        g_autofree char *begin = g_strdup_printf("Overflow in %s of ", what[i]);
        const char *found = strstr(text, begin);
        const char *name = found ? name_of_integer(found + strlen(begin)) : NULL;
        const char *open = name ? strchr(found, '(') : NULL,
                   *close = open ? strchr(open, ')') : NULL;
        if (close)
            return error_set(error, ERROR_VALIDATION,
                             "NUMERIC_VALUE_OUT_OF_RANGE: %s %s overflow: %.*s", name, what[i],
                             (int)(close - open - 1), open + 1);
    }
    return true;
}

/* "Type INT32 with value 70000 can't be cast because the value is out of range for the destination
 * type INT16", of a sum "INT128 with value". */
static bool fail_range(const char *text, GError **error)
{
    const char *from = strstr(text, "Type INT"), *value = strstr(text, " with value ");
    const char *end =
        value ? strstr(value, " can't be cast because the value is out of range") : NULL;
    const char *to = end ? strstr(end, "destination type ") : NULL;
    const char *name = to ? name_of_integer(to + strlen("destination type ")) : NULL;
    if (!from || !name)
        return true;
    value += strlen(" with value ");
    if (g_str_has_prefix(from, "Type INT128"))
        return error_set(error, ERROR_VALIDATION,
                         "NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow: %.*s",
                         (int)(end - value), value);
    return error_set(error, ERROR_VALIDATION,
                     "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for %s: %.*s", name,
                     (int)(end - value), value);
}

bool engine_answer_fail(const struct duckdb_library *library, const char *text, int kind,
                        GError **error)
{
    (void)library;
    if (kind == DUCKDB_ERROR_INTERRUPTED)
        return error_set(error, ERROR_CANCELLED, "the statement was cancelled");
    const char *mark = text ? strstr(text, "TRINO:") : NULL;
    if (mark)
        return fail_marked(mark, error);
    if (text && strstr(text, "More than one row returned by a subquery"))
        return error_set(error, ERROR_VALIDATION,
                         "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows");
    if (text && (!fail_overflow(text, error) || !fail_range(text, error)))
        return false;
    const char *place = text ? strstr(text, "\n\nLINE ") : NULL;
    int size = place ? (int)(place - text) : text ? (int)strlen(text) : 0;
    return error_set(error, ERROR_VALIDATION, "%s: %.*s", name_of_kind(kind), size,
                     text ? text : "");
}

/* ---- rows ---- */

static bool take_chunk(const struct duckdb_library *library,
                       const struct engine_answer_columns *columns, void *chunk,
                       engine_answer_take *take, void *data, GError **error)
{
    struct value_view *views = g_new0(struct value_view, columns->count + 1);
    for (size_t i = 0; i < columns->count; i++)
        value_view_open(&views[i], library, library->data_chunk_get_vector(chunk, i));
    bool good = take(columns, views, library->data_chunk_get_size(chunk), data, error);
    for (size_t i = 0; i < columns->count; i++)
        value_view_close(&views[i]);
    g_free(views);
    return good;
}

static bool take_all(const struct duckdb_library *library,
                     const struct engine_answer_columns *columns, struct duckdb_answer *answer,
                     engine_answer_take *take, void *data, GError **error)
{
    if (library->column_count(answer) != columns->count)
        return error_set(error, ERROR_VALIDATION,
                         "GENERIC_INTERNAL_ERROR: the result has %d columns in place of %zu",
                         (int)library->column_count(answer), columns->count);
    bool good = true;
    for (void *chunk; good && (chunk = library->fetch_chunk(*answer));) {
        good = take_chunk(library, columns, chunk, take, data, error);
        library->destroy_data_chunk(&chunk);
    }
    const char *reason = good ? library->result_error(answer) : NULL;
    return good && (!reason ||
                    engine_answer_fail(library, reason, library->result_error_type(answer), error));
}

bool engine_answer_run(const struct duckdb_library *library, void *connection, const char *sql,
                       const struct engine_answer_columns *columns, engine_answer_take *take,
                       void *data, GError **error)
{
    void *statement = NULL;
    struct duckdb_answer answer = {0};
    bool good = library->prepare(connection, sql, &statement) == 0 ||
                engine_answer_fail(library, library->prepare_error(statement), 0, error);
    if (good) {
        good = library->execute_prepared_streaming(statement, &answer) == 0
                   ? take_all(library, columns, &answer, take, data, error)
                   : engine_answer_fail(library, library->result_error(&answer),
                                        library->result_error_type(&answer), error);
        library->destroy_result(&answer);
    }
    library->destroy_prepare(&statement);
    return good;
}

/* ---- into the reply ---- */

struct listing {
    GString *text;
    int64_t most, *rows;
};

static bool list_rows(const struct engine_answer_columns *columns, const struct value_view *views,
                      uint64_t rows, void *data, GError **error)
{
    const struct listing *listing = data;
    GString *text = listing->text;
    if (text->len > (size_t)900 << 20)
        return error_set(error, ERROR_VALIDATION,
                         "EXCEEDED_MEMORY_LIMIT: the rows are too many to "
                         "be answered at once");
    for (uint64_t row = 0; row < rows; row++, ++*listing->rows) {
        if (listing->most >= 0 && *listing->rows >= listing->most)
            continue;
        g_string_append(text, *listing->rows ? ",[" : "[");
        for (size_t i = 0; i < columns->count; i++) {
            g_string_append(text, i ? "," : "");
            if (value_is_null(&views[i], row))
                g_string_append(text, "null");
            else
                value_put_json(text, columns->types[i], &views[i], row);
        }
        g_string_append_c(text, ']');
    }
    return true;
}

bool engine_answer_rows(const struct duckdb_library *library, void *connection, const char *sql,
                        const struct engine_answer_columns *columns, int64_t most, GString *text,
                        int64_t *rows, GError **error)
{
    struct listing listing = {text, most, rows};
    *rows = 0;
    return engine_answer_run(library, connection, sql, columns, list_rows, &listing, error);
}

/* ---- Athena's CSV ---- */

struct csv_file {
    int file;
    GString *text, *value;
    int64_t *rows;
};

static void put_csv(GString *text, const char *bytes, size_t size)
{
    g_string_append_c(text, '"');
    for (const char *end = bytes + size; bytes < end;) {
        const char *quote = memchr(bytes, '"', (size_t)(end - bytes));
        const char *stop = quote ? quote + 1 : end;
        g_string_append_len(text, bytes, stop - bytes);
        g_string_append(text, quote ? "\"" : "");
        bytes = stop;
    }
    g_string_append_c(text, '"');
}

static bool write_out(struct csv_file *csv, size_t least, GError **error)
{
    if (csv->text->len < least)
        return true;
    bool good = file_write_all(csv->file, csv->text->str, csv->text->len, error);
    g_string_truncate(csv->text, 0);
    return good;
}

static bool write_rows(const struct engine_answer_columns *columns, const struct value_view *views,
                       uint64_t rows, void *data, GError **error)
{
    struct csv_file *csv = data;
    for (uint64_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < columns->count; i++) {
            g_string_append(csv->text, i ? "," : "");
            if (value_is_null(&views[i], row))
                continue;
            g_string_truncate(csv->value, 0);
            value_put_athena(csv->value, columns->types[i], &views[i], row);
            put_csv(csv->text, csv->value->str, csv->value->len);
        }
        g_string_append_c(csv->text, '\n');
        if (!write_out(csv, 1 << 20, error))
            return false;
    }
    *csv->rows += (int64_t)rows;
    return true;
}

static void put_header(struct csv_file *csv, const struct engine_answer_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        g_string_append(csv->text, i ? "," : "");
        put_csv(csv->text, columns->names[i], strlen(columns->names[i]));
    }
    g_string_append_c(csv->text, '\n');
}

bool engine_answer_csv(const struct duckdb_library *library, void *connection, const char *sql,
                       const struct engine_answer_columns *columns, const char *path, int64_t *rows,
                       GError **error)
{
    struct csv_file csv = {.rows = rows};
    csv.file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (csv.file < 0)
        return error_set_errno(error, errno, "making %s", path);
    csv.text = g_string_new(NULL);
    csv.value = g_string_new(NULL);
    *rows = 0;
    put_header(&csv, columns);
    bool good = engine_answer_run(library, connection, sql, columns, write_rows, &csv, error) &&
                write_out(&csv, 0, error);
    close(csv.file);
    g_string_free(csv.text, TRUE);
    g_string_free(csv.value, TRUE);
    return good;
}
