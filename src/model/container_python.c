#include "model/container_inside.h"

#include "parse/fail.h"
#include "parse/number.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool container_fail(const char *kind, const char *exception, struct lathe_error *error,
                    const char *format, ...)
{
    char words[360];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return fail(error, LATHE_INVALID_DATA,
                "Loading %s data failed with Exception, please ensure data is in %s format:\n "
                "<class '%s'>\n %s",
                kind, kind, exception, words);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* How many bytes a character of UTF-8 takes, 0 where it is none; *valid: how many of them fit. */
static size_t character(const unsigned char *at, size_t left, size_t *valid)
{
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    *valid = 1;
    if (size < 2 || at[0] > 0xF4)
        return at[0] > 0xF4 ? 0 : size;
    for (; *valid < size && *valid < left; ++*valid) {
        unsigned char low = 0x80, high = 0xBF;
        if (*valid == 1)
            low = at[0] == 0xE0 ? 0xA0 : at[0] == 0xF0 ? 0x90 : low;
        if (*valid == 1)
            high = at[0] == 0xED ? 0x9F : at[0] == 0xF4 ? 0x8F : high;
        if (at[*valid] < low || at[*valid] > high)
            return 0;
    }
    return *valid == size ? size : 0;
}

void container_strip(const char **text, size_t *size)
{
    while (*size && is_space((*text)[*size - 1]))
        --*size;
    while (*size && is_space(**text)) {
        ++*text;
        --*size;
    }
}

/* Where the first byte is that is not ASCII's, or shortly before. */
static size_t skip_ascii(const char *text, size_t at, size_t size)
{
    uint64_t block;
    for (; size - at >= sizeof block; at += sizeof block) {
        memcpy(&block, text + at, sizeof block);
        if (block & 0x8080808080808080)
            break;
    }
    return at;
}

bool container_decode(const char *kind, const char *text, size_t size, struct lathe_error *error)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t at = skip_ascii(text, 0, size); at < size;) {
        size_t valid, length = character(bytes + at, size - at, &valid);
        if (!length)
            return container_fail(kind, "UnicodeDecodeError", error,
                                  "'utf-8' codec can't decode byte 0x%02x in position %zu: %s",
                                  bytes[at], at,
                                  bytes[at] < 0xC2 || bytes[at] > 0xF4 ? "invalid start byte"
                                  : at + valid == size                 ? "unexpected end of data"
                                                       : "invalid continuation byte");
        at = length > 1 ? at + length : skip_ascii(text, at + 1, size);
    }
    return true;
}

/* ---- numbers ---- */

/* A blank of Unicode at the start: its bytes, or 0. */
static size_t blank(const char *text, size_t size)
{
    static const char *const blanks[] = {
        "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
        "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
        "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
        "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
    if (size && (is_space(*text) || (*text >= 0x1C && *text <= 0x1F)))
        return 1;
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
        if (size >= strlen(blanks[i]) && memcmp(text, blanks[i], strlen(blanks[i])) == 0)
            return strlen(blanks[i]);
    return 0;
}

/* numpy keeps no NULs at a text's end. */
static void strip(const char **text, size_t *size)
{
    size_t length;
    while (*size && !(*text)[*size - 1])
        --*size;
    while ((length = blank(*text, *size)) != 0) {
        *text += length;
        *size -= length;
    }
    for (length = 1; length <= 3 && length <= *size; length++)
        if (blank(*text + *size - length, length) == length) {
            *size -= length;
            length = 0;
        }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes underscores between digits out, into `out`; false where one stands elsewhere. */
static bool take_underscores(const char **text, size_t *size, char *out, size_t room)
{
    if (!memchr(*text, '_', *size))
        return true;
    size_t length = 0;
    for (size_t i = 0; i < *size; i++) {
        if ((*text)[i] != '_') {
            if (length == room)
                return false;
            out[length++] = (*text)[i];
        } else if (!i || i + 1 == *size || !is_digit((*text)[i - 1]) || !is_digit((*text)[i + 1])) {
            return false;
        }
    }
    *text = out;
    *size = length;
    return true;
}

static bool is_word(const char *text, size_t size, const char *word)
{
    if (size != strlen(word))
        return false;
    for (size_t i = 0; i < size; i++)
        if ((text[i] | 0x20) != word[i])
            return false;
    return true;
}

static size_t digits(const char *text, size_t size, size_t at)
{
    while (at < size && is_digit(text[at]))
        at++;
    return at;
}

/* digits[.digits][e[sign]digits], with a digit before or after the point. */
static bool is_decimal(const char *text, size_t size)
{
    size_t at = digits(text, size, 0), count = at;
    if (at < size && text[at] == '.') {
        size_t end = digits(text, size, at + 1);
        count += end - at - 1;
        at = end;
    }
    if (count && at < size && (text[at] | 0x20) == 'e') {
        at += at + 1 < size && (text[at + 1] == '+' || text[at + 1] == '-') ? 2 : 1;
        size_t end = digits(text, size, at);
        count = end > at;
        at = end;
    }
    return count && at == size;
}

bool python_float(const char *text, size_t size, double *value)
{
    char plain[1024];
    strip(&text, &size);
    if (!take_underscores(&text, &size, plain, sizeof plain) || !size)
        return false;
    bool sign = *text == '-' || *text == '+';
    const char *after = text + sign;
    size_t left = size - sign;
    if (is_word(after, left, "inf") || is_word(after, left, "infinity"))
        *value = *text == '-' ? -INFINITY : INFINITY;
    else if (is_word(after, left, "nan"))
        *value = NAN;
    else
        return is_decimal(after, left) &&
               number_parse(text + (*text == '+'), size - (*text == '+'), value);
    return true;
}

bool python_int(const char *text, size_t size, int64_t *value)
{
    char plain[64];
    strip(&text, &size);
    if (!take_underscores(&text, &size, plain, sizeof plain) || !size)
        return false;
    bool minus = *text == '-';
    size_t at = minus || *text == '+';
    if (at == size || digits(text, size, at) != size)
        return false;
    *value = 0;
    for (; at < size; at++)
        *value = *value < INT64_MAX / 10 - 9 ? *value * 10 + (text[at] - '0') : *value;
    if (minus)
        *value = -*value;
    return true;
}

/* ---- words ---- */

void python_repr(bool wraps, const char *text, size_t size, char *out, size_t room)
{
    while (size && !text[size - 1])
        size--;
    bool cut = size > 80;
    size = cut ? 80 : size;
    bool single = memchr(text, '\'', size) && !memchr(text, '"', size);
    char quote = single ? '"' : '\'', *end = out + room - 16, *at = out;
    at += sprintf(at, "%s%c", wraps ? "np.str_(" : "", quote);
    for (size_t i = 0; i < size && at < end; i++) {
        unsigned char c = (unsigned char)text[i];
        const char *escapes = "\tt\nn\rr\\\\", *escape = NULL;
        for (int k = 0; k < 8; k += 2)
            escape = escapes[k] == (char)c ? escapes + k + 1 : escape;
        if (escape || c == (unsigned char)quote)
            at += sprintf(at, "\\%c", escape ? *escape : quote);
        else if (c < 0x20 || c == 0x7F)
            at += sprintf(at, "\\x%02x", c);
        else if (size - i >= 3 && memcmp(text + i, "\xEF\xBB\xBF", 3) == 0)
            at += sprintf(at, "\\ufeff"), i += 2;
        else
            *at++ = (char)c;
    }
    sprintf(at, "%s%c%s", cut ? "..." : "", quote, wraps ? ")" : "");
}

bool container_check_finite(const struct xgboost_release *release, const char *kind, double value,
                            struct lathe_error *error)
{
    if (!release->refuses_infinities || isnan(value) || !isinf((float)value))
        return true;
    return container_fail(
        kind, "xgboost.core.XGBoostError", error,
        "Check failed: valid: Input data contains `inf` or %s",
        release->wraps_texts ? "a value too large, while `missing` is not set to `inf`" : "`nan`");
}

/* The container itself looks only at what it has unpickled, and lets a column be missing. */
static bool counts_right(const struct container_rows *rows, bool libsvm, size_t width)
{
    size_t features = rows->features;
    if (!rows->pickled)
        return true;
    return libsvm ? width <= features + 1 : width == features || width + 1 == features;
}

bool container_check_width(const struct container_rows *rows, const char *kind, size_t width,
                           struct lathe_error *error)
{
    bool libsvm = strcmp(kind, "libsvm") == 0;
    if (!counts_right(rows, libsvm, width))
        return fail(error, LATHE_MISFIT,
                    "Unable to evaluate payload provided: Feature size of %s inference data %zu is "
                    "%s feature size of trained model %zu.",
                    kind, width, libsvm ? "larger than" : "not consistent with", rows->features);
    if (width <= rows->features || !rows->release->refuses_wide_rows)
        return true;
    return fail(error, LATHE_MISFIT,
                "Unable to evaluate payload provided: Check failed: "
                "learner_model_param_.num_feature >= p_fmat->Info().num_col_ (%zu vs. %zu) : "
                "Number of columns does not match number of features in booster.",
                rows->features, width);
}
