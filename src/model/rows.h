/* rows.h: the rows of a request, from text into the columns that a bundle's schema names. */
#ifndef LATHE_MODEL_ROWS_H
#define LATHE_MODEL_ROWS_H

#include "csv/columns.h"
#include "model/model_inside.h"

/* Columns to read into, with memory for a number of rows. Only those that the plan reads are there.
 */
struct row_columns {
    const struct schema *schema;
    struct csv_column *columns;
    size_t count;
    enum schema_type *types;       /* of each */
    union feature_values *values;  /* what a plan takes: schema->width of them */
    union feature_values *shifted; /* the same, further down */
    char *memory;
};

bool row_columns_open(struct row_columns *columns, const struct schema *schema,
                      const struct plan *plan, size_t rows, struct lathe_error *error);
void row_columns_close(struct row_columns *columns);

/* Makes of what was read what the schema's types say: floats rounded, truths 1 and 0. Fails where a
 * number is not whole where it has to be, or a text is no truth. */
bool row_columns_finish(struct row_columns *columns, size_t rows, size_t first_row,
                        struct lathe_error *error);

/* `rows` of them from row `from` on, as a batch; valid until the next call. */
struct batch row_columns_batch(struct row_columns *columns, size_t from, size_t rows);

#endif
