/* Fitting: which stages learn in which pass, and feeding them. */
#include "feature/fit_inside.h"

#include "feature/kind.h"

#include <stdlib.h>

enum {
    CHUNK = 2048,    /* rows at a time: their columns stay in the cache; or */
    BYTES = 64 << 20 /* as many as take no more than that */
};

static void side_clear(struct fit_side *side)
{
    for (size_t i = 0; i < side->count; i++)
        estimate_clear(&side->estimates[i]);
    free(side->estimates);
    pipeline_close(side->pipeline);
    *side = (struct fit_side){0};
}

static void pass_clear(struct fit *fit)
{
    plan_close(fit->plan);
    free(fit->types);
    free(fit->scratch);
    free(fit->values);
    fit->plan = NULL;
    fit->types = NULL;
    fit->scratch = NULL;
    fit->values = NULL;
    fit->passing = false;
}

void fit_close(struct fit *fit)
{
    if (!fit)
        return;
    pass_clear(fit);
    side_clear(&fit->stages);
    side_clear(&fit->after);
    free(fit->ready);
    free(fit->columns);
    free(fit);
}

static bool read_specification(struct fit *fit, const char *json, size_t size,
                               struct lathe_error *error)
{
    struct json *root = json_read(pipeline_arena(fit->stages.pipeline), json, size, error);
    if (!root)
        return fail_prefix(error, "a feature pipeline's specification: ");
    if (root->kind != JSON_OBJECT)
        return fail(error, LATHE_INVALID_MODEL,
                    "a feature pipeline's specification is %s, and must be an object with a list "
                    "of \"stages\"",
                    json_kind_text(root));
    for (const struct json *member = root->first; member; member = member->next) {
        bool stages = strcmp(member->key, "stages") == 0, after = strcmp(member->key, "after") == 0;
        if (strcmp(member->key, "schema") == 0 && member->kind == JSON_STRING) {
            pipeline_set_schema(fit->stages.pipeline, member->string);
            continue;
        }
        if (!stages && !after)
            return fail(error, LATHE_INVALID_MODEL,
                        "a feature pipeline's specification has no \"%.60s\": it has \"stages\" "
                        "and may have \"after\"",
                        member->key);
        if (member->kind != JSON_ARRAY)
            return fail(error, LATHE_INVALID_MODEL, "\"%s\" is %s, and must be a list of stages",
                        member->key, json_kind_text(member));
    }
    const struct json *stages = json_member(root, "stages"), *after = json_member(root, "after");
    if (!stages || !stages->size)
        return fail(error, LATHE_INVALID_MODEL,
                    "a feature pipeline's specification needs at least one stage in \"stages\"");
    fit->has_after = after != NULL;
    if (!fit_read_stages(&fit->stages, stages, error))
        return false;
    /* The names in the tree are the first pipeline's memory: the second reads its own. */
    if (!after)
        return true;
    root = json_read(pipeline_arena(fit->after.pipeline), json, size, error);
    return root && (fit_read_stages(&fit->after, json_member(root, "after"), error) ||
                    fail_prefix(error, "after the model: "));
}

struct fit *fit_open(const char *json, size_t size, struct lathe_error *error)
{
    struct fit *fit = calloc(1, sizeof *fit);
    if (fit) {
        fit->stages.pipeline = pipeline_new();
        fit->after.pipeline = pipeline_new();
    }
    if (!fit || !fit->stages.pipeline || !fit->after.pipeline) {
        fail_memory(error, "fitting a feature pipeline");
        fit_close(fit);
        return NULL;
    }
    if (!read_specification(fit, json, size, error)) {
        fit_close(fit);
        return NULL;
    }
    return fit;
}

const struct feature_column *fit_inputs(const struct fit *fit, size_t *count)
{
    return pipeline_inputs(fit->stages.pipeline, count);
}

/* ---- what can be learned without rows ---- */

/* The stage that makes the column; NULL: it comes from the rows. */
static const struct feature_stage *maker_of(const struct fit_side *side, const char *column,
                                            size_t *index, size_t *output)
{
    size_t count;
    const struct feature_stage *stages = pipeline_stages(side->pipeline, &count);
    for (*index = 0; *index < count; ++*index)
        for (*output = 0; *output < stages[*index].output_count; ++*output)
            if (strcmp(stages[*index].outputs[*output], column) == 0)
                return &stages[*index];
    return NULL;
}

/* How many categories Spark's column metadata gives a column: those of a StringIndexer, with one
 * for what is invalid, and the buckets of a Bucketizer. *known is false where the stage that makes
 * the column has yet to learn them; 0: the rows must tell. */
static size_t categories_of(const struct fit_side *side, const char *column, bool *known)
{
    size_t index, output;
    const struct feature_stage *stage = maker_of(side, column, &index, &output);
    *known = !stage || side->estimates[index].fitted;
    if (!stage || !*known)
        return 0;
    if (stage->kind == FEATURE_BUCKETIZER)
        return stage->of.bucketizer.count - 1;
    if (stage->kind == FEATURE_STRING_INDEXER)
        return labels_count(stage->of.indexer.labels[output]) + (stage->invalid == FEATURE_KEEP);
    return 0;
}

static bool settle_one_hot(struct fit_side *side, size_t index, struct lathe_error *error)
{
    struct feature_stage *stage = pipeline_stage(side->pipeline, index);
    int32_t *categories =
        arena_take(pipeline_arena(side->pipeline), stage->input_count, sizeof *categories);
    if (!categories)
        return fail_memory(error, "fitting a feature pipeline");
    bool all = true;
    for (size_t i = 0; i < stage->input_count; i++) {
        bool known;
        size_t count = categories_of(side, stage->inputs[i], &known);
        char text[STAGE_TEXT];
        if (count > BUILD_CATEGORIES)
            return fail(error, LATHE_LIMIT,
                        "%s: column '%.80s' has %zu categories, and at most %d are taken",
                        stage_text(stage, index, text), stage->inputs[i], count, BUILD_CATEGORIES);
        categories[i] = (int32_t)count;
        all = all && known && count;
    }
    stage->of.one_hot.categories = categories;
    side->estimates[index].fitted = all;
    return true;
}

/* The labels of a column, as Spark's metadata has them; NULL where it has none. */
static const struct labels *column_labels(const struct feature_stage *maker, size_t output,
                                          struct pipeline *owner)
{
    struct labels *labels = pipeline_labels(owner);
    bool added = labels != NULL;
    if (maker->kind == FEATURE_STRING_INDEXER) {
        const struct labels *from = maker->of.indexer.labels[output];
        for (size_t i = 0; added && i < labels_count(from); i++)
            added = labels_add(labels, labels_text(from, i)) >= 0;
        if (added && maker->invalid == FEATURE_KEEP)
            added = labels_add(labels, text_of("__unknown", 9)) >= 0;
    }
    for (size_t i = 0;
         added && maker->kind == FEATURE_BUCKETIZER && i + 1 < maker->of.bucketizer.count; i++) {
        char text[2 * TEXT_NUMBER + 2];
        size_t size = text_double(text, maker->of.bucketizer.splits[i]);
        memcpy(text + size, ", ", 2);
        size += 2;
        size += text_double(text + size, maker->of.bucketizer.splits[i + 1]);
        added = labels_add(labels, text_of(text, size)) >= 0;
    }
    return added ? labels : NULL;
}

/* An IndexToString of `side` takes its labels from a column of `from`. */
static bool settle_to_string(struct fit_side *side, size_t index, const struct fit_side *from,
                             struct lathe_error *error)
{
    struct feature_stage *stage = pipeline_stage(side->pipeline, index);
    const char *column = side->estimates[index].labels_from;
    size_t maker_index, output;
    const struct feature_stage *maker = maker_of(from, column, &maker_index, &output);
    char text[STAGE_TEXT];
    if (!maker || (maker->kind != FEATURE_STRING_INDEXER && maker->kind != FEATURE_BUCKETIZER))
        return fail(error, LATHE_INVALID_MODEL,
                    "%s: column '%.80s' has no labels, since no StringIndexer makes it; give "
                    "labels, or labelsFrom with a column that one makes",
                    stage_text(stage, index, text), column);
    if (!from->estimates[maker_index].fitted)
        return true;
    stage->of.to_string.labels = column_labels(maker, output, side->pipeline);
    side->estimates[index].fitted = stage->of.to_string.labels != NULL;
    return stage->of.to_string.labels || fail_memory(error, "fitting a feature pipeline");
}

static bool settle(struct fit *fit, struct lathe_error *error)
{
    for (size_t i = 0; i < fit->stages.count; i++) {
        const struct feature_stage *stage = pipeline_stage(fit->stages.pipeline, i);
        if (fit->stages.estimates[i].fitted)
            continue;
        if (stage->kind == FEATURE_ONE_HOT_ENCODER && !settle_one_hot(&fit->stages, i, error))
            return false;
        if (stage->kind == FEATURE_INDEX_TO_STRING &&
            !settle_to_string(&fit->stages, i, &fit->stages, error))
            return false;
    }
    for (size_t i = 0; i < fit->after.count; i++) {
        const struct feature_stage *stage = pipeline_stage(fit->after.pipeline, i);
        struct estimate *estimate = &fit->after.estimates[i];
        char text[STAGE_TEXT];
        if (!estimate->fitted && stage->kind != FEATURE_INDEX_TO_STRING)
            return fail(error, LATHE_UNSUPPORTED,
                        "after the model: %s has to learn from rows, and there are none: put it "
                        "before the model",
                        stage_text(stage, i, text));
        if (!estimate->fitted && !settle_to_string(&fit->after, i, &fit->stages, error))
            return fail_prefix(error, "after the model: ");
    }
    return true;
}

/* ---- passes ---- */

/* Whether the stage, while it is not fitted, learns from rows; an IndexToString waits for labels.
 */
static bool learns(const struct fit *fit, size_t index)
{
    return !fit->stages.estimates[index].fitted &&
           pipeline_stage(fit->stages.pipeline, index)->kind != FEATURE_INDEX_TO_STRING;
}

/* Which stages learn in this pass: those whose inputs are there, and before which no stage is
 * left that could skip rows and has yet to learn which. */
static bool choose(struct fit *fit, size_t *chosen)
{
    struct labels *there = labels_new();
    bool noted = there != NULL, in_doubt = false;
    *chosen = 0;
    for (size_t i = 0; noted && i < fit->column_count; i++)
        noted = labels_add(there, text_of(fit->columns[i].name, strlen(fit->columns[i].name))) >= 0;
    for (size_t s = 0; noted && s < fit->stages.count; s++) {
        const struct feature_stage *stage = pipeline_stage(fit->stages.pipeline, s);
        struct estimate *estimate = &fit->stages.estimates[s];
        bool inputs = true;
        for (size_t i = 0; i < stage->input_count && inputs; i++)
            inputs = labels_find(there, text_of(stage->inputs[i], strlen(stage->inputs[i]))) >= 0;
        fit->ready[s] = estimate->fitted;
        estimate->chosen = learns(fit, s) && inputs && !in_doubt;
        *chosen += estimate->chosen;
        in_doubt |= !estimate->fitted && stage_skips(stage);
        for (size_t o = 0; noted && inputs && estimate->fitted && o < stage->output_count; o++)
            noted = labels_add(there, text_of(stage->outputs[o], strlen(stage->outputs[o]))) >= 0;
    }
    labels_free(there);
    return noted;
}

/* Where each estimator finds its values among the outputs of the pass's plan. */
static bool place_values(struct fit *fit, struct lathe_error *error)
{
    size_t count, values = 0, output = 0;
    const struct feature_column *outputs = plan_outputs(fit->plan, &count);
    for (size_t i = 0; i < count; i++)
        values += outputs[i].width;
    fit->types = calloc(values + 1, sizeof *fit->types);
    if (!fit->types)
        return fail_memory(error, "fitting a feature pipeline");
    values = 0;
    for (size_t s = 0; s < fit->stages.count; s++) {
        struct estimate *estimate = &fit->stages.estimates[s];
        const struct feature_stage *stage = pipeline_stage(fit->stages.pipeline, s);
        if (!estimate->chosen)
            continue;
        estimate->first = values;
        for (size_t i = 0; i < stage->input_count; i++, output++) {
            bool scaler = stage_input(stage, i).vector;
            bool indexer = stage->kind == FEATURE_STRING_INDEXER;
            char text[STAGE_TEXT];
            stage_text(stage, s, text);
            if (outputs[output].vector != scaler)
                return fail(error, LATHE_INVALID_MODEL, "%s reads %s, and column '%.80s' is %s%s",
                            text, scaler ? "vectors" : "single values", outputs[output].name,
                            scaler ? "a single value" : "a vector",
                            scaler ? ": put a VectorAssembler before it" : "");
            if (!indexer && outputs[output].type == FEATURE_TEXT)
                return fail(error, LATHE_INVALID_MODEL,
                            "%s reads numbers, and column '%.80s' has texts", text,
                            outputs[output].name);
            for (size_t e = 0; e < outputs[output].width; e++)
                fit->types[values++] = outputs[output].type;
        }
        estimate->width = values - estimate->first;
        if (!estimate_begin(estimate, fit->stages.pipeline, s, error))
            return false;
    }
    return true;
}

static bool begin_pass(struct fit *fit, struct lathe_error *error)
{
    size_t chosen, wanted_count = 0, unfitted = 0, first = 0;
    if (!settle(fit, error))
        return false;
    for (size_t s = fit->stages.count; s-- > 0;)
        if (learns(fit, s)) {
            unfitted++;
            first = s;
        }
    if (!unfitted)
        return true;
    if (!choose(fit, &chosen))
        return fail_memory(error, "fitting a feature pipeline");
    /* The first unfitted stage has all before it at hand: if it cannot learn, a column is missing,
     * and asking for its inputs says which. */
    fit->stages.estimates[first].chosen = true;
    const char **wanted = NULL;
    size_t inputs = 0;
    for (size_t s = 0; s < fit->stages.count; s++)
        inputs += pipeline_stage(fit->stages.pipeline, s)->input_count;
    wanted = calloc(inputs + 1, sizeof *wanted);
    if (!wanted)
        return fail_memory(error, "fitting a feature pipeline");
    for (size_t s = 0; s < fit->stages.count; s++) {
        const struct feature_stage *stage = pipeline_stage(fit->stages.pipeline, s);
        for (size_t i = 0; i < stage->input_count && fit->stages.estimates[s].chosen; i++)
            wanted[wanted_count++] = stage->inputs[i];
    }
    fit->plan = plan_open_ready(fit->stages.pipeline, fit->ready, fit->columns, fit->column_count,
                                wanted, wanted_count, error);
    free(wanted);
    if (!fit->plan || !place_values(fit, error))
        return false;
    size_t values = 0;
    for (size_t i = 0; i < fit->column_count; i++)
        values += fit->columns[i].width;
    fit->chunk = BYTES / plan_scratch(fit->plan, 1);
    fit->chunk = fit->chunk > CHUNK ? CHUNK : fit->chunk ? fit->chunk : 1;
    fit->scratch = malloc(plan_scratch(fit->plan, fit->chunk));
    fit->values = calloc(values + 1, sizeof *fit->values);
    fit->passing = fit->scratch && fit->values;
    return fit->passing || fail_memory(error, "fitting a feature pipeline");
}

bool fit_start(struct fit *fit, const struct feature_column *columns, size_t count,
               struct lathe_error *error)
{
    if (!columns)
        columns = fit_inputs(fit, &count);
    fit->columns = calloc(count + 1, sizeof *columns);
    fit->ready = calloc(fit->stages.count + 1, sizeof *fit->ready);
    if (!fit->columns || !fit->ready)
        return fail_memory(error, "fitting a feature pipeline");
    memcpy(fit->columns, columns, count * sizeof *columns);
    fit->column_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *name = columns[i].name;
        fit->columns[i].name = arena_copy(pipeline_arena(fit->stages.pipeline), name, strlen(name));
        if (!fit->columns[i].name)
            return fail_memory(error, "fitting a feature pipeline");
    }
    fit->started = true;
    return begin_pass(fit, error);
}

bool fit_pass(const struct fit *fit)
{
    return fit->passing;
}

bool fit_reads(const struct fit *fit, size_t index)
{
    return fit->plan && plan_reads(fit->plan, index);
}

/* One chunk: the values from row `from` on. */
static bool add_chunk(struct fit *fit, const struct feature_batch *batch, size_t from, size_t rows,
                      struct lathe_error *error)
{
    size_t value = 0;
    for (size_t i = 0; i < fit->column_count; i++)
        for (size_t e = 0; e < fit->columns[i].width; e++, value++) {
            if (!plan_reads(fit->plan, i))
                continue;
            if (fit->columns[i].type == FEATURE_TEXT)
                fit->values[value].texts = batch->values[value].texts + from;
            else
                fit->values[value].numbers = batch->values[value].numbers + from;
        }
    struct feature_batch chunk = {.rows = rows,
                                  .first_row = batch->first_row + from,
                                  .numbers = batch->numbers ? batch->numbers + from : NULL,
                                  .values = fit->values};
    struct feature_result result;
    if (!plan_apply(fit->plan, &chunk, fit->scratch, &result, error))
        return false;
    for (size_t s = 0; s < fit->stages.count; s++) {
        struct estimate *estimate = &fit->stages.estimates[s];
        struct estimate_rows seen = {.stage = pipeline_stage(fit->stages.pipeline, s),
                                     .index = s,
                                     .rows = rows,
                                     .batch = &chunk,
                                     .values = result.values + estimate->first,
                                     .types = fit->types + estimate->first,
                                     .skipped = result.skipped};
        if (estimate->chosen && !estimate_add(estimate, &seen, error))
            return false;
    }
    return true;
}

bool fit_add(struct fit *fit, const struct feature_batch *batch, struct lathe_error *error)
{
    for (size_t from = 0; fit->passing && from < batch->rows; from += fit->chunk) {
        size_t rows = batch->rows - from < fit->chunk ? batch->rows - from : fit->chunk;
        if (!add_chunk(fit, batch, from, rows, error))
            return false;
    }
    return true;
}

bool fit_end_pass(struct fit *fit, struct lathe_error *error)
{
    for (size_t s = 0; s < fit->stages.count; s++) {
        struct estimate *estimate = &fit->stages.estimates[s];
        if (!estimate->chosen)
            continue;
        if (!estimate_end(estimate, fit->stages.pipeline, s, error))
            return false;
        estimate_clear(estimate);
        estimate->fitted = true;
    }
    pass_clear(fit);
    return begin_pass(fit, error);
}

/* ---- results ---- */

static struct pipeline *take(struct fit_side *side, const struct feature_column *columns,
                             size_t column_count, struct lathe_error *error)
{
    bool fitted = side->pipeline != NULL;
    for (size_t i = 0; i < side->count; i++)
        fitted = fitted && side->estimates[i].fitted;
    if (!fitted) {
        fail(error, LATHE_INVALID_MODEL, "the feature pipeline is not fitted");
        return NULL;
    }
    if (!pipeline_note_shapes(side->pipeline, columns, column_count, error))
        return NULL;
    struct pipeline *pipeline = side->pipeline;
    side->pipeline = NULL;
    side->count = 0;
    return pipeline;
}

struct pipeline *fit_take(struct fit *fit, struct lathe_error *error)
{
    return take(&fit->stages, fit->columns, fit->column_count, error);
}

struct pipeline *fit_take_after(struct fit *fit, struct lathe_error *error)
{
    return fit->has_after ? take(&fit->after, NULL, 0, error) : NULL;
}
