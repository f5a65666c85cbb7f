/* Normalizer: a vector divided by its p-norm. */
#include "feature/kind.h"

#include <math.h>

static bool read_normalizer(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    stage->of.normalizer.p = 2;
    stage->width = ANY_WIDTH;
    if (!node_shape(node, 1, 1) || !node_number(node, "p_norm", &stage->of.normalizer.p))
        return false;
    if (isnan(stage->of.normalizer.p)) /* JSON has no infinity */
        stage->of.normalizer.p = INFINITY;
    return !json_member(node->attributes, "input_size") ||
           node_whole(node, "input_size", 0, BUILD_WIDTH, &stage->width);
}

static void write_normalizer(struct json_out *json, const struct feature_stage *stage,
                             size_t column)
{
    (void)column;
    put_number(json, "p_norm", stage->of.normalizer.p);
    put_whole(json, "input_size", "int", stage->width);
}

static bool check_normalizer(const struct feature_stage *stage, const char *who,
                             struct lathe_error *error)
{
    return stage->of.normalizer.p >= 1 ||
           fail(error, LATHE_INVALID_MODEL, "%s: p is %g, and must be at least 1", who,
                stage->of.normalizer.p);
}

/* What an element adds to the norm, before the root. */
static double joined(double p, double norm, double value)
{
    if (p == 1)
        return norm + fabs(value);
    if (p == 2)
        return norm + value * value;
    if (isinf(p))
        return fabs(value) > norm ? fabs(value) : norm;
    return norm + pow(fabs(value), p);
}

/* The norm of each row; in `out`, which is one of the columns that are made. */
static void add_norms(const struct work *work, const struct step *step, double *out)
{
    double p = step->stage->of.normalizer.p;
    memset(out, 0, work->rows * sizeof *out);
    for (size_t i = 0; i < step->in_count; i++) {
        const double *in = numbers_in(work, step->in[i]);
        for (size_t row = 0; row < work->rows; row++)
            out[row] = joined(p, out[row], in[row]);
    }
    for (size_t row = 0; row < work->rows && p != 1 && !isinf(p); row++)
        out[row] = p == 2 ? sqrt(out[row]) : pow(out[row], 1 / p);
}

static bool step_normalizer(const struct work *work, const struct step *step)
{
    if (!step->in_count)
        return true;
    size_t last = step->in_count - 1; /* where the norms are until it is made itself */
    double *norms = numbers_out(work, step->out[last]);
    add_norms(work, step, norms);
    for (size_t i = 0; i <= last; i++) {
        const double *in = numbers_in(work, step->in[i]);
        double *out = numbers_out(work, step->out[i]);
        for (size_t row = 0; row < work->rows; row++)
            out[row] = norms[row] != 0 ? in[row] / norms[row] : in[row];
    }
    return true;
}

const struct kind KIND_NORMALIZER = {
    .name = "Normalizer",
    .op = "normalizer",
    .read = read_normalizer,
    .write = write_normalizer,
    .check = check_normalizer,
    .ask = ask_vector,
    .make = make_same,
    .form = form_same,
    .apply = step_normalizer,
};
