/* Objects as they are put, copied and deleted. */
#include <string.h>

#include "service/s3/lifecycle.h"

/* ---- PutObject ---- */

static void put_checksum(json_t *object, const struct lake_draft *draft, enum checksum_kind kind)
{
    g_autofree char *member = s3_checksum_member(kind);
    g_autofree char *checksum = lake_draft_checksum(draft, kind);
    json_object_set_new(object, member, json_string(checksum));
    json_object_set_new(object, "ChecksumType", json_string("FULL_OBJECT"));
}

static struct lake_draft *receive(const struct call *call, const struct s3_digests *digests,
                                  GError **error)
{
    g_autoptr(GBytes) nothing = g_bytes_new(NULL, 0);
    g_autoptr(stream_auto) empty = call->body ? NULL : stream_from_bytes(nothing);
    g_autoptr(lake_draft_auto) draft =
        lake_receive(s3_lake(call), call->body ? call->body : empty, 1u << digests->kind, error);
    if (!draft || !s3_digests_check(digests, draft, error))
        return NULL;
    return g_steal_pointer(&draft);
}

static bool put(const struct call *call, const json_t *request, const struct s3_digests *digests,
                struct reply *reply, GError **error)
{
    const char *tagging = s3_text(request, "Tagging");
    g_autoptr(json_auto) headers = s3_headers(call, request, error);
    g_autoptr(json_auto) tags = s3_tags_of_text(tagging ? tagging : "", error);
    g_autoptr(json_auto) lock = NULL;
    if (!headers || !tags || !s3_read_lock(request, &lock, error))
        return false;
    g_autoptr(lake_draft_auto) draft = receive(call, digests, error);
    if (!draft)
        return false;
    put_checksum(headers, draft, digests->kind);
    struct lake_entry entry = {.bucket = s3_text(request, "Bucket"),
                               .key = s3_text(request, "Key"),
                               .content_type = s3_text(request, "ContentType"),
                               .headers = headers,
                               .tags = json_object_size(tags) ? tags : NULL,
                               .lock = lock,
                               .if_match = s3_text(request, "IfMatch"),
                               .if_none_match = s3_text(request, "IfNoneMatch")};
    g_autoptr(lake_object_auto) object = lake_commit(s3_lake(call), draft, &entry, error);
    if (!object)
        return false;
    reply->output = json_object();
    s3_put_new_version(reply->output, object);
    s3_put_expiration(call, reply->output, object);
    json_object_set_new(reply->output, "ETag", s3_etag(object->etag));
    put_checksum(reply->output, draft, digests->kind);
    s3_put_encryption(reply->output, headers);
    return true;
}

/* What can be known before the body is read is said before. */
static bool check_target(const struct call *call, const json_t *request, GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    if (strlen(s3_text(request, "Key")) > LAKE_KEY_LIMIT)
        return error_set(error, ERROR_KEY_TOO_LONG,
                         "Your key is too long: it has %zu bytes, the limit is %d",
                         strlen(s3_text(request, "Key")), LAKE_KEY_LIMIT);
    g_autoptr(lake_bucket_auto) bucket =
        lake_bucket_get(s3_lake(call), s3_text(request, "Bucket"), error);
    return bucket != NULL;
}

bool s3_put_object(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    struct s3_digests digests;
    bool stored = check_target(call, request, error) && s3_digests_read(request, &digests, error);
    if (!stored)
        return false;
    stored = put(call, request, &digests, reply, error);
    s3_digests_clear(&digests);
    return stored;
}

/* ---- CopyObject ---- */

static bool replaces(const json_t *request, const char *directive)
{
    const char *value = s3_text(request, directive);
    return value && strcmp(value, "REPLACE") == 0;
}

static bool check_self_copy(const json_t *request, const struct lake_object *source, GError **error)
{
    bool old = source->versioned && strstr(s3_text(request, "CopySource"), "?versionId=");
    bool self = !old && strcmp(source->bucket, s3_text(request, "Bucket")) == 0 &&
                strcmp(source->key, s3_text(request, "Key")) == 0;
    bool changes = replaces(request, "MetadataDirective") || s3_text(request, "StorageClass") ||
                   s3_text(request, "WebsiteRedirectLocation") ||
                   s3_text(request, "ServerSideEncryption") ||
                   s3_text(request, "ChecksumAlgorithm");
    return !self || changes ||
           error_set(error, ERROR_INVALID_REQUEST,
                     "This copy request is illegal because it is trying to copy an object to "
                     "itself without changing the object's metadata, storage class, website "
                     "redirect location or encryption attributes.");
}

/* The checksum that the copy is to have: what was asked for, else the source's kind. `*kinds` is
 * what has to be computed for it: nothing where the source has it already. */
static bool choose_checksum(const json_t *request, const struct lake_object *source,
                            enum checksum_kind *kind, unsigned *kinds, GError **error)
{
    bool asked;
    *kind = CHECKSUM_CRC64NVME;
    if (!s3_algorithm(request, "ChecksumAlgorithm", kind, &asked, error))
        return false;
    bool has = false;
    for (int i = 0; i < CHECKSUM_KINDS && !has; i++) {
        g_autofree char *member = s3_checksum_member((enum checksum_kind)i);
        has = json_object_get(source->headers, member) && (!asked || (int)*kind == i);
        if (has)
            *kind = (enum checksum_kind)i;
    }
    *kinds = has && !source->parts ? 0 : 1u << *kind;
    return true;
}

/* The copy's headers: the source's or the request's, with the checksum of its bytes. */
static json_t *copy_headers(const struct call *call, const json_t *request,
                            const struct lake_object *source, const struct lake_draft *draft,
                            enum checksum_kind kind, unsigned kinds, GError **error)
{
    g_autoptr(json_auto) given = s3_headers(call, request, error);
    if (!given)
        return NULL;
    g_autoptr(json_auto) headers = json_object();
    g_autofree char *member = s3_checksum_member(kind);
    const char *const checksum[] = {member, "ChecksumType", NULL};
    if (replaces(request, "MetadataDirective")) {
        json_object_update(headers, given);
    } else {
        static const char *const own[] = {"StorageClass",
                                          "WebsiteRedirectLocation",
                                          "ServerSideEncryption",
                                          "SSEKMSKeyId",
                                          "SSEKMSEncryptionContext",
                                          "BucketKeyEnabled",
                                          "Grants",
                                          NULL};
        const char *name;
        json_t *value;
        json_object_foreach(source->headers, name, value)
        {
            if (!g_str_has_prefix(name, "Checksum") && !g_strv_contains(own, name))
                json_object_set(headers, name, value);
        }
        json_copy_members(headers, given, own);
    }
    if (kinds)
        put_checksum(headers, draft, kind);
    else
        json_copy_members(headers, source->headers, checksum);
    return g_steal_pointer(&headers);
}

static bool copy_tags(const json_t *request, const struct lake_object *source, json_t **tags,
                      GError **error)
{
    if (!replaces(request, "TaggingDirective")) {
        *tags = json_incref(source->tags);
        return true;
    }
    const char *given = s3_text(request, "Tagging");
    *tags = s3_tags_of_text(given ? given : "", error);
    return *tags != NULL;
}

static bool copy(const struct call *call, const json_t *request, const struct lake_object *source,
                 struct reply *reply, GError **error)
{
    enum checksum_kind kind;
    unsigned kinds;
    if (!choose_checksum(request, source, &kind, &kinds, error))
        return false;
    g_autoptr(lake_draft_auto) draft = lake_draft_of(s3_lake(call), source, kinds, error);
    g_autoptr(json_auto) headers =
        draft ? copy_headers(call, request, source, draft, kind, kinds, error) : NULL;
    g_autoptr(json_auto) tags = NULL;
    g_autoptr(json_auto) lock = NULL;
    if (!headers || !copy_tags(request, source, &tags, error) ||
        !s3_read_lock(request, &lock, error))
        return false;
    bool replaced = replaces(request, "MetadataDirective");
    struct lake_entry entry = {.bucket = s3_text(request, "Bucket"),
                               .key = s3_text(request, "Key"),
                               .content_type = replaced ? s3_text(request, "ContentType")
                                                        : source->content_type,
                               .headers = headers,
                               .tags = json_object_size(tags) ? tags : NULL,
                               .lock = lock,
                               .if_match = s3_text(request, "IfMatch"),
                               .if_none_match = s3_text(request, "IfNoneMatch")};
    g_autoptr(lake_object_auto) object = lake_commit(s3_lake(call), draft, &entry, error);
    if (!object)
        return false;
    json_t *result = json_object();
    json_object_set_new(result, "ETag", s3_etag(object->etag));
    json_object_set_new(result, "LastModified", json_real(object->modified));
    g_autofree char *member = s3_checksum_member(kind);
    json_copy_members(result, headers, (const char *[]){member, "ChecksumType", NULL});
    reply->output = json_pack("{so}", "CopyObjectResult", result);
    s3_put_encryption(reply->output, headers);
    s3_put_new_version(reply->output, object);
    s3_put_expiration(call, reply->output, object);
    if (source->versioned)
        json_object_set_new(reply->output, "CopySourceVersionId", json_string(source->version));
    return true;
}

bool s3_copy_object(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    if (!check_target(call, request, error))
        return false;
    /* With its bytes in hand, a small source may be replaced meanwhile; a large one is looked up
     * again where it was. */
    for (int attempt = 0;; attempt++) {
        g_autoptr(stream_auto) body = NULL;
        g_autoptr(lake_object_auto) source = s3_copy_source(call, request, &body, error);
        if (!source || !check_self_copy(request, source, error))
            return false;
        if (source->size > LAKE_PUT_LIMIT)
            return error_set(error, ERROR_INVALID_REQUEST,
                             "The specified copy source is larger than the maximum allowable size "
                             "for a copy source: %" G_GINT64_FORMAT,
                             LAKE_PUT_LIMIT);
        GError *failure = NULL;
        if (copy(call, request, source, reply, &failure))
            return true;
        if (attempt == 100 || s3_text(request, "IfMatch") ||
            !g_error_matches(failure, LATHE_ERROR, ERROR_NO_SUCH_KEY)) {
            g_propagate_error(error, failure);
            return false;
        }
        g_error_free(failure);
    }
}

/* ---- deletes ---- */

/* What a request, or one of the objects that a request names, says of a delete. The conditions'
 * values are kept in `values`. */
struct deletion_values {
    gint64 size;
    double modified;
};

static struct lake_deletion deletion_of(const json_t *object, const char *match, const char *size,
                                        const char *modified, struct deletion_values *values)
{
    const json_t *size_given = json_object_get(object, size);
    const json_t *modified_given = json_object_get(object, modified);
    values->size = json_integer_value(size_given);
    values->modified = json_number_value(modified_given);
    return (struct lake_deletion){
        .key = s3_text(object, "Key"),
        .version = s3_text(object, "VersionId"),
        .conditions = {.if_match = s3_text(object, match),
                       .size = size_given ? &values->size : NULL,
                       .modified = modified_given ? &values->modified : NULL}};
}

bool s3_delete_object(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    struct deletion_values values;
    struct lake_deletion deletion =
        deletion_of(request, "IfMatch", "IfMatchSize", "IfMatchLastModifiedTime", &values);
    deletion.bypass = json_true_at(request, "BypassGovernanceRetention");
    if (!s3_check(call, request, error) ||
        !lake_delete_all(s3_lake(call), s3_text(request, "Bucket"), &deletion, 1, error))
        return false;
    bool deleted = !deletion.error;
    reply->output = json_object();
    if (!deleted)
        g_propagate_error(error, g_steal_pointer(&deletion.error));
    else if (deletion.gone)
        json_object_set_new(reply->output, "VersionId", json_string(deletion.gone));
    if (deleted && deletion.marker)
        json_object_set_new(reply->output, "DeleteMarker", json_true());
    lake_deletion_clear(&deletion);
    return deleted;
}

static json_t *describe_deleted(const struct lake_deletion *deletion)
{
    json_t *output = json_pack("{ss}", "Key", deletion->key);
    if (deletion->version)
        json_object_set_new(output, "VersionId", json_string(deletion->version));
    if (deletion->marker) {
        json_object_set_new(output, "DeleteMarker", json_true());
        json_object_set_new(output, "DeleteMarkerVersionId", json_string(deletion->gone));
    }
    return output;
}

static json_t *describe_failed(const struct lake_deletion *deletion)
{
    json_t *output = json_pack("{ssssss}", "Key", deletion->key, "Code",
                               error_name_s3(deletion->error), "Message", deletion->error->message);
    if (deletion->version)
        json_object_set_new(output, "VersionId", json_string(deletion->version));
    return output;
}

static json_t *describe_deletions(const struct lake_deletion *deletions, size_t count, bool quiet)
{
    json_t *output = json_object();
    json_t *deleted = json_array(), *errors = json_array();
    for (size_t i = 0; i < count; i++) {
        if (deletions[i].error)
            json_array_append_new(errors, describe_failed(&deletions[i]));
        else if (!quiet)
            json_array_append_new(deleted, describe_deleted(&deletions[i]));
    }
    json_put(output, "Deleted", json_array_size(deleted) ? json_incref(deleted) : NULL);
    json_put(output, "Errors", json_array_size(errors) ? json_incref(errors) : NULL);
    json_decref(deleted);
    json_decref(errors);
    return output;
}

bool s3_delete_objects(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    const json_t *objects = json_at(request, "Delete.Objects");
    size_t count = json_array_size(objects);
    if (!s3_check(call, request, error))
        return false;
    if (count > 1000 || count == 0)
        return error_set(error, ERROR_MALFORMED_XML,
                         "a request deletes 1 to 1000 objects; this one names %zu", count);
    g_autofree struct lake_deletion *deletions = g_new0(struct lake_deletion, count);
    g_autofree struct deletion_values *values = g_new0(struct deletion_values, count);
    for (size_t i = 0; i < count; i++) {
        deletions[i] =
            deletion_of(json_array_get(objects, i), "ETag", "Size", "LastModifiedTime", &values[i]);
        deletions[i].bypass = json_true_at(request, "BypassGovernanceRetention");
    }
    bool done = lake_delete_all(s3_lake(call), s3_text(request, "Bucket"), deletions, count, error);
    if (done)
        reply->output = describe_deletions(deletions, count, json_true_at(request, "Delete.Quiet"));
    for (size_t i = 0; i < count; i++)
        lake_deletion_clear(&deletions[i]);
    return done;
}
