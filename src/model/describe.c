/* What a predictor is made of, as JSON. */
#include "feature/json.h"
#include "model/model_inside.h"
#include "parse/fail.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_COLUMNS = 1 << 20 }; /* of a description: above, a small file makes gigabytes of text */

static void put(struct json_out *out, const char *key, const char *text)
{
    if (text)
        out_text(out, key, text, strlen(text));
}

static void put_names(struct json_out *out, const char *key, const char *const *names, size_t count)
{
    out_open(out, key, '[');
    for (size_t i = 0; i < count; i++)
        put(out, NULL, names[i]);
    out_close(out, ']');
}

static void put_categories(struct json_out *out, const struct lathe_column *column)
{
    if (!column->categories)
        return;
    out_open(out, "categories", '[');
    for (size_t i = 0; i < column->category_count; i++)
        out_text(out, NULL, column->categories[i].bytes, column->categories[i].size);
    out_close(out, ']');
}

static void put_columns(struct json_out *out, const struct lathe_predictor *predictor)
{
    out_open(out, "columns", '[');
    for (size_t i = 0; i < predictor->column_count; i++) {
        const struct lathe_column *column = &predictor->columns[i];
        out_open(out, NULL, '{');
        put(out, "name", column->name);
        put(out, "type", column->type);
        out_integer(out, "width", (int64_t)column->width);
        out_bool(out, "used", column->used);
        put_categories(out, column);
        out_close(out, '}');
    }
    out_close(out, ']');
}

static void put_labels(struct json_out *out, const char *key, const struct labels *labels)
{
    out_open(out, key, '[');
    for (size_t i = 0; labels && i < labels_count(labels); i++)
        out_text(out, NULL, labels_text(labels, i).bytes, labels_text(labels, i).size);
    out_close(out, ']');
}

static void put_numbers(struct json_out *out, const char *key, const double *numbers, size_t count)
{
    out_open(out, key, '[');
    for (size_t i = 0; numbers && i < count; i++)
        out_number(out, NULL, numbers[i]);
    out_close(out, ']');
}

/* Class by class where there are more than two. */
static void put_linear(struct json_out *out, const struct feature_stage *stage)
{
    size_t classes = stage->of.linear.classes > 2 ? stage->of.linear.classes : 1;
    put_numbers(out, "coefficients", stage->of.linear.coefficients, classes * stage->width);
    put_numbers(out, "intercepts", stage->of.linear.intercepts, classes);
}

/* What was learnt, as far as it fits a page. */
static void put_parameters(struct json_out *out, const struct feature_stage *stage)
{
    switch (stage->kind) {
    case FEATURE_STRING_INDEXER:
        if (stage->input_count == 1)
            put_labels(out, "labels", stage->of.indexer.labels[0]);
        break;
    case FEATURE_INDEX_TO_STRING:
        put_labels(out, "labels", stage->of.to_string.labels);
        break;
    case FEATURE_BUCKETIZER:
        put_numbers(out, "splits", stage->of.bucketizer.splits, stage->of.bucketizer.count);
        break;
    case FEATURE_STANDARD_SCALER:
        put_numbers(out, "mean", stage->of.standard.mean, stage->of.standard.width);
        put_numbers(out, "std", stage->of.standard.std, stage->of.standard.width);
        break;
    case FEATURE_MIN_MAX_SCALER:
        put_numbers(out, "originalMin", stage->of.min_max.min, stage->of.min_max.width);
        put_numbers(out, "originalMax", stage->of.min_max.max, stage->of.min_max.width);
        break;
    case FEATURE_NUMBER_MAP:
        put_numbers(out, "keys", stage->of.map.keys, stage->of.map.count);
        put_numbers(out, "values", stage->of.map.values, stage->of.map.count);
        break;
    case FEATURE_IMPUTER:
        out_number(out, "surrogate", stage->of.imputer.surrogate);
        break;
    case FEATURE_MATH_UNARY:
        put(out, "operation", feature_operation_name(stage->of.unary.operation));
        break;
    case FEATURE_MATH_BINARY:
        put(out, "operation", feature_operation_name(stage->of.binary.operation));
        if (!stage->of.binary.column_a)
            out_number(out, "a", stage->of.binary.a);
        if (!stage->of.binary.column_b)
            out_number(out, "b", stage->of.binary.b);
        break;
    case FEATURE_MAX_ABS_SCALER:
    case FEATURE_ELEMENTWISE_PRODUCT:
    case FEATURE_IDF:
        put_numbers(out, "values", stage->of.scale.values, stage->width);
        break;
    case FEATURE_BINARIZER:
        put_numbers(out, "thresholds", stage->of.binarizer.thresholds, stage->input_count);
        break;
    case FEATURE_NORMALIZER:
        out_number(out, "p", stage->of.normalizer.p);
        break;
    case FEATURE_POLYNOMIAL_EXPANSION:
        out_integer(out, "degree", (int64_t)stage->of.expansion.degree);
        break;
    case FEATURE_HASHING_TF:
        out_integer(out, "numFeatures", (int64_t)stage->of.hashing.width);
        break;
    case FEATURE_LINEAR_REGRESSION:
    case FEATURE_LOGISTIC_REGRESSION:
        put_linear(out, stage);
        break;
    default:
        break;
    }
}

static void put_bundle(struct json_out *out, const struct part *part)
{
    size_t count, outputs;
    const struct feature_stage *stages = pipeline_stages(part->pipeline, &count);
    const struct feature_column *output = plan_outputs(part->plan, &outputs);
    put(out, "kind", "transformers");
    out_open(out, "stages", '[');
    for (size_t i = 0; i < count; i++) {
        out_open(out, NULL, '{');
        put(out, "name", stages[i].name);
        put(out, "type", feature_kind_name(stages[i].kind));
        put_names(out, "inputs", stages[i].inputs, stages[i].input_count);
        put_names(out, "outputs", stages[i].outputs, stages[i].output_count);
        put_parameters(out, &stages[i]);
        out_close(out, '}');
    }
    out_close(out, ']');
    put(out, "output", output->name);
    out_integer(out, "width", (int64_t)output->width);
}

/* The inputs of a VectorAssembler's output, element by element: names for features. */
static bool assembled_name(const struct part *bundle, size_t feature, char *out, size_t room)
{
    size_t count, outputs;
    const struct feature_stage *stages = pipeline_stages(bundle->pipeline, &count);
    const char *wanted = plan_outputs(bundle->plan, &outputs)->name;
    for (size_t s = 0; s < count; s++) {
        const struct feature_stage *stage = &stages[s];
        bool assembler = stage->kind == FEATURE_VECTOR_ASSEMBLER && stage->of.assembler.shapes;
        if (!assembler || strcmp(stage->outputs[0], wanted) != 0)
            continue;
        for (size_t i = 0; i < stage->input_count; i++) {
            size_t width = stage->of.assembler.shapes[i].width;
            if (feature < width) {
                if (width == 1)
                    snprintf(out, room, "%s", stage->inputs[i]);
                else
                    snprintf(out, room, "%s[%zu]", stage->inputs[i], feature);
                return true;
            }
            feature -= width;
        }
    }
    return false;
}

static void put_importance(struct json_out *out, const struct part *part, const struct part *before,
                           const float *importance)
{
    const struct forest_info *info = forest_describe(part->forests[0]);
    const float *weight = importance, *gain = weight + info->features,
                *cover = gain + info->features;
    out_open(out, "features", '[');
    for (size_t i = 0; i < info->features; i++) {
        char name[256];
        out_open(out, NULL, '{');
        if (info->feature_names)
            put(out, "name", info->feature_names[i]);
        else if (before && before->pipeline && assembled_name(before, i, name, sizeof name))
            put(out, "name", name);
        else if (snprintf(name, sizeof name, "f%zu", i) > 0)
            put(out, "name", name);
        out_number(out, "weight", (double)weight[i]);
        out_number(out, "total_gain", (double)gain[i]);
        out_number(out, "total_cover", (double)cover[i]);
        out_close(out, '}');
    }
    out_close(out, ']');
}

static bool put_trees(struct json_out *out, const struct part *part, const struct part *before)
{
    const struct forest_info *info = forest_describe(part->forests[0]);
    float *importance = calloc(3 * info->features + 1, sizeof *importance);
    if (!importance)
        return false;
    forest_importance(part->forests[0], importance, importance + info->features,
                      importance + 2 * info->features);
    put(out, "kind", "trees");
    put(out, "booster", info->booster);
    put(out, "objective", info->objective);
    out_integer(out, "models", (int64_t)part->forest_count);
    out_integer(out, "trees", (int64_t)info->trees);
    out_integer(out, "nodes", (int64_t)info->nodes);
    out_integer(out, "depth", (int64_t)info->depth);
    out_integer(out, "outputs", (int64_t)info->outputs);
    put_importance(out, part, before, importance);
    free(importance);
    return true;
}

bool lathe_describe(const struct lathe_predictor *predictor, struct lathe_text *text,
                    struct lathe_error *error)
{
    struct json_out out = {0};
    if (predictor->column_count > MOST_COLUMNS)
        return fail(error, LATHE_LIMIT, "%zu columns are described at most, found %zu",
                    (size_t)MOST_COLUMNS, predictor->column_count);
    out_open(&out, NULL, '{');
    put_columns(&out, predictor);
    out_open(&out, "parts", '[');
    bool described = true;
    for (size_t i = 0; i < predictor->part_count; i++) {
        const struct part *part = &predictor->parts[i];
        out_open(&out, NULL, '{');
        put(&out, "name", part->name);
        if (part->pipeline)
            put_bundle(&out, part);
        else
            described &= put_trees(&out, part, i ? part - 1 : NULL);
        out_close(&out, '}');
    }
    out_close(&out, ']');
    out_close(&out, '}');
    if (out.failed || !described) {
        free(out.bytes);
        return fail_memory(error, "a description");
    }
    lathe_text_clear(text);
    *text = (struct lathe_text){out.bytes, out.size, out.capacity};
    return true;
}
