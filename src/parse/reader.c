#include "parse/reader.h"

#include "parse/block.h"
#include "parse/number.h"
#include "parse/reader_inside.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reader_open(struct reader *reader, enum reader_form form, const void *bytes, size_t size,
                 struct lathe_error *error)
{
    reader->event = READER_NULL;
    reader->text = NULL;
    reader->size = 0;
    reader->escaped = reader->words = reader->narrow = false;
    reader->form = form;
    reader->start = reader->next = bytes ? bytes : ""; /* no arithmetic on NULL */
    reader->end = reader->start + size;
    reader->error = error;
    reader->value_due = true;
    reader->depth = 0;
}

bool reader_fail(struct reader *reader, const char *format, ...)
{
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    size_t offset = (size_t)(reader->next - reader->start);
    reader->event = READER_FAILED;
    if (reader->form == READER_UBJSON)
        return fail(reader->error, LATHE_INVALID_DATA, "UBJSON, at byte %zu: %s", offset, text);
    size_t line = 1;
    for (const unsigned char *at = reader->start; at < reader->next; at++)
        line += *at == '\n';
    return fail(reader->error, LATHE_INVALID_DATA, "JSON, at byte %zu (line %zu): %s", offset, line,
                text);
}

bool reader_push(struct reader *reader, bool object)
{
    if (reader->depth == READER_DEPTH)
        return reader_fail(reader, "more than %d containers inside each other", READER_DEPTH);
    reader->stack[reader->depth++] = (struct reader_frame){.object = object, .first = true};
    reader->event = object ? READER_OBJECT : READER_ARRAY;
    return true;
}

void reader_pop(struct reader *reader)
{
    reader->event = reader->stack[--reader->depth].object ? READER_OBJECT_END : READER_ARRAY_END;
}

/* ---- numbers ---- */

enum { LONGEST_NUMBER = 1000 };

/* Writes a decimal number without its point, the exponent lowered instead, so that the C
 * library reads it the same in every locale. out has room for LONGEST_NUMBER + 32. */
static void without_point(const char *text, size_t size, char *out)
{
    size_t length = 0, i = 0;
    long fraction = 0, exponent = 0;
    for (bool point = false; i < size && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        out[length++] = text[i];
        fraction += point;
    }
    bool negative = i + 1 < size && text[i + 1] == '-';
    for (i++; i < size; i++)
        /* beyond 100000 every double is long 0 or infinite: stop there, before it overflows */
        if (text[i] >= '0' && text[i] <= '9' && exponent < 100000)
            exponent = exponent * 10 + (text[i] - '0');
    snprintf(out + length, 24, "e%ld", (negative ? -exponent : exponent) - fraction);
}

static bool word(struct reader *reader, const unsigned char *end, const char *name, double value)
{
    size_t size = strlen(name);
    if ((size_t)(end - reader->next) < size || memcmp(reader->next, name, size) != 0)
        return false;
    reader->text = (const char *)reader->next;
    reader->size = size;
    reader->next += size;
    reader->number = value;
    reader->is_integer = false;
    reader->event = READER_NUMBER;
    return true;
}

static bool json_word(struct reader *reader, const unsigned char *end)
{
    return reader->words && (word(reader, end, "NaN", (double)NAN) ||
                             word(reader, end, "Infinity", (double)INFINITY) ||
                             word(reader, end, "-Infinity", -(double)INFINITY));
}

static inline bool is_digit(unsigned char c)
{
    return (unsigned)c - '0' < 10;
}

/* What the text of a number says: sign, digits and power of ten. */
struct decimal {
    uint64_t digits; /* right where there are at most 19 */
    int64_t count;   /* of digits, leading zeros too */
    int64_t power;
    bool negative, whole;
};

/* Takes digits at `at`; returns where they end. */
static const unsigned char *take_digits(const unsigned char *at, const unsigned char *end,
                                        struct decimal *decimal)
{
    const unsigned char *first = at;
    uint64_t digits = decimal->digits;
    for (; at < end && is_digit(*at); at++)
        digits = digits * 10 + (*at - '0');
    decimal->digits = digits;
    decimal->count += at - first;
    return at;
}

/* Walks JSON's number grammar; NULL where it is broken. */
static const unsigned char *take_number(const unsigned char *at, const unsigned char *end,
                                        struct decimal *decimal)
{
    decimal->negative = at < end && *at == '-';
    at += decimal->negative;
    const unsigned char *digits = at;
    at = take_digits(at, end, decimal);
    if (at == digits || (*digits == '0' && at - digits > 1))
        return NULL;
    if (at < end && *at == '.') {
        const unsigned char *fraction = ++at;
        at = take_digits(at, end, decimal);
        if (at == fraction)
            return NULL;
        decimal->power = -(at - fraction);
        decimal->whole = false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool negative = at < end && *at == '-';
        at += at < end && (*at == '-' || *at == '+');
        const unsigned char *first = at;
        int64_t power = 0;
        for (; at < end && is_digit(*at); at++)
            power = power > 100000 ? power : power * 10 + (*at - '0');
        if (at == first)
            return NULL;
        decimal->power += negative ? -power : power;
        decimal->whole = false;
    }
    return at;
}

/* The value where digits and power of ten are both exact doubles. False where they are not. */
static bool exact_value(const struct decimal *decimal, double *value)
{
    if (decimal->count > 19 || decimal->digits > (uint64_t)1 << 53 ||
        decimal->power < -NUMBER_EXACT_POWER || decimal->power > NUMBER_EXACT_POWER)
        return false;
    double magnitude = number_scaled((double)decimal->digits, (int)decimal->power);
    *value = decimal->negative ? -magnitude : magnitude;
    return true;
}

bool reader_decimal(struct reader *reader, const unsigned char *end)
{
    struct decimal decimal = {.whole = true};
    const unsigned char *at = take_number(reader->next, end, &decimal);
    if (!at)
        return json_word(reader, end) || reader_fail(reader, "a malformed number");
    reader->text = (const char *)reader->next;
    reader->size = (size_t)(at - reader->next);
    if (reader->size > LONGEST_NUMBER)
        return reader_fail(reader, "a number of more than %d characters", LONGEST_NUMBER);
    reader->next = at;
    reader->event = READER_NUMBER;

    uint64_t digits = decimal.digits;
    bool fits = decimal.count <= 19 && digits <= (uint64_t)INT64_MAX + decimal.negative;
    reader->is_integer = decimal.whole && fits;
    if (reader->is_integer)
        reader->integer = decimal.negative ? (int64_t)(0 - digits) : (int64_t)digits;
    if (!exact_value(&decimal, &reader->number))
        number_parse(reader->text, reader->size, &reader->number);
    return true;
}

float reader_float(const struct reader *reader)
{
    double value = reader->number;
    if (reader->form == READER_UBJSON || !isfinite(value) || !reader_rounds_twice(value))
        return (float)value;
    char copy[LONGEST_NUMBER + 32];
    without_point(reader->text, reader->size, copy);
    return strtof(copy, NULL);
}

/* ---- JSON ---- */

static inline void skip_blanks(struct reader *reader)
{
    const unsigned char *at = reader->next;
    while (at < reader->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    reader->next = at;
}

static bool json_literal(struct reader *reader, const char *literal, enum reader_event event)
{
    size_t size = strlen(literal);
    if (reader_left(reader) < size || memcmp(reader->next, literal, size) != 0)
        return reader_fail(reader, "'%c' where a value begins", *reader->next);
    reader->next += size;
    reader->event = event;
    reader->truth = *literal == 't';
    return true;
}

static bool json_value(struct reader *reader)
{
    reader->value_due = false;
    switch (*reader->next) {
    case '{':
    case '[':
        return reader_push(reader, *reader->next++ == '{');
    case '"':
        reader->event = READER_STRING;
        return reader_json_text(reader);
    case 't':
        return json_literal(reader, "true", READER_BOOL);
    case 'f':
        return json_literal(reader, "false", READER_BOOL);
    case 'n':
        return json_literal(reader, "null", READER_NULL);
    default:
        return reader_decimal(reader, reader->end);
    }
}

static bool json_key(struct reader *reader)
{
    if (*reader->next != '"')
        return reader_fail(reader, "a key (a string) or the end of the object was expected");
    if (!reader_json_text(reader))
        return false;
    skip_blanks(reader);
    if (reader->next == reader->end || *reader->next != ':')
        return reader_fail(reader, "':' was expected after a key");
    reader->next++;
    reader->value_due = true;
    reader->event = READER_KEY;
    return true;
}

static bool json_next(struct reader *reader)
{
    struct reader_frame *top = reader_top(reader);
    skip_blanks(reader);
    if (!top && !reader->value_due) {
        reader->event = READER_END;
        return reader->next == reader->end || reader_fail(reader, "text after the document");
    }
    if (reader->next == reader->end)
        return reader_fail(reader, "the text ends too early");
    if (reader->value_due)
        return json_value(reader);
    if (*reader->next == (top->object ? '}' : ']')) {
        reader->next++;
        reader_pop(reader);
        return true;
    }
    if (!top->first) {
        if (*reader->next != ',')
            return reader_fail(reader, "',' or '%c' was expected", top->object ? '}' : ']');
        reader->next++;
        skip_blanks(reader);
        if (reader->next == reader->end)
            return reader_fail(reader, "the text ends too early");
    }
    top->first = false;
    return top->object ? json_key(reader) : json_value(reader);
}

/* The first bracket or quote; '[' and ']' are '{' and '}' without bit 5. */
static const unsigned char *find_bracket(const unsigned char *at, const unsigned char *end)
{
    for (; end - at >= BLOCK_SIZE; at += BLOCK_SIZE) {
        uint64_t found =
            block_equal(at, 0x20, '{') | block_equal(at, 0x20, '}') | block_equal(at, 0, '"');
        if (found)
            return at + block_first(found);
    }
    while (at < end && *at != '"' && (*at | 0x20) != '{' && (*at | 0x20) != '}')
        at++;
    return at;
}

/* Passes over the rest of the innermost container. */
static bool json_skip_rest(struct reader *reader)
{
    size_t depth = 1;
    const unsigned char *at = reader->next;
    while (depth) {
        reader->next = at = find_bracket(at, reader->end);
        if (at == reader->end)
            return reader_fail(reader, "the text ends too early");
        if (*at == '"') {
            if (!reader_json_text(reader))
                return false;
            at = reader->next;
            continue;
        }
        depth += (*at | 0x20) == '{' ? 1 : (size_t)-1;
        if (depth > READER_DEPTH)
            return reader_fail(reader, "more than %d containers inside each other", READER_DEPTH);
        at++;
    }
    reader->next = at;
    bool object = at[-1] == '}';
    if (object != reader_top(reader)->object)
        return reader_fail(reader, "brackets that do not match");
    reader_pop(reader);
    return true;
}

/* ---- both forms ---- */

enum reader_event reader_next(struct reader *reader)
{
    if (reader->event != READER_FAILED) {
        bool good = reader->form == READER_JSON ? json_next(reader) : ubjson_next(reader);
        if (!good)
            reader->event = READER_FAILED;
    }
    return reader->event;
}

bool reader_expect(struct reader *reader, enum reader_event event, const char *what)
{
    static const char *const names[] = {
        "failure", "the end",  "an object", "the end of an object", "a list", "the end of a list",
        "a key",   "a string", "a number",  "true or false",        "null"};
    enum reader_event found = reader_next(reader);
    if (found == event)
        return true;
    if (found == READER_FAILED)
        return false;
    return reader_fail(reader, "%s: %s was expected, but this is %s", what, names[event],
                       names[found]);
}

bool reader_skip(struct reader *reader)
{
    if (reader->event != READER_OBJECT && reader->event != READER_ARRAY) {
        enum reader_event event = reader_next(reader);
        if (event != READER_OBJECT && event != READER_ARRAY)
            return event != READER_FAILED;
    }
    return reader->form == READER_JSON ? json_skip_rest(reader) : ubjson_skip(reader);
}
