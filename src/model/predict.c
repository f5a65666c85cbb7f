/* From the text of rows to the text of answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv/json_rows.h"
#include "csv/libsvm.h"
#include "model/answer.h"
#include "model/container.h"
#include "model/order.h"
#include "model/predict.h"
#include "model/rows.h"
#include "parse/fail.h"

/* A request on its way. */
struct request {
    const struct lathe_predictor *predictor;
    enum lathe_format format;
    const char *text;
    size_t size;
    struct answer answer;
    struct run run;
    struct lathe_error *error;
    const struct predict_place *place;

    /* Where transformers come first: what a row is, by the request or by the predictor. */
    const struct schema *schema;
    const struct plan *plan;
};

static size_t first_line(const struct request *request)
{
    return request->place->first_line ? request->place->first_line : 1;
}

/* The number of the text's first row. */
static size_t first_row(const struct request *request)
{
    return request->place->first_row ? request->place->first_row : 1;
}

static bool predict_batch(struct request *request, const struct batch *batch, size_t first_row)
{
    struct batch out;
    return run_batch(&request->run, batch, first_row, &out, request->error) &&
           answer_rows(&request->answer, &out, request->error);
}

static bool fail_empty(struct lathe_error *error)
{
    return fail(error, LATHE_INVALID_DATA, "the request has no rows");
}

/* ---- rows for trees ---- */

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
                width, features, first_row(request), width, features);
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

static bool read_own_libsvm(const struct request *request, struct libsvm_rows *rows)
{
    const struct libsvm_options options = {.labels_optional = true,
                                           .inside = request->place->inside,
                                           .first_line = request->place->first_line};
    size_t features = request->predictor->parts[0].inputs;
    if (!libsvm_append(rows, request->text, request->size, &options, request->error))
        return false;
    return rows->lowest == UINT32_MAX || rows->highest < features ||
           fail_feature(rows, first_row(request), features, request->error);
}

/* The columns' names, and memory for their values. */
struct named {
    struct csv_column *columns;
    double *numbers;
    size_t count, rows;
};

static bool named_open(const struct request *request, struct named *named, size_t rows)
{
    const struct lathe_predictor *predictor = request->predictor;
    size_t count = predictor->column_count;
    *named = (struct named){.count = count, .rows = rows};
    named->columns = calloc(count, sizeof *named->columns);
    named->numbers = calloc(count * rows, sizeof *named->numbers);
    if (!named->columns || !named->numbers)
        return fail(request->error, LATHE_NO_MEMORY, "no memory for %zu rows", rows);
    for (size_t i = 0; i < count; i++)
        named->columns[i] = (struct csv_column){.name = predictor->columns[i].name,
                                                .type = CSV_NUMBER,
                                                .field = i,
                                                .numbers = named->numbers + i * rows};
    return true;
}

/* Appends the first rows of the columns to a matrix. */
static bool named_append(const struct request *request, const struct named *named, size_t rows,
                         struct csv_matrix *matrix)
{
    matrix->columns = named->count;
    if (!csv_matrix_reserve(matrix, rows, request->error))
        return false;
    float *values = matrix->values + matrix->rows * named->count;
    for (size_t i = 0; i < named->count; i++)
        for (size_t row = 0; row < rows; row++)
            values[row * named->count + i] = (float)named->numbers[i * named->rows + row];
    matrix->rows += rows;
    return true;
}

static void named_close(struct named *named)
{
    free(named->columns);
    free(named->numbers);
}

/* Rows that are objects with the features' names. */
static bool read_json_named(const struct request *request, const struct json_rows *from,
                            size_t rows, struct csv_matrix *matrix)
{
    if (!request->predictor->columns[0].name)
        return fail(request->error, LATHE_INVALID_DATA,
                    "row %zu is an object, and the model has no names for its %zu features: "
                    "expected an array of numbers",
                    first_row(request), request->predictor->column_count);
    struct named named;
    bool read = named_open(request, &named, rows) &&
                json_rows_columns(from, named.columns, named.count, named.count, rows, NULL,
                                  request->error) &&
                named_append(request, &named, rows, matrix);
    named_close(&named);
    return read;
}

/* Rows behind a header. A model without names takes the columns in order. */
static bool read_header_matrix(const struct request *request, struct csv_matrix *matrix)
{
    const char *at = request->text, *end = at + request->size;
    if (!request->predictor->columns[0].name) {
        const char *feed = memchr(at, '\n', request->size);
        struct request rest = *request;
        rest.text = feed ? feed + 1 : end;
        rest.size = (size_t)(end - rest.text);
        return read_csv_matrix(&rest, matrix);
    }
    struct named named;
    struct csv_columns *reader = NULL;
    bool read = named_open(request, &named, BATCH_ROWS);
    if (read)
        reader = csv_columns_open(named.columns, named.count, NULL, request->error);
    if (reader)
        csv_columns_place(reader, first_line(request), request->place->inside);
    read = reader && csv_columns_header(reader, &at, end, request->error);
    size_t rows = BATCH_ROWS;
    while (read && rows == BATCH_ROWS)
        read = csv_columns_read(reader, &at, end, BATCH_ROWS, &rows, request->error) &&
               named_append(request, &named, rows, matrix);
    csv_columns_close(reader);
    named_close(&named);
    return read;
}

static struct json_rows json_of(const struct request *request)
{
    return (struct json_rows){.text = request->text,
                              .size = request->size,
                              .lines = request->format == LATHE_JSON_LINES,
                              .inside = request->place->inside,
                              .first_line = first_line(request),
                              .first_row = first_row(request)};
}

static bool read_json_matrix(const struct request *request, struct csv_matrix *matrix)
{
    const struct json_rows from = json_of(request);
    size_t rows, width;
    if (!json_rows_count(&from, &rows, &width, request->error))
        return false;
    if (rows && !width)
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
                                   .pickled = info->pickled};
}

static bool read_matrix(const struct request *request, struct csv_matrix *matrix)
{
    const struct container_rows rows = container_rows(request);
    switch (request->format) {
    case LATHE_CSV:
        return rows.release ? container_csv(&rows, matrix, request->error)
                            : read_csv_matrix(request, matrix);
    case LATHE_CSV_HEADER:
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
        predicted = predict_batch(request, &batch, first_row(request) + row);
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
        if (!predict_batch(request, &batch, first_row(request) + row))
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

static bool predict_libsvm(struct request *request)
{
    struct libsvm_rows rows = {0};
    bool predicted = read_libsvm(request, &rows) && (rows.rows || fail_empty(request->error)) &&
                     predict_sparse(request, &rows);
    libsvm_clear(&rows);
    return predicted;
}

static bool predict_numbers(struct request *request)
{
    struct csv_matrix matrix = {0};
    bool predicted = read_matrix(request, &matrix) && (matrix.rows || fail_empty(request->error)) &&
                     predict_matrix(request, &matrix);
    csv_matrix_clear(&matrix);
    return predicted;
}

/* ---- rows for transformers ---- */

/* Whether the text begins with a record that is the names of the columns. */
static bool begins_with_header(const struct request *request)
{
    const struct schema *schema = request->schema;
    struct csv_reader reader;
    struct csv_text fields[64];
    size_t count, known = schema->count < 64 ? schema->count : 64;
    csv_reader_start(&reader, NULL, request->text, request->size, NULL, (struct csv_scratch){0});
    const char *name = schema->columns[0].name;
    size_t size = strlen(name), left = (size_t)(reader.end - reader.at);
    bool may = left >= size + 2 && (memcmp(reader.at, name, size) == 0 || *reader.at == '"');
    if (!may || csv_reader_next(&reader, fields, known, &count, NULL) != CSV_RECORD ||
        count < known)
        return false;
    for (size_t i = 0; i < known; i++)
        if (strlen(schema->columns[i].name) != fields[i].size ||
            memcmp(schema->columns[i].name, fields[i].bytes, fields[i].size) != 0)
            return false;
    return true;
}

/* Batch by batch: what is read is never more than a few hundred rows. */
static bool predict_csv_batches(struct request *request, struct row_columns *columns,
                                struct csv_columns *reader, size_t room)
{
    const char *at = request->text, *end = at + request->size;
    size_t done = 0, rows;
    if (request->format == LATHE_CSV_HEADER &&
        !csv_columns_header(reader, &at, end, request->error))
        return false;
    do {
        if (!csv_columns_read(reader, &at, end, room, &rows, request->error))
            return false;
        const struct batch batch = row_columns_batch(columns, 0, rows);
        size_t first = first_row(request) + done;
        if (rows && (!row_columns_finish(columns, rows, first, request->error) ||
                     !predict_batch(request, &batch, first)))
            return false;
        done += rows;
    } while (rows == room);
    return done || fail_empty(request->error);
}

static bool has_vectors(const struct schema *schema)
{
    for (size_t i = 0; i < schema->count; i++)
        if (schema->columns[i].vector)
            return true;
    return false;
}

/* Whether there are vectors whose values matter, which names cannot tell apart. */
static bool reads_vectors(const struct request *request)
{
    for (size_t i = 0; i < request->schema->count; i++)
        if (request->schema->columns[i].width > 1 && plan_reads(request->plan, i))
            return true;
    return false;
}

/* Arrays of which nothing is read may have any length. */
static bool pass_over_vectors(const struct request *request, struct json_rows *from)
{
    const struct schema *schema = request->schema;
    size_t *unread = calloc(schema->width + 1, sizeof *unread), field = 0;
    if (!unread)
        return fail(request->error, LATHE_NO_MEMORY, "no memory for %zu columns", schema->width);
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_column *column = &schema->columns[i];
        if (column->vector && !plan_reads(request->plan, i))
            unread[field] = column->width;
        field += column->width;
    }
    from->unread = unread;
    from->unread_count = schema->width;
    return true;
}

static bool predict_csv(struct request *request)
{
    const struct schema *schema = request->schema;
    bool header = request->format == LATHE_CSV_HEADER;
    if (header && reads_vectors(request))
        return fail(request->error, LATHE_UNSUPPORTED,
                    "the schema has vectors, of which a header can name no parts: expected rows "
                    "without a header");
    if (!header && !request->place->inside && begins_with_header(request))
        return fail(request->error, LATHE_INVALID_DATA,
                    "line 1 is a header, the names of the columns: expected the first row there");
    size_t most = request->size / schema->width + 1;
    size_t room = most < BATCH_ROWS ? most : BATCH_ROWS;
    struct row_columns columns;
    if (!row_columns_open(&columns, schema, request->plan, room, request->error))
        return false;
    const struct csv_columns_options options = {.dialect = {.utf8 = true},
                                                .width = header ? 0 : schema->width};
    struct csv_columns *reader =
        csv_columns_open(columns.columns, columns.count, &options, request->error);
    if (reader)
        csv_columns_place(reader, first_line(request), request->place->inside);
    bool predicted = reader && run_open(&request->run, request->predictor, schema, request->plan,
                                        room, request->error);
    if (predicted) {
        predicted = predict_csv_batches(request, &columns, reader, room);
        run_close(&request->run);
    }
    csv_columns_close(reader);
    row_columns_close(&columns);
    return predicted;
}

static bool predict_json_rows(struct request *request, const struct json_rows *from, size_t rows,
                              struct row_columns *columns)
{
    struct csv_scratch scratch = {.bytes = malloc(request->size), .size = request->size};
    size_t room = rows < BATCH_ROWS ? rows : BATCH_ROWS;
    if (!scratch.bytes || !run_open(&request->run, request->predictor, request->schema,
                                    request->plan, room, request->error)) {
        free(scratch.bytes);
        return fail(request->error, LATHE_NO_MEMORY, "no memory for %zu rows", rows);
    }
    bool predicted = json_rows_columns(from, columns->columns, columns->count,
                                       request->schema->width, rows, &scratch, request->error) &&
                     row_columns_finish(columns, rows, first_row(request), request->error);
    for (size_t row = 0; predicted && row < rows; row += BATCH_ROWS) {
        size_t count = rows - row < BATCH_ROWS ? rows - row : BATCH_ROWS;
        const struct batch batch = row_columns_batch(columns, row, count);
        predicted = predict_batch(request, &batch, first_row(request) + row);
    }
    run_close(&request->run);
    free(scratch.bytes);
    return predicted;
}

static bool predict_json_document(struct request *request, const struct json_rows *from)
{
    size_t rows, width;
    if (!json_rows_count(from, &rows, &width, request->error))
        return false;
    if (!rows)
        return fail_empty(request->error);
    if (!width && reads_vectors(request))
        return fail(request->error, LATHE_UNSUPPORTED,
                    "row %zu is an object, and the schema has vectors: expected an array of values",
                    first_row(request));
    struct row_columns columns;
    if (!row_columns_open(&columns, request->schema, request->plan, rows, request->error))
        return false;
    bool predicted = predict_json_rows(request, from, rows, &columns);
    row_columns_close(&columns);
    return predicted;
}

static bool predict_json(struct request *request)
{
    struct json_rows from = json_of(request);
    from.vectors = has_vectors(request->schema);
    if (from.vectors && !pass_over_vectors(request, &from))
        return false;
    bool predicted = predict_json_document(request, &from);
    free((void *)from.unread);
    return predicted;
}

/* ---- requests ---- */

static bool is_json(enum lathe_format format)
{
    return format == LATHE_JSON || format == LATHE_JSON_LINES;
}

static bool answer_request(struct request *request, enum lathe_format format,
                           struct lathe_text *text)
{
    const struct lathe_predictor *predictor = request->predictor;
    const struct part *last = &predictor->parts[predictor->part_count - 1];
    bool only = predictor->part_count == 1;
    bool opened =
        answer_open(&request->answer, text, format, last, only ? request->schema : &last->schema,
                    only ? request->plan : last->plan, request->error);
    bool answered = opened &&
                    (request->format == LATHE_LIBSVM ? predict_libsvm(request)
                     : !predictor->parts[0].pipeline ? predict_numbers(request)
                     : is_json(request->format)      ? predict_json(request)
                                                     : predict_csv(request)) &&
                    answer_end(&request->answer, request->error);
    answer_close(&request->answer);
    return answered;
}

/* What follows the bundle reads what the bundle's own output has. */
static bool check_output(const struct plan *plan, const struct part *first, const struct part *next,
                         struct lathe_error *error)
{
    size_t count;
    const struct feature_column *own = plan_outputs(first->plan, &count);
    const struct feature_column *output = plan_outputs(plan, &count);
    bool texts = output->type == FEATURE_TEXT;
    if (output->width == own->width && texts == (own->type == FEATURE_TEXT))
        return true;
    return fail(error, LATHE_INVALID_DATA,
                "the schema's output %.80s has %zu %s, and %.100s reads %zu %s", output->name,
                output->width, texts ? "texts" : "numbers", next->name, own->width,
                own->type == FEATURE_TEXT ? "texts" : "numbers");
}

/* A schema in the request takes the place of the predictor's for this one time. */
static bool answer_with_schema(const struct request *request, const char *text, size_t size,
                               enum lathe_format format, struct lathe_text *answer)
{
    const struct part *first = &request->predictor->parts[0];
    const struct part *next = request->predictor->part_count > 1 ? first + 1 : NULL;
    struct arena arena = {0};
    struct schema schema;
    struct plan *plan = NULL;
    bool read = schema_read(&schema, text, size, first->pipeline, &arena, request->error);
    if (read)
        plan = schema_plan(&schema, first->pipeline, request->error);
    bool answered = plan != NULL;
    if (plan && next)
        answered = check_output(plan, first, next, request->error);
    struct request own = *request;
    own.schema = &schema;
    own.plan = plan;
    answered = answered && plan_narrow_for(plan, next, request->error) &&
               answer_request(&own, format, answer);
    plan_close(plan);
    arena_free(&arena);
    return answered;
}

static bool predict_text(const struct lathe_predictor *predictor, enum lathe_format rows_format,
                         const char *rows, size_t size, const struct predict_place *place,
                         enum lathe_format answer_format, struct lathe_text *answer,
                         struct lathe_error *error)
{
    const struct part *first = &predictor->parts[0];
    struct request request = {.predictor = predictor,
                              .format = rows_format,
                              .text = rows,
                              .size = size,
                              .error = error,
                              .place = place,
                              .schema = &first->schema,
                              .plan = first->plan};
    if (rows_format != LATHE_CSV && rows_format != LATHE_CSV_HEADER && !is_json(rows_format) &&
        (rows_format != LATHE_LIBSVM || first->pipeline))
        return fail(error, LATHE_UNSUPPORTED, "%s does not read rows of this format", first->name);
    if (!size)
        return fail_empty(error);
    if (first->pipeline && is_json(rows_format)) {
        const struct json_rows from = {
            .text = rows, .size = size, .lines = rows_format == LATHE_JSON_LINES};
        const char *schema;
        size_t schema_size;
        if (!json_rows_schema(&from, &schema, &schema_size, error))
            return false;
        if (schema)
            return answer_with_schema(&request, schema, schema_size, answer_format, answer);
    }
    return answer_request(&request, answer_format, answer) ||
           (rows_format == LATHE_CSV && !first->release && order_explain(predictor, error));
}

bool lathe_predict_text(const struct lathe_predictor *predictor, enum lathe_format rows_format,
                        const char *rows, size_t size, enum lathe_format answer_format,
                        struct lathe_text *answer, struct lathe_error *error)
{
    const struct predict_place nowhere = {0};
    return predict_text(predictor, rows_format, rows, size, &nowhere, answer_format, answer, error);
}

bool predict_text_at(const struct lathe_predictor *predictor, enum lathe_format rows_format,
                     const char *rows, size_t size, const struct predict_place *place,
                     enum lathe_format answer_format, struct lathe_text *answer,
                     struct lathe_error *error)
{
    return predict_text(predictor, rows_format, rows, size, place, answer_format, answer, error) ||
           fail_prefix(error, "%s, ", place->name);
}
