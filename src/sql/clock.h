/* clock.h: dates, times and intervals as Trino reads them in literals. */
#ifndef LATHE_SQL_CLOCK_H
#define LATHE_SQL_CLOCK_H

#include <stdbool.h>

struct sql_clock {
    long year;
    int month, day, hour, minute, second;
    char fraction[16]; /* its digits */
    int digits;
    bool has_time;
    char zone[64]; /* as written; "": none */
};

/* 2024-1-2, -0044-03-15: year, month and day alone. */
bool sql_clock_date(const char *text, struct sql_clock *clock);
/* 2024-01-02[ 03:04[:05[.678]]][ zone] */
bool sql_clock_timestamp(const char *text, struct sql_clock *clock);
/* 03:04[:05[.678]][+01:00] */
bool sql_clock_time(const char *text, struct sql_clock *clock);
/* Minutes of +05:30 or -8; false: it is no offset. */
bool sql_clock_offset(const char *zone, int *minutes);
/* UTC, an offset, or a name of IANA's. */
bool sql_clock_zone(const char *zone);
/* An interval's text by its first and last field ("DAY", "SECOND"): months, or milliseconds. */
bool sql_clock_interval(const char *text, const char *from, const char *to, bool *months,
                        long long *amount);

#endif
