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

enum rows_packing { ROWS_PACKING_TOLD /* by the first bytes */, ROWS_PLAIN, ROWS_PACKED };

/* How a file is cut. The format says where records end: JSON Lines' at line feeds alone, CSV's and
 * libsvm's as the dialect has it (its delimiter is sniffed where it is 0), of ROWS_RECORDS the
 * split.
 */
struct rows_cut {
    enum rows_format format;
    enum rows_split split; /* of ROWS_RECORDS */
    enum rows_packing packing;
    size_t piece;   /* 0: chosen here */
    size_t longest; /* bytes that a record may have; 0: chosen here */
    struct csv_dialect dialect;
};

/* gzip is undone, whatever the file's name; path "-" is standard input. */
struct rows_text *rows_text_open(const struct rows_file *file, const struct rows_cut *cut,
                                 GError **error);
void rows_text_close(struct rows_text *text);

/* Fills the buffer (which grows where one record is longer) with the next whole records, some
 * `piece` bytes of them; its size is 0 at the end. The very last record may lack its end. */
bool rows_text_next(struct rows_text *text, struct rows_buffer *buffer, GError **error);

/* How many lines the text has, as errors count them; no records do. */
size_t rows_text_lines(enum rows_format format, const char *text, size_t size);

/* The size of the frame that the bytes begin with; 0: it is not whole; -1: this is none. */
gssize rows_frame_size(enum rows_split split, const char *bytes, size_t size);

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
    struct rows_cut cut;

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
                                     unsigned threads);
/* The same from one of the files on. */
struct rows_pieces *rows_pieces_open_from(const GPtrArray *files, size_t from,
                                          const struct rows_reader *reader, unsigned threads);
void rows_pieces_close(struct rows_pieces *pieces);

/* The next piece, read, in order, with its place; NULL at the end. It is valid until the next. */
bool rows_pieces_next(struct rows_pieces *pieces, struct rows_piece **piece, GError **error);

/* The index of the file that an error of the last call was in. */
size_t rows_pieces_faulty(const struct rows_pieces *pieces);

#endif
