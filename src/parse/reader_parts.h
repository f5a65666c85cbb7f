/* reader_parts.h: what the parts of the reader (reader.c with JSON, reader_text.c, reader_lists.c,
 * reader_ubjson.c) use of each other. Not for anyone else. */
#ifndef LATHE_PARSE_READER_PARTS_H
#define LATHE_PARSE_READER_PARTS_H

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

/* The powers of ten that are doubles. */
enum { READER_EXACT_POWER = 22 };
extern const double reader_powers[READER_EXACT_POWER + 1];

/* digits * 10^power, right for whole digits up to 2^53: one operation on doubles, so one rounding
 * (W. Clinger, How to Read Floating Point Numbers Accurately, 1990). */
static inline double reader_scaled(double digits, int power)
{
    return power > 0 ? digits * reader_powers[power] : digits / reader_powers[-power];
}

/* Whether rounding to float a finite double that is itself rounded may differ from rounding once:
 * where the double lies in the middle between two floats it no longer says on which side the text
 * does. A middle has at most 25 bits: the double's low 28 are zero. */
static inline bool reader_rounds_twice(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return ((bits & 0xFFFFFFF) == 0) & ((double)(float)value != value);
}

/* Whether `size` bytes of text are UTF-8. */
bool reader_utf8(const unsigned char *text, size_t size);

/* Takes the JSON string whose opening quote is at reader->next. */
bool reader_json_text(struct reader *reader);

/* UBJSON's side. */
bool ubjson_next(struct reader *reader);
bool ubjson_skip(struct reader *reader);
bool ubjson_floats(struct reader *reader, float *out, size_t count);
bool ubjson_integers(struct reader *reader, int32_t *out, size_t count);

#endif
