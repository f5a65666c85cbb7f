/* JSON, a document a line, as Hive's and OpenX's JsonSerDe read it: members by their names in any
 * case, lists and rows within, and in a column of texts whatever stands there. */
#include <string.h>

#include "base/error.h"
#include "parse/reader.h"
#include "table/serde.h"

struct json_state {
    GHashTable *places; /* a member's name in lower case to a column's number and one */
    bool forgives;      /* lines that are no JSON are rows of nulls */
};

/* OpenX: "mapping.a" = "b" says that column a is the member b. */
static const char *member_of(const struct relation *relation, const char *column)
{
    g_autofree char *option = g_strconcat("mapping.", column, NULL);
    return relation_option(relation, option, column);
}

static bool open_json(struct serde *serde, GError **error)
{
    (void)error;
    const struct relation *relation = serde->relation;
    struct json_state *state = g_new0(struct json_state, 1);
    state->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < relation->column_count; i++)
        g_hash_table_insert(state->places,
                            g_utf8_strdown(member_of(relation, relation->columns[i].name), -1),
                            GSIZE_TO_POINTER(i + 1));
    state->forgives =
        g_ascii_strcasecmp(relation_option(relation, "ignore.malformed.json", ""), "true") == 0;
    serde->state = state;
    return true;
}

static void close_json(struct serde *serde)
{
    struct json_state *state = serde->state;
    g_hash_table_unref(state->places);
    g_free(state);
}

struct reading {
    struct reader *reader;
    GString *scratch;
    size_t column; /* the one that is being read, for errors */
    GError **error;
};

static bool read_value(struct reading *reading, struct sink *sink, uint64_t row);

static bool fail_value(const struct reading *reading, const char *bytes, size_t size)
{
    return error_set(reading->error, ERROR_VALIDATION,
                     "HIVE_BAD_DATA: Error parsing field value for field %zu: For input string: "
                     "\"%.*s\"",
                     reading->column, (int)MIN(size, 500), bytes);
}

static void copy_text(const struct reading *reading)
{
    g_string_set_size(reading->scratch, reading->reader->size);
    size_t size = reader_copy(reading->reader, reading->scratch->str);
    g_string_set_size(reading->scratch, size);
}

static bool set_text(const struct reading *reading, struct sink *sink, uint64_t row,
                     const char *bytes, size_t size)
{
    sink_not_null(sink, row);
    return sink_parse(sink, row, bytes, size) || fail_value(reading, bytes, size);
}

/* An object or list in a column of texts: as it is written. */
static bool set_raw(struct reading *reading, struct sink *sink, uint64_t row)
{
    struct reader *reader = reading->reader;
    const char *start = (const char *)reader->next - 1;
    if (!reader_skip(reader))
        return false;
    return set_text(reading, sink, row, start, (size_t)((const char *)reader->next - start));
}

static bool read_elements(struct reading *reading, struct sink *sink, uint64_t row)
{
    struct reader *reader = reading->reader;
    sink_not_null(sink, row);
    sink_begin_list(sink, row);
    while (reader_next(reader) != READER_ARRAY_END) {
        if (reader->event <= READER_END)
            return false;
        uint64_t element = sink_next_element(sink, row);
        if (!read_value(reading, &sink->children[0], element))
            return false;
    }
    return true;
}

static bool read_entries(struct reading *reading, struct sink *sink, uint64_t row)
{
    struct reader *reader = reading->reader;
    sink_not_null(sink, row);
    sink_begin_list(sink, row);
    while (reader_next(reader) == READER_KEY) {
        copy_text(reading);
        uint64_t element = sink_next_element(sink, row);
        if (!set_text(reading, &sink->children[0], element, reading->scratch->str,
                      reading->scratch->len) ||
            reader_next(reader) <= READER_END || !read_value(reading, &sink->children[1], element))
            return false;
    }
    return reader->event == READER_OBJECT_END;
}

static struct sink *member_named(struct sink *sink, const char *name)
{
    for (size_t i = 0; i < sink->count; i++)
        if (sink->type->names[i] && g_ascii_strcasecmp(sink->type->names[i], name) == 0)
            return &sink->children[i];
    return NULL;
}

static bool read_members(struct reading *reading, struct sink *sink, uint64_t row)
{
    struct reader *reader = reading->reader;
    sink_null(sink, row);
    sink_not_null(sink, row);
    while (reader_next(reader) == READER_KEY) {
        copy_text(reading);
        struct sink *member = member_named(sink, reading->scratch->str);
        if (!member ? !reader_skip(reader)
                    : reader_next(reader) <= READER_END || !read_value(reading, member, row))
            return false;
    }
    return reader->event == READER_OBJECT_END;
}

static bool is_text(const struct sink *sink)
{
    return sink->type->kind == SQL_VARCHAR || sink->type->kind == SQL_CHAR ||
           sink->type->kind == SQL_JSON;
}

static bool read_scalar(struct reading *reading, struct sink *sink, uint64_t row)
{
    struct reader *reader = reading->reader;
    switch (reader->event) {
    case READER_STRING:
        copy_text(reading);
        return set_text(reading, sink, row, reading->scratch->str, reading->scratch->len);
    case READER_NUMBER:
        return set_text(reading, sink, row, reader->text, reader->size);
    case READER_BOOL:
        return set_text(reading, sink, row, reader->truth ? "true" : "false",
                        reader->truth ? 4 : 5);
    default:
        return fail_value(reading, "", 0);
    }
}

/* The value whose event has just been read. */
static bool read_value(struct reading *reading, struct sink *sink, uint64_t row)
{
    enum reader_event event = reading->reader->event;
    enum sql_type_kind kind = sink->type->kind;
    if (event == READER_NULL) {
        sink_null(sink, row);
        return true;
    }
    if ((event == READER_OBJECT || event == READER_ARRAY) && is_text(sink))
        return set_raw(reading, sink, row);
    if (kind == SQL_ARRAY && event == READER_ARRAY)
        return read_elements(reading, sink, row);
    if (kind == SQL_MAP && event == READER_OBJECT)
        return read_entries(reading, sink, row);
    if (kind == SQL_ROW && event == READER_OBJECT)
        return read_members(reading, sink, row);
    return read_scalar(reading, sink, row);
}

static struct sink *column_named(const struct json_state *state, struct reading *reading,
                                 struct sink *const *columns)
{
    copy_text(reading);
    g_autofree char *name = g_utf8_strdown(reading->scratch->str, -1);
    size_t place = GPOINTER_TO_SIZE(g_hash_table_lookup(state->places, name));
    reading->column = place - 1;
    return place ? columns[place - 1] : NULL;
}

static bool read_object(const struct json_state *state, struct reading *reading,
                        struct sink *const *columns, uint64_t row)
{
    struct reader *reader = reading->reader;
    if (!reader_expect(reader, READER_OBJECT, "the row"))
        return false;
    while (reader_next(reader) == READER_KEY) {
        struct sink *sink = column_named(state, reading, columns);
        if (!sink ? !reader_skip(reader)
                  : reader_next(reader) <= READER_END || !read_value(reading, sink, row))
            return false;
    }
    return reader->event == READER_OBJECT_END && reader_next(reader) == READER_END;
}

static void set_nulls(const struct serde *serde, struct sink *const *columns, uint64_t row)
{
    for (size_t i = 0; i < serde->relation->column_count; i++)
        if (columns[i])
            sink_null(columns[i], row);
}

static bool is_blank(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)line[i] > ' ')
            return false;
    return true;
}

static bool read_json(const struct serde *serde, struct serde_work *work, const char *line,
                      size_t size, struct sink *const *columns, uint64_t row, GError **error)
{
    const struct json_state *state = serde->state;
    struct lathe_error wrong = {0};
    struct reader reader;
    g_autoptr(GError) failed = NULL;
    struct reading reading = {&reader, work->scratch, 0, &failed};
    set_nulls(serde, columns, row);
    if (is_blank(line, size))
        return true;
    reader_open(&reader, READER_JSON, line, size, &wrong);
    if (read_object(state, &reading, columns, row))
        return true;
    if (!failed && state->forgives) {
        set_nulls(serde, columns, row);
        return true;
    }
    if (!failed)
        return error_set(error, ERROR_VALIDATION,
                         "HIVE_CURSOR_ERROR: Row is not a valid JSON Object - JSONException: %s",
                         wrong.message);
    g_propagate_error(error, g_steal_pointer(&failed));
    return false;
}

const struct serde_kind serde_json = {.open = open_json, .close = close_json, .read = read_json};
