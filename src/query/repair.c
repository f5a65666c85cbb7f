/* MSCK REPAIR TABLE: folders that are named as partitions become partitions. */
#include <string.h>

#include "base/s3_uri.h"
#include "catalog/catalog.h"
#include "query/query_inside.h"

/* "key=value" with that key: the value, its escapes read; NULL where the folder is another. */
static char *value_of(const char *folder, size_t size, const char *key)
{
    size_t length = strlen(key);
    if (size <= length || folder[length] != '=' || g_ascii_strncasecmp(folder, key, length) != 0)
        return NULL;
    return g_uri_unescape_segment(folder + length + 1, folder + size, NULL);
}

/* The values that the folders of a key below the table's place name; NULL where they name none. */
static json_t *values_in(const char *path, const json_t *keys)
{
    g_autoptr(json_auto) values = json_array();
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *end = strchr(path, '/');
        g_autofree char *value = end ? value_of(path, (size_t)(end - path),
                                                json_text_at(json_array_get(keys, i), "Name"))
                                     : NULL;
        if (!value || !g_utf8_validate(value, -1, NULL))
            return NULL;
        json_array_append_new(values, json_string(value));
        path = end + 1;
    }
    return g_steal_pointer(&values);
}

/* The folder of such an object, from the bucket on: "s3://bucket/table/year=2026/". */
static char *folder_of(const struct lake_object *object, const char *bucket, const char *path,
                       size_t depth)
{
    for (; depth; depth--)
        path = strchr(path, '/') + 1;
    return g_strdup_printf("s3://%s/%.*s", bucket, (int)(path - object->key), object->key);
}

struct repair {
    struct definition *definition;
    const char *bucket, *prefix;
    GHashTable *seen; /* the paths of partitions that are there or were found */
};

static bool see_present(const struct repair *repair, GError **error)
{
    const struct definition *definition = repair->definition;
    struct catalog_partition_query query = {.database = definition->database,
                                            .table = definition->hive->name};
    g_autoptr(GPtrArray) places =
        catalog_partition_places(definition->run->queries->catalog, &query, error);
    for (guint i = 0; places && i < places->len; i++) {
        const struct catalog_place *place = places->pdata[i];
        g_hash_table_add(repair->seen, g_strjoinv("\x1f", place->values));
    }
    return places != NULL;
}

static char *joined(const json_t *values)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(values); i++)
        g_string_append_printf(text, "%s%s", i ? "\x1f" : "",
                               json_string_value(json_array_get(values, i)));
    return g_string_free(text, FALSE);
}

static void see_object(const struct repair *repair, const struct lake_object *object)
{
    struct definition *definition = repair->definition;
    const json_t *keys = json_object_get(definition->table, "PartitionKeys");
    const char *path = object->key + strlen(repair->prefix);
    g_autoptr(json_auto) values = values_in(path, keys);
    if (!values || !g_hash_table_add(repair->seen, joined(values)))
        return;
    g_autofree char *place = folder_of(object, repair->bucket, path, json_array_size(keys));
    json_array_append_new(definition->input, partition_input(definition->table, values, place));
}

static bool put_found(struct store_connection *connection, struct definition *definition,
                      GError **error)
{
    return catalog_partition_put_within(connection, definition->database, definition->hive->name,
                                        definition->input, CATALOG_ADD, NULL, NULL, error);
}

static void tell(struct definition *definition)
{
    const json_t *keys = json_object_get(definition->table, "PartitionKeys");
    const char *name = definition->hive->name;
    g_autoptr(GString) added = g_string_new(NULL);
    size_t i;
    const json_t *each;
    json_array_foreach(definition->input, i, each)
    {
        g_autofree char *path = partition_path(keys, json_object_get(each, "Values"));
        g_string_append_printf(definition->lines, "%s%s:%s",
                               i ? "\t" : "Partitions not in metastore:\t", name, path);
        g_string_append_printf(added, "Repair: Added partition to metastore %s:%s\n", name, path);
    }
    if (added->len)
        g_string_append_printf(definition->lines, "\n%s", added->str);
}

static bool find_folders(struct repair *repair, GError **error)
{
    struct definition *definition = repair->definition;
    g_autoptr(GPtrArray) objects =
        see_present(repair, error)
            ? lake_list(definition->run->queries->lake, repair->bucket, repair->prefix, error)
            : NULL;
    for (guint i = 0; objects && i < objects->len; i++)
        see_object(repair, objects->pdata[i]);
    return objects != NULL;
}

bool repair_table(struct definition *definition, GError **error)
{
    static const char *const none[] = {NULL};
    definition->run->end->columns = text_columns(none);
    g_autofree char *bucket = NULL, *key = NULL;
    if (!definition_find_table(definition, error) ||
        !s3_uri_parse(json_text_at(definition->table, "StorageDescriptor.Location"), &bucket, &key,
                      error))
        return false;
    g_autofree char *prefix =
        g_strconcat(key, *key && !g_str_has_suffix(key, "/") ? "/" : "", NULL);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct repair repair = {definition, bucket, prefix, seen};
    definition->input = json_array();
    definition->change = put_found;
    if (!find_folders(&repair, error))
        return false;
    tell(definition);
    return true;
}
