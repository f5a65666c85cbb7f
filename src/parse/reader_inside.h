/* reader_inside.h: what the parts of the reader (reader.c with JSON, reader_text.c, reader_lists.c,
 * reader_avx512.c, reader_ubjson.c) use of each other. Not for anyone else. */
#ifndef LATHE_PARSE_READER_INSIDE_H
#define LATHE_PARSE_READER_INSIDE_H

#include "parse/number.h"
#include "parse/reader.h"

#include <string.h>

/* The innermost open container, or NULL. */
static inline struct reader_frame *reader_top(struct reader *reader)
{
    return reader->depth ? &reader->stack[reader->depth - 1] : NULL;
}

static inline size_t reader_left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->next);
}

/* Opens and closes a container; sets the event. */
bool reader_push(struct reader *reader, bool object);
void reader_pop(struct reader *reader);

/* Parses a number by JSON's grammar at reader->next, up to `end`. */
bool reader_decimal(struct reader *reader, const unsigned char *end);

/* Whether rounding to float a finite double that is itself rounded may differ from rounding once:
 * where the double lies in the middle between two floats it no longer says on which side the text
 * does. A middle has at most 25 bits: the double's low 28 are zero. */
static inline bool reader_rounds_twice(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return ((bits & 0xFFFFFFF) == 0) & ((double)(float)value != value);
}

/* Where digits * 10^scale may be rounded twice, to double and then to float, for fewer than 10^9
 * digits: from 10^-12 to 10^6. A product is below 2^53, which no double rounds. A quotient that is
 * no middle between two floats, m / 2^n with m < 2^25, differs from it by at least 1 / (5^12 * 2^n)
 * or one in the last digit, more than half the last bit of a double there, so that it is not
 * rounded to the middle. */
enum { READER_ROUNDED_ONCE = 12, READER_WHOLE = 6 };

/* With AVX-512, whether that is to be used, and: takes up to 8 floats or 16 integers, each with a
 * comma behind it, from the block at `at`, and sets *size to how many characters they are. Returns
 * how many; 0 where the first is not written as it must be: a digit, up to 8 behind a point, and an
 * exponent of one; or up to 4 digits. */
bool reader_wide(const struct reader *reader);
size_t reader_eight_floats(const unsigned char *at, float *out, size_t capacity, size_t *size);
size_t reader_sixteen_integers(const unsigned char *at, int32_t *out, size_t capacity,
                               size_t *size);

/* Takes the JSON string whose opening quote is at reader->next. */
bool reader_json_text(struct reader *reader);

/* UBJSON's side. */
bool ubjson_next(struct reader *reader);
bool ubjson_skip(struct reader *reader);
bool ubjson_floats(struct reader *reader, float *out, size_t count);
bool ubjson_integers(struct reader *reader, int32_t *out, size_t count);

#endif
