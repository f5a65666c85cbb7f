#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "parse/fail.h"
#include "rows/rows_inside.h"

struct rows_numbers {
    struct rows_numbers_options options;
    struct rows_pieces *pieces;
    struct rows_shape met;   /* what the pieces that were met decided; */
    struct rows_shape shape; /* those that were given out */
};

struct result {
    struct csv_matrix dense;
    struct libsvm_rows sparse;
    double *column; /* of a chunk */
};

static void *new_result(void *state)
{
    (void)state;
    return g_new0(struct result, 1);
}

static void free_result(void *of)
{
    struct result *result = of;
    csv_matrix_clear(&result->dense);
    libsvm_clear(&result->sparse);
    g_free(result->column);
    g_free(result);
}

/* ---- in order ---- */

/* A Parquet file says how many columns it has before it has a row. */
static bool start_parquet(void *state, struct parquet *parquet, struct rows_piece *piece,
                          GError **error)
{
    struct rows_numbers *numbers = state;
    const struct rows_file *file = piece->file;
    if (!parquet_start(parquet, file->path, file->name, NULL, 0, error))
        return false;
    size_t width = parquet_width(parquet);
    if (numbers->met.columns && numbers->met.columns != width)
        return error_set(error, ERROR_VALIDATION,
                         "reading the Parquet file %s: it has %zu columns where the files before "
                         "it have %zu",
                         file->name, width, numbers->met.columns);
    numbers->met.columns = width;
    return true;
}

/* The delimiter and the width of the first record that there is. What is wrong with it is left to
 * be found when it is read. */
static void meet_csv(struct rows_shape *shape, const struct rows_piece *piece)
{
    struct csv_reader reader;
    size_t count;
    char delimiter =
        shape->delimiter ? shape->delimiter : csv_sniff_delimiter(piece->text, piece->size);
    const struct csv_dialect dialect = {.delimiter = delimiter, .inside = !piece->first};
    csv_reader_start(&reader, piece->file->name, piece->text, piece->size, &dialect,
                     (struct csv_scratch){0});
    enum csv_step step = csv_reader_next(&reader, NULL, 0, &count, NULL);
    if (step == CSV_END)
        return;
    shape->delimiter = delimiter;
    if (!shape->columns && step == CSV_RECORD)
        shape->columns = count;
}

/* Whether the first row has a qid; what is wrong with it is left to be found when it is read. */
static void meet_libsvm(struct rows_shape *shape, const struct rows_piece *piece)
{
    const struct libsvm_options options = {.inside = !piece->first};
    struct libsvm_rows rows = {0};
    const char *at = piece->text, *end = at + piece->size;
    while (at < end && !rows.rows) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        const char *next = feed ? feed + 1 : end;
        if (!libsvm_append(&rows, at, (size_t)(next - at), &options, NULL))
            break;
        at = next;
    }
    if (rows.rows)
        shape->queries = rows.has_queries ? LIBSVM_QUERIES : LIBSVM_NO_QUERIES;
    libsvm_clear(&rows);
}

static bool meet(void *state, struct rows_piece *piece, struct lathe_error *error)
{
    (void)error;
    struct rows_numbers *numbers = state;
    struct rows_shape *shape = &numbers->met;
    if (numbers->options.format == ROWS_LIBSVM && shape->queries == LIBSVM_AS_FIRST)
        meet_libsvm(shape, piece);
    bool unknown = !shape->columns || !shape->delimiter;
    if (numbers->options.format == ROWS_CSV && !piece->chunk && unknown)
        meet_csv(shape, piece);
    piece->shape = *shape;
    return true;
}

/* ---- in threads ---- */

static bool read_chunk(struct rows_piece *piece, struct result *result, struct lathe_error *error)
{
    struct csv_matrix *matrix = &result->dense;
    size_t rows = parquet_chunk_rows(piece->chunk), columns = piece->shape.columns;
    matrix->columns = columns;
    if (!csv_matrix_reserve(matrix, rows, error))
        return false;
    result->column = g_renew(double, result->column, rows);
    for (size_t column = 0; column < columns; column++) {
        parquet_chunk_numbers(piece->chunk, column, result->column);
        for (size_t row = 0; row < rows; row++)
            matrix->values[row * columns + column] = (float)result->column[row];
    }
    matrix->rows = rows;
    return true;
}

static bool read_csv(struct rows_piece *piece, struct csv_matrix *matrix, struct lathe_error *error)
{
    const struct csv_options options = {.name = piece->file->name,
                                        .delimiter = piece->shape.delimiter,
                                        .inside = !piece->first,
                                        .first_line = piece->first_line};
    matrix->columns = piece->shape.columns;
    return csv_matrix_append(matrix, piece->text, piece->size, &options, error);
}

static bool read_libsvm(struct rows_piece *piece, struct libsvm_rows *rows,
                        struct lathe_error *error)
{
    const struct libsvm_options options = {.name = piece->file->name,
                                           .inside = !piece->first,
                                           .first_line = piece->first_line,
                                           .queries = piece->shape.queries};
    rows->has_weights = rows->has_queries = false;
    rows->highest = 0;
    return libsvm_append(rows, piece->text, piece->size, &options, error);
}

static bool read(void *state, struct rows_piece *piece, struct lathe_error *error)
{
    const struct rows_numbers *numbers = state;
    struct result *result = piece->result;
    result->dense.rows = result->sparse.rows = 0;
    bool done = piece->chunk ? read_chunk(piece, result, error)
                : numbers->options.format == ROWS_LIBSVM
                    ? read_libsvm(piece, &result->sparse, error)
                    : read_csv(piece, &result->dense, error);
    piece->rows = result->dense.rows + result->sparse.rows;
    return done;
}

/* ---- the face ---- */

struct rows_numbers *rows_numbers_open(const GPtrArray *files,
                                       const struct rows_numbers_options *options)
{
    struct rows_numbers *numbers = g_new0(struct rows_numbers, 1);
    numbers->options = *options;
    numbers->met = (struct rows_shape){options->delimiter, options->columns, options->queries};
    numbers->shape = numbers->met;
    const struct rows_reader reader = {
        .state = numbers,
        .cut = {.format = options->format,
                .piece = options->piece,
                .dialect = {.delimiter = options->delimiter,
                            .no_quotes = options->format == ROWS_LIBSVM}},
        .start_parquet = start_parquet,
        .meet = meet,
        .read = read,
        .new_result = new_result,
        .free_result = free_result};
    numbers->pieces = rows_pieces_open(files, &reader, options->threads);
    return numbers;
}

void rows_numbers_close(struct rows_numbers *numbers)
{
    if (!numbers)
        return;
    rows_pieces_close(numbers->pieces);
    g_free(numbers);
}

/* Nobody meets pieces any more: what they decided can be told. */
static bool stop(struct rows_numbers *numbers)
{
    g_clear_pointer(&numbers->pieces, rows_pieces_close);
    numbers->shape = numbers->met;
    return false;
}

bool rows_numbers_next(struct rows_numbers *numbers, struct rows_numbers_batch *batch,
                       GError **error)
{
    struct rows_piece *piece;
    *batch = (struct rows_numbers_batch){0};
    do {
        if (numbers->pieces && !rows_pieces_next(numbers->pieces, &piece, error))
            return stop(numbers);
        if (!numbers->pieces || !piece) {
            stop(numbers);
            return true;
        }
        numbers->shape = piece->shape;
    } while (!piece->rows);
    const struct result *result = piece->result;
    bool sparse = numbers->options.format == ROWS_LIBSVM;
    *batch = (struct rows_numbers_batch){.rows = piece->rows,
                                         .file = piece->number,
                                         .first_row = piece->first_row,
                                         .dense = sparse ? NULL : &result->dense,
                                         .sparse = sparse ? &result->sparse : NULL};
    return true;
}

size_t rows_numbers_columns(const struct rows_numbers *numbers)
{
    return numbers->shape.columns;
}

char rows_numbers_delimiter(const struct rows_numbers *numbers)
{
    return numbers->shape.delimiter;
}

enum libsvm_queries rows_numbers_queries(const struct rows_numbers *numbers)
{
    return numbers->shape.queries;
}
