#include "store/resource.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/page.h"
#include "store/store_internal.h"

#define COLUMNS "kind, name, arn, status, parent, body, created, modified"

void resource_free(struct resource *resource)
{
    if (!resource)
        return;
    g_free(resource->kind);
    g_free(resource->name);
    g_free(resource->arn);
    g_free(resource->status);
    g_free(resource->parent);
    json_decref(resource->body);
    g_free(resource);
}

static void free_resource(void *resource)
{
    resource_free(resource);
}

static char *text_column(sqlite3_stmt *statement, int column)
{
    return g_strdup((const char *)sqlite3_column_text(statement, column));
}

/* The row under the statement's cursor, of COLUMNS. */
static struct resource *resource_from_row(sqlite3_stmt *statement, GError **error)
{
    const char *body = (const char *)sqlite3_column_text(statement, 5);
    json_t *value = json_parse(body, strlen(body), "a resource's body", error);
    if (!value)
        return NULL;
    struct resource *resource = g_new0(struct resource, 1);
    resource->kind = text_column(statement, 0);
    resource->name = text_column(statement, 1);
    resource->arn = text_column(statement, 2);
    resource->status = text_column(statement, 3);
    resource->parent = text_column(statement, 4);
    resource->body = value;
    resource->created = sqlite3_column_double(statement, 6);
    resource->modified = sqlite3_column_double(statement, 7);
    return resource;
}

/* The first resource that `sql`, with one or two texts, finds; NULL without error where none. */
static struct resource *find(struct store_connection *connection, const char *sql,
                             const char *first, const char *second, GError **error)
{
    sqlite3_stmt *statement = store_prepare(connection, sql, error);
    if (!statement)
        return NULL;
    sqlite3_bind_text(statement, 1, first, -1, SQLITE_STATIC);
    if (second)
        sqlite3_bind_text(statement, 2, second, -1, SQLITE_STATIC);
    struct resource *resource = NULL;
    if (store_step(statement, error) == SQLITE_ROW)
        resource = resource_from_row(statement, error);
    sqlite3_reset(statement);
    return resource;
}

#define FIND_BY_NAME "SELECT " COLUMNS " FROM resource WHERE kind = ? AND name = ?"
#define FIND_IN_ANY_CASE FIND_BY_NAME " COLLATE NOCASE"
#define FIND_BY_ARN "SELECT " COLUMNS " FROM resource WHERE arn = ?"

/* --- create ----------------------------------------------------------------------------------- */

struct creation {
    struct store *store;
    struct resource *resource;
    bool taken;
};

static bool create(struct store_connection *connection, void *data, GError **error)
{
    struct creation *creation = data;
    struct resource *resource = creation->resource;
    g_autoptr(resource_auto) present =
        find(connection, resource->any_case ? FIND_IN_ANY_CASE : FIND_BY_NAME, resource->kind,
             resource->name, error);
    if (present) {
        creation->taken = true;
        return error_set(error, ERROR_IN_USE, "the %s %s already exists", resource->kind,
                         resource->name);
    }
    g_autofree char *body = json_text_of(resource->body);
    if (!store_run(connection, error,
                   "INSERT INTO resource (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "ssssssdd",
                   resource->kind, resource->name, resource->arn, resource->status,
                   resource->parent, body, resource->created, resource->modified) ||
        !tags_put_within(connection, resource->arn, resource->tags, error))
        return false;
    store_announce(creation->store, resource->kind, resource->name, resource->status);
    return true;
}

static void fill_in(struct resource *resource)
{
    if (resource->created == 0)
        resource->created = clock_now();
    if (resource->modified == 0)
        resource->modified = resource->created;
    if (!resource->status)
        resource->status = g_strdup("");
    if (!resource->parent)
        resource->parent = g_strdup("");
}

bool resource_create_within(struct store_connection *connection, struct store *store,
                            struct resource *resource, bool *taken, GError **error)
{
    fill_in(resource);
    struct creation creation = {store, resource, false};
    bool created = create(connection, &creation, error);
    if (taken)
        *taken = creation.taken;
    return created;
}

bool resource_create(struct store *store, struct resource *resource, bool *taken, GError **error)
{
    fill_in(resource);
    struct creation creation = {store, resource, false};
    bool created = store_write(store, create, &creation, error);
    if (taken)
        *taken = creation.taken;
    return created;
}

/* --- get -------------------------------------------------------------------------------------- */

struct lookup {
    const char *sql, *first, *second;
    struct resource *resource;
};

static bool look_up(struct store_connection *connection, void *data, GError **error)
{
    struct lookup *lookup = data;
    GError *cause = NULL;
    lookup->resource = find(connection, lookup->sql, lookup->first, lookup->second, &cause);
    if (cause)
        g_propagate_error(error, cause);
    return !cause;
}

struct resource *resource_get(struct store *store, const char *kind, const char *name,
                              GError **error)
{
    struct lookup lookup = {FIND_BY_NAME, kind, name, NULL};
    store_read(store, look_up, &lookup, error);
    return lookup.resource;
}

struct resource *resource_get_any_case(struct store *store, const char *kind, const char *name,
                                       GError **error)
{
    struct lookup lookup = {FIND_IN_ANY_CASE, kind, name, NULL};
    store_read(store, look_up, &lookup, error);
    return lookup.resource;
}

struct resource *resource_get_by_arn(struct store *store, const char *arn, GError **error)
{
    struct lookup lookup = {FIND_BY_ARN, arn, NULL, NULL};
    store_read(store, look_up, &lookup, error);
    return lookup.resource;
}

/* --- update and delete ------------------------------------------------------------------------ */

struct update {
    struct store *store;
    const char *kind, *name;
    resource_change *change;
    void *data;
    bool found;
};

static bool update(struct store_connection *connection, void *data, GError **error)
{
    struct update *update = data;
    GError *cause = NULL;
    g_autoptr(resource_auto) resource =
        find(connection, FIND_BY_NAME, update->kind, update->name, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    if (!resource)
        return true;
    update->found = true;
    if (!update->change(resource, update->data, error))
        return false;
    resource->modified = clock_now();
    g_autofree char *body = json_text_of(resource->body);
    if (!store_run(connection, error,
                   "UPDATE resource SET status = ?, body = ?, modified = ? "
                   "WHERE kind = ? AND name = ?",
                   "ssdss", resource->status, body, resource->modified, update->kind, update->name))
        return false;
    store_announce(update->store, update->kind, update->name, resource->status);
    return true;
}

bool resource_update_within(struct store_connection *connection, struct store *store,
                            const char *kind, const char *name, resource_change *change, void *data,
                            GError **error)
{
    struct update request = {store, kind, name, change, data, false};
    return update(connection, &request, error);
}

bool resource_update(struct store *store, const char *kind, const char *name,
                     resource_change *change, void *data, bool *found, GError **error)
{
    struct update request = {store, kind, name, change, data, false};
    bool updated = store_write_spare(store, update, &request, error);
    if (found)
        *found = request.found;
    return updated;
}

bool resource_update_ordered(struct store *store, const char *kind, const char *name,
                             resource_change *change, void *data, GError **error)
{
    struct update request = {store, kind, name, change, data, false};
    return store_write_ordered(store, update, &request, error);
}

/* Whether a resource that is to be deleted may go; true where there is none. */
static bool may_go(struct store_connection *connection, const struct update *removal,
                   GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) resource =
        find(connection, FIND_BY_NAME, removal->kind, removal->name, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    return !resource || removal->change(resource, removal->data, error);
}

static bool delete (struct store_connection *connection, void *data, GError **error)
{
    struct update *removal = data;
    if (removal->change && !may_go(connection, removal, error))
        return false;
    if (!store_run(connection, error,
                   "DELETE FROM tag WHERE arn IN "
                   "(SELECT arn FROM resource WHERE kind = ? AND name = ?)",
                   "ss", removal->kind, removal->name) ||
        !store_run(connection, error, "DELETE FROM resource WHERE kind = ? AND name = ?", "ss",
                   removal->kind, removal->name))
        return false;
    removal->found = sqlite3_changes(store_handle(connection)) > 0;
    if (removal->found)
        store_announce(removal->store, removal->kind, removal->name, NULL);
    return true;
}

bool resource_delete_within(struct store_connection *connection, struct store *store,
                            const char *kind, const char *name, bool *found, GError **error)
{
    struct update removal = {store, kind, name, NULL, NULL, false};
    bool deleted = delete (connection, &removal, error);
    if (found)
        *found = removal.found;
    return deleted;
}

bool resource_delete(struct store *store, const char *kind, const char *name, bool *found,
                     GError **error)
{
    return resource_delete_checked(store, kind, name, NULL, found, error);
}

bool resource_delete_checked(struct store *store, const char *kind, const char *name,
                             resource_change *check, bool *found, GError **error)
{
    struct update removal = {store, kind, name, check, NULL, false};
    bool deleted = store_write_spare(store, delete, &removal, error);
    if (found)
        *found = removal.found;
    return deleted;
}

/* --- list ------------------------------------------------------------------------------------- */

void resource_query_from_request(struct resource_query *query, const json_t *request)
{
    query->name_contains = json_text_at(request, "NameContains");
    query->status = json_text_at(request, "StatusEquals");
    query->created_after = json_number_at(request, "CreationTimeAfter", 0);
    query->created_before = json_number_at(request, "CreationTimeBefore", 0);
    query->modified_after = json_number_at(request, "LastModifiedTimeAfter", 0);
    query->modified_before = json_number_at(request, "LastModifiedTimeBefore", 0);
    const char *by = json_text_at(request, "SortBy");
    if (g_strcmp0(by, "Name") == 0)
        query->order = RESOURCE_BY_NAME;
    else if (g_strcmp0(by, "Status") == 0)
        query->order = RESOURCE_BY_STATUS;
    else if (by && strstr(by, "Modified"))
        query->order = RESOURCE_BY_MODIFIED;
    query->ascending = g_strcmp0(json_text_at(request, "SortOrder"), "Ascending") == 0;
    query->limit = (size_t)json_integer_at(request, "MaxResults", 100);
    const char *token = json_text_at(request, "NextToken");
    query->token = token && *token ? token : NULL; /* an empty one means the start */
}

struct listing {
    const struct resource_query *query;
    GPtrArray *resources;
    char **next_token;
};

static const char *const order_columns[] = {
    [RESOURCE_BY_CREATED] = "created",
    [RESOURCE_BY_NAME] = "name",
    [RESOURCE_BY_MODIFIED] = "modified",
    [RESOURCE_BY_STATUS] = "status",
};

/* What a place depends on: values of another kind's or order's listing mean nothing here. */
static char *listing_of(const struct resource_query *query)
{
    return g_strdup_printf("%s by %s", query->kind, order_columns[query->order]);
}

/* A token's place is the sort value and the name that ended the last page: pages stay right while
 * resources come and go. Numbers are written so that they come back to the bit. */
static char *token_of(const struct resource *last, const struct resource_query *query)
{
    g_autofree char *value = NULL;
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    if (query->order == RESOURCE_BY_STATUS)
        value = g_strdup(last->status);
    else if (query->order == RESOURCE_BY_NAME)
        value = g_strdup(last->name);
    else
        value = g_strdup(
            g_ascii_dtostr(number, sizeof number,
                           query->order == RESOURCE_BY_CREATED ? last->created : last->modified));
    g_autofree char *place = g_strdup_printf("%s\n%s", value, last->name);
    g_autofree char *listing = listing_of(query);
    return page_token(listing, place);
}

static bool read_token(const struct resource_query *query, char **value, char **name,
                       GError **error)
{
    g_autofree char *listing = listing_of(query);
    g_autofree char *place = page_place(listing, query->token, ERROR_VALIDATION, error);
    if (!place)
        return false;
    char *line = strchr(place, '\n');
    if (!line)
        return error_set(error, ERROR_VALIDATION, "The specified token is invalid: it has no name");
    *value = g_strndup(place, (gsize)(line - place));
    *name = g_strdup(line + 1);
    return true;
}

/* What a query asks for as SQL. Texts are bound in the order t1 .. t5, numbers likewise. */
static char *sql_of(const struct resource_query *query)
{
    GString *sql = g_string_new("SELECT " COLUMNS " FROM resource WHERE kind = :kind");
    if (query->parent)
        g_string_append(sql, " AND parent = :parent");
    if (query->of_a_parent)
        g_string_append(sql, " AND parent <> ''");
    if (query->name_contains)
        g_string_append(sql, " AND instr(lower(name), lower(:contains)) > 0");
    if (query->name_prefix)
        g_string_append(sql, " AND substr(name, 1, length(:prefix)) = :prefix");
    if (query->status)
        g_string_append(sql, " AND status = :status");
    if (query->created_after > 0)
        g_string_append(sql, " AND created >= :created_after");
    if (query->created_before > 0)
        g_string_append(sql, " AND created <= :created_before");
    if (query->modified_after > 0)
        g_string_append(sql, " AND modified >= :modified_after");
    if (query->modified_before > 0)
        g_string_append(sql, " AND modified <= :modified_before");
    const char *column = order_columns[query->order];
    const char *direction = query->ascending ? "ASC" : "DESC";
    if (query->token)
        g_string_append_printf(sql, " AND (%s, name) %s (:value, :name)", column,
                               query->ascending ? ">" : "<");
    g_string_append_printf(sql, " ORDER BY %s %s, name %s LIMIT :limit", column, direction,
                           direction);
    return g_string_free(sql, FALSE);
}

static void bind_text(sqlite3_stmt *statement, const char *name, const char *value)
{
    int index = sqlite3_bind_parameter_index(statement, name);
    if (index && value)
        sqlite3_bind_text(statement, index, value, -1, SQLITE_TRANSIENT);
}

static void bind_number(sqlite3_stmt *statement, const char *name, double value)
{
    int index = sqlite3_bind_parameter_index(statement, name);
    if (index)
        sqlite3_bind_double(statement, index, value);
}

static bool bind_query(sqlite3_stmt *statement, const struct resource_query *query, GError **error)
{
    bind_text(statement, ":kind", query->kind);
    bind_text(statement, ":parent", query->parent);
    bind_text(statement, ":contains", query->name_contains);
    bind_text(statement, ":prefix", query->name_prefix);
    bind_text(statement, ":status", query->status);
    bind_number(statement, ":created_after", query->created_after);
    bind_number(statement, ":created_before", query->created_before);
    bind_number(statement, ":modified_after", query->modified_after);
    bind_number(statement, ":modified_before", query->modified_before);
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":limit"),
                       query->limit ? (sqlite3_int64)query->limit + 1 : -1);
    if (!query->token)
        return true;
    g_autofree char *value = NULL;
    g_autofree char *name = NULL;
    if (!read_token(query, &value, &name, error))
        return false;
    bind_text(statement, ":name", name);
    if (query->order == RESOURCE_BY_NAME || query->order == RESOURCE_BY_STATUS)
        bind_text(statement, ":value", value);
    else
        bind_number(statement, ":value", g_ascii_strtod(value, NULL));
    return true;
}

static bool list(struct store_connection *connection, void *data, GError **error)
{
    struct listing *listing = data;
    const struct resource_query *query = listing->query;
    g_autofree char *sql = sql_of(query);
    sqlite3_stmt *statement = store_prepare(connection, sql, error);
    if (!statement || !bind_query(statement, query, error))
        return false;
    int code;
    while ((code = store_step(statement, error)) == SQLITE_ROW) {
        GPtrArray *resources = listing->resources;
        if (query->limit && resources->len == query->limit) {
            if (listing->next_token)
                *listing->next_token =
                    token_of(g_ptr_array_index(resources, resources->len - 1), query);
            break;
        }
        struct resource *resource = resource_from_row(statement, error);
        if (!resource) {
            code = SQLITE_CORRUPT;
            break;
        }
        g_ptr_array_add(resources, resource);
    }
    sqlite3_reset(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW;
}

GPtrArray *resource_list(struct store *store, const struct resource_query *query, char **next_token,
                         GError **error)
{
    if (next_token)
        *next_token = NULL;
    g_autoptr(GPtrArray) resources = g_ptr_array_new_with_free_func(free_resource);
    struct listing listing = {query, resources, next_token};
    if (!store_read(store, list, &listing, error))
        return NULL;
    return g_steal_pointer(&resources);
}
