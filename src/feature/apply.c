/* Carrying a plan out on a batch. Every step is a few loops over columns. */
#include "feature/kind.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- the scratch: pointers, then numbers, then texts, then what is skipped ---- */

static size_t pointer_count(const struct plan *plan)
{
    return plan->slot_count + plan->output_slot_count;
}

size_t plan_scratch(const struct plan *plan, size_t rows)
{
    return pointer_count(plan) * sizeof(union feature_values) +
           plan->number_count * rows * sizeof(double) +
           plan->text_count * rows * sizeof(struct csv_text) + (plan->skips ? rows : 0) +
           sizeof(double);
}

bool plan_apply(const struct plan *plan, const struct feature_batch *batch, void *scratch,
                struct feature_result *result, struct lathe_error *error)
{
    union feature_values *slots = scratch;
    union feature_values *outputs = slots + plan->slot_count;
    struct work work = {
        .plan = plan, .batch = batch, .rows = batch->rows, .slots = slots, .error = error};
    work.numbers = (double *)(slots + pointer_count(plan));
    work.texts = (struct csv_text *)(work.numbers + plan->number_count * batch->rows);
    if (plan->skips) {
        work.skipped = (unsigned char *)(work.texts + plan->text_count * batch->rows);
        memset(work.skipped, 0, batch->rows);
    }
    for (size_t i = 0; i < plan->slot_count; i++) {
        const struct slot_plan *slot = &plan->slots[i];
        if (slot->place == GIVEN)
            slots[i] = batch->values[slot->at];
        else if (slot->place == NUMBERS)
            slots[i].numbers = work.numbers + slot->at * batch->rows;
        else
            slots[i].texts = work.texts + slot->at * batch->rows;
    }
    for (size_t i = 0; i < plan->step_count; i++)
        if (!plan->steps[i].idle &&
            !kind_of(plan->steps[i].stage->kind)->apply(&work, &plan->steps[i]))
            return false;
    for (size_t i = 0; i < plan->output_slot_count; i++)
        outputs[i] = plan->slots[plan->output_slots[i]].unasked ? (union feature_values){NULL}
                                                                : slots[plan->output_slots[i]];
    *result = (struct feature_result){outputs, work.skipped, batch->rows};
    for (size_t row = 0; work.skipped && row < batch->rows; row++)
        result->kept -= work.skipped[row];
    return true;
}

bool step_fail(const struct work *work, const struct step *step, size_t row, const char *column,
               const char *format, ...)
{
    char found[256], text[STAGE_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(found, sizeof found, format, arguments);
    va_end(arguments);
    return fail(work->error, LATHE_INVALID_DATA, "row %zu, column '%.80s': %s [%s]",
                feature_row_number(work->batch, row), column, found,
                stage_text(step->stage, step->index, text));
}

/* ---- vectors ---- */

/* Spark builds a vector from the non-zeros, so -0.0 becomes +0.0, and looks for NaN among the
 * scalars only. */
static bool assemble_column(const struct work *work, const struct step *step, size_t i)
{
    const struct feature_stage *stage = step->stage;
    const double *in = numbers_in(work, step->in[i]);
    double *out = numbers_out(work, step->out[i]);
    double zero = stage->of.assembler.exact ? -0.0 : 0.0;
    bool missing = false;
    for (size_t row = 0; row < work->rows; row++) {
        out[row] = in[row] + zero;
        missing |= in[row] != in[row];
    }
    size_t input = step->columns[i];
    if (!missing || stage->invalid == FEATURE_KEEP || input == SIZE_MAX)
        return true;
    for (size_t row = 0; row < work->rows; row++) {
        if (!isnan(in[row]) || is_skipped(work, row))
            continue;
        if (stage->invalid == FEATURE_ERROR)
            return step_fail(work, step, row, stage->inputs[input],
                             "a number is missing; put an Imputer before the VectorAssembler or "
                             "set its handleInvalid to \"keep\"");
        work->skipped[row] = 1;
    }
    return true;
}

bool step_assemble(const struct work *work, const struct step *step)
{
    for (size_t i = 0; i < step->in_count; i++)
        if (is_asked(work, step->in[i]) && !assemble_column(work, step, i))
            return false;
    return true;
}

bool step_standard(const struct work *work, const struct step *step)
{
    const double *mean = step->stage->of.standard.mean, *std = step->stage->of.standard.std;
    for (size_t i = 0; i < step->in_count; i++) {
        if (!is_asked(work, step->in[i]))
            continue;
        const double *in = numbers_in(work, step->in[i]);
        double *out = numbers_out(work, step->out[i]);
        double shift = mean ? mean[i] : 0, scale = !std ? 1 : std[i] == 0 ? 0 : 1 / std[i];
        for (size_t row = 0; row < work->rows; row++)
            out[row] = (in[row] - shift) * scale;
    }
    return true;
}

bool step_min_max(const struct work *work, const struct step *step)
{
    const struct feature_stage *stage = step->stage;
    double lower = stage->of.min_max.lower, upper = stage->of.min_max.upper;
    for (size_t i = 0; i < step->in_count; i++) {
        if (!is_asked(work, step->in[i]))
            continue;
        const double *in = numbers_in(work, step->in[i]);
        double *out = numbers_out(work, step->out[i]);
        double min = stage->of.min_max.min[i], range = stage->of.min_max.max[i] - min;
        double scale = range != 0 ? (upper - lower) / range : 0;
        if (scale != 0)
            for (size_t row = 0; row < work->rows; row++)
                out[row] = (in[row] - min) * scale + lower;
        else /* a constant column goes to the middle */
            for (size_t row = 0; row < work->rows; row++)
                out[row] = isnan(in[row]) ? in[row] : (lower + upper) / 2;
    }
    return true;
}

static bool one_hot_column(const struct work *work, const struct step *step, size_t i,
                           const size_t *slots)
{
    const struct feature_stage *stage = step->stage;
    const double *in = numbers_in(work, step->in[i]);
    size_t categories = (size_t)stage->of.one_hot.categories[i];
    size_t width = feature_one_hot_width(stage, i);
    for (size_t e = 0; e < width; e++)
        if (is_asked(work, slots[e]))
            memset(numbers_out(work, slots[e]), 0, work->rows * sizeof(double));
    for (size_t row = 0; row < work->rows; row++) {
        size_t category = categories;
        if (in[row] >= 0 && in[row] < (double)categories)
            category = (size_t)in[row];
        else if (stage->invalid != FEATURE_KEEP && !is_skipped(work, row))
            return step_fail(work, step, row, stage->inputs[i],
                             "found %g, expected a category from 0 to %zu; to take others, set "
                             "handleInvalid to \"keep\"",
                             in[row], categories ? categories - 1 : 0);
        if (category < width && is_asked(work, slots[category]))
            numbers_out(work, slots[category])[row] = 1;
    }
    return true;
}

bool step_one_hot(const struct work *work, const struct step *step)
{
    const size_t *slots = step->out;
    for (size_t i = 0; i < step->in_count; i++) {
        if (is_asked(work, step->in[i]) && !one_hot_column(work, step, i, slots))
            return false;
        slots += feature_one_hot_width(step->stage, i);
    }
    return true;
}

/* ---- numbers ---- */

bool step_imputer(const struct work *work, const struct step *step)
{
    const double *in = numbers_in(work, step->in[0]);
    double *out = numbers_out(work, step->out[0]);
    double missing = step->stage->of.imputer.missing;
    double surrogate = step->stage->of.imputer.surrogate;
    for (size_t row = 0; row < work->rows; row++)
        out[row] = isnan(in[row]) || in[row] == missing ? surrogate : in[row];
    return true;
}

/* Java's Arrays.binarySearch, by which Spark finds the bucket, has -0.0 below 0.0. */
static bool reaches(double value, double split)
{
    return value > split || (value == split && (!signbit(value) || signbit(split) || value != 0));
}

/* The bucket, or -1 where the value is outside of all. */
static double bucket_of(const double *splits, size_t count, double value)
{
    if (value == splits[count - 1])
        return (double)(count - 2);
    if (!reaches(value, splits[0]) || value > splits[count - 1])
        return -1;
    size_t low = 0, high = count - 1; /* value is in [splits[low], splits[high]) */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (reaches(value, splits[middle]))
            low = middle;
        else
            high = middle;
    }
    return (double)low;
}

bool step_bucketizer(const struct work *work, const struct step *step)
{
    const struct feature_stage *stage = step->stage;
    const double *in = numbers_in(work, step->in[0]), *splits = stage->of.bucketizer.splits;
    double *out = numbers_out(work, step->out[0]);
    size_t count = stage->of.bucketizer.count;
    for (size_t row = 0; row < work->rows; row++) {
        out[row] = isnan(in[row]) ? (double)(count - 1) : bucket_of(splits, count, in[row]);
        if (stage->invalid == FEATURE_SKIP && isnan(in[row]))
            work->skipped[row] = 1;
        if (is_skipped(work, row))
            continue;
        if (isnan(in[row]) && stage->invalid == FEATURE_ERROR)
            return step_fail(work, step, row, stage->inputs[0],
                             "a number is missing; put an Imputer before the Bucketizer or set its "
                             "handleInvalid to \"keep\" or \"skip\"");
        if (out[row] < 0)
            return step_fail(work, step, row, stage->inputs[0],
                             "found %.17g, expected a number from %g to %g; to take all, let the "
                             "splits begin with -Infinity and end with Infinity",
                             in[row], splits[0], splits[count - 1]);
    }
    return true;
}

/* The value of the key; *known says whether it is one. */
static double value_of(const struct feature_stage *stage, double key, bool *known)
{
    const double *keys = stage->of.map.keys;
    size_t low = 0, high = stage->of.map.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    *known = low < stage->of.map.count && keys[low] == key;
    return *known ? stage->of.map.values[low] : stage->of.map.otherwise;
}

static bool fail_number(const struct work *work, const struct step *step, size_t row, double found)
{
    const struct feature_stage *stage = step->stage;
    if (isnan(found))
        return step_fail(work, step, row, stage->inputs[0],
                         "a number is missing; put an Imputer before the NumberMap or set its "
                         "handleInvalid to \"keep\"");
    return step_fail(work, step, row, stage->inputs[0],
                     "found %.17g, which is none of the %zu keys (from %g to %g); to take others, "
                     "set handleInvalid to \"keep\"",
                     found, stage->of.map.count, stage->of.map.count ? stage->of.map.keys[0] : NAN,
                     stage->of.map.count ? stage->of.map.keys[stage->of.map.count - 1] : NAN);
}

bool step_number_map(const struct work *work, const struct step *step)
{
    const struct feature_stage *stage = step->stage;
    const double *in = numbers_in(work, step->in[0]);
    double *out = numbers_out(work, step->out[0]);
    for (size_t row = 0; row < work->rows; row++) {
        bool known = isnan(in[row]) && stage->of.map.takes_missing;
        out[row] = known ? stage->of.map.missing : value_of(stage, in[row], &known);
        if (!known && stage->invalid == FEATURE_ERROR && !is_skipped(work, row))
            return fail_number(work, step, row, in[row]);
    }
    return true;
}
