/* Cutting with AVX2: as with AVX-512 (cuts_avx512.c), in registers of eight floats. The decision of
 * level l is bit l of a lane's code, so that the decisions so far index the next level's thresholds
 * directly (vpermps looks at the low three bits, the comparisons before choose among registers);
 * the last two levels, of 64 and 128 thresholds, are gathered. The bits come out in reverse and are
 * turned round a vector of bytes at a time. */
#include "parse/target.h"

#if TARGET_X86
enum { TILE = 8, VECTOR = 32 };

#define CUT_TARGET TARGET_AVX2
#define CUT_FLOATS SEARCH_FLOATS
#include "tree/cut_block.h"

#include <immintrin.h>

/* 8 rows of 8 floats to 8 columns of 8. */
TARGET_AVX2 static ALWAYS_INLINE void transpose(__m256 *v)
{
    __m256 t[8];
    UNROLL
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
    }
    UNROLL
    for (int i = 0; i < 8; i += 4)
        UNROLL
    for (int j = 0; j < 2; j++) {
        v[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
        v[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xEE);
    }
    UNROLL
    for (int j = 0; j < 4; j++) {
        __m256 low = _mm256_permute2f128_ps(v[j], v[j + 4], 0x20);
        v[j + 4] = _mm256_permute2f128_ps(v[j], v[j + 4], 0x31);
        v[j] = low;
    }
}

TARGET_AVX2 static void load_tile(const float *rows, size_t count, size_t stride, size_t width,
                                  float tile[TILE][BLOCK_ROWS])
{
    const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i there = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)width), places);
    for (size_t r = 0; r < count; r += 8) {
        __m256 v[8];
        UNROLL
        for (size_t i = 0; i < 8; i++) {
            /* past the end the last row again: its codes are not used */
            size_t row = r + i < count ? r + i : count - 1;
            v[i] = _mm256_maskload_ps(rows + row * stride, there);
        }
        transpose(v);
        UNROLL
        for (size_t i = 0; i < 8; i++)
            _mm256_store_ps(&tile[i][r], v[i]);
    }
}

/* Takes a decision: which lanes go right, and the codes with it. */
TARGET_AVX2 static ALWAYS_INLINE __m256 decide(__m256 values, __m256 cuts, int level,
                                               __m256i *codes)
{
    __m256 right = _mm256_cmp_ps(values, cuts, _CMP_GE_OQ);
    __m256i bit = _mm256_and_si256(_mm256_castps_si256(right), _mm256_set1_epi32(1 << level));
    *codes = _mm256_or_si256(*codes, bit);
    return right;
}

/* One of eight thresholds from `table` on, by the lowest three bits of a code. */
TARGET_AVX2 static ALWAYS_INLINE __m256 one_of_8(const float *table, __m256i codes)
{
    return _mm256_permutevar8x32_ps(_mm256_load_ps(table), codes);
}

TARGET_AVX2 static ALWAYS_INLINE __m256 one_of_16(const float *table, __m256i codes, __m256 third)
{
    return _mm256_blendv_ps(one_of_8(table, codes), one_of_8(table + 8, codes), third);
}

/* Eight values through a search tree: the reversed codes. */
TARGET_AVX2 static ALWAYS_INLINE __m256i search_8(const float *search, uint32_t levels,
                                                  __m256 values)
{
    __m256i codes = _mm256_setzero_si256();
    decide(values, _mm256_broadcast_ss(search + 1), 0, &codes);
    UNROLL
    for (int l = 1; l < 3; l++)
        if (levels > (uint32_t)l) { /* one register holds the levels 0 to 2 at their places */
            __m256i at = _mm256_or_si256(codes, _mm256_set1_epi32(1 << l));
            decide(values, one_of_8(search, at), l, &codes);
        }
    __m256 third = _mm256_setzero_ps(), fourth = third;
    if (levels > 3)
        third = decide(values, one_of_8(search + 8, codes), 3, &codes);
    if (levels > 4)
        fourth = decide(values, one_of_16(search + 16, codes, third), 4, &codes);
    if (levels > 5) {
        __m256 cuts = _mm256_blendv_ps(one_of_16(search + 32, codes, third),
                                       one_of_16(search + 48, codes, third), fourth);
        decide(values, cuts, 5, &codes);
    }
    if (levels > 6)
        decide(values, _mm256_i32gather_ps(search + 64, codes, sizeof(float)), 6, &codes);
    if (levels > 7)
        decide(values, _mm256_i32gather_ps(search + 128, codes, sizeof(float)), 7, &codes);
    return codes;
}

/* Where the bits of half a byte go when the lowest `levels` of a byte are reversed. */
TARGET_AVX2 static ALWAYS_INLINE __m256i reversal(uint32_t levels, uint32_t from)
{
    _Alignas(16) uint8_t table[16] = {0};
    for (uint32_t half = 0; half < 16; half++)
        for (uint32_t bit = 0; bit < 4 && from + bit < levels; bit++)
            table[half] |= (uint8_t)((half >> bit & 1) << (levels - 1 - from - bit));
    return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)table));
}

/* 32 codes, a byte each, in the order of their values. */
TARGET_AVX2 static ALWAYS_INLINE __m256i pack(const __m256i *codes)
{
    __m256i low = _mm256_packs_epi32(codes[0], codes[1]);
    __m256i high = _mm256_packs_epi32(codes[2], codes[3]);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
}

TARGET_AVX2 static ALWAYS_INLINE void cut_band(const struct band *band, const float *search,
                                               uint32_t levels, const float *values, size_t count,
                                               int8_t *columns)
{
    int8_t *low = band->low == NO_COLUMN ? NULL : columns + (size_t)band->low * BLOCK_ROWS;
    int8_t *high = band->high == NO_COLUMN ? NULL : columns + (size_t)band->high * BLOCK_ROWS;
    const __m256i lower = reversal(levels, 0), upper = reversal(levels, 4);
    const __m256i half = _mm256_set1_epi8(15), bias = _mm256_set1_epi8((char)CODE_BIAS);
    for (size_t r = 0; r < count; r += VECTOR) {
        __m256i wide[4], none[4];
        UNROLL
        for (int g = 0; g < 4; g++) {
            __m256 value = _mm256_load_ps(values + r + 8 * (size_t)g);
            none[g] = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
            wide[g] = search_8(search, levels, value);
        }
        __m256i codes = pack(wide);
        codes = _mm256_or_si256(
            _mm256_shuffle_epi8(lower, _mm256_and_si256(codes, half)),
            _mm256_shuffle_epi8(upper, _mm256_and_si256(_mm256_srli_epi16(codes, 4), half)));
        codes = _mm256_xor_si256(codes, bias);
        __m256i missing = _mm256_packs_epi16(_mm256_packs_epi32(none[0], none[1]),
                                             _mm256_packs_epi32(none[2], none[3]));
        missing = _mm256_permutevar8x32_epi32(missing, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        /* of a missing value no cut is below: its code is the lowest as it is */
        if (low)
            _mm256_store_si256((__m256i *)(low + r), codes);
        if (high)
            _mm256_store_si256((__m256i *)(high + r),
                               _mm256_blendv_epi8(codes, _mm256_set1_epi8(CODE_HIGHEST), missing));
    }
}

TARGET_AVX2 static void load_column(const double *column, size_t count, float *values)
{
    size_t r = 0;
    for (; r + 4 <= count; r += 4)
        _mm_store_ps(values + r, _mm256_cvtpd_ps(_mm256_loadu_pd(column + r)));
    for (; r < count; r++)
        values[r] = (float)column[r];
}

void cuts_block_avx2(const struct cut_plan *plan, const struct row_block *block, size_t features)
{
    cut_block(plan, block, features);
    categories_code_avx2(&plan->categories, block);
}
#endif
