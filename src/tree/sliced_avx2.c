/* The sliced walk with AVX2: over bits (walk_bits.h), leaves by gathers. */
#include "parse/target.h"

#if TARGET_X86
#include "tree/sliced.h"

#include <immintrin.h>
#include <string.h>

#define WALK_TARGET TARGET_AVX2
#define WALK_ROWS BLOCK_ROWS

#include "tree/walk_bits.h"

enum { VECTOR = 32 };

/* A column's codes, from 0, as a plane for each of their bits. */
TARGET_AVX2 static void to_planes(const int8_t *column, bits *planes)
{
    uint32_t words[8][BLOCK_ROWS / VECTOR];
    for (size_t i = 0; i < BLOCK_ROWS / VECTOR; i++) {
        __m256i codes = _mm256_load_si256((const __m256i *)(column + VECTOR * i));
        codes = _mm256_xor_si256(codes, _mm256_set1_epi8((char)CODE_BIAS));
        UNROLL
        for (size_t b = 8; b-- > 0;) {
            words[b][i] = (uint32_t)_mm256_movemask_epi8(codes);
            codes = _mm256_add_epi8(codes, codes); /* the next bit to the top */
        }
    }
    memcpy(planes, words, sizeof words);
}

enum { VECTORS = BLOCK_ROWS / VECTOR };

/* Adds which bytes a page of a set has for a block's codes, by the units of it that are not empty:
 * bytes are looked up 16 at a time, where 112 more than a place among them is below 128. */
TARGET_AVX2 static ALWAYS_INLINE void look_up(const uint8_t *set, uint64_t units,
                                              const int8_t *index, __m256i *bytes)
{
    for (; units; units &= units - 1) {
        int at = SET_UNIT * __builtin_ctzll(units);
        const __m256i unit =
            _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(set + at)));
        const __m256i start = _mm256_set1_epi8((char)at);
        UNROLL
        for (size_t i = 0; i < VECTORS; i++) {
            __m256i place = _mm256_load_si256((const __m256i *)(index + VECTOR * i));
            place = _mm256_adds_epu8(_mm256_xor_si256(place, start), _mm256_set1_epi8(112));
            bytes[i] = _mm256_or_si256(bytes[i], _mm256_shuffle_epi8(unit, place));
        }
    }
}

/* Where rows go left at a categorical split. */
TARGET_AVX2 static void take_test(const struct category_plan *plan,
                                  const struct category_test *test, const int8_t *columns,
                                  bits *mask)
{
    const __m256i none = _mm256_setzero_si256();
    uint32_t words[VECTORS];
    memset(words, 0xFF, sizeof words);
    const int8_t *index = columns + (size_t)test->column * BLOCK_ROWS;
    for (uint32_t page = 0; page < test->pages; page++, index += 2 * BLOCK_ROWS) {
        __m256i bytes[VECTORS] = {none, none, none, none, none, none, none, none};
        uint64_t units = test->units >> (page * (PAGE_BYTES / SET_UNIT));
        look_up(plan->sets + test->set + page * PAGE_BYTES,
                units & ((1u << (PAGE_BYTES / SET_UNIT)) - 1), index, bytes);
        UNROLL
        for (size_t i = 0; i < VECTORS; i++) {
            __m256i bit = _mm256_load_si256((const __m256i *)(index + BLOCK_ROWS + VECTOR * i));
            __m256i out = _mm256_cmpeq_epi8(_mm256_and_si256(bytes[i], bit), none);
            words[i] &= (uint32_t)_mm256_movemask_epi8(out);
        }
    }
    memcpy(mask, words, sizeof words);
}

/* The 8 bits of each byte across the 8 bytes of a word, transposed. */
TARGET_AVX2 static ALWAYS_INLINE __m256i turn(__m256i x)
{
    __m256i t = _mm256_and_si256(_mm256_xor_si256(x, _mm256_srli_epi64(x, 7)),
                                 _mm256_set1_epi64x(0x00AA00AA00AA00AA));
    x = _mm256_xor_si256(x, _mm256_xor_si256(t, _mm256_slli_epi64(t, 7)));
    t = _mm256_and_si256(_mm256_xor_si256(x, _mm256_srli_epi64(x, 14)),
                         _mm256_set1_epi64x(0x0000CCCC0000CCCC));
    x = _mm256_xor_si256(x, _mm256_xor_si256(t, _mm256_slli_epi64(t, 14)));
    t = _mm256_and_si256(_mm256_xor_si256(x, _mm256_srli_epi64(x, 28)),
                         _mm256_set1_epi64x(0x00000000F0F0F0F0));
    return _mm256_xor_si256(x, _mm256_xor_si256(t, _mm256_slli_epi64(t, 28)));
}

/* Two vectors of which each eight rows' bytes of all planes are a word, in both halves. */
TARGET_AVX2 static ALWAYS_INLINE void store_numbers(__m256i words, size_t i, uint8_t *numbers)
{
    __m256i turned = turn(words);
    _mm_store_si128((__m128i *)(numbers + 16 * i), _mm256_castsi256_si128(turned));
    _mm_store_si128((__m128i *)(numbers + BLOCK_ROWS / 2 + 16 * i),
                    _mm256_extracti128_si256(turned, 1));
}

/* From planes to a byte a row. */
TARGET_AVX2 static void to_numbers(const bits *planes, uint32_t levels, uint8_t *numbers)
{
    __m256i two[4][2], four[2][4];
    UNROLL
    for (uint32_t p = 0; p < 4; p++) {
        const __m256i none = _mm256_setzero_si256();
        __m256i a = 2 * p < levels ? (__m256i)planes[2 * p] : none;
        __m256i b = 2 * p + 1 < levels ? (__m256i)planes[2 * p + 1] : none;
        two[p][0] = _mm256_unpacklo_epi8(a, b);
        two[p][1] = _mm256_unpackhi_epi8(a, b);
    }
    UNROLL
    for (size_t p = 0; p < 2; p++)
        UNROLL
    for (size_t i = 0; i < 2; i++) {
        four[p][2 * i] = _mm256_unpacklo_epi16(two[2 * p][i], two[2 * p + 1][i]);
        four[p][2 * i + 1] = _mm256_unpackhi_epi16(two[2 * p][i], two[2 * p + 1][i]);
    }
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        store_numbers(_mm256_unpacklo_epi32(four[0][i], four[1][i]), 2 * i, numbers);
        store_numbers(_mm256_unpackhi_epi32(four[0][i], four[1][i]), 2 * i + 1, numbers);
    }
}

TARGET_AVX2 static void add_leaves(const struct sliced *sliced, const struct sliced_tree *tree,
                                   const uint8_t *numbers, const struct row_block *block,
                                   size_t first)
{
    (void)first; /* all rows are in one vector */
    for (size_t k = 0; k < sliced->tables; k++) {
        const float *leaves = sliced->leaves + tree->leaves + (k << tree->levels);
        float *sum = block->sums + (tree->output + k) * BLOCK_ROWS;
        for (size_t r = 0; r < block->count; r += 8) {
            __m256i number = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(numbers + r)));
            __m256 value = _mm256_i32gather_ps(leaves, number, sizeof(float));
            _mm256_store_ps(sum + r, _mm256_add_ps(_mm256_load_ps(sum + r), value));
        }
    }
}

static bool lay(struct sliced *sliced, struct lathe_error *error)
{
    return cuts_lay_search(&sliced->plan, error) && sliced_bits_make(sliced, error) &&
           row_bytes_make(sliced, error);
}

const struct sliced_way sliced_avx2 = {
    .path = FOREST_AVX2,
    .most_tests = 32,
    .lay = lay,
    .cut = cuts_block_avx2,
    .add_trees = add_trees,
    .row = sliced_row_avx2,
};
#endif
