#include "model/ask.h"

#include "model/model_inside.h"
#include "parse/fail.h"

#include <stdlib.h>

size_t ask_part(const struct lathe_predictor *predictor)
{
    for (size_t i = predictor->part_count; i-- > 0;)
        if (predictor->parts[i].forests)
            return i;
    return predictor->part_count;
}

/* NULL where there is not just one. */
static const struct forest *forest_of(const struct lathe_predictor *predictor)
{
    size_t part = ask_part(predictor);
    bool one = part < predictor->part_count && predictor->parts[part].forest_count == 1;
    return one ? predictor->parts[part].forests[0] : NULL;
}

bool ask_can(const struct lathe_predictor *predictor, enum lathe_answer what,
             struct lathe_error *error)
{
    const struct forest *forest = forest_of(predictor);
    if (!forest)
        return fail(error, LATHE_UNSUPPORTED,
                    "only a single model of trees has margins, leaves and contributions");
    const struct forest_info *info = forest_describe(forest);
    if (what == LATHE_INTERACTIONS && !forest_interaction_values(forest))
        return fail(error, LATHE_LIMIT, "a row has too many interactions of %zu features",
                    info->features);
    return ask_width(predictor, what) || !info->trees ||
           fail(error, LATHE_UNSUPPORTED, "the objective %s tells no %s: ask for predictions",
                info->objective, what == LATHE_LABELS ? "classes" : "probabilities of classes");
}

size_t ask_width(const struct lathe_predictor *predictor, enum lathe_answer what)
{
    const struct forest *forest = forest_of(predictor);
    if (!forest)
        return 0;
    const struct forest_info *info = forest_describe(forest);
    switch (what) {
    case LATHE_LEAVES:
        return info->trees;
    case LATHE_CONTRIBUTIONS:
        return info->outputs * (info->features + 1);
    case LATHE_INTERACTIONS:
        return forest_interaction_values(forest);
    case LATHE_PROBABILITIES:
        return forest_probabilities(forest);
    case LATHE_LABELS:
        return forest_labels(forest);
    default:
        return info->outputs;
    }
}

size_t ask_batch(const struct lathe_predictor *predictor, enum lathe_answer what)
{
    enum { VALUES = 1 << 20, LEAST = 8 };
    size_t width = ask_width(predictor, what), fit = width ? VALUES / width : BATCH_ROWS;
    return fit < LEAST ? LEAST : fit > BATCH_ROWS ? BATCH_ROWS : fit;
}

static bool no_memory_for(size_t values, struct lathe_error *error)
{
    return fail(error, LATHE_NO_MEMORY, "no memory for answers of %zu values", values);
}

static bool ask_leaves(const struct forest *forest, const float *rows, size_t count, size_t stride,
                       float *out, struct lathe_error *error)
{
    size_t trees = forest_describe(forest)->trees;
    uint32_t *leaves = malloc((trees + 1) * sizeof *leaves);
    for (size_t row = 0; leaves && row < count; row++) {
        forest_leaves(forest, rows + row * stride, 1, stride, leaves);
        for (size_t i = 0; i < trees; i++)
            *out++ = (float)leaves[i];
    }
    free(leaves);
    return leaves || no_memory_for(trees, error);
}

/* What comes from margins. */
static bool ask_classes(const struct forest *forest, enum lathe_answer what, const float *rows,
                        size_t count, size_t stride, float *out, struct lathe_error *error)
{
    size_t values = count * forest_describe(forest)->outputs;
    float *margins = malloc((values + 1) * sizeof *margins);
    if (!margins)
        return no_memory_for(values, error);
    forest_margins(forest, rows, count, stride, margins);
    if (what == LATHE_LABELS)
        forest_label(forest, margins, count, out);
    else
        forest_tell(forest, margins, count, out);
    free(margins);
    return true;
}

bool ask_rows(const struct lathe_predictor *predictor, enum lathe_answer what, const float *rows,
              size_t count, size_t stride, float *out, struct lathe_error *error)
{
    const struct forest *forest = forest_of(predictor);
    switch (what) {
    case LATHE_LEAVES:
        return ask_leaves(forest, rows, count, stride, out, error);
    case LATHE_CONTRIBUTIONS:
        return forest_contributions(forest, rows, count, stride, out, error);
    case LATHE_INTERACTIONS:
        return forest_interactions(forest, rows, count, stride, out, error);
    case LATHE_PROBABILITIES:
    case LATHE_LABELS:
        return ask_classes(forest, what, rows, count, stride, out, error);
    default:
        forest_margins(forest, rows, count, stride, out);
        return true;
    }
}
