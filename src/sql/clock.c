#include "sql/clock.h"

#include "sql/zone_names.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at;
};

static int digits(const char *at)
{
    int count = 0;
    while (isdigit((unsigned char)at[count]))
        count++;
    return count;
}

/* Between least and most digits, into the number. */
static bool number(struct reader *reader, int least, int most, long *value)
{
    int count = digits(reader->at);
    if (count < least || count > most)
        return false;
    *value = strtol(reader->at, NULL, 10);
    reader->at += count;
    return true;
}

static bool symbol(struct reader *reader, char wanted)
{
    bool found = *reader->at == wanted;
    reader->at += found;
    return found;
}

static int days_of(long year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return DAYS[month - 1] + (month == 2 && leap);
}

static bool read_date(struct reader *reader, struct sql_clock *clock, int least)
{
    long month, day;
    bool minus = *reader->at == '-';
    reader->at += minus || *reader->at == '+';
    if (!number(reader, least, 6, &clock->year) || !symbol(reader, '-') ||
        !number(reader, 1, 2, &month) || !symbol(reader, '-') || !number(reader, 1, 2, &day))
        return false;
    clock->year = minus ? -clock->year : clock->year;
    if (month < 1 || month > 12 || day < 1 || day > days_of(clock->year, (int)month))
        return false;
    clock->month = (int)month;
    clock->day = (int)day;
    return true;
}

static bool read_fraction(struct reader *reader, struct sql_clock *clock)
{
    if (!symbol(reader, '.'))
        return true;
    clock->digits = digits(reader->at);
    if (!clock->digits || clock->digits > 12)
        return false;
    memcpy(clock->fraction, reader->at, (size_t)clock->digits);
    reader->at += clock->digits;
    return true;
}

static bool read_time(struct reader *reader, struct sql_clock *clock)
{
    long hour, minute, second = 0;
    if (!number(reader, 1, 2, &hour) || !symbol(reader, ':') || !number(reader, 1, 2, &minute))
        return false;
    if (symbol(reader, ':') && (!number(reader, 1, 2, &second) || !read_fraction(reader, clock)))
        return false;
    clock->hour = (int)hour;
    clock->minute = (int)minute;
    clock->second = (int)second;
    clock->has_time = true;
    return hour < 24 && minute < 60 && second < 60;
}

static void skip_blanks(struct reader *reader)
{
    while (isspace((unsigned char)*reader->at))
        reader->at++;
}

static bool read_zone(struct reader *reader, struct sql_clock *clock)
{
    skip_blanks(reader);
    size_t size = strlen(reader->at);
    while (size && isspace((unsigned char)reader->at[size - 1]))
        size--;
    if (size >= sizeof clock->zone)
        return false;
    memcpy(clock->zone, reader->at, size);
    return true;
}

bool sql_clock_date(const char *text, struct sql_clock *clock)
{
    struct reader reader = {text};
    *clock = (struct sql_clock){0};
    skip_blanks(&reader);
    if (!read_date(&reader, clock, 1))
        return false;
    skip_blanks(&reader);
    return !*reader.at;
}

bool sql_clock_timestamp(const char *text, struct sql_clock *clock)
{
    struct reader reader = {text};
    *clock = (struct sql_clock){0};
    if (!read_date(&reader, clock, 4))
        return false;
    bool blank = *reader.at == ' ';
    if (*reader.at && !blank)
        return false;
    reader.at += blank;
    if (isdigit((unsigned char)*reader.at) && !read_time(&reader, clock))
        return false;
    return read_zone(&reader, clock);
}

bool sql_clock_time(const char *text, struct sql_clock *clock)
{
    struct reader reader = {text};
    *clock = (struct sql_clock){0};
    return read_time(&reader, clock) && read_zone(&reader, clock);
}

bool sql_clock_offset(const char *zone, int *minutes)
{
    struct reader reader = {zone};
    long hours = 0, rest = 0;
    bool minus = *zone == '-';
    if (!minus && *zone != '+')
        return false;
    reader.at++;
    if (!number(&reader, 1, 2, &hours) || (symbol(&reader, ':') && !number(&reader, 2, 2, &rest)) ||
        *reader.at || hours > 14 || rest > 59)
        return false;
    *minutes = (int)(hours * 60 + rest) * (minus ? -1 : 1);
    return true;
}

static int by_name(const void *name, const void *row)
{
    return strcmp(name, *(const char *const *)row);
}

bool sql_clock_zone(const char *zone)
{
    int minutes;
    return strcmp(zone, "Z") == 0 || strcmp(zone, "UTC") == 0 || sql_clock_offset(zone, &minutes) ||
           bsearch(zone, ZONE_NAMES, sizeof ZONE_NAMES / sizeof *ZONE_NAMES, sizeof *ZONE_NAMES,
                   by_name);
}

/* --- intervals --- */

static int field_number(const char *name)
{
    static const char *const FIELDS[] = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"};
    for (int i = 0; i < 6; i++)
        if (strcmp(FIELDS[i], name) == 0)
            return i;
    return -1;
}

static bool read_part(struct reader *reader, int field, long long *amount)
{
    static const long long UNITS[] = {12, 1, 86400000, 3600000, 60000, 1000};
    long value;
    if (!number(reader, 1, 15, &value))
        return false;
    *amount += value * UNITS[field];
    if (field != 5 || !symbol(reader, '.'))
        return true;
    int count = digits(reader->at);
    if (!count || count > 9)
        return false;
    for (int i = 0, unit = 100; i < count; i++, unit /= 10)
        *amount += (reader->at[i] - '0') * unit;
    reader->at += count;
    return true;
}

bool sql_clock_interval(const char *text, const char *from, const char *to, bool *months,
                        long long *amount)
{
    static const char BETWEEN[] = {'-', ' ', ' ', ':', ':'};
    int first = field_number(from), last = to ? field_number(to) : first;
    struct reader reader = {text};
    *months = first <= 1;
    *amount = 0;
    if (last < first || (first <= 1) != (last <= 1))
        return false;
    bool minus = symbol(&reader, '-');
    if (!minus)
        symbol(&reader, '+');
    for (int field = first; field <= last; field++) {
        if (field > first && !symbol(&reader, BETWEEN[field - 1]))
            return field > first && !*reader.at;
        if (!read_part(&reader, field, amount))
            return false;
    }
    *amount = minus ? -*amount : *amount;
    return !*reader.at;
}
