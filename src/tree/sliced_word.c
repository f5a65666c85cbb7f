/* The sliced walk in plain C, for CPUs without AVX2 and for other architectures: 64 rows are the
 * bits of a word. A column's codes are turned into 8 words, one a bit; comparing them all with a
 * threshold takes 8 steps from the lowest bit up, and the outcomes select among the subtrees' leaf
 * numbers, which are words too, one a bit. Little-endian only where bytes are put together, and no
 * supported machine is otherwise. */
#include "tree/sliced.h"

#include <string.h>

enum { WORDS = BLOCK_ROWS / 64 };

/* A bit of each of a block's rows. */
struct bits {
    uint64_t word[WORDS];
};

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

/* Turns each column into its planes, in place: bit b of all rows at struct bits b. */
static void to_planes(const struct cut_plan *plan, int8_t *columns)
{
    for (size_t c = 0; c < plan->columns; c++) {
        struct bits planes[8];
        int8_t *column = columns + c * BLOCK_ROWS;
        for (size_t eight = 0; eight < BLOCK_ROWS / 8; eight++) {
            uint64_t codes;
            memcpy(&codes, column + 8 * eight, sizeof codes);
            codes = transpose(codes ^ 0x8080808080808080u); /* the bias taken off: unsigned */
            for (size_t b = 0; b < 8; b++)
                ((uint8_t *)&planes[b])[eight] = (uint8_t)(codes >> (8 * b));
        }
        memcpy(column, planes, sizeof planes);
    }
}

static void cut_block(const struct cut_plan *plan, const struct row_block *block, size_t features)
{
    (void)features;
    if (block->count < BLOCK_ROWS) /* the rest is walked too, and must have values */
        memset(block->columns, 0, plan->columns * BLOCK_ROWS);
    cuts_apply(plan, block->source, block->first, block->count, block->columns, BLOCK_ROWS);
    to_planes(plan, block->columns);
}

/* The rows whose code is below the step's threshold. */
static inline struct bits goes_left(const struct step *step, const int8_t *columns)
{
    struct bits planes[8], less = {{0}};
    memcpy(planes, columns + step->column, sizeof planes);
    uint32_t threshold = (step->threshold & 0xFF) ^ 0x80;
    for (int b = 0; b < 8; b++) {
        uint64_t bit = 0 - (uint64_t)(threshold >> b & 1);
        for (int w = 0; w < WORDS; w++) {
            /* differing bits decide, equal ones leave it to the bits below: a majority vote */
            uint64_t zero = ~planes[b].word[w], so_far = less.word[w];
            less.word[w] = (zero & so_far) | ((zero | so_far) & bit);
        }
    }
    return less;
}

/* Leaf numbers of a subtree as `levels` planes. */
static void walk(const struct step *step, uint32_t levels, const int8_t *columns,
                 struct bits *numbers)
{
    struct bits left = goes_left(step, columns), other[MOST_LEVELS];
    uint32_t below = levels - 1;
    if (below) {
        walk(step + 1, below, columns, numbers);
        walk(step + ((size_t)1 << below), below, columns, other);
    }
    for (uint32_t b = 0; b < below; b++)
        for (int w = 0; w < WORDS; w++) {
            uint64_t a = other[b].word[w], both = a ^ numbers[b].word[w];
            numbers[b].word[w] = a ^ (both & left.word[w]);
        }
    for (int w = 0; w < WORDS; w++)
        numbers[below].word[w] = ~left.word[w];
}

/* From planes to a byte a row. */
static void to_bytes(const struct bits *planes, uint32_t levels, uint8_t *numbers)
{
    for (size_t eight = 0; eight < BLOCK_ROWS / 8; eight++) {
        uint64_t codes = 0;
        for (uint32_t b = 0; b < levels; b++)
            codes |= (uint64_t)((const uint8_t *)&planes[b])[eight] << (8 * b);
        codes = transpose(codes);
        memcpy(numbers + 8 * eight, &codes, sizeof codes);
    }
}

static void add_trees(const struct sliced *sliced, const struct ensemble *ensemble, size_t first,
                      size_t last, const struct row_block *block)
{
    for (size_t t = first; t < last; t++) {
        const struct sliced_tree *tree = &sliced->trees[t];
        struct bits planes[MOST_LEVELS];
        uint8_t numbers[BLOCK_ROWS];
        walk(sliced->steps + tree->steps, tree->levels, block->columns, planes);
        to_bytes(planes, tree->levels, numbers);
        if (tree->exits != NO_EXITS) {
            sliced_add_deep(sliced, ensemble, t, block, 0, BLOCK_ROWS, numbers, NULL);
            continue;
        }
        for (size_t k = 0; k < sliced->tables; k++) {
            const float *leaves = sliced->leaves + tree->leaves + (k << tree->levels);
            float *sums = block->sums + (tree->output + k) * BLOCK_ROWS;
            for (size_t r = 0; r < block->count; r++)
                sums[r] += leaves[numbers[r]];
        }
    }
}

const struct sliced_way sliced_word = {
    .path = FOREST_WORD,
    .cut = cut_block,
    .add_trees = add_trees,
};
