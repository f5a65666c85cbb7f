#include "base/clock.h"

#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double clock_now(void)
{
    return floor(read_clock(CLOCK_REALTIME) * 1000) / 1000;
}

double clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static struct tm utc(double time)
{
    time_t seconds = (time_t)floor(time);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return tm;
}

char *clock_iso(double time)
{
    double milliseconds = floor(time * 1000 + 0.5);
    struct tm tm = utc(milliseconds / 1000);
    return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                           tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                           (int)fmod(milliseconds, 1000));
}

/* HTTP's names are English whatever the locale, which rules out strftime. */
static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

char *clock_http(double time)
{
    struct tm tm = utc(time);
    return g_strdup_printf("%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
                           months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool parse_http(const char *text, double *time)
{
    char month[4] = "";
    int day, year, hour, minute, second;
    if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day, month, &year, &hour, &minute,
               &second) != 6)
        return false;
    for (int m = 0; m < 12; m++) {
        if (strcmp(month, months[m]) != 0)
            continue;
        g_autoptr(GDateTime) date = g_date_time_new_utc(year, m + 1, day, hour, minute, second);
        if (date)
            *time = (double)g_date_time_to_unix(date);
        return date != NULL;
    }
    return false;
}

bool clock_parse(const char *text, double *time)
{
    if (g_ascii_isalpha(text[0]))
        return parse_http(text, time);
    g_autoptr(GTimeZone) zone = g_time_zone_new_utc();
    g_autoptr(GDateTime) date = g_date_time_new_from_iso8601(text, zone);
    if (date) {
        *time = (double)g_date_time_to_unix(date) + g_date_time_get_microsecond(date) / 1e6;
        return true;
    }
    char *end;
    double seconds = g_ascii_strtod(text, &end);
    if (end == text || *end)
        return false;
    *time = seconds;
    return true;
}
