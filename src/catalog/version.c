/* Versions of tables. */
#include <string.h>

#include "catalog/catalog_inside.h"

/* Of an earlier version, the same table with that version's body. */
static json_t *describe(const struct catalog_work *work, const struct table_row *table,
                        struct store_rows *rows)
{
    g_autofree char *database = catalog_fold(work->database), *name = catalog_fold(work->table);
    struct table_row row = *table;
    row.version = store_int(rows, 0);
    row.body = catalog_parse(store_text(rows, 1));
    row.updated = store_double(rows, 2);
    return table_describe(database, name, &row);
}

static json_t *describe_present(const struct catalog_work *work, const struct table_row *table)
{
    g_autofree char *database = catalog_fold(work->database), *name = catalog_fold(work->table);
    struct table_row row = *table;
    row.body = json_copy(table->body);
    return table_describe(database, name, &row);
}

static bool list(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_auto(table_row_auto) table = {0};
    if (!table_find(connection, work->database, work->table, &table, error))
        return false;
    struct store_rows *rows = store_ask(
        connection, error,
        "SELECT version, body, updated FROM catalog_version WHERE table_id = ? ORDER BY version "
        "DESC",
        "i", table.id);
    enum store_step step;
    *work->found = json_pack("[o]", describe_present(work, &table));
    while ((step = store_next(rows, error)) == STORE_ROW)
        json_array_append_new(*work->found, describe(work, &table, rows));
    return step == STORE_END;
}

json_t *catalog_version_list(struct catalog *catalog, const char *database, const char *table,
                             GError **error)
{
    struct catalog_work work = {.database = database, .table = table};
    return catalog_read(catalog, list, &work, error);
}

static bool missing(const char *version, GError **error)
{
    return error_set(error, ERROR_ENTITY_NOT_FOUND,
                     "Version not found: the table has no version %s.", version);
}

/* -1 where it is no number, which no version has. */
static gint64 number_of(const char *version)
{
    char *end;
    gint64 number = g_ascii_strtoll(version, &end, 10);
    return *version && !*end ? number : -1;
}

static bool get(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_auto(table_row_auto) table = {0};
    if (!table_find(connection, work->database, work->table, &table, error))
        return false;
    if (!work->name || number_of(work->name) == table.version) {
        *work->found = describe_present(work, &table);
        return true;
    }
    struct store_rows *rows = store_ask(
        connection, error,
        "SELECT version, body, updated FROM catalog_version WHERE table_id = ? AND version = ?",
        "ii", table.id, number_of(work->name));
    enum store_step step = store_next(rows, error);
    if (step != STORE_ROW)
        return step == STORE_END && missing(work->name, error);
    *work->found = describe(work, &table, rows);
    store_end(rows);
    return true;
}

json_t *catalog_version_get(struct catalog *catalog, const char *database, const char *table,
                            const char *version, GError **error)
{
    struct catalog_work work = {.database = database, .table = table, .name = version};
    return catalog_read(catalog, get, &work, error);
}

static bool delete (struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_auto(table_row_auto) table = {0};
    if (!table_find(connection, work->database, work->table, &table, error))
        return false;
    if (number_of(work->name) == table.version)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                         "Version %s is the table's newest, which cannot be deleted without the "
                         "table.",
                         work->name);
    return store_run(connection, error,
                     "DELETE FROM catalog_version WHERE table_id = ? AND version = ?", "ii",
                     table.id, number_of(work->name)) &&
           (store_changes(connection) || missing(work->name, error));
}

bool catalog_version_delete(struct catalog *catalog, const char *database, const char *table,
                            const char *version, GError **error)
{
    struct catalog_work work = {.database = database, .table = table, .name = version};
    return store_write_spare(catalog->store, delete, &work, error);
}
