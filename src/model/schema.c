#include "model/schema.h"

#include "feature/json.h"
#include "parse/fail.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const TYPES[SCHEMA_TYPES] = {
    [SCHEMA_BOOLEAN] = "boolean", [SCHEMA_BYTE] = "byte",    [SCHEMA_SHORT] = "short",
    [SCHEMA_INTEGER] = "int",     [SCHEMA_LONG] = "long",    [SCHEMA_FLOAT] = "float",
    [SCHEMA_DOUBLE] = "double",   [SCHEMA_STRING] = "string"};

const char *schema_type_name(enum schema_type type)
{
    return TYPES[type];
}

enum feature_type schema_feature_type(enum schema_type type)
{
    if (type == SCHEMA_STRING)
        return FEATURE_TEXT;
    return type == SCHEMA_FLOAT || type == SCHEMA_DOUBLE ? FEATURE_NUMBER : FEATURE_INTEGER;
}

/* How many values a vector of this name has: as many as the pipeline asks for. */
static size_t width_asked(const struct pipeline *pipeline, const char *name)
{
    size_t count;
    const struct feature_column *inputs = pipeline_inputs(pipeline, &count);
    for (size_t i = 0; inputs && i < count; i++)
        if (strcmp(inputs[i].name, name) == 0)
            return inputs[i].width;
    return 0;
}

static bool read_type(const struct json *json, const char *what, enum schema_type *type,
                      struct lathe_error *error)
{
    const struct json *name = json_member(json, "type");
    for (int i = 0; name && name->kind == JSON_STRING && i < SCHEMA_TYPES; i++)
        if (strcmp(name->string, TYPES[i]) == 0) {
            *type = (enum schema_type)i;
            return true;
        }
    return fail(error, LATHE_INVALID_DATA,
                "the schema's %s has the type \"%.40s\": expected boolean, byte, short, int, long, "
                "float, double or string",
                what, name && name->kind == JSON_STRING ? name->string : "");
}

/* One of "input", or "output". */
static bool read_column(const struct json *json, const char *what, struct schema_column *column,
                        struct arena *arena, struct lathe_error *error)
{
    const struct json *name = json_member(json, "name"), *form = json_member(json, "struct");
    if (!name || name->kind != JSON_STRING || !name->size || strlen(name->string) != name->size)
        return fail(error, LATHE_INVALID_DATA, "the schema's %s has no name", what);
    const char *word = form && form->kind == JSON_STRING ? form->string : "basic";
    column->vector = strcmp(word, "vector") == 0 || strcmp(word, "array") == 0;
    if (!column->vector && strcmp(word, "basic") != 0)
        return fail(error, LATHE_INVALID_DATA,
                    "the schema's %s has the struct \"%.40s\": expected basic, vector or array",
                    what, word);
    column->width = 1;
    column->name = arena_copy(arena, name->string, name->size);
    return read_type(json, what, &column->type, error) &&
           (column->name || fail_memory(error, "a schema"));
}

static bool read_columns(struct schema *schema, const struct json *inputs,
                         const struct pipeline *pipeline, struct arena *arena,
                         struct lathe_error *error)
{
    schema->columns = arena_take(arena, inputs->size, sizeof *schema->columns);
    if (!schema->columns)
        return fail_memory(error, "a schema");
    for (const struct json *input = inputs->first; input; input = input->next) {
        struct schema_column *column = &schema->columns[schema->count];
        char what[32];
        snprintf(what, sizeof what, "input %zu", ++schema->count);
        if (!read_column(input, what, column, arena, error))
            return false;
        size_t asked = column->vector ? width_asked(pipeline, column->name) : 0;
        if (asked)
            column->width = asked;
        schema->width += column->width;
    }
    return true;
}

bool schema_read(struct schema *schema, const char *text, size_t size,
                 const struct pipeline *pipeline, struct arena *arena, struct lathe_error *error)
{
    *schema = (struct schema){0};
    const struct json *json = json_read(arena, text, size, error);
    if (!json)
        return fail_prefix(error, "the schema: ");
    const struct json *inputs = json_member(json, "input"), *output = json_member(json, "output");
    if (!inputs || inputs->kind != JSON_ARRAY || !inputs->size)
        return fail(error, LATHE_INVALID_DATA,
                    "the schema has no \"input\": expected a list of columns");
    if (!output || output->kind != JSON_OBJECT)
        return fail(error, LATHE_INVALID_DATA,
                    "the schema has no \"output\": expected a column's name, type and struct");
    struct schema_column answer;
    if (!read_columns(schema, inputs, pipeline, arena, error) ||
        !read_column(output, "output", &answer, arena, error))
        return false;
    schema->output = answer.name;
    schema->output_type = answer.type;
    return true;
}

/* ---- from the bundle itself ---- */

static enum schema_type type_of(enum feature_type type)
{
    return type == FEATURE_TEXT ? SCHEMA_STRING
                                : (type == FEATURE_INTEGER ? SCHEMA_LONG : SCHEMA_DOUBLE);
}

/* Of the columns that nothing in the pipeline reads, the last of the wanted width, or else the last
 * vector, or else the last. */
static const char *find_answer(const struct plan *plan, size_t width)
{
    size_t count;
    const struct feature_column *outputs = plan_outputs(plan, &count);
    const char *found = NULL;
    int best = -1;
    for (size_t i = 0; i < count; i++) {
        int fit = (width && outputs[i].width == width) * 2 + outputs[i].vector;
        if (fit >= best) {
            best = fit;
            found = outputs[i].name;
        }
    }
    return found;
}

/* What a model that comes last predicts, where nothing else is asked for; NULL: there is none. */
static const char *model_answer(const struct pipeline *pipeline, size_t width)
{
    size_t count;
    const struct feature_stage *stages = pipeline_stages(pipeline, &count);
    const struct feature_stage *last = count ? &stages[count - 1] : NULL;
    if (!last || width || last->kind < FEATURE_LINEAR_REGRESSION)
        return NULL;
    return last->outputs[last->output_count - 1];
}

static bool take_columns(struct schema *schema, const struct plan *plan, struct arena *arena)
{
    size_t count, outputs;
    const struct feature_column *columns = plan_inputs(plan, &count);
    const struct feature_column *output = plan_outputs(plan, &outputs);
    schema->columns = arena_take(arena, count, sizeof *schema->columns);
    schema->output = arena_copy(arena, output->name, strlen(output->name));
    schema->output_type = type_of(output->type);
    for (size_t i = 0; schema->columns && i < count; i++) {
        if (!plan_reads(plan, i))
            continue;
        struct schema_column *column = &schema->columns[schema->count++];
        *column = (struct schema_column){.type = type_of(columns[i].type),
                                         .vector = columns[i].vector,
                                         .width = columns[i].width};
        column->name = arena_copy(arena, columns[i].name, strlen(columns[i].name));
        schema->width += column->width;
        if (!column->name)
            return false;
    }
    return schema->columns && schema->output;
}

bool schema_of_pipeline(struct schema *schema, const struct pipeline *pipeline, const char *output,
                        size_t width, struct arena *arena, struct lathe_error *error)
{
    *schema = (struct schema){0};
    struct plan *plan = NULL;
    if (!output) {
        struct plan *all = plan_open(pipeline, NULL, 0, NULL, 0, error);
        if (!all)
            return false;
        output = model_answer(pipeline, width);
        if (!output)
            output = find_answer(all, width);
        plan = output ? plan_open(pipeline, NULL, 0, &output, 1, error) : NULL;
        if (!output)
            fail(error, LATHE_INVALID_MODEL, "the transformers make no column");
        plan_close(all);
    } else {
        plan = plan_open(pipeline, NULL, 0, &output, 1, error);
    }
    if (!plan)
        return false;
    bool taken = take_columns(schema, plan, arena) || fail_memory(error, "a schema");
    plan_close(plan);
    return taken;
}

struct plan *schema_plan(const struct schema *schema, const struct pipeline *pipeline,
                         struct lathe_error *error)
{
    struct feature_column *columns = calloc(schema->count + 1, sizeof *columns);
    if (!columns) {
        fail_memory(error, "a schema");
        return NULL;
    }
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_column *column = &schema->columns[i];
        columns[i] = (struct feature_column){column->name, schema_feature_type(column->type),
                                             column->vector, column->width};
    }
    struct plan *plan = plan_open(pipeline, columns, schema->count, &schema->output, 1, error);
    free(columns);
    return plan;
}
