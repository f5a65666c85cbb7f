/* Numbers of JSON lists, as XGBoost writes them, 8 or 16 at a time with AVX-512. A lane of 8 or 4
 * bytes is a number. Where a block has commas (and where exponents begin) is packed into lists of
 * places; from there characters come by vpermb to all lanes that want them, the last digit of a
 * number to the highest byte of its lane, with zeros in front of the first. */
#include "parse/block.h"
#include "parse/reader_inside.h"

#if TARGET_X86
#include <immintrin.h>

bool reader_wide(const struct reader *reader)
{
    return !reader->narrow && target_has_avx512();
}

/* A block, and what is told of its places, of which each lane has the same in all its bytes. */
struct numbers {
    __m512i block;
    __mmask64 commas;
    __m512i lanes; /* which lane a byte is of */
    __m512i comma_list;
    __m512i start, end; /* where a number begins, and the comma behind it */
};

TARGET_AVX512 static ALWAYS_INLINE __m512i all_bytes(char c)
{
    return _mm512_set1_epi8(c);
}

/* 0 to 63. */
TARGET_AVX512 static ALWAYS_INLINE __m512i all_places(void)
{
    _Alignas(64) static const uint8_t places[] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    return _mm512_load_si512(places);
}

/* For each byte the character at this place. */
TARGET_AVX512 static ALWAYS_INLINE __m512i look(const struct numbers *numbers, __m512i places)
{
    return _mm512_permutexvar_epi8(places, numbers->block);
}

/* The places where these characters are, the first in the first lane. */
TARGET_AVX512 static ALWAYS_INLINE __m512i places_of(const struct numbers *numbers,
                                                     __mmask64 characters)
{
    return _mm512_permutexvar_epi8(numbers->lanes,
                                   _mm512_maskz_compress_epi8(characters, all_places()));
}

TARGET_AVX512 static ALWAYS_INLINE struct numbers find_numbers(const unsigned char *at,
                                                               __m512i lanes)
{
    struct numbers numbers = {.block = _mm512_loadu_si512(at), .lanes = lanes};
    const __m512i one = all_bytes(1);
    numbers.commas = _mm512_cmpeq_epi8_mask(numbers.block, all_bytes(','));
    numbers.comma_list = _mm512_maskz_compress_epi8(numbers.commas, all_places());
    numbers.end = _mm512_permutexvar_epi8(lanes, numbers.comma_list);
    /* behind the comma of the lane before; the first lane's at 0 */
    __m512i before = _mm512_permutexvar_epi8(_mm512_sub_epi8(lanes, one), numbers.comma_list);
    numbers.start = _mm512_maskz_add_epi8(_mm512_test_epi8_mask(lanes, lanes), before, one);
    return numbers;
}

/* Moves places on by one where this character is; returns where that was. */
TARGET_AVX512 static ALWAYS_INLINE __mmask64 pass(const struct numbers *numbers, char c,
                                                  __m512i *places)
{
    __mmask64 found = _mm512_cmpeq_epi8_mask(look(numbers, *places), all_bytes(c));
    *places = _mm512_mask_add_epi8(*places, found, *places, all_bytes(1));
    return found;
}

TARGET_AVX512 static ALWAYS_INLINE __m512i digits_at(const struct numbers *numbers, __m512i places)
{
    return _mm512_sub_epi8(look(numbers, places), all_bytes('0'));
}

/* The last `count` digits in front of `end`, where a lane has `width` bytes. */
TARGET_AVX512 static ALWAYS_INLINE __m512i digits_before(const struct numbers *numbers, __m512i end,
                                                         __m512i count, char width)
{
    __m512i byte = _mm512_and_si512(all_places(), all_bytes((char)(width - 1)));
    __mmask64 kept = _mm512_cmpge_epu8_mask(_mm512_add_epi8(count, byte), all_bytes(width));
    __m512i place = _mm512_sub_epi8(_mm512_add_epi8(end, byte), all_bytes(width));
    return _mm512_maskz_mov_epi8(kept, digits_at(numbers, place));
}

/* Four digits a 32-bit lane to their number: by pairs, then both. */
TARGET_AVX512 static ALWAYS_INLINE __m512i four_digits(__m512i digits)
{
    __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(1 << 8 | 10));
    return _mm512_madd_epi16(pairs, _mm512_set1_epi32(1 << 16 | 100));
}

TARGET_AVX512 static ALWAYS_INLINE __m512i eight_digits(__m512i digits)
{
    __m512i fours = four_digits(digits);
    __m512i upper = _mm512_mul_epu32(fours, _mm512_set1_epi64(10000));
    return _mm512_add_epi64(upper, _mm512_srli_epi64(fours, 32));
}

/* How many numbers there are before the first that is bad, at most `most`. */
TARGET_AVX512 static ALWAYS_INLINE size_t count_good(const struct numbers *numbers, unsigned good,
                                                     size_t most)
{
    size_t count = (size_t)_mm_popcnt_u64(numbers->commas);
    count = count < most ? count : most;
    unsigned bad = ~good & ((1u << count) - 1);
    return bad ? block_first(bad) : count;
}

/* How many characters the first `count` (1 to 16) numbers are. */
TARGET_AVX512 static ALWAYS_INLINE size_t size_of(const struct numbers *numbers, size_t count)
{
    unsigned char places[16];
    _mm_storeu_si128((__m128i *)places, _mm512_castsi512_si128(numbers->comma_list));
    return places[count - 1] + 1u;
}

/* Powers of ten, by the lowest four bits of the lanes. */
TARGET_AVX512 static ALWAYS_INLINE __m512d powers(__m512i exponents)
{
    __m512d low = _mm512_loadu_pd(number_exact_powers),
            high = _mm512_loadu_pd(number_exact_powers + 8);
    return _mm512_permutex2var_pd(low, exponents, high);
}

TARGET_AVX512 size_t reader_eight_floats(const unsigned char *at, float *out, size_t capacity,
                                         size_t *size)
{
    const __m512i zero = _mm512_setzero_si512(), nine = all_bytes(9);
    __m512i lanes = _mm512_and_si512(_mm512_srli_epi16(all_places(), 3), all_bytes(7));
    struct numbers numbers = find_numbers(at, lanes);
    __m512i lower_case = _mm512_or_si512(numbers.block, all_bytes(0x20));
    __m512i e = places_of(&numbers, _mm512_cmpeq_epi8_mask(lower_case, all_bytes('e')));

    __mmask64 negative = pass(&numbers, '-', &numbers.start);
    __m512i first = digits_at(&numbers, numbers.start);
    __m512i behind = _mm512_add_epi8(numbers.start, all_bytes(1));
    __mmask64 point = pass(&numbers, '.', &behind);
    __m512i count = _mm512_sub_epi8(e, behind);
    __m512i digits = digits_before(&numbers, e, count, 8);
    /* the exponent, and with it the power of ten that the last digit counts */
    __m512i power_at = _mm512_add_epi8(e, all_bytes(1));
    __mmask64 lowered = pass(&numbers, '-', &power_at);
    __m512i power = digits_at(&numbers, power_at);
    __m512i scale = _mm512_sub_epi8(_mm512_mask_sub_epi8(power, lowered, zero, power), count);

    __mmask64 good = _mm512_cmple_epu8_mask(_mm512_max_epu8(first, power), nine) &
                     _mm512_cmple_epu8_mask(digits, nine) &
                     _mm512_cmple_epu8_mask(count, all_bytes(8)) &
                     ~(point ^ _mm512_test_epi8_mask(count, count)) &
                     _mm512_cmpeq_epi8_mask(_mm512_add_epi8(power_at, all_bytes(1)), numbers.end) &
                     _mm512_cmpge_epi8_mask(scale, all_bytes(-READER_ROUNDED_ONCE)) &
                     _mm512_cmple_epi8_mask(scale, all_bytes(READER_WHOLE));

    /* below 2^53, so exact; times a power or divided by one: rounded once, and then to float */
    __m512d whole = _mm512_cvtepi64_pd(_mm512_and_si512(first, _mm512_set1_epi64(0xff)));
    __m512d number = _mm512_add_pd(_mm512_mul_pd(whole, powers(count)),
                                   _mm512_cvtepi64_pd(eight_digits(digits)));
    number = _mm512_mul_pd(number, powers(_mm512_max_epi8(scale, zero)));
    number = _mm512_div_pd(number, powers(_mm512_max_epi8(_mm512_sub_epi8(zero, scale), zero)));
    __m256 floats = _mm512_cvtpd_ps(number);
    __mmask8 below = _mm512_movepi64_mask(_mm512_movm_epi8(negative));
    floats = _mm256_mask_xor_ps(floats, below, floats, _mm256_set1_ps(-0.0f));

    unsigned right = _mm512_cmpeq_epi64_mask(_mm512_movm_epi8(good), _mm512_set1_epi64(-1));
    size_t found = count_good(&numbers, right, capacity < 8 ? capacity : 8);
    if (found) {
        _mm256_mask_storeu_ps(out, (__mmask8)((1u << found) - 1), floats);
        *size = size_of(&numbers, found);
    }
    return found;
}

TARGET_AVX512 size_t reader_sixteen_integers(const unsigned char *at, int32_t *out, size_t capacity,
                                             size_t *size)
{
    const __m512i zero = _mm512_setzero_si512();
    __m512i lanes = _mm512_and_si512(_mm512_srli_epi16(all_places(), 2), all_bytes(15));
    struct numbers numbers = find_numbers(at, lanes);
    __mmask64 negative = pass(&numbers, '-', &numbers.start);
    __m512i count = _mm512_sub_epi8(numbers.end, numbers.start);
    __m512i digits = digits_before(&numbers, numbers.end, count, 4);
    /* a leading zero */
    __mmask64 padded = _mm512_cmpeq_epi8_mask(look(&numbers, numbers.start), all_bytes('0')) &
                       _mm512_cmpgt_epu8_mask(count, all_bytes(1));
    __mmask64 good = _mm512_cmple_epu8_mask(digits, all_bytes(9)) & ~padded &
                     _mm512_test_epi8_mask(count, count) &
                     _mm512_cmple_epu8_mask(count, all_bytes(4));

    __m512i values = four_digits(digits);
    __mmask16 below = _mm512_movepi32_mask(_mm512_movm_epi8(negative));
    values = _mm512_mask_sub_epi32(values, below, zero, values);

    unsigned right = _mm512_cmpeq_epi32_mask(_mm512_movm_epi8(good), _mm512_set1_epi32(-1));
    size_t found = count_good(&numbers, right, capacity < 16 ? capacity : 16);
    if (found) {
        _mm512_mask_storeu_epi32(out, (__mmask16)((1u << found) - 1), values);
        *size = size_of(&numbers, found);
    }
    return found;
}

#else

bool reader_wide(const struct reader *reader)
{
    (void)reader;
    return false;
}

size_t reader_eight_floats(const unsigned char *at, float *out, size_t capacity, size_t *size)
{
    (void)at, (void)out, (void)capacity, (void)size;
    return 0;
}

size_t reader_sixteen_integers(const unsigned char *at, int32_t *out, size_t capacity, size_t *size)
{
    (void)at, (void)out, (void)capacity, (void)size;
    return 0;
}

#endif
