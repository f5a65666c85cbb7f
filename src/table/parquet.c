#include "table/parquet.h"

#include "base/error.h"

bool parquet_append(struct csv_matrix *matrix, const char *path, GError **error)
{
    (void)matrix;
    return error_set(error, ERROR_INTERNAL, "reading %s: not built", path);
}
