/* One row with AVX-512, where its codes fit two vectors (up to 128 columns). All splits of a tree's
 * upper 6 levels are taken at once, needed or not: vpermb brings each of the 63 nodes its column's
 * code, one comparison leaves the outcomes as a word, and eight trees at a time are followed
 * through their words. Trees of 7 and 8 levels take the last steps one by one.
 *
 * Cutting a value takes two comparisons of 16 cuts each: with every 16th cut, then with the 16
 * between two of those.
 *
 * Size: 128 bytes a tree beside its steps, 1,088 a band. */
#include "tree/sliced.h"
#include "tree/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UPPER = 6, NODES = 64, MOST_COLUMNS = 128, GROUP = 64, BAND_FLOATS = 16 + 256 };

struct upper {
    uint8_t columns[NODES]; /* by place in a heap: the root at 1 */
    int8_t thresholds[NODES];
};

struct row_plan {
    struct upper *trees;
    float *cuts; /* BAND_FLOATS a band */
};

#if TREE_X86
#include <immintrin.h>

/* Copies the steps of a subtree, which lie in the order of use, to their places in the heap. Above
 * trees of fewer than 6 levels, places stay unused: column 0, always right. */
static void lay_upper(const struct step *step, uint32_t levels, uint32_t place, struct upper *upper)
{
    if (levels == 0 || place >= NODES)
        return;
    upper->columns[place] = (uint8_t)(step->column / BLOCK_ROWS);
    upper->thresholds[place] = (int8_t)step->threshold;
    lay_upper(step + 1, levels - 1, 2 * place, upper);
    lay_upper(step + ((size_t)1 << (levels - 1)), levels - 1, 2 * place + 1, upper);
}

static void lay_cuts(const struct cut_plan *plan, const struct band *band, float *out)
{
    for (size_t i = 0; i < BAND_FLOATS; i++)
        out[i] = NAN; /* nothing is at or above it */
    memcpy(out + 16, plan->cuts + band->first, band->count * sizeof *out);
    for (size_t i = 0; i < 16; i++)
        out[i] = out[16 + 16 * i + 15];
}

bool row_plan_make(struct sliced *sliced, struct lathe_error *error)
{
    if (sliced->plan.columns > MOST_COLUMNS || sliced->plan.category_count)
        return true;
    struct row_plan *plan = calloc(1, sizeof *plan);
    sliced->row_plan = plan;
    if (plan) {
        size_t trees = sliced->tree_count, bands = sliced->plan.band_count;
        plan->trees = aligned_alloc(64, (trees + 1) * sizeof *plan->trees);
        plan->cuts = aligned_alloc(64, (bands + 1) * BAND_FLOATS * sizeof *plan->cuts);
    }
    if (!plan || !plan->trees || !plan->cuts)
        return fail(error, LATHE_NO_MEMORY, "no memory for the layout of single rows");
    for (size_t t = 0; t < sliced->tree_count; t++) {
        memset(plan->trees[t].columns, 0, NODES);
        memset(plan->trees[t].thresholds, CODE_LOWEST, NODES);
        lay_upper(sliced->steps + sliced->trees[t].steps, sliced->trees[t].levels, 1,
                  &plan->trees[t]);
    }
    for (size_t b = 0; b < sliced->plan.band_count; b++)
        lay_cuts(&sliced->plan, &sliced->plan.bands[b], plan->cuts + b * BAND_FLOATS);
    return true;
}

void row_plan_free(struct row_plan *plan)
{
    if (!plan)
        return;
    free(plan->trees);
    free(plan->cuts);
    free(plan);
}

TARGET_AVX512 static ALWAYS_INLINE int count_at_or_below(const float *cuts, __m512 value)
{
    return _mm_popcnt_u32(_mm512_cmp_ps_mask(value, _mm512_load_ps(cuts), _CMP_GE_OQ));
}

TARGET_AVX512 static void cut_row(const struct sliced *sliced, const float *row, int8_t *codes)
{
    for (size_t b = 0; b < sliced->plan.band_count; b++) {
        const struct band *band = &sliced->plan.bands[b];
        const float *cuts = sliced->row_plan->cuts + b * BAND_FLOATS;
        __m512 value = _mm512_set1_ps(row[band->feature]);
        int sixteens = count_at_or_below(cuts, value);
        int count = 16 * sixteens + count_at_or_below(cuts + 16 + 16 * sixteens, value);
        bool missing = row[band->feature] != row[band->feature];
        int8_t code = (int8_t)(count - CODE_BIAS);
        if (band->low != NO_COLUMN)
            codes[band->low] = code; /* of a missing value 0 cuts: lowest already */
        if (band->high != NO_COLUMN)
            codes[band->high] = missing ? CODE_HIGHEST : code;
    }
}

/* Which way each upper node of up to GROUP trees sends the row: a word a tree. */
TARGET_AVX512 static void take_splits(const struct upper *trees, size_t count, const int8_t *codes,
                                      uint64_t *right)
{
    __m512i low = _mm512_load_si512(codes), high = _mm512_load_si512(codes + 64);
    for (size_t t = 0; t < count; t++) {
        __m512i code = _mm512_permutex2var_epi8(low, _mm512_load_si512(trees[t].columns), high);
        right[t] = _mm512_cmpge_epi8_mask(code, _mm512_load_si512(trees[t].thresholds));
    }
}

/* Follows 8 trees at a time to the places, from 0, where they leave the upper levels. */
TARGET_AVX512 static void follow(const uint64_t *right, size_t count, uint64_t *places)
{
    const __m512i one = _mm512_set1_epi64(1);
    for (size_t t = 0; t < count; t += 8) {
        __m512i word = _mm512_load_si512(right + t), at = one;
        UNROLL
        for (int level = 0; level < UPPER; level++) {
            __m512i bit = _mm512_and_si512(_mm512_srlv_epi64(word, at), one);
            at = _mm512_add_epi64(_mm512_add_epi64(at, at), bit);
        }
        _mm512_store_si512(places + t, _mm512_sub_epi64(at, _mm512_set1_epi64(NODES)));
    }
}

/* The leaf below a place of the upper levels. */
static inline uint32_t last_steps(const struct step *steps, uint32_t levels, uint32_t place,
                                  const int8_t *codes)
{
    if (levels <= UPPER)
        return place >> (UPPER - levels);
    /* on the way each step to the left passed one step, each to the right a whole subtree */
    uint32_t below = levels - UPPER;
    uint32_t rights = (uint32_t)__builtin_popcount(place);
    const struct step *step = steps + UPPER - rights + ((size_t)place << below);
    uint32_t number = place << below;
    for (uint32_t half = 1u << (below - 1); half; half >>= 1) {
        uint32_t right = codes[step->column / BLOCK_ROWS] >= (int8_t)step->threshold;
        number += right * half;
        step += 1 + right * (half - 1);
    }
    return number;
}

TARGET_AVX512 void sliced_row_avx512(const struct sliced *sliced, const struct ensemble *ensemble,
                                     const float *row, float *out)
{
    _Alignas(64) int8_t codes[MOST_COLUMNS] = {0};
    _Alignas(64) uint64_t right[GROUP] = {0}, places[GROUP];
    cut_row(sliced, row, codes);
    memcpy(out, ensemble->base_margin, ensemble->outputs * sizeof *out);
    for (size_t first = 0; first < sliced->tree_count; first += GROUP) {
        size_t left = sliced->tree_count - first, count = left < GROUP ? left : GROUP;
        take_splits(sliced->row_plan->trees + first, count, codes, right);
        follow(right, count, places);
        uint32_t numbers[GROUP];
        for (size_t i = 0; i < count; i++) {
            const struct sliced_tree *tree = &sliced->trees[first + i];
            numbers[i] =
                last_steps(sliced->steps + tree->steps, tree->levels, (uint32_t)places[i], codes);
        }
        sliced_add_row(sliced, ensemble, first, count, numbers, row, out);
    }
}
#endif
