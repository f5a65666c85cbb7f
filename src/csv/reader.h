/* reader.h: delimited text, record by record, from memory.
 *
 * The rules, which every reader of this folder shares:
 *
 * - A record ends at LF, CRLF or CR; the last one may lack its line end. Lines without a single
 *   byte are skipped. A byte order mark before the first record is skipped.
 * - A field whose first byte is the quote runs to the next quote that is not doubled; delimiters
 *   and line ends in between belong to it, a doubled quote is one. After it comes a delimiter, a
 *   line end or the end of the text, else the record is refused. A quote elsewhere is a byte like
 *   any other.
 * - With an escape character, the byte after it is taken as it is, in and out of quotes. One
 *   exception: an unquoted field that consists of the escape and N (`\N`, how databases write
 *   null) is kept as written.
 * - Nothing is trimmed, and bytes are bytes: UTF-8 is checked only on request. */
#ifndef LATHE_CSV_READER_H
#define LATHE_CSV_READER_H

#include "lathe.h"

/* A field: a span of the text that was read, or of the scratch memory. `bytes` is never NULL in a
 * field that is there. */
struct csv_text {
    const char *bytes;
    uint32_t size;
    bool quoted; /* was written in quotes: "" is an empty text, nothing at all may be null */
};

static inline struct csv_text text_of(const char *bytes, size_t size)
{
    return (struct csv_text){.bytes = bytes, .size = (uint32_t)size};
}

struct csv_dialect {
    char delimiter; /* 0: comma */
    char quote;     /* 0: the double quote */
    char escape;    /* 0: none */
    bool no_quotes; /* quotes are bytes like any other */
    bool utf8;      /* refuse fields that are not UTF-8 */
    bool inside;    /* the text begins inside its file: a byte order mark there is none */
};

/* Memory for fields that are not written as they read (doubled quotes, escapes). Their bytes are
 * appended at `used`, which only the caller sets back. As much as the text's size is always
 * enough. Without memory (`bytes` NULL) such fields are left as written. */
struct csv_scratch {
    char *bytes;
    size_t size;
    size_t used;
};

/* Where the reading stands. Set up by csv_reader_start; the caller may look at everything and
 * change `scratch` between records. */
struct csv_reader {
    const char *at; /* the next record */
    const char *end;
    size_t line;                /* of `at`, from 1 */
    size_t record_line;         /* on which the record last read started */
    const char *name;           /* of the file, for errors; may be NULL */
    struct csv_dialect dialect; /* with defaults filled in */
    struct csv_scratch scratch;
};

enum csv_step {
    CSV_RECORD,
    CSV_END, /* there is no further record */
    CSV_FAILED,
};

/* `name`, `text` and `scratch.bytes` have to outlive the reader. A NULL dialect is the default. */
void csv_reader_start(struct csv_reader *reader, const char *name, const char *text, size_t size,
                      const struct csv_dialect *dialect, struct csv_scratch scratch);

/* Reads a record: *count is how many fields it has, of which the first `room` are stored. Fails
 * with LATHE_INVALID_DATA (an open quote, something after a closing one, bytes that are not UTF-8)
 * or LATHE_LIMIT (a field of 4 GiB, the scratch memory used up). Errors name the file, the line
 * and the column. */
enum csv_step csv_reader_next(struct csv_reader *reader, struct csv_text *fields, size_t room,
                              size_t *count, struct lathe_error *error);

/* How many bytes of a text that starts at a record are whole records: up to and with the last line
 * end outside quotes. 0 where there is none. For reading a stream piece by piece: what is left
 * over goes before the next piece. (A CR as the very last byte may be half of a CRLF, and does not
 * count.) */
size_t csv_whole_records(const char *text, size_t size, const struct csv_dialect *dialect);

/* How many lines (LF, CRLF or CR) end in [from, to). */
size_t csv_count_lines(const char *from, const char *to);

/* The delimiter of a line as Python's csv.Sniffer().sniff(line).delimiter finds it, but a comma
 * where that finds none, or a letter or digit (a line of one field). This is how Amazon SageMaker's
 * XGBoost container chooses it for text/csv, from the first line of the text. */
char csv_sniff_delimiter(const char *text, size_t size);

#endif
