/* Objects as they are read: whole, by range, by part. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/s3/lifecycle.h"

struct range {
    gint64 offset, size;
    bool partial; /* asked for, so that the answer says which */
};

/* ---- ranges ---- */

static bool parse_number(const char **at, gint64 *number)
{
    if (!g_ascii_isdigit(**at))
        return false;
    char *end;
    errno = 0;
    guint64 value = g_ascii_strtoull(*at, &end, 10);
    *number = errno || value > G_MAXINT64 ? G_MAXINT64 : (gint64)value;
    *at = end;
    return true;
}

/* "bytes=a-b", "bytes=a-", "bytes=-n": first and last byte, last before first where it holds
 * nothing. False: no form that S3 knows (several ranges, other units), which it ignores. */
static bool parse_range(const char *text, gint64 size, gint64 *first, gint64 *last)
{
    if (!g_str_has_prefix(text, "bytes="))
        return false;
    const char *at = text + strlen("bytes=");
    bool has_first = parse_number(&at, first);
    if (*at++ != '-')
        return false;
    bool has_last = parse_number(&at, last);
    if (*at || (!has_first && !has_last) || (has_first && has_last && *last < *first))
        return false;
    if (!has_first) {
        gint64 suffix = MIN(*last, size);
        *first = suffix ? size - suffix : size;
        *last = size - 1;
    } else if (!has_last || *last >= size) {
        *last = size - 1;
    }
    return true;
}

static bool find_range(const char *range, const struct lake_object *object, struct range *found,
                       struct reply *reply, GError **error)
{
    gint64 first, last;
    if (!parse_range(range, object->size, &first, &last))
        return true;
    if (first > last) {
        reply->output = json_pack("{ssso}", "RangeRequested", range, "ActualObjectSize",
                                  json_sprintf("%" G_GINT64_FORMAT, object->size));
        return error_set(error, ERROR_INVALID_RANGE,
                         "The requested range is not satisfiable: %s of %" G_GINT64_FORMAT " bytes",
                         range, object->size);
    }
    *found = (struct range){first, last - first + 1, true};
    return true;
}

/* Part n of an object that came in parts; one that did not has one part, itself. */
static bool find_part(gint64 number, const struct lake_object *object, struct range *found,
                      GError **error)
{
    size_t count = object->parts ? json_array_size(object->parts) : 1;
    if ((guint64)number > count)
        return error_set(error, ERROR_INVALID_PART,
                         "The requested partnumber is not satisfiable: %" G_GINT64_FORMAT
                         " of %zu parts",
                         number, count);
    found->partial = true;
    if (!object->parts)
        return true;
    for (gint64 i = 0; i < number; i++) {
        const json_t *part = json_array_get(object->parts, (size_t)i);
        found->offset = i ? found->offset + found->size : 0;
        found->size = json_integer_value(json_array_get(part, 0));
    }
    return true;
}

static bool choose_range(const json_t *request, const struct lake_object *object,
                         struct range *found, struct reply *reply, GError **error)
{
    const char *range = s3_text(request, "Range");
    const json_t *part = json_object_get(request, "PartNumber");
    *found = (struct range){0, object->size, false};
    if (range && part)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "Cannot specify both Range header and partNumber query parameter");
    if (range)
        return find_range(range, object, found, reply, error);
    return !part || find_part(json_integer_value(part), object, found, error);
}

/* ---- replies ---- */

static void override(json_t *output, const json_t *request)
{
    static const char *const members[][2] = {{"ResponseCacheControl", "CacheControl"},
                                             {"ResponseContentDisposition", "ContentDisposition"},
                                             {"ResponseContentEncoding", "ContentEncoding"},
                                             {"ResponseContentLanguage", "ContentLanguage"},
                                             {"ResponseContentType", "ContentType"},
                                             {"ResponseExpires", "Expires"}};
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        json_put(output, members[i][1], json_incref(json_object_get(request, members[i][0])));
}

/* Of one part, what came with it: its own checksum, of the object's kind. */
static void put_part_checksum(json_t *output, const json_t *request,
                              const struct lake_object *object)
{
    gint64 number = json_integer_at(request, "PartNumber", 0);
    const json_t *part = json_array_get(object->parts, (size_t)number - 1);
    const json_t *checksum = json_array_get(part, 1);
    for (int kind = 0; kind < CHECKSUM_KINDS; kind++) {
        g_autofree char *member = s3_checksum_member((enum checksum_kind)kind);
        if (json_is_string(checksum) && json_object_get(object->headers, member))
            json_object_set(output, member, (json_t *)checksum);
    }
    json_copy_members(output, object->headers, (const char *[]){"ChecksumType", NULL});
}

static json_t *describe(const json_t *request, const struct lake_object *object,
                        const struct range *range)
{
    const char *mode = s3_text(request, "ChecksumMode");
    bool wanted = mode && g_ascii_strcasecmp(mode, "ENABLED") == 0;
    bool whole = range->size == object->size;
    bool part = json_object_get(request, "PartNumber") != NULL;
    json_t *output = json_object();
    s3_put_headers(output, object, wanted && (part ? !object->parts : whole && !range->partial));
    if (wanted && part && object->parts)
        put_part_checksum(output, request, object);
    s3_put_version(output, object);
    s3_put_lock(output, object);
    json_object_set_new(output, "ETag", s3_etag(object->etag));
    json_object_set_new(output, "LastModified", json_real(object->modified));
    json_object_set_new(output, "ContentLength", json_integer(range->size));
    json_object_set_new(output, "AcceptRanges", json_string("bytes"));
    json_object_set_new(
        output, "ContentType",
        json_string(object->content_type ? object->content_type : "binary/octet-stream"));
    if (range->partial && object->size)
        json_object_set_new(
            output, "ContentRange",
            json_sprintf("bytes %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT,
                         range->offset, range->offset + range->size - 1, object->size));
    if (object->parts && json_object_get(request, "PartNumber"))
        json_object_set_new(output, "PartsCount",
                            json_integer((json_int_t)json_array_size(object->parts)));
    if (object->tags)
        json_object_set_new(output, "TagCount",
                            json_integer((json_int_t)json_object_size(object->tags)));
    override(output, request);
    return output;
}

/* Both operations answer alike; GetObject gives the body too. */
static bool look_up(const struct call *call, const json_t *request, struct stream **body,
                    struct range *range, struct reply *reply, GError **error)
{
    gint64 part = json_integer_at(request, "PartNumber", 1);
    if (part < 1 || part > LAKE_PARTS_LIMIT)
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "Part number must be an integer between 1 and %d, inclusive; it is "
                         "%" G_GINT64_FORMAT,
                         LAKE_PARTS_LIMIT, part);
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(lake_object_auto) object = s3_find(call, request, body, reply, error);
    if (!object)
        return false;
    GError *failure = NULL;
    if (!s3_check_conditions(request, "", object, &failure)) {
        if (g_error_matches(failure, LATHE_ERROR, ERROR_NOT_MODIFIED)) {
            reply->output = json_object();
            json_object_set_new(reply->output, "ETag", s3_etag(object->etag));
            json_object_set_new(reply->output, "LastModified", json_real(object->modified));
        }
        g_propagate_error(error, failure);
        return false;
    }
    if (!choose_range(request, object, range, reply, error))
        return false;
    reply->output = describe(request, object, range);
    s3_put_expiration(call, reply->output, object);
    return true;
}

bool s3_get_object(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    struct range range;
    g_autoptr(stream_auto) body = NULL;
    if (!look_up(call, request, &body, &range, reply, error))
        return false;
    reply->body = stream_slice(g_steal_pointer(&body), range.offset, range.size);
    return true;
}

bool s3_head_object(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    struct range range;
    return look_up(call, request, NULL, &range, reply, error);
}

/* S3 has given no torrents since 2022, which it tells as if there were none of this object. */
bool s3_get_object_torrent(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(lake_object_auto) object = s3_find(call, request, NULL, reply, error);
    return object &&
           error_set(error, ERROR_NO_SUCH_KEY,
                     "The specified key does not exist: there is no torrent of s3://%s/%s",
                     object->bucket, object->key);
}
