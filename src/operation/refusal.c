#include "operation/refusal.h"

#include <string.h>

static bool is_allowed(const json_t *value, const char *allowed)
{
    if (!allowed)
        return false;
    g_autofree char *text =
        json_is_string(value) ? g_strdup(json_string_value(value)) : json_text_of(value);
    g_auto(GStrv) words = g_strsplit(allowed, "|", -1);
    return g_strv_contains((const char *const *)words, text);
}

static bool asks(const json_t *value, const char *allowed)
{
    if (json_is_array(value))
        return json_array_size(value) > 0;
    if (json_is_object(value))
        return json_object_size(value) > 0;
    return value && !json_is_null(value) && !json_is_false(value) && !is_allowed(value, allowed);
}

/* What the path leads to and asks for something, or NULL. */
static const json_t *asked_at(const json_t *value, const char *path, const char *allowed)
{
    if (!*path)
        return asks(value, allowed) ? value : NULL;
    const json_t *found = NULL, *element;
    const char *key;
    size_t i;
    if (g_str_has_prefix(path, "[]")) {
        json_array_foreach((json_t *)value, i, element)
        {
            if (!found)
                found = asked_at(element, path + 2, allowed);
        }
    } else if (g_str_has_prefix(path, "{}")) {
        json_object_foreach((json_t *)value, key, element)
        {
            if (!found)
                found = asked_at(element, path + 2, allowed);
        }
    } else {
        path += *path == '.';
        size_t length = strcspn(path, ".[{");
        g_autofree char *name = g_strndup(path, length);
        json_t *member = json_object_get(value, name);
        found = member ? asked_at(member, path + length, allowed) : NULL;
    }
    return found;
}

static bool refuse(const struct shape_operation *operation, const struct shape_refusal *refusal,
                   const json_t *value, enum error_code code, GError **error)
{
    if (!refusal->allowed)
        return error_set(error, code, "%s: %s is not supported: %s.", operation->name,
                         refusal->path, refusal->words);
    g_autofree char *text =
        json_is_string(value) ? g_strdup(json_string_value(value)) : json_text_of(value);
    g_auto(GStrv) words = g_strsplit(refusal->allowed, "|", -1);
    g_autofree char *choice = g_strjoinv(" or ", words);
    return error_set(error, code, "%s: %s %.64s is not supported, only %s: %s.", operation->name,
                     refusal->path, text, choice, refusal->words);
}

bool refusals_check(const struct shape_operation *operation, const json_t *request,
                    enum error_code code, GError **error)
{
    for (size_t i = 0; i < operation->refusal_count; i++) {
        const struct shape_refusal *refusal = &operation->refusals[i];
        const json_t *value = asked_at(request, refusal->path, refusal->allowed);
        if (value)
            return refuse(operation, refusal, value, code, error);
    }
    return true;
}
