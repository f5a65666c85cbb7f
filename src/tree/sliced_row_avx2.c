/* One row with AVX2, where its codes fit four registers (up to 64 bands).
 *
 * The row is cut 8 bands at a time: the value of each is held against every 16th cut, which says
 * between which two of those it lies; the 16 cuts there are compared one band after the other.
 *
 * All splits of a tree's upper 6 levels are taken at once, needed or not: vpshufb brings each of
 * the 63 nodes its code out of a table of 16 (and gives 0 for those of another table), one
 * comparison and vpmovmskb leave the outcomes as a word. In it the word's bytes are the eight
 * subtrees of three levels, seven nodes each, and the upper three levels are the bytes' eighth
 * bits: a multiplication gathers those, a table of 128 says to which subtree they lead, and the
 * same of that subtree's seven bits to which leaf. So the way down is two look-ups, not six steps.
 * Where trees have 7 or 8 levels, the three nodes at which each of four trees goes on are brought
 * together, and their splits taken at once too.
 *
 * Size: 200 bytes a tree, 512 more where trees have 7 or 8 levels, and 1,088 a band. */
#include "parse/target.h"
#include "tree/sliced.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if TARGET_X86
#include <immintrin.h>

enum {
    UPPER = 6,
    NODES = 1 << UPPER,
    UNIT = 4,   /* trees whose lower levels are taken together */
    LANES = 8,  /* bands that are cut together */
    CUTS = 256, /* room for a band's cuts */
    SIXTEEN = 16,
    ROOM = 64, /* for bands */
    /* of a byte that says where a node's code is: the place in a table in the lower 4 bits; */
    SECOND = 0x80, /* in the second of two tables, not in the first, which gives 0 for it; */
    UPPER_TWO = 0x20,
    MISSING_RIGHT = 0x40,
};

/* The node at place 8 s + i is number i of subtree s; at 8 s + 7 number s of the upper seven. A row
 * goes right whose code is above `least`, both signed. */
struct upper {
    uint8_t first[NODES];  /* where in the first and third table the code is */
    uint8_t second[NODES]; /* the same with SECOND turned: for the other two */
    int8_t least[NODES];
};

/* A node of the seventh level and its children. */
struct lower {
    uint8_t first[4];
    int8_t least[4];
};

/* Bands side by side. */
struct lanes {
    _Alignas(32) float every[SIXTEEN - 1][LANES]; /* [i][lane]: of a band's cuts the 16 i + 15th */
    int32_t features[LANES];
    int32_t there[LANES]; /* -1 where there is a band; all 0 unless of consecutive features */
};

struct row_bytes {
    struct upper *upper;
    struct lower *lower; /* NODES a tree; NULL where no tree has more than 6 levels */
    size_t *leaves;      /* where each tree's begin in sliced.leaves */
    struct lanes *lanes;
    float *cuts; /* CUTS a band, the rest of them NaN */
    size_t bands;
    uint8_t subtree[128]; /* eight times the subtree that the upper seven outcomes lead to */
    uint8_t leaf[128];    /* the leaf, of 8, that a subtree's seven do */
};

/* ---- laying out ---- */

struct laying {
    const uint8_t *first; /* by column of `sliced` */
    struct upper *upper;
    struct lower *lower;
};

/* Where in `upper` the node is that has place p in a heap whose root is at 1. */
static size_t upper_place(uint32_t p)
{
    if (p < 8)
        return 8 * (size_t)(p - 1) + 7;
    uint32_t level = p < 16 ? 0 : p < 32 ? 1 : 2, subtree = (p >> level) - 8;
    return 8 * (size_t)subtree + (p - ((subtree + 8) << level)) + (1u << level) - 1;
}

/* Copies a subtree's steps, which lie in the order of use, to the places from `place` in a heap. */
static void lay_steps(const struct laying *laying, const struct cut_step *step, uint32_t levels,
                      uint32_t place)
{
    if (levels == 0)
        return;
    int threshold = (int8_t)step->threshold;
    uint8_t first = laying->first[step->column / BLOCK_ROWS];
    /* where no node is either side will do */
    int8_t least = (int8_t)(threshold == CODE_LOWEST ? CODE_HIGHEST : threshold - 1);
    if (threshold == CODE_LOWEST)
        first = 0;
    if (place < NODES) {
        size_t at = upper_place(place);
        laying->upper->first[at] = first;
        laying->upper->second[at] = first ^ SECOND;
        laying->upper->least[at] = least;
    } else if (laying->lower) { /* as it is where a tree is so deep */
        bool child = place >= 2 * NODES;
        struct lower *lower = &laying->lower[(child ? place / 2 : place) - NODES];
        lower->first[child ? 1 + place % 2 : 0] = first;
        lower->least[child ? 1 + place % 2 : 0] = least;
    }
    lay_steps(laying, step + 1, levels - 1, 2 * place);
    lay_steps(laying, step + ((size_t)1 << (levels - 1)), levels - 1, 2 * place + 1);
}

/* A tree that every row leaves at the left end. */
static void lay_nothing(const struct laying *laying)
{
    memset(laying->upper, 0, sizeof *laying->upper);
    memset(laying->upper->least, CODE_HIGHEST, NODES);
    for (size_t i = 0; laying->lower && i < NODES; i++) {
        laying->lower[i] = (struct lower){{0}, {0}};
        memset(laying->lower[i].least, CODE_HIGHEST, sizeof laying->lower[i].least);
    }
}

static void lay_first(const struct cut_plan *plan, uint8_t *first)
{
    for (size_t b = 0; b < plan->band_count; b++) {
        const struct band *band = &plan->bands[b];
        uint8_t at = (uint8_t)(b % 16 + (b & 16 ? SECOND : 0) + (b & 32 ? UPPER_TWO : 0));
        if (band->low != NO_COLUMN)
            first[band->low] = at;
        if (band->high != NO_COLUMN)
            first[band->high] = at | MISSING_RIGHT;
    }
}

/* To a whole number of units with trees whose leaf is the one after all others. A tree of fewer
 * levels hangs at the left end of a full one, below nodes that send every row left. */
static void lay_trees(const struct sliced *sliced, struct row_bytes *plan, size_t room)
{
    uint8_t first[2 * ROOM] = {0};
    lay_first(&sliced->plan, first);
    uint32_t depth = plan->lower ? MOST_LEVELS : UPPER;
    for (size_t t = 0; t < room; t++) {
        bool real = t < sliced->tree_count;
        const struct sliced_tree *tree = &sliced->trees[real ? t : sliced->tree_count];
        struct laying laying = {first, &plan->upper[t],
                                plan->lower ? plan->lower + t * NODES : NULL};
        lay_nothing(&laying);
        if (real)
            lay_steps(&laying, sliced->steps + tree->steps, tree->levels,
                      1u << (depth - tree->levels));
        plan->leaves[t] = tree->leaves;
    }
}

static void lay_bands(const struct cut_plan *cuts, struct row_bytes *plan)
{
    /* NaN where there is no cut: nothing is at or above it */
    for (size_t i = 0; i < ROOM; i++) {
        const struct band *band = i < cuts->band_count ? &cuts->bands[i] : NULL;
        struct lanes *lanes = &plan->lanes[i / LANES];
        size_t lane = i % LANES;
        lanes->features[lane] = band ? (int32_t)band->feature : 0;
        bool follows = lane == 0 || !band ||
                       (lanes->there[0] && lanes->features[lane - 1] + 1 == lanes->features[lane]);
        lanes->there[lane] = band ? -1 : 0;
        if (!follows)
            memset(lanes->there, 0, sizeof lanes->there);
        for (size_t k = 0; k < SIXTEEN - 1; k++)
            lanes->every[k][lane] = band && SIXTEEN * k + SIXTEEN - 1 < band->count
                                        ? cuts->cuts[band->first + SIXTEEN * k + SIXTEEN - 1]
                                        : NAN;
        for (size_t k = 0; band && k < CUTS; k++)
            plan->cuts[i * CUTS + k] = k < band->count ? cuts->cuts[band->first + k] : NAN;
    }
}

/* For all outcomes of seven nodes, a root, its children and theirs, where they lead. */
static void lay_ways(struct row_bytes *plan)
{
    for (unsigned bits = 0; bits < 128; bits++) {
        unsigned root = bits & 1, child = bits >> (1 + root) & 1;
        unsigned last = bits >> (3 + 2 * root + child) & 1;
        plan->leaf[bits] = (uint8_t)(4 * root + 2 * child + last);
        plan->subtree[bits] = (uint8_t)(8 * plan->leaf[bits]);
    }
}

bool row_bytes_make(struct sliced *sliced, struct lathe_error *error)
{
    size_t bands = sliced->plan.band_count, trees = (sliced->tree_count + UNIT - 1) / UNIT * UNIT;
    if (bands > ROOM || sliced->plan.categories.test_count)
        return true;
    bool deep = false;
    for (size_t t = 0; t < sliced->tree_count; t++)
        deep = deep || sliced->trees[t].levels > UPPER;
    struct row_bytes *plan = calloc(1, sizeof *plan);
    sliced->row_bytes = plan;
    if (plan) {
        plan->bands = bands;
        plan->upper = aligned_alloc(64, trees * sizeof *plan->upper);
        plan->lower = deep ? aligned_alloc(64, trees * NODES * sizeof *plan->lower) : NULL;
        plan->leaves = malloc(trees * sizeof *plan->leaves);
        plan->lanes = aligned_alloc(64, ROOM / LANES * sizeof *plan->lanes);
        plan->cuts = aligned_alloc(64, (bands + 1) * CUTS * sizeof *plan->cuts);
    }
    if (!plan || !plan->upper || (deep && !plan->lower) || !plan->leaves || !plan->lanes ||
        !plan->cuts)
        return fail_memory(error, "the layout of single rows");
    sliced->leaves[sliced->trees[sliced->tree_count].leaves] = -0.0f; /* added to no effect */
    lay_trees(sliced, plan, trees);
    lay_bands(&sliced->plan, plan);
    lay_ways(plan);
    return true;
}

void row_bytes_free(struct row_bytes *plan)
{
    if (!plan)
        return;
    free(plan->upper);
    free(plan->lower);
    free(plan->leaves);
    free(plan->lanes);
    free(plan->cuts);
    free(plan);
}

/* ---- cutting ---- */

/* A row's bands: less 128 how many of their cuts are at or below its value, and all ones where it
 * has none. */
struct row_codes {
    _Alignas(32) int8_t codes[ROOM];
    _Alignas(32) uint8_t missing[ROOM];
    bool some; /* are missing */
};

/* The values of 8 features. */
TARGET_AVX2 static ALWAYS_INLINE __m256 load_values(const struct lanes *lanes, const float *row)
{
    if (lanes->there[0])
        return _mm256_maskload_ps(row + lanes->features[0],
                                  _mm256_load_si256((const __m256i *)lanes->there));
    const int32_t *at = lanes->features;
    return _mm256_setr_ps(row[at[0]], row[at[1]], row[at[2]], row[at[3]], row[at[4]], row[at[5]],
                          row[at[6]], row[at[7]]);
}

/* How many of the cuts of a band from `cuts` on, of 16, are at or below the value. */
TARGET_AVX2 static ALWAYS_INLINE int count_here(const float *cuts, __m256 value)
{
    __m256 low = _mm256_cmp_ps(value, _mm256_load_ps(cuts), _CMP_GE_OQ);
    __m256 high = _mm256_cmp_ps(value, _mm256_load_ps(cuts + LANES), _CMP_GE_OQ);
    __m256i both = _mm256_packs_epi32(_mm256_castps_si256(low), _mm256_castps_si256(high));
    return __builtin_popcount((unsigned)_mm256_movemask_epi8(both)) / 2;
}

TARGET_AVX2 static ALWAYS_INLINE void cut_row(const struct row_bytes *plan, const float *row,
                                              struct row_codes *found)
{
    _Alignas(32) float values[ROOM];
    _Alignas(32) int32_t sixteens[ROOM]; /* how many of a band's cuts are below, in sixteens */
    uint64_t missing = 0;
    for (size_t b = 0; b < plan->bands; b += LANES) {
        const struct lanes *lanes = &plan->lanes[b / LANES];
        __m256 value = load_values(lanes, row);
        __m256i count = _mm256_setzero_si256();
        UNROLL
        for (int i = 0; i < SIXTEEN - 1; i++)
            count =
                _mm256_sub_epi32(count, _mm256_castps_si256(_mm256_cmp_ps(
                                            value, _mm256_load_ps(lanes->every[i]), _CMP_GE_OQ)));
        _mm256_store_ps(values + b, value);
        _mm256_store_si256((__m256i *)(sixteens + b), _mm256_slli_epi32(count, 4));
        __m256 none = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
        missing |= (uint64_t)(unsigned)_mm256_movemask_ps(none) << b;
    }
    for (size_t b = 0; b < plan->bands; b++) {
        const float *cuts = plan->cuts + b * CUTS + sixteens[b];
        int here = count_here(cuts, _mm256_broadcast_ss(&values[b]));
        found->codes[b] = (int8_t)(sixteens[b] + here - CODE_BIAS);
    }
    /* lanes beyond the last band have the row's first value */
    missing &= plan->bands < ROOM ? ((uint64_t)1 << plan->bands) - 1 : ~(uint64_t)0;
    found->some = missing != 0;
    for (size_t b = 0; found->some && b < ROOM; b++)
        found->missing[b] = missing >> b & 1 ? 0xFF : 0;
}

/* ---- walking ---- */

/* The codes of 16 bands each, in both halves. */
struct tables {
    __m256i code[4], missing[4];
};

TARGET_AVX2 static ALWAYS_INLINE void load_tables(const struct row_codes *found, int wide,
                                                  bool some, struct tables *tables)
{
    UNROLL
    for (int i = 0; i < wide; i++) {
        tables->code[i] = _mm256_broadcastsi128_si256(
            _mm_load_si128((const __m128i *)(found->codes + 16 * (size_t)i)));
        if (some)
            tables->missing[i] = _mm256_broadcastsi128_si256(
                _mm_load_si128((const __m128i *)(found->missing + 16 * (size_t)i)));
    }
}

/* What the tables have for 32 nodes. */
TARGET_AVX2 static ALWAYS_INLINE __m256i look_up(const __m256i *table, int wide, __m256i first,
                                                 __m256i second)
{
    __m256i found = _mm256_or_si256(_mm256_shuffle_epi8(table[0], first),
                                    _mm256_shuffle_epi8(table[1], second));
    if (wide == 2)
        return found;
    __m256i other = _mm256_or_si256(_mm256_shuffle_epi8(table[2], first),
                                    _mm256_shuffle_epi8(table[3], second));
    /* UPPER_TWO to where it chooses */
    return _mm256_blendv_epi8(found, other, _mm256_slli_epi16(first, 2));
}

/* Which of 32 nodes send the row right: in each byte's highest bit. */
TARGET_AVX2 static ALWAYS_INLINE unsigned go_right(const struct tables *tables, int wide, bool some,
                                                   __m256i first, __m256i second, __m256i least)
{
    __m256i right = _mm256_cmpgt_epi8(look_up(tables->code, wide, first, second), least);
    if (some) {
        __m256i missing = look_up(tables->missing, wide, first, second);
        missing = _mm256_and_si256(missing, _mm256_slli_epi16(first, 1)); /* MISSING_RIGHT */
        right = _mm256_or_si256(right, missing);
    }
    return (unsigned)_mm256_movemask_epi8(right);
}

/* A tree's leaf of its upper levels. */
TARGET_AVX2 static ALWAYS_INLINE uint32_t leave_upper(const struct row_bytes *plan,
                                                      const struct upper *tree,
                                                      const struct tables *tables, int wide,
                                                      bool some)
{
    const __m256i *first = (const __m256i *)tree->first, *second = (const __m256i *)tree->second;
    const __m256i *least = (const __m256i *)tree->least;
    uint64_t right = go_right(tables, wide, some, first[0], second[0], least[0]);
    right |= (uint64_t)go_right(tables, wide, some, first[1], second[1], least[1]) << 32;
    /* bit 8 s + 7 to bit 57 + s; no two of the products' bits meet */
    const uint64_t highest = 0x0080808080808080u, gather = 0x0004081020408100u;
    uint64_t upper = (right & highest) * gather >> 57;
    uint32_t subtree = plan->subtree[upper];
    return subtree + plan->leaf[right >> subtree & 0x7F];
}

/* From there two levels on, for a unit of trees. */
TARGET_AVX2 static ALWAYS_INLINE void leave_lower(const struct row_bytes *plan,
                                                  const struct lower *trees,
                                                  const struct tables *tables, int wide, bool some,
                                                  uint32_t *numbers)
{
    long long three[UNIT];
    UNROLL
    for (size_t t = 0; t < UNIT; t++)
        memcpy(&three[t], &trees[t * NODES + numbers[t]], sizeof three[t]);
    __m256i first = _mm256_setr_epi64x(three[0], three[1], three[2], three[3]);
    __m256i second = _mm256_xor_si256(first, _mm256_set1_epi8((char)SECOND));
    unsigned right = go_right(tables, wide, some, first, second, _mm256_srli_epi64(first, 32));
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
TARGET_AVX2 static ALWAYS_INLINE void walk(const struct walk *walk, const struct row_codes *found,
                                           int wide, bool some, bool deep)
{
    const struct sliced *sliced = walk->sliced;
    const struct row_bytes *plan = sliced->row_bytes;
    bool simple = walk->ensemble->outputs == 1 && sliced->trees[sliced->tree_count].exits == 0;
    struct tables tables;
    load_tables(found, wide, some, &tables);
    float sum = *walk->out;
    for (size_t t = 0; t < sliced->tree_count; t += UNIT) {
        uint32_t numbers[UNIT];
        UNROLL
        for (size_t i = 0; i < UNIT; i++)
            numbers[i] = leave_upper(plan, &plan->upper[t + i], &tables, wide, some);
        if (deep)
            leave_lower(plan, plan->lower + t * NODES, &tables, wide, some, numbers);
        if (!simple) {
            size_t left = sliced->tree_count - t;
            sliced_add_row(sliced, walk->ensemble, t, left < UNIT ? left : UNIT, numbers, walk->row,
                           walk->out);
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
    TARGET_AVX2 static NEVER_INLINE void name(const struct walk *what,       \
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

TARGET_AVX2 void sliced_row_avx2(const struct sliced *sliced, const struct ensemble *ensemble,
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
#endif
