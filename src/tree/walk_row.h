/* walk_row.h: one row through the layout of sliced_row_bytes.h, compiled once for each instruction
 * set: the file that includes it says for which (WALK_TARGET).
 *
 * The row is cut 8 bands at a time: the value of each is held against every 16th cut, which says
 * between which two of those it lies; the 16 cuts there are compared one band after the other.
 *
 * All splits of a tree's upper 6 levels are taken at once, needed or not: each of the 63 nodes is
 * brought its code out of tables of bytes, and comparisons leave the outcomes as a word. In it the
 * word's bytes are the eight subtrees of three levels, seven nodes each, and the upper three levels
 * are the bytes' eighth bits: a multiplication gathers those, a table of 128 says to which subtree
 * they lead, and the same of that subtree's seven bits to which leaf. So the way down is two
 * look-ups, not six steps. Where trees have 7 or 8 levels, the three nodes at which each of four
 * trees goes on are brought together, and their splits taken at once too. */
#include "tree/sliced_row_bytes.h"

#include <string.h>

/* What the includer has, besides a row's codes as `struct tables`, of as many bands as 16 times
 * `wide` (2 or 4). `some`: of its values are missing. */
WALK_TARGET static void load_tables(const struct row_codes *found, int wide, bool some,
                                    struct tables *tables);
/* The values of 8 bands, how many of every 16th cut are at or below them, times 16, and in bits
 * which are missing. */
WALK_TARGET static unsigned cut_lanes(const struct lanes *lanes, const float *row, float *values,
                                      int32_t *sixteens);
/* How many of 16 cuts are at or below the value. */
WALK_TARGET static int count_here(const float *cuts, const float *value);
/* Which nodes send the row right: of 64; and of four trees' three each, in the lowest bits of a
 * byte each, of which the others may be anything. */
WALK_TARGET static uint64_t take_upper(const struct tables *tables, int wide, bool some,
                                       const struct upper *tree);
WALK_TARGET static unsigned take_lower(const struct tables *tables, int wide, bool some,
                                       const uint64_t *three);

/* ---- cutting ---- */

WALK_TARGET static ALWAYS_INLINE void cut_row(const struct row_bytes *plan, const float *row,
                                              struct row_codes *found)
{
    _Alignas(32) float values[ROOM];
    _Alignas(32) int32_t sixteens[ROOM]; /* how many of a band's cuts are below, in sixteens */
    uint64_t missing = 0;
    for (size_t b = 0; b < plan->bands; b += LANES)
        missing |= (uint64_t)cut_lanes(&plan->lanes[b / LANES], row, values + b, sixteens + b) << b;
    for (size_t b = 0; b < plan->bands; b++) {
        int here = count_here(plan->cuts + b * CUTS + sixteens[b], &values[b]);
        found->codes[b] = (int8_t)(sixteens[b] + here - CODE_BIAS);
    }
    /* lanes beyond the last band have the row's first value */
    missing &= plan->bands < ROOM ? ((uint64_t)1 << plan->bands) - 1 : ~(uint64_t)0;
    found->some = missing != 0;
    for (size_t b = 0; found->some && b < ROOM; b++)
        found->missing[b] = missing >> b & 1 ? 0xFF : 0;
}

/* ---- walking ---- */

/* A tree's leaf of its upper levels. */
WALK_TARGET static ALWAYS_INLINE uint32_t leave_upper(const struct row_bytes *plan,
                                                      const struct upper *tree,
                                                      const struct tables *tables, int wide,
                                                      bool some)
{
    uint64_t right = take_upper(tables, wide, some, tree);
    /* bit 8 s + 7 to bit 57 + s; no two of the products' bits meet */
    const uint64_t highest = 0x0080808080808080u, gather = 0x0004081020408100u;
    uint64_t upper = (right & highest) * gather >> 57;
    uint32_t subtree = plan->subtree[upper];
    return subtree + plan->leaf[right >> subtree & 0x7F];
}

/* From there two levels on, for a unit of trees. */
WALK_TARGET static ALWAYS_INLINE void leave_lower(const struct row_bytes *plan,
                                                  const struct lower *trees,
                                                  const struct tables *tables, int wide, bool some,
                                                  uint32_t *numbers)
{
    uint64_t three[UNIT];
    UNROLL
    for (size_t t = 0; t < UNIT; t++)
        memcpy(&three[t], &trees[t * NODES + numbers[t]], sizeof three[t]);
    unsigned right = take_lower(tables, wide, some, three);
    UNROLL
    for (size_t t = 0; t < UNIT; t++) {
        /* a node and its children, as the upper ones of seven are: the last bit is not theirs */
        uint32_t way = plan->leaf[right >> (8 * t) & 7] >> 1;
        numbers[t] = 4 * numbers[t] + way;
    }
}

struct walk {
    const struct sliced *sliced;
    const struct ensemble *ensemble;
    const float *row;
    float *out;
};

/* All trees; one copy for each of what is known before. */
WALK_TARGET static ALWAYS_INLINE void walk(const struct walk *walk, const struct row_codes *found,
                                           int wide, bool some, bool deep)
{
    const struct sliced *sliced = walk->sliced;
    const struct row_bytes *plan = sliced->row_bytes;
    bool simple = walk->ensemble->outputs == 1 && sliced->trees[sliced->tree_count].exits == 0;
    struct tables tables;
    load_tables(found, wide, some, &tables);
    float sum = *walk->out;
    uint32_t together[ROW_TREES]; /* trees that are added at once, where leaves are not at hand */
    for (size_t t = 0; t < sliced->tree_count; t += UNIT) {
        uint32_t *numbers = together + (simple ? 0 : t % ROW_TREES);
        UNROLL
        for (size_t i = 0; i < UNIT; i++)
            numbers[i] = leave_upper(plan, &plan->upper[t + i], &tables, wide, some);
        if (deep)
            leave_lower(plan, plan->lower + t * NODES, &tables, wide, some, numbers);
        if (!simple) {
            size_t first = t / ROW_TREES * ROW_TREES, left = sliced->tree_count - first;
            if (t + UNIT == first + ROW_TREES || t + UNIT >= sliced->tree_count)
                sliced_add_row(sliced, walk->ensemble, first, left < ROW_TREES ? left : ROW_TREES,
                               together, walk->row, walk->out);
            continue;
        }
        UNROLL
        for (size_t i = 0; i < UNIT; i++)
            sum += sliced->leaves[plan->leaves[t + i] + numbers[i]];
    }
    if (simple)
        *walk->out = sum;
}

#define WALK(name, wide, some, deep)                                         \
    WALK_TARGET static NEVER_INLINE void name(const struct walk *what,       \
                                              const struct row_codes *found) \
    {                                                                        \
        walk(what, found, wide, some, deep);                                 \
    }
WALK(walk_2, 2, false, false)
WALK(walk_2_deep, 2, false, true)
WALK(walk_2_some, 2, true, false)
WALK(walk_2_some_deep, 2, true, true)
WALK(walk_4, 4, false, false)
WALK(walk_4_deep, 4, false, true)
WALK(walk_4_some, 4, true, false)
WALK(walk_4_some_deep, 4, true, true)

WALK_TARGET static void walk_row(const struct sliced *sliced, const struct ensemble *ensemble,
                                 const float *row, float *out)
{
    static void (*const walks[])(const struct walk *, const struct row_codes *) = {
        walk_2, walk_2_deep, walk_2_some, walk_2_some_deep,
        walk_4, walk_4_deep, walk_4_some, walk_4_some_deep};
    const struct row_bytes *plan = sliced->row_bytes;
    struct row_codes found;
    memset(found.codes, 0, sizeof found.codes);
    cut_row(plan, row, &found);
    memcpy(out, ensemble->base_margin, ensemble->outputs * sizeof *out);
    const struct walk what = {sliced, ensemble, row, out};
    walks[4 * (plan->bands > 32) + 2 * found.some + (plan->lower != NULL)](&what, &found);
}
