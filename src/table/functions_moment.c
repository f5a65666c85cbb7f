/* Days and times. What is local to a zone is computed on its local time; the rules are Joda's. */
#include <math.h>
#include <string.h>

#include "table/functions.h"
#include "table/moment.h"
#include "table/moment_pattern.h"

/* ---- arguments ---- */

/* A date, a timestamp, a timestamp with its zone, a time, in microseconds of local time. */
struct local {
    int64_t micros;
    const char *zone; /* NULL: has none */
    size_t zone_size;
    int kind; /* DuckDB's, a struct's for a zone */
};

static struct local local_of(const struct function_call *call, size_t i)
{
    const struct value_view *view = &call->arguments[i];
    struct local local = {.kind = view->kind};
    if (view->kind == DUCKDB_STRUCT) {
        local.zone = value_bytes(&view->children[1], call->row, &local.zone_size);
        int64_t instant = (int64_t)value_integer(&view->children[0], call->row);
        local.micros = instant + moment_offset(local.zone, local.zone_size, instant);
    } else {
        local.micros = (int64_t)value_integer(view, call->row);
        local.micros *= view->kind == DUCKDB_DATE ? MOMENT_DAY : 1;
    }
    return local;
}

static int64_t instant_of(const struct local *local)
{
    return local->zone ? moment_instant(local->zone, local->zone_size, local->micros)
                       : local->micros;
}

static int64_t day_of(int64_t micros)
{
    return moment_floor(micros, MOMENT_DAY);
}

static int64_t clock_of(int64_t micros)
{
    return micros - day_of(micros) * MOMENT_DAY;
}

/* ---- results ---- */

static bool give_zoned(struct function_call *call, int64_t instant, const char *zone, size_t size)
{
    sink_integer(&call->result->children[0], call->row, instant);
    sink_text(&call->result->children[1], call->row, zone, size);
    return true;
}

/* Something of the same kind as the argument. */
static bool give_local(struct function_call *call, const struct local *local)
{
    if (local->zone)
        return give_zoned(call, instant_of(local), local->zone, local->zone_size);
    return give_integer(call, local->kind == DUCKDB_DATE ? day_of(local->micros) : local->micros);
}

/* ---- units ---- */

enum unit { MILLISECOND, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR, UNITS };
static const char *const unit_names[UNITS] = {"millisecond", "second", "minute",  "hour", "day",
                                              "week",        "month",  "quarter", "year"};
static const int64_t unit_micros[] = {
    1000, MOMENT_SECOND, 60 * MOMENT_SECOND, 3600 * MOMENT_SECOND, MOMENT_DAY, 7 * MOMENT_DAY};

static bool unit_of(struct function_call *call, int kind, enum unit *unit)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    bool is_date = kind == DUCKDB_DATE, is_time = kind == DUCKDB_TIME;
    for (*unit = is_date ? DAY : MILLISECOND; *unit < (is_time ? DAY : UNITS); ++*unit)
        if (strlen(unit_names[*unit]) == size &&
            g_ascii_strncasecmp(text, unit_names[*unit], size) == 0)
            return true;
    return call_fail(call, INVALID_ARGUMENT, "'%.*s' is not a valid %s field", (int)size, text,
                     is_date   ? "DATE"
                     : is_time ? "TIME"
                               : "TIMESTAMP");
}

static int64_t add_months(int64_t micros, int64_t months)
{
    int64_t year, days = day_of(micros);
    int month, day;
    moment_civil(days, &year, &month, &day);
    int64_t all = year * 12 + month - 1 + months;
    year = moment_floor(all, 12);
    month = (int)(all - year * 12) + 1;
    day = MIN(day, moment_month_length(year, month));
    return moment_days(year, month, day) * MOMENT_DAY + clock_of(micros);
}

static int64_t months_of(enum unit unit)
{
    return unit == YEAR ? 12 : unit == QUARTER ? 3 : 1;
}

static bool date_trunc(struct function_call *call)
{
    struct local local = local_of(call, 1);
    enum unit unit;
    if (!unit_of(call, local.kind, &unit))
        return false;
    int64_t days = day_of(local.micros), year;
    int month, day;
    if (unit < DAY && local.zone) { /* a whole offset is assumed */
        int64_t instant = instant_of(&local);
        int64_t offset = local.micros - instant;
        local.micros = moment_floor(local.micros, unit_micros[unit]) * unit_micros[unit];
        return give_zoned(call, local.micros - offset, local.zone, local.zone_size);
    }
    if (unit <= DAY) {
        local.micros = moment_floor(local.micros, unit_micros[unit]) * unit_micros[unit];
    } else if (unit == WEEK) {
        local.micros = (days - moment_weekday(days) + 1) * MOMENT_DAY;
    } else {
        moment_civil(days, &year, &month, &day);
        month = (month - 1) / (int)months_of(unit) * (int)months_of(unit) + 1;
        local.micros = moment_days(year, month, 1) * MOMENT_DAY;
    }
    return give_local(call, &local);
}

static bool date_add(struct function_call *call)
{
    struct local local = local_of(call, 2);
    enum unit unit;
    int64_t count = call_integer(call, 1), change;
    if (!unit_of(call, local.kind, &unit))
        return false;
    if (unit >= MONTH) {
        if (count > 1000000 || count < -1000000)
            return call_fail(call, INVALID_ARGUMENT, "the result is out of range");
        local.micros = add_months(local.micros, count * months_of(unit));
        return give_local(call, &local);
    }
    if (__builtin_mul_overflow(count, unit_micros[unit], &change) ||
        __builtin_add_overflow(local.micros, change, &local.micros))
        return call_fail(call, INVALID_ARGUMENT, "the result is out of range");
    if (local.kind == DUCKDB_TIME)
        local.micros = clock_of(local.micros);
    if (local.zone && unit < DAY) { /* hours pass whatever clocks say */
        int64_t instant;
        struct local before = local;
        before.micros -= change;
        instant = instant_of(&before) + change;
        return give_zoned(call, instant, local.zone, local.zone_size);
    }
    return give_local(call, &local);
}

/* Whole months from a to b, which is the later. */
static int64_t months_between(int64_t a, int64_t b)
{
    int64_t year, other_year;
    int month, day, other_month, other_day;
    moment_civil(day_of(a), &year, &month, &day);
    moment_civil(day_of(b), &other_year, &other_month, &other_day);
    int64_t months = (other_year - year) * 12 + other_month - month;
    return months - (add_months(a, months) > b);
}

static bool date_diff(struct function_call *call)
{
    struct local a = local_of(call, 1), b = local_of(call, 2);
    enum unit unit;
    if (!unit_of(call, a.kind == DUCKDB_DATE ? b.kind : a.kind, &unit))
        return false;
    if (a.zone && unit < DAY)
        return give_integer(call, (instant_of(&b) - instant_of(&a)) / unit_micros[unit]);
    if (a.zone && b.zone) { /* both on the first one's clock */
        int64_t instant = instant_of(&b);
        b.micros = instant + moment_offset(a.zone, a.zone_size, instant);
    }
    if (unit <= WEEK) {
        if (unit == MILLISECOND) {
            a.micros = moment_floor(a.micros, 1000) * 1000;
            b.micros = moment_floor(b.micros, 1000) * 1000;
        }
        return give_integer(call, (b.micros - a.micros) / unit_micros[unit]);
    }
    bool backwards = b.micros < a.micros;
    int64_t months =
        backwards ? months_between(b.micros, a.micros) : months_between(a.micros, b.micros);
    months /= months_of(unit);
    return give_integer(call, backwards ? -months : months);
}

/* ---- fields ---- */

static bool year(struct function_call *call)
{
    int64_t value;
    int month, day;
    moment_civil(day_of(local_of(call, 0).micros), &value, &month, &day);
    return give_integer(call, value);
}

static bool month(struct function_call *call)
{
    int64_t value;
    int number, day;
    moment_civil(day_of(local_of(call, 0).micros), &value, &number, &day);
    return give_integer(call, number);
}

static bool quarter(struct function_call *call)
{
    int64_t value;
    int number, day;
    moment_civil(day_of(local_of(call, 0).micros), &value, &number, &day);
    return give_integer(call, (number - 1) / 3 + 1);
}

static bool day(struct function_call *call)
{
    int64_t value;
    int number, of_month;
    moment_civil(day_of(local_of(call, 0).micros), &value, &number, &of_month);
    return give_integer(call, of_month);
}

static bool day_of_week(struct function_call *call)
{
    return give_integer(call, moment_weekday(day_of(local_of(call, 0).micros)));
}

static bool day_of_year(struct function_call *call)
{
    int64_t value, days = day_of(local_of(call, 0).micros);
    int number, of_month;
    moment_civil(days, &value, &number, &of_month);
    return give_integer(call, days - moment_days(value, 1, 1) + 1);
}

static bool week(struct function_call *call)
{
    int64_t value;
    return give_integer(call, moment_week(day_of(local_of(call, 0).micros), &value));
}

static bool year_of_week(struct function_call *call)
{
    int64_t value;
    moment_week(day_of(local_of(call, 0).micros), &value);
    return give_integer(call, value);
}

static bool hour(struct function_call *call)
{
    return give_integer(call, clock_of(local_of(call, 0).micros) / unit_micros[HOUR]);
}

static bool minute(struct function_call *call)
{
    return give_integer(call, clock_of(local_of(call, 0).micros) / unit_micros[MINUTE] % 60);
}

static bool second(struct function_call *call)
{
    return give_integer(call, clock_of(local_of(call, 0).micros) / MOMENT_SECOND % 60);
}

static bool millisecond(struct function_call *call)
{
    return give_integer(call, clock_of(local_of(call, 0).micros) / 1000 % 1000);
}

static bool last_day_of_month(struct function_call *call)
{
    int64_t value;
    int number, of_month;
    moment_civil(day_of(local_of(call, 0).micros), &value, &number, &of_month);
    return give_integer(call, moment_days(value, number, moment_month_length(value, number)));
}

/* ---- zones ---- */

static bool zone_named(struct function_call *call, size_t i, const char **zone, size_t *size)
{
    *zone = call_text(call, i, size);
    return moment_is_zone(*zone, *size) ||
           call_fail(call, INVALID_ARGUMENT, "'%.*s' is not a valid time zone", (int)*size, *zone);
}

static bool at_timezone(struct function_call *call)
{
    struct local local = local_of(call, 0);
    const char *zone;
    size_t size;
    return zone_named(call, 1, &zone, &size) && give_zoned(call, instant_of(&local), zone, size);
}

/* A zone by milliseconds of offset. */
static bool at_offset(struct function_call *call)
{
    struct local local = local_of(call, 0);
    moment_put_offset(call->text, (int)(call_integer(call, 1) / 60000));
    return give_zoned(call, instant_of(&local), call->text->str, call->text->len);
}

static bool with_timezone(struct function_call *call)
{
    struct local local = local_of(call, 0);
    if (!zone_named(call, 1, &local.zone, &local.zone_size))
        return false;
    return give_zoned(call, instant_of(&local), local.zone, local.zone_size);
}

/* The local time of a timestamp with time zone, without the zone. */
static bool local_time(struct function_call *call)
{
    return give_integer(call, local_of(call, 0).micros);
}

static bool timezone_minutes(struct function_call *call, int64_t *minutes)
{
    struct local local = local_of(call, 0);
    *minutes = (local.micros - instant_of(&local)) / unit_micros[MINUTE];
    return true;
}

static bool timezone_hour(struct function_call *call)
{
    int64_t minutes;
    return timezone_minutes(call, &minutes) && give_integer(call, minutes / 60);
}

static bool timezone_minute(struct function_call *call)
{
    int64_t minutes;
    return timezone_minutes(call, &minutes) && give_integer(call, minutes % 60);
}

/* ---- Unix's seconds ---- */

static bool unix_instant(struct function_call *call, int64_t *instant)
{
    double millis = call_double(call, 0) * 1000;
    if (isnan(millis))
        millis = 0;
    millis = floor(millis + 0.5);
    if (fabs(millis) > 1e15)
        return call_fail(call, INVALID_ARGUMENT, "Millis overflow: %s",
                         millis < 0 ? "-9223372036854775808" : "9223372036854775807");
    *instant = (int64_t)millis * 1000;
    return true;
}

static bool from_unixtime(struct function_call *call)
{
    int64_t instant;
    const char *zone;
    size_t size;
    return zone_named(call, 1, &zone, &size) && unix_instant(call, &instant) &&
           give_zoned(call, instant, zone, size);
}

static bool from_unixtime_offset(struct function_call *call)
{
    int64_t instant, hours = call_integer(call, 1), minutes = call_integer(call, 2);
    int64_t offset = hours * 60 + (hours < 0 ? -minutes : minutes);
    if (offset < -840 || offset > 840)
        return call_fail(call, INVALID_ARGUMENT, "Invalid offset minutes %d", (int)offset);
    if (!unix_instant(call, &instant))
        return false;
    moment_put_offset(call->text, (int)offset);
    return give_zoned(call, instant, call->text->str, call->text->len);
}

static bool to_unixtime(struct function_call *call)
{
    struct local local = local_of(call, 0);
    return give_double(call, (double)instant_of(&local) / 1e6);
}

/* ---- ISO 8601 ---- */

static bool to_iso8601(struct function_call *call)
{
    struct local local = local_of(call, 0);
    int decimals = call->count > 1 ? (int)call_integer(call, 1) : 0;
    moment_put_date(call->text, day_of(local.micros));
    if (local.kind == DUCKDB_DATE)
        return give_made(call);
    g_string_append_c(call->text, 'T');
    moment_put_time(call->text, clock_of(local.micros), decimals);
    if (!local.zone)
        return give_made(call);
    int minutes = (int)((local.micros - instant_of(&local)) / unit_micros[MINUTE]);
    if (minutes)
        moment_put_offset(call->text, minutes);
    else
        g_string_append_c(call->text, 'Z');
    return give_made(call);
}

static bool fail_pattern(struct function_call *call, GError *error)
{
    call_fail(call, INVALID_ARGUMENT, "%s", error->message);
    g_error_free(error);
    return false;
}

static bool from_iso8601_timestamp(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    GError *error = NULL;
    struct moment_parsed parsed;
    if (!moment_parse_iso(text, size, &parsed, &error))
        return fail_pattern(call, error);
    const char *zone = *parsed.zone ? parsed.zone : call_text(call, 1, &size);
    size = *parsed.zone ? strlen(parsed.zone) : size;
    return give_zoned(call, moment_instant(zone, size, parsed.local), zone, size);
}

static bool from_iso8601_date(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    GError *error = NULL;
    struct moment_parsed parsed;
    if (!moment_parse_iso(text, size, &parsed, &error))
        return fail_pattern(call, error);
    return give_integer(call, day_of(parsed.local));
}

/* ---- patterns ---- */

static void forget_pattern(void *kept)
{
    moment_pattern_free(kept);
}

static struct moment_pattern *pattern_of(struct function_call *call, bool mysql)
{
    size_t size;
    const char *text = call_text(call, 1, &size);
    if (call->kept && moment_pattern_is(call->kept, text, size))
        return call->kept;
    GError *error = NULL;
    moment_pattern_free(call->kept);
    call->kept = moment_pattern_new(text, size, mysql, &error);
    if (!call->kept)
        fail_pattern(call, error);
    return call->kept;
}

static bool format(struct function_call *call, bool mysql)
{
    struct moment_pattern *pattern = pattern_of(call, mysql);
    struct local local = local_of(call, 0);
    if (!pattern)
        return false;
    int64_t offset = local.micros - instant_of(&local);
    GError *error = NULL;
    if (!moment_pattern_put(pattern, call->text, local.micros, offset, local.zone, local.zone_size,
                            &error))
        return fail_pattern(call, error);
    return give_made(call);
}

static bool date_format(struct function_call *call)
{
    return format(call, true);
}

static bool format_datetime(struct function_call *call)
{
    return format(call, false);
}

static bool parse(struct function_call *call, bool mysql, struct moment_parsed *parsed)
{
    size_t size;
    struct moment_pattern *pattern = pattern_of(call, mysql);
    const char *text = call_text(call, 0, &size);
    GError *error = NULL;
    return pattern &&
           (moment_pattern_parse(pattern, text, size, parsed, &error) || fail_pattern(call, error));
}

static bool date_parse(struct function_call *call)
{
    struct moment_parsed parsed;
    return parse(call, true, &parsed) &&
           give_integer(call, moment_floor(parsed.local, 1000) * 1000);
}

static bool parse_datetime(struct function_call *call)
{
    struct moment_parsed parsed;
    size_t size;
    if (!parse(call, false, &parsed))
        return false;
    const char *zone = *parsed.zone ? parsed.zone : call_text(call, 2, &size);
    size = *parsed.zone ? strlen(parsed.zone) : size;
    int64_t local = moment_floor(parsed.local, 1000) * 1000;
    return give_zoned(call, moment_instant(zone, size, local), zone, size);
}

/* ---- sequences ---- */

enum { SEQUENCE_MOST = 10000 };

/* ---- durations ---- */

static void put_amount(GString *text, int64_t amount, const char *unit)
{
    if (amount)
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT " %s%s", text->len ? ", " : "", amount,
                               unit, amount == 1 ? "" : "s");
}

static bool human_readable_seconds(struct function_call *call)
{
    double seconds = call_double(call, 0);
    if (!isfinite(seconds))
        return call_fail(call, INVALID_ARGUMENT, "Invalid argument found: %s",
                         isnan(seconds) ? "NaN" : "Infinity");
    int64_t left = llabs((int64_t)llround(seconds));
    put_amount(call->text, left / 604800, "week");
    put_amount(call->text, left / 86400 % 7, "day");
    put_amount(call->text, left / 3600 % 24, "hour");
    put_amount(call->text, left / 60 % 60, "minute");
    if (left % 60 || !call->text->len)
        g_string_append_printf(call->text, "%s%d second%s", call->text->len ? ", " : "",
                               (int)(left % 60), left % 60 == 1 ? "" : "s");
    return give_made(call);
}

#define ZONED "timestamp(6) with time zone"
#define FIELD(name, answer)                                                                       \
    {name, "date -> bigint", answer, 0, NULL}, {name, "timestamp(6) -> bigint", answer, 0, NULL}, \
    {                                                                                             \
        name, ZONED " -> bigint", answer, 0, NULL                                                 \
    }
#define CLOCK(name, answer)                            \
    {name, "timestamp(6) -> bigint", answer, 0, NULL}, \
        {name, "time(6) -> bigint", answer, 0, NULL},  \
    {                                                  \
        name, ZONED " -> bigint", answer, 0, NULL      \
    }

const struct function functions_moment[] = {
    {"date_trunc", "varchar, date -> date", date_trunc, 0, NULL},
    {"date_trunc", "varchar, time(6) -> time(6)", date_trunc, 0, NULL},
    {"date_trunc", "varchar, timestamp(6) -> timestamp(6)", date_trunc, 0, NULL},
    {"date_trunc", "varchar, " ZONED " -> " ZONED, date_trunc, 0, NULL},
    {"date_add", "varchar, bigint, date -> date", date_add, 0, NULL},
    {"date_add", "varchar, bigint, time(6) -> time(6)", date_add, 0, NULL},
    {"date_add", "varchar, bigint, timestamp(6) -> timestamp(6)", date_add, 0, NULL},
    {"date_add", "varchar, bigint, " ZONED " -> " ZONED, date_add, 0, NULL},
    {"date_diff", "varchar, date, date -> bigint", date_diff, 0, NULL},
    {"date_diff", "varchar, time(6), time(6) -> bigint", date_diff, 0, NULL},
    {"date_diff", "varchar, timestamp(6), timestamp(6) -> bigint", date_diff, 0, NULL},
    {"date_diff", "varchar, " ZONED ", " ZONED " -> bigint", date_diff, 0, NULL},
    FIELD("year", year),
    FIELD("quarter", quarter),
    FIELD("month", month),
    FIELD("day", day),
    FIELD("week", week),
    FIELD("year_of_week", year_of_week),
    FIELD("day_of_week", day_of_week),
    FIELD("day_of_year", day_of_year),
    CLOCK("hour", hour),
    CLOCK("minute", minute),
    CLOCK("second", second),
    CLOCK("millisecond", millisecond),
    {"last_day_of_month", "date -> date", last_day_of_month, 0, NULL},
    {"last_day_of_month", "timestamp(6) -> date", last_day_of_month, 0, NULL},
    {"last_day_of_month", ZONED " -> date", last_day_of_month, 0, NULL},
    {"at_timezone", ZONED ", varchar -> " ZONED, at_timezone, 0, NULL},
    {"at_offset", ZONED ", bigint -> " ZONED, at_offset, 0, NULL},
    {"with_timezone", "timestamp(6), varchar -> " ZONED, with_timezone, 0, NULL},
    {"local", ZONED " -> timestamp(6)", local_time, 0, NULL},
    {"timezone_hour", ZONED " -> bigint", timezone_hour, 0, NULL},
    {"timezone_minute", ZONED " -> bigint", timezone_minute, 0, NULL},
    {"from_unixtime", "double, varchar -> " ZONED, from_unixtime, 0, NULL},
    {"from_unixtime", "double, bigint, bigint -> " ZONED, from_unixtime_offset, 0, NULL},
    {"to_unixtime", "timestamp(6) -> double", to_unixtime, 0, NULL},
    {"to_unixtime", ZONED " -> double", to_unixtime, 0, NULL},
    {"to_iso8601", "date -> varchar", to_iso8601, 0, NULL},
    {"to_iso8601", "timestamp(6), bigint -> varchar", to_iso8601, 0, NULL},
    {"to_iso8601", ZONED ", bigint -> varchar", to_iso8601, 0, NULL},
    {"from_iso8601_timestamp", "varchar, varchar -> " ZONED, from_iso8601_timestamp, 0, NULL},
    {"from_iso8601_date", "varchar -> date", from_iso8601_date, 0, NULL},
    {"date_format", "timestamp(6), varchar -> varchar", date_format, 0, forget_pattern},
    {"date_format", ZONED ", varchar -> varchar", date_format, 0, forget_pattern},
    {"format_datetime", "timestamp(6), varchar -> varchar", format_datetime, 0, forget_pattern},
    {"format_datetime", ZONED ", varchar -> varchar", format_datetime, 0, forget_pattern},
    {"date_parse", "varchar, varchar -> timestamp(6)", date_parse, 0, forget_pattern},
    {"parse_datetime", "varchar, varchar, varchar -> " ZONED, parse_datetime, 0, forget_pattern},
    {"human_readable_seconds", "double -> varchar", human_readable_seconds, 0, NULL},
    {0},
};
