/* connection.h: one SQLite handle with its prepared statements (inside this room). */
#ifndef LATHE_STORE_CONNECTION_H
#define LATHE_STORE_CONNECTION_H

#include <sqlite3.h>

#include "store/store.h"

struct store_connection {
    sqlite3 *handle;
    GHashTable *statements; /* SQL text, as its caller's literal or copy -> sqlite3_stmt */
    GPtrArray *used;        /* those that were prepared since connection_settle */
};

/* flags as sqlite3_open_v2 takes them. */
struct store_connection *connection_open(const char *path, int flags, GError **error);
void connection_free(struct store_connection *connection);

/* Runs SQL that has no parameters and whose rows nobody needs. */
bool connection_execute(struct store_connection *connection, const char *sql, GError **error);

/* After a piece of work: no statement stands on a row any more, and none points to what the work
 * had bound. A statement that stands holds its connection's snapshot: all that is read there later
 * would be as old. In debug builds (LATHE_CHECK_STORE), work that left one is an error of the
 * program, which ends here and says which. */
void connection_settle(struct store_connection *connection);

/* Whether a transaction is open: SQLite itself rolls back where a disk is full or fails. */
bool connection_in_transaction(const struct store_connection *connection);

#endif
