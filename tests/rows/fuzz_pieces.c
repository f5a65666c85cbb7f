/* CSV cut into small pieces, and libsvm, against the readers of the whole text: rows and errors.
 * The first byte says how large pieces are, and which of the two it is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rows/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct rows_numbers_batch *batch, const struct csv_matrix *dense,
                 const struct libsvm_rows *sparse, size_t before)
{
    if (batch->dense)
        for (size_t i = 0; i < batch->rows * dense->columns; i++) {
            float a = batch->dense->values[i], b = dense->values[before * dense->columns + i];
            if (isnan(a) ? !isnan(b) : a != b)
                return false;
        }
    for (size_t row = 0; batch->sparse && row <= batch->rows; row++)
        if (batch->sparse->starts[row] != sparse->starts[before + row] - sparse->starts[before])
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* what a file begins with may say that it is gzip or Parquet, which csv's readers cannot know
     */
    if (size < 2 || data[1] == 0x1f || data[1] == 'P')
        return 0;
    bool libsvm = data[0] & 1;
    char name[64];
    int file = memfd_create("rows", 0);
    if (file < 0 || write(file, data + 1, size - 1) != (ssize_t)size - 1)
        abort();
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    char *text = malloc(size - 1);
    memcpy(text, data + 1, size - 1);

    struct csv_matrix dense = {0};
    struct libsvm_rows sparse = {0};
    struct lathe_error error;
    const struct csv_options csv = {.name = name};
    const struct libsvm_options svm = {.name = name};
    bool read = libsvm ? libsvm_append(&sparse, text, size - 1, &svm, &error)
                       : csv_matrix_append(&dense, text, size - 1, &csv, &error);

    GPtrArray *files = rows_one_file(name);
    struct rows_numbers *rows = rows_numbers_open(
        files, &(struct rows_numbers_options){.format = libsvm ? ROWS_LIBSVM : ROWS_CSV,
                                              .threads = 2,
                                              .piece = 1 + (size_t)(data[0] >> 1)});
    size_t before = 0;
    GError *cause = NULL;
    struct rows_numbers_batch batch;
    while (rows_numbers_next(rows, &batch, &cause) && batch.rows) {
        if (read && (before + batch.rows > dense.rows + sparse.rows ||
                     !same(&batch, &dense, &sparse, before)))
            abort();
        before += batch.rows;
    }
    if (read ? cause || before != dense.rows + sparse.rows
             : !cause || strcmp(cause->message, error.message) != 0) {
        fprintf(stderr, "in pieces %zu rows, %s\nwhole %zu rows, %s\n", before,
                cause ? cause->message : "good", dense.rows + sparse.rows,
                read ? "good" : error.message);
        abort();
    }
    g_clear_error(&cause);
    rows_numbers_close(rows);
    g_ptr_array_unref(files);
    csv_matrix_clear(&dense);
    libsvm_clear(&sparse);
    free(text);
    close(file);
    return 0;
}
