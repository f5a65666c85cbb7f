/* number_short.h: numbers of at most eight characters, as most in a table are, out of one word. */
#ifndef LATHE_PARSE_NUMBER_SHORT_H
#define LATHE_PARSE_NUMBER_SHORT_H

#include "parse/word.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads a '-' or none, and digits with a point or none among them, `size` characters at `at`, of
 * which eight can be read. False for all else, whose number number_parse tells; where it is true
 * that would give the same: fewer than 2^53 and a power of ten are doubles, so the quotient is
 * rounded once. */
static inline bool number_short(const char *at, size_t size, double *value)
{
    static const double powers[8] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    if (size - 1 >= 8)
        return false;
    /* The last character goes to the highest byte, zeros fill up in front. */
    unsigned front = 64 - 8 * (unsigned)size;
    uint64_t zeros = word_of('0'), negative = *at == '-';
    uint64_t word = word_load(at) << front | (zeros & (((uint64_t)1 << front) - 1));
    word ^= (negative * ('-' ^ '0')) << front;
    uint64_t points = word_equal(word, word_of('.'));
    size_t digits = size - negative;
    unsigned places = 0;
    if (points) {
        unsigned point = word_first(points);
        uint64_t before = ((uint64_t)1 << 8 * point) - 1;
        word = (word & ~(before << 8 | 0xff)) | (word & before) << 8 | '0';
        places = 7 - point;
        digits--;
    }
    if (!digits || ((word + word_of(0x46)) | (word - zeros)) & word_of((char)0x80))
        return false;
    double whole = word_digits(word ^ zeros);
    *value = places ? whole / powers[places] : whole;
    if (negative)
        *value = -*value;
    return true;
}

#endif
