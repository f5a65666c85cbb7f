/* constraint.h: a scalar's constraints (enumeration, length, range, pattern) and AWS's sentence for
 * each. Inside src/operation only. */
#ifndef LATHE_OPERATION_CONSTRAINT_H
#define LATHE_OPERATION_CONSTRAINT_H

#include "operation/validate.h"

enum constraint {
    CONSTRAINT_ENUM,
    CONSTRAINT_MAX,
    CONSTRAINT_MIN,
    CONSTRAINT_PATTERN,
    CONSTRAINTS
};

/* Whether value, whose JSON type is right, breaks a constraint of its shape. For lists and maps the
 * length is their size. */
bool constraint_broken(struct patterns *patterns, const struct shape *shape,
                       enum constraint constraint, const json_t *value);
/* Whether the shape has it at all. */
bool constraint_stated(const struct shape *shape, enum constraint constraint);
/* "Member must have length less than or equal to 63" */
void constraint_say(GString *text, const struct shape *shape, enum constraint constraint);

/* Whether text is base64, padding included; *size is that of what it stands for. */
/* The size alone, of one that is valid. */
size_t base64_size(const char *text, size_t length);
bool base64_is_valid(const char *text, size_t length, size_t *size);

#endif
