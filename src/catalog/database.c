/* Opening; databases. */
#include <string.h>

#include "base/clock.h"
#include "catalog/catalog_inside.h"

struct catalog *catalog_open(struct store *store, GError **error)
{
    (void)error;
    struct catalog *catalog = g_new0(struct catalog, 1);
    catalog->store = store;
    return catalog;
}

void catalog_close(struct catalog *catalog)
{
    g_free(catalog);
}

json_t *catalog_read(struct catalog *catalog, store_work *run, struct catalog_work *work,
                     GError **error)
{
    json_t *found = NULL;
    work->found = &found;
    if (store_read(catalog->store, run, work, error))
        return found;
    json_decref(found);
    return NULL;
}

char *catalog_fold(const char *name)
{
    return g_utf8_strdown(name ? name : "", -1);
}

json_t *catalog_parse(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    return value ? value : json_object();
}

/* ---- reading ---- */

static json_t *describe(const char *name, struct store_rows *rows, int body)
{
    json_t *database = catalog_parse(store_text(rows, body));
    json_object_set_new(database, "Name", json_string(name));
    json_object_set_new(database, "CreateTime", json_real(store_double(rows, body + 1)));
    return database;
}

static bool missing(const char *name, GError **error)
{
    return error_set(error, ERROR_ENTITY_NOT_FOUND, "Database %s not found.", name);
}

bool database_check(struct store_connection *connection, const char *name, GError **error)
{
    g_autofree char *folded = catalog_fold(name);
    struct store_rows *rows =
        store_ask(connection, error, "SELECT 1 FROM catalog_database WHERE name = ?", "s", folded);
    enum store_step step = store_next(rows, error);
    if (step == STORE_ROW)
        store_end(rows);
    return step == STORE_ROW || (step == STORE_END && missing(name, error));
}

static bool get(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_autofree char *name = catalog_fold(work->name);
    struct store_rows *rows = store_ask(
        connection, error, "SELECT body, created FROM catalog_database WHERE name = ?", "s", name);
    enum store_step step = store_next(rows, error);
    if (step == STORE_END)
        return missing(work->name, error);
    if (step == STORE_FAILED)
        return false;
    *work->found = describe(name, rows, 0);
    store_end(rows);
    return true;
}

json_t *catalog_database_get(struct catalog *catalog, const char *name, GError **error)
{
    struct catalog_work work = {.name = name};
    return catalog_read(catalog, get, &work, error);
}

static bool list(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    struct store_rows *rows = store_ask(
        connection, error, "SELECT name, body, created FROM catalog_database ORDER BY name", "");
    enum store_step step;
    *work->found = json_array();
    while ((step = store_next(rows, error)) == STORE_ROW)
        json_array_append_new(*work->found, describe(store_text(rows, 0), rows, 1));
    return step == STORE_END;
}

json_t *catalog_database_list(struct catalog *catalog, GError **error)
{
    struct catalog_work work = {0};
    return catalog_read(catalog, list, &work, error);
}

/* ---- changing ---- */

static bool check_name(const char *name, GError **error)
{
    return (name && *name) ||
           error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "Database name cannot be empty.");
}

static bool create(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_autofree char *name = catalog_fold(json_text_at(work->input, "Name"));
    g_autofree char *body = json_text_of(work->input);
    return store_run(connection, error,
                     "INSERT OR IGNORE INTO catalog_database (name, body, created) VALUES "
                     "(?, ?, ?)",
                     "ssd", name, body, clock_now()) &&
           (store_changes(connection) ||
            error_set(error, ERROR_ALREADY_EXISTS, "Database already exists."));
}

bool catalog_database_create(struct catalog *catalog, const json_t *input, GError **error)
{
    struct catalog_work work = {.input = input};
    return check_name(json_text_at(input, "Name"), error) &&
           store_write(catalog->store, create, &work, error);
}

static bool update(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_autofree char *name = catalog_fold(work->name);
    g_autofree char *body = json_text_of(work->input);
    return store_run(connection, error, "UPDATE catalog_database SET body = ? WHERE name = ?", "ss",
                     body, name) &&
           (store_changes(connection) || missing(work->name, error));
}

bool catalog_database_update(struct catalog *catalog, const char *name, const json_t *input,
                             GError **error)
{
    g_autofree char *old = catalog_fold(name);
    g_autofree char *given = catalog_fold(json_text_at(input, "Name"));
    struct catalog_work work = {.name = name, .input = input};
    if (strcmp(old, given) != 0)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                         "The database %s cannot be renamed to %s: DatabaseInput.Name has to be "
                         "the name that it has.",
                         old, given);
    return store_write(catalog->store, update, &work, error);
}

static bool delete_tables(struct store_connection *connection, const char *database, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint64));
    struct store_rows *rows = store_ask(
        connection, error, "SELECT id FROM catalog_table WHERE database = ?", "s", database);
    enum store_step step;
    while ((step = store_next(rows, error)) == STORE_ROW) {
        gint64 id = store_int(rows, 0);
        g_array_append_val(ids, id);
    }
    for (guint i = 0; step == STORE_END && i < ids->len; i++)
        if (!table_clear(connection, g_array_index(ids, gint64, i), error))
            return false;
    return step == STORE_END &&
           store_run(connection, error, "DELETE FROM catalog_table WHERE database = ?", "s",
                     database) &&
           store_run(connection, error, "DELETE FROM catalog_function WHERE database = ?", "s",
                     database);
}

static bool delete (struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_autofree char *name = catalog_fold(work->name);
    return store_run(connection, error, "DELETE FROM catalog_database WHERE name = ?", "s", name) &&
           (store_changes(connection) || missing(work->name, error)) &&
           delete_tables(connection, name, error);
}

bool catalog_database_delete(struct catalog *catalog, const char *name, GError **error)
{
    struct catalog_work work = {.name = name};
    return store_write_spare(catalog->store, delete, &work, error);
}
