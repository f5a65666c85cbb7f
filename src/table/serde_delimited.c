/* Hive's LazySimpleSerDe: fields between delimiters, lists and maps in them between others,
 * escapes, a word for null; what is no value of its column's type is null, and so is what a short
 * line lacks. */
#include <stdlib.h>
#include <string.h>

#include "table/serde.h"

enum { LEVELS = 8 };

struct delimited {
    char separators[LEVELS];
    bool escapes;
    char escape;
    const char *null_word;
    size_t null_size;
};

/* An option's character: itself, or its code as a number. */
static char character_of(const char *text)
{
    char *end;
    long code = strtol(text, &end, 10);
    bool is_code = *text && !*end && text[1] && code >= -128 && code <= 255;
    return is_code ? (char)code : *text;
}

static bool open_delimited(struct serde *serde, GError **error)
{
    (void)error;
    const struct relation *relation = serde->relation;
    struct delimited *delimited = g_new0(struct delimited, 1);
    for (int i = 0; i < LEVELS; i++)
        delimited->separators[i] = (char)(i + 1);
    const char *whole = relation_option(relation, "serialization.format", NULL);
    const char *field = relation_option(relation, "field.delim", whole);
    const char *list = relation_option(relation, "collection.delim",
                                       relation_option(relation, "colelction.delim", NULL));
    const char *key = relation_option(relation, "mapkey.delim", NULL);
    const char *escape = relation_option(relation, "escape.delim", NULL);
    delimited->separators[0] = field ? character_of(field) : 1;
    delimited->separators[1] = list ? character_of(list) : 2;
    delimited->separators[2] = key ? character_of(key) : 3;
    delimited->escapes = escape != NULL;
    delimited->escape = escape ? character_of(escape) : 0;
    delimited->null_word = relation_option(relation, "serialization.null.format", "\\N");
    delimited->null_size = strlen(delimited->null_word);
    serde->state = delimited;
    return true;
}

static void close_delimited(struct serde *serde)
{
    g_free(serde->state);
}

/* The end of what starts at `at`: the next separator that is not escaped. */
static const char *end_of(const struct delimited *delimited, const char *at, const char *end,
                          char separator)
{
    if (!delimited->escapes) {
        const char *found = memchr(at, separator, (size_t)(end - at));
        return found ? found : end;
    }
    for (; at < end && *at != separator; at++)
        if (*at == delimited->escape && at + 1 < end)
            at++;
    return at;
}

static void unescape(const struct delimited *delimited, GString *out, struct serde_field *field)
{
    if (!delimited->escapes || !memchr(field->bytes, delimited->escape, field->size))
        return;
    g_string_truncate(out, 0);
    for (size_t i = 0; i < field->size; i++) {
        bool escaped = field->bytes[i] == delimited->escape && i + 1 < field->size;
        i += escaped;
        char c = field->bytes[i];
        g_string_append_c(out, escaped && c == 'r' ? '\r' : escaped && c == 'n' ? '\n' : c);
    }
    *field = (struct serde_field){out->str, out->len};
}

struct reading {
    const struct delimited *delimited;
    GString *scratch;
};

static void set_value(const struct reading *reading, struct sink *sink, uint64_t row,
                      struct serde_field field, int level);

static bool is_null_word(const struct delimited *delimited, const struct serde_field *field)
{
    return !field->bytes || (field->size == delimited->null_size &&
                             memcmp(field->bytes, delimited->null_word, field->size) == 0);
}

static struct serde_field next_part(const struct delimited *delimited, const char **at,
                                    const char *end, char separator)
{
    const char *stop = end_of(delimited, *at, end, separator);
    struct serde_field part = {*at, (size_t)(stop - *at)};
    *at = stop < end ? stop + 1 : NULL;
    return part;
}

static void set_pair(const struct reading *reading, struct sink *sink, uint64_t row,
                     struct serde_field pair, int level)
{
    const char *at = pair.bytes, *end = pair.bytes + pair.size;
    char separator = reading->delimited->separators[MIN(level + 1, LEVELS - 1)];
    struct serde_field key = next_part(reading->delimited, &at, end, separator);
    struct serde_field value = {at, at ? (size_t)(end - at) : 0};
    uint64_t element = sink_next_element(sink, row);
    set_value(reading, &sink->children[0], element, key, level + 2);
    set_value(reading, &sink->children[1], element, value, level + 2);
}

static void set_list(const struct reading *reading, struct sink *sink, uint64_t row,
                     const struct serde_field *field, int level)
{
    const char *at = field->size ? field->bytes : NULL, *end = field->bytes + field->size;
    char separator = reading->delimited->separators[MIN(level, LEVELS - 1)];
    sink_begin_list(sink, row);
    while (at) {
        struct serde_field part = next_part(reading->delimited, &at, end, separator);
        if (sink->type->kind == SQL_MAP)
            set_pair(reading, sink, row, part, level);
        else
            set_value(reading, &sink->children[0], sink_next_element(sink, row), part, level + 1);
    }
}

static void set_members(const struct reading *reading, struct sink *sink, uint64_t row,
                        const struct serde_field *field, int level)
{
    const char *at = field->bytes, *end = field->bytes + field->size;
    char separator = reading->delimited->separators[MIN(level, LEVELS - 1)];
    for (size_t i = 0; i < sink->count; i++) {
        struct serde_field part = {0};
        if (at)
            part = next_part(reading->delimited, &at, end, separator);
        set_value(reading, &sink->children[i], row, part, level + 1);
    }
}

static void set_value(const struct reading *reading, struct sink *sink, uint64_t row,
                      struct serde_field field, int level)
{
    if (is_null_word(reading->delimited, &field)) {
        sink_null(sink, row);
    } else if (sink->type->kind == SQL_ARRAY || sink->type->kind == SQL_MAP) {
        set_list(reading, sink, row, &field, level);
    } else if (sink->type->kind == SQL_ROW) {
        set_members(reading, sink, row, &field, level);
    } else {
        unescape(reading->delimited, reading->scratch, &field);
        if (!sink_parse(sink, row, field.bytes, field.size))
            sink_null(sink, row);
    }
}

static bool read_delimited(const struct serde *serde, struct serde_work *work, const char *line,
                           size_t size, struct sink *const *columns, uint64_t row, GError **error)
{
    (void)error;
    struct reading reading = {serde->state, work->scratch};
    const char *at = line, *end = line + size;
    for (size_t i = 0; i < serde->relation->column_count; i++) {
        struct serde_field field = {0};
        if (at)
            field = next_part(reading.delimited, &at, end, reading.delimited->separators[0]);
        if (columns[i])
            set_value(&reading, columns[i], row, field, 1);
    }
    return true;
}

const struct serde_kind serde_delimited = {
    .open = open_delimited, .close = close_delimited, .read = read_delimited};
