#include "catalog/pattern.h"

#include <string.h>

#include "base/error.h"

static char *translate(const char *pattern)
{
    GString *text = g_string_new("^(?:");
    for (const char *at = pattern; *at; at++) {
        if (*at == '*' && (at == pattern || !strchr(".])\\", at[-1])))
            g_string_append_c(text, '.');
        g_string_append_c(text, *at);
    }
    return g_string_free(g_string_append(text, ")$"), FALSE);
}

GRegex *pattern_compile(const char *pattern, GError **error)
{
    g_autofree char *text = translate(pattern);
    g_autoptr(GError) cause = NULL;
    GRegex *regex = g_regex_new(text, G_REGEX_CASELESS | G_REGEX_DOLLAR_ENDONLY, 0, &cause);
    if (!regex)
        error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "Invalid expression '%s': %s", pattern,
                  cause->message);
    return regex;
}
