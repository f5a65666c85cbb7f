/* text.h: texts as Spark sees them: their order, and Java's way to write a double. */
#ifndef LATHE_FEATURE_TEXT_H
#define LATHE_FEATURE_TEXT_H

#include "csv/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct csv_text: a slice of UTF-8, not terminated. Missing (null): bytes is NULL. Empty: it is
 * not. Whether it was quoted plays no part here. */

/* Less than, equal to or greater than zero: by code points, as Spark 4 orders labels. (Spark 3 has
 * Java's order, in which what lies beyond U+FFFF comes before U+E000.) */
int text_compare(struct csv_text a, struct csv_text b);

enum { TEXT_NUMBER = 48 }; /* room for any number, terminator included */

/* Writes value as Java's Double.toString does (of JDK 19 and later: the shortest digits that read
 * back to the same double): 1.0, 0.001, 1.0E-4, 1.2345678E7, NaN, -Infinity. This is what Spark's
 * cast of a double to a string gives. Returns the length. */
size_t text_double(char out[TEXT_NUMBER], double value);

/* Writes value, a whole number, without a fraction: Spark's cast of an integer to a string. */
size_t text_integer(char out[TEXT_NUMBER], double value);

#endif
