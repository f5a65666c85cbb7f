#include "tune/sobol.h"

#include "tune/sobol_directions.h"

enum { BITS = 32 };

_Static_assert(sizeof directions / sizeof *directions == SOBOL_DIMENSIONS - 1,
               "the first dimension has none");

static unsigned degree_of(unsigned polynomial)
{
    unsigned degree = 0;
    while (polynomial >> (degree + 1))
        degree++;
    return degree;
}

/* Each number follows from as many before it as the polynomial's degree says. */
static void directions_of(size_t dimension, uint32_t numbers[BITS])
{
    if (dimension == 0) {
        for (unsigned i = 0; i < BITS; i++)
            numbers[i] = 1u << (BITS - 1 - i);
        return;
    }
    unsigned polynomial = directions[dimension - 1].polynomial, degree = degree_of(polynomial);
    for (unsigned i = 0; i < degree && i < BITS; i++)
        numbers[i] = (uint32_t)directions[dimension - 1].initial[i] << (BITS - 1 - i);
    for (unsigned i = degree; i < BITS; i++) {
        numbers[i] = numbers[i - degree] ^ numbers[i - degree] >> degree;
        for (unsigned k = 1; k < degree; k++)
            if (polynomial >> (degree - k) & 1)
                numbers[i] ^= numbers[i - k];
    }
}

void sobol_point(size_t dimensions, uint32_t index, uint32_t *point)
{
    uint32_t gray = index ^ index >> 1;
    for (size_t d = 0; d < dimensions; d++) {
        uint32_t numbers[BITS];
        directions_of(d, numbers);
        point[d] = 0;
        for (unsigned i = 0; i < BITS; i++)
            if (gray >> i & 1)
                point[d] ^= numbers[i];
    }
}

/* ---- scrambling ---- */

static uint32_t reversed(uint32_t x)
{
    x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
    x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
    x = (x >> 8 & 0x00ff00ffu) | (x & 0x00ff00ffu) << 8;
    return x >> 16 | x << 16;
}

/* Each bit is turned as the bits below it, and the seed, say: on reversed digits that is a
 * scrambling of each digit by those before it. */
static uint32_t nested(uint32_t x, uint32_t seed)
{
    x = reversed(x);
    x ^= x * 0x3d20adeau;
    x += seed;
    x *= (seed >> 16) | 1;
    x ^= x * 0x05526c56u;
    x ^= x * 0x53a22864u;
    return reversed(x);
}

/* splitmix64 (G. Steele and others, Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t mixed(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void sobol_scrambled(size_t dimensions, uint32_t index, uint64_t seed, double *point)
{
    uint32_t plain[SOBOL_DIMENSIONS];
    sobol_point(dimensions, index, plain);
    for (size_t d = 0; d < dimensions; d++) {
        uint32_t own = (uint32_t)(mixed(mixed(seed) + d) >> 32);
        point[d] = nested(plain[d], own) * 0x1p-32;
    }
}
