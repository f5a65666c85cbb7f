/* Partitions by their names and their places. */
#include <string.h>

#include "catalog/catalog.h"
#include "query/query_inside.h"

/* What Hive escapes in a folder's name. */
static bool is_escaped(unsigned char letter)
{
    return letter < 0x20 || letter == 0x7f || strchr("\"#%'*/:=?\\{[]^", letter) != NULL;
}

static void add_escaped(GString *path, const char *text)
{
    for (; *text; text++)
        if (is_escaped((unsigned char)*text))
            g_string_append_printf(path, "%%%02X", (unsigned char)*text);
        else
            g_string_append_c(path, *text);
}

char *partition_path(const json_t *keys, const json_t *values)
{
    GString *path = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        g_string_append(path, i ? "/" : "");
        add_escaped(path, json_text_at(json_array_get(keys, i), "Name"));
        g_string_append_c(path, '=');
        const char *value = json_string_value(json_array_get(values, i));
        add_escaped(path, value && *value ? value : CATALOG_NO_VALUE);
    }
    return g_string_free(path, FALSE);
}

static char *place_of(const json_t *table, const json_t *values, const char *location)
{
    if (location)
        return g_strdup(location);
    const char *root = json_text_at(table, "StorageDescriptor.Location");
    g_autofree char *path = partition_path(json_object_get(table, "PartitionKeys"), values);
    return g_strdup_printf("%s%s%s/", root ? root : "",
                           root && g_str_has_suffix(root, "/") ? "" : "/", path);
}

json_t *partition_input(const json_t *table, const json_t *values, const char *location)
{
    g_autofree char *place = place_of(table, values, location);
    json_t *descriptor = json_deep_copy(json_object_get(table, "StorageDescriptor"));
    json_object_set_new(descriptor, "Location", json_string(place));
    return json_pack("{sOso}", "Values", values, "StorageDescriptor", descriptor);
}

static const char *value_in(const json_t *spec, const char *key)
{
    size_t i;
    const json_t *each;
    json_array_foreach(spec, i, each) if (strcmp(json_text_at(each, "Name"), key) ==
                                          0) return json_text_at(each, "Value");
    return NULL;
}

static bool wrong_spec(const struct definition *definition, GError **error)
{
    const json_t *keys = json_object_get(definition->table, "PartitionKeys");
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(keys); i++)
        g_string_append_printf(names, "%s%s", i ? ", " : "",
                               json_text_at(json_array_get(keys, i), "Name"));
    return error_set(error, ERROR_INVALID_REQUEST,
                     "FAILED: SemanticException [Error 10006]: The partition's keys are not those "
                     "of the table %s.%s, which are: %s",
                     definition->database, definition->hive->name,
                     names->len ? names->str : "none, it is not partitioned");
}

json_t *definition_values(const struct definition *definition, const json_t *spec, bool partial,
                          GError **error)
{
    const json_t *keys = json_object_get(definition->table, "PartitionKeys");
    g_autoptr(json_auto) values = json_array();
    size_t named = 0;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *value = value_in(spec, json_text_at(json_array_get(keys, i), "Name"));
        named += value != NULL;
        json_array_append_new(values, value ? json_string(value) : json_null());
    }
    bool fits =
        named && named == json_array_size(spec) && (partial || named == json_array_size(keys));
    if (!fits)
        wrong_spec(definition, error);
    return fits ? g_steal_pointer(&values) : NULL;
}
