/* Cutting with AVX-512: values come by columns, or 16 rows by 16 features that are transposed, and
 * pass through a search tree a band whose levels lie in registers.
 *
 * The decision of level l is bit l of a lane's code, so that the decisions so far index the next
 * level's thresholds directly (vpermps looks at the low bits only): a lookup, a comparison and a
 * masked or a level. The bits come out in reverse; one GF(2) matrix product a vector of bytes turns
 * them round, shifts out the levels that a small band does not have, and subtracts 128. */
#include "tree/sliced.h"

#include <math.h>
#include <stdlib.h>

/* Thresholds of level l start at 2^l (so 0 is free), in the order of the bits read so far. */
static void lay_band(const struct cut_plan *plan, const struct band *band, float *search)
{
    for (size_t i = 0; i < SEARCH_FLOATS; i++)
        search[i] = NAN; /* nothing is at or above it */
    for (uint32_t level = 0; level < band->levels; level++)
        for (uint32_t path = 0; path < 1u << level; path++) {
            uint32_t prefix = 0;
            for (uint32_t bit = 0; bit < level; bit++)
                prefix |= (path >> bit & 1) << (level - 1 - bit);
            uint32_t rest = band->levels - level;
            uint32_t place = (prefix << rest) + (1u << (rest - 1)) - 1;
            if (place < band->count)
                search[(1u << level) + path] = plan->cuts[band->first + place];
        }
}

bool cuts_lay_search(struct cut_plan *plan, struct lathe_error *error)
{
    plan->search = aligned_alloc(64, (plan->band_count + 1) * SEARCH_FLOATS * sizeof *plan->search);
    if (!plan->search)
        return fail(error, LATHE_NO_MEMORY, "no memory for %zu search trees", plan->band_count);
    for (size_t i = 0; i < plan->band_count; i++)
        lay_band(plan, &plan->bands[i], plan->search + i * SEARCH_FLOATS);
    return true;
}

#if TARGET_X86
enum { TILE = 16 };

#define CUT_TARGET TARGET_AVX512
#define CUT_FLOATS SEARCH_FLOATS
#include "tree/cut_block.h"

#include <immintrin.h>

/* 16 rows of 16 floats to 16 columns of 16: swaps of halves at distance 8, 4, 2, 1. */
TARGET_AVX512 static ALWAYS_INLINE void transpose(__m512 *v)
{
    __m512 t[16];
    UNROLL
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
    }
    UNROLL
    for (int i = 0; i < 16; i += 4)
        UNROLL
    for (int j = 0; j < 2; j++) {
        __m512d a = _mm512_castps_pd(t[i + j]), b = _mm512_castps_pd(t[i + j + 2]);
        v[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
        v[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    }
    UNROLL
    for (int i = 0; i < 16; i += 8)
        UNROLL
    for (int j = 0; j < 4; j++) {
        t[i + j] = _mm512_shuffle_f32x4(v[i + j], v[i + j + 4], 0x88);
        t[i + j + 4] = _mm512_shuffle_f32x4(v[i + j], v[i + j + 4], 0xDD);
    }
    UNROLL
    for (int j = 0; j < 8; j++) {
        v[j] = _mm512_shuffle_f32x4(t[j], t[j + 8], 0x88);
        v[j + 8] = _mm512_shuffle_f32x4(t[j], t[j + 8], 0xDD);
    }
}

TARGET_AVX512 static void load_tile(const float *rows, size_t count, size_t stride, size_t width,
                                    float tile[TILE][BLOCK_ROWS])
{
    __mmask16 there = width < TILE ? (__mmask16)((1u << width) - 1) : 0xFFFF;
    for (size_t r = 0; r < count; r += 16) {
        __m512 v[16];
        UNROLL
        for (size_t i = 0; i < 16; i++) {
            /* past the end the last row again: its codes are not used */
            size_t row = r + i < count ? r + i : count - 1;
            v[i] = _mm512_maskz_loadu_ps(there, rows + row * stride);
        }
        transpose(v);
        UNROLL
        for (size_t i = 0; i < 16; i++)
            _mm512_store_ps(&tile[i][r], v[i]);
    }
}

/* The eighth level's cut, of 128, for each of 16 codes so far. */
TARGET_AVX512 static ALWAYS_INLINE __m512 look_up_last(const __m512 *table, __m512i codes,
                                                       __mmask16 fifth, __mmask16 sixth)
{
    __m512 quarter[4];
    UNROLL
    for (int i = 0; i < 4; i++)
        quarter[i] = _mm512_permutex2var_ps(table[2 * i], codes, table[2 * i + 1]);
    __m512 low = _mm512_mask_blend_ps(fifth, quarter[0], quarter[1]);
    __m512 high = _mm512_mask_blend_ps(fifth, quarter[2], quarter[3]);
    return _mm512_mask_blend_ps(sixth, low, high);
}

/* Four groups of 16 values through a search tree: the reversed codes in the low bytes. The
 * groups are independent, which hides the latency of the lookups. */
TARGET_AVX512 static ALWAYS_INLINE void search_groups(const float *search, uint32_t levels,
                                                      const __m512 *values, __m512i *codes)
{
    const __m512 first = _mm512_set1_ps(search[1]);
    UNROLL
    for (int g = 0; g < 4; g++)
        codes[g] = _mm512_maskz_set1_epi32(_mm512_cmp_ps_mask(values[g], first, _CMP_GE_OQ), 1);
    if (levels > 1) { /* 2 to 8 thresholds: one register holds levels 1 to 3 at their places */
        const __m512 low = _mm512_load_ps(search);
        for (uint32_t l = 1; l < 4 && l < levels; l++)
            UNROLL
        for (int g = 0; g < 4; g++) {
            __m512i at = _mm512_or_si512(codes[g], _mm512_set1_epi32(1 << l));
            __m512 cut = _mm512_permutexvar_ps(at, low);
            __mmask16 right = _mm512_cmp_ps_mask(values[g], cut, _CMP_GE_OQ);
            codes[g] = _mm512_mask_or_epi32(codes[g], right, codes[g], _mm512_set1_epi32(1 << l));
        }
    }
    if (levels > 4) {
        const __m512 table = _mm512_load_ps(search + 16);
        UNROLL
        for (int g = 0; g < 4; g++) {
            __m512 cut = _mm512_permutexvar_ps(codes[g], table);
            __mmask16 right = _mm512_cmp_ps_mask(values[g], cut, _CMP_GE_OQ);
            codes[g] = _mm512_mask_or_epi32(codes[g], right, codes[g], _mm512_set1_epi32(16));
        }
    }
    __mmask16 fifth[4], sixth[4];
    if (levels > 5) {
        const __m512 a = _mm512_load_ps(search + 32), b = _mm512_load_ps(search + 48);
        UNROLL
        for (int g = 0; g < 4; g++) {
            __m512 cut = _mm512_permutex2var_ps(a, codes[g], b);
            fifth[g] = _mm512_cmp_ps_mask(values[g], cut, _CMP_GE_OQ);
            codes[g] = _mm512_mask_or_epi32(codes[g], fifth[g], codes[g], _mm512_set1_epi32(32));
        }
    }
    if (levels > 6) {
        const __m512 a = _mm512_load_ps(search + 64), b = _mm512_load_ps(search + 80);
        const __m512 c = _mm512_load_ps(search + 96), d = _mm512_load_ps(search + 112);
        UNROLL
        for (int g = 0; g < 4; g++) {
            __m512 cut = _mm512_mask_blend_ps(fifth[g], _mm512_permutex2var_ps(a, codes[g], b),
                                              _mm512_permutex2var_ps(c, codes[g], d));
            sixth[g] = _mm512_cmp_ps_mask(values[g], cut, _CMP_GE_OQ);
            codes[g] = _mm512_mask_or_epi32(codes[g], sixth[g], codes[g], _mm512_set1_epi32(64));
        }
    }
    if (levels > 7) {
        __m512 table[8];
        UNROLL
        for (int i = 0; i < 8; i++)
            table[i] = _mm512_load_ps(search + 128 + 16 * i);
        UNROLL
        for (int g = 0; g < 4; g++) {
            __m512 cut = look_up_last(table, codes[g], fifth[g], sixth[g]);
            __mmask16 right = _mm512_cmp_ps_mask(values[g], cut, _CMP_GE_OQ);
            codes[g] = _mm512_mask_or_epi32(codes[g], right, codes[g], _mm512_set1_epi32(128));
        }
    }
}

/* The matrix for gf2p8affineqb that sends bit i of a byte to bit levels - 1 - i. */
static uint64_t reversal(uint32_t levels)
{
    /* byte 7 - j of the matrix selects the bits that make up bit j of the result */
    uint64_t matrix = 0;
    for (uint32_t j = 0; j < levels; j++)
        matrix |= (uint64_t)1 << (8 * (7 - j) + (levels - 1 - j));
    return matrix;
}

TARGET_AVX512 static ALWAYS_INLINE void cut_band(const struct band *band, const float *search,
                                                 uint32_t levels, const float *values, size_t count,
                                                 int8_t *columns)
{
    int8_t *low = band->low == NO_COLUMN ? NULL : columns + (size_t)band->low * BLOCK_ROWS;
    int8_t *high = band->high == NO_COLUMN ? NULL : columns + (size_t)band->high * BLOCK_ROWS;
    const __m512i turn = _mm512_set1_epi64((long long)reversal(levels));
    for (size_t r = 0; r < count; r += 64) {
        __m512 value[4];
        __m512i wide[4];
        __mmask64 missing = 0;
        UNROLL
        for (int g = 0; g < 4; g++) {
            value[g] = _mm512_load_ps(values + r + 16 * (size_t)g);
            missing |= (__mmask64)_mm512_cmp_ps_mask(value[g], value[g], _CMP_UNORD_Q) << (16 * g);
        }
        search_groups(search, levels, value, wide);
        __m512i codes = _mm512_castsi128_si512(_mm512_cvtepi32_epi8(wide[0]));
        codes = _mm512_inserti32x4(codes, _mm512_cvtepi32_epi8(wide[1]), 1);
        codes = _mm512_inserti32x4(codes, _mm512_cvtepi32_epi8(wide[2]), 2);
        codes = _mm512_inserti32x4(codes, _mm512_cvtepi32_epi8(wide[3]), 3);
        codes = _mm512_gf2p8affine_epi64_epi8(codes, turn, CODE_BIAS);
        if (low)
            _mm512_store_si512(low + r, _mm512_mask_set1_epi8(codes, missing, CODE_LOWEST));
        if (high)
            _mm512_store_si512(high + r, _mm512_mask_set1_epi8(codes, missing, CODE_HIGHEST));
    }
}

TARGET_AVX512 static void load_column(const double *column, size_t count, float *values)
{
    for (size_t r = 0; r < count; r += 8) {
        __mmask8 there = count - r < 8 ? (__mmask8)((1u << (count - r)) - 1) : 0xFF;
        __m512d wide = _mm512_maskz_loadu_pd(there, column + r);
        _mm256_store_ps(values + r, _mm512_cvtpd_ps(wide));
    }
}

void cuts_block_avx512(const struct cut_plan *plan, const struct row_block *block, size_t features)
{
    cut_block(plan, block, features);
    categories_code_avx2(&plan->categories, block);
}
#endif
