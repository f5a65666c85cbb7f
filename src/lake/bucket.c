/* Buckets. */
#include <string.h>

#include "base/error.h"
#include "lake/lake_inside.h"

void lake_bucket_free(struct lake_bucket *bucket)
{
    if (!bucket)
        return;
    g_free(bucket->name);
    g_free(bucket->region);
    g_free(bucket->versioning);
    json_decref(bucket->lock);
    g_free(bucket);
}

/* S3's rules: 3 to 63 of lower-case letters, digits, dots and hyphens; letters or digits at the
 * ends and beside dots; not an IP address; not what S3 keeps for itself. */
static bool is_bucket_name(const char *name)
{
    size_t length = strlen(name);
    if (length < 3 || length > 63 ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") < length)
        return false;
    if (strchr(".-", name[0]) || strchr(".-", name[length - 1]) || strstr(name, "..") ||
        strstr(name, ".-") || strstr(name, "-."))
        return false;
    static const char *const kept_prefixes[] = {"xn--", "sthree-", "amzn-s3-demo-"};
    for (size_t i = 0; i < G_N_ELEMENTS(kept_prefixes); i++)
        if (g_str_has_prefix(name, kept_prefixes[i]))
            return false;
    static const char *const kept_suffixes[] = {"-s3alias", "--ol-s3", ".mrap", "--x-s3",
                                                "--table-s3"};
    for (size_t i = 0; i < G_N_ELEMENTS(kept_suffixes); i++)
        if (g_str_has_suffix(name, kept_suffixes[i]))
            return false;
    return !g_hostname_is_ip_address(name);
}

struct bucket_change {
    const char *name, *region;
    const json_t *settings;
    bool locks;
    GPtrArray *files; /* of uploads given up */
};

static bool create(struct store_connection *connection, void *data, GError **error)
{
    const struct bucket_change *change = data;
    if (!store_run(connection, error,
                   "INSERT OR IGNORE INTO lake_bucket (name, region, created, versioning, lock) "
                   "VALUES (?, ?, ?, ?, ?)",
                   "ssdss", change->name, change->region, lake_now(),
                   change->locks ? "Enabled" : NULL, change->locks ? "{}" : NULL))
        return false;
    if (store_changes(connection) != 1)
        return error_set(error, ERROR_BUCKET_OWNED_BY_YOU,
                         "Your previous request to create the named bucket succeeded and you "
                         "already own it: %s",
                         change->name);
    return lake_put_settings(connection, change->name, change->settings, error);
}

bool lake_bucket_create(struct lake *lake, const char *name, const char *region, GError **error)
{
    return lake_bucket_create_with(lake, name, region, NULL, false, error);
}

bool lake_bucket_create_with(struct lake *lake, const char *name, const char *region,
                             const json_t *settings, bool locks, GError **error)
{
    if (!is_bucket_name(name))
        return error_set(error, ERROR_INVALID_BUCKET_NAME,
                         "The specified bucket is not valid: \"%s\"; a name has 3 to 63 lower-case "
                         "letters, digits, dots and hyphens, and begins and ends with a letter or "
                         "digit",
                         name);
    struct bucket_change change = {name, region, settings, locks, NULL};
    return store_write(lake->store, create, &change, error);
}

/* ---- deleting ---- */

static bool is_empty(struct store_connection *connection, const char *name, GError **error)
{
    struct store_rows *row = store_ask(connection, error,
                                       "SELECT 1 FROM lake_object WHERE bucket = ?1 UNION ALL "
                                       "SELECT 1 FROM lake_version WHERE bucket = ?1 LIMIT 1",
                                       "s", name);
    enum store_step step = store_next(row, error);
    store_end(row);
    if (step == STORE_ROW)
        return error_set(error, ERROR_BUCKET_NOT_EMPTY,
                         "The bucket you tried to delete is not empty: %s. You must delete all "
                         "versions in the bucket.",
                         name);
    return step == STORE_END;
}

static bool delete_bucket(struct store_connection *connection, void *data, GError **error)
{
    const struct bucket_change *change = data;
    if (!lake_require_bucket(connection, change->name, error) ||
        !is_empty(connection, change->name, error))
        return false;
    struct store_rows *row =
        store_ask(connection, error,
                  "SELECT file FROM lake_upload WHERE bucket = ?1 UNION SELECT lake_part.file "
                  "FROM lake_part JOIN lake_upload ON upload = id WHERE bucket = ?1",
                  "s", change->name);
    enum store_step step;
    while ((step = store_next(row, error)) == STORE_ROW)
        g_ptr_array_add(change->files, store_text_copy(row, 0));
    return step == STORE_END &&
           store_run(connection, error,
                     "DELETE FROM lake_part WHERE upload IN "
                     "(SELECT id FROM lake_upload WHERE bucket = ?)",
                     "s", change->name) &&
           store_run(connection, error, "DELETE FROM lake_upload WHERE bucket = ?", "s",
                     change->name) &&
           lake_drop_settings(connection, change->name, error) &&
           store_run(connection, error, "DELETE FROM lake_bucket WHERE name = ?", "s",
                     change->name);
}

bool lake_bucket_delete(struct lake *lake, const char *name, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    struct bucket_change change = {.name = name, .files = files};
    if (!store_write_spare(lake->store, delete_bucket, &change, error))
        return false;
    for (guint i = 0; i < files->len; i++)
        lake_remove_id(lake, g_ptr_array_index(files, i));
    return true;
}

/* ---- looking ---- */

static void free_bucket(void *bucket)
{
    lake_bucket_free(bucket);
}

struct bucket_query {
    const char *name; /* NULL: all */
    GPtrArray *found;
};

#define BUCKET_COLUMNS "name, region, created, versioning, lock, " LAKE_HAS_LIFECYCLE

static bool read_buckets(struct store_connection *connection, void *data, GError **error)
{
    const struct bucket_query *query = data;
    struct store_rows *row =
        store_ask(connection, error,
                  query->name ? "SELECT " BUCKET_COLUMNS " FROM lake_bucket WHERE name = ?"
                              : "SELECT " BUCKET_COLUMNS " FROM lake_bucket ORDER BY name",
                  query->name ? "s" : "", query->name);
    enum store_step step;
    while ((step = store_next(row, error)) == STORE_ROW) {
        struct lake_bucket *bucket = g_new0(struct lake_bucket, 1);
        bucket->name = store_text_copy(row, 0);
        bucket->region = store_text_copy(row, 1);
        bucket->created = store_double(row, 2);
        bucket->versioning = store_text_copy(row, 3);
        bucket->lock = lake_column_json(row, 4);
        bucket->lifecycle = store_int(row, 5);
        g_ptr_array_add(query->found, bucket);
    }
    return step == STORE_END;
}

GPtrArray *lake_bucket_list(struct lake *lake, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(free_bucket);
    struct bucket_query query = {NULL, found};
    return store_read(lake->store, read_buckets, &query, error) ? g_steal_pointer(&found) : NULL;
}

struct lake_bucket *lake_bucket_get(struct lake *lake, const char *name, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(free_bucket);
    struct bucket_query query = {name, found};
    if (!store_read(lake->store, read_buckets, &query, error))
        return NULL;
    if (found->len)
        return g_ptr_array_steal_index(found, 0);
    error_set(error, ERROR_NO_SUCH_BUCKET, "The specified bucket does not exist: %s", name);
    return NULL;
}
