/* sobol.h: points that fill the unit cube evenly from the first on (I. M. Sobol, 1967). */
#ifndef LATHE_TUNE_SOBOL_H
#define LATHE_TUNE_SOBOL_H

#include <stddef.h>
#include <stdint.h>

enum { SOBOL_DIMENSIONS = 128 };

/* The index-th point (from 0), as 32 bits a dimension. */
void sobol_point(size_t dimensions, uint32_t index, uint32_t *point);

/* The same with the nested uniform scrambling of A. B. Owen (1995), by the hash of B. Burley
 * (Practical Hash-based Owen Scrambling, 2020), in [0, 1): each seed gives another sequence, as
 * even as the first. */
void sobol_scrambled(size_t dimensions, uint32_t index, uint64_t seed, double *point);

#endif
