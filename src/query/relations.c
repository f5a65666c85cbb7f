/* References into what the engine reads: formats, columns, files. */
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/s3_uri.h"
#include "catalog/catalog.h"
#include "query/places.h"
#include "query/resolve.h"
#include "table/engine.h"

struct files {
    struct query_run *run;
    const struct query_news *news; /* of a table of new objects; or NULL */
    const char *database, *table;  /* then */
    GHashTable *fresh;             /* the ids of these; NULL: all */
    json_t *list;
    char *folder; /* of the links */
    unsigned count;
    gint64 bytes;
};

/* Hive passes over files and folders whose names begin with _ or ., and folders' own objects. */
static bool is_hidden(const char *below)
{
    for (const char *name = below; name; name = strchr(name, '/'), name += name != NULL)
        if (*name == '_' || *name == '.' || *name == '\0')
            return true;
    return false;
}

static json_t *values_of(const struct catalog_place *place)
{
    json_t *values = json_array();
    for (size_t i = 0; place && place->values[i]; i++)
        json_array_append_new(values, strcmp(place->values[i], CATALOG_NO_VALUE) == 0
                                          ? json_null()
                                          : json_string(place->values[i]));
    return values;
}

/* Whether it is read; and that it is. */
static bool takes(struct files *files, const struct lake_object *object)
{
    if (files->fresh && !g_hash_table_contains(files->fresh, object->id))
        return false;
    if (files->news)
        files->news->read(files->database, files->table, object->id, files->news->data);
    return true;
}

static bool add_object(struct files *files, const struct lake_object *object, const char *bucket,
                       json_t *values, GError **error)
{
    if (!takes(files, object))
        return true;
    g_autofree char *path = g_strdup_printf("%s/%u", files->folder, files->count++);
    g_autofree char *uri = g_strdup_printf("s3://%s/%s", bucket, object->key);
    if (!lake_link(files->run->queries->lake, object, path, error))
        return false;
    files->bytes += object->size;
    json_array_append_new(files->list, json_pack("{sssssOsIsf}", "Path", path, "Uri", uri, "Values",
                                                 values, "Size", (json_int_t)object->size,
                                                 "Modified", object->modified));
    return true;
}

static bool is_read(const struct lake_object *object, const char *prefix)
{
    return object->size && !is_hidden(object->key + strlen(prefix));
}

static bool fail_place(const char *location, GError **error)
{
    return error_set(error, ERROR_INVALID_REQUEST,
                     "HIVE_INVALID_METADATA: The location '%s' is no place in S3: "
                     "s3://bucket/prefix/ would be one",
                     location ? location : "");
}

/* What lies in a folder and is read: struct lake_object. */
static GPtrArray *list_folder(struct lake *lake, const char *location, GError **error)
{
    g_autofree char *bucket = NULL, *key = NULL;
    if (!s3_uri_is(location) || !s3_uri_parse(location, &bucket, &key, error)) {
        fail_place(location, error);
        return NULL;
    }
    g_autofree char *prefix =
        g_strconcat(key, *key && !g_str_has_suffix(key, "/") ? "/" : "", NULL);
    GPtrArray *objects = lake_list(lake, bucket, prefix, error);
    for (guint i = objects ? objects->len : 0; i > 0; i--)
        if (!is_read(objects->pdata[i - 1], prefix))
            g_ptr_array_remove_index(objects, i - 1);
    return objects;
}

static bool add_folder(struct files *files, const char *location, const struct catalog_place *place,
                       GError **error)
{
    g_autoptr(GPtrArray) objects = list_folder(files->run->queries->lake, location, error);
    g_autoptr(json_auto) values = values_of(place);
    for (guint i = 0; objects && i < objects->len; i++) {
        const struct lake_object *object = objects->pdata[i];
        if (!add_object(files, object, object->bucket, values, error))
            return false;
    }
    return objects != NULL;
}

/* ---- partitions ---- */

static const char *library_of(const json_t *descriptor)
{
    const char *library = json_text_at(descriptor, "SerdeInfo.SerializationLibrary");
    return library ? library : "";
}

/* All partitions are read as their table is: what is in another format would be read wrongly. */
static bool check_layout(const struct files *files, const json_t *table,
                         const struct catalog_place *place, GHashTable *seen, GError **error)
{
    if (!place->layout || !g_hash_table_add(seen, GSIZE_TO_POINTER((gsize)place->layout)))
        return true;
    g_autoptr(json_auto) layout =
        catalog_layout_get(files->run->queries->catalog, place->layout, NULL);
    const char *own = library_of(json_object_get(table, "StorageDescriptor"));
    if (!layout || !*library_of(layout) || strcmp(library_of(layout), own) == 0)
        return true;
    return error_set(error, ERROR_INVALID_REQUEST,
                     "NOT_SUPPORTED: The partition at %s is read by %s, and its table by %s; both "
                     "have to be the same",
                     place->location, library_of(layout), own);
}

static bool add_partitions(struct files *files, const struct sql_reference *reference,
                           const json_t *table, GError **error)
{
    g_autoptr(GPtrArray) places = places_find(files->run, reference, table, error);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    for (guint i = 0; places && i < places->len; i++) {
        const struct catalog_place *place = places->pdata[i];
        if (!check_layout(files, table, place, seen, error) ||
            !add_folder(files, place->location, place, error))
            return false;
    }
    return places != NULL;
}

static bool add_files(struct files *files, const struct sql_reference *reference,
                      const json_t *table, GError **error)
{
    const char *folder = query_folder(files->run, error);
    if (!folder)
        return false;
    files->folder = g_build_filename(folder, reference->relation, NULL);
    if (!file_make_folders(files->folder, error))
        return false;
    if (json_array_size(json_object_get(table, "PartitionKeys")))
        return add_partitions(files, reference, table, error);
    return add_folder(files, json_text_at(table, "StorageDescriptor.Location"), NULL, error);
}

/* ---- the whole ---- */

static json_t *options_of(const json_t *table)
{
    json_t *options = json_object();
    json_object_update(options, json_object_get(table, "Parameters"));
    json_object_update(options, json_at(table, "StorageDescriptor.SerdeInfo.Parameters"));
    return options;
}

static json_t *plain_columns(const json_t *columns)
{
    static const char *const members[] = {"Name", "Type", NULL};
    json_t *plain = json_array();
    size_t i;
    const json_t *column;
    json_array_foreach(columns, i, column)
    {
        json_t *each = json_object();
        json_copy_members(each, column, members);
        json_array_append_new(plain, each);
    }
    return plain;
}

static const char *format_of(const json_t *table, GError **error)
{
    const char *library = library_of(json_object_get(table, "StorageDescriptor"));
    const char *format = engine_format_of(library);
    if (!format)
        error_set(error, ERROR_INVALID_REQUEST,
                  "NOT_SUPPORTED: The table %s.%s is read by '%s', which is not supported",
                  json_text_at(table, "DatabaseName"), json_text_at(table, "Name"), library);
    return format;
}

/* Of a table of new objects, which count. */
static bool find_news(struct files *files, const struct sql_reference *reference,
                      const json_t *table, GError **error)
{
    g_autofree char *name = new_table_of(reference->table);
    if (!name || !files->run->request->news)
        return true;
    files->news = files->run->request->news;
    files->database = reference->schema;
    files->table = json_text_at(table, "Name");
    return files->news->find(files->database, files->table, &files->fresh, files->news->data,
                             error);
}

json_t *relation_of(struct query_run *run, const struct sql_reference *reference,
                    const json_t *table, gint64 *bytes, GError **error)
{
    const char *format = format_of(table, error);
    g_autoptr(json_auto) list = json_array();
    struct files files = {.run = run, .list = list};
    bool found = format && find_news(&files, reference, table, error) &&
                 add_files(&files, reference, table, error);
    g_free(files.folder);
    *bytes += files.bytes;
    if (!found)
        return NULL;
    return json_pack("{sssssosososO}", "Name", reference->relation, "Format", format, "Columns",
                     plain_columns(json_at(table, "StorageDescriptor.Columns")), "Partitions",
                     plain_columns(json_object_get(table, "PartitionKeys")), "Options",
                     options_of(table), "Files", list);
}

/* ---- all that a table has ---- */

static bool add_ids(GPtrArray *ids, struct lake *lake, const char *location, GError **error)
{
    g_autoptr(GPtrArray) objects = list_folder(lake, location, error);
    for (guint i = 0; objects && i < objects->len; i++)
        g_ptr_array_add(ids, g_strdup(((struct lake_object *)objects->pdata[i])->id));
    return objects != NULL;
}

static GPtrArray *all_places(const struct queries *queries, const json_t *table, double now,
                             GError **error)
{
    g_autoptr(json_auto) none = json_object();
    struct catalog_partition_query query = {.database = json_text_at(table, "DatabaseName"),
                                            .table = json_text_at(table, "Name")};
    return projection_is(table) ? projection_places(table, none, now, error)
                                : catalog_partition_places(queries->catalog, &query, error);
}

static bool add_partition_ids(GPtrArray *ids, const struct queries *queries, const json_t *table,
                              double now, GError **error)
{
    g_autoptr(GPtrArray) places = all_places(queries, table, now, error);
    for (guint i = 0; places && i < places->len; i++)
        if (!add_ids(ids, queries->lake, ((struct catalog_place *)places->pdata[i])->location,
                     error))
            return false;
    return places != NULL;
}

GPtrArray *query_objects(const struct queries *queries, const char *database, const char *table,
                         double now, GError **error)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(json_auto) found = catalog_table_get(queries->catalog, database, table, error);
    bool parted = json_array_size(json_object_get(found, "PartitionKeys")) > 0;
    const char *location = json_text_at(found, "StorageDescriptor.Location");
    if (!found || !(parted ? add_partition_ids(ids, queries, found, now, error)
                           : add_ids(ids, queries->lake, location, error)))
        return NULL;
    return g_steal_pointer(&ids);
}
