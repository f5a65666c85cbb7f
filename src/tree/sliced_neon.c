/* The sliced walk with NEON: over bits (walk_bits.h), in vectors of 128 rows, half a block: row
 * 16 v + j has bit v of byte j. So columns become planes, and planes numbers, by transposing eight
 * vectors as matrices of 8 by 8 bits, a byte of each one, and no byte moves. Leaves of up to 6
 * levels are looked up as four planes of bytes. */
#include "parse/target.h"

#if TARGET_NEON
#include "tree/sliced.h"

#include <arm_neon.h>
#include <string.h>

#define WALK_TARGET
#define WALK_ROWS 128
#define CHOOSE(left, a, b) ((bits)vbslq_u64((uint64x2_t)(left), (uint64x2_t)(a), (uint64x2_t)(b)))

#include "tree/walk_bits.h"

enum { VECTOR = 16, VECTORS = WALK_ROWS / VECTOR, TABLE_LEVELS = 6 };

/* Swaps the upper bits of `a` with the lower ones of `b`, of each group of twice `step` bits. */
static ALWAYS_INLINE void swap_bits(uint8x16_t *a, uint8x16_t *b, int step)
{
    const uint8x16_t lower = vdupq_n_u8(step == 2 ? 0x33 : 0x55);
    uint8x16_t x = *a, y = *b;
    switch (step) {
    case 4:
        *a = vsliq_n_u8(x, y, 4);
        *b = vsriq_n_u8(y, x, 4);
        break;
    case 2:
        *a = vbslq_u8(lower, x, vshlq_n_u8(y, 2));
        *b = vbslq_u8(lower, vshrq_n_u8(x, 2), y);
        break;
    default:
        *a = vbslq_u8(lower, x, vshlq_n_u8(y, 1));
        *b = vbslq_u8(lower, vshrq_n_u8(x, 1), y);
    }
}

/* Bit p of vector v goes to bit v of vector p, in each byte. */
static ALWAYS_INLINE void transpose(uint8x16_t *v)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        swap_bits(&v[i], &v[i + 4], 4);
    UNROLL
    for (int i = 0; i < 4; i++)
        swap_bits(&v[i + (i & 2)], &v[i + (i & 2) + 2], 2);
    UNROLL
    for (int i = 0; i < 8; i += 2)
        swap_bits(&v[i], &v[i + 1], 1);
}

static void to_planes(const int8_t *column, bits *planes)
{
    uint8x16_t v[VECTORS];
    UNROLL
    for (size_t i = 0; i < VECTORS; i++)
        v[i] = veorq_u8(vld1q_u8((const uint8_t *)column + VECTOR * i), vdupq_n_u8(CODE_BIAS));
    transpose(v);
    UNROLL
    for (size_t i = 0; i < VECTORS; i++)
        planes[i] = (bits)v[i];
}

/* Adds which bytes a page of a set has for the rows' codes, by the units of it that are not empty:
 * a byte is looked up where its place is within the 16 from a unit's start. */
static ALWAYS_INLINE void look_up(const uint8_t *set, uint64_t units, const int8_t *index,
                                  uint8x16_t *bytes)
{
    for (; units; units &= units - 1) {
        int at = SET_UNIT * __builtin_ctzll(units);
        const uint8x16_t unit = vld1q_u8(set + at), start = vdupq_n_u8((uint8_t)at);
        UNROLL
        for (size_t i = 0; i < VECTORS; i++) {
            uint8x16_t place = vld1q_u8((const uint8_t *)index + VECTOR * i);
            bytes[i] = vorrq_u8(bytes[i], vqtbl1q_u8(unit, veorq_u8(place, start)));
        }
    }
}

/* A vector of rows from all ones or none a row. */
static ALWAYS_INLINE uint8x16_t gather_bits(const uint8x16_t *right)
{
    uint8x16_t all = vsliq_n_u8(right[0], right[1], 1);
    all = vsliq_n_u8(all, right[2], 2);
    all = vsliq_n_u8(all, right[3], 3);
    all = vsliq_n_u8(all, right[4], 4);
    all = vsliq_n_u8(all, right[5], 5);
    all = vsliq_n_u8(all, right[6], 6);
    return vsliq_n_u8(all, right[7], 7);
}

static void take_test(const struct category_plan *plan, const struct category_test *test,
                      const int8_t *columns, bits *mask)
{
    const uint8x16_t none = vdupq_n_u8(0);
    const int8_t *index = columns + (size_t)test->column * BLOCK_ROWS;
    uint8x16_t right[VECTORS] = {none, none, none, none, none, none, none, none};
    for (uint32_t page = 0; page < test->pages; page++, index += 2 * BLOCK_ROWS) {
        uint8x16_t bytes[VECTORS] = {none, none, none, none, none, none, none, none};
        uint64_t units = test->units >> (page * (PAGE_BYTES / SET_UNIT));
        look_up(plan->sets + test->set + page * PAGE_BYTES,
                units & ((1u << (PAGE_BYTES / SET_UNIT)) - 1), index, bytes);
        UNROLL
        for (size_t i = 0; i < VECTORS; i++) {
            uint8x16_t bit = vld1q_u8((const uint8_t *)index + BLOCK_ROWS + VECTOR * i);
            right[i] = vorrq_u8(right[i], vtstq_u8(bytes[i], bit));
        }
    }
    *mask = (bits)vmvnq_u8(gather_bits(right));
}

static void to_numbers(const bits *planes, uint32_t levels, uint8_t *numbers)
{
    uint8x16_t v[VECTORS];
    UNROLL
    for (uint32_t i = 0; i < VECTORS; i++)
        v[i] = i < levels ? (uint8x16_t)planes[i] : vdupq_n_u8(0);
    transpose(v);
    UNROLL
    for (size_t i = 0; i < VECTORS; i++)
        vst1q_u8(numbers + VECTOR * i, v[i]);
}

static ALWAYS_INLINE void add_four(float *sum, uint16x8_t leaves)
{
    vst1q_f32(sum, vaddq_f32(vld1q_f32(sum), vreinterpretq_f32_u16(leaves)));
}

/* Leaves of up to 6 levels, by the four bytes of each. */
static void add_from_planes(const uint8_t *planes, const uint8_t *numbers, size_t count, float *sum)
{
    enum { PLANE = 1 << TABLE_LEVELS };
    uint8x16x4_t table[4];
    UNROLL
    for (size_t p = 0; p < 4; p++)
        table[p] = vld1q_u8_x4(planes + PLANE * p);
    for (size_t r = 0; r < count; r += VECTOR) {
        uint8x16_t number = vld1q_u8(numbers + r), bytes[4];
        UNROLL
        for (size_t p = 0; p < 4; p++)
            bytes[p] = vqtbl4q_u8(table[p], number);
        uint16x8_t low[2] = {vreinterpretq_u16_u8(vzip1q_u8(bytes[0], bytes[1])),
                             vreinterpretq_u16_u8(vzip2q_u8(bytes[0], bytes[1]))};
        uint16x8_t high[2] = {vreinterpretq_u16_u8(vzip1q_u8(bytes[2], bytes[3])),
                              vreinterpretq_u16_u8(vzip2q_u8(bytes[2], bytes[3]))};
        UNROLL
        for (size_t i = 0; i < 2; i++) {
            add_four(sum + r + 8 * i, vzip1q_u16(low[i], high[i]));
            add_four(sum + r + 8 * i + 4, vzip2q_u16(low[i], high[i]));
        }
    }
}

static void add_one_by_one(const float *leaves, const uint8_t *numbers, size_t count, float *sum)
{
    for (size_t r = 0; r < count; r += 4) {
        float32x4_t value = vld1q_dup_f32(leaves + numbers[r]);
        value = vld1q_lane_f32(leaves + numbers[r + 1], value, 1);
        value = vld1q_lane_f32(leaves + numbers[r + 2], value, 2);
        value = vld1q_lane_f32(leaves + numbers[r + 3], value, 3);
        vst1q_f32(sum + r, vaddq_f32(vld1q_f32(sum + r), value));
    }
}

static void add_leaves(const struct sliced *sliced, const struct sliced_tree *tree,
                       const uint8_t *numbers, const struct row_block *block, size_t first)
{
    size_t left = block->count - first, count = left < WALK_ROWS ? left : WALK_ROWS;
    for (size_t k = 0; k < sliced->tables; k++) {
        float *sum = block->sums + (tree->output + k) * BLOCK_ROWS + first;
        if (tree->levels <= TABLE_LEVELS)
            add_from_planes(sliced->planes + tree->planes + (k << (TABLE_LEVELS + 2)), numbers,
                            count, sum);
        else
            add_one_by_one(sliced->leaves + tree->leaves + (k << tree->levels), numbers, count,
                           sum);
    }
}

static bool lay(struct sliced *sliced, struct lathe_error *error)
{
    return cuts_lay_neon(&sliced->plan, error) && sliced_bits_make(sliced, error) &&
           row_bytes_make(sliced, error);
}

const struct sliced_way sliced_neon = {
    .path = FOREST_NEON,
    .most_tests = 10,
    .planes = true,
    .lay = lay,
    .cut = cuts_block_neon,
    .add_trees = add_trees,
    .row = sliced_row_neon,
};
#endif
