/* store.h: meta.db, and the one way to change it.
 *
 * One writer thread runs every change, each in a savepoint of its own, and commits those that wait
 * together with one fsync (group commit): a caller returns when its change is on the disk. Readers
 * use connections of their own (WAL) and never wait for the writer. */
#ifndef LATHE_STORE_STORE_H
#define LATHE_STORE_STORE_H

#include <glib.h>
#include <stdbool.h>

struct store;

/* Opens or creates the database and starts the writer. Fails where the file is damaged or written
 * by a later version. */
struct store *store_open(const char *path, GError **error);
/* Commits what waits, stops the writer, closes. */
void store_close(struct store *store);

/* A connection as work sees it: one thread at a time, valid during the call. */
struct store_connection;

/* Runs a statement that has no rows. What stands for its question marks, by a format: 's' const
 * char * (NULL is null), 'i' gint64, 'd' double, 'b' const void * and size_t. */
bool store_run(struct store_connection *connection, GError **error, const char *sql,
               const char *format, ...);
/* How many rows the last one put, changed or deleted; the number of the row that it put. */
int store_changes(struct store_connection *connection);
gint64 store_last_row(struct store_connection *connection);

/* The rows of a query: before the first, on one, or at the end. */
struct store_rows;
/* Asks; format as store_run's. Texts and bytes stay the caller's and as they are until the end; of
 * 'S' a copy is made. NULL and an error where the SQL is wrong: store_next and store_end take that.
 * The same SQL is not asked again on this connection before the end. */
struct store_rows *store_ask(struct store_connection *connection, GError **error, const char *sql,
                             const char *format, ...);
enum store_step { STORE_FAILED, STORE_END, STORE_ROW };
/* Goes on to the next row. STORE_FAILED: error is set. Both others than STORE_ROW are the end. */
enum store_step store_next(struct store_rows *rows, GError **error);
/* For who stops before the end, which anybody has to reach: nobody else gives the rows back. */
void store_end(struct store_rows *rows);

/* Columns of the row that it stands on, counted from 0. Texts (NULL where null) and bytes are the
 * store's, until the next step. */
const char *store_text(struct store_rows *rows, int column);
char *store_text_copy(struct store_rows *rows, int column); /* g_free */
gint64 store_int(struct store_rows *rows, int column);
double store_double(struct store_rows *rows, int column);
const void *store_bytes(struct store_rows *rows, int column, size_t *size);
bool store_is_null(struct store_rows *rows, int column);

/* A piece of work. It leaves no rows standing: who stops before their end calls store_end. Debug
 * builds end where it does not; the others give them back, since all later reads of its connection
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
/* Like that, of what needs space of its own, and has none of the reserve. */
bool store_write_step(struct store *store, store_work *work, void *data, GError **error);
/* Without waiting at all, nor for space: for metrics and progress. */
void store_write_later(struct store *store, store_work *work, void *data,
                       void (*free_data)(void *data));
/* Runs work against a snapshot that does not change under it. */
bool store_read(struct store *store, store_work *work, void *data, GError **error);

/* How many rows were added, changed or deleted since it was opened: what a test holds against how
 * many had to be. */
gint64 store_rows_written(struct store *store);

/* The change feed: called on the writer's thread after the commit that created, changed or deleted
 * (status NULL) a resource, in the order of the commits. A watcher must be quick and not write. */
typedef void store_watcher(const char *kind, const char *name, const char *status, void *data);
unsigned store_watch(struct store *store, store_watcher *watcher, void *data);
void store_unwatch(struct store *store, unsigned id);

#endif
