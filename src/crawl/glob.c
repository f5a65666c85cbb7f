#include "crawl/glob.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"

/* A class: up to its bracket. Returns where it ends; NULL where it does not. */
static const char *add_class(GString *text, const char *at)
{
    const char *end = strchr(at + 1, ']');
    if (!end)
        return NULL;
    g_string_append_c(text, '[');
    at++;
    if (*at == '!' || *at == '^') {
        g_string_append_c(text, '^');
        at++;
    }
    for (; at < end; at++) {
        if (strchr("\\[^&", *at))
            g_string_append_c(text, '\\');
        g_string_append_c(text, *at);
    }
    g_string_append(text, "]");
    return end;
}

static const char *add_star(GString *text, const char *at)
{
    bool folders = at[1] == '*';
    g_string_append(text, folders ? ".*" : "[^/]*");
    return at + folders;
}

static void add_plain(GString *text, char c)
{
    if (!g_ascii_isalnum(c) && !(c & 0x80))
        g_string_append_c(text, '\\');
    g_string_append_c(text, c);
}

/* One element; returns its last character, or NULL. */
static const char *add_element(GString *text, const char *at, unsigned *groups)
{
    switch (*at) {
    case '*':
        return add_star(text, at);
    case '?':
        g_string_append(text, "[^/]");
        return at;
    case '[':
        return add_class(text, at);
    case '{':
        ++*groups;
        g_string_append(text, "(?:");
        return at;
    case '\\':
        at += at[1] != '\0';
        add_plain(text, *at);
        return at;
    default:
        break;
    }
    if (*groups && (*at == ',' || *at == '}')) {
        g_string_append_c(text, *at == ',' ? '|' : ')');
        *groups -= *at == '}';
    } else {
        add_plain(text, *at);
    }
    return at;
}

GRegex *glob_compile(const char *pattern, GError **error)
{
    g_autoptr(GString) text = g_string_new("^");
    unsigned groups = 0;
    const char *at = pattern;
    while (at && *at) {
        at = add_element(text, at, &groups);
        at = at ? at + 1 : NULL;
    }
    g_string_append_c(text, '$');
    GRegex *regex =
        at && !groups
            ? g_regex_new(text->str,
                          G_REGEX_RAW | G_REGEX_DOLLAR_ENDONLY | G_REGEX_DOTALL | G_REGEX_OPTIMIZE,
                          0, NULL)
            : NULL;
    if (!regex)
        error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                  "Exclusions: the pattern %s is none: a class or a group in it has no end.",
                  pattern);
    return regex;
}
