/* The rows of objects: put, found, deleted; each change one transaction with its conditions. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "lake/lake_inside.h"

void lake_object_free(struct lake_object *object)
{
    if (!object)
        return;
    g_free(object->bucket);
    g_free(object->key);
    g_free(object->etag);
    g_free(object->content_type);
    json_decref(object->headers);
    json_decref(object->tags);
    json_decref(object->parts);
    json_decref(object->lock);
    g_free(object->version);
    g_free(object->file);
    g_free(object->id);
    if (object->bytes)
        g_bytes_unref(object->bytes);
    g_free(object);
}

double lake_now(void)
{
    return ceil(clock_now());
}

char *lake_json_column(const json_t *value)
{
    return value ? json_text_of(value) : NULL;
}

json_t *lake_column_json(struct store_rows *row, int column)
{
    const char *text = store_text(row, column);
    return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

struct lake_object *lake_object_of_row(const struct lake *lake, struct store_rows *row)
{
    struct lake_object *object = g_new0(struct lake_object, 1);
    object->bucket = store_text_copy(row, 0);
    object->key = store_text_copy(row, 1);
    object->id = store_text_copy(row, 2);
    object->row = store_int(row, 3);
    object->size = store_int(row, 4);
    object->etag = store_text_copy(row, 5);
    object->content_type = store_text_copy(row, 6);
    object->modified = store_double(row, 7);
    object->headers = lake_column_json(row, 8);
    if (!object->headers)
        object->headers = json_object();
    object->tags = lake_column_json(row, 9);
    object->parts = lake_column_json(row, 10);
    object->version = store_text_copy(row, 11);
    object->number = store_int(row, 12);
    object->lock = lake_column_json(row, 13);
    object->marker = store_int(row, 14);
    if (!object->row)
        object->file = lake_path(lake, object->id);
    return object;
}

bool lake_require_bucket(struct store_connection *connection, const char *bucket, GError **error)
{
    struct store_rows *row =
        store_ask(connection, error, "SELECT 1 FROM lake_bucket WHERE name = ?", "s", bucket);
    enum store_step step = store_next(row, error);
    store_end(row);
    if (step == STORE_END)
        return error_set(error, ERROR_NO_SUCH_BUCKET, "the bucket %s does not exist", bucket);
    return step == STORE_ROW;
}

static bool no_such_key(GError **error, const char *bucket, const char *key)
{
    return error_set(error, ERROR_NO_SUCH_KEY, "the key s3://%s/%s does not exist", bucket, key);
}

/* ---- finding ---- */

static GBytes *copy_bytes(struct store_rows *row)
{
    size_t size;
    const void *bytes = store_bytes(row, 0, &size);
    return g_bytes_new(bytes, size);
}

/* The bytes of an object that is kept in a row, if it still is the same object. */
static bool read_bytes(struct store_connection *connection, struct lake_object *object,
                       GError **error)
{
    struct store_rows *row =
        store_ask(connection, error,
                  "SELECT bytes FROM lake_object JOIN lake_bytes USING (row) "
                  "WHERE bucket = ?1 AND key = ?2 AND file = ?3 UNION ALL "
                  "SELECT bytes FROM lake_version JOIN lake_bytes USING (row) "
                  "WHERE bucket = ?1 AND key = ?2 AND version = ?4 AND file = ?3 LIMIT 1",
                  "ssss", object->bucket, object->key, object->id, object->version);
    enum store_step step = store_next(row, error);
    if (step == STORE_ROW)
        object->bytes = copy_bytes(row);
    store_end(row);
    return step == STORE_ROW ||
           (step == STORE_END && no_such_key(error, object->bucket, object->key));
}

/* Why there is no object to give: the version is none, or a delete marker. Takes found, which is
 * that or NULL. */
static bool not_found(const struct lake *lake, struct store_connection *connection,
                      const struct lake_name *name, struct lake_object *found, bool versioned,
                      struct lake_object **marker, GError **error)
{
    *marker = found;
    if (found)
        return error_set(error, ERROR_METHOD_NOT_ALLOWED,
                         "The specified method is not allowed against this resource: version %s of "
                         "s3://%s/%s is a delete marker",
                         name->version, name->bucket, name->key);
    if (name->version)
        return error_set(error, ERROR_NO_SUCH_VERSION,
                         "The specified version does not exist: %s of s3://%s/%s", name->version,
                         name->bucket, name->key);
    /* A key without a current object has a delete marker on top, or nothing. */
    return (!versioned ||
            lake_read_top(lake, connection, name->bucket, name->key, marker, error)) &&
           no_such_key(error, name->bucket, name->key);
}

bool lake_find_row(const struct lake *lake, struct store_connection *connection,
                   const struct lake_name *name, struct lake_object **object,
                   struct lake_object **marker, GError **error)
{
    struct lake_rules rules;
    if (!lake_read_rules(connection, name->bucket, &rules, error))
        return false;
    lake_rules_clear(&rules);
    if (!lake_read_row(lake, connection, name->bucket, name->key, name->version, object, error))
        return false;
    if (!*object || (*object)->marker)
        return not_found(lake, connection, name, g_steal_pointer(object), rules.versioned, marker,
                         error);
    (*object)->versioned = rules.versioned;
    (*object)->lifecycle = rules.lifecycle;
    return true;
}

struct finding {
    const struct lake *lake;
    struct lake_name name;
    bool with_bytes;
    struct lake_object *object;
    struct lake_object *marker; /* why there is none */
};

static bool find(struct store_connection *connection, void *data, GError **error)
{
    struct finding *finding = data;
    return lake_find_row(finding->lake, connection, &finding->name, &finding->object,
                         &finding->marker, error) &&
           (!finding->with_bytes || !finding->object->row ||
            read_bytes(connection, finding->object, error));
}

static struct lake_object *find_once(struct lake *lake, struct finding *finding,
                                     struct lake_object **marker, GError **error)
{
    bool found = store_read(lake->store, find, finding, error);
    g_autoptr(lake_object_auto) object = finding->object;
    g_autoptr(lake_object_auto) why_not = finding->marker;
    if (marker)
        *marker = g_steal_pointer(&why_not);
    return found ? g_steal_pointer(&object) : NULL;
}

struct lake_object *lake_find_version(struct lake *lake, const char *bucket, const char *key,
                                      const char *version, struct stream **body,
                                      struct lake_object **marker, GError **error)
{
    /* A file may be replaced and removed between reading its row and opening it; then there is a
     * new row. If there is not, somebody removed it behind our back. */
    g_autofree char *missed = NULL;
    for (;;) {
        struct finding finding = {
            .lake = lake, .name = {bucket, key, version}, .with_bytes = body != NULL};
        g_autoptr(lake_object_auto) object = find_once(lake, &finding, marker, error);
        if (!object || !body)
            return g_steal_pointer(&object);
        GError *failure = NULL;
        *body = lake_get(lake, object, &failure);
        if (*body)
            return g_steal_pointer(&object);
        if (!g_error_matches(failure, LATHE_ERROR, ERROR_NO_SUCH_KEY)) {
            g_propagate_error(error, failure);
            return NULL;
        }
        g_error_free(failure);
        if (g_strcmp0(missed, object->id) == 0) {
            error_set(error, ERROR_INTERNAL, "the file of s3://%s/%s, %s, is gone", bucket, key,
                      object->id);
            return NULL;
        }
        g_free(missed);
        missed = g_steal_pointer(&object->id);
    }
}

struct lake_object *lake_find(struct lake *lake, const char *bucket, const char *key,
                              struct stream **body, GError **error)
{
    return lake_find_version(lake, bucket, key, NULL, body, NULL, error);
}

static bool read_bytes_of(struct store_connection *connection, void *data, GError **error)
{
    return read_bytes(connection, data, error);
}

/* The stream of an object's file, once it is known to have all its bytes: what is missing cannot be
 * told any more when the answer has begun. */
static struct stream *whole_file(int fd, const struct lake_object *object, GError **error)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && status.st_size >= object->size)
        return stream_from_file(fd, 0, object->size);
    error_set(error, ERROR_INTERNAL,
              "the file of s3://%s/%s was cut: it has %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
              " bytes",
              object->bucket, object->key, (gint64)status.st_size, object->size);
    close(fd);
    return NULL;
}

struct stream *lake_get(struct lake *lake, const struct lake_object *object, GError **error)
{
    if (object->bytes)
        return stream_from_bytes(object->bytes);
    if (object->row) {
        struct lake_object wanted = {.bucket = object->bucket,
                                     .key = object->key,
                                     .id = object->id,
                                     .version = object->version};
        if (!store_read(lake->store, read_bytes_of, &wanted, error))
            return NULL;
        g_autoptr(GBytes) bytes = wanted.bytes;
        return stream_from_bytes(bytes);
    }
    int fd = open(object->file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return whole_file(fd, object, error);
    if (errno == ENOENT)
        no_such_key(error, object->bucket, object->key);
    else
        error_set_errno(error, errno, "opening %s, the file of s3://%s/%s", object->file,
                        object->bucket, object->key);
    return NULL;
}

/* ---- conditions ---- */

bool lake_etag_matches(const char *list, const char *etag)
{
    g_auto(GStrv) names = g_strsplit(list, ",", -1);
    for (char **name = names; *name; name++) {
        char *at = g_strstrip(*name);
        if (g_str_has_prefix(at, "W/"))
            at += 2;
        size_t length = strlen(at);
        if (length >= 2 && at[0] == '"' && at[length - 1] == '"') {
            at[length - 1] = '\0';
            at++;
        }
        if (strcmp(at, "*") == 0 || strcmp(at, etag) == 0)
            return true;
    }
    return false;
}

bool lake_check_conditions(const struct lake_object *there, const char *bucket, const char *key,
                           const char *if_match, const char *if_none_match, GError **error)
{
    if (if_match && !there)
        return no_such_key(error, bucket, key);
    if (if_match && !lake_etag_matches(if_match, there->etag))
        return error_set(error, ERROR_PRECONDITION_FAILED,
                         "At least one of the pre-conditions you specified did not hold: If-Match "
                         "is %s, the ETag of s3://%s/%s is \"%s\"",
                         if_match, bucket, key, there->etag);
    if (if_none_match && there && lake_etag_matches(if_none_match, there->etag))
        return error_set(error, ERROR_PRECONDITION_FAILED,
                         "At least one of the pre-conditions you specified did not hold: "
                         "If-None-Match is %s, and s3://%s/%s is there with ETag \"%s\"",
                         if_none_match, bucket, key, there->etag);
    return true;
}

/* ---- putting ---- */

bool lake_drop_bytes(const struct lake *lake, struct store_connection *connection,
                     const struct lake_object *object, char **file, GError **error)
{
    if (object->marker)
        return true;
    *file = object->row ? lake_cache_path(lake, object->id) : g_strdup(object->file);
    return !object->row ||
           store_run(connection, error, "DELETE FROM lake_bytes WHERE row = ?", "i", object->row);
}

static bool put_bytes(struct store_connection *connection, GBytes *bytes, gint64 *row,
                      GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    if (!store_run(connection, error, "INSERT INTO lake_bytes (bytes) VALUES (?)", "b", data,
                   (size_t)size))
        return false;
    *row = store_last_row(connection);
    return true;
}

bool lake_insert_row(struct store_connection *connection, const struct lake_object *object,
                     GError **error)
{
    g_autofree char *headers = lake_json_column(object->headers);
    g_autofree char *tags = lake_json_column(object->tags);
    g_autofree char *parts = lake_json_column(object->parts);
    g_autofree char *lock = lake_json_column(object->lock);
    return store_run(
        connection, error,
        object->marker ? "INSERT INTO lake_version (" LAKE_OBJECT_COLUMNS
                         ", marker) VALUES (?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"
                       : "INSERT INTO lake_object (" LAKE_OBJECT_COLUMNS
                         ") VALUES (?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "sssiissdssssis", object->bucket, object->key, object->id, object->row, object->size,
        object->etag, object->content_type, object->modified, headers, tags, parts, object->version,
        object->number, lock);
}

static bool put_object(struct store_connection *connection, const struct lake_draft *draft,
                       const struct lake_entry *entry, const struct lake_rules *rules,
                       struct lake_object *object, char **replaced, GError **error)
{
    g_autoptr(lake_object_auto) there = NULL;
    if (!lake_read_row(draft->lake, connection, entry->bucket, entry->key, NULL, &there, error) ||
        !lake_check_conditions(there, entry->bucket, entry->key, entry->if_match,
                               entry->if_none_match, error))
        return false;
    object->modified = lake_now();
    return lake_choose_lock(rules, entry->lock, object->modified, &object->lock, error) &&
           lake_make_way(draft->lake, connection, rules, there, object, replaced, error) &&
           (!draft->small || put_bytes(connection, draft->small, &object->row, error)) &&
           lake_insert_row(connection, object, error);
}

bool lake_put_row(struct store_connection *connection, const struct lake_draft *draft,
                  const struct lake_entry *entry, struct lake_object *object, char **replaced,
                  GError **error)
{
    struct lake_rules rules;
    if (!lake_read_rules(connection, entry->bucket, &rules, error))
        return false;
    bool put = put_object(connection, draft, entry, &rules, object, replaced, error);
    lake_rules_clear(&rules);
    return put;
}

struct putting {
    const struct lake_draft *draft;
    const struct lake_entry *entry;
    struct lake_object *object;
    char *replaced;
};

static bool put(struct store_connection *connection, void *data, GError **error)
{
    struct putting *putting = data;
    return lake_put_row(connection, putting->draft, putting->entry, putting->object,
                        &putting->replaced, error);
}

struct lake_object *lake_object_of_entry(const struct lake_draft *draft,
                                         const struct lake_entry *entry)
{
    struct lake_object *object = g_new0(struct lake_object, 1);
    object->bucket = g_strdup(entry->bucket);
    object->key = g_strdup(entry->key);
    object->id = g_strdup(draft->id);
    object->size = draft->size;
    object->etag = entry->etag ? g_strdup(entry->etag) : lake_draft_md5(draft);
    object->content_type = g_strdup(entry->content_type);
    object->headers = entry->headers ? json_deep_copy(entry->headers) : json_object();
    object->tags = json_deep_copy(entry->tags);
    object->parts = json_deep_copy(entry->parts);
    if (draft->small)
        object->bytes = g_bytes_ref(draft->small);
    else
        object->file = lake_path(draft->lake, draft->id);
    return object;
}

struct lake_object *lake_commit(struct lake *lake, struct lake_draft *draft,
                                const struct lake_entry *entry, GError **error)
{
    if (!lake_check_key(entry->key, error) || !lake_draft_sync(draft, error))
        return NULL;
    g_autoptr(lake_object_auto) object = lake_object_of_entry(draft, entry);
    struct putting putting = {draft, entry, object, NULL};
    bool committed = store_write(lake->store, put, &putting, error);
    if (!committed) {
        g_free(putting.replaced);
        return NULL;
    }
    draft->kept = true;
    if (putting.replaced)
        lake_remove(lake, putting.replaced);
    return g_steal_pointer(&object);
}

bool lake_check_key(const char *key, GError **error)
{
    size_t length = strlen(key);
    if (length > LAKE_KEY_LIMIT)
        return error_set(error, ERROR_KEY_TOO_LONG,
                         "Your key is too long: it has %zu bytes, the limit is %d", length,
                         LAKE_KEY_LIMIT);
    if (length == 0)
        return error_set(error, ERROR_INVALID_ARGUMENT, "an object's key may not be empty");
    return true;
}
