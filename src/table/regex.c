#include "table/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "base/error.h"
#include "table/regex_java.h"

struct regex {
    pcre2_code *code;
    pcre2_match_context *limits;
    uint32_t groups;
};

struct regex_match {
    pcre2_match_data *data;
    int count;
};

/* More would take seconds on one text. */
enum { MATCH_LIMIT = 20000000, DEPTH_LIMIT = 100000, HEAP_KIBIBYTES = 65536 };

/* The name in the braces before the place of the error. */
static bool fail_property(const char *pattern, size_t place, GError **error)
{
    size_t start = place, end = place;
    while (start > 0 && pattern[start - 1] != '{')
        start--;
    while (end > start && pattern[end - 1] == '}')
        end--;
    return error_set(error, ERROR_VALIDATION, "invalid character property name <%.*s>",
                     (int)(end - start), pattern + start);
}

static bool fail_pattern(int code, const char *pattern, size_t place, GError **error)
{
    switch (code) {
    case PCRE2_ERROR_MALFORMED_UNICODE_PROPERTY:
    case PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY:
        return fail_property(pattern, place, error);
    case PCRE2_ERROR_INVALID_AFTER_PARENS_QUERY:
        return error_set(error, ERROR_VALIDATION, "undefined group option");
    case PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS:
        return error_set(error, ERROR_VALIDATION, "end pattern with unmatched parenthesis");
    case PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS:
        return error_set(error, ERROR_VALIDATION, "unmatched close parenthesis");
    case PCRE2_ERROR_MISSING_SQUARE_BRACKET:
        return error_set(error, ERROR_VALIDATION, "premature end of char-class");
    case PCRE2_ERROR_QUANTIFIER_INVALID:
        return error_set(error, ERROR_VALIDATION, "target of repeat operator is not specified");
    case PCRE2_ERROR_END_BACKSLASH:
        return error_set(error, ERROR_VALIDATION, "end pattern at escape");
    }
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(code, text, sizeof text);
    return error_set(error, ERROR_VALIDATION, "%s", (char *)text);
}

struct regex *regex_new(const char *pattern, size_t size, GError **error)
{
    int code;
    PCRE2_SIZE place;
    uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
    g_autoptr(GString) said = regex_from_java(pattern, size, error);
    if (!said)
        return NULL;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)said->str, said->len, options, &code, &place, NULL);
    if (!compiled) {
        fail_pattern(code, said->str, place, error);
        return NULL;
    }
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    struct regex *regex = g_new0(struct regex, 1);
    regex->code = compiled;
    regex->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(regex->limits, HEAP_KIBIBYTES);
    pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, &regex->groups);
    return regex;
}

void regex_free(struct regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    pcre2_match_context_free(regex->limits);
    g_free(regex);
}

unsigned regex_groups(const struct regex *regex)
{
    return regex->groups;
}

unsigned regex_group_named(const struct regex *regex, const char *name, size_t size)
{
    g_autofree char *terminated = g_strndup(name, size);
    int number = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)terminated);
    return number > 0 ? (unsigned)number : 0;
}

struct regex_match *regex_match_new(const struct regex *regex)
{
    struct regex_match *match = g_new0(struct regex_match, 1);
    match->data = pcre2_match_data_create_from_pattern(regex->code, NULL);
    return match;
}

void regex_match_free(struct regex_match *match)
{
    if (!match)
        return;
    pcre2_match_data_free(match->data);
    g_free(match);
}

bool regex_find(const struct regex *regex, struct regex_match *match, const char *text, size_t size,
                size_t from, bool anchored, bool *found, GError **error)
{
    match->count = pcre2_match(regex->code, (PCRE2_SPTR)text, size, from,
                               anchored ? PCRE2_ANCHORED : 0, match->data, regex->limits);
    *found = match->count > 0;
    if (match->count > 0 || match->count == PCRE2_ERROR_NOMATCH)
        return true;
    PCRE2_UCHAR why[256];
    pcre2_get_error_message(match->count, why, sizeof why);
    return error_set(error, ERROR_VALIDATION, "regular expression matching failed: %s",
                     (char *)why);
}

bool regex_group(const struct regex_match *match, unsigned group, size_t *start, size_t *end)
{
    const PCRE2_SIZE *places = pcre2_get_ovector_pointer(match->data);
    if (match->count <= (int)group || places[2 * group] == PCRE2_UNSET)
        return false;
    *start = places[2 * group];
    *end = places[2 * group + 1];
    return true;
}
