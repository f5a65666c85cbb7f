/* The catalog's databases and tables, as Athena tells them. */
#include <string.h>

#include "base/page.h"
#include "catalog/catalog.h"
#include "service/athena/athena_inside.h"

/* Everything that is wrong here is a MetadataException. */
static bool metadata_error(GError **error, GError *cause)
{
    g_autoptr(GError) freed = cause;
    return error_set(error, ERROR_METADATA, "%s", freed->message);
}

static json_t *describe_database(const json_t *database)
{
    static const char *const members[] = {"Name", "Description", "Parameters", NULL};
    json_t *shown = json_object();
    json_copy_members(shown, database, members);
    return shown;
}

bool athena_get_database(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    GError *cause = NULL;
    if (!athena_has_catalog(call, json_text_at(request, "CatalogName"), error))
        return false;
    g_autoptr(json_auto) database =
        catalog_database_get(call->lathe->catalog, json_text_at(request, "DatabaseName"), &cause);
    if (!database)
        return metadata_error(error, cause);
    reply->output = json_pack("{so}", "Database", describe_database(database));
    return true;
}

bool list_databases(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    struct page_listing listing = {"athena ListDatabases", 50, ERROR_INVALID_REQUEST_EXCEPTION};
    if (!athena_has_catalog(call, json_text_at(request, "CatalogName"), error))
        return false;
    g_autoptr(json_auto) all = catalog_database_list(call->lathe->catalog, error);
    g_autoptr(json_auto) shown = json_array();
    size_t i;
    const json_t *each;
    json_array_foreach(all, i, each) json_array_append_new(shown, describe_database(each));
    return all && page_put(&reply->output, "DatabaseList", shown, &listing, request, error);
}

/* ---- tables ---- */

static json_t *describe_columns(const json_t *columns)
{
    static const char *const members[] = {"Name", "Type", "Comment", NULL};
    json_t *shown = json_array();
    size_t i;
    const json_t *each;
    json_array_foreach(columns, i, each)
    {
        json_t *column = json_object();
        json_copy_members(column, each, members);
        json_array_append_new(shown, column);
    }
    return shown;
}

/* What a client asks of a table's storage stands among the parameters. */
static json_t *describe_parameters(const json_t *table)
{
    static const char *const paths[][2] = {
        {"location", "StorageDescriptor.Location"},
        {"inputformat", "StorageDescriptor.InputFormat"},
        {"outputformat", "StorageDescriptor.OutputFormat"},
        {"serde.serialization.lib", "StorageDescriptor.SerdeInfo.SerializationLibrary"},
    };
    json_t *shown = json_object();
    json_object_update(shown, json_object_get(table, "Parameters"));
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        json_put(shown, paths[i][0], json_incref(json_at(table, paths[i][1])));
    const char *name;
    json_t *value;
    json_object_foreach(json_at(table, "StorageDescriptor.SerdeInfo.Parameters"), name, value)
    {
        g_autofree char *full = g_strconcat("serde.param.", name, NULL);
        json_object_set(shown, full, value);
    }
    return shown;
}

static json_t *describe_table(const json_t *table)
{
    static const char *const members[] = {"Name", "CreateTime", "LastAccessTime", "TableType",
                                          NULL};
    json_t *shown = json_pack(
        "{sososo}", "Columns", describe_columns(json_at(table, "StorageDescriptor.Columns")),
        "PartitionKeys", describe_columns(json_object_get(table, "PartitionKeys")), "Parameters",
        describe_parameters(table));
    json_copy_members(shown, table, members);
    return shown;
}

bool get_table_metadata(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    GError *cause = NULL;
    if (!athena_has_catalog(call, json_text_at(request, "CatalogName"), error))
        return false;
    g_autoptr(json_auto) table =
        catalog_table_get(call->lathe->catalog, json_text_at(request, "DatabaseName"),
                          json_text_at(request, "TableName"), &cause);
    if (!table)
        return metadata_error(error, cause);
    reply->output = json_pack("{so}", "TableMetadata", describe_table(table));
    return true;
}

bool list_table_metadata(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    struct page_listing listing = {"athena ListTableMetadata", 50, ERROR_INVALID_REQUEST_EXCEPTION};
    struct catalog_table_query query = {
        .database = json_text_at(request, "DatabaseName"),
        .pattern = json_text_at(request, "Expression"),
    };
    GError *cause = NULL;
    if (!athena_has_catalog(call, json_text_at(request, "CatalogName"), error))
        return false;
    g_autoptr(json_auto) all = catalog_table_list(call->lathe->catalog, &query, &cause);
    if (!all)
        return metadata_error(error, cause);
    g_autoptr(json_auto) shown = json_array();
    size_t i;
    const json_t *each;
    json_array_foreach(all, i, each) json_array_append_new(shown, describe_table(each));
    return page_put(&reply->output, "TableMetadataList", shown, &listing, request, error);
}
