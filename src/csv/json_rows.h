/* json_rows.h: rows of a JSON or JSON Lines request into the same matrix or columns as CSV.
 *
 * What a document (JSON Lines: each line that is not blank) may be:
 *
 *     [1, 2, "x"]                        a row
 *     [[1, 2], [3, 4]]                   rows; each may be an object as below
 *     {"data": [1, 2]}                   the same, as Amazon SageMaker's SparkML container takes
 * it;
 *     {"schema": {...}, "data": ...}     other members are passed over
 *     {"features": [1, 2]}               one row
 *     {"instances": [{"features": [1, 2]}, ...]}
 *     {"speed": 1551, "type": "L"}       a row by the columns' names (not for a matrix): absent
 *                                        ones are null, members of other names are passed over
 *
 * null is a missing value, true and false are 1 and 0, NaN and Infinity are numbers, and a string
 * that is a number, as in CSV, is one. */
#ifndef LATHE_CSV_JSON_ROWS_H
#define LATHE_CSV_JSON_ROWS_H

#include "csv/columns.h"
#include "csv/matrix.h"

struct json_rows {
    const char *text;
    size_t size;
    const char *name;             /* for errors; may be NULL */
    bool lines;                   /* JSON Lines; then */
    bool inside;                  /* the text may begin inside its file, */
    size_t first_line, first_row; /* there: at this line, with this row; 0: 1 */
    bool vectors; /* an array inside a row is that many of its fields: then an array is one row
                     even where it begins with an array, but for "instances" and for the "data"
                     of a JSON line */
    /* NULL, or for each field of a row, where `vectors`: not 0 where nobody reads the array that
     * begins there, whatever it holds, and then as how many fields it counts. */
    const size_t *unread;
    size_t unread_count;
};

/* Finds the member "schema" of the document (JSON Lines: of the first line) as the JSON it is
 * written as; *size is 0 where there is none. LATHE_INVALID_DATA where the text is not JSON. */
bool json_rows_schema(const struct json_rows *from, const char **schema, size_t *size,
                      struct lathe_error *error);

/* Counts the rows, and into *width (may be NULL) the fields of the first one (0: it is by names).
 * LATHE_INVALID_DATA. */
bool json_rows_count(const struct json_rows *from, size_t *rows, size_t *width,
                     struct lathe_error *error);

/* Appends the rows to a matrix, whose columns the first row sets where they are 0. Refuses with
 * LATHE_INVALID_DATA what is no number and rows of other lengths, naming the row, the column and
 * the place. LATHE_NO_MEMORY. Where it fails, matrix keeps the rows it had. */
bool json_rows_matrix(const struct json_rows *from, struct csv_matrix *matrix,
                      struct lathe_error *error);

/* Reads all `rows` (as json_rows_count says) into the columns, which have room for them. A row
 * given as an array has `width` values, of which a column takes that of its `field`. Texts point
 * into the text, those with escapes into the scratch memory (the text's size is always enough). A
 * text column takes a number or a truth as it is written. Errors as above, and LATHE_LIMIT where
 * the scratch memory is used up. */
bool json_rows_columns(const struct json_rows *from, struct csv_column *columns, size_t count,
                       size_t width, size_t rows, struct csv_scratch *scratch,
                       struct lathe_error *error);

#endif
