#include "csv/columns.h"

#include "csv/plain.h"
#include "parse/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MOST = 1 << 20 };
#define NONE SIZE_MAX

struct csv_columns {
    struct csv_column *columns;
    size_t count;
    struct csv_columns_options options;
    size_t *null_sizes; /* of options.nulls */
    bool null_number;   /* one of them is a number, such as -9999 */
    struct csv_reader reader;
    struct csv_plain plain; /* once the width is known */
    bool started;           /* the place where a byte order mark may be is behind */

    /* Who reads field f: column first[f], then next[first[f]] and so on, up to NONE. */
    size_t width; /* fields of a record, and of `first`; 0 until it is known */
    size_t *first;
    size_t *next;
};

static bool set_nulls(struct csv_columns *reader)
{
    const struct csv_columns_options *options = &reader->options;
    reader->null_sizes = calloc(options->null_count + 1, sizeof *reader->null_sizes);
    if (!reader->null_sizes)
        return false;
    for (size_t i = 0; i < options->null_count; i++) {
        double value;
        reader->null_sizes[i] = strlen(options->nulls[i]);
        if (number_parse(options->nulls[i], reader->null_sizes[i], &value) && !isnan(value))
            reader->null_number = true;
    }
    return true;
}

struct csv_columns *csv_columns_open(struct csv_column *columns, size_t count,
                                     const struct csv_columns_options *options,
                                     struct lathe_error *error)
{
    if (count > COLUMNS_MOST || (options && options->width > COLUMNS_MOST)) {
        fail(error, LATHE_LIMIT, "more than %d columns", COLUMNS_MOST);
        return NULL;
    }
    struct csv_columns *reader = calloc(1, sizeof *reader);
    if (reader) {
        reader->columns = columns;
        reader->count = count;
        reader->options = options ? *options : (struct csv_columns_options){0};
        reader->next = calloc(count + 1, sizeof *reader->next);
    }
    if (!reader || !reader->next || !set_nulls(reader)) {
        csv_columns_close(reader);
        fail(error, LATHE_NO_MEMORY, "no memory to read %zu columns", count);
        return NULL;
    }
    csv_reader_start(&reader->reader, reader->options.name, NULL, 0, &reader->options.dialect,
                     (struct csv_scratch){0});
    return reader;
}

void csv_columns_close(struct csv_columns *reader)
{
    if (!reader)
        return;
    free(reader->null_sizes);
    free(reader->first);
    free(reader->next);
    csv_plain_close(&reader->plain);
    free(reader->reader.scratch.bytes);
    free(reader);
}

void csv_columns_place(struct csv_columns *reader, size_t line, bool inside)
{
    reader->reader.line = reader->reader.record_line = line;
    reader->started = inside;
}

size_t csv_columns_width(const struct csv_columns *reader)
{
    return reader->width;
}

/* Points the record reader at [at, end), with memory for all that may have to be unquoted there:
 * the system gives it only as it is written to. */
static bool point(struct csv_columns *reader, const char *at, const char *end,
                  struct lathe_error *error)
{
    struct csv_reader *records = &reader->reader;
    struct csv_scratch *scratch = &records->scratch;
    size_t size = (size_t)(end - at);
    bool marks = !records->dialect.no_quotes || records->dialect.escape;
    if (marks && scratch->size < size) {
        free(scratch->bytes);
        scratch->bytes = malloc(size);
        scratch->size = scratch->bytes ? size : 0;
        if (!scratch->bytes)
            return fail(error, LATHE_NO_MEMORY, "no memory for %zu bytes of quoted text", size);
    }
    scratch->used = 0;
    records->at = reader->started ? at : csv_skip_mark(at, end);
    records->end = end;
    reader->started = true;
    return true;
}

/* Makes the lists of who reads which field. */
static bool set_width(struct csv_columns *reader, size_t width, struct lathe_error *error)
{
    if (width > COLUMNS_MOST)
        return csv_fail(&reader->reader, reader->reader.at, COLUMNS_MOST, error, LATHE_LIMIT,
                        "a record of %zu fields, more than the limit of %d", width, COLUMNS_MOST);
    for (size_t i = 0; i < reader->count; i++)
        if (reader->columns[i].field >= width)
            return csv_fail(&reader->reader, reader->reader.at, reader->columns[i].field, error,
                            LATHE_INVALID_DATA, "expected %s here, but a record has %zu fields",
                            reader->columns[i].name ? reader->columns[i].name : "a column", width);
    size_t *first = realloc(reader->first, width * sizeof *first);
    if (!first)
        return fail(error, LATHE_NO_MEMORY, "no memory to read %zu fields", width);
    for (size_t field = 0; field < width; field++)
        first[field] = NONE;
    for (size_t i = reader->count; i-- > 0;) {
        size_t *place = &first[reader->columns[i].field];
        reader->next[i] = *place;
        *place = i;
    }
    reader->first = first;
    reader->width = width;
    csv_plain_close(&reader->plain);
    return true;
}

static bool same(struct csv_text text, const char *name)
{
    return strlen(name) == text.size && !memcmp(text.bytes, name, text.size);
}

/* "a", "b", ... as far as they fit. */
static void list_names(char *out, size_t room, const struct csv_text *names, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        struct csv_shown shown = csv_show(names[i].bytes, names[i].size);
        size_t size = strlen(shown.text);
        if (used + size + 8 > room) {
            strcpy(out + used, ", ...");
            return;
        }
        if (i > 0) {
            memcpy(out + used, ", ", 2);
            used += 2;
        }
        memcpy(out + used, shown.text, size + 1);
        used += size;
    }
}

static bool find_columns(struct csv_columns *reader, const struct csv_text *names, size_t count,
                         struct lathe_error *error)
{
    const struct csv_reader *records = &reader->reader;
    for (size_t i = 0; i < reader->count; i++) {
        struct csv_column *column = &reader->columns[i];
        size_t found = NONE;
        for (size_t field = 0; column->name && field < count; field++) {
            if (!same(names[field], column->name))
                continue;
            if (found != NONE)
                return csv_fail(records, records->at, field, error, LATHE_INVALID_DATA,
                                "the header has \"%s\" twice, first as column %zu", column->name,
                                found + 1);
            found = field;
        }
        if (column->name && found == NONE) {
            char list[256];
            list_names(list, sizeof list, names, count);
            return csv_fail(records, records->at, 0, error, LATHE_INVALID_DATA,
                            "the header has no column \"%s\": found %s", column->name, list);
        }
        if (column->name)
            column->field = found;
    }
    return true;
}

bool csv_columns_header(struct csv_columns *reader, const char **at, const char *end,
                        struct lathe_error *error)
{
    struct csv_reader *records = &reader->reader;
    if (!point(reader, *at, end, error))
        return false;
    if (!csv_record_begin(records))
        return fail(error, LATHE_INVALID_DATA, "%s%sexpected a header, found no line at all",
                    records->name ? records->name : "", records->name ? ": " : "");
    struct csv_reader counting = *records, naming = *records;
    size_t count;
    if (csv_reader_next(&counting, NULL, 0, &count, error) != CSV_RECORD)
        return false;
    struct csv_text *names = calloc(count, sizeof *names);
    if (!names)
        return fail(error, LATHE_NO_MEMORY, "no memory for a header of %zu names", count);
    naming.scratch.used = 0;
    bool done = csv_reader_next(&naming, names, count, &count, error) == CSV_RECORD &&
                find_columns(reader, names, count, error) &&
                set_width(reader, reader->options.width ? reader->options.width : count, error);
    free(names);
    if (!done)
        return false;
    naming.scratch.used = 0;
    *records = naming;
    *at = records->at;
    return true;
}

static bool is_null(const struct csv_columns *reader, const struct csv_text *text)
{
    if (text->quoted)
        return false;
    if (!text->size)
        return true;
    for (size_t i = 0; i < reader->options.null_count; i++)
        if (reader->null_sizes[i] == text->size &&
            !memcmp(reader->options.nulls[i], text->bytes, text->size))
            return true;
    return false;
}

static bool store_number(struct csv_columns *reader, const char *at, const struct csv_text *field,
                         double *number, const struct csv_column *column, struct lathe_error *error)
{
    struct csv_text text = csv_trim(*field);
    *number = NAN;
    if (!text.size || is_null(reader, &text) || number_parse(text.bytes, text.size, number))
        return true;
    return csv_fail(&reader->reader, at, column->field, error, LATHE_INVALID_DATA,
                    "found %s%s%s, expected a number or nothing",
                    csv_show(field->bytes, field->size).text, column->name ? " in " : "",
                    column->name ? column->name : "");
}

static bool store(struct csv_columns *reader, const char *at, size_t first, size_t row,
                  const struct csv_text *field, struct lathe_error *error)
{
    for (size_t i = first; i != NONE; i = reader->next[i]) {
        const struct csv_column *column = &reader->columns[i];
        if (column->type == CSV_TEXT)
            column->texts[row] = is_null(reader, field) ? (struct csv_text){0} : *field;
        else if (!store_number(reader, at, field, &column->numbers[row], column, error))
            return false;
    }
    return true;
}

/* Reads a field into the columns that want it. Almost always that is a number for one column. */
static inline const char *read_field(struct csv_columns *reader, const char *at, size_t number,
                                     size_t row, bool *quoted, struct lathe_error *error)
{
    struct csv_reader *records = &reader->reader;
    size_t first = reader->first[number];
    if (first != NONE && reader->columns[first].type == CSV_NUMBER && !reader->null_number &&
        reader->next[first] == NONE) {
        double value;
        const char *after = number_scan(at, records->end, &value);
        if (after && (after == records->end || *after == records->dialect.delimiter ||
                      csv_is_line_end(*after))) {
            reader->columns[first].numbers[row] = value;
            return after;
        }
    }
    struct csv_text field;
    const char *after = csv_field(records, at, number, &field, error);
    if (!after || !store(reader, at, first, row, &field, error))
        return NULL;
    *quoted = *quoted || field.quoted;
    return after;
}

static bool fail_ragged(const struct csv_columns *reader, struct lathe_error *error)
{
    struct csv_reader counting = reader->reader;
    size_t count;
    if (csv_reader_next(&counting, NULL, 0, &count, error) != CSV_RECORD)
        return false;
    size_t place = count < reader->width ? count - 1 : reader->width;
    return csv_fail(&reader->reader, reader->reader.at, place, error, LATHE_INVALID_DATA,
                    "found %zu %s in this row, expected %zu", count,
                    count == 1 ? "field" : "fields", reader->width);
}

static bool read_row(struct csv_columns *reader, size_t row, struct lathe_error *error)
{
    struct csv_reader *records = &reader->reader;
    const char *at = records->at;
    const char delimiter = records->dialect.delimiter;
    const struct csv_text nothing = {.bytes = ""};
    bool quoted = false, more = true;
    size_t number = 0;
    for (; more && number < reader->width; number++) {
        at = read_field(reader, at, number, row, &quoted, error);
        if (!at)
            return false;
        more = at < records->end && *at == delimiter;
        at += more;
    }
    if (!reader->options.ragged && (more || number < reader->width))
        return fail_ragged(reader, error);
    for (; number < reader->width; number++)
        if (!store(reader, at, reader->first[number], row, &nothing, error))
            return false;
    for (; more; number++) {
        struct csv_text unused;
        at = csv_field(records, at, number, &unused, error);
        if (!at)
            return false;
        quoted = quoted || unused.quoted;
        more = at < records->end && *at == delimiter;
        at += more;
    }
    csv_record_finish(records, at, quoted);
    return true;
}

/* ---- runs of plain records, column by column ---- */

static bool read_plain_numbers(struct csv_columns *reader, const struct csv_column *column,
                               double *numbers)
{
    const struct csv_plain *plain = &reader->plain;
    for (size_t row = 0; row < plain->rows; row++) {
        if (!reader->null_number) /* these are looked for first */
            row = csv_plain_numbers(plain, column->field, row, reader->reader.end, numbers);
        if (row == plain->rows)
            break;
        struct csv_text field = csv_plain_field(plain, row, column->field);
        if (!store_number(reader, field.bytes, &field, &numbers[row], column, NULL))
            return false;
    }
    return true;
}

static void read_plain_texts(struct csv_columns *reader, const struct csv_column *column,
                             struct csv_text *texts)
{
    const struct csv_plain *plain = &reader->plain;
    for (size_t row = 0; row < plain->rows; row++) {
        struct csv_text field = csv_plain_field(plain, row, column->field);
        texts[row] = is_null(reader, &field) ? (struct csv_text){0} : field;
    }
}

/* Reads the plain records at the reader's place, up to `room` of them, into the columns from `row`
 * on; how many they are. 0 as well where one has something that is no number: read one by one they
 * will show which is the first. */
static size_t read_plain(struct csv_columns *reader, size_t row, size_t room)
{
    struct csv_plain *plain = &reader->plain;
    size_t size = (size_t)(reader->reader.end - reader->reader.at);
    if (size < CSV_PLAIN_LEAST || (!plain->width && !csv_plain_open(plain, reader->width, size)))
        return 0;
    csv_plain_find(plain, &reader->reader, room);
    for (size_t i = 0; i < reader->count; i++) {
        const struct csv_column *column = &reader->columns[i];
        if (column->type == CSV_TEXT)
            read_plain_texts(reader, column, column->texts + row);
        else if (!read_plain_numbers(reader, column, column->numbers + row))
            return 0;
    }
    csv_plain_finish(plain, &reader->reader);
    return plain->rows;
}

/* Before the first record: how many fields records have, where nobody has said so. */
static bool find_width(struct csv_columns *reader, struct lathe_error *error)
{
    size_t count = reader->options.width;
    struct csv_reader counting = reader->reader;
    if (!count && csv_reader_next(&counting, NULL, 0, &count, error) != CSV_RECORD)
        return false;
    return set_width(reader, count, error);
}

bool csv_columns_read(struct csv_columns *reader, const char **at, const char *end, size_t room,
                      size_t *rows, struct lathe_error *error)
{
    *rows = 0;
    if (csv_is_number_byte(reader->reader.dialect.delimiter))
        return fail(error, LATHE_UNSUPPORTED,
                    "columns cannot be delimited by '%c', which numbers are written with",
                    reader->reader.dialect.delimiter);
    if (!point(reader, *at, end, error))
        return false;
    bool read = true;
    while (read && *rows < room && csv_record_begin(&reader->reader)) {
        read = reader->width || find_width(reader, error);
        size_t plain = read ? read_plain(reader, *rows, room - *rows) : 0;
        if (read && !plain) {
            read = read_row(reader, *rows, error);
            plain = read;
        }
        *rows += plain;
    }
    *at = reader->reader.at;
    return read;
}
