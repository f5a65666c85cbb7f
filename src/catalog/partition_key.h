/* partition_key.h: the values of a partition as one text: each value, ended by a byte 1. A byte 1
 * or 2 of a value is written as 2 and another, so that keys are in the order of their values and
 * those that begin with the same values are one range. */
#ifndef LATHE_CATALOG_PARTITION_KEY_H
#define LATHE_CATALOG_PARTITION_KEY_H

#include <glib.h>

#define PARTITION_KEY_END '\1'

void partition_key_add(GString *key, const char *value);
/* The values; g_strfreev. */
char **partition_key_split(const char *key);
/* In its place: the first text behind all those that begin with it. It ends with a value's end. */
void partition_key_behind(char *prefix);

#endif
