/* lower.h: lower case as Java has it, without a locale. */
#ifndef LATHE_FEATURE_LOWER_H
#define LATHE_FEATURE_LOWER_H

#include <stdbool.h>
#include <stdint.h>

/* The character in lower case; itself where it has none, and U+0130, which becomes two. */
uint32_t lower_of(uint32_t character);

#endif
