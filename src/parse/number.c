/* How a number is read: its digits into a 64-bit integer, eight at a time, and its power of ten.
 * Then the first of three ways that is sure of the nearest double.
 *
 * 1. Both the digits and the power of ten are doubles: one rounding, so the product or quotient
 *    is right (W. Clinger, How to Read Floating Point Numbers Accurately, 1990).
 * 2. The digits times the 128 leading bits of the power (D. Lemire, Number Parsing at a Gigabyte
 *    per Second, 2021; that no case is left over for 19 digits is proved in N. Mushtak, D. Lemire,
 *    Fast Number Parsing Without Fallback, 2023). Of more than 19 digits the first 19, and these
 *    plus one, enclose the number: where both give the same double, that is it.
 * 3. Else the number is compared, exactly and in integers, with the middle between the two.
 *
 * The rounding mode is taken to be to nearest, as it is unless a program changes it. */
#include "parse/number.h"

#include "parse/number_powers.h"
#include "parse/word.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static_assert(FLT_EVAL_METHOD == 0, "way 1 needs double arithmetic to round once");

enum {
    DIGITS_KEPT = 19,         /* decimal digits that always fit 64 bits */
    DIGITS_COMPARED = 800,    /* a middle between doubles has at most 768 digits */
    EXPONENT_LIMIT = 99999999 /* larger written exponents are all the same: zero or infinite */
};

const double number_exact_powers[NUMBER_EXACT_POWER + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint32_t small_powers[9] = {1,      10,      100,      1000,     10000,
                                         100000, 1000000, 10000000, 100000000};

/* A number as written: the digits, and what power of ten the last of the kept ones counts. */
struct decimal {
    const char *digits; /* the first digit or the point */
    const char *end;    /* after the last digit (or the point) */
    const char *after;  /* after the exponent */
    uint64_t value;     /* of the first DIGITS_KEPT significant digits */
    int64_t power;
    bool cut; /* digits were left out of value */
};

/* Eight characters; what is missing at the end is filled up with zero bytes, which are no digits.
 */
static inline uint64_t load_eight(const char *at, const char *end)
{
    if (end - at >= 8)
        return word_load(at);
    uint64_t word = 0;
    for (unsigned i = 0; at + i < end; i++)
        word |= (uint64_t)(unsigned char)at[i] << 8 * i;
    return word;
}

/* How many of the eight characters, from the first on, are digits. */
static inline unsigned leading_digits(uint64_t word)
{
    /* In `word ^ '0'...` a digit is 0 to 9: adding 6 leaves its upper half zero. A carry out of a
     * byte only reaches bytes after the first that is no digit. */
    uint64_t low = word ^ 0x3030303030303030;
    uint64_t other = (low | (low + 0x0606060606060606)) & 0xf0f0f0f0f0f0f0f0;
    return other ? word_first(other) : 8;
}

/* The value of the first `count` characters (1 to 8), all digits: moved to the end, behind zeros.
 */
static inline uint32_t digits_value(uint64_t word, unsigned count)
{
    return word_digits((word ^ 0x3030303030303030) << (64 - 8 * count));
}

/* Adds the digits that start at `at` to *value, which wraps beyond 19 of them; returns their end.
 */
static inline const char *scan_digits(const char *at, const char *end, uint64_t *value)
{
    unsigned count;
    do {
        uint64_t word = load_eight(at, end);
        count = leading_digits(word);
        if (!count)
            return at;
        *value = *value * small_powers[count] + digits_value(word, count);
        at += count;
    } while (count == 8);
    return at;
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits again, where there were more than DIGITS_KEPT: leading zeros do not count, and of
 * the others the first DIGITS_KEPT are kept. */
static void keep_first_digits(struct decimal *number)
{
    int64_t places = 0; /* how far the last kept digit stands left of the end or the point */
    unsigned kept = 0;
    bool behind_point = false;
    number->value = 0;
    number->cut = false;
    for (const char *at = number->digits; at < number->end; at++) {
        if (*at == '.') {
            behind_point = true;
            continue;
        }
        if (kept < DIGITS_KEPT) {
            number->value = number->value * 10 + (uint64_t)(*at - '0');
            kept += number->value != 0;
            places -= behind_point;
        } else {
            number->cut = number->cut || *at != '0';
            places += !behind_point;
        }
    }
    number->power = places;
}

/* An exponent at `at`, or nothing where what follows the `e` is not one. */
static const char *scan_exponent(const char *at, const char *end, int64_t *exponent)
{
    const char *digits = at + 1;
    bool negative = digits < end && *digits == '-';
    if (digits < end && (*digits == '-' || *digits == '+'))
        digits++;
    if (digits == end || !is_digit(*digits))
        return at;
    int64_t written = 0;
    for (at = digits; at < end && is_digit(*at); at++)
        if (written < EXPONENT_LIMIT)
            written = written * 10 + (*at - '0');
    *exponent = negative ? -written : written;
    return at;
}

/* What is written, without its sign; false where there is not one digit. */
static inline bool scan_decimal(const char *at, const char *end, struct decimal *number)
{
    number->digits = at;
    number->value = 0;
    number->power = 0;
    number->cut = false;
    /* Few digits stand before most points: one by one their end is guessed right. */
    for (; at < end && is_digit(*at); at++)
        number->value = number->value * 10 + (uint64_t)(*at - '0');
    ptrdiff_t count = at - number->digits;
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        const char *stop = scan_digits(fraction, end, &number->value);
        count += stop - fraction;
        number->power = fraction - stop;
        at = stop;
    }
    if (!count)
        return false;
    number->end = at;
    if (count > DIGITS_KEPT)
        keep_first_digits(number);
    number->after = at;
    if (at < end && (*at | 0x20) == 'e') {
        int64_t exponent = 0;
        number->after = scan_exponent(at, end, &exponent);
        number->power += exponent;
    }
    return true;
}

static inline double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The high half of the product, and the low one into *low. */
static inline uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    *low = (uint64_t)product;
    return (uint64_t)(product >> 64);
}

/* The bits of the double nearest to value * 10^power (way 2). */
static uint64_t nearest_bits(uint64_t value, int64_t power)
{
    const uint64_t infinite = 0x7ffull << 52;
    if (!value || power < NUMBER_POWER_LOWEST)
        return 0;
    if (power > NUMBER_POWER_HIGHEST)
        return infinite;
    int zeros = __builtin_clzll(value);
    value <<= zeros;
    const struct number_power *five = &number_powers[power - NUMBER_POWER_LOWEST];
    uint64_t low;
    uint64_t high = multiply(value, five->high, &low);
    if ((high & 0x1ff) == 0x1ff) { /* the bits below the rounding bit may still carry */
        uint64_t unused, more = multiply(value, five->low, &unused);
        low += more;
        high += low < more;
    }
    int upper = (int)(high >> 63); /* the product of two numbers in [1, 2) may be 2 or more */
    int shift = upper + 64 - 52 - 3;
    uint64_t mantissa = high >> shift;
    /* 217706 / 2^16 is log2(10), near enough for every power in the table. */
    int exponent = (int)((217706 * power) >> 16) + 63 + upper - zeros + 1023;
    if (exponent <= 0) { /* denormal */
        if (exponent <= -63)
            return 0;
        mantissa >>= 1 - exponent;
        mantissa += mantissa & 1;
        return mantissa >> 1; /* rounded up to 2^52 it is the first normal number, bits and all */
    }
    /* Right in the middle, which only these powers allow: to even, so the odd one goes down. */
    if (low <= 1 && power >= -4 && power <= 23 && (mantissa & 3) == 1 && mantissa << shift == high)
        mantissa &= ~(uint64_t)1;
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >> 53) {
        mantissa >>= 1;
        exponent++;
    }
    if (exponent >= 0x7ff)
        return infinite;
    return (uint64_t)exponent << 52 | (mantissa & ~(1ull << 52));
}

/* An integer of up to 4,096 bits, least significant limb first. The longest below, a number of
 * DIGITS_COMPARED digits or a middle brought to its scale, has some 2,700. */
enum { LIMBS = 128 };
struct integer {
    size_t count;
    uint32_t limbs[LIMBS];
};

static void integer_multiply_add(struct integer *integer, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < integer->count; i++) {
        carry += (uint64_t)integer->limbs[i] * factor;
        integer->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        assert(integer->count < LIMBS);
        integer->limbs[integer->count++] = (uint32_t)carry;
    }
}

static void integer_multiply_power_of_five(struct integer *integer, int64_t power)
{
    for (; power >= 13; power -= 13)
        integer_multiply_add(integer, 1220703125, 0); /* 5^13 */
    for (; power > 0; power--)
        integer_multiply_add(integer, 5, 0);
}

static void integer_shift_left(struct integer *integer, int64_t bits)
{
    size_t whole = (size_t)bits / 32;
    integer_multiply_add(integer, 1u << bits % 32, 0);
    assert(integer->count + whole <= LIMBS);
    memmove(integer->limbs + whole, integer->limbs, integer->count * sizeof integer->limbs[0]);
    memset(integer->limbs, 0, whole * sizeof integer->limbs[0]);
    integer->count += whole;
}

static int integer_compare(const struct integer *a, const struct integer *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (size_t i = a->count; i-- > 0;)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

/* All significant digits as an integer; `power` becomes that of its last digit. Beyond
 * DIGITS_COMPARED only whether any is not zero can matter: a last digit of 1 says so. */
static void integer_read(struct integer *integer, const struct decimal *number, int64_t *power)
{
    unsigned digits = 0;
    bool rest = false;
    integer->count = 0;
    for (const char *at = number->digits; at < number->end; at++) {
        if (*at == '.')
            continue;
        if (digits >= DIGITS_COMPARED) {
            rest = rest || *at != '0';
        } else {
            integer_multiply_add(integer, 10, (uint32_t)(*at - '0'));
            digits += integer->count != 0;
        }
    }
    *power = number->power - ((int64_t)digits - DIGITS_KEPT);
    if (rest) {
        integer_multiply_add(integer, 10, 1);
        *power -= 1;
    }
}

/* Way 3: whether the number is nearer to the double after `below` (both given by their bits) than
 * to `below`, or in the middle and `below` odd. The middle is an integer times a power of two. */
static bool rounds_up(const struct decimal *number, uint64_t below)
{
    int64_t power, exponent = (int64_t)(below >> 52);
    struct integer written, middle = {0};
    integer_read(&written, number, &power);

    uint64_t mantissa = below & ((1ull << 52) - 1);
    if (exponent)
        mantissa |= 1ull << 52;
    else
        exponent = 1;
    uint64_t twice = 2 * mantissa + 1;
    middle.limbs[0] = (uint32_t)twice;
    middle.limbs[1] = (uint32_t)(twice >> 32);
    middle.count = middle.limbs[1] ? 2 : 1;
    int64_t two = power - (exponent - 1023 - 52 - 1); /* twos that `written` has more */

    if (power >= 0)
        integer_multiply_power_of_five(&written, power);
    else
        integer_multiply_power_of_five(&middle, -power);
    if (two >= 0)
        integer_shift_left(&written, two);
    else
        integer_shift_left(&middle, -two);
    int order = integer_compare(&written, &middle);
    return order > 0 || (order == 0 && (below & 1));
}

static double nearest(const struct decimal *number)
{
    if (number->value <= 1ull << 53 && !number->cut && number->power >= -NUMBER_EXACT_POWER &&
        number->power <= NUMBER_EXACT_POWER)
        return number_scaled((double)number->value, (int)number->power);
    uint64_t bits = nearest_bits(number->value, number->power);
    if (number->cut && bits != nearest_bits(number->value + 1, number->power))
        bits += rounds_up(number, bits);
    return from_bits(bits);
}

static bool starts_with(const char *at, const char *end, const char *word, size_t size)
{
    if ((size_t)(end - at) < size)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((at[i] | 0x20) != word[i])
            return false;
    return true;
}

static const char *scan_word(const char *at, const char *end, double *value)
{
    *value = INFINITY;
    if (starts_with(at, end, "infinity", 8))
        return at + 8;
    if (starts_with(at, end, "inf", 3))
        return at + 3;
    *value = NAN;
    return starts_with(at, end, "nan", 3) ? at + 3 : NULL;
}

const char *number_scan(const char *at, const char *end, double *value)
{
    if (at == end)
        return NULL;
    bool negative = *at == '-';
    at += negative | (*at == '+'); /* no branch: signs are as good as random */
    struct decimal number;
    double magnitude;
    const char *after;
    if (scan_decimal(at, end, &number)) {
        magnitude = nearest(&number);
        after = number.after;
    } else {
        after = scan_word(at, end, &magnitude);
        if (!after)
            return NULL;
    }
    *value = copysign(magnitude, negative ? -1.0 : 1.0);
    return after;
}

bool number_parse(const char *text, size_t size, double *value)
{
    double found;
    if (number_scan(text, text + size, &found) != text + size || !size)
        return false;
    *value = found;
    return true;
}
