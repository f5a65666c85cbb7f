/* matrix.h: numeric CSV text straight into a matrix of floats. */
#ifndef LATHE_CSV_MATRIX_H
#define LATHE_CSV_MATRIX_H

#include "lathe.h"

/* A growing row-major matrix. Zero it (= {0}) before the first use; the caller frees `values` with
 * csv_matrix_clear. Missing fields (empty) are NaN. */
struct csv_matrix {
    float *values; /* rows x columns */
    size_t rows;
    size_t columns;  /* fixed by the first row read, or set by the caller beforehand */
    size_t capacity; /* floats allocated */
};

struct csv_options {
    const char *name;  /* the file's or channel's name for errors, or NULL */
    char delimiter;    /* 0: sniffed from the first line, as Python's csv.Sniffer would */
    size_t max_rows;   /* 0: no limit */
    bool inside;       /* the text begins inside its file, and */
    size_t first_line; /* is there from this line on; 0: 1 */
};

/* Appends the rows of a whole CSV text (no header) to matrix. Numbers are read exactly as strtod
 * reads them, then rounded to float. Accepts LF and CRLF, a missing last newline, a byte order
 * mark, quoted numbers, blank around numbers, nan/inf words. Refuses with LATHE_INVALID_DATA,
 * naming file, line and column: text in a number (a header is recognised and named as such on line
 * 1), rows with more or fewer fields than the first. Where it fails, matrix keeps the rows it had.
 */
bool csv_matrix_append(struct csv_matrix *matrix, const char *text, size_t size,
                       const struct csv_options *options, struct lathe_error *error);

/* Makes room for this many more rows of matrix->columns (not 0) values. LATHE_NO_MEMORY. */
bool csv_matrix_reserve(struct csv_matrix *matrix, size_t rows, struct lathe_error *error);

void csv_matrix_clear(struct csv_matrix *matrix);

#endif
