#include "tree/shap_inside.h"

#include "tree/forest_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_DEPTH = 1024,
    MOST_INTERACTIONS = 1 << 28, /* values of a row */
};

static size_t tables_of(const struct ensemble *ensemble)
{
    return ensemble->vector_leaves ? ensemble->outputs : 1;
}

/* What a subtree answers on average over the rows it was trained on. */
static double mean_of(const struct ensemble *ensemble, const struct tree *tree, int32_t number,
                      size_t k)
{
    const struct tree_node *node = &ensemble->nodes[tree->first + (size_t)number];
    if (node->left == NO_CHILD)
        return shap_leaf(ensemble, node, k);
    const float *cover = ensemble->cover + tree->first;
    double left = mean_of(ensemble, tree, node->left, k);
    double right = mean_of(ensemble, tree, node->right, k);
    double all = (double)cover[number];
    return all > 0 ? (left * (double)cover[node->left] + right * (double)cover[node->right]) / all
                   : (left + right) / 2;
}

/* The part that all rows share: base margins and the trees' means. */
static void common_part(const struct ensemble *ensemble, double *bias)
{
    for (size_t k = 0; k < ensemble->outputs; k++)
        bias[k] = (double)ensemble->base_margin[k];
    for (size_t t = 0; t < ensemble->tree_count; t++)
        for (size_t k = 0; k < tables_of(ensemble); k++)
            bias[ensemble->trees[t].output + k] += mean_of(ensemble, &ensemble->trees[t], 0, k);
}

static bool has_cover(const struct ensemble *ensemble)
{
    for (size_t i = 0; i < ensemble->node_count; i++)
        if (ensemble->cover[i] > 0)
            return true;
    return ensemble->node_count == ensemble->tree_count; /* lone leaves need none */
}

/* Gauss and Legendre's points from 0 to 1: the roots of a Legendre polynomial, by Newton's way from
 * a near guess; exact for polynomials of degree 2 count - 1. */
static void place_points(struct shap_points *points, size_t count)
{
    const double pi = 3.14159265358979323846;
    points->count = count;
    for (size_t i = 0; i < count; i++) {
        double x = cos(pi * ((double)i + 0.75) / ((double)count + 0.5)), slope = 1, step = 1;
        for (int turn = 0; turn < 100 && fabs(step) > 1e-16; turn++) {
            double p = 1, before = 0;
            for (size_t n = 1; n <= count; n++) {
                double next = ((double)(2 * n - 1) * x * p - (double)(n - 1) * before) / (double)n;
                before = p;
                p = next;
            }
            slope = (double)count * (x * p - before) / (x * x - 1);
            step = p / slope;
            x -= step;
        }
        points->at[i] = (1 + x) / 2;
        points->weight[i] = 1 / ((1 - x * x) * slope * slope);
        points->fails[i] = -2 / (1 - x);
    }
}

/* As many as a path of so many edges needs. */
static size_t points_of(const struct ensemble *ensemble, size_t depth)
{
    size_t features = depth < ensemble->features ? depth : ensemble->features;
    return features < 2 ? 1 : (features + 1) / 2;
}

/* What the rows of a call share. */
struct explaining {
    const struct forest *forest;
    struct shap_points points;
    struct shap_walk walk;
    double *bias;
    double *sums; /* outputs x features vectors */
    float *values;

    /* Of interactions: */
    struct shap_pairs pairs;
    uint32_t *places;
    double *pair_sums; /* outputs x pairs.features x pairs.features vectors */
};

static void *vectors(size_t count, size_t of)
{
    return aligned_alloc(64, (count + 1) * SHAP_ROWS * of / 64 * 64 + 64);
}

static bool make_explaining(struct explaining *explaining, struct lathe_error *error)
{
    const struct ensemble *ensemble = &explaining->forest->ensemble;
    size_t features = ensemble->features, most = points_of(ensemble, ensemble->depth);
    size_t room = (ensemble->depth + 2) * most;
    struct shap_points *points = &explaining->points;
    struct shap_walk *walk = &explaining->walk;
    points->at = malloc(3 * most * sizeof *points->at);
    explaining->bias = malloc(ensemble->outputs * sizeof *explaining->bias);
    explaining->sums = vectors(ensemble->outputs * features, sizeof(double));
    explaining->values = vectors(features, sizeof(float));
    walk->products = vectors(room, sizeof(double));
    walk->sums = vectors(room, sizeof(double));
    walk->latest = calloc(features + 1, sizeof *walk->latest);
    if (!points->at || !explaining->bias || !explaining->sums || !explaining->values ||
        !walk->products || !walk->sums || !walk->latest)
        return fail_memory(error, "contributions");
    points->weight = points->at + most;
    points->fails = points->weight + most;
    walk->ensemble = ensemble;
    walk->points = points;
    walk->values = explaining->values;
    common_part(ensemble, explaining->bias);
    return true;
}

/* Where among them each feature is that is asked about. */
static void place_features(struct explaining *explaining)
{
    struct shap_pairs *pairs = &explaining->pairs;
    for (size_t f = 0; f < explaining->forest->ensemble.features; f++)
        if (explaining->forest->asked[f])
            explaining->places[f] = (uint32_t)pairs->features++;
    pairs->places = explaining->places;
}

static bool make_pairs(struct explaining *explaining, struct lathe_error *error)
{
    const struct ensemble *ensemble = &explaining->forest->ensemble;
    struct shap_pairs *pairs = &explaining->pairs;
    size_t levels = ensemble->depth + 1;
    explaining->places = malloc((ensemble->features + 1) * sizeof *explaining->places);
    if (explaining->places)
        place_features(explaining);
    pairs->path = malloc(levels * sizeof *pairs->path);
    pairs->credits = vectors(levels * points_of(ensemble, ensemble->depth), sizeof(double));
    explaining->pair_sums =
        vectors(ensemble->outputs * pairs->features * pairs->features, sizeof(double));
    if (!explaining->places || !pairs->path || !pairs->credits || !explaining->pair_sums)
        return fail(error, LATHE_NO_MEMORY, "no memory for interactions of %zu features",
                    ensemble->features);
    explaining->walk.pairs = pairs;
    return true;
}

static void free_explaining(struct explaining *explaining)
{
    free(explaining->points.at);
    free(explaining->bias);
    free(explaining->sums);
    free(explaining->values);
    free(explaining->walk.products);
    free(explaining->walk.sums);
    free(explaining->walk.latest);
    free(explaining->pairs.path);
    free(explaining->pairs.credits);
    free(explaining->places);
    free(explaining->pair_sums);
}

static void walk_tree(const struct explaining *explaining)
{
    enum forest_path path = explaining->forest->info.path;
#if TARGET_X86
    if (path == FOREST_AVX512)
        shap_walk_avx512(&explaining->walk);
    else if (path == FOREST_AVX2)
        shap_walk_avx2(&explaining->walk);
    else
#endif
        shap_walk_word(&explaining->walk);
    (void)path;
}

/* Sums of nothing, and the rows' values: a lane without a row has the last one's. */
static void begin_rows(struct explaining *explaining, const float *rows, size_t count,
                       size_t stride)
{
    const struct ensemble *ensemble = &explaining->forest->ensemble;
    size_t features = ensemble->features, asked = explaining->pairs.features;
    memset(explaining->sums, 0, ensemble->outputs * features * SHAP_ROWS * sizeof(double));
    if (explaining->walk.pairs)
        memset(explaining->pair_sums, 0,
               ensemble->outputs * asked * asked * SHAP_ROWS * sizeof(double));
    for (size_t f = 0; f < features; f++)
        for (size_t r = 0; explaining->forest->asked[f] && r < SHAP_ROWS; r++)
            explaining->values[f * SHAP_ROWS + r] = rows[(r < count ? r : count - 1) * stride + f];
}

/* All trees for up to SHAP_ROWS rows. */
static void explain_rows(struct explaining *explaining, const float *rows, size_t count,
                         size_t stride)
{
    const struct ensemble *ensemble = &explaining->forest->ensemble;
    struct shap_walk *walk = &explaining->walk;
    size_t features = ensemble->features, asked = explaining->pairs.features;
    begin_rows(explaining, rows, count, stride);
    for (size_t t = 0; t < ensemble->tree_count; t++) {
        const struct tree *tree = &ensemble->trees[t];
        walk->nodes = ensemble->nodes + tree->first;
        walk->cover = ensemble->cover + tree->first;
        if (explaining->points.count != points_of(ensemble, tree->depth))
            place_points(&explaining->points, points_of(ensemble, tree->depth));
        for (size_t k = 0; k < tables_of(ensemble); k++) {
            walk->output = k;
            walk->out = explaining->sums + (tree->output + k) * features * SHAP_ROWS;
            if (walk->pairs)
                walk->pairs->out =
                    explaining->pair_sums + (tree->output + k) * asked * asked * SHAP_ROWS;
            walk_tree(explaining);
        }
    }
}

/* A row's contribution of a feature, or the bias, to an output. */
static double contribution(const struct explaining *explaining, const float *row, size_t lane,
                           size_t output, size_t f)
{
    const struct ensemble *ensemble = &explaining->forest->ensemble;
    size_t outputs = ensemble->outputs, features = ensemble->features;
    double weight = ensemble->linear ? (double)ensemble->linear[f * outputs + output] : 0.0;
    if (f == features)
        return explaining->bias[output] + weight;
    if (ensemble->linear)
        return row[f] == row[f] ? (double)row[f] * weight : 0.0;
    return explaining->sums[(output * features + f) * SHAP_ROWS + lane];
}

static void give_row(const struct explaining *explaining, const float *row, size_t lane, float *out)
{
    const struct ensemble *ensemble = &explaining->forest->ensemble;
    for (size_t k = 0; k < ensemble->outputs; k++)
        for (size_t f = 0; f <= ensemble->features; f++)
            *out++ = (float)contribution(explaining, row, lane, k, f);
}

/* A feature's interactions with all that are asked about; returns their sum. */
static double give_pairs(const struct explaining *explaining, size_t lane, const double *sums,
                         size_t f, float *out)
{
    const struct shap_pairs *pairs = &explaining->pairs;
    size_t place = pairs->places[f];
    double total = 0;
    for (size_t other = 0; other < explaining->forest->ensemble.features; other++) {
        if (other == f || !explaining->forest->asked[other])
            continue;
        /* either may be the one further down */
        size_t above = place * pairs->features + pairs->places[other];
        size_t below = pairs->places[other] * pairs->features + place;
        double both = (sums[above * SHAP_ROWS + lane] + sums[below * SHAP_ROWS + lane]) / 2;
        out[other] = (float)both;
        total += both;
    }
    return total;
}

/* What pairs have of it is taken off a feature's own part, which is on the diagonal. */
static void give_interactions(const struct explaining *explaining, const float *row, size_t lane,
                              float *out)
{
    const struct ensemble *ensemble = &explaining->forest->ensemble;
    size_t width = ensemble->features + 1, asked = explaining->pairs.features;
    memset(out, 0, ensemble->outputs * width * width * sizeof *out);
    for (size_t k = 0; k < ensemble->outputs; k++)
        for (size_t f = 0; f < width; f++, out += width) {
            double own = contribution(explaining, row, lane, k, f);
            if (!ensemble->linear && forest_asks(explaining->forest, f))
                own -= give_pairs(explaining, lane,
                                  explaining->pair_sums + k * asked * asked * SHAP_ROWS, f, out);
            out[f] = (float)own;
        }
}

static bool can_explain(const struct ensemble *ensemble, struct lathe_error *error)
{
    if (ensemble->depth > MOST_DEPTH)
        return fail(error, LATHE_LIMIT, "contributions of trees deeper than %d", MOST_DEPTH);
    if (ensemble->tree_count && !has_cover(ensemble))
        return fail(error, LATHE_UNSUPPORTED,
                    "contributions need each node's cover (sum_hessian), which this model lacks");
    return true;
}

/* `width` values a row, as `give` gives them. */
static void explain_all(struct explaining *explaining, const float *rows, size_t count,
                        size_t stride, size_t width,
                        void (*give)(const struct explaining *, const float *, size_t, float *),
                        float *out)
{
    for (size_t r = 0; r < count; r++) {
        if (r % SHAP_ROWS == 0)
            explain_rows(explaining, rows + r * stride,
                         count - r < SHAP_ROWS ? count - r : SHAP_ROWS, stride);
        give(explaining, rows + r * stride, r % SHAP_ROWS, out + r * width);
    }
}

bool forest_contributions(const struct forest *forest, const float *rows, size_t count,
                          size_t stride, float *out, struct lathe_error *error)
{
    const struct ensemble *ensemble = &forest->ensemble;
    if (!can_explain(ensemble, error))
        return false;
    struct explaining explaining = {.forest = forest};
    bool good = make_explaining(&explaining, error);
    if (good)
        explain_all(&explaining, rows, count, stride, ensemble->outputs * (ensemble->features + 1),
                    give_row, out);
    free_explaining(&explaining);
    return good;
}

size_t forest_interaction_values(const struct forest *forest)
{
    size_t width = forest->ensemble.features + 1, values;
    bool large = __builtin_mul_overflow(width, width, &values) ||
                 __builtin_mul_overflow(values, forest->ensemble.outputs, &values);
    return large || values > MOST_INTERACTIONS ? 0 : values;
}

bool forest_interactions(const struct forest *forest, const float *rows, size_t count,
                         size_t stride, float *out, struct lathe_error *error)
{
    size_t width = forest_interaction_values(forest);
    if (!can_explain(&forest->ensemble, error))
        return false;
    if (!width)
        return fail(error, LATHE_LIMIT,
                    "interactions of %zu features and %zu outputs are more than %d values a row",
                    forest->ensemble.features, forest->ensemble.outputs, MOST_INTERACTIONS);
    struct explaining explaining = {.forest = forest};
    bool good = make_explaining(&explaining, error) && make_pairs(&explaining, error);
    if (good)
        explain_all(&explaining, rows, count, stride, width, give_interactions, out);
    free_explaining(&explaining);
    return good;
}
