/* block.h: sixty-four characters at a time, as a word of which bit i tells of the i-th. */
#ifndef LATHE_PARSE_BLOCK_H
#define LATHE_PARSE_BLOCK_H

#include "parse/target.h"
#include "parse/word.h"

#include <stddef.h>

#if TARGET_X86
#include <immintrin.h>
#endif

enum { BLOCK_SIZE = 64 };

#if TARGET_X86

static ALWAYS_INLINE uint64_t block_equal_16(const unsigned char *at, char set, char c)
{
    __m128i bytes = _mm_or_si128(_mm_loadu_si128((const __m128i *)at), _mm_set1_epi8(set));
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
}

/* Which of the characters are c once the bits of `set` are set in them (0: as they are). */
static ALWAYS_INLINE uint64_t block_equal(const unsigned char *at, char set, char c)
{
    return block_equal_16(at, set, c) | block_equal_16(at + 16, set, c) << 16 |
           block_equal_16(at + 32, set, c) << 32 | block_equal_16(at + 48, set, c) << 48;
}

#else

static ALWAYS_INLINE uint64_t block_equal(const unsigned char *at, char set, char c)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
    uint64_t found = 0;
    for (int i = 0; i < BLOCK_SIZE; i += 8) {
        /* the bytes that are zero get their highest bit, which is then moved beside the others' */
        uint64_t word = (word_load((const char *)at + i) | word_of(set)) ^ word_of(c);
        word = ~(((word & low) + low) | word | low);
        found |= ((word >> 7) * 0x0102040810204080u >> 56) << i;
    }
    return found;
}

#endif

/* The lowest of the characters that are told of (not 0). */
static inline size_t block_first(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks);
}

#endif
