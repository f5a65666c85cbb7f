/* What the estimators learn, computed as Spark ML does on one partition. */
#include "feature/estimate.h"

#include "parse/fail.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

void estimate_clear(struct estimate *estimate)
{
    for (size_t i = 0; estimate->labels && i < estimate->width; i++)
        labels_free(estimate->labels[i]);
    free(estimate->labels);
    free(estimate->largest);
    free(estimate->moments);
    quantile_close(estimate->quantile);
    for (size_t i = 0; estimate->ranks && i < estimate->width; i++)
        quantile_close(estimate->ranks[i]);
    free(estimate->ranks);
    estimate->ranks = NULL;
    estimate->labels = NULL;
    estimate->largest = NULL;
    estimate->moments = NULL;
    estimate->quantile = NULL;
    estimate->chosen = false;
}

static bool begin_labels(struct estimate *estimate)
{
    estimate->labels = calloc(estimate->width, sizeof *estimate->labels);
    for (size_t i = 0; estimate->labels && i < estimate->width; i++) {
        estimate->labels[i] = labels_new();
        if (!estimate->labels[i])
            return false;
    }
    return estimate->labels != NULL;
}

static bool begin_moments(struct estimate *estimate)
{
    estimate->moments = calloc(estimate->width + 1, sizeof *estimate->moments);
    if (!estimate->moments)
        return false;
    for (size_t i = 0; i < estimate->width; i++) {
        estimate->moments[i].min = DBL_MAX;
        estimate->moments[i].max = -DBL_MAX;
    }
    return true;
}

static bool begin_ranks(struct estimate *estimate)
{
    estimate->ranks = calloc(estimate->width + 1, sizeof *estimate->ranks);
    for (size_t i = 0; estimate->ranks && i < estimate->width; i++)
        if (!(estimate->ranks[i] = quantile_open(estimate->relative_error)))
            return false;
    return estimate->ranks != NULL;
}

bool estimate_begin(struct estimate *estimate, struct pipeline *pipeline, size_t index,
                    struct lathe_error *error)
{
    const struct feature_stage *stage = pipeline_stage(pipeline, index);
    estimate->rows = 0;
    estimate->sum = 0;
    bool begun = true;
    if (estimate->quantiles)
        return begin_ranks(estimate) || fail_memory(error, "fitting a feature pipeline");
    switch (stage->kind) {
    case FEATURE_STRING_INDEXER:
        begun = begin_labels(estimate);
        break;
    case FEATURE_ONE_HOT_ENCODER:
        estimate->largest = calloc(estimate->width, sizeof *estimate->largest);
        begun = estimate->largest != NULL;
        break;
    case FEATURE_IMPUTER:
        if (stage->of.imputer.strategy == STRATEGY_MODE)
            begun = begin_labels(estimate);
        if (stage->of.imputer.strategy == STRATEGY_MEDIAN)
            begun = (estimate->quantile = quantile_open(estimate->relative_error)) != NULL;
        break;
    default:
        begun = begin_moments(estimate);
    }
    return begun || fail_memory(error, "fitting a feature pipeline");
}

/* ---- rows ---- */

static bool is_skipped(const struct estimate_rows *rows, size_t row)
{
    return rows->skipped && rows->skipped[row];
}

/* Numbers are counted as the text that Spark casts them to; NaN is no label. */
static bool tally_numbers(struct labels *labels, const struct estimate_rows *rows, size_t i)
{
    const double *numbers = rows->values[i].numbers;
    for (size_t row = 0; row < rows->rows; row++) {
        char number[TEXT_NUMBER];
        if (isnan(numbers[row]) || is_skipped(rows, row))
            continue;
        size_t size = rows->types[i] == FEATURE_INTEGER ? text_integer(number, numbers[row])
                                                        : text_double(number, numbers[row]);
        struct csv_text text = text_of(number, size);
        if (!labels_tally(labels, &text, 1, NULL))
            return false;
    }
    return true;
}

static bool add_labels(struct estimate *estimate, const struct estimate_rows *rows,
                       struct lathe_error *error)
{
    for (size_t i = 0; i < estimate->width; i++) {
        bool added = rows->types[i] == FEATURE_TEXT
                         ? labels_tally(estimate->labels[i], rows->values[i].texts, rows->rows,
                                        rows->skipped)
                         : tally_numbers(estimate->labels[i], rows, i);
        if (!added)
            return fail_memory(error, "fitting a feature pipeline");
    }
    return true;
}

static bool add_categories(struct estimate *estimate, const struct estimate_rows *rows,
                           struct lathe_error *error)
{
    for (size_t i = 0; i < estimate->width; i++) {
        const double *numbers = rows->values[i].numbers;
        for (size_t row = 0; row < rows->rows; row++) {
            double value = numbers[row];
            if (is_skipped(rows, row))
                continue;
            if (!(value >= 0) || value != floor(value) || value >= BUILD_CATEGORIES) {
                char text[STAGE_TEXT];
                return fail(error, LATHE_INVALID_DATA,
                            "row %zu, column '%.80s': found %g, expected a category number from 0 "
                            "to %d; put a StringIndexer before the encoder [%s]",
                            feature_row_number(rows->batch, row), rows->stage->inputs[i], value,
                            BUILD_CATEGORIES - 1, stage_text(rows->stage, rows->index, text));
            }
            if (value > estimate->largest[i])
                estimate->largest[i] = value;
        }
    }
    return true;
}

/* A one-hot column needs no arithmetic: where all non-zeros so far were 1, their mean is exactly 1
 * and their deviation exactly 0, whatever their number. False where there are other values. */
static bool add_indicator(struct moments *moments, const double *numbers,
                          const struct estimate_rows *rows)
{
    if (moments->weight != 0 && (moments->mean != 1 || moments->m2 != 0))
        return false;
    double ones = 0;
    for (size_t row = 0; row < rows->rows; row++) {
        if (is_skipped(rows, row))
            continue;
        if (numbers[row] != 0 && numbers[row] != 1)
            return false;
        ones += numbers[row];
    }
    if (ones == 0)
        return true;
    moments->weight += ones;
    moments->mean = moments->max = 1;
    if (moments->min > 1)
        moments->min = 1;
    return true;
}

/* B. P. Welford's recurrence over the non-zeros, operation by operation as in Spark. */
static void add_moments(struct moments *moments, const double *numbers,
                        const struct estimate_rows *rows)
{
    struct moments now = *moments;
    for (size_t row = 0; row < rows->rows; row++) {
        double value = numbers[row];
        if (value == 0 || is_skipped(rows, row))
            continue;
        if (now.max < value)
            now.max = value;
        if (now.min > value)
            now.min = value;
        double difference = value - now.mean;
        now.mean += difference / (now.weight + 1);
        now.m2 += (value - now.mean) * difference;
        now.weight += 1;
    }
    *moments = now;
}

/* Only min and max, for a MinMaxScaler. `weight` counts the non-zeros. */
static void add_range(struct moments *moments, const double *numbers,
                      const struct estimate_rows *rows)
{
    for (size_t row = 0; row < rows->rows; row++) {
        double value = numbers[row];
        if (value == 0 || is_skipped(rows, row))
            continue;
        if (moments->max < value)
            moments->max = value;
        if (moments->min > value)
            moments->min = value;
        moments->weight += 1;
    }
}

static bool add_imputed(struct estimate *estimate, const struct estimate_rows *rows,
                        struct lathe_error *error)
{
    const double *numbers = rows->values[0].numbers;
    double missing = rows->stage->of.imputer.missing;
    for (size_t row = 0; row < rows->rows; row++) {
        double value = numbers[row] + 0.0; /* -0.0 and 0.0 are one value to Spark's grouping */
        if (isnan(value) || value == missing || is_skipped(rows, row))
            continue;
        estimate->rows += 1;
        estimate->sum += value;
        struct csv_text bytes = text_of((const char *)&value, sizeof value);
        if ((estimate->quantile && !quantile_add(estimate->quantile, value)) ||
            (estimate->labels && !labels_tally(estimate->labels[0], &bytes, 1, NULL)))
            return fail_memory(error, "fitting a feature pipeline");
    }
    return true;
}

static bool add_ranks(struct estimate *estimate, const struct estimate_rows *rows,
                      struct lathe_error *error)
{
    for (size_t i = 0; i < estimate->width; i++)
        for (size_t row = 0; row < rows->rows; row++) {
            double value = rows->values[i].numbers[row];
            if (!isnan(value) && !is_skipped(rows, row) && !quantile_add(estimate->ranks[i], value))
                return fail_memory(error, "fitting a feature pipeline");
        }
    return true;
}

static void count_rows(struct estimate *estimate, const struct estimate_rows *rows)
{
    estimate->rows += (double)rows->rows;
    for (size_t row = 0; rows->skipped && row < rows->rows; row++)
        estimate->rows -= rows->skipped[row];
}

bool estimate_add(struct estimate *estimate, const struct estimate_rows *rows,
                  struct lathe_error *error)
{
    if (estimate->quantiles) {
        count_rows(estimate, rows);
        return add_ranks(estimate, rows, error);
    }
    switch (rows->stage->kind) {
    case FEATURE_STRING_INDEXER:
        return add_labels(estimate, rows, error);
    case FEATURE_ONE_HOT_ENCODER:
        return add_categories(estimate, rows, error);
    case FEATURE_IMPUTER:
        return add_imputed(estimate, rows, error);
    default:
        break;
    }
    bool range =
        rows->stage->kind == FEATURE_MIN_MAX_SCALER || rows->stage->kind == FEATURE_MAX_ABS_SCALER;
    for (size_t i = 0; i < estimate->width; i++) {
        const double *numbers = rows->values[i].numbers;
        if (range)
            add_range(&estimate->moments[i], numbers, rows);
        else if (!add_indicator(&estimate->moments[i], numbers, rows))
            add_moments(&estimate->moments[i], numbers, rows);
    }
    count_rows(estimate, rows);
    return true;
}

/* ---- results ---- */

struct ranked {
    struct csv_text text;
    uint64_t met;
};

static int by_alphabet_asc(const void *left, const void *right)
{
    return text_compare(((const struct ranked *)left)->text, ((const struct ranked *)right)->text);
}

static int by_alphabet_desc(const void *left, const void *right)
{
    return by_alphabet_asc(right, left);
}

static int by_frequency_asc(const void *left, const void *right)
{
    uint64_t a = ((const struct ranked *)left)->met, b = ((const struct ranked *)right)->met;
    return a != b ? (a > b) - (a < b) : by_alphabet_asc(left, right);
}

static int by_frequency_desc(const void *left, const void *right)
{
    uint64_t a = ((const struct ranked *)left)->met, b = ((const struct ranked *)right)->met;
    return a != b ? (a < b) - (a > b) : by_alphabet_asc(left, right);
}

/* A table of the same labels in the order asked for. */
static const struct labels *order_labels(struct pipeline *pipeline, const struct labels *counted,
                                         enum feature_order order)
{
    static int (*const ORDERS[])(const void *, const void *) = {
        [FREQUENCY_DESC] = by_frequency_desc,
        [FREQUENCY_ASC] = by_frequency_asc,
        [ALPHABET_DESC] = by_alphabet_desc,
        [ALPHABET_ASC] = by_alphabet_asc,
    };
    size_t count = labels_count(counted);
    struct ranked *ranked = calloc(count + 1, sizeof *ranked);
    struct labels *ordered = ranked ? pipeline_labels(pipeline) : NULL;
    for (size_t i = 0; ranked && i < count; i++)
        ranked[i] = (struct ranked){labels_text(counted, i), labels_met(counted, i)};
    if (ordered)
        qsort(ranked, count, sizeof *ranked, ORDERS[order]);
    for (size_t i = 0; ordered && i < count; i++)
        if (labels_add(ordered, ranked[i].text) < 0)
            ordered = NULL; /* the pipeline still owns it */
    free(ranked);
    return ordered;
}

static bool end_indexer(struct estimate *estimate, struct pipeline *pipeline,
                        struct feature_stage *stage, struct lathe_error *error)
{
    const struct labels **labels =
        arena_take(pipeline_arena(pipeline), estimate->width, sizeof *labels);
    for (size_t i = 0; labels && i < estimate->width; i++) {
        labels[i] = order_labels(pipeline, estimate->labels[i], stage->of.indexer.order);
        if (!labels[i])
            return fail_memory(error, "fitting a feature pipeline");
    }
    stage->of.indexer.labels = labels;
    return labels || fail_memory(error, "fitting a feature pipeline");
}

static bool end_one_hot(struct estimate *estimate, struct pipeline *pipeline,
                        struct feature_stage *stage, struct lathe_error *error)
{
    int32_t *categories = arena_take(pipeline_arena(pipeline), estimate->width, sizeof *categories);
    if (!categories)
        return fail_memory(error, "fitting a feature pipeline");
    for (size_t i = 0; i < estimate->width; i++)
        categories[i] = stage->of.one_hot.categories[i] ? stage->of.one_hot.categories[i]
                                                        : (int32_t)estimate->largest[i] + 1;
    stage->of.one_hot.categories = categories;
    return true;
}

static bool end_standard(struct estimate *estimate, struct pipeline *pipeline,
                         struct feature_stage *stage, struct lathe_error *error)
{
    double *mean = arena_take(pipeline_arena(pipeline), estimate->width, sizeof *mean);
    double *std = arena_take(pipeline_arena(pipeline), estimate->width, sizeof *std);
    if (!mean || !std)
        return fail_memory(error, "fitting a feature pipeline");
    double total = estimate->rows, denominator = total - total / total;
    for (size_t i = 0; i < estimate->width; i++) {
        const struct moments *m = &estimate->moments[i];
        mean[i] = m->mean * (m->weight / total);
        double variance = 0;
        if (denominator > 0) {
            /* The zeros join: theirs is a mean of 0 and no deviation. */
            variance =
                (m->m2 + m->mean * m->mean * m->weight * (total - m->weight) / total) / denominator;
            variance = variance < 0 ? 0 : variance;
        }
        std[i] = sqrt(variance);
    }
    /* A scaler that neither centres nor scales changes nothing; MLeap opens none without either. */
    bool neither = !estimate->with_mean && !estimate->with_std;
    for (size_t i = 0; neither && i < estimate->width; i++)
        std[i] = 1;
    stage->of.standard.width = estimate->width;
    stage->of.standard.mean = estimate->with_mean ? mean : NULL;
    stage->of.standard.std = estimate->with_std || neither ? std : NULL;
    return true;
}

static bool end_min_max(struct estimate *estimate, struct pipeline *pipeline,
                        struct feature_stage *stage, struct lathe_error *error)
{
    double *min = arena_take(pipeline_arena(pipeline), estimate->width, sizeof *min);
    double *max = arena_take(pipeline_arena(pipeline), estimate->width, sizeof *max);
    if (!min || !max)
        return fail_memory(error, "fitting a feature pipeline");
    for (size_t i = 0; i < estimate->width; i++) {
        const struct moments *m = &estimate->moments[i];
        bool zeros = m->weight < estimate->rows;
        min[i] = zeros && m->min > 0 ? 0 : m->min;
        max[i] = zeros && m->max < 0 ? 0 : m->max;
    }
    stage->of.min_max.width = estimate->width;
    stage->of.min_max.min = min;
    stage->of.min_max.max = max;
    return true;
}

static bool end_max_abs(struct estimate *estimate, struct pipeline *pipeline,
                        struct feature_stage *stage, struct lathe_error *error)
{
    double *largest = arena_take(pipeline_arena(pipeline), estimate->width, sizeof *largest);
    if (!largest)
        return fail_memory(error, "fitting a feature pipeline");
    for (size_t i = 0; i < estimate->width; i++) {
        const struct moments *m = &estimate->moments[i];
        largest[i] = m->weight > 0 ? fmax(fabs(m->min), fabs(m->max)) : 0;
    }
    stage->width = estimate->width;
    stage->of.scale.values = largest;
    return true;
}

/* RobustScaler: the medians where a StandardScaler has means, the ranges where it has deviations.
 */
static bool end_robust(struct estimate *estimate, struct pipeline *pipeline,
                       struct feature_stage *stage, struct lathe_error *error)
{
    double *median = arena_take(pipeline_arena(pipeline), estimate->width, sizeof *median);
    double *range = arena_take(pipeline_arena(pipeline), estimate->width, sizeof *range);
    if (!median || !range)
        return fail_memory(error, "fitting a feature pipeline");
    for (size_t i = 0; i < estimate->width; i++) {
        double lower, upper;
        if (!quantile_find(estimate->ranks[i], estimate->lower, &lower) ||
            !quantile_find(estimate->ranks[i], estimate->upper, &upper) ||
            !quantile_find(estimate->ranks[i], 0.5, &median[i]))
            return fail_memory(error, "fitting a feature pipeline");
        range[i] = estimate->with_std || estimate->with_mean ? upper - lower : 1;
    }
    bool neither = !estimate->with_mean && !estimate->with_std;
    stage->of.standard.width = estimate->width;
    stage->of.standard.mean = estimate->with_mean ? median : NULL;
    stage->of.standard.std = estimate->with_std || neither ? range : NULL;
    return true;
}

/* QuantileDiscretizer: the different quantiles, with infinity at both ends. */
static bool end_discretizer(struct estimate *estimate, struct pipeline *pipeline,
                            struct feature_stage *stage, size_t index, struct lathe_error *error)
{
    size_t buckets = estimate->buckets, count = 1;
    double *splits = arena_take(pipeline_arena(pipeline), buckets + 1, sizeof *splits);
    if (!splits)
        return fail_memory(error, "fitting a feature pipeline");
    splits[0] = -INFINITY;
    for (size_t i = 1; i < buckets; i++) {
        double split;
        if (!quantile_find(estimate->ranks[0], (double)i / (double)buckets, &split))
            return fail_memory(error, "fitting a feature pipeline");
        if (split + 0.0 > splits[count - 1])
            splits[count++] = split + 0.0;
    }
    if (splits[count - 1] < INFINITY)
        splits[count++] = INFINITY;
    stage->of.bucketizer.splits = splits;
    stage->of.bucketizer.count = count;
    char text[STAGE_TEXT];
    return count >= 3 || fail(error, LATHE_INVALID_DATA,
                              "%s: column '%.80s' has no two quantiles that differ, so there are "
                              "no buckets to put it into",
                              stage_text(stage, index, text), stage->inputs[0]);
}

/* The most frequent value, the smallest of several. */
static double mode_of(const struct labels *values)
{
    double mode = NAN;
    uint64_t most = 0;
    for (size_t i = 0; i < labels_count(values); i++) {
        double value;
        memcpy(&value, labels_text(values, i).bytes, sizeof value);
        uint64_t met = labels_met(values, i);
        if (met > most || (met == most && value < mode)) {
            most = met;
            mode = value;
        }
    }
    return mode;
}

static bool end_imputer(struct estimate *estimate, struct feature_stage *stage, size_t index,
                        struct lathe_error *error)
{
    char text[STAGE_TEXT];
    if (estimate->rows == 0)
        return fail(error, LATHE_INVALID_DATA,
                    "%s: all values of column '%.80s' are missing, so there is none to put in "
                    "their place",
                    stage_text(stage, index, text), stage->inputs[0]);
    double *surrogate = &stage->of.imputer.surrogate;
    if (stage->of.imputer.strategy == STRATEGY_MEAN)
        *surrogate = estimate->sum / estimate->rows;
    else if (stage->of.imputer.strategy == STRATEGY_MODE)
        *surrogate = mode_of(estimate->labels[0]);
    else if (!quantile_find(estimate->quantile, 0.5, surrogate))
        return fail_memory(error, "fitting a feature pipeline");
    return true;
}

bool estimate_end(struct estimate *estimate, struct pipeline *pipeline, size_t index,
                  struct lathe_error *error)
{
    struct feature_stage *stage = pipeline_stage(pipeline, index);
    char text[STAGE_TEXT];
    if (estimate->quantiles && stage->kind == FEATURE_BUCKETIZER)
        return end_discretizer(estimate, pipeline, stage, index, error);
    switch (stage->kind) {
    case FEATURE_STRING_INDEXER:
        return end_indexer(estimate, pipeline, stage, error);
    case FEATURE_ONE_HOT_ENCODER:
        return end_one_hot(estimate, pipeline, stage, error);
    case FEATURE_IMPUTER:
        return end_imputer(estimate, stage, index, error);
    default:
        break;
    }
    if (estimate->rows == 0)
        return fail(error, LATHE_INVALID_DATA, "%s: there are no rows to learn from",
                    stage_text(stage, index, text));
    if (estimate->quantiles)
        return end_robust(estimate, pipeline, stage, error);
    if (stage->kind == FEATURE_MAX_ABS_SCALER)
        return end_max_abs(estimate, pipeline, stage, error);
    if (stage->kind == FEATURE_STANDARD_SCALER)
        return end_standard(estimate, pipeline, stage, error);
    return end_min_max(estimate, pipeline, stage, error);
}
