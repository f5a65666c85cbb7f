#include "csv/matrix.h"

#include "csv/plain.h"
#include "parse/number.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A stretch of whole lines, read by one thread into its own place in the matrix. */
struct part {
    struct csv_reader reader;
    size_t columns;
    size_t room;   /* rows it can have at most */
    float *values; /* room x columns */
    size_t rows;   /* read */
    bool read;
    struct lathe_error *error;
};

enum { PARTS_MOST = 64, PART_LEAST = 1 << 16 /* bytes worth a thread */ };

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

static void *read_part(void *of)
{
    struct part *part = of;
    struct csv_plain plain = {0};
    double *numbers = NULL;
    size_t size = (size_t)(part->reader.end - part->reader.at);
    part->read = true;
    part->rows = 0;
    /* Without memory for runs of records they are read one by one. */
    if (size >= CSV_PLAIN_LEAST && csv_plain_open(&plain, part->columns, size))
        numbers = malloc(plain.room * sizeof *numbers);
    while (part->read && csv_record_begin(&part->reader)) {
        size_t rows = numbers ? read_plain(part, &plain, numbers) : 0;
        if (!rows)
            part->read = read_row(part, part->values + part->rows * part->columns, part->error);
        part->rows += rows ? rows : part->read;
    }
    csv_plain_close(&plain);
    free(numbers);
    return NULL;
}

static void *bound_part(void *of)
{
    struct part *part = of;
    size_t size = (size_t)(part->reader.end - part->reader.at);
    size_t lines = csv_count_lines(part->reader.at, part->reader.end) + 1;
    /* A row has a byte for each of its columns, the delimiter or the line end; only the last may
     * lack one. This keeps a text of empty lines from asking for memory. */
    size_t fitting = size / part->columns + 1;
    part->room = lines < fitting ? lines : fitting;
    return NULL;
}

/* Does the work on every part, each in a thread of its own where threads are to be had. */
static void for_each_part(struct part *parts, size_t count, void *(*work)(void *))
{
    pthread_t threads[PARTS_MOST];
    bool started[PARTS_MOST] = {false};
    for (size_t i = 1; i < count; i++)
        started[i] = pthread_create(&threads[i], NULL, work, &parts[i]) == 0;
    work(&parts[0]);
    for (size_t i = 1; i < count; i++) {
        if (started[i])
            pthread_join(threads[i], NULL);
        else
            work(&parts[i]);
    }
}

/* Cuts the text behind line ends. (A line end inside quotes is none; but a number has none, so a
 * part cut there is an error either way.) */
static size_t cut(const struct csv_reader *whole, size_t columns, unsigned threads,
                  struct part *parts)
{
    size_t size = (size_t)(whole->end - whole->at);
    size_t most = size / PART_LEAST + 1, count = 0;
    if (most > (threads ? threads : 1))
        most = threads ? threads : 1;
    if (most > PARTS_MOST)
        most = PARTS_MOST;
    const char *at = whole->at;
    for (size_t i = 0; i < most && at < whole->end; i++) {
        const char *end = whole->end;
        if (i + 1 < most) {
            const char *near = whole->at + size / most * (i + 1);
            const char *feed = at < near ? memchr(near, '\n', (size_t)(whole->end - near)) : NULL;
            end = feed ? feed + 1 : whole->end;
        }
        /* Lines are counted on from the whole's: right in the first part, the only one whose
         * errors are reported. */
        parts[count] = (struct part){.reader = *whole, .columns = columns};
        parts[count].reader.at = at;
        parts[count++].reader.end = end;
        at = end;
    }
    return count;
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

/* Reads all parts, each to behind the room of the one before, then moves their rows together. */
static bool read_parts(struct csv_matrix *matrix, struct part *parts, size_t count, size_t *rows,
                       struct lathe_error *error)
{
    size_t room = 0;
    for_each_part(parts, count, bound_part);
    for (size_t i = 0; i < count; i++)
        room += parts[i].room;
    if (!csv_matrix_reserve(matrix, room, error))
        return false;
    float *values = matrix->values + matrix->rows * matrix->columns;
    for (size_t i = 0; i < count; i++) {
        parts[i].values = values;
        parts[i].error = count == 1 ? error : NULL;
        values += parts[i].room * matrix->columns;
    }
    for_each_part(parts, count, read_part);
    *rows = 0;
    for (size_t i = 0; i < count; i++) {
        if (!parts[i].read)
            return false;
        float *place = matrix->values + (matrix->rows + *rows) * matrix->columns;
        if (place != parts[i].values)
            memmove(place, parts[i].values, parts[i].rows * matrix->columns * sizeof *place);
        *rows += parts[i].rows;
    }
    return true;
}

static bool append(struct csv_matrix *matrix, const struct csv_reader *reader,
                   const struct csv_options *options, struct lathe_error *error)
{
    struct part parts[PARTS_MOST];
    size_t rows, count = cut(reader, matrix->columns, options->threads, parts);
    bool read = read_parts(matrix, parts, count, &rows, error);
    if (!read && count > 1) {
        /* Once more from the start, now for the first error and its line. */
        count = cut(reader, matrix->columns, 1, parts);
        read = read_parts(matrix, parts, count, &rows, error);
    }
    if (!read)
        return false;
    if (options->max_rows && rows > options->max_rows)
        return fail(error, LATHE_LIMIT, "%s%s%zu rows, more than the limit of %zu",
                    options->name ? options->name : "", options->name ? ": " : "", rows,
                    options->max_rows);
    matrix->rows += rows;
    return true;
}

bool csv_matrix_append(struct csv_matrix *matrix, const char *text, size_t size,
                       const struct csv_options *options, struct lathe_error *error)
{
    static const struct csv_options defaults = {0};
    if (!options)
        options = &defaults;
    struct csv_dialect dialect = {.delimiter = options->delimiter};
    if (!dialect.delimiter)
        dialect.delimiter = csv_sniff_delimiter(text, size);
    if (csv_is_number_byte(dialect.delimiter))
        return fail(error, LATHE_UNSUPPORTED,
                    "numbers cannot be delimited by '%c', which they are written with",
                    dialect.delimiter);

    struct csv_reader reader;
    csv_reader_start(&reader, options->name, text, size, &dialect, (struct csv_scratch){0});
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
