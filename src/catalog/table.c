/* Tables. */
#include <string.h>

#include "base/clock.h"
#include "catalog/catalog_inside.h"
#include "catalog/pattern.h"

void table_row_clear(struct table_row *row)
{
    json_decref(row->body);
    g_free(row->created_by);
    *row = (struct table_row){0};
}

/* ---- reading ---- */

#define COLUMNS "id, version, body, created_by, created, updated"

static void read_row(struct store_rows *rows, int first, struct table_row *row)
{
    *row = (struct table_row){.id = store_int(rows, first),
                              .version = store_int(rows, first + 1),
                              .body = catalog_parse(store_text(rows, first + 2)),
                              .created_by = store_text_copy(rows, first + 3),
                              .created = store_double(rows, first + 4),
                              .updated = store_double(rows, first + 5)};
}

/* Of a database that is not there, AWS says so. */
static bool missing(struct store_connection *connection, const char *database, const char *name,
                    GError **error)
{
    return database_check(connection, database, error) &&
           error_set(error, ERROR_ENTITY_NOT_FOUND, "Table %s not found.", name);
}

bool table_find(struct store_connection *connection, const char *database, const char *name,
                struct table_row *row, GError **error)
{
    g_autofree char *in = catalog_fold(database), *folded = catalog_fold(name);
    struct store_rows *rows = store_ask(
        connection, error, "SELECT " COLUMNS " FROM catalog_table WHERE database = ? AND name = ?",
        "ss", in, folded);
    enum store_step step = store_next(rows, error);
    if (step == STORE_END)
        return missing(connection, database, name, error);
    if (step == STORE_FAILED)
        return false;
    read_row(rows, 0, row);
    store_end(rows);
    return true;
}

json_t *table_describe(const char *database, const char *name, struct table_row *row)
{
    json_t *table = g_steal_pointer(&row->body);
    json_object_set_new(table, "Name", json_string(name));
    json_object_set_new(table, "DatabaseName", json_string(database));
    json_object_set_new(table, "CreateTime", json_real(row->created));
    json_object_set_new(table, "UpdateTime", json_real(row->updated));
    json_object_set_new(table, "VersionId", json_sprintf("%lld", (long long)row->version));
    json_object_set_new(table, "IsRegisteredWithLakeFormation", json_false());
    if (row->created_by)
        json_object_set_new(table, "CreatedBy", json_string(row->created_by));
    return table;
}

static bool get(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_auto(table_row_auto) row = {0};
    g_autofree char *database = catalog_fold(work->database), *name = catalog_fold(work->name);
    if (!table_find(connection, work->database, work->name, &row, error))
        return false;
    *work->found = table_describe(database, name, &row);
    return true;
}

json_t *catalog_table_get(struct catalog *catalog, const char *database, const char *name,
                          GError **error)
{
    struct catalog_work work = {.database = database, .name = name};
    return catalog_read(catalog, get, &work, error);
}

/* ---- listing ---- */

static enum store_step list_rows(struct store_rows *rows, const char *database, GRegex *pattern,
                                 size_t limit, json_t *found, GError **error)
{
    enum store_step step = STORE_END;
    while ((!limit || json_array_size(found) < limit) &&
           (step = store_next(rows, error)) == STORE_ROW) {
        const char *name = store_text(rows, 0);
        g_auto(table_row_auto) row = {0};
        if (pattern && !g_regex_match(pattern, name, 0, NULL))
            continue;
        read_row(rows, 1, &row);
        json_array_append_new(found, table_describe(database, name, &row));
    }
    return step;
}

static bool list(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    const struct catalog_table_query *query = work->options;
    g_autofree char *database = catalog_fold(query->database);
    g_autoptr(GRegex) pattern = NULL;
    if (!database_check(connection, query->database, error) ||
        (query->pattern && !(pattern = pattern_compile(query->pattern, error))))
        return false;
    struct store_rows *rows = store_ask(connection, error,
                                        "SELECT name, " COLUMNS " FROM catalog_table WHERE "
                                        "database = ? AND name > ? ORDER BY name",
                                        "ss", database, query->after ? query->after : "");
    *work->found = json_array();
    enum store_step step = list_rows(rows, database, pattern, query->limit, *work->found, error);
    if (step == STORE_ROW)
        store_end(rows);
    return step != STORE_FAILED;
}

json_t *catalog_table_list(struct catalog *catalog, const struct catalog_table_query *query,
                           GError **error)
{
    struct catalog_work work = {.options = query};
    return catalog_read(catalog, list, &work, error);
}

/* ---- creating ---- */

/* As it is kept: with its name as that is kept. */
static char *body_of(const json_t *input, const char *name)
{
    g_autoptr(json_auto) body = json_copy((json_t *)input);
    json_object_set_new(body, "Name", json_string(name));
    return json_text_of(body);
}

static bool check_name(const char *name, GError **error)
{
    return *name || error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "Table name cannot be empty.");
}

bool catalog_table_create_within(struct store_connection *connection, const char *database,
                                 const json_t *input, const char *created_by, GError **error)
{
    g_autofree char *in = catalog_fold(database);
    g_autofree char *name = catalog_fold(json_text_at(input, "Name"));
    g_autofree char *body = body_of(input, name);
    double now = clock_now();
    return check_name(name, error) && database_check(connection, database, error) &&
           store_run(connection, error,
                     "INSERT OR IGNORE INTO catalog_table (database, name, version, body, "
                     "created_by, created, updated) VALUES (?, ?, 0, ?, ?, ?, ?)",
                     "ssssdd", in, name, body, created_by, now, now) &&
           (store_changes(connection) ||
            error_set(error, ERROR_ALREADY_EXISTS, "Table already exists."));
}

static bool create(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    return catalog_table_create_within(connection, work->database, work->input, work->options,
                                       error);
}

bool catalog_table_create(struct catalog *catalog, const char *database, const json_t *input,
                          const char *created_by, GError **error)
{
    struct catalog_work work = {.database = database, .input = input, .options = created_by};
    return store_write(catalog->store, create, &work, error);
}

/* ---- updating ---- */

static bool check_version(const struct table_row *row, const char *version, GError **error)
{
    g_autofree char *present = g_strdup_printf("%lld", (long long)row->version);
    return !version || strcmp(version, present) == 0 ||
           error_set(error, ERROR_CONCURRENT_CHANGE,
                     "Update table failed due to concurrent modifications: the table has version "
                     "%s, and the request is for version %s.",
                     present, version);
}

static bool archive(struct store_connection *connection, gint64 id, GError **error)
{
    return store_run(connection, error,
                     "INSERT OR REPLACE INTO catalog_version (table_id, version, body, updated) "
                     "SELECT id, version, body, updated FROM catalog_table WHERE id = ?",
                     "i", id);
}

bool catalog_table_update_within(struct store_connection *connection, const char *database,
                                 const json_t *input, const struct catalog_table_update *update,
                                 GError **error)
{
    g_auto(table_row_auto) row = {0};
    g_autofree char *name = catalog_fold(json_text_at(input, "Name"));
    g_autofree char *body = body_of(input, name);
    return table_find(connection, database, name, &row, error) &&
           check_version(&row, update->version, error) &&
           (update->skip_archive || archive(connection, row.id, error)) &&
           store_run(connection, error,
                     "UPDATE catalog_table SET version = version + 1, body = ?, updated = ? WHERE "
                     "id = ?",
                     "sdi", body, clock_now(), row.id);
}

static bool update(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    return catalog_table_update_within(connection, work->database, work->input, work->options,
                                       error);
}

bool catalog_table_update(struct catalog *catalog, const char *database, const json_t *input,
                          const struct catalog_table_update *options, GError **error)
{
    struct catalog_work work = {.database = database, .input = input, .options = options};
    return store_write(catalog->store, update, &work, error);
}

/* ---- deleting ---- */

bool table_clear(struct store_connection *connection, gint64 id, GError **error)
{
    static const char *const statements[] = {
        "DELETE FROM catalog_version WHERE table_id = ?",
        "DELETE FROM catalog_partition WHERE table_id = ?",
        "DELETE FROM catalog_layout WHERE table_id = ?",
        "DELETE FROM catalog_statistics WHERE table_id = ?",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++)
        if (!store_run(connection, error, statements[i], "i", id))
            return false;
    return true;
}

bool catalog_table_delete_within(struct store_connection *connection, const char *database,
                                 const char *name, GError **error)
{
    g_auto(table_row_auto) row = {0};
    return table_find(connection, database, name, &row, error) &&
           table_clear(connection, row.id, error) &&
           store_run(connection, error, "DELETE FROM catalog_table WHERE id = ?", "i", row.id);
}

static bool delete (struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    return catalog_table_delete_within(connection, work->database, work->name, error);
}

bool catalog_table_delete(struct catalog *catalog, const char *database, const char *name,
                          GError **error)
{
    struct catalog_work work = {.database = database, .name = name};
    return store_write_spare(catalog->store, delete, &work, error);
}
