/* random.h: random numbers that are the same on every machine. Only operations that IEEE 754
 * defines exactly are used: the C library's log and exp may differ in the last bit from one to the
 * next, and a last bit can decide how a value is rounded when it is written. */
#ifndef LATHE_SAMPLE_RANDOM_H
#define LATHE_SAMPLE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* PCG-XSH-RR 64/32 (M. O'Neill, PCG: A Family of Simple Fast Space-Efficient Statistically Good
 * Algorithms for Random Number Generation, 2014). */
struct random {
    uint64_t state, increment;
};

/* A generator; each `stream` of a seed is a sequence of its own. */
struct random random_start(uint64_t seed, uint64_t stream);

uint32_t random_bits(struct random *random);

/* In [0, 1), a multiple of 2^-32. */
double random_uniform(struct random *random);

/* 0 to limit - 1; limit is at least 1. */
uint32_t random_below(struct random *random, uint32_t limit);

/* Mean 0, standard deviation 1. */
double random_normal(struct random *random);

/* An index of `weights` (of `count`), as often as its share of their sum. */
size_t random_pick(struct random *random, const double *weights, size_t count);

/* e to the x, for x between -700 and 700, to some 15 digits. */
double exact_exp(double x);

/* The natural logarithm of x > 0, to some 15 digits. */
double exact_log(double x);

#endif
