#include "catalog/partition_key.h"

#include <string.h>

#define ESCAPE '\2'

void partition_key_add(GString *key, const char *value)
{
    for (; *value; value++)
        if (*value == PARTITION_KEY_END || *value == ESCAPE) {
            g_string_append_c(key, ESCAPE);
            g_string_append_c(key, (char)(*value + 2));
        } else {
            g_string_append_c(key, *value);
        }
    g_string_append_c(key, PARTITION_KEY_END);
}

static char *unescape(const char *from, const char *end)
{
    char *value = g_malloc((size_t)(end - from) + 1), *to = value;
    for (; from < end; from++)
        *to++ = *from == ESCAPE ? (char)(*++from - 2) : *from;
    *to = '\0';
    return value;
}

char **partition_key_split(const char *key)
{
    GPtrArray *values = g_ptr_array_new();
    const char *end;
    for (; (end = strchr(key, PARTITION_KEY_END)); key = end + 1)
        g_ptr_array_add(values, unescape(key, end));
    g_ptr_array_add(values, NULL);
    return (char **)g_ptr_array_free(values, FALSE);
}

void partition_key_behind(char *prefix)
{
    prefix[strlen(prefix) - 1]++;
}
