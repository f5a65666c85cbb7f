/* One row with AVX2 (walk_row.h): vpshufb brings 32 nodes their codes out of tables of 16. */
#include "parse/target.h"

#if TARGET_X86
#include "tree/sliced_row_bytes.h"

#include <immintrin.h>

#define WALK_TARGET TARGET_AVX2

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

/* Which of them are missing. */
TARGET_AVX2 static ALWAYS_INLINE unsigned cut_lanes(const struct lanes *lanes, const float *row,
                                                    float *values, int32_t *sixteens)
{
    __m256 value = load_values(lanes, row);
    __m256i count = _mm256_setzero_si256();
    UNROLL
    for (int i = 0; i < SIXTEEN - 1; i++)
        count = _mm256_sub_epi32(count, _mm256_castps_si256(_mm256_cmp_ps(
                                            value, _mm256_load_ps(lanes->every[i]), _CMP_GE_OQ)));
    _mm256_store_ps(values, value);
    _mm256_store_si256((__m256i *)sixteens, _mm256_slli_epi32(count, 4));
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
}

TARGET_AVX2 static ALWAYS_INLINE int count_here(const float *cuts, const float *at)
{
    const __m256 value = _mm256_broadcast_ss(at);
    __m256 low = _mm256_cmp_ps(value, _mm256_load_ps(cuts), _CMP_GE_OQ);
    __m256 high = _mm256_cmp_ps(value, _mm256_load_ps(cuts + LANES), _CMP_GE_OQ);
    __m256i both = _mm256_packs_epi32(_mm256_castps_si256(low), _mm256_castps_si256(high));
    return __builtin_popcount((unsigned)_mm256_movemask_epi8(both)) / 2;
}

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

TARGET_AVX2 static ALWAYS_INLINE uint64_t take_upper(const struct tables *tables, int wide,
                                                     bool some, const struct upper *tree)
{
    const __m256i *first = (const __m256i *)tree->first, *second = (const __m256i *)tree->second;
    const __m256i *least = (const __m256i *)tree->least;
    uint64_t right = go_right(tables, wide, some, first[0], second[0], least[0]);
    return right | (uint64_t)go_right(tables, wide, some, first[1], second[1], least[1]) << 32;
}

TARGET_AVX2 static ALWAYS_INLINE unsigned take_lower(const struct tables *tables, int wide,
                                                     bool some, const uint64_t *three)
{
    __m256i first = _mm256_setr_epi64x((long long)three[0], (long long)three[1],
                                       (long long)three[2], (long long)three[3]);
    __m256i second = _mm256_xor_si256(first, _mm256_set1_epi8((char)SECOND));
    return go_right(tables, wide, some, first, second, _mm256_srli_epi64(first, 32));
}

#include "tree/walk_row.h"

TARGET_AVX2 void sliced_row_avx2(const struct sliced *sliced, const struct ensemble *ensemble,
                                 const float *row, float *out)
{
    walk_row(sliced, ensemble, row, out);
}
#endif
