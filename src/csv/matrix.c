#include "csv/matrix.h"

#include "csv/plain.h"
#include "parse/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A text on its way to behind the rows that the matrix has. */
struct part {
    struct csv_reader reader;
    size_t columns;
    float *values; /* room for the most rows that it can have x columns */
    size_t rows;   /* read */
};

/* Whether the record that `reader` is at looks like a header: not one number in it. */
static bool is_header(const struct csv_reader *at_record)
{
    struct csv_reader reader = *at_record;
    const char *at = reader.at;
    for (size_t column = 0;; column++, at++) {
        struct csv_text field;
        double value;
        at = csv_field(&reader, at, column, &field, NULL);
        if (!at)
            return false;
        field = csv_trim(field);
        if (!field.size || number_parse(field.bytes, field.size, &value))
            return false;
        if (at == reader.end || *at != reader.dialect.delimiter)
            return true;
    }
}

/* A cell that is not simply a number up to the delimiter: empty, quoted, with blanks, or wrong. */
static const char *read_odd_cell(struct csv_reader *reader, const char *at, size_t column,
                                 float *cell, bool *quoted, struct lathe_error *error)
{
    struct csv_text field;
    const char *after = csv_field(reader, at, column, &field, error);
    if (!after)
        return NULL;
    *quoted = *quoted || field.quoted;
    struct csv_text number = csv_trim(field);
    double value = NAN;
    if (number.size && !number_parse(number.bytes, number.size, &value)) {
        if (reader->record_line == 1 && is_header(reader))
            csv_fail(reader, at, column, error, LATHE_INVALID_DATA,
                     "found %s, expected a number: this line looks like a header, and the text "
                     "must start with the first row",
                     csv_show(field.bytes, field.size).text);
        else
            csv_fail(reader, at, column, error, LATHE_INVALID_DATA,
                     "found %s, expected a number or nothing",
                     csv_show(field.bytes, field.size).text);
        return NULL;
    }
    *cell = (float)value;
    return after;
}

static inline const char *read_cell(struct csv_reader *reader, const char *at, size_t column,
                                    float *cell, bool *quoted, struct lathe_error *error)
{
    double value;
    const char *after = number_scan(at, reader->end, &value);
    if (after &&
        (after == reader->end || *after == reader->dialect.delimiter || csv_is_line_end(*after))) {
        *cell = (float)value;
        return after;
    }
    return read_odd_cell(reader, at, column, cell, quoted, error);
}

/* How many fields the record has that `reader` is at; 0 where it cannot be read. */
static size_t count_fields(const struct csv_reader *at_record, struct lathe_error *error)
{
    struct csv_reader reader = *at_record;
    size_t count;
    return csv_reader_next(&reader, NULL, 0, &count, error) == CSV_RECORD ? count : 0;
}

static bool fail_ragged(const struct part *part, struct lathe_error *error)
{
    const struct csv_reader *reader = &part->reader;
    size_t count = count_fields(reader, error);
    if (!count)
        return false;
    size_t place = count < part->columns ? count : part->columns + 1;
    return csv_fail(reader, reader->at, place - 1, error, LATHE_INVALID_DATA,
                    "found %zu %s in this row, expected %zu as in the rows before (delimiter '%s')",
                    count, count == 1 ? "field" : "fields", part->columns,
                    reader->dialect.delimiter == '\t' ? "\\t"
                                                      : (char[]){reader->dialect.delimiter, 0});
}

static bool read_row(struct part *part, float *row, struct lathe_error *error)
{
    struct csv_reader *reader = &part->reader;
    const char *at = reader->at;
    const char delimiter = reader->dialect.delimiter;
    bool quoted = false;
    for (size_t column = 0; column < part->columns; column++) {
        if (column > 0) {
            if (at == reader->end || *at != delimiter)
                return fail_ragged(part, error);
            at++;
        }
        at = read_cell(reader, at, column, &row[column], &quoted, error);
        if (!at)
            return false;
    }
    if (at < reader->end && *at == delimiter)
        return fail_ragged(part, error);
    csv_record_finish(reader, at, quoted);
    return true;
}

/* Reads the plain records that come next, column by column; how many they are. 0 as well where
 * one has something else than numbers: field by field it will show what. */
static size_t read_plain(struct part *part, struct csv_plain *plain, double *numbers)
{
    float *values = part->values + part->rows * part->columns;
    csv_plain_find(plain, &part->reader, SIZE_MAX);
    for (size_t column = 0; column < part->columns; column++) {
        if (csv_plain_numbers(plain, column, 0, part->reader.end, numbers) < plain->rows)
            return 0;
        for (size_t row = 0; row < plain->rows; row++)
            values[row * part->columns + column] = (float)numbers[row];
    }
    csv_plain_finish(plain, &part->reader);
    return plain->rows;
}

static bool read_rows(struct part *part, struct lathe_error *error)
{
    struct csv_plain plain = {0};
    double *numbers = NULL;
    size_t size = (size_t)(part->reader.end - part->reader.at);
    bool read = true;
    /* Without memory for runs of records they are read one by one. */
    if (size >= CSV_PLAIN_LEAST && csv_plain_open(&plain, part->columns, size))
        numbers = malloc(plain.room * sizeof *numbers);
    while (read && csv_record_begin(&part->reader)) {
        size_t rows = numbers ? read_plain(part, &plain, numbers) : 0;
        if (!rows)
            read = read_row(part, part->values + part->rows * part->columns, error);
        part->rows += rows ? rows : read;
    }
    csv_plain_close(&plain);
    free(numbers);
    return read;
}

/* The most rows that the text can have. A row has a byte for each of its columns, the delimiter or
 * the line end; only the last may lack one. This keeps a text of empty lines from asking for
 * memory. */
static size_t bound_rows(const struct csv_reader *reader, size_t columns)
{
    size_t size = (size_t)(reader->end - reader->at);
    size_t lines = csv_count_lines(reader->at, reader->end) + 1;
    size_t fitting = size / columns + 1;
    return lines < fitting ? lines : fitting;
}

bool csv_matrix_reserve(struct csv_matrix *matrix, size_t rows, struct lathe_error *error)
{
    size_t needed;
    if (__builtin_add_overflow(matrix->rows, rows, &needed) ||
        __builtin_mul_overflow(needed, matrix->columns, &needed) ||
        needed > SIZE_MAX / 2 / sizeof(float))
        return fail(error, LATHE_NO_MEMORY, "a matrix of %zu more rows of %zu numbers", rows,
                    matrix->columns);
    if (needed <= matrix->capacity)
        return true;
    size_t grown = matrix->capacity + matrix->capacity / 2;
    size_t capacity = needed > grown ? needed : grown;
    float *values = realloc(matrix->values, capacity * sizeof *values);
    if (!values)
        return fail(error, LATHE_NO_MEMORY, "no memory for a matrix of %zu numbers", capacity);
    matrix->values = values;
    matrix->capacity = capacity;
    return true;
}

static bool append(struct csv_matrix *matrix, const struct csv_reader *reader,
                   const struct csv_options *options, struct lathe_error *error)
{
    if (!csv_matrix_reserve(matrix, bound_rows(reader, matrix->columns), error))
        return false;
    struct part part = {.reader = *reader, .columns = matrix->columns};
    part.values = matrix->values + matrix->rows * matrix->columns;
    if (!read_rows(&part, error))
        return false;
    if (options->max_rows && part.rows > options->max_rows)
        return fail(error, LATHE_LIMIT, "%s%s%zu rows, more than the limit of %zu",
                    options->name ? options->name : "", options->name ? ": " : "", part.rows,
                    options->max_rows);
    matrix->rows += part.rows;
    return true;
}

bool csv_matrix_append(struct csv_matrix *matrix, const char *text, size_t size,
                       const struct csv_options *options, struct lathe_error *error)
{
    static const struct csv_options defaults = {0};
    if (!options)
        options = &defaults;
    struct csv_dialect dialect = {.delimiter = options->delimiter, .inside = options->inside};
    if (!dialect.delimiter)
        dialect.delimiter = csv_sniff_delimiter(text, size);
    if (csv_is_number_byte(dialect.delimiter))
        return fail(error, LATHE_UNSUPPORTED,
                    "numbers cannot be delimited by '%c', which they are written with",
                    dialect.delimiter);

    struct csv_reader reader;
    csv_reader_start(&reader, options->name, text, size, &dialect, (struct csv_scratch){0});
    reader.line = options->first_line ? options->first_line : 1;
    if (!csv_record_begin(&reader))
        return true;
    size_t columns = matrix->columns;
    if (!columns)
        matrix->columns = count_fields(&reader, error);
    if (matrix->columns && append(matrix, &reader, options, error))
        return true;
    matrix->columns = columns;
    return false;
}

void csv_matrix_clear(struct csv_matrix *matrix)
{
    free(matrix->values);
    *matrix = (struct csv_matrix){0};
}
