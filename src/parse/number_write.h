/* number_write.h: double to decimal text, the shortest that reads back to the same double. */
#ifndef LATHE_PARSE_NUMBER_WRITE_H
#define LATHE_PARSE_NUMBER_WRITE_H

#include <stddef.h>
#include <stdint.h>

enum {
    NUMBER_DIGITS = 17, /* the most that a double needs */
    NUMBER_TEXT = 40,   /* room for any number as text; what it does not take may be written to */
    NUMBER_BETWEEN = 16 /* the most that separates two numbers of a list */
};

/* The shortest digits that read back to a double; of several, those nearest to it. There are always
 * NUMBER_DIGITS, with zeros behind those that count. */
struct number_decimal {
    char digits[NUMBER_DIGITS];
    unsigned count;
    int exponent; /* the value is 0.digits x 10^exponent */
};

/* Of a value that is finite and above zero. */
void number_decimal(double value, struct number_decimal *decimal);

/* Writes it in plain decimal, with a point and at least one digit on either side. The exponent is
 * from -3 to 16. There is room for NUMBER_TEXT - 1 characters. Returns the length; not terminated.
 */
size_t number_write_plain(char *out, const struct number_decimal *decimal);

/* Writes value as Python's repr does: 0.5, 1.0, 1e-05, 1e+16, nan, -inf. Returns the length; not
 * terminated. */
size_t number_write(char out[NUMBER_TEXT], double value);

/* Writes `count` values, one at least, each as number_write does, with the first `between_size`
 * bytes of `between` between them. There is room for NUMBER_TEXT + NUMBER_BETWEEN bytes a value.
 * Returns the length; not terminated. */
size_t number_write_list(char *out, const float *values, size_t count,
                         const char between[NUMBER_BETWEEN], size_t between_size);

#endif
