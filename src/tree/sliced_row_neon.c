/* One row with NEON (walk_row.h): tbl brings 16 nodes their codes out of all 64. */
#include "parse/target.h"

#if TARGET_NEON
#include "tree/sliced_row_bytes.h"

#include <arm_neon.h>

#define WALK_TARGET

static ALWAYS_INLINE void load_values(const struct lanes *lanes, const float *row,
                                      float32x4_t *value)
{
    const int32_t *at = lanes->features;
    if (lanes->there[0] && lanes->there[LANES - 1]) {
        value[0] = vld1q_f32(row + at[0]);
        value[1] = vld1q_f32(row + at[0] + 4);
        return;
    }
    UNROLL
    for (int i = 0; i < 2; i++) {
        value[i] = vld1q_dup_f32(row + at[4 * i]);
        value[i] = vld1q_lane_f32(row + at[4 * i + 1], value[i], 1);
        value[i] = vld1q_lane_f32(row + at[4 * i + 2], value[i], 2);
        value[i] = vld1q_lane_f32(row + at[4 * i + 3], value[i], 3);
    }
}

static ALWAYS_INLINE unsigned cut_lanes(const struct lanes *lanes, const float *row, float *values,
                                        int32_t *sixteens)
{
    float32x4_t value[2];
    uint32x4_t count[2] = {vdupq_n_u32(0), vdupq_n_u32(0)};
    load_values(lanes, row, value);
    UNROLL
    for (int i = 0; i < SIXTEEN - 1; i++) {
        count[0] = vsubq_u32(count[0], vcgeq_f32(value[0], vld1q_f32(lanes->every[i])));
        count[1] = vsubq_u32(count[1], vcgeq_f32(value[1], vld1q_f32(lanes->every[i] + 4)));
    }
    UNROLL
    for (int i = 0; i < 2; i++) {
        vst1q_f32(values + 4 * i, value[i]);
        vst1q_s32(sixteens + 4 * i, vreinterpretq_s32_u32(vshlq_n_u32(count[i], 4)));
    }
    static const uint16_t bits[LANES] = {1, 2, 4, 8, 16, 32, 64, 128};
    uint16x8_t there = vcombine_u16(vmovn_u32(vceqq_f32(value[0], value[0])),
                                    vmovn_u32(vceqq_f32(value[1], value[1])));
    return vaddvq_u16(vbicq_u16(vld1q_u16(bits), there));
}

static ALWAYS_INLINE int count_here(const float *cuts, const float *at)
{
    float32x4_t value = vld1q_dup_f32(at);
    uint32x4_t low =
        vaddq_u32(vcgeq_f32(value, vld1q_f32(cuts)), vcgeq_f32(value, vld1q_f32(cuts + 4)));
    uint32x4_t high =
        vaddq_u32(vcgeq_f32(value, vld1q_f32(cuts + 8)), vcgeq_f32(value, vld1q_f32(cuts + 12)));
    return -(int)vaddvq_u32(vaddq_u32(low, high));
}

struct tables {
    uint8x16x4_t code, missing;
};

static ALWAYS_INLINE void load_tables(const struct row_codes *found, int wide, bool some,
                                      struct tables *tables)
{
    (void)wide;
    tables->code = vld1q_u8_x4((const uint8_t *)found->codes);
    if (some)
        tables->missing = vld1q_u8_x4(found->missing);
}

static ALWAYS_INLINE uint8x16_t look_up(const uint8x16x4_t *table, int wide, uint8x16_t place)
{
    uint8x16x2_t half = {{table->val[0], table->val[1]}};
    return wide == 2 ? vqtbl2q_u8(half, place) : vqtbl4q_u8(*table, place);
}

/* All ones where 16 nodes send the row right. */
static ALWAYS_INLINE uint8x16_t go_right(const struct tables *tables, int wide, bool some,
                                         uint8x16_t place, uint8x16_t missing_right,
                                         int8x16_t least)
{
    int8x16_t code = vreinterpretq_s8_u8(look_up(&tables->code, wide, place));
    uint8x16_t right = vcgtq_s8(code, least);
    if (some)
        right = vorrq_u8(right, vandq_u8(look_up(&tables->missing, wide, place), missing_right));
    return right;
}

static ALWAYS_INLINE uint64_t take_upper(const struct tables *tables, int wide, bool some,
                                         const struct upper *tree)
{
    const uint8x16_t bits = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
    uint8x16_t right[4];
    UNROLL
    for (size_t i = 0; i < 4; i++)
        right[i] = vandq_u8(bits, go_right(tables, wide, some, vld1q_u8(tree->first + 16 * i),
                                           vld1q_u8(tree->second + 16 * i),
                                           vld1q_s8(tree->least + 16 * i)));
    uint8x16_t sum = vpaddq_u8(vpaddq_u8(right[0], right[1]), vpaddq_u8(right[2], right[3]));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}

static ALWAYS_INLINE unsigned take_lower(const struct tables *tables, int wide, bool some,
                                         const uint64_t *three)
{
    const uint8x16_t bits = vreinterpretq_u8_u32(vdupq_n_u32(0x00040201u));
    uint32x4_t low =
        vreinterpretq_u32_u64(vcombine_u64(vcreate_u64(three[0]), vcreate_u64(three[1])));
    uint32x4_t high =
        vreinterpretq_u32_u64(vcombine_u64(vcreate_u64(three[2]), vcreate_u64(three[3])));
    uint8x16_t first = vreinterpretq_u8_u32(vuzp1q_u32(low, high));
    int8x16_t least = vreinterpretq_s8_u32(vuzp2q_u32(low, high));
    uint8x16_t place = vandq_u8(first, vdupq_n_u8(ROOM - 1));
    uint8x16_t missing_right = vtstq_u8(first, vdupq_n_u8(MISSING_RIGHT));
    uint8x16_t sum = vandq_u8(bits, go_right(tables, wide, some, place, missing_right, least));
    sum = vpaddq_u8(sum, sum);
    return vgetq_lane_u32(vreinterpretq_u32_u8(vpaddq_u8(sum, sum)), 0);
}

#include "tree/walk_row.h"

void sliced_row_neon(const struct sliced *sliced, const struct ensemble *ensemble, const float *row,
                     float *out)
{
    walk_row(sliced, ensemble, row, out);
}
#endif
