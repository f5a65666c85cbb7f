/* Transformers that multiply each element of a vector by a number of its own: MaxAbsScaler,
 * ElementwiseProduct, IDF. */
#include "feature/kind.h"

static bool read_scale(struct bundle_node *node, const char *name)
{
    return node_shape(node, 1, 1) &&
           node_numbers(node, name, &node->stage.of.scale.values, &node->stage.width);
}

static bool read_max_abs(struct bundle_node *node)
{
    return read_scale(node, "maxAbs");
}

static bool read_elementwise(struct bundle_node *node)
{
    return read_scale(node, "scaling_vec");
}

static bool read_idf(struct bundle_node *node)
{
    return read_scale(node, "idf");
}

static void write_max_abs(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    put_numbers(json, "maxAbs", "tensor", stage->of.scale.values, stage->width);
}

static void write_elementwise(struct json_out *json, const struct feature_stage *stage,
                              size_t column)
{
    (void)column;
    put_numbers(json, "scaling_vec", "tensor", stage->of.scale.values, stage->width);
}

static void write_idf(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    put_numbers(json, "idf", "tensor", stage->of.scale.values, stage->width);
}

double feature_scale(const struct feature_stage *stage, size_t i)
{
    double value = stage->of.scale.values[i];
    if (stage->kind != FEATURE_MAX_ABS_SCALER)
        return value;
    return value == 0 ? 1 : 1 / value;
}

static bool step_scale(const struct work *work, const struct step *step)
{
    for (size_t i = 0; i < step->in_count; i++) {
        if (!is_asked(work, step->in[i]))
            continue;
        const double *in = numbers_in(work, step->in[i]);
        double *out = numbers_out(work, step->out[i]), scale = feature_scale(step->stage, i);
        for (size_t row = 0; row < work->rows; row++)
            out[row] = in[row] * scale;
    }
    return true;
}

const struct kind KIND_MAX_ABS = {
    .name = "MaxAbsScaler",
    .op = "max_abs_scaler",
    .read = read_max_abs,
    .write = write_max_abs,
    .ask = ask_vector,
    .make = make_same,
    .form = form_same,
    .apply = step_scale,
    .by_element = true,
};

const struct kind KIND_ELEMENTWISE = {
    .name = "ElementwiseProduct",
    .op = "elementwise_product",
    .read = read_elementwise,
    .write = write_elementwise,
    .ask = ask_vector,
    .make = make_same,
    .form = form_same,
    .apply = step_scale,
    .by_element = true,
};

const struct kind KIND_IDF = {
    .name = "IDF",
    .op = "idf",
    .read = read_idf,
    .write = write_idf,
    .ask = ask_vector,
    .make = make_same,
    .form = form_same,
    .apply = step_scale,
    .by_element = true,
};
