/* Writing MLeap bundles: what 0.20 and 0.24 both read. bundle_node.c says what attributes are. */
#include "feature/bundle.h"

#include "archive/zip_out.h"
#include "feature/kind.h"
#include "parse/fail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { LONGEST_PATH = 4096, LONGEST_NAME = 100 };

struct writer {
    bundle_sink *sink;
    void *context;
    struct labels *nodes; /* their names, in order */
    uint64_t hash[2];     /* of what has been written */
    struct lathe_error *error;
};

/* Hands a document over, and frees it. */
static bool emit(struct writer *writer, const char *path, struct json_out *json)
{
    bool emitted = !json->failed || fail_memory(writer->error, "a bundle");
    /* FNV-1a, twice from different beginnings. */
    for (size_t i = 0; emitted && i < json->size; i++)
        for (size_t h = 0; h < 2; h++)
            writer->hash[h] = (writer->hash[h] ^ (unsigned char)json->bytes[i]) * 0x100000001B3u;
    emitted =
        emitted && writer->sink(writer->context, path, json->bytes, json->size, writer->error);
    free(json->bytes);
    *json = (struct json_out){0};
    return emitted;
}

/* ---- attributes ---- */

void put_string(struct json_out *json, const char *name, const char *value)
{
    out_open(json, name, '{');
    out_text(json, "string", value, strlen(value));
    out_close(json, '}');
}

void put_number(struct json_out *json, const char *name, double value)
{
    out_open(json, name, '{');
    out_number(json, "double", value);
    out_close(json, '}');
}

void put_bool(struct json_out *json, const char *name, bool value)
{
    out_open(json, name, '{');
    out_bool(json, "boolean", value);
    out_close(json, '}');
}

void put_whole(struct json_out *json, const char *name, const char *type, size_t value)
{
    out_open(json, name, '{');
    out_integer(json, type, (int64_t)value);
    out_close(json, '}');
}

void put_indices(struct json_out *json, const char *name, const char *type, const size_t *indices,
                 size_t count)
{
    out_open(json, name, '{');
    out_text(json, "type", "list", 4);
    out_open(json, type, '[');
    for (size_t i = 0; i < count; i++)
        out_integer(json, NULL, (int64_t)indices[i]);
    out_close(json, ']');
    out_close(json, '}');
}

/* A list (or, with its shape, a tensor) of numbers. */
void put_numbers(struct json_out *json, const char *name, const char *type, const double *values,
                 size_t count)
{
    out_open(json, name, '{');
    out_text(json, "type", type, strlen(type));
    out_open(json, "double", '[');
    for (size_t i = 0; i < count; i++)
        out_number(json, NULL, values[i]);
    out_close(json, ']');
    if (strcmp(type, "tensor") == 0) {
        out_open(json, "shape", '{');
        out_open(json, "dimensions", '[');
        out_open(json, NULL, '{');
        out_integer(json, "size", (int64_t)count);
        out_text(json, "name", "", 0);
        out_close(json, '}');
        out_close(json, ']');
        out_close(json, '}');
    }
    out_close(json, '}');
}

static void put_labels(struct json_out *json, const char *name, const struct labels *labels)
{
    out_open(json, name, '{');
    out_text(json, "type", "list", 4);
    out_open(json, "string", '[');
    for (size_t i = 0; i < labels_count(labels); i++) {
        struct csv_text text = labels_text(labels, i);
        out_text(json, NULL, text.bytes, text.size);
    }
    out_close(json, ']');
    out_close(json, '}');
}

static void put_invalid(struct json_out *json, const struct feature_stage *stage)
{
    static const char *const WORDS[] = {
        [FEATURE_ERROR] = "error", [FEATURE_SKIP] = "skip", [FEATURE_KEEP] = "keep"};
    put_string(json, "handle_invalid", WORDS[stage->invalid]);
}

/* ---- transformers ---- */

void bundle_write_one_hot(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    out_open(json, "category_sizes", '{');
    out_text(json, "type", "list", 4);
    out_open(json, "int", '[');
    for (size_t i = 0; i < stage->input_count; i++)
        out_integer(json, NULL, stage->of.one_hot.categories[i]);
    out_close(json, ']');
    out_close(json, '}');
    put_invalid(json, stage);
    put_bool(json, "drop_last", stage->of.one_hot.drop_last);
}

void put_data_shape(struct json_out *json, const char *name, struct feature_shape shape)
{
    out_open(json, name, '{');
    out_text(json, "base", shape.vector ? "tensor" : "scalar", 6);
    out_bool(json, "isNullable", !name);
    if (shape.vector) {
        out_open(json, "tensorShape", '{');
        out_open(json, "dimensions", '[');
        out_open(json, NULL, '{');
        out_integer(json, "size", (int64_t)shape.width);
        out_text(json, "name", "", 0);
        out_close(json, '}');
        out_close(json, ']');
        out_close(json, '}');
    }
    out_close(json, '}');
}

void put_shapes(struct json_out *json, const char *name, const struct feature_shape *shapes,
                size_t count)
{
    out_open(json, name, '{');
    out_text(json, "type", "list", 4);
    out_open(json, "data_shape", '[');
    for (size_t i = 0; i < count; i++)
        put_data_shape(json, NULL, shapes[i]);
    out_close(json, ']');
    out_close(json, '}');
}

void bundle_write_assembler(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    put_shapes(json, "input_shapes", stage->of.assembler.shapes, stage->input_count);
    put_invalid(json, stage); /* MLeap does not know it, and passes over it; nor the next */
    if (stage->of.assembler.exact)
        put_bool(json, "exact", true);
}

void bundle_write_to_string(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    put_labels(json, "labels", stage->of.to_string.labels);
    out_open(json, "input_shape", '{');
    put_data_shape(json, "data_shape", (struct feature_shape){false, 1});
    out_close(json, '}');
}

void bundle_write_standard(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    size_t width = stage->of.standard.width;
    if (stage->of.standard.mean)
        put_numbers(json, "mean", "tensor", stage->of.standard.mean, width);
    if (stage->of.standard.std)
        put_numbers(json, "std", "tensor", stage->of.standard.std, width);
}

void bundle_write_min_max(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    put_numbers(json, "min", "tensor", stage->of.min_max.min, stage->of.min_max.width);
    put_numbers(json, "max", "tensor", stage->of.min_max.max, stage->of.min_max.width);
    put_number(json, "minValue", stage->of.min_max.lower);
    put_number(json, "maxValue", stage->of.min_max.upper);
}

void bundle_write_imputer(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    static const char *const STRATEGIES[] = {
        [STRATEGY_MEAN] = "mean", [STRATEGY_MEDIAN] = "median", [STRATEGY_MODE] = "mode"};
    put_number(json, "surrogate_value", stage->of.imputer.surrogate);
    put_number(json, "missing_value", stage->of.imputer.missing);
    put_string(json, "strategy", STRATEGIES[stage->of.imputer.strategy]);
    put_bool(json, "nullable_input", true);
}

void bundle_write_map(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    if (stage->kind == FEATURE_STRING_MAP)
        put_labels(json, "labels", stage->of.map.labels);
    else
        put_numbers(json, "keys", "list", stage->of.map.keys, stage->of.map.count);
    put_numbers(json, "values", "list", stage->of.map.values, stage->of.map.count);
    put_invalid(json, stage);
    put_number(json, "default_value", stage->of.map.otherwise);
    if (stage->of.map.takes_missing)
        put_number(json, "missing_value", stage->of.map.missing);
}

void bundle_write_indexer(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    put_whole(json, "labels_length", "int", 1);
    put_labels(json, "labels_array_0", stage->of.indexer.labels[column]);
    put_invalid(json, stage);
}

void bundle_write_bucketizer(struct json_out *json, const struct feature_stage *stage,
                             size_t column)
{
    (void)column;
    put_numbers(json, "splits", "list", stage->of.bucketizer.splits, stage->of.bucketizer.count);
    put_invalid(json, stage);
}

void bundle_write_unary(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    put_string(json, "operation", feature_operation_name(stage->of.unary.operation));
}

void bundle_write_binary(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    put_string(json, "operation", feature_operation_name(stage->of.binary.operation));
    if (!stage->of.binary.column_a)
        put_number(json, "da", stage->of.binary.a);
    if (!stage->of.binary.column_b)
        put_number(json, "db", stage->of.binary.b);
}

/* ---- nodes ---- */

static void put_socket(struct json_out *json, const char *column, const char *port)
{
    out_open(json, NULL, '{');
    out_text(json, "name", column, strlen(column));
    out_text(json, "port", port, strlen(port));
    out_close(json, '}');
}

/* "input", or for those that take several columns "input0", "input1" ... */
static void put_sockets(struct json_out *json, const char *list, const char *port,
                        const char *const *columns, size_t count, bool numbered)
{
    out_open(json, list, '[');
    for (size_t i = 0; i < count; i++) {
        char name[40];
        snprintf(name, sizeof name, numbered ? "%s%zu" : "%s", port, i);
        put_socket(json, columns[i], name);
    }
    out_close(json, ']');
}

static void put_inputs(struct json_out *json, const struct feature_stage *stage)
{
    if (stage->kind != FEATURE_MATH_BINARY) {
        put_sockets(json, "inputs", "input", stage->inputs, stage->input_count,
                    kind_of(stage->kind)->numbered || stage->input_count > 1);
        return;
    }
    size_t taken = 0;
    out_open(json, "inputs", '[');
    if (stage->of.binary.column_a)
        put_socket(json, stage->inputs[taken++], "input_a");
    if (stage->of.binary.column_b)
        put_socket(json, stage->inputs[taken], "input_b");
    out_close(json, ']');
}

/* A folder's name that no other node has: the stage's, unless a file system would mind it. */
static const char *name_node(struct writer *writer, const struct feature_stage *stage,
                             size_t column, char out[LONGEST_NAME + 32])
{
    static const char SAFE[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *base = stage->name;
    size_t size = strlen(base);
    if (size > LONGEST_NAME || strspn(base, SAFE) != size)
        base = feature_kind_op(stage->kind);
    int used = kind_of(stage->kind)->by_column && stage->input_count > 1
                   ? snprintf(out, LONGEST_NAME + 32, "%s_%zu", base, column)
                   : snprintf(out, LONGEST_NAME + 32, "%s", base);
    for (size_t again = 1;; again++) {
        size_t before = labels_count(writer->nodes);
        if (labels_add(writer->nodes, text_of(out, (size_t)used)) < 0)
            return NULL;
        if (labels_count(writer->nodes) > before)
            return out;
        used = snprintf(out, LONGEST_NAME + 32, "%s_%zu_%zu", base, column, again);
    }
}

static bool write_node(struct writer *writer, const struct feature_stage *stage, size_t column)
{
    char name[LONGEST_NAME + 32], path[LONGEST_NAME + 64];
    struct json_out json = {0};
    if (!name_node(writer, stage, column, name))
        return fail_memory(writer->error, "a bundle");
    const char *op = feature_kind_op(stage->kind);
    kind_writer *write = kind_of(stage->kind)->write;
    if (!write)
        return fail(writer->error, LATHE_UNSUPPORTED,
                    "stage '%.100s': a %s is read from bundles, and not written to them",
                    stage->name, feature_kind_name(stage->kind));
    out_open(&json, NULL, '{');
    out_text(&json, "op", op, strlen(op));
    out_open(&json, "attributes", '{');
    write(&json, stage, column);
    out_close(&json, '}');
    out_close(&json, '}');
    snprintf(path, sizeof path, "root/%s.node/model.json", name);
    if (!emit(writer, path, &json))
        return false;
    struct feature_stage alone = *stage;
    if (kind_of(stage->kind)->by_column) {
        alone.inputs += column;
        alone.outputs += column;
        alone.input_count = alone.output_count = 1;
    }
    out_open(&json, NULL, '{');
    out_text(&json, "name", name, strlen(name));
    out_open(&json, "shape", '{');
    put_inputs(&json, &alone);
    put_sockets(&json, "outputs", "output", alone.outputs, alone.output_count,
                stage->kind == FEATURE_ONE_HOT_ENCODER || alone.output_count > 1);
    out_close(&json, '}');
    out_close(&json, '}');
    snprintf(path, sizeof path, "root/%s.node/node.json", name);
    return emit(writer, path, &json);
}

static bool write_root(struct writer *writer, const char *name)
{
    struct json_out json = {0};
    out_open(&json, NULL, '{');
    out_text(&json, "op", "pipeline", 8);
    out_open(&json, "attributes", '{');
    put_labels(&json, "nodes", writer->nodes);
    out_close(&json, '}');
    out_close(&json, '}');
    if (!emit(writer, "root/model.json", &json))
        return false;
    out_open(&json, NULL, '{');
    out_text(&json, "name", name, strlen(name));
    out_open(&json, "shape", '{');
    out_open(&json, "inputs", '[');
    out_close(&json, ']');
    out_open(&json, "outputs", '[');
    out_close(&json, ']');
    out_close(&json, '}');
    out_close(&json, '}');
    return emit(writer, "root/node.json", &json);
}

static bool write_head(struct writer *writer, const char *name, const char *schema)
{
    struct json_out json = {0};
    char uid[40];
    snprintf(uid, sizeof uid, "%08lx-%04lx-%04lx-%04lx-%012llx",
             (unsigned long)(writer->hash[0] >> 32),
             (unsigned long)(writer->hash[0] >> 16 & 0xFFFF),
             (unsigned long)(writer->hash[0] & 0x0FFF) | 0x8000, /* version 8: made as we like */
             (unsigned long)(writer->hash[1] >> 48 & 0x3FFF) | 0x8000,
             (unsigned long long)(writer->hash[1] & 0xFFFFFFFFFFFF));
    out_open(&json, NULL, '{');
    out_text(&json, "uid", uid, strlen(uid));
    out_text(&json, "name", name, strlen(name));
    out_text(&json, "format", "json", 4);
    out_text(&json, "version", "0.20.0", 6);
    out_text(&json, "timestamp", "1980-01-01T00:00:00", 19);
    if (schema) /* MLeap passes over it */
        out_text(&json, "schema", schema, strlen(schema));
    out_close(&json, '}');
    return emit(writer, "bundle.json", &json);
}

bool bundle_write(const struct pipeline *pipeline, bundle_sink *sink, void *context,
                  struct lathe_error *error)
{
    struct writer writer = {.sink = sink,
                            .context = context,
                            .error = error,
                            .hash = {0xCBF29CE484222325u, 0x9E3779B97F4A7C15u}};
    size_t count;
    const struct feature_stage *stages = pipeline_stages(pipeline, &count);
    writer.nodes = labels_new();
    if (!writer.nodes)
        return fail_memory(error, "a bundle");
    bool written = true;
    for (size_t s = 0; s < count && written; s++) {
        size_t columns = kind_of(stages[s].kind)->by_column ? stages[s].input_count : 1;
        for (size_t column = 0; column < columns && written; column++)
            written = write_node(&writer, &stages[s], column);
    }
    written = written && write_root(&writer, pipeline_name(pipeline)) &&
              write_head(&writer, pipeline_name(pipeline), pipeline_schema(pipeline));
    labels_free(writer.nodes);
    return written || fail_prefix(error, "MLeap bundle: ");
}

/* ---- where to ---- */

static bool to_folder(void *context, const char *path, const void *bytes, size_t size,
                      struct lathe_error *error)
{
    char whole[LONGEST_PATH];
    const char *folder = context;
    if (snprintf(whole, sizeof whole, "%s/%s", folder, path) >= (int)sizeof whole)
        return fail(error, LATHE_LIMIT, "the path '%.200s' is too long", folder);
    for (char *slash = whole + strlen(folder); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(whole, 0777) == 0 || errno == EEXIST;
        if (!made)
            return fail(error, LATHE_IO, "the folder '%.200s' cannot be made", whole);
        *slash = '/';
    }
    remove(whole); /* not written through: what stands there may be a link to what must stay */
    FILE *file = fopen(whole, "wbx");
    bool written = file && fwrite(bytes, 1, size, file) == size;
    if (file && fclose(file) != 0)
        written = false;
    return written || fail(error, LATHE_IO, "'%.200s' cannot be written", whole);
}

bool bundle_write_folder(const struct pipeline *pipeline, const char *folder,
                         struct lathe_error *error)
{
    return bundle_write(pipeline, to_folder, (void *)(uintptr_t)folder, error);
}

static bool to_zip(void *context, const char *path, const void *bytes, size_t size,
                   struct lathe_error *error)
{
    return zip_add(context, path, bytes, size, error);
}

bool bundle_write_zip(const struct pipeline *pipeline, void **bytes, size_t *size,
                      struct lathe_error *error)
{
    struct zip_out zip = {0};
    if (!bundle_write(pipeline, to_zip, &zip, error) || !zip_finish(&zip, error)) {
        zip_clear(&zip);
        return false;
    }
    *bytes = zip.bytes;
    *size = zip.size;
    return true;
}
