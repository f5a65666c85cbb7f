#include "operation/constraint.h"

#include <pthread.h>
#include <string.h>

struct patterns {
    pthread_mutex_t lock;
    GHashTable *compiled; /* by the address of the pattern's text, which is in a table */
};

struct patterns *patterns_new(void)
{
    struct patterns *patterns = g_new0(struct patterns, 1);
    pthread_mutex_init(&patterns->lock, NULL);
    patterns->compiled = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_regex_unref);
    return patterns;
}

void patterns_free(struct patterns *patterns)
{
    if (!patterns)
        return;
    g_hash_table_unref(patterns->compiled);
    pthread_mutex_destroy(&patterns->lock);
    g_free(patterns);
}

static bool pattern_matches(struct patterns *patterns, const char *pattern, const json_t *value)
{
    pthread_mutex_lock(&patterns->lock);
    GRegex *regex = g_hash_table_lookup(patterns->compiled, pattern);
    if (!regex) {
        /* shapes.py has compiled it with this library: it cannot fail here. */
        regex = g_regex_new(pattern, 0, 0, NULL);
        g_hash_table_insert(patterns->compiled, (gpointer)pattern, regex);
    }
    pthread_mutex_unlock(&patterns->lock);
    /* Backtracking beyond the library's limit counts as no match. */
    return g_regex_match_full(regex, json_string_value(value), (gssize)json_string_length(value), 0,
                              0, NULL, NULL);
}

static bool is_base64(char c)
{
    return g_ascii_isalnum(c) || c == '+' || c == '/';
}

static size_t padding_of(const char *text, size_t length)
{
    size_t padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    return padding;
}

size_t base64_size(const char *text, size_t length)
{
    return length / 4 * 3 - padding_of(text, length);
}

bool base64_is_valid(const char *text, size_t length, size_t *size)
{
    size_t padding = padding_of(text, length);
    for (size_t i = 0; i < length - padding; i++)
        if (!is_base64(text[i]))
            return false;
    *size = base64_size(text, length);
    return length % 4 == 0;
}

static bool is_number(const struct shape *shape)
{
    return shape->type >= SHAPE_INTEGER && shape->type <= SHAPE_DOUBLE;
}

/* What min and max bound: the number itself, characters, bytes, elements. */
static double measure(const struct shape *shape, const json_t *value)
{
    switch (shape->type) {
    case SHAPE_STRING:
        return (double)g_utf8_strlen(json_string_value(value), (gssize)json_string_length(value));
    case SHAPE_BLOB:
        return (double)base64_size(json_string_value(value), json_string_length(value));
    case SHAPE_LIST:
        return (double)json_array_size(value);
    case SHAPE_MAP:
        return (double)json_object_size(value);
    default:
        return json_number_value(value);
    }
}

bool constraint_stated(const struct shape *shape, enum constraint constraint)
{
    switch (constraint) {
    case CONSTRAINT_ENUM:
        return shape->values != NULL;
    case CONSTRAINT_MAX:
        return shape->flags & SHAPE_MAX;
    case CONSTRAINT_MIN:
        return shape->flags & SHAPE_MIN;
    default:
        return shape->pattern != NULL;
    }
}

static bool in_enumeration(const struct shape *shape, const char *text)
{
    for (size_t i = 0; i < shape->value_count; i++)
        if (strcmp(shape->values[i], text) == 0)
            return true;
    return false;
}

bool constraint_broken(struct patterns *patterns, const struct shape *shape,
                       enum constraint constraint, const json_t *value)
{
    if (!constraint_stated(shape, constraint))
        return false;
    switch (constraint) {
    case CONSTRAINT_ENUM:
        return !in_enumeration(shape, json_string_value(value));
    case CONSTRAINT_MAX:
        return measure(shape, value) > shape->max;
    case CONSTRAINT_MIN:
        return measure(shape, value) < shape->min;
    default:
        return patterns && !pattern_matches(patterns, shape->pattern, value);
    }
}

void constraint_say(GString *text, const struct shape *shape, enum constraint constraint)
{
    const char *what = is_number(shape) ? "value" : "length";
    switch (constraint) {
    case CONSTRAINT_ENUM:
        g_string_append(text, "Member must satisfy enum value set: [");
        for (size_t i = 0; i < shape->value_count; i++)
            g_string_append_printf(text, "%s%s", i ? ", " : "", shape->values[i]);
        g_string_append_c(text, ']');
        break;
    case CONSTRAINT_MAX:
        g_string_append_printf(text, "Member must have %s less than or equal to %.15g", what,
                               shape->max);
        break;
    case CONSTRAINT_MIN:
        g_string_append_printf(text, "Member must have %s greater than or equal to %.15g", what,
                               shape->min);
        break;
    default:
        g_string_append_printf(text, "Member must satisfy regular expression pattern: %s",
                               shape->pattern_text);
    }
}
