#include "base/cron.h"

#include <string.h>

enum part { MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR, PARTS };

static const struct {
    const char *name, *words;
    int first, last;
} parts[PARTS] = {
    [MINUTE] = {"minutes", NULL, 0, 59},
    [HOUR] = {"hours", NULL, 0, 23},
    [DAY] = {"day of month", NULL, 1, 31},
    [MONTH] = {"month", "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", 1, 12},
    [WEEKDAY] = {"day of week", "SUNMONTUEWEDTHUFRISAT", 1, 7},
    [YEAR] = {"year", NULL, 1970, 2199},
};

struct cron {
    bool set[PARTS][256];      /* by the value less the part's first */
    bool any_day, any_weekday; /* "?" or "*" */
    bool last_day;
    int nearest;      /* "15W"; 0: none; 32: "LW" */
    int weekday, nth; /* "6#3"; nth 0: none; -1: "6L" */
};

/* ---- reading ---- */

static bool read_value(enum part part, const char **at, int *value)
{
    const char *words = parts[part].words;
    for (int i = 0; words && words[3 * i]; i++)
        if (g_ascii_strncasecmp(*at, words + 3 * i, 3) == 0) {
            *value = parts[part].first + i;
            *at += 3;
            return true;
        }
    char *end;
    gint64 number = g_ascii_isdigit(**at) ? g_ascii_strtoll(*at, &end, 10) : -1;
    if (number < parts[part].first || number > parts[part].last)
        return false;
    *value = (int)number;
    *at = end;
    return true;
}

/* "a", "a-b", "*", each with "/step" perhaps. */
static bool read_range(struct cron *cron, enum part part, const char *at)
{
    int from = parts[part].first, to = parts[part].last, step = 1;
    bool one = *at != '*';
    if (!one)
        at++;
    else if (!read_value(part, &at, &from))
        return false;
    if (one)
        to = from;
    if (one && *at == '-' && (at++, !read_value(part, &at, &to)))
        return false;
    if (*at == '/') {
        char *end;
        step = (int)g_ascii_strtoll(at + 1, &end, 10);
        if (end == at + 1 || step < 1)
            return false;
        to = to == from && one ? parts[part].last : to;
        at = end;
    }
    /* a range may go round: FRI-MON */
    if (*at)
        return false;
    int count = MAX(parts[part].last - parts[part].first + 1, 1);
    int size = (to - from + count) % count;
    for (int i = 0; i <= size; i += step)
        cron->set[part][(from - parts[part].first + i) % count] = true;
    return true;
}

static bool read_special_day(struct cron *cron, const char *word)
{
    char *end;
    if (strcmp(word, "L") == 0)
        return cron->last_day = true;
    if (strcmp(word, "LW") == 0)
        return (cron->nearest = 32) != 0;
    gint64 day = g_ascii_strtoll(word, &end, 10);
    if (strcmp(end, "W") != 0 || day < 1 || day > 31)
        return false;
    return (cron->nearest = (int)day) != 0;
}

static bool read_special_weekday(struct cron *cron, const char *word)
{
    int value;
    if (strcmp(word, "L") == 0)
        return cron->set[WEEKDAY][6] = true;
    if (!read_value(WEEKDAY, &word, &value))
        return false;
    cron->weekday = value;
    if (strcmp(word, "L") == 0)
        return (cron->nth = -1) != 0;
    cron->nth = *word == '#' && word[1] >= '1' && word[1] <= '5' && !word[2] ? word[1] - '0' : 0;
    return cron->nth != 0;
}

static bool read_part(struct cron *cron, enum part part, const char *text)
{
    if (strcmp(text, "?") == 0 || strcmp(text, "*") == 0) {
        cron->any_day |= part == DAY;
        cron->any_weekday |= part == WEEKDAY;
        return *text == '*' ? read_range(cron, part, "*") : part == DAY || part == WEEKDAY;
    }
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    for (size_t i = 0; words[i]; i++)
        if (!read_range(cron, part, words[i]) &&
            !(part == DAY && read_special_day(cron, words[i])) &&
            !(part == WEEKDAY && read_special_weekday(cron, words[i])))
            return false;
    return words[0] != NULL;
}

static bool wrong(const char *expression, enum error_code code, const char *what, GError **error)
{
    return error_set(error, code,
                     "The schedule %s is none: %s. A schedule is cron(minutes hours day-of-month "
                     "month day-of-week year), as cron(15 12 * * ? *).",
                     expression, what);
}

static bool read_cron(struct cron *cron, const char *expression, enum error_code code,
                      GError **error)
{
    *cron = (struct cron){0};
    size_t size = strlen(expression);
    if (!g_str_has_prefix(expression, "cron(") || expression[size - 1] != ')')
        return wrong(expression, code, "it does not begin with cron( and end with )", error);
    g_autofree char *inner = g_strndup(expression + 5, size - 6);
    g_auto(GStrv) words = g_strsplit_set(g_strstrip(inner), " \t", -1);
    size_t count = 0;
    for (size_t i = 0; words[i]; i++) {
        if (!*words[i])
            continue;
        if (count == PARTS || !read_part(cron, (enum part)count, words[i]))
            return wrong(expression, code,
                         count == PARTS ? "it has more than six fields" : parts[count].name, error);
        count++;
    }
    if (count < PARTS)
        return wrong(expression, code, "it has fewer than six fields", error);
    return cron->any_day || cron->any_weekday ||
           wrong(expression, code, "one of the two days has to be ?", error);
}

bool cron_check(const char *expression, enum error_code code, GError **error)
{
    struct cron cron;
    return read_cron(&cron, expression, code, error);
}

/* ---- days ---- */

static int weekday_of(int year, int month, int day)
{
    GDate date;
    g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
    return g_date_get_weekday(&date) % 7 + 1;
}

/* The weekday nearest to a day, in its month. */
static int nearest_weekday(int year, int month, int day, int last)
{
    day = MIN(day, last);
    int weekday = weekday_of(year, month, day);
    if (weekday == 7)
        return day > 1 ? day - 1 : day + 2;
    if (weekday == 1)
        return day < last ? day + 1 : day - 2;
    return day;
}

static bool fits_day(const struct cron *cron, int year, int month, int day)
{
    int last = g_date_get_days_in_month((GDateMonth)month, (GDateYear)year);
    int weekday = weekday_of(year, month, day);
    if (!cron->set[MONTH][month - 1])
        return false;
    if (!cron->any_day)
        return cron->set[DAY][day - 1] || (cron->last_day && day == last) ||
               (cron->nearest && day == nearest_weekday(year, month, cron->nearest, last));
    if (cron->any_weekday)
        return true;
    bool nth = cron->nth && weekday == cron->weekday &&
               (cron->nth > 0 ? (day + 6) / 7 == cron->nth : day + 7 > last);
    return nth || cron->set[WEEKDAY][weekday - 1];
}

/* The first minute of a day from `from` on; -1 where there is none. */
static int first_minute(const struct cron *cron, int from)
{
    for (int minute = from; minute < 24 * 60; minute++)
        if (cron->set[HOUR][minute / 60] && cron->set[MINUTE][minute % 60])
            return minute;
    return -1;
}

double cron_next(const char *expression, double after)
{
    struct cron cron;
    gint64 minute = (gint64)(after / 60) + 1, day = minute / (24 * 60);
    if (!read_cron(&cron, expression, ERROR_VALIDATION, NULL))
        return 0;
    for (int from = (int)(minute % (24 * 60));; from = 0, day++) {
        g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(day * 24 * 60 * 60);
        int year = date ? g_date_time_get_year(date) : parts[YEAR].last + 1;
        if (year > parts[YEAR].last)
            return 0;
        if (!cron.set[YEAR][year - parts[YEAR].first] ||
            !fits_day(&cron, year, g_date_time_get_month(date), g_date_time_get_day_of_month(date)))
            continue;
        int found = first_minute(&cron, from);
        if (found >= 0)
            return (double)(day * 24 * 60 + found) * 60;
    }
}

bool cron_is_due(const char *expression, double next, double woke, double now)
{
    return (next > 0 && next <= now) || cron_next(expression, woke - 1) == woke;
}
