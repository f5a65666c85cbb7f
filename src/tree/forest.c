#include "tree/forest.h"

#include "parse/target.h"
#include "tree/forest_inside.h"
#include "tree/model_pickle.h"
#include "tree/xgboost_release.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* UBJSON and JSON both begin with '{'; in JSON a blank, a key's quote or '}' follows, in UBJSON
 * the marker of a key's length. Anything else can only be the old binary form. */
static bool read_plain(struct ensemble *ensemble, const unsigned char *bytes, size_t size,
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

/* What a release takes from a model that is not all of it. */
static int64_t limit_of(const struct forest *forest, const struct xgboost_release *release)
{
    bool stops = release && (forest->pickled || release->stops_early);
    return stops ? forest->ensemble.best_ntree_limit : 0;
}

/* Where a release starts its sums otherwise than XGBoost does today. */
static void set_base(struct ensemble *ensemble, const struct xgboost_release *release)
{
    bool raw = strcmp(ensemble->objective->name, "binary:logitraw") == 0;
    float score = ensemble->base_score, margin = score;
    if (release && release->raw_from_logit && raw && !ensemble->score_is_margin)
        margin = -logf(1.0f / score - 1.0f);
    else if (!release || !release->empty_from_score || !ensemble->unestimated)
        return;
    for (size_t i = 0; i < ensemble->outputs; i++)
        ensemble->base_margin[i] = margin;
}

/* A pickle's attributes are those of the Python object, not of the model in it. */
static bool read_pickled(struct forest *forest, const unsigned char *bytes, size_t size,
                         struct lathe_error *error)
{
    struct model_pickle pickle;
    if (!model_read_pickle(&pickle, bytes, size, error))
        return false;
    bool read = read_plain(&forest->ensemble, pickle.model, pickle.size, error);
    forest->ensemble.best_ntree_limit = pickle.best_ntree_limit;
    model_pickle_clear(&pickle);
    return read;
}

static bool read_any(struct forest *forest, const unsigned char *bytes, size_t size,
                     const struct xgboost_release *release, struct lathe_error *error)
{
    forest->pickled = model_is_pickle(bytes, size);
    bool read = forest->pickled ? read_pickled(forest, bytes, size, error)
                                : read_plain(&forest->ensemble, bytes, size, error);
    if (!read)
        return false;
    ensemble_cut(&forest->ensemble, limit_of(forest, release));
    set_base(&forest->ensemble, release);
    return true;
}

static void describe(struct forest *forest)
{
    const struct ensemble *ensemble = &forest->ensemble;
    assert(ensemble->objective); /* no model is read whose objective is not known */
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
        .categories = ensemble->kept_categories,
        .pickled = forest->pickled,
    };
}

static bool mark_asked(struct forest *forest, struct lathe_error *error)
{
    const struct ensemble *ensemble = &forest->ensemble;
    forest->asked = calloc(ensemble->features + 1, sizeof *forest->asked);
    if (!forest->asked)
        return fail(error, LATHE_NO_MEMORY, "no memory for %zu features", ensemble->features);
    if (ensemble->linear)
        memset(forest->asked, true, ensemble->features);
    for (size_t i = 0; i < ensemble->node_count; i++) {
        const struct tree_node *node = &ensemble->nodes[i];
        /* a leaf marks none that is a feature: a branch would be wrong half the time */
        forest->asked[node->left != NO_CHILD ? node->feature : ensemble->features] = true;
    }
    return true;
}

/* NULL: this CPU has not what the path needs, or it is the plain one. */
static const struct sliced_way *way_of(enum forest_path path)
{
    switch (path) {
    case FOREST_WORD:
        return &sliced_word;
#if TARGET_X86
    case FOREST_AVX2:
        return target_has_avx2() ? &sliced_avx2 : NULL;
    case FOREST_AVX512:
        return target_has_avx512() ? &sliced_avx512 : NULL;
#elif TARGET_NEON
    case FOREST_NEON:
        return &sliced_neon;
#endif
    default:
        return NULL;
    }
}

static const struct sliced_way *best_way(void)
{
    static const enum forest_path paths[] = {FOREST_NEON, FOREST_AVX512, FOREST_AVX2};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (way_of(paths[i]))
            return way_of(paths[i]);
    return way_of(FOREST_WORD);
}

/* The fast layout, where the forest is of a kind that has one. */
static bool make_layout(struct forest *forest, enum forest_path path, struct lathe_error *error)
{
    const struct sliced_way *way = path == FOREST_BEST ? best_way() : way_of(path);
    error->code = LATHE_OK;
    if (forest->ensemble.tree_count && way)
        forest->sliced = sliced_make(&forest->ensemble, way, error);
    forest->info.path = forest->sliced ? way->path : FOREST_PLAIN;
    return forest->sliced || error->code == LATHE_OK;
}

static struct forest *open_any(const void *bytes, size_t size,
                               const struct xgboost_release *release, enum forest_path path,
                               struct lathe_error *error)
{
    /* the readers report through the caller's error, or through this one */
    struct lathe_error unseen;
    error = error ? error : &unseen;
    struct forest *forest = calloc(1, sizeof *forest);
    if (!forest) {
        fail_memory(error, "a forest");
        return NULL;
    }
    if (!read_any(forest, bytes, size, release, error)) {
        if (error->code == LATHE_INVALID_DATA)
            error->code = LATHE_INVALID_MODEL;
        fail_prefix(error, "reading an XGBoost model: ");
        forest_close(forest);
        return NULL;
    }
    describe(forest);
    if (!mark_asked(forest, error) || !make_layout(forest, path, error)) {
        forest_close(forest);
        return NULL;
    }
    return forest;
}

struct forest *forest_open(const void *bytes, size_t size, struct lathe_error *error)
{
    return open_any(bytes, size, NULL, FOREST_BEST, error);
}

struct forest *forest_open_for(const void *bytes, size_t size,
                               const struct xgboost_release *release, struct lathe_error *error)
{
    return open_any(bytes, size, release, FOREST_BEST, error);
}

struct forest *forest_open_path(const void *bytes, size_t size, enum forest_path path,
                                struct lathe_error *error)
{
    if (path != FOREST_BEST && path != FOREST_PLAIN && !way_of(path)) {
        fail(error, LATHE_UNSUPPORTED, "this CPU has not what the path needs");
        return NULL;
    }
    return open_any(bytes, size, NULL, path, error);
}

void forest_close(struct forest *forest)
{
    if (!forest)
        return;
    ensemble_clear(&forest->ensemble);
    sliced_free(forest->sliced);
    free(forest->asked);
    free(forest);
}

const struct forest_info *forest_describe(const struct forest *forest)
{
    return &forest->info;
}

bool forest_asks(const struct forest *forest, size_t feature)
{
    return feature < forest->ensemble.features && forest->asked[feature];
}

static void margins_of(const struct forest *forest, const struct row_source *source, size_t first,
                       size_t count, float *out)
{
    const struct ensemble *ensemble = &forest->ensemble;
    if (!forest->sliced || !sliced_margins(forest->sliced, ensemble, source, first, count, out))
        plain_margins(ensemble, source, first, count, out);
}

size_t forest_few_rows(const struct forest *forest)
{
    return forest->sliced ? sliced_few_rows(forest->sliced) : 0;
}

void forest_margins(const struct forest *forest, const float *rows, size_t count, size_t stride,
                    float *out)
{
    const struct row_source source = {.rows = rows, .stride = stride};
    const struct ensemble *ensemble = &forest->ensemble;
    size_t done = 0;
    if (count < forest_few_rows(forest))
        while (done < count && sliced_row(forest->sliced, ensemble, rows + done * stride,
                                          out + done * ensemble->outputs))
            done++;
    if (done < count)
        margins_of(forest, &source, done, count - done, out + done * ensemble->outputs);
}

void forest_margins_columns(const struct forest *forest, const double *const *columns, size_t count,
                            float *out)
{
    margins_of(forest, &(struct row_source){.columns = columns}, 0, count, out);
}

size_t forest_answers(const struct forest *forest)
{
    return forest->ensemble.objective->answer == ANSWER_CLASS ? 1 : forest->ensemble.outputs;
}

void forest_transform(const struct forest *forest, const float *margins, size_t count, float *out)
{
    objective_transform(forest->ensemble.objective, margins, count, forest->ensemble.outputs, out);
}

size_t forest_labels(const struct forest *forest)
{
    return objective_labels(forest->ensemble.objective, forest->ensemble.outputs);
}

size_t forest_probabilities(const struct forest *forest)
{
    return objective_probabilities(forest->ensemble.objective, forest->ensemble.outputs);
}

void forest_label(const struct forest *forest, const float *margins, size_t count, float *out)
{
    objective_label(forest->ensemble.objective, margins, count, forest->ensemble.outputs, out);
}

void forest_tell(const struct forest *forest, const float *margins, size_t count, float *out)
{
    objective_tell(forest->ensemble.objective, margins, count, forest->ensemble.outputs, out);
}
