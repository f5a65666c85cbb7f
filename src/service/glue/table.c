/* Tables of the catalog, and their versions. */
#include <string.h>

#include "catalog/record.h"
#include "service/glue/glue_inside.h"

#define LIST_PAGE 100

/* ---- creating, updating ---- */

static bool put_indexes(struct catalog *catalog, const char *database, const char *table,
                        const json_t *indexes, GError **error)
{
    size_t i;
    const json_t *index;
    json_array_foreach((json_t *)indexes, i, index)
    {
        if (!catalog_index_create(catalog, database, table, index, error))
            return false;
    }
    return true;
}

bool create_table(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    (void)reply;
    const char *database = json_text_at(request, "DatabaseName");
    const json_t *input = json_object_get(request, "TableInput");
    struct catalog *catalog = glue_catalog(call, request, error);
    g_autofree char *role = call_role(call);
    if (!input)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "TableInput is needed.");
    if (!catalog || !catalog_table_create(catalog, database, input, role, error))
        return false;
    if (put_indexes(catalog, database, json_text_at(input, "Name"),
                    json_object_get(request, "PartitionIndexes"), error))
        return true;
    catalog_table_delete(catalog, database, json_text_at(input, "Name"), NULL);
    return false;
}

bool update_table(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    (void)reply;
    const json_t *input = json_object_get(request, "TableInput");
    struct catalog_table_update update = {json_text_at(request, "VersionId"),
                                          json_true_at(request, "SkipArchive")};
    struct catalog *catalog = glue_catalog(call, request, error);
    if (!input)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "TableInput is needed.");
    return catalog && catalog_table_update(catalog, json_text_at(request, "DatabaseName"), input,
                                           &update, error);
}

/* ---- telling ---- */

/* What AttributesToGet leaves of a table. */
static json_t *some_of(json_t *table, const json_t *attributes)
{
    static const char *const names[] = {"Name", "DatabaseName", "CatalogId", NULL};
    static const char *const type[] = {"TableType", NULL};
    size_t i;
    const json_t *attribute;
    if (!json_array_size(attributes))
        return json_incref(table);
    json_t *some = json_object();
    json_copy_members(some, table, names);
    json_array_foreach((json_t *)attributes, i, attribute)
    {
        if (strcmp(json_string_value(attribute), "TABLE_TYPE") == 0)
            json_copy_members(some, table, type);
    }
    return some;
}

bool get_table(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    g_autoptr(json_auto) table =
        catalog ? catalog_table_get(catalog, json_text_at(request, "DatabaseName"),
                                    json_text_at(request, "Name"), error)
                : NULL;
    glue_dress(call, table);
    return table &&
           glue_reply(reply, "Table", some_of(table, json_object_get(request, "AttributesToGet")));
}

/* The listing that a page's token is of. */
static char *listing_of(const json_t *request)
{
    const char *expression = json_text_at(request, "Expression");
    return g_strdup_printf("glue GetTables\n%s\n%s", json_text_at(request, "DatabaseName"),
                           expression ? expression : "");
}

static json_t *page_of(json_t *tables, size_t limit, const json_t *attributes)
{
    json_t *page = json_array();
    for (size_t i = 0; i < MIN(limit, json_array_size(tables)); i++)
        json_array_append_new(page, some_of(json_array_get(tables, i), attributes));
    return page;
}

bool get_tables(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    g_autofree char *listing = listing_of(request), *after = NULL;
    const char *token = json_text_at(request, "NextToken");
    size_t limit = (size_t)json_integer_at(request, "MaxResults", LIST_PAGE);
    if (!catalog || (token && *token &&
                     !(after = page_place(listing, token, ERROR_INVALID_INPUT_EXCEPTION, error))))
        return false;
    struct catalog_table_query query = {json_text_at(request, "DatabaseName"),
                                        json_text_at(request, "Expression"), after, limit + 1};
    g_autoptr(json_auto) tables = catalog_table_list(catalog, &query, error);
    if (!tables)
        return false;
    glue_dress_all(call, tables);
    reply->output = json_pack("{so}", "TableList",
                              page_of(tables, limit, json_object_get(request, "AttributesToGet")));
    if (json_array_size(tables) > limit) {
        const char *last = json_text_at(json_array_get(tables, limit - 1), "Name");
        g_autofree char *next = page_token(listing, last);
        json_object_set_new(reply->output, "NextToken", json_string(next));
    }
    return true;
}

bool search_tables(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    const char *text = json_text_at(request, "SearchText");
    const json_t *filters = json_object_get(request, "Filters");
    const json_t *sort = json_at(request, "SortCriteria[0]");
    json_t *list = catalog ? catalog_search(catalog, text, filters, sort, error) : NULL;
    glue_dress_all(call, list);
    g_autofree char *what = filters ? json_text_of(filters) : NULL;
    g_autofree char *place = g_strdup_printf("%s\n%s", text ? text : "", what ? what : "");
    return glue_reply_page(call, request, place, "TableList", list, LIST_PAGE, reply, error);
}

/* ---- deleting ---- */

bool delete_table(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    (void)reply;
    struct catalog *catalog = glue_catalog(call, request, error);
    return catalog && catalog_table_delete(catalog, json_text_at(request, "DatabaseName"),
                                           json_text_at(request, "Name"), error);
}

bool batch_delete_table(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    const char *database = json_text_at(request, "DatabaseName");
    g_autoptr(json_auto) there = catalog ? catalog_database_get(catalog, database, error) : NULL;
    json_t *errors = there ? json_array() : NULL;
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(there ? request : NULL, "TablesToDelete"), i, name)
    {
        g_autoptr(GError) cause = NULL;
        if (!catalog_table_delete(catalog, database, json_string_value(name), &cause))
            json_array_append_new(errors, json_pack("{sOso}", "TableName", name, "ErrorDetail",
                                                    glue_error_detail(cause)));
    }
    return glue_reply(reply, "Errors", errors);
}

/* ---- versions ---- */

static json_t *version_of(json_t *table)
{
    return json_pack("{sOsO}", "Table", table, "VersionId", json_object_get(table, "VersionId"));
}

bool get_table_version(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    g_autoptr(json_auto) table =
        catalog ? catalog_version_get(catalog, json_text_at(request, "DatabaseName"),
                                      json_text_at(request, "TableName"),
                                      json_text_at(request, "VersionId"), error)
                : NULL;
    glue_dress(call, table);
    return table && glue_reply(reply, "TableVersion", version_of(table));
}

bool get_table_versions(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    const char *database = json_text_at(request, "DatabaseName");
    const char *name = json_text_at(request, "TableName");
    g_autoptr(json_auto) tables =
        catalog ? catalog_version_list(catalog, database, name, error) : NULL;
    json_t *list = tables ? json_array() : NULL;
    size_t i;
    json_t *table;
    glue_dress_all(call, tables);
    json_array_foreach(tables, i, table) json_array_append_new(list, version_of(table));
    g_autofree char *place = g_strdup_printf("%s\n%s", database, name);
    return glue_reply_page(call, request, place, "TableVersions", list, LIST_PAGE, reply, error);
}

bool delete_table_version(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    (void)reply;
    struct catalog *catalog = glue_catalog(call, request, error);
    return catalog && catalog_version_delete(catalog, json_text_at(request, "DatabaseName"),
                                             json_text_at(request, "TableName"),
                                             json_text_at(request, "VersionId"), error);
}

bool batch_delete_table_version(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    const char *database = json_text_at(request, "DatabaseName");
    const char *table = json_text_at(request, "TableName");
    g_autoptr(json_auto) there =
        catalog ? catalog_table_get(catalog, database, table, error) : NULL;
    json_t *errors = there ? json_array() : NULL;
    size_t i;
    const json_t *version;
    json_array_foreach(json_object_get(there ? request : NULL, "VersionIds"), i, version)
    {
        g_autoptr(GError) cause = NULL;
        if (!catalog_version_delete(catalog, database, table, json_string_value(version), &cause))
            json_array_append_new(errors,
                                  json_pack("{sssOso}", "TableName", table, "VersionId", version,
                                            "ErrorDetail", glue_error_detail(cause)));
    }
    return glue_reply(reply, "Errors", errors);
}
