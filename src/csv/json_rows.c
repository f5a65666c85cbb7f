#include "csv/json_rows.h"

#include "csv/field.h"
#include "parse/number.h"
#include "parse/reader.h"

#include <math.h>
#include <string.h>

#define NO_WIDTH SIZE_MAX

/* A walk over all rows, and what becomes of their values: they are only counted, or put into a
 * matrix, or into columns. */
struct walk {
    const struct json_rows *from;
    struct reader reader;
    size_t rows;        /* done */
    size_t first_width; /* fields of the first row */

    struct csv_matrix *matrix;  /* with room for all rows, or NULL */
    struct csv_column *columns; /* or NULL */
    size_t count;
    bool in_order; /* column i reads field i, and no other */
    size_t width;  /* that a row has to have; NO_WIDTH: any */
    size_t room;   /* rows of the columns */
    struct csv_scratch *scratch;
};

/* The row's number that is being read, from 1 on. */
static size_t row_number(const struct walk *walk)
{
    return walk->rows + (walk->from->first_row ? walk->from->first_row : 1);
}

static bool fail_value(struct walk *walk, size_t field, const char *expected)
{
    struct reader *reader = &walk->reader;
    const char *found;
    struct csv_shown shown;
    switch (reader->event) {
    case READER_STRING:
    case READER_NUMBER:
        shown = csv_show(reader->text, reader->size);
        found = shown.text;
        break;
    case READER_OBJECT:
        found = "an object";
        break;
    case READER_ARRAY:
        found = "an array";
        break;
    default:
        found = reader->event == READER_BOOL ? "a truth value" : "null";
        break;
    }
    return reader_fail(reader, "row %zu, column %zu: found %s, expected %s", row_number(walk),
                       field + 1, found, expected);
}

/* The value just read as a number. */
static bool take_number(struct walk *walk, size_t field, double *number)
{
    struct reader *reader = &walk->reader;
    struct csv_text text;
    switch (reader->event) {
    case READER_NUMBER:
        *number = reader->number;
        return true;
    case READER_BOOL:
        *number = reader->truth;
        return true;
    case READER_NULL:
        *number = NAN;
        return true;
    case READER_STRING:
        if (reader->size <= UINT32_MAX) {
            text = csv_trim((struct csv_text){reader->text, (uint32_t)reader->size, true});
            *number = NAN;
            if (!text.size || number_parse(text.bytes, text.size, number))
                return true;
        }
        return fail_value(walk, field, "a number");
    default:
        return fail_value(walk, field, "a number");
    }
}

static bool take_text(struct walk *walk, size_t field, struct csv_text *text)
{
    struct reader *reader = &walk->reader;
    struct csv_scratch *scratch = walk->scratch;
    *text = (struct csv_text){.bytes = reader->text, .quoted = reader->event == READER_STRING};
    size_t size = reader->size;
    switch (reader->event) {
    case READER_NULL:
        *text = (struct csv_text){0};
        return true;
    case READER_BOOL:
        text->bytes = reader->truth ? "true" : "false";
        text->size = reader->truth ? 4 : 5;
        return true;
    case READER_STRING:
    case READER_NUMBER:
        break;
    default:
        return fail_value(walk, field, "a text");
    }
    if (reader->event == READER_STRING && reader->escaped) {
        if (scratch->size - scratch->used < reader->size)
            return fail(reader->error, LATHE_LIMIT,
                        "row %zu, column %zu: a text of %zu bytes, more than the memory for texts "
                        "has left",
                        row_number(walk), field + 1, reader->size);
        text->bytes = scratch->bytes + scratch->used;
        size = reader_copy(reader, scratch->bytes + scratch->used);
        scratch->used += size;
    }
    if (size > UINT32_MAX)
        return fail(reader->error, LATHE_LIMIT, "row %zu, column %zu: a text of 4 GiB",
                    row_number(walk), field + 1);
    text->size = (uint32_t)size;
    return true;
}

static bool put_column(struct walk *walk, struct csv_column *column, size_t field)
{
    if (column->type == CSV_TEXT)
        return take_text(walk, field, &column->texts[walk->rows]);
    return take_number(walk, field, &column->numbers[walk->rows]);
}

/* The value just read is the row's number `field`. */
static bool put_value(struct walk *walk, size_t field)
{
    if (field >= walk->width)
        return reader_fail(&walk->reader, "row %zu, column %zu: expected only %zu values",
                           row_number(walk), field + 1, walk->width);
    if (walk->matrix) {
        double number;
        if (!take_number(walk, field, &number))
            return false;
        walk->matrix->values[(walk->matrix->rows + walk->rows) * walk->width + field] =
            (float)number;
    }
    if (walk->in_order)
        return put_column(walk, &walk->columns[field], field);
    for (size_t i = 0; walk->columns && i < walk->count; i++)
        if (walk->columns[i].field == field && !put_column(walk, &walk->columns[i], field))
            return false;
    return true;
}

static bool end_row(struct walk *walk, size_t fields)
{
    if (walk->width != NO_WIDTH && fields != walk->width)
        return reader_fail(&walk->reader, "row %zu: found %zu values, expected %zu",
                           row_number(walk), fields, walk->width);
    if (!walk->rows)
        walk->first_width = fields;
    walk->rows++;
    return true;
}

static size_t unread_at(const struct json_rows *from, size_t field)
{
    return field < from->unread_count ? from->unread[field] : 0;
}

/* The values of the array just begun, whose first event has been read too. */
static bool take_values(struct walk *walk, size_t *field)
{
    struct reader *reader = &walk->reader;
    for (enum reader_event event = reader->event; event != READER_ARRAY_END;
         event = reader_next(reader)) {
        if (event == READER_FAILED)
            return false;
        if (event == READER_ARRAY && unread_at(walk->from, *field)) {
            *field += unread_at(walk->from, *field);
            if (!reader_skip(reader))
                return false;
        } else if (event == READER_ARRAY && walk->from->vectors) {
            reader_next(reader);
            if (!take_values(walk, field))
                return false;
        } else if (event == READER_ARRAY || event == READER_OBJECT) {
            return fail_value(walk, *field, "a number, a text or null");
        } else if (!put_value(walk, (*field)++)) {
            return false;
        }
    }
    return true;
}

static bool take_object(struct walk *walk);

/* The array just begun: a row, or where `rows` allows it rows. */
static bool take_array(struct walk *walk, bool rows)
{
    struct reader *reader = &walk->reader;
    enum reader_event event = reader_next(reader);
    if (event == READER_ARRAY_END)
        return true; /* no rows */
    if (!rows || (event != READER_ARRAY && event != READER_OBJECT)) {
        size_t fields = 0;
        return take_values(walk, &fields) && end_row(walk, fields);
    }
    for (; event != READER_ARRAY_END; event = reader_next(reader)) {
        if (event != READER_ARRAY && event != READER_OBJECT)
            return event != READER_FAILED &&
                   reader_fail(reader,
                               "row %zu: found a single value, expected an array or an "
                               "object, as the rows before are",
                               row_number(walk));
        if (!(event == READER_ARRAY ? take_array(walk, false) : take_object(walk)))
            return false;
    }
    return true;
}

/* An object behind the last row may still turn out to hold rows, or none: there is no room for it.
 */
static bool has_room(const struct walk *walk)
{
    return walk->columns && walk->rows < walk->room;
}

static void null_row(struct walk *walk)
{
    for (size_t i = 0; has_room(walk) && i < walk->count; i++) {
        if (walk->columns[i].type == CSV_TEXT)
            walk->columns[i].texts[walk->rows] = (struct csv_text){0};
        else
            walk->columns[i].numbers[walk->rows] = NAN;
    }
}

/* The value just read, a member called `key`, into the column of that name. The search starts
 * behind the one found last, *next: members mostly come in the columns' order. */
static bool put_member(struct walk *walk, const char *key, size_t size, size_t *next, bool *known)
{
    for (size_t i = 0; has_room(walk) && i < walk->count; i++) {
        size_t place = *next + i < walk->count ? *next + i : *next + i - walk->count;
        struct csv_column *column = &walk->columns[place];
        if (!column->name || strlen(column->name) != size || memcmp(column->name, key, size) != 0)
            continue;
        *known = true;
        *next = place + 1;
        return put_column(walk, column, column->field);
    }
    return true;
}

/* Whether the KEY just read may hold rows, if its value is an array or an object. */
static bool is_holder(const struct reader *reader)
{
    return reader_is(reader, "data") || reader_is(reader, "instances") ||
           reader_is(reader, "features");
}

/* The rows in the members of the object just begun. */
static bool take_holder(struct walk *walk)
{
    struct reader *reader = &walk->reader;
    while (reader_next(reader) == READER_KEY) {
        bool holder = is_holder(reader);
        bool rows = reader_is(reader, "instances") ||
                    (reader_is(reader, "data") && (!walk->from->vectors || walk->from->lines));
        if (!holder) {
            if (!reader_skip(reader))
                return false;
            continue;
        }
        enum reader_event event = reader_next(reader);
        bool taken = event == READER_ARRAY    ? take_array(walk, rows)
                     : event == READER_OBJECT ? take_object(walk)
                                              : event != READER_FAILED;
        if (!taken)
            return false;
    }
    return reader->event == READER_OBJECT_END;
}

enum taken { FAILED, TAKEN, HOLDS_ROWS };

/* The object just begun as a row, each member in the column of its name, unless it turns out that
 * one of them holds rows. */
static enum taken take_named(struct walk *walk)
{
    struct reader *reader = &walk->reader;
    bool named = false, counting = !walk->matrix && !walk->columns;
    size_t next = 0;
    null_row(walk);
    while (reader_next(reader) == READER_KEY) {
        const char *key = reader->text;
        size_t size = reader->size;
        bool holder = is_holder(reader);
        enum reader_event event = reader_next(reader);
        bool container = event == READER_ARRAY || event == READER_OBJECT;
        if (container && holder)
            return HOLDS_ROWS;
        if (event == READER_FAILED ||
            !(container ? reader_skip(reader) : put_member(walk, key, size, &next, &named)))
            return FAILED;
    }
    if (reader->event != READER_OBJECT_END)
        return FAILED;
    if (!named && !counting) {
        reader_fail(reader, "row %zu: found an object without %s", row_number(walk),
                    walk->matrix ? "\"data\", \"instances\" or \"features\""
                                 : "\"data\", \"instances\", \"features\" or a column's name");
        return FAILED;
    }
    walk->rows++;
    return TAKEN;
}

static bool take_object(struct walk *walk)
{
    struct reader begun = walk->reader;
    enum taken taken = take_named(walk);
    if (taken != HOLDS_ROWS)
        return taken == TAKEN;
    walk->reader = begun;
    return take_holder(walk);
}

static bool take_document(struct walk *walk, const char *text, size_t size,
                          struct lathe_error *error)
{
    struct reader *reader = &walk->reader;
    reader_open(reader, READER_JSON, text, size, error);
    reader->words = true;
    enum reader_event event = reader_next(reader);
    if (event == READER_FAILED)
        return false;
    bool done = event == READER_ARRAY    ? take_array(walk, !walk->from->vectors)
                : event == READER_OBJECT ? take_object(walk)
                                         : reader_fail(reader, "found a single value, expected "
                                                               "rows in an array or an object");
    return done && reader_next(reader) == READER_END;
}

static bool is_blank_line(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    return at == end;
}

/* The next line that is not blank, from *at to *stop; false where there is none. */
static bool next_line(const char **at, const char **stop, const char *end, size_t *line)
{
    for (; *at < end; *at = *stop + 1) {
        const char *feed = memchr(*at, '\n', (size_t)(end - *at));
        *stop = feed ? feed : end;
        ++*line;
        if (!is_blank_line(*at, *stop))
            return true;
    }
    return false;
}

static bool take_lines(struct walk *walk, const char *at, const char *end,
                       struct lathe_error *error)
{
    const char *stop = at;
    size_t line = walk->from->first_line ? walk->from->first_line - 1 : 0;
    for (; next_line(&at, &stop, end, &line); at = stop < end ? stop + 1 : end)
        if (!take_document(walk, at, (size_t)(stop - at), error))
            return fail_prefix(error, "line %zu: ", line);
    return true;
}

/* Where the text begins, a byte order mark taken off. */
static const char *begin(const struct json_rows *from)
{
    return from->size && !from->inside ? csv_skip_mark(from->text, from->text + from->size)
                                       : from->text;
}

static bool run_walk(struct walk *walk, struct lathe_error *error)
{
    const struct json_rows *from = walk->from;
    const char *end = from->size ? from->text + from->size : from->text;
    const char *at = begin(from);
    bool done = from->lines ? take_lines(walk, at, end, error)
                            : take_document(walk, at, (size_t)(end - at), error);
    if (!done && from->name)
        fail_prefix(error, "%s%s", from->name, from->lines ? ", " : ": ");
    return done;
}

bool json_rows_schema(const struct json_rows *from, const char **schema, size_t *size,
                      struct lathe_error *error)
{
    *schema = NULL;
    *size = 0;
    const char *end = from->size ? from->text + from->size : from->text;
    const char *at = begin(from), *stop = end;
    size_t line = 0;
    if (from->lines && !next_line(&at, &stop, end, &line))
        return true;
    struct reader reader;
    reader_open(&reader, READER_JSON, at, (size_t)(stop - at), error);
    reader.words = true;
    if (reader_next(&reader) != READER_OBJECT)
        return reader.event != READER_FAILED;
    while (reader_next(&reader) == READER_KEY) {
        bool found = reader_is(&reader, "schema");
        const char *before = (const char *)reader.next;
        if (!reader_skip(&reader))
            return false;
        if (found) {
            *schema = before;
            *size = (size_t)((const char *)reader.next - before);
        }
    }
    return reader.event == READER_OBJECT_END;
}

bool json_rows_count(const struct json_rows *from, size_t *rows, size_t *width,
                     struct lathe_error *error)
{
    struct walk walk = {.from = from, .width = NO_WIDTH};
    if (!run_walk(&walk, error))
        return false;
    *rows = walk.rows;
    if (width)
        *width = walk.first_width;
    return true;
}

bool json_rows_matrix(const struct json_rows *from, struct csv_matrix *matrix,
                      struct lathe_error *error)
{
    size_t columns = matrix->columns, rows, width;
    if (!json_rows_count(from, &rows, &width, error))
        return false;
    if (!rows)
        return true;
    if (!columns)
        matrix->columns = width ? width : 1;
    struct walk walk = {.from = from, .matrix = matrix, .width = matrix->columns};
    if (!csv_matrix_reserve(matrix, rows, error) || !run_walk(&walk, error)) {
        matrix->columns = columns;
        return false;
    }
    matrix->rows += walk.rows;
    return true;
}

bool json_rows_columns(const struct json_rows *from, struct csv_column *columns, size_t count,
                       size_t width, size_t rows, struct csv_scratch *scratch,
                       struct lathe_error *error)
{
    bool in_order = count == width;
    for (size_t i = 0; i < count; i++) {
        in_order = in_order && columns[i].field == i;
        if (columns[i].field >= width)
            return fail(error, LATHE_INVALID_DATA, "column %zu (%s) of rows of %zu values",
                        columns[i].field + 1, columns[i].name ? columns[i].name : "no name", width);
    }
    struct csv_column none;
    struct walk walk = {.from = from,
                        .columns = count ? columns : &none,
                        .count = count,
                        .in_order = in_order,
                        .width = width,
                        .room = rows,
                        .scratch = scratch};
    return run_walk(&walk, error);
}
