/* JSON rows into a matrix and into columns with room for as many rows as are counted. */
#include "csv/json_rows.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte, for the sanitizer to see where they are. */
static void touch(const struct csv_text *text)
{
    volatile char byte = 0;
    for (uint32_t i = 0; i < text->size; i++)
        byte = text->bytes[i];
    (void)byte;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = malloc(size);
    memcpy(text, data + 1, --size);
    struct json_rows from = {
        .text = text, .size = size, .lines = data[0] & 1, .vectors = data[0] & 2};
    struct lathe_error error = {0};
    const char *schema;
    size_t schema_size, rows = 0, width = 0;
    json_rows_schema(&from, &schema, &schema_size, &error);
    bool counted = json_rows_count(&from, &rows, &width, &error);
    struct csv_matrix matrix = {0};
    if (json_rows_matrix(&from, &matrix, &error) && (!counted || matrix.rows != rows))
        abort();
    csv_matrix_clear(&matrix);
    if (counted) {
        double *numbers = malloc(rows * sizeof *numbers + 1);
        struct csv_text *texts = malloc(rows * sizeof *texts + 1);
        char *memory = malloc(size + 1);
        struct csv_scratch scratch = {memory, size, 0};
        struct csv_column columns[] = {
            {.name = "a", .type = CSV_NUMBER, .field = 0, .numbers = numbers},
            {.name = "b", .type = CSV_TEXT, .field = 1, .texts = texts}};
        if (json_rows_columns(&from, columns, 2, width ? width : 2, rows, &scratch, &error)) {
            for (size_t i = 0; i < rows; i++)
                touch(&texts[i]);
        } else if (error.code == LATHE_LIMIT) {
            abort();
        }
        free(numbers);
        free(texts);
        free(memory);
    }
    free(text);
    return 0;
}
