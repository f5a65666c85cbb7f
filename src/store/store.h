/* store.h: meta.db, and the one way to change it.
 *
 * One writer thread runs every change, each in a savepoint of its own, and commits those that wait
 * together with one fsync (group commit): a caller returns when its change is on the disk. Readers
 * use connections of their own (WAL) and never wait for the writer. */
#ifndef LATHE_STORE_STORE_H
#define LATHE_STORE_STORE_H

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>

struct store;

/* Opens or creates the database and starts the writer. Fails where the file is damaged or written
 * by a later version. */
struct store *store_open(const char *path, GError **error);
/* Commits what waits, stops the writer, closes. */
void store_close(struct store *store);

/* A connection as work sees it: one thread at a time, valid during the call. */
struct store_connection;

/* A prepared statement from the connection's cache, reset and without bindings; the connection
 * keeps it. NULL and an error where the SQL is wrong. */
sqlite3_stmt *store_prepare(struct store_connection *connection, const char *sql, GError **error);
/* Steps: SQLITE_ROW, SQLITE_DONE, or another code with error set. */
int store_step(sqlite3_stmt *statement, GError **error);
/* Prepares, binds by a format of 's' (const char *, NULL is null), 'i' (gint64) and 'd' (double),
 * and runs to the end; for statements without rows. */
bool store_run(struct store_connection *connection, GError **error, const char *sql,
               const char *format, ...);
sqlite3 *store_handle(struct store_connection *connection);

/* A piece of work. It leaves no statement standing on a row: who stops before SQLITE_DONE resets.
 * Debug builds end where it does not; the others reset it, since all later reads of its connection
 * would see the store as it was then. */
typedef bool store_work(struct store_connection *connection, void *data, GError **error);

/* Runs work in the writer. False: nothing of it happened; ERROR_SERVICE_UNAVAILABLE where the disk
 * is full. */
bool store_write(struct store *store, store_work *work, void *data, GError **error);
/* The same for changes that give space back or end what is under way: where the disk is full, they
 * may use the space that is kept in reserve for them. */
bool store_write_spare(struct store *store, store_work *work, void *data, GError **error);
/* Like that, without waiting for the disk. Readers see it, kill -9 does not undo it, and it is on
 * the disk before whatever is written after it is; only when the machine itself fails may it be
 * lost, with all that came after. For steps on the way, which a start takes up again from where
 * they are, not for what a client was told. */
bool store_write_ordered(struct store *store, store_work *work, void *data, GError **error);
/* Without waiting at all, nor for space: for metrics and progress. */
void store_write_later(struct store *store, store_work *work, void *data,
                       void (*free_data)(void *data));
/* Runs work against a snapshot that does not change under it. */
bool store_read(struct store *store, store_work *work, void *data, GError **error);

/* The change feed: called on the writer's thread after the commit that created, changed or deleted
 * (status NULL) a resource, in the order of the commits. A watcher must be quick and not write. */
typedef void store_watcher(const char *kind, const char *name, const char *status, void *data);
unsigned store_watch(struct store *store, store_watcher *watcher, void *data);
void store_unwatch(struct store *store, unsigned id);

#endif
