#include "catalog/record.h"

#include <string.h>

#include "base/clock.h"
#include "catalog/catalog_inside.h"
#include "catalog/pattern.h"

/* ---- statistics of columns ---- */

/* What a set is called: a table's row, and the key of a partition that is there ("": the table's
 * own). */
struct place {
    gint64 table;
    char *key;
};

static bool check_partition(struct store_connection *connection, const struct place *place,
                            GError **error)
{
    struct store_rows *rows = store_ask(
        connection, error, "SELECT 1 FROM catalog_partition WHERE table_id = ? AND key = ?", "is",
        place->table, place->key);
    enum store_step step = store_next(rows, error);
    if (step == STORE_ROW)
        store_end(rows);
    return step == STORE_ROW || (step == STORE_END && error_set(error, ERROR_ENTITY_NOT_FOUND,
                                                                "Cannot find partition."));
}

static bool find_place(struct store_connection *connection, const struct catalog_column_set *set,
                       struct place *place, GError **error)
{
    g_auto(table_row_auto) row = {0};
    if (!table_find(connection, set->database, set->table, &row, error))
        return false;
    place->table = row.id;
    place->key = set->values ? table_partition_key(&row, set->values, error) : g_strdup("");
    return place->key && (!set->values || check_partition(connection, place, error));
}

static bool put_columns(struct store_connection *connection, const struct place *place,
                        const json_t *list, GError **error)
{
    size_t i;
    const json_t *column;
    json_array_foreach(list, i, column)
    {
        g_autofree char *body = json_text_of(column);
        if (!store_run(connection, error,
                       "INSERT OR REPLACE INTO catalog_statistics (table_id, key, name, body) "
                       "VALUES (?, ?, ?, ?)",
                       "isss", place->table, place->key, json_text_at(column, "ColumnName"), body))
            return false;
    }
    return true;
}

static bool put_statistics(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    struct place place = {0};
    bool done = find_place(connection, work->options, &place, error) &&
                put_columns(connection, &place, work->input, error);
    g_free(place.key);
    return done;
}

bool catalog_statistics_put(struct catalog *catalog, const struct catalog_column_set *set,
                            const json_t *list, GError **error)
{
    struct catalog_work work = {.options = set, .input = list};
    return store_write(catalog->store, put_statistics, &work, error);
}

static bool get_column(struct store_connection *connection, const struct place *place,
                       const json_t *name, const struct catalog_work *work, GError **error)
{
    struct store_rows *rows =
        store_ask(connection, error,
                  "SELECT body FROM catalog_statistics WHERE table_id = ? AND key = ? AND name = ?",
                  "iss", place->table, place->key, json_string_value(name));
    enum store_step step = store_next(rows, error);
    if (step == STORE_END)
        json_array_append(work->failed, (json_t *)name);
    if (step != STORE_ROW)
        return step == STORE_END;
    json_array_append_new(*work->found, catalog_parse(store_text(rows, 0)));
    store_end(rows);
    return true;
}

static bool get_statistics(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    struct place place = {0};
    bool done = find_place(connection, work->options, &place, error);
    *work->found = json_array();
    for (size_t i = 0; done && i < json_array_size(work->input); i++)
        done = get_column(connection, &place, json_array_get(work->input, i), work, error);
    g_free(place.key);
    return done;
}

json_t *catalog_statistics_get(struct catalog *catalog, const struct catalog_column_set *set,
                               const json_t *names, json_t *missing, GError **error)
{
    struct catalog_work work = {.options = set, .input = names, .failed = missing};
    return catalog_read(catalog, get_statistics, &work, error);
}

static bool delete_statistics(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    struct place place = {0};
    bool done =
        find_place(connection, work->options, &place, error) &&
        store_run(connection, error,
                  "DELETE FROM catalog_statistics WHERE table_id = ? AND key = ? AND name = ?",
                  "iss", place.table, place.key, work->name) &&
        (store_changes(connection) || error_set(error, ERROR_ENTITY_NOT_FOUND,
                                                "Column statistics of %s not found.", work->name));
    g_free(place.key);
    return done;
}

bool catalog_statistics_delete(struct catalog *catalog, const struct catalog_column_set *set,
                               const char *name, GError **error)
{
    struct catalog_work work = {.options = set, .name = name};
    return store_write_spare(catalog->store, delete_statistics, &work, error);
}

/* ---- partition indexes ---- */

#define MOST_INDEXES 3

static bool read_indexes(struct store_connection *connection, gint64 table, json_t **indexes,
                         GError **error)
{
    struct store_rows *rows =
        store_ask(connection, error,
                  "SELECT coalesce(indexes, '[]') FROM catalog_table WHERE id = ?", "i", table);
    if (store_next(rows, error) != STORE_ROW)
        return false;
    *indexes = catalog_parse(store_text(rows, 0));
    store_end(rows);
    return true;
}

static bool write_indexes(struct store_connection *connection, gint64 table, const json_t *indexes,
                          GError **error)
{
    g_autofree char *text = json_text_of(indexes);
    return store_run(connection, error, "UPDATE catalog_table SET indexes = ? WHERE id = ?", "si",
                     text, table);
}

static size_t index_named(const json_t *indexes, const char *name)
{
    size_t i = 0;
    while (i < json_array_size(indexes) &&
           strcmp(json_text_at(json_array_get(indexes, i), "IndexName"), name) != 0)
        i++;
    return i;
}

static bool list_indexes(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_auto(table_row_auto) row = {0};
    return table_find(connection, work->database, work->table, &row, error) &&
           read_indexes(connection, row.id, work->found, error);
}

json_t *catalog_index_list(struct catalog *catalog, const char *database, const char *table,
                           GError **error)
{
    struct catalog_work work = {.database = database, .table = table};
    return catalog_read(catalog, list_indexes, &work, error);
}

static bool has_key(const json_t *keys, const char *name)
{
    size_t i;
    const json_t *key;
    json_array_foreach((json_t *)keys, i, key)
    {
        if (g_ascii_strcasecmp(json_text_at(key, "Name"), name) == 0)
            return true;
    }
    return false;
}

static bool check_index(const struct table_row *row, const json_t *indexes, const json_t *index,
                        GError **error)
{
    const char *name = json_text_at(index, "IndexName");
    const json_t *keys = json_object_get(row->body, "PartitionKeys");
    size_t i;
    const json_t *key;
    json_array_foreach(json_object_get(index, "Keys"), i, key)
    {
        if (!has_key(keys, json_string_value(key)))
            return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                             "The index %s has the key %s, which is no partition key of the table.",
                             name, json_string_value(key));
    }
    if (index_named(indexes, name) < json_array_size(indexes))
        return error_set(error, ERROR_ALREADY_EXISTS, "Index %s already exists.", name);
    return json_array_size(indexes) < MOST_INDEXES ||
           error_set(error, ERROR_TOO_MANY,
                     "A table can have %d partition indexes, and this one has as many.",
                     MOST_INDEXES);
}

static bool create_index(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_auto(table_row_auto) row = {0};
    g_autoptr(json_auto) indexes = NULL;
    if (!table_find(connection, work->database, work->table, &row, error) ||
        !read_indexes(connection, row.id, &indexes, error) ||
        !check_index(&row, indexes, work->input, error))
        return false;
    json_array_append(indexes, (json_t *)work->input);
    return write_indexes(connection, row.id, indexes, error);
}

bool catalog_index_create(struct catalog *catalog, const char *database, const char *table,
                          const json_t *index, GError **error)
{
    struct catalog_work work = {.database = database, .table = table, .input = index};
    return store_write(catalog->store, create_index, &work, error);
}

static bool delete_index(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_auto(table_row_auto) row = {0};
    g_autoptr(json_auto) indexes = NULL;
    if (!table_find(connection, work->database, work->table, &row, error) ||
        !read_indexes(connection, row.id, &indexes, error))
        return false;
    if (json_array_remove(indexes, index_named(indexes, work->name)) != 0)
        return error_set(error, ERROR_ENTITY_NOT_FOUND, "Index %s not found.", work->name);
    return write_indexes(connection, row.id, indexes, error);
}

bool catalog_index_delete(struct catalog *catalog, const char *database, const char *table,
                          const char *name, GError **error)
{
    struct catalog_work work = {.database = database, .table = table, .name = name};
    return store_write_spare(catalog->store, delete_index, &work, error);
}

/* ---- functions ---- */

static bool function_missing(const char *name, GError **error)
{
    return error_set(error, ERROR_ENTITY_NOT_FOUND, "Function %s not found.", name);
}

static char *function_body(const json_t *input, const char *name)
{
    g_autoptr(json_auto) body = json_copy((json_t *)input);
    json_object_set_new(body, "FunctionName", json_string(name));
    return json_text_of(body);
}

static bool create_function(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_autofree char *database = catalog_fold(work->database);
    g_autofree char *name = catalog_fold(json_text_at(work->input, "FunctionName"));
    g_autofree char *body = function_body(work->input, name);
    if (!*name)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "Function name cannot be empty.");
    return database_check(connection, work->database, error) &&
           store_run(connection, error,
                     "INSERT OR IGNORE INTO catalog_function (database, name, body, created) "
                     "VALUES (?, ?, ?, ?)",
                     "sssd", database, name, body, clock_now()) &&
           (store_changes(connection) ||
            error_set(error, ERROR_ALREADY_EXISTS, "Function already exists."));
}

bool catalog_function_create(struct catalog *catalog, const char *database, const json_t *input,
                             GError **error)
{
    struct catalog_work work = {.database = database, .input = input};
    return store_write(catalog->store, create_function, &work, error);
}

/* Its name may change. */
static bool update_function(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_autofree char *database = catalog_fold(work->database), *old = catalog_fold(work->name);
    const char *given = json_text_at(work->input, "FunctionName");
    g_autofree char *name = catalog_fold(given ? given : work->name);
    g_autofree char *body = function_body(work->input, name);
    return database_check(connection, work->database, error) &&
           store_run(connection, error,
                     "UPDATE catalog_function SET name = ?, body = ? WHERE database = ? AND name = "
                     "?",
                     "ssss", name, body, database, old) &&
           (store_changes(connection) || function_missing(work->name, error));
}

bool catalog_function_update(struct catalog *catalog, const char *database, const char *name,
                             const json_t *input, GError **error)
{
    struct catalog_work work = {.database = database, .name = name, .input = input};
    return store_write(catalog->store, update_function, &work, error);
}

static json_t *describe_function(struct store_rows *rows)
{
    json_t *function = catalog_parse(store_text(rows, 1));
    json_object_set_new(function, "DatabaseName", json_string(store_text(rows, 0)));
    json_object_set_new(function, "CreateTime", json_real(store_double(rows, 2)));
    return function;
}

static bool get_function(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_autofree char *database = catalog_fold(work->database), *name = catalog_fold(work->name);
    if (!database_check(connection, work->database, error))
        return false;
    struct store_rows *rows = store_ask(
        connection, error,
        "SELECT database, body, created FROM catalog_function WHERE database = ? AND name = ?",
        "ss", database, name);
    enum store_step step = store_next(rows, error);
    if (step != STORE_ROW)
        return step == STORE_END && function_missing(work->name, error);
    *work->found = describe_function(rows);
    store_end(rows);
    return true;
}

json_t *catalog_function_get(struct catalog *catalog, const char *database, const char *name,
                             GError **error)
{
    struct catalog_work work = {.database = database, .name = name};
    return catalog_read(catalog, get_function, &work, error);
}

static bool delete_function(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_autofree char *database = catalog_fold(work->database), *name = catalog_fold(work->name);
    return database_check(connection, work->database, error) &&
           store_run(connection, error,
                     "DELETE FROM catalog_function WHERE database = ? AND name = ?", "ss", database,
                     name) &&
           (store_changes(connection) || function_missing(work->name, error));
}

bool catalog_function_delete(struct catalog *catalog, const char *database, const char *name,
                             GError **error)
{
    struct catalog_work work = {.database = database, .name = name};
    return store_write_spare(catalog->store, delete_function, &work, error);
}

static bool list_functions(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_autofree char *database = work->database ? catalog_fold(work->database) : NULL;
    g_autoptr(GRegex) pattern = pattern_compile(work->name, error);
    if (!pattern || (database && !database_check(connection, database, error)))
        return false;
    struct store_rows *rows =
        store_ask(connection, error,
                  "SELECT database, body, created FROM catalog_function WHERE (?1 IS NULL OR "
                  "database = ?1) ORDER BY database, name",
                  "s", database);
    enum store_step step;
    *work->found = json_array();
    while ((step = store_next(rows, error)) == STORE_ROW) {
        g_autoptr(json_auto) function = describe_function(rows);
        if (g_regex_match(pattern, json_text_at(function, "FunctionName"), 0, NULL))
            json_array_append(*work->found, function);
    }
    return step == STORE_END;
}

json_t *catalog_function_list(struct catalog *catalog, const char *database, const char *pattern,
                              GError **error)
{
    struct catalog_work work = {.database = database, .name = pattern};
    return catalog_read(catalog, list_functions, &work, error);
}
