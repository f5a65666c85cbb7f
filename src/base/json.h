/* json.h: what Jansson lacks for us: members by name without a chain of casts, and paths such as
 * OutputDataConfig.S3OutputPath. */
#ifndef LATHE_BASE_JSON_H
#define LATHE_BASE_JSON_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef json_t json_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_auto, json_decref)

/* The value at a path of names and [indices] below value ("A.B[0].C"), or NULL; borrowed. */
json_t *json_at(const json_t *value, const char *path);

/* The value at a path where it is of that type, else the default (NULL, fallback). Borrowed. */
const char *json_text_at(const json_t *value, const char *path);
gint64 json_integer_at(const json_t *value, const char *path, gint64 fallback);
double json_number_at(const json_t *value, const char *path, double fallback);
bool json_true_at(const json_t *value, const char *path);

/* Sets a member unless value is NULL; takes value. */
void json_put(json_t *object, const char *name, json_t *value);
/* Copies the named members that `from` has, in order; names end with NULL. */
void json_copy_members(json_t *object, const json_t *from, const char *const *names);

/* Compact text, g_free it. */
char *json_text_of(const json_t *value);

/* What the values of one document may take in memory, beside the bytes of its texts. An object
 * takes some 75 times the three bytes that write it. */
#define JSON_MEMORY ((size_t)32 << 20)

/* Reads JSON text; an error names what, line and column. A document whose values would take more
 * than JSON_MEMORY is refused before they are made (ERROR_ENTITY_TOO_LARGE). */
json_t *json_parse(const char *text, size_t size, const char *what, GError **error);
/* The same of a file's text. */
json_t *json_read_file(const char *path, GError **error);

#endif
