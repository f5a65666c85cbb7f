#include "feature/kind.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What is known of a column by its name alone. */
struct known {
    size_t reader; /* the first stage that read it before it was made; SIZE_MAX: none */
    size_t maker;  /* the stage that makes it; SIZE_MAX: it comes from outside */
    size_t input;  /* its place among the inputs, where it comes from outside */
};

struct pipeline {
    struct arena arena;
    const char *name, *schema;
    struct feature_stage *stages;
    size_t count, capacity;
    struct labels **tables;
    size_t table_count, table_capacity;
    struct labels *names, *columns; /* of stages; of columns, each with its `known` */
    struct known *known;
    size_t known_capacity;
    struct feature_column *inputs;
    size_t input_count, input_capacity;
};

static const char *const OPERATIONS[MATH_OPERATIONS] = {
    "log",   "exp",  "sqrt",  "sin",   "cos",   "tan",  "abs",   "logit",
    "floor", "ceil", "round", "log1p", "expm1", "log2", "log10", "add",
    "sub",   "mul",  "div",   "rem",   "log_n", "pow",  "min",   "max"};

const char *feature_kind_name(enum feature_kind kind)
{
    return kind_of(kind)->name;
}

const char *feature_kind_op(enum feature_kind kind)
{
    return kind_of(kind)->op;
}

const char *feature_operation_name(enum feature_operation operation)
{
    return OPERATIONS[operation];
}

size_t feature_one_hot_width(const struct feature_stage *stage, size_t i)
{
    /* Spark: "keep" adds a category for what is invalid, dropLast takes the last one away. */
    size_t width = (size_t)stage->of.one_hot.categories[i] + (stage->invalid == FEATURE_KEEP);
    return width - (stage->of.one_hot.drop_last && width);
}

bool stage_skips(const struct feature_stage *stage)
{
    return stage->invalid == FEATURE_SKIP;
}

struct feature_column stage_input(const struct feature_stage *stage, size_t i)
{
    kind_ask *ask = kind_of(stage->kind)->ask;
    struct feature_column column = {NULL, FEATURE_NUMBER, false, 1};
    if (ask)
        column = ask(stage, i);
    column.name = stage->inputs[i];
    return column;
}

struct feature_column stage_output(const struct feature_stage *stage, size_t i, size_t total)
{
    kind_make *make = kind_of(stage->kind)->make;
    struct feature_column column = {NULL, FEATURE_NUMBER, false, 1};
    if (make)
        column = make(stage, i, total);
    column.name = stage->outputs[i];
    return column;
}

const char *stage_text(const struct feature_stage *stage, size_t index, char out[STAGE_TEXT])
{
    const char *column = stage->input_count ? stage->inputs[0] : stage->outputs[0];
    snprintf(out, STAGE_TEXT, "stage %zu (%s of '%.80s'%s)", index + 1,
             feature_kind_name(stage->kind), column, stage->input_count > 1 ? " and others" : "");
    return out;
}

struct pipeline *pipeline_new(void)
{
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline)
        return NULL;
    pipeline->name = "pipeline";
    pipeline->names = labels_new();
    pipeline->columns = labels_new();
    if (!pipeline->names || !pipeline->columns) {
        pipeline_close(pipeline);
        return NULL;
    }
    return pipeline;
}

void pipeline_close(struct pipeline *pipeline)
{
    if (!pipeline)
        return;
    for (size_t i = 0; i < pipeline->table_count; i++)
        labels_free(pipeline->tables[i]);
    free(pipeline->tables);
    labels_free(pipeline->names);
    labels_free(pipeline->columns);
    free(pipeline->known);
    free(pipeline->inputs);
    free(pipeline->stages);
    arena_free(&pipeline->arena);
    free(pipeline);
}

struct arena *pipeline_arena(struct pipeline *pipeline)
{
    return &pipeline->arena;
}

const char *pipeline_name(const struct pipeline *pipeline)
{
    return pipeline->name;
}

void pipeline_rename(struct pipeline *pipeline, const char *name)
{
    pipeline->name = name;
}

const char *pipeline_schema(const struct pipeline *pipeline)
{
    return pipeline->schema;
}

void pipeline_set_schema(struct pipeline *pipeline, const char *schema)
{
    pipeline->schema = schema;
}

const struct feature_stage *pipeline_stages(const struct pipeline *pipeline, size_t *count)
{
    *count = pipeline->count;
    return pipeline->stages;
}

struct feature_stage *pipeline_stage(struct pipeline *pipeline, size_t index)
{
    return &pipeline->stages[index];
}

const struct feature_column *pipeline_inputs(const struct pipeline *pipeline, size_t *count)
{
    *count = pipeline->input_count;
    return pipeline->inputs;
}

/* Room for one more element. */
static bool grow(void **array, size_t count, size_t *capacity, size_t element)
{
    if (count < *capacity)
        return true;
    size_t next = *capacity ? *capacity * 2 : 16;
    void *larger = realloc(*array, next * element);
    if (!larger)
        return false;
    *array = larger;
    *capacity = next;
    return true;
}

struct labels *pipeline_labels(struct pipeline *pipeline)
{
    if (!grow((void **)&pipeline->tables, pipeline->table_count, &pipeline->table_capacity,
              sizeof *pipeline->tables))
        return NULL;
    struct labels *labels = labels_new();
    if (labels)
        pipeline->tables[pipeline->table_count++] = labels;
    return labels;
}

static struct csv_text name_text(const char *name)
{
    return text_of(name, strlen(name));
}

static struct known *known_find(const struct pipeline *pipeline, const char *column)
{
    int32_t index = labels_find(pipeline->columns, name_text(column));
    return index < 0 ? NULL : &pipeline->known[index];
}

static struct known *known_add(struct pipeline *pipeline, const char *column)
{
    if (!grow((void **)&pipeline->known, labels_count(pipeline->columns), &pipeline->known_capacity,
              sizeof *pipeline->known))
        return NULL;
    int32_t index = labels_add(pipeline->columns, name_text(column));
    if (index < 0 || !pipeline->known)
        return NULL;
    pipeline->known[index] = (struct known){.reader = SIZE_MAX, .maker = SIZE_MAX};
    return &pipeline->known[index];
}

/* Takes note of a column that a stage reads and that no stage before it makes. */
static bool read_input(struct pipeline *pipeline, const struct feature_stage *stage, size_t i)
{
    struct feature_column column = stage_input(stage, i);
    if (column.width == ANY_WIDTH)
        column.width = 1;
    if (column.type == FEATURE_WORDS) /* no row brings such: the plan will say so */
        column.type = FEATURE_TEXT;
    struct known *known = known_find(pipeline, column.name);
    if (known && known->maker != SIZE_MAX)
        return true;
    if (known) {
        /* A StringIndexer can read numbers, the others no texts. */
        if (column.type == FEATURE_NUMBER)
            pipeline->inputs[known->input] = column;
        return true;
    }
    if (!grow((void **)&pipeline->inputs, pipeline->input_count, &pipeline->input_capacity,
              sizeof *pipeline->inputs))
        return false;
    known = known_add(pipeline, column.name);
    if (!known)
        return false;
    known->reader = pipeline->count;
    known->input = pipeline->input_count;
    pipeline->inputs[pipeline->input_count++] = column;
    return true;
}

static bool make_output(struct pipeline *pipeline, const struct feature_stage *stage, size_t i,
                        struct lathe_error *error)
{
    char text[STAGE_TEXT];
    const char *column = stage->outputs[i];
    const struct known *known = known_find(pipeline, column);
    if (known && known->maker != SIZE_MAX)
        return fail(error, LATHE_INVALID_MODEL,
                    "%s makes column '%.80s', which stage %zu makes already: give it another name",
                    stage_text(stage, pipeline->count, text), column, known->maker + 1);
    if (known)
        return fail(error, LATHE_INVALID_MODEL,
                    "%s makes column '%.80s', which stage %zu has already read: every stage must "
                    "come after those that make its inputs, and no column is made twice",
                    stage_text(stage, pipeline->count, text), column, known->reader + 1);
    struct known *made = known_add(pipeline, column);
    if (!made)
        return fail_memory(error, "a pipeline's columns");
    made->maker = pipeline->count;
    return true;
}

/* A name of its own: MLeap keeps every node in a folder of that name. */
static bool name_stage(struct pipeline *pipeline, struct feature_stage *stage,
                       struct lathe_error *error)
{
    for (size_t number = pipeline->count + 1; !stage->name; number++) {
        char name[64];
        int size = snprintf(name, sizeof name, "%s_%zu", feature_kind_op(stage->kind), number);
        if (labels_find(pipeline->names, text_of(name, (size_t)size)) >= 0)
            continue;
        stage->name = arena_copy(&pipeline->arena, name, (size_t)size);
        if (!stage->name)
            return fail_memory(error, "a stage's name");
    }
    size_t before = labels_count(pipeline->names);
    if (labels_add(pipeline->names, name_text(stage->name)) < 0)
        return fail_memory(error, "a stage's name");
    if (labels_count(pipeline->names) == before)
        return fail(error, LATHE_INVALID_MODEL, "two stages are named '%.100s'", stage->name);
    return true;
}

static bool check_stage(const struct feature_stage *stage, size_t index, struct lathe_error *error)
{
    char text[STAGE_TEXT];
    kind_check *check = kind_of(stage->kind)->check;
    return !check || check(stage, stage_text(stage, index, text), error);
}

bool pipeline_add(struct pipeline *pipeline, struct feature_stage stage, struct lathe_error *error)
{
    if (pipeline->count >= BUILD_STAGES)
        return fail(error, LATHE_LIMIT, "a pipeline has at most %d stages", BUILD_STAGES);
    if (!check_stage(&stage, pipeline->count, error))
        return false;
    if (!grow((void **)&pipeline->stages, pipeline->count, &pipeline->capacity,
              sizeof *pipeline->stages))
        return fail_memory(error, "a pipeline's stages");
    for (size_t i = 0; i < stage.input_count; i++)
        if (!read_input(pipeline, &stage, i))
            return fail_memory(error, "a pipeline's columns");
    for (size_t i = 0; i < stage.output_count; i++)
        if (!make_output(pipeline, &stage, i, error))
            return false;
    if (!name_stage(pipeline, &stage, error))
        return false;
    pipeline->stages[pipeline->count++] = stage;
    return true;
}

/* The shape of each known column, by its index; a column that is neither given nor made has none,
 * and counts as a scalar. */
static void shape_columns(struct pipeline *pipeline, struct feature_shape *shapes,
                          struct feature_shape *all)
{
    for (size_t s = 0; s < pipeline->count; s++) {
        const struct feature_stage *stage = &pipeline->stages[s];
        size_t total = 0;
        for (size_t i = 0; i < stage->input_count; i++) {
            struct feature_shape shape =
                shapes[labels_find(pipeline->columns, name_text(stage->inputs[i]))];
            *all++ = shape;
            total += shape.width;
        }
        for (size_t i = 0; i < stage->output_count; i++) {
            struct feature_column made = stage_output(stage, i, total);
            shapes[labels_find(pipeline->columns, name_text(made.name))] =
                (struct feature_shape){made.vector, made.width};
        }
    }
}

bool pipeline_note_shapes(struct pipeline *pipeline, const struct feature_column *columns,
                          size_t count, struct lathe_error *error)
{
    if (!columns)
        columns = pipeline_inputs(pipeline, &count);
    size_t known = labels_count(pipeline->columns), inputs = 0;
    for (size_t s = 0; s < pipeline->count; s++)
        inputs += pipeline->stages[s].input_count;
    struct feature_shape *shapes = arena_take(&pipeline->arena, known, sizeof *shapes);
    struct feature_shape *all = arena_take(&pipeline->arena, inputs, sizeof *all);
    if (!shapes || !all)
        return fail_memory(error, "a pipeline's columns");
    for (size_t i = 0; i < known; i++)
        shapes[i] = (struct feature_shape){false, 1};
    for (size_t i = 0; i < count; i++) {
        int32_t index = labels_find(pipeline->columns, name_text(columns[i].name));
        if (index >= 0)
            shapes[index] = (struct feature_shape){columns[i].vector, columns[i].width};
    }
    shape_columns(pipeline, shapes, all);
    for (size_t s = 0; s < pipeline->count; s++) {
        struct feature_stage *stage = &pipeline->stages[s];
        if (stage->kind == FEATURE_VECTOR_ASSEMBLER)
            stage->of.assembler.shapes = all;
        if (stage->width == ANY_WIDTH)
            stage->width = all->width;
        all += stage->input_count;
    }
    return true;
}
