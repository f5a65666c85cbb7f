/* R. Giulietti, The Schubfach way to render doubles, 2020: three products with a power of ten, of
 * which 128 bits are enough, give the value and the limits of its rounding interval times
 * 10^power, cut to integers that still compare as the exact numbers do. Then the shortest number
 * in the interval has either one digit less than the value's integer part, or as many. */
#include "parse/number_write.h"

#include "parse/number.h"
#include "parse/number_powers.h"
#include "parse/target.h"
#include "parse/word.h"

#if TARGET_X86
#include <immintrin.h>
#endif

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    EXACT_FIRST = -27,     /* number_powers rounds up from here */
    EXACT_LAST = 55,       /* 5^55 is the last that has no more than 128 bits */
    LEAST_EXPONENT = -1022 /* of 2: below it there is no power for what makes 16 digits of it */
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
static inline struct number_power power_above(int power)
{
    const struct number_power *ten = &number_powers[power - NUMBER_POWER_LOWEST];
    bool cut = power < EXACT_FIRST || power > EXACT_LAST;
    uint64_t low = ten->low + cut;
    return (struct number_power){ten->high + (cut & !low), low};
}

__extension__ typedef unsigned __int128 wide;

/* ten * value / 2^64, of which 2^-64 are cut off. */
static inline wide product_of(struct number_power ten, uint64_t value)
{
    wide low = (wide)ten.low * value;
    return (wide)ten.high * value + (uint64_t)(low >> 64);
}

/* ten * value / 2^128, its last bit set where that cuts something off. */
static inline uint64_t product_odd(struct number_power ten, uint64_t value)
{
    wide product = product_of(ten, value);
    return (uint64_t)(product >> 64) | ((uint64_t)product > 1);
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

/* A mantissa of 53 bits times 2^exponent; its power of ten is shifted so that the value, times
 * 10^-power, has 16 or 17 digits before its point. */
struct binary {
    uint64_t mantissa;
    int power, shift;
    struct number_power ten;
};

/* narrow_below: a power of two, below which the next one is half as far. */
static inline struct binary binary_of(uint64_t fraction, int exponent, bool narrow_below)
{
    int power = log10_of_power(exponent, narrow_below);
    return (struct binary){.mantissa = fraction | 1ull << 52,
                           .power = power,
                           .shift = exponent + log2_of_ten(-power) + 1,
                           .ten = power_above(-power)};
}

/* An integer times 10^power. */
struct scaled {
    uint64_t number;
    int power;
};

/* The shortest number, in 16 or 17 digits: zeros stand for those that it is shorter by. */
NEVER_INLINE static struct scaled shortest(uint64_t fraction, int exponent)
{
    bool narrow_below = fraction == 0;
    struct binary binary = binary_of(fraction, exponent, narrow_below);
    uint64_t mantissa = binary.mantissa;
    bool odd = mantissa & 1; /* then the interval's limits round to a neighbour */
    int shift = binary.shift;
    uint64_t lower = product_odd(binary.ten, (4 * mantissa - 2 + narrow_below) << shift) + odd;
    uint64_t value = product_odd(binary.ten, 4 * mantissa << shift);
    uint64_t upper = product_odd(binary.ten, (4 * mantissa + 2) << shift) - odd;
    uint64_t whole = value / 4, tens = whole / 10 * 10;
    bool below = lower <= 4 * tens, above = 4 * tens + 40 <= upper;
    if (below != above)
        return (struct scaled){tens + (above ? 10 : 0), binary.power};
    uint64_t middle = 4 * whole + 2;
    bool near_above = value > middle || (value == middle && (whole & 1));
    bool long_below = lower <= 4 * whole, long_above = 4 * whole + 4 <= upper;
    bool up = long_below != long_above ? long_above : near_above;
    return (struct scaled){whole + up, binary.power};
}

/* Whether two numbers are apart by more than what is cut off of both. */
static inline unsigned are_apart(uint64_t a, uint64_t b)
{
    return a - b + 4 > 8;
}

/* The same, but for powers of two, where a look at the number's last digit and 60 bits behind its
 * point is enough, which it nearly always is: 0 where that is too close. All answers are made, and
 * then one of them is taken: which one no branch would foresee. */
static ALWAYS_INLINE struct scaled shortest_apart(uint64_t fraction, int exponent)
{
    enum { UNIT = 60 };
    struct binary binary = binary_of(fraction, exponent, false);
    wide value = product_of(binary.ten, binary.mantissa << binary.shift);
    uint64_t whole = (uint64_t)(value >> 64), behind = (uint64_t)value;
    uint64_t tens = whole / 10 * 10;
    uint64_t rest = (whole - tens) << UNIT | behind >> (64 - UNIT);
    uint64_t over = (10ull << UNIT) - rest, half = 1ull << 63;
    uint64_t step = binary.ten.high >> (65 - UNIT - binary.shift);
    bool below = rest < step, above = over < step;
    uint64_t shorter = tens + (above ? 10 : 0);
    uint64_t longer = whole + (behind >> 63);
    unsigned clear = are_apart(rest, step) & are_apart(over, step) & are_apart(behind, half);
    return (struct scaled){clear ? (below || above ? shorter : longer) : 0, binary.power};
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

/* Two numbers below 10^8 as sixteen characters; returns the place of the last that is no zero, from
 * 1 on, or 0. */
#if TARGET_X86
static ALWAYS_INLINE unsigned put_sixteen(uint64_t high, uint64_t low, char out[16])
{
    __m128i all =
        _mm_unpacklo_epi64(_mm_cvtsi64_si128((long long)high), _mm_cvtsi64_si128((long long)low));
    __m128i halves = _mm_srli_epi64(_mm_mul_epu32(all, _mm_set1_epi64x(109951163)), 40);
    __m128i rest = _mm_sub_epi64(all, _mm_mul_epu32(halves, _mm_set1_epi64x(10000)));
    halves = _mm_or_si128(halves, _mm_slli_epi64(rest, 32));
    __m128i hundreds = _mm_srli_epi16(_mm_mulhi_epu16(halves, _mm_set1_epi16(10486)), 4);
    rest = _mm_sub_epi16(halves, _mm_mullo_epi16(hundreds, _mm_set1_epi16(100)));
    __m128i quarters = _mm_or_si128(hundreds, _mm_slli_epi32(rest, 16));
    __m128i tens = _mm_srli_epi16(_mm_mullo_epi16(quarters, _mm_set1_epi16(103)), 10);
    rest = _mm_sub_epi16(quarters, _mm_mullo_epi16(tens, _mm_set1_epi16(10)));
    __m128i digits = _mm_or_si128(tens, _mm_slli_epi16(rest, 8));
    _mm_storeu_si128((__m128i *)out, _mm_or_si128(digits, _mm_set1_epi8('0')));
    unsigned zeros = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(digits, _mm_setzero_si128()));
    return 31 - (unsigned)__builtin_clz((~zeros & 0xFFFF) << 1 | 1);
}
#else
/* The eight digits of a number below 10^8, leading zeros included, the first one in the lowest
 * byte: halves, quarters and eighths of it side by side in one word. Each step takes a number to
 * its quotient, and to its rest as many bits higher. */
static inline uint64_t eight_digits(uint64_t number)
{
    uint64_t halves = (number << 32) - (number * 109951163 >> 40) * ((10000ull << 32) - 1);
    uint64_t hundreds = (halves * 10486 >> 20) & 0x0000007f0000007f;
    uint64_t quarters = (halves << 16) - hundreds * ((100 << 16) - 1);
    uint64_t tens = (quarters * 103 >> 10) & 0x000f000f000f000f;
    return (quarters << 8) - tens * ((10 << 8) - 1);
}

static inline void put_eight(uint64_t digits, char *out)
{
    uint64_t word = digits | word_of('0');
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(out, &word, sizeof word);
}

/* Zeros at the end of eight digits. */
static inline unsigned zeros_of(uint64_t digits)
{
    return digits ? (unsigned)__builtin_clzll(digits) / 8 : 8;
}

static inline unsigned put_sixteen(uint64_t high, uint64_t low, char out[16])
{
    high = eight_digits(high);
    low = eight_digits(low);
    put_eight(high, out);
    put_eight(low, out + 8);
    return 16 - (low ? zeros_of(low) : 8 + zeros_of(high));
}
#endif

/* How many digits a number has that is above 0. */
static unsigned count_digits(uint64_t number)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(number);
    unsigned digits = bits * 1233 >> 12; /* log10(2) is 1233 / 4096, nearly */
    return digits + (number >= powers_of_ten[digits]);
}

/* Of 17 digits, the first of which is none of 0. It is filled where it lies: a copy would load at
 * once what was stored in pieces, and wait for it. */
static ALWAYS_INLINE void set_decimal(struct number_decimal *decimal, uint64_t number, int exponent)
{
    uint64_t nine = number / 100000000, first = nine / 100000000;
    decimal->digits[0] = (char)('0' + first);
    decimal->exponent = exponent;
    decimal->count =
        1 + put_sixteen(nine - first * 100000000, number - nine * 100000000, decimal->digits + 1);
}

/* What is not there in 16 or 17 digits: whole numbers, all of whose digits count, since fewer would
 * be another number; and what the table has no power for. */
NEVER_INLINE static void set_by_length(struct number_decimal *decimal, uint64_t bits, bool whole)
{
    int power = 0;
    double value;
    memcpy(&value, &bits, sizeof value);
    uint64_t number = whole ? (uint64_t)value : shortest_tiny(value, &power);
    unsigned digits = count_digits(number);
    set_decimal(decimal, number * powers_of_ten[NUMBER_DIGITS - digits], power + (int)digits);
}

/* Whether a mantissa times 2^exponent is a whole number that has no digits but those of an integer.
 */
static inline bool is_whole(uint64_t mantissa, int exponent)
{
    return exponent >= -52 && exponent <= 0 && !(mantissa & ((1ull << -exponent) - 1));
}

/* Of a double that is finite and above zero, as its bits. */
static ALWAYS_INLINE void set(struct number_decimal *decimal, uint64_t bits)
{
    uint64_t fraction = bits & ((1ull << 52) - 1);
    int exponent = (int)(bits >> 52) - 1075;
    bool whole = is_whole(fraction | 1ull << 52, exponent);
    if (whole || exponent < LEAST_EXPONENT) {
        set_by_length(decimal, bits, whole);
        return;
    }
    struct scaled found = {0};
    if (fraction)
        found = shortest_apart(fraction, exponent);
    if (!found.number)
        found = shortest(fraction, exponent);
    uint64_t sixteen = found.number < powers_of_ten[NUMBER_DIGITS - 1];
    found.number += 9 * found.number & (0 - sixteen); /* ten times */
    set_decimal(decimal, found.number, found.power + NUMBER_DIGITS - (int)sixteen);
}

static inline uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void number_decimal(double value, struct number_decimal *decimal)
{
    set(decimal, bits_of(value));
}

/* All digits, as they were written: a load of what came by other stores would wait for them. */
static ALWAYS_INLINE void put_all(char *out, const struct number_decimal *decimal)
{
    *out = decimal->digits[0];
    memcpy(out + 1, decimal->digits + 1, NUMBER_DIGITS - 1);
}

/* A point into the digits behind the first `whole` of them, below 9. */
static ALWAYS_INLINE void put_point(char *out, const struct number_decimal *decimal, size_t whole)
{
    uint64_t digits = word_load(decimal->digits + 1), before = (1ull << 8 * (whole - 1)) - 1;
    digits = (digits & before) | (uint64_t)'.' << 8 * (whole - 1) | (digits & ~before) << 8;
    word_store(out + 1, digits);
}

/* What is written is always as long, which takes no loop: what does not count is written over. */
static ALWAYS_INLINE size_t write_plain(char *out, const struct number_decimal *decimal)
{
    size_t count = decimal->count;
    if (decimal->exponent <= 0) {
        size_t zeros = (size_t)-decimal->exponent;
        memcpy(out, "0.000", 5);
        put_all(out + 2 + zeros, decimal);
        return 2 + zeros + count;
    }
    size_t whole = (size_t)decimal->exponent;
    put_all(out + 1, decimal);
    out[0] = decimal->digits[0];
    if (whole < 9) {
        put_point(out, decimal, whole);
    } else {
        memcpy(out, decimal->digits, whole);
        out[whole] = '.';
    }
    return (count > whole ? count : whole + 1) + 1;
}

size_t number_write_plain(char *out, const struct number_decimal *decimal)
{
    return write_plain(out, decimal);
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

/* NaN, which has no sign, infinities and zeros. */
NEVER_INLINE static size_t write_special(char *out, double value)
{
    if (isnan(value))
        return put(out, "nan");
    size_t size = signbit(value) != 0;
    return size + put(out + size, isinf(value) ? "inf" : "0.0");
}

size_t number_write(char out[NUMBER_TEXT], double value)
{
    uint64_t bits = bits_of(value), magnitude = bits & (UINT64_MAX >> 1);
    size_t size = bits >> 63;
    *out = '-';
    if (magnitude - 1 >= (0x7FFull << 52) - 1)
        return write_special(out, value);
    struct number_decimal written;
    set(&written, magnitude);
    if (written.exponent > -4 && written.exponent <= 16)
        return size + write_plain(out + size, &written);
    /* The second digit and those behind it one further, then the point in between. */
    put_all(out + size + 1, &written);
    out[size] = written.digits[0];
    out[size + 1] = '.';
    size += written.count > 1 ? written.count + 1 : 1;
    return size + put_exponent(out + size, written.exponent - 1);
}
