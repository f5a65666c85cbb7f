/* The sliced walk with AVX-512. The comparisons are 256 bits wide (walk_256.h says why); a leaf's
 * value is looked up byte by byte, 64 rows at a time, by vpermb in 4 planes, and put together by
 * unpacking, which leaves the rows in another order: sums[16 q + 4 l + e] belongs to row
 * 16 l + 4 q + e of 64. They are added up in that order and only turned round at the end. */
#include "parse/target.h"

#if TARGET_X86
#define WALK_TARGET TARGET_AVX512
#define WALK_WIDE 4
#define WALK_CHOOSE(mask, a, b) _mm256_ternarylogic_epi64(mask, a, b, 0xCA) /* mask ? a : b */
#include "tree/walk_256.h"

/* The bytes of one plane at 64 leaf numbers. */
TARGET_AVX512 static ALWAYS_INLINE __m512i look_up(uint32_t levels, const uint8_t *plane,
                                                   __m512i numbers)
{
    __m512i a = _mm512_load_si512(plane);
    if (levels < 7)
        return _mm512_permutexvar_epi8(numbers, a);
    __m512i low = _mm512_permutex2var_epi8(a, numbers, _mm512_load_si512(plane + 64));
    if (levels == 7)
        return low;
    __m512i high = _mm512_permutex2var_epi8(_mm512_load_si512(plane + 128), numbers,
                                            _mm512_load_si512(plane + 192));
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(numbers), low, high);
}

/* Adds the values of 64 leaf numbers to their sums. */
TARGET_AVX512 static ALWAYS_INLINE void add_leaves(uint32_t levels, const uint8_t *planes,
                                                   __m512i numbers, float *sums)
{
    size_t size = levels < 7 ? 64 : (size_t)1 << levels;
    __m512i byte[4], values[4];
    UNROLL
    for (size_t p = 0; p < 4; p++)
        byte[p] = look_up(levels, planes + p * size, numbers);
    __m512i low_a = _mm512_unpacklo_epi8(byte[0], byte[1]);
    __m512i low_b = _mm512_unpackhi_epi8(byte[0], byte[1]);
    __m512i high_a = _mm512_unpacklo_epi8(byte[2], byte[3]);
    __m512i high_b = _mm512_unpackhi_epi8(byte[2], byte[3]);
    values[0] = _mm512_unpacklo_epi16(low_a, high_a);
    values[1] = _mm512_unpackhi_epi16(low_a, high_a);
    values[2] = _mm512_unpacklo_epi16(low_b, high_b);
    values[3] = _mm512_unpackhi_epi16(low_b, high_b);
    UNROLL
    for (size_t q = 0; q < 4; q++)
        _mm512_store_ps(sums + 16 * q, _mm512_add_ps(_mm512_load_ps(sums + 16 * q),
                                                     _mm512_castsi512_ps(values[q])));
}

/* Where row 16 l + 4 q + e of 64 is: at 16 q + 4 l + e. */
static const uint8_t places[64] = {0,  1,  2,  3,  16, 17, 18, 19, 32, 33, 34, 35, 48, 49, 50, 51,
                                   4,  5,  6,  7,  20, 21, 22, 23, 36, 37, 38, 39, 52, 53, 54, 55,
                                   8,  9,  10, 11, 24, 25, 26, 27, 40, 41, 42, 43, 56, 57, 58, 59,
                                   12, 13, 14, 15, 28, 29, 30, 31, 44, 45, 46, 47, 60, 61, 62, 63};

TARGET_AVX512 static ALWAYS_INLINE __m512i join(__m256i low, __m256i high)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* Adds the leaves of a unit of rows, for each output that they have. */
TARGET_AVX512 static ALWAYS_INLINE void add_unit(const struct sliced *sliced,
                                                 const struct sliced_tree *tree, uint32_t levels,
                                                 __m512i first, __m512i second, float *sums)
{
    size_t size = levels < 7 ? 64 : (size_t)1 << levels;
    for (size_t k = 0; k < sliced->tables; k++) {
        float *sum = sums + (tree->output + k) * BLOCK_ROWS;
        const uint8_t *planes = sliced->planes + tree->planes + k * 4 * size;
        add_leaves(levels, planes, first, sum);
        add_leaves(levels, planes, second, sum + 64);
    }
}

/* Of 2, 4 ... columns' codes for 64 rows each row's own: a blend for each bit of the column's
 * number halves what is left. */
TARGET_AVX512 static ALWAYS_INLINE __m512i pick_2(const int8_t *columns, const __mmask64 *bit)
{
    return _mm512_mask_blend_epi8(bit[0], _mm512_load_si512(columns),
                                  _mm512_load_si512(columns + BLOCK_ROWS));
}

#define PICK(columns, bit, half, levels)                      \
    _mm512_mask_blend_epi8((bit)[levels], half(columns, bit), \
                           half((columns) + (BLOCK_ROWS << (levels)), bit))

TARGET_AVX512 static ALWAYS_INLINE __m512i pick_4(const int8_t *columns, const __mmask64 *bit)
{
    return PICK(columns, bit, pick_2, 1);
}

TARGET_AVX512 static ALWAYS_INLINE __m512i pick_8(const int8_t *columns, const __mmask64 *bit)
{
    return PICK(columns, bit, pick_4, 2);
}

TARGET_AVX512 static ALWAYS_INLINE __m512i pick_12(const int8_t *columns, const __mmask64 *bit)
{
    return _mm512_mask_blend_epi8(bit[3], pick_8(columns, bit),
                                  pick_4(columns + 8 * BLOCK_ROWS, bit));
}

TARGET_AVX512 static ALWAYS_INLINE __m512i pick_16(const int8_t *columns, const __mmask64 *bit)
{
    return PICK(columns, bit, pick_8, 3);
}

TARGET_AVX512 static ALWAYS_INLINE __m512i pick_32(const int8_t *columns, const __mmask64 *bit)
{
    return PICK(columns, bit, pick_16, 4);
}

TARGET_AVX512 static ALWAYS_INLINE __m512i pick_64(const int8_t *columns, const __mmask64 *bit)
{
    return PICK(columns, bit, pick_32, 5);
}

/* From a table of 128 bytes, of which levels above the seventh need but half. */
TARGET_AVX512 static ALWAYS_INLINE __m512i bytes_at(uint32_t level, const void *table,
                                                    __m512i numbers)
{
    __m512i low = _mm512_load_si512(table);
    if (level < 7)
        return _mm512_permutexvar_epi8(numbers, low);
    return _mm512_permutex2var_epi8(low, numbers, _mm512_load_si512((const char *)table + 64));
}

/* From the numbers of 64 rows' nodes on a level to those of their children. `room` is how many
 * columns are picked from: 12, 16, 32 or 64. */
TARGET_AVX512 static ALWAYS_INLINE __m512i look_down(uint32_t level, const struct lookup *lookup,
                                                     int room, const int8_t *columns,
                                                     __m512i numbers)
{
    int bits = room <= 16 ? 4 : room == 32 ? 5 : 6;
    __m512i column = bytes_at(level, lookup->columns, numbers);
    __m512i threshold = bytes_at(level, lookup->thresholds, numbers);
    __mmask64 bit[6];
    UNROLL
    for (int i = 0; i < bits; i++)
        bit[i] = _mm512_test_epi8_mask(column, _mm512_set1_epi8((char)(1 << i)));
    __m512i code = room == 12   ? pick_12(columns, bit)
                   : room == 16 ? pick_16(columns, bit)
                   : room == 32 ? pick_32(columns, bit)
                                : pick_64(columns, bit);
    __mmask64 right = _mm512_cmpge_epi8_mask(code, threshold);
    numbers = _mm512_add_epi8(numbers, numbers);
    return _mm512_mask_add_epi8(numbers, right, numbers, _mm512_set1_epi8(1));
}

/* The leaf numbers of 128 rows, by 64. */
struct halves {
    __m512i of[2];
};

TARGET_AVX512 static ALWAYS_INLINE struct halves look_on(const struct sliced *sliced,
                                                         const struct sliced_tree *tree, int room,
                                                         const int8_t *columns,
                                                         struct halves numbers)
{
    const struct lookup *lookup = sliced->lookups + tree->lookups;
    for (uint32_t level = sliced->walked; level < tree->levels; level++, lookup++)
        UNROLL
    for (int i = 0; i < 2; i++)
        numbers.of[i] = look_down(level, lookup, room, columns + 64 * i, numbers.of[i]);
    return numbers;
}

TARGET_AVX512 static ALWAYS_INLINE struct halves find_numbers(const struct sliced *sliced,
                                                              const struct sliced_tree *tree,
                                                              const int8_t *columns,
                                                              const struct constants *constants)
{
    bool looked_up = sliced_looks_up(sliced, tree);
    uint32_t walked = looked_up ? sliced->walked : tree->levels;
    const struct cut_step *steps =
        looked_up ? sliced->upper + tree->upper : sliced->steps + tree->steps;
    struct numbers quarters = walk_tree(walked, steps, columns, constants);
    struct halves numbers = {
        {join(quarters.of[0], quarters.of[1]), join(quarters.of[2], quarters.of[3])}};
    if (!looked_up)
        return numbers;
    return sliced->plan.columns <= 12 ? look_on(sliced, tree, 12, columns, numbers)
           : walked == 4              ? look_on(sliced, tree, 16, columns, numbers)
           : walked == 5              ? look_on(sliced, tree, 32, columns, numbers)
                                      : look_on(sliced, tree, 64, columns, numbers);
}

/* Adds the leaves of 128 rows, with one copy for each way to look them up. */
TARGET_AVX512 static ALWAYS_INLINE void add_numbers(const struct sliced *sliced,
                                                    const struct sliced_tree *tree,
                                                    struct halves numbers, float *sums)
{
    if (tree->levels < 7)
        add_unit(sliced, tree, 6, numbers.of[0], numbers.of[1], sums);
    else if (tree->levels == 7)
        add_unit(sliced, tree, 7, numbers.of[0], numbers.of[1], sums);
    else
        add_unit(sliced, tree, 8, numbers.of[0], numbers.of[1], sums);
}

/* The bytes of a page of a set at 64 places. */
TARGET_AVX512 static ALWAYS_INLINE __m512i set_bytes(const uint8_t *set, size_t size, __m512i index)
{
    __m512i a = _mm512_loadu_si512(set);
    if (size <= 64)
        return _mm512_permutexvar_epi8(index, a);
    __m512i low = _mm512_permutex2var_epi8(a, index, _mm512_loadu_si512(set + 64));
    if (size <= 128)
        return low;
    __m512i high = _mm512_permutex2var_epi8(_mm512_loadu_si512(set + 128), index,
                                            _mm512_loadu_si512(set + 192));
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
}

/* Outcomes of a test for 64 rows: below 0, which is left, where the code is not in the set. */
TARGET_AVX512 static ALWAYS_INLINE __m512i outcomes_of(const struct category_test *test,
                                                       const uint8_t *sets, const int8_t *columns)
{
    const int8_t *index = columns + (size_t)test->column * BLOCK_ROWS;
    const uint8_t *set = sets + test->set;
    size_t size = test->pages > 1 ? PAGE_BYTES : test->size;
    __mmask64 out = ~(__mmask64)0;
    for (uint32_t page = 0; page < test->pages; page++) {
        __m512i byte = set_bytes(set, size, _mm512_load_si512(index));
        out &= _mm512_testn_epi8_mask(byte, _mm512_load_si512(index + BLOCK_ROWS));
        index += 2 * BLOCK_ROWS;
        set += PAGE_BYTES;
    }
    return _mm512_movm_epi8(out);
}

/* The outcomes of a tree's categorical splits for a unit of rows. */
TARGET_AVX512 static void take_tests(const struct category_plan *plan, size_t first, size_t last,
                                     int8_t *columns)
{
    int8_t *out = columns + plan->outcomes * BLOCK_ROWS;
    for (size_t i = first; i < last; i++, out += BLOCK_ROWS)
        UNROLL
    for (size_t half = 0; half < UNIT; half += 64)
        _mm512_store_si512(out + half, outcomes_of(&plan->tests[i], plan->sets, columns + half));
}

/* Lines of memory that hold the next block's rows, or 0 where they are not to be asked for. */
static size_t lines_ahead(const struct sliced *sliced, const struct row_block *block)
{
    enum { MOST_LINES = 1024 }; /* more would drive out what is in use */
    size_t lines = block->source->columns ? sliced->plan.band_count * (BLOCK_ROWS / 8)
                                          : BLOCK_ROWS / 16 * block->source->stride;
    return block->more && lines <= MOST_LINES ? lines : 0;
}

static ALWAYS_INLINE void ask_for(const struct sliced *sliced, const struct row_block *block,
                                  size_t line)
{
    const struct row_source *source = block->source;
    size_t next = block->first + BLOCK_ROWS;
    if (source->columns) {
        size_t feature = sliced->plan.bands[line / (BLOCK_ROWS / 8)].feature;
        __builtin_prefetch(source->columns[feature] + next + line % (BLOCK_ROWS / 8) * 8);
    } else {
        __builtin_prefetch(source->rows + next * source->stride + 16 * line);
    }
}

/* While a block is walked, which takes no memory but the caches, the rows of the next come from
 * there, some lines at each tree. */
static TARGET_AVX512 void add_trees(const struct sliced *sliced, const struct ensemble *ensemble,
                                    size_t first, size_t last, const struct row_block *block)
{
    const struct constants constants = WALK_CONSTANTS;
    size_t line = 0, lines = lines_ahead(sliced, block), share = lines / (last - first) + 1;
    for (size_t t = first; t < last; t++) {
        for (size_t i = 0; i < share && line < lines; i++)
            ask_for(sliced, block, line++);
        const struct sliced_tree *tree = &sliced->trees[t];
        for (size_t r = 0; r < block->count; r += UNIT) {
            take_tests(&sliced->plan.categories, tree->tests, tree[1].tests, block->columns + r);
            struct halves numbers = find_numbers(sliced, tree, block->columns + r, &constants);
            if (tree->exits == NO_EXITS) {
                add_numbers(sliced, tree, numbers, block->sums + r);
                continue;
            }
            _Alignas(64) uint8_t bytes[UNIT];
            _mm512_store_si512(bytes, numbers.of[0]);
            _mm512_store_si512(bytes + 64, numbers.of[1]);
            sliced_add_deep(sliced, ensemble, t, block, r, UNIT, bytes, places);
        }
    }
}

static bool lay(struct sliced *sliced, struct lathe_error *error)
{
    return cuts_lay_search(&sliced->plan, error) && sliced_part_trees(sliced, error) &&
           row_plan_make(sliced, error);
}

const struct sliced_way sliced_avx512 = {
    .path = FOREST_AVX512,
    .most_tests = 32,
    .planes = true,
    .lay = lay,
    .cut = cuts_block_avx512,
    .add_trees = add_trees,
    .row = sliced_row_avx512,
    .places = places,
};
#endif
