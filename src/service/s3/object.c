/* Objects as they are put, copied and deleted. */
#include <string.h>

#include "service/s3/s3_internal.h"

/* --- PutObject -------------------------------------------------------------------------------- */

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
    if (!headers || !tags)
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
                               .if_match = s3_text(request, "IfMatch"),
                               .if_none_match = s3_text(request, "IfNoneMatch")};
    g_autoptr(lake_object_auto) object = lake_commit(s3_lake(call), draft, &entry, error);
    if (!object)
        return false;
    reply->output = json_object();
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

/* --- CopyObject ------------------------------------------------------------------------------- */

static bool replaces(const json_t *request, const char *directive)
{
    const char *value = s3_text(request, directive);
    return value && strcmp(value, "REPLACE") == 0;
}

static bool check_self_copy(const json_t *request, const struct lake_object *source, GError **error)
{
    bool self = strcmp(source->bucket, s3_text(request, "Bucket")) == 0 &&
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
    if (!headers || !copy_tags(request, source, &tags, error))
        return false;
    bool replaced = replaces(request, "MetadataDirective");
    struct lake_entry entry = {.bucket = s3_text(request, "Bucket"),
                               .key = s3_text(request, "Key"),
                               .content_type = replaced ? s3_text(request, "ContentType")
                                                        : source->content_type,
                               .headers = headers,
                               .tags = json_object_size(tags) ? tags : NULL,
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

/* --- deletes ---------------------------------------------------------------------------------- */

static const struct lake_delete_conditions *
conditions_of(const json_t *request, const char *match, const char *size, const char *modified,
              struct lake_delete_conditions *conditions, gint64 *size_value, double *modified_value)
{
    const json_t *size_given = json_object_get(request, size);
    const json_t *modified_given = json_object_get(request, modified);
    *conditions = (struct lake_delete_conditions){.if_match = s3_text(request, match)};
    if (size_given) {
        *size_value = json_integer_value(size_given);
        conditions->size = size_value;
    }
    if (modified_given) {
        *modified_value = json_number_value(modified_given);
        conditions->modified = modified_value;
    }
    return conditions->if_match || size_given || modified_given ? conditions : NULL;
}

bool s3_delete_object(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    (void)reply;
    struct lake_delete_conditions storage;
    gint64 size;
    double modified;
    const struct lake_delete_conditions *conditions = conditions_of(
        request, "IfMatch", "IfMatchSize", "IfMatchLastModifiedTime", &storage, &size, &modified);
    return s3_check(call, request, error) &&
           lake_delete_if(s3_lake(call), s3_text(request, "Bucket"), s3_text(request, "Key"),
                          conditions, error);
}

/* Deletes what has conditions at once; the others' keys are gathered. An error is the object's. */
static bool delete_or_gather(const struct call *call, const char *bucket, const json_t *object,
                             GPtrArray *keys, GError **error)
{
    struct lake_delete_conditions storage;
    gint64 size;
    double modified;
    const struct lake_delete_conditions *conditions =
        conditions_of(object, "ETag", "Size", "LastModifiedTime", &storage, &size, &modified);
    if (!s3_check(call, object, error))
        return false;
    if (conditions)
        return lake_delete_if(s3_lake(call), bucket, s3_text(object, "Key"), conditions, error);
    g_ptr_array_add(keys, (void *)s3_text(object, "Key"));
    return true;
}

bool s3_delete_objects(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    const json_t *objects = json_at(request, "Delete.Objects");
    const char *bucket = s3_text(request, "Bucket");
    if (!s3_check(call, request, error))
        return false;
    if (json_array_size(objects) > 1000 || json_array_size(objects) == 0)
        return error_set(error, ERROR_MALFORMED_XML,
                         "a request deletes 1 to 1000 objects; this one names %zu",
                         json_array_size(objects));
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autoptr(json_auto) deleted = json_array();
    g_autoptr(json_auto) errors = json_array();
    size_t i;
    const json_t *object;
    json_array_foreach(objects, i, object)
    {
        g_autoptr(GError) failure = NULL;
        if (delete_or_gather(call, bucket, object, keys, &failure))
            json_array_append_new(deleted, json_pack("{ss}", "Key", s3_text(object, "Key")));
        else if (g_error_matches(failure, LATHE_ERROR, ERROR_NO_SUCH_BUCKET))
            break; /* which lake_delete_many says below */
        else
            json_array_append_new(errors,
                                  json_pack("{ssssss}", "Key", s3_text(object, "Key"), "Code",
                                            error_name(failure), "Message", failure->message));
    }
    if (!lake_delete_many(s3_lake(call), bucket, keys, error))
        return false;
    reply->output = json_object();
    if (json_array_size(deleted) && !json_true_at(request, "Delete.Quiet"))
        json_object_set(reply->output, "Deleted", deleted);
    if (json_array_size(errors))
        json_object_set(reply->output, "Errors", errors);
    return true;
}
