/* PolynomialExpansion: all products of up to `degree` elements of a vector, in Spark's order. */
#include "feature/kind.h"

enum { HIGHEST_DEGREE = 64 };

static bool read_expansion(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    stage->width = ANY_WIDTH;
    return node_shape(node, 1, 1) &&
           node_whole(node, "degree", 1, HIGHEST_DEGREE, &stage->of.expansion.degree) &&
           (!json_member(node->attributes, "input_size") ||
            node_whole(node, "input_size", 0, BUILD_WIDTH, &stage->width));
}

static void write_expansion(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    put_whole(json, "degree", "long", stage->of.expansion.degree);
    put_whole(json, "input_size", "long", stage->width);
}

static bool check_expansion(const struct feature_stage *stage, const char *who,
                            struct lathe_error *error)
{
    size_t degree = stage->of.expansion.degree;
    return (degree >= 1 && degree <= HIGHEST_DEGREE) ||
           fail(error, LATHE_INVALID_MODEL, "%s: degree is %zu, and must be from 1 to %d", who,
                degree, HIGHEST_DEGREE);
}

/* How many products of up to `degree` of `count` elements there are, the empty one included; more
 * than BUILD_WIDTH + 1 where they are too many. */
static size_t products(size_t count, size_t degree)
{
    size_t number = 1;
    for (size_t i = 1; i <= degree && number <= BUILD_WIDTH + 1; i++)
        number = number * (count + i) / i;
    return number;
}

static struct feature_column make_expansion(const struct feature_stage *stage, size_t i,
                                            size_t total)
{
    (void)i;
    size_t width = products(total < BUILD_WIDTH ? total : BUILD_WIDTH, stage->of.expansion.degree);
    return (struct feature_column){NULL, FEATURE_NUMBER, true, width - 1};
}

/* Spark multiplies on only while there is something to multiply: where a product is 0, all that it
 * is part of stays 0. */
static double product_of(double product, double factor)
{
    double value = product * factor;
    return product == 0 || value == 0 ? 0 : value;
}

static void multiply(const struct work *work, const struct step *step, size_t product,
                     size_t factor, size_t to)
{
    const double *in = numbers_in(work, step->in[factor]);
    const double *by = product ? numbers_out(work, step->out[product - 1]) : NULL;
    double *out = numbers_out(work, step->out[to - 1]);
    for (size_t row = 0; row < work->rows; row++)
        out[row] = product_of(by ? by[row] : 1, in[row]);
}

/* Makes the products of the one at `product` (0: the empty one, which is not kept) with up to
 * `degree` of the first `count` elements, which lie behind it. The highest element comes first, so
 * that the order of multiplication is Spark's; the recursion is as deep as the degree. */
static void expand(const struct work *work, const struct step *step, size_t count, size_t degree,
                   size_t product)
{
    for (size_t highest = 0; highest < count; highest++) {
        size_t to = product + products(highest, degree), from = product;
        for (size_t power = 1; power <= degree; power++) {
            multiply(work, step, from, highest, to);
            expand(work, step, highest, degree - power, to);
            from = to;
            to += products(highest, degree - power);
        }
    }
}

static bool step_expansion(const struct work *work, const struct step *step)
{
    expand(work, step, step->in_count, step->stage->of.expansion.degree, 0);
    return true;
}

const struct kind KIND_EXPANSION = {
    .name = "PolynomialExpansion",
    .op = "polynomial_expansion",
    .read = read_expansion,
    .write = write_expansion,
    .check = check_expansion,
    .ask = ask_vector,
    .make = make_expansion,
    .form = form_same,
    .apply = step_expansion,
};
