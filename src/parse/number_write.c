/* R. Giulietti, The Schubfach way to render doubles, 2020: three products with a power of ten, of
 * which 128 bits are enough, give the value and the limits of its rounding interval times
 * 10^power, cut to integers that still compare as the exact numbers do. Then the shortest number
 * in the interval has either one digit less than the value's integer part, or as many. */
#include "parse/number_write.h"

#include "parse/number.h"
#include "parse/number_powers.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    EXACT_FIRST = -27, /* number_powers rounds up from here */
    EXACT_LAST = 55    /* 5^55 is the last that has no more than 128 bits */
};

/* ceil(10^power * 2^-r) with r such that it has 128 bits: from the table, which cuts. */
static struct number_power power_above(int power)
{
    struct number_power ten = number_powers[power - NUMBER_POWER_LOWEST];
    if (power < EXACT_FIRST || power > EXACT_LAST) {
        ten.low++;
        ten.high += ten.low == 0;
    }
    return ten;
}

/* ten * value / 2^128, its last bit set where that cuts something off. */
static uint64_t product_odd(struct number_power ten, uint64_t value)
{
    __extension__ typedef unsigned __int128 wide;
    wide low = (wide)ten.low * value;
    wide high = (wide)ten.high * value + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* floor(log10(2^exponent)), and floor(log10(3/4 * 2^exponent)); floor(log2(10^power)). */
static int log10_of_power(int exponent, bool three_quarters)
{
    return (exponent * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}

static int log2_of_ten(int power)
{
    return (power * 1741647) >> 19;
}

/* The shortest number as an integer times 10^*power. */
static uint64_t shortest(uint64_t mantissa, int exponent, bool narrow_below, int *power)
{
    bool odd = mantissa & 1; /* then the interval's limits round to a neighbour */
    *power = log10_of_power(exponent, narrow_below);
    int shift = exponent + log2_of_ten(-*power) + 1;
    struct number_power ten = power_above(-*power);
    uint64_t lower = product_odd(ten, (4 * mantissa - 2 + narrow_below) << shift) + odd;
    uint64_t value = product_odd(ten, 4 * mantissa << shift);
    uint64_t upper = product_odd(ten, (4 * mantissa + 2) << shift) - odd;
    uint64_t whole = value / 4;
    if (whole >= 10) {
        uint64_t tens = whole / 10;
        bool below = lower <= 40 * tens, above = 40 * tens + 40 <= upper;
        if (below != above) {
            ++*power;
            return tens + above;
        }
    }
    bool below = lower <= 4 * whole, above = 4 * whole + 4 <= upper;
    if (below != above)
        return whole + above;
    uint64_t middle = 4 * whole + 2;
    return whole + (value > middle || (value == middle && (whole & 1)));
}

static bool reads_back(uint64_t number, int power, double value)
{
    char text[NUMBER_TEXT];
    int size = snprintf(text, sizeof text, "%llue%d", (unsigned long long)number, power);
    double back;
    return number_parse(text, (size_t)size, &back) && back == value;
}

/* Below some 1e-292 the table has no power: tries one digit more until it reads back. */
static uint64_t shortest_tiny(double value, int *power)
{
    uint64_t number = 0;
    for (int precision = 0; precision < NUMBER_DIGITS; precision++) {
        char text[NUMBER_TEXT];
        snprintf(text, sizeof text, "%.*e", precision, value);
        const char *at = text;
        /* Read digit by digit: the point is the locale's. */
        for (number = 0; *at != 'e'; at++)
            if (*at >= '0' && *at <= '9')
                number = number * 10 + (uint64_t)(*at - '0');
        int exponent = 0;
        for (at += 2; *at; at++)
            exponent = exponent * 10 + (*at - '0');
        *power = -exponent - precision;
        if (reads_back(number, *power, value))
            break;
        /* Above a power of two there is more room than below it. */
        if (reads_back(number + 1, *power, value))
            return number + 1;
    }
    return number;
}

/* The eight digits of a number below 10^8, leading zeros included: halves, quarters and eighths of
 * it side by side in one word, the first digit in its lowest byte. */
static void put_eight(uint32_t number, char *out)
{
    uint64_t halves = number / 10000 | (uint64_t)(number % 10000) << 32;
    uint64_t hundreds = (halves * 10486 >> 20) & 0x0000007f0000007f;
    uint64_t quarters = hundreds | (halves - 100 * hundreds) << 16;
    uint64_t tens = (quarters * 103 >> 10) & 0x000f000f000f000f;
    uint64_t eighths = tens | (quarters - 10 * tens) << 8;
    uint64_t word = eighths | 0x3030303030303030;
    out[0] = (char)word; /* compilers make one store of these */
    out[1] = (char)(word >> 8);
    out[2] = (char)(word >> 16);
    out[3] = (char)(word >> 24);
    out[4] = (char)(word >> 32);
    out[5] = (char)(word >> 40);
    out[6] = (char)(word >> 48);
    out[7] = (char)(word >> 56);
}

static size_t put_digits(uint64_t number, char digits[NUMBER_DIGITS])
{
    char all[24]; /* three eights, the first one 0 or a single digit */
    put_eight((uint32_t)(number / 10000000000000000), all);
    put_eight((uint32_t)(number / 100000000 % 100000000), all + 8);
    put_eight((uint32_t)(number % 100000000), all + 16);
    size_t zeros = 7;
    while (all[zeros] == '0')
        zeros++;
    memcpy(digits, all + zeros, sizeof all - zeros);
    return sizeof all - zeros;
}

size_t number_digits(double value, char digits[NUMBER_DIGITS], int *exponent)
{
    uint64_t bits, number;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & ((1ull << 52) - 1);
    int field = (int)(bits >> 52), power = 0;
    if (value < 0x1p53 && value == (double)(uint64_t)value)
        number = (uint64_t)value; /* all its digits: fewer would be another integer */
    else if (log10_of_power(field - 1075, true) < -NUMBER_POWER_HIGHEST)
        number = shortest_tiny(value, &power);
    else
        number = shortest(fraction | 1ull << 52, field - 1075, fraction == 0, &power);
    while (number % 10 == 0) {
        number /= 10;
        power++;
    }
    size_t count = put_digits(number, digits);
    *exponent = power + (int)count;
    return count;
}

size_t number_write_plain(char *out, const char *digits, size_t count, int exponent)
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

static size_t put(char *out, const char *word)
{
    size_t size = strlen(word);
    memcpy(out, word, size);
    return size;
}

/* e-05, e+16, e+308: at least two digits. */
static size_t put_exponent(char *out, int exponent)
{
    size_t size = 0;
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    out[size++] = 'e';
    out[size++] = exponent < 0 ? '-' : '+';
    if (magnitude >= 100)
        out[size++] = (char)('0' + magnitude / 100);
    out[size++] = (char)('0' + magnitude / 10 % 10);
    out[size++] = (char)('0' + magnitude % 10);
    return size;
}

size_t number_write(char out[NUMBER_TEXT], double value)
{
    if (isnan(value))
        return put(out, "nan");
    size_t size = 0;
    if (signbit(value))
        out[size++] = '-';
    value = fabs(value);
    if (isinf(value))
        return size + put(out + size, "inf");
    if (value == 0)
        return size + put(out + size, "0.0");
    char digits[NUMBER_DIGITS];
    int exponent;
    size_t count = number_digits(value, digits, &exponent);
    if (exponent > -4 && exponent <= 16)
        return size + number_write_plain(out + size, digits, count, exponent);
    out[size++] = digits[0];
    if (count > 1)
        out[size++] = '.';
    memcpy(out + size, digits + 1, count - 1);
    size += count - 1;
    return size + put_exponent(out + size, exponent - 1);
}
