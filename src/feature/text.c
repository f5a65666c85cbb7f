#include "feature/text.h"

#include "parse/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int text_compare(struct csv_text a, struct csv_text b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared ? memcmp(a.bytes, b.bytes, shared) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* The shortest decimal digits (no leading or trailing zeros) that read back to the value, which is
 * finite and above zero; the value is 0.digits x 10^*exponent. */
static size_t shortest_digits(double value, char digits[18], int *exponent)
{
    size_t count = 0;
    for (int precision = 14; precision <= 16; precision++) {
        char text[TEXT_NUMBER];
        snprintf(text, sizeof text, "%.*e", precision, value);
        /* Read digit by digit: the point is the locale's. */
        const char *at = text;
        for (count = 0; *at != 'e'; at++)
            if (*at >= '0' && *at <= '9')
                digits[count++] = *at;
        *exponent = 0;
        bool negative = at[1] == '-';
        for (at += 2; *at; at++)
            *exponent = *exponent * 10 + (*at - '0');
        *exponent = (negative ? -*exponent : *exponent) + 1;
        char plain[TEXT_NUMBER];
        int length =
            snprintf(plain, sizeof plain, "%.*se%d", (int)count, digits, *exponent - (int)count);
        double back;
        if (number_parse(plain, (size_t)length, &back) && back == value)
            break;
    }
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return count;
}

static size_t put(char *out, const char *text)
{
    size_t size = strlen(text);
    memcpy(out, text, size + 1);
    return size;
}

/* 0.digits x 10^exponent, where 1e-3 <= value < 1e7. */
static size_t put_plain(char *out, const char *digits, size_t count, int exponent)
{
    size_t size = 0;
    if (exponent <= 0) {
        out[size++] = '0';
        out[size++] = '.';
        for (int i = exponent; i < 0; i++)
            out[size++] = '0';
        memcpy(out + size, digits, count);
        return size + count;
    }
    size_t whole = (size_t)exponent;
    for (size_t i = 0; i < whole; i++)
        out[size++] = i < count ? digits[i] : '0';
    out[size++] = '.';
    if (count <= whole)
        out[size++] = '0';
    for (size_t i = whole; i < count; i++)
        out[size++] = digits[i];
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
    char digits[18];
    int exponent;
    size_t count = shortest_digits(magnitude, digits, &exponent);
    if (magnitude >= 1e-3 && magnitude < 1e7) {
        size += put_plain(out + size, digits, count, exponent);
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
