/* clock.h: times as AWS writes them. A time is seconds since 1970, UTC, with a fraction. */
#ifndef LATHE_BASE_CLOCK_H
#define LATHE_BASE_CLOCK_H

#include <stdbool.h>

double clock_now(void);       /* the wall clock, to the millisecond */
double clock_monotonic(void); /* seconds that never go back */

char *clock_iso(double time);  /* 2026-11-21T10:20:30.123Z; g_free */
char *clock_http(double time); /* Sat, 21 Nov 2026 10:20:30 GMT; g_free */

/* Reads either form, 20261121T102030Z, or seconds as a number. */
bool clock_parse(const char *text, double *time);

#endif
