/* rows.h: the rows of a job's input, the one way to read them: CSV, libsvm and JSON Lines, plain or
 * gzip, and Parquet; one file or all those of a folder; batch by batch, in bounded memory, parsed
 * on all cores and given out in order.
 *
 * Errors name the file, the line (Parquet: the row) and the column, what was found there and what
 * would be right; of several the first in the files' order. */
#ifndef LATHE_ROWS_ROWS_H
#define LATHE_ROWS_ROWS_H

#include <glib.h>
#include <stdbool.h>

#include "csv/columns.h"
#include "csv/libsvm.h"
#include "csv/matrix.h"
#include "lathe.h"

/* ---- files ---- */

struct rows_file {
    char *path;
    char *name; /* below the folder, for errors */
};

/* The data files below a folder (or the folder itself where it is a file), in byte order of their
 * names, so that rows come in the same order on every machine. Files and folders whose names start
 * with . or _ (_SUCCESS, .part.crc) are none. A missing folder has no files. The array holds struct
 * rows_file and frees them. NULL and an error where a folder cannot be read. */
GPtrArray *rows_files(const char *folder, GError **error);

/* All of them, whatever they are called. */
GPtrArray *rows_all_files(const char *folder, GError **error);

/* One file; path "-" is standard input. */
GPtrArray *rows_one_file(const char *path);

/* ---- how they are written ---- */

enum rows_format {
    ROWS_CSV, /* a file that begins as Parquet is Parquet */
    ROWS_LIBSVM,
    ROWS_PARQUET, /* and nothing else */
    ROWS_JSON_LINES,
    ROWS_RECORDS, /* whatever they are: only rows_records_each reads them */
};

/* By the end of a file's name (.jsonl, .ndjson, .libsvm, .svm, any of them with .gz behind it); of
 * another CSV. */
enum rows_format rows_format_of(const char *name);

/* ---- numbers ---- */

/* Rows of nothing but numbers, without a header: as floats, or, of libsvm, sparse. */
struct rows_numbers;

struct rows_numbers_options {
    enum rows_format format; /* all but JSON Lines */
    char delimiter; /* CSV's; 0: sniffed from the first line, as csv_sniff_delimiter does */
    size_t columns; /* that a row has to have; 0: as many as the first one has */
    enum libsvm_queries queries;
    unsigned threads; /* 0: as many as there are cores */
    size_t piece;     /* bytes of text at a time; 0: chosen here */
};

/* What comes at once: rows of one file, one after the other. Valid until the next. */
struct rows_numbers_batch {
    size_t rows;
    size_t file;      /* its index in the array of files */
    size_t first_row; /* in it, from 1 */
    const struct csv_matrix *dense;
    const struct libsvm_rows *sparse; /* libsvm */
};

/* The files must outlive the rows. */
struct rows_numbers *rows_numbers_open(const GPtrArray *files,
                                       const struct rows_numbers_options *options);
void rows_numbers_close(struct rows_numbers *numbers);

/* The next batch; batch->rows is 0 at the end. After an error there is nothing more. */
bool rows_numbers_next(struct rows_numbers *numbers, struct rows_numbers_batch *batch,
                       GError **error);

/* What the first rows decided: columns (0: there was none), the delimiter (0: there was none), and
 * whether rows have qid. To be given to what goes on with more files. */
size_t rows_numbers_columns(const struct rows_numbers *numbers);
char rows_numbers_delimiter(const struct rows_numbers *numbers);
enum libsvm_queries rows_numbers_queries(const struct rows_numbers *numbers);

/* ---- columns ---- */

/* Rows as typed columns, by name, as often as somebody needs them. */
struct rows_columns;

enum { ROWS_BATCH = 4096 /* rows of a batch: they stay in the processor's cache */ };

struct rows_columns_options {
    enum rows_format format;   /* CSV (or Parquet) or JSON Lines: an object a line */
    char delimiter;            /* 0: comma */
    const char *const *header; /* NULL: CSV files have one; else the names that it would have */
    size_t header_count;
    const char *const *nulls; /* what is null besides nothing at all, such as "NA" */
    size_t null_count;
    unsigned threads;
    size_t piece;
};

/* The files and what the options point to must outlive the rows. */
struct rows_columns *rows_columns_open(const GPtrArray *files,
                                       const struct rows_columns_options *options);
void rows_columns_close(struct rows_columns *columns);

/* Which columns (names and types are looked at; several may have one name) and begins, or begins
 * anew, at the first row. wanted: NULL, or which of them batches bring; the others are not read,
 * and have no memory. Names must outlive the rows. */
bool rows_columns_start(struct rows_columns *columns, const struct csv_column *wanted, size_t count,
                        const bool *which, GError **error);

struct rows_columns_batch {
    size_t rows;
    size_t first_row;           /* in all files together, from 1 */
    struct csv_column *columns; /* as many as were asked for; their values may be written to */
};

/* The next batch, valid until the one after; batch->rows is 0 at the end. */
bool rows_columns_next(struct rows_columns *columns, struct rows_columns_batch *batch,
                       GError **error);

/* ---- records ---- */

/* Where a file's records end. */
enum rows_split {
    ROWS_SPLIT_NONE, /* the file is one record */
    ROWS_SPLIT_LINES,
    ROWS_SPLIT_RECORDIO, /* MXNet's frames */
    ROWS_SPLIT_TFRECORD, /* TensorFlow's */
};

/* How many of the bytes, which begin with a record, are the first one, all that frames it included;
 * of lines the last may lack its end. 0: there is no whole one. */
size_t rows_record_size(enum rows_split split, const char *bytes, size_t size);

/* What became of some whole records of one file, one behind the other. */
struct rows_outcome {
    struct lathe_text text;
    GError *error; /* why there is no text */
    size_t record; /* at whose fault, from 1; 0: no single one's */
};

struct rows_records_options {
    enum rows_split split;
    bool packed;    /* all files are gzip; otherwise none is, and one that begins so is an error */
    size_t piece;   /* bytes of records at a time, at most; 0: chosen here */
    size_t longest; /* bytes of a record: a longer one is an error, AWS's words; 0: no limit here */
    unsigned threads; /* 0: as many as there are cores */
    /* Several at a time, in any thread: fills in the outcome, whose text is empty but may have
     * memory. */
    void (*work)(void *data, const char *records, size_t size, struct rows_outcome *outcome);
    /* In the records' order, one after another, in the caller's thread; text NULL: the file, whose
     * index this is, has been worked through. Files without a record are only told so. */
    bool (*take)(void *data, size_t file, const struct lathe_text *text, GError **error);
    void *data;
};

/* Which file an error was in, and which of its records: 0 where it was no single one. */
struct rows_fault {
    size_t file, record;
};

/* Takes the records of the files from the one with that index on through `work`, on all cores, in
 * the memory of the pieces on their way. False at the first fault; where that is a file's, going on
 * with the next file is up to the caller. */
bool rows_records_each(const GPtrArray *files, size_t from,
                       const struct rows_records_options *options, struct rows_fault *fault,
                       GError **error);

/* ---- answers ---- */

/* Predicts all rows of the files, and writes what is asked of the predictor to a descriptor, a line
 * a row, values between commas (LATHE_ANSWERS_CSV_TABLE), in order, as it comes. A CSV file may
 * begin with a header: a line that names a column of the predictor, or, where those have no names,
 * one without a number. */
bool rows_predict(const struct lathe_predictor *predictor, enum lathe_answer what,
                  const GPtrArray *files, enum rows_format format, int out, GError **error);

#endif
