/* glob.h: Glue's patterns of what a crawler leaves out: "*" and "?" within a name, "**" over
 * folders, [a-z] and [!a-z], {a,b}, and a backslash that takes the next character as it is. */
#ifndef LATHE_CRAWL_GLOB_H
#define LATHE_CRAWL_GLOB_H

#include <glib.h>

/* For paths below what is crawled. ERROR_INVALID_INPUT_EXCEPTION where something has no end. */
GRegex *glob_compile(const char *pattern, GError **error);

#endif
