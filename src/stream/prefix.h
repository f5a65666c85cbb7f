/* prefix.h: the prefixes of delivered objects, with Firehose's expressions: !{timestamp:<a pattern
 * of Java's DateTimeFormatter>}, !{firehose:random-string}, !{firehose:error-output-type}. */
#ifndef LATHE_STREAM_PREFIX_H
#define LATHE_STREAM_PREFIX_H

#include <glib.h>
#include <stdbool.h>

/* Whether both (either may be NULL) are what Firehose takes, alone and together:
 * ERROR_INVALID_ARGUMENT_EXCEPTION. Partition keys are none of the expressions. */
bool prefix_check(const char *prefix, const char *error_prefix, GError **error);

/* The prefix (checked, or NULL) at that time (seconds since 1970) in that zone; where it has no
 * expressions, yyyy/MM/dd/HH/ stands behind it. g_free. */
char *prefix_evaluate(const char *prefix, double time, GTimeZone *zone);

/* The zone of that name ("Europe/Berlin"; NULL and "": UTC); g_time_zone_unref. NULL and
 * ERROR_INVALID_ARGUMENT_EXCEPTION where this machine knows none. */
GTimeZone *prefix_zone(const char *name, GError **error);

#endif
