/* Reading a specification: Spark ML's parameter names and defaults. */
#include "feature/fit_inside.h"

#include "feature/kind.h"
#include "parse/near_word.h"
#include "parse/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct type;

/* One stage being read. */
struct spec {
    struct fit_side *side;
    const struct type *type;
    const struct json *object;
    struct feature_stage stage;
    struct estimate estimate;
    struct lathe_error *error;
    char who[64]; /* "stage 3 (StringIndexer)" */
};

static const char *const INVALID[] = {"error", "skip", "keep", NULL};
static const char *const ORDERS[] = {"frequencyDesc", "frequencyAsc", "alphabetDesc", "alphabetAsc",
                                     NULL};
static const char *const STRATEGIES[] = {"mean", "median", "mode", NULL};

/* Which of the words (the list ends with NULL) is near, and all of them: for an error. */
static const char *advise(const char *found, const char *const *words, char *out, size_t size)
{
    const char *nearest = near_word_of(found, words);
    int used = nearest ? snprintf(out, size, "did you mean \"%s\"? it is one of ", nearest)
                       : snprintf(out, size, "it is one of ");
    for (size_t i = 0; words[i] && used >= 0 && (size_t)used < size; i++)
        used += snprintf(out + used, size - (size_t)used, "%s%s", i ? ", " : "", words[i]);
    return out;
}

/* ---- parameters ---- */

static bool wrong(const struct spec *spec, const char *parameter, const struct json *found,
                  const char *right)
{
    return fail(spec->error, LATHE_INVALID_MODEL, "%s: %s is %s%s%.60s%s, and must be %s",
                spec->who, parameter, json_kind_text(found),
                found->kind == JSON_STRING ? " (\"" : "",
                found->kind == JSON_STRING ? found->string : "",
                found->kind == JSON_STRING ? "\")" : "", right);
}

static bool is_name(const struct json *json)
{
    return json->kind == JSON_STRING && json->size && strlen(json->string) == json->size;
}

/* One of the words; *choice keeps its default where the parameter is not given. */
static bool take_choice(struct spec *spec, const char *parameter, const char *const *words,
                        int *choice)
{
    const struct json *found = json_member(spec->object, parameter);
    if (!found)
        return true;
    char advice[256];
    if (found->kind != JSON_STRING)
        return wrong(spec, parameter, found, "a text");
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], found->string) == 0) {
            *choice = i;
            return true;
        }
    return fail(spec->error, LATHE_INVALID_MODEL, "%s: %s is \"%.60s\"; %s", spec->who, parameter,
                found->string, advise(found->string, words, advice, sizeof advice));
}

static bool take_bool(struct spec *spec, const char *parameter, bool *truth)
{
    const struct json *found = json_member(spec->object, parameter);
    if (found && found->kind != JSON_BOOL)
        return wrong(spec, parameter, found, "true or false");
    if (found)
        *truth = found->truth;
    return true;
}

/* A number, or the name of one that JSON cannot write. */
static bool number_of(const struct json *json, double *number)
{
    if (json->kind == JSON_NUMBER) {
        *number = json->number;
        return true;
    }
    if (json->kind != JSON_STRING)
        return false;
    const char *text = json->string;
    size_t size = json->size;
    bool negative = size && text[0] == '-';
    if (size && (text[0] == '-' || text[0] == '+')) {
        text++;
        size--;
    }
    if (size && text[0] == '.') { /* YAML: .inf, -.inf, .nan */
        text++;
        size--;
    }
    if (!size || !isalpha((unsigned char)text[0]) || !number_parse(text, size, number))
        return false;
    if (negative)
        *number = -*number;
    return true;
}

static bool take_number(struct spec *spec, const char *parameter, double *number)
{
    const struct json *found = json_member(spec->object, parameter);
    if (!found || number_of(found, number))
        return true;
    return wrong(spec, parameter, found, "a number, \"Infinity\", \"-Infinity\" or \"NaN\"");
}

/* Column names: of the parameter for one, or of the one for several. */
static bool take_columns(struct spec *spec, const char *one, const char *several,
                         const char *const **columns, size_t *count)
{
    const struct json *single = one ? json_member(spec->object, one) : NULL;
    const struct json *list = several ? json_member(spec->object, several) : NULL;
    if (single && list)
        return fail(spec->error, LATHE_INVALID_MODEL, "%s has both %s and %s: give one of them",
                    spec->who, one, several);
    if (!single && !list)
        return fail(spec->error, LATHE_INVALID_MODEL, "%s needs %s%s%s", spec->who,
                    one ? one : several, one && several ? " or " : "",
                    one && several ? several : "");
    if (single && !is_name(single))
        return wrong(spec, one, single, "a column's name");
    if (list && (list->kind != JSON_ARRAY || !list->size || list->size > BUILD_COLUMNS))
        return wrong(spec, several, list, "a list of at least one and at most 100000 names");
    *count = single ? 1 : list->size;
    const char **names = arena_take(pipeline_arena(spec->side->pipeline), *count, sizeof *names);
    if (!names)
        return fail_memory(spec->error, "a feature pipeline");
    *columns = names;
    size_t i = 0;
    for (const struct json *name = single ? single : list->first; i < *count; name = name->next) {
        if (!is_name(name))
            return wrong(spec, several, name, "a list of columns' names");
        names[i++] = name->string;
    }
    return true;
}

static bool take_inputs(struct spec *spec, const char *one, const char *several)
{
    return take_columns(spec, one, several, &spec->stage.inputs, &spec->stage.input_count);
}

static bool take_outputs(struct spec *spec, const char *one, const char *several)
{
    return take_columns(spec, one, several, &spec->stage.outputs, &spec->stage.output_count);
}

/* Inputs and outputs, one each or a list each. */
static bool take_pairs(struct spec *spec)
{
    if (!take_inputs(spec, "inputCol", "inputCols") ||
        !take_outputs(spec, "outputCol", "outputCols"))
        return false;
    if (spec->stage.input_count == spec->stage.output_count)
        return true;
    return fail(spec->error, LATHE_INVALID_MODEL,
                "%s has %zu input columns and %zu output columns, and needs one for each",
                spec->who, spec->stage.input_count, spec->stage.output_count);
}

static bool take_invalid(struct spec *spec)
{
    int invalid = FEATURE_ERROR;
    if (!take_choice(spec, "handleInvalid", INVALID, &invalid))
        return false;
    bool no_skip = spec->stage.kind == FEATURE_ONE_HOT_ENCODER ||
                   spec->stage.kind == FEATURE_STRING_MAP || spec->stage.kind == FEATURE_NUMBER_MAP;
    if (no_skip && invalid == FEATURE_SKIP)
        return fail(spec->error, LATHE_INVALID_MODEL,
                    "%s: handleInvalid is \"skip\", and must be \"error\" or \"keep\"", spec->who);
    spec->stage.invalid = (enum feature_invalid)invalid;
    return true;
}

/* ---- stages ---- */

static bool add(struct spec *spec)
{
    struct fit_side *side = spec->side;
    if (side->count == side->capacity) {
        size_t capacity = side->capacity ? side->capacity * 2 : 16;
        struct estimate *larger = realloc(side->estimates, capacity * sizeof *larger);
        if (!larger)
            return fail_memory(spec->error, "a feature pipeline");
        side->estimates = larger;
        side->capacity = capacity;
    }
    if (!pipeline_add(side->pipeline, spec->stage, spec->error))
        return false;
    side->estimates[side->count++] = spec->estimate;
    return true;
}

/* A stage of several columns as one stage a column. */
static bool add_each(struct spec *spec, const struct json *splits)
{
    struct feature_stage whole = spec->stage;
    const struct json *own = splits;
    for (size_t i = 0; i < whole.input_count; i++, own = own ? own->next : NULL) {
        spec->stage.inputs = whole.inputs + i;
        spec->stage.outputs = whole.outputs + i;
        spec->stage.input_count = spec->stage.output_count = 1;
        if (own) {
            double *values =
                arena_take(pipeline_arena(spec->side->pipeline), own->size, sizeof *values);
            size_t count = 0;
            if (!values)
                return fail_memory(spec->error, "a feature pipeline");
            if (own->kind != JSON_ARRAY)
                return wrong(spec, "splits", own, "a list of numbers");
            for (const struct json *split = own->first; split; split = split->next)
                if (!number_of(split, &values[count++]))
                    return wrong(spec, "splits", split, "a list of numbers");
            spec->stage.of.bucketizer.splits = values;
            spec->stage.of.bucketizer.count = count;
        }
        if (!add(spec))
            return false;
        if (whole.input_count > 1)
            spec->stage.name = NULL; /* a "uid" is the first one's */
    }
    return true;
}

static bool read_indexer(struct spec *spec)
{
    int order = FREQUENCY_DESC;
    if (!take_pairs(spec) || !take_invalid(spec) ||
        !take_choice(spec, "stringOrderType", ORDERS, &order))
        return false;
    spec->stage.of.indexer.order = (enum feature_order)order;
    return add(spec);
}

/* Numbers of categories, where they are given: one a column. */
static bool take_sizes(struct spec *spec, int32_t *categories)
{
    const struct json *list = json_member(spec->object, "categorySizes");
    spec->estimate.fitted = list != NULL;
    if (!list)
        return true;
    if (list->kind != JSON_ARRAY || list->size != spec->stage.input_count)
        return wrong(spec, "categorySizes", list, "a list of one whole number a column");
    for (const struct json *size = list->first; size; size = size->next) {
        if (size->kind != JSON_NUMBER || !size->whole ||
            !(size->number >= 0 && size->number <= BUILD_CATEGORIES))
            return wrong(spec, "categorySizes", size, "a list of one whole number a column");
        *categories++ = (int32_t)size->number;
    }
    return true;
}

static bool read_one_hot(struct spec *spec)
{
    spec->stage.of.one_hot.drop_last = true;
    if (!take_pairs(spec) || !take_invalid(spec) ||
        !take_bool(spec, "dropLast", &spec->stage.of.one_hot.drop_last))
        return false;
    int32_t *categories = arena_take(pipeline_arena(spec->side->pipeline), spec->stage.input_count,
                                     sizeof *categories);
    spec->stage.of.one_hot.categories = categories;
    if (!categories)
        return fail_memory(spec->error, "a feature pipeline");
    return take_sizes(spec, categories) && add(spec);
}

static bool read_to_string(struct spec *spec)
{
    const struct json *labels = json_member(spec->object, "labels");
    const struct json *from = json_member(spec->object, "labelsFrom");
    if (!take_inputs(spec, "inputCol", NULL) || !take_outputs(spec, "outputCol", NULL))
        return false;
    if (labels && from)
        return fail(spec->error, LATHE_INVALID_MODEL,
                    "%s has both labels and labelsFrom: give one of them", spec->who);
    if (from && !is_name(from))
        return wrong(spec, "labelsFrom", from, "the name of a column that a StringIndexer makes");
    spec->estimate.labels_from = from ? from->string : spec->stage.inputs[0];
    if (!labels || (labels->kind == JSON_ARRAY && !labels->size))
        return add(spec);
    if (labels->kind != JSON_ARRAY)
        return wrong(spec, "labels", labels, "a list of texts");
    struct labels *table = pipeline_labels(spec->side->pipeline);
    if (!table)
        return fail_memory(spec->error, "a feature pipeline");
    for (const struct json *label = labels->first; label; label = label->next) {
        size_t before = labels_count(table);
        if (label->kind != JSON_STRING)
            return wrong(spec, "labels", label, "a list of texts");
        if (labels_add(table, text_of(label->string, label->size)) < 0)
            return fail_memory(spec->error, "a feature pipeline");
        if (labels_count(table) == before)
            return fail(spec->error, LATHE_INVALID_MODEL, "%s: the label \"%.60s\" stands twice",
                        spec->who, label->string);
    }
    spec->stage.of.to_string.labels = table;
    spec->estimate.fitted = true;
    return add(spec);
}

static bool read_assembler(struct spec *spec)
{
    spec->estimate.fitted = true; /* its shapes are noted when they are known */
    return take_inputs(spec, NULL, "inputCols") && take_outputs(spec, "outputCol", NULL) &&
           take_invalid(spec) && take_bool(spec, "exact", &spec->stage.of.assembler.exact) &&
           add(spec);
}

static bool read_standard(struct spec *spec)
{
    spec->estimate.with_std = true;
    return take_inputs(spec, "inputCol", NULL) && take_outputs(spec, "outputCol", NULL) &&
           take_bool(spec, "withMean", &spec->estimate.with_mean) &&
           take_bool(spec, "withStd", &spec->estimate.with_std) && add(spec);
}

static bool read_min_max(struct spec *spec)
{
    spec->stage.of.min_max.upper = 1;
    return take_inputs(spec, "inputCol", NULL) && take_outputs(spec, "outputCol", NULL) &&
           take_number(spec, "min", &spec->stage.of.min_max.lower) &&
           take_number(spec, "max", &spec->stage.of.min_max.upper) && add(spec);
}

static bool read_imputer(struct spec *spec)
{
    int strategy = STRATEGY_MEAN;
    spec->stage.of.imputer.missing = NAN;
    spec->estimate.relative_error = 0.001;
    if (!take_pairs(spec) || !take_choice(spec, "strategy", STRATEGIES, &strategy) ||
        !take_number(spec, "missingValue", &spec->stage.of.imputer.missing) ||
        !take_number(spec, "surrogate", &spec->stage.of.imputer.surrogate) ||
        !take_number(spec, "relativeError", &spec->estimate.relative_error))
        return false;
    spec->estimate.fitted = json_member(spec->object, "surrogate") != NULL;
    if (!(spec->estimate.relative_error >= 0 && spec->estimate.relative_error <= 1))
        return fail(spec->error, LATHE_INVALID_MODEL,
                    "%s: relativeError is %g, and must be from 0 to 1", spec->who,
                    spec->estimate.relative_error);
    spec->stage.of.imputer.strategy = (enum feature_strategy)strategy;
    return add_each(spec, NULL);
}

static bool read_bucketizer(struct spec *spec)
{
    const struct json *one = json_member(spec->object, "splits");
    const struct json *several = json_member(spec->object, "splitsArray");
    spec->estimate.fitted = true;
    if (!take_pairs(spec) || !take_invalid(spec))
        return false;
    if (!one == !several)
        return fail(spec->error, LATHE_INVALID_MODEL,
                    "%s needs splits (of its one column) or splitsArray (a list of splits a "
                    "column), and one of them only",
                    spec->who);
    if (one && spec->stage.input_count != 1)
        return fail(spec->error, LATHE_INVALID_MODEL,
                    "%s has %zu columns: give splitsArray, a list of splits for each", spec->who,
                    spec->stage.input_count);
    if (several && (several->kind != JSON_ARRAY || several->size != spec->stage.input_count))
        return wrong(spec, "splitsArray", several, "a list of splits for each column");
    struct json alone;
    if (one) {
        alone = *one;
        alone.next = NULL;
    }
    return add_each(spec, one ? &alone : several->first);
}

static bool read_operation(struct spec *spec, enum feature_operation first,
                           enum feature_operation end, enum feature_operation *operation)
{
    const char *words[MATH_OPERATIONS + 1] = {0};
    for (enum feature_operation i = first; i < end; i++)
        words[i - first] = feature_operation_name(i);
    if (!json_member(spec->object, "operation"))
        return fail(spec->error, LATHE_INVALID_MODEL, "%s needs operation", spec->who);
    int choice = 0;
    if (!take_choice(spec, "operation", words, &choice))
        return false;
    *operation = (enum feature_operation)((int)first + choice);
    return true;
}

static bool read_unary(struct spec *spec)
{
    spec->estimate.fitted = true;
    return take_inputs(spec, "inputCol", NULL) && take_outputs(spec, "outputCol", NULL) &&
           read_operation(spec, MATH_LOG, MATH_ADD, &spec->stage.of.unary.operation) && add(spec);
}

static bool read_binary(struct spec *spec)
{
    static const char *const COLUMNS[] = {"inputA", "inputB"}, *const CONSTANTS[] = {"da", "db"};
    const char **names = arena_take(pipeline_arena(spec->side->pipeline), 2, sizeof *names);
    if (!names)
        return fail_memory(spec->error, "a feature pipeline");
    bool is_column[2];
    double numbers[2] = {0, 0};
    for (size_t side = 0; side < 2; side++) {
        const struct json *column = json_member(spec->object, COLUMNS[side]);
        const struct json *number = json_member(spec->object, CONSTANTS[side]);
        is_column[side] = column != NULL;
        if (!column == !number)
            return fail(spec->error, LATHE_INVALID_MODEL,
                        "%s needs %s (a column) or %s (a number), and one of them only", spec->who,
                        COLUMNS[side], CONSTANTS[side]);
        if (column && !is_name(column))
            return wrong(spec, COLUMNS[side], column, "a column's name");
        if (column)
            names[spec->stage.input_count++] = column->string;
        if (!take_number(spec, CONSTANTS[side], &numbers[side]))
            return false;
    }
    if (!spec->stage.input_count)
        return fail(spec->error, LATHE_INVALID_MODEL, "%s needs inputA, inputB or both", spec->who);
    spec->stage.inputs = names;
    spec->stage.of.binary.column_a = is_column[0];
    spec->stage.of.binary.column_b = is_column[1];
    spec->stage.of.binary.a = numbers[0];
    spec->stage.of.binary.b = numbers[1];
    spec->estimate.fitted = true;
    return take_outputs(spec, "outputCol", NULL) &&
           read_operation(spec, MATH_ADD, MATH_OPERATIONS, &spec->stage.of.binary.operation) &&
           add(spec);
}

/* What a map has besides its labels or keys. */
static bool take_map(struct spec *spec)
{
    spec->estimate.fitted = true;
    spec->stage.of.map.takes_missing = json_member(spec->object, "missingValue") != NULL;
    return take_inputs(spec, "inputCol", NULL) && take_outputs(spec, "outputCol", NULL) &&
           take_invalid(spec) && take_number(spec, "defaultValue", &spec->stage.of.map.otherwise) &&
           take_number(spec, "missingValue", &spec->stage.of.map.missing);
}

static bool read_string_map(struct spec *spec)
{
    const struct json *labels = json_member(spec->object, "labels");
    if (!take_map(spec))
        return false;
    if (!labels)
        return fail(spec->error, LATHE_INVALID_MODEL, "%s needs labels", spec->who);
    if (labels->kind != JSON_OBJECT)
        return wrong(spec, "labels", labels, "an object of numbers by text");
    struct labels *table = pipeline_labels(spec->side->pipeline);
    double *values = arena_take(pipeline_arena(spec->side->pipeline), labels->size, sizeof *values);
    if (!table || !values)
        return fail_memory(spec->error, "a feature pipeline");
    for (const struct json *label = labels->first; label; label = label->next) {
        int32_t index = labels_add(table, text_of(label->key, strlen(label->key)));
        if (index < 0)
            return fail_memory(spec->error, "a feature pipeline");
        if (!number_of(label, &values[index]))
            return wrong(spec, "labels", label, "an object of numbers by text");
    }
    spec->stage.of.map.labels = table;
    spec->stage.of.map.values = values;
    spec->stage.of.map.count = labels_count(table);
    return add(spec);
}

static bool take_list(struct spec *spec, const char *parameter, const double **numbers,
                      size_t *count)
{
    const struct json *list = json_member(spec->object, parameter);
    if (!list)
        return fail(spec->error, LATHE_INVALID_MODEL, "%s needs %s", spec->who, parameter);
    if (list->kind != JSON_ARRAY)
        return wrong(spec, parameter, list, "a list of numbers");
    double *values = arena_take(pipeline_arena(spec->side->pipeline), list->size, sizeof *values);
    if (!values)
        return fail_memory(spec->error, "a feature pipeline");
    *count = 0;
    for (const struct json *number = list->first; number; number = number->next)
        if (!number_of(number, &values[(*count)++]))
            return wrong(spec, parameter, number, "a list of numbers");
    *numbers = values;
    return true;
}

static bool read_number_map(struct spec *spec)
{
    size_t values;
    if (!take_map(spec) ||
        !take_list(spec, "keys", &spec->stage.of.map.keys, &spec->stage.of.map.count) ||
        !take_list(spec, "values", &spec->stage.of.map.values, &values))
        return false;
    if (values == spec->stage.of.map.count)
        return add(spec);
    return fail(spec->error, LATHE_INVALID_MODEL,
                "%s has %zu keys and %zu values, and needs one for each", spec->who,
                spec->stage.of.map.count, values);
}

/* ---- of a vector ---- */

static bool take_vector(struct spec *spec)
{
    spec->stage.width = ANY_WIDTH;
    return take_inputs(spec, "inputCol", NULL) && take_outputs(spec, "outputCol", NULL);
}

static bool take_whole(struct spec *spec, const char *parameter, size_t most, size_t *number)
{
    const struct json *found = json_member(spec->object, parameter);
    if (!found)
        return true;
    if (found->kind != JSON_NUMBER || found->number != floor(found->number) ||
        !(found->number >= 1 && found->number <= (double)most))
        return wrong(spec, parameter, found, "a whole number above 0 that is not too large");
    *number = (size_t)found->number;
    return true;
}

static bool take_part(struct spec *spec, const char *parameter, double *part)
{
    if (!take_number(spec, parameter, part))
        return false;
    return (*part >= 0 && *part <= 1) ||
           fail(spec->error, LATHE_INVALID_MODEL, "%s: %s is %g, and must be from 0 to 1",
                spec->who, parameter, *part);
}

/* Spark's model of it shifts and scales as a StandardScaler's does, by the median and the range. */
static bool read_robust(struct spec *spec)
{
    struct estimate *estimate = &spec->estimate;
    estimate->quantiles = true;
    estimate->with_std = true;
    estimate->relative_error = 0.001;
    estimate->lower = 0.25;
    estimate->upper = 0.75;
    if (!take_inputs(spec, "inputCol", NULL) || !take_outputs(spec, "outputCol", NULL) ||
        !take_bool(spec, "withCentering", &estimate->with_mean) ||
        !take_bool(spec, "withScaling", &estimate->with_std) ||
        !take_part(spec, "lower", &estimate->lower) ||
        !take_part(spec, "upper", &estimate->upper) ||
        !take_part(spec, "relativeError", &estimate->relative_error))
        return false;
    if (estimate->lower < estimate->upper)
        return add(spec);
    return fail(spec->error, LATHE_INVALID_MODEL, "%s: lower is %g, and must be below upper, %g",
                spec->who, estimate->lower, estimate->upper);
}

static bool read_max_abs(struct spec *spec)
{
    return take_vector(spec) && add(spec);
}

static bool read_normalizer(struct spec *spec)
{
    spec->stage.of.normalizer.p = 2;
    spec->estimate.fitted = true;
    return take_vector(spec) && take_number(spec, "p", &spec->stage.of.normalizer.p) && add(spec);
}

static bool read_elementwise(struct spec *spec)
{
    spec->estimate.fitted = true;
    return take_vector(spec) &&
           take_list(spec, "scalingVec", &spec->stage.of.scale.values, &spec->stage.width) &&
           add(spec);
}

static bool read_expansion(struct spec *spec)
{
    spec->stage.of.expansion.degree = 2;
    spec->estimate.fitted = true;
    return take_vector(spec) && take_whole(spec, "degree", 64, &spec->stage.of.expansion.degree) &&
           add(spec);
}

static bool read_slicer(struct spec *spec)
{
    const double *numbers;
    size_t count;
    spec->estimate.fitted = true;
    if (!take_vector(spec) || !take_list(spec, "indices", &numbers, &count))
        return false;
    size_t *indices = arena_take(pipeline_arena(spec->side->pipeline), count, sizeof *indices);
    if (!indices)
        return fail_memory(spec->error, "a feature pipeline");
    for (size_t i = 0; i < count; i++) {
        if (!(numbers[i] >= 0 && numbers[i] < BUILD_WIDTH) || numbers[i] != floor(numbers[i]))
            return fail(spec->error, LATHE_INVALID_MODEL,
                        "%s: an index is %g, and must be the number of an element, from 0",
                        spec->who, numbers[i]);
        indices[i] = (size_t)numbers[i];
    }
    spec->stage.of.slicer.indices = indices;
    spec->stage.of.slicer.count = count;
    return add(spec);
}

/* ---- of columns ---- */

/* A list of a number a column, or one number for all. */
static bool take_thresholds(struct spec *spec)
{
    size_t count = spec->stage.input_count, given = count;
    double *one = arena_take(pipeline_arena(spec->side->pipeline), count, sizeof *one);
    spec->stage.of.binarizer.thresholds = one;
    if (!one)
        return fail_memory(spec->error, "a feature pipeline");
    if (!take_number(spec, "threshold", &one[0]))
        return false;
    for (size_t i = 1; i < count; i++)
        one[i] = one[0];
    if (json_member(spec->object, "thresholds") &&
        !take_list(spec, "thresholds", &spec->stage.of.binarizer.thresholds, &given))
        return false;
    return given == count || fail(spec->error, LATHE_INVALID_MODEL,
                                  "%s has %zu thresholds, and needs one for each of %zu columns",
                                  spec->who, given, count);
}

static bool read_binarizer(struct spec *spec)
{
    spec->estimate.fitted = true;
    if (!take_pairs(spec) || !take_thresholds(spec))
        return false;
    struct feature_shape *shapes =
        arena_take(pipeline_arena(spec->side->pipeline), spec->stage.input_count, sizeof *shapes);
    if (!shapes)
        return fail_memory(spec->error, "a feature pipeline");
    for (size_t i = 0; i < spec->stage.input_count; i++)
        shapes[i].width = 1;
    spec->stage.of.binarizer.shapes = shapes;
    return add(spec);
}

/* Spark's model of it is a Bucketizer. */
static bool read_discretizer(struct spec *spec)
{
    struct estimate *estimate = &spec->estimate;
    estimate->quantiles = true;
    estimate->relative_error = 0.001;
    estimate->buckets = 2;
    if (!take_pairs(spec) || !take_invalid(spec) ||
        !take_whole(spec, "numBuckets", BUILD_CATEGORIES, &estimate->buckets) ||
        !take_part(spec, "relativeError", &estimate->relative_error))
        return false;
    return estimate->buckets >= 2 ? add_each(spec, NULL)
                                  : fail(spec->error, LATHE_INVALID_MODEL,
                                         "%s: numBuckets is 1, and must be at least 2", spec->who);
}

static bool read_tokenizer(struct spec *spec)
{
    spec->estimate.fitted = true;
    return take_inputs(spec, "inputCol", NULL) && take_outputs(spec, "outputCol", NULL) &&
           add(spec);
}

static bool read_hashing(struct spec *spec)
{
    spec->estimate.fitted = true;
    spec->stage.of.hashing.width = 1 << 18;
    return take_inputs(spec, "inputCol", NULL) && take_outputs(spec, "outputCol", NULL) &&
           take_whole(spec, "numFeatures", BUILD_WIDTH, &spec->stage.of.hashing.width) &&
           take_bool(spec, "binary", &spec->stage.of.hashing.binary) && add(spec);
}

/* ---- types ---- */

/* The types: what they make, and what they take besides "type" and "uid". Those with a kind of
 * another name are estimators whose models Spark and MLeap have under that name. */
static const struct type {
    const char *name;
    enum feature_kind kind;
    bool (*read)(struct spec *);
    struct fit_parameter parameters[FIT_PARAMETERS];
} TYPES[] = {
    {"StringIndexer",
     FEATURE_STRING_INDEXER,
     read_indexer,
     {{"inputCol", "a column; or several in inputCols"},
      {"outputCol", "or outputCols"},
      {"inputCols", NULL},
      {"outputCols", NULL},
      {"handleInvalid", "error, skip or keep (error)"},
      {"stringOrderType", "frequencyDesc, frequencyAsc, alphabetDesc or "
                          "alphabetAsc (frequencyDesc)"}}},
    {"OneHotEncoder",
     FEATURE_ONE_HOT_ENCODER,
     read_one_hot,
     {{"inputCol", "a column; or several in inputCols"},
      {"outputCol", "or outputCols"},
      {"inputCols", NULL},
      {"outputCols", NULL},
      {"handleInvalid", "error or keep (error)"},
      {"dropLast", "true or false (true)"},
      {"categorySizes", "numbers of categories a column (learned)"}}},
    {"IndexToString",
     FEATURE_INDEX_TO_STRING,
     read_to_string,
     {{"inputCol", "a column"},
      {"outputCol", "a column"},
      {"labels", "a list of texts; or"},
      {"labelsFrom", "a column that a StringIndexer makes (inputCol)"}}},
    {"VectorAssembler",
     FEATURE_VECTOR_ASSEMBLER,
     read_assembler,
     {{"inputCols", "columns and vectors"},
      {"outputCol", "a vector"},
      {"handleInvalid", "error, skip or keep (error)"},
      {"exact", "true: -0.0 stays; false: it becomes 0.0 (false)"}}},
    {"StandardScaler",
     FEATURE_STANDARD_SCALER,
     read_standard,
     {{"inputCol", "a vector"},
      {"outputCol", "a vector"},
      {"withMean", "true or false (false)"},
      {"withStd", "true or false (true)"}}},
    {"MinMaxScaler",
     FEATURE_MIN_MAX_SCALER,
     read_min_max,
     {{"inputCol", "a vector"},
      {"outputCol", "a vector"},
      {"min", "a number (0)"},
      {"max", "a number (1)"}}},
    {"Imputer",
     FEATURE_IMPUTER,
     read_imputer,
     {{"inputCol", "a column; or several in inputCols"},
      {"outputCol", "or outputCols"},
      {"inputCols", NULL},
      {"outputCols", NULL},
      {"strategy", "mean, median or mode (mean)"},
      {"missingValue", "a number (NaN)"},
      {"surrogate", "what it becomes (learned)"},
      {"relativeError", "of a median, from 0 to 1 (0.001)"}}},
    {"Bucketizer",
     FEATURE_BUCKETIZER,
     read_bucketizer,
     {{"inputCol", "a column; or several in inputCols"},
      {"outputCol", "or outputCols"},
      {"inputCols", NULL},
      {"outputCols", NULL},
      {"splits", "a list of numbers; of several columns"},
      {"splitsArray", "a list of them a column"},
      {"handleInvalid", "error, skip or keep (error)"}}},
    {"MathUnary",
     FEATURE_MATH_UNARY,
     read_unary,
     {{"inputCol", "a column"}, {"outputCol", "a column"}, {"operation", NULL}}},
    {"MathBinary",
     FEATURE_MATH_BINARY,
     read_binary,
     {{"inputA", "a column; or"},
      {"da", "a number"},
      {"inputB", "a column; or"},
      {"db", "a number"},
      {"outputCol", "a column"},
      {"operation", NULL}}},
    {"StringMap",
     FEATURE_STRING_MAP,
     read_string_map,
     {{"inputCol", "a column"},
      {"outputCol", "a column"},
      {"labels", "an object of numbers by text"},
      {"handleInvalid", "error or keep (error)"},
      {"defaultValue", "of texts that are kept (0)"},
      {"missingValue", "of missing texts (they are invalid)"}}},
    {"NumberMap",
     FEATURE_NUMBER_MAP,
     read_number_map,
     {{"inputCol", "a column"},
      {"outputCol", "a column"},
      {"keys", "a list of numbers that grow"},
      {"values", "a list of as many"},
      {"handleInvalid", "error or keep (error)"},
      {"defaultValue", "of numbers that are kept (0)"},
      {"missingValue", "of missing numbers (they are invalid)"}}},
    {"RobustScaler",
     FEATURE_STANDARD_SCALER,
     read_robust,
     {{"inputCol", "a vector"},
      {"outputCol", "a vector"},
      {"withCentering", "true or false (false)"},
      {"withScaling", "true or false (true)"},
      {"lower", "a part of the ranks (0.25)"},
      {"upper", "a part of the ranks (0.75)"},
      {"relativeError", "of a rank, from 0 to 1 (0.001)"}}},
    {"MaxAbsScaler",
     FEATURE_MAX_ABS_SCALER,
     read_max_abs,
     {{"inputCol", "a vector"}, {"outputCol", "a vector"}}},
    {"Normalizer",
     FEATURE_NORMALIZER,
     read_normalizer,
     {{"inputCol", "a vector"},
      {"outputCol", "a vector"},
      {"p", "of the norm: 1 or more, or Infinity (2)"}}},
    {"Binarizer",
     FEATURE_BINARIZER,
     read_binarizer,
     {{"inputCol", "a column; or several in inputCols"},
      {"outputCol", "or outputCols"},
      {"inputCols", NULL},
      {"outputCols", NULL},
      {"threshold", "a number (0)"},
      {"thresholds", "a list of one number a column"}}},
    {"ElementwiseProduct",
     FEATURE_ELEMENTWISE_PRODUCT,
     read_elementwise,
     {{"inputCol", "a vector"},
      {"outputCol", "a vector"},
      {"scalingVec", "a list of one number an element"}}},
    {"PolynomialExpansion",
     FEATURE_POLYNOMIAL_EXPANSION,
     read_expansion,
     {{"inputCol", "a vector"}, {"outputCol", "a vector"}, {"degree", "a whole number (2)"}}},
    {"VectorSlicer",
     FEATURE_VECTOR_SLICER,
     read_slicer,
     {{"inputCol", "a vector"},
      {"outputCol", "a vector"},
      {"indices", "a list of elements, from 0"}}},
    {"QuantileDiscretizer",
     FEATURE_BUCKETIZER,
     read_discretizer,
     {{"inputCol", "a column; or several in inputCols"},
      {"outputCol", "or outputCols"},
      {"inputCols", NULL},
      {"outputCols", NULL},
      {"numBuckets", "a whole number (2)"},
      {"handleInvalid", "error, skip or keep (error)"},
      {"relativeError", "of a rank, from 0 to 1 (0.001)"}}},
    {"Tokenizer",
     FEATURE_TOKENIZER,
     read_tokenizer,
     {{"inputCol", "a column of texts"}, {"outputCol", "a list of words"}}},
    {"HashingTF",
     FEATURE_HASHING_TF,
     read_hashing,
     {{"inputCol", "a list of words"},
      {"outputCol", "a vector"},
      {"numFeatures", "its elements (262144)"},
      {"binary", "true or false (false)"}}},
};

enum { TYPE_COUNT = sizeof TYPES / sizeof *TYPES };

const char *fit_type(size_t index)
{
    return index < TYPE_COUNT ? TYPES[index].name : NULL;
}

const struct fit_parameter *fit_parameters(size_t index)
{
    return TYPES[index].parameters;
}

static bool take_kind(struct spec *spec, size_t number)
{
    const struct json *type = json_member(spec->object, "type");
    const char *words[TYPE_COUNT + 1] = {0};
    char advice[480];
    for (size_t i = 0; i < TYPE_COUNT; i++)
        words[i] = TYPES[i].name;
    if (!type || type->kind != JSON_STRING)
        return fail(spec->error, LATHE_INVALID_MODEL, "stage %zu: its type is %s, %s", number,
                    json_kind_text(type), advise("", words, advice, sizeof advice));
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (strcmp(words[i], type->string) == 0) {
            spec->type = &TYPES[i];
            spec->stage.kind = TYPES[i].kind;
            snprintf(spec->who, sizeof spec->who, "stage %zu (%s)", number, words[i]);
            return true;
        }
    return fail(spec->error, LATHE_UNSUPPORTED, "stage %zu: its type is \"%.60s\"; %s", number,
                type->string, advise(type->string, words, advice, sizeof advice));
}

static bool check_parameters(struct spec *spec)
{
    const char *words[FIT_PARAMETERS + 2] = {"type", "uid"};
    size_t count = 2;
    for (const struct fit_parameter *at = spec->type->parameters; at->name; at++)
        words[count++] = at->name;
    for (const struct json *member = spec->object->first; member; member = member->next) {
        bool known = false;
        for (size_t i = 0; i < count && !known; i++)
            known = strcmp(words[i], member->key) == 0;
        char advice[256];
        if (!known)
            return fail(spec->error, LATHE_INVALID_MODEL, "%s has no parameter \"%.60s\"; %s",
                        spec->who, member->key, advise(member->key, words, advice, sizeof advice));
    }
    const struct json *uid = json_member(spec->object, "uid");
    if (uid && !is_name(uid))
        return wrong(spec, "uid", uid, "a text");
    spec->stage.name = uid ? uid->string : NULL;
    return true;
}

bool fit_read_stages(struct fit_side *side, const struct json *list, struct lathe_error *error)
{
    size_t number = 1;
    for (const struct json *stage = list->first; stage; stage = stage->next, number++) {
        struct spec spec = {.side = side, .object = stage, .error = error};
        if (stage->kind != JSON_OBJECT)
            return fail(error, LATHE_INVALID_MODEL, "stage %zu is %s, and must be an object",
                        number, json_kind_text(stage));
        if (!take_kind(&spec, number) || !check_parameters(&spec) || !spec.type->read(&spec))
            return false;
    }
    return true;
}
