/* Casts between texts and other types, with Trino's errors; rounding of times; comparisons. */
#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse/number.h"
#include "table/functions.h"
#include "table/moment.h"
#include "table/sink.h"

#define INVALID_CAST "INVALID_CAST_ARGUMENT"

/* ---- to texts ---- */

static bool double_varchar(struct function_call *call)
{
    value_put_scientific(call->text, call_double(call, 0), false);
    return give_made(call);
}

static bool real_varchar(struct function_call *call)
{
    value_put_scientific(call->text, call_double(call, 0), true);
    return give_made(call);
}

static bool double_json(struct function_call *call)
{
    double value = call_double(call, 0);
    g_string_append(call->text, isfinite(value) ? "" : "\"");
    value_put_double(call->text, value);
    g_string_append(call->text, isfinite(value) ? "" : "\"");
    return give_made(call);
}

static bool date_varchar(struct function_call *call)
{
    moment_put_date(call->text, call_integer(call, 0));
    return give_made(call);
}

static bool time_varchar(struct function_call *call)
{
    moment_put_time(call->text, call_integer(call, 0), (int)call_integer(call, 1));
    return give_made(call);
}

static bool timetz_varchar(struct function_call *call)
{
    const struct value_view *view = &call->arguments[0];
    moment_put_time(call->text, (int64_t)value_integer(&view->children[0], call->row),
                    (int)call_integer(call, 1));
    moment_put_offset(call->text, (int)value_integer(&view->children[1], call->row));
    return give_made(call);
}

static bool timestamp_varchar(struct function_call *call)
{
    moment_put_timestamp(call->text, call_integer(call, 0), (int)call_integer(call, 1));
    return give_made(call);
}

static bool timestamptz_varchar(struct function_call *call)
{
    const struct value_view *view = &call->arguments[0];
    size_t size;
    const char *zone = value_bytes(&view->children[1], call->row, &size);
    moment_put_zoned(call->text, (int64_t)value_integer(&view->children[0], call->row), zone, size,
                     (int)call_integer(call, 1));
    return give_made(call);
}

static bool months_varchar(struct function_call *call)
{
    value_put_year_interval(call->text, call_integer(call, 0));
    return give_made(call);
}

static bool days_varchar(struct function_call *call)
{
    value_put_day_interval(call->text, call_integer(call, 0));
    return give_made(call);
}

static bool varchar_fits(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    int64_t most = call_integer(call, 1);
    return (int64_t)size <= most
               ? give_text(call, text, size)
               : call_fail(call, INVALID_CAST, "Value %.*s cannot be represented as varchar(%d)",
                           (int)size, text, (int)most);
}

/* ---- from texts ---- */

static bool fail_text(struct function_call *call, const char *type)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    return call_fail(call, INVALID_CAST, "Cannot cast '%.*s' to %s", (int)size, text, type);
}

static bool varchar_boolean(struct function_call *call)
{
    static const char *const words[] = {"true", "t", "1", "false", "f", "0"};
    size_t size;
    const char *text = call_text(call, 0, &size);
    for (int i = 0; i < 6; i++)
        if (strlen(words[i]) == size && g_ascii_strncasecmp(words[i], text, size) == 0)
            return give_truth(call, i < 3);
    return fail_text(call, "BOOLEAN");
}

static bool varchar_integer(struct function_call *call, const char *type, int64_t most)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    int64_t value;
    if (memchr(text, '.', size) || !read_integer(text, size, &value) || value > most ||
        value < -most - 1)
        return fail_text(call, type);
    return give_integer(call, value);
}

static bool varchar_tinyint(struct function_call *call)
{
    return varchar_integer(call, "TINYINT", INT8_MAX);
}

static bool varchar_smallint(struct function_call *call)
{
    return varchar_integer(call, "SMALLINT", INT16_MAX);
}

static bool varchar_int(struct function_call *call)
{
    return varchar_integer(call, "INT", INT32_MAX);
}

static bool varchar_bigint(struct function_call *call)
{
    return varchar_integer(call, "BIGINT", INT64_MAX);
}

/* Java's Double.parseDouble. */
static bool varchar_floating(struct function_call *call, const char *type)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    return sink_parse(call->result, call->row, text, size) || fail_text(call, type);
}

static bool varchar_double(struct function_call *call)
{
    return varchar_floating(call, "DOUBLE");
}

static bool varchar_real(struct function_call *call)
{
    return varchar_floating(call, "REAL");
}

/* "DECIMAL(5, 2)" */
static void decimal_of(const char *text, size_t size, int *digits, int *scale)
{
    const char *open = memchr(text, '(', size);
    g_autofree char *rest = open ? g_strndup(open + 1, size - (size_t)(open + 1 - text)) : NULL;
    const char *comma = rest ? strchr(rest, ',') : NULL;
    *digits = rest ? atoi(rest) : 38;
    *scale = comma ? atoi(comma + 1) : 0;
}

static bool give_decimal(struct function_call *call, const char *text, size_t size, int *digits,
                         int *scale)
{
    size_t type_size;
    struct duckdb_huge value;
    const char *type = call_text(call, 1, &type_size);
    decimal_of(type, type_size, digits, scale);
    if (!read_decimal(text, size, *digits, *scale, &value))
        return false;
    __extension__ typedef unsigned __int128 bits;
    value_put_decimal(call->text, (value_wide)((bits)(uint64_t)value.upper << 64 | value.lower),
                      *scale);
    return give_made(call);
}

static bool varchar_decimal(struct function_call *call)
{
    size_t size, type_size;
    int digits, scale;
    const char *text = call_text(call, 0, &size), *type = call_text(call, 1, &type_size);
    struct duckdb_huge ignored;
    while (size && (unsigned char)*text <= ' ')
        text++, size--;
    while (size && (unsigned char)text[size - 1] <= ' ')
        size--;
    if (give_decimal(call, text, size, &digits, &scale))
        return true;
    bool number = read_decimal(text, size, 38, 0, &ignored);
    return call_fail(call, INVALID_CAST, "Cannot cast VARCHAR '%.*s' to %.*s. %s", (int)size, text,
                     (int)type_size, type, number ? "Value too large." : "Value is not a number.");
}

static bool double_decimal(struct function_call *call)
{
    size_t type_size;
    int digits, scale;
    double value = call_double(call, 0);
    const char *type = call_text(call, 1, &type_size);
    bool real = call->arguments[0].kind == DUCKDB_FLOAT;
    if (real)
        value_put_float(call->other, (float)value);
    else
        value_put_double(call->other, value);
    if (isfinite(value) && give_decimal(call, call->other->str, call->other->len, &digits, &scale))
        return true;
    return call_fail(call, INVALID_CAST, "Cannot cast %s '%s' to %.*s", real ? "REAL" : "DOUBLE",
                     call->other->str, (int)type_size, type);
}

/* ---- dates and times from texts ---- */

static void trim_ends(const char **text, size_t *size)
{
    while (*size && **text == ' ')
        ++*text, --*size;
    while (*size && (*text)[*size - 1] == ' ')
        --*size;
}

static bool take_date(const char **at, const char *end, int64_t *days)
{
    bool minus = read_sign(at, end, '-');
    if (!minus)
        read_sign(at, end, '+');
    int64_t year, month, day;
    if (!read_digits(at, end, 4, 9, &year) || !read_sign(at, end, '-') ||
        !read_digits(at, end, 1, 2, &month) || !read_sign(at, end, '-') ||
        !read_digits(at, end, 1, 2, &day))
        return false;
    year = minus ? -year : year;
    if (month < 1 || month > 12 || day < 1 || day > moment_month_length(year, (int)month) ||
        year > 5000000 || year < -5000000)
        return false;
    *days = moment_days(year, (int)month, (int)day);
    return true;
}

static int64_t rounded(int64_t micros, int64_t decimals)
{
    int64_t unit = 1;
    for (; decimals < 6; decimals++)
        unit *= 10;
    return moment_floor(micros + unit / 2, unit) * unit;
}

static bool take_clock(const char **at, const char *end, int64_t *micros)
{
    int64_t hour, minute, second = 0, fraction = 0, unit = MOMENT_SECOND / 10;
    if (!read_digits(at, end, 1, 2, &hour) || !read_sign(at, end, ':') ||
        !read_digits(at, end, 1, 2, &minute) || hour > 23 || minute > 59)
        return false;
    if (read_sign(at, end, ':')) {
        if (!read_digits(at, end, 1, 2, &second) || second > 59)
            return false;
        if (read_sign(at, end, '.')) {
            const char *start = *at;
            bool up = false;
            for (; *at < end && g_ascii_isdigit(**at); ++*at, unit /= 10) {
                fraction += (**at - '0') * unit;
                up = up || (unit == 0 && *at - start == 6 && **at >= '5');
            }
            fraction += up;
            if (*at == start || *at - start > 12)
                return false;
        }
    }
    *micros = ((hour * 60 + minute) * 60 + second) * MOMENT_SECOND + fraction;
    return true;
}

static bool fail_moment(struct function_call *call, const char *type)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    return call_fail(call, INVALID_CAST, "Value cannot be cast to %s: %.*s", type, (int)size, text);
}

static bool varchar_date(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    int64_t days;
    trim_ends(&text, &size);
    const char *at = text, *end = text + size;
    return take_date(&at, end, &days) && at == end ? give_integer(call, days)
                                                   : fail_moment(call, "date");
}

static bool varchar_time(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size), *at = text, *end = text + size;
    int64_t micros;
    if (!take_clock(&at, end, &micros) || at != end)
        return fail_moment(call, "time");
    return give_integer(call, rounded(micros, call_integer(call, 1)) % MOMENT_DAY);
}

struct stamp {
    int64_t local;
    const char *zone;
    size_t zone_size;
};

/* A date, a time behind it or none, and a zone or none, behind a blank or not. */
static bool take_stamp(const char *text, size_t size, struct stamp *stamp)
{
    const char *at = text, *end = text + size;
    int64_t days, clock = 0;
    *stamp = (struct stamp){0};
    if (!take_date(&at, end, &days))
        return false;
    const char *behind = at;
    if (read_sign(&at, end, ' ') && !take_clock(&at, end, &clock)) {
        at = behind; /* only a zone follows */
        clock = 0;
    }
    stamp->local = days * MOMENT_DAY + clock;
    if (at == end)
        return true;
    read_sign(&at, end, ' ');
    stamp->zone = at;
    stamp->zone_size = (size_t)(end - at);
    return moment_is_zone(at, stamp->zone_size);
}

static bool varchar_timestamp(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    struct stamp stamp;
    trim_ends(&text, &size);
    if (!take_stamp(text, size, &stamp))
        return fail_moment(call, "timestamp");
    return give_integer(call, rounded(stamp.local, call_integer(call, 1)));
}

static bool give_zoned(struct function_call *call, int64_t instant, const char *zone, size_t size)
{
    sink_integer(&call->result->children[0], call->row, instant);
    sink_text(&call->result->children[1], call->row, zone, size);
    return true;
}

static bool varchar_timestamptz(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    struct stamp stamp;
    trim_ends(&text, &size);
    if (!take_stamp(text, size, &stamp))
        return fail_moment(call, "timestamp with time zone");
    const char *zone = stamp.zone ? stamp.zone : "UTC";
    size = stamp.zone ? stamp.zone_size : 3;
    int64_t local = rounded(stamp.local, call_integer(call, 1));
    return give_zoned(call, moment_instant(zone, size, local), zone, size);
}

static bool varchar_timetz(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size), *at = text, *end = text + size;
    int64_t micros, hours, minutes;
    if (!take_clock(&at, end, &micros))
        return fail_moment(call, "time with time zone");
    read_sign(&at, end, ' ');
    bool minus = read_sign(&at, end, '-');
    if ((!minus && !read_sign(&at, end, '+')) || !read_digits(&at, end, 2, 2, &hours) ||
        !read_sign(&at, end, ':') || !read_digits(&at, end, 2, 2, &minutes) || at != end)
        return fail_moment(call, "time with time zone");
    minutes += hours * 60;
    sink_integer(&call->result->children[0], call->row,
                 rounded(micros, call_integer(call, 1)) % MOMENT_DAY);
    sink_integer(&call->result->children[1], call->row, minus ? -minutes : minutes);
    return true;
}

/* ---- rounding ---- */

static bool timestamp_round(struct function_call *call)
{
    return give_integer(call, rounded(call_integer(call, 0), call_integer(call, 1)));
}

static bool time_round(struct function_call *call)
{
    return give_integer(call, rounded(call_integer(call, 0), call_integer(call, 1)) % MOMENT_DAY);
}

static bool timestamptz_round(struct function_call *call)
{
    const struct value_view *view = &call->arguments[0];
    size_t size;
    const char *zone = value_bytes(&view->children[1], call->row, &size);
    int64_t instant = (int64_t)value_integer(&view->children[0], call->row);
    return give_zoned(call, rounded(instant, call_integer(call, 1)), zone, size);
}

static bool timetz_round(struct function_call *call)
{
    const struct value_view *view = &call->arguments[0];
    int64_t clock = (int64_t)value_integer(&view->children[0], call->row);
    sink_integer(&call->result->children[0], call->row,
                 rounded(clock, call_integer(call, 1)) % MOMENT_DAY);
    sink_integer(&call->result->children[1], call->row,
                 (int64_t)value_integer(&view->children[1], call->row));
    return true;
}

static bool timetz_key(struct function_call *call)
{
    const struct value_view *view = &call->arguments[0];
    int64_t clock = (int64_t)value_integer(&view->children[0], call->row);
    int64_t shift = (int64_t)value_integer(&view->children[1], call->row);
    int64_t key = clock - shift * 60 * MOMENT_SECOND;
    return give_integer(call, key - moment_floor(key, MOMENT_DAY) * MOMENT_DAY);
}

static bool timestamp_zone(struct function_call *call)
{
    return give_zoned(call, call_integer(call, 0), "UTC", 3);
}

/* TIMESTAMP '... zone': the local time, its zone, and the literal as it is written. */
static bool literal_zoned(struct function_call *call)
{
    size_t size;
    const char *literal = call_text(call, 2, &size);
    int literal_size = (int)size;
    const char *zone = call_text(call, 1, &size);
    if (!moment_is_zone(zone, size))
        return call_fail(call, "INVALID_LITERAL", "'%.*s' is not a valid TIMESTAMP literal",
                         literal_size, literal);
    return give_zoned(call, moment_instant(zone, size, call_integer(call, 0)), zone, size);
}

/* ---- logic of three values ---- */

static bool all(struct function_call *call)
{
    uint64_t first, count;
    const struct value_view *list = call_list(call, 0, &first, &count);
    bool unknown = false;
    for (uint64_t i = first; i < first + count; i++) {
        if (value_is_null(list, i))
            unknown = true;
        else if (!value_integer(list, i))
            return give_truth(call, false);
    }
    return unknown ? give_null(call) : give_truth(call, true);
}

/* ---- UUIDs and addresses ---- */

static bool varchar_uuid(struct function_call *call)
{
    size_t size, digits = 0;
    const char *text = call_text(call, 0, &size);
    for (size_t i = 0; i < size; i++)
        digits += i == 8 || i == 13 || i == 18 || i == 23 ? text[i] == '-'
                                                          : g_ascii_isxdigit(text[i]) != 0;
    if (size != 36 || digits != 36)
        return call_fail(call, INVALID_CAST, "Cannot cast value to UUID: %.*s", (int)size, text);
    g_autofree char *lower = g_ascii_strdown(text, (gssize)size);
    return give_text(call, lower, size);
}

static bool varchar_ipaddress(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    g_autofree char *terminated = g_strndup(text, size);
    unsigned char bytes[16];
    char plain[64];
    int family = strchr(terminated, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, terminated, bytes) != 1 || !inet_ntop(family, bytes, plain, sizeof plain))
        return call_fail(call, INVALID_CAST, "Cannot cast value to IPADDRESS: %s", terminated);
    return give_text(call, plain, strlen(plain));
}

#define ZONED "timestamp(6) with time zone"
#define CLOCK_ZONED "time(6) with time zone"

const struct function functions_cast[] = {
    {"double_varchar", "double -> varchar", double_varchar, 0, NULL},
    {"real_varchar", "real -> varchar", real_varchar, 0, NULL},
    {"double_json", "double -> json", double_json, 0, NULL},
    {"date_varchar", "date -> varchar", date_varchar, 0, NULL},
    {"time_varchar", "time(6), bigint -> varchar", time_varchar, 0, NULL},
    {"timetz_varchar", CLOCK_ZONED ", bigint -> varchar", timetz_varchar, 0, NULL},
    {"timestamp_varchar", "timestamp(6), bigint -> varchar", timestamp_varchar, 0, NULL},
    {"timestamptz_varchar", ZONED ", bigint -> varchar", timestamptz_varchar, 0, NULL},
    {"months_varchar", "bigint -> varchar", months_varchar, 0, NULL},
    {"days_varchar", "bigint -> varchar", days_varchar, 0, NULL},
    {"varchar_fits", "varchar, bigint -> varchar", varchar_fits, 0, NULL},
    {"varchar_boolean", "varchar -> boolean", varchar_boolean, 0, NULL},
    {"varchar_tinyint", "varchar -> tinyint", varchar_tinyint, 0, NULL},
    {"varchar_smallint", "varchar -> smallint", varchar_smallint, 0, NULL},
    {"varchar_integer", "varchar -> integer", varchar_int, 0, NULL},
    {"varchar_bigint", "varchar -> bigint", varchar_bigint, 0, NULL},
    {"varchar_double", "varchar -> double", varchar_double, 0, NULL},
    {"varchar_real", "varchar -> real", varchar_real, 0, NULL},
    {"varchar_decimal", "varchar, varchar -> varchar", varchar_decimal, 0, NULL},
    {"double_decimal", "real, varchar -> varchar", double_decimal, 0, NULL},
    {"double_decimal", "double, varchar -> varchar", double_decimal, 0, NULL},
    {"varchar_date", "varchar -> date", varchar_date, 0, NULL},
    {"varchar_time", "varchar, bigint -> time(6)", varchar_time, 0, NULL},
    {"varchar_timetz", "varchar, bigint -> " CLOCK_ZONED, varchar_timetz, 0, NULL},
    {"varchar_timestamp", "varchar, bigint -> timestamp(6)", varchar_timestamp, 0, NULL},
    {"varchar_timestamptz", "varchar, bigint -> " ZONED, varchar_timestamptz, 0, NULL},
    {"varchar_uuid", "varchar -> varchar", varchar_uuid, 0, NULL},
    {"varchar_ipaddress", "varchar -> varchar", varchar_ipaddress, 0, NULL},
    {"timestamp_round", "timestamp(6), bigint -> timestamp(6)", timestamp_round, 0, NULL},
    {"time_round", "time(6), bigint -> time(6)", time_round, 0, NULL},
    {"timestamptz_round", ZONED ", bigint -> " ZONED, timestamptz_round, 0, NULL},
    {"timetz_round", CLOCK_ZONED ", bigint -> " CLOCK_ZONED, timetz_round, 0, NULL},
    {"timetz_key", CLOCK_ZONED " -> bigint", timetz_key, 0, NULL},
    {"timestamp_zone", "timestamp(6) -> " ZONED, timestamp_zone, 0, NULL},
    {"literal_zoned", "timestamp(6), varchar, varchar -> " ZONED, literal_zoned, 0, NULL},
    {"all", "array(boolean) -> boolean", all, 0, NULL},
    {0},
};
