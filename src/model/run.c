/* The way of a batch through the parts. All memory is taken once, at the beginning of a request. */
#include "model/model_inside.h"

#include "parse/fail.h"

#include <math.h>
#include <stdlib.h>

/* A part's share of the run's memory. */
struct run_part {
    union feature_values *given; /* transformers: a pointer a value of a row */
    double *numbers;             /* their values by column, where they come as floats */
    void *scratch;
    const double **numbers_in; /* trees: their inputs by column, or */
    float *matrix;             /* rows x inputs */
    float *predictions;        /* forests x rows x outputs */
    double *selected;          /* the selection's values by column, where another part follows */
    union feature_values *columns;
};

static const struct plan *plan_of(const struct run *run, size_t index)
{
    return index == 0 && run->plan ? run->plan : run->predictor->parts[index].plan;
}

/* Values that come out of transformers: a request's schema may want another column. */
static size_t outputs_of(const struct run *run, size_t index)
{
    size_t count;
    return plan_outputs(plan_of(run, index), &count)->width;
}

static size_t inputs_of(const struct run *run, size_t index)
{
    return index == 0 && run->schema ? run->schema->width : run->predictor->parts[index].inputs;
}

/* `size` bytes at *used of the memory, or, where there is none yet, only counted. */
static void *carve(const struct run *run, size_t *used, size_t size)
{
    void *at = run->memory ? run->memory + *used : NULL;
    *used += (size + 63) / 64 * 64;
    return at;
}

/* Lays the parts' memory out; how many bytes that takes. */
static size_t lay_out(const struct run *run, struct run_part *parts)
{
    size_t used = 0, rows = run->rows;
    for (size_t i = 0; i < run->predictor->part_count; i++) {
        const struct part *part = &run->predictor->parts[i];
        struct run_part *own = &parts[i];
        size_t inputs = inputs_of(run, i);
        *own = (struct run_part){0};
        bool last = i + 1 == run->predictor->part_count;
        if (part->pipeline) {
            own->given = carve(run, &used, inputs * sizeof *own->given);
            own->numbers = carve(run, &used, i ? inputs * rows * sizeof(double) : 0);
            own->scratch = carve(run, &used, plan_scratch(plan_of(run, i), rows));
            continue;
        }
        own->numbers_in = carve(run, &used, inputs * sizeof *own->numbers_in);
        own->matrix = carve(run, &used, rows * inputs * sizeof(float));
        own->predictions = carve(run, &used,
                                 part->forest_count * rows *
                                     forest_describe(part->forests[0])->outputs * sizeof(float));
        if (last || !part->selection.count)
            continue;
        own->selected = carve(run, &used, part->selection.width * rows * sizeof(double));
        own->columns = carve(run, &used, part->selection.width * sizeof *own->columns);
    }
    return used;
}

size_t run_most_rows(const struct lathe_predictor *predictor, const struct plan *plan)
{
    enum { BYTES = 64 << 20 };
    const struct run run = {.predictor = predictor, .plan = plan};
    size_t most = BATCH_ROWS;
    for (size_t i = 0; i < predictor->part_count; i++) {
        size_t row = predictor->parts[i].pipeline ? plan_scratch(plan_of(&run, i), 1) : 0;
        if (row && BYTES / row < most)
            most = BYTES / row;
    }
    return most ? most : 1;
}

bool run_open(struct run *run, const struct lathe_predictor *predictor, const struct schema *schema,
              const struct plan *plan, size_t rows, struct lathe_error *error)
{
    *run = (struct run){.predictor = predictor, .schema = schema, .plan = plan, .rows = rows};
    size_t parts = (predictor->part_count * sizeof(struct run_part) + 63) / 64 * 64;
    struct run_part unplaced[MOST_PARTS];
    size_t size = lay_out(run, unplaced);
    char *block = malloc(parts + size);
    if (!block)
        return fail(error, LATHE_NO_MEMORY, "no memory for predictions of %zu rows", rows);
    run->parts = (struct run_part *)block;
    run->memory = block + parts;
    lay_out(run, run->parts);
    return true;
}

void run_close(struct run *run)
{
    free(run->parts);
    run->parts = NULL;
}

/* ---- transformers ---- */

static bool fail_skipped(const struct part *part, const struct feature_result *result, size_t rows,
                         size_t first_row, struct lathe_error *error)
{
    size_t row = 0;
    while (row < rows && !result->skipped[row])
        row++;
    return fail(error, LATHE_INVALID_DATA,
                "row %zu has a value that %s leaves out (its handleInvalid is \"skip\"), and every "
                "row needs an answer: a value that it knows is expected, or handleInvalid \"keep\"",
                first_row + row, part->name);
}

static bool run_transformers(const struct run *run, size_t index, const struct batch *in,
                             size_t first_row, struct batch *out, struct lathe_error *error)
{
    const struct part *part = &run->predictor->parts[index];
    const struct run_part *own = &run->parts[index];
    const union feature_values *given = in->columns;
    if (in->floats) {
        for (size_t i = 0; i < in->width; i++) {
            double *column = own->numbers + i * in->rows;
            for (size_t row = 0; row < in->rows; row++)
                column[row] = (double)in->floats[row * in->stride + i];
            own->given[i].numbers = column;
        }
        given = own->given;
    }
    const struct feature_batch batch = {.rows = in->rows, .first_row = first_row, .values = given};
    struct feature_result result;
    if (!plan_apply(plan_of(run, index), &batch, own->scratch, &result, error))
        return false;
    if (result.kept < in->rows)
        return fail_skipped(part, &result, in->rows, first_row, error);
    *out =
        (struct batch){.rows = in->rows, .width = outputs_of(run, index), .columns = result.values};
    return true;
}

/* ---- trees ---- */

/* The value that most forests predict, the smallest of equally frequent ones. */
static float voted(const float *predictions, size_t count, size_t step)
{
    float best = predictions[0];
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        float value = predictions[i * step];
        size_t votes = 0;
        for (size_t k = 0; k < count; k++)
            votes += predictions[k * step] == value;
        if (votes > most || (votes == most && value < best)) {
            best = value;
            most = votes;
        }
    }
    return best;
}

/* Puts the forests' predictions together in the first one's place, as numpy and scipy would: a sum
 * of floats in order, divided. */
static void put_together(const struct part *part, float *predictions, size_t values, size_t step)
{
    for (size_t i = 0; part->vote && i < values; i++)
        predictions[i] = voted(predictions + i, part->forest_count, step);
    for (size_t i = 0; !part->vote && i < values; i++) {
        float sum = predictions[i];
        for (size_t k = 1; k < part->forest_count; k++)
            sum += predictions[k * step + i];
        predictions[i] = sum / (float)part->forest_count;
    }
}

static void select_columns(const struct part *part, const struct run_part *own, size_t rows,
                           struct batch *out)
{
    const struct selection *selection = &part->selection;
    for (size_t row = 0; row < rows; row++) {
        size_t column = 0;
        for (size_t i = 0; i < selection->count; i++) {
            const struct selected *selected = &selection->selected[i];
            selection_values(selection, selected, own->predictions + row * part->answers,
                             own->selected + column * rows + row, rows);
            column += selected->width;
        }
    }
    for (size_t i = 0; i < selection->width; i++)
        own->columns[i].numbers = own->selected + i * rows;
    *out = (struct batch){.rows = rows, .width = selection->width, .columns = own->columns};
}

/* The rows that trees read, as floats side by side; what they do not ask about is missing. */
static struct batch rows_for_trees(const struct run *run, size_t index, const struct batch *in)
{
    if (!in->columns)
        return *in;
    const struct part *part = &run->predictor->parts[index];
    float *matrix = run->parts[index].matrix;
    for (size_t i = 0; i < part->inputs; i++)
        for (size_t row = 0; row < in->rows; row++)
            matrix[row * part->inputs + i] =
                in->columns[i].numbers ? (float)in->columns[i].numbers[row] : NAN;
    return (struct batch){
        .rows = in->rows, .width = part->inputs, .floats = matrix, .stride = part->inputs};
}

/* The margins of one of the part's forests. */
static void margins(const struct forest *forest, const struct run_part *own, const struct batch *in,
                    float *out)
{
    if (in->columns)
        forest_margins_columns(forest, own->numbers_in, in->rows, out);
    else
        forest_margins(forest, in->floats, in->rows, in->stride, out);
}

static void run_trees(const struct run *run, size_t index, const struct batch *in,
                      struct batch *out)
{
    const struct part *part = &run->predictor->parts[index];
    const struct run_part *own = &run->parts[index];
    bool few = in->rows < forest_few_rows(part->forests[0]);
    const struct batch rows = few ? rows_for_trees(run, index, in) : *in;
    size_t step = in->rows * forest_describe(part->forests[0])->outputs;
    for (size_t i = 0; rows.columns && i < part->inputs; i++)
        own->numbers_in[i] = rows.columns[i].numbers;
    for (size_t i = 0; i < part->forest_count; i++) {
        float *predictions = own->predictions + i * step;
        margins(part->forests[i], own, &rows, predictions);
        forest_transform(part->forests[i], predictions, in->rows, predictions);
    }
    if (part->forest_count > 1)
        put_together(part, own->predictions, in->rows * part->answers, step);
    if (own->selected)
        select_columns(part, own, in->rows, out);
    else
        *out = (struct batch){.rows = in->rows,
                              .width = part->answers,
                              .floats = own->predictions,
                              .stride = part->answers};
}

/* Through the parts before `end`. */
static bool run_until(struct run *run, size_t end, const struct batch *in, size_t first_row,
                      struct batch *out, struct lathe_error *error)
{
    *out = *in;
    for (size_t i = 0; i < end; i++) {
        struct batch next;
        if (!run->predictor->parts[i].pipeline)
            run_trees(run, i, out, &next);
        else if (!run_transformers(run, i, out, first_row, &next, error))
            return false;
        *out = next;
    }
    return true;
}

bool run_batch(struct run *run, const struct batch *in, size_t first_row, struct batch *out,
               struct lathe_error *error)
{
    return run_until(run, run->predictor->part_count, in, first_row, out, error);
}

bool run_rows(struct run *run, size_t index, const struct batch *in, size_t first_row,
              struct batch *out, struct lathe_error *error)
{
    struct batch at;
    if (!run_until(run, index, in, first_row, &at, error))
        return false;
    *out = rows_for_trees(run, index, &at);
    return true;
}
