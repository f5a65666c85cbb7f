/* clock.h: times as AWS writes them, and the one clock that everything waits on. A time is seconds
 * since 1970, UTC, with a fraction. */
#ifndef LATHE_BASE_CLOCK_H
#define LATHE_BASE_CLOCK_H

#include <glib.h>
#include <stdbool.h>

double clock_now(void);       /* the wall clock, to the millisecond */
double clock_monotonic(void); /* seconds that never go back */

char *clock_iso(double time);  /* 2026-11-21T10:20:30.123Z; g_free */
char *clock_http(double time); /* Sat, 21 Nov 2026 10:20:30 GMT; g_free */

/* Reads either form (and HTTP's two obsolete ones), 20261121T102030Z, or seconds as a number. */
bool clock_parse(const char *text, double *time);

/* ---- the clock ----
 *
 * "At T, wake X": schedules, retries, time-outs, buffers and what trims old things wait here, on
 * one heap and one thread. Two times are told apart: the wall's, which an administrator may set
 * (schedules and ages go by it), and the monotonic one, which never jumps (time-outs and buffers).
 * A test moves both on. */
struct clock;

struct clock *clock_open(GError **error);
/* Alarms that have not gone off never will. */
void clock_close(struct clock *clock);

double clock_wall(const struct clock *clock);
double clock_steady(const struct clock *clock);

enum clock_time { CLOCK_WALL, CLOCK_STEADY };
/* Runs on the clock's thread, and so must be quick: it notes, signals or queues. It may set and
 * cancel alarms. */
typedef void clock_wake(void *data);

/* Wakes once when that time has come (at once, where it has passed). The alarm's id, never 0. */
guint64 clock_set(struct clock *clock, enum clock_time by, double at, clock_wake *wake, void *data);
/* After this the alarm does not run and will not (but where wake itself cancels it, it goes on to
 * its end). One that went off or was cancelled, and id 0, are let be. */
void clock_cancel(struct clock *clock, guint64 id);

/* For tests: moves both times on by so many seconds; what is due by then has gone off, in order,
 * each at its time, when this returns. Not for use by a wake. */
void clock_move(struct clock *clock, double seconds);

#endif
