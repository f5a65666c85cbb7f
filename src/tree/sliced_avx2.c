/* The sliced walk with AVX2: 64 rows at a time, leaves by gathers. */
#include "parse/target.h"

#if TARGET_X86
#define WALK_TARGET TARGET_AVX2
#define WALK_WIDE 2
/* mask ? a : b, where a is less: two operations, where a blend is three of Intel's */
#define WALK_CHOOSE(mask, a, b) _mm256_max_epu8(a, _mm256_andnot_si256(mask, b))
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

static bool lay(struct sliced *sliced, struct lathe_error *error)
{
    return cuts_lay_search(&sliced->plan, error) && row_bytes_make(sliced, error);
}

const struct sliced_way sliced_avx2 = {
    .path = FOREST_AVX2,
    .lay = lay,
    .cut = cuts_block_avx2,
    .add_trees = add_trees,
    .row = sliced_row_avx2,
};
#endif
