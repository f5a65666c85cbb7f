/* Pruning: what equals a text is looked up in the catalog, all other conditions on partition keys
 * are asked of the engine, over the keys' values as a small file. */
#include "query/places.h"

#include <string.h>

#include "catalog/catalog.h"
#include "table/engine.h"

/* Only texts are equal exactly where they are written alike: 01 is 1 as a number. */
static json_t *equal_texts(const struct sql_reference *reference)
{
    json_t *equal = json_object();
    for (size_t i = 0; i < reference->equals; i++)
        for (size_t j = 0; j < reference->count; j++)
            if (strcmp(reference->columns[j].name, reference->equal[i].column) == 0 &&
                reference->columns[j].type->kind == SQL_VARCHAR)
                json_object_set_new(equal, reference->equal[i].column,
                                    json_string(reference->equal[i].value));
    return equal;
}

/* ---- asking the engine ---- */

static void add_field(GString *line, const char *value)
{
    if (strcmp(value, CATALOG_NO_VALUE) == 0) {
        g_string_append(line, "\t\\N");
        return;
    }
    g_string_append_c(line, '\t');
    for (; *value; value++) {
        const char *found = strchr("\t\n\r\\", *value);
        if (found)
            g_string_append_printf(line, "\\%c", "tnr\\"[found - (const char *)"\t\n\r\\"]);
        else
            g_string_append_c(line, *value);
    }
}

static bool write_values(const char *path, const GPtrArray *places, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < places->len; i++) {
        const struct catalog_place *place = places->pdata[i];
        g_string_append_printf(text, "%u", i);
        for (size_t j = 0; place->values[j]; j++)
            add_field(text, place->values[j]);
        g_string_append_c(text, '\n');
    }
    return g_file_set_contents_full(path, text->str, (gssize)text->len, G_FILE_SET_CONTENTS_NONE,
                                    0600, error);
}

static json_t *key_columns(const json_t *table)
{
    json_t *columns = json_pack("[{ssss}]", "Name", "$place", "Type", "bigint");
    size_t i;
    const json_t *key;
    json_array_foreach(json_object_get(table, "PartitionKeys"), i, key)
        json_array_append_new(columns, json_pack("{sOsO}", "Name", json_object_get(key, "Name"),
                                                 "Type", json_object_get(key, "Type")));
    return columns;
}

static json_t *filter_request(const struct sql_reference *reference, const json_t *table,
                              const char *path)
{
    g_autofree char *sql = g_strdup_printf("SELECT \"$place\" FROM \"%s\" WHERE %s",
                                           reference->relation, reference->partition_filter);
    return json_pack("{sss[{ssss}]s[{sssssos[]s{ssssss}s[{ssss}]}]s{ss}}", "Sql", sql, "Columns",
                     "Name", "$place", "Type", "bigint", "Relations", "Name", reference->relation,
                     "Format", ENGINE_DELIMITED, "Columns", key_columns(table), "Partitions",
                     "Options", "field.delim", "\t", "escape.delim", "\\",
                     "serialization.null.format", "\\N", "Files", "Path", path, "Uri",
                     "s3://partitions/values", "Result", "Form", "rows");
}

static GPtrArray *chosen(GPtrArray *places, const json_t *rows)
{
    GPtrArray *left = g_ptr_array_new_with_free_func(catalog_place_free);
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        guint at = (guint)json_integer_value(json_array_get(row, 0));
        g_ptr_array_add(left, g_steal_pointer(&places->pdata[at]));
    }
    return left;
}

/* Takes the places. */
static GPtrArray *filter(struct query_run *run, const struct sql_reference *reference,
                         const json_t *table, GPtrArray *all, GError **error)
{
    g_autoptr(GPtrArray) places = all;
    const char *folder = query_folder(run, error);
    if (!folder)
        return NULL;
    g_autofree char *path = g_strdup_printf("%s/places-%u", folder, run->files++);
    if (!write_values(path, places, error))
        return NULL;
    g_autoptr(json_auto) request = filter_request(reference, table, path);
    g_autoptr(json_auto) reply = query_ask_engine(run, request, error);
    return reply ? chosen(places, json_object_get(reply, "Rows")) : NULL;
}

GPtrArray *places_find(struct query_run *run, const struct sql_reference *reference,
                       const json_t *table, GError **error)
{
    g_autoptr(json_auto) equal = equal_texts(reference);
    struct catalog_partition_query query = {
        .database = reference->schema, .table = json_text_at(table, "Name"), .equal = equal};
    GPtrArray *places = projection_is(table)
                            ? projection_places(table, equal, run->request->now, error)
                            : catalog_partition_places(run->queries->catalog, &query, error);
    bool more = places && places->len && reference->partition_filter;
    return more ? filter(run, reference, table, places, error) : places;
}
