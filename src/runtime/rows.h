/* rows.h: the rows of a job's input files, in typed columns, batch by batch, as often as a fit
 * needs them. */
#ifndef LATHE_RUNTIME_ROWS_H
#define LATHE_RUNTIME_ROWS_H

#include "base/json.h"
#include "feature/pipeline.h"

/* Rows of a batch: a few thousand stay in the processor's cache. */
enum { ROWS_BATCH = 4096 };

struct rows;

/* Opens every CSV (plain or gzip) and Parquet file below folder, in order of their names. options
 * is the specification's "data": {"header": true, "delimiter": ",", "columns": [names, where there
 * is no header], "nulls": ["NA"]}; NULL: defaults. Parquet files are turned to CSV in the scratch
 * folder until the rows are closed. */
struct rows *rows_open(const char *folder, const json_t *options, const char *scratch,
                       GError **error);
void rows_close(struct rows *rows);

/* The columns that batches bring: names and types (scalars; several may have one name). Pointers
 * must outlive the rows. */
bool rows_select(struct rows *rows, const struct feature_column *columns, size_t count,
                 GError **error);

/* Begins at the first row again. wanted: which of the columns batches bring from now on; the others
 * are not read, and their values stay what they were. NULL: all. */
bool rows_rewind(struct rows *rows, const bool *wanted, GError **error);

/* The next batch; batch->rows is 0 at the end. What it points to is valid until the next call. */
bool rows_next(struct rows *rows, struct feature_batch *batch, GError **error);

#endif
