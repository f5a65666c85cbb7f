#include "model/answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/fail.h"
#include "parse/number.h"

/* Room for one number, its separator and the words around it. */
#define LONGEST_NUMBER 32
#define LONGEST_WRAP 16

void lathe_text_clear(struct lathe_text *text)
{
    free(text->bytes);
    *text = (struct lathe_text){0};
}

static bool reserve(struct lathe_text *text, size_t capacity, struct lathe_error *error)
{
    if (text->capacity >= capacity)
        return true;
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes)
        return fail(error, LATHE_NO_MEMORY, "an answer of %zu bytes does not fit into memory",
                    capacity);
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

/* Python's repr of a float: the shortest digits that read back as the same double, with a point or
 * an exponent. Clients of the container see floats as Python lists print them. */
static size_t write_number(char *out, float value)
{
    double number = (double)value;
    if (isnan(number))
        return (size_t)sprintf(out, "nan");
    if (isinf(number))
        return (size_t)sprintf(out, number < 0 ? "-inf" : "inf");
    int length = 0;
    for (int digits = 15; digits <= 17; digits++) {
        double back;
        length = snprintf(out, LONGEST_NUMBER, "%.*g", digits, number);
        if (number_parse(out, (size_t)length, &back) && back == number)
            break;
    }
    /* %g turns to exponents from 1e15 on at 15 digits; Python from 1e16 on. */
    if (fabs(number) >= 1e15 && fabs(number) < 1e16)
        return (size_t)snprintf(out, LONGEST_NUMBER, "%.1f", number);
    if (!strpbrk(out, ".en"))
        length += sprintf(out + length, ".0");
    return (size_t)length;
}

static void append(struct lathe_text *text, const char *words)
{
    size_t size = strlen(words);
    memcpy(text->bytes + text->size, words, size);
    text->size += size;
}

/* One row's answer: a number, or a list of them. */
static void append_row(struct lathe_text *text, const float *values, size_t width)
{
    if (width > 1)
        append(text, "[");
    for (size_t i = 0; i < width; i++) {
        if (i)
            append(text, ", ");
        text->size += write_number(text->bytes + text->size, values[i]);
    }
    if (width > 1)
        append(text, "]");
}

/* What stands before the first row, around each, between them, and at the end. */
static const struct {
    const char *head, *before, *after, *between, *tail;
} wraps[] = {
    [LATHE_CSV] = {"", "", "", ",", ""},
    [LATHE_CSV_LINES] = {"", "", "", "\n", "\n"},
    [LATHE_JSON] = {"{\"predictions\": [", "{\"score\": ", "}", ", ", "]}"},
    [LATHE_JSON_LINES] = {"", "{\"score\": ", "}", "\n", "\n"},
};

bool answer_write(struct lathe_text *text, enum lathe_format format, const float *values,
                  size_t rows, size_t width, struct lathe_error *error)
{
    if (!reserve(text, 64 + rows * (width * LONGEST_NUMBER + LONGEST_WRAP), error))
        return false;
    text->size = 0;
    append(text, wraps[format].head);
    for (size_t row = 0; row < rows; row++) {
        if (row)
            append(text, wraps[format].between);
        append(text, wraps[format].before);
        append_row(text, values + row * width, width);
        append(text, wraps[format].after);
    }
    append(text, wraps[format].tail);
    return true;
}
