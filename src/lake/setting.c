/* Settings of buckets: documents that are kept under a name and given back. */
#include "base/error.h"
#include "lake/lake_inside.h"

bool lake_put_settings(struct store_connection *connection, const char *bucket,
                       const json_t *settings, GError **error)
{
    const char *name;
    json_t *document;
    json_object_foreach((json_t *)settings, name, document)
    {
        g_autofree char *text = lake_json_column(document);
        if (!store_run(connection, error,
                       "INSERT OR REPLACE INTO lake_setting (bucket, name, document) "
                       "VALUES (?, ?, ?)",
                       "sss", bucket, name, text))
            return false;
    }
    return true;
}

bool lake_drop_settings(struct store_connection *connection, const char *bucket, GError **error)
{
    return store_run(connection, error, "DELETE FROM lake_setting WHERE bucket = ?", "s", bucket);
}

/* ---- reading ---- */

struct settings {
    const char *bucket;
    json_t *found;
};

static bool read_settings(struct store_connection *connection, void *data, GError **error)
{
    struct settings *settings = data;
    if (!lake_require_bucket(connection, settings->bucket, error))
        return false;
    struct store_rows *row =
        store_ask(connection, error, "SELECT name, document FROM lake_setting WHERE bucket = ?",
                  "s", settings->bucket);
    enum store_step step;
    while ((step = store_next(row, error)) == STORE_ROW)
        json_object_set_new(settings->found, store_text(row, 0), lake_column_json(row, 1));
    return step == STORE_END;
}

json_t *lake_settings(struct lake *lake, const char *bucket, GError **error)
{
    g_autoptr(json_auto) found = json_object();
    struct settings settings = {bucket, found};
    return store_read(lake->store, read_settings, &settings, error) ? g_steal_pointer(&found)
                                                                    : NULL;
}

json_t *lake_setting(struct lake *lake, const char *bucket, const char *name, GError **error)
{
    g_autoptr(json_auto) all = lake_settings(lake, bucket, error);
    return json_incref(json_object_get(all, name));
}

/* ---- writing ---- */

struct setting {
    const char *bucket, *name;
    const json_t *document;
};

static bool write_setting(struct store_connection *connection, void *data, GError **error)
{
    const struct setting *setting = data;
    if (!lake_require_bucket(connection, setting->bucket, error))
        return false;
    if (!setting->document)
        return store_run(connection, error,
                         "DELETE FROM lake_setting WHERE bucket = ? AND name = ?", "ss",
                         setting->bucket, setting->name);
    g_autoptr(json_auto) one = json_object();
    json_object_set(one, setting->name, (json_t *)setting->document);
    return lake_put_settings(connection, setting->bucket, one, error);
}

bool lake_set_setting(struct lake *lake, const char *bucket, const char *name,
                      const json_t *document, GError **error)
{
    struct setting setting = {bucket, name, document};
    return store_write(lake->store, write_setting, &setting, error);
}
