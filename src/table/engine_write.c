#include "table/engine_write_inside.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "table/hive_hash.h"

char *writing_next_name(struct writing *writing, const char *ending)
{
    return g_strdup_printf("%s_%05u%s", writing->prefix, writing->written++, ending);
}

void writing_add(struct writing *writing, const char *name, json_t *values, int64_t rows,
                 int64_t bytes, int64_t bucket)
{
    json_t *file = json_pack("{s:s, s:o, s:I, s:I}", "Name", name, "Values", values, "Rows",
                             (json_int_t)rows, "Bytes", (json_int_t)bytes);
    if (bucket >= 0)
        json_object_set_new(file, "Bucket", json_integer(bucket));
    json_array_append_new(writing->files, file);
}

bool writing_fail_partitions(const struct writing *writing, GError **error)
{
    return error_set(error, ERROR_VALIDATION,
                     "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of %d open writers for "
                     "partitions/buckets.",
                     (int)writing->most);
}

/* ---- buckets, by Hive's first hash ---- */

static bool hashes(const struct sql_type *type)
{
    return type->kind <= SQL_DOUBLE || type->kind == SQL_VARCHAR || type->kind == SQL_CHAR ||
           type->kind == SQL_DATE;
}

static size_t column_named(const struct writing *writing, const char *name)
{
    size_t i = 0;
    while (i < writing->width && g_ascii_strcasecmp(writing->columns->names[i], name) != 0)
        i++;
    return i;
}

int64_t writing_bucket(const struct writing *writing, const struct value_view *views, size_t row)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < json_array_size(writing->buckets); i++) {
        const char *name = json_string_value(json_array_get(writing->buckets, i));
        size_t column = column_named(writing, name);
        hash = hash * 31 + (uint32_t)hive_hash(&views[column], row);
    }
    return (int64_t)(hash & INT32_MAX) % writing->bucket_count;
}

static bool check_buckets(const struct writing *writing, GError **error)
{
    for (size_t i = 0; i < json_array_size(writing->buckets); i++) {
        const char *name = json_string_value(json_array_get(writing->buckets, i));
        size_t column = name ? column_named(writing, name) : writing->width;
        if (column == writing->width)
            return error_set(error, ERROR_VALIDATION,
                             "INVALID_TABLE_PROPERTY: Bucketing columns [%s] not present in schema",
                             name ? name : "");
        if (!hashes(writing->columns->types[column]))
            return error_set(error, ERROR_VALIDATION,
                             "NOT_SUPPORTED: Table bucketing is not supported by the type of "
                             "column '%s'",
                             name);
    }
    return true;
}

/* ---- rows of text ---- */

static void put_plain(GString *out, const struct writing *writing, const struct sql_type *type,
                      const struct value_view *view, uint64_t row, int level);

static void put_part(GString *out, const struct writing *writing, const struct sql_type *type,
                     const struct value_view *view, uint64_t row, int level)
{
    if (value_is_null(view, row))
        g_string_append(out, writing->null_word);
    else
        put_plain(out, writing, type, view, row, level);
}

static void put_list(GString *out, const struct writing *writing, const struct sql_type *type,
                     const struct value_view *view, uint64_t row, int level)
{
    const struct duckdb_list_entry *entry = (const struct duckdb_list_entry *)view->data + row;
    const struct value_view *pair = &view->children[0];
    bool is_map = type->kind == SQL_MAP;
    for (uint64_t i = entry->offset; i < entry->offset + entry->length; i++) {
        if (i > entry->offset)
            g_string_append_c(out, (char)(level + 1));
        put_part(out, writing, type->parts[0], is_map ? &pair->children[0] : pair, i,
                 level + 1 + is_map);
        if (!is_map)
            continue;
        g_string_append_c(out, (char)(level + 2));
        put_part(out, writing, type->parts[1], &pair->children[1], i, level + 2);
    }
}

static void put_bytes(GString *out, const struct value_view *view, uint64_t row)
{
    size_t size;
    const char *bytes = value_bytes(view, row, &size);
    g_autofree char *coded = g_base64_encode((const guchar *)bytes, size);
    g_string_append(out, coded);
}

static void put_plain(GString *out, const struct writing *writing, const struct sql_type *type,
                      const struct value_view *view, uint64_t row, int level)
{
    if (type->kind == SQL_ARRAY || type->kind == SQL_MAP) {
        put_list(out, writing, type, view, row, level);
    } else if (type->kind == SQL_ROW) {
        for (size_t i = 0; i < type->count; i++) {
            if (i)
                g_string_append_c(out, (char)(level + 1));
            put_part(out, writing, type->parts[i], &view->children[i], row, level + 1);
        }
    } else if (type->kind == SQL_VARBINARY) {
        put_bytes(out, view, row);
    } else {
        value_put_scalar(out, type, view, row);
    }
}

static void put_text(GString *out, const struct writing *writing, const struct value_view *views,
                     uint64_t row)
{
    for (size_t i = 0; i < writing->width; i++) {
        if (i)
            g_string_append_c(out, writing->delimiter);
        put_part(out, writing, writing->columns->types[i], &views[i], row, 1);
    }
}

/* As Hive's OpenCSVSerde writes: all quoted. */
static void put_csv(GString *out, const struct writing *writing, const struct value_view *views,
                    uint64_t row)
{
    g_autoptr(GString) value = g_string_new(NULL);
    for (size_t i = 0; i < writing->width; i++) {
        g_string_append(out, i ? "," : "");
        if (value_is_null(&views[i], row))
            continue;
        g_string_truncate(value, 0);
        put_plain(value, writing, writing->columns->types[i], &views[i], row, 1);
        g_string_replace(value, "\"", "\"\"", 0);
        g_string_append_printf(out, "\"%s\"", value->str);
    }
}

static void put_json_value(GString *out, const struct sql_type *type, const struct value_view *view,
                           uint64_t row);

/* Rows are objects here, in Trino's protocol lists. */
static void put_json_members(GString *out, const struct sql_type *type,
                             const struct value_view *view, uint64_t row)
{
    g_string_append_c(out, '{');
    for (size_t i = 0; i < type->count; i++) {
        const char *name = type->names && type->names[i] ? type->names[i] : "";
        g_string_append(out, i ? "," : "");
        value_put_quoted(out, name, strlen(name));
        g_string_append_c(out, ':');
        put_json_value(out, type->parts[i], &view->children[i], row);
    }
    g_string_append_c(out, '}');
}

static void put_json_elements(GString *out, const struct sql_type *type,
                              const struct value_view *view, uint64_t row)
{
    const struct duckdb_list_entry *entry = (const struct duckdb_list_entry *)view->data + row;
    const struct value_view *pair = &view->children[0];
    bool is_map = type->kind == SQL_MAP;
    g_string_append_c(out, is_map ? '{' : '[');
    for (uint64_t i = entry->offset; i < entry->offset + entry->length; i++) {
        g_string_append(out, i > entry->offset ? "," : "");
        if (is_map) {
            g_autoptr(GString) key = g_string_new(NULL);
            value_put_scalar(key, type->parts[0], &pair->children[0], i);
            value_put_quoted(out, key->str, key->len);
            g_string_append_c(out, ':');
        }
        put_json_value(out, type->parts[is_map], is_map ? &pair->children[1] : pair, i);
    }
    g_string_append_c(out, is_map ? '}' : ']');
}

static void put_json_value(GString *out, const struct sql_type *type, const struct value_view *view,
                           uint64_t row)
{
    if (value_is_null(view, row))
        g_string_append(out, "null");
    else if (type->kind == SQL_ROW)
        put_json_members(out, type, view, row);
    else if (type->kind == SQL_ARRAY || type->kind == SQL_MAP)
        put_json_elements(out, type, view, row);
    else if (type->kind == SQL_DECIMAL)
        value_put_scalar(out, type, view, row);
    else
        value_put_json(out, type, view, row);
}

static void put_json(GString *out, const struct writing *writing, const struct value_view *views,
                     uint64_t row)
{
    g_string_append_c(out, '{');
    for (size_t i = 0; i < writing->width; i++) {
        const char *name = writing->columns->names[i];
        g_string_append(out, i ? "," : "");
        value_put_quoted(out, name, strlen(name));
        g_string_append_c(out, ':');
        put_json_value(out, writing->columns->types[i], &views[i], row);
    }
    g_string_append_c(out, '}');
}

/* ---- which ---- */

static bool is_hives(const struct sql_type *type)
{
    for (size_t i = 0; i < type->count; i++)
        if (!is_hives(type->parts[i]) ||
            (type->kind == SQL_ROW && !(type->names && type->names[i])))
            return false;
    return type->kind == SQL_ARRAY || type->kind == SQL_MAP || type->kind == SQL_ROW ||
           (type->kind >= SQL_BOOLEAN && type->kind <= SQL_DATE) || type->kind == SQL_TIMESTAMP;
}

static bool check_types(const struct writing *writing, GError **error)
{
    for (size_t i = 0; i < writing->columns->count; i++) {
        const struct sql_type *type = writing->columns->types[i];
        struct arena arena = {0};
        if (!is_hives(type)) {
            error_set(error, ERROR_VALIDATION, "NOT_SUPPORTED: Unsupported Hive type: %s",
                      sql_type_write(&arena, type));
            arena_free(&arena);
            return false;
        }
    }
    return true;
}

static bool write_format(struct writing *writing, const char *format, int64_t *rows, GError **error)
{
    static const struct {
        const char *name;
        put_row *put;
    } lines[] = {{"text", put_text}, {"csv", put_csv}, {"json", put_json}};
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        if (g_strcmp0(format, lines[i].name) == 0)
            return write_lines(writing, lines[i].put, rows, error);
    if (g_strcmp0(format, "parquet") == 0)
        return write_parquet(writing, rows, error);
    return error_set(error, ERROR_VALIDATION,
                     "NOT_SUPPORTED: files of the format %s cannot be written; parquet, textfile, "
                     "json and csv can",
                     format ? format : "''");
}

static const char *text_or(const json_t *result, const char *name, const char *fallback)
{
    const char *text = json_text_at(result, name);
    return text ? text : fallback;
}

bool engine_write(const struct duckdb_library *library, void *connection, const char *sql,
                  const struct engine_answer_columns *columns, const json_t *result,
                  const char *scratch, json_t *files, int64_t *rows, GError **error)
{
    size_t partitions = (size_t)json_integer_at(result, "Partitions", 0);
    struct writing writing = {
        .library = library,
        .connection = connection,
        .sql = sql,
        .columns = columns,
        .width = columns->count - MIN(partitions, columns->count),
        .folder = text_or(result, "Folder", ""),
        .prefix = text_or(result, "Prefix", "part"),
        .compression = text_or(result, "Compression", "none"),
        .scratch = scratch,
        .delimiter = *text_or(result, "Delimiter", "\x01"),
        .null_word = text_or(result, "Null", "\\N"),
        .most = json_integer_at(result, "MostPartitions", INT32_MAX),
        .buckets = json_object_get(json_object_get(result, "Buckets"), "Columns"),
        .bucket_count = json_integer_at(result, "Buckets.Count", 1),
        .files = files,
    };
    return file_make_folders(writing.folder, error) && check_types(&writing, error) &&
           check_buckets(&writing, error) &&
           write_format(&writing, json_text_at(result, "Format"), rows, error);
}
