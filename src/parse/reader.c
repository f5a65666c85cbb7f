#include "parse/reader.h"

#include "parse/number.h"
#include "parse/reader_parts.h"

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
    reader->escaped = reader->words = false;
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

/* Powers of ten that are exact as doubles. */
static const double power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

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
static inline const unsigned char *take_digits(const unsigned char *at, const unsigned char *end,
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
static inline const unsigned char *take_number(const unsigned char *at, const unsigned char *end,
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

/* The value where digits and power of ten are both exact doubles: one operation, so one rounding
 * (Clinger, "How to read floating point numbers accurately", 1990). False where they are not. */
static inline bool exact_value(const struct decimal *decimal, double *value)
{
    if (decimal->count > 19 || decimal->digits > (uint64_t)1 << 53 || decimal->power < -22 ||
        decimal->power > 22)
        return false;
    double digits = (double)decimal->digits;
    digits = decimal->power < 0 ? digits / power_of_ten[-decimal->power]
                                : digits * power_of_ten[decimal->power];
    *value = decimal->negative ? -digits : digits;
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

/* Whether rounding to float a double that is itself rounded may differ from rounding once: where
 * the double lies in the middle between two floats it no longer says on which side the text does.
 * A middle has at most 25 bits: the double's low 28 are zero. */
static inline bool double_rounding(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0xFFFFFFF) == 0 && (double)(float)value != value && isfinite(value);
}

float reader_float(const struct reader *reader)
{
    if (reader->form == READER_UBJSON || !double_rounding(reader->number))
        return (float)reader->number;
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

/* Passes over the rest of the innermost container. */
static bool json_skip_rest(struct reader *reader)
{
    size_t depth = 1;
    const unsigned char *at = reader->next;
    while (depth) {
        while (at < reader->end && *at != '"' && (*at | 0x20) != '{' && (*at | 0x20) != '}')
            at++;
        reader->next = at;
        if (at == reader->end)
            return reader_fail(reader, "the text ends too early");
        if (*at == '"') {
            if (!reader_json_text(reader))
                return false;
            at = reader->next;
            continue;
        }
        /* '[' and ']' are '{' and '}' without bit 5 */
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

/* Whether the array goes on: the next number is then in the reader. */
static inline bool next_number(struct reader *reader, bool *over)
{
    enum reader_event event = reader_next(reader);
    *over = event == READER_ARRAY_END;
    return *over || event == READER_NUMBER || event == READER_BOOL ||
           (event != READER_FAILED && reader_fail(reader, "a number was expected in this list"));
}

size_t reader_count(const struct reader *reader)
{
    const struct reader_frame *top = reader->depth ? &reader->stack[reader->depth - 1] : NULL;
    return top && reader->event == READER_ARRAY && top->counted ? top->left : 0;
}

/* The usual list of numbers, without blanks, in one loop. Stops before the first element that is
 * not written so and leaves the reader as if the elements had been taken one by one. */
static size_t short_floats(struct reader *reader, float *out, size_t capacity)
{
    struct reader_frame *top = reader_top(reader);
    const unsigned char *end = reader->end;
    size_t count = 0;
    while (count < capacity) {
        const unsigned char *at = reader->next;
        if (!top->first && (at == end || *at++ != ','))
            break;
        struct decimal decimal = {.whole = true};
        double value;
        at = take_number(at, end, &decimal);
        if (!at || at == end || (*at != ',' && *at != ']') || !exact_value(&decimal, &value) ||
            double_rounding(value))
            break;
        out[count++] = (float)value;
        top->first = false;
        reader->next = at;
    }
    return count;
}

bool reader_floats(struct reader *reader, float *out, size_t capacity, size_t *count)
{
    *count = 0;
    if (reader->event == READER_ARRAY_END)
        return true;
    struct reader_frame *top = reader_top(reader);
    if (reader->event != READER_FAILED && top && top->type) {
        size_t whole = top->left < capacity ? top->left : capacity;
        if (!ubjson_floats(reader, out, whole))
            return false;
        *count = whole;
    }
    if (reader->event == READER_ARRAY && reader->form == READER_JSON)
        *count = short_floats(reader, out, capacity);
    for (bool over = false; *count < capacity; (*count)++) {
        if (!next_number(reader, &over))
            return false;
        if (over)
            return true;
        if (reader->event == READER_BOOL)
            return reader_fail(reader, "a number was expected in this list");
        out[*count] = reader_float(reader);
    }
    return true;
}

/* The usual list of integers, short and without blanks, in one loop. Stops before the first element
 * of another kind and leaves the reader as if the elements had been taken one by one. */
static size_t short_integers(struct reader *reader, int32_t *out, size_t capacity)
{
    struct reader_frame *top = reader_top(reader);
    const unsigned char *end = reader->end;
    size_t count = 0;
    while (count < capacity) {
        const unsigned char *at = reader->next;
        if (!top->first && (at == end || *at++ != ','))
            break;
        bool negative = at < end && *at == '-';
        at += negative;
        const unsigned char *first = at;
        int32_t value = 0;
        for (; at < end && is_digit(*at) && at - first < 9; at++)
            value = value * 10 + (*at - '0');
        if (at == first || at == end || (*at != ',' && *at != ']') ||
            (*first == '0' && at - first > 1))
            break;
        out[count++] = negative ? -value : value;
        top->first = false;
        reader->next = at;
    }
    return count;
}

bool reader_integers(struct reader *reader, int32_t *out, size_t capacity, size_t *count)
{
    *count = 0;
    if (reader->event == READER_ARRAY_END)
        return true;
    struct reader_frame *top = reader_top(reader);
    if (reader->event != READER_FAILED && top && top->type) {
        size_t whole = top->left < capacity ? top->left : capacity;
        if (!ubjson_integers(reader, out, whole))
            return false;
        *count = whole;
    }
    if (reader->event == READER_ARRAY && reader->form == READER_JSON)
        *count = short_integers(reader, out, capacity);
    for (bool over = false; *count < capacity; (*count)++) {
        if (!next_number(reader, &over))
            return false;
        if (over)
            return true;
        bool number = reader->event == READER_NUMBER;
        int64_t value = number ? reader->integer : reader->truth;
        if (number && (!reader->is_integer || value < INT32_MIN || value > INT32_MAX))
            return reader_fail(reader, "an integer of 32 bits was expected, not %g",
                               reader->number);
        out[*count] = (int32_t)value;
    }
    return true;
}
