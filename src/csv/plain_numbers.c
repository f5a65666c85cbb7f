/* The numbers of a field, eight rows at a time where the CPU has AVX-512: of each row the 16
 * characters that end where its field ends, in a lane of their own. */
#include "csv/plain.h"

#include "parse/number.h"
#include "parse/number_short.h"
#include "parse/target.h"

#include <math.h>

enum { GROUP = 8, LANE = 16, WORD = 8 };

#if TARGET_X86
#include <immintrin.h>

/* Masks have a bit a character: 16 bits of theirs are a lane. */
#define FIRSTS 0x0001000100010001u
#define LASTS 0x8000800080008000u

/* Four fields. */
struct lanes {
    __m512i characters;
    uint64_t own; /* without those of the fields before */
    uint64_t digits, minuses;
    uint64_t behind; /* what stands behind a point */
};

/* The fields of eight rows, of the even ones first. False where one is longer than a lane. */
TARGET_AVX512 static ALWAYS_INLINE bool load_eight(const struct csv_plain *plain, size_t row,
                                                   size_t field, struct lanes *even,
                                                   struct lanes *odd)
{
    __m128i ends[GROUP];
    long long sizes[GROUP];
    UNROLL
    for (size_t i = 0; i < GROUP; i++) {
        struct csv_text text = csv_plain_field(plain, row + i, field);
        ends[i] = _mm_loadu_si128((const __m128i *)(text.bytes + text.size - LANE));
        sizes[i] = text.size;
    }
    even->characters =
        _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i(ends[2], ends[0])),
                           _mm256_set_m128i(ends[6], ends[4]), 1);
    odd->characters = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i(ends[3], ends[1])),
                                         _mm256_set_m128i(ends[7], ends[5]), 1);
    __m512i size = _mm512_set_epi64(sizes[7], sizes[5], sizes[3], sizes[1], sizes[6], sizes[4],
                                    sizes[2], sizes[0]);
    __m128i others = _mm_sub_epi16(_mm_set1_epi16(LANE), _mm512_cvtepi64_epi16(size));
    __m128i own = _mm_sllv_epi16(_mm_set1_epi16(-1), others);
    even->own = (uint64_t)_mm_cvtsi128_si64(own);
    odd->own = (uint64_t)_mm_extract_epi64(own, 1);
    return !_mm512_cmpgt_epu64_mask(size, _mm512_set1_epi64(LANE));
}

/* Makes lanes of characters lanes of digits without a point, zeros in front. False where there is
 * something else, or a point or minus too many. */
TARGET_AVX512 static ALWAYS_INLINE bool look_at(struct lanes *lanes)
{
    __m512i values = _mm512_sub_epi8(lanes->characters, _mm512_set1_epi8('0'));
    uint64_t own = lanes->own;
    uint64_t digits = _mm512_cmple_epu8_mask(values, _mm512_set1_epi8(9)) & own;
    uint64_t points = _mm512_cmpeq_epi8_mask(lanes->characters, _mm512_set1_epi8('.')) & own;
    uint64_t minuses = _mm512_cmpeq_epi8_mask(lanes->characters, _mm512_set1_epi8('-')) & own;
    uint64_t firsts = own & ~(own << 1 & ~FIRSTS);
    uint64_t below_points = (points | LASTS) - FIRSTS; /* right for a lane's first point */
    uint64_t pointed = (((points & ~LASTS) + ~LASTS) | points) & LASTS;
    pointed = (pointed >> (LANE - 1)) * 0xffff;
    /* What stands before a point moves up by one, onto it. */
    uint64_t to_points = (points ^ below_points) & ~(LASTS & ~points) & pointed;
    __m512i kept = _mm512_maskz_mov_epi8(digits, values);
    lanes->characters = _mm512_mask_blend_epi8(to_points, kept, _mm512_bslli_epi128(kept, 1));
    lanes->digits = digits;
    lanes->minuses = minuses;
    lanes->behind = pointed & ~to_points;
    return (digits | points | minuses) == own && !(points & below_points) && !(minuses & ~firsts);
}

/* The lanes' bits, a word a row. */
TARGET_AVX512 static ALWAYS_INLINE __m128i by_row(uint64_t even, uint64_t odd)
{
    return _mm_unpacklo_epi16(_mm_cvtsi64_si128((long long)even),
                              _mm_cvtsi64_si128((long long)odd));
}

TARGET_AVX512 static ALWAYS_INLINE __mmask8 rows_with(uint64_t even, uint64_t odd)
{
    __m128i bits = by_row(even, odd);
    return _mm_test_epi16_mask(bits, bits);
}

/* Numbers of four digits each. */
TARGET_AVX512 static ALWAYS_INLINE __m512i add_fours(__m512i digits)
{
    __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(1 << 8 | 10));
    return _mm512_madd_epi16(pairs, _mm512_set1_epi32(1 << 16 | 100));
}

/* The integers that the rows' digits make. */
TARGET_AVX512 static ALWAYS_INLINE __m512i add_digits(__m512i even, __m512i odd)
{
    __m512i fours = _mm512_packus_epi32(add_fours(even), add_fours(odd));
    __m512i eights = _mm512_madd_epi16(fours, _mm512_set1_epi32(1 << 16 | 10000));
    __m512i high = _mm512_mul_epu32(eights, _mm512_set1_epi64(100000000));
    return _mm512_add_epi64(high, _mm512_srli_epi64(eights, 32));
}

/* Reads eight numbers of up to 16 characters as number_parse would; all or none. The text is to
 * have that many before the end of the first of them. */
TARGET_AVX512 static bool read_eight(const struct csv_plain *plain, size_t row, size_t field,
                                     double *numbers)
{
    const __m512d powers = _mm512_set_pd(1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0);
    const __m512d more_powers = _mm512_set_pd(1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8);
    struct lanes even, odd;
    if (!load_eight(plain, row, field, &even, &odd) || !look_at(&even) || !look_at(&odd))
        return false;
    __mmask8 there = rows_with(even.own, odd.own);
    if (rows_with(even.digits, odd.digits) != there)
        return false;
    __m512i whole = add_digits(even.characters, odd.characters);
    if (_mm512_cmpgt_epu64_mask(whole, _mm512_set1_epi64((long long)1 << 53)))
        return false;
    __m512i places = _mm512_cvtepu16_epi64(_mm_popcnt_epi16(by_row(even.behind, odd.behind)));
    __m512d result = _mm512_div_pd(_mm512_cvtepu64_pd(whole),
                                   _mm512_permutex2var_pd(powers, places, more_powers));
    result = _mm512_mask_xor_pd(result, rows_with(even.minuses, odd.minuses), result,
                                _mm512_set1_pd(-0.0));
    _mm512_storeu_pd(numbers, _mm512_mask_mov_pd(_mm512_set1_pd(NAN), there, result));
    return true;
}

/* Whether eight rows from this one on may be tried. */
static inline bool may_read_eight(const struct csv_plain *plain, size_t row, size_t field)
{
    return row + GROUP <= plain->rows && plain->stops[row * plain->width + field] >= LANE;
}
#endif

/* One number; false where it is for the caller. */
static inline bool read_one(struct csv_text text, const char *end, double *number)
{
    if (!text.size) {
        *number = NAN;
        return true;
    }
    return (end - text.bytes >= WORD && number_short(text.bytes, text.size, number)) ||
           number_parse(text.bytes, text.size, number);
}

size_t csv_plain_numbers(const struct csv_plain *plain, size_t field, size_t row, const char *end,
                         double *numbers)
{
#if TARGET_X86
    unsigned chances = plain->way == CSV_AVX512 ? 4 : 0; /* groups may be in vain some times */
#endif
    while (row < plain->rows) {
#if TARGET_X86
        if (chances && may_read_eight(plain, row, field)) {
            if (read_eight(plain, row, field, numbers + row)) {
                row += GROUP;
                continue;
            }
            chances--;
        }
#endif
        for (size_t i = 0; i < GROUP && row < plain->rows; i++, row++)
            if (!read_one(csv_plain_field(plain, row, field), end, &numbers[row]))
                return row;
    }
    return row;
}
