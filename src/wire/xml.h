/* xml.h: values to XML and back, by their shapes: S3's bodies, and the query protocol's replies. */
#ifndef LATHE_WIRE_XML_H
#define LATHE_WIRE_XML_H

#include "base/json.h"
#include "operation/shape.h"

/* Appends text with what XML reserves escaped; control characters as references, as S3 does. */
void xml_append_text(GString *out, const char *text, size_t length);
/* <name>text</name> */
void xml_append_element(GString *out, const char *name, const char *text);

/* Appends a structure's members that belong into the body, as elements; absent ones are left out.
 * member: <name>...</name> of one member's value. */
void xml_append_members(GString *out, const struct shape *structure, const json_t *value);
void xml_append_member(GString *out, const struct shape_member *member, const json_t *value);

/* Reads a document's root element into a structure of this shape. Elements that the shape does not
 * know come along under their names, for validation to refuse. What
 * is refused (ERROR_MALFORMED_XML) xml_tree.h says. */
json_t *xml_read(const struct shape *structure, const char *text, size_t size, GError **error);

#endif
