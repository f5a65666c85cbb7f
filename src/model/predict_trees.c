/* Rows for trees: floats in a row each, or, of libsvm, sparse. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv/libsvm.h"
#include "model/container.h"
#include "model/predict_inside.h"
#include "parse/fail.h"
#include "parse/number.h"

/* XGBoost fills columns that a row lacks at its end with missing values, and refuses more columns
 * than it was trained on; a row of a prediction that lacks any is far more often a mistake. */
static bool check_width(const struct request *request, size_t width)
{
    size_t features = request->predictor->parts[0].inputs;
    if (width == features)
        return true;
    return fail(request->error, LATHE_INVALID_DATA,
                "Feature size of csv inference data %zu is not consistent with feature size of "
                "trained model %zu: row %zu has %zu columns, %zu are expected (the label is not "
                "among them)",
                width, features, request_first_row(request), width, features);
}

static bool read_csv_matrix(const struct request *request, struct csv_matrix *matrix)
{
    const struct csv_options options = {.delimiter = request->place->delimiter,
                                        .inside = request->place->inside,
                                        .first_line = request->place->first_line};
    return csv_matrix_append(matrix, request->text, request->size, &options, request->error) &&
           (!matrix->rows || check_width(request, matrix->columns));
}

/* A feature that the model does not have; the text begins as the container's. */
static bool fail_feature(const struct libsvm_rows *rows, size_t first, size_t features,
                         struct lathe_error *error)
{
    size_t row = 0, entry = 0;
    while (rows->indices[entry] != rows->highest)
        entry++;
    while (rows->starts[row + 1] <= entry)
        row++;
    return fail(error, LATHE_INVALID_DATA,
                "Feature size of libsvm inference data %zu is larger than feature size of trained "
                "model %zu.: row %zu has feature %zu, counted from 1",
                (size_t)rows->highest + 1, features, first + row, (size_t)rows->highest + 1);
}

/* A value in a row of libsvm: a number, or a category. */
static bool read_sparse_value(const void *context, uint32_t index, struct csv_text text,
                              double *value)
{
    if (category_codes_of(context, index))
        return category_codes_find(context, index, text, CATEGORY_NUMBERS_ARE_TEXT, value);
    return number_parse(text.bytes, text.size, value);
}

static bool read_own_libsvm(const struct request *request, struct libsvm_rows *rows)
{
    const struct category_codes *categories = request->predictor->parts[0].categories;
    const struct libsvm_options options = {.labels_optional = true,
                                           .inside = request->place->inside,
                                           .first_line = request->place->first_line,
                                           .value = categories ? read_sparse_value : NULL,
                                           .context = categories};
    size_t features = request->predictor->parts[0].inputs;
    if (!libsvm_append(rows, request->text, request->size, &options, request->error))
        return false;
    return rows->lowest == UINT32_MAX || rows->highest < features ||
           fail_feature(rows, request_first_row(request), features, request->error);
}

/* The columns by their names or places, and memory for their values. */
struct named {
    struct csv_column *columns;
    double *numbers;
    struct csv_text *texts; /* of those that have categories */
    size_t count, rows;
};

static const struct category_codes *categories_in(const struct request *request)
{
    return request->predictor->parts[0].categories;
}

static size_t count_categorical(const struct request *request)
{
    size_t found = 0;
    for (size_t i = 0; i < request->predictor->column_count; i++)
        found += category_codes_of(categories_in(request), i);
    return found;
}

static bool named_open(const struct request *request, struct named *named, size_t rows)
{
    const struct lathe_predictor *predictor = request->predictor;
    size_t count = predictor->column_count, texts = 0, categorical = count_categorical(request);
    *named = (struct named){.count = count, .rows = rows};
    named->columns = calloc(count, sizeof *named->columns);
    named->numbers = calloc((count - categorical) * rows + 1, sizeof *named->numbers);
    named->texts = calloc(categorical * rows + 1, sizeof *named->texts);
    if (!named->columns || !named->numbers || !named->texts)
        return fail(request->error, LATHE_NO_MEMORY, "no memory for %zu rows", rows);
    for (size_t i = 0; i < count; i++) {
        struct csv_column *column = &named->columns[i];
        *column = (struct csv_column){.name = predictor->columns[i].name, .field = i};
        if (category_codes_of(categories_in(request), i)) {
            column->type = CSV_TEXT;
            column->texts = named->texts + texts++ * rows;
        } else {
            column->numbers = named->numbers + (i - texts) * rows;
        }
    }
    return true;
}

static enum category_numbers numbers_in(const struct request *request)
{
    return request->predictor->parts[0].release ? CATEGORY_NUMBERS_ARE_CODES
                                                : CATEGORY_NUMBERS_ARE_TEXT;
}

/* The codes of a column's categories; `values` are `stride` apart. */
static bool append_codes(const struct request *request, const struct csv_column *column, size_t i,
                         size_t rows, size_t done, float *values, size_t stride)
{
    const struct category_codes *categories = categories_in(request);
    for (size_t row = 0; row < rows; row++) {
        double code;
        struct csv_text text = column->texts[row];
        if (!category_codes_find(categories, i, text, numbers_in(request), &code))
            return category_codes_fail(categories, i, column->name, text,
                                       request_first_row(request) + done + row, request->error);
        values[row * stride] = (float)code;
    }
    return true;
}

/* Appends the first rows of the columns to a matrix. */
static bool named_append(const struct request *request, const struct named *named, size_t rows,
                         struct csv_matrix *matrix)
{
    matrix->columns = named->count;
    if (!rows || !csv_matrix_reserve(matrix, rows, request->error))
        return !rows;
    size_t stride = named->count;
    for (size_t i = 0; i < named->count; i++) {
        const struct csv_column *column = &named->columns[i];
        float *values = matrix->values + matrix->rows * stride + i;
        if (column->type == CSV_TEXT &&
            !append_codes(request, column, i, rows, matrix->rows, values, stride))
            return false;
        for (size_t row = 0; column->type == CSV_NUMBER && row < rows; row++)
            values[row * stride] = (float)column->numbers[row];
    }
    matrix->rows += rows;
    return true;
}

static void named_close(struct named *named)
{
    free(named->columns);
    free(named->numbers);
    free(named->texts);
}

/* Rows that are objects with the features' names, or have categories in them. */
static bool read_json_named(const struct request *request, const struct json_rows *from,
                            size_t rows, struct csv_matrix *matrix)
{
    struct named named;
    struct csv_scratch scratch = {.bytes = malloc(request->size + 1), .size = request->size};
    bool read = scratch.bytes || fail_memory(request->error, "a request's texts");
    read = read && named_open(request, &named, rows);
    if (read) {
        read = json_rows_columns(from, named.columns, named.count, named.count, rows, &scratch,
                                 request->error) &&
               named_append(request, &named, rows, matrix);
        named_close(&named);
    }
    free(scratch.bytes);
    return read;
}

/* How many fields the first record has: as many as the model has features, or it is refused. */
static bool check_first_record(const struct request *request, const struct csv_dialect *dialect)
{
    struct csv_reader reader;
    size_t count;
    csv_reader_start(&reader, NULL, request->text, request->size, dialect, (struct csv_scratch){0});
    enum csv_step step = csv_reader_next(&reader, NULL, 0, &count, request->error);
    return step == CSV_RECORD ? check_width(request, count) : step == CSV_END;
}

/* Rows by columns: behind a header, or in the model's order. */
static bool read_csv_columns(const struct request *request, const struct csv_dialect *dialect,
                             bool header, struct csv_matrix *matrix)
{
    const char *at = request->text, *end = at + request->size;
    const struct csv_columns_options options = {
        .dialect = *dialect, .width = header ? 0 : request->predictor->column_count};
    struct named named;
    struct csv_columns *reader = NULL;
    bool read = named_open(request, &named, BATCH_ROWS);
    if (read)
        reader = csv_columns_open(named.columns, named.count, &options, request->error);
    if (reader)
        csv_columns_place(reader, request_first_line(request), request->place->inside);
    read = reader && (!header || csv_columns_header(reader, &at, end, request->error));
    size_t rows = BATCH_ROWS;
    while (read && rows == BATCH_ROWS)
        read = csv_columns_read(reader, &at, end, BATCH_ROWS, &rows, request->error) &&
               named_append(request, &named, rows, matrix);
    csv_columns_close(reader);
    named_close(&named);
    return read;
}

/* Rows of numbers, or with categories in them. */
static bool read_plain_csv(const struct request *request, struct csv_matrix *matrix)
{
    if (!categories_in(request))
        return read_csv_matrix(request, matrix);
    struct csv_dialect dialect = {.delimiter = request->place->delimiter};
    if (!dialect.delimiter)
        dialect.delimiter = csv_sniff_delimiter(request->text, request->size);
    return check_first_record(request, &dialect) &&
           read_csv_columns(request, &dialect, false, matrix);
}

/* Rows behind a header. A model without names takes the columns in order. */
static bool read_header_matrix(const struct request *request, struct csv_matrix *matrix)
{
    const struct csv_dialect dialect = {0};
    if (request->predictor->columns[0].name)
        return read_csv_columns(request, &dialect, true, matrix);
    const char *end = request->text + request->size;
    const char *feed = memchr(request->text, '\n', request->size);
    struct request rest = *request;
    rest.text = feed ? feed + 1 : end;
    rest.size = (size_t)(end - rest.text);
    return read_plain_csv(&rest, matrix);
}

static bool read_json_matrix(const struct request *request, struct csv_matrix *matrix)
{
    const struct json_rows from = request_json(request);
    size_t rows, width;
    if (!json_rows_count(&from, &rows, &width, request->error))
        return false;
    if (rows && !width && !request->predictor->columns[0].name)
        return fail(request->error, LATHE_INVALID_DATA,
                    "row %zu is an object, and the model has no names for its %zu features: "
                    "expected an array of numbers",
                    request_first_row(request), request->predictor->column_count);
    if (rows && (!width || categories_in(request)))
        return read_json_named(request, &from, rows, matrix);
    matrix->columns = request->predictor->parts[0].inputs;
    return json_rows_matrix(&from, matrix, request->error);
}

/* Rows of text as the container of the trees reads them. */
static struct container_rows container_rows(const struct request *request)
{
    const struct part *part = &request->predictor->parts[0];
    const struct forest_info *info = forest_describe(part->forests[0]);
    return (struct container_rows){.release = part->release,
                                   .text = request->text,
                                   .size = request->size,
                                   .features = info->features,
                                   .pickled = info->pickled,
                                   .categories = part->categories};
}

static bool read_matrix(const struct request *request, struct csv_matrix *matrix)
{
    const struct container_rows rows = container_rows(request);
    switch (request->format) {
    case LATHE_ROWS_CSV:
        return rows.release ? container_csv(&rows, matrix, request->error)
                            : read_plain_csv(request, matrix);
    case LATHE_ROWS_CSV_HEADER:
        return read_header_matrix(request, matrix);
    default:
        return read_json_matrix(request, matrix);
    }
}

static bool read_libsvm(const struct request *request, struct libsvm_rows *sparse)
{
    const struct container_rows rows = container_rows(request);
    return rows.release ? container_libsvm(&rows, sparse, request->error)
                        : read_own_libsvm(request, sparse);
}

static bool predict_matrix(struct request *request, const struct csv_matrix *matrix)
{
    size_t room = matrix->rows < BATCH_ROWS ? matrix->rows : BATCH_ROWS;
    if (!run_open(&request->run, request->predictor, NULL, NULL, room, request->error))
        return false;
    bool predicted = true;
    for (size_t row = 0; predicted && row < matrix->rows; row += BATCH_ROWS) {
        size_t left = matrix->rows - row;
        const struct batch batch = {.rows = left < BATCH_ROWS ? left : BATCH_ROWS,
                                    .width = matrix->columns,
                                    .floats = matrix->values + row * matrix->columns,
                                    .stride = matrix->columns};
        predicted = request_batch(request, &batch, request_first_row(request) + row);
    }
    run_close(&request->run);
    return predicted;
}

/* Sparse rows come to the trees a block at a time, which is dense: a megabyte of values, but no
 * fewer rows than trees walk together, so that what thousands of mostly empty columns take is in
 * the order of what is written in them. */
static size_t block_rows(size_t rows, size_t width)
{
    enum { VALUES = 1 << 18, LEAST = 64 };
    size_t fitting = VALUES / (width ? width : 1);
    size_t most = fitting > BATCH_ROWS ? BATCH_ROWS : fitting < LEAST ? LEAST : fitting;
    return rows < most ? rows : most;
}

static bool predict_blocks(struct request *request, const struct libsvm_rows *rows, float *block,
                           size_t room)
{
    size_t width = request->predictor->parts[0].inputs, count;
    for (size_t i = 0; i < room * width; i++)
        block[i] = NAN;
    for (size_t row = 0; row < rows->rows; row += count) {
        count = rows->rows - row < room ? rows->rows - row : room;
        const struct batch batch = {
            .rows = count, .width = width, .floats = block, .stride = width};
        libsvm_scatter(rows, row, count, width, block);
        if (!request_batch(request, &batch, request_first_row(request) + row))
            return false;
        libsvm_gather(rows, row, count, width, block);
    }
    return true;
}

static bool predict_sparse(struct request *request, const struct libsvm_rows *rows)
{
    size_t width = request->predictor->parts[0].inputs;
    size_t room = block_rows(rows->rows, width);
    float *block = malloc((room * width + 1) * sizeof *block);
    if (!block)
        return fail(request->error, LATHE_NO_MEMORY, "no memory for %zu rows of %zu features", room,
                    width);
    bool predicted = run_open(&request->run, request->predictor, NULL, NULL, room, request->error);
    if (predicted) {
        predicted = predict_blocks(request, rows, block, room);
        run_close(&request->run);
    }
    free(block);
    return predicted;
}

bool predict_libsvm(struct request *request)
{
    struct libsvm_rows rows = {0};
    bool predicted = read_libsvm(request, &rows) &&
                     (rows.rows || request_fail_empty(request->error)) &&
                     predict_sparse(request, &rows);
    libsvm_clear(&rows);
    return predicted;
}

bool predict_numbers(struct request *request)
{
    struct csv_matrix matrix = {0};
    bool predicted = read_matrix(request, &matrix) &&
                     (matrix.rows || request_fail_empty(request->error)) &&
                     predict_matrix(request, &matrix);
    csv_matrix_clear(&matrix);
    return predicted;
}
