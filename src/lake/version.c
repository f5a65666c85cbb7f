/* Versions of an object. The current one is a row of lake_object and of nothing else, so that what
 * looks for objects never meets others; older ones and delete markers are rows of lake_version, by
 * key and descending number. Every change keeps to this: the current object has the highest number
 * of its key, and a key without one either has no older version or has a delete marker on top. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "lake/lake_inside.h"

#define WORD_DIGITS 16

void lake_rules_clear(struct lake_rules *rules)
{
    g_clear_pointer(&rules->lock, json_decref);
}

bool lake_read_rules(struct store_connection *connection, const char *bucket,
                     struct lake_rules *rules, GError **error)
{
    *rules = (struct lake_rules){0};
    struct store_rows *row =
        store_ask(connection, error,
                  "SELECT versioning, lock, " LAKE_HAS_LIFECYCLE " FROM lake_bucket WHERE name = ?",
                  "s", bucket);
    enum store_step step = store_next(row, error);
    if (step == STORE_ROW) {
        const char *versioning = store_text(row, 0);
        rules->versioned = versioning != NULL;
        rules->suspended = g_strcmp0(versioning, "Suspended") == 0;
        rules->lock = lake_column_json(row, 1);
        rules->lifecycle = store_int(row, 2);
    }
    store_end(row);
    if (step == STORE_END)
        return error_set(error, ERROR_NO_SUCH_BUCKET, "the bucket %s does not exist", bucket);
    return step == STORE_ROW;
}

/* ---- older versions ---- */

static bool read_version(const struct lake *lake, struct store_connection *connection,
                         const char *sql, const char *bucket, const char *key, const char *version,
                         struct lake_object **object, GError **error)
{
    *object = NULL;
    struct store_rows *row =
        store_ask(connection, error, sql, version ? "sss" : "ss", bucket, key, version);
    enum store_step step = store_next(row, error);
    if (step == STORE_ROW)
        *object = lake_object_of_row(lake, row);
    store_end(row);
    return step != STORE_FAILED;
}

bool lake_read_top(const struct lake *lake, struct store_connection *connection, const char *bucket,
                   const char *key, struct lake_object **object, GError **error)
{
    return read_version(lake, connection,
                        "SELECT " LAKE_OBJECT_COLUMNS ", marker FROM lake_version "
                        "WHERE bucket = ? AND key = ? ORDER BY number DESC LIMIT 1",
                        bucket, key, NULL, object, error);
}

bool lake_read_row(const struct lake *lake, struct store_connection *connection, const char *bucket,
                   const char *key, const char *version, struct lake_object **object,
                   GError **error)
{
    if (!read_version(lake, connection,
                      "SELECT " LAKE_OBJECT_COLUMNS ", 0 FROM lake_object "
                      "WHERE bucket = ? AND key = ?",
                      bucket, key, NULL, object, error))
        return false;
    if (!version || (*object && strcmp((*object)->version, version) == 0))
        return true;
    g_clear_pointer(object, lake_object_free);
    return read_version(lake, connection,
                        "SELECT " LAKE_OBJECT_COLUMNS ", marker FROM lake_version "
                        "WHERE bucket = ? AND key = ? AND version = ?",
                        bucket, key, version, object, error);
}

static bool delete_current(struct store_connection *connection, const char *bucket, const char *key,
                           GError **error)
{
    return store_run(connection, error, "DELETE FROM lake_object WHERE bucket = ? AND key = ?",
                     "ss", bucket, key);
}

/* The current object becomes an older version. */
static bool retire(struct store_connection *connection, const struct lake_object *there,
                   GError **error)
{
    return store_run(connection, error,
                     "INSERT INTO lake_version (" LAKE_OBJECT_COLUMNS ", marker) "
                     "SELECT " LAKE_OBJECT_COLUMNS ", 0 FROM lake_object "
                     "WHERE bucket = ? AND key = ?",
                     "ss", there->bucket, there->key) &&
           delete_current(connection, there->bucket, there->key, error);
}

/* Where a key has no current object, the newest version becomes it unless it is a delete marker. */
static bool promote(struct store_connection *connection, const char *bucket, const char *key,
                    GError **error)
{
    if (!store_run(connection, error,
                   "INSERT INTO lake_object (" LAKE_OBJECT_COLUMNS ") "
                   "SELECT " LAKE_OBJECT_COLUMNS " FROM lake_version AS top "
                   "WHERE bucket = ?1 AND key = ?2 AND NOT marker AND number = "
                   "(SELECT MAX(number) FROM lake_version WHERE bucket = ?1 AND key = ?2) AND "
                   "NOT EXISTS (SELECT 1 FROM lake_object WHERE bucket = ?1 AND key = ?2)",
                   "ss", bucket, key))
        return false;
    return store_changes(connection) == 0 ||
           store_run(connection, error,
                     "DELETE FROM lake_version WHERE bucket = ?1 AND key = ?2 AND number = "
                     "(SELECT MAX(number) FROM lake_version WHERE bucket = ?1 AND key = ?2)",
                     "ss", bucket, key);
}

static bool delete_older(struct store_connection *connection, const struct lake_object *object,
                         GError **error)
{
    return store_run(connection, error,
                     "DELETE FROM lake_version WHERE bucket = ? AND key = ? AND number = ?", "ssi",
                     object->bucket, object->key, object->number);
}

bool lake_drop_version(struct store_connection *connection, const struct lake_object *object,
                       GError **error)
{
    /* Numbers of a key differ in a bucket that keeps versions; in others all are current. */
    return store_run(connection, error,
                     "DELETE FROM lake_object WHERE bucket = ? AND key = ? AND version = ?", "sss",
                     object->bucket, object->key, object->version) &&
           (store_changes(connection) == 1 || delete_older(connection, object, error)) &&
           promote(connection, object->bucket, object->key, error);
}

/* ---- making way ---- */

/* Times in microseconds, so that they go on where the newest version of a key was deleted; ids that
 * contain them say where a listing goes on, even when their version is gone. */
static void give_version(struct lake_object *object, bool suspended, gint64 newest)
{
    object->number = MAX((gint64)(clock_now() * 1e6), newest + 1);
    g_free(object->version);
    g_autofree char *mark = id_word(WORD_DIGITS);
    object->version =
        suspended ? g_strdup(LAKE_NULL_VERSION)
                  : g_strdup_printf("%016" G_GINT64_MODIFIER "x%s", (guint64)object->number, mark);
}

gint64 lake_version_number(const char *version)
{
    guint64 number;
    g_autofree char *digits = g_strndup(version, 16);
    /* The null version's place is known by its row alone: without that, all of the key come. */
    return g_ascii_string_to_unsigned(digits, 16, 0, G_MAXINT64, &number, NULL) ? (gint64)number
                                                                                : G_MAXINT64;
}

static bool drop_older_null(const struct lake *lake, struct store_connection *connection,
                            const struct lake_object *object, char **file, GError **error)
{
    g_autoptr(lake_object_auto) older = NULL;
    if (!read_version(lake, connection,
                      "SELECT " LAKE_OBJECT_COLUMNS ", marker FROM lake_version "
                      "WHERE bucket = ? AND key = ? AND version = ?",
                      object->bucket, object->key, LAKE_NULL_VERSION, &older, error))
        return false;
    return !older || (lake_drop_bytes(lake, connection, older, file, error) &&
                      delete_older(connection, older, error));
}

bool lake_make_way(const struct lake *lake, struct store_connection *connection,
                   const struct lake_rules *rules, const struct lake_object *there,
                   struct lake_object *object, char **file, GError **error)
{
    g_autoptr(lake_object_auto) top = NULL;
    object->versioned = rules->versioned;
    object->lifecycle = rules->lifecycle;
    if (rules->versioned) {
        if (!there && !lake_read_top(lake, connection, object->bucket, object->key, &top, error))
            return false;
        const struct lake_object *newest = there ? there : top;
        give_version(object, rules->suspended, newest ? newest->number : 0);
    } else {
        object->version = g_strdup(LAKE_NULL_VERSION);
    }
    bool null = strcmp(object->version, LAKE_NULL_VERSION) == 0;
    if (there && null && strcmp(there->version, LAKE_NULL_VERSION) == 0)
        return lake_drop_bytes(lake, connection, there, file, error) &&
               delete_current(connection, there->bucket, there->key, error);
    return (!there || retire(connection, there, error)) &&
           (!null || !rules->versioned || drop_older_null(lake, connection, object, file, error));
}

/* ---- what a bucket keeps ---- */

struct setting {
    const char *bucket, *versioning;
    const json_t *lock;
};

static bool write_versioning(struct store_connection *connection, void *data, GError **error)
{
    const struct setting *setting = data;
    struct lake_rules rules;
    if (!lake_read_rules(connection, setting->bucket, &rules, error))
        return false;
    bool locked = rules.lock != NULL;
    lake_rules_clear(&rules);
    if (locked && strcmp(setting->versioning, "Enabled") != 0)
        return error_set(error, ERROR_INVALID_BUCKET_STATE,
                         "An Object Lock configuration is present on this bucket, so the "
                         "versioning state cannot be changed: %s",
                         setting->bucket);
    return store_run(connection, error, "UPDATE lake_bucket SET versioning = ? WHERE name = ?",
                     "ss", setting->versioning, setting->bucket);
}

bool lake_set_versioning(struct lake *lake, const char *bucket, const char *versioning,
                         GError **error)
{
    struct setting setting = {bucket, versioning, NULL};
    return store_write(lake->store, write_versioning, &setting, error);
}

static bool write_lock(struct store_connection *connection, void *data, GError **error)
{
    const struct setting *setting = data;
    struct lake_rules rules;
    if (!lake_read_rules(connection, setting->bucket, &rules, error))
        return false;
    bool keeps = rules.versioned && !rules.suspended;
    lake_rules_clear(&rules);
    if (!keeps)
        return error_set(error, ERROR_INVALID_BUCKET_STATE,
                         "Versioning must be 'Enabled' on the bucket to apply a Object Lock "
                         "configuration: %s",
                         setting->bucket);
    g_autofree char *lock = lake_json_column(setting->lock);
    return store_run(connection, error, "UPDATE lake_bucket SET lock = ? WHERE name = ?", "ss",
                     lock, setting->bucket);
}

bool lake_set_lock(struct lake *lake, const char *bucket, const json_t *lock, GError **error)
{
    struct setting setting = {bucket, NULL, lock};
    return store_write(lake->store, write_lock, &setting, error);
}

/* ---- locks ---- */

#define DAY 86400.0
#define YEAR (365 * DAY)

bool lake_choose_lock(const struct lake_rules *rules, const json_t *given, double now,
                      json_t **lock, GError **error)
{
    *lock = NULL;
    if (json_object_size(given) && !rules->lock)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "Bucket is missing Object Lock Configuration");
    const char *mode = json_text_at(rules->lock, "Mode");
    if (json_object_size(given))
        *lock = json_copy((json_t *)given);
    if (!mode || json_object_get(given, "Mode"))
        return true;
    if (!*lock)
        *lock = json_object();
    double length = json_number_at(rules->lock, "Days", 0) * DAY +
                    json_number_at(rules->lock, "Years", 0) * YEAR;
    json_object_set_new(*lock, "Mode", json_string(mode));
    json_object_set_new(*lock, "Until", json_real(now + length));
    return true;
}

bool lake_is_locked(const struct lake_object *object, bool bypass)
{
    const char *mode = json_text_at(object->lock, "Mode");
    if (g_strcmp0(json_text_at(object->lock, "Hold"), "ON") == 0)
        return true;
    bool holds = mode && json_number_at(object->lock, "Until", 0) > clock_now();
    return holds && !(bypass && strcmp(mode, "GOVERNANCE") == 0);
}
