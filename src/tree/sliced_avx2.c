/* The sliced walk with AVX2: 64 rows at a time, leaves by gathers. */
#include "parse/target.h"

#if TARGET_X86
#define WALK_TARGET TARGET_AVX2
#define WALK_WIDE 2
#define WALK_CHOOSE(mask, a, b) _mm256_blendv_epi8(b, a, mask) /* mask ? a : b */
#include "tree/walk_256.h"

TARGET_AVX2 static void add_leaves(const struct sliced *sliced, const struct sliced_tree *tree,
                                   const uint8_t *numbers, float *sums)
{
    for (size_t k = 0; k < sliced->tables; k++) {
        const float *leaves = sliced->leaves + tree->leaves + (k << tree->levels);
        float *sum = sums + (tree->output + k) * BLOCK_ROWS;
        for (size_t r = 0; r < UNIT; r += 8) {
            __m256i number = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(numbers + r)));
            __m256 value = _mm256_i32gather_ps(leaves, number, sizeof(float));
            _mm256_store_ps(sum + r, _mm256_add_ps(_mm256_load_ps(sum + r), value));
        }
    }
}

TARGET_AVX2 static void add_trees(const struct sliced *sliced, const struct ensemble *ensemble,
                                  size_t first, size_t last, const struct row_block *block)
{
    const struct constants constants = WALK_CONSTANTS;
    _Alignas(32) uint8_t numbers[UNIT];
    for (size_t t = first; t < last; t++) {
        const struct sliced_tree *tree = &sliced->trees[t];
        const struct step *steps = sliced->steps + tree->steps;
        for (size_t r = 0; r < block->count; r += UNIT) {
            store_numbers(walk_tree(tree->levels, steps, block->columns + r, &constants), numbers);
            if (tree->exits == NO_EXITS)
                add_leaves(sliced, tree, numbers, block->sums + r);
            else
                sliced_add_deep(sliced, ensemble, t, block, r, UNIT, numbers, NULL);
        }
    }
}

enum { LANES = 8 };

/* Codes of 8 rows: a binary search in step, the cuts fetched by gathers. */
TARGET_AVX2 static ALWAYS_INLINE __m256i count_cuts(const float *cuts, uint32_t count,
                                                    __m256 values)
{
    __m256i found = _mm256_setzero_si256(); /* cuts known to be at or below */
    while (count > 1) {
        uint32_t half = count / 2;
        __m256i at = _mm256_add_epi32(found, _mm256_set1_epi32((int)half - 1));
        __m256 cut = _mm256_i32gather_ps(cuts, at, sizeof(float));
        __m256i right = _mm256_castps_si256(_mm256_cmp_ps(values, cut, _CMP_GE_OQ));
        found = _mm256_add_epi32(found, _mm256_and_si256(right, _mm256_set1_epi32((int)half)));
        count -= half;
    }
    __m256 cut = _mm256_i32gather_ps(cuts, found, sizeof(float));
    __m256i right = _mm256_castps_si256(_mm256_cmp_ps(values, cut, _CMP_GE_OQ));
    return _mm256_sub_epi32(found, right);
}

TARGET_AVX2 static void cut_band(const struct cut_plan *plan, const struct band *band,
                                 const struct row_block *block)
{
    int8_t *low = band->low == NO_COLUMN ? NULL : block->columns + band->low * (size_t)BLOCK_ROWS;
    int8_t *high =
        band->high == NO_COLUMN ? NULL : block->columns + band->high * (size_t)BLOCK_ROWS;
    for (size_t r = 0; r < block->count; r += LANES) {
        _Alignas(32) float values[LANES];
        _Alignas(32) int32_t codes[LANES];
        for (size_t i = 0; i < LANES; i++) {
            /* past the end the last row again: its codes are not used */
            size_t row = r + i < block->count ? r + i : block->count - 1;
            values[i] = row_value(block->source, block->first + row, band->feature);
        }
        _mm256_store_si256((__m256i *)codes, count_cuts(plan->cuts + band->first, band->count,
                                                        _mm256_load_ps(values)));
        for (size_t i = 0; i < LANES; i++) {
            bool missing = values[i] != values[i];
            int8_t code = (int8_t)(codes[i] - CODE_BIAS);
            if (low)
                low[r + i] = missing ? CODE_LOWEST : code;
            if (high)
                high[r + i] = missing ? CODE_HIGHEST : code;
        }
    }
}

void cuts_block_avx2(const struct cut_plan *plan, const struct row_block *block, size_t features)
{
    (void)features;
    for (size_t i = 0; i < plan->band_count; i++)
        cut_band(plan, &plan->bands[i], block);
    cuts_apply_categories(plan, block->source, block->first, block->count, block->columns,
                          BLOCK_ROWS);
}

const struct sliced_way sliced_avx2 = {
    .path = FOREST_AVX2,
    .lay = row_bytes_make,
    .cut = cuts_block_avx2,
    .add_trees = add_trees,
    .row = sliced_row_avx2,
};
#endif
