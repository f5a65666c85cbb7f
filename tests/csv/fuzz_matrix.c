/* csv_matrix_append against the record reader and strtod's rules, field by field. */
#include "csv/matrix.h"
#include "csv/reader.h"
#include "parse/number.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* What the field stands for in a matrix; false where it is no number. */
static bool expected_value(struct csv_text field, float *value)
{
    while (field.size && is_blank(*field.bytes)) {
        field.bytes++;
        field.size--;
    }
    while (field.size && is_blank(field.bytes[field.size - 1]))
        field.size--;
    double number = 0;
    bool missing = !field.size;
    if (!missing && !number_parse(field.bytes, field.size, &number))
        return false;
    *value = missing ? 0.0f / 0.0f : (float)number;
    return true;
}

/* Whether the record reader and number.h find the same matrix. */
static bool same(const struct csv_matrix *matrix, bool read, const char *text, size_t size,
                 const struct csv_dialect *dialect)
{
    enum { ROOM = 64 };
    struct csv_reader reader;
    struct csv_text fields[ROOM];
    size_t count, columns = 0, rows = 0;
    enum csv_step step;
    csv_reader_start(&reader, NULL, text, size, dialect, (struct csv_scratch){0});
    while ((step = csv_reader_next(&reader, fields, ROOM, &count, NULL)) == CSV_RECORD) {
        if (count > ROOM)
            return true; /* more than this check can hold */
        columns = columns ? columns : count;
        if (count != columns)
            return !read;
        for (size_t i = 0; i < count; i++) {
            float value, found;
            if (!expected_value(fields[i], &value))
                return !read;
            if (!read)
                continue;
            found = matrix->values[rows * columns + i];
            if (value == value ? found != value : found == found)
                return false;
        }
        rows++;
    }
    return read == (step == CSV_END) && (!read || matrix->rows == rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text = realloc(text, size ? size : 1);
    struct csv_matrix matrix = {0};
    struct lathe_error error;
    bool read = csv_matrix_append(&matrix, text, size, NULL, &error);
    struct csv_dialect dialect = {.delimiter = csv_sniff_delimiter(text, size)};
    if (!same(&matrix, read, text, size, &dialect))
        abort();
    csv_matrix_clear(&matrix);
    free(text);
    return 0;
}
