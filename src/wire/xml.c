#include "wire/xml.h"

#include <string.h>

#include "wire/text.h"

#define XSI "http://www.w3.org/2001/XMLSchema-instance"

void xml_append_text(GString *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '&')
            g_string_append(out, "&amp;");
        else if (c == '<')
            g_string_append(out, "&lt;");
        else if (c == '>')
            g_string_append(out, "&gt;");
        else if (c == '"')
            g_string_append(out, "&quot;");
        else if (c < 0x20 && c != '\t' && c != '\n')
            g_string_append_printf(out, "&#x%x;", c);
        else
            g_string_append_c(out, (char)c);
    }
}

static void open_element(GString *out, const char *name)
{
    g_string_append_c(out, '<');
    g_string_append(out, name);
    g_string_append_c(out, '>');
}

static void close_element(GString *out, const char *name)
{
    g_string_append(out, "</");
    g_string_append(out, name);
    g_string_append_c(out, '>');
}

void xml_append_element(GString *out, const char *name, const char *text)
{
    open_element(out, name);
    xml_append_text(out, text, strlen(text));
    close_element(out, name);
}

static void append_value(GString *out, const struct shape_member *member, const json_t *value);

/* S3 has one attribute, a Grantee's xsi:type. */
static void append_attributes(GString *out, const struct shape *structure, const json_t *value)
{
    for (size_t i = 0; structure->type == SHAPE_STRUCTURE && i < structure->member_count; i++) {
        const struct shape_member *member = &structure->members[i];
        const char *text = json_string_value(json_object_get(value, member->name));
        if (!(member->flags & MEMBER_ATTRIBUTE) || !text)
            continue;
        g_string_append_printf(out, " xmlns:xsi=\"%s\" %s=\"", XSI, shape_wire_name(member));
        xml_append_text(out, text, strlen(text));
        g_string_append_c(out, '"');
    }
}

static void append_named(GString *out, const char *name, const struct shape_member *member,
                         const json_t *value)
{
    g_string_append_printf(out, "<%s", name);
    append_attributes(out, member->shape, value);
    g_string_append_c(out, '>');
    append_value(out, member, value);
    close_element(out, name);
}

/* A list's elements, each under the list's own name where it is flattened. */
static void append_list(GString *out, const struct shape_member *member, const json_t *list)
{
    const struct shape_member *element = &member->shape->members[0];
    bool flat = member->flags & MEMBER_FLATTENED;
    const char *name = element->wire_name ? element->wire_name
                       : flat             ? shape_wire_name(member)
                                          : "member";
    size_t i;
    const json_t *value;
    json_array_foreach(list, i, value) append_named(out, name, element, value);
}

static void append_map(GString *out, const struct shape_member *member, const json_t *map)
{
    const struct shape_member *keys = &member->shape->members[0];
    const struct shape_member *values = &member->shape->members[1];
    const char *entry = member->flags & MEMBER_FLATTENED ? shape_wire_name(member) : "entry";
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)map, key, value)
    {
        open_element(out, entry);
        xml_append_element(out, shape_wire_name(keys), key);
        append_named(out, shape_wire_name(values), values, value);
        close_element(out, entry);
    }
}

static void append_value(GString *out, const struct shape_member *member, const json_t *value)
{
    switch (member->shape->type) {
    case SHAPE_STRUCTURE:
        xml_append_members(out, member->shape, value);
        break;
    case SHAPE_LIST:
        append_list(out, member, value);
        break;
    case SHAPE_MAP:
        append_map(out, member, value);
        break;
    default: {
        g_autofree char *text = text_encode(member, value, TIME_ISO8601);
        xml_append_text(out, text, strlen(text));
    }
    }
}

void xml_append_member(GString *out, const struct shape_member *member, const json_t *value)
{
    bool flat = member->flags & MEMBER_FLATTENED;
    if (flat && member->shape->type == SHAPE_LIST)
        append_list(out, member, value);
    else if (flat && member->shape->type == SHAPE_MAP)
        append_map(out, member, value);
    else
        append_named(out, shape_wire_name(member), member, value);
}

void xml_append_members(GString *out, const struct shape *structure, const json_t *value)
{
    for (size_t i = 0; i < structure->member_count; i++) {
        const struct shape_member *member = &structure->members[i];
        const json_t *given = json_object_get(value, member->name);
        if (given && !json_is_null(given) && member->location == AT_BODY &&
            !(member->flags & MEMBER_ATTRIBUTE))
            xml_append_member(out, member, given);
    }
}
