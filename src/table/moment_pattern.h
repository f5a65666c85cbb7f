/* moment_pattern.h: patterns of days and times, Joda's ("yyyy-MM-dd") and MySQL's ("%Y-%m-%d"), put
 * and parsed as Joda does, with its errors. */
#ifndef LATHE_TABLE_MOMENT_PATTERN_H
#define LATHE_TABLE_MOMENT_PATTERN_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct moment_pattern;

/* NULL and an error for what is no pattern. */
struct moment_pattern *moment_pattern_new(const char *text, size_t size, bool mysql,
                                          GError **error);
void moment_pattern_free(struct moment_pattern *pattern);
/* Whether it was made of this text. */
bool moment_pattern_is(const struct moment_pattern *pattern, const char *text, size_t size);

/* Adds the local time, which is `offset` microseconds before UTC's, in a zone (NULL: UTC). */
bool moment_pattern_put(const struct moment_pattern *pattern, GString *out, int64_t local,
                        int64_t offset, const char *zone, size_t zone_size, GError **error);

struct moment_parsed {
    int64_t local; /* microseconds */
    char zone[64]; /* as it is written, or its offset "+05:30"; empty: none is written */
};
bool moment_pattern_parse(const struct moment_pattern *pattern, const char *text, size_t size,
                          struct moment_parsed *parsed, GError **error);

/* ISO 8601: 2024-01-02T03:04:05.678+02:00, 2024-060, 2024-W05-3, and shorter. */
bool moment_parse_iso(const char *text, size_t size, struct moment_parsed *parsed, GError **error);

#endif
