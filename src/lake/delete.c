/* Deletes of objects and of their versions, and what of them may be changed in place. */
#include <string.h>

#include "base/error.h"
#include "lake/lake_inside.h"

void lake_deletion_clear(struct lake_deletion *deletion)
{
    g_clear_pointer(&deletion->gone, g_free);
    g_clear_error(&deletion->error);
}

struct deleting {
    const struct lake *lake;
    const char *bucket;
    struct lake_deletion *deletions;
    size_t count;
    struct lake_rules rules;
    GPtrArray *files; /* out: their paths */
};

static bool check_delete(const struct lake_object *there,
                         const struct lake_delete_conditions *conditions, GError **error)
{
    if (!lake_check_conditions(there, there->bucket, there->key, conditions->if_match, NULL, error))
        return false;
    if ((conditions->size && *conditions->size != there->size) ||
        (conditions->modified && *conditions->modified != there->modified))
        return error_set(error, ERROR_PRECONDITION_FAILED,
                         "At least one of the pre-conditions you specified did not hold: size or "
                         "modification time of s3://%s/%s differ",
                         there->bucket, there->key);
    return true;
}

static bool check_lock(const struct lake_object *there, const struct lake_deletion *deletion,
                       GError **error)
{
    return !lake_is_locked(there, deletion->bypass) ||
           error_set(error, ERROR_ACCESS_DENIED,
                     "Access Denied because object protected by object lock: version %s of "
                     "s3://%s/%s",
                     there->version, there->bucket, there->key);
}

static void add_file(struct deleting *deleting, char *file)
{
    if (file)
        g_ptr_array_add(deleting->files, file);
}

static bool drop(struct store_connection *connection, struct deleting *deleting,
                 const struct lake_object *there, GError **error)
{
    char *file = NULL;
    bool dropped = lake_drop_bytes(deleting->lake, connection, there, &file, error) &&
                   lake_drop_version(connection, there, error);
    add_file(deleting, file);
    return dropped;
}

/* The current object makes way for a delete marker. */
static bool cover(struct store_connection *connection, struct deleting *deleting,
                  const struct lake_object *there, struct lake_deletion *deletion, GError **error)
{
    g_autoptr(lake_object_auto) marker = g_new0(struct lake_object, 1);
    marker->bucket = g_strdup(deleting->bucket);
    marker->key = g_strdup(deletion->key);
    marker->id = g_strdup("");
    marker->etag = g_strdup("");
    marker->modified = lake_now();
    marker->marker = true;
    char *file = NULL;
    bool covered =
        lake_make_way(deleting->lake, connection, &deleting->rules, there, marker, &file, error) &&
        lake_insert_row(connection, marker, error);
    add_file(deleting, file);
    deletion->marker = true;
    deletion->gone = g_strdup(marker->version);
    return covered;
}

/* False where the whole change fails; what only this one may not do is its own error. */
static bool delete_one(struct store_connection *connection, struct deleting *deleting,
                       struct lake_deletion *deletion, GError **error)
{
    g_autoptr(lake_object_auto) there = NULL;
    if (!lake_read_row(deleting->lake, connection, deleting->bucket, deletion->key,
                       deletion->version, &there, error))
        return false;
    if (there && !check_delete(there, &deletion->conditions, &deletion->error))
        return true;
    if (!deletion->version && deleting->rules.versioned)
        return cover(connection, deleting, there, deletion, error);
    if (there && !check_lock(there, deletion, &deletion->error))
        return true;
    deletion->gone = g_strdup(deletion->version);
    deletion->marker = there && there->marker;
    return !there || drop(connection, deleting, there, error);
}

static bool delete_all(struct store_connection *connection, void *data, GError **error)
{
    struct deleting *deleting = data;
    if (!lake_read_rules(connection, deleting->bucket, &deleting->rules, error))
        return false;
    bool deleted = true;
    for (size_t i = 0; i < deleting->count && deleted; i++)
        deleted = delete_one(connection, deleting, &deleting->deletions[i], error);
    lake_rules_clear(&deleting->rules);
    return deleted;
}

bool lake_delete_all(struct lake *lake, const char *bucket, struct lake_deletion *deletions,
                     size_t count, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new();
    struct deleting deleting = {
        .lake = lake, .bucket = bucket, .deletions = deletions, .count = count, .files = files};
    bool deleted = store_write_spare(lake->store, delete_all, &deleting, error);
    for (guint i = 0; i < files->len; i++) {
        if (deleted)
            lake_remove(lake, g_ptr_array_index(files, i));
        else
            g_free(g_ptr_array_index(files, i));
    }
    return deleted;
}

bool lake_delete(struct lake *lake, const char *bucket, const char *key, GError **error)
{
    struct lake_deletion deletion = {.key = key};
    bool deleted = lake_delete_all(lake, bucket, &deletion, 1, error);
    if (deletion.error) {
        g_propagate_error(error, g_steal_pointer(&deletion.error));
        deleted = false;
    }
    lake_deletion_clear(&deletion);
    return deleted;
}

/* ---- changes in place ---- */

struct changing {
    const struct lake *lake;
    struct lake_name name;
    lake_changer *change;
    const void *data;
    struct lake_object *object, *marker;
};

static bool write_change(struct store_connection *connection, const struct lake_object *object,
                         GError **error)
{
    g_autofree char *headers = lake_json_column(object->headers);
    g_autofree char *tags = lake_json_column(object->tags);
    g_autofree char *lock = lake_json_column(object->lock);
    return store_run(connection, error,
                     "UPDATE lake_object SET headers = ?, tags = ?, lock = ? "
                     "WHERE bucket = ? AND key = ? AND version = ?",
                     "ssssss", headers, tags, lock, object->bucket, object->key, object->version) &&
           (store_changes(connection) == 1 ||
            store_run(connection, error,
                      "UPDATE lake_version SET headers = ?, tags = ?, lock = ? "
                      "WHERE bucket = ? AND key = ? AND version = ?",
                      "ssssss", headers, tags, lock, object->bucket, object->key, object->version));
}

static bool change_object(struct store_connection *connection, void *data, GError **error)
{
    struct changing *changing = data;
    return lake_find_row(changing->lake, connection, &changing->name, &changing->object,
                         &changing->marker, error) &&
           changing->change(changing->object, changing->data, error) &&
           write_change(connection, changing->object, error);
}

struct lake_object *lake_change(struct lake *lake, const char *bucket, const char *key,
                                const char *version, lake_changer *change, const void *data,
                                GError **error)
{
    struct changing changing = {
        .lake = lake, .name = {bucket, key, version}, .change = change, .data = data};
    bool changed = store_write(lake->store, change_object, &changing, error);
    lake_object_free(changing.marker);
    g_autoptr(lake_object_auto) object = changing.object;
    return changed ? g_steal_pointer(&object) : NULL;
}
