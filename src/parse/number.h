/* number.h: decimal text to double, exactly and fast, whatever the locale. */
#ifndef LATHE_PARSE_NUMBER_H
#define LATHE_PARSE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the number that starts at `at` and returns the byte after it; NULL, with *value unset,
 * where none starts there. Never reads at or past `end`, allocates nothing.
 *
 * A number is what strtod takes in the C locale, without leading blanks and without hexadecimal:
 * an optional sign, then digits with an optional point (`1`, `.5`, `1.`) and an optional exponent,
 * or nan, inf or infinity in any case. Like strtod it takes the longest prefix that is a number:
 * of "1e+" it reads 1 and returns the `e`. The value is the double nearest to the text, ties to
 * even; too large is infinite, too small is zero, both with the text's sign. */
const char *number_scan(const char *at, const char *end, double *value);

/* The same where the whole text has to be one number: false where it is not. */
bool number_parse(const char *text, size_t size, double *value);

/* The powers of ten that are doubles. Whole digits up to 2^53 times or over one of them are rounded
 * once, to the nearest double (W. Clinger, How to Read Floating Point Numbers Accurately, 1990). */
enum { NUMBER_EXACT_POWER = 22 };
extern const double number_exact_powers[NUMBER_EXACT_POWER + 1];

static inline double number_scaled(double digits, int power)
{
    return power > 0 ? digits * number_exact_powers[power] : digits / number_exact_powers[-power];
}

#endif
