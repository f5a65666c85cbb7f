/* Multipart uploads: started, fed, given up. */
#include <string.h>

#include "service/s3/s3_inside.h"

struct lake_upload *s3_upload_of(const struct call *call, const json_t *request, GError **error)
{
    if (!s3_check(call, request, error))
        return NULL;
    g_autoptr(lake_bucket_auto) bucket =
        lake_bucket_get(s3_lake(call), s3_text(request, "Bucket"), error);
    return bucket ? lake_upload_get(s3_lake(call), s3_text(request, "Bucket"),
                                    s3_text(request, "Key"), s3_text(request, "UploadId"), error)
                  : NULL;
}

/* ---- CreateMultipartUpload ---- */

/* Only CRCs of parts can be joined to that of the object; S3 keeps CRC64NVME for just that. */
static bool choose_type(const json_t *request, struct lake_upload *upload, bool asked,
                        GError **error)
{
    const char *type = s3_text(request, "ChecksumType");
    bool crc = upload->checksum <= CHECKSUM_CRC64NVME;
    upload->full_object =
        type ? strcmp(type, "FULL_OBJECT") == 0 : upload->checksum == CHECKSUM_CRC64NVME;
    if (type && !asked)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "The x-amz-checksum-type header can only be used with the "
                         "x-amz-checksum-algorithm header.");
    if (upload->full_object ? !crc : upload->checksum == CHECKSUM_CRC64NVME)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "The %s checksum type cannot be used with the %s checksum algorithm.",
                         upload->full_object ? "FULL_OBJECT" : "COMPOSITE",
                         checksum_name(upload->checksum));
    return true;
}

static void put_checksum_kind(json_t *output, const struct lake_upload *upload)
{
    json_object_set_new(output, "ChecksumAlgorithm", json_string(checksum_name(upload->checksum)));
    json_object_set_new(output, "ChecksumType",
                        json_string(upload->full_object ? "FULL_OBJECT" : "COMPOSITE"));
}

bool s3_create_multipart_upload(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    const char *tagging = s3_text(request, "Tagging");
    bool asked;
    g_autoptr(lake_upload_auto) upload = g_new0(struct lake_upload, 1);
    upload->checksum = CHECKSUM_CRC64NVME;
    if (!s3_check(call, request, error) ||
        !s3_algorithm(request, "ChecksumAlgorithm", &upload->checksum, &asked, error) ||
        !choose_type(request, upload, asked, error))
        return false;
    upload->bucket = g_strdup(s3_text(request, "Bucket"));
    upload->key = g_strdup(s3_text(request, "Key"));
    upload->content_type = g_strdup(s3_text(request, "ContentType"));
    upload->headers = s3_headers(call, request, error);
    upload->tags = upload->headers ? s3_tags_of_text(tagging ? tagging : "", error) : NULL;
    if (!upload->tags || !s3_read_lock(request, &upload->lock, error) ||
        !lake_upload_create(s3_lake(call), upload, error))
        return false;
    reply->output =
        json_pack("{ssssss}", "Bucket", upload->bucket, "Key", upload->key, "UploadId", upload->id);
    s3_put_encryption(reply->output, upload->headers);
    if (asked)
        put_checksum_kind(reply->output, upload);
    return true;
}

/* ---- parts ---- */

static bool part_number(const json_t *request, int *number, GError **error)
{
    gint64 given = json_integer_at(request, "PartNumber", 0);
    *number = (int)CLAMP(given, 0, LAKE_PARTS_LIMIT + 1);
    return (given >= 1 && given <= LAKE_PARTS_LIMIT) ||
           error_set(error, ERROR_INVALID_ARGUMENT,
                     "Part number must be an integer between 1 and %d, inclusive; it is "
                     "%" G_GINT64_FORMAT,
                     LAKE_PARTS_LIMIT, given);
}

/* The part's members as both operations answer them. */
static json_t *store_part(const struct call *call, const struct lake_upload *upload, int number,
                          struct stream *body, const struct s3_digests *digests, GError **error)
{
    unsigned kinds = 1u << digests->kind | 1u << upload->checksum;
    g_autoptr(lake_draft_auto) draft =
        lake_part_receive(s3_lake(call), upload, number, body, kinds, error);
    if (!draft || !s3_digests_check(digests, draft, error))
        return NULL;
    g_autofree char *checksum = lake_draft_checksum(draft, upload->checksum);
    g_autoptr(lake_part_auto) part =
        lake_part_commit(s3_lake(call), upload, number, draft, checksum, error);
    if (!part)
        return NULL;
    enum checksum_kind kind = digests->asked ? digests->kind : upload->checksum;
    g_autofree char *member = s3_checksum_member(kind);
    g_autofree char *answered = lake_draft_checksum(draft, kind);
    json_t *output = json_object();
    json_object_set_new(output, "ETag", s3_etag(part->md5));
    json_object_set_new(output, "LastModified", json_real(part->modified));
    json_object_set_new(output, member, json_string(answered));
    return output;
}

bool s3_upload_part(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    int number;
    struct s3_digests digests;
    g_autoptr(lake_upload_auto) upload = s3_upload_of(call, request, error);
    if (!upload || !part_number(request, &number, error) ||
        !s3_digests_read(request, &digests, error))
        return false;
    g_autoptr(GBytes) nothing = g_bytes_new(NULL, 0);
    g_autoptr(stream_auto) empty = call->body ? NULL : stream_from_bytes(nothing);
    reply->output =
        store_part(call, upload, number, call->body ? call->body : empty, &digests, error);
    s3_digests_clear(&digests);
    if (!reply->output)
        return false;
    json_object_del(reply->output, "LastModified"); /* only a copy's answer has it */
    s3_put_encryption(reply->output, upload->headers);
    return true;
}

/* "bytes=a-b", both of them there. */
static bool source_range(const char *range, gint64 size, gint64 *offset, gint64 *length,
                         GError **error)
{
    *offset = 0;
    *length = size;
    if (!range)
        return true;
    char *end = NULL;
    guint64 first = 0, last = 0;
    bool read = g_str_has_prefix(range, "bytes=") && g_ascii_isdigit(range[6]);
    if (read) {
        first = g_ascii_strtoull(range + 6, &end, 10);
        read = *end == '-' && g_ascii_isdigit(end[1]);
    }
    if (read) {
        last = g_ascii_strtoull(end + 1, &end, 10);
        read = !*end && first <= last;
    }
    if (!read)
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "The x-amz-copy-source-range value must be of the form bytes=first-last "
                         "where first and last are the zero-based offsets of the first and last "
                         "bytes to copy; it is \"%s\"",
                         range);
    if (last >= (guint64)size)
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "Range specified is not valid for source object of size: "
                         "%" G_GINT64_FORMAT,
                         size);
    *offset = (gint64)first;
    *length = (gint64)(last - first + 1);
    return true;
}

bool s3_upload_part_copy(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    int number;
    gint64 offset, length;
    g_autoptr(stream_auto) body = NULL;
    g_autoptr(lake_upload_auto) upload = s3_upload_of(call, request, error);
    if (!upload || !part_number(request, &number, error))
        return false;
    g_autoptr(lake_object_auto) source = s3_copy_source(call, request, &body, error);
    if (!source ||
        !source_range(s3_text(request, "CopySourceRange"), source->size, &offset, &length, error))
        return false;
    body = stream_slice(g_steal_pointer(&body), offset, length);
    struct s3_digests digests = {.kind = upload->checksum};
    json_t *result = store_part(call, upload, number, body, &digests, error);
    if (!result)
        return false;
    reply->output = json_pack("{so}", "CopyPartResult", result);
    s3_put_encryption(reply->output, upload->headers);
    if (source->versioned)
        json_object_set_new(reply->output, "CopySourceVersionId", json_string(source->version));
    return true;
}

bool s3_abort_multipart_upload(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)reply;
    g_autoptr(lake_upload_auto) upload = s3_upload_of(call, request, error);
    return upload && lake_upload_abort(s3_lake(call), upload, error);
}

/* ---- listings ---- */

static json_t *describe_part(const struct lake_upload *upload, const struct lake_part *part)
{
    g_autofree char *member = s3_checksum_member(upload->checksum);
    json_t *output = json_object();
    json_object_set_new(output, "PartNumber", json_integer(part->number));
    json_object_set_new(output, "LastModified", json_real(part->modified));
    json_object_set_new(output, "ETag", s3_etag(part->md5));
    json_object_set_new(output, "Size", json_integer(part->size));
    json_put(output, member, part->checksum ? json_string(part->checksum) : NULL);
    return output;
}

static json_t *storage_class(const struct lake_upload *upload)
{
    json_t *class = json_object_get(upload->headers, "StorageClass");
    return class ? json_incref(class) : json_string("STANDARD");
}

bool s3_list_parts(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    size_t limit = (size_t)CLAMP(json_integer_at(request, "MaxParts", 1000), 0, 1000);
    int marker = (int)CLAMP(json_integer_at(request, "PartNumberMarker", 0), 0, LAKE_PARTS_LIMIT);
    g_autoptr(lake_upload_auto) upload = s3_upload_of(call, request, error);
    if (!upload)
        return false;
    g_autoptr(GPtrArray) parts = lake_part_list(s3_lake(call), upload, marker, limit + 1, error);
    if (!parts)
        return false;
    size_t count = MIN(parts->len, limit);
    json_t *list = json_array();
    int last = marker;
    for (size_t i = 0; i < count; i++) {
        const struct lake_part *part = g_ptr_array_index(parts, i);
        json_array_append_new(list, describe_part(upload, part));
        last = part->number;
    }
    reply->output =
        json_pack("{ssssss}", "Bucket", upload->bucket, "Key", upload->key, "UploadId", upload->id);
    json_t *output = reply->output;
    json_object_set_new(output, "PartNumberMarker", json_integer(marker));
    json_object_set_new(output, "NextPartNumberMarker", json_integer(last));
    json_object_set_new(output, "MaxParts", json_integer((json_int_t)limit));
    json_object_set_new(output, "IsTruncated", json_boolean(parts->len > limit));
    json_object_set_new(output, "Parts", list);
    json_object_set_new(output, "Initiator", s3_owner(call));
    json_object_set_new(output, "Owner", s3_owner(call));
    json_object_set_new(output, "StorageClass", storage_class(upload));
    put_checksum_kind(output, upload);
    return true;
}

static json_t *describe_upload(const struct call *call, const json_t *request,
                               const struct lake_upload *upload)
{
    json_t *output = json_object();
    json_object_set_new(output, "UploadId", json_string(upload->id));
    json_object_set_new(output, "Key", s3_key_text(request, upload->key));
    json_object_set_new(output, "Initiated", json_real(upload->initiated));
    json_object_set_new(output, "StorageClass", storage_class(upload));
    json_object_set_new(output, "Owner", s3_owner(call));
    json_object_set_new(output, "Initiator", s3_owner(call));
    put_checksum_kind(output, upload);
    return output;
}

/* A page of uploads and common prefixes as it fills. */
struct upload_page {
    json_t *uploads, *prefixes;
    char *key, *id; /* the last item: an upload, or a common prefix (id "") */
    bool truncated;
};

/* Takes one upload. True: it began a common prefix, and what lies below that is to be skipped. */
static bool take_upload(const struct call *call, const json_t *request,
                        const struct lake_upload *upload, struct upload_page *page)
{
    const char *delimiter = s3_text(request, "Delimiter");
    const char *prefix = s3_text(request, "Prefix");
    const char *found = delimiter && *delimiter
                            ? strstr(upload->key + (prefix ? strlen(prefix) : 0), delimiter)
                            : NULL;
    g_free(page->key);
    g_free(page->id);
    if (!found) {
        json_array_append_new(page->uploads, describe_upload(call, request, upload));
        page->key = g_strdup(upload->key);
        page->id = g_strdup(upload->id);
        return false;
    }
    page->key = g_strndup(upload->key, (gsize)(found - upload->key) + strlen(delimiter));
    page->id = g_strdup("");
    json_array_append_new(page->prefixes,
                          json_pack("{so}", "Prefix", s3_key_text(request, page->key)));
    return true;
}

static bool fill_page(const struct call *call, const json_t *request, size_t limit,
                      struct upload_page *page, GError **error)
{
    const char *marker = s3_text(request, "KeyMarker");
    const char *id_marker = s3_text(request, "UploadIdMarker");
    /* Without the id of an upload, all of the marker's key are skipped: 0xFF is past any id. */
    g_autofree char *after = g_strdup(marker);
    g_autofree char *after_id = g_strdup(marker && id_marker && *id_marker ? id_marker : "\xff");
    bool more = limit > 0;
    while (more) {
        size_t count = json_array_size(page->uploads) + json_array_size(page->prefixes);
        g_autoptr(GPtrArray) found =
            lake_upload_list(s3_lake(call), s3_text(request, "Bucket"), s3_text(request, "Prefix"),
                             after, after_id, limit + 1 - count, error);
        if (!found)
            return false;
        more = false;
        for (guint i = 0; i < found->len && !more; i++) {
            page->truncated = count++ == limit;
            if (page->truncated)
                break;
            more = take_upload(call, request, g_ptr_array_index(found, i), page);
        }
        if (more) {
            g_free(after);
            after = g_strconcat(page->key, "\xff", NULL);
        }
    }
    return true;
}

bool s3_list_multipart_uploads(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    size_t limit = (size_t)CLAMP(json_integer_at(request, "MaxUploads", 1000), 0, 1000);
    struct upload_page page = {json_array(), json_array(), NULL, NULL, false};
    bool listed = s3_check(call, request, error) && fill_page(call, request, limit, &page, error);
    json_t *output = json_pack("{soso}", "Uploads", page.uploads, "CommonPrefixes", page.prefixes);
    reply->output = output;
    json_object_set(output, "Bucket", json_object_get(request, "Bucket"));
    json_object_set_new(output, "MaxUploads", json_integer((json_int_t)limit));
    json_object_set_new(output, "IsTruncated", json_boolean(page.truncated));
    static const char *const echoed[] = {"Prefix", "Delimiter", "KeyMarker"};
    for (size_t i = 0; i < G_N_ELEMENTS(echoed); i++)
        if (s3_text(request, echoed[i]))
            json_object_set_new(output, echoed[i],
                                s3_key_text(request, s3_text(request, echoed[i])));
    json_copy_members(output, request, (const char *[]){"UploadIdMarker", "EncodingType", NULL});
    if (page.truncated) {
        json_object_set_new(output, "NextKeyMarker", s3_key_text(request, page.key));
        json_object_set_new(output, "NextUploadIdMarker", json_string(page.id));
    }
    g_free(page.key);
    g_free(page.id);
    return listed;
}
