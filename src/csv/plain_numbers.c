/* The numbers of a field, eight rows at a time where the CPU has AVX-512: each of up to eight
 * characters in a word of its own, its last one in the highest byte; of up to 16, in two. */
#include "csv/plain.h"

#include "parse/number.h"
#include "parse/number_short.h"
#include "parse/target.h"

#include <math.h>

enum { GROUP = 8, WORD = 8 };

#if TARGET_X86
#include <immintrin.h>

/* Masks have a bit a character: a byte of theirs is a word. */
#define FIRSTS 0x0101010101010101u
#define LASTS 0x8080808080808080u

/* Eight words of characters, zeros in front. */
struct words {
    __m512i values; /* of the characters, less '0' */
    uint64_t digits, points, minuses, all;
    uint64_t below_points; /* right for a word's first point */
    uint64_t pointed;      /* all bits of the words with a point */
    uint64_t behind;       /* what stands behind it there */
};

TARGET_AVX512 static ALWAYS_INLINE struct words look_at(__m512i characters)
{
    struct words words = {.values = _mm512_sub_epi8(characters, _mm512_set1_epi8('0'))};
    words.digits = _mm512_cmple_epu8_mask(words.values, _mm512_set1_epi8(9));
    words.points = _mm512_cmpeq_epi8_mask(characters, _mm512_set1_epi8('.'));
    words.minuses = _mm512_cmpeq_epi8_mask(characters, _mm512_set1_epi8('-'));
    words.all = words.digits | words.points | words.minuses;
    words.below_points = (words.points | LASTS) - FIRSTS;
    uint64_t pointed = ((words.points & ~LASTS) + ~LASTS) | words.points;
    words.pointed = ((pointed & LASTS) >> 7) * 0xff;
    return words;
}

/* The first bits of words that have any: there a minus may be. */
static ALWAYS_INLINE uint64_t first_bits(uint64_t all)
{
    return all & ~(all << 1 & ~FIRSTS);
}

/* All bits of the words that have any. */
TARGET_AVX512 static ALWAYS_INLINE __mmask8 words_with(uint64_t bits)
{
    __m512i bytes = _mm512_movm_epi8(bits);
    return _mm512_test_epi64_mask(bytes, bytes);
}

/* The integers that the words' digits make without the point: pairs, fours, eight. */
TARGET_AVX512 static ALWAYS_INLINE __m512i add_digits(struct words *words)
{
    /* What stands before a point moves up by one, onto it. */
    uint64_t to_points =
        (words->points ^ words->below_points) & ~(LASTS & ~words->points) & words->pointed;
    words->behind = words->pointed & ~to_points;
    __m512i digits = _mm512_maskz_mov_epi8(words->digits, words->values);
    digits = _mm512_mask_blend_epi8(to_points, digits, _mm512_slli_epi64(digits, 8));
    __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(1 << 8 | 10));
    __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(1 << 16 | 100));
    __m512i high = _mm512_mul_epu32(fours, _mm512_set1_epi64(10000));
    return _mm512_add_epi64(high, _mm512_srli_epi64(fours, 32));
}

/* Through registers: a load of all would wait until each store has reached the cache. */
TARGET_AVX512 static ALWAYS_INLINE __m512i side_by_side(const uint64_t *words)
{
    return _mm512_set_epi64((long long)words[7], (long long)words[6], (long long)words[5],
                            (long long)words[4], (long long)words[3], (long long)words[2],
                            (long long)words[1], (long long)words[0]);
}

/* The words of eight rows' fields: the last characters of each and, if `two`, those before. *total
 * is how many characters these are. False where a field is longer or its words are not wholly in
 * the text. */
TARGET_AVX512 static ALWAYS_INLINE bool load_eight(const struct csv_plain *plain, size_t row,
                                                   size_t field, const char *end, bool two,
                                                   __m512i *before, __m512i *last, uint32_t *total)
{
    uint64_t lasts[GROUP], befores[GROUP];
    uint32_t limit = two ? 2 * WORD : WORD, sizes = 0;
    *total = 0;
    if ((size_t)(end - csv_plain_field(plain, row + GROUP - 1, field).bytes) < limit)
        return false;
    UNROLL
    for (size_t i = 0; i < GROUP; i++) {
        struct csv_text text = csv_plain_field(plain, row + i, field);
        uint32_t beyond = two && text.size > WORD ? text.size - WORD : 0;
        /* in two halves, for 64 bits at once are no shift */
        uint32_t half = 4 * (WORD - (text.size - beyond)) & 63;
        lasts[i] = word_load(text.bytes + beyond) << half << half;
        half = 4 * (WORD - beyond) & 63;
        befores[i] = two ? word_load(text.bytes) << half << half : 0;
        sizes |= text.size + limit - 1; /* below twice the limit while no size is above it */
        *total += text.size;
    }
    *last = side_by_side(lasts);
    *before = side_by_side(befores);
    return sizes < 2 * limit;
}

/* Reads eight numbers of up to 8 or, if `two`, 16 characters as number_parse would; all or none. */
TARGET_AVX512 static ALWAYS_INLINE bool read_eight(const struct csv_plain *plain, size_t row,
                                                   size_t field, const char *end, bool two,
                                                   double *numbers)
{
    const __m512d powers = _mm512_set_pd(1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0);
    const __m512d more_powers = _mm512_set_pd(1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8);
    __m512i characters, characters_before;
    uint32_t total;
    if (!load_eight(plain, row, field, end, two, &characters_before, &characters, &total))
        return false;
    struct words last = look_at(characters), before = {.all = 0};
    if (two)
        before = look_at(characters_before);
    __mmask8 there = words_with(last.all);
    uint64_t long_ones =
        two ? (uint64_t)_mm_cvtsi128_si64(_mm_movm_epi8(words_with(before.all))) : 0;
    if ((uint32_t)(_mm_popcnt_u64(last.all) + _mm_popcnt_u64(before.all)) != total ||
        (last.points & (last.below_points | before.pointed)) ||
        (before.points & before.below_points) ||
        (last.minuses & (~first_bits(last.all) | long_ones)) ||
        (before.minuses & ~first_bits(before.all)) ||
        words_with(last.digits | before.digits) != there)
        return false;
    __m512i whole = add_digits(&last), places;
    if (two) {
        /* a point among the last eight leaves seven of them digits */
        __m512i scale = _mm512_mask_mov_epi64(_mm512_set1_epi64(100000000), words_with(last.points),
                                              _mm512_set1_epi64(10000000));
        whole = _mm512_add_epi64(whole, _mm512_mullo_epi64(add_digits(&before), scale));
        if (_mm512_cmpgt_epu64_mask(whole, _mm512_set1_epi64((long long)1 << 53)))
            return false;
        last.behind |= before.pointed;
    }
    __m128i bytes = _mm_popcnt_epi8(_mm_cvtsi64_si128((long long)last.behind));
    if (two)
        bytes = _mm_add_epi8(bytes, _mm_popcnt_epi8(_mm_cvtsi64_si128((long long)before.behind)));
    places = _mm512_cvtepu8_epi64(bytes);
    __m512d power = two ? _mm512_permutex2var_pd(powers, places, more_powers)
                        : _mm512_permutexvar_pd(places, powers);
    __m512d result = _mm512_div_pd(_mm512_cvtepu64_pd(whole), power);
    result = _mm512_mask_xor_pd(result, words_with(last.minuses | before.minuses), result,
                                _mm512_set1_pd(-0.0));
    _mm512_storeu_pd(numbers, _mm512_mask_mov_pd(_mm512_set1_pd(NAN), there, result));
    return true;
}

TARGET_AVX512 static bool read_short(const struct csv_plain *plain, size_t row, size_t field,
                                     const char *end, double *numbers)
{
    return read_eight(plain, row, field, end, false, numbers);
}

TARGET_AVX512 static bool read_long(const struct csv_plain *plain, size_t row, size_t field,
                                    const char *end, double *numbers)
{
    return read_eight(plain, row, field, end, true, numbers);
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
    /* Once numbers turn out to be longer, these are tried; groups may be in vain some times. */
    bool (*read)(const struct csv_plain *, size_t, size_t, const char *, double *) = read_short;
    unsigned chances = plain->way == CSV_AVX512 ? 4 : 0;
#endif
    while (row < plain->rows) {
#if TARGET_X86
        if (chances && row + GROUP <= plain->rows) {
            if (read(plain, row, field, end, numbers + row)) {
                row += GROUP;
                continue;
            }
            chances--;
            if (read == read_short) {
                read = read_long;
                continue;
            }
        }
#endif
        for (size_t i = 0; i < GROUP && row < plain->rows; i++, row++)
            if (!read_one(csv_plain_field(plain, row, field), end, &numbers[row]))
                return row;
    }
    return row;
}
