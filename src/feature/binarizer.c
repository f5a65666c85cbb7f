/* Binarizer: 1 where a number is above a threshold, else 0, of columns and of vectors. */
#include "feature/kind.h"

static bool read_binarizer(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    bool several = json_member(node->attributes, "thresholds") != NULL;
    size_t count = 1;
    if (!node_shape(node, 0, node->inputs->size))
        return false;
    if (several)
        return node_numbers(node, "thresholds", &stage->of.binarizer.thresholds, &count) &&
               (count == stage->input_count ||
                node_needs(node, "thresholds", "one number a column")) &&
               node_shapes(node, "input_shapes_list", &stage->of.binarizer.shapes);
    double *threshold = arena_take(node->arena, 1, sizeof *threshold);
    stage->of.binarizer.thresholds = threshold;
    if (!threshold)
        return fail_memory(node->error, "a bundle");
    return node_number(node, "threshold", threshold) &&
           node_shapes(node, "input_shapes", &stage->of.binarizer.shapes);
}

static void write_binarizer(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    out_open(json, "input_shapes", '{');
    put_data_shape(json, "data_shape", stage->of.binarizer.shapes[column]);
    out_close(json, '}');
    put_number(json, "threshold", stage->of.binarizer.thresholds[column]);
}

static struct feature_column ask_binarizer(const struct feature_stage *stage, size_t i)
{
    struct feature_shape shape = stage->of.binarizer.shapes[i];
    return (struct feature_column){NULL, FEATURE_NUMBER, shape.vector, shape.width};
}

static struct feature_column make_binarizer(const struct feature_stage *stage, size_t i,
                                            size_t total)
{
    (void)total;
    return ask_binarizer(stage, i);
}

static bool step_binarizer(const struct work *work, const struct step *step)
{
    const struct feature_stage *stage = step->stage;
    size_t at = 0;
    for (size_t i = 0; i < stage->input_count; i++)
        for (size_t e = 0; e < stage->of.binarizer.shapes[i].width; e++, at++) {
            if (!is_asked(work, step->in[at]))
                continue;
            const double *in = numbers_in(work, step->in[at]);
            double *out = numbers_out(work, step->out[at]);
            for (size_t row = 0; row < work->rows; row++)
                out[row] = in[row] > stage->of.binarizer.thresholds[i];
        }
    return true;
}

const struct kind KIND_BINARIZER = {
    .name = "Binarizer",
    .op = "binarizer",
    .read = read_binarizer,
    .write = write_binarizer,
    .ask = ask_binarizer,
    .make = make_binarizer,
    .apply = step_binarizer,
    .by_element = true,
    .by_column = true,
    .plain = true,
};
