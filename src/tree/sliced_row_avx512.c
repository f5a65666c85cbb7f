/* One row with AVX-512, where its codes fit two vectors (up to 63 bands).
 *
 * The row is cut 16 bands at a time: a search among every 16th cut, a value a lane, says between
 * which two of those each value lies; the 16 cuts there are compared one band after the other, and
 * counted all together.
 *
 * All splits of a tree's upper 6 levels are taken at once, needed or not: vpermi2b brings each of
 * the 63 nodes its code, one comparison leaves the outcomes as a word, and eight trees at a time
 * are followed through their words. Where trees have 7 or 8 levels, the three nodes at which each
 * of eight rows goes on are fetched by one gather and their splits taken at once too. A tree of
 * fewer levels hangs at the left end of a full one, below nodes that send every row left.
 *
 * Words go through memory, whence eight can be loaded together only once all that was to be done
 * before them has been; so splits are taken some units of trees ahead of the leaves' additions,
 * each of which waits for the one before it.
 *
 * Size: 136 bytes a tree, 512 more where trees have 7 or 8 levels, and 1,088 a band. Of 100 trees
 * of 6 levels and 28 bands a row touches 16 kB that each row does, and a line more for each tree
 * and each band. */
#include "parse/target.h"
#include "tree/sliced.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    UPPER = 6,
    NODES = 1 << UPPER,
    UNIT = 8,  /* trees that are followed side by side */
    AHEAD = 4, /* units whose splits are taken before */
    LANES = 16,
    ROOM = 64,        /* for bands: codes of more do not fit a vector */
    NEVER = ROOM - 1, /* so no band; its code is the lowest */
};

/* The node at place p of a heap (the root is at 1) is here at NODES - 1 - p. A column is its band's
 * number, and ROOM more where missing values are highest. */
struct upper {
    uint8_t columns[NODES];
    uint8_t thresholds[NODES];
};

/* A node of the seventh level and its children. */
struct lower {
    uint8_t columns[4];
    uint8_t thresholds[4];
};

/* Bands side by side. */
struct lanes {
    _Alignas(64) float every[LANES][LANES]; /* [i][lane]: of a band's cuts the 16 i + 15th; the last
                                               are free */
    int32_t features[LANES];
    uint16_t consecutive; /* which lanes have a band, where these are of consecutive features */
};

struct row_plan {
    struct upper *upper;
    struct lower *lower; /* NODES a tree; NULL where no tree has more than 6 levels */
    size_t *leaves;      /* what added to a leaf's place gives where it is in sliced.leaves */
    struct lanes *lanes;
    float *cuts; /* LANES sixteens a band, the rest of them NaN */
    size_t bands;
};

#if TARGET_X86
#include <immintrin.h>

#include "tree/lay_row.h"

static uint8_t column_of(struct node node)
{
    return (uint8_t)(node.band + (node.missing_right ? ROOM : 0));
}

static void put_upper(struct upper *upper, uint32_t place, struct node node)
{
    upper->columns[NODES - 1 - place] = column_of(node);
    upper->thresholds[NODES - 1 - place] = (uint8_t)(node.threshold + CODE_BIAS);
}

static void put_lower(struct lower *lower, uint32_t which, struct node node)
{
    lower->columns[which] = column_of(node);
    lower->thresholds[which] = (uint8_t)(node.threshold + CODE_BIAS);
}

static void lay_nothing(struct upper *upper, struct lower *lower)
{
    memset(upper->columns, NEVER, NODES);
    memset(upper->thresholds, 1, NODES);
    for (size_t i = 0; lower && i < NODES; i++)
        lower[i] = (struct lower){{NEVER, NEVER, NEVER}, {1, 1, 1}};
}

static void lay_bands(const struct cut_plan *cuts, struct row_plan *plan)
{
    /* NaN where there is no cut: nothing is at or above it */
    for (size_t g = 0; g < ROOM / LANES; g++) {
        struct lanes *lanes = &plan->lanes[g];
        for (size_t i = 0; i < LANES * LANES; i++)
            lanes->every[i / LANES][i % LANES] = NAN;
        memset(lanes->features, 0, sizeof lanes->features); /* no harm where there is no band */
        lanes->consecutive = 0;
    }
    for (size_t b = 0; b < cuts->band_count; b++) {
        const struct band *band = &cuts->bands[b];
        struct lanes *lanes = &plan->lanes[b / LANES];
        lanes->features[b % LANES] = (int32_t)band->feature;
        bool follows =
            b % LANES == 0 || (lanes->consecutive && band->feature == band[-1].feature + 1);
        lanes->consecutive = follows ? (uint16_t)(lanes->consecutive | 1u << (b % LANES)) : 0;
        for (size_t i = 0; i < LANES * LANES; i++) {
            float cut = i < band->count ? cuts->cuts[band->first + i] : NAN;
            plan->cuts[b * LANES * LANES + i] = cut;
            if (i % LANES == LANES - 1)
                lanes->every[i / LANES][b % LANES] = cut;
        }
    }
}

bool row_plan_make(struct sliced *sliced, struct lathe_error *error)
{
    size_t bands = sliced->plan.band_count, trees = (sliced->tree_count + UNIT - 1) / UNIT * UNIT;
    if (bands >= ROOM || sliced->plan.categories.test_count)
        return true;
    bool deep = has_lower(sliced);
    struct row_plan *plan = calloc(1, sizeof *plan);
    sliced->row_plan = plan;
    if (plan) {
        plan->bands = bands;
        plan->upper = aligned_alloc(64, trees * sizeof *plan->upper);
        plan->lower = deep ? aligned_alloc(64, trees * NODES * sizeof *plan->lower) : NULL;
        plan->leaves = aligned_alloc(64, trees * sizeof *plan->leaves);
        plan->lanes = aligned_alloc(64, ROOM / LANES * sizeof *plan->lanes);
        plan->cuts = aligned_alloc(64, (bands + 1) * LANES * LANES * sizeof *plan->cuts);
    }
    if (!plan || !plan->upper || (deep && !plan->lower) || !plan->leaves || !plan->lanes ||
        !plan->cuts)
        return fail_memory(error, "the layout of single rows");
    lay_heaps(sliced, trees, plan->upper, plan->lower);
    lay_leaves(sliced, trees, plan->leaves);
    for (size_t t = 0; t < trees; t++)
        plan->leaves[t] -= (size_t)1 << (deep ? MOST_LEVELS : UPPER); /* the first place there */
    lay_bands(&sliced->plan, plan);
    return true;
}

void row_plan_free(struct row_plan *plan)
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

/* A row's codes: how many of a band's cuts are at or below its value, of a missing one none (low)
 * or more than all (high). */
struct codes {
    __m512i low, high;
};

/* How many of each lane's cuts in `every` are at or below its value: a search tree of 4 levels. */
TARGET_AVX512 static ALWAYS_INLINE __m512i count_sixteens(const struct lanes *lanes, __m512 values)
{
    __m512 left[LANES / 2];
    __m512i found = _mm512_setzero_si512();
    __mmask16 right = _mm512_cmp_ps_mask(values, _mm512_load_ps(lanes->every[7]), _CMP_GE_OQ);
    UNROLL
    for (int i = 0; i < 7; i++)
        left[i] = _mm512_mask_blend_ps(right, _mm512_load_ps(lanes->every[i]),
                                       _mm512_load_ps(lanes->every[i + 8]));
    found = _mm512_mask_or_epi32(found, right, found, _mm512_set1_epi32(8));
    right = _mm512_cmp_ps_mask(values, left[3], _CMP_GE_OQ);
    UNROLL
    for (int i = 0; i < 3; i++)
        left[i] = _mm512_mask_blend_ps(right, left[i], left[i + 4]);
    found = _mm512_mask_or_epi32(found, right, found, _mm512_set1_epi32(4));
    right = _mm512_cmp_ps_mask(values, left[1], _CMP_GE_OQ);
    left[0] = _mm512_mask_blend_ps(right, left[0], left[2]);
    found = _mm512_mask_or_epi32(found, right, found, _mm512_set1_epi32(2));
    right = _mm512_cmp_ps_mask(values, left[0], _CMP_GE_OQ);
    return _mm512_mask_or_epi32(found, right, found, _mm512_set1_epi32(1));
}

/* The values of 16 features. */
TARGET_AVX512 static ALWAYS_INLINE __m512 load_values(const struct lanes *lanes, const float *row)
{
    if (lanes->consecutive) /* much faster than a gather */
        return _mm512_maskz_loadu_ps(lanes->consecutive, row + lanes->features[0]);
    return _mm512_i32gather_ps(_mm512_load_si512(lanes->features), row, sizeof *row);
}

TARGET_AVX512 static ALWAYS_INLINE struct codes cut_row(const struct row_plan *plan,
                                                        const float *row)
{
    _Alignas(64) float values[ROOM];
    _Alignas(64) uint16_t around[ROOM] = {0}, sixteens[ROOM] = {0};
    uint64_t missing = 0;
    __m512i own =
        _mm512_setr_epi32(0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240);
    for (size_t b = 0; b < plan->bands; b += LANES) {
        const struct lanes *lanes = &plan->lanes[b / LANES];
        __m512 value = load_values(lanes, row);
        _mm512_store_ps(values + b, value);
        __m512i found = _mm512_add_epi32(count_sixteens(lanes, value), own);
        _mm256_store_si256((__m256i *)(sixteens + b), _mm512_cvtepi32_epi16(found));
        missing |= (uint64_t)_mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q) << b;
        own = _mm512_add_epi32(own, _mm512_set1_epi32(LANES * LANES));
    }
    for (size_t b = 0; b < plan->bands; b++) {
        __m512 cuts = _mm512_load_ps(plan->cuts + (size_t)LANES * sixteens[b]);
        around[b] = _mm512_cmp_ps_mask(_mm512_set1_ps(values[b]), cuts, _CMP_GE_OQ);
    }
    __m256i half[2];
    UNROLL
    for (int i = 0; i < 2; i++) {
        /* of a place among all cuts 4 bits are the place in its band's */
        __m512i below = _mm512_slli_epi16(_mm512_load_si512(sixteens + 32 * i), 4);
        __m512i here = _mm512_popcnt_epi16(_mm512_load_si512(around + 32 * i));
        half[i] = _mm512_cvtepi16_epi8(_mm512_add_epi16(below, here));
    }
    __m512i counts = _mm512_inserti64x4(_mm512_castsi256_si512(half[0]), half[1], 1);
    return (struct codes){counts, _mm512_mask_set1_epi8(counts, missing, (char)0xFF)};
}

/* ---- walking ---- */

/* Which way each upper node of a unit of trees sends the row: a word a tree. */
TARGET_AVX512 static ALWAYS_INLINE void take_splits(const struct upper *trees, struct codes codes,
                                                    uint64_t *right)
{
    UNROLL
    for (size_t t = 0; t < UNIT; t++) {
        __m512i code =
            _mm512_permutex2var_epi8(codes.low, _mm512_load_si512(trees[t].columns), codes.high);
        right[t] = _mm512_cmpge_epu8_mask(code, _mm512_load_si512(trees[t].thresholds));
    }
}

/* Follows a unit of trees to the places, from NODES, where they leave the upper levels. The outcome
 * at place p is the word's bit NODES - 1 - p: shifted left by p it is on top, whence it is
 * appended. */
TARGET_AVX512 static ALWAYS_INLINE __m512i follow(const uint64_t *right)
{
    __m512i word = _mm512_load_si512(right), at = _mm512_set1_epi64(1);
    UNROLL
    for (int level = 0; level < UPPER; level++)
        at = _mm512_shldi_epi64(at, _mm512_sllv_epi64(word, at), 1);
    return at;
}

/* From there two levels on, to the places from 4 x NODES; `lower` is the unit's first tree's. */
TARGET_AVX512 static ALWAYS_INLINE __m512i follow_lower(const struct lower *lower, __m512i at,
                                                        struct codes codes)
{
    const __m512i one = _mm512_set1_epi64(1);
    const __m512i trees = _mm512_setr_epi64(-1 * NODES, 0 * NODES, 1 * NODES, 2 * NODES, 3 * NODES,
                                            4 * NODES, 5 * NODES, 6 * NODES);
    __m512i three = _mm512_i64gather_epi64(_mm512_add_epi64(at, trees), lower, sizeof *lower);
    __m512i code = _mm512_permutex2var_epi8(codes.low, three, codes.high);
    /* the bytes of each 8 that count: 0 the node's outcome, 1 and 2 its children's */
    __mmask64 outcome = _mm512_cmpge_epu8_mask(code, _mm512_srli_epi64(three, 32));
    __m512i bytes = _mm512_maskz_set1_epi8(outcome, 1);
    __m512i first = _mm512_and_si512(bytes, one);
    __m512i child = _mm512_slli_epi64(_mm512_add_epi64(first, one), 3);
    __m512i second = _mm512_and_si512(_mm512_srlv_epi64(bytes, child), one);
    at = _mm512_add_epi64(_mm512_add_epi64(at, at), first);
    return _mm512_add_epi64(_mm512_add_epi64(at, at), second);
}

/* Where in sliced.leaves the row's leaves of a unit of trees are. */
TARGET_AVX512 static ALWAYS_INLINE void find_leaves(const struct row_plan *plan, size_t first,
                                                    struct codes codes, const uint64_t *right,
                                                    uint64_t *leaves)
{
    __m512i at = follow(right);
    if (plan->lower)
        at = follow_lower(plan->lower + first * NODES, at, codes);
    _mm512_store_si512(leaves, _mm512_add_epi64(at, _mm512_load_si512(plan->leaves + first)));
}

/* For forests whose leaves are not simply added up, with several outputs, or deeper than 8: a unit
 * of trees from `first` on, which are added some units together. */
static void add_numbers(const struct sliced *sliced, const struct ensemble *ensemble, size_t first,
                        const uint64_t *leaves, uint32_t *together, const float *row, float *out)
{
    size_t count = sliced->tree_count - first < UNIT ? sliced->tree_count - first : UNIT;
    size_t before = first % ROW_TREES;
    for (size_t t = 0; t < count; t++)
        together[before + t] = (uint32_t)(leaves[t] - sliced->trees[first + t].leaves);
    if (before + UNIT == ROW_TREES || first + count == sliced->tree_count)
        sliced_add_row(sliced, ensemble, first - before, before + count, together, row, out);
}

TARGET_AVX512 void sliced_row_avx512(const struct sliced *sliced, const struct ensemble *ensemble,
                                     const float *row, float *out)
{
    const struct row_plan *plan = sliced->row_plan;
    _Alignas(64) uint64_t right[AHEAD][UNIT], leaves[2][UNIT];
    uint32_t together[ROW_TREES];
    struct codes codes = cut_row(plan, row);
    bool simple = ensemble->outputs == 1 && sliced->trees[sliced->tree_count].exits == 0;
    memcpy(out, ensemble->base_margin, ensemble->outputs * sizeof *out);
    float sum = *out;
    size_t units = (sliced->tree_count + UNIT - 1) / UNIT;
    for (size_t u = 0; u < units + AHEAD + 1; u++) {
        const uint64_t *found = leaves[(u + 1) % 2];
        if (u >= AHEAD && u < units + AHEAD)
            find_leaves(plan, (u - AHEAD) * UNIT, codes, right[u % AHEAD], leaves[u % 2]);
        if (u < units)
            take_splits(plan->upper + u * UNIT, codes, right[u % AHEAD]);
        if (u <= AHEAD)
            continue;
        if (!simple) {
            add_numbers(sliced, ensemble, (u - AHEAD - 1) * UNIT, found, together, row, out);
            continue;
        }
        UNROLL
        for (size_t t = 0; t < UNIT; t++)
            sum += sliced->leaves[found[t]];
    }
    if (simple)
        *out = sum;
}
#endif
