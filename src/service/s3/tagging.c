/* Tags of objects, and the rules for those of buckets. */
#include <string.h>

#include "service/s3/s3_inside.h"

enum { KEY_LIMIT = 128, VALUE_LIMIT = 256, OBJECT_TAGS = 10 };

static bool add_tag(json_t *tags, const char *key, const char *value, size_t limit, GError **error)
{
    glong key_length = g_utf8_strlen(key, -1), value_length = g_utf8_strlen(value, -1);
    if (key_length == 0 || key_length > KEY_LIMIT)
        return error_set(error, ERROR_INVALID_TAG,
                         "The TagKey you have provided is invalid: it has %ld characters, 1 to %d "
                         "are allowed",
                         key_length, KEY_LIMIT);
    if (value_length > VALUE_LIMIT)
        return error_set(
            error, ERROR_INVALID_TAG,
            "The TagValue you have provided is invalid: that of %s has %ld characters, "
            "at most %d are allowed",
            key, value_length, VALUE_LIMIT);
    if (json_object_get(tags, key))
        return error_set(error, ERROR_INVALID_TAG,
                         "Cannot provide multiple Tags with the same key: %s", key);
    if (json_object_size(tags) == limit)
        return error_set(error, ERROR_INVALID_TAG, "there are more than %zu tags", limit);
    json_object_set_new(tags, key, json_string(value));
    return true;
}

json_t *s3_tags_of_set(const json_t *set, size_t limit, GError **error)
{
    g_autoptr(json_auto) tags = json_object();
    size_t i;
    const json_t *tag;
    json_array_foreach(set, i, tag)
    {
        const char *value = json_text_at(tag, "Value");
        if (!add_tag(tags, json_text_at(tag, "Key"), value ? value : "", limit, error))
            return NULL;
    }
    return g_steal_pointer(&tags);
}

json_t *s3_tags_of_text(const char *text, GError **error)
{
    g_autoptr(json_auto) tags = json_object();
    g_auto(GStrv) pairs = g_strsplit(text, "&", -1);
    for (char **pair = pairs; *pair; pair++) {
        if (!**pair)
            continue;
        char *equals = strchr(*pair, '=');
        if (equals)
            *equals = '\0';
        g_autofree char *key = s3_decode(*pair);
        g_autofree char *value = s3_decode(equals ? equals + 1 : "");
        if (!key || !value) {
            error_set(error, ERROR_INVALID_TAG,
                      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL "
                      "query parameters without tag name duplicates.");
            return NULL;
        }
        if (!add_tag(tags, key, value, OBJECT_TAGS, error))
            return NULL;
    }
    return g_steal_pointer(&tags);
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In order of their keys, as S3 gives them. */
static json_t *set_of_tags(const json_t *tags)
{
    json_t *set = json_array();
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)tags, key, value)
    {
        g_ptr_array_add(keys, (void *)key);
    }
    g_ptr_array_sort(keys, compare_keys);
    for (guint i = 0; i < keys->len; i++) {
        key = g_ptr_array_index(keys, i);
        json_array_append_new(set,
                              json_pack("{sssO}", "Key", key, "Value", json_object_get(tags, key)));
    }
    return set;
}

/* ---- tags of objects ---- */

bool s3_get_object_tagging(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(lake_object_auto) object = s3_find(call, request, NULL, reply, error);
    if (!object)
        return false;
    reply->output = json_pack("{so}", "TagSet", set_of_tags(object->tags));
    s3_put_version(reply->output, object);
    return true;
}

static bool change_tags(struct lake_object *object, const void *data, GError **error)
{
    (void)error;
    json_t *tags = (json_t *)data;
    json_decref(object->tags);
    object->tags = json_object_size(tags) ? json_incref(tags) : NULL;
    return true;
}

static bool set_object_tags(const struct call *call, const json_t *request, const json_t *tags,
                            struct reply *reply, GError **error)
{
    g_autoptr(lake_object_auto) object =
        lake_change(s3_lake(call), s3_text(request, "Bucket"), s3_text(request, "Key"),
                    s3_text(request, "VersionId"), change_tags, tags, error);
    if (!object)
        return false;
    reply->output = json_object();
    s3_put_version(reply->output, object);
    return true;
}

bool s3_put_object_tagging(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(json_auto) tags =
        s3_tags_of_set(json_at(request, "Tagging.TagSet"), OBJECT_TAGS, error);
    return tags && set_object_tags(call, request, tags, reply, error);
}

bool s3_delete_object_tagging(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    return s3_check(call, request, error) && set_object_tags(call, request, NULL, reply, error);
}
