/* moment.h: days, times and zones, as SQL counts them: days and microseconds since 1970-01-01 in
 * the Gregorian calendar, carried on before it was made. */
#ifndef LATHE_TABLE_MOMENT_H
#define LATHE_TABLE_MOMENT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define MOMENT_SECOND INT64_C(1000000)
#define MOMENT_DAY (86400 * MOMENT_SECOND)

int64_t moment_days(int64_t year, int month, int day);
void moment_civil(int64_t days, int64_t *year, int *month, int *day);
int moment_month_length(int64_t year, int month);
/* Monday is 1. */
int moment_weekday(int64_t days);
/* The week by ISO 8601 and the year that it belongs to. */
int moment_week(int64_t days, int64_t *year);
/* Rounds towards the past. */
int64_t moment_floor(int64_t value, int64_t by);

/* Whether it is a zone: "UTC", "+05:30", "America/New_York". */
bool moment_is_zone(const char *zone, size_t size);
/* How far a zone is from UTC at an instant, in microseconds. UTC where there is no such zone. */
int64_t moment_offset(const char *zone, size_t size, int64_t instant);
/* The instant of a zone's local time; in the gap of a change the time after it, of two the first.
 */
int64_t moment_instant(const char *zone, size_t size, int64_t local);

/* Adds 2024-01-02, 03:04:05.678 (that many decimals), +05:30. */
void moment_put_date(GString *text, int64_t days);
void moment_put_time(GString *text, int64_t micros, int decimals);
void moment_put_timestamp(GString *text, int64_t micros, int decimals);
/* A timestamp with its zone. */
void moment_put_zoned(GString *text, int64_t instant, const char *zone, size_t size, int decimals);
void moment_put_offset(GString *text, int minutes);

#endif
