#include "table/regex_java.h"

#include <string.h>

#include "base/error.h"

struct translation {
    const char *pattern;
    size_t size, at;
    bool in_set, set_begins;
    GString *out;
};

/* \p{Alpha} and such, where PCRE2 calls them otherwise. Within a set, without its brackets. */
static const struct {
    const char *name, *said;
} properties[] = {
    {"Alpha", "\\p{Alphabetic}"},
    {"Lower", "\\p{Lowercase}"},
    {"Upper", "\\p{Uppercase}"},
    {"Digit", "\\p{Nd}"},
    {"Alnum", "\\p{Alphabetic}\\p{Nd}"},
    {"Space", "\\p{White_Space}"},
    {"Punct", "\\p{P}"},
    {"Cntrl", "\\p{Cc}"},
    {"ASCII", "\\x00-\\x7f"},
    {"XDigit", "0-9a-fA-F"},
    {"Any", "\\x{0}-\\x{10ffff}"},
};

static bool put_known(struct translation *translation, const char *name, size_t size, bool negative)
{
    for (size_t i = 0; i < G_N_ELEMENTS(properties); i++) {
        if (strlen(properties[i].name) != size ||
            g_ascii_strncasecmp(properties[i].name, name, size) != 0)
            continue;
        if (translation->in_set && negative)
            return false;
        g_string_append(translation->out, translation->in_set ? "" : negative ? "[^" : "[");
        g_string_append(translation->out, properties[i].said);
        g_string_append(translation->out, translation->in_set ? "" : "]");
        return true;
    }
    return false;
}

static void put_property(struct translation *translation)
{
    const char *start = translation->pattern + translation->at;
    size_t left = translation->size - translation->at;
    const char *close = left > 3 && start[2] == '{' ? memchr(start, '}', left) : NULL;
    bool negative = start[1] == 'P' || (close && start[3] == '^');
    if (close && put_known(translation, start + 3 + (start[3] == '^'),
                           (size_t)(close - start - 3 - (start[3] == '^')), negative)) {
        translation->at += (size_t)(close - start) + 1;
        return;
    }
    g_string_append_len(translation->out, start, 2);
    translation->at += 2;
}

static bool is_hex(const char *digits, size_t count, size_t left)
{
    for (size_t i = 0; i < count; i++)
        if (i >= left || !g_ascii_isxdigit(digits[i]))
            return false;
    return true;
}

/* \Q...\E: as it stands. */
static void put_quoted(struct translation *translation)
{
    const char *start = translation->pattern + translation->at;
    size_t left = translation->size - translation->at;
    const char *end = g_strstr_len(start, (gssize)left, "\\E");
    size_t size = end ? (size_t)(end - start) + 2 : left;
    g_string_append_len(translation->out, start, (gssize)size);
    translation->at += size;
}

static void put_escape(struct translation *translation)
{
    const char *start = translation->pattern + translation->at;
    size_t left = translation->size - translation->at;
    char c = left > 1 ? start[1] : 0;
    if (c == 'p' || c == 'P') {
        put_property(translation);
    } else if (c == 'Q') {
        put_quoted(translation);
    } else if (c == 'u' && is_hex(start + 2, 4, left - 2)) {
        g_string_append_printf(translation->out, "\\x{%.4s}", start + 2);
        translation->at += 6;
    } else {
        size_t size = MIN(left, 2);
        g_string_append_len(translation->out, start, (gssize)size);
        translation->at += size;
    }
}

/* In a set: false where PCRE2 would understand something else. */
static bool put_in_set(struct translation *translation)
{
    const char *start = translation->pattern + translation->at;
    size_t left = translation->size - translation->at;
    bool posix = *start == '[' && left > 1 && start[1] == ':';
    const char *close = posix ? g_strstr_len(start, (gssize)left, ":]") : NULL;
    if ((*start == '[' && !close) || (left > 1 && start[0] == '&' && start[1] == '&'))
        return false;
    size_t size = close ? (size_t)(close - start) + 2 : 1;
    g_string_append_len(translation->out, start, (gssize)size);
    translation->at += size;
    if (*start == ']' && !translation->set_begins)
        translation->in_set = false;
    translation->set_begins = translation->set_begins && *start == '^';
    return true;
}

GString *regex_from_java(const char *pattern, size_t size, GError **error)
{
    struct translation translation = {pattern, size, 0, false, false, g_string_sized_new(size)};
    while (translation.at < size) {
        char c = pattern[translation.at];
        if (c == '\\') {
            put_escape(&translation);
            translation.set_begins = false;
        } else if (translation.in_set) {
            if (!put_in_set(&translation)) {
                error_set(error, ERROR_VALIDATION,
                          "sets within sets and intersections of sets are not supported in regular "
                          "expressions: %.*s",
                          (int)MIN(size, 500), pattern);
                g_string_free(translation.out, TRUE);
                return NULL;
            }
        } else {
            translation.in_set = translation.set_begins = c == '[';
            g_string_append_c(translation.out, c);
            translation.at++;
        }
    }
    return translation.out;
}
