#include "table/sink.h"

#include <math.h>
#include <string.h>

#include "parse/number.h"
#include "table/moment.h"

/* ---- vectors ---- */

static void look_at_vector(struct sink *sink)
{
    const struct duckdb_library *library = sink->library;
    sink->data = library->vector_get_data(sink->vector);
    sink->valid = library->vector_get_validity(sink->vector);
    bool is_list = sink->type->kind == SQL_ARRAY || sink->type->kind == SQL_MAP;
    void *list = is_list ? library->list_vector_get_child(sink->vector) : NULL;
    for (size_t i = 0; i < sink->count; i++) {
        struct sink *child = &sink->children[i];
        child->vector = sink->type->kind == SQL_ARRAY
                            ? list
                            : library->struct_vector_get_child(list ? list : sink->vector, i);
        look_at_vector(child);
    }
}

static const struct sql_type stamp_parts[] = {{.kind = SQL_TIMESTAMP, .precision = 6},
                                              {.kind = SQL_VARCHAR, .precision = SQL_UNBOUNDED}};
static const struct sql_type clock_parts[] = {{.kind = SQL_TIME, .precision = 6},
                                              {.kind = SQL_INTEGER}};

/* What a type's struct in DuckDB is made of, where it is no row: its time and its zone. */
static const struct sql_type *zoned_parts(const struct sql_type *type)
{
    return type->kind == SQL_TIMESTAMP_ZONED ? stamp_parts
           : type->kind == SQL_TIME_ZONED    ? clock_parts
                                             : NULL;
}

static void give_types(struct sink *sink, const struct duckdb_library *library,
                       const struct sql_type *type)
{
    const struct sql_type *zoned = zoned_parts(type);
    *sink = (struct sink){.library = library, .type = type};
    sink->count = zoned ? 2 : type->count;
    sink->children = g_new0(struct sink, sink->count);
    for (size_t i = 0; i < sink->count; i++)
        give_types(&sink->children[i], library, zoned ? &zoned[i] : type->parts[i]);
}

void sink_open(struct sink *sink, const struct duckdb_library *library, const struct sql_type *type,
               void *vector)
{
    give_types(sink, library, type);
    sink->vector = vector;
    look_at_vector(sink);
}

void sink_close(struct sink *sink)
{
    for (size_t i = 0; i < sink->count; i++)
        sink_close(&sink->children[i]);
    g_free(sink->children);
    *sink = (struct sink){0};
}

void sink_null(struct sink *sink, uint64_t row)
{
    if (!sink->valid) {
        sink->library->vector_ensure_validity_writable(sink->vector);
        sink->valid = sink->library->vector_get_validity(sink->vector);
    }
    sink->valid[row / 64] &= ~(UINT64_C(1) << (row % 64));
    /* A null row has null members. */
    bool is_list = sink->type->kind == SQL_ARRAY || sink->type->kind == SQL_MAP;
    if (is_list)
        ((struct duckdb_list_entry *)sink->data)[row] = (struct duckdb_list_entry){sink->used, 0};
    for (size_t i = 0; !is_list && i < sink->count; i++)
        sink_null(&sink->children[i], row);
}

void sink_not_null(struct sink *sink, uint64_t row)
{
    if (sink->valid)
        sink->valid[row / 64] |= UINT64_C(1) << (row % 64);
}

void sink_bytes(struct sink *sink, uint64_t row, const void *bytes, size_t size)
{
    sink->library->vector_assign_string_element_len(sink->vector, row, bytes, size);
}

void sink_text(struct sink *sink, uint64_t row, const char *bytes, size_t size)
{
    if (g_utf8_validate_len(bytes, size, NULL)) {
        sink_bytes(sink, row, bytes, size);
        return;
    }
    const char *at = bytes, *end = bytes + size;
    g_autoptr(GString) text = g_string_sized_new(size);
    for (const char *bad; !g_utf8_validate_len(at, (gsize)(end - at), &bad); at = bad + 1) {
        g_string_append_len(text, at, bad - at);
        /* A zero byte is a letter like others to everybody but GLib. */
        g_string_append_len(text, *bad ? "\xef\xbf\xbd" : bad, *bad ? 3 : 1);
    }
    g_string_append_len(text, at, end - at);
    sink_bytes(sink, row, text->str, text->len);
}

bool sink_integer(struct sink *sink, uint64_t row, int64_t value)
{
    switch (sink->type->kind) {
    case SQL_BOOLEAN:
    case SQL_TINYINT:
        ((int8_t *)sink->data)[row] = (int8_t)value;
        return value == (int8_t)value;
    case SQL_SMALLINT:
        ((int16_t *)sink->data)[row] = (int16_t)value;
        return value == (int16_t)value;
    case SQL_UNKNOWN:
    case SQL_INTEGER:
    case SQL_DATE:
        ((int32_t *)sink->data)[row] = (int32_t)value;
        return value == (int32_t)value;
    default:
        ((int64_t *)sink->data)[row] = value;
        return true;
    }
}

void sink_double(struct sink *sink, uint64_t row, double value)
{
    if (sink->type->kind == SQL_REAL)
        ((float *)sink->data)[row] = (float)value;
    else
        ((double *)sink->data)[row] = value;
}

void sink_begin_list(struct sink *sink, uint64_t row)
{
    ((struct duckdb_list_entry *)sink->data)[row] = (struct duckdb_list_entry){sink->used, 0};
}

uint64_t sink_next_element(struct sink *sink, uint64_t row)
{
    if (sink->used == sink->room) {
        sink->room = sink->room ? sink->room * 2 : 4096;
        sink->library->list_vector_reserve(sink->vector, sink->room);
        look_at_vector(sink); /* the children have moved */
    }
    ((struct duckdb_list_entry *)sink->data)[row].length++;
    sink->library->list_vector_set_size(sink->vector, sink->used + 1);
    return sink->used++;
}

/* ---- texts ---- */

/* Hive's LazyLong: a sign, digits, and a fraction that is cut off. */
bool read_integer(const char *bytes, size_t size, int64_t *value)
{
    size_t at = size && (*bytes == '-' || *bytes == '+');
    bool negative = at && *bytes == '-';
    uint64_t sum = 0, most = (uint64_t)INT64_MAX + negative;
    size_t start = at;
    for (; at < size && g_ascii_isdigit(bytes[at]); at++) {
        unsigned digit = (unsigned)(bytes[at] - '0');
        if (sum > (most - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    bool good = at > start;
    if (at < size && bytes[at] == '.')
        for (at++; at < size && g_ascii_isdigit(bytes[at]); at++)
            continue;
    *value = negative ? (int64_t)-sum : (int64_t)sum;
    return good && at == size;
}

bool read_digits(const char **at, const char *end, int least, int most, int64_t *value)
{
    int digits = 0;
    for (*value = 0; *at < end && g_ascii_isdigit(**at) && digits < most; ++*at, digits++)
        *value = *value * 10 + (**at - '0');
    return digits >= least;
}

bool read_sign(const char **at, const char *end, char sign)
{
    if (*at == end || **at != sign)
        return false;
    ++*at;
    return true;
}

static bool take_date(const char **at, const char *end, int64_t *days)
{
    int64_t year, month, day;
    if (!read_digits(at, end, 4, 4, &year) || !read_sign(at, end, '-') ||
        !read_digits(at, end, 1, 2, &month) || !read_sign(at, end, '-') ||
        !read_digits(at, end, 1, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > moment_month_length(year, (int)month))
        return false;
    *days = moment_days(year, (int)month, (int)day);
    return true;
}

bool read_date(const char *bytes, size_t size, int64_t *days)
{
    const char *at = bytes, *end = bytes + size;
    return take_date(&at, end, days) && at == end;
}

static bool take_fraction(const char **at, const char *end, int64_t *micros)
{
    const char *start = *at;
    *micros = 0;
    for (int64_t scale = MOMENT_SECOND / 10; *at < end && g_ascii_isdigit(**at); ++*at, scale /= 10)
        *micros += (**at - '0') * scale;
    return *at > start;
}

static bool take_clock(const char **at, const char *end, int64_t *micros)
{
    int64_t hour, minute, second = 0, fraction = 0;
    if (!read_digits(at, end, 1, 2, &hour) || !read_sign(at, end, ':') ||
        !read_digits(at, end, 1, 2, &minute))
        return false;
    if (read_sign(at, end, ':') && !read_digits(at, end, 1, 2, &second))
        return false;
    if (read_sign(at, end, '.') && !take_fraction(at, end, &fraction))
        return false;
    *micros = ((hour * 60 + minute) * 60 + second) * MOMENT_SECOND + fraction;
    return hour < 24 && minute < 60 && second < 60;
}

bool read_timestamp(const char *bytes, size_t size, int64_t *micros)
{
    const char *at = bytes, *end = bytes + size;
    int64_t days, clock = 0;
    if (!take_date(&at, end, &days))
        return false;
    bool more = read_sign(&at, end, ' ') || read_sign(&at, end, 'T');
    if (more && !take_clock(&at, end, &clock))
        return false;
    read_sign(&at, end, 'Z');
    *micros = days * MOMENT_DAY + clock;
    return at == end;
}

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 wide_bits;

static bool append_digit(wide *sum, int digit, wide limit)
{
    *sum = *sum * 10 + digit;
    return *sum < limit;
}

static wide power_of_ten(int power)
{
    wide result = 1;
    while (power-- > 0)
        result *= 10;
    return result;
}

/* The digits of a plain or scientific number, moved to the scale and rounded half up. */
static bool scale_digits(const char *digits, size_t count, int exponent, int scale, wide limit,
                         wide *sum)
{
    int64_t kept = (int64_t)exponent + scale; /* how many of them stand before the last place */
    *sum = 0;
    for (int64_t i = 0; i < kept; i++) {
        if (*sum == 0 && i >= (int64_t)count)
            break;
        if (!append_digit(sum, i < (int64_t)count ? digits[i] - '0' : 0, limit))
            return false;
    }
    if (kept >= 0 && kept < (int64_t)count && digits[kept] >= '5')
        ++*sum;
    return *sum < limit;
}

bool read_decimal(const char *bytes, size_t size, int precision, int scale,
                  struct duckdb_huge *value)
{
    const char *at = bytes, *end = bytes + size;
    g_autofree char *digits = g_malloc(size + 1);
    size_t count = 0, places = 0;
    bool negative = at < end && *at == '-', point = false;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const char *start = at;
    for (; at < end && (g_ascii_isdigit(*at) || (*at == '.' && !point)); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        places += point;
        digits[count++] = *at;
    }
    int64_t power = 0;
    if (at == start || (point && at - start == 1))
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        size_t rest = (size_t)(end - at - 1);
        if (memchr(at, '.', (size_t)(end - at)) || !read_integer(at + 1, rest, &power))
            return false;
        at = end;
    }
    wide sum;
    int exponent = (int)CLAMP((int64_t)count - (int64_t)places + power, -1000000, 1000000);
    if (at != end || !scale_digits(digits, count, exponent, scale, power_of_ten(precision), &sum))
        return false;
    sum = negative ? -sum : sum;
    *value = (struct duckdb_huge){(uint64_t)(wide_bits)sum, (int64_t)(sum >> 64)};
    return true;
}

static void put_decimal(struct sink *sink, uint64_t row, const struct duckdb_huge *value)
{
    int precision = sink->type->precision;
    if (precision <= 4)
        ((int16_t *)sink->data)[row] = (int16_t)value->lower;
    else if (precision <= 9)
        ((int32_t *)sink->data)[row] = (int32_t)value->lower;
    else if (precision <= 18)
        ((int64_t *)sink->data)[row] = (int64_t)value->lower;
    else
        ((struct duckdb_huge *)sink->data)[row] = *value;
}

static bool parse_double(struct sink *sink, uint64_t row, const char *bytes, size_t size)
{
    double value;
    while (size && (unsigned char)*bytes <= ' ')
        bytes++, size--;
    while (size && (unsigned char)bytes[size - 1] <= ' ')
        size--;
    bool word = size >= 3 && g_ascii_isalpha(bytes[size - 1]) && strchr("NI+-", *bytes);
    if (size > 1 && !word && strchr("dDfF", bytes[size - 1]))
        size--;
    if (!number_parse(bytes, size, &value))
        return false;
    /* Java knows NaN and Infinity in no other case. */
    if (!isfinite(value) && g_ascii_isalpha(bytes[size - 1]) && bytes[size - 1] != 'N' &&
        !(size >= 8 && memcmp(bytes + size - 8, "Infinity", 8) == 0))
        return false;
    sink_double(sink, row, value);
    return true;
}

static bool parse_boolean(struct sink *sink, uint64_t row, const char *bytes, size_t size)
{
    bool truth = size == 4 && g_ascii_strncasecmp(bytes, "true", 4) == 0;
    if (!truth && !(size == 5 && g_ascii_strncasecmp(bytes, "false", 5) == 0))
        return false;
    return sink_integer(sink, row, truth);
}

/* Hive's binary in text is Base64, or where it is none the bytes themselves. */
static bool parse_binary(struct sink *sink, uint64_t row, const char *bytes, size_t size)
{
    g_autofree char *text = g_strndup(bytes, size);
    gsize length = 0;
    bool coded =
        size % 4 == 0 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789+/=") == size;
    g_autofree guchar *decoded = coded ? g_base64_decode(text, &length) : NULL;
    sink_bytes(sink, row, coded ? (void *)decoded : text, coded ? length : size);
    return true;
}

/* So many letters of it; the blanks at the end of a char are not kept. */
static bool parse_text(struct sink *sink, uint64_t row, const char *bytes, size_t size)
{
    int letters = 0;
    size_t at = 0;
    for (; sink->type->precision < SQL_UNBOUNDED && at < size; at++) {
        letters += ((unsigned char)bytes[at] & 0xc0) != 0x80;
        if (letters > sink->type->precision)
            break;
    }
    size = sink->type->precision < SQL_UNBOUNDED ? at : size;
    while (sink->type->kind == SQL_CHAR && size && bytes[size - 1] == ' ')
        size--;
    sink_text(sink, row, bytes, size);
    return true;
}

/* Only so many decimals of the seconds are kept. */
static int64_t cut_decimals(int64_t micros, int decimals)
{
    int64_t unit = 1;
    for (; decimals < 6; decimals++)
        unit *= 10;
    return moment_floor(micros, unit) * unit;
}

bool sink_moment(struct sink *sink, uint64_t row, int64_t micros)
{
    return sink_integer(sink, row, cut_decimals(micros, sink->type->precision));
}

bool sink_parse(struct sink *sink, uint64_t row, const char *bytes, size_t size)
{
    int64_t value;
    struct duckdb_huge digits;
    switch (sink->type->kind) {
    case SQL_VARCHAR:
    case SQL_CHAR:
        return parse_text(sink, row, bytes, size);
    case SQL_JSON:
    case SQL_UUID:
    case SQL_IPADDRESS:
        sink_text(sink, row, bytes, size);
        return true;
    case SQL_BOOLEAN:
        return parse_boolean(sink, row, bytes, size);
    case SQL_REAL:
    case SQL_DOUBLE:
        return parse_double(sink, row, bytes, size);
    case SQL_DECIMAL:
        if (!read_decimal(bytes, size, sink->type->precision, sink->type->scale, &digits))
            return false;
        put_decimal(sink, row, &digits);
        return true;
    case SQL_DATE:
        return read_date(bytes, size, &value) && sink_integer(sink, row, value);
    case SQL_TIMESTAMP:
        return read_timestamp(bytes, size, &value) && sink_moment(sink, row, value);
    case SQL_VARBINARY:
        return parse_binary(sink, row, bytes, size);
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_INTEGER:
    case SQL_BIGINT:
        return read_integer(bytes, size, &value) && sink_integer(sink, row, value);
    default:
        return false;
    }
}
