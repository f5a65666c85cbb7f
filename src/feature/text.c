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
    struct number_decimal decimal;
    number_decimal(magnitude, &decimal);
    if (magnitude >= 1e-3 && magnitude < 1e7) {
        size += number_write_plain(out + size, &decimal);
        out[size] = '\0';
        return size;
    }
    /* The second digit and those behind it one further, then the point in between. */
    memcpy(out + size + 1, decimal.digits, sizeof decimal.digits);
    out[size] = decimal.digits[0];
    out[size + 1] = '.';
    size += decimal.count > 1 ? decimal.count + 1 : 3;
    return size + (size_t)snprintf(out + size, TEXT_NUMBER - size, "E%d", decimal.exponent - 1);
}

size_t text_integer(char out[TEXT_NUMBER], double value)
{
    if (!(fabs(value) < 9.2e18) || value != floor(value))
        return text_double(out, value);
    return (size_t)snprintf(out, TEXT_NUMBER, "%lld", (long long)value);
}
