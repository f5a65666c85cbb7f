/* library.h: shared libraries that only some jobs need, loaded when they do. */
#ifndef LATHE_BASE_LIBRARY_H
#define LATHE_BASE_LIBRARY_H

#include <glib.h>
#include <stdbool.h>

/* Where a library that comes with lathe lies: what the environment's variable says, else
 * lib/<below> beside the program (a build) or ../lib/lathe/<below> (installed). g_free. */
char *library_find(const char *variable, const char *below, GError **error);

/* A function of the library, and where in a struct of function pointers its address goes. */
struct library_symbol {
    const char *name;
    size_t offset;
};

/* Loads the library at path for this table alone (its symbols answer for no one else's) and fills
 * in the table; needed says which release has all of them. The handle, for further symbols; the
 * library stays loaded. */
void *library_load(const char *path, const struct library_symbol *symbols, size_t count,
                   void *table, const char *needed, GError **error);

#endif
