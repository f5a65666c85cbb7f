/* Avro's values into columns. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "table/avro_inside.h"
#include "table/moment.h"
#include "table/value.h"

enum { DEEPEST = 200 };

static bool cut_off(GError **error)
{
    return error_set(error, ERROR_VALIDATION, "a block of it is damaged: a value goes beyond it");
}

static bool misfit(const struct avro_type *type, const struct sink *sink, GError **error)
{
    struct arena arena = {0};
    error_set(error, ERROR_VALIDATION, "a value of Avro's type %s is none of the table's type %s",
              avro_kind_name(type->kind), sql_type_write(&arena, sink->type));
    arena_free(&arena);
    return false;
}

/* ---- bytes ---- */

static bool take_long(struct avro_values *values, int64_t *value, GError **error)
{
    uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64 && values->at < values->end; shift += 7) {
        unsigned char byte = *values->at++;
        bits |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
            return true;
        }
    }
    return cut_off(error);
}

static bool take_bytes(struct avro_values *values, int64_t size, const unsigned char **bytes,
                       GError **error)
{
    if (size < 0 || size > values->end - values->at)
        return cut_off(error);
    *bytes = values->at;
    values->at += size;
    return true;
}

/* ---- values without members ---- */

static bool is_text(const struct sink *sink)
{
    return sink->type->kind == SQL_VARCHAR || sink->type->kind == SQL_CHAR;
}

static bool set_text(struct sink *sink, uint64_t row, const GString *text)
{
    return sink_parse(sink, row, text->str, text->len);
}

static bool set_moment(const struct avro_type *type, struct sink *sink, uint64_t row, int64_t value)
{
    /* A number without a unit is one of milliseconds to Hive. */
    bool micros = type->logical == AVRO_MICROS;
    if (type->logical == AVRO_NANOS)
        value = moment_floor(value, 1000);
    else if (!micros && __builtin_mul_overflow(value, 1000, &value))
        return false;
    return sink_moment(sink, row, value);
}

static bool set_integer(const struct avro_type *type, struct sink *sink, uint64_t row,
                        int64_t value)
{
    g_autoptr(GString) text = NULL;
    switch (sink->type->kind) {
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_INTEGER:
    case SQL_BIGINT:
    case SQL_DATE:
        return sink_integer(sink, row, value);
    case SQL_REAL:
    case SQL_DOUBLE:
        sink_double(sink, row, (double)value);
        return true;
    case SQL_TIMESTAMP:
        return type->kind == AVRO_LONG && set_moment(type, sink, row, value);
    case SQL_DECIMAL:
    case SQL_VARCHAR:
    case SQL_CHAR:
        text = g_string_new(NULL);
        g_string_printf(text, "%" PRId64, value);
        return set_text(sink, row, text);
    default:
        return false;
    }
}

static bool take_integer(struct avro_values *values, const struct avro_type *type,
                         struct sink *sink, uint64_t row, GError **error)
{
    int64_t value;
    if (!take_long(values, &value, error))
        return false;
    return !sink || set_integer(type, sink, row, value) || misfit(type, sink, error);
}

static bool take_boolean(struct avro_values *values, const struct avro_type *type,
                         struct sink *sink, uint64_t row, GError **error)
{
    const unsigned char *byte = NULL;
    if (!take_bytes(values, 1, &byte, error))
        return false;
    if (!sink || sink->type->kind == SQL_BOOLEAN)
        return !sink || sink_integer(sink, row, *byte != 0);
    if (!is_text(sink))
        return misfit(type, sink, error);
    return sink_parse(sink, row, *byte ? "true" : "false", *byte ? 4 : 5);
}

static double number_of(const struct avro_type *type, const unsigned char *bytes)
{
    float small;
    double large;
    if (type->kind == AVRO_DOUBLE) {
        memcpy(&large, bytes, sizeof large);
        return large;
    }
    memcpy(&small, bytes, sizeof small);
    return (double)small;
}

static bool take_float(struct avro_values *values, const struct avro_type *type, struct sink *sink,
                       uint64_t row, GError **error)
{
    const unsigned char *bytes = NULL;
    if (!take_bytes(values, type->kind == AVRO_DOUBLE ? 8 : 4, &bytes, error))
        return false;
    if (!sink)
        return true;
    double value = number_of(type, bytes);
    if (sink->type->kind == SQL_DOUBLE ||
        (sink->type->kind == SQL_REAL && type->kind == AVRO_FLOAT)) {
        sink_double(sink, row, value);
        return true;
    }
    if (!is_text(sink))
        return misfit(type, sink, error);
    g_autoptr(GString) text = g_string_new(NULL);
    if (type->kind == AVRO_DOUBLE)
        value_put_double(text, value);
    else
        value_put_float(text, (float)value);
    return set_text(sink, row, text);
}

/* Two's complement, the most significant byte first; false where it has more than 38 digits. */
static bool decimal_digits(const unsigned char *bytes, size_t size, value_wide *digits)
{
    __extension__ typedef unsigned __int128 bits;
    bits sum = size && (bytes[0] & 0x80) ? ~(bits)0 : 0;
    for (; size > sizeof sum; bytes++, size--)
        if (bytes[0] != (unsigned char)sum || ((bytes[1] ^ bytes[0]) & 0x80))
            return false;
    for (size_t i = 0; i < size; i++)
        sum = sum << 8 | bytes[i];
    *digits = (value_wide)sum;
    return true;
}

static bool set_decimal(const struct avro_type *type, struct sink *sink, uint64_t row,
                        const unsigned char *bytes, size_t size)
{
    value_wide digits;
    g_autoptr(GString) text = g_string_new(NULL);
    if (!decimal_digits(bytes, size, &digits))
        return false;
    value_put_decimal(text, digits, type->scale);
    if (sink->type->kind != SQL_DECIMAL && sink->type->kind != SQL_DOUBLE && !is_text(sink))
        return false;
    return set_text(sink, row, text);
}

static bool set_bytes(const struct avro_type *type, struct sink *sink, uint64_t row,
                      const unsigned char *bytes, size_t size)
{
    if (sink->type->kind == SQL_VARBINARY) {
        sink_bytes(sink, row, bytes, size);
        return true;
    }
    if (type->logical == AVRO_DECIMAL)
        return set_decimal(type, sink, row, bytes, size);
    return is_text(sink) && type->kind != AVRO_FIXED &&
           sink_parse(sink, row, (const char *)bytes, size);
}

static bool take_string(struct avro_values *values, const struct avro_type *type, struct sink *sink,
                        uint64_t row, GError **error)
{
    int64_t size = type->size;
    const unsigned char *bytes = NULL;
    if ((type->kind != AVRO_FIXED && !take_long(values, &size, error)) ||
        !take_bytes(values, size, &bytes, error))
        return false;
    return !sink || set_bytes(type, sink, row, bytes, (size_t)size) || misfit(type, sink, error);
}

static bool take_enum(struct avro_values *values, const struct avro_type *type, struct sink *sink,
                      uint64_t row, GError **error)
{
    int64_t number;
    if (!take_long(values, &number, error))
        return false;
    if (number < 0 || (uint64_t)number >= type->count)
        return cut_off(error);
    const char *word = type->names[number];
    return !sink || (is_text(sink) && sink_parse(sink, row, word, strlen(word))) ||
           misfit(type, sink, error);
}

/* ---- values of values ---- */

/* The next block of a list or map: how many it has, and how many bytes where it says so (else -1).
 * No list has more elements than bytes, so that none is larger than what is read. */
static bool take_count(struct avro_values *values, int64_t *count, int64_t *size, GError **error)
{
    *size = -1;
    if (!take_long(values, count, error))
        return false;
    if (*count >= 0)
        return *count <= values->end - values->at || cut_off(error);
    if (*count == INT64_MIN || !take_long(values, size, error))
        return *count == INT64_MIN ? cut_off(error) : false;
    *count = -*count;
    int64_t left = values->end - values->at;
    return (*size >= 0 && *size <= left && *count <= left) || cut_off(error);
}

static bool take_key(struct avro_values *values, struct sink *sink, uint64_t row, GError **error)
{
    static const struct avro_type key = {.kind = AVRO_STRING};
    return take_string(values, &key, sink, row, error);
}

static bool take_element(struct avro_values *values, const struct avro_type *type,
                         struct sink *sink, uint64_t row, GError **error)
{
    bool is_map = type->kind == AVRO_MAP;
    uint64_t element = sink ? sink_next_element(sink, row) : 0;
    if (is_map && !take_key(values, sink ? &sink->children[0] : NULL, element, error))
        return false;
    return avro_take(values, type->parts[0], sink ? &sink->children[is_map] : NULL, element, error);
}

static bool take_list(struct avro_values *values, const struct avro_type *type, struct sink *sink,
                      uint64_t row, GError **error)
{
    int64_t count, size;
    if (sink && sink->type->kind != (type->kind == AVRO_MAP ? SQL_MAP : SQL_ARRAY))
        return misfit(type, sink, error);
    if (sink)
        sink_begin_list(sink, row);
    for (;;) {
        if (!take_count(values, &count, &size, error))
            return false;
        if (count == 0)
            return true;
        if (!sink && size >= 0) {
            values->at += size;
            continue;
        }
        for (; count > 0; count--)
            if (!take_element(values, type, sink, row, error))
                return false;
    }
}

static struct sink *member_named(struct sink *sink, const char *name)
{
    for (size_t i = 0; sink && i < sink->count; i++)
        if (sink->type->names[i] && g_ascii_strcasecmp(sink->type->names[i], name) == 0)
            return &sink->children[i];
    return NULL;
}

static bool take_record(struct avro_values *values, const struct avro_type *type, struct sink *sink,
                        uint64_t row, GError **error)
{
    if (sink && sink->type->kind != SQL_ROW)
        return misfit(type, sink, error);
    if (sink) { /* members that the file lacks stay null */
        sink_null(sink, row);
        sink_not_null(sink, row);
    }
    for (size_t i = 0; i < type->count; i++) {
        struct sink *member = member_named(sink, type->names[i]);
        if (member)
            sink_not_null(member, row);
        if (!avro_take(values, type->parts[i], member, row, error))
            return false;
    }
    return true;
}

static bool take_union(struct avro_values *values, const struct avro_type *type, struct sink *sink,
                       uint64_t row, GError **error)
{
    int64_t branch;
    if (!take_long(values, &branch, error))
        return false;
    if (branch < 0 || (uint64_t)branch >= type->count)
        return cut_off(error);
    return avro_take(values, type->parts[branch], sink, row, error);
}

static bool take_null(struct avro_values *values, const struct avro_type *type, struct sink *sink,
                      uint64_t row, GError **error)
{
    (void)values, (void)type, (void)error;
    if (sink)
        sink_null(sink, row);
    return true;
}

typedef bool take(struct avro_values *values, const struct avro_type *type, struct sink *sink,
                  uint64_t row, GError **error);

static take *const takes[] = {
    [AVRO_NULL] = take_null,     [AVRO_BOOLEAN] = take_boolean, [AVRO_INT] = take_integer,
    [AVRO_LONG] = take_integer,  [AVRO_FLOAT] = take_float,     [AVRO_DOUBLE] = take_float,
    [AVRO_BYTES] = take_string,  [AVRO_STRING] = take_string,   [AVRO_FIXED] = take_string,
    [AVRO_ENUM] = take_enum,     [AVRO_ARRAY] = take_list,      [AVRO_MAP] = take_list,
    [AVRO_RECORD] = take_record, [AVRO_UNION] = take_union,
};

bool avro_take(struct avro_values *values, const struct avro_type *type, struct sink *sink,
               uint64_t row, GError **error)
{
    if (++values->depth > DEEPEST)
        return error_set(error, ERROR_VALIDATION, "a value of it has more than %d in one another",
                         DEEPEST);
    bool good = takes[type->kind](values, type, sink, row, error);
    values->depth--;
    return good;
}

/* ---- defaults ---- */

static bool default_elements(const json_t *value, struct sink *sink, uint64_t row, GError **error)
{
    sink_begin_list(sink, row);
    for (size_t i = 0; i < json_array_size(value); i++) {
        uint64_t element = sink_next_element(sink, row);
        if (!avro_set_default(json_array_get(value, i), &sink->children[0], element, error))
            return false;
    }
    return true;
}

static bool default_entries(json_t *value, struct sink *sink, uint64_t row, GError **error)
{
    const char *key;
    json_t *each;
    sink_begin_list(sink, row);
    json_object_foreach(value, key, each)
    {
        uint64_t element = sink_next_element(sink, row);
        sink_text(&sink->children[0], element, key, strlen(key));
        if (!avro_set_default(each, &sink->children[1], element, error))
            return false;
    }
    return true;
}

static bool default_members(json_t *value, struct sink *sink, uint64_t row, GError **error)
{
    const char *key;
    json_t *each;
    sink_null(sink, row);
    sink_not_null(sink, row);
    json_object_foreach(value, key, each)
    {
        struct sink *member = member_named(sink, key);
        if (!member)
            continue;
        sink_not_null(member, row);
        if (!avro_set_default(each, member, row, error))
            return false;
    }
    return true;
}

static bool default_scalar(const json_t *value, struct sink *sink, uint64_t row)
{
    static const struct avro_type number = {.kind = AVRO_LONG};
    if (json_is_boolean(value) && sink->type->kind == SQL_BOOLEAN)
        return sink_integer(sink, row, json_is_true(value));
    if (json_is_integer(value))
        return set_integer(&number, sink, row, json_integer_value(value));
    if (json_is_real(value) && (sink->type->kind == SQL_DOUBLE || sink->type->kind == SQL_REAL)) {
        sink_double(sink, row, json_real_value(value));
        return true;
    }
    return json_is_string(value) && is_text(sink) &&
           sink_parse(sink, row, json_string_value(value), json_string_length(value));
}

bool avro_set_default(const json_t *value, struct sink *sink, uint64_t row, GError **error)
{
    if (!value || json_is_null(value)) {
        sink_null(sink, row);
        return true;
    }
    if (json_is_array(value) && sink->type->kind == SQL_ARRAY)
        return default_elements(value, sink, row, error);
    if (json_is_object(value) && sink->type->kind == SQL_MAP)
        return default_entries((json_t *)value, sink, row, error);
    if (json_is_object(value) && sink->type->kind == SQL_ROW)
        return default_members((json_t *)value, sink, row, error);
    return default_scalar(value, sink, row) ||
           error_set(error, ERROR_VALIDATION,
                     "a default of avro.schema.literal is no value of its column's type");
}
