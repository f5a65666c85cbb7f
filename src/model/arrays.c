/* From arrays of values to arrays of answers. */
#include "model/ask.h"
#include "model/rows.h"
#include "parse/fail.h"

#include <math.h>
#include <stdlib.h>

/* Several models' predictions, a batch at a time. */
static bool predict_ensemble(const struct lathe_predictor *predictor, const float *rows,
                             size_t count, size_t stride, float *out, struct lathe_error *error)
{
    size_t width = predictor->parts[0].answers;
    struct run run;
    if (!run_open(&run, predictor, NULL, NULL, BATCH_ROWS, error))
        return false;
    bool done = true;
    for (size_t row = 0; done && row < count; row += BATCH_ROWS) {
        size_t now = count - row < BATCH_ROWS ? count - row : BATCH_ROWS;
        const struct batch in = {.rows = now,
                                 .width = predictor->column_count,
                                 .floats = rows + row * stride,
                                 .stride = stride};
        struct batch answer;
        done = run_batch(&run, &in, row + 1, &answer, error);
        for (size_t i = 0; done && i < now; i++)
            memcpy(out + (row + i) * width, answer.floats + i * answer.stride, width * sizeof *out);
    }
    run_close(&run);
    return done;
}

bool lathe_predict_floats(const struct lathe_predictor *predictor, enum lathe_answer what,
                          const float *rows, size_t count, size_t stride, float *out,
                          struct lathe_error *error)
{
    const struct part *part = &predictor->parts[0];
    if (predictor->part_count > 1 || !part->forests)
        return fail(error, LATHE_UNSUPPORTED,
                    "rows of floats are for one artifact with trees: predict with values");
    if (what == LATHE_PREDICTION && part->forest_count > 1)
        return predict_ensemble(predictor, rows, count, stride, out, error);
    if (what != LATHE_PREDICTION)
        return ask_can(predictor, what, error) &&
               ask_rows(predictor, what, rows, count, stride, out, error);
    forest_margins(part->forests[0], rows, count, stride, out);
    forest_transform(part->forests[0], out, count, out);
    return true;
}

size_t lathe_answer_width(const struct lathe_predictor *predictor, enum lathe_answer what)
{
    if (what == LATHE_PREDICTION)
        return predictor->parts[predictor->part_count - 1].outputs;
    return ask_width(predictor, what);
}

/* ---- rows ---- */

/* Where a request's rows are put: columns as a plan reads them. */
struct rows {
    const struct lathe_predictor *predictor;
    const struct lathe_values *given;
    union feature_values *values; /* the predictor's inputs of them */
    struct row_columns columns;   /* where transformers come first */
    double *numbers;              /* else */
};

static bool rows_open(struct rows *rows, const struct lathe_predictor *predictor,
                      const struct lathe_values *given, struct lathe_error *error)
{
    const struct part *first = &predictor->parts[0];
    *rows = (struct rows){.predictor = predictor, .given = given};
    if (first->pipeline)
        return row_columns_open(&rows->columns, &first->schema, first->plan, BATCH_ROWS, error);
    rows->numbers = malloc(first->inputs * BATCH_ROWS * sizeof *rows->numbers);
    rows->values = malloc(first->inputs * sizeof *rows->values);
    return (rows->numbers && rows->values) ||
           fail(error, LATHE_NO_MEMORY, "no memory for %d rows", BATCH_ROWS);
}

static void rows_close(struct rows *rows)
{
    row_columns_close(&rows->columns);
    free(rows->numbers);
    free(rows->values);
}

static void take_numbers(const struct lathe_values *from, size_t width, size_t element,
                         size_t first, size_t count, double *out)
{
    for (size_t row = 0; row < count; row++) {
        bool missing = from->missing && from->missing[first + row];
        out[row] = missing ? NAN : from->numbers[(first + row) * width + element];
    }
}

static void take_texts(const struct lathe_values *from, size_t width, size_t element, size_t first,
                       size_t count, struct csv_text *out)
{
    for (size_t row = 0; row < count; row++) {
        const struct lathe_string *text = &from->texts[(first + row) * width + element];
        bool missing = from->missing && from->missing[first + row];
        out[row] = missing || !text->bytes ? text_of(NULL, 0) : text_of(text->bytes, text->size);
    }
}

static bool fail_column(const struct lathe_predictor *predictor, size_t i,
                        struct lathe_error *error)
{
    const struct lathe_column *column = &predictor->columns[i];
    return fail(error, LATHE_INVALID_DATA, "column %zu (%.80s) has no values, expected %s", i + 1,
                column->name ? column->name : "no name",
                strcmp(column->type, "string") == 0 ? "texts" : "numbers");
}

/* Truths come as numbers: they are as they should be already. */
static bool take_for_bundle(struct rows *rows, size_t first, size_t count,
                            struct lathe_error *error)
{
    const struct schema *schema = rows->columns.schema;
    size_t next = 0; /* of the columns that are read */
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_column *column = &schema->columns[i];
        const struct lathe_values *from = &rows->given[i];
        bool text = column->type == SCHEMA_STRING;
        if (!rows->predictor->columns[i].used)
            continue;
        if (text ? !from->texts : !from->numbers)
            return fail_column(rows->predictor, i, error);
        for (size_t k = 0; k < column->width; k++, next++) {
            const struct csv_column *to = &rows->columns.columns[next];
            if (text)
                take_texts(from, column->width, k, first, count, to->texts);
            else
                take_numbers(from, column->width, k, first, count, to->numbers);
            for (size_t row = 0; column->type == SCHEMA_FLOAT && row < count; row++)
                to->numbers[row] = (double)(float)to->numbers[row];
        }
    }
    return true;
}

/* The codes of texts that are categories. */
static bool take_categories(const struct rows *rows, size_t i, size_t first, size_t count,
                            double *out, struct lathe_error *error)
{
    const struct category_codes *categories = rows->predictor->parts[0].categories;
    for (size_t row = 0; row < count; row++) {
        struct csv_text text;
        take_texts(&rows->given[i], 1, 0, first + row, 1, &text);
        if (!category_codes_find(categories, i, text, CATEGORY_NUMBERS_ARE_TEXT, &out[row]))
            return category_codes_fail(categories, i, rows->predictor->columns[i].name, text,
                                       first + row + 1, error);
    }
    return true;
}

static bool take_for_trees(struct rows *rows, size_t first, size_t count, struct lathe_error *error)
{
    for (size_t i = 0; i < rows->predictor->column_count; i++) {
        double *column = rows->numbers + i * count;
        const struct lathe_values *given = &rows->given[i];
        bool texts = !given->numbers && given->texts && rows->predictor->columns[i].categories;
        if (!given->numbers && !texts)
            return fail_column(rows->predictor, i, error);
        if (!texts)
            take_numbers(given, 1, 0, first, count, column);
        else if (!take_categories(rows, i, first, count, column, error))
            return false;
        rows->values[i].numbers = column;
    }
    return true;
}

static bool rows_take(struct rows *rows, size_t first, size_t count, struct batch *batch,
                      struct lathe_error *error)
{
    if (rows->predictor->parts[0].pipeline) {
        if (!take_for_bundle(rows, first, count, error))
            return false;
        *batch = row_columns_batch(&rows->columns, 0, count);
        return true;
    }
    *batch = (struct batch){
        .rows = count, .width = rows->predictor->column_count, .columns = rows->values};
    return take_for_trees(rows, first, count, error);
}

/* ---- answers ---- */

/* What a batch becomes: numbers or texts, or what the trees say of it. */
struct sink {
    enum lathe_answer what;
    size_t width;
    size_t rows; /* at a time */
    bool text;   /* predictions are texts */
    double *numbers;
    struct lathe_string *texts;
    float *asked; /* of the trees: a batch */
};

static bool take_predictions(const struct sink *sink, const struct batch *batch, size_t first)
{
    for (size_t row = 0; row < batch->rows; row++)
        for (size_t i = 0; i < batch->width; i++) {
            if (sink->text) {
                const struct csv_text *text = &batch->columns[i].texts[row];
                sink->texts[first + row] = (struct lathe_string){text->bytes, text->size};
                continue;
            }
            sink->numbers[(first + row) * batch->width + i] =
                batch->columns ? batch->columns[i].numbers[row]
                               : (double)batch->floats[row * batch->stride + i];
        }
    return true;
}

static bool ask_trees(const struct sink *sink, const struct lathe_predictor *predictor,
                      const struct batch *rows, size_t first, struct lathe_error *error)
{
    double *out = sink->numbers + first * sink->width;
    if (!ask_rows(predictor, sink->what, rows->floats, rows->rows, rows->stride, sink->asked,
                  error))
        return false;
    for (size_t i = 0; i < rows->rows * sink->width; i++)
        out[i] = (double)sink->asked[i];
    return true;
}

static bool answer_batch(struct run *run, const struct sink *sink, const struct batch *in,
                         size_t first, struct lathe_error *error)
{
    struct batch out;
    if (sink->what == LATHE_PREDICTION)
        return run_batch(run, in, first + 1, &out, error) && take_predictions(sink, &out, first);
    return run_rows(run, ask_part(run->predictor), in, first + 1, &out, error) &&
           ask_trees(sink, run->predictor, &out, first, error);
}

static bool answer_all(const struct lathe_predictor *predictor, const struct sink *sink,
                       const struct lathe_values *columns, size_t count, struct lathe_error *error)
{
    struct rows rows;
    struct run run = {0};
    bool done = rows_open(&rows, predictor, columns, error) &&
                run_open(&run, predictor, NULL, NULL, sink->rows, error);
    for (size_t row = 0; done && row < count; row += sink->rows) {
        size_t now = count - row < sink->rows ? count - row : sink->rows;
        struct batch batch;
        done = rows_take(&rows, row, now, &batch, error) &&
               answer_batch(&run, sink, &batch, row, error);
    }
    run_close(&run);
    rows_close(&rows);
    return done;
}

static bool answers_texts(const struct lathe_predictor *predictor)
{
    size_t count;
    const struct part *last = &predictor->parts[predictor->part_count - 1];
    return last->pipeline && plan_outputs(last->plan, &count)->type == FEATURE_TEXT;
}

bool lathe_predict_values(const struct lathe_predictor *predictor, enum lathe_answer what,
                          const struct lathe_values *columns, size_t rows, double *out,
                          struct lathe_error *error)
{
    struct sink sink = {.what = what, .numbers = out, .rows = run_most_rows(predictor, NULL)};
    if (what == LATHE_PREDICTION && answers_texts(predictor))
        return fail(error, LATHE_UNSUPPORTED, "the answer is a text: ask for texts");
    if (what != LATHE_PREDICTION) {
        if (!ask_can(predictor, what, error))
            return false;
        sink.width = ask_width(predictor, what);
        size_t fit = ask_batch(predictor, what);
        sink.rows = fit < sink.rows ? fit : sink.rows;
        sink.asked = malloc(sink.rows * sink.width * sizeof *sink.asked + 1);
        if (!sink.asked)
            return fail(error, LATHE_NO_MEMORY, "no memory for answers of %zu values", sink.width);
    }
    bool done = answer_all(predictor, &sink, columns, rows, error);
    free(sink.asked);
    return done;
}

bool lathe_predict_texts(const struct lathe_predictor *predictor,
                         const struct lathe_values *columns, size_t rows, struct lathe_string *out,
                         struct lathe_error *error)
{
    if (!answers_texts(predictor))
        return fail(error, LATHE_UNSUPPORTED, "the answer is a number: ask for values");
    const struct sink sink = {.what = LATHE_PREDICTION,
                              .text = true,
                              .texts = out,
                              .rows = run_most_rows(predictor, NULL)};
    return answer_all(predictor, &sink, columns, rows, error);
}
