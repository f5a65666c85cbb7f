/* grok.h: Grok: patterns with names, which stand for regular expressions, as one such. */
#ifndef LATHE_TABLE_GROK_H
#define LATHE_TABLE_GROK_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct grok_pattern;

/* A group of the regular expression, by its number from 1 on. */
struct grok_group {
    char *name;       /* in lower case: the field's, or where it has none the pattern's */
    const char *type; /* Hive's */
};

/* custom: further patterns, "NAME pattern" a line; or NULL. Told are the groups whose names are
 * wanted, as often as they stand there; without such a set (which has to outlive it) the first of
 * each name that a field was given. NULL and an error for what refers to what is not there. */
struct grok_pattern *grok_pattern_new(const char *text, const char *custom, GHashTable *wanted,
                                      GError **error);
void grok_pattern_free(struct grok_pattern *pattern);

const char *grok_pattern_regex(const struct grok_pattern *pattern);
const struct grok_group *grok_pattern_groups(const struct grok_pattern *pattern, size_t *count);

#endif
