#include "tree/forest.h"

#include "tree/forest_parts.h"

#include <stdlib.h>
#include <string.h>

/* UBJSON and JSON both begin with '{'; in JSON a blank, a key's quote or '}' follows, in UBJSON
 * the marker of a key's length. Anything else can only be the old binary form. */
static bool read_any(struct ensemble *ensemble, const unsigned char *bytes, size_t size,
                     struct lathe_error *error)
{
    size_t at = 0;
    while (at < size && bytes[at] && strchr(" \t\r\n", bytes[at]))
        at++;
    if (size == 0)
        return fail(error, LATHE_INVALID_MODEL, "the file is empty");
    if (at == size || bytes[at] != '{')
        return model_read_binary(ensemble, bytes, size, error);
    bool ubjson = at == 0 && size > 1 && bytes[1] && strchr("iUIlL$#N", bytes[1]);
    return model_read_document(ensemble, ubjson, bytes, size, error);
}

static void describe(struct forest *forest)
{
    const struct ensemble *ensemble = &forest->ensemble;
    forest->info = (struct forest_info){
        .features = ensemble->features,
        .outputs = ensemble->outputs,
        .trees = ensemble->tree_count,
        .nodes = ensemble->node_count,
        .depth = ensemble->depth,
        .booster = ensemble->booster,
        .objective = ensemble->objective->name,
        .base_margin = ensemble->base_margin,
        .feature_names = (const char *const *)ensemble->feature_names,
    };
}

struct forest *forest_open(const void *bytes, size_t size, struct lathe_error *error)
{
    /* the readers report through the caller's error, or through this one */
    struct lathe_error unseen;
    error = error ? error : &unseen;
    struct forest *forest = calloc(1, sizeof *forest);
    if (!forest) {
        fail(error, LATHE_NO_MEMORY, "no memory for a forest");
        return NULL;
    }
    if (!read_any(&forest->ensemble, bytes, size, error)) {
        if (error->code == LATHE_INVALID_DATA)
            error->code = LATHE_INVALID_MODEL;
        fail_prefix(error, "reading an XGBoost model: ");
        forest_close(forest);
        return NULL;
    }
    describe(forest);
    return forest;
}

void forest_close(struct forest *forest)
{
    if (!forest)
        return;
    ensemble_clear(&forest->ensemble);
    free(forest);
}

const struct forest_info *forest_describe(const struct forest *forest)
{
    return &forest->info;
}

bool forest_can(const struct forest *forest, enum forest_path path)
{
    (void)forest;
    return path == FOREST_BEST || path == FOREST_PLAIN;
}

void forest_margins(const struct forest *forest, enum forest_path path, const float *rows,
                    size_t count, size_t stride, float *out)
{
    (void)path;
    plain_margins(&forest->ensemble, rows, count, stride, out);
}

size_t forest_answers(const struct forest *forest)
{
    return forest->ensemble.objective->answer == ANSWER_CLASS ? 1 : forest->ensemble.outputs;
}

void forest_transform(const struct forest *forest, const float *margins, size_t count, float *out)
{
    objective_transform(forest->ensemble.objective, margins, count, forest->ensemble.outputs, out);
}
