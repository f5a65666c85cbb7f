/* Cutting with NEON: values come by columns, or 4 rows by 4 features that are transposed, and pass
 * four abreast through a search tree a band. Its levels up to the sixth lie in registers: tbl looks
 * a threshold up by its four bytes. Below, where a band has more than 63 cuts, are fours of which
 * three are the cuts of the last two levels: a value is held against all three at once. */
#include "parse/target.h"

#if TARGET_NEON
#include "tree/cuts.h"

#include <arm_neon.h>
#include <math.h>
#include <stdlib.h>

enum {
    TILE = 4,
    VECTOR = 16,
    MOST_UPPER = 6,         /* levels in registers */
    HEAP = 1 << MOST_UPPER, /* their thresholds: level l starts at 2^l */
    FOURS = SEARCH_FLOATS,  /* those of the last two, in ascending order */
    FLOATS = HEAP + FOURS,
};

#define CUT_TARGET
#define CUT_FLOATS FLOATS
#include "tree/cut_block.h"

static uint32_t upper_levels(uint32_t levels)
{
    return levels > MOST_UPPER ? levels - 2 : levels;
}

static void lay_band(const struct cut_plan *plan, const struct band *band, float *search)
{
    const float *cuts = plan->cuts + band->first;
    for (size_t i = 0; i < FLOATS; i++)
        search[i] = NAN; /* nothing is at or above it */
    for (uint32_t level = 0; level < upper_levels(band->levels); level++)
        for (uint32_t i = 0; i < 1u << level; i++) {
            uint32_t place = ((2 * i + 1) << (band->levels - level - 1)) - 1;
            if (place < band->count)
                search[(1u << level) + i] = cuts[place];
        }
    for (uint32_t i = 0; i < band->count; i++)
        if (i % 4 != 3) /* of the levels above */
            search[HEAP + i] = cuts[i];
}

bool cuts_lay_neon(struct cut_plan *plan, struct lathe_error *error)
{
    plan->search = aligned_alloc(64, (plan->band_count + 1) * FLOATS * sizeof *plan->search);
    if (!plan->search)
        return fail(error, LATHE_NO_MEMORY, "no memory for %zu search trees", plan->band_count);
    for (size_t i = 0; i < plan->band_count; i++)
        lay_band(plan, &plan->bands[i], plan->search + i * FLOATS);
    return true;
}

static ALWAYS_INLINE float32x4_t load_width(const float *row, size_t width)
{
    float values[TILE] = {0};
    for (size_t i = 0; i < width; i++)
        values[i] = row[i];
    return vld1q_f32(values);
}

static void load_tile(const float *rows, size_t count, size_t stride, size_t width,
                      float tile[TILE][BLOCK_ROWS])
{
    for (size_t r = 0; r < count; r += TILE) {
        float32x4_t v[TILE];
        UNROLL
        for (size_t i = 0; i < TILE; i++) {
            /* past the end the last row again: its codes are not used */
            const float *row = rows + (r + i < count ? r + i : count - 1) * stride;
            v[i] = width == TILE ? vld1q_f32(row) : load_width(row, width);
        }
        float64x2_t low[2] = {vreinterpretq_f64_f32(vtrn1q_f32(v[0], v[1])),
                              vreinterpretq_f64_f32(vtrn2q_f32(v[0], v[1]))};
        float64x2_t high[2] = {vreinterpretq_f64_f32(vtrn1q_f32(v[2], v[3])),
                               vreinterpretq_f64_f32(vtrn2q_f32(v[2], v[3]))};
        UNROLL
        for (size_t i = 0; i < 2; i++) {
            vst1q_f32(&tile[i][r], vreinterpretq_f32_f64(vtrn1q_f64(low[i], high[i])));
            vst1q_f32(&tile[i + 2][r], vreinterpretq_f32_f64(vtrn2q_f64(low[i], high[i])));
        }
    }
}

/* Appends a decision to the path: 1 where the value is at the cut or above it. */
static ALWAYS_INLINE uint32x4_t decide(float32x4_t value, uint8x16_t cuts, uint32x4_t path)
{
    return vsliq_n_u32(vcgeq_f32(value, vreinterpretq_f32_u8(cuts)), path, 1);
}

/* The places of the bytes of floats, of those that begin at `start`. */
static ALWAYS_INLINE uint8x16_t places(uint32x4_t path, uint32_t start)
{
    const uint32x4_t base = vdupq_n_u32(0x03020100u - start * 0x04040404u);
    return vreinterpretq_u8_u32(vmlaq_u32(base, path, vdupq_n_u32(0x04040404u)));
}

/* Of four values the paths through the upper levels, each with a 1 before it. */
static ALWAYS_INLINE uint32x4_t search_upper(const uint8x16x4_t *heap, uint32_t levels,
                                             float32x4_t value)
{
    uint8x16_t root = vreinterpretq_u8_u32(vdupq_laneq_u32(vreinterpretq_u32_u8(heap->val[0]), 1));
    uint32x4_t path = decide(value, root, vdupq_n_u32(1));
    UNROLL
    for (uint32_t level = 1; level < 4; level++)
        if (levels > level)
            path = decide(value, vqtbl4q_u8(heap[0], places(path, 0)), path);
    if (levels > 4)
        path = decide(value, vqtbl4q_u8(heap[1], places(path, 16)), path);
    if (levels > 5) {
        uint8x16_t place = places(path, 32), low = vqtbl4q_u8(heap[2], place);
        uint8x16_t above = vsubq_u8(place, vdupq_n_u8(64));
        path = decide(value, vqtbx4q_u8(low, heap[3], above), path);
    }
    return path;
}

/* Which of a four's cuts are at or below a value. */
static ALWAYS_INLINE uint32x4_t hold(const float *fours, uint32_t four, float32x4_t value)
{
    return vcgeq_f32(value, vld1q_f32(fours + 4 * (size_t)four));
}

/* The last two levels. */
static ALWAYS_INLINE uint32x4_t search_fours(const float *fours, uint32_t first, uint32x4_t path,
                                             float32x4_t value)
{
    uint32x4_t held[4] = {
        hold(fours, vgetq_lane_u32(path, 0) - first, vdupq_laneq_f32(value, 0)),
        hold(fours, vgetq_lane_u32(path, 1) - first, vdupq_laneq_f32(value, 1)),
        hold(fours, vgetq_lane_u32(path, 2) - first, vdupq_laneq_f32(value, 2)),
        hold(fours, vgetq_lane_u32(path, 3) - first, vdupq_laneq_f32(value, 3)),
    };
    uint32x4_t low = vpaddq_u32(held[0], held[1]), high = vpaddq_u32(held[2], held[3]);
    return vsubq_u32(vshlq_n_u32(path, 2), vpaddq_u32(low, high));
}

/* The lowest bytes of 16 words. */
static ALWAYS_INLINE uint8x16_t pack(const uint32x4_t *words)
{
    uint16x8_t low = vuzp1q_u16(vreinterpretq_u16_u32(words[0]), vreinterpretq_u16_u32(words[1]));
    uint16x8_t high = vuzp1q_u16(vreinterpretq_u16_u32(words[2]), vreinterpretq_u16_u32(words[3]));
    return vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high));
}

static ALWAYS_INLINE void cut_band(const struct band *band, const float *search, uint32_t levels,
                                   const float *values, size_t count, int8_t *columns)
{
    int8_t *low = band->low == NO_COLUMN ? NULL : columns + (size_t)band->low * BLOCK_ROWS;
    int8_t *high = band->high == NO_COLUMN ? NULL : columns + (size_t)band->high * BLOCK_ROWS;
    uint32_t upper = levels > MOST_UPPER ? levels - 2 : levels;
    const uint32_t first = 1u << upper; /* a path has a 1 before it */
    const uint8x16_t least = vdupq_n_u8((uint8_t)((1u << levels) + CODE_BIAS));
    uint8x16x4_t heap[4];
    UNROLL
    for (size_t i = 0; i < 4; i++)
        heap[i] = vld1q_u8_x4((const uint8_t *)(search + VECTOR * i));
    for (size_t r = 0; r < count; r += VECTOR) {
        uint32x4_t wide[4], there[4];
        UNROLL
        for (size_t g = 0; g < 4; g++) {
            float32x4_t value = vld1q_f32(values + r + 4 * g);
            there[g] = vceqq_f32(value, value);
            wide[g] = search_upper(heap, upper, value);
            if (levels > MOST_UPPER)
                wide[g] = search_fours(search + HEAP, first, wide[g], value);
        }
        uint8x16_t codes = vsubq_u8(pack(wide), least);
        /* of a missing value no cut is below: its code is the lowest as it is */
        if (low)
            vst1q_u8((uint8_t *)low + r, codes);
        if (high)
            vst1q_u8((uint8_t *)high + r, vbslq_u8(pack(there), codes, vdupq_n_u8(CODE_HIGHEST)));
    }
}

static void load_column(const double *column, size_t count, float *values)
{
    for (size_t r = 0; r < count; r++)
        values[r] = (float)column[r];
}

void cuts_block_neon(const struct cut_plan *plan, const struct row_block *block, size_t features)
{
    cut_block(plan, block, features);
    categories_code_neon(&plan->categories, block);
}
#endif
