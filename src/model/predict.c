/* From the text of rows to the text of answers. */
#include <stdlib.h>
#include <string.h>

#include "model/ask.h"
#include "model/order.h"
#include "model/predict_inside.h"
#include "model/rows.h"
#include "parse/fail.h"

size_t request_first_line(const struct request *request)
{
    return request->place->first_line ? request->place->first_line : 1;
}

size_t request_first_row(const struct request *request)
{
    return request->place->first_row ? request->place->first_row : 1;
}

/* The same of what only trees answer: fewer rows at a time where an answer has many values. */
static bool request_ask(struct request *request, const struct batch *batch, size_t first_row)
{
    const struct lathe_predictor *predictor = request->predictor;
    size_t most = ask_batch(predictor, request->what), count;
    struct batch rows;
    if (!run_rows(&request->run, ask_part(predictor), batch, first_row, &rows, request->error))
        return false;
    for (size_t row = 0; row < rows.rows; row += count) {
        count = rows.rows - row < most ? rows.rows - row : most;
        const struct batch out = {.rows = count,
                                  .width = request->answer.asked,
                                  .floats = request->asked,
                                  .stride = request->answer.asked};
        if (!ask_rows(predictor, request->what, rows.floats + row * rows.stride, count, rows.stride,
                      request->asked, request->error) ||
            !answer_rows(&request->answer, &out, request->error))
            return false;
    }
    return true;
}

bool request_batch(struct request *request, const struct batch *batch, size_t first_row)
{
    struct batch out;
    if (request->what != LATHE_PREDICTION)
        return request_ask(request, batch, first_row);
    return run_batch(&request->run, batch, first_row, &out, request->error) &&
           answer_rows(&request->answer, &out, request->error);
}

bool request_fail_empty(struct lathe_error *error)
{
    return fail(error, LATHE_INVALID_DATA, "the request has no rows");
}

struct json_rows request_json(const struct request *request)
{
    return (struct json_rows){.text = request->text,
                              .size = request->size,
                              .lines = request->format == LATHE_ROWS_JSON_LINES,
                              .inside = request->place->inside,
                              .first_line = request_first_line(request),
                              .first_row = request_first_row(request)};
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
    if (request->format == LATHE_ROWS_CSV_HEADER &&
        !csv_columns_header(reader, &at, end, request->error))
        return false;
    do {
        if (!csv_columns_read(reader, &at, end, room, &rows, request->error))
            return false;
        const struct batch batch = row_columns_batch(columns, 0, rows);
        size_t first = request_first_row(request) + done;
        if (rows && (!row_columns_finish(columns, rows, first, request->error) ||
                     !request_batch(request, &batch, first)))
            return false;
        done += rows;
    } while (rows == room);
    return done || request_fail_empty(request->error);
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
    bool header = request->format == LATHE_ROWS_CSV_HEADER;
    if (header && reads_vectors(request))
        return fail(request->error, LATHE_UNSUPPORTED,
                    "the schema has vectors, of which a header can name no parts: expected rows "
                    "without a header");
    if (!header && !request->place->inside && begins_with_header(request))
        return fail(request->error, LATHE_INVALID_DATA,
                    "line 1 is a header, the names of the columns: expected the first row there");
    size_t most = request->size / schema->width + 1;
    size_t room = run_most_rows(request->predictor, request->plan);
    room = most < room ? most : room;
    struct row_columns columns;
    if (!row_columns_open(&columns, schema, request->plan, room, request->error))
        return false;
    const struct csv_columns_options options = {.dialect = {.utf8 = true},
                                                .width = header ? 0 : schema->width};
    struct csv_columns *reader =
        csv_columns_open(columns.columns, columns.count, &options, request->error);
    if (reader)
        csv_columns_place(reader, request_first_line(request), request->place->inside);
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
    size_t room = run_most_rows(request->predictor, request->plan);
    room = rows < room ? rows : room;
    if (!scratch.bytes || !run_open(&request->run, request->predictor, request->schema,
                                    request->plan, room, request->error)) {
        free(scratch.bytes);
        return fail(request->error, LATHE_NO_MEMORY, "no memory for %zu rows", rows);
    }
    bool predicted = json_rows_columns(from, columns->columns, columns->count,
                                       request->schema->width, rows, &scratch, request->error) &&
                     row_columns_finish(columns, rows, request_first_row(request), request->error);
    for (size_t row = 0; predicted && row < rows; row += room) {
        size_t count = rows - row < room ? rows - row : room;
        const struct batch batch = row_columns_batch(columns, row, count);
        predicted = request_batch(request, &batch, request_first_row(request) + row);
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
        return request_fail_empty(request->error);
    if (!width && reads_vectors(request))
        return fail(request->error, LATHE_UNSUPPORTED,
                    "row %zu is an object, and the schema has vectors: expected an array of values",
                    request_first_row(request));
    struct row_columns columns;
    if (!row_columns_open(&columns, request->schema, request->plan, rows, request->error))
        return false;
    bool predicted = predict_json_rows(request, from, rows, &columns);
    row_columns_close(&columns);
    return predicted;
}

static bool predict_json(struct request *request)
{
    struct json_rows from = request_json(request);
    from.vectors = has_vectors(request->schema);
    if (from.vectors && !pass_over_vectors(request, &from))
        return false;
    bool predicted = predict_json_document(request, &from);
    free((void *)from.unread);
    return predicted;
}

/* ---- requests ---- */

static bool is_json(enum lathe_row_format format)
{
    return format == LATHE_ROWS_JSON || format == LATHE_ROWS_JSON_LINES;
}

static bool open_answer(struct request *request, enum lathe_answer_format format,
                        struct lathe_text *text)
{
    const struct lathe_predictor *predictor = request->predictor;
    const struct part *last = &predictor->parts[predictor->part_count - 1];
    bool only = predictor->part_count == 1;
    if (request->what == LATHE_PREDICTION)
        return answer_open(&request->answer, text, format, last,
                           only ? request->schema : &last->schema,
                           only ? request->plan : last->plan, request->error);
    if (!ask_can(predictor, request->what, request->error))
        return false;
    size_t width = ask_width(predictor, request->what);
    size_t values = ask_batch(predictor, request->what) * width;
    request->asked = malloc((values + 1) * sizeof *request->asked);
    if (!request->asked)
        return fail(request->error, LATHE_NO_MEMORY, "no memory for answers of %zu values", width);
    return answer_open_asked(&request->answer, text, &predictor->parts[ask_part(predictor)], width,
                             request->error);
}

static bool answer_request(struct request *request, enum lathe_answer_format format,
                           struct lathe_text *text)
{
    const struct lathe_predictor *predictor = request->predictor;
    bool answered = open_answer(request, format, text) &&
                    (request->format == LATHE_ROWS_LIBSVM ? predict_libsvm(request)
                     : !predictor->parts[0].pipeline      ? predict_numbers(request)
                     : is_json(request->format)           ? predict_json(request)
                                                          : predict_csv(request)) &&
                    answer_end(&request->answer, request->error);
    answer_close(&request->answer);
    free(request->asked);
    request->asked = NULL;
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
                               enum lathe_answer_format format, struct lathe_text *answer)
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

static bool predict_text(const struct lathe_predictor *predictor, enum lathe_answer what,
                         enum lathe_row_format rows_format, const char *rows, size_t size,
                         const struct predict_place *place, enum lathe_answer_format answer_format,
                         struct lathe_text *answer, struct lathe_error *error)
{
    const struct part *first = &predictor->parts[0];
    struct request request = {.predictor = predictor,
                              .what = what,
                              .format = rows_format,
                              .text = rows,
                              .size = size,
                              .error = error,
                              .place = place,
                              .schema = &first->schema,
                              .plan = first->plan};
    if (rows_format != LATHE_ROWS_CSV && rows_format != LATHE_ROWS_CSV_HEADER &&
        !is_json(rows_format) && (rows_format != LATHE_ROWS_LIBSVM || first->pipeline))
        return fail(error, LATHE_UNSUPPORTED, "%s does not read rows of this format", first->name);
    if (!size)
        return request_fail_empty(error);
    if (first->pipeline && is_json(rows_format)) {
        const struct json_rows from = {
            .text = rows, .size = size, .lines = rows_format == LATHE_ROWS_JSON_LINES};
        const char *schema;
        size_t schema_size;
        if (!json_rows_schema(&from, &schema, &schema_size, error))
            return false;
        if (schema)
            return answer_with_schema(&request, schema, schema_size, answer_format, answer);
    }
    return answer_request(&request, answer_format, answer) ||
           (rows_format == LATHE_ROWS_CSV && !first->release && order_explain(predictor, error));
}

bool lathe_predict_text(const struct lathe_predictor *predictor, enum lathe_row_format rows_format,
                        const char *rows, size_t size, enum lathe_answer_format answer_format,
                        struct lathe_text *answer, struct lathe_error *error)
{
    const struct predict_place nowhere = {0};
    return predict_text(predictor, LATHE_PREDICTION, rows_format, rows, size, &nowhere,
                        answer_format, answer, error);
}

bool predict_text_at(const struct lathe_predictor *predictor, enum lathe_answer what,
                     enum lathe_row_format rows_format, const char *rows, size_t size,
                     const struct predict_place *place, struct lathe_text *answer,
                     struct lathe_error *error)
{
    return predict_text(predictor, what, rows_format, rows, size, place, LATHE_ANSWERS_CSV_TABLE,
                        answer, error) ||
           fail_prefix(error, "%s, ", place->name);
}
