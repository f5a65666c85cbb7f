#include "table/moment.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

int64_t moment_floor(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* ---- the calendar: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms ---- */

int64_t moment_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = moment_floor(year, 400);
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void moment_civil(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = moment_floor(days, 146097);
    int64_t of_era = days - era * 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = years + era * 400 + (*month <= 2);
}

int moment_month_length(int64_t year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap);
}

int moment_weekday(int64_t days)
{
    return (int)(days + 3 - moment_floor(days + 3, 7) * 7) + 1;
}

int moment_week(int64_t days, int64_t *year)
{
    int month, day;
    int64_t thursday = days + 4 - moment_weekday(days);
    moment_civil(thursday, year, &month, &day);
    return (int)((thursday - moment_days(*year, 1, 1)) / 7) + 1;
}

/* ---- zones ---- */

/* "+05:30", "+0530", "+05", "Z", "UTC", "GMT+1": minutes; false for all else. */
static bool fixed_offset(const char *zone, int *minutes)
{
    static const char *const names[] = {"UTC", "GMT", "UT", "Z", NULL};
    const char *at = zone;
    *minutes = 0;
    for (size_t i = 0; names[i]; i++)
        if (g_str_has_prefix(zone, names[i])) {
            at = zone + strlen(names[i]);
            break;
        }
    if (!*at)
        return at != zone;
    if (*at != '+' && *at != '-')
        return false;
    int hours = 0, rest = 0, digits = 0;
    for (const char *d = at + 1; *d; d++)
        if (g_ascii_isdigit(*d) && digits < 4) {
            int *part = digits < 2 ? &hours : &rest;
            *part = *part * 10 + (*d - '0');
            digits++;
        } else if (*d != ':' || digits == 0) {
            return false;
        }
    *minutes = (*at == '-' ? -1 : 1) * (hours * 60 + rest);
    return digits > 0 && digits != 3 && hours <= 18 && rest < 60;
}

/* Zones are found once a process: DuckDB's threads all ask for them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *zones;

static GTimeZone *zone_found(const char *name)
{
    pthread_mutex_lock(&lock);
    if (!zones)
        zones = g_hash_table_new(g_str_hash, g_str_equal);
    gpointer found = NULL;
    if (!g_hash_table_lookup_extended(zones, name, NULL, &found)) {
        bool plain = g_ascii_isalpha(*name) && !strstr(name, "..") && !strchr(name, ',');
        found = plain ? g_time_zone_new_identifier(name) : NULL;
        if (found || g_hash_table_size(zones) < 10000)
            g_hash_table_insert(zones, g_strdup(name), found);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

/* Names of zones are short; a longer one is none. */
static bool copy_name(char name[64], const char *zone, size_t size)
{
    if (size >= 64 || memchr(zone, 0, size))
        return false;
    memcpy(name, zone, size);
    name[size] = 0;
    return true;
}

bool moment_is_zone(const char *zone, size_t size)
{
    char name[64];
    int minutes;
    return copy_name(name, zone, size) && (fixed_offset(name, &minutes) || zone_found(name));
}

int64_t moment_offset(const char *zone, size_t size, int64_t instant)
{
    char name[64];
    int minutes;
    if (!copy_name(name, zone, size))
        return 0;
    if (fixed_offset(name, &minutes))
        return minutes * 60 * MOMENT_SECOND;
    GTimeZone *found = zone_found(name);
    if (!found)
        return 0;
    int interval = g_time_zone_find_interval(found, G_TIME_TYPE_UNIVERSAL,
                                             moment_floor(instant, MOMENT_SECOND));
    return interval < 0 ? 0 : g_time_zone_get_offset(found, interval) * MOMENT_SECOND;
}

int64_t moment_instant(const char *zone, size_t size, int64_t local)
{
    /* The offsets of a day before and after are those on both sides of any change. */
    int64_t before = moment_offset(zone, size, local - MOMENT_DAY);
    int64_t after = moment_offset(zone, size, local + MOMENT_DAY);
    if (before == after)
        return local - before;
    int64_t first = local - before;
    bool fits = moment_offset(zone, size, first) == before;
    bool other = moment_offset(zone, size, local - after) == after;
    return fits || !other ? first : local - after;
}

/* ---- as text ---- */

void moment_put_date(GString *text, int64_t days)
{
    int64_t year;
    int month, day;
    moment_civil(days, &year, &month, &day);
    if (year > 9999)
        g_string_append_c(text, '+');
    g_string_append_printf(text, "%s%04" PRId64 "-%02d-%02d", year < 0 ? "-" : "",
                           year < 0 ? -year : year, month, day);
}

void moment_put_time(GString *text, int64_t micros, int decimals)
{
    int64_t seconds = micros / MOMENT_SECOND;
    g_string_append_printf(text, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                           (int)(seconds % 60));
    if (decimals <= 0)
        return;
    char digits[16];
    g_snprintf(digits, sizeof digits, "%06d000000", (int)(micros % MOMENT_SECOND));
    g_string_append_printf(text, ".%.*s", decimals, digits);
}

void moment_put_timestamp(GString *text, int64_t micros, int decimals)
{
    int64_t days = moment_floor(micros, MOMENT_DAY);
    moment_put_date(text, days);
    g_string_append_c(text, ' ');
    moment_put_time(text, micros - days * MOMENT_DAY, decimals);
}

void moment_put_zoned(GString *text, int64_t instant, const char *zone, size_t size, int decimals)
{
    moment_put_timestamp(text, instant + moment_offset(zone, size, instant), decimals);
    g_string_append_c(text, ' ');
    g_string_append_len(text, zone, (gssize)size);
}

void moment_put_offset(GString *text, int minutes)
{
    int distance = abs(minutes);
    g_string_append_printf(text, "%c%02d:%02d", minutes < 0 ? '-' : '+', distance / 60,
                           distance % 60);
}
