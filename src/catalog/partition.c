/* Partitions. */
#include <string.h>

#include "base/clock.h"
#include "catalog/catalog_inside.h"
#include "catalog/expression.h"
#include "catalog/partition_key.h"

/* ---- keys ---- */

static bool check_count(const struct table_row *row, const json_t *values, GError **error)
{
    size_t keys = json_array_size(json_object_get(row->body, "PartitionKeys"));
    return keys == json_array_size(values) ||
           error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                     "The number of partition keys do not match the number of partition values: "
                     "the table has %zu keys, and there are %zu values.",
                     keys, json_array_size(values));
}

char *table_partition_key(const struct table_row *row, const json_t *values, GError **error)
{
    size_t i;
    const json_t *value;
    if (!check_count(row, values, error))
        return NULL;
    GString *key = g_string_new(NULL);
    json_array_foreach(values, i, value)
    {
        if (!json_string_length(value)) {
            g_string_free(key, TRUE);
            error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                      "Partition values cannot be empty: value %zu is.", i + 1);
            return NULL;
        }
        partition_key_add(key, json_string_value(value));
    }
    return g_string_free(key, FALSE);
}

/* ---- putting ---- */

/* A partition's StorageDescriptor in two parts: what it shares with others of its table, and what
 * is its own. */
struct parts {
    char *layout; /* NULL: it has none */
    char *location;
    char *body; /* the rest of the partition, with "Own": the descriptor's Parameters */
};

static void clear_parts(struct parts *parts)
{
    g_free(parts->layout);
    g_free(parts->location);
    g_free(parts->body);
}

static struct parts parts_of(const json_t *input)
{
    g_autoptr(json_auto) body = json_copy((json_t *)input);
    const json_t *given = json_object_get(input, "StorageDescriptor");
    struct parts parts = {.location = g_strdup(json_text_at(given, "Location"))};
    json_object_del(body, "StorageDescriptor");
    json_object_del(body, "Values");
    if (given) {
        g_autoptr(json_auto) layout = json_copy((json_t *)given);
        json_t *own = json_object_get(layout, "Parameters");
        if (own)
            json_object_set(body, "Own", own);
        json_object_del(layout, "Location");
        json_object_del(layout, "Parameters");
        parts.layout = json_text_of(layout);
    }
    parts.body = json_text_of(body);
    return parts;
}

/* One after another, to one table. */
struct putting {
    struct store_connection *connection;
    struct table_row table;
    enum catalog_put put;
    char *layout; /* the last one's, and its number */
    gint64 layout_id;
    size_t added;
};

static bool find_layout(struct putting *putting, const char *layout, gint64 *id, GError **error)
{
    struct store_rows *rows = store_ask(
        putting->connection, error, "SELECT id FROM catalog_layout WHERE table_id = ? AND text = ?",
        "is", putting->table.id, layout);
    enum store_step step = store_next(rows, error);
    *id = step == STORE_ROW ? store_int(rows, 0) : 0;
    if (step == STORE_ROW)
        store_end(rows);
    return step != STORE_FAILED;
}

static bool give_layout(struct putting *putting, const char *layout, gint64 *id, GError **error)
{
    *id = 0;
    if (!layout)
        return true;
    if (g_strcmp0(putting->layout, layout) != 0) {
        if (!find_layout(putting, layout, id, error))
            return false;
        if (!*id) {
            if (!store_run(putting->connection, error,
                           "INSERT INTO catalog_layout (table_id, text) VALUES (?, ?)", "is",
                           putting->table.id, layout))
                return false;
            *id = store_last_row(putting->connection);
        }
        g_free(putting->layout);
        putting->layout = g_strdup(layout);
        putting->layout_id = *id;
    }
    *id = putting->layout_id;
    return true;
}

static bool insert(struct putting *putting, const char *key, const struct parts *parts,
                   gint64 layout, GError **error)
{
    return store_run(putting->connection, error,
                     "INSERT OR IGNORE INTO catalog_partition (table_id, key, location, layout, "
                     "body, created) VALUES (?, ?, ?, ?, ?, ?)",
                     "issisd", putting->table.id, key, parts->location, layout, parts->body,
                     clock_now());
}

/* It is there already. */
static bool meet(struct putting *putting, const char *key, const struct parts *parts, gint64 layout,
                 GError **error)
{
    if (putting->put == CATALOG_ADD)
        return true;
    if (putting->put == CATALOG_CREATE)
        return error_set(error, ERROR_ALREADY_EXISTS, "Partition already exists.");
    return store_run(putting->connection, error,
                     "UPDATE catalog_partition SET location = ?, layout = ?, body = ? WHERE "
                     "table_id = ? AND key = ?",
                     "sisis", parts->location, layout, parts->body, putting->table.id, key);
}

static bool put_parts(struct putting *putting, const char *key, const struct parts *parts,
                      GError **error)
{
    gint64 layout;
    if (!give_layout(putting, parts->layout, &layout, error) ||
        !insert(putting, key, parts, layout, error))
        return false;
    if (!store_changes(putting->connection))
        return meet(putting, key, parts, layout, error);
    putting->added++;
    return true;
}

static bool put_one(struct putting *putting, const json_t *input, GError **error)
{
    g_autofree char *key =
        table_partition_key(&putting->table, json_object_get(input, "Values"), error);
    if (!key)
        return false;
    struct parts parts = parts_of(input);
    bool done = put_parts(putting, key, &parts, error);
    clear_parts(&parts);
    return done;
}

/* What is the client's own fault is told with the others; what the store's is, fails all. */
static bool tell_failed(json_t *failed, const json_t *values, GError **cause, GError **error)
{
    bool own = g_error_matches(*cause, LATHE_ERROR, ERROR_ALREADY_EXISTS) ||
               g_error_matches(*cause, LATHE_ERROR, ERROR_ENTITY_NOT_FOUND) ||
               g_error_matches(*cause, LATHE_ERROR, ERROR_INVALID_INPUT_EXCEPTION);
    if (!failed || !own) {
        g_propagate_error(error, g_steal_pointer(cause));
        return false;
    }
    json_array_append_new(failed, json_pack("{s:O?, s:{ss, ss}}", "PartitionValues", values,
                                            "ErrorDetail", "ErrorCode", error_name(*cause),
                                            "ErrorMessage", (*cause)->message));
    g_clear_error(cause);
    return true;
}

static bool put_all(struct putting *putting, const json_t *inputs, json_t *failed, GError **error)
{
    size_t i;
    const json_t *input;
    json_array_foreach(inputs, i, input)
    {
        g_autoptr(GError) cause = NULL;
        if (!put_one(putting, input, &cause) &&
            !tell_failed(failed, json_object_get(input, "Values"), &cause, error))
            return false;
    }
    return true;
}

bool catalog_partition_put_within(struct store_connection *connection, const char *database,
                                  const char *table, const json_t *inputs, enum catalog_put put,
                                  json_t *failed, size_t *added, GError **error)
{
    struct putting putting = {.connection = connection, .put = put};
    bool done = table_find(connection, database, table, &putting.table, error) &&
                put_all(&putting, inputs, failed, error);
    if (added)
        *added = putting.added;
    g_free(putting.layout);
    table_row_clear(&putting.table);
    return done;
}

static bool put(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    return catalog_partition_put_within(connection, work->database, work->table, work->input,
                                        *(const enum catalog_put *)work->options, work->failed,
                                        work->added, error);
}

bool catalog_partition_put(struct catalog *catalog, const char *database, const char *table,
                           const json_t *inputs, enum catalog_put how, json_t *failed,
                           size_t *added, GError **error)
{
    struct catalog_work work = {.database = database,
                                .table = table,
                                .input = inputs,
                                .options = &how,
                                .failed = failed,
                                .added = added};
    return store_write(catalog->store, put, &work, error);
}

/* ---- deleting, updating ---- */

static bool missing(GError **error)
{
    return error_set(error, ERROR_ENTITY_NOT_FOUND, "Cannot find partition.");
}

static bool delete_one(struct store_connection *connection, const struct table_row *table,
                       const json_t *values, GError **error)
{
    g_autofree char *key = table_partition_key(table, values, error);
    return key &&
           store_run(connection, error,
                     "DELETE FROM catalog_partition WHERE table_id = ? AND key = ?", "is",
                     table->id, key) &&
           (store_changes(connection) || missing(error)) &&
           store_run(connection, error,
                     "DELETE FROM catalog_statistics WHERE table_id = ? AND key = ?", "is",
                     table->id, key);
}

bool catalog_partition_delete_within(struct store_connection *connection, const char *database,
                                     const char *table, const json_t *list, json_t *failed,
                                     GError **error)
{
    g_auto(table_row_auto) row = {0};
    size_t i;
    const json_t *values;
    if (!table_find(connection, database, table, &row, error))
        return false;
    json_array_foreach(list, i, values)
    {
        g_autoptr(GError) cause = NULL;
        if (!delete_one(connection, &row, values, &cause) &&
            !tell_failed(failed, values, &cause, error))
            return false;
    }
    return true;
}

static bool delete (struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    return catalog_partition_delete_within(connection, work->database, work->table, work->input,
                                           work->failed, error);
}

bool catalog_partition_delete(struct catalog *catalog, const char *database, const char *table,
                              const json_t *list, json_t *failed, GError **error)
{
    struct catalog_work work = {
        .database = database, .table = table, .input = list, .failed = failed};
    return store_write_spare(catalog->store, delete, &work, error);
}

/* Where its values stay, it is the same partition, with its time of creation. */
static bool update(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_auto(table_row_auto) row = {0};
    if (!table_find(connection, work->database, work->table, &row, error))
        return false;
    g_autofree char *old = table_partition_key(&row, work->values, error);
    const json_t *values = json_object_get(work->input, "Values");
    g_autofree char *new =
        old ? table_partition_key(&row, values ? values : work->values, error) : NULL;
    if (!new)
        return false;
    g_autoptr(json_auto) input = json_copy((json_t *)work->input);
    g_autoptr(json_auto) inputs = json_pack("[O]", input);
    json_object_set(input, "Values", values ? (json_t *)values : (json_t *)work->values);
    g_autoptr(GError) cause = NULL;
    if (!store_run(connection, &cause,
                   "UPDATE OR IGNORE catalog_partition SET key = ? WHERE table_id = ? AND key = ?",
                   "sis", new, row.id, old)) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    if (!store_changes(connection)) {
        struct store_rows *rows = store_ask(
            connection, error, "SELECT 1 FROM catalog_partition WHERE table_id = ? AND key = ?",
            "is", row.id, old);
        enum store_step step = store_next(rows, error);
        if (step == STORE_ROW)
            store_end(rows);
        return step == STORE_END ? missing(error)
               : step == STORE_ROW
                   ? error_set(error, ERROR_ALREADY_EXISTS, "Partition already exists.")
                   : false;
    }
    return catalog_partition_put_within(connection, work->database, work->table, inputs,
                                        CATALOG_REPLACE, NULL, NULL, error);
}

bool catalog_partition_update(struct catalog *catalog, const char *database, const char *table,
                              const json_t *values, const json_t *input, GError **error)
{
    struct catalog_work work = {
        .database = database, .table = table, .values = values, .input = input};
    return store_write(catalog->store, update, &work, error);
}

/* ---- telling ---- */

/* Layouts as they were read, by their numbers. */
struct telling {
    struct store_connection *connection;
    const char *database, *table;
    GHashTable *layouts; /* gint64 -> json_t */
    bool without_columns;
};

static void free_json(void *data)
{
    json_decref(data);
}

static struct telling telling_new(struct store_connection *connection, const char *database,
                                  const char *table)
{
    return (struct telling){connection, catalog_fold(database), catalog_fold(table),
                            g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_json),
                            false};
}

static void telling_end(struct telling *telling)
{
    g_free((char *)telling->database);
    g_free((char *)telling->table);
    g_hash_table_unref(telling->layouts);
}

static json_t *read_layout(struct store_connection *connection, gint64 id, GError **error)
{
    struct store_rows *rows =
        store_ask(connection, error, "SELECT text FROM catalog_layout WHERE id = ?", "i", id);
    if (store_next(rows, error) != STORE_ROW)
        return NULL;
    json_t *layout = catalog_parse(store_text(rows, 0));
    store_end(rows);
    return layout;
}

/* Borrowed; NULL where there is none. */
static const json_t *layout_of(struct telling *telling, gint64 id, GError **error)
{
    json_t *layout = g_hash_table_lookup(telling->layouts, &id);
    if (layout || !id)
        return layout;
    layout = read_layout(telling->connection, id, error);
    if (layout && telling->without_columns)
        json_object_del(layout, "Columns");
    if (layout)
        g_hash_table_insert(telling->layouts, g_memdup2(&id, sizeof id), layout);
    return layout;
}

#define COLUMNS "key, location, layout, body, created"

static void put_descriptor(json_t *partition, const json_t *layout, const char *location)
{
    json_t *descriptor = json_copy((json_t *)layout);
    json_t *own = json_object_get(partition, "Own");
    if (location)
        json_object_set_new(descriptor, "Location", json_string(location));
    if (own)
        json_object_set(descriptor, "Parameters", own);
    json_object_set_new(partition, "StorageDescriptor", descriptor);
}

static json_t *values_of(const char *key)
{
    json_t *list = json_array();
    g_auto(GStrv) values = partition_key_split(key);
    for (size_t i = 0; values[i]; i++)
        json_array_append_new(list, json_string(values[i]));
    return list;
}

/* The row that it stands on. */
static json_t *describe(struct telling *telling, struct store_rows *rows, GError **error)
{
    g_autoptr(json_auto) partition = catalog_parse(store_text(rows, 3));
    gint64 id = store_int(rows, 2);
    const json_t *layout = layout_of(telling, id, error);
    if (id && !layout)
        return NULL;
    if (layout)
        put_descriptor(partition, layout, store_text(rows, 1));
    json_object_del(partition, "Own");
    json_object_set_new(partition, "Values", values_of(store_text(rows, 0)));
    json_object_set_new(partition, "DatabaseName", json_string(telling->database));
    json_object_set_new(partition, "TableName", json_string(telling->table));
    json_object_set_new(partition, "CreationTime", json_real(store_double(rows, 4)));
    return g_steal_pointer(&partition);
}

/* *found stays NULL where there is none. */
static bool get_by_key(struct telling *telling, gint64 table, const char *key, json_t **found,
                       GError **error)
{
    struct store_rows *rows =
        store_ask(telling->connection, error,
                  "SELECT " COLUMNS " FROM catalog_partition WHERE table_id = ? AND key = ?", "is",
                  table, key);
    enum store_step step = store_next(rows, error);
    if (step != STORE_ROW)
        return step == STORE_END;
    *found = describe(telling, rows, error);
    store_end(rows);
    return *found != NULL;
}

static bool get(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_auto(table_row_auto) row = {0};
    if (!table_find(connection, work->database, work->table, &row, error))
        return false;
    g_autofree char *key = table_partition_key(&row, work->values, error);
    struct telling telling = telling_new(connection, work->database, work->table);
    bool done = key && get_by_key(&telling, row.id, key, work->found, error) &&
                (*work->found || missing(error));
    telling_end(&telling);
    return done;
}

json_t *catalog_partition_get(struct catalog *catalog, const char *database, const char *table,
                              const json_t *values, GError **error)
{
    struct catalog_work work = {.database = database, .table = table, .values = values};
    return catalog_read(catalog, get, &work, error);
}

static bool get_each(struct telling *telling, const struct table_row *row,
                     const struct catalog_work *work, GError **error)
{
    size_t i;
    json_t *values;
    json_array_foreach((json_t *)work->input, i, values)
    {
        g_autofree char *key = table_partition_key(row, values, error);
        json_t *found = NULL;
        if (!key || !get_by_key(telling, row->id, key, &found, error))
            return false;
        if (found)
            json_array_append_new(*work->found, found);
        else
            json_array_append(work->failed, values);
    }
    return true;
}

static bool get_many(struct store_connection *connection, void *data, GError **error)
{
    const struct catalog_work *work = data;
    g_auto(table_row_auto) row = {0};
    if (!table_find(connection, work->database, work->table, &row, error))
        return false;
    struct telling telling = telling_new(connection, work->database, work->table);
    *work->found = json_array();
    bool done = get_each(&telling, &row, work, error);
    telling_end(&telling);
    return done;
}

json_t *catalog_partition_get_many(struct catalog *catalog, const char *database, const char *table,
                                   const json_t *list, json_t **missed, GError **error)
{
    g_autoptr(json_auto) failed = json_array();
    struct catalog_work work = {
        .database = database, .table = table, .input = list, .failed = failed};
    json_t *found = catalog_read(catalog, get_many, &work, error);
    if (found && missed)
        *missed = json_incref(failed);
    return found;
}

/* ---- listing ---- */

/* Keys are read from the index alone; the rows of those that are asked for, then. */
struct listing {
    const struct catalog_partition_query *query;
    struct table_row table;
    struct expression *expression;
    char **equal; /* the text that a key must have, or NULL: in the keys' order */
    size_t keys;
    char *from, *end; /* of the range of keys */
    GArray *ids;      /* gint64: rows, in order */
    char *last;       /* the key of the last */
    bool more;
};

static void listing_clear(struct listing *listing)
{
    table_row_clear(&listing->table);
    expression_free(listing->expression);
    for (size_t i = 0; listing->equal && i < listing->keys; i++)
        g_free(listing->equal[i]);
    g_free(listing->equal);
    g_free(listing->from);
    g_free(listing->end);
    g_free(listing->last);
    if (listing->ids)
        g_array_unref(listing->ids);
}

static bool read_equal(struct listing *listing, const json_t *keys, GError **error)
{
    listing->keys = json_array_size(keys);
    listing->equal = g_new0(char *, listing->keys + 1);
    const char *name;
    const json_t *text;
    json_object_foreach((json_t *)listing->query->equal, name, text)
    {
        size_t i = 0;
        while (i < listing->keys &&
               g_ascii_strcasecmp(json_text_at(json_array_get(keys, i), "Name"), name) != 0)
            i++;
        if (i == listing->keys)
            return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                             "Unknown column '%s': it is no partition key of the table.", name);
        g_free(listing->equal[i]);
        listing->equal[i] = g_strdup(json_string_value(text));
    }
    return true;
}

static const char *demanded(const struct listing *listing, size_t key)
{
    if (listing->equal[key])
        return listing->equal[key];
    return listing->expression ? expression_demands(listing->expression, key) : NULL;
}

static void find_range(struct listing *listing)
{
    GString *prefix = g_string_new(NULL);
    const char *text;
    for (size_t i = 0; i < listing->keys && (text = demanded(listing, i)); i++)
        partition_key_add(prefix, text);
    listing->end = prefix->len ? g_strdup(prefix->str) : NULL;
    if (listing->end)
        partition_key_behind(listing->end);
    listing->from = g_string_free(prefix, FALSE);
}

static bool fits(const struct listing *listing, gint64 id, const char *key)
{
    const struct catalog_partition_query *query = listing->query;
    if (query->segments && id % query->segments != query->segment)
        return false;
    if (!listing->expression && !query->equal)
        return true;
    g_auto(GStrv) values = partition_key_split(key);
    for (size_t i = 0; i < listing->keys; i++)
        if (listing->equal[i] && g_strcmp0(listing->equal[i], values[i]) != 0)
            return false;
    return g_strv_length(values) == listing->keys &&
           (!listing->expression || expression_holds(listing->expression, values));
}

static bool is_full(const struct listing *listing)
{
    return listing->query->limit && listing->ids->len == listing->query->limit;
}

static void take_key(struct listing *listing, gint64 id, const char *key)
{
    if (!fits(listing, id, key))
        return;
    listing->more = is_full(listing);
    if (listing->more)
        return;
    g_array_append_val(listing->ids, id);
    if (is_full(listing)) {
        g_free(listing->last);
        listing->last = g_strdup(key);
    }
}

static bool read_keys(struct store_connection *connection, struct listing *listing, GError **error)
{
    const char *after = listing->query->after ? listing->query->after : "";
    struct store_rows *rows = store_ask(
        connection, error,
        "SELECT id, key FROM catalog_partition WHERE table_id = ?1 AND key >= ?2 AND key > ?3 AND "
        "(?4 IS NULL OR key < ?4) ORDER BY key",
        "isss", listing->table.id, listing->from, after, listing->end);
    enum store_step step = STORE_END;
    listing->ids = g_array_new(FALSE, FALSE, sizeof(gint64));
    while (!listing->more && (step = store_next(rows, error)) == STORE_ROW) {
        const char *key = store_text(rows, 1);
        if (listing->end && strcmp(key, listing->end) >= 0)
            break;
        take_key(listing, store_int(rows, 0), key);
    }
    if (step == STORE_ROW)
        store_end(rows);
    return step != STORE_FAILED;
}

static bool begin(struct store_connection *connection, struct listing *listing, GError **error)
{
    const struct catalog_partition_query *query = listing->query;
    if (!table_find(connection, query->database, query->table, &listing->table, error))
        return false;
    const json_t *keys = json_object_get(listing->table.body, "PartitionKeys");
    if (query->expression && *query->expression &&
        !(listing->expression = expression_parse(query->expression, keys, error)))
        return false;
    if (!read_equal(listing, keys, error))
        return false;
    find_range(listing);
    return read_keys(connection, listing, error);
}

static bool describe_row(struct telling *telling, gint64 id, json_t *found, GError **error)
{
    struct store_rows *rows =
        store_ask(telling->connection, error,
                  "SELECT " COLUMNS " FROM catalog_partition WHERE id = ?", "i", id);
    if (store_next(rows, error) != STORE_ROW)
        return false;
    json_t *partition = describe(telling, rows, error);
    store_end(rows);
    return partition && json_array_append_new(found, partition) == 0;
}

struct list_work {
    struct listing listing;
    json_t *found;
    GPtrArray *places;
};

static bool list(struct store_connection *connection, void *data, GError **error)
{
    struct list_work *work = data;
    const struct catalog_partition_query *query = work->listing.query;
    if (!begin(connection, &work->listing, error))
        return false;
    struct telling telling = telling_new(connection, query->database, query->table);
    telling.without_columns = query->without_columns;
    bool done = true;
    work->found = json_array();
    for (guint i = 0; done && i < work->listing.ids->len; i++)
        done =
            describe_row(&telling, g_array_index(work->listing.ids, gint64, i), work->found, error);
    telling_end(&telling);
    return done;
}

json_t *catalog_partition_list(struct catalog *catalog, const struct catalog_partition_query *query,
                               char **next, GError **error)
{
    struct list_work work = {.listing = {.query = query}};
    bool done = store_read(catalog->store, list, &work, error);
    if (next)
        *next = done && work.listing.more ? g_strdup(work.listing.last) : NULL;
    if (!done)
        g_clear_pointer(&work.found, json_decref);
    listing_clear(&work.listing);
    return work.found;
}

/* ---- places ---- */

void catalog_place_free(void *data)
{
    struct catalog_place *place = data;
    if (!place)
        return;
    g_strfreev(place->values);
    g_free(place->location);
    g_free(place);
}

static bool add_place(struct store_connection *connection, gint64 id, GPtrArray *places,
                      GError **error)
{
    struct store_rows *rows =
        store_ask(connection, error,
                  "SELECT key, location, layout FROM catalog_partition WHERE id = ?", "i", id);
    if (store_next(rows, error) != STORE_ROW)
        return false;
    struct catalog_place *place = g_new(struct catalog_place, 1);
    *place = (struct catalog_place){partition_key_split(store_text(rows, 0)),
                                    store_text_copy(rows, 1), store_int(rows, 2)};
    g_ptr_array_add(places, place);
    store_end(rows);
    return true;
}

static bool list_places(struct store_connection *connection, void *data, GError **error)
{
    struct list_work *work = data;
    if (!begin(connection, &work->listing, error))
        return false;
    for (guint i = 0; i < work->listing.ids->len; i++)
        if (!add_place(connection, g_array_index(work->listing.ids, gint64, i), work->places,
                       error))
            return false;
    return true;
}

GPtrArray *catalog_partition_places(struct catalog *catalog,
                                    const struct catalog_partition_query *query, GError **error)
{
    g_autoptr(GPtrArray) places = g_ptr_array_new_with_free_func(catalog_place_free);
    struct list_work work = {.listing = {.query = query}, .places = places};
    bool done = store_read(catalog->store, list_places, &work, error);
    listing_clear(&work.listing);
    return done ? g_steal_pointer(&places) : NULL;
}

struct layout_work {
    gint64 id;
    json_t *found;
};

static bool get_layout(struct store_connection *connection, void *data, GError **error)
{
    struct layout_work *work = data;
    GError *cause = NULL;
    work->found = read_layout(connection, work->id, &cause);
    if (cause)
        g_propagate_error(error, cause);
    return !cause;
}

json_t *catalog_layout_get(struct catalog *catalog, gint64 layout, GError **error)
{
    struct layout_work work = {.id = layout};
    return store_read(catalog->store, get_layout, &work, error) ? work.found : NULL;
}

/* ---- counting ---- */

struct count_work {
    const char *database, *table;
    gint64 count;
};

static bool count(struct store_connection *connection, void *data, GError **error)
{
    struct count_work *work = data;
    g_auto(table_row_auto) row = {0};
    if (!table_find(connection, work->database, work->table, &row, error))
        return false;
    struct store_rows *rows =
        store_ask(connection, error, "SELECT count(*) FROM catalog_partition WHERE table_id = ?",
                  "i", row.id);
    if (store_next(rows, error) != STORE_ROW)
        return false;
    work->count = store_int(rows, 0);
    store_end(rows);
    return true;
}

gint64 catalog_partition_count(struct catalog *catalog, const char *database, const char *table,
                               GError **error)
{
    struct count_work work = {database, table, 0};
    return store_read(catalog->store, count, &work, error) ? work.count : -1;
}
