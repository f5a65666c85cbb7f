/* prefix.h: the prefixes of delivered objects, with Firehose's expressions: !{timestamp:<a pattern
 * of Java's DateTimeFormatter>}, !{firehose:random-string}, !{firehose:error-output-type},
 * !{partitionKeyFromQuery:<name>}. */
#ifndef LATHE_STREAM_PREFIX_H
#define LATHE_STREAM_PREFIX_H

#include "base/json.h"

/* Whether both (either may be NULL) are what Firehose takes, alone and together:
 * ERROR_INVALID_ARGUMENT_EXCEPTION. partitioned: records have partition keys. */
bool prefix_check(const char *prefix, const char *error_prefix, bool partitioned, GError **error);

/* The prefix (checked, or NULL) of a record with those partition keys (texts by their names; NULL:
 * none) at that time (seconds since 1970) in that zone; where it has no expressions, yyyy/MM/dd/HH/
 * stands behind it. g_free. NULL where a key is missing, or it would be too long. */
char *prefix_evaluate(const char *prefix, const json_t *keys, double time, GTimeZone *zone,
                      GError **error);
/* The same of a prefix for what failed in that way; without expressions, the way stands behind it,
 * too. */
char *prefix_evaluate_error(const char *prefix, const char *type, double time, GTimeZone *zone);

/* The zone of that name ("Europe/Berlin"; NULL and "": UTC); g_time_zone_unref. NULL and
 * ERROR_INVALID_ARGUMENT_EXCEPTION where this machine knows none. */
GTimeZone *prefix_zone(const char *name, GError **error);

#endif
