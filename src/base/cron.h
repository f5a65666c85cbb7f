/* cron.h: AWS's schedules: cron(minutes hours day-of-month month day-of-week year), in UTC.
 *
 * Fields have numbers, names (JAN, SUN), "*", "?" (for one of the two days), lists, ranges and
 * steps; days also "L" (the last), "15W" (the weekday nearest to the 15th), "6L" (the last Friday),
 * "6#3" (the third). Sundays are 1. */
#ifndef LATHE_BASE_CRON_H
#define LATHE_BASE_CRON_H

#include <glib.h>
#include <stdbool.h>

#include "base/error.h"

/* A schedule "cron(...)", checked: it fails with that code, and says what is wrong. */
bool cron_check(const char *expression, enum error_code code, GError **error);

/* The first time (seconds since 1970) after `after` of a schedule that is right; 0 where there is
 * none any more. */
double cron_next(const char *expression, double after);

/* Whether what woke at `woke` has come to its time: the schedule's next time as it is kept, which
 * may have changed meanwhile; or, where the clock was set back since, another of the schedule's. */
bool cron_is_due(const char *expression, double next, double woke, double now);

#endif
