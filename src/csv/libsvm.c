#include "csv/libsvm.h"

#include "csv/field.h"
#include "parse/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HIGHEST_INDEX 0x7fffffffu

/* Where the reading stands in a line. */
struct place {
    const char *at, *end; /* what is left of the line, without its comment */
    const char *line_start;
    size_t line;
    const char *name;
};

/* Fails with the place of `at` and the item found there. */
static bool fail_item(const struct place *place, const char *at, struct lathe_error *error,
                      const char *expected)
{
    const char *stop = at;
    while (stop < place->end && *stop != ' ' && *stop != '\t')
        stop++;
    return fail(error, LATHE_INVALID_DATA, "%s%sline %zu, column %zu: found %s, expected %s",
                place->name ? place->name : "", place->name ? ", " : "", place->line,
                (size_t)(at - place->line_start) + 1, csv_show(at, (size_t)(stop - at)).text,
                expected);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next item of the line, or NULL at its end. */
static const char *next_item(struct place *place)
{
    while (place->at < place->end && is_blank(*place->at))
        place->at++;
    return place->at < place->end ? place->at : NULL;
}

static bool at_item_end(const struct place *place, const char *at)
{
    return at == place->end || is_blank(*at);
}

/* A whole number up to `most`; NULL where there is none. */
static const char *scan_index(const char *at, const char *end, uint32_t most, uint32_t *index)
{
    uint64_t value = 0;
    const char *start = at;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > most)
            return NULL;
    }
    *index = (uint32_t)value;
    return at > start ? at : NULL;
}

static bool is_label(const struct place *place, const char *item, bool labels_optional)
{
    if (!labels_optional)
        return true;
    while (!at_item_end(place, item))
        if (*item++ == ':')
            return false;
    return true;
}

/* `label` or `label:weight` */
static bool read_label(struct libsvm_rows *rows, struct place *place, const char *item,
                       struct lathe_error *error)
{
    double label, weight = 1;
    const char *at = number_scan(item, place->end, &label);
    if (at && at < place->end && *at == ':') {
        at = number_scan(at + 1, place->end, &weight);
        rows->has_weights = true;
    }
    if (!at || !at_item_end(place, at))
        return fail_item(place, item, error, "a label, or label:weight");
    if (!(weight >= 0))
        return fail_item(place, item, error, "a weight of 0 or more");
    rows->labels[rows->rows] = (float)label;
    rows->weights[rows->rows] = (float)weight;
    place->at = at;
    return true;
}

static bool read_query(struct libsvm_rows *rows, struct place *place, const char *item,
                       struct lathe_error *error)
{
    const char *at = scan_index(item + 4, place->end, UINT32_MAX, &rows->queries[rows->rows]);
    if (!at || !at_item_end(place, at))
        return fail_item(place, item, error, "qid:N with a whole number below 2^32");
    place->at = at;
    return true;
}

/* The value at `at`: NULL where it is none, else what comes behind. */
static const char *read_value(const struct place *place, const struct libsvm_options *options,
                              uint32_t index, const char *at, double *value)
{
    if (!options->value) {
        at = number_scan(at, place->end, value);
        return at && at_item_end(place, at) ? at : NULL;
    }
    const char *stop = at;
    while (!at_item_end(place, stop))
        stop++;
    struct csv_text text = text_of(at, (size_t)(stop - at));
    return stop > at && options->value(options->context, index, text, value) ? stop : NULL;
}

static bool read_entry(struct libsvm_rows *rows, size_t entry, struct place *place,
                       const char *item, const struct libsvm_options *options,
                       struct lathe_error *error)
{
    uint32_t index;
    double value;
    const char *at = scan_index(item, place->end, HIGHEST_INDEX, &index);
    if (!at || at == place->end || *at != ':')
        return fail_item(place, item, error, "index:value with an index from 0 to 2147483647");
    at = read_value(place, options, index, at + 1, &value);
    if (!at)
        return fail_item(place, item, error,
                         options->value
                             ? "index:value with a number, or a category that is known, for value"
                             : "index:value with a number for value");
    if (entry > rows->starts[rows->rows] && rows->indices[entry - 1] == index)
        return fail_item(place, item, error, "another index than the one before");
    rows->indices[entry] = index;
    rows->values[entry] = (float)value;
    rows->lowest = index < rows->lowest ? index : rows->lowest;
    rows->highest = index > rows->highest ? index : rows->highest;
    place->at = at;
    return true;
}

/* Reads a line that has at least one item. */
static bool read_line(struct libsvm_rows *rows, struct place *place,
                      const struct libsvm_options *options, struct lathe_error *error)
{
    const char *item = next_item(place);
    size_t entry = rows->starts[rows->rows];
    rows->labels[rows->rows] = NAN;
    rows->weights[rows->rows] = 1;
    rows->queries[rows->rows] = 0;
    if (is_label(place, item, options->labels_optional)) {
        if (!read_label(rows, place, item, error))
            return false;
        item = next_item(place);
    }
    bool query = item && place->end - item >= 4 && !memcmp(item, "qid:", 4);
    bool known = rows->rows > 0 || options->queries != LIBSVM_AS_FIRST;
    if (known && query != (rows->rows ? rows->has_queries : options->queries == LIBSVM_QUERIES))
        return fail_item(place, item ? item : place->at, error,
                         query ? "no qid, as in the rows before" : "qid:N, as in the rows before");
    if (query) {
        if (!read_query(rows, place, item, error))
            return false;
        item = next_item(place);
    }
    rows->has_queries = query;
    for (; item; item = next_item(place), entry++)
        if (!read_entry(rows, entry, place, item, options, error))
            return false;
    rows->starts[++rows->rows] = entry;
    return true;
}

static bool grow(void **array, size_t count, size_t size)
{
    void *grown = count <= SIZE_MAX / 2 / size ? realloc(*array, count * size) : NULL;
    if (grown)
        *array = grown;
    return grown != NULL;
}

static size_t larger(size_t needed, size_t capacity)
{
    size_t grown = capacity + capacity / 2;
    return needed > grown ? needed : grown;
}

static bool reserve(struct libsvm_rows *rows, size_t needed, size_t entries,
                    struct lathe_error *error)
{
    bool done = true;
    if (needed > rows->row_capacity || !rows->starts) {
        needed = larger(needed, rows->row_capacity);
        bool fresh = !rows->starts;
        done = grow((void **)&rows->starts, needed + 1, sizeof *rows->starts) &&
               grow((void **)&rows->labels, needed, sizeof *rows->labels) &&
               grow((void **)&rows->weights, needed, sizeof *rows->weights) &&
               grow((void **)&rows->queries, needed, sizeof *rows->queries);
        if (done)
            rows->row_capacity = needed;
        if (fresh && rows->starts)
            rows->starts[0] = 0;
    }
    if (done && entries > rows->entry_capacity) {
        entries = larger(entries, rows->entry_capacity);
        done = grow((void **)&rows->indices, entries, sizeof *rows->indices) &&
               grow((void **)&rows->values, entries, sizeof *rows->values);
        if (done)
            rows->entry_capacity = entries;
    }
    return done ||
           fail(error, LATHE_NO_MEMORY, "no memory for %zu rows of %zu entries", needed, entries);
}

/* Room for all rows and entries that the text can have, so that none is checked for later. */
static bool reserve_for(struct libsvm_rows *rows, const char *text, const char *end,
                        struct lathe_error *error)
{
    size_t entries = rows->starts ? rows->starts[rows->rows] : 0;
    for (const char *at = text; (at = memchr(at, ':', (size_t)(end - at))); at++)
        entries++;
    size_t needed = rows->rows + csv_count_lines(text, end) + 1;
    size_t most = rows->rows + (size_t)(end - text) / 2 + 1; /* a row is a byte and a line end */
    return reserve(rows, needed < most ? needed : most, entries, error);
}

/* The line at *at, its end and its comment cut off; *at goes to the next. */
static struct place take_line(const char **at, const char *end)
{
    struct place place = {.at = *at, .line_start = *at};
    const char *stop = *at, *comment = NULL;
    for (; stop < end && !csv_is_line_end(*stop); stop++)
        if (*stop == '#' && !comment)
            comment = stop;
    place.end = comment ? comment : stop;
    if (stop < end)
        stop += *stop == '\r' && end - stop > 1 && stop[1] == '\n' ? 2 : 1;
    *at = stop;
    return place;
}

static bool read_lines(struct libsvm_rows *rows, const char *at, const char *end,
                       const struct libsvm_options *options, struct lathe_error *error)
{
    size_t first = rows->rows;
    for (size_t line = options->first_line ? options->first_line : 1; at < end; line++) {
        struct place place = take_line(&at, end);
        place.line = line;
        place.name = options->name;
        if (!next_item(&place))
            continue;
        if (options->max_rows && rows->rows - first == options->max_rows)
            return fail(error, LATHE_LIMIT, "%s%sline %zu: more rows than the limit of %zu",
                        options->name ? options->name : "", options->name ? ", " : "", line,
                        options->max_rows);
        if (!read_line(rows, &place, options, error))
            return false;
    }
    return true;
}

bool libsvm_append(struct libsvm_rows *rows, const char *text, size_t size,
                   const struct libsvm_options *options, struct lathe_error *error)
{
    static const struct libsvm_options defaults = {0};
    if (!rows->rows)
        rows->lowest = UINT32_MAX;
    if (!size)
        return true;
    options = options ? options : &defaults;
    const char *end = text + size, *at = options->inside ? text : csv_skip_mark(text, end);
    if (!reserve_for(rows, at, end, error))
        return false;
    struct libsvm_rows before = *rows; /* the arrays no longer move */
    if (read_lines(rows, at, end, options, error))
        return true;
    *rows = before;
    return false;
}

bool libsvm_join(struct libsvm_rows *rows, const struct libsvm_rows *more,
                 struct lathe_error *error)
{
    if (!rows->rows)
        rows->lowest = UINT32_MAX;
    if (!more->rows)
        return true;
    size_t before = rows->starts ? rows->starts[rows->rows] : 0, entries = more->starts[more->rows];
    if (!reserve(rows, rows->rows + more->rows, before + entries, error))
        return false;
    memcpy(rows->labels + rows->rows, more->labels, more->rows * sizeof *rows->labels);
    memcpy(rows->weights + rows->rows, more->weights, more->rows * sizeof *rows->weights);
    memcpy(rows->queries + rows->rows, more->queries, more->rows * sizeof *rows->queries);
    if (entries) {
        memcpy(rows->indices + before, more->indices, entries * sizeof *rows->indices);
        memcpy(rows->values + before, more->values, entries * sizeof *rows->values);
    }
    for (size_t i = 1; i <= more->rows; i++)
        rows->starts[rows->rows + i] = before + more->starts[i];
    rows->rows += more->rows;
    rows->has_weights = rows->has_weights || more->has_weights;
    rows->has_queries = more->has_queries;
    rows->lowest = more->lowest < rows->lowest ? more->lowest : rows->lowest;
    rows->highest = more->highest > rows->highest ? more->highest : rows->highest;
    return true;
}

void libsvm_scatter(const struct libsvm_rows *rows, size_t first, size_t count, size_t width,
                    float *block)
{
    for (size_t row = 0; row < count; row++, block += width)
        for (size_t i = rows->starts[first + row]; i < rows->starts[first + row + 1]; i++)
            block[rows->indices[i]] = rows->values[i];
}

void libsvm_gather(const struct libsvm_rows *rows, size_t first, size_t count, size_t width,
                   float *block)
{
    for (size_t row = 0; row < count; row++, block += width)
        for (size_t i = rows->starts[first + row]; i < rows->starts[first + row + 1]; i++)
            block[rows->indices[i]] = NAN;
}

void libsvm_clear(struct libsvm_rows *rows)
{
    free(rows->starts);
    free(rows->indices);
    free(rows->values);
    free(rows->labels);
    free(rows->weights);
    free(rows->queries);
    *rows = (struct libsvm_rows){0};
}
