/* number_powers.h: powers of five for number.c, as tools/number_powers.py computes them. */
#ifndef LATHE_PARSE_NUMBER_POWERS_H
#define LATHE_PARSE_NUMBER_POWERS_H

#include <stdint.h>

/* Below the lowest power a 64-bit number is less than half the smallest double, above the highest
 * any is infinite. */
enum { NUMBER_POWER_LOWEST = -342, NUMBER_POWER_HIGHEST = 308 };

/* The 128 leading bits of 5^q, the first one set. */
struct number_power {
    uint64_t high, low;
};

/* number_powers[q - NUMBER_POWER_LOWEST] is that of 5^q. */
extern const struct number_power number_powers[NUMBER_POWER_HIGHEST - NUMBER_POWER_LOWEST + 1];

#endif
