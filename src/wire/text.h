/* text.h: scalars as text: in a URI, a query, a header, an XML element. */
#ifndef LATHE_WIRE_TEXT_H
#define LATHE_WIRE_TEXT_H

#include "base/json.h"
#include "operation/shape.h"

/* The value in the form that operations see. Text that is not of the shape's type stays a string:
 * validation words the refusal. NULL: the text is not UTF-8. */
json_t *text_decode(const struct shape *shape, const char *text);

/* The other way; a timestamp in the member's form, else in `time`. g_free. */
char *text_encode(const struct shape_member *member, const json_t *value, enum member_time time);

#endif
