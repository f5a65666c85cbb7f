#include "table/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse/number_write.h"
#include "table/moment.h"

/* ---- reading ---- */

static void open_child(struct value_view *view, const struct duckdb_library *library, size_t i,
                       void *vector)
{
    value_view_open(&view->children[i], library, vector);
}

static void open_children(struct value_view *view, const struct duckdb_library *library,
                          void *vector, void *logical)
{
    bool is_struct = view->kind == DUCKDB_STRUCT;
    view->count = is_struct ? library->struct_type_child_count(logical) : 1;
    view->children = g_new0(struct value_view, view->count);
    for (size_t i = 0; i < view->count; i++)
        open_child(view, library, i,
                   is_struct ? library->struct_vector_get_child(vector, i)
                             : library->list_vector_get_child(vector));
}

void value_view_open(struct value_view *view, const struct duckdb_library *library, void *vector)
{
    void *logical = library->vector_get_column_type(vector);
    *view = (struct value_view){.kind = library->get_type_id(logical),
                                .data = library->vector_get_data(vector),
                                .valid = library->vector_get_validity(vector)};
    if (view->kind == DUCKDB_DECIMAL) {
        view->scale = library->decimal_scale(logical);
        view->kind = library->decimal_internal_type(logical);
    }
    if (view->kind == DUCKDB_STRUCT || view->kind == DUCKDB_LIST || view->kind == DUCKDB_MAP)
        open_children(view, library, vector, logical);
    library->destroy_logical_type(&logical);
}

void value_view_close(struct value_view *view)
{
    for (size_t i = 0; i < view->count; i++)
        value_view_close(&view->children[i]);
    g_free(view->children);
    *view = (struct value_view){0};
}

const char *value_bytes(const struct value_view *view, size_t row, size_t *size)
{
    const union duckdb_string *value = (const union duckdb_string *)view->data + row;
    *size = value->inlined.size;
    return *size <= sizeof value->inlined.bytes ? value->inlined.bytes : value->pointer.bytes;
}

static value_wide wide_of(const struct duckdb_huge *huge)
{
    __extension__ typedef unsigned __int128 bits;
    return (value_wide)((bits)(uint64_t)huge->upper << 64 | huge->lower);
}

value_wide value_integer(const struct value_view *view, size_t row)
{
    switch (view->kind) {
    case DUCKDB_BOOLEAN:
    case DUCKDB_UTINYINT:
        return ((const uint8_t *)view->data)[row];
    case DUCKDB_TINYINT:
        return ((const int8_t *)view->data)[row];
    case DUCKDB_SMALLINT:
        return ((const int16_t *)view->data)[row];
    case DUCKDB_USMALLINT:
        return ((const uint16_t *)view->data)[row];
    case DUCKDB_INTEGER:
    case DUCKDB_DATE:
        return ((const int32_t *)view->data)[row];
    case DUCKDB_UINTEGER:
        return ((const uint32_t *)view->data)[row];
    case DUCKDB_UBIGINT:
        return ((const uint64_t *)view->data)[row];
    case DUCKDB_HUGEINT:
    case DUCKDB_UHUGEINT:
        return wide_of((const struct duckdb_huge *)view->data + row);
    default:
        return ((const int64_t *)view->data)[row];
    }
}

double value_double(const struct value_view *view, size_t row)
{
    if (view->kind == DUCKDB_DOUBLE)
        return ((const double *)view->data)[row];
    if (view->kind == DUCKDB_FLOAT)
        return (double)((const float *)view->data)[row];
    return (double)value_integer(view, row);
}

/* ---- numbers ---- */

static bool put_word(GString *text, double value)
{
    if (isnan(value))
        g_string_append(text, "NaN");
    else if (isinf(value))
        g_string_append(text, value < 0 ? "-Infinity" : "Infinity");
    else if (value == 0)
        g_string_append(text, signbit(value) ? "-0.0" : "0.0");
    return isnan(value) || isinf(value) || value == 0;
}

/* Digits with the point before place `exponent`, as Java says them. */
static void put_digits(GString *text, const char *digits, size_t count, int exponent)
{
    if (exponent > -3 && exponent <= 7) {
        for (int i = exponent < 1 ? exponent : 1; i <= 0; i++)
            g_string_append(text, i == (exponent < 1 ? exponent : 1) ? "0." : "0");
        for (size_t i = 0; i < count || (int)i < exponent; i++) {
            g_string_append_c(text, i < count ? digits[i] : '0');
            if ((int)i + 1 == exponent)
                g_string_append(text, i + 1 >= count ? ".0" : ".");
        }
        return;
    }
    g_string_append_c(text, digits[0]);
    g_string_append_c(text, '.');
    if (count > 1)
        g_string_append_len(text, digits + 1, (gssize)count - 1);
    else
        g_string_append_c(text, '0');
    g_string_append_printf(text, "E%d", exponent - 1);
}

void value_put_double(GString *text, double value)
{
    struct number_decimal decimal;
    if (put_word(text, value))
        return;
    if (value < 0)
        g_string_append_c(text, '-');
    number_decimal(fabs(value), &decimal);
    put_digits(text, decimal.digits, decimal.count, decimal.exponent);
}

void value_put_float(GString *text, float value)
{
    char written[40], digits[20];
    if (put_word(text, (double)value))
        return;
    int precision = 0;
    do
        g_snprintf(written, sizeof written, "%.*e", precision, (double)fabsf(value));
    while (strtof(written, NULL) != fabsf(value) && ++precision < 9);
    size_t count = 0;
    for (const char *at = written; *at != 'e'; at++)
        if (*at != '.')
            digits[count++] = *at;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    if (value < 0)
        g_string_append_c(text, '-');
    put_digits(text, digits, count, atoi(strchr(written, 'e') + 1) + 1);
}

/* The digits of a plain or scientific number, without its sign; its exponent as 0.digits has it. */
static int cut_digits(const char *plain, char digits[64], int *first, int *count)
{
    const char *exponent_at = strchr(plain, 'E');
    size_t size = exponent_at ? (size_t)(exponent_at - plain) : strlen(plain);
    int point = -1, exponent = exponent_at ? atoi(exponent_at + 1) : 0;
    *count = 0;
    for (size_t i = 0; i < size && *count < 63; i++)
        if (plain[i] == '.')
            point = *count;
        else
            digits[(*count)++] = plain[i];
    point = point < 0 ? *count : point;
    for (*first = 0; *first < *count - 1 && digits[*first] == '0';)
        ++*first;
    while (*count > *first + 1 && digits[*count - 1] == '0')
        --*count;
    return digits[*first] == '0' ? 1 : exponent + point - *first;
}

/* Seven digits, rounded half to even, as Trino's reals are written. */
static double seven_digits(double value)
{
    char text[40];
    if (!isfinite(value))
        return value;
    g_snprintf(text, sizeof text, "%.6e", value);
    return g_ascii_strtod(text, NULL);
}

void value_put_scientific(GString *text, double value, bool real)
{
    char digits[64];
    int first, count;
    g_autoptr(GString) plain = g_string_new(NULL);
    value_put_double(plain, real ? seven_digits(value) : value);
    const char *at = plain->str + (*plain->str == '-');
    if (!g_ascii_isdigit(*at)) {
        g_string_append(text, plain->str);
        return;
    }
    int exponent = cut_digits(at, digits, &first, &count);
    g_string_append_printf(text, "%s%c.%.*sE%d", *plain->str == '-' ? "-" : "", digits[first],
                           MAX(count - first - 1, 1), count - first > 1 ? digits + first + 1 : "0",
                           exponent - 1);
}

void value_put_decimal(GString *text, value_wide digits, int scale)
{
    __extension__ typedef unsigned __int128 bits;
    char written[64];
    size_t at = sizeof written;
    bits left = digits < 0 ? -(bits)digits : (bits)digits;
    for (int i = 0; left || i <= scale; i++, left /= 10) {
        if (i == scale && scale)
            written[--at] = '.';
        written[--at] = (char)('0' + (int)(left % 10));
    }
    if (digits < 0)
        g_string_append_c(text, '-');
    g_string_append_len(text, written + at, (gssize)(sizeof written - at));
}

void value_put_day_interval(GString *text, int64_t millis)
{
    uint64_t left = millis < 0 ? -(uint64_t)millis : (uint64_t)millis;
    uint64_t seconds = left / 1000;
    g_string_append_printf(text, "%s%" PRIu64 " %02d:%02d:%02d.%03d", millis < 0 ? "-" : "",
                           seconds / 86400, (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60),
                           (int)(seconds % 60), (int)(left % 1000));
}

void value_put_year_interval(GString *text, int64_t months)
{
    uint64_t left = months < 0 ? -(uint64_t)months : (uint64_t)months;
    g_string_append_printf(text, "%s%" PRIu64 "-%" PRIu64, months < 0 ? "-" : "", left / 12,
                           left % 12);
}

/* ---- scalars ---- */

static void put_padded(GString *text, const char *bytes, size_t size, int width)
{
    glong letters = 0;
    for (size_t i = 0; i < size; i++)
        letters += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    g_string_append_len(text, bytes, (gssize)size);
    for (; letters < width; letters++)
        g_string_append_c(text, ' ');
}

static void put_zoned(GString *text, const struct sql_type *type, const struct value_view *view,
                      size_t row)
{
    int64_t first = (int64_t)value_integer(&view->children[0], row);
    if (type->kind == SQL_TIME_ZONED) {
        moment_put_time(text, first, type->precision);
        moment_put_offset(text, (int)value_integer(&view->children[1], row));
        return;
    }
    size_t size;
    const char *zone = value_bytes(&view->children[1], row, &size);
    moment_put_zoned(text, first, zone, size, type->precision);
}

void value_put_scalar(GString *text, const struct sql_type *type, const struct value_view *view,
                      size_t row)
{
    size_t size;
    const char *bytes;
    switch (type->kind) {
    case SQL_BOOLEAN:
        g_string_append(text, value_integer(view, row) ? "true" : "false");
        break;
    case SQL_REAL:
        value_put_float(text, (float)value_double(view, row));
        break;
    case SQL_DOUBLE:
        value_put_double(text, value_double(view, row));
        break;
    case SQL_DECIMAL:
        value_put_decimal(text, value_integer(view, row), view->scale);
        break;
    case SQL_DATE:
        moment_put_date(text, (int64_t)value_integer(view, row));
        break;
    case SQL_TIME:
        moment_put_time(text, (int64_t)value_integer(view, row), type->precision);
        break;
    case SQL_TIMESTAMP:
        moment_put_timestamp(text, (int64_t)value_integer(view, row), type->precision);
        break;
    case SQL_TIME_ZONED:
    case SQL_TIMESTAMP_ZONED:
        put_zoned(text, type, view, row);
        break;
    case SQL_INTERVAL_DAYS:
        value_put_day_interval(text, (int64_t)value_integer(view, row));
        break;
    case SQL_INTERVAL_MONTHS:
        value_put_year_interval(text, (int64_t)value_integer(view, row));
        break;
    default:
        if (view->kind != DUCKDB_VARCHAR && view->kind != DUCKDB_BLOB) {
            value_put_decimal(text, value_integer(view, row), 0);
            break;
        }
        bytes = value_bytes(view, row, &size);
        put_padded(text, bytes, size, type->kind == SQL_CHAR ? type->precision : 0);
    }
}

/* ---- Athena's CSV ---- */

static void put_spaced_hex(GString *text, const struct value_view *view, size_t row)
{
    size_t size;
    const char *bytes = value_bytes(view, row, &size);
    for (size_t i = 0; i < size; i++)
        g_string_append_printf(text, "%s%02x", i ? " " : "", (unsigned char)bytes[i]);
}

static void put_athena_member(GString *text, const struct sql_type *type,
                              const struct value_view *view, size_t row)
{
    if (value_is_null(view, row))
        g_string_append(text, "null");
    else
        value_put_athena(text, type, view, row);
}

static void put_athena_list(GString *text, const struct sql_type *type,
                            const struct value_view *view, size_t row)
{
    const struct duckdb_list_entry *entry = (const struct duckdb_list_entry *)view->data + row;
    const struct value_view *pair = &view->children[0];
    bool is_map = type->kind == SQL_MAP;
    g_string_append_c(text, is_map ? '{' : '[');
    for (uint64_t i = entry->offset; i < entry->offset + entry->length; i++) {
        g_string_append(text, i > entry->offset ? ", " : "");
        put_athena_member(text, type->parts[0], is_map ? &pair->children[0] : pair, i);
        if (!is_map)
            continue;
        g_string_append_c(text, '=');
        put_athena_member(text, type->parts[1], &pair->children[1], i);
    }
    g_string_append_c(text, is_map ? '}' : ']');
}

static void put_athena_row(GString *text, const struct sql_type *type,
                           const struct value_view *view, size_t row)
{
    g_string_append_c(text, '{');
    for (size_t i = 0; i < type->count; i++) {
        const char *name = type->names ? type->names[i] : NULL;
        g_string_append(text, i ? ", " : "");
        if (name && *name)
            g_string_append(text, name);
        else
            g_string_append_printf(text, "field%zu", i);
        g_string_append_c(text, '=');
        put_athena_member(text, type->parts[i], &view->children[i], row);
    }
    g_string_append_c(text, '}');
}

void value_put_athena(GString *text, const struct sql_type *type, const struct value_view *view,
                      size_t row)
{
    if (type->kind == SQL_ARRAY || type->kind == SQL_MAP)
        put_athena_list(text, type, view, row);
    else if (type->kind == SQL_ROW)
        put_athena_row(text, type, view, row);
    else if (type->kind == SQL_VARBINARY)
        put_spaced_hex(text, view, row);
    else
        value_put_scalar(text, type, view, row);
}

/* ---- Trino's JSON ---- */

void value_put_quoted(GString *text, const char *bytes, size_t size)
{
    g_string_append_c(text, '"');
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '"' || c == '\\')
            g_string_append_c(text, '\\');
        if (c < ' ')
            g_string_append_printf(text, "\\u%04x", c);
        else
            g_string_append_c(text, (char)c);
    }
    g_string_append_c(text, '"');
}

static void put_json_member(GString *text, const struct sql_type *type,
                            const struct value_view *view, size_t row)
{
    if (value_is_null(view, row))
        g_string_append(text, "null");
    else
        value_put_json(text, type, view, row);
}

static void put_json_key(GString *text, const struct sql_type *type, const struct value_view *view,
                         size_t row)
{
    g_autoptr(GString) key = g_string_new(NULL);
    value_put_json(key, type, view, row);
    if (*key->str == '"')
        g_string_append_len(text, key->str, (gssize)key->len);
    else
        value_put_quoted(text, key->str, key->len);
}

static void put_json_list(GString *text, const struct sql_type *type, const struct value_view *view,
                          size_t row)
{
    const struct duckdb_list_entry *entry = (const struct duckdb_list_entry *)view->data + row;
    const struct value_view *pair = &view->children[0];
    bool is_map = type->kind == SQL_MAP;
    g_string_append_c(text, is_map ? '{' : '[');
    for (uint64_t i = entry->offset; i < entry->offset + entry->length; i++) {
        g_string_append(text, i > entry->offset ? "," : "");
        if (is_map) {
            put_json_key(text, type->parts[0], &pair->children[0], i);
            g_string_append_c(text, ':');
        }
        put_json_member(text, type->parts[is_map], is_map ? &pair->children[1] : pair, i);
    }
    g_string_append_c(text, is_map ? '}' : ']');
}

static void put_json_row(GString *text, const struct sql_type *type, const struct value_view *view,
                         size_t row)
{
    g_string_append_c(text, '[');
    for (size_t i = 0; i < type->count; i++) {
        g_string_append(text, i ? "," : "");
        put_json_member(text, type->parts[i], &view->children[i], row);
    }
    g_string_append_c(text, ']');
}

static void put_base64(GString *text, const struct value_view *view, size_t row)
{
    size_t size;
    const char *bytes = value_bytes(view, row, &size);
    g_autofree char *coded = g_base64_encode((const guchar *)bytes, size);
    g_string_append_printf(text, "\"%s\"", coded);
}

/* JSON has no NaN. */
static bool is_bare(const struct sql_type *type, const struct value_view *view, size_t row)
{
    if (type->kind == SQL_DOUBLE || type->kind == SQL_REAL)
        return isfinite(value_double(view, row));
    return type->kind >= SQL_BOOLEAN && type->kind <= SQL_BIGINT;
}

void value_put_json(GString *text, const struct sql_type *type, const struct value_view *view,
                    size_t row)
{
    if (type->kind == SQL_ARRAY || type->kind == SQL_MAP) {
        put_json_list(text, type, view, row);
    } else if (type->kind == SQL_ROW) {
        put_json_row(text, type, view, row);
    } else if (type->kind == SQL_VARBINARY) {
        put_base64(text, view, row);
    } else if (is_bare(type, view, row)) {
        value_put_scalar(text, type, view, row);
    } else {
        g_autoptr(GString) scalar = g_string_new(NULL);
        value_put_scalar(scalar, type, view, row);
        value_put_quoted(text, scalar->str, scalar->len);
    }
}
