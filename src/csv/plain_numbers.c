/* The numbers of a field, eight rows at a time where the CPU has AVX-512: each of up to eight
 * characters, in a word of its own, its last character in the highest byte. */
#include "csv/plain.h"

#include "parse/number.h"
#include "parse/number_short.h"
#include "parse/target.h"

#include <math.h>

enum { GROUP = 8, WORD = 8 };

#if TARGET_X86
#include <immintrin.h>

/* Masks have a bit a character: a byte of theirs is a number. */
#define FIRSTS 0x0101010101010101u
#define LASTS 0x8080808080808080u

/* The words of eight rows' fields, with zeros in front of the characters; *total is how many these
 * are. False where a field is longer or its word is not wholly in the text. */
TARGET_AVX512 static ALWAYS_INLINE bool load_eight(const struct csv_plain *plain, size_t row,
                                                   size_t field, const char *end, __m512i *words,
                                                   uint32_t *total)
{
    uint64_t word[GROUP];
    uint32_t longest = 0;
    *total = 0;
    if (end - csv_plain_field(plain, row + GROUP - 1, field).bytes < WORD)
        return false;
    UNROLL
    for (size_t i = 0; i < GROUP; i++) {
        struct csv_text text = csv_plain_field(plain, row + i, field);
        unsigned half = 4 * (WORD - text.size) & 63; /* in two, for 64 at once is no shift */
        word[i] = word_load(text.bytes) << half << half;
        longest |= text.size + WORD - 1; /* below 16 while no size is above 8 */
        *total += text.size;
    }
    *words = _mm512_set_epi64((long long)word[7], (long long)word[6], (long long)word[5],
                              (long long)word[4], (long long)word[3], (long long)word[2],
                              (long long)word[1], (long long)word[0]);
    return longest < 16;
}

/* The integers that the words' digits make: pairs, fours, eight. */
TARGET_AVX512 static ALWAYS_INLINE __m512d add_digits(__m512i digits)
{
    __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(1 << 8 | 10));
    __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(1 << 16 | 100));
    __m512i high = _mm512_mul_epu32(fours, _mm512_set1_epi64(10000));
    return _mm512_cvtepu64_pd(_mm512_add_epi64(high, _mm512_srli_epi64(fours, 32)));
}

/* The words with one of the bits set. */
TARGET_AVX512 static ALWAYS_INLINE __mmask8 words_with(__mmask64 bits)
{
    __m512i bytes = _mm512_movm_epi8(bits);
    return _mm512_test_epi64_mask(bytes, bytes);
}

/* As number_short reads them, all eight or none. */
TARGET_AVX512 static bool read_eight(const struct csv_plain *plain, size_t row, size_t field,
                                     const char *end, double *numbers)
{
    const __m512d powers = _mm512_set_pd(1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0);
    __m512i words;
    uint32_t total;
    if (!load_eight(plain, row, field, end, &words, &total))
        return false;
    __m512i values = _mm512_sub_epi8(words, _mm512_set1_epi8('0'));
    uint64_t digits = _mm512_cmple_epu8_mask(values, _mm512_set1_epi8(9));
    uint64_t points = _mm512_cmpeq_epi8_mask(words, _mm512_set1_epi8('.'));
    uint64_t minuses = _mm512_cmpeq_epi8_mask(words, _mm512_set1_epi8('-'));
    uint64_t all = digits | points | minuses;
    uint64_t firsts = all & ~(all << 1 & ~FIRSTS);
    uint64_t below_points = (points | LASTS) - FIRSTS; /* for the first point of a word */
    __mmask8 there = words_with(all);
    if ((uint32_t)_mm_popcnt_u64(all) != total || (minuses & ~firsts) || (points & below_points) ||
        words_with(digits) != there)
        return false;
    /* What stands before a point moves up by one, onto it. */
    uint64_t pointed = ((((points & ~LASTS) + ~LASTS) | points) & LASTS) >> 7; /* bit 0 of a word */
    uint64_t to_points = (points ^ below_points) & ~(LASTS & ~points) & pointed * 0xff;
    uint64_t behind = pointed * 0xff & ~to_points;
    __m512i kept = _mm512_maskz_mov_epi8(digits, values);
    kept = _mm512_mask_blend_epi8(to_points, kept, _mm512_slli_epi64(kept, 8));
    __m512i places = _mm512_cvtepu8_epi64(_mm_popcnt_epi8(_mm_cvtsi64_si128((long long)behind)));
    __m512d result = _mm512_div_pd(add_digits(kept), _mm512_permutexvar_pd(places, powers));
    result = _mm512_mask_xor_pd(result, words_with(minuses), result, _mm512_set1_pd(-0.0));
    _mm512_storeu_pd(numbers, _mm512_mask_mov_pd(_mm512_set1_pd(NAN), there, result));
    return true;
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
    unsigned chances = 2; /* groups that may be in vain: then the column's numbers are longer */
    while (row < plain->rows) {
#if TARGET_X86
        if (plain->way == CSV_AVX512 && chances && row + GROUP <= plain->rows) {
            if (read_eight(plain, row, field, end, numbers + row)) {
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
