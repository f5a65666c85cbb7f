#include "store/resource.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/page.h"
#include "store/store_inside.h"

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

/* The row that is stood on, of COLUMNS. */
static struct resource *resource_from_row(struct store_rows *row, GError **error)
{
    const char *body = store_text(row, 5);
    json_t *value = json_parse(body, strlen(body), "a resource's body", error);
    if (!value)
        return NULL;
    struct resource *resource = g_new0(struct resource, 1);
    resource->kind = store_text_copy(row, 0);
    resource->name = store_text_copy(row, 1);
    resource->arn = store_text_copy(row, 2);
    resource->status = store_text_copy(row, 3);
    resource->parent = store_text_copy(row, 4);
    resource->body = value;
    resource->created = store_double(row, 6);
    resource->modified = store_double(row, 7);
    return resource;
}

/* The first resource that `sql`, with one or two texts, finds; NULL without error where none. */
static struct resource *find(struct store_connection *connection, const char *sql,
                             const char *first, const char *second, GError **error)
{
    struct store_rows *row = store_ask(connection, error, sql, second ? "ss" : "s", first, second);
    struct resource *resource = NULL;
    if (store_next(row, error) == STORE_ROW)
        resource = resource_from_row(row, error);
    store_end(row);
    return resource;
}

#define FIND_BY_NAME "SELECT " COLUMNS " FROM resource WHERE kind = ? AND name = ?"
#define FIND_IN_ANY_CASE FIND_BY_NAME " COLLATE NOCASE"
#define FIND_BY_ARN "SELECT " COLUMNS " FROM resource WHERE arn = ?"

/* ---- create ---- */

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

/* ---- get ---- */

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

bool resource_status_within(struct store_connection *connection, const char *kind, const char *name,
                            char **status, GError **error)
{
    struct store_rows *rows =
        store_ask(connection, error, "SELECT status FROM resource WHERE kind = ? AND name = ?",
                  "ss", kind, name);
    enum store_step step = store_next(rows, error);
    *status = step == STORE_ROW ? store_text_copy(rows, 0) : NULL;
    if (step == STORE_ROW)
        store_end(rows);
    return step != STORE_FAILED;
}

/* ---- update and delete ---- */

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
        !store_run(connection, error, "DELETE FROM entry WHERE kind = ? AND owner = ?", "ss",
                   removal->kind, removal->name) ||
        !store_run(connection, error,
                   "DELETE FROM series_point WHERE series IN "
                   "(SELECT id FROM series WHERE kind = ? AND owner = ?)",
                   "ss", removal->kind, removal->name) ||
        !store_run(connection, error, "DELETE FROM series WHERE kind = ? AND owner = ?", "ss",
                   removal->kind, removal->name) ||
        !store_run(connection, error, "DELETE FROM resource WHERE kind = ? AND name = ?", "ss",
                   removal->kind, removal->name))
        return false;
    removal->found = store_changes(connection) > 0;
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

/* ---- list ---- */

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

/* What a query asks for, as SQL whose question marks `ask` fills in. */
static char *sql_of(const struct resource_query *query)
{
    GString *sql = g_string_new("SELECT " COLUMNS " FROM resource WHERE kind = ?1");
    if (query->parent)
        g_string_append(sql, " AND parent = ?2");
    if (query->of_a_parent)
        g_string_append(sql, " AND parent <> ''");
    if (query->name_contains)
        g_string_append(sql, " AND instr(lower(name), lower(?3)) > 0");
    if (query->name_prefix)
        g_string_append(sql, " AND substr(name, 1, length(?4)) = ?4");
    if (query->status)
        g_string_append(sql, " AND status = ?5");
    if (query->created_after > 0)
        g_string_append(sql, " AND created >= ?6");
    if (query->created_before > 0)
        g_string_append(sql, " AND created <= ?7");
    if (query->modified_after > 0)
        g_string_append(sql, " AND modified >= ?8");
    if (query->modified_before > 0)
        g_string_append(sql, " AND modified <= ?9");
    const char *column = order_columns[query->order];
    const char *direction = query->ascending ? "ASC" : "DESC";
    bool of_text = query->order == RESOURCE_BY_NAME || query->order == RESOURCE_BY_STATUS;
    if (query->token)
        g_string_append_printf(sql, " AND (%s, name) %s (%s, ?10)", column,
                               query->ascending ? ">" : "<", of_text ? "?11" : "?12");
    g_string_append_printf(sql, " ORDER BY %s %s, name %s LIMIT ?13", column, direction, direction);
    return g_string_free(sql, FALSE);
}

/* NULL and an error where the query's token is not of this listing. Texts are copied. */
static struct store_rows *ask(struct store_connection *connection,
                              const struct resource_query *query, GError **error)
{
    g_autofree char *value = NULL;
    g_autofree char *name = NULL;
    if (query->token && !read_token(query, &value, &name, error))
        return NULL;
    g_autofree char *sql = sql_of(query);
    gint64 limit = query->limit ? (gint64)query->limit + 1 : -1;
    return store_ask(connection, error, sql, "SSSSSddddSSdi", query->kind, query->parent,
                     query->name_contains, query->name_prefix, query->status, query->created_after,
                     query->created_before, query->modified_after, query->modified_before, name,
                     value, value ? g_ascii_strtod(value, NULL) : 0, limit);
}

static bool list(struct store_connection *connection, void *data, GError **error)
{
    struct listing *listing = data;
    const struct resource_query *query = listing->query;
    GPtrArray *resources = listing->resources;
    struct store_rows *rows = ask(connection, query, error);
    enum store_step step;
    while ((step = store_next(rows, error)) == STORE_ROW) {
        if (query->limit && resources->len == query->limit) {
            if (listing->next_token)
                *listing->next_token =
                    token_of(g_ptr_array_index(resources, resources->len - 1), query);
            break;
        }
        struct resource *resource = resource_from_row(rows, error);
        if (!resource) {
            step = STORE_FAILED;
            break;
        }
        g_ptr_array_add(resources, resource);
    }
    store_end(rows);
    return step != STORE_FAILED;
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

GPtrArray *resource_list_within(struct store_connection *connection,
                                const struct resource_query *query, GError **error)
{
    g_autoptr(GPtrArray) resources = g_ptr_array_new_with_free_func(free_resource);
    struct listing listing = {query, resources, NULL};
    return list(connection, &listing, error) ? g_steal_pointer(&resources) : NULL;
}

/* ---- telling ---- */

struct told {
    struct store *store;
    char *kind, *name, *status;
};

static void free_told(void *data)
{
    struct told *told = data;
    g_free(told->kind);
    g_free(told->name);
    g_free(told->status);
    g_free(told);
}

static bool tell(struct store_connection *connection, void *data, GError **error)
{
    (void)connection;
    (void)error;
    const struct told *told = data;
    store_announce(told->store, told->kind, told->name, told->status);
    return true;
}

void resource_tell_later(struct store *store, const char *kind, const char *name,
                         const char *status)
{
    struct told *told = g_new(struct told, 1);
    *told = (struct told){store, g_strdup(kind), g_strdup(name), g_strdup(status)};
    store_write_later(store, tell, told, free_told);
}
