/* word.h: eight characters at a time, in one 64-bit word, the first in its lowest byte. */
#ifndef LATHE_PARSE_WORD_H
#define LATHE_PARSE_WORD_H

#include <stdint.h>

/* Compilers make one load of this where the machine is little-endian. */
static inline uint64_t word_load(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
           (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

/* And one store of this, as they do not of a loop. */
static inline void word_store(char *to, uint64_t word)
{
    to[0] = (char)word;
    to[1] = (char)(word >> 8);
    to[2] = (char)(word >> 16);
    to[3] = (char)(word >> 24);
    to[4] = (char)(word >> 32);
    to[5] = (char)(word >> 40);
    to[6] = (char)(word >> 48);
    to[7] = (char)(word >> 56);
}

/* The word of eight times this character. */
static inline uint64_t word_of(char c)
{
    return (unsigned char)c * 0x0101010101010101u;
}

/* The highest bit of every byte of `word` that equals that byte of `other`. Bytes after the first
 * such one may be marked wrongly (a borrow), so only the first is to be relied on; 0 is right. */
static inline uint64_t word_equal(uint64_t word, uint64_t other)
{
    word ^= other;
    return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
}

/* Which byte, from 0, the lowest bit of `marks` (not 0) is in. */
static inline unsigned word_first(uint64_t marks)
{
    return (unsigned)__builtin_ctzll(marks) / 8;
}

/* The number that eight decimal digits make, each byte's value 0 to 9: added up as pairs, fours and
 * eight. */
static inline uint32_t word_digits(uint64_t word)
{
    word = word * 10 + (word >> 8);
    uint64_t even = (word & 0x000000ff000000ff) * (100 + (1000000ull << 32));
    uint64_t odd = (word >> 16 & 0x000000ff000000ff) * (1 + (10000ull << 32));
    return (uint32_t)((even + odd) >> 32);
}

#endif
