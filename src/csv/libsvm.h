/* libsvm.h: rows of `label index:value index:value ...` into sparse rows. */
#ifndef LATHE_CSV_LIBSVM_H
#define LATHE_CSV_LIBSVM_H

#include "csv/reader.h"

/* Growing sparse rows (CSR). Zero it (= {0}) before the first use; libsvm_clear frees the arrays.
 * Row r has the entries starts[r] to starts[r + 1] - 1, in the order they were written. */
struct libsvm_rows {
    size_t rows;
    size_t *starts;    /* rows + 1, or NULL before the first row */
    uint32_t *indices; /* of the entries, as written */
    float *values;
    float *labels;     /* one a row; NaN where there is none (`labels_optional`) */
    float *weights;    /* one a row; 1 where the label has none */
    uint32_t *queries; /* one a row, or all 0 where has_queries is false */
    bool has_weights;
    bool has_queries;
    uint32_t lowest;  /* index of any entry, UINT32_MAX where there is none */
    uint32_t highest; /* 0 where there is none; the columns are one more */
    size_t row_capacity, entry_capacity;
};

enum libsvm_queries { LIBSVM_AS_FIRST, LIBSVM_QUERIES, LIBSVM_NO_QUERIES };

struct libsvm_options {
    const char *name;     /* of the file, for errors; may be NULL */
    bool labels_optional; /* rows to be predicted: what a row starts with is its label only if
                             it has no colon */
    size_t max_rows;      /* 0: no limit */
    bool inside;          /* the text begins inside its file, and */
    size_t first_line;    /* is there from this line on; 0: 1 */
    enum libsvm_queries queries; /* what rows must have where there are none before */
    /* NULL, or what a value of a feature is that is more than a number, `index` and `text` being as
     * they are written. False: it is nothing that the feature can have. */
    bool (*value)(const void *context, uint32_t index, struct csv_text text, double *value);
    const void *context;
};

/* Appends the rows of a text: an optional label, `label` or `label:weight`, an optional `qid:N`,
 * and entries `index:value`, with blanks in between; lines without any of these, and what follows
 * a `#`, are skipped. Numbers are read as number.h reads them, indices are 0 to 2^31 - 1, in any
 * order but not twice in succession. Refuses with LATHE_INVALID_DATA anything else, and rows with
 * and without qid in one text, naming the file, the line and the column (the byte in the line, from
 * 1). LATHE_LIMIT, LATHE_NO_MEMORY. Where it fails, `rows` keeps the rows it had. */
bool libsvm_append(struct libsvm_rows *rows, const char *text, size_t size,
                   const struct libsvm_options *options, struct lathe_error *error);

/* Appends rows that were read on their own from a text that followed, with the same `queries`.
 * LATHE_NO_MEMORY, the rows as they were. */
bool libsvm_join(struct libsvm_rows *rows, const struct libsvm_rows *more,
                 struct lathe_error *error);

/* Writes the entries of `count` rows from `first` on into a block of rows of `width` values (more
 * than any index), and takes them out again: a block that was NaN everywhere is that again, at the
 * cost of the entries alone. */
void libsvm_scatter(const struct libsvm_rows *rows, size_t first, size_t count, size_t width,
                    float *block);
void libsvm_gather(const struct libsvm_rows *rows, size_t first, size_t count, size_t width,
                   float *block);

void libsvm_clear(struct libsvm_rows *rows);

#endif
