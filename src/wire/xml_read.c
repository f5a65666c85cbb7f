#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#include "base/error.h"
#include "wire/text.h"
#include "wire/xml.h"

#define DEEPEST 64

/* libxml2 refuses nesting beyond 256 itself; below that the stack is ours. */
static json_t *read_value(const struct shape_member *member, xmlNode *node, unsigned depth,
                          GError **error);

static const char *name_of(const xmlNode *node)
{
    return (const char *)node->name;
}

static json_t *read_text(const struct shape *shape, xmlNode *node)
{
    xmlChar *text = xmlNodeGetContent(node);
    json_t *value = text_decode(shape, text ? (const char *)text : "");
    xmlFree(text);
    return value;
}

/* The member that an element's name means in a structure, or NULL. */
static const struct shape_member *member_of(const struct shape *structure, const char *name)
{
    for (size_t i = 0; i < structure->member_count; i++) {
        const struct shape_member *member = &structure->members[i];
        const char *wire_name = shape_wire_name(member);
        if (member->flags & MEMBER_FLATTENED && member->shape->type == SHAPE_LIST &&
            member->shape->members[0].wire_name)
            wire_name = member->shape->members[0].wire_name;
        if (member->location == AT_BODY && !(member->flags & MEMBER_ATTRIBUTE) &&
            strcmp(wire_name, name) == 0)
            return member;
    }
    return NULL;
}

/* Puts one child element where it belongs in the object. */
static bool read_child(const struct shape *structure, xmlNode *node, unsigned depth, json_t *object,
                       GError **error)
{
    static const struct shape text = {.type = SHAPE_STRING};
    const struct shape_member *member = member_of(structure, name_of(node));
    if (!member)
        return json_object_set_new(object, name_of(node), read_text(&text, node)) == 0;
    json_t *there = json_object_get(object, member->name);
    bool flat = member->flags & MEMBER_FLATTENED && member->shape->type == SHAPE_LIST;
    if (there && !flat)
        return error_set(error, ERROR_MALFORMED_XML,
                         "The XML you provided was not well-formed or did not validate against our "
                         "published schema: <%s> is there twice",
                         name_of(node));
    json_t *value = read_value(flat ? &member->shape->members[0] : member, node, depth, error);
    if (!value)
        return false;
    if (!flat)
        return json_object_set_new(object, member->name, value) == 0;
    if (!there)
        json_object_set_new(object, member->name, there = json_array());
    return json_array_append_new(there, value) == 0;
}

/* "xsi:type", whatever prefix stands for that namespace. */
static void read_attributes(const struct shape *shape, xmlNode *node, json_t *object)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        if (!(member->flags & MEMBER_ATTRIBUTE))
            continue;
        const char *colon = strchr(shape_wire_name(member), ':');
        xmlChar *text = xmlGetNsProp(node, BAD_CAST(colon + 1),
                                     BAD_CAST "http://www.w3.org/2001/XMLSchema-instance");
        json_put(object, member->name, text ? json_string((const char *)text) : NULL);
        xmlFree(text);
    }
}

static json_t *read_structure(const struct shape *shape, xmlNode *node, unsigned depth,
                              GError **error)
{
    g_autoptr(json_auto) object = json_object();
    read_attributes(shape, node, object);
    for (xmlNode *child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && !read_child(shape, child, depth, object, error))
            return NULL;
    return g_steal_pointer(&object);
}

static json_t *read_list(const struct shape *shape, xmlNode *node, unsigned depth, GError **error)
{
    const struct shape_member *element = &shape->members[0];
    const char *name = element->wire_name ? element->wire_name : "member";
    g_autoptr(json_auto) list = json_array();
    for (xmlNode *child = node->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        if (strcmp(name_of(child), name) != 0) {
            error_set(error, ERROR_MALFORMED_XML,
                      "The XML you provided was not well-formed or did not validate against our "
                      "published schema: <%s> holds <%s> where <%s> is expected",
                      name_of(node), name_of(child), name);
            return NULL;
        }
        json_t *value = read_value(element, child, depth, error);
        if (!value)
            return NULL;
        json_array_append_new(list, value);
    }
    return g_steal_pointer(&list);
}

static json_t *read_map(const struct shape *shape, xmlNode *node, unsigned depth, GError **error)
{
    struct shape_member pair_members[2] = {shape->members[0], shape->members[1]};
    pair_members[0].name = "key";
    pair_members[1].name = "value";
    const struct shape pair = {.members = pair_members, .member_count = 2, .type = SHAPE_STRUCTURE};
    g_autoptr(json_auto) map = json_object();
    for (xmlNode *child = node->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        g_autoptr(json_auto) entry = read_structure(&pair, child, depth, error);
        if (!entry)
            return NULL;
        const char *key = json_string_value(json_object_get(entry, "key"));
        json_t *value = json_object_get(entry, "value");
        if (key && value)
            json_object_set(map, key, value);
    }
    return g_steal_pointer(&map);
}

static json_t *read_value(const struct shape_member *member, xmlNode *node, unsigned depth,
                          GError **error)
{
    if (depth == DEEPEST) {
        error_set(error, ERROR_MALFORMED_XML, "the XML is nested deeper than %d levels", DEEPEST);
        return NULL;
    }
    switch (member->shape->type) {
    case SHAPE_STRUCTURE:
        return read_structure(member->shape, node, depth + 1, error);
    case SHAPE_LIST:
        return read_list(member->shape, node, depth + 1, error);
    case SHAPE_MAP:
        return read_map(member->shape, node, depth + 1, error);
    default:
        return read_text(member->shape, node);
    }
}

void xml_start(void)
{
    xmlInitParser();
}

json_t *xml_read(const struct shape *structure, const char *text, size_t size, GError **error)
{
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                        XML_PARSE_NOCDATA | XML_PARSE_COMPACT;
    xmlDoc *document =
        size <= G_MAXINT ? xmlReadMemory(text, (int)size, NULL, NULL, options) : NULL;
    xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
    json_t *value = NULL;
    if (!root)
        error_set(error, ERROR_MALFORMED_XML,
                  "The XML you provided was not well-formed or did not validate against our "
                  "published schema");
    else if (xmlGetIntSubset(document))
        error_set(error, ERROR_MALFORMED_XML, "the XML has a document type, which is not accepted");
    else
        value = read_structure(structure, root, 0, error);
    xmlFreeDoc(document);
    return value;
}
