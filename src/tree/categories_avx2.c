/* Codes of categories with AVX2, 32 rows at a time; with AVX-512 too, for there is little to do. */
#include "tree/sliced.h"

#if TARGET_X86
#include <immintrin.h>

enum { VECTOR = 32, WORDS = 4, LANES = 8 };

/* What a feature's values are held against. */
struct coding {
    __m256 categories;
    __m256i first, missing;
};

TARGET_AVX2 static ALWAYS_INLINE __m256i code_lanes(const struct coding *coding, __m256 value)
{
    __m256 known = _mm256_and_ps(_mm256_cmp_ps(value, _mm256_setzero_ps(), _CMP_GE_OQ),
                                 _mm256_cmp_ps(value, coding->categories, _CMP_LT_OQ));
    __m256 missing = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
    __m256i code = _mm256_add_epi32(_mm256_cvttps_epi32(value), coding->first);
    code = _mm256_and_si256(code, _mm256_castps_si256(known)); /* else CODE_NONE, which is 0 */
    return _mm256_or_si256(code, _mm256_and_si256(coding->missing, _mm256_castps_si256(missing)));
}

/* The low bytes of 32 words, in order. */
TARGET_AVX2 static ALWAYS_INLINE __m256i low_bytes(const __m256i *words)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i low = _mm256_packus_epi32(words[0], words[1]);
    __m256i high = _mm256_packus_epi32(words[2], words[3]);
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
}

/* Where the codes of a page are in their sets: the bytes' places, and bits where they are of it. */
TARGET_AVX2 static ALWAYS_INLINE void store_page(const __m256i *codes, uint32_t page, bool only,
                                                 int8_t *index)
{
    __m256i places[WORDS], bits[WORDS];
    UNROLL
    for (int i = 0; i < WORDS; i++) {
        __m256i low = _mm256_and_si256(codes[i], _mm256_set1_epi32(7));
        places[i] = _mm256_srli_epi32(codes[i], 3);
        bits[i] = _mm256_sllv_epi32(_mm256_set1_epi32(1), low);
        if (only)
            continue;
        __m256i here =
            _mm256_cmpeq_epi32(_mm256_srli_epi32(places[i], 8), _mm256_set1_epi32((int)page));
        places[i] = _mm256_and_si256(places[i], _mm256_set1_epi32(PAGE_BYTES - 1));
        bits[i] = _mm256_and_si256(bits[i], here);
    }
    _mm256_store_si256((__m256i *)index, low_bytes(places));
    _mm256_store_si256((__m256i *)(index + BLOCK_ROWS), low_bytes(bits));
}

TARGET_AVX2 static void code_feature(const struct category_feature *feature, const float *values,
                                     size_t count, int8_t *columns)
{
    const struct coding coding = {_mm256_set1_ps((float)(feature->codes - CODE_FIRST)),
                                  _mm256_set1_epi32(CODE_FIRST), _mm256_set1_epi32(CODE_MISSING)};
    uint32_t pages = category_pages(feature->codes);
    for (size_t r = 0; r < count; r += VECTOR) {
        __m256i codes[WORDS];
        UNROLL
        for (size_t i = 0; i < WORDS; i++)
            codes[i] = code_lanes(&coding, _mm256_load_ps(values + r + LANES * i));
        for (uint32_t page = 0; page < pages; page++)
            store_page(codes, page, pages == 1, columns + 2 * page * BLOCK_ROWS + r);
    }
}

void categories_code_avx2(const struct category_plan *plan, const struct row_block *block)
{
    categories_code_block(plan, block, VECTOR, code_feature);
}
#endif
