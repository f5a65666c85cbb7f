#include "table/relation.h"

#include <string.h>

#include "base/error.h"
#include "table/engine.h"

static const struct {
    const char *name;
    enum relation_format format;
} formats[] = {
    {ENGINE_DELIMITED, RELATION_DELIMITED}, {ENGINE_CSV, RELATION_CSV},
    {ENGINE_REGEX, RELATION_REGEX},         {ENGINE_JSON, RELATION_JSON},
    {ENGINE_PARQUET, RELATION_PARQUET},     {ENGINE_AVRO, RELATION_AVRO},
    {ENGINE_GROK, RELATION_GROK},
};

static bool read_format(struct relation *relation, const char *name, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (name && strcmp(name, formats[i].name) == 0) {
            relation->format = formats[i].format;
            return true;
        }
    return error_set(error, ERROR_VALIDATION, "%s: there is no format '%s' to read", relation->name,
                     name ? name : "");
}

static const char *kept(struct relation *relation, const char *text)
{
    return arena_copy(&relation->arena, text, strlen(text));
}

static const struct sql_type *type_of(struct relation *relation, const char *text)
{
    const struct sql_type *type = sql_type_of_hive(&relation->arena, text);
    return type ? type : sql_type_read(&relation->arena, text);
}

static struct relation_column *read_columns(struct relation *relation, const json_t *list,
                                            size_t *count, GError **error)
{
    struct relation_column *columns =
        arena_take(&relation->arena, json_array_size(list) + 1, sizeof *columns);
    for (*count = 0; *count < json_array_size(list); ++*count) {
        const json_t *column = json_array_get(list, *count);
        const char *name = json_text_at(column, "Name"), *type = json_text_at(column, "Type");
        struct relation_column *read = &columns[*count];
        read->name = name ? kept(relation, name) : NULL;
        read->type = type ? type_of(relation, type) : NULL;
        if (!read->name || !read->type) {
            error_set(error, ERROR_VALIDATION, "%s: column '%s' has the type '%s', which is none",
                      relation->name, name ? name : "", type ? type : "");
            return NULL;
        }
    }
    return columns;
}

static const char *const *read_values(struct relation *relation, const json_t *list)
{
    const char **values =
        arena_take(&relation->arena, relation->partition_count + 1, sizeof *values);
    for (size_t i = 0; i < relation->partition_count; i++) {
        const char *value = json_string_value(json_array_get(list, i));
        values[i] = value ? kept(relation, value) : NULL;
    }
    return values;
}

static bool read_files(struct relation *relation, const json_t *list, GError **error)
{
    relation->files =
        arena_take(&relation->arena, json_array_size(list) + 1, sizeof *relation->files);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *file = json_array_get(list, i);
        const char *path = json_text_at(file, "Path"), *uri = json_text_at(file, "Uri");
        if (!path || *path != '/')
            return error_set(error, ERROR_VALIDATION, "%s: file %zu has no absolute path",
                             relation->name, i);
        relation->files[relation->file_count++] = (struct relation_file){
            .path = kept(relation, path),
            .uri = kept(relation, uri ? uri : path),
            .values = read_values(relation, json_object_get(file, "Values")),
            .size = json_integer_at(file, "Size", -1),
            .modified = json_number_at(file, "Modified", 0),
        };
    }
    return true;
}

struct relation *relation_read(const json_t *request, GError **error)
{
    struct relation *relation = g_new0(struct relation, 1);
    const char *name = json_text_at(request, "Name");
    relation->name = kept(relation, name ? name : "");
    relation->options = json_object_get(request, "Options");
    if (read_format(relation, json_text_at(request, "Format"), error) &&
        (relation->columns = read_columns(relation, json_object_get(request, "Columns"),
                                          &relation->column_count, error)) &&
        (relation->partitions = read_columns(relation, json_object_get(request, "Partitions"),
                                             &relation->partition_count, error)) &&
        read_files(relation, json_object_get(request, "Files"), error))
        return relation;
    relation_free(relation);
    return NULL;
}

void relation_free(struct relation *relation)
{
    if (!relation)
        return;
    arena_free(&relation->arena);
    g_free(relation);
}

const char *relation_option(const struct relation *relation, const char *name, const char *fallback)
{
    const char *value = json_string_value(json_object_get(relation->options, name));
    return value ? value : fallback;
}

bool relation_fail_value(const struct relation *relation, size_t partition, const char *value,
                         GError **error)
{
    const struct relation_column *column = &relation->partitions[partition];
    struct arena arena = {0};
    error_set(error, ERROR_VALIDATION,
              "HIVE_INVALID_PARTITION_VALUE: Invalid partition value '%s' for %s partition key: %s",
              value, sql_type_write(&arena, column->type), column->name);
    arena_free(&arena);
    return false;
}
