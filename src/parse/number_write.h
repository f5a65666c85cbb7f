/* number_write.h: double to decimal text, the shortest that reads back to the same double. */
#ifndef LATHE_PARSE_NUMBER_WRITE_H
#define LATHE_PARSE_NUMBER_WRITE_H

#include <stddef.h>

enum {
    NUMBER_DIGITS = 17,      /* the most that a double needs */
    NUMBER_DIGITS_ROOM = 40, /* they come with zeros behind them */
    NUMBER_TEXT = 40 /* room for any number as text; what it does not take may be written to */
};

/* The shortest digits (no leading or trailing zeros) that read back to the value, which is finite
 * and above zero; of several, those nearest to it. Zeros fill up what room is behind them. The
 * value is 0.digits x 10^*exponent. Returns how many there are. */
size_t number_digits(double value, char digits[NUMBER_DIGITS_ROOM], int *exponent);

/* Writes 0.digits x 10^exponent in plain decimal, with a point and at least one digit on either
 * side. The digits are number_digits', the exponent is from -3 to 16. There is room for NUMBER_TEXT
 * - 1 characters. Returns the length; not terminated. */
size_t number_write_plain(char *out, const char digits[NUMBER_DIGITS_ROOM], size_t count,
                          int exponent);

/* Writes value as Python's repr does: 0.5, 1.0, 1e-05, 1e+16, nan, -inf. Returns the length; not
 * terminated. */
size_t number_write(char out[NUMBER_TEXT], double value);

#endif
