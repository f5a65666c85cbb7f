/* schema.h: meta.db's tables, as numbered steps (inside this room). */
#ifndef LATHE_STORE_SCHEMA_H
#define LATHE_STORE_SCHEMA_H

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>

/* Brings a database, empty or made by an earlier lathe, to the last step. Each step is committed
 * together with its number (SQLite's user_version). Fails where a later lathe wrote the file. */
bool schema_upgrade(sqlite3 *handle, const char *path, GError **error);

#endif
