/* Athena: SQL over the catalog's tables. What is common to its resources; their tags. */
#include <string.h>

#include "base/page.h"
#include "service/athena/athena_inside.h"

char *athena_arn(const struct call *call, const char *kind, const char *name)
{
    return g_strdup_printf("arn:aws:athena:%s:%s:%s/%s", call->region, call->account, kind, name);
}

/* ---- resources ---- */

static const struct {
    const char *kind, *noun;
} nouns[] = {
    {WORK_GROUP, "WorkGroup"},           {DATA_CATALOG, "DataCatalog"},
    {NAMED_QUERY, "NamedQuery"},         {PREPARED_STATEMENT, "PreparedStatement"},
    {QUERY_EXECUTION, "QueryExecution"},
};

static const char *noun_of(const char *kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(nouns); i++)
        if (strcmp(nouns[i].kind, kind) == 0)
            return nouns[i].noun;
    g_return_val_if_reached(kind);
}

/* Prepared statements, which are named within their workgroup, have an error of their own. */
static bool missing(const char *kind, const char *name, GError **error)
{
    const char *slash = strcmp(kind, PREPARED_STATEMENT) == 0 ? strchr(name, '/') : NULL;
    if (slash)
        return error_set(error, ERROR_NOT_FOUND_EXCEPTION,
                         "PreparedStatement %s was not found in workGroup %.*s", slash + 1,
                         (int)(slash - name), name);
    return error_set(error, ERROR_INVALID_REQUEST_EXCEPTION, "%s %s was not found", noun_of(kind),
                     name);
}

struct resource *athena_get(const struct call *call, const char *kind, const char *name,
                            GError **error)
{
    GError *cause = NULL;
    struct resource *found = resource_get(call->lathe->store, kind, name, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!found)
        missing(kind, name, error);
    return found;
}

bool athena_create(const struct call *call, const char *kind, const char *name, const char *parent,
                   json_t *body, const json_t *tags, GError **error)
{
    bool taken = false;
    g_autofree char *arn = athena_arn(call, kind, name);
    struct resource resource = {.kind = (char *)kind,
                                .name = (char *)name,
                                .arn = arn,
                                .status = (char *)"",
                                .parent = (char *)parent,
                                .body = body,
                                .tags = tags};
    if (resource_create(call->lathe->store, &resource, &taken, error))
        return true;
    if (!taken)
        return false;
    g_clear_error(error);
    return error_set(error, ERROR_INVALID_REQUEST_EXCEPTION, "%s %s is already created",
                     noun_of(kind), name);
}

const char *athena_group_of(const json_t *request)
{
    const char *group = json_text_at(request, "WorkGroup");
    return group ? group : PRIMARY;
}

bool athena_list_error(GError **error)
{
    if (error && *error && g_error_matches(*error, LATHE_ERROR, ERROR_VALIDATION))
        (*error)->code = ERROR_INVALID_REQUEST_EXCEPTION;
    return false;
}

bool athena_list_names(const struct call *call, const char *kind, const char *member,
                       const json_t *request, json_t **output, GError **error)
{
    g_autoptr(resource_auto) group = athena_get(call, WORK_GROUP, athena_group_of(request), error);
    if (!group)
        return false;
    struct resource_query query = {
        .kind = kind,
        .parent = group->name,
        .limit = (size_t)json_integer_at(request, "MaxResults", 50),
        .token = json_text_at(request, "NextToken"),
    };
    g_autofree char *next = NULL;
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, &next, error);
    if (!all)
        return athena_list_error(error);
    json_t *names = json_array();
    for (guint i = 0; i < all->len; i++)
        json_array_append_new(names, json_string(((struct resource *)all->pdata[i])->name));
    *output = json_pack("{soss*}", member, names, "NextToken", next);
    return true;
}

static json_t *unprocessed(const char *word, const char *name)
{
    return json_pack("{ssssss}", word, name, "ErrorCode", "INVALID_INPUT", "ErrorMessage",
                     "It was not found");
}

bool athena_batch(const struct call *call, const char *kind, const char *group, const json_t *names,
                  athena_describe *describe, const char *word, json_t **found, json_t **missed,
                  GError **error)
{
    *found = json_array();
    *missed = json_array();
    size_t i;
    const json_t *name;
    json_array_foreach(names, i, name)
    {
        const char *asked = json_string_value(name);
        g_autofree char *full = group ? g_strdup_printf("%s/%s", group, asked) : g_strdup(asked);
        GError *cause = NULL;
        g_autoptr(resource_auto) each = resource_get(call->lathe->store, kind, full, &cause);
        if (cause) {
            g_propagate_error(error, cause);
            return false;
        }
        if (each)
            json_array_append_new(*found, describe(each));
        else
            json_array_append_new(*missed, unprocessed(word, asked));
    }
    return true;
}

/* ---- tags ---- */

static struct resource *tagged(const struct call *call, const json_t *request, GError **error)
{
    GError *cause = NULL;
    const char *arn = json_text_at(request, "ResourceARN");
    struct resource *found = resource_get_by_arn(call->lathe->store, arn, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!found)
        error_set(error, ERROR_NOT_FOUND_EXCEPTION, "Resource %s was not found", arn);
    return found;
}

json_t *athena_tags(const json_t *request, GError **error)
{
    g_autoptr(json_auto) tags = json_array();
    size_t i;
    const json_t *tag;
    json_array_foreach(json_object_get(request, "Tags"), i, tag)
    {
        const char *key = json_text_at(tag, "Key"), *value = json_text_at(tag, "Value");
        if (!key) {
            error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                      "Tags: tag %zu has no Key; each has one, and may have a Value.", i + 1);
            return NULL;
        }
        json_array_append_new(tags, json_pack("{ssss}", "Key", key, "Value", value ? value : ""));
    }
    return g_steal_pointer(&tags);
}

static bool tag_resource(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) resource = tagged(call, request, error);
    g_autoptr(json_auto) tags = resource ? athena_tags(request, error) : NULL;
    return tags && resource_tags_put(call->lathe->store, resource->arn, tags, error);
}

static bool untag_resource(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) resource = tagged(call, request, error);
    return resource && resource_tags_remove(call->lathe->store, resource->arn,
                                            json_object_get(request, "TagKeys"), error);
}

static bool list_tags_for_resource(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    struct page_listing listing = {"athena ListTagsForResource", 75,
                                   ERROR_INVALID_REQUEST_EXCEPTION};
    g_autoptr(resource_auto) resource = tagged(call, request, error);
    g_autoptr(json_auto) all =
        resource ? resource_tags(call->lathe->store, resource->arn, error) : NULL;
    return all && page_put(&reply->output, "Tags", all, &listing, request, error);
}

/* ---- the service ---- */

static bool open_service(struct lathe *lathe, GError **error)
{
    return athena_open_groups(lathe, error) && athena_open_executions(lathe, error);
}

static const struct operation operations[] = {
    {"CreateWorkGroup", create_work_group, OPERATION_BLOCKING},
    {"GetWorkGroup", get_work_group, OPERATION_BLOCKING},
    {"ListWorkGroups", list_work_groups, OPERATION_BLOCKING},
    {"UpdateWorkGroup", update_work_group, OPERATION_BLOCKING},
    {"DeleteWorkGroup", delete_work_group, OPERATION_BLOCKING},
    {"ListEngineVersions", list_engine_versions, OPERATION_BLOCKING},
    {"CreateDataCatalog", create_data_catalog, OPERATION_BLOCKING},
    {"GetDataCatalog", get_data_catalog, OPERATION_BLOCKING},
    {"ListDataCatalogs", list_data_catalogs, OPERATION_BLOCKING},
    {"UpdateDataCatalog", update_data_catalog, OPERATION_BLOCKING},
    {"DeleteDataCatalog", delete_data_catalog, OPERATION_BLOCKING},
    {"CreateNamedQuery", create_named_query, OPERATION_BLOCKING},
    {"GetNamedQuery", get_named_query, OPERATION_BLOCKING},
    {"BatchGetNamedQuery", batch_get_named_query, OPERATION_BLOCKING},
    {"ListNamedQueries", list_named_queries, OPERATION_BLOCKING},
    {"UpdateNamedQuery", update_named_query, OPERATION_BLOCKING},
    {"DeleteNamedQuery", delete_named_query, OPERATION_BLOCKING},
    {"CreatePreparedStatement", create_prepared_statement, OPERATION_BLOCKING},
    {"GetPreparedStatement", get_prepared_statement, OPERATION_BLOCKING},
    {"BatchGetPreparedStatement", batch_get_prepared_statement, OPERATION_BLOCKING},
    {"ListPreparedStatements", list_prepared_statements, OPERATION_BLOCKING},
    {"UpdatePreparedStatement", update_prepared_statement, OPERATION_BLOCKING},
    {"DeletePreparedStatement", delete_prepared_statement, OPERATION_BLOCKING},
    {"GetDatabase", athena_get_database, OPERATION_BLOCKING},
    {"ListDatabases", list_databases, OPERATION_BLOCKING},
    {"GetTableMetadata", get_table_metadata, OPERATION_BLOCKING},
    {"ListTableMetadata", list_table_metadata, OPERATION_BLOCKING},
    {"StartQueryExecution", start_query_execution, OPERATION_BLOCKING},
    {"GetQueryExecution", get_query_execution, OPERATION_BLOCKING},
    {"BatchGetQueryExecution", batch_get_query_execution, OPERATION_BLOCKING},
    {"ListQueryExecutions", list_query_executions, OPERATION_BLOCKING},
    {"StopQueryExecution", stop_query_execution, OPERATION_BLOCKING},
    {"GetQueryResults", get_query_results, OPERATION_BLOCKING},
    {"GetQueryRuntimeStatistics", get_query_runtime_statistics, OPERATION_BLOCKING},
    {"TagResource", tag_resource, OPERATION_BLOCKING},
    {"UntagResource", untag_resource, OPERATION_BLOCKING},
    {"ListTagsForResource", list_tags_for_resource, OPERATION_BLOCKING},
};

const struct service athena_service = {
    .name = "athena",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .open = open_service,
    .tidy = athena_tidy_executions,
    .close = athena_close_executions,
};
