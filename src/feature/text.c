#include "feature/text.h"

#include "parse/number_write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int text_compare(struct csv_text a, struct csv_text b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared ? memcmp(a.bytes, b.bytes, shared) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static size_t put(char *out, const char *text)
{
    size_t size = strlen(text);
    memcpy(out, text, size + 1);
    return size;
}

size_t text_double(char out[TEXT_NUMBER], double value)
{
    if (isnan(value))
        return put(out, "NaN");
    size_t size = 0;
    if (signbit(value))
        out[size++] = '-';
    double magnitude = fabs(value);
    if (isinf(value))
        return size + put(out + size, "Infinity");
    if (magnitude == 0)
        return size + put(out + size, "0.0");
    char digits[NUMBER_DIGITS_ROOM];
    int exponent;
    size_t count = number_digits(magnitude, digits, &exponent);
    if (magnitude >= 1e-3 && magnitude < 1e7) {
        size += number_write_plain(out + size, digits, count, exponent);
        out[size] = '\0';
        return size;
    }
    out[size++] = digits[0];
    out[size++] = '.';
    if (count == 1)
        out[size++] = '0';
    for (size_t i = 1; i < count; i++)
        out[size++] = digits[i];
    return size + (size_t)snprintf(out + size, TEXT_NUMBER - size, "E%d", exponent - 1);
}

size_t text_integer(char out[TEXT_NUMBER], double value)
{
    if (!(fabs(value) < 9.2e18) || value != floor(value))
        return text_double(out, value);
    return (size_t)snprintf(out, TEXT_NUMBER, "%lld", (long long)value);
}
