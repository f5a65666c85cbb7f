/* Named queries and prepared statements: texts that are kept. */
#include <string.h>

#include "base/id.h"
#include "service/athena/athena_inside.h"

static bool replace_members(struct resource *resource, void *data, GError **error)
{
    (void)error;
    static const char *const members[] = {"Name", "Description", "QueryString", "QueryStatement",
                                          NULL};
    json_copy_members(resource->body, data, members);
    return true;
}

static bool update(const struct call *call, const char *kind, const char *name,
                   const json_t *request, GError **error)
{
    g_autoptr(resource_auto) there = athena_get(call, kind, name, error);
    return there && resource_update(call->lathe->store, kind, name, replace_members,
                                    (void *)request, NULL, error);
}

static bool delete (const struct call *call, const char *kind, const char *name, GError **error)
{
    g_autoptr(resource_auto) there = athena_get(call, kind, name, error);
    return there && resource_delete(call->lathe->store, kind, name, NULL, error);
}

/* ---- named queries ---- */

bool create_named_query(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    static const char *const members[] = {"Name", "Description", "Database", "QueryString", NULL};
    g_autoptr(resource_auto) group = athena_work_group(call, athena_group_of(request), true, error);
    if (!group)
        return false;
    g_autofree char *id = id_uuid();
    g_autoptr(json_auto) body = json_object();
    json_copy_members(body, request, members);
    if (!athena_create(call, NAMED_QUERY, id, group->name, body, NULL, error))
        return false;
    reply->output = json_pack("{ss}", "NamedQueryId", id);
    return true;
}

static json_t *describe_named(const struct resource *query)
{
    json_t *shown = json_pack("{ssss}", "NamedQueryId", query->name, "WorkGroup", query->parent);
    json_object_update(shown, query->body);
    return shown;
}

bool get_named_query(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    g_autoptr(resource_auto) query =
        athena_get(call, NAMED_QUERY, json_text_at(request, "NamedQueryId"), error);
    if (query)
        reply->output = json_pack("{so}", "NamedQuery", describe_named(query));
    return query != NULL;
}

bool batch_get_named_query(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    json_t *found = NULL, *missed = NULL;
    bool done = athena_batch(call, NAMED_QUERY, NULL, json_object_get(request, "NamedQueryIds"),
                             describe_named, "NamedQueryId", &found, &missed, error);
    reply->output = json_pack("{soso}", "NamedQueries", found, "UnprocessedNamedQueryIds", missed);
    return done;
}

bool list_named_queries(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    return athena_list_names(call, NAMED_QUERY, "NamedQueryIds", request, &reply->output, error);
}

bool update_named_query(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)reply;
    return update(call, NAMED_QUERY, json_text_at(request, "NamedQueryId"), request, error);
}

bool delete_named_query(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)reply;
    return delete (call, NAMED_QUERY, json_text_at(request, "NamedQueryId"), error);
}

/* ---- prepared statements ---- */

/* "<workgroup>/<name>", g_free. */
static char *name_of(const json_t *request)
{
    return g_strdup_printf("%s/%s", json_text_at(request, "WorkGroup"),
                           json_text_at(request, "StatementName"));
}

bool create_prepared_statement(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)reply;
    static const char *const members[] = {"Description", "QueryStatement", NULL};
    g_autoptr(resource_auto) group =
        athena_work_group(call, json_text_at(request, "WorkGroup"), true, error);
    if (!group)
        return false;
    g_autofree char *name = name_of(request);
    g_autoptr(json_auto) body = json_object();
    json_copy_members(body, request, members);
    return athena_create(call, PREPARED_STATEMENT, name, group->name, body, NULL, error);
}

static json_t *describe_prepared(const struct resource *statement)
{
    json_t *shown =
        json_pack("{sssssf}", "StatementName", statement->name + strlen(statement->parent) + 1,
                  "WorkGroupName", statement->parent, "LastModifiedTime", statement->modified);
    json_object_update(shown, statement->body);
    return shown;
}

bool get_prepared_statement(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    g_autofree char *name = name_of(request);
    g_autoptr(resource_auto) statement = athena_get(call, PREPARED_STATEMENT, name, error);
    if (statement)
        reply->output = json_pack("{so}", "PreparedStatement", describe_prepared(statement));
    return statement != NULL;
}

bool batch_get_prepared_statement(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    json_t *found = NULL, *missed = NULL;
    bool done = athena_batch(call, PREPARED_STATEMENT, json_text_at(request, "WorkGroup"),
                             json_object_get(request, "PreparedStatementNames"), describe_prepared,
                             "StatementName", &found, &missed, error);
    reply->output = json_pack("{soso}", "PreparedStatements", found,
                              "UnprocessedPreparedStatementNames", missed);
    return done;
}

bool list_prepared_statements(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    g_autoptr(json_auto) names = NULL;
    if (!athena_list_names(call, PREPARED_STATEMENT, "Names", request, &names, error))
        return false;
    size_t prefix = strlen(json_text_at(request, "WorkGroup")) + 1, i;
    json_t *statements = json_array();
    const json_t *name;
    json_array_foreach(json_object_get(names, "Names"), i, name) json_array_append_new(
        statements, json_pack("{ss}", "StatementName", json_string_value(name) + prefix));
    reply->output = json_pack("{sosO*}", "PreparedStatements", statements, "NextToken",
                              json_object_get(names, "NextToken"));
    return true;
}

bool update_prepared_statement(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)reply;
    g_autofree char *name = name_of(request);
    return update(call, PREPARED_STATEMENT, name, request, error);
}

bool delete_prepared_statement(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)reply;
    g_autofree char *name = name_of(request);
    return delete (call, PREPARED_STATEMENT, name, error);
}

/* ---- for SQL: PREPARE, EXECUTE, DEALLOCATE ---- */

static struct call call_of(const struct athena_group *group)
{
    return (struct call){
        .lathe = group->lathe, .region = "us-east-1", .account = group->lathe->account};
}

static char *find_prepared(const char *statement, void *data, GError **error)
{
    const struct athena_group *group = data;
    struct call call = call_of(group);
    g_autofree char *name = g_strdup_printf("%s/%s", group->name, statement);
    g_autoptr(resource_auto) found = athena_get(&call, PREPARED_STATEMENT, name, error);
    return found ? g_strdup(json_text_at(found->body, "QueryStatement")) : NULL;
}

static bool keep_prepared(const char *statement, const char *text, void *data, GError **error)
{
    const struct athena_group *group = data;
    struct call call = call_of(group);
    g_autofree char *name = g_strdup_printf("%s/%s", group->name, statement);
    g_autoptr(json_auto) body = json_pack("{ss}", "QueryStatement", text);
    return athena_create(&call, PREPARED_STATEMENT, name, group->name, body, NULL, error);
}

static bool drop_prepared(const char *statement, void *data, GError **error)
{
    const struct athena_group *group = data;
    struct call call = call_of(group);
    g_autofree char *name = g_strdup_printf("%s/%s", group->name, statement);
    return delete (&call, PREPARED_STATEMENT, name, error);
}

const struct query_prepared athena_prepared = {find_prepared, keep_prepared, drop_prepared};
