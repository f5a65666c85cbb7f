/* field.h: what the readers of this folder are made of. Not for other rooms.
 *
 * A reader's loop is: csv_record_begin; csv_field (or something faster that agrees with it) for
 * each field, going on while csv_field stopped at a delimiter; csv_record_finish. */
#ifndef LATHE_CSV_FIELD_H
#define LATHE_CSV_FIELD_H

#include "csv/reader.h"
#include "parse/fail.h"

/* Skips lines without a byte and notes where the record starts. False at the end of the text. */
bool csv_record_begin(struct csv_reader *reader);

/* Reads the field that starts at `at`, which is the record's number `column` (from 0), and returns
 * where it stops: at a delimiter, a line end, or the end of the text. NULL after an error. */
const char *csv_field(struct csv_reader *reader, const char *at, size_t column,
                      struct csv_text *field, struct lathe_error *error);

/* Goes on behind the record that stops at `at`. `quoted`: one of its fields is, so it may span
 * lines. */
void csv_record_finish(struct csv_reader *reader, const char *at, bool quoted);

/* Fails with "FILE, line L, column C: " and the text; `at`, in the current record, tells the line.
 * Returns false. */
bool csv_fail(const struct csv_reader *reader, const char *at, size_t column,
              struct lathe_error *error, enum lathe_code code, const char *format, ...)
    LATHE_PRINTF(6, 7);

/* Behind a byte order mark, if there is one. */
const char *csv_skip_mark(const char *at, const char *end);

/* A found text for an error: quoted, cut after some 40 bytes, what is not printable UTF-8 as \xNN.
 */
struct csv_shown {
    char text[192];
};
struct csv_shown csv_show(const char *bytes, size_t size);

static inline bool csv_is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* The field without blanks around it, as numbers are written; a quoted one too. */
static inline struct csv_text csv_trim(struct csv_text field)
{
    while (field.size && (field.bytes[0] == ' ' || field.bytes[0] == '\t')) {
        field.bytes++;
        field.size--;
    }
    while (field.size &&
           (field.bytes[field.size - 1] == ' ' || field.bytes[field.size - 1] == '\t'))
        field.size--;
    return field;
}

/* Whether a number may be written with this byte, which then cannot delimit numbers. */
static inline bool csv_is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '+' ||
           c == '-' || c == '.';
}

#endif
