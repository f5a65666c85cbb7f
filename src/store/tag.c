/* Tags and client tokens: small texts beside the resources. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/resource.h"
#include "store/store_inside.h"

struct tagging {
    const char *arn;
    const json_t *tags;
    json_t *found;
};

static bool read_tags(struct store_connection *connection, void *data, GError **error)
{
    const struct tagging *tagging = data;
    struct store_rows *rows =
        store_ask(connection, error, "SELECT key, value FROM tag WHERE arn = ? ORDER BY key", "s",
                  tagging->arn);
    enum store_step step;
    while ((step = store_next(rows, error)) == STORE_ROW)
        json_array_append_new(tagging->found, json_pack("{ssss}", "Key", store_text(rows, 0),
                                                        "Value", store_text(rows, 1)));
    return step == STORE_END;
}

json_t *resource_tags(struct store *store, const char *arn, GError **error)
{
    g_autoptr(json_auto) found = json_array();
    struct tagging tagging = {arn, NULL, found};
    return store_read(store, read_tags, &tagging, error) ? g_steal_pointer(&found) : NULL;
}

static bool put_tags(struct store_connection *connection, void *data, GError **error)
{
    const struct tagging *tagging = data;
    size_t i;
    const json_t *tag;
    json_array_foreach(tagging->tags, i, tag)
    {
        if (!store_run(connection, error,
                       "INSERT INTO tag (arn, key, value) VALUES (?, ?, ?) "
                       "ON CONFLICT (arn, key) DO UPDATE SET value = excluded.value",
                       "sss", tagging->arn, json_text_at(tag, "Key"), json_text_at(tag, "Value")))
            return false;
    }
    if (!read_tags(connection, data, error))
        return false;
    size_t count = json_array_size(tagging->found);
    return count <= RESOURCE_MOST_TAGS ||
           error_set(error, ERROR_VALIDATION, "A resource has at most %d tags; %s would have %zu.",
                     RESOURCE_MOST_TAGS, tagging->arn, count);
}

bool tags_put_within(struct store_connection *connection, const char *arn, const json_t *tags,
                     GError **error)
{
    g_autoptr(json_auto) found = json_array();
    struct tagging tagging = {arn, tags, found};
    return json_array_size(tags) == 0 || put_tags(connection, &tagging, error);
}

bool resource_tags_put(struct store *store, const char *arn, const json_t *tags, GError **error)
{
    g_autoptr(json_auto) found = json_array();
    struct tagging tagging = {arn, tags, found};
    return json_array_size(tags) == 0 || store_write(store, put_tags, &tagging, error);
}

static bool remove_tags(struct store_connection *connection, void *data, GError **error)
{
    const struct tagging *tagging = data;
    size_t i;
    const json_t *key;
    json_array_foreach(tagging->tags, i, key)
    {
        if (!store_run(connection, error, "DELETE FROM tag WHERE arn = ? AND key = ?", "ss",
                       tagging->arn, json_string_value(key)))
            return false;
    }
    return true;
}

bool resource_tags_remove(struct store *store, const char *arn, const json_t *keys, GError **error)
{
    struct tagging tagging = {arn, keys, NULL};
    return store_write_spare(store, remove_tags, &tagging, error);
}

struct token {
    const char *operation, *token;
    json_t *answer;
};

static bool read_token(struct store_connection *connection, void *data, GError **error)
{
    struct token *token = data;
    struct store_rows *rows = store_ask(
        connection, error, "SELECT answer FROM client_token WHERE operation = ? AND token = ?",
        "ss", token->operation, token->token);
    enum store_step step = store_next(rows, error);
    if (step != STORE_ROW)
        return step == STORE_END;
    const char *answer = store_text(rows, 0);
    token->answer = json_parse(answer, strlen(answer), "the answer kept for a client token", error);
    store_end(rows);
    return token->answer != NULL;
}

json_t *store_token_get(struct store *store, const char *operation, const char *token,
                        GError **error)
{
    struct token lookup = {operation, token, NULL};
    store_read(store, read_token, &lookup, error);
    return lookup.answer;
}

static bool write_token(struct store_connection *connection, void *data, GError **error)
{
    const struct token *token = data;
    g_autofree char *answer = json_text_of(token->answer);
    return store_run(connection, error,
                     "INSERT OR REPLACE INTO client_token (operation, token, answer, created) "
                     "VALUES (?, ?, ?, ?)",
                     "sssd", token->operation, token->token, answer, clock_now());
}

bool store_token_put_within(struct store_connection *connection, const char *operation,
                            const char *token, const json_t *answer, GError **error)
{
    struct token record = {operation, token, (json_t *)answer};
    return write_token(connection, &record, error);
}

bool store_token_put(struct store *store, const char *operation, const char *token,
                     const json_t *answer, GError **error)
{
    struct token record = {operation, token, (json_t *)answer};
    return store_write(store, write_token, &record, error);
}
