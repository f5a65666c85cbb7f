/* Data catalogs: the account's own, in Glue, and further names for it. */
#include <string.h>

#include "base/page.h"
#include "service/athena/athena_inside.h"

static bool is_own(const char *name)
{
    return g_ascii_strcasecmp(name, GLUE_CATALOG) == 0;
}

bool athena_has_catalog(const struct call *call, const char *name, GError **error)
{
    if (is_own(name))
        return true;
    g_autoptr(resource_auto) there = athena_get(call, DATA_CATALOG, name, error);
    return there != NULL;
}

static bool refuse_own(const char *what, GError **error)
{
    return error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                     "The data catalog " GLUE_CATALOG " is the account's own: it cannot be %s.",
                     what);
}

/* Another name for a catalog of Glue's: the account's, which is the only one. */
static bool check_glue(const struct call *call, const json_t *request, GError **error)
{
    const char *id = json_text_at(request, "Parameters.catalog-id");
    return (id && strcmp(id, call->account) == 0) ||
           error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                     "Parameters: a catalog of type GLUE needs catalog-id, the account's %s; found "
                     "%s.",
                     call->account, id ? id : "none");
}

static json_t *describe(const struct resource *catalog)
{
    json_t *shown = json_pack("{ssss}", "Name", catalog->name, "Status", "CREATE_COMPLETE");
    json_object_update(shown, catalog->body);
    return shown;
}

bool create_data_catalog(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    static const char *const members[] = {"Type", "Description", "Parameters", NULL};
    const char *name = json_text_at(request, "Name");
    if (is_own(name))
        return refuse_own("created", error);
    g_autoptr(json_auto) body = json_object();
    json_copy_members(body, request, members);
    g_autoptr(json_auto) tags = athena_tags(request, error);
    if (!tags || !check_glue(call, request, error) ||
        !athena_create(call, DATA_CATALOG, name, "", body, tags, error))
        return false;
    struct resource made = {.name = (char *)name, .body = body};
    reply->output = json_pack("{so}", "DataCatalog", describe(&made));
    return true;
}

static json_t *describe_own(const struct call *call)
{
    return json_pack("{sssssss{ss}}", "Name", GLUE_CATALOG, "Type", "GLUE", "Status",
                     "CREATE_COMPLETE", "Parameters", "catalog-id", call->account);
}

bool get_data_catalog(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    const char *name = json_text_at(request, "Name");
    json_t *shown = is_own(name) ? describe_own(call) : NULL;
    g_autoptr(resource_auto) there = shown ? NULL : athena_get(call, DATA_CATALOG, name, error);
    if (there)
        shown = describe(there);
    if (shown)
        reply->output = json_pack("{so}", "DataCatalog", shown);
    return shown != NULL;
}

static json_t *summary(const char *name, const char *type)
{
    return json_pack("{ssssss}", "CatalogName", name, "Type", type, "Status", "CREATE_COMPLETE");
}

bool list_data_catalogs(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    struct page_listing listing = {"athena ListDataCatalogs", 50, ERROR_INVALID_REQUEST_EXCEPTION};
    struct resource_query query = {
        .kind = DATA_CATALOG, .order = RESOURCE_BY_NAME, .ascending = true};
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    if (!all)
        return false;
    g_autoptr(json_auto) list = json_pack("[o]", summary(GLUE_CATALOG, "GLUE"));
    for (guint i = 0; i < all->len; i++) {
        const struct resource *each = all->pdata[i];
        json_array_append_new(list, summary(each->name, json_text_at(each->body, "Type")));
    }
    return page_put(&reply->output, "DataCatalogsSummary", list, &listing, request, error);
}

static bool change(struct resource *catalog, void *data, GError **error)
{
    (void)error;
    static const char *const members[] = {"Type", "Description", "Parameters", NULL};
    json_copy_members(catalog->body, data, members);
    return true;
}

bool update_data_catalog(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "Name");
    if (is_own(name))
        return refuse_own("changed", error);
    g_autoptr(resource_auto) there = athena_get(call, DATA_CATALOG, name, error);
    return there && check_glue(call, request, error) &&
           resource_update(call->lathe->store, DATA_CATALOG, name, change, (void *)request, NULL,
                           error);
}

bool delete_data_catalog(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    const char *name = json_text_at(request, "Name");
    if (is_own(name))
        return refuse_own("deleted", error);
    g_autoptr(resource_auto) there = athena_get(call, DATA_CATALOG, name, error);
    if (!there || !resource_delete(call->lathe->store, DATA_CATALOG, name, NULL, error))
        return false;
    json_t *shown = describe(there);
    json_object_set_new(shown, "Status", json_string("DELETE_COMPLETE"));
    reply->output = json_pack("{so}", "DataCatalog", shown);
    return true;
}
