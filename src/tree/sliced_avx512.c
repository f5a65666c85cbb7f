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

/* Adds the values of 64 leaf numbers to their sums. */
TARGET_AVX512 static ALWAYS_INLINE void add_leaves(uint32_t levels, const uint8_t *planes,
                                                   __m512i numbers, float *sums)
{
    size_t size = levels < 7 ? 64 : (size_t)1 << levels;
    __m512i byte[4], values[4];
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

TARGET_AVX512 static ALWAYS_INLINE __m512i join(__m256i low, __m256i high)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* Adds the leaves of a unit of rows, for each output that they have. */
TARGET_AVX512 static ALWAYS_INLINE void add_unit(const struct sliced *sliced,
                                                 const struct sliced_tree *tree, uint32_t levels,
                                                 __m512i first, __m512i second, float *sums)
{
    size_t size = levels < 7 ? 64 : (size_t)1 << levels;
    for (size_t k = 0; k < sliced->tables; k++) {
        float *sum = sums + (tree->output + k) * BLOCK_ROWS;
        const uint8_t *planes = sliced->planes + tree->planes + k * 4 * size;
        add_leaves(levels, planes, first, sum);
        add_leaves(levels, planes, second, sum + 64);
    }
}

TARGET_AVX512 static ALWAYS_INLINE void add_tree(const struct sliced *sliced,
                                                 const struct sliced_tree *tree, uint32_t levels,
                                                 const int8_t *columns,
                                                 const struct constants *constants, float *sums)
{
    struct numbers numbers = walk_tree(levels, sliced->steps + tree->steps, columns, constants);
    add_unit(sliced, tree, levels, join(numbers.of[0], numbers.of[1]),
             join(numbers.of[2], numbers.of[3]), sums);
}

/* Of 32 columns' codes for 64 rows, each row's own: a blend for each bit of the column's number
 * halves what is left. */
TARGET_AVX512 static ALWAYS_INLINE __m512i pick(const int8_t *columns, const __mmask64 *bit)
{
    __m512i left[PICKED_COLUMNS / 2];
    UNROLL
    for (int i = 0; i < 16; i++)
        left[i] = _mm512_mask_blend_epi8(bit[0], _mm512_load_si512(columns + 2 * i * BLOCK_ROWS),
                                         _mm512_load_si512(columns + (2 * i + 1) * BLOCK_ROWS));
    UNROLL
    for (int i = 0; i < 8; i++)
        left[i] = _mm512_mask_blend_epi8(bit[1], left[2 * i], left[2 * i + 1]);
    UNROLL
    for (int i = 0; i < 4; i++)
        left[i] = _mm512_mask_blend_epi8(bit[2], left[2 * i], left[2 * i + 1]);
    UNROLL
    for (int i = 0; i < 2; i++)
        left[i] = _mm512_mask_blend_epi8(bit[3], left[2 * i], left[2 * i + 1]);
    return _mm512_mask_blend_epi8(bit[4], left[0], left[1]);
}

/* From the numbers of nodes on the lowest level to those of leaves. */
TARGET_AVX512 static ALWAYS_INLINE __m512i take_lowest(const struct sliced *sliced,
                                                       const struct lowest *lowest,
                                                       const int8_t *columns, __m512i numbers)
{
    __m512i column = _mm512_permutex2var_epi8(_mm512_load_si512(lowest->columns), numbers,
                                              _mm512_load_si512(lowest->columns + 64));
    __m512i threshold = _mm512_permutex2var_epi8(_mm512_load_si512(lowest->thresholds), numbers,
                                                 _mm512_load_si512(lowest->thresholds + 64));
    __mmask64 bit[6];
    UNROLL
    for (int i = 0; i < 6; i++)
        bit[i] = _mm512_test_epi8_mask(column, _mm512_set1_epi8((char)(1 << i)));
    __m512i code = pick(columns, bit);
    if (sliced->column_room > PICKED_COLUMNS)
        code =
            _mm512_mask_blend_epi8(bit[5], code, pick(columns + PICKED_COLUMNS * BLOCK_ROWS, bit));
    __mmask64 right = _mm512_cmpge_epi8_mask(code, threshold);
    numbers = _mm512_add_epi8(numbers, numbers);
    return _mm512_mask_add_epi8(numbers, right, numbers, _mm512_set1_epi8(1));
}

TARGET_AVX512 static NEVER_INLINE void add_tree_of_8(const struct sliced *sliced,
                                                     const struct sliced_tree *tree,
                                                     const int8_t *columns,
                                                     const struct constants *constants, float *sums)
{
    const struct lowest *lowest = &sliced->lowest[tree->upper];
    const struct step *upper = sliced->upper + tree->upper * (MOST_LEAVES / 2);
    struct numbers numbers = walk_7(upper, columns, constants);
    __m512i first = join(numbers.of[0], numbers.of[1]), second = join(numbers.of[2], numbers.of[3]);
    add_unit(sliced, tree, 8, take_lowest(sliced, lowest, columns, first),
             take_lowest(sliced, lowest, columns + 64, second), sums);
}

/* One copy of add_tree for each number of levels. */
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
        if (sliced->lowest)
            add_tree_of_8(sliced, tree, columns, constants, sums);
        else
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
