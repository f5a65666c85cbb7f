/* Opening artifacts and tying them together: what one answers has to be what the next one reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/model_inside.h"
#include "parse/fail.h"

#define TEXT(number) #number
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *lathe_version(void)
{
    return VERSION(LATHE_VERSION_MAJOR, LATHE_VERSION_MINOR, LATHE_VERSION_PATCH);
}

/* ---- artifacts ---- */

/* Which outcomes an ensemble votes on: those that are classes. */
static bool is_class(const char *objective)
{
    return strcmp(objective, "multi:softmax") == 0 || strcmp(objective, "binary:hinge") == 0;
}

static bool take_forests(struct part *part, const char *selection, struct lathe_error *error)
{
    const struct forest_info *info = forest_describe(part->forests[0]);
    part->inputs = info->features;
    part->answers = part->outputs = forest_answers(part->forests[0]);
    part->vote = is_class(info->objective);
    if (!category_codes_open(&part->categories, part->forests, part->forest_count, error))
        return false;
    if (!selection)
        return true;
    size_t classes = info->outputs > 1 ? info->outputs : 2;
    return selection_read(&part->selection, selection, info->objective, classes, error);
}

/* How many values come into the next part, as far as that is known before it is tied: 0 where it is
 * not. It tells which of a bundle's columns is its answer. */
static size_t width_expected(const struct part *next)
{
    return next && next->forests ? forest_describe(next->forests[0])->features : 0;
}

static bool tie_bundle(struct lathe_predictor *predictor, struct part *part,
                       const struct part *next, const char *schema, struct lathe_error *error)
{
    if (!schema)
        schema = pipeline_schema(part->pipeline);
    bool known = schema ? schema_read(&part->schema, schema, strlen(schema), part->pipeline,
                                      &predictor->arena, error)
                        : schema_of_pipeline(&part->schema, part->pipeline, NULL,
                                             width_expected(next), &predictor->arena, error);
    part->plan = known ? schema_plan(&part->schema, part->pipeline, error) : NULL;
    if (!part->plan)
        return false;
    size_t count;
    part->inputs = part->schema.width;
    part->outputs = plan_outputs(part->plan, &count)->width;
    return true;
}

/* What a part answers, as columns: texts come only from a bundle's single column. */
static bool answers_text(const struct part *part)
{
    size_t count;
    return part->pipeline && plan_outputs(part->plan, &count)->type == FEATURE_TEXT;
}

/* Numbers that come to where a schema says texts are taken as the container would write them: the
 * plan is made again for numbers. */
static bool retype(struct part *part, bool texts, struct lathe_error *error)
{
    bool changed = false;
    for (size_t i = 0; i < part->schema.count; i++) {
        struct schema_column *column = &part->schema.columns[i];
        if (texts != (column->type == SCHEMA_STRING)) {
            column->type = texts ? SCHEMA_STRING : SCHEMA_DOUBLE;
            changed = true;
        }
    }
    if (!changed)
        return true;
    plan_close(part->plan);
    part->plan = schema_plan(&part->schema, part->pipeline, error);
    return part->plan != NULL;
}

static bool check_fit(struct part *part, struct part *next, struct lathe_error *error)
{
    size_t width = part->selection.count ? part->selection.width : part->outputs;
    if (next->forests && answers_text(part))
        return fail(error, LATHE_INVALID_MODEL,
                    "%.100s answers texts, and the trees of %.100s read "
                    "numbers",
                    part->name, next->name);
    if (width != next->inputs)
        return fail(error, LATHE_INVALID_MODEL,
                    "%.100s answers %zu value%s a row, and %.100s reads %zu", part->name, width,
                    width == 1 ? "" : "s", next->name, next->inputs);
    return next->forests || retype(next, answers_text(part), error);
}

bool plan_narrow_for(struct plan *plan, const struct part *next, struct lathe_error *error)
{
    if (!next || !next->forests)
        return true;
    bool *asked = calloc(next->inputs + 1, sizeof *asked);
    if (!asked)
        return fail(error, LATHE_NO_MEMORY, "no memory for %zu features", next->inputs);
    for (size_t i = 0; i < next->inputs; i++)
        for (size_t k = 0; k < next->forest_count; k++)
            asked[i] = asked[i] || forest_asks(next->forests[k], i);
    plan_narrow(plan, asked);
    free(asked);
    return true;
}

static bool tie(struct lathe_predictor *predictor, const struct lathe_artifact *artifacts,
                struct lathe_error *error)
{
    for (size_t i = 0; i < predictor->part_count; i++) {
        struct part *part = &predictor->parts[i];
        struct part *next = i + 1 < predictor->part_count ? part + 1 : NULL;
        const struct lathe_artifact *artifact = &artifacts[i];
        const char *selection = artifact_setting(artifact, "SAGEMAKER_INFERENCE_OUTPUT");
        part->release = part->forests ? artifact_release(artifact) : NULL;
        if (part->release && !part->release->selects)
            selection = NULL;
        const char *schema = artifact_setting(artifact, "SAGEMAKER_SPARKML_SCHEMA");
        bool tied = part->pipeline ? tie_bundle(predictor, part, next, schema, error)
                                   : take_forests(part, selection, error);
        if (!tied)
            return fail_prefix(error, "%.200s: ", part->name);
        if (i && (!check_fit(part - 1, part, error) ||
                  (part[-1].plan && !plan_narrow_for(part[-1].plan, part, error))))
            return false;
    }
    return true;
}

/* ---- the columns of a row ---- */

static bool columns_of_schema(struct lathe_predictor *predictor)
{
    const struct part *first = &predictor->parts[0];
    predictor->column_count = first->schema.count;
    predictor->columns =
        arena_take(&predictor->arena, first->schema.count, sizeof *predictor->columns);
    for (size_t i = 0; predictor->columns && i < first->schema.count; i++) {
        const struct schema_column *column = &first->schema.columns[i];
        predictor->columns[i] = (struct lathe_column){column->name,  schema_type_name(column->type),
                                                      column->width, plan_reads(first->plan, i),
                                                      NULL,          0};
    }
    return predictor->columns;
}

/* The categories of a feature, as the texts that its column takes. */
static bool take_categories(struct lathe_predictor *predictor, struct lathe_column *column,
                            const struct kept_categories *kept)
{
    struct lathe_string *texts = arena_take(&predictor->arena, kept->count, sizeof *texts);
    for (size_t i = 0; texts && i < kept->count; i++) {
        size_t size = kept->starts[i + 1] - kept->starts[i];
        texts[i] = (struct lathe_string){kept->text + kept->starts[i], size};
    }
    column->categories = texts;
    column->category_count = kept->count;
    return texts;
}

static bool columns_of_forest(struct lathe_predictor *predictor)
{
    const struct part *first = &predictor->parts[0];
    const struct forest_info *info = forest_describe(first->forests[0]);
    bool taken = true;
    predictor->column_count = info->features;
    predictor->columns = arena_take(&predictor->arena, info->features, sizeof *predictor->columns);
    for (size_t i = 0; predictor->columns && taken && i < info->features; i++) {
        predictor->columns[i] = (struct lathe_column){
            info->feature_names ? info->feature_names[i] : NULL, "float", 1, true, NULL, 0};
        if (category_codes_of(first->categories, i))
            taken = take_categories(predictor, &predictor->columns[i], &info->categories[i]);
    }
    return predictor->columns && taken;
}

static bool describe(struct lathe_predictor *predictor, struct lathe_error *error)
{
    bool described =
        predictor->parts[0].pipeline ? columns_of_schema(predictor) : columns_of_forest(predictor);
    return described || fail_memory(error, "a predictor");
}

/* ---- opening ---- */

static void take_contents(struct lathe_predictor *predictor, const char *name,
                          struct contents *contents)
{
    struct part *part = &predictor->parts[predictor->part_count++];
    part->name = arena_copy(&predictor->arena, name, strlen(name));
    part->pipeline = contents->pipeline;
    part->forests = contents->forests;
    part->forest_count = contents->forest_count;
    if (!part->name)
        part->name = "an artifact";
}

static struct lathe_predictor *new_predictor(size_t count, struct lathe_error *error)
{
    if (count < 1 || count > MOST_PARTS) {
        fail(error, LATHE_UNSUPPORTED, "%zu artifacts were given; a predictor is made of 1 to %d",
             count, MOST_PARTS);
        return NULL;
    }
    struct lathe_predictor *predictor = calloc(1, sizeof *predictor);
    if (predictor)
        predictor->parts = calloc(count, sizeof *predictor->parts);
    if (predictor && predictor->parts)
        return predictor;
    free(predictor);
    fail_memory(error, "a predictor");
    return NULL;
}

/* Ties what has been read, or gives it back. */
static struct lathe_predictor *finish(struct lathe_predictor *predictor, bool read,
                                      const struct lathe_artifact *artifacts,
                                      struct lathe_error *error)
{
    if (read && tie(predictor, artifacts, error) && describe(predictor, error))
        return predictor;
    lathe_predictor_close(predictor);
    return NULL;
}

static bool is_ensemble(const struct lathe_artifact *artifact)
{
    const char *ensemble = artifact_setting(artifact, "SAGEMAKER_INFERENCE_ENSEMBLE");
    const struct xgboost_release *release = artifact_release(artifact);
    if (release && !release->ensembles)
        return false;
    return !ensemble || strcmp(ensemble, "true") == 0;
}

struct lathe_predictor *lathe_predictor_open(const struct lathe_artifact *artifacts, size_t count,
                                             struct lathe_error *error)
{
    struct lathe_predictor *predictor = new_predictor(count, error);
    bool read = predictor;
    for (size_t i = 0; read && i < count; i++) {
        struct contents contents;
        read = contents_read(&contents, &artifacts[i], is_ensemble(&artifacts[i]), error);
        if (read)
            take_contents(predictor, artifacts[i].name, &contents);
    }
    return finish(predictor, read, artifacts, error);
}

static bool read_file(const char *path, struct lathe_artifact *artifact, struct lathe_error *error)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail(error, LATHE_IO, "%s cannot be opened", path);
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    void *bytes = size >= 0 ? malloc((size_t)size + 1) : NULL;
    rewind(file);
    bool read = bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    if (!read) {
        free(bytes);
        return fail(error, LATHE_IO, "%s cannot be read", path);
    }
    *artifact = (struct lathe_artifact){.name = path, .bytes = bytes, .size = (size_t)size};
    return true;
}

static bool read_path(const char *path, struct contents *contents, struct lathe_error *error)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return contents_read_folder(contents, path, error);
    struct lathe_artifact artifact;
    if (!read_file(path, &artifact, error))
        return false;
    bool read = contents_read(contents, &artifact, true, error);
    free((void *)artifact.bytes);
    return read;
}

struct lathe_predictor *lathe_predictor_open_files(const char *const *paths, size_t count,
                                                   struct lathe_error *error)
{
    static const struct lathe_artifact no_settings[MOST_PARTS];
    struct lathe_predictor *predictor = new_predictor(count, error);
    bool read = predictor;
    for (size_t i = 0; read && i < count; i++) {
        struct contents contents;
        read = read_path(paths[i], &contents, error);
        if (read)
            take_contents(predictor, paths[i], &contents);
    }
    return finish(predictor, read, no_settings, error);
}

void lathe_predictor_close(struct lathe_predictor *predictor)
{
    if (!predictor)
        return;
    for (size_t i = 0; i < predictor->part_count; i++) {
        struct part *part = &predictor->parts[i];
        struct contents contents = {part->pipeline, part->forests, part->forest_count};
        plan_close(part->plan);
        contents_clear(&contents);
        category_codes_close(part->categories);
    }
    free(predictor->parts);
    arena_free(&predictor->arena);
    free(predictor);
}

/* ---- what a predictor is ---- */

static const struct part *last_part(const struct lathe_predictor *predictor)
{
    return &predictor->parts[predictor->part_count - 1];
}

const struct lathe_column *lathe_predictor_columns(const struct lathe_predictor *predictor,
                                                   size_t *count)
{
    *count = predictor->column_count;
    return predictor->columns;
}

size_t lathe_predictor_inputs(const struct lathe_predictor *predictor)
{
    return predictor->parts[0].inputs;
}

size_t lathe_predictor_outputs(const struct lathe_predictor *predictor)
{
    const struct part *last = last_part(predictor);
    return last->forests ? forest_describe(last->forests[0])->outputs : last->outputs;
}

const char *lathe_predictor_objective(const struct lathe_predictor *predictor)
{
    for (size_t i = predictor->part_count; i-- > 0;)
        if (predictor->parts[i].forests)
            return forest_describe(predictor->parts[i].forests[0])->objective;
    return NULL;
}

bool lathe_predictor_ends_in_bundle(const struct lathe_predictor *predictor)
{
    return last_part(predictor)->pipeline;
}

bool lathe_predictor_starts_with_bundle(const struct lathe_predictor *predictor)
{
    return predictor->parts[0].pipeline;
}
