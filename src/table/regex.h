/* regex.h: regular expressions in Java's syntax, by PCRE2, with limits on what a match may cost. */
#ifndef LATHE_TABLE_REGEX_H
#define LATHE_TABLE_REGEX_H

#include <glib.h>
#include <stdbool.h>

struct regex;       /* may be shared by threads */
struct regex_match; /* where the groups of the last match are; a thread's own */

/* NULL and an error in Trino's words. */
struct regex *regex_new(const char *pattern, size_t size, GError **error);
void regex_free(struct regex *regex);
unsigned regex_groups(const struct regex *regex);
/* The number of the group of that name, or 0. */
unsigned regex_group_named(const struct regex *regex, const char *name, size_t size);

struct regex_match *regex_match_new(const struct regex *regex);
void regex_match_free(struct regex_match *match);

/* Looks for a match that begins at byte `from` or later, or where `anchored` exactly there. False
 * and an error where the text is no UTF-8 or the search costs too much. */
bool regex_find(const struct regex *regex, struct regex_match *match, const char *text, size_t size,
                size_t from, bool anchored, bool *found, GError **error);
/* False where the group took no part. Group 0 is all of the match. */
bool regex_group(const struct regex_match *match, unsigned group, size_t *start, size_t *end);

#endif
