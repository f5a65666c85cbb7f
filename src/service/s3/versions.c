/* Versions: whether a bucket keeps them, which there are, and how replies name them. */
#include <string.h>

#include "service/s3/s3_inside.h"

void s3_put_version(json_t *output, const struct lake_object *object)
{
    if (object->versioned)
        json_object_set_new(output, "VersionId", json_string(object->version));
}

void s3_put_new_version(json_t *output, const struct lake_object *object)
{
    if (strcmp(object->version, "null") != 0)
        s3_put_version(output, object);
}

/* What a refusal tells of the delete marker that is its reason. */
static void put_marker(struct reply *reply, const json_t *request, const struct lake_object *marker)
{
    reply->output = json_pack("{sbss}", "DeleteMarker", 1, "VersionId", marker->version);
    if (s3_text(request, "VersionId"))
        json_object_set_new(reply->output, "LastModified", json_real(marker->modified));
}

struct lake_object *s3_find(const struct call *call, const json_t *request, struct stream **body,
                            struct reply *reply, GError **error)
{
    g_autoptr(lake_object_auto) marker = NULL;
    struct lake_object *object =
        lake_find_version(s3_lake(call), s3_text(request, "Bucket"), s3_text(request, "Key"),
                          s3_text(request, "VersionId"), body, &marker, error);
    if (!object && marker)
        put_marker(reply, request, marker);
    return object;
}

/* ---- a bucket's own ---- */

bool s3_put_bucket_versioning(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    (void)reply;
    const char *status = json_text_at(request, "VersioningConfiguration.Status");
    if (!s3_check(call, request, error))
        return false;
    if (!status)
        return error_set(error, ERROR_MALFORMED_XML,
                         "a VersioningConfiguration has a Status, Enabled or Suspended");
    return lake_set_versioning(s3_lake(call), s3_text(request, "Bucket"), status, error);
}

bool s3_get_bucket_versioning(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(lake_bucket_auto) bucket =
        lake_bucket_get(s3_lake(call), s3_text(request, "Bucket"), error);
    if (!bucket)
        return false;
    reply->output = json_object();
    json_put(reply->output, "Status", bucket->versioning ? json_string(bucket->versioning) : NULL);
    return true;
}

/* ---- listings ---- */

static json_t *describe(const struct call *call, const json_t *request,
                        const struct lake_object *object)
{
    json_t *output = object->marker ? json_object() : s3_describe_listed(object);
    json_object_set_new(output, "Key", s3_key_text(request, object->key));
    json_object_set_new(output, "LastModified", json_real(object->modified));
    json_object_set_new(output, "VersionId", json_string(object->version));
    json_object_set_new(output, "IsLatest", json_boolean(object->latest));
    json_object_set_new(output, "Owner", s3_owner(call));
    return output;
}

static void describe_page(const struct call *call, const json_t *request,
                          const struct lake_versions_page *versions, json_t *output)
{
    json_t *objects = json_array(), *markers = json_array();
    for (guint i = 0; i < versions->page.objects->len; i++) {
        const struct lake_object *object = g_ptr_array_index(versions->page.objects, i);
        json_array_append_new(object->marker ? markers : objects, describe(call, request, object));
    }
    json_object_set_new(output, "Versions", objects);
    json_object_set_new(output, "DeleteMarkers", markers);
    if (versions->page.next) {
        json_object_set_new(output, "NextKeyMarker", s3_key_text(request, versions->page.next));
        json_put(output, "NextVersionIdMarker",
                 versions->next_version ? json_string(versions->next_version) : NULL);
    }
}

bool s3_list_object_versions(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    const char *key = s3_text(request, "KeyMarker"), *version = s3_text(request, "VersionIdMarker");
    struct lake_versions_query query = {.after_version = version};
    struct lake_versions_page page;
    if (version && !key)
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "A version-id marker cannot be specified without a key marker.");
    if (!s3_check(call, request, error) || !s3_list_query(request, key, &query.query, error) ||
        !lake_list_versions(s3_lake(call), s3_text(request, "Bucket"), &query, &page, error))
        return false;
    reply->output = s3_describe_page(request, &page.page, query.query.limit);
    describe_page(call, request, &page, reply->output);
    json_object_set_new(reply->output, "KeyMarker", s3_key_text(request, key ? key : ""));
    json_object_set_new(reply->output, "VersionIdMarker", json_string(version ? version : ""));
    lake_versions_page_clear(&page);
    return true;
}
