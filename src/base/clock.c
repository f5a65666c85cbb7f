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

static bool make_time(int year, const char *month, int day, const int clock[3], double *time)
{
    for (int m = 0; m < 12; m++) {
        if (strcmp(month, months[m]) != 0)
            continue;
        g_autoptr(GDateTime) date =
            g_date_time_new_utc(year, m + 1, day, clock[0], clock[1], clock[2]);
        if (date)
            *time = (double)g_date_time_to_unix(date);
        return date != NULL;
    }
    return false;
}

/* A year of two digits that seems more than 50 years ahead is past (RFC 9110, 5.6.7). */
static int full_year(int year)
{
    int now = utc(clock_now()).tm_year + 1900;
    year += now / 100 * 100;
    return year > now + 50 ? year - 100 : year;
}

/* HTTP's three forms: "Sun, 06 Nov 1994 08:49:37 GMT", and the obsolete "Sunday, 06-Nov-94 08:49:37
 * GMT" and "Sun Nov  6 08:49:37 1994". */
static bool parse_http(const char *text, double *time)
{
    char month[4] = "";
    int day, year, clock[3], end = 0;
    sscanf(text, "%*3[A-Za-z], %2d %3s %4d %2d:%2d:%2d GMT%n", &day, month, &year, &clock[0],
           &clock[1], &clock[2], &end);
    if (end && !text[end])
        return make_time(year, month, day, clock, time);
    sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &day, month, &year, &clock[0],
           &clock[1], &clock[2], &end);
    if (end && !text[end])
        return make_time(full_year(year), month, day, clock, time);
    sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &day, &clock[0], &clock[1],
           &clock[2], &year, &end);
    return end && !text[end] && make_time(year, month, day, clock, time);
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
