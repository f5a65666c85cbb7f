#include "store/entry.h"

#include <string.h>

#include "store/resource.h"

void entry_free(struct entry *entry)
{
    if (!entry)
        return;
    g_free(entry->owner);
    json_decref(entry->body);
    g_free(entry);
}

static void free_entry(void *entry)
{
    entry_free(entry);
}

bool entry_put(struct store_connection *connection, const char *kind, const char *owner,
               gint64 number, const char *word, const json_t *body, GError **error)
{
    g_autofree char *text = json_text_of(body);
    return store_run(connection, error,
                     "INSERT INTO entry (kind, owner, number, word, body) "
                     "SELECT kind, name, ?3, ?4, ?5 FROM resource WHERE kind = ?1 AND name = ?2 "
                     "ON CONFLICT (kind, owner, number) "
                     "DO UPDATE SET word = excluded.word, body = excluded.body",
                     "ssiss", kind, owner, number, word, text);
}

/* ---- reading ---- */

struct reading {
    const struct entry_query *query;
    const char *kind, *word; /* where there is no query */
    GPtrArray *found;
};

#define COLUMNS "number, owner, entry.body"

/* The row of COLUMNS that it stands on. */
static bool take_row(struct store_rows *rows, GPtrArray *found, GError **error)
{
    const char *body = store_text(rows, 2);
    json_t *value = json_parse(body, strlen(body), "an entry's body", error);
    if (!value)
        return false;
    struct entry *entry = g_new(struct entry, 1);
    *entry = (struct entry){store_int(rows, 0), store_text_copy(rows, 1), value};
    g_ptr_array_add(found, entry);
    return true;
}

static bool take_rows(struct store_rows *rows, GPtrArray *found, GError **error)
{
    enum store_step step;
    while ((step = store_next(rows, error)) == STORE_ROW) {
        if (!take_row(rows, found, error)) {
            store_end(rows);
            return false;
        }
    }
    return step == STORE_END;
}

static bool list(struct store_connection *connection, void *data, GError **error)
{
    const struct reading *reading = data;
    const struct entry_query *query = reading->query;
    gint64 from = query->after || !query->newest_first ? query->after : G_MAXINT64;
    const char *sql = query->newest_first
                          ? "SELECT " COLUMNS " FROM entry WHERE kind = ? AND owner = ?"
                            " AND number < ? ORDER BY number DESC LIMIT ?"
                          : "SELECT " COLUMNS " FROM entry WHERE kind = ? AND owner = ?"
                            " AND number > ? ORDER BY number LIMIT ?";
    return take_rows(store_ask(connection, error, sql, "ssii", query->kind, query->owner, from,
                               query->limit ? (gint64)query->limit : (gint64)-1),
                     reading->found, error);
}

static bool find(struct store_connection *connection, void *data, GError **error)
{
    const struct reading *reading = data;
    const char *sql = "SELECT " COLUMNS " FROM entry JOIN resource"
                      " ON resource.kind = entry.kind AND resource.name = entry.owner"
                      " WHERE entry.kind = ? AND word = ?"
                      " ORDER BY resource.created DESC, owner, number";
    return take_rows(store_ask(connection, error, sql, "ss", reading->kind, reading->word),
                     reading->found, error);
}

static GPtrArray *read_entries(struct store *store, store_work *work, struct reading *reading,
                               GError **error)
{
    reading->found = g_ptr_array_new_with_free_func(free_entry);
    if (store_read(store, work, reading, error))
        return reading->found;
    g_ptr_array_unref(reading->found);
    return NULL;
}

GPtrArray *entry_list(struct store *store, const struct entry_query *query, GError **error)
{
    struct reading reading = {.query = query};
    return read_entries(store, list, &reading, error);
}

GPtrArray *entry_find(struct store *store, const char *kind, const char *word, GError **error)
{
    struct reading reading = {.kind = kind, .word = word};
    return read_entries(store, find, &reading, error);
}
