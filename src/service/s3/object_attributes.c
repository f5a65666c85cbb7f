/* GetObjectAttributes: what is known of an object, without its bytes. */
#include <string.h>

#include "service/s3/s3_inside.h"

enum { PARTS_PAGE = 1000 };

static bool is_asked(const json_t *request, const char *attribute)
{
    size_t i;
    const json_t *asked;
    json_array_foreach(json_object_get(request, "ObjectAttributes"), i, asked)
    {
        if (strcmp(json_string_value(asked), attribute) == 0)
            return true;
    }
    return false;
}

static json_t *checksum_of(const struct lake_object *object)
{
    json_t *checksum = json_object();
    const char *name;
    json_t *value;
    json_object_foreach(object->headers, name, value)
    {
        if (g_str_has_prefix(name, "Checksum"))
            json_object_set(checksum, name, value);
    }
    return checksum;
}

/* The kind of the checksums that the parts came with. */
static char *part_member(const struct lake_object *object)
{
    for (int kind = 0; kind < CHECKSUM_KINDS; kind++) {
        g_autofree char *member = s3_checksum_member((enum checksum_kind)kind);
        if (json_object_get(object->headers, member))
            return g_steal_pointer(&member);
    }
    return NULL;
}

static json_t *part_of(const struct lake_object *object, size_t number, const char *member)
{
    const json_t *part = json_array_get(object->parts, number - 1);
    const json_t *checksum = json_array_get(part, 1);
    json_t *output = json_object();
    json_object_set_new(output, "PartNumber", json_integer((json_int_t)number));
    json_object_set(output, "Size", json_array_get(part, 0));
    if (member && json_is_string(checksum))
        json_object_set(output, member, (json_t *)checksum);
    return output;
}

/* A page of the parts, after a marker. */
static json_t *parts_of(const json_t *request, const struct lake_object *object)
{
    size_t count = json_array_size(object->parts);
    size_t after = (size_t)MAX(0, json_integer_at(request, "PartNumberMarker", 0));
    size_t limit = (size_t)CLAMP(json_integer_at(request, "MaxParts", PARTS_PAGE), 0, PARTS_PAGE);
    g_autofree char *member = part_member(object);
    json_t *page = json_array();
    size_t number = after;
    while (number < count && number - after < limit)
        json_array_append_new(page, part_of(object, ++number, member));
    return json_pack("{sIsIsIsIsbso}", "TotalPartsCount", (json_int_t)count, "PartNumberMarker",
                     (json_int_t)after, "NextPartNumberMarker", (json_int_t)number, "MaxParts",
                     (json_int_t)limit, "IsTruncated", number < count, "Parts", page);
}

bool s3_get_object_attributes(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(lake_object_auto) object = s3_find(call, request, NULL, reply, error);
    if (!object)
        return false;
    const char *class = json_text_at(object->headers, "StorageClass");
    json_t *output = reply->output = json_object();
    s3_put_version(output, object);
    json_object_set_new(output, "LastModified", json_real(object->modified));
    s3_put_version(output, object);
    if (is_asked(request, "ETag"))
        json_object_set_new(output, "ETag", json_string(object->etag));
    if (is_asked(request, "Checksum"))
        json_object_set_new(output, "Checksum", checksum_of(object));
    if (is_asked(request, "ObjectParts") && object->parts)
        json_object_set_new(output, "ObjectParts", parts_of(request, object));
    if (is_asked(request, "StorageClass"))
        json_object_set_new(output, "StorageClass", json_string(class ? class : "STANDARD"));
    if (is_asked(request, "ObjectSize"))
        json_object_set_new(output, "ObjectSize", json_integer(object->size));
    return true;
}
