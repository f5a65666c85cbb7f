#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "csv/json_rows.h"
#include "parse/fail.h"
#include "parse/number.h"
#include "rows/rows_inside.h"

/* Where a file has the columns: its header, read once. */
struct context {
    size_t width;   /* fields of a record */
    size_t *fields; /* of the columns that are read; CSV */
    bool *texts;    /* those of numbers that come as texts; Parquet */
};

struct rows_columns {
    struct rows_columns_options options;
    const GPtrArray *files;

    struct csv_column *given; /* all that were asked for, with the values of a batch */
    struct csv_column *read;  /* those that are read, without memory, */
    size_t *places;           /* and which of the others they are */
    size_t read_count;

    struct rows_pieces *pieces;
    GPtrArray *contexts; /* made in order, by whoever meets a file */
    struct rows_piece *piece;
    size_t at;   /* rows of the piece that were given out */
    size_t rows; /* in the pieces before */
};

/* A piece's values, and what reads them. */
struct result {
    const struct rows_columns *columns;
    const struct context *context;
    struct csv_column *read;
    size_t room; /* rows that they have memory for */
    struct csv_columns *reader;
    struct csv_text *texts; /* of a chunk, to be read as numbers */
    struct csv_scratch scratch;
};

/* ---- results ---- */

static void *new_result(void *state)
{
    const struct rows_columns *columns = state;
    struct result *result = g_new0(struct result, 1);
    result->columns = columns;
    result->read = g_memdup2(columns->read, (columns->read_count + 1) * sizeof *columns->read);
    return result;
}

static void free_result(void *of)
{
    struct result *result = of;
    for (size_t i = 0; i < result->columns->read_count; i++) {
        g_free(result->read[i].numbers);
        g_free(result->read[i].texts);
    }
    csv_columns_close(result->reader);
    g_free(result->read);
    g_free(result->texts);
    g_free(result->scratch.bytes);
    g_free(result);
}

/* Memory for so many rows. */
static void make_room(struct result *result, size_t rows)
{
    if (rows <= result->room)
        return;
    result->room = rows;
    for (size_t i = 0; i < result->columns->read_count; i++) {
        struct csv_column *column = &result->read[i];
        if (column->type == CSV_TEXT)
            column->texts = g_renew(struct csv_text, column->texts, rows);
        else
            column->numbers = g_renew(double, column->numbers, rows);
    }
}

/* ---- in order ---- */

static void free_context(void *of)
{
    struct context *context = of;
    g_free(context->fields);
    g_free(context->texts);
    g_free(context);
}

static struct context *add_context(struct rows_columns *columns)
{
    struct context *context = g_new0(struct context, 1);
    g_ptr_array_add(columns->contexts, context);
    return context;
}

static bool start_parquet(void *state, struct parquet *parquet, struct rows_piece *piece,
                          GError **error)
{
    struct rows_columns *columns = state;
    if (columns->options.header)
        return error_set(error, ERROR_VALIDATION,
                         "%s: Parquet files name their columns themselves: \"header\" must not be "
                         "false for them",
                         piece->file->name);
    if (!parquet_start(parquet, piece->file->path, piece->file->name, columns->read,
                       columns->read_count, error))
        return false;
    struct context *context = add_context(columns);
    context->texts = g_new0(bool, columns->read_count + 1);
    for (size_t i = 0; i < columns->read_count; i++)
        context->texts[i] = parquet_holds_text(parquet, i);
    piece->context = context;
    return true;
}

static struct csv_columns_options options_of(const struct rows_columns *columns,
                                             const struct rows_piece *piece, size_t width)
{
    const struct rows_columns_options *options = &columns->options;
    return (struct csv_columns_options){.name = piece->file->name,
                                        .dialect.delimiter = options->delimiter,
                                        .width = width,
                                        .nulls = options->nulls,
                                        .null_count = options->null_count};
}

/* Takes the header off the piece, and learns where it has the columns. */
static bool read_header(struct rows_columns *columns, struct rows_piece *piece,
                        struct context *context, struct lathe_error *error)
{
    size_t count = columns->read_count;
    const struct csv_columns_options options = options_of(columns, piece, 0);
    g_autofree struct csv_column *found =
        g_memdup2(columns->read, (count + 1) * sizeof *columns->read);
    struct csv_columns *reader = csv_columns_open(found, count, &options, error);
    const char *at = piece->text, *end = at + piece->size;
    bool read = reader && csv_columns_header(reader, &at, end, error);
    if (read) {
        context->width = csv_columns_width(reader);
        for (size_t i = 0; i < count; i++)
            context->fields[i] = found[i].field;
        piece->first_line += csv_count_lines(piece->text, at);
        piece->size = (size_t)(end - at);
        piece->text = at;
    }
    csv_columns_close(reader);
    return read;
}

/* The places of the columns among the names that were given instead of a header. */
static void find_fields(const struct rows_columns *columns, struct context *context)
{
    const struct rows_columns_options *options = &columns->options;
    context->width = options->header_count;
    for (size_t i = 0; i < columns->read_count; i++)
        for (size_t field = options->header_count; field-- > 0;)
            if (strcmp(options->header[field], columns->read[i].name) == 0)
                context->fields[i] = field;
}

static bool meet(void *state, struct rows_piece *piece, struct lathe_error *error)
{
    struct rows_columns *columns = state;
    piece->shape.delimiter = columns->options.delimiter;
    if (!piece->first || piece->chunk || columns->options.format != ROWS_CSV)
        return true;
    struct context *context = add_context(columns);
    context->fields = g_new0(size_t, columns->read_count + 1);
    piece->context = context;
    if (!columns->options.header)
        return read_header(columns, piece, context, error);
    find_fields(columns, context);
    return true;
}

/* ---- in threads: CSV ---- */

/* A reader for the piece's file. Its memory serves for all of the file's pieces. */
static bool open_reader(const struct rows_piece *piece, struct result *result,
                        struct lathe_error *error)
{
    const struct context *context = piece->context;
    size_t count = result->columns->read_count;
    if (result->reader && result->context == context)
        return true;
    csv_columns_close(result->reader);
    for (size_t i = 0; i < count; i++)
        result->read[i].field = context->fields[i];
    const struct csv_columns_options options = options_of(result->columns, piece, context->width);
    result->context = context;
    result->reader = csv_columns_open(result->read, count, &options, error);
    return result->reader != NULL;
}

/* The most rows that the text can have: a line each, or a byte and a delimiter a field. */
static size_t bound_rows(const struct rows_piece *piece, size_t width)
{
    size_t lines = csv_count_lines(piece->text, piece->text + piece->size) + 1;
    return MIN(lines, piece->size / MAX(width, 1) + 1);
}

static bool read_csv(struct rows_piece *piece, struct result *result, struct lathe_error *error)
{
    const struct context *context = piece->context;
    size_t room = bound_rows(piece, context->width);
    const char *at = piece->text;
    if (!open_reader(piece, result, error))
        return false;
    make_room(result, room);
    /* behind a header there is no byte order mark either */
    bool inside = !piece->first || !result->columns->options.header;
    csv_columns_place(result->reader, piece->first_line, inside);
    return csv_columns_read(result->reader, &at, at + piece->size, room, &piece->rows, error);
}

/* ---- in threads: Parquet ---- */

static bool is_null_text(const struct rows_columns_options *options, const struct csv_text *text)
{
    for (size_t i = 0; i < options->null_count; i++)
        if (strlen(options->nulls[i]) == text->size &&
            memcmp(options->nulls[i], text->bytes, text->size) == 0)
            return true;
    return false;
}

static bool is_null_number(const struct rows_columns_options *options, double number)
{
    double null;
    for (size_t i = 0; i < options->null_count; i++)
        if (number_parse(options->nulls[i], strlen(options->nulls[i]), &null) && null == number)
            return true;
    return false;
}

static void null_texts(const struct rows_columns_options *options, struct csv_text *texts,
                       size_t rows)
{
    for (size_t row = 0; options->null_count && row < rows; row++)
        if (texts[row].bytes && is_null_text(options, &texts[row]))
            texts[row] = (struct csv_text){0};
}

static void null_numbers(const struct rows_columns_options *options, double *numbers, size_t rows)
{
    for (size_t row = 0; options->null_count && row < rows; row++)
        if (is_null_number(options, numbers[row]))
            numbers[row] = NAN;
}

/* Numbers that the file has as texts. */
static bool read_texts(const struct rows_piece *piece, struct result *result, size_t column,
                       struct lathe_error *error)
{
    const struct rows_columns_options *options = &result->columns->options;
    struct csv_column *to = &result->read[column];
    result->texts = g_renew(struct csv_text, result->texts, result->room);
    parquet_chunk_texts(piece->chunk, column, result->texts);
    null_texts(options, result->texts, piece->rows);
    for (size_t row = 0; row < piece->rows; row++) {
        const struct csv_text *text = &result->texts[row];
        to->numbers[row] = NAN;
        if (text->size && !number_parse(text->bytes, text->size, &to->numbers[row]))
            return fail(error, LATHE_INVALID_DATA,
                        "%s, row %zu, column %s: found \"%.*s\", expected a number or nothing",
                        piece->file->name, piece->first_row + row, to->name,
                        (int)MIN(text->size, 40), text->bytes);
    }
    return true;
}

static bool read_chunk(struct rows_piece *piece, struct result *result, struct lathe_error *error)
{
    const struct rows_columns_options *options = &result->columns->options;
    const struct context *context = piece->context;
    piece->rows = parquet_chunk_rows(piece->chunk);
    make_room(result, piece->rows);
    for (size_t i = 0; i < result->columns->read_count; i++) {
        struct csv_column *column = &result->read[i];
        if (column->type == CSV_TEXT) {
            parquet_chunk_texts(piece->chunk, i, column->texts);
            null_texts(options, column->texts, piece->rows);
        } else if (!context->texts[i]) {
            parquet_chunk_numbers(piece->chunk, i, column->numbers);
            null_numbers(options, column->numbers, piece->rows);
        } else if (!read_texts(piece, result, i, error)) {
            return false;
        }
    }
    return true;
}

/* ---- in threads: JSON Lines ---- */

static bool read_json(struct rows_piece *piece, struct result *result, struct lathe_error *error)
{
    const struct rows_columns *columns = result->columns;
    const struct json_rows from = {.text = piece->text,
                                   .size = piece->size,
                                   .name = piece->file->name,
                                   .lines = true,
                                   .inside = !piece->first,
                                   .first_line = piece->first_line,
                                   .first_row = piece->first_row};
    if (!json_rows_count(&from, &piece->rows, NULL, error))
        return false;
    make_room(result, piece->rows);
    if (result->scratch.size < piece->size) {
        result->scratch.bytes = g_realloc(result->scratch.bytes, piece->size);
        result->scratch.size = piece->size;
    }
    result->scratch.used = 0;
    return json_rows_columns(&from, result->read, columns->read_count, columns->read_count,
                             piece->rows, &result->scratch, error);
}

static bool read_piece(void *state, struct rows_piece *piece, struct lathe_error *error)
{
    const struct rows_columns *columns = state;
    struct result *result = piece->result;
    return piece->chunk                          ? read_chunk(piece, result, error)
           : columns->options.format == ROWS_CSV ? read_csv(piece, result, error)
                                                 : read_json(piece, result, error);
}

/* ---- the face ---- */

struct rows_columns *rows_columns_open(const GPtrArray *files,
                                       const struct rows_columns_options *options)
{
    struct rows_columns *columns = g_new0(struct rows_columns, 1);
    columns->files = files;
    columns->options = *options;
    if (!columns->options.delimiter)
        columns->options.delimiter = ',';
    columns->contexts = g_ptr_array_new_with_free_func(free_context);
    return columns;
}

static void clear(struct rows_columns *columns)
{
    g_clear_pointer(&columns->pieces, rows_pieces_close);
    g_clear_pointer(&columns->given, g_free);
    g_clear_pointer(&columns->read, g_free);
    g_clear_pointer(&columns->places, g_free);
    g_ptr_array_set_size(columns->contexts, 0);
    columns->piece = NULL;
    columns->read_count = columns->at = columns->rows = 0;
}

void rows_columns_close(struct rows_columns *columns)
{
    if (!columns)
        return;
    clear(columns);
    g_ptr_array_unref(columns->contexts);
    g_free(columns);
}

/* Whether a column is among the names that were given instead of a header. */
static bool check_name(const struct rows_columns *columns, const char *name, GError **error)
{
    const struct rows_columns_options *options = &columns->options;
    for (size_t i = 0; i < options->header_count; i++)
        if (strcmp(options->header[i], name) == 0)
            return true;
    return !options->header ||
           error_set(error, ERROR_VALIDATION,
                     "there is no column %s among those that \"columns\" names", name);
}

static void choose(struct rows_columns *columns, const struct csv_column *wanted, size_t count,
                   const bool *which)
{
    columns->given = g_new0(struct csv_column, count + 1);
    columns->read = g_new0(struct csv_column, count + 1);
    columns->places = g_new0(size_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct csv_column column = {.name = wanted[i].name, .type = wanted[i].type};
        columns->given[i] = column;
        if (which && !which[i])
            continue;
        columns->places[columns->read_count] = i;
        columns->read[columns->read_count++] = column;
    }
}

bool rows_columns_start(struct rows_columns *columns, const struct csv_column *wanted, size_t count,
                        const bool *which, GError **error)
{
    clear(columns);
    choose(columns, wanted, count, which);
    for (size_t i = 0; i < count; i++)
        if (!check_name(columns, wanted[i].name, error))
            return false;
    const struct rows_columns_options *options = &columns->options;
    const struct rows_reader reader = {
        .state = columns,
        .cut = {.format = options->format,
                .piece = options->piece,
                .dialect = {.delimiter = options->delimiter,
                            .no_quotes = options->format != ROWS_CSV}},
        .start_parquet = start_parquet,
        .meet = meet,
        .read = read_piece,
        .new_result = new_result,
        .free_result = free_result};
    columns->pieces = rows_pieces_open(columns->files, &reader, options->threads);
    return true;
}

/* The piece's rows from `at` on, as a batch. */
static void give(struct rows_columns *columns, struct rows_columns_batch *batch)
{
    const struct result *result = columns->piece->result;
    for (size_t i = 0; i < columns->read_count; i++) {
        struct csv_column *column = &columns->given[columns->places[i]];
        const struct csv_column *from = &result->read[i];
        column->numbers = from->numbers ? from->numbers + columns->at : NULL;
        column->texts = from->texts ? from->texts + columns->at : NULL;
    }
    *batch =
        (struct rows_columns_batch){.rows = MIN(columns->piece->rows - columns->at, ROWS_BATCH),
                                    .first_row = columns->rows + columns->at + 1,
                                    .columns = columns->given};
    columns->at += batch->rows;
}

bool rows_columns_next(struct rows_columns *columns, struct rows_columns_batch *batch,
                       GError **error)
{
    *batch = (struct rows_columns_batch){.columns = columns->given};
    while (!columns->piece || columns->at == columns->piece->rows) {
        columns->rows += columns->piece ? columns->piece->rows : 0;
        columns->at = 0;
        if (!rows_pieces_next(columns->pieces, &columns->piece, error))
            return false;
        if (!columns->piece)
            return true;
    }
    give(columns, batch);
    return true;
}
