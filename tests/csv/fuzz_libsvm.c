/* libsvm rows: within their memory, and consistent whatever the text. */
#include "csv/libsvm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct libsvm_options options = {.labels_optional = data[0] & 1,
                                     .max_rows = data[0] & 2 ? 3 : 0};
    char *text = malloc(size);
    memcpy(text, data + 1, --size);
    struct libsvm_rows rows = {0};
    struct lathe_error error = {0};
    for (int i = 0; i < 2; i++) {
        size_t before = rows.rows;
        if (!libsvm_append(&rows, text, size, &options, &error) &&
            (rows.rows != before || !strlen(error.message)))
            abort();
    }
    for (size_t r = 0; r < rows.rows; r++)
        if (rows.starts[r] > rows.starts[r + 1] || rows.starts[r + 1] > rows.entry_capacity)
            abort();
    for (size_t i = 0; rows.rows && i < rows.starts[rows.rows]; i++)
        if (rows.indices[i] < rows.lowest || rows.indices[i] > rows.highest)
            abort();
    if (rows.rows && rows.highest < 1000) {
        size_t width = (size_t)rows.highest + 1;
        float *row = malloc(width * sizeof *row);
        for (size_t i = 0; i < width; i++)
            row[i] = NAN;
        for (size_t r = 0; r < rows.rows; r++) {
            libsvm_scatter(&rows, r, 1, width, row);
            libsvm_gather(&rows, r, 1, width, row);
        }
        for (size_t i = 0; i < width; i++)
            if (!isnan(row[i]))
                abort();
        free(row);
    }
    libsvm_clear(&rows);
    free(text);
    return 0;
}
