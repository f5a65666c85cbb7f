/* container.h: rows as SageMaker's XGBoost container reads them, which is as Python and numpy do: a
 * row without features is a row, 1_0 is 10, a blank is no number. What it refuses is refused with
 * its words, and with the row's place behind them.
 *
 * Source: sagemaker-xgboost-container, algorithm_mode/serve_utils.py (parse_content_data, predict)
 * and encoder.py (csv_to_dmatrix), at the commits that tree/xgboost_release.h names. What they
 * answered is recorded in tests/serve/container. */
#ifndef LATHE_MODEL_CONTAINER_H
#define LATHE_MODEL_CONTAINER_H

#include "csv/libsvm.h"
#include "csv/matrix.h"
#include "model/category_codes.h"
#include "tree/xgboost_release.h"

struct container_rows {
    const struct xgboost_release *release;
    const char *text;
    size_t size;
    size_t features; /* that the model has */
    bool pickled;    /* the model's file: of such the container counts the features itself */
    const struct category_codes
        *categories; /* taken in CSV where a number would be refused; or NULL */
};

/* Append rows of `features` values to a matrix, or to sparse rows, without any: those that a row
 * lacks at its end are missing. LATHE_INVALID_DATA for what cannot be read, LATHE_MISFIT for rows
 * that are not the model's, LATHE_NO_MEMORY. */
bool container_csv(const struct container_rows *rows, struct csv_matrix *matrix,
                   struct lathe_error *error);
bool container_libsvm(const struct container_rows *rows, struct libsvm_rows *sparse,
                      struct lathe_error *error);

#endif
