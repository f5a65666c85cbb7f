#include "table/moment_pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "table/moment.h"

enum field {
    LITERAL,
    YEAR,       /* of the calendar, of ISO's weeks */
    SHORT_YEAR, /* two digits */
    MONTH,
    MONTH_TEXT,
    DAY,
    DAY_OF_YEAR,
    WEEK_YEAR,
    WEEK,
    DAY_OF_WEEK,
    DAY_TEXT,
    HALF_DAY,
    HOUR,      /* 0 to 23 */
    HOUR_24,   /* 1 to 24 */
    HOUR_HALF, /* 0 to 11 */
    HOUR_12,   /* 1 to 12 */
    MINUTE,
    SECOND,
    FRACTION,
    OFFSET,
    ZONE_NAME,
    FIELDS,
};

struct element {
    enum field field;
    int least, most; /* digits */
    bool long_text;
    char *literal;
};

struct moment_pattern {
    char *text;
    size_t size;
    GArray *elements;
    int pivot; /* the middle of the century that two digits of a year mean */
};

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};

/* ---- patterns ---- */

static void add(struct moment_pattern *pattern, enum field field, int least, int most,
                bool long_text)
{
    struct element element = {field, least, most, long_text, NULL};
    g_array_append_val(pattern->elements, element);
}

static void add_literal(struct moment_pattern *pattern, const char *text, size_t size)
{
    struct element element = {.field = LITERAL, .literal = g_strndup(text, size)};
    g_array_append_val(pattern->elements, element);
}

static bool fail_letter(char c, GError **error)
{
    return error_set(error, ERROR_VALIDATION, "%%%c not supported in date format string", c);
}

static bool add_mysql(struct moment_pattern *pattern, char letter, GError **error);

/* A pattern within: %T, %r. */
static bool add_mysql_all(struct moment_pattern *pattern, const char *text, size_t size,
                          GError **error)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '%') {
            size_t letter = 1;
            while (i + letter < size && ((unsigned char)text[i + letter] & 0xc0) == 0x80)
                letter++;
            add_literal(pattern, text + i, letter);
            i += letter - 1;
        } else if (++i < size && !add_mysql(pattern, text[i], error)) {
            return false;
        }
    }
    return true;
}

static bool add_mysql(struct moment_pattern *pattern, char letter, GError **error)
{
    static const struct {
        char letter;
        enum field field;
        int least, most;
        bool long_text;
    } known[] = {
        {'a', DAY_TEXT, 0, 0, false}, {'b', MONTH_TEXT, 0, 0, false},  {'c', MONTH, 1, 2, false},
        {'d', DAY, 2, 2, false},      {'e', DAY, 1, 2, false},         {'f', FRACTION, 6, 9, false},
        {'H', HOUR, 2, 2, false},     {'h', HOUR_12, 2, 2, false},     {'I', HOUR_12, 2, 2, false},
        {'i', MINUTE, 2, 2, false},   {'j', DAY_OF_YEAR, 3, 3, false}, {'k', HOUR, 1, 2, false},
        {'l', HOUR_12, 1, 2, false},  {'M', MONTH_TEXT, 0, 0, true},   {'m', MONTH, 2, 2, false},
        {'p', HALF_DAY, 0, 0, false}, {'S', SECOND, 2, 2, false},      {'s', SECOND, 2, 2, false},
        {'v', WEEK, 2, 2, false},     {'x', WEEK_YEAR, 4, 4, false},   {'W', DAY_TEXT, 0, 0, true},
        {'Y', YEAR, 4, 4, false},     {'y', SHORT_YEAR, 2, 2, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (known[i].letter == letter) {
            add(pattern, known[i].field, known[i].least, known[i].most, known[i].long_text);
            return true;
        }
    if (letter == 'T')
        return add_mysql_all(pattern, "%H:%i:%S", 8, error);
    if (letter == 'r')
        return add_mysql_all(pattern, "%h:%i:%S %p", 11, error);
    if (strchr("wUuVXD", letter))
        return fail_letter(letter, error);
    add_literal(pattern, &letter, 1);
    return true;
}

static bool is_number(char letter, int count)
{
    return letter && (strchr("yxCYdDhHmsSKkwe", letter) || (letter == 'M' && count < 3));
}

/* Joda's letters. most: how many digits are read at most. */
static bool add_joda(struct moment_pattern *pattern, char letter, int count, bool before_number,
                     GError **error)
{
    int years = before_number ? count : 9;
    switch (letter) {
    case 'y':
    case 'Y':
    case 'x':
        if (count == 2)
            add(pattern, letter == 'x' ? WEEK_YEAR : SHORT_YEAR, 2, 2, false);
        else
            add(pattern, letter == 'x' ? WEEK_YEAR : YEAR, count, years, false);
        return true;
    case 'M':
        add(pattern, count < 3 ? MONTH : MONTH_TEXT, count, 2, count > 3);
        return true;
    case 'd':
        add(pattern, DAY, count, 2, false);
        return true;
    case 'D':
        add(pattern, DAY_OF_YEAR, count, 3, false);
        return true;
    case 'w':
        add(pattern, WEEK, count, 2, false);
        return true;
    case 'e':
        add(pattern, DAY_OF_WEEK, count, 1, false);
        return true;
    case 'E':
        add(pattern, DAY_TEXT, 0, 0, count > 3);
        return true;
    case 'a':
        add(pattern, HALF_DAY, 0, 0, false);
        return true;
    case 'H':
        add(pattern, HOUR, count, 2, false);
        return true;
    case 'k':
        add(pattern, HOUR_24, count, 2, false);
        return true;
    case 'K':
        add(pattern, HOUR_HALF, count, 2, false);
        return true;
    case 'h':
        add(pattern, HOUR_12, count, 2, false);
        return true;
    case 'm':
        add(pattern, MINUTE, count, 2, false);
        return true;
    case 's':
        add(pattern, SECOND, count, 2, false);
        return true;
    case 'S':
        add(pattern, FRACTION, count, count, false);
        return true;
    case 'Z':
        add(pattern, count > 2 ? ZONE_NAME : OFFSET, count, 0, false);
        return true;
    default:
        return error_set(error, ERROR_VALIDATION, "Illegal pattern component: %c", letter);
    }
}

static size_t run_of(const char *text, size_t size, size_t at)
{
    size_t end = at + 1;
    while (end < size && text[end] == text[at])
        end++;
    return end - at;
}

static bool add_joda_all(struct moment_pattern *pattern, const char *text, size_t size,
                         GError **error)
{
    for (size_t i = 0; i < size;) {
        if (text[i] == '\'') { /* '' is a quote */
            const char *end = memchr(text + i + 1, '\'', size - i - 1);
            size_t length = end ? (size_t)(end - text) - i - 1 : size - i - 1;
            add_literal(pattern, length ? text + i + 1 : "'", length ? length : 1);
            i += length + 2;
            continue;
        }
        size_t count = run_of(text, size, i);
        if (!g_ascii_isalpha(text[i])) {
            add_literal(pattern, text + i, 1);
            i++;
            continue;
        }
        char next = i + count < size ? text[i + count] : 0;
        bool number = is_number(next, next ? (int)run_of(text, size, i + count) : 0);
        if (!add_joda(pattern, text[i], (int)count, number, error))
            return false;
        i += count;
    }
    return true;
}

struct moment_pattern *moment_pattern_new(const char *text, size_t size, bool mysql, GError **error)
{
    struct moment_pattern *pattern = g_new0(struct moment_pattern, 1);
    pattern->text = g_memdup2(text, size + 1);
    pattern->size = size;
    pattern->elements = g_array_new(FALSE, FALSE, sizeof(struct element));
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    pattern->pivot = mysql ? 2020 : g_date_time_get_year(now) - 30;
    if (mysql ? add_mysql_all(pattern, text, size, error)
              : add_joda_all(pattern, text, size, error))
        return pattern;
    moment_pattern_free(pattern);
    return NULL;
}

void moment_pattern_free(struct moment_pattern *pattern)
{
    if (!pattern)
        return;
    for (guint i = 0; i < pattern->elements->len; i++)
        g_free(g_array_index(pattern->elements, struct element, i).literal);
    g_array_unref(pattern->elements);
    g_free(pattern->text);
    g_free(pattern);
}

bool moment_pattern_is(const struct moment_pattern *pattern, const char *text, size_t size)
{
    return pattern->size == size && memcmp(pattern->text, text, size) == 0;
}

/* ---- putting ---- */

struct moment {
    int64_t year, week_year, days, clock, offset;
    int month, day, week;
    const char *zone;
    size_t zone_size;
};

static void put_number(GString *out, int64_t number, int least)
{
    g_string_append_printf(out, "%s%0*d", number < 0 ? "-" : "", least, abs((int)number));
}

static void put_fraction(GString *out, int64_t clock, int digits)
{
    char text[32];
    /* Joda's times have milliseconds. */
    g_snprintf(text, sizeof text, "%03d000000000000000", (int)(clock / 1000 % 1000));
    g_string_append_len(out, text, MIN(digits, 18));
}

static void put_offset(GString *out, int64_t offset, int colons)
{
    int minutes = (int)(offset / (60 * MOMENT_SECOND));
    g_string_append_printf(out, "%c%02d%s%02d", minutes < 0 ? '-' : '+', abs(minutes) / 60,
                           colons > 1 ? ":" : "", abs(minutes) % 60);
}

static int64_t number_of(enum field field, const struct moment *moment)
{
    int64_t hour = moment->clock / (3600 * MOMENT_SECOND);
    switch (field) {
    case YEAR:
        return moment->year;
    case SHORT_YEAR:
        return moment->year - moment_floor(moment->year, 100) * 100;
    case MONTH:
        return moment->month;
    case DAY:
        return moment->day;
    case DAY_OF_YEAR:
        return moment->days - moment_days(moment->year, 1, 1) + 1;
    case WEEK_YEAR:
        return moment->week_year;
    case WEEK:
        return moment->week;
    case DAY_OF_WEEK:
        return moment_weekday(moment->days);
    case HOUR:
        return hour;
    case HOUR_24:
        return hour ? hour : 24;
    case HOUR_HALF:
        return hour % 12;
    case HOUR_12:
        return hour % 12 ? hour % 12 : 12;
    case MINUTE:
        return moment->clock / (60 * MOMENT_SECOND) % 60;
    default:
        return moment->clock / MOMENT_SECOND % 60;
    }
}

static void put_element(GString *out, const struct element *element, const struct moment *moment)
{
    const char *text;
    switch (element->field) {
    case LITERAL:
        g_string_append(out, element->literal);
        break;
    case MONTH_TEXT:
        text = months[moment->month - 1];
        g_string_append_len(out, text, element->long_text ? -1 : 3);
        break;
    case DAY_TEXT:
        text = days[moment_weekday(moment->days) - 1];
        g_string_append_len(out, text, element->long_text ? -1 : 3);
        break;
    case HALF_DAY:
        g_string_append(out, moment->clock < 12 * 3600 * MOMENT_SECOND ? "AM" : "PM");
        break;
    case FRACTION:
        put_fraction(out, moment->clock, element->least);
        break;
    case OFFSET:
        put_offset(out, moment->offset, element->least);
        break;
    case ZONE_NAME:
        if (moment->zone)
            g_string_append_len(out, moment->zone, (gssize)moment->zone_size);
        else
            g_string_append(out, "UTC");
        break;
    default:
        put_number(out, number_of(element->field, moment), element->least);
    }
}

bool moment_pattern_put(const struct moment_pattern *pattern, GString *out, int64_t local,
                        int64_t offset, const char *zone, size_t zone_size, GError **error)
{
    (void)error;
    struct moment moment = {.days = moment_floor(local, MOMENT_DAY),
                            .offset = offset,
                            .zone = zone,
                            .zone_size = zone_size};
    moment.clock = local - moment.days * MOMENT_DAY;
    moment_civil(moment.days, &moment.year, &moment.month, &moment.day);
    moment.week = moment_week(moment.days, &moment.week_year);
    for (guint i = 0; i < pattern->elements->len; i++)
        put_element(out, &g_array_index(pattern->elements, struct element, i), &moment);
    return true;
}

/* ---- parsing ---- */

struct parse {
    const char *text;
    size_t size, at;
    bool set[FIELDS];
    int64_t values[FIELDS];
    char zone[64];
    int pivot;
};

/* Joda's FormatUtils.createErrorMessage. */
static bool fail_at(const struct parse *parse, size_t place, GError **error)
{
    size_t sample = place + 32;
    bool cut = parse->size > sample + 3;
    int size = (int)(cut ? sample : parse->size);
    const char *dots = cut ? "..." : "";
    if (place == 0)
        return error_set(error, ERROR_VALIDATION, "Invalid format: \"%.*s%s\"", size, parse->text,
                         dots);
    if (place >= parse->size)
        return error_set(error, ERROR_VALIDATION, "Invalid format: \"%.*s%s\" is too short", size,
                         parse->text, dots);
    return error_set(error, ERROR_VALIDATION,
                     "Invalid format: \"%.*s%s\" is malformed at \"%.*s%s\"", size, parse->text,
                     dots, size - (int)place, parse->text + place, dots);
}

static bool take_digits(struct parse *parse, int most, bool sign, int64_t *value)
{
    size_t at = parse->at;
    bool negative = sign && at < parse->size &&
                    (parse->text[at] == '-' || parse->text[at] == '+') && at + 1 < parse->size &&
                    g_ascii_isdigit(parse->text[at + 1]);
    bool minus = negative && parse->text[at] == '-';
    at += negative;
    size_t start = at;
    for (*value = 0;
         at < parse->size && g_ascii_isdigit(parse->text[at]) && (int)(at - start) < most; at++)
        *value = *value * 10 + (parse->text[at] - '0');
    if (at == start)
        return false;
    *value = minus ? -*value : *value;
    parse->at = at;
    return true;
}

static bool take_text(struct parse *parse, const char *const *texts, int count, int64_t *value)
{
    for (int pass = 0; pass < 2; pass++) /* the long ones first */
        for (int i = 0; i < count; i++) {
            size_t size = pass ? MIN(3, strlen(texts[i])) : strlen(texts[i]);
            if (parse->at + size > parse->size ||
                g_ascii_strncasecmp(parse->text + parse->at, texts[i], size) != 0)
                continue;
            parse->at += size;
            *value = i + 1;
            return true;
        }
    return false;
}

static bool take_fraction(struct parse *parse, int most, int64_t *micros)
{
    size_t start = parse->at;
    int64_t unit = MOMENT_SECOND / 10;
    for (*micros = 0; parse->at < parse->size && g_ascii_isdigit(parse->text[parse->at]) &&
                      (int)(parse->at - start) < most;
         parse->at++, unit /= 10)
        *micros += (parse->text[parse->at] - '0') * unit;
    return parse->at > start;
}

/* "Z", "+02", "+0200", "+02:00". */
static bool take_offset(struct parse *parse)
{
    const char *at = parse->text + parse->at;
    size_t left = parse->size - parse->at;
    if (left && (*at == 'Z' || *at == 'z')) {
        g_strlcpy(parse->zone, "UTC", sizeof parse->zone);
        parse->at++;
        return true;
    }
    if (left < 3 || (*at != '+' && *at != '-') || !g_ascii_isdigit(at[1]) ||
        !g_ascii_isdigit(at[2]))
        return false;
    int hours = (at[1] - '0') * 10 + at[2] - '0', minutes = 0;
    size_t size = 3, digits = left > 3 && at[3] == ':' ? 4 : 3;
    if (left >= digits + 2 && g_ascii_isdigit(at[digits]) && g_ascii_isdigit(at[digits + 1])) {
        minutes = (at[digits] - '0') * 10 + at[digits + 1] - '0';
        size = digits + 2;
    }
    if (hours > 23 || minutes > 59)
        return false;
    if (hours || minutes)
        g_snprintf(parse->zone, sizeof parse->zone, "%c%02d:%02d", *at, hours, minutes);
    else
        g_strlcpy(parse->zone, "UTC", sizeof parse->zone);
    parse->at += size;
    return true;
}

static bool take_zone(struct parse *parse)
{
    size_t size = 0;
    const char *at = parse->text + parse->at;
    while (parse->at + size < parse->size && size < sizeof parse->zone - 1 &&
           (g_ascii_isalnum(at[size]) || strchr("/_+-:", at[size])))
        size++;
    for (; size; size--) /* the longest that is one */
        if (moment_is_zone(at, size)) {
            memcpy(parse->zone, at, size);
            parse->zone[size] = 0;
            parse->at += size;
            return true;
        }
    return false;
}

static bool take_literal(struct parse *parse, const char *literal)
{
    size_t size = strlen(literal);
    if (parse->at + size > parse->size ||
        g_ascii_strncasecmp(parse->text + parse->at, literal, size) != 0)
        return false;
    parse->at += size;
    return true;
}

static bool take_short_year(struct parse *parse, int64_t *value)
{
    size_t start = parse->at;
    if (!take_digits(parse, 2, false, value) || parse->at - start != 2)
        return false;
    int low = parse->pivot - 50, century = low - low % 100;
    *value += century + (*value < low % 100 ? 100 : 0);
    return true;
}

static bool take_half_day(struct parse *parse, int64_t *value)
{
    static const char *const halves[] = {"AM", "PM"};
    if (!take_text(parse, halves, 2, value))
        return false;
    --*value;
    return true;
}

static bool take_element(struct parse *parse, const struct element *element)
{
    int64_t *value = &parse->values[element->field];
    parse->set[element->field] = true;
    switch (element->field) {
    case LITERAL:
        return take_literal(parse, element->literal);
    case YEAR:
    case WEEK_YEAR:
        return take_digits(parse, element->most, true, value);
    case SHORT_YEAR:
        return take_short_year(parse, value);
    case MONTH_TEXT:
        return take_text(parse, months, 12, value);
    case DAY_TEXT:
        return take_text(parse, days, 7, value);
    case HALF_DAY:
        return take_half_day(parse, value);
    case FRACTION:
        return take_fraction(parse, element->most, value);
    case OFFSET:
        return take_offset(parse);
    case ZONE_NAME:
        return take_zone(parse);
    default:
        return take_digits(parse, element->most, false, value);
    }
}

/* ---- from fields to a time ---- */

static bool in_range(const struct parse *parse, enum field field, const char *name, int64_t least,
                     int64_t most, GError **error)
{
    int64_t value = parse->values[field];
    return !parse->set[field] || (value >= least && value <= most) ||
           error_set(error, ERROR_VALIDATION,
                     "Cannot parse \"%.*s\": Value %d for %s must be in the range [%d,%d]",
                     (int)parse->size, parse->text, (int)value, name, (int)least, (int)most);
}

static bool check(const struct parse *parse, GError **error)
{
    /* DuckDB's timestamps go no further. */
    return in_range(parse, YEAR, "year", -290000, 290000, error) &&
           in_range(parse, WEEK_YEAR, "weekyear", -290000, 290000, error) &&
           in_range(parse, MONTH, "monthOfYear", 1, 12, error) &&
           in_range(parse, DAY, "dayOfMonth", 1, 31, error) &&
           in_range(parse, DAY_OF_YEAR, "dayOfYear", 1, 366, error) &&
           in_range(parse, WEEK, "weekOfWeekyear", 1, 53, error) &&
           in_range(parse, DAY_OF_WEEK, "dayOfWeek", 1, 7, error) &&
           in_range(parse, HOUR, "hourOfDay", 0, 23, error) &&
           in_range(parse, HOUR_24, "clockhourOfDay", 1, 24, error) &&
           in_range(parse, HOUR_HALF, "hourOfHalfday", 0, 11, error) &&
           in_range(parse, HOUR_12, "clockhourOfHalfday", 1, 12, error) &&
           in_range(parse, MINUTE, "minuteOfHour", 0, 59, error) &&
           in_range(parse, SECOND, "secondOfMinute", 0, 59, error);
}

static int64_t clock_of(const struct parse *parse)
{
    int64_t hour = parse->values[HOUR];
    if (parse->set[HOUR_24])
        hour = parse->values[HOUR_24] % 24;
    if (parse->set[HOUR_12] || parse->set[HOUR_HALF])
        hour = (parse->set[HOUR_12] ? parse->values[HOUR_12] % 12 : parse->values[HOUR_HALF]) +
               12 * parse->values[HALF_DAY];
    else if (parse->set[HALF_DAY])
        hour = hour % 12 + 12 * parse->values[HALF_DAY];
    return ((hour * 60 + parse->values[MINUTE]) * 60 + parse->values[SECOND]) * MOMENT_SECOND +
           parse->values[FRACTION];
}

static int64_t week_days(const struct parse *parse)
{
    int64_t year = parse->set[WEEK_YEAR] ? parse->values[WEEK_YEAR] : 1970;
    int64_t fourth = moment_days(year, 1, 4), week = parse->set[WEEK] ? parse->values[WEEK] : 1;
    int64_t day = 4; /* 1970 began on a Thursday */
    if (parse->set[DAY_OF_WEEK])
        day = parse->values[DAY_OF_WEEK];
    else if (parse->set[DAY_TEXT])
        day = parse->values[DAY_TEXT];
    return fourth - moment_weekday(fourth) + 1 + (week - 1) * 7 + day - 1;
}

static bool days_of(struct parse *parse, int64_t *result, GError **error)
{
    int64_t month = parse->set[MONTH]        ? parse->values[MONTH]
                    : parse->set[MONTH_TEXT] ? parse->values[MONTH_TEXT]
                                             : 1;
    bool by_month = parse->set[MONTH] || parse->set[MONTH_TEXT] || parse->set[DAY];
    /* A day without its year is one of a leap year. */
    int64_t year = parse->set[YEAR]         ? parse->values[YEAR]
                   : parse->set[SHORT_YEAR] ? parse->values[SHORT_YEAR]
                   : by_month               ? 2000
                                            : 1970;
    if (parse->set[WEEK] || parse->set[WEEK_YEAR]) {
        *result = week_days(parse);
        return true;
    }
    int length = moment_month_length(year, (int)month);
    if (!in_range(parse, DAY, "dayOfMonth", 1, length, error))
        return false;
    *result = moment_days(year, (int)month, parse->set[DAY] ? (int)parse->values[DAY] : 1);
    if (parse->set[DAY_OF_YEAR])
        *result = moment_days(year, 1, 1) + parse->values[DAY_OF_YEAR] - 1;
    return true;
}

static bool finish(struct parse *parse, struct moment_parsed *parsed, GError **error)
{
    int64_t day;
    if (!check(parse, error) || !days_of(parse, &day, error))
        return false;
    parsed->local = day * MOMENT_DAY + clock_of(parse);
    g_strlcpy(parsed->zone, parse->zone, sizeof parsed->zone);
    return true;
}

bool moment_pattern_parse(const struct moment_pattern *pattern, const char *text, size_t size,
                          struct moment_parsed *parsed, GError **error)
{
    struct parse parse = {.text = text, .size = size, .pivot = pattern->pivot};
    for (guint i = 0; i < pattern->elements->len; i++) {
        size_t start = parse.at;
        if (!take_element(&parse, &g_array_index(pattern->elements, struct element, i)))
            return fail_at(&parse, start, error);
    }
    return parse.at == size ? finish(&parse, parsed, error) : fail_at(&parse, parse.at, error);
}

/* ---- ISO 8601 ---- */

static bool take_number(struct parse *parse, enum field field, int digits)
{
    size_t start = parse->at;
    if (!take_digits(parse, digits, false, &parse->values[field]))
        return false;
    parse->set[field] = true;
    return field != DAY_OF_YEAR || parse->at - start == 3;
}

static bool take(struct parse *parse, char c)
{
    if (parse->at == parse->size || parse->text[parse->at] != c)
        return false;
    parse->at++;
    return true;
}

static bool take_iso_date(struct parse *parse)
{
    if (!take_digits(parse, 9, true, &parse->values[YEAR]))
        return false;
    parse->set[YEAR] = true;
    if (!take(parse, '-'))
        return true;
    if (take(parse, 'W')) {
        parse->set[WEEK_YEAR] = true;
        parse->values[WEEK_YEAR] = parse->values[YEAR];
        return take_number(parse, WEEK, 2) && (take(parse, '-') ? take_number(parse, DAY_OF_WEEK, 1)
                                                                : (parse->set[DAY_OF_WEEK] = true,
                                                                   parse->values[DAY_OF_WEEK] = 1));
    }
    size_t run = 0;
    while (parse->at + run < parse->size && g_ascii_isdigit(parse->text[parse->at + run]))
        run++;
    if (run == 3)
        return take_number(parse, DAY_OF_YEAR, 3);
    return take_number(parse, MONTH, 2) && (!take(parse, '-') || take_number(parse, DAY, 2));
}

static bool take_iso_time(struct parse *parse)
{
    if (!take_number(parse, HOUR, 2))
        return false;
    if (take(parse, ':') && !take_number(parse, MINUTE, 2))
        return false;
    if (parse->set[MINUTE] && take(parse, ':') && !take_number(parse, SECOND, 2))
        return false;
    if (parse->set[SECOND] && (take(parse, '.') || take(parse, ',')) &&
        !take_fraction(parse, 9, &parse->values[FRACTION]))
        return false;
    return true;
}

bool moment_parse_iso(const char *text, size_t size, struct moment_parsed *parsed, GError **error)
{
    struct parse parse = {.text = text, .size = size, .pivot = 2000};
    bool good = take_iso_date(&parse);
    if (good && take(&parse, 'T'))
        good = (parse.at == size || take_iso_time(&parse)) &&
               (parse.at == size || take_offset(&parse));
    if (!good || parse.at != size)
        return fail_at(&parse, parse.at, error);
    return finish(&parse, parsed, error);
}
