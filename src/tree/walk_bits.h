/* walk_bits.h: the sliced walk over bits, a vector of rows at a time, compiled once for plain C,
 * for AVX2 and for NEON: the file that includes it says for which (WALK_TARGET), and how many rows
 * a vector has (WALK_ROWS: a block's, or half of them).
 *
 * Trees share their splits: of 500 trees of depth 8 with 28 columns, 127,500 in all, no more than
 * 7,140 can be different where a column has 255 cuts. So each different one is taken once a block,
 * into a mask of one bit a row, and a tree's walk only chooses among masks. A node has as many
 * planes of its rows' leaf numbers as it has levels: its own mask is the highest, and the others it
 * chooses by that mask among its children's: 57 choices a tree of 6 levels, 247 one of 8, for all
 * of a vector's rows together.
 *
 * A mask of a numeric split comes from the code's two halves: below h in the upper one, or equal
 * and below l in the lower. What each column has of either is made beforehand, 48 masks, so that a
 * split takes two operations. */
#include "parse/target.h"
#include "tree/sliced.h"

#include <string.h>

/* A bit of each row, in whatever order: only what the includer has knows it. */
typedef uint64_t bits __attribute__((vector_size(WALK_ROWS / 8)));

/* What the includer has, for the WALK_ROWS rows at which `column` and `columns` begin: a column's
 * codes, from 0, as a plane for each of their bits; where rows go left at a categorical split; from
 * planes to a byte a row; the leaves of these numbers, added to the sums of a block's rows from
 * `first` on. */
WALK_TARGET static void to_planes(const int8_t *column, bits *planes);
WALK_TARGET static void take_test(const struct category_plan *plan,
                                  const struct category_test *test, const int8_t *columns,
                                  bits *mask);
WALK_TARGET static void to_numbers(const bits *planes, uint32_t levels, uint8_t *numbers);
WALK_TARGET static void add_leaves(const struct sliced *sliced, const struct sliced_tree *tree,
                                   const uint8_t *numbers, const struct row_block *block,
                                   size_t first);

/* Where a row goes left, `a`, else `b`; in one instruction where there is such. */
#if !defined CHOOSE
#define CHOOSE(left, a, b) (((a) & (left)) | ((b) & ~(left)))
#endif

/* The planes of a subtree's numbers, counted from the right: 2^levels - 1 less the leaf's. */
WALK_TARGET static ALWAYS_INLINE void walk_2(const uint16_t *step, const bits *masks, bits *out)
{
    out[1] = masks[step[0]];
    out[0] = CHOOSE(out[1], masks[step[1]], masks[step[2]]);
}

/* A root above two subtrees of one level less. */
#define WALK_ROOT(levels, subtree)                     \
    bits right[(levels)-1], left = masks[step[0]];     \
    subtree(step + 1, masks, out);                     \
    subtree(step + (1 << ((levels)-1)), masks, right); \
    UNROLL                                             \
    for (int i = 0; i < (levels)-1; i++)               \
        out[i] = CHOOSE(left, out[i], right[i]);       \
    out[(levels)-1] = left

WALK_TARGET static ALWAYS_INLINE void walk_3(const uint16_t *step, const bits *masks, bits *out)
{
    WALK_ROOT(3, walk_2);
}

WALK_TARGET static ALWAYS_INLINE void walk_4(const uint16_t *step, const bits *masks, bits *out)
{
    WALK_ROOT(4, walk_3);
}

/* Not inlined: those above call it up to eight times. */
WALK_TARGET static NEVER_INLINE void walk_5(const uint16_t *step, const bits *masks, bits *out)
{
    WALK_ROOT(5, walk_4);
}

WALK_TARGET static ALWAYS_INLINE void walk_6(const uint16_t *step, const bits *masks, bits *out)
{
    WALK_ROOT(6, walk_5);
}

WALK_TARGET static NEVER_INLINE void walk_7(const uint16_t *step, const bits *masks, bits *out)
{
    WALK_ROOT(7, walk_6);
}

WALK_TARGET static NEVER_INLINE void walk_8(const uint16_t *step, const bits *masks, bits *out)
{
    WALK_ROOT(8, walk_7);
}

/* The planes of the numbers of the leaves at which the rows arrive, as many as levels. */
WALK_TARGET static ALWAYS_INLINE void walk_tree(uint32_t levels, const uint16_t *step,
                                                const bits *masks, bits *planes)
{
    switch (levels) {
    case 3:
        walk_3(step, masks, planes);
        break;
    case 4:
        walk_4(step, masks, planes);
        break;
    case 5:
        walk_5(step, masks, planes);
        break;
    case 6:
        walk_6(step, masks, planes);
        break;
    case 7:
        walk_7(step, masks, planes);
        break;
    default:
        walk_8(step, masks, planes);
    }
    for (uint32_t i = 0; i < levels; i++)
        planes[i] = ~planes[i];
}

/* For each value of four bits, whose planes these are: which rows have it, and which have less. */
WALK_TARGET static ALWAYS_INLINE void part_half(const bits *planes, bits *same, bits *less)
{
    const bits none = {0};
    bits low[4] = {~(planes[1] | planes[0]), planes[0] & ~planes[1], planes[1] & ~planes[0],
                   planes[1] & planes[0]};
    bits high[4] = {~(planes[3] | planes[2]), planes[2] & ~planes[3], planes[3] & ~planes[2],
                    planes[3] & planes[2]};
    bits below = none;
    for (int i = 0; i < 16; i++) {
        less[i] = below;
        same[i] = high[i >> 2] & low[i & 3];
        below |= same[i];
    }
}

/* The masks of a column's splits, from its planes. */
WALK_TARGET static ALWAYS_INLINE void take_splits(const bits *planes, const uint8_t *thresholds,
                                                  size_t count, bits *masks)
{
    bits same[2][16], less[2][16];
    part_half(planes, same[0], less[0]);
    part_half(planes + 4, same[1], less[1]);
    for (size_t i = 0; i < count; i++) {
        unsigned high = thresholds[i] >> 4, low = thresholds[i] & 15;
        masks[i] = less[1][high] | (same[1][high] & less[0][low]);
    }
}

/* All masks of numeric splits of a group of trees. The first is empty, for nodes that are none. */
WALK_TARGET static ALWAYS_INLINE void take_group(const struct sliced *sliced,
                                                 const struct bit_group *group,
                                                 const int8_t *columns, bits *masks)
{
    const struct sliced_bits *layout = sliced->bits;
    const bits none = {0};
    masks[0] = none;
    for (size_t r = group->first_run; r < group->last_run; r++) {
        const struct split_run *run = &layout->runs[r];
        bits planes[8];
        to_planes(columns + (size_t)run->column * BLOCK_ROWS, planes);
        take_splits(planes, layout->thresholds + run->first, run->count, masks + run->mask);
    }
}

/* The masks of a tree's categorical splits, which hardly ever are another tree's too. */
WALK_TARGET static ALWAYS_INLINE void take_tests(const struct category_plan *plan,
                                                 const struct sliced_tree *tree,
                                                 const int8_t *columns, bits *masks)
{
    for (size_t i = tree->tests; i < tree[1].tests; i++)
        take_test(plan, &plan->tests[i], columns, masks++);
}

WALK_TARGET static void add_tree(const struct sliced *sliced, const struct ensemble *ensemble,
                                 size_t t, const struct row_block *block, size_t first,
                                 const struct bit_group *group, bits *masks)
{
    const struct sliced_tree *tree = &sliced->trees[t];
    _Alignas(32) uint8_t numbers[WALK_ROWS];
    bits planes[MOST_LEVELS];
    take_tests(&sliced->plan.categories, tree, block->columns + first, masks + group->test_mask);
    walk_tree(tree->levels, sliced->bits->masks + tree->steps, masks, planes);
    to_numbers(planes, tree->levels, numbers);
    if (tree->exits == NO_EXITS)
        add_leaves(sliced, tree, numbers, block, first);
    else
        sliced_add_deep(sliced, ensemble, t, block, first, WALK_ROWS, numbers, NULL);
}

/* Trees of a group, `first` up to `last`, whose masks are taken with the first one that it has and
 * then kept with the block, those of each vector of rows for themselves. */
WALK_TARGET static void add_of_group(const struct sliced *sliced, const struct ensemble *ensemble,
                                     const struct bit_group *group, size_t first, size_t last,
                                     const struct row_block *block)
{
    bits *masks = (bits *)block->masks;
    for (size_t row = 0; row < block->count; row += WALK_ROWS, masks += sliced->bits->most) {
        if (first == group->first_tree)
            take_group(sliced, group, block->columns + row, masks);
        for (size_t t = first; t < last; t++)
            add_tree(sliced, ensemble, t, block, row, group, masks);
    }
}

/* A group after the other. */
WALK_TARGET static void add_trees(const struct sliced *sliced, const struct ensemble *ensemble,
                                  size_t first, size_t last, const struct row_block *block)
{
    for (size_t g = 0; g < sliced->bits->group_count; g++) {
        const struct bit_group *group = &sliced->bits->groups[g];
        size_t from = first > group->first_tree ? first : group->first_tree;
        size_t to = last < group->last_tree ? last : group->last_tree;
        if (from < to)
            add_of_group(sliced, ensemble, group, from, to, block);
    }
}
