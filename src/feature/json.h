/* json.h: JSON as a small tree, for specifications and bundles (a model.json is small; tables of
 * trees are read as a stream elsewhere), and a writer. */
#ifndef LATHE_FEATURE_JSON_H
#define LATHE_FEATURE_JSON_H

#include "lathe.h"
#include "parse/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_LARGEST = 32 << 20 }; /* bytes of one document */

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    bool truth;
    bool whole;      /* NUMBER: written without a fraction or exponent */
    const char *key; /* in an object: terminated, without NUL inside */
    size_t size;     /* STRING: bytes; ARRAY and OBJECT: elements */
    union {
        const char *string; /* STRING: terminated; may have NUL inside */
        double number;
        struct json *first; /* ARRAY and OBJECT */
    };
    struct json *next;
};

/* Reads a whole document into the arena; NULL with the reader's error (line and byte). A key that
 * stands twice in an object is an error. */
struct json *json_read(struct arena *arena, const char *bytes, size_t size,
                       struct lathe_error *error);

/* The member of an object (NULL or another kind has none), or NULL. */
const struct json *json_member(const struct json *object, const char *key);

/* "a text", "a number" ...: for errors. */
const char *json_kind_text(const struct json *json);

/* ---- writing ---- */

/* Zero it first. The caller frees bytes. After failed (no memory) nothing more is written. */
struct json_out {
    char *bytes;
    size_t size, capacity;
    bool failed, comma;
};

/* Keys are NULL in arrays and at the top. */
void out_open(struct json_out *out, const char *key, char bracket);
void out_close(struct json_out *out, char bracket);
void out_text(struct json_out *out, const char *key, const char *text, size_t size);
void out_bool(struct json_out *out, const char *key, bool truth);
void out_integer(struct json_out *out, const char *key, int64_t number);

/* The shortest digits that read back to the same double; null for NaN and infinities, which MLeap
 * reads back as NaN. */
void out_number(struct json_out *out, const char *key, double number);

#endif
