/* cache.h: files of what is kept in rows, for jobs and programs that need paths. They are made on
 * demand under cache/objects and may be removed at any time. */
#ifndef LATHE_LAKE_CACHE_H
#define LATHE_LAKE_CACHE_H

#include "lake/lake_inside.h"

/* The path of a file with the object's bytes, which is made where it is missing; g_free it. */
char *cache_file(struct lake *lake, const struct lake_object *object, GError **error);

/* What was there before this run: its files were not synced, after a crash of the machine they may
 * be anything. */
bool cache_empty(const struct lake *lake, GError **error);

/* Removes files that nobody asked for in the seven days before `now` (seconds since 1970), and of
 * more than 4 GiB those that were asked for the longest ago. Who has one open or linked keeps it.
 */
void cache_tidy(const struct lake *lake, double now);

#endif
