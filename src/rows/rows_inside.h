/* rows_inside.h: what the readers of this room are made of; not for other rooms.
 *
 * The way of the data: a source goes over the files and cuts what they hold into pieces (whole
 * records of text, or a chunk of Parquet); the pieces go through threads, which read them into
 * results; the results come out in the order of the files. All memory is that of the pieces and
 * results on their way, a fixed number of them. */
#ifndef LATHE_ROWS_ROWS_INSIDE_H
#define LATHE_ROWS_ROWS_INSIDE_H

#include "rows/rows.h"
#include "table/parquet.h"

/* ---- text: a file, gzip undone, as pieces of whole records ---- */

struct rows_text;

/* Bytes that a piece can hold, and how many of them it does. */
struct rows_buffer {
    char *bytes;
    size_t room, size;
};

/* The format says where records end: JSON Lines' at line feeds alone, CSV's and libsvm's as the
 * dialect has it (its delimiter is sniffed where it is 0). gzip is told by its
 * first bytes, whatever the file's name; path "-" is standard input. */
struct rows_text *rows_text_open(const struct rows_file *file, enum rows_format format,
                                 const struct csv_dialect *dialect, size_t piece, GError **error);
void rows_text_close(struct rows_text *text);

/* Fills the buffer (which grows where one record is longer) with the next whole records, some
 * `piece` bytes of them; its size is 0 at the end. The very last record may lack its end. */
bool rows_text_next(struct rows_text *text, struct rows_buffer *buffer, GError **error);

/* How many lines the text has, as errors count them. */
size_t rows_text_lines(enum rows_format format, const char *text, size_t size);

/* Whether the file has been read to its end. */
bool rows_text_ended(const struct rows_text *text);

/* ---- pieces ---- */

/* What the first rows decide for all that follow. */
struct rows_shape {
    char delimiter;
    size_t columns;
    enum libsvm_queries queries;
};

struct rows_piece {
    const struct rows_file *file;
    size_t number;    /* of the file */
    bool first;       /* of the file's pieces */
    const char *text; /* whole records, */
    size_t size;
    struct parquet_chunk *chunk; /* or rows of a Parquet file */
    struct rows_shape shape;     /* what `meet` has left there; and, */
    const void *context;         /* for all pieces of the file, here */
    void *result;                /* of `read` */

    /* Where it begins in the file, from 1. While it is first read: 1. */
    size_t first_line, first_row;
    size_t rows; /* that it has: `read` counts them */
};

/* What a reader does with pieces. */
struct rows_reader {
    void *state;
    struct csv_dialect dialect; /* where records end */
    enum rows_format format;

    /* Begins to read a Parquet file; in order, one at a time, as is: */
    bool (*start_parquet)(void *state, struct parquet *parquet, struct rows_piece *piece,
                          GError **error);
    /* Looks at a piece before it is read; in order, one at a time. May take a header off the front
     * of its text (adding to first_line), and leave a shape and a context. May be NULL. */
    bool (*meet)(void *state, struct rows_piece *piece, struct lathe_error *error);
    /* Reads a piece into its result; several at a time, in any thread. It is called again where it
     * fails, with first_line and first_row as they are, for the error's place. */
    bool (*read)(void *state, struct rows_piece *piece, struct lathe_error *error);
    void *(*new_result)(void *state);
    void (*free_result)(void *result);
};

struct rows_pieces;

struct rows_pieces *rows_pieces_open(const GPtrArray *files, const struct rows_reader *reader,
                                     unsigned threads, size_t piece);
void rows_pieces_close(struct rows_pieces *pieces);

/* The next piece, read, in order, with its place; NULL at the end. It is valid until the next. */
bool rows_pieces_next(struct rows_pieces *pieces, struct rows_piece **piece, GError **error);

#endif
