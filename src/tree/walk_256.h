/* walk_256.h: the sliced walk over vectors of 32 rows: the file that includes it says for what CPU
 * (WALK_TARGET) and how many vectors to take at a time (WALK_WIDE), so that each threshold is
 * broadcast once for all of them and as many partial results as a tree has levels still fit the
 * registers.
 *
 * 256 bits for AVX-512 too: comparisons of 512 bits give masks in registers of their own, and what
 * uses these waits for the one port that writes them. Measured on Zen 4, a comparison and a choice
 * for 64 rows: 1.55 cycles with 512 bits, 0.99 with 256, where loading the codes is the limit. */
#include "parse/target.h"
#include "tree/sliced.h"

#include <immintrin.h>

enum { VECTOR = 32, UNIT = VECTOR * WALK_WIDE };

/* Leaf numbers of the rows of a unit. */
struct numbers {
    __m256i of[WALK_WIDE];
};

/* 1, 3, 5, 7 in every byte. They come through a pointer lest the compiler, knowing them, turns
 * arithmetic on comparisons back into masks. */
struct constants {
    __m256i odd[4];
};

#define WALK_CONSTANTS                                                                         \
    {                                                                                          \
        {                                                                                      \
            _mm256_set1_epi8(1), _mm256_set1_epi8(3), _mm256_set1_epi8(5), _mm256_set1_epi8(7) \
        }                                                                                      \
    }

/* -1 where a row of vector i goes left. (Left and not right: the codes can then be the comparison's
 * operand in memory.) */
WALK_TARGET static ALWAYS_INLINE __m256i goes_left(const int8_t *column, int i, __m256i threshold)
{
    return _mm256_cmpgt_epi8(threshold, _mm256_load_si256((const __m256i *)(column + VECTOR * i)));
}

/* The lowest level: `number` where a row goes right, one less where left. */
WALK_TARGET static ALWAYS_INLINE struct numbers walk_1(const struct cut_step *step,
                                                       const int8_t *columns, __m256i number)
{
    const int8_t *column = columns + step->column;
    __m256i threshold = _mm256_set1_epi32((int)step->threshold);
    struct numbers chosen;
    UNROLL
    for (int i = 0; i < WALK_WIDE; i++)
        chosen.of[i] = _mm256_add_epi8(number, goes_left(column, i, threshold));
    return chosen;
}

WALK_TARGET static ALWAYS_INLINE struct numbers choose(const struct cut_step *step,
                                                       const int8_t *columns, struct numbers left,
                                                       struct numbers right)
{
    const int8_t *column = columns + step->column;
    __m256i threshold = _mm256_set1_epi32((int)step->threshold);
    struct numbers chosen;
    UNROLL
    for (int i = 0; i < WALK_WIDE; i++)
        chosen.of[i] = WALK_CHOOSE(goes_left(column, i, threshold), left.of[i], right.of[i]);
    return chosen;
}

WALK_TARGET static ALWAYS_INLINE struct numbers raise_by(struct numbers numbers, int by)
{
    __m256i more = _mm256_set1_epi8((char)by);
    UNROLL
    for (int i = 0; i < WALK_WIDE; i++)
        numbers.of[i] = _mm256_or_si256(numbers.of[i], more);
    return numbers;
}

/* Leaf numbers, from 0, of a subtree of 3 levels whose steps begin at `step`. */
WALK_TARGET static ALWAYS_INLINE struct numbers
walk_3(const struct cut_step *step, const int8_t *columns, const struct constants *constants)
{
    const __m256i *odd = constants->odd;
    struct numbers left = choose(step + 1, columns, walk_1(step + 2, columns, odd[0]),
                                 walk_1(step + 3, columns, odd[1]));
    struct numbers right = choose(step + 4, columns, walk_1(step + 5, columns, odd[2]),
                                  walk_1(step + 6, columns, odd[3]));
    return choose(step, columns, left, right);
}

/* A root above two subtrees of one level less. */
#define WALK_ROOT(levels, subtree)                                                            \
    struct numbers left = subtree(step + 1, columns, constants);                              \
    struct numbers right =                                                                    \
        raise_by(subtree(step + (1 << ((levels)-1)), columns, constants), 1 << ((levels)-1)); \
    return choose(step, columns, left, right)

WALK_TARGET static ALWAYS_INLINE struct numbers
walk_4(const struct cut_step *step, const int8_t *columns, const struct constants *constants)
{
    WALK_ROOT(4, walk_3);
}

WALK_TARGET static ALWAYS_INLINE struct numbers
walk_5(const struct cut_step *step, const int8_t *columns, const struct constants *constants)
{
    WALK_ROOT(5, walk_4);
}

WALK_TARGET static ALWAYS_INLINE struct numbers
walk_6(const struct cut_step *step, const int8_t *columns, const struct constants *constants)
{
    WALK_ROOT(6, walk_5);
}

/* Not inlined: it is 5 kB, and trees of 8 levels call it twice. */
WALK_TARGET static NEVER_INLINE struct numbers
walk_7(const struct cut_step *step, const int8_t *columns, const struct constants *constants)
{
    WALK_ROOT(7, walk_6);
}

WALK_TARGET static NEVER_INLINE struct numbers
walk_8(const struct cut_step *step, const int8_t *columns, const struct constants *constants)
{
    WALK_ROOT(8, walk_7);
}

/* Leaf numbers of a unit of rows, whose codes begin at `columns`. */
WALK_TARGET static ALWAYS_INLINE struct numbers walk_tree(uint32_t levels,
                                                          const struct cut_step *step,
                                                          const int8_t *columns,
                                                          const struct constants *constants)
{
    return levels == 3   ? walk_3(step, columns, constants)
           : levels == 4 ? walk_4(step, columns, constants)
           : levels == 5 ? walk_5(step, columns, constants)
           : levels == 6 ? walk_6(step, columns, constants)
           : levels == 7 ? walk_7(step, columns, constants)
                         : walk_8(step, columns, constants);
}

WALK_TARGET static ALWAYS_INLINE void store_numbers(struct numbers numbers, uint8_t *out)
{
    UNROLL
    for (int i = 0; i < WALK_WIDE; i++)
        _mm256_store_si256((__m256i *)(out + VECTOR * i), numbers.of[i]);
}
