#include <string.h>

#include "base/error.h"
#include "wire/text.h"
#include "wire/xml.h"
#include "wire/xml_tree.h"

static json_t *read_value(const struct shape_member *member, const struct xml_element *element,
                          GError **error);

static json_t *read_text(const struct shape *shape, const struct xml_element *element)
{
    g_autofree char *text = xml_text(element);
    return text_decode(shape, text);
}

/* The member that an element's name means in a structure, or NULL. */
static const struct shape_member *member_of(const struct shape *structure,
                                            const struct xml_element *element)
{
    for (size_t i = 0; i < structure->member_count; i++) {
        const struct shape_member *member = &structure->members[i];
        const char *wire_name = shape_wire_name(member);
        if (member->flags & MEMBER_FLATTENED && member->shape->type == SHAPE_LIST &&
            member->shape->members[0].wire_name)
            wire_name = member->shape->members[0].wire_name;
        if (member->location == AT_BODY && !(member->flags & MEMBER_ATTRIBUTE) &&
            xml_is_named(element, wire_name))
            return member;
    }
    return NULL;
}

/* Puts one child element where it belongs in the object. */
static bool read_child(const struct shape *structure, const struct xml_element *element,
                       json_t *object, GError **error)
{
    static const struct shape text = {.type = SHAPE_STRING};
    const struct shape_member *member = member_of(structure, element);
    g_autofree char *name = xml_name(element);
    if (!member)
        return json_object_set_new(object, name, read_text(&text, element)) == 0;
    json_t *there = json_object_get(object, member->name);
    bool flat = member->flags & MEMBER_FLATTENED && member->shape->type == SHAPE_LIST;
    if (there && !flat)
        return error_set(error, ERROR_MALFORMED_XML,
                         "The XML you provided was not well-formed or did not validate against our "
                         "published schema: <%s> is there twice",
                         name);
    json_t *value = read_value(flat ? &member->shape->members[0] : member, element, error);
    if (!value)
        return false;
    if (!flat)
        return json_object_set_new(object, member->name, value) == 0;
    if (!there)
        json_object_set_new(object, member->name, there = json_array());
    return json_array_append_new(there, value) == 0;
}

/* "xsi:type", whatever prefix stands for that namespace. */
static void read_attributes(const struct shape *shape, const struct xml_element *element,
                            json_t *object)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        if (!(member->flags & MEMBER_ATTRIBUTE))
            continue;
        const char *colon = strchr(shape_wire_name(member), ':');
        g_autofree char *text = xml_attribute(element, colon + 1);
        json_put(object, member->name, text ? json_string(text) : NULL);
    }
}

static json_t *read_structure(const struct shape *shape, const struct xml_element *element,
                              GError **error)
{
    g_autoptr(json_auto) object = json_object();
    read_attributes(shape, element, object);
    for (const struct xml_element *child = element->children; child; child = child->next)
        if (!read_child(shape, child, object, error))
            return NULL;
    return g_steal_pointer(&object);
}

static bool fail_unexpected(const struct xml_element *list, const struct xml_element *child,
                            const char *name, GError **error)
{
    g_autofree char *holder = xml_name(list);
    g_autofree char *held = xml_name(child);
    return error_set(error, ERROR_MALFORMED_XML,
                     "The XML you provided was not well-formed or did not validate against our "
                     "published schema: <%.128s> holds <%.128s> where <%s> is expected",
                     holder, held, name);
}

static json_t *read_list(const struct shape *shape, const struct xml_element *element,
                         GError **error)
{
    const struct shape_member *item = &shape->members[0];
    const char *name = item->wire_name ? item->wire_name : "member";
    g_autoptr(json_auto) list = json_array();
    for (const struct xml_element *child = element->children; child; child = child->next) {
        if (!xml_is_named(child, name)) {
            fail_unexpected(element, child, name, error);
            return NULL;
        }
        json_t *value = read_value(item, child, error);
        if (!value)
            return NULL;
        json_array_append_new(list, value);
    }
    return g_steal_pointer(&list);
}

static json_t *read_map(const struct shape *shape, const struct xml_element *element,
                        GError **error)
{
    struct shape_member pair_members[2] = {shape->members[0], shape->members[1]};
    pair_members[0].name = "key";
    pair_members[1].name = "value";
    const struct shape pair = {.members = pair_members, .member_count = 2, .type = SHAPE_STRUCTURE};
    g_autoptr(json_auto) map = json_object();
    for (const struct xml_element *child = element->children; child; child = child->next) {
        g_autoptr(json_auto) entry = read_structure(&pair, child, error);
        if (!entry)
            return NULL;
        const char *key = json_string_value(json_object_get(entry, "key"));
        json_t *value = json_object_get(entry, "value");
        if (key && value)
            json_object_set(map, key, value);
    }
    return g_steal_pointer(&map);
}

/* No deeper than the tree is (XML_DEEPEST). */
static json_t *read_value(const struct shape_member *member, const struct xml_element *element,
                          GError **error)
{
    switch (member->shape->type) {
    case SHAPE_STRUCTURE:
        return read_structure(member->shape, element, error);
    case SHAPE_LIST:
        return read_list(member->shape, element, error);
    case SHAPE_MAP:
        return read_map(member->shape, element, error);
    default:
        return read_text(member->shape, element);
    }
}

json_t *xml_read(const struct shape *structure, const char *text, size_t size, GError **error)
{
    g_autoptr(xml_tree_auto) tree = xml_tree_read(text, size, error);
    return tree ? read_structure(structure, xml_tree_root(tree), error) : NULL;
}
