/* Listings of objects, in S3's two versions. */
#include <string.h>

#include "base/page.h"
#include "service/s3/s3_inside.h"

enum { PAGE_LIMIT = 1000 };

json_t *s3_describe_listed(const struct lake_object *object)
{
    json_t *output = json_object();
    json_object_set_new(output, "ETag", s3_etag(object->etag));
    json_object_set_new(output, "Size", json_integer(object->size));
    for (int kind = 0; kind < CHECKSUM_KINDS; kind++) {
        g_autofree char *member = s3_checksum_member((enum checksum_kind)kind);
        if (json_object_get(object->headers, member))
            json_object_set_new(output, "ChecksumAlgorithm",
                                json_pack("[s]", checksum_name((enum checksum_kind)kind)));
    }
    json_put(output, "ChecksumType", json_incref(json_object_get(object->headers, "ChecksumType")));
    const char *class = json_string_value(json_object_get(object->headers, "StorageClass"));
    json_object_set_new(output, "StorageClass", json_string(class ? class : "STANDARD"));
    return output;
}

static json_t *describe(const struct call *call, const json_t *request,
                        const struct lake_object *object, bool with_owner)
{
    json_t *output = s3_describe_listed(object);
    json_object_set_new(output, "Key", s3_key_text(request, object->key));
    json_object_set_new(output, "LastModified", json_real(object->modified));
    if (with_owner)
        json_object_set_new(output, "Owner", s3_owner(call));
    return output;
}

json_t *s3_describe_page(const json_t *request, const struct lake_page *page, size_t limit)
{
    json_t *output = json_object();
    json_object_set(output, "Name", json_object_get(request, "Bucket"));
    json_object_set_new(
        output, "Prefix",
        s3_key_text(request, s3_text(request, "Prefix") ? s3_text(request, "Prefix") : ""));
    if (s3_text(request, "Delimiter"))
        json_object_set_new(output, "Delimiter",
                            s3_key_text(request, s3_text(request, "Delimiter")));
    json_object_set_new(output, "MaxKeys", json_integer((json_int_t)limit));
    json_object_set_new(output, "IsTruncated", json_boolean(page->next));
    json_put(output, "EncodingType", json_incref(json_object_get(request, "EncodingType")));
    json_t *prefixes = json_array();
    for (guint i = 0; i < page->prefixes->len; i++)
        json_array_append_new(
            prefixes, json_pack("{so}", "Prefix",
                                s3_key_text(request, g_ptr_array_index(page->prefixes, i))));
    json_object_set_new(output, "CommonPrefixes", prefixes);
    return output;
}

/* What both versions of the operation say. */
static json_t *describe_page(const struct call *call, const json_t *request,
                             const struct lake_page *page, size_t limit, bool with_owner)
{
    json_t *output = s3_describe_page(request, page, limit);
    json_t *contents = json_array();
    for (guint i = 0; i < page->objects->len; i++)
        json_array_append_new(
            contents, describe(call, request, g_ptr_array_index(page->objects, i), with_owner));
    json_object_set_new(output, "Contents", contents);
    return output;
}

bool s3_list_query(const json_t *request, const char *after, struct lake_query *query,
                   GError **error)
{
    gint64 asked = json_integer_at(request, "MaxKeys", PAGE_LIMIT);
    if (asked < 0)
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "Argument maxKeys must be an integer between 0 and 2147483647; it is "
                         "%" G_GINT64_FORMAT,
                         asked);
    *query = (struct lake_query){.prefix = s3_text(request, "Prefix"),
                                 .delimiter = s3_text(request, "Delimiter"),
                                 .after = after,
                                 .limit = (size_t)MIN(asked, PAGE_LIMIT)};
    return true;
}

static bool read_page(const struct call *call, const json_t *request, const char *after,
                      size_t *limit, struct lake_page *page, GError **error)
{
    struct lake_query query;
    if (!s3_list_query(request, after, &query, error))
        return false;
    *limit = query.limit;
    return s3_check(call, request, error) &&
           lake_list_page(s3_lake(call), s3_text(request, "Bucket"), &query, page, error);
}

bool s3_list_objects(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    size_t limit;
    struct lake_page page;
    const char *marker = s3_text(request, "Marker");
    if (!read_page(call, request, marker, &limit, &page, error))
        return false;
    reply->output = describe_page(call, request, &page, limit, true);
    json_object_set_new(reply->output, "Marker", s3_key_text(request, marker ? marker : ""));
    /* S3 says so only with a delimiter; clients else take the last key, which is the same. */
    if (page.next && s3_text(request, "Delimiter"))
        json_object_set_new(reply->output, "NextMarker", s3_key_text(request, page.next));
    lake_page_clear(&page);
    return true;
}

bool s3_list_objects_v2(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    const char *token = s3_text(request, "ContinuationToken");
    const char *start = s3_text(request, "StartAfter");
    g_autofree char *after = token ? s3_token_key(call, token, error) : g_strdup(start);
    if (token && !after)
        return false;
    size_t limit;
    struct lake_page page;
    if (!read_page(call, request, after, &limit, &page, error))
        return false;
    bool with_owner = json_is_true(json_object_get(request, "FetchOwner"));
    reply->output = describe_page(call, request, &page, limit, with_owner);
    json_object_set_new(reply->output, "KeyCount",
                        json_integer((json_int_t)page.objects->len + page.prefixes->len));
    json_copy_members(reply->output, request, (const char *[]){"ContinuationToken", NULL});
    if (start)
        json_object_set_new(reply->output, "StartAfter", s3_key_text(request, start));
    if (page.next) {
        g_autofree char *next = page_token(call->operation, page.next);
        json_object_set_new(reply->output, "NextContinuationToken", json_string(next));
    }
    lake_page_clear(&page);
    return true;
}
