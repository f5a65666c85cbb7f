#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

json_t *json_at(const json_t *value, const char *path)
{
    const json_t *at = value;
    while (*path && at) {
        if (*path == '[') {
            char *end;
            unsigned long index = strtoul(path + 1, &end, 10);
            at = json_array_get(at, index);
            path = *end == ']' ? end + 1 : end;
        } else {
            size_t length = strcspn(path, ".[");
            if (!path[length]) /* the last name, and most often the only one */
                return json_object_get(at, path);
            g_autofree char *name = g_strndup(path, length);
            at = json_object_get(at, name);
            path += length;
        }
        if (*path == '.')
            path++;
    }
    return (json_t *)at;
}

const char *json_text_at(const json_t *value, const char *path)
{
    return json_string_value(json_at(value, path));
}

gint64 json_integer_at(const json_t *value, const char *path, gint64 fallback)
{
    const json_t *at = json_at(value, path);
    if (json_is_integer(at))
        return json_integer_value(at);
    return json_is_real(at) ? (gint64)json_real_value(at) : fallback;
}

double json_number_at(const json_t *value, const char *path, double fallback)
{
    const json_t *at = json_at(value, path);
    return json_is_number(at) ? json_number_value(at) : fallback;
}

bool json_true_at(const json_t *value, const char *path)
{
    return json_is_true(json_at(value, path));
}

void json_put(json_t *object, const char *name, json_t *value)
{
    if (value)
        json_object_set_new(object, name, value);
}

void json_copy_members(json_t *object, const json_t *from, const char *const *names)
{
    for (; *names; names++) {
        json_t *value = json_object_get(from, *names);
        if (value)
            json_object_set(object, *names, value);
    }
}

char *json_text_of(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    char *copy = g_strdup(text);
    free(text);
    return copy;
}

/* What Jansson allocates for each, by measure of its structs and their first arrays. */
enum { OBJECT_SIZE = 256, ARRAY_SIZE = 128, VALUE_SIZE = 48, TEXT_SIZE = 96 };

/* The end of a text that begins at `at` with its quote; `end` where it has none. */
static const char *text_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\' && at + 1 < end;
    return at;
}

/* What the document's values would take, or more than JSON_MEMORY. Each begins with a mark or
 * stands behind one, so that marks are counted; what is not JSON is left to the parser. */
static size_t memory_of(const char *text, size_t size)
{
    size_t memory = VALUE_SIZE;
    const char *end = text + size;
    for (const char *at = text; at < end && memory <= JSON_MEMORY; at++) {
        if (*at == '{')
            memory += OBJECT_SIZE;
        else if (*at == '[')
            memory += ARRAY_SIZE;
        else if (*at == ',')
            memory += VALUE_SIZE;
        else if (*at == '"') {
            memory += TEXT_SIZE;
            at = text_end(at, end);
        }
    }
    return memory;
}

json_t *json_parse(const char *text, size_t size, const char *what, GError **error)
{
    if (memory_of(text, size) > JSON_MEMORY) {
        error_set(error, ERROR_ENTITY_TOO_LARGE,
                  "%s has more values than a document may have: they would take more than %zu MiB",
                  what, JSON_MEMORY >> 20);
        return NULL;
    }
    json_error_t cause;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &cause);
    if (!value)
        error_set(error, ERROR_SERIALIZATION, "%s is not JSON: line %d, column %d: %s", what,
                  cause.line, cause.column, cause.text);
    return value;
}

json_t *json_read_file(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize size;
    return g_file_get_contents(path, &text, &size, error) ? json_parse(text, size, path, error)
                                                          : NULL;
}
