/* plain.h: where the fields of plain records are, found 64 characters at a time. Not for other
 * rooms.
 *
 * A record is plain where it has as many fields as expected, ends with LF or CRLF, and has no
 * quote, escape or other character that needs a closer look: nearly all records of nearly all
 * files. Its fields are then what lies between delimiters, which csv_field would find one by one.
 */
#ifndef LATHE_CSV_PLAIN_H
#define LATHE_CSV_PLAIN_H

#include "csv/field.h"

enum csv_way { CSV_ANY_CPU, CSV_AVX2, CSV_AVX512 };

/* A run of plain records. Places are bytes from `text`. */
struct csv_plain {
    const char *text;
    size_t width, rows;
    uint32_t *stops;  /* width a row: where its fields end */
    uint32_t *nexts;  /* one a row: where the next one starts */
    size_t room;      /* the most rows there can be */
    uint64_t lasts;   /* every width-th bit, from the first one on */
    enum csv_way way; /* the best that the CPU has; a lesser one may be set, for tests */
};

/* Bytes of text from which runs are worth while: a row or two are read sooner than memory for a run
 * is found. */
enum { CSV_PLAIN_LEAST = 1024 };

/* Memory for runs of records of `width` fields, from a text of about `size` bytes. False where
 * there is none; csv_plain_close is to be called all the same. */
bool csv_plain_open(struct csv_plain *plain, size_t width, size_t size);
void csv_plain_close(struct csv_plain *plain);

/* Finds the plain records with which the text at reader->at, a record's start, begins; at most
 * `rows` of them. There may be none. */
void csv_plain_find(struct csv_plain *plain, const struct csv_reader *reader, size_t rows);

/* Reads the numbers of a field from `row` on, NaN where it is empty; numbers[row] is that of the
 * first row of the run. Returns the first row whose number it leaves to a slower way, or
 * plain->rows. What it reads number_parse would read the same. `end` is that of the text. */
size_t csv_plain_numbers(const struct csv_plain *plain, size_t field, size_t row, const char *end,
                         double *numbers);

/* Goes on behind the run, of which one row was the last to be read. */
void csv_plain_finish(const struct csv_plain *plain, struct csv_reader *reader);

static inline struct csv_text csv_plain_field(const struct csv_plain *plain, size_t row,
                                              size_t field)
{
    const uint32_t *stop = plain->stops + row * plain->width + field;
    uint32_t start = field ? stop[-1] + 1 : row ? plain->nexts[row - 1] : 0;
    return (struct csv_text){plain->text + start, *stop - start, false};
}

#endif
