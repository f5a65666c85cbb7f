/* pattern.h: patterns of names, as GetTables and SHOW TABLES have them. */
#ifndef LATHE_CATALOG_PATTERN_H
#define LATHE_CATALOG_PATTERN_H

#include <glib.h>

/* Hive's: "*" is anything, "|" divides choices; all else is a regular expression's, and so is a "*"
 * that stands behind what a regular expression repeats (".*", "[a-z]*", "(ab)*"). For the whole
 * name, in any case. ERROR_INVALID_INPUT_EXCEPTION. */
GRegex *pattern_compile(const char *pattern, GError **error);

#endif
