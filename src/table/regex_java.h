/* regex_java.h: a regular expression in the syntax of Java's libraries, said in PCRE2's. */
#ifndef LATHE_TABLE_REGEX_JAVA_H
#define LATHE_TABLE_REGEX_JAVA_H

#include <glib.h>
#include <stdbool.h>

/* NULL and an error for what PCRE2 has no words for: sets within sets, and their intersections. */
GString *regex_from_java(const char *pattern, size_t size, GError **error);

#endif
