/* The sliced walk with AVX-512. The comparisons are 256 bits wide (walk_256.h says why); a leaf's
 * value is looked up byte by byte, 64 rows at a time, by vpermb in 4 planes, and put together by
 * unpacking, which leaves the rows in another order: sums[16 q + 4 l + e] belongs to row
 * 16 l + 4 q + e of 64. They are added up in that order and only turned round at the end. */
#include "tree/target.h"

#if TREE_X86
#define WALK_TARGET TARGET_AVX512
#define WALK_WIDE 4
#define WALK_CHOOSE(mask, a, b) _mm256_ternarylogic_epi64(mask, a, b, 0xCA) /* mask ? a : b */
#include "tree/walk_256.h"

/* The bytes of one plane at 64 leaf numbers. */
TARGET_AVX512 static ALWAYS_INLINE __m512i look_up(uint32_t levels, const uint8_t *plane,
                                                   __m512i numbers)
{
    __m512i a = _mm512_load_si512(plane);
    if (levels < 7)
        return _mm512_permutexvar_epi8(numbers, a);
    __m512i low = _mm512_permutex2var_epi8(a, numbers, _mm512_load_si512(plane + 64));
    if (levels == 7)
        return low;
    __m512i high = _mm512_permutex2var_epi8(_mm512_load_si512(plane + 128), numbers,
                                            _mm512_load_si512(plane + 192));
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(numbers), low, high);
}

/* Adds the values of 64 leaf numbers, in two vectors, to their sums. */
TARGET_AVX512 static ALWAYS_INLINE void add_leaves(uint32_t levels, const uint8_t *planes,
                                                   __m256i low, __m256i high, float *sums)
{
    size_t size = levels < 7 ? 64 : (size_t)1 << levels;
    __m512i numbers = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), byte[4], values[4];
    UNROLL
    for (size_t p = 0; p < 4; p++)
        byte[p] = look_up(levels, planes + p * size, numbers);
    __m512i low_a = _mm512_unpacklo_epi8(byte[0], byte[1]);
    __m512i low_b = _mm512_unpackhi_epi8(byte[0], byte[1]);
    __m512i high_a = _mm512_unpacklo_epi8(byte[2], byte[3]);
    __m512i high_b = _mm512_unpackhi_epi8(byte[2], byte[3]);
    values[0] = _mm512_unpacklo_epi16(low_a, high_a);
    values[1] = _mm512_unpackhi_epi16(low_a, high_a);
    values[2] = _mm512_unpacklo_epi16(low_b, high_b);
    values[3] = _mm512_unpackhi_epi16(low_b, high_b);
    UNROLL
    for (size_t q = 0; q < 4; q++)
        _mm512_store_ps(sums + 16 * q, _mm512_add_ps(_mm512_load_ps(sums + 16 * q),
                                                     _mm512_castsi512_ps(values[q])));
}

static size_t place_of(size_t row)
{
    return (row & ~(size_t)63) | (row >> 2 & 3) << 4 | (row >> 4 & 3) << 2 | (row & 3);
}

/* Walks a unit of rows through a tree and adds its leaves, for each output that they have. */
TARGET_AVX512 static ALWAYS_INLINE void add_tree(const struct sliced *sliced,
                                                 const struct sliced_tree *tree, uint32_t levels,
                                                 const int8_t *columns,
                                                 const struct constants *constants, float *sums)
{
    struct numbers numbers = walk_tree(levels, sliced->steps + tree->steps, columns, constants);
    size_t size = levels < 7 ? 64 : (size_t)1 << levels;
    for (size_t k = 0; k < sliced->tables; k++) {
        float *sum = sums + (tree->output + k) * BLOCK_ROWS;
        const uint8_t *planes = sliced->planes + tree->planes + k * 4 * size;
        add_leaves(levels, planes, numbers.of[0], numbers.of[1], sum);
        add_leaves(levels, planes, numbers.of[2], numbers.of[3], sum + 64);
    }
}

/* One copy of the above for each number of levels. */
TARGET_AVX512 static void add_any_tree(const struct sliced *sliced, const struct sliced_tree *tree,
                                       const int8_t *columns, const struct constants *constants,
                                       float *sums)
{
    switch (tree->levels) {
    case 3:
        add_tree(sliced, tree, 3, columns, constants, sums);
        break;
    case 4:
        add_tree(sliced, tree, 4, columns, constants, sums);
        break;
    case 5:
        add_tree(sliced, tree, 5, columns, constants, sums);
        break;
    case 6:
        add_tree(sliced, tree, 6, columns, constants, sums);
        break;
    case 7:
        add_tree(sliced, tree, 7, columns, constants, sums);
        break;
    default:
        add_tree(sliced, tree, 8, columns, constants, sums);
    }
}

static TARGET_AVX512 void add_trees(const struct sliced *sliced, const struct ensemble *ensemble,
                                    size_t first, size_t last, const struct row_block *block)
{
    const struct constants constants = WALK_CONSTANTS;
    for (size_t t = first; t < last; t++) {
        const struct sliced_tree *tree = &sliced->trees[t];
        for (size_t r = 0; r < block->count; r += UNIT) {
            if (tree->exits == NO_EXITS) {
                add_any_tree(sliced, tree, block->columns + r, &constants, block->sums + r);
                continue;
            }
            _Alignas(32) uint8_t numbers[UNIT];
            const struct step *steps = sliced->steps + tree->steps;
            store_numbers(walk_8(steps, block->columns + r, &constants), numbers);
            sliced_add_deep(sliced, ensemble, t, block, r, UNIT, numbers, place_of);
        }
    }
}

const struct sliced_way sliced_avx512 = {cuts_block_avx512, add_trees, place_of};
#endif
