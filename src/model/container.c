/* CSV. Rows of nothing but numbers, which most are, take the short way: csv/matrix.h reads them to
 * the same values. All others are read as Python does. */
#include "model/container.h"

#include "csv/reader.h"
#include "model/container_inside.h"
#include "parse/fail.h"
#include "parse/target.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND "csv"

/* Bytes (below 256, for their count), or floats, that are looked at in one go, without a way out:
 * compilers do that with wide registers. */
enum { BLOCK = 192 };

/* Whether there are only characters of which the reader of a matrix takes plain numbers, commas and
 * line ends alone: from # to 9, e and line ends; adds how many line ends there are. */
static ALWAYS_INLINE bool is_plain_block(const char *bytes, size_t *feeds)
{
    unsigned char odd = 0, found = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        signed char c = (signed char)bytes[i];
        unsigned char feed = c == '\n';
        odd |= !(((c > '"') & (c <= '9')) | feed | ((c | 0x20) == 'e'));
        found = (unsigned char)(found + feed);
    }
    *feeds += found;
    return !odd;
}

/* Whether all are finite or missing. */
static ALWAYS_INLINE bool is_finite_block(const float *values)
{
    uint32_t bits[BLOCK], infinite = 0;
    memcpy(bits, values, sizeof bits);
    for (size_t i = 0; i < BLOCK; i++)
        infinite |= (bits[i] & 0x7FFFFFFF) == 0x7F800000;
    return !infinite;
}

/* The same of a whole text; how many lines there are. */
static ALWAYS_INLINE bool look_at_text(const char *text, size_t size, size_t *lines)
{
    size_t at = 0, feeds = 0;
    bool plain = true;
    for (; plain && size - at >= BLOCK; at += BLOCK)
        plain = is_plain_block(text + at, &feeds);
    char rest[BLOCK];
    memset(rest, '0', sizeof rest);
    memcpy(rest, text + at, plain ? size - at : 0);
    plain = plain && is_plain_block(rest, &feeds);
    *lines = feeds + 1;
    return plain;
}

/* The same of many values. */
static ALWAYS_INLINE bool look_at_values(const float *values, size_t count)
{
    size_t at = 0;
    bool finite = true;
    for (; finite && count - at >= BLOCK; at += BLOCK)
        finite = is_finite_block(values + at);
    float rest[BLOCK] = {0};
    memcpy(rest, values + at, finite ? (count - at) * sizeof *values : 0);
    return finite && is_finite_block(rest);
}

#if TARGET_X86
TARGET_AVX2 static bool is_plain_avx2(const char *text, size_t size, size_t *lines)
{
    return look_at_text(text, size, lines);
}

TARGET_AVX2 static bool are_finite_avx2(const float *values, size_t count)
{
    return look_at_values(values, count);
}
#endif

static bool is_plain(const char *text, size_t size, size_t *lines)
{
#if TARGET_X86
    if (target_has_avx2())
        return is_plain_avx2(text, size, lines);
#endif
    return look_at_text(text, size, lines);
}

static bool are_finite(const float *values, size_t count)
{
#if TARGET_X86
    if (target_has_avx2())
        return are_finite_avx2(values, count);
#endif
    return look_at_values(values, count);
}

/* A line's fields, one after the other. */
struct fields {
    const char *at, *end; /* at is NULL behind the last */
    char delimiter;
};

static bool next_field(struct fields *fields, const char **field, size_t *size)
{
    if (!fields->at)
        return false;
    const char *stop = memchr(fields->at, fields->delimiter, (size_t)(fields->end - fields->at));
    *field = fields->at;
    *size = (size_t)((stop ? stop : fields->end) - fields->at);
    fields->at = stop ? stop + 1 : NULL;
    return true;
}

static const char *line_end(const char *at, const char *end)
{
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    return feed ? feed : end;
}

/* What numpy says where rows are of different lengths. */
static bool fail_ragged(const struct container_rows *rows, size_t lines, size_t row, size_t width,
                        size_t expected, struct lathe_error *error)
{
    char shape[120] = "";
    if (rows->release->says_shape)
        snprintf(shape, sizeof shape,
                 " The requested array has an inhomogeneous shape after 1 dimensions. The detected "
                 "shape was (%zu,) + inhomogeneous part.",
                 lines);
    return container_fail(KIND, "ValueError", error,
                          "setting an array element with a sequence.%s (row %zu has %zu values, "
                          "row 1 has %zu)",
                          shape, row, width, expected);
}

/* How many lines, and how many fields each of them has. */
static bool measure(const struct container_rows *rows, const char *text, size_t size,
                    char delimiter, size_t *lines, size_t *width, struct lathe_error *error)
{
    const char *end = text + size;
    size_t odd = 0, odd_width = 0;
    *lines = 0;
    for (const char *at = text; at <= end; at = line_end(at, end) + 1) {
        size_t count = 1;
        for (const char *stop = line_end(at, end); at < stop; at++)
            count += *at == delimiter;
        if (!(*lines)++)
            *width = count;
        if (count != *width && !odd) {
            odd = *lines;
            odd_width = count;
        }
    }
    return !odd || fail_ragged(rows, *lines, odd, odd_width, *width, error);
}

static bool read_value(const struct container_rows *rows, const char *field, size_t size,
                       size_t row, size_t column, double *value, struct lathe_error *error)
{
    char words[360];
    *value = NAN;
    if (!size || python_float(field, size, value))
        return true;
    if (category_codes_of(rows->categories, column - 1))
        return category_codes_find(rows->categories, column - 1, text_of(field, size),
                                   CATEGORY_NUMBERS_ARE_CODES, value) ||
               category_codes_fail(rows->categories, column - 1, NULL, text_of(field, size), row,
                                   error);
    python_repr(rows->release->wraps_texts, field, size, words, sizeof words);
    return container_fail(KIND, "ValueError", error,
                          "could not convert string to float: %s (row %zu, column %zu)", words, row,
                          column);
}

/* All values, then XGBoost's check of them. */
static bool read_values(const struct container_rows *rows, const char *text, size_t size,
                        char delimiter, struct csv_matrix *matrix, struct lathe_error *error)
{
    const char *end = text + size;
    float *out = matrix->values;
    double infinite = 0;
    size_t row = 0;
    for (const char *at = text; at <= end; at = line_end(at, end) + 1) {
        struct fields fields = {at, line_end(at, end), delimiter};
        const char *field;
        size_t length, column = 0;
        row++;
        while (next_field(&fields, &field, &length)) {
            double value;
            if (!read_value(rows, field, length, row, ++column, &value, error))
                return false;
            *out = (float)value;
            if (isinf(*out++))
                infinite = INFINITY;
        }
    }
    matrix->rows = row;
    return container_check_finite(rows->release, KIND, infinite, error);
}

static bool has_delimiter(const char *text, size_t size)
{
    const char *end = line_end(text, text + size);
    for (const char *at = text; at < end; at++)
        if ((unsigned char)*at < 127)
            return true;
    return false;
}

/* As Python reads it. */
static bool read_odd(const struct container_rows *rows, const char *text, size_t size,
                     struct csv_matrix *matrix, struct lathe_error *error)
{
    size_t lines, first = (size_t)(line_end(text, text + size) - text);
    if (!container_decode(KIND, text, size, error))
        return false;
    if (!has_delimiter(text, size))
        return container_fail(KIND, "_csv.Error", error, "Could not determine delimiter");
    char delimiter = csv_sniff_delimiter(text, first < 512 ? first : 512);
    return measure(rows, text, size, delimiter, &lines, &matrix->columns, error) &&
           csv_matrix_reserve(matrix, lines, error) &&
           read_values(rows, text, size, delimiter, matrix, error);
}

/* The short way. False, and nothing read, where it is not clear that it is Python's. */
static bool read_plain(const struct container_rows *rows, const char *text, size_t size,
                       struct csv_matrix *matrix)
{
    const struct csv_options options = {.delimiter = ','};
    struct lathe_error unseen;
    size_t lines;
    bool read = size && is_plain(text, size, &lines) &&
                csv_matrix_append(matrix, text, size, &options, &unseen) && matrix->rows == lines;
    if (read && rows->release->refuses_infinities)
        read = are_finite(matrix->values, lines * matrix->columns);
    if (!read)
        csv_matrix_clear(matrix);
    return read;
}

/* From rows as wide as the text's to those of the model. */
static bool fit(const struct container_rows *rows, struct csv_matrix *read,
                struct csv_matrix *matrix, struct lathe_error *error)
{
    size_t width = read->columns, features = rows->features;
    size_t common = width < features ? width : features;
    if (!container_check_width(rows, KIND, width, error))
        return false;
    if (width == features) {
        *matrix = *read;
        *read = (struct csv_matrix){0};
        return true;
    }
    matrix->columns = features;
    if (!csv_matrix_reserve(matrix, read->rows, error))
        return false;
    for (size_t row = 0; row < read->rows; row++)
        for (size_t i = 0; i < features; i++)
            matrix->values[row * features + i] = i < common ? read->values[row * width + i] : NAN;
    matrix->rows = read->rows;
    return true;
}

bool container_csv(const struct container_rows *rows, struct csv_matrix *matrix,
                   struct lathe_error *error)
{
    const char *text = rows->text;
    size_t size = rows->size;
    struct csv_matrix read = {0};
    container_strip(&text, &size);
    bool done = (read_plain(rows, text, size, &read) || read_odd(rows, text, size, &read, error)) &&
                fit(rows, &read, matrix, error);
    csv_matrix_clear(&read);
    return done;
}
