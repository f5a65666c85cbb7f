/* The sliced walk in plain C, for CPUs without AVX2 and for other architectures: over bits
 * (walk_bits.h), which the compiler has in whatever vectors there are. Little-endian only where
 * bytes are put together, and no supported machine is otherwise. */
#include "tree/sliced.h"

#include <string.h>

#define WALK_TARGET
#define WALK_ROWS BLOCK_ROWS
#include "tree/walk_bits.h"

/* The 8 bits of each byte across 8 bytes, transposed: byte i of the result has bit i of all. */
static uint64_t transpose(uint64_t x)
{
    uint64_t t = (x ^ x >> 7) & 0x00AA00AA00AA00AAu;
    x ^= t ^ t << 7;
    t = (x ^ x >> 14) & 0x0000CCCC0000CCCCu;
    x ^= t ^ t << 14;
    t = (x ^ x >> 28) & 0x00000000F0F0F0F0u;
    return x ^ t ^ t << 28;
}

/* A column's codes, from 0, as a plane for each of their bits. */
static void to_planes(const int8_t *column, bits *planes)
{
    uint8_t bytes[8][BLOCK_ROWS / 8];
    for (size_t eight = 0; eight < BLOCK_ROWS / 8; eight++) {
        uint64_t codes;
        memcpy(&codes, column + 8 * eight, sizeof codes);
        codes = transpose(codes ^ 0x8080808080808080u); /* the bias taken off */
        for (size_t b = 0; b < 8; b++)
            bytes[b][eight] = (uint8_t)(codes >> (8 * b));
    }
    memcpy(planes, bytes, sizeof bytes);
}

/* Bit i of the result: whether byte i is 0. */
static uint64_t zero_bytes(uint64_t x)
{
    const uint64_t low = 0x7F7F7F7F7F7F7F7Fu;
    uint64_t zero = ~(((x & low) + low) | x) & ~low;
    return (zero >> 7) * 0x0102040810204080u >> 56;
}

/* Where rows go left at a categorical split: what is found of their codes is 0. */
static void take_test(const struct category_plan *plan, const struct category_test *test,
                      const int8_t *columns, bits *mask)
{
    uint8_t found[BLOCK_ROWS] = {0}, bytes[BLOCK_ROWS / 8];
    const int8_t *index = columns + (size_t)test->column * BLOCK_ROWS;
    const uint8_t *set = plan->sets + test->set;
    for (uint32_t page = 0; page < test->pages; page++) {
        for (size_t r = 0; r < BLOCK_ROWS; r++)
            found[r] |= set[(uint8_t)index[r]] & (uint8_t)index[BLOCK_ROWS + r];
        index += 2 * BLOCK_ROWS;
        set += PAGE_BYTES;
    }
    for (size_t i = 0; i < BLOCK_ROWS / 8; i++) {
        uint64_t eight;
        memcpy(&eight, found + 8 * i, sizeof eight);
        bytes[i] = (uint8_t)zero_bytes(eight);
    }
    memcpy(mask, bytes, sizeof bytes);
}

static void cut_block(const struct cut_plan *plan, const struct row_block *block, size_t features)
{
    (void)features;
    cuts_apply(plan, block->source, block->first, block->count, block->columns, BLOCK_ROWS);
}

/* From planes to a byte a row. */
static void to_numbers(const bits *planes, uint32_t levels, uint8_t *numbers)
{
    for (size_t eight = 0; eight < BLOCK_ROWS / 8; eight++) {
        uint64_t codes = 0;
        for (uint32_t b = 0; b < levels; b++)
            codes |= (uint64_t)((const uint8_t *)&planes[b])[eight] << (8 * b);
        codes = transpose(codes);
        memcpy(numbers + 8 * eight, &codes, sizeof codes);
    }
}

static void add_leaves(const struct sliced *sliced, const struct sliced_tree *tree,
                       const uint8_t *numbers, const struct row_block *block, size_t first)
{
    (void)first; /* all rows are in one vector */
    for (size_t k = 0; k < sliced->tables; k++) {
        const float *leaves = sliced->leaves + tree->leaves + (k << tree->levels);
        float *sums = block->sums + (tree->output + k) * BLOCK_ROWS;
        for (size_t r = 0; r < block->count; r++)
            sums[r] += leaves[numbers[r]];
    }
}

const struct sliced_way sliced_word = {
    .path = FOREST_WORD,
    .most_tests = 2,
    .lay = sliced_bits_make,
    .cut = cut_block,
    .add_trees = add_trees,
};
