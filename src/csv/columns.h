/* columns.h: delimited text into typed columns, for fitting and applying features. */
#ifndef LATHE_CSV_COLUMNS_H
#define LATHE_CSV_COLUMNS_H

#include "csv/reader.h"

enum csv_type { CSV_NUMBER, CSV_TEXT };

/* A column to be read, and where to. The memory is the caller's, and may be another at every call
 * of csv_columns_read. Several columns may read the same field. */
struct csv_column {
    const char *name; /* for errors, and to be found by in a header; may be NULL otherwise */
    enum csv_type type;
    size_t field;           /* which field of a record, from 0; csv_columns_header sets it */
    double *numbers;        /* CSV_NUMBER: room for the rows asked for; null is NaN */
    struct csv_text *texts; /* CSV_TEXT: the same; null has `bytes` NULL, empty text has not */
};

struct csv_columns_options {
    const char *name; /* of the file, for errors; may be NULL */
    struct csv_dialect dialect;
    size_t width;             /* fields a record has; 0: as many as the header or first record */
    bool ragged;              /* fill short records with nulls and ignore fields beyond the
                                 width, where otherwise both are refused */
    const char *const *nulls; /* unquoted fields that are null, such as "NA" or "\\N"; besides */
    size_t null_count;        /* these, an unquoted empty field always is */
};

struct csv_columns;

/* Gets ready to read `count` columns. The array and the options' name and nulls have to outlive
 * the reader, the dialect is copied. NULL with LATHE_NO_MEMORY or LATHE_LIMIT. */
struct csv_columns *csv_columns_open(struct csv_column *columns, size_t count,
                                     const struct csv_columns_options *options,
                                     struct lathe_error *error);
void csv_columns_close(struct csv_columns *reader);

/* The text that comes next begins at this line of its file; `inside`: not at its beginning. */
void csv_columns_place(struct csv_columns *reader, size_t line, bool inside);

/* How many fields a record has; 0 where that is not known yet. */
size_t csv_columns_width(const struct csv_columns *reader);

/* Reads the header at *at, moves *at behind it, and sets every column's `field` by its name. Fails
 * with LATHE_INVALID_DATA, listing what there is, where a column is missing or named twice. */
bool csv_columns_header(struct csv_columns *reader, const char **at, const char *end,
                        struct lathe_error *error);

/* Reads up to `room` records from *at on into the columns' first *rows places, and moves *at behind
 * them: *rows is less than `room` where the text is at its end. The text ends with a whole record
 * (csv_whole_records cuts a stream into such pieces); lines are counted on from call to call.
 *
 * Numbers are read as number.h reads them, blanks around them are allowed. Texts point into the
 * given text, or, where quotes or escapes had to be undone, into memory that the next call uses
 * again. Fails with LATHE_INVALID_DATA, LATHE_LIMIT or LATHE_NO_MEMORY; *rows then counts the whole
 * rows before the bad one, which are valid, and *at is at the bad one. */
bool csv_columns_read(struct csv_columns *reader, const char **at, const char *end, size_t room,
                      size_t *rows, struct lathe_error *error);

#endif
