#include "runtime/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "csv/columns.h"
#include "runtime/input_files.h"
#include "runtime/pieces.h"
#include "runtime/specification.h"
#include "table/parquet.h"

struct rows {
    GPtrArray *paths;   /* of CSV files */
    GPtrArray *names;   /* as errors call them */
    GPtrArray *scratch; /* those of the paths that are ours to remove */
    struct csv_columns_options options;
    GPtrArray *nulls, *header; /* char *; header: names of the columns where files have none */
    bool has_header;

    size_t count;
    struct csv_column *fields; /* a column each, with memory of a batch */
    union feature_values *values;
    struct csv_column *read; /* those of them that are read */
    size_t read_count;

    guint file; /* of paths: the one that is being read */
    struct pieces *pieces;
    const char *at, *end;
    struct csv_columns *reader;
    size_t first_row;
};

/* --- files ------------------------------------------------------------------------------------ */

/* By its first bytes: what SQL engines write often has no suffix. */
static bool is_parquet(const char *path)
{
    char magic[4] = "";
    FILE *file = fopen(path, "rb");
    bool found = file && fread(magic, 1, 4, file) == 4 && memcmp(magic, "PAR1", 4) == 0;
    if (file)
        fclose(file);
    return found;
}

static bool turn_parquet(struct rows *rows, const char *scratch, GError **error)
{
    for (guint i = 0; i < rows->paths->len; i++) {
        const char *path = g_ptr_array_index(rows->paths, i);
        g_ptr_array_add(rows->names, g_path_get_basename(path));
        if (!is_parquet(path))
            continue;
        if (!rows->has_header)
            return error_set(error, ERROR_VALIDATION,
                             "%s: Parquet files name their columns themselves: \"header\" must not "
                             "be false for them",
                             (const char *)g_ptr_array_index(rows->names, i));
        char *csv = g_strdup_printf("%s/rows-%u.csv", scratch, i);
        g_ptr_array_add(rows->scratch, g_strdup(csv));
        bool turned = parquet_to_csv(path, g_ptr_array_index(rows->names, i), csv, error);
        g_free(rows->paths->pdata[i]);
        rows->paths->pdata[i] = csv;
        if (!turned)
            return false;
    }
    return true;
}

/* --- options ---------------------------------------------------------------------------------- */

static GPtrArray *texts_of(const json_t *array)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    size_t i;
    const json_t *text;
    json_array_foreach((json_t *)array, i, text)
        g_ptr_array_add(texts, g_strdup(json_string_value(text)));
    return texts;
}

static bool read_options(struct rows *rows, const json_t *options, GError **error)
{
    static const struct specification_member members[] = {{"header", SPECIFICATION_BOOLEAN},
                                                          {"delimiter", SPECIFICATION_TEXT},
                                                          {"columns", SPECIFICATION_TEXTS},
                                                          {"nulls", SPECIFICATION_TEXTS}};
    if (!specification_check(options, "data", members, G_N_ELEMENTS(members), error))
        return false;
    const char *delimiter = json_text_at(options, "delimiter");
    if (delimiter && strlen(delimiter) != 1)
        return error_set(error, ERROR_VALIDATION,
                         "data: the delimiter \"%s\" is not a single character", delimiter);
    rows->options.dialect.delimiter = delimiter ? *delimiter : ',';
    rows->header = texts_of(json_object_get(options, "columns"));
    rows->nulls = texts_of(json_object_get(options, "nulls"));
    rows->has_header = !rows->header->len;
    if (json_object_get(options, "header"))
        rows->has_header = json_true_at(options, "header");
    if (!rows->has_header && !rows->header->len)
        return error_set(error, ERROR_VALIDATION,
                         "data: without a header the columns' names are needed (\"columns\")");
    rows->options.nulls = (const char *const *)rows->nulls->pdata;
    rows->options.null_count = rows->nulls->len;
    return true;
}

struct rows *rows_open(const char *folder, const json_t *options, const char *scratch,
                       GError **error)
{
    struct rows *rows = g_new0(struct rows, 1);
    rows->names = g_ptr_array_new_with_free_func(g_free);
    rows->scratch = g_ptr_array_new_with_free_func(g_free);
    if (read_options(rows, options, error) && (rows->paths = input_files(folder, error)) &&
        turn_parquet(rows, scratch, error)) {
        if (rows->paths->len)
            return rows;
        error_set(error, ERROR_VALIDATION, "there is no file below %s", folder);
    }
    rows_close(rows);
    return NULL;
}

static void free_columns(struct rows *rows)
{
    csv_columns_close(rows->reader);
    rows->reader = NULL;
    for (size_t i = 0; rows->fields && i < rows->count; i++) {
        g_free(rows->fields[i].numbers);
        g_free(rows->fields[i].texts);
    }
    g_clear_pointer(&rows->fields, g_free);
    g_clear_pointer(&rows->values, g_free);
    g_clear_pointer(&rows->read, g_free);
}

void rows_close(struct rows *rows)
{
    if (!rows)
        return;
    free_columns(rows);
    g_clear_pointer(&rows->paths, g_ptr_array_unref);
    g_ptr_array_unref(rows->names);
    g_clear_pointer(&rows->header, g_ptr_array_unref);
    g_clear_pointer(&rows->nulls, g_ptr_array_unref);
    pieces_close(rows->pieces);
    for (guint i = 0; i < rows->scratch->len; i++)
        remove(g_ptr_array_index(rows->scratch, i));
    g_ptr_array_unref(rows->scratch);
    g_free(rows);
}

/* --- reading --------------------------------------------------------------------------------- */

/* The position of a column's name among those given, where files have no header. */
static bool find_field(const struct rows *rows, struct csv_column *column, GError **error)
{
    for (guint i = 0; i < rows->header->len; i++) {
        if (strcmp(g_ptr_array_index(rows->header, i), column->name) == 0) {
            column->field = i;
            return true;
        }
    }
    return error_set(error, ERROR_VALIDATION,
                     "there is no column %s among those that \"columns\" names", column->name);
}

bool rows_select(struct rows *rows, const struct feature_column *columns, size_t count,
                 GError **error)
{
    free_columns(rows);
    rows->count = count;
    rows->fields = g_new0(struct csv_column, count + 1);
    rows->values = g_new0(union feature_values, count + 1);
    rows->read = g_new0(struct csv_column, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct csv_column *field = &rows->fields[i];
        field->name = columns[i].name;
        field->type = columns[i].type == FEATURE_TEXT ? CSV_TEXT : CSV_NUMBER;
        if (field->type == CSV_TEXT) {
            field->texts = g_new(struct csv_text, ROWS_BATCH);
            rows->values[i].texts = field->texts;
        } else {
            field->numbers = g_new(double, ROWS_BATCH);
            rows->values[i].numbers = field->numbers;
        }
        if (!rows->has_header && !find_field(rows, field, error))
            return false;
    }
    return true;
}

static bool next_piece(struct rows *rows, GError **error)
{
    return pieces_next(rows->pieces, &rows->at, &rows->end, error);
}

static bool open_file(struct rows *rows, GError **error)
{
    struct lathe_error cause;
    csv_columns_close(rows->reader);
    rows->reader = NULL;
    pieces_close(rows->pieces);
    rows->pieces =
        pieces_open(g_ptr_array_index(rows->paths, rows->file), &rows->options.dialect, error);
    if (!rows->pieces || !next_piece(rows, error))
        return false;
    rows->options.name = g_ptr_array_index(rows->names, rows->file);
    rows->options.width = rows->has_header ? 0 : rows->header->len;
    rows->reader = csv_columns_open(rows->read, rows->read_count, &rows->options, &cause);
    if (!rows->reader || (rows->has_header && rows->at < rows->end &&
                          !csv_columns_header(rows->reader, &rows->at, rows->end, &cause)))
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    return true;
}

bool rows_rewind(struct rows *rows, const bool *wanted, GError **error)
{
    rows->read_count = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (!wanted || wanted[i])
            rows->read[rows->read_count++] = rows->fields[i];
    rows->file = 0;
    rows->first_row = 1;
    return open_file(rows, error);
}

/* Goes on to the next piece, or file; *more is false behind the last. */
static bool go_on(struct rows *rows, bool *more, GError **error)
{
    *more = true;
    if (!next_piece(rows, error))
        return false;
    if (rows->at < rows->end)
        return true;
    if (rows->file + 1 == rows->paths->len) {
        *more = false;
        return true;
    }
    rows->file++;
    return open_file(rows, error);
}

bool rows_next(struct rows *rows, struct feature_batch *batch, GError **error)
{
    size_t read = 0;
    struct lathe_error cause;
    for (bool more = true; more;) {
        if (!csv_columns_read(rows->reader, &rows->at, rows->end, ROWS_BATCH, &read, &cause))
            return error_set_lathe(error, ERROR_VALIDATION, &cause);
        if (read)
            break;
        if (!go_on(rows, &more, error))
            return false;
    }
    *batch =
        (struct feature_batch){.rows = read, .first_row = rows->first_row, .values = rows->values};
    rows->first_row += read;
    return true;
}
