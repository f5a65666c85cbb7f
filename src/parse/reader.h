/* reader.h: a pull reader of JSON and UBJSON in memory, one face for both.
 *
 *     struct reader reader;
 *     reader_open(&reader, READER_JSON, bytes, size, &error);
 *     while (reader_next(&reader) > READER_END) ...
 *
 * Nothing is allocated and the bytes are not changed: texts are slices of them, unescaped only
 * when they are copied out. Sizes and counts in the bytes are held against the bytes that are
 * left before anything is made of them, and nesting is bounded by READER_DEPTH, so the cost of
 * reading is linear in `size` whatever the bytes say. */
#ifndef LATHE_PARSE_READER_H
#define LATHE_PARSE_READER_H

#include "lathe.h"
#include "parse/fail.h"

enum { READER_DEPTH = 64 };

enum reader_form { READER_JSON, READER_UBJSON };

enum reader_event {
    READER_FAILED, /* the error says what and where; every later call fails too */
    READER_END,    /* the document is complete and nothing follows it */
    READER_OBJECT,
    READER_OBJECT_END,
    READER_ARRAY,
    READER_ARRAY_END,
    READER_KEY,    /* text, size; the key's value is the next event */
    READER_STRING, /* text, size */
    READER_NUMBER, /* number, and integer where is_integer */
    READER_BOOL,   /* truth */
    READER_NULL,
};

struct reader_frame {
    size_t left; /* elements to come, where `counted` */
    char type;   /* UBJSON: the marker that all elements share, or 0 */
    bool object, counted, first;
};

struct reader {
    enum reader_event event; /* what reader_next returned last */
    const char *text;        /* KEY, STRING: as in the bytes (valid UTF-8 once unescaped, not */
    size_t size;             /* terminated). NUMBER of JSON: its digits */
    bool escaped;            /* the text has escapes: use reader_copy */
    bool truth;
    bool is_integer; /* written without fraction or exponent, and fits an int64_t */
    int64_t integer;
    double number; /* nearest to what is written; an integer's too */

    /* May be set after reader_open: JSON's NaN, Infinity and -Infinity are numbers. */
    bool words;
    /* And this, for tests: no instructions that only some processors have. The same comes out. */
    bool narrow;

    /* The rest is the reader's own. */
    enum reader_form form;
    const unsigned char *start, *next, *end;
    struct lathe_error *error;
    bool value_due; /* a key was read, or the document has not begun */
    size_t depth;
    struct reader_frame stack[READER_DEPTH];
};

/* The bytes must outlive the reader; error (may be NULL) receives what goes wrong. */
void reader_open(struct reader *reader, enum reader_form form, const void *bytes, size_t size,
                 struct lathe_error *error);

enum reader_event reader_next(struct reader *reader);

/* Fails unless the next event is this one. `what` names it in the error: "the list of trees". */
bool reader_expect(struct reader *reader, enum reader_event event, const char *what);

/* Skips the value that the next event would begin, or, right after READER_OBJECT or READER_ARRAY,
 * the rest of that container, its end included. Numbers and strings inside JSON containers are
 * only passed over: brackets are matched and strings recognised, nothing more is checked. */
bool reader_skip(struct reader *reader);

/* Whether the KEY or STRING just read is this word (which needs no unescaping). */
bool reader_is(const struct reader *reader, const char *word);

/* Unescapes the KEY or STRING just read into out, which has room for `reader->size` bytes (it
 * never grows), and returns the length. Not terminated; may contain NUL. */
size_t reader_copy(const struct reader *reader, char *out);

/* Whether `size` bytes of text are UTF-8. */
bool reader_utf8(const unsigned char *text, size_t size);

/* The NUMBER just read, rounded once (not by way of a double) to float. */
float reader_float(const struct reader *reader);

/* Takes up to `capacity` numbers of the array whose READER_ARRAY was the last event. Where *count
 * is less than capacity the array is over and its end has been taken too; otherwise call again.
 * Integers: true and false count as 1 and 0; a fraction or a value outside int32 fails. A
 * UBJSON array of one type is taken as a whole. */
bool reader_floats(struct reader *reader, float *out, size_t capacity, size_t *count);
bool reader_integers(struct reader *reader, int32_t *out, size_t capacity, size_t *count);

/* How many elements the array just begun will have, where the bytes say so (UBJSON; never more
 * than there are bytes left), else 0. */
size_t reader_count(const struct reader *reader);

/* Fails with LATHE_INVALID_DATA and the place reached: the byte offset, and for JSON the line.
 * Returns false. Whoever reads a model changes the code on the way up. */
bool reader_fail(struct reader *reader, const char *format, ...) LATHE_PRINTF(2, 3);

#endif
