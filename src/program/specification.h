/* specification.h: the YAML or JSON file that tells a C runtime what to do. */
#ifndef LATHE_PROGRAM_SPECIFICATION_H
#define LATHE_PROGRAM_SPECIFICATION_H

#include "base/json.h"

enum specification_type {
    SPECIFICATION_TEXT,
    SPECIFICATION_TEXTS, /* a list */
    SPECIFICATION_NUMBER,
    SPECIFICATION_COUNT, /* a whole number from 0 on */
    SPECIFICATION_BOOLEAN,
    SPECIFICATION_LIST,
    SPECIFICATION_OBJECT,
};

/* A member that a specification may have. */
struct specification_member {
    const char *name;
    enum specification_type type;
};

/* Reads the one .yaml, .yml or .json file of processing/input/config below the job's folder. Where
 * there is none: an error if it is needed, else an empty object. *name (may be NULL): the file's,
 * for errors; g_free. */
json_t *specification_read(const char *folder, bool needed, char **name, GError **error);

/* Whether the object has only members that are known, each of its type. what begins errors; a NULL
 * object is one without members. */
bool specification_check(const json_t *object, const char *what,
                         const struct specification_member *members, size_t count, GError **error);

#endif
