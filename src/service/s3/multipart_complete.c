/* CompleteMultipartUpload: what the client lists is held against what came, and becomes an object
 * with S3's ETag and checksum of it. */
#include <stdlib.h>
#include <string.h>

#include "service/s3/lifecycle.h"

enum { MOST_ATTEMPTS = 100 };

/* ---- the parts ---- */

static bool check_part(const struct lake_upload *upload, const json_t *listed,
                       const struct lake_part *part, GError **error)
{
    const char *etag = s3_text(listed, "ETag");
    g_autofree char *member = s3_checksum_member(upload->checksum);
    const char *checksum = s3_text(listed, member);
    bool same = part && etag && lake_etag_matches(etag, part->md5) &&
                (!checksum || g_strcmp0(checksum, part->checksum) == 0);
    return same || error_set(error, ERROR_INVALID_PART,
                             "One or more of the specified parts could not be found. The part may "
                             "not have been uploaded, or the specified entity tag or checksum may "
                             "not match the part's: part %" G_GINT64_FORMAT ", ETag %s",
                             json_integer_at(listed, "PartNumber", 0), etag ? etag : "not given");
}

static bool check_sizes(GPtrArray *parts, const json_t *request, GError **error)
{
    gint64 total = 0;
    for (guint i = 0; i < parts->len; i++) {
        const struct lake_part *part = g_ptr_array_index(parts, i);
        total += part->size;
        if (part->size < LAKE_PART_MINIMUM && i + 1 < parts->len)
            return error_set(error, ERROR_ENTITY_TOO_SMALL,
                             "Your proposed upload is smaller than the minimum allowed size: part "
                             "%d has %" G_GINT64_FORMAT " bytes, all but the last need "
                             "%" G_GINT64_FORMAT,
                             part->number, part->size, LAKE_PART_MINIMUM);
    }
    if (total > LAKE_OBJECT_LIMIT)
        return error_set(error, ERROR_ENTITY_TOO_LARGE,
                         "the object would have %" G_GINT64_FORMAT " bytes, the limit is "
                         "%" G_GINT64_FORMAT,
                         total, LAKE_OBJECT_LIMIT);
    const json_t *expected = json_object_get(request, "MpuObjectSize");
    return !expected || json_integer_value(expected) == total ||
           error_set(error, ERROR_INVALID_REQUEST,
                     "The provided 'x-amz-mp-object-size' header value %" JSON_INTEGER_FORMAT
                     " does not match what was computed: %" G_GINT64_FORMAT,
                     json_integer_value(expected), total);
}

/* The parts that the client lists, in order; both lists ascend. Where the client lists one number
 * several times, having sent it several times, the last counts. */
static GPtrArray *choose_parts(const struct lake_upload *upload, GPtrArray *all,
                               const json_t *listed, GError **error)
{
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();
    gint64 before = 0;
    guint next = 0;
    size_t i;
    const json_t *entry;
    json_array_foreach(listed, i, entry)
    {
        gint64 number = json_integer_at(entry, "PartNumber", 0);
        if (number < before) {
            error_set(error, ERROR_INVALID_PART_ORDER,
                      "The list of parts was not in ascending order. Parts must be ordered by part "
                      "number: %" G_GINT64_FORMAT " follows %" G_GINT64_FORMAT,
                      number, before);
            return NULL;
        }
        before = number;
        if (json_integer_at(json_array_get(listed, i + 1), "PartNumber", 0) == number)
            continue;
        const struct lake_part *part = NULL;
        while (next < all->len && ((part = g_ptr_array_index(all, next)))->number < number)
            next++;
        bool found = next < all->len && part->number == number;
        if (!check_part(upload, entry, found ? part : NULL, error))
            return NULL;
        g_ptr_array_add(chosen, (void *)part);
    }
    return g_steal_pointer(&chosen);
}

/* ---- ETag and checksum ---- */

/* S3's ETag of an object in parts: the MD5 of their MD5s, and how many there were. */
static char *etag_of_md5s(const char *const *md5s, size_t count)
{
    g_autoptr(checksum_auto) all = checksum_new(CHECKSUM_MD5);
    for (size_t i = 0; i < count; i++)
        for (const char *digit = md5s[i]; digit[0] && digit[1]; digit += 2) {
            unsigned char byte = (unsigned char)(g_ascii_xdigit_value(digit[0]) << 4 |
                                                 g_ascii_xdigit_value(digit[1]));
            checksum_update(all, &byte, 1);
        }
    g_autofree char *hex = checksum_hex(all);
    return g_strdup_printf("%s-%zu", hex, count);
}

static char *etag_of(GPtrArray *parts)
{
    g_autofree const char **md5s = g_new(const char *, parts->len + 1);
    for (guint i = 0; i < parts->len; i++)
        md5s[i] = ((const struct lake_part *)g_ptr_array_index(parts, i))->md5;
    return etag_of_md5s(md5s, parts->len);
}

/* Of all bytes, from the parts' CRCs; or of the parts' checksums, and how many there were. */
static char *checksum_of(const struct lake_upload *upload, GPtrArray *parts)
{
    size_t size = checksum_size(upload->checksum);
    unsigned char whole[CHECKSUM_LONGEST] = {0};
    g_autoptr(checksum_auto) of_checksums = checksum_new(upload->checksum);
    for (guint i = 0; i < parts->len; i++) {
        const struct lake_part *part = g_ptr_array_index(parts, i);
        gsize length;
        g_autofree guchar *digest = g_base64_decode(part->checksum, &length);
        checksum_update(of_checksums, digest, length);
        if (upload->full_object)
            checksum_join(upload->checksum, whole, digest, (guint64)part->size);
    }
    if (upload->full_object)
        return g_base64_encode(whole, size);
    g_autofree char *composite = checksum_base64(of_checksums);
    return g_strdup_printf("%s-%u", composite, parts->len);
}

/* A checksum of another kind than the upload's would be held against nothing. */
static bool check_kinds(const json_t *request, const struct lake_upload *upload, GError **error)
{
    for (int kind = 0; kind < CHECKSUM_KINDS; kind++) {
        g_autofree char *member = s3_checksum_member((enum checksum_kind)kind);
        if (kind != (int)upload->checksum && s3_text(request, member))
            return error_set(error, ERROR_INVALID_REQUEST,
                             "The upload was created using the %s checksum. The complete request "
                             "must use the same checksum: %s",
                             checksum_name(upload->checksum),
                             checksum_name((enum checksum_kind)kind));
    }
    return true;
}

static bool check_checksum(const json_t *request, const struct lake_upload *upload,
                           const char *checksum, GError **error)
{
    g_autofree char *member = s3_checksum_member(upload->checksum);
    const char *expected = s3_text(request, member);
    const char *type = s3_text(request, "ChecksumType");
    const char *own_type = upload->full_object ? "FULL_OBJECT" : "COMPOSITE";
    if (type && strcmp(type, own_type) != 0)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "The upload was created using the %s checksum mode. The complete request "
                         "must use the same checksum mode.",
                         own_type);
    return !expected || strcmp(expected, checksum) == 0 ||
           error_set(error, ERROR_BAD_DIGEST,
                     "The %s you specified did not match the calculated checksum: %s, not %s",
                     checksum_name(upload->checksum), checksum, expected);
}

static json_t *list_of_parts(GPtrArray *parts)
{
    json_t *list = json_array();
    for (guint i = 0; i < parts->len; i++) {
        const struct lake_part *part = g_ptr_array_index(parts, i);
        json_array_append_new(list, json_pack("[Is?]", (json_int_t)part->size, part->checksum));
    }
    return list;
}

/* ---- the operation ---- */

static json_t *answer(const struct lake_object *object)
{
    json_t *output = json_object();
    s3_put_headers(output, object, true);
    static const char *const not_ours[] = {
        "Metadata",        "CacheControl", "ContentDisposition", "ContentEncoding",
        "ContentLanguage", "Expires",      "StorageClass",       "WebsiteRedirectLocation"};
    for (size_t i = 0; i < G_N_ELEMENTS(not_ours); i++)
        json_object_del(output, not_ours[i]);
    json_object_set_new(output, "Location", json_sprintf("/%s/%s", object->bucket, object->key));
    json_object_set_new(output, "Bucket", json_string(object->bucket));
    json_object_set_new(output, "Key", json_string(object->key));
    json_object_set_new(output, "ETag", s3_etag(object->etag));
    s3_put_new_version(output, object);
    return output;
}

/* *chosen: the parts are as listed, so that an error is not the list's. */
static struct lake_object *try_to_complete(const struct call *call, const json_t *request,
                                           const struct lake_upload *upload, const json_t *listed,
                                           bool *chosen, GError **error)
{
    *chosen = false;
    g_autoptr(GPtrArray) all = lake_part_list(s3_lake(call), upload, 0, LAKE_PARTS_LIMIT, error);
    g_autoptr(GPtrArray) parts = all ? choose_parts(upload, all, listed, error) : NULL;
    if (!parts || !check_sizes(parts, request, error))
        return NULL;
    g_autofree char *checksum = checksum_of(upload, parts);
    if (!check_kinds(request, upload, error) || !check_checksum(request, upload, checksum, error))
        return NULL;
    g_autofree char *etag = etag_of(parts);
    g_autofree char *member = s3_checksum_member(upload->checksum);
    g_autoptr(json_auto) part_list = list_of_parts(parts);
    g_autoptr(json_auto) headers = upload->headers ? json_copy(upload->headers) : json_object();
    json_object_set_new(headers, member, json_string(checksum));
    json_object_set_new(headers, "ChecksumType",
                        json_string(upload->full_object ? "FULL_OBJECT" : "COMPOSITE"));
    struct lake_entry entry = {.bucket = upload->bucket,
                               .key = upload->key,
                               .etag = etag,
                               .content_type = upload->content_type,
                               .headers = headers,
                               .tags = json_object_size(upload->tags) ? upload->tags : NULL,
                               .parts = part_list,
                               .lock = upload->lock,
                               .if_match = s3_text(request, "IfMatch"),
                               .if_none_match = s3_text(request, "IfNoneMatch")};
    *chosen = true;
    return lake_upload_complete(s3_lake(call), upload, parts, &entry, error);
}

/* Parts are not found, too, where the upload was ended between the look at it and the look at them.
 */
static void tell_of_end(const struct call *call, const json_t *request, GError **error)
{
    if (!g_error_matches(*error, LATHE_ERROR, ERROR_INVALID_PART))
        return;
    GError *gone = NULL;
    g_autoptr(lake_upload_auto) upload = s3_upload_of(call, request, &gone);
    if (upload)
        return;
    g_clear_error(error);
    g_propagate_error(error, gone);
}

/* A part that is replaced meanwhile counts as it then is: another one is not that of the list, and
 * the same one, sent again, is. */
static struct lake_object *complete(const struct call *call, const json_t *request,
                                    const struct lake_upload *upload, const json_t *listed,
                                    GError **error)
{
    struct lake_object *object = NULL;
    bool again = true;
    for (int attempt = 0; !object && again && attempt < MOST_ATTEMPTS; attempt++) {
        GError *failure = NULL;
        object = try_to_complete(call, request, upload, listed, &again, &failure);
        again = again && g_error_matches(failure, LATHE_ERROR, ERROR_INVALID_PART);
        g_clear_error(error);
        if (failure)
            g_propagate_error(error, failure);
    }
    if (!object)
        tell_of_end(call, request, error);
    return object;
}

/* A client that did not hear the first answer asks again, when the upload is gone: the object is
 * there, with the ETag of these parts. */
static struct lake_object *find_completed(const struct call *call, const json_t *request,
                                          const json_t *listed)
{
    size_t count = json_array_size(listed);
    g_auto(GStrv) md5s = g_new0(char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *etag = s3_text(json_array_get(listed, i), "ETag");
        const char *digits = etag ? etag + strspn(etag, "\"") : "";
        md5s[i] = g_strndup(digits, strspn(digits, "0123456789abcdef"));
    }
    g_autofree char *etag = etag_of_md5s((const char *const *)md5s, count);
    g_autoptr(lake_object_auto) object =
        lake_find(s3_lake(call), s3_text(request, "Bucket"), s3_text(request, "Key"), NULL, NULL);
    return object && strcmp(object->etag, etag) == 0 ? g_steal_pointer(&object) : NULL;
}

bool s3_complete_multipart_upload(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    const json_t *listed = json_at(request, "MultipartUpload.Parts");
    size_t count = json_array_size(listed);
    GError *failure = NULL;
    g_autoptr(lake_upload_auto) upload = s3_upload_of(call, request, &failure);
    g_autoptr(lake_object_auto) object = NULL;
    if (upload && (count == 0 || count > LAKE_PARTS_LIMIT))
        error_set(&failure, ERROR_MALFORMED_XML,
                  "the request lists %zu parts; an object has 1 to %d", count, LAKE_PARTS_LIMIT);
    else if (upload)
        object = complete(call, request, upload, listed, &failure);
    if (g_error_matches(failure, LATHE_ERROR, ERROR_NO_SUCH_UPLOAD)) {
        object = find_completed(call, request, listed);
        if (object)
            g_clear_error(&failure);
    }
    if (!object) {
        g_propagate_error(error, failure);
        return false;
    }
    reply->output = answer(object);
    s3_put_expiration(call, reply->output, object);
    return true;
}
