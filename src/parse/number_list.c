/* Eight numbers side by side where the CPU has AVX-512: the shortest digits as number_write.c finds
 * them, with 32 bits behind the point, which are enough but for one number in some hundred
 * millions; then all digits at once, and each number's own text by stores whose places depend on
 * its exponent. No branch asks what form a number has: none would foresee it. */
#include "parse/number_write.h"

#include "parse/number_powers.h"
#include "parse/target.h"

#include <stdbool.h>
#include <string.h>

#if TARGET_X86
#include <immintrin.h>

enum {
    GROUP = 8,
    WORTH_WHILE = 4,  /* numbers: fewer are written sooner one by one */
    DIGITS = 16,      /* behind the first one; that is 0 where there are 16 in all */
    HALF = 100000000, /* eight digits */
};

/* Where a number's characters are put, by the exponent of its digits behind 0. and by whether there
 * are 16 of them, the first one having been left out. Later ones may cover what earlier ones put
 * too much. */
struct form {
    uint8_t first_at, digits_at;
    uint8_t before_at; /* once more, for what stands before the point, those */
    uint8_t point_at;
    uint16_t before;  /* digits of which the bit is set; others one further */
    uint8_t least;    /* how many digits are shown even if they are zeros */
    uint8_t more;     /* characters that are no digits */
    char suffix[4];   /* e-05 */
    uint8_t suffixed; /* 1 where there is that; 1e-05 then has no point */
};

#define IS_FRACTION(e) ((e) > -4 && (e) <= 0)
#define IS_PLAIN(e) ((e) > 0 && (e) <= 16)
#define FIRST_AT(e) (IS_FRACTION(e) ? 2 - (e) : 0)
#define DIGITS_AT(e, fewer) (FIRST_AT(e) + (IS_FRACTION(e) ? 1 : 2) - (fewer))
#define POINT_AT(e) (IS_PLAIN(e) ? (e) : 1)
#define MAGNITUDE(e) ((e) > 0 ? (e)-1 : 1 - (e))
#define FORM(e, fewer)                                                                            \
    {                                                                                             \
        .first_at = FIRST_AT(e), .digits_at = DIGITS_AT(e, fewer),                                \
        .before_at = IS_FRACTION(e) ? DIGITS_AT(e, fewer) : 1 - (fewer), .point_at = POINT_AT(e), \
        .before = IS_FRACTION(e) ? 0xFFFF : (1 << (POINT_AT(e) - 1 + (fewer))) - 1,               \
        .least = IS_PLAIN(e) ? (e) + 1 : 0, .more = IS_FRACTION(e) ? FIRST_AT(e) : 1,             \
        .suffix = {'e', (e) > 0 ? '+' : '-', '0' + MAGNITUDE(e) / 10, '0' + MAGNITUDE(e) % 10},   \
        .suffixed = !IS_FRACTION(e) && !IS_PLAIN(e)                                               \
    }
#define FORMS(e) FORM(e, 0), FORM(e, 1)
#define SEVEN(e)                                                                              \
    FORMS(e), FORMS((e) + 1), FORMS((e) + 2), FORMS((e) + 3), FORMS((e) + 4), FORMS((e) + 5), \
        FORMS((e) + 6)

/* Of a float that is not 0 the exponent is -44 at least, and 39 at most. */
enum { LEAST_EXPONENT = -44 };
static const struct form forms[] = {SEVEN(-44), SEVEN(-37), SEVEN(-30), SEVEN(-23),
                                    SEVEN(-16), SEVEN(-9),  SEVEN(-2),  SEVEN(5),
                                    SEVEN(12),  SEVEN(19),  SEVEN(26),  SEVEN(33)};

/* A word a number. */
struct eight {
    char digits[2][GROUP / 2 * DIGITS]; /* of even numbers, and of odd ones */
    uint64_t not_zero[2];               /* which of these are not 0 */
    uint64_t first[GROUP];              /* digit, as a character */
    uint64_t form[GROUP];
    __mmask8 done; /* the numbers for which all this is there */
};

static TARGET_AVX512 ALWAYS_INLINE __m512i all(int64_t value)
{
    return _mm512_set1_epi64(value);
}

static TARGET_AVX512 ALWAYS_INLINE __m512i either(__mmask8 which, __m512i yes, __m512i no)
{
    return _mm512_mask_blend_epi64(which, no, yes);
}

/* floor(x / 10) and others, as multiplications that are exact for 32 bits. */
static TARGET_AVX512 ALWAYS_INLINE __m512i tenth(__m512i x)
{
    return _mm512_srli_epi64(_mm512_mul_epu32(x, all(0xCCCCCCCD)), 35);
}

static TARGET_AVX512 ALWAYS_INLINE __m512i over_ten_millions(__m512i x)
{
    return _mm512_srli_epi64(_mm512_mul_epu32(x, all(1801439851)), 54);
}

static TARGET_AVX512 ALWAYS_INLINE __m512i over_hundred_millions(__m512i x)
{
    return _mm512_srli_epi64(_mm512_mul_epu32(x, all(1441151881)), 57);
}

/* What multiplies 2^exponent times 10^power, and the 64 leading bits of 10^-power. */
struct scale {
    __m512i power, shift, ten, ten_low;
};

static TARGET_AVX512 ALWAYS_INLINE struct scale scale_of(__m512i exponent)
{
    __m512i power = _mm512_srai_epi64(_mm512_mul_epi32(exponent, all(1262611)), 22);
    __m512i inverse = _mm512_sub_epi64(_mm512_setzero_si512(), power);
    __m512i bits = _mm512_srai_epi64(_mm512_mul_epi32(inverse, all(1741647)), 19);
    __m512i place = _mm512_slli_epi64(_mm512_sub_epi64(inverse, all(NUMBER_POWER_LOWEST)), 1);
    return (struct scale){
        .power = power,
        .shift = _mm512_add_epi64(_mm512_add_epi64(exponent, bits), all(1)),
        .ten = _mm512_i64gather_epi64(place, &number_powers->high, sizeof(uint64_t)),
        .ten_low = _mm512_i64gather_epi64(place, &number_powers->low, sizeof(uint64_t)),
    };
}

/* Integers of 16 or 17 digits, nine and eight of them, and 32 bits behind the point, at most four
 * too few in their last places. */
struct product {
    __m512i high, low, behind;
};

static TARGET_AVX512 ALWAYS_INLINE struct product product_of(__m512i mantissa,
                                                             const struct scale *scale)
{
    const __m512i half = all(UINT32_MAX);
    __m512i m0 = _mm512_sllv_epi64(mantissa, scale->shift), m1 = _mm512_srli_epi64(m0, 32);
    __m512i t2 = scale->ten, t3 = _mm512_srli_epi64(t2, 32);
    __m512i highest = _mm512_mul_epu32(m1, t3);
    __m512i a = _mm512_mul_epu32(m0, t3), b = _mm512_mul_epu32(m1, t2);
    __m512i c = _mm512_mul_epu32(m0, t2);
    __m512i d = _mm512_mul_epu32(m1, _mm512_srli_epi64(scale->ten_low, 32));
    __m512i sum =
        _mm512_add_epi64(_mm512_add_epi64(_mm512_and_si512(a, half), _mm512_and_si512(b, half)),
                         _mm512_add_epi64(_mm512_srli_epi64(c, 32), _mm512_srli_epi64(d, 32)));
    __m512i whole =
        _mm512_add_epi64(_mm512_add_epi64(highest, _mm512_srli_epi64(a, 32)),
                         _mm512_add_epi64(_mm512_srli_epi64(b, 32), _mm512_srli_epi64(sum, 32)));
    /* never above the quotient, and hardly below it */
    __m512d quotient =
        _mm512_mul_pd(_mm512_cvtepu64_pd(whole), _mm512_set1_pd(0.99999999999999e-8));
    __m512i high = _mm512_cvttpd_epu64(quotient);
    __m512i low = _mm512_sub_epi64(whole, _mm512_mul_epu32(high, all(HALF)));
    __mmask8 more = _mm512_cmpge_epu64_mask(low, all(HALF));
    return (struct product){.high = _mm512_mask_add_epi64(high, more, high, all(1)),
                            .low = _mm512_mask_sub_epi64(low, more, low, all(HALF)),
                            .behind = _mm512_and_si512(sum, half)};
}

/* Where two numbers are apart by more than what was cut off of both. */
static TARGET_AVX512 ALWAYS_INLINE __mmask8 are_apart(__m512i a, __m512i b)
{
    return _mm512_cmpgt_epu64_mask(_mm512_add_epi64(_mm512_sub_epi64(a, b), all(8)), all(16));
}

/* Rounds to the shortest number, of one digit less where that is within the interval of what reads
 * back. Returns where it is clear which that is. */
static TARGET_AVX512 ALWAYS_INLINE __mmask8 shorten(struct product *number,
                                                    const struct scale *scale)
{
    __m512i tens = tenth(number->low);
    __m512i digit = _mm512_sub_epi64(number->low, _mm512_mul_epu32(tens, all(10)));
    __m512i rest = _mm512_or_si512(_mm512_slli_epi64(digit, 32), number->behind);
    __m512i over = _mm512_sub_epi64(all((int64_t)10 << 32), rest);
    __m512i step = _mm512_srlv_epi64(scale->ten, _mm512_sub_epi64(all(33), scale->shift));
    __mmask8 below = _mm512_cmplt_epu64_mask(rest, step);
    __mmask8 above = _mm512_cmplt_epu64_mask(over, step);
    __m512i shorter = _mm512_sub_epi64(number->low, digit);
    shorter = _mm512_mask_add_epi64(shorter, above, shorter, all(10));
    __m512i longer = _mm512_add_epi64(number->low, _mm512_srli_epi64(number->behind, 31));
    __m512i low = either(below | above, shorter, longer);
    __mmask8 carry = _mm512_cmpeq_epi64_mask(low, all(HALF));
    number->high = _mm512_mask_add_epi64(number->high, carry, number->high, all(1));
    number->low = either(carry, _mm512_setzero_si512(), low);
    return are_apart(rest, step) & are_apart(over, step) &
           are_apart(number->behind, all((int64_t)1 << 31));
}

/* Of four numbers, each as two words below 10^8: halves, quarters and eighths of these side by
 * side, as in number_write.c. */
static TARGET_AVX512 ALWAYS_INLINE __m512i digits_of(__m512i words)
{
    __m512i halves = _mm512_srli_epi64(_mm512_mul_epu32(words, all(109951163)), 40);
    __m512i rest = _mm512_sub_epi64(words, _mm512_mul_epu32(halves, all(10000)));
    halves = _mm512_or_si512(halves, _mm512_slli_epi64(rest, 32));
    __m512i hundreds = _mm512_srli_epi16(_mm512_mulhi_epu16(halves, _mm512_set1_epi16(10486)), 4);
    rest = _mm512_sub_epi16(halves, _mm512_mullo_epi16(hundreds, _mm512_set1_epi16(100)));
    __m512i quarters = _mm512_or_si512(hundreds, _mm512_slli_epi32(rest, 16));
    __m512i tens = _mm512_srli_epi16(_mm512_mullo_epi16(quarters, _mm512_set1_epi16(103)), 10);
    rest = _mm512_sub_epi16(quarters, _mm512_mullo_epi16(tens, _mm512_set1_epi16(10)));
    return _mm512_or_si512(tens, _mm512_slli_epi16(rest, 8));
}

static TARGET_AVX512 ALWAYS_INLINE void set_digits(struct eight *eight, __m512i high, __m512i low)
{
    const __m512i words[] = {_mm512_unpacklo_epi64(high, low), _mm512_unpackhi_epi64(high, low)};
    for (size_t i = 0; i < 2; i++) {
        __m512i digits = digits_of(words[i]);
        eight->not_zero[i] = _mm512_test_epi8_mask(digits, digits);
        _mm512_storeu_si512(eight->digits[i], _mm512_or_si512(digits, _mm512_set1_epi8('0')));
    }
}

/* Everything of eight numbers but those that are whole or a power of two, or no numbers. */
static TARGET_AVX512 ALWAYS_INLINE void set(struct eight *eight, const float *values)
{
    __m512d value = _mm512_cvtps_pd(_mm256_loadu_ps(values));
    __m512d cut = _mm512_roundscale_pd(value, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    __m512i fraction = _mm512_and_si512(_mm512_castpd_si512(value), all(((int64_t)1 << 52) - 1));
    eight->done =
        _mm512_cmp_pd_mask(value, cut, _CMP_NEQ_OQ) & _mm512_test_epi64_mask(fraction, fraction);
    __m512i exponent =
        _mm512_and_si512(_mm512_srli_epi64(_mm512_castpd_si512(value), 52), all(0x7FF));
    const struct scale scale = scale_of(_mm512_maskz_sub_epi64(eight->done, exponent, all(1075)));
    struct product number = product_of(_mm512_or_si512(fraction, all((int64_t)1 << 52)), &scale);
    eight->done &= shorten(&number, &scale);
    __mmask8 is_short = _mm512_cmplt_epu64_mask(number.high, all(HALF));
    __m512i short_one = _mm512_maskz_mov_epi64(is_short, all(1));
    __m512i first = over_hundred_millions(number.high);
    set_digits(eight, _mm512_sub_epi64(number.high, _mm512_mul_epu32(first, all(HALF))),
               number.low);
    first = _mm512_mask_mov_epi64(first, is_short, over_ten_millions(number.high));
    _mm512_storeu_si512(eight->first, _mm512_add_epi64(first, all('0')));
    exponent = _mm512_sub_epi64(_mm512_add_epi64(scale.power, all(NUMBER_DIGITS - LEAST_EXPONENT)),
                                short_one);
    _mm512_storeu_si512(eight->form, _mm512_add_epi64(_mm512_slli_epi64(exponent, 1), short_one));
}

/* Writes number i, which is above zero; returns its end. */
static TARGET_AVX512 ALWAYS_INLINE char *put(char *out, const struct eight *eight, size_t i)
{
    size_t place = i / 2 * DIGITS;
    const struct form *form = &forms[eight->form[i]];
    __m128i digits = _mm_loadu_si128((const __m128i *)(eight->digits[i % 2] + place));
    __m128i later = _mm_bslli_si128(digits, 1);
    uint32_t not_zero = (uint16_t)(eight->not_zero[i % 2] >> place);
    size_t count = 32 - (size_t)__builtin_clz(not_zero << 1 | 1) - eight->form[i] % 2;
    memcpy(out, "0.000000", 8);
    out[form->first_at] = (char)eight->first[i];
    _mm_storeu_si128((__m128i *)(out + form->digits_at), digits);
    _mm_storeu_si128((__m128i *)(out + form->before_at),
                     _mm_mask_blend_epi8(form->before, later, digits));
    out[form->point_at] = '.';
    size_t shown = count > form->least ? count : form->least;
    out += shown + form->more - (form->suffixed & (count == 1));
    memcpy(out, form->suffix, sizeof form->suffix);
    return out + sizeof form->suffix * form->suffixed;
}

/* Writes up to eight values, each with what follows it; returns the end. */
static TARGET_AVX512 char *write_group(char *out, const float *values, size_t count,
                                       __m128i between, size_t between_size)
{
    float group[GROUP] = {0};
    struct eight eight;
    set(&eight, count == GROUP ? values : memcpy(group, values, count * sizeof *values));
    for (size_t i = 0; i < count; i++) {
        *out = '-';
        if (eight.done >> i & 1)
            out = put(out + (values[i] < 0), &eight, i);
        else
            out += number_write(out, (double)values[i]);
        _mm_storeu_si128((__m128i *)out, between);
        out += between_size;
    }
    return out;
}

static TARGET_AVX512 size_t write_avx512(char *out, const float *values, size_t count,
                                         const char *between, size_t between_size)
{
    __m128i separator = _mm_loadu_si128((const __m128i *)between);
    char *at = out;
    for (size_t i = 0; i < count; i += GROUP)
        at = write_group(at, values + i, count - i < GROUP ? count - i : GROUP, separator,
                         between_size);
    return (size_t)(at - out) - between_size;
}
#endif

static size_t write_any(char *out, const float *values, size_t count, const char *between,
                        size_t between_size)
{
    char *at = out;
    for (size_t i = 0; i < count; i++) {
        at += number_write(at, (double)values[i]);
        memcpy(at, between, NUMBER_BETWEEN);
        at += between_size;
    }
    return (size_t)(at - out) - between_size;
}

size_t number_write_list(char *out, const float *values, size_t count,
                         const char between[NUMBER_BETWEEN], size_t between_size)
{
#if TARGET_X86
    if (count >= WORTH_WHILE && target_has_avx512())
        return write_avx512(out, values, count, between, between_size);
#endif
    return write_any(out, values, count, between, between_size);
}
