/* Codes of categories with NEON, 16 rows at a time. */
#include "tree/sliced.h"

#if TARGET_NEON
#include <arm_neon.h>

enum { VECTOR = 16, LANES = 4 };

/* The codes of four values, below 2^16. */
static ALWAYS_INLINE uint16x4_t code_lanes(float32x4_t value, float32x4_t categories)
{
    uint32x4_t known = vandq_u32(vcgezq_f32(value), vcltq_f32(value, categories));
    uint32x4_t code = vaddq_u32(vcvtq_u32_f32(value), vdupq_n_u32(CODE_FIRST));
    code = vandq_u32(code, known); /* else CODE_NONE, which is 0 */
    return vmovn_u32(vbslq_u32(vceqq_f32(value, value), code, vdupq_n_u32(CODE_MISSING)));
}

/* Where the codes of a page are in their sets: the bytes' places, and bits where they are of it. */
static ALWAYS_INLINE void store_page(const uint16x8_t *codes, uint32_t page, bool only,
                                     uint8_t *index)
{
    /* of a place only the byte counts that it is in its page */
    uint8x16_t places = vcombine_u8(vshrn_n_u16(codes[0], 3), vshrn_n_u16(codes[1], 3));
    uint8x16_t low = vcombine_u8(vmovn_u16(codes[0]), vmovn_u16(codes[1]));
    low = vandq_u8(low, vdupq_n_u8(7));
    uint8x16_t bits = vshlq_u8(vdupq_n_u8(1), vreinterpretq_s8_u8(low));
    if (!only) {
        const uint8x16_t here = vdupq_n_u8((uint8_t)page);
        uint8x16_t pages =
            vcombine_u8(vmovn_u16(vshrq_n_u16(codes[0], 11)), vmovn_u16(vshrq_n_u16(codes[1], 11)));
        bits = vandq_u8(bits, vceqq_u8(pages, here));
    }
    vst1q_u8(index, places);
    vst1q_u8(index + BLOCK_ROWS, bits);
}

static void code_feature(const struct category_feature *feature, const float *values, size_t count,
                         int8_t *columns)
{
    const float32x4_t categories = vdupq_n_f32((float)(feature->codes - CODE_FIRST));
    uint32_t pages = category_pages(feature->codes);
    _Static_assert(PAGE_CODES == 1 << 11, "which page a code is in is told by its bits");
    for (size_t r = 0; r < count; r += VECTOR) {
        uint16x8_t codes[2];
        UNROLL
        for (size_t i = 0; i < 2; i++) {
            const float *from = values + r + 2 * LANES * i;
            codes[i] = vcombine_u16(code_lanes(vld1q_f32(from), categories),
                                    code_lanes(vld1q_f32(from + LANES), categories));
        }
        for (uint32_t page = 0; page < pages; page++)
            store_page(codes, page, pages == 1, (uint8_t *)columns + 2 * page * BLOCK_ROWS + r);
    }
}

void categories_code_neon(const struct category_plan *plan, const struct row_block *block)
{
    categories_code_block(plan, block, VECTOR, code_feature);
}
#endif
