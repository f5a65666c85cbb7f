#include "program/transform_filter.h"

#include <string.h>

#include "base/error.h"
#include "csv/reader.h"
#include "parse/reader.h"

/* A value as it is written. */
struct span {
    const char *bytes;
    size_t size;
};

static struct span trimmed(const char *from, const char *to)
{
    while (from < to && memchr(" \t\r\n:,", *from, 6))
        from++;
    while (from < to && memchr(" \t\r\n", to[-1], 4))
        to--;
    return (struct span){from, (size_t)(to - from)};
}

static void append(GString *out, struct span span)
{
    g_string_append_len(out, span.bytes, (gssize)span.size);
}

/* ---- into JSON ---- */

static bool no_json(const struct lathe_error *cause, GError **error)
{
    return error_set(error, ERROR_VALIDATION, "the record is no JSON: %s", cause->message);
}

static void begin(struct reader *reader, struct span of, struct lathe_error *cause)
{
    reader_open(reader, READER_JSON, of.bytes, of.size, cause);
    reader->words = true;
}

/* The value that the next event would begin. */
static bool take_value(struct reader *reader, struct span *value)
{
    const char *before = (const char *)reader->next;
    if (!reader_skip(reader))
        return false;
    *value = trimmed(before, (const char *)reader->next);
    return true;
}

static bool is_called(const struct reader *reader, const char *name)
{
    if (!reader->escaped)
        return reader_is(reader, name);
    g_autofree char *plain = g_malloc(reader->size);
    size_t size = reader_copy(reader, plain);
    return size == strlen(name) && memcmp(plain, name, size) == 0;
}

static bool find_member(struct span object, const char *name, struct span *found, GError **error)
{
    struct lathe_error cause;
    struct reader reader;
    begin(&reader, object, &cause);
    if (reader_next(&reader) == READER_OBJECT) {
        while (reader_next(&reader) == READER_KEY) {
            bool wanted = is_called(&reader, name);
            struct span value;
            if (!take_value(&reader, &value))
                return no_json(&cause, error);
            if (wanted) {
                *found = value;
                return true;
            }
        }
    }
    if (reader.event == READER_FAILED)
        return no_json(&cause, error);
    return error_set(error, ERROR_VALIDATION, "the record has no member \"%s\"", name);
}

/* The next element's value, or that of the next member: false at the end, and where it fails. */
static bool next_element(struct reader *reader, bool object, struct span *value)
{
    const char *before = (const char *)reader->next;
    enum reader_event event = reader_next(reader);
    if (object && event == READER_KEY) {
        before = (const char *)reader->next;
        event = reader_next(reader);
    }
    if (event == READER_OBJECT_END || event == READER_ARRAY_END || event == READER_FAILED)
        return false;
    if ((event == READER_OBJECT || event == READER_ARRAY) && !reader_skip(reader))
        return false;
    *value = trimmed(before, (const char *)reader->next);
    return true;
}

/* The elements of an array, or, where they will do, the values of an object. */
static GArray *elements_of(struct span of, bool objects, GError **error)
{
    struct lathe_error cause;
    struct reader reader;
    struct span value;
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(struct span));
    begin(&reader, of, &cause);
    enum reader_event event = reader_next(&reader);
    bool object = event == READER_OBJECT && objects;
    while ((event == READER_ARRAY || object) && next_element(&reader, object, &value))
        g_array_append_val(found, value);
    if (reader.event == READER_FAILED)
        no_json(&cause, error);
    else if (event == READER_ARRAY || object)
        return g_steal_pointer(&found);
    else
        error_set(error, ERROR_VALIDATION, "the record has no array where the filter wants one");
    return NULL;
}

/* ---- what a step chooses of an array ---- */

static bool index_in(gint64 index, size_t count, size_t *found, GError **error)
{
    gint64 at = index < 0 ? index + (gint64)count : index;
    *found = (size_t)at;
    return (at >= 0 && at < (gint64)count) ||
           error_set(error, ERROR_VALIDATION,
                     "the filter wants the element %" G_GINT64_FORMAT
                     " of a record that has %zu of them",
                     index, count);
}

static size_t bound_of(gint64 bound, size_t count)
{
    gint64 whole = (gint64)count;
    if (bound == G_MININT64)
        return 0;
    return (size_t)CLAMP(bound < 0 ? bound + whole : bound, 0, whole);
}

/* Which elements, of so many, a step chooses. */
static bool choose(const struct json_path_step *step, size_t count, GArray *chosen, GError **error)
{
    if (step->choice == JSON_PATH_NAMES)
        return error_set(error, ERROR_VALIDATION,
                         "the filter wants a member \"%s\" of a record that is an array",
                         (char *)g_ptr_array_index(step->names, 0));
    for (guint i = 0; i < step->indexes->len; i++) {
        size_t at;
        if (!index_in(g_array_index(step->indexes, gint64, i), count, &at, error))
            return false;
        g_array_append_val(chosen, at);
    }
    size_t to = step->choice == JSON_PATH_SLICE ? bound_of(step->to, count) : count;
    for (size_t i = bound_of(step->from, count); step->choice >= JSON_PATH_SLICE && i < to; i++)
        g_array_append_val(chosen, i);
    return true;
}

/* ---- a path ---- */

static bool follow(const struct json_path *path, guint number, struct span value, GString *out,
                   GError **error);

static bool follow_names(const struct json_path *path, guint number, struct span value,
                         GString *out, GError **error)
{
    const struct json_path_step *step = g_ptr_array_index(path->steps, number);
    bool single = json_path_is_single(step);
    for (guint i = 0; i < step->names->len; i++) {
        const char *name = g_ptr_array_index(step->names, i);
        struct span member;
        if (!find_member(value, name, &member, error))
            return false;
        if (!single)
            g_string_append_printf(out, "%c\"%s\":", i ? ',' : '{', name);
        if (!follow(path, number + 1, member, out, error))
            return false;
    }
    if (!single)
        g_string_append_c(out, '}');
    return true;
}

static bool follow_elements(const struct json_path *path, guint number, struct span value,
                            GString *out, GError **error)
{
    const struct json_path_step *step = g_ptr_array_index(path->steps, number);
    bool single = json_path_is_single(step);
    g_autoptr(GArray) elements = elements_of(value, step->choice == JSON_PATH_ALL, error);
    g_autoptr(GArray) chosen = g_array_new(FALSE, FALSE, sizeof(size_t));
    if (!elements || !choose(step, elements->len, chosen, error))
        return false;
    if (!single)
        g_string_append_c(out, '[');
    for (guint i = 0; i < chosen->len; i++) {
        size_t at = g_array_index(chosen, size_t, i);
        if (i)
            g_string_append_c(out, ',');
        if (!follow(path, number + 1, g_array_index(elements, struct span, at), out, error))
            return false;
    }
    if (!single)
        g_string_append_c(out, ']');
    return true;
}

static bool follow(const struct json_path *path, guint number, struct span value, GString *out,
                   GError **error)
{
    if (number == path->steps->len) {
        append(out, value);
        return true;
    }
    const struct json_path_step *step = g_ptr_array_index(path->steps, number);
    return step->choice == JSON_PATH_NAMES ? follow_names(path, number, value, out, error)
                                           : follow_elements(path, number, value, out, error);
}

bool filter_json(const struct json_path *path, const char *json, size_t size, GString *out,
                 GError **error)
{
    return follow(path, 0, trimmed(json, json + size), out, error);
}

/* ---- CSV ---- */

/* As it is written, quotes and all. */
static void append_field(GString *out, const struct csv_text *field)
{
    g_string_append_len(out, field->bytes - field->quoted,
                        (gssize)field->size + 2 * (gssize)field->quoted);
}

static bool read_fields(const char *row, size_t size, struct csv_text **fields, size_t *count,
                        GError **error)
{
    struct csv_reader reader;
    struct lathe_error cause;
    csv_reader_start(&reader, NULL, row, size, NULL, (struct csv_scratch){0});
    struct csv_reader again = reader;
    *count = 0;
    if (csv_reader_next(&reader, NULL, 0, count, &cause) == CSV_FAILED)
        return error_set(error, ERROR_VALIDATION, "the record is no CSV: %s", cause.message);
    *fields = g_new0(struct csv_text, *count + 1);
    csv_reader_next(&again, *fields, *count, count, NULL);
    return true;
}

bool filter_csv(const struct json_path *path, const char *row, size_t size, GString *out,
                GError **error)
{
    if (!path->steps->len) {
        g_string_append_len(out, row, (gssize)size);
        return true;
    }
    g_autofree struct csv_text *fields = NULL;
    g_autoptr(GArray) chosen = g_array_new(FALSE, FALSE, sizeof(size_t));
    size_t count;
    if (path->steps->len > 1)
        return error_set(error, ERROR_VALIDATION,
                         "a row of CSV is an array of its fields: %s goes further", path->text);
    if (!read_fields(row, size, &fields, &count, error) ||
        !choose(g_ptr_array_index(path->steps, 0), count, chosen, error))
        return false;
    for (guint i = 0; i < chosen->len; i++) {
        if (i)
            g_string_append_c(out, ',');
        append_field(out, &fields[g_array_index(chosen, size_t, i)]);
    }
    return true;
}

/* ---- joined ---- */

/* Whether a value, which is JSON, is an object, and where it ends. */
static bool look(struct span value, bool *object, GError **error)
{
    struct lathe_error cause;
    struct reader reader;
    begin(&reader, value, &cause);
    enum reader_event event = reader_next(&reader);
    bool nested = event == READER_OBJECT || event == READER_ARRAY;
    *object = event == READER_OBJECT;
    return (event != READER_FAILED && (!nested || reader_skip(&reader)) &&
            reader_next(&reader) == READER_END) ||
           no_json(&cause, error);
}

/* Adds to the object what stands for members, behind its own. */
static void add_members(struct span object, const char *members, size_t size, GString *out)
{
    struct span own = trimmed(object.bytes + 1, object.bytes + object.size - 1);
    g_string_append_c(out, '{');
    append(out, own);
    if (own.size)
        g_string_append_c(out, ',');
    g_string_append_len(out, members, (gssize)size);
    g_string_append_c(out, '}');
}

bool join_members(const char *json, size_t size, const char *members, GString *out, GError **error)
{
    struct span value = trimmed(json, json + size);
    bool object;
    if (!look(value, &object, error))
        return false;
    if (object) {
        add_members(value, members, strlen(members), out);
        return true;
    }
    g_string_append(out, "{\"SageMakerOutput\":");
    append(out, value);
    g_string_append_printf(out, ",%s}", members);
    return true;
}

bool join_json(const char *json, size_t size, const char *answer, size_t answer_size, GString *out,
               GError **error)
{
    struct span input = trimmed(json, json + size);
    struct span output = trimmed(answer, answer + answer_size);
    bool object, unused;
    if (!look(input, &object, error))
        return false;
    if (!look(output, &unused, error)) {
        g_prefix_error(error, "the model's answer: ");
        return false;
    }
    g_autoptr(GString) member = g_string_new("\"SageMakerOutput\":");
    append(member, output);
    if (object) {
        add_members(input, member->str, member->len, out);
        return true;
    }
    g_string_append(out, "{\"SageMakerInput\":");
    append(out, input);
    g_string_append_printf(out, ",%s}", member->str);
    return true;
}
