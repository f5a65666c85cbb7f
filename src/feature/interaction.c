/* Interaction: the products of every element of each input with every element of the others, where
 * an element that is a category counts as one 0 or 1 a category. */
#include "feature/kind.h"

#include <stdio.h>

/* One input's elements: how many categories each has, 1 for a number. */
static bool read_categories(struct bundle_node *node, size_t input, size_t *categories)
{
    char name[40];
    const size_t *found;
    size_t count;
    snprintf(name, sizeof name, "num_features%zu", input);
    if (!node_indices(node, name, BUILD_CATEGORIES, &found, &count))
        return false;
    if (count != node->stage.of.interaction.shapes[input].width)
        return node_needs(node, name, "one number an element of the column");
    for (size_t e = 0; e < count; e++)
        categories[e] = found[e] ? found[e] : 1;
    return true;
}

static bool read_interaction(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    if (!node_shape(node, 0, 1) ||
        !node_shapes(node, "input_shapes", &stage->of.interaction.shapes))
        return false;
    size_t total = 0;
    for (size_t i = 0; i < stage->input_count; i++)
        total += stage->of.interaction.shapes[i].width;
    size_t *categories = arena_take(node->arena, total, sizeof *categories);
    stage->of.interaction.categories = categories;
    if (!categories)
        return fail_memory(node->error, "a bundle");
    for (size_t i = 0; i < stage->input_count; i++) {
        if (!read_categories(node, i, categories))
            return false;
        categories += stage->of.interaction.shapes[i].width;
    }
    return true;
}

static void write_interaction(struct json_out *json, const struct feature_stage *stage,
                              size_t column)
{
    (void)column;
    const size_t *categories = stage->of.interaction.categories;
    put_whole(json, "num_inputs", "int", stage->input_count);
    put_shapes(json, "input_shapes", stage->of.interaction.shapes, stage->input_count);
    for (size_t i = 0; i < stage->input_count; i++) {
        char name[40];
        snprintf(name, sizeof name, "num_features%zu", i);
        put_indices(json, name, "int", categories, stage->of.interaction.shapes[i].width);
        categories += stage->of.interaction.shapes[i].width;
    }
}

static struct feature_column ask_interaction(const struct feature_stage *stage, size_t i)
{
    struct feature_shape shape = stage->of.interaction.shapes[i];
    return (struct feature_column){NULL, FEATURE_NUMBER, shape.vector, shape.width};
}

/* How many elements input i makes. */
static size_t encoded(const struct feature_stage *stage, const size_t *categories, size_t i)
{
    size_t width = 0;
    for (size_t e = 0; e < stage->of.interaction.shapes[i].width; e++)
        width += categories[e];
    return width;
}

static struct feature_column make_interaction(const struct feature_stage *stage, size_t i,
                                              size_t total)
{
    (void)i;
    (void)total;
    size_t width = 1;
    const size_t *categories = stage->of.interaction.categories;
    for (size_t input = 0; input < stage->input_count; input++) {
        size_t own = encoded(stage, categories, input);
        width =
            own && width > 2 * (size_t)BUILD_WIDTH / own ? 2 * (size_t)BUILD_WIDTH : width * own;
        categories += stage->of.interaction.shapes[input].width;
    }
    return (struct feature_column){NULL, FEATURE_NUMBER, true, width};
}

static bool check_categories(const struct work *work, const struct step *step, size_t at,
                             const char *column)
{
    const double *in = numbers_in(work, step->in[at]);
    double count = (double)step->stage->of.interaction.categories[at];
    for (size_t row = 0; row < work->rows && count > 1; row++)
        if (!(in[row] >= 0 && in[row] < count && in[row] == (double)(size_t)in[row]) &&
            !is_skipped(work, row))
            return step_fail(work, step, row, column, "found %g, expected a category from 0 to %g",
                             in[row], count - 1);
    return true;
}

/* The element of an input that makes its `local`th, and which of its categories that is. */
struct factor {
    const double *in;
    size_t categories, category;
    bool vector;
};

static struct factor factor_of(const struct work *work, const struct step *step, size_t input,
                               size_t first, size_t local)
{
    const size_t *categories = step->stage->of.interaction.categories + first;
    size_t e = 0;
    for (; local >= categories[e]; e++)
        local -= categories[e];
    return (struct factor){numbers_in(work, step->in[first + e]), categories[e], local,
                           step->stage->of.interaction.shapes[input].vector};
}

static void join_number(struct factor factor, double *out, size_t rows)
{
    for (size_t row = 0; row < rows; row++)
        out[row] *= factor.in[row];
}

/* Spark looks at the non-zeros of vectors only, and makes nothing of the other categories: there
 * the product stays 0, whatever its other factors are. */
static void mask(struct factor factor, double *out, size_t rows)
{
    for (size_t row = 0; row < rows; row++) {
        double value = factor.in[row];
        bool there = !(factor.vector && value == 0) &&
                     (factor.categories == 1 || value == (double)factor.category);
        out[row] = there ? out[row] : 0;
    }
}

/* Element `element` of the output; the last input's elements are next to each other. */
static void interact(const struct work *work, const struct step *step, size_t element, bool masks)
{
    const struct feature_stage *stage = step->stage;
    double *out = numbers_out(work, step->out[element]);
    size_t first = step->in_count;
    for (size_t row = 0; row < work->rows && !masks; row++)
        out[row] = 1;
    for (size_t i = stage->input_count; i-- > 0;) {
        first -= stage->of.interaction.shapes[i].width;
        size_t own = encoded(stage, stage->of.interaction.categories + first, i);
        if (!own) /* then the output has no elements */
            return;
        struct factor factor = factor_of(work, step, i, first, element % own);
        if (masks)
            mask(factor, out, work->rows);
        else if (factor.categories == 1)
            join_number(factor, out, work->rows);
        element /= own;
    }
}

static bool step_interaction(const struct work *work, const struct step *step)
{
    const struct feature_stage *stage = step->stage;
    size_t at = 0;
    for (size_t i = 0; i < stage->input_count; i++)
        for (size_t e = 0; e < stage->of.interaction.shapes[i].width; e++, at++)
            if (!check_categories(work, step, at, stage->inputs[i]))
                return false;
    for (size_t element = 0; element < step->out_count; element++) {
        interact(work, step, element, false);
        interact(work, step, element, true);
    }
    return true;
}

static bool refuses_interaction(const struct feature_stage *stage)
{
    (void)stage;
    return true;
}

const struct kind KIND_INTERACTION = {
    .name = "Interaction",
    .op = "interaction",
    .read = read_interaction,
    .write = write_interaction,
    .ask = ask_interaction,
    .make = make_interaction,
    .apply = step_interaction,
    .refuses = refuses_interaction,
    .numbered = true,
};
