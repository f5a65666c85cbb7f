/* schema.h: meta.db's tables, as numbered steps (inside this room). */
#ifndef LATHE_STORE_SCHEMA_H
#define LATHE_STORE_SCHEMA_H

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>

/* Reads the number of a database that may be empty. Fails, and has changed nothing, where a later
 * lathe or another program wrote it. */
bool schema_check(sqlite3 *handle, const char *path, int *number, GError **error);

/* Brings a database of that number to the last step. Each step is committed together with its
 * number (SQLite's user_version). */
bool schema_upgrade(sqlite3 *handle, int number, GError **error);

#endif
