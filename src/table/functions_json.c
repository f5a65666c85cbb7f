/* JSON: its canonical text, paths into it, and values to and from it. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "parse/number.h"
#include "parse/reader.h"
#include "table/functions.h"

/* ---- canonical text ---- */

/* As Jackson writes it. */
static void put_quoted(GString *out, const char *text, size_t size)
{
    static const char short_names[] = "btn\0fr"; /* of 8 to 13 */
    g_string_append_c(out, '"');
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            g_string_append_printf(out, "\\%c", c);
        else if (c >= 8 && c <= 13 && c != 11)
            g_string_append_printf(out, "\\%c", short_names[c - 8]);
        else if (c < ' ')
            g_string_append_printf(out, "\\u%04X", c);
        else
            g_string_append_c(out, (char)c);
    }
    g_string_append_c(out, '"');
}

static bool put_value(struct reader *reader, GString *out, bool sorts);

static void copy_text(const struct reader *reader, GString *into)
{
    g_string_set_size(into, reader->size);
    g_string_set_size(into, reader_copy(reader, into->str));
}

struct member {
    GString *key, *value;
};

static void free_member(gpointer data)
{
    struct member *member = data;
    g_string_free(member->key, TRUE);
    g_string_free(member->value, TRUE);
    g_free(member);
}

static gint by_key(gconstpointer a, gconstpointer b)
{
    const struct member *first = *(struct member *const *)a;
    const struct member *second = *(struct member *const *)b;
    return strcmp(first->key->str, second->key->str);
}

/* Of members of one name the last counts, in the place of the first. */
static struct member *member_named(GPtrArray *members, GString *key)
{
    for (guint i = 0; i < members->len; i++) {
        struct member *member = members->pdata[i];
        if (g_string_equal(member->key, key)) {
            g_string_free(key, TRUE);
            g_string_truncate(member->value, 0);
            return member;
        }
    }
    struct member *member = g_new(struct member, 1);
    *member = (struct member){key, g_string_new(NULL)};
    g_ptr_array_add(members, member);
    return member;
}

static bool read_members(struct reader *reader, GPtrArray *members, bool sorts)
{
    while (reader_next(reader) == READER_KEY) {
        GString *key = g_string_new(NULL);
        copy_text(reader, key);
        struct member *member = member_named(members, key);
        if (reader_next(reader) <= READER_END || !put_value(reader, member->value, sorts))
            return false;
    }
    return reader->event == READER_OBJECT_END;
}

static void put_members(GString *out, GPtrArray *members)
{
    g_string_append_c(out, '{');
    for (guint i = 0; i < members->len; i++) {
        const struct member *member = members->pdata[i];
        g_string_append(out, i ? "," : "");
        put_quoted(out, member->key->str, member->key->len);
        g_string_append_c(out, ':');
        g_string_append_len(out, member->value->str, (gssize)member->value->len);
    }
    g_string_append_c(out, '}');
}

static bool put_object(struct reader *reader, GString *out, bool sorts)
{
    g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(free_member);
    if (!read_members(reader, members, sorts))
        return false;
    if (sorts)
        g_ptr_array_sort(members, by_key);
    put_members(out, members);
    return true;
}

static bool put_list(struct reader *reader, GString *out, bool sorts)
{
    g_string_append_c(out, '[');
    for (bool first = true; reader_next(reader) != READER_ARRAY_END; first = false) {
        g_string_append(out, first ? "" : ",");
        if (reader->event <= READER_END || !put_value(reader, out, sorts))
            return false;
    }
    g_string_append_c(out, ']');
    return true;
}

static void put_number(const struct reader *reader, GString *out)
{
    bool whole = !memchr(reader->text, '.', reader->size) &&
                 !memchr(reader->text, 'e', reader->size) &&
                 !memchr(reader->text, 'E', reader->size);
    if (whole)
        g_string_append_len(out, reader->text, (gssize)reader->size);
    else
        value_put_double(out, reader->number);
}

/* The value whose event has been read. */
static bool put_value(struct reader *reader, GString *out, bool sorts)
{
    g_autoptr(GString) text = NULL;
    switch (reader->event) {
    case READER_OBJECT:
        return put_object(reader, out, sorts);
    case READER_ARRAY:
        return put_list(reader, out, sorts);
    case READER_STRING:
        text = g_string_new(NULL);
        copy_text(reader, text);
        put_quoted(out, text->str, text->len);
        return true;
    case READER_NUMBER:
        put_number(reader, out);
        return true;
    case READER_BOOL:
        g_string_append(out, reader->truth ? "true" : "false");
        return true;
    case READER_NULL:
        g_string_append(out, "null");
        return true;
    default:
        return false;
    }
}

static bool put_canonical(const char *text, size_t size, GString *out)
{
    struct reader reader;
    reader_open(&reader, READER_JSON, text, size, NULL);
    return reader_next(&reader) > READER_END && put_value(&reader, out, true) &&
           reader_next(&reader) == READER_END;
}

static bool json_parse(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    return put_canonical(text, size, call->text)
               ? give_made(call)
               : call_fail(call, INVALID_ARGUMENT, "Cannot convert value to JSON: '%.*s'",
                           (int)size, text);
}

/* ---- paths ---- */

static bool is_plain(char c)
{
    return c == '-' || c == '_' || g_ascii_isalnum(c) || (unsigned char)c >= 0x80;
}

static bool take_quoted(const char **at, const char *end, GString *step)
{
    for (++*at; *at < end && **at != '"'; ++*at) {
        if (**at == '\\') {
            ++*at;
            if (*at == end || (**at != '"' && **at != '\\'))
                return false;
        }
        g_string_append_c(step, **at);
    }
    return *at < end && *(*at)++ == '"';
}

static bool take_step(const char **at, const char *end, GPtrArray *steps)
{
    g_autoptr(GString) step = g_string_new(NULL);
    bool bracket = **at == '[', good = true;
    if (!bracket && **at != '.')
        return false;
    ++*at;
    bool quoted = bracket && *at < end && **at == '"';
    if (quoted)
        good = take_quoted(at, end, step);
    else
        while (*at < end && (is_plain(**at) || (!bracket && **at == ':')))
            g_string_append_c(step, *(*at)++);
    if (!good || (!quoted && !step->len) || (bracket && (*at == end || *(*at)++ != ']')))
        return false;
    g_ptr_array_add(steps, g_strdup(step->str));
    return true;
}

/* The steps of a path, NULL where it is none. */
static GPtrArray *steps_of(struct function_call *call, size_t argument)
{
    size_t size;
    const char *text = call_text(call, argument, &size), *at = text, *end = text + size;
    GPtrArray *steps = g_ptr_array_new_with_free_func(g_free);
    bool good = size && *at++ == '$';
    while (good && at < end)
        good = take_step(&at, end, steps);
    if (good)
        return steps;
    g_ptr_array_unref(steps);
    call_fail(call, INVALID_ARGUMENT, "Invalid JSON path: '%.*s'", (int)size, text);
    return NULL;
}

static bool go_to_key(struct reader *reader, const char *step)
{
    g_autoptr(GString) key = g_string_new(NULL);
    while (reader_next(reader) == READER_KEY) {
        copy_text(reader, key);
        if (strcmp(key->str, step) == 0)
            return reader_next(reader) > READER_END;
        if (!reader_skip(reader))
            return false;
    }
    return false;
}

static bool go_to_place(struct reader *reader, const char *step)
{
    int64_t place;
    if (!read_integer(step, strlen(step), &place) || place < 0)
        return false;
    while (place-- > 0) {
        if (reader_next(reader) <= READER_END || reader->event == READER_ARRAY_END)
            return false;
        if ((reader->event == READER_OBJECT || reader->event == READER_ARRAY) &&
            !reader_skip(reader))
            return false;
    }
    return reader_next(reader) > READER_END && reader->event != READER_ARRAY_END;
}

/* Moves the reader to the value that the path leads to; false where there is none. */
static bool go_to(struct reader *reader, const GPtrArray *steps)
{
    if (reader_next(reader) <= READER_END)
        return false;
    for (guint i = 0; i < steps->len; i++) {
        const char *step = steps->pdata[i];
        bool found = reader->event == READER_OBJECT  ? go_to_key(reader, step)
                     : reader->event == READER_ARRAY ? go_to_place(reader, step)
                                                     : false;
        if (!found)
            return false;
    }
    return true;
}

static bool open_at(struct function_call *call, struct reader *reader, bool *found)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    g_autoptr(GPtrArray) steps = steps_of(call, 1);
    if (!steps)
        return false;
    reader_open(reader, READER_JSON, text, size, NULL);
    *found = go_to(reader, steps);
    return true;
}

static bool json_extract(struct function_call *call)
{
    struct reader reader;
    bool found;
    if (!open_at(call, &reader, &found))
        return false;
    return found && put_value(&reader, call->text, false) ? give_made(call) : give_null(call);
}

static bool json_extract_scalar(struct function_call *call)
{
    struct reader reader;
    bool found;
    if (!open_at(call, &reader, &found))
        return false;
    if (!found)
        return give_null(call);
    switch (reader.event) {
    case READER_STRING:
        copy_text(&reader, call->text);
        return give_made(call);
    case READER_NUMBER:
        return give_text(call, reader.text, reader.size);
    case READER_BOOL:
        return give_text(call, reader.truth ? "true" : "false", reader.truth ? 4 : 5);
    default:
        return give_null(call);
    }
}

/* How many elements or members follow; -1 where the text is broken. */
static int64_t count_inside(struct reader *reader)
{
    bool list = reader->event == READER_ARRAY;
    int64_t count = 0;
    for (;; count++) {
        enum reader_event event = reader_next(reader);
        if (event <= READER_END)
            return -1;
        if (event == READER_ARRAY_END || event == READER_OBJECT_END)
            return count;
        if ((!list || event == READER_ARRAY || event == READER_OBJECT) && !reader_skip(reader))
            return -1;
    }
}

static bool json_size(struct function_call *call)
{
    struct reader reader;
    bool found;
    if (!open_at(call, &reader, &found))
        return false;
    if (!found)
        return give_null(call);
    if (reader.event != READER_ARRAY && reader.event != READER_OBJECT)
        return give_integer(call, 0);
    int64_t count = count_inside(&reader);
    return count < 0 ? give_null(call) : give_integer(call, count);
}

static bool begin_list(struct function_call *call, struct reader *reader)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    reader_open(reader, READER_JSON, text, size, NULL);
    return reader_next(reader) == READER_ARRAY;
}

static bool json_array_length(struct function_call *call)
{
    struct reader reader;
    int64_t count = begin_list(call, &reader) ? count_inside(&reader) : -1;
    return count < 0 ? give_null(call) : give_integer(call, count);
}

static bool is_wanted(const struct function_call *call, const struct reader *reader)
{
    size_t size;
    const struct value_view *wanted = &call->arguments[1];
    if (wanted->kind == DUCKDB_BOOLEAN)
        return reader->event == READER_BOOL && reader->truth == (call_integer(call, 1) != 0);
    if (wanted->kind == DUCKDB_BIGINT)
        return reader->event == READER_NUMBER && reader->is_integer &&
               reader->integer == call_integer(call, 1);
    if (wanted->kind == DUCKDB_DOUBLE)
        return reader->event == READER_NUMBER && reader->number == call_double(call, 1);
    const char *text = call_text(call, 1, &size);
    if (reader->event != READER_STRING)
        return false;
    g_autoptr(GString) own = g_string_new(NULL);
    copy_text(reader, own);
    return own->len == size && memcmp(own->str, text, size) == 0;
}

static bool json_array_contains(struct function_call *call)
{
    struct reader reader;
    if (!begin_list(call, &reader))
        return give_null(call);
    for (;;) {
        enum reader_event event = reader_next(&reader);
        if (event == READER_ARRAY_END)
            return give_truth(call, false);
        if (event <= READER_END)
            return give_null(call);
        if (is_wanted(call, &reader))
            return give_truth(call, true);
        if ((event == READER_ARRAY || event == READER_OBJECT) && !reader_skip(&reader))
            return give_null(call);
    }
}

static bool json_array_get(struct function_call *call)
{
    struct reader reader;
    int64_t place = call_integer(call, 1);
    if (place < 0) {
        int64_t count = begin_list(call, &reader) ? count_inside(&reader) : -1;
        place += count;
    }
    char step[32];
    g_snprintf(step, sizeof step, "%" G_GINT64_FORMAT, place);
    if (place < 0 || !begin_list(call, &reader) || !go_to_place(&reader, step) ||
        reader.event == READER_NULL)
        return give_null(call);
    if (reader.event == READER_STRING) { /* Trino gives it without its quotes */
        copy_text(&reader, call->text);
        return give_made(call);
    }
    return put_value(&reader, call->text, false) ? give_made(call) : give_null(call);
}

static bool is_json_scalar(struct function_call *call)
{
    struct reader reader;
    size_t size;
    const char *text = call_text(call, 0, &size);
    reader_open(&reader, READER_JSON, text, size, NULL);
    enum reader_event event = reader_next(&reader);
    bool scalar = event >= READER_STRING;
    if (event <= READER_END || (!scalar && !reader_skip(&reader)) ||
        reader_next(&reader) != READER_END)
        return call_fail(call, INVALID_ARGUMENT, "Invalid JSON value: %.*s", (int)size, text);
    return give_truth(call, scalar);
}

/* ---- values to JSON ---- */

struct typed {
    struct arena arena;
    char *text;
    const struct sql_type *type;
};

static void forget_type(void *kept)
{
    struct typed *typed = kept;
    arena_free(&typed->arena);
    g_free(typed->text);
    g_free(typed);
}

/* The type that an argument says, read once. */
static const struct sql_type *type_of(struct function_call *call, size_t argument)
{
    size_t size;
    const char *text = call_text(call, argument, &size);
    struct typed *typed = call->kept;
    if (typed && strncmp(typed->text, text, size) == 0 && !typed->text[size])
        return typed->type;
    if (typed)
        forget_type(typed);
    call->kept = typed = g_new0(struct typed, 1);
    typed->text = g_strndup(text, size);
    typed->type = sql_type_read(&typed->arena, typed->text);
    if (!typed->type)
        call_fail(call, "NOT_SUPPORTED", "values of the type %s", typed->text);
    return typed->type;
}

static void put_json(GString *out, const struct sql_type *type, const struct value_view *view,
                     size_t row);

static void put_json_list(GString *out, const struct sql_type *type, const struct value_view *view,
                          size_t row)
{
    const struct duckdb_list_entry *entry = (const struct duckdb_list_entry *)view->data + row;
    g_string_append_c(out, '[');
    for (uint64_t i = 0; i < entry->length; i++) {
        g_string_append(out, i ? "," : "");
        put_json(out, type->parts[0], &view->children[0], entry->offset + i);
    }
    g_string_append_c(out, ']');
}

static void put_json_map(GString *out, const struct sql_type *type, const struct value_view *view,
                         size_t row)
{
    const struct duckdb_list_entry *entry = (const struct duckdb_list_entry *)view->data + row;
    const struct value_view *pair = &view->children[0];
    g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(free_member);
    for (uint64_t i = entry->offset; i < entry->offset + entry->length; i++) {
        GString *key = g_string_new(NULL);
        if (value_is_null(&pair->children[0], i))
            g_string_append(key, "null");
        else
            value_put_scalar(key, type->parts[0], &pair->children[0], i);
        put_json(member_named(members, key)->value, type->parts[1], &pair->children[1], i);
    }
    g_ptr_array_sort(members, by_key);
    put_members(out, members);
}

static void put_json_row(GString *out, const struct sql_type *type, const struct value_view *view,
                         size_t row)
{
    g_string_append_c(out, '{');
    for (size_t i = 0; i < type->count; i++) {
        const char *name = type->names && type->names[i] ? type->names[i] : "";
        g_string_append(out, i ? "," : "");
        put_quoted(out, name, strlen(name));
        g_string_append_c(out, ':');
        put_json(out, type->parts[i], &view->children[i], row);
    }
    g_string_append_c(out, '}');
}

static bool is_bare(const struct sql_type *type, const struct value_view *view, size_t row)
{
    if (type->kind == SQL_DOUBLE || type->kind == SQL_REAL)
        return isfinite(value_double(view, row));
    return (type->kind >= SQL_BOOLEAN && type->kind <= SQL_DECIMAL) || type->kind == SQL_JSON;
}

static void put_json(GString *out, const struct sql_type *type, const struct value_view *view,
                     size_t row)
{
    g_autoptr(GString) text = NULL;
    if (value_is_null(view, row) || type->kind == SQL_UNKNOWN) {
        g_string_append(out, "null");
    } else if (type->kind == SQL_ARRAY) {
        put_json_list(out, type, view, row);
    } else if (type->kind == SQL_MAP) {
        put_json_map(out, type, view, row);
    } else if (type->kind == SQL_ROW) {
        put_json_row(out, type, view, row);
    } else if (is_bare(type, view, row)) {
        value_put_scalar(out, type, view, row);
    } else {
        text = g_string_new(NULL);
        value_put_scalar(text, type, view, row);
        put_quoted(out, text->str, text->len);
    }
}

/* ---- JSON to values: to a text of JSON that DuckDB casts without further thought ---- */

struct casting {
    struct function_call *call;
    struct reader *reader;
    const struct sql_type *whole;
};

static bool cast_value(struct casting *casting, const struct sql_type *type, GString *out);

/* Trino's words for what cannot be cast within a value. */
static bool fail_cast(struct casting *casting, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail_cast(struct casting *casting, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *why = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    struct arena arena = {0};
    size_t size;
    const char *text = call_text(casting->call, 0, &size);
    bool composed = casting->whole->kind >= SQL_ARRAY;
    if (composed)
        call_fail(casting->call, "INVALID_CAST_ARGUMENT", "Cannot cast to %s. %s\n%.*s",
                  sql_type_write(&arena, casting->whole), why, (int)MIN(size, 100), text);
    else
        call_fail(casting->call, "INVALID_CAST_ARGUMENT", "%s", why);
    arena_free(&arena);
    return false;
}

static const char *upper_name(const struct sql_type *type)
{
    static const char *const names[] = {
        [SQL_BOOLEAN] = "BOOLEAN", [SQL_TINYINT] = "TINYINT", [SQL_SMALLINT] = "SMALLINT",
        [SQL_INTEGER] = "INT",     [SQL_BIGINT] = "BIGINT",   [SQL_REAL] = "REAL",
        [SQL_DOUBLE] = "DOUBLE",   [SQL_DECIMAL] = "DECIMAL"};
    return type->kind <= SQL_DECIMAL && names[type->kind] ? names[type->kind] : "VARCHAR";
}

static bool fits(const struct sql_type *type, double number)
{
    static const double most[] = {[SQL_TINYINT] = 128,
                                  [SQL_SMALLINT] = 32768,
                                  [SQL_INTEGER] = 2147483648.0,
                                  [SQL_BIGINT] = 9223372036854775808.0};
    return number >= -most[type->kind] && number < most[type->kind];
}

static bool cast_integer(struct casting *casting, const struct sql_type *type, GString *out)
{
    struct reader *reader = casting->reader;
    int64_t whole;
    g_autoptr(GString) text = g_string_new(NULL);
    if (reader->event == READER_BOOL) {
        g_string_append(out, reader->truth ? "1" : "0");
        return true;
    }
    if (reader->event == READER_NUMBER && !reader->is_integer) {
        double number = floor(fabs(reader->number) + 0.5) * (reader->number < 0 ? -1 : 1);
        if (!fits(type, number))
            return fail_cast(casting, "Cannot cast '%.*s' to %s", (int)reader->size, reader->text,
                             upper_name(type));
        g_string_append_printf(out, "%.0f", number);
        return true;
    }
    if (reader->event == READER_STRING)
        copy_text(reader, text);
    else
        g_string_append_len(text, reader->text, (gssize)reader->size);
    bool plain = !strchr(text->str, '.') && read_integer(text->str, text->len, &whole);
    if (!plain || !fits(type, (double)whole))
        return fail_cast(casting, "Cannot cast '%s' to %s", text->str, upper_name(type));
    g_string_append_printf(out, "%" G_GINT64_FORMAT, whole);
    return true;
}

static bool cast_number(struct casting *casting, const struct sql_type *type, GString *out)
{
    struct reader *reader = casting->reader;
    double number;
    g_autoptr(GString) text = g_string_new(NULL);
    if (reader->event == READER_BOOL) {
        g_string_append(out, reader->truth ? "1" : "0");
        return true;
    }
    if (reader->event == READER_STRING)
        copy_text(reader, text);
    else
        g_string_append_len(text, reader->text, (gssize)reader->size);
    if (!number_parse(text->str, text->len, &number))
        return fail_cast(casting, "Cannot cast '%s' to %s", text->str, upper_name(type));
    g_string_append_printf(out, reader->event == READER_STRING ? "\"%s\"" : "%s", text->str);
    return true;
}

static bool cast_boolean(struct casting *casting, GString *out)
{
    struct reader *reader = casting->reader;
    g_autoptr(GString) text = g_string_new(NULL);
    if (reader->event == READER_BOOL || reader->event == READER_NUMBER) {
        bool truth = reader->event == READER_BOOL ? reader->truth : reader->number != 0;
        g_string_append(out, truth ? "true" : "false");
        return true;
    }
    copy_text(reader, text);
    bool truth = g_ascii_strcasecmp(text->str, "true") == 0;
    if (!truth && g_ascii_strcasecmp(text->str, "false") != 0)
        return fail_cast(casting, "Cannot cast '%s' to BOOLEAN", text->str);
    g_string_append(out, truth ? "true" : "false");
    return true;
}

/* A text, quoted where it stands in a list or object; "bare" at the top. */
static bool cast_text(struct casting *casting, GString *out)
{
    struct reader *reader = casting->reader;
    g_autoptr(GString) text = g_string_new(NULL);
    if (reader->event == READER_STRING)
        copy_text(reader, text);
    else if (reader->event == READER_BOOL)
        g_string_append(text, reader->truth ? "true" : "false");
    else
        put_number(reader, text);
    if (casting->whole->kind < SQL_ARRAY)
        g_string_append_len(out, text->str, (gssize)text->len);
    else
        put_quoted(out, text->str, text->len);
    return true;
}

static bool cast_elements(struct casting *casting, const struct sql_type *type, GString *out)
{
    g_string_append_c(out, '[');
    for (bool first = true; reader_next(casting->reader) != READER_ARRAY_END; first = false) {
        g_string_append(out, first ? "" : ",");
        if (!cast_value(casting, type->parts[0], out))
            return false;
    }
    g_string_append_c(out, ']');
    return true;
}

static bool cast_entries(struct casting *casting, const struct sql_type *type, GString *out)
{
    struct reader *reader = casting->reader;
    g_autoptr(GString) key = g_string_new(NULL);
    g_string_append_c(out, '{');
    for (bool first = true; reader_next(reader) == READER_KEY; first = false) {
        copy_text(reader, key);
        g_string_append(out, first ? "" : ",");
        put_quoted(out, key->str, key->len);
        g_string_append_c(out, ':');
        reader_next(reader);
        if (!cast_value(casting, type->parts[1], out))
            return false;
    }
    g_string_append_c(out, '}');
    return true;
}

static size_t field_named(const struct sql_type *type, const char *name)
{
    size_t i = 0;
    while (i < type->count &&
           !(type->names && type->names[i] && g_ascii_strcasecmp(type->names[i], name) == 0))
        i++;
    return i;
}

static void put_field(GString *out, const struct sql_type *type, size_t i)
{
    struct arena arena = {0};
    const char *name = sql_type_field(&arena, type, i);
    put_quoted(out, name, strlen(name));
    g_string_append_c(out, ':');
    arena_free(&arena);
}

/* From an object by names, from a list by places. */
static bool cast_fields(struct casting *casting, const struct sql_type *type, GString *out)
{
    struct reader *reader = casting->reader;
    bool list = reader->event == READER_ARRAY;
    g_autoptr(GString) key = g_string_new(NULL);
    size_t place = 0;
    bool first = true;
    g_string_append_c(out, '{');
    for (;;) {
        enum reader_event event = reader_next(reader);
        if (event == READER_ARRAY_END || event == READER_OBJECT_END)
            break;
        if (!list)
            copy_text(reader, key);
        size_t i = list ? place++ : field_named(type, key->str);
        if (i >= type->count) {
            if (list)
                return fail_cast(casting, "Expected %zu fields", type->count);
            reader_skip(reader);
            continue;
        }
        g_string_append(out, first ? "" : ",");
        first = false;
        put_field(out, type, i);
        if (!list)
            reader_next(reader);
        if (!cast_value(casting, type->parts[i], out))
            return false;
    }
    g_string_append_c(out, '}');
    return true;
}

static const char *seen(const struct reader *reader)
{
    switch (reader->event) {
    case READER_OBJECT:
        return "{";
    case READER_ARRAY:
        return "[";
    default:
        return NULL;
    }
}

static bool fail_expected(struct casting *casting, const char *what)
{
    const char *sign = seen(casting->reader);
    g_autoptr(GString) text = g_string_new(sign);
    if (!sign)
        put_value(casting->reader, text, true);
    return fail_cast(casting, "Expected a json %s, but got %s", what, text->str);
}

static bool cast_json(struct casting *casting, GString *out)
{
    g_autoptr(GString) text = g_string_new(NULL);
    put_value(casting->reader, text, true);
    put_quoted(out, text->str, text->len);
    return true;
}

static bool cast_value(struct casting *casting, const struct sql_type *type, GString *out)
{
    struct reader *reader = casting->reader;
    if (type->kind == SQL_JSON)
        return cast_json(casting, out);
    if (reader->event == READER_NULL) {
        g_string_append(out, "null");
        return true;
    }
    switch (type->kind) {
    case SQL_ARRAY:
        return reader->event == READER_ARRAY ? cast_elements(casting, type, out)
                                             : fail_expected(casting, "array");
    case SQL_MAP:
        return reader->event == READER_OBJECT ? cast_entries(casting, type, out)
                                              : fail_expected(casting, "object");
    case SQL_ROW:
        return reader->event == READER_OBJECT || reader->event == READER_ARRAY
                   ? cast_fields(casting, type, out)
                   : fail_expected(casting, "array or object");
    default:
        break;
    }
    if (seen(reader))
        return fail_cast(casting, "Unexpected token when cast to %s: %s", upper_name(type),
                         seen(reader));
    if (type->kind >= SQL_TINYINT && type->kind <= SQL_BIGINT)
        return cast_integer(casting, type, out);
    if (type->kind == SQL_REAL || type->kind == SQL_DOUBLE || type->kind == SQL_DECIMAL)
        return cast_number(casting, type, out);
    return type->kind == SQL_BOOLEAN ? cast_boolean(casting, out) : cast_text(casting, out);
}

/* ---- what the casts from JSON are made of ---- */

static bool begin_cast(struct function_call *call, struct reader *reader)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    reader_open(reader, READER_JSON, text, size, NULL);
    return reader_next(reader) > READER_END;
}

/* A scalar's text: as CAST(JSON AS VARCHAR) has it. */
static bool json_varchar(struct function_call *call)
{
    struct reader reader;
    if (!begin_cast(call, &reader) || reader.event == READER_NULL)
        return give_null(call);
    if (seen(&reader))
        return call_fail(call, "INVALID_CAST_ARGUMENT", "Unexpected token when cast to VARCHAR: %s",
                         seen(&reader));
    if (reader.event == READER_STRING)
        copy_text(&reader, call->text);
    else if (reader.event == READER_BOOL)
        g_string_append(call->text, reader.truth ? "true" : "false");
    else
        put_number(&reader, call->text);
    return give_made(call);
}

/* By the type of argument 1, "INT"; answered as text. */
static bool json_scalar(struct function_call *call)
{
    struct reader reader;
    const struct sql_type *type = type_of(call, 1);
    if (!type)
        return false;
    if (!begin_cast(call, &reader) || reader.event == READER_NULL)
        return give_null(call);
    struct casting casting = {call, &reader, type};
    if (!cast_value(&casting, type, call->other))
        return false;
    bool quoted = *call->other->str == '"' && call->other->len > 1;
    return give_text(call, call->other->str + quoted, call->other->len - (quoted ? 2 : 0));
}

static bool fail_shape(struct function_call *call, struct reader *reader, const char *what)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    g_autoptr(GString) found = g_string_new(seen(reader));
    if (!seen(reader))
        put_value(reader, found, true);
    return call_fail(call, "INVALID_CAST_ARGUMENT",
                     "Cannot cast to %s. Expected a json %s, but "
                     "got %s\n%.*s",
                     strcmp(what, "array") == 0 ? "array" : "map", what, found->str,
                     (int)MIN(size, 100), text);
}

static bool give_values(struct function_call *call, struct reader *reader)
{
    give_list(call);
    while (reader_next(reader) != READER_ARRAY_END) {
        g_string_truncate(call->text, 0);
        if (reader->event <= READER_END || !put_value(reader, call->text, true))
            return give_null(call);
        give_element(call, call->text->str, call->text->len);
    }
    return true;
}

static bool json_list(struct function_call *call)
{
    struct reader reader;
    if (!begin_cast(call, &reader) || reader.event == READER_NULL)
        return give_null(call);
    return reader.event == READER_ARRAY ? give_values(call, &reader)
                                        : fail_shape(call, &reader, "array");
}

static bool give_members(struct function_call *call, bool keys)
{
    struct reader reader;
    if (!begin_cast(call, &reader) || reader.event == READER_NULL)
        return give_null(call);
    if (reader.event != READER_OBJECT)
        return fail_shape(call, &reader, "object");
    g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(free_member);
    if (!read_members(&reader, members, true))
        return give_null(call);
    give_list(call);
    for (guint i = 0; i < members->len; i++) {
        const struct member *member = members->pdata[i];
        const GString *text = keys ? member->key : member->value;
        give_element(call, text->str, text->len);
    }
    return true;
}

static bool json_keys(struct function_call *call)
{
    return give_members(call, true);
}

static bool json_values(struct function_call *call)
{
    return give_members(call, false);
}

static bool json_present(struct function_call *call)
{
    struct reader reader;
    if (!begin_cast(call, &reader))
        return give_null(call);
    if (reader.event == READER_NULL)
        return give_truth(call, false);
    return reader.event == READER_OBJECT || reader.event == READER_ARRAY
               ? give_truth(call, true)
               : call_fail(call, "INVALID_CAST_ARGUMENT",
                           "Cannot cast to row. Expected a json array or object, but got a scalar");
}

/* A row's field: of an object by its name, of a list by its place. */
static bool json_field(struct function_call *call)
{
    struct reader reader;
    size_t size;
    const char *name = call_text(call, 1, &size);
    char place[32];
    g_snprintf(place, sizeof place, "%" G_GINT64_FORMAT, call_integer(call, 2));
    if (!begin_cast(call, &reader))
        return give_null(call);
    if (reader.event == READER_ARRAY)
        return go_to_place(&reader, place) && put_value(&reader, call->text, true)
                   ? give_made(call)
                   : give_null(call);
    while (reader_next(&reader) == READER_KEY) {
        copy_text(&reader, call->other);
        bool wanted =
            call->other->len == size && g_ascii_strncasecmp(call->other->str, name, size) == 0;
        if (!wanted && !reader_skip(&reader))
            break;
        if (wanted)
            return reader_next(&reader) > READER_END && put_value(&reader, call->text, true)
                       ? give_made(call)
                       : give_null(call);
    }
    return give_null(call);
}

static bool varchar_json(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    put_quoted(call->text, text, size);
    return give_made(call);
}

const struct function functions_json[] = {
    {"json_varchar", "json -> varchar", json_varchar, 0, NULL},
    {"json_scalar", "json, varchar -> varchar", json_scalar, 0, forget_type},
    {"json_list", "json -> array(json)", json_list, 0, NULL},
    {"json_keys", "json -> array(varchar)", json_keys, 0, NULL},
    {"json_values", "json -> array(json)", json_values, 0, NULL},
    {"json_present", "json -> boolean", json_present, 0, NULL},
    {"json_field", "json, varchar, bigint -> json", json_field, 0, NULL},
    {"varchar_json", "varchar -> json", varchar_json, 0, NULL},
    {"json_canonical", "varchar -> json", json_parse, 0, NULL},
    {"json_parse", "varchar -> json", json_parse, 0, NULL},
    {"json_extract", "varchar, varchar -> json", json_extract, 0, NULL},
    {"json_extract_scalar", "varchar, varchar -> varchar", json_extract_scalar, 0, NULL},
    {"json_size", "varchar, varchar -> bigint", json_size, 0, NULL},
    {"json_array_length", "varchar -> bigint", json_array_length, 0, NULL},
    {"json_array_contains", "varchar, boolean -> boolean", json_array_contains, 0, NULL},
    {"json_array_contains", "varchar, bigint -> boolean", json_array_contains, 0, NULL},
    {"json_array_contains", "varchar, double -> boolean", json_array_contains, 0, NULL},
    {"json_array_contains", "varchar, varchar -> boolean", json_array_contains, 0, NULL},
    {"json_array_get", "varchar, bigint -> json", json_array_get, 0, NULL},
    {"is_json_scalar", "varchar -> boolean", is_json_scalar, 0, NULL},
    {0},
};
