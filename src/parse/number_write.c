/* R. Giulietti, The Schubfach way to render doubles, 2020: three products with a power of ten, of
 * which 128 bits are enough, give the value and the limits of its rounding interval times
 * 10^power, cut to integers that still compare as the exact numbers do. Then the shortest number
 * in the interval has either one digit less than the value's integer part, or as many. */
#include "parse/number_write.h"

#include "parse/number.h"
#include "parse/number_powers.h"
#include "parse/word.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    EXACT_FIRST = -27, /* number_powers rounds up from here */
    EXACT_LAST = 55    /* 5^55 is the last that has no more than 128 bits */
};

static const uint64_t powers_of_ten[] = {1,
                                         10,
                                         100,
                                         1000,
                                         10000,
                                         100000,
                                         1000000,
                                         10000000,
                                         100000000,
                                         1000000000,
                                         10000000000,
                                         100000000000,
                                         1000000000000,
                                         10000000000000,
                                         100000000000000,
                                         1000000000000000,
                                         10000000000000000,
                                         100000000000000000};

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
    uint64_t whole = value / 4, tens = whole / 10;
    /* Both answers, and then one of them: which one no branch would foresee. */
    bool below = lower <= 40 * tens, above = 40 * tens + 40 <= upper;
    bool short_one = (whole >= 10) & (below != above);
    uint64_t middle = 4 * whole + 2;
    bool near_above = (value > middle) | ((value == middle) & (whole & 1));
    bool long_below = lower <= 4 * whole, long_above = 4 * whole + 4 <= upper;
    uint64_t longer = whole + (long_below != long_above ? long_above : near_above);
    uint64_t shorter = tens + above;
    *power += short_one;
    return longer ^ ((longer ^ shorter) & (0 - (uint64_t)short_one));
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

/* The eight digits of a number below 10^8, leading zeros included, the first one in the lowest
 * byte: halves, quarters and eighths of it side by side in one word. */
static inline uint64_t eight_digits(uint32_t number)
{
    uint64_t halves = number / 10000 | (uint64_t)(number % 10000) << 32;
    uint64_t hundreds = (halves * 10486 >> 20) & 0x0000007f0000007f;
    uint64_t quarters = hundreds | (halves - 100 * hundreds) << 16;
    uint64_t tens = (quarters * 103 >> 10) & 0x000f000f000f000f;
    return tens | (quarters - 10 * tens) << 8;
}

static inline void put_eight(uint64_t digits, char *out)
{
    uint64_t word = digits | word_of('0');
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(out, &word, sizeof word);
}

/* How many digits a number has that is above 0. */
static unsigned count_digits(uint64_t number)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(number);
    unsigned digits = bits * 1233 >> 12; /* log10(2) is 1233 / 4096, nearly */
    return digits + (number >= powers_of_ten[digits]);
}

/* Zeros at the end of eight digits. */
static inline size_t zeros_of(uint64_t digits)
{
    return digits ? (size_t)__builtin_clzll(digits) / 8 : 8;
}

/* A number of at most NUMBER_DIGITS digits, above 0: without its zeros at the end, which are
 * written. Returns how many digits there are. */
static size_t put_digits(uint64_t number, unsigned digits, char out[NUMBER_DIGITS_ROOM])
{
    number *= powers_of_ten[NUMBER_DIGITS - digits];
    uint64_t rest = number % 10000000000000000;
    out[0] = (char)('0' + number / 10000000000000000);
    uint64_t high = eight_digits((uint32_t)(rest / 100000000));
    uint64_t low = eight_digits((uint32_t)(rest % 100000000));
    put_eight(high, out + 1);
    put_eight(low, out + 9);
    memset(out + NUMBER_DIGITS, '0', NUMBER_DIGITS_ROOM - NUMBER_DIGITS);
    return NUMBER_DIGITS - (low ? zeros_of(low) : 8 + zeros_of(high));
}

size_t number_digits(double value, char digits[NUMBER_DIGITS_ROOM], int *exponent)
{
    uint64_t bits, number;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & ((1ull << 52) - 1);
    int field = (int)(bits >> 52), power = 0;
    if (value < 0x1p53 && value == (double)(int64_t)value)
        number = (uint64_t)value; /* all its digits: fewer would be another integer */
    else if (log10_of_power(field - 1075, true) < -NUMBER_POWER_HIGHEST)
        number = shortest_tiny(value, &power);
    else
        number = shortest(fraction | 1ull << 52, field - 1075, fraction == 0, &power);
    unsigned length = count_digits(number);
    *exponent = power + (int)length;
    return put_digits(number, length, digits);
}

/* What is copied is always as long, which takes no loop: what does not count is written over. */
size_t number_write_plain(char *out, const char digits[NUMBER_DIGITS_ROOM], size_t count,
                          int exponent)
{
    if (exponent <= 0) {
        memcpy(out, "0.000", 5);
        memcpy(out + 2 - exponent, digits, NUMBER_DIGITS);
        return 2 + (size_t)-exponent + count;
    }
    size_t whole = (size_t)exponent;
    memcpy(out, digits, NUMBER_DIGITS);
    out[whole] = '.';
    memcpy(out + whole + 1, digits + whole, NUMBER_DIGITS - 1);
    return (count > whole ? count : whole + 1) + 1;
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
    char digits[NUMBER_DIGITS_ROOM];
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
