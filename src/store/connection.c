#include "store/connection.h"

#include <errno.h>
#include <stdarg.h>

#include "base/error.h"

/* SQLite tells a quota that is used up, and no room for its index of the log, as I/O errors. */
static bool disk_is_full(sqlite3 *handle)
{
    int code = sqlite3_extended_errcode(handle), cause = sqlite3_system_errno(handle);
    return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE ||
           ((code & 0xff) == SQLITE_IOERR && (cause == ENOSPC || cause == EDQUOT));
}

static bool sqlite_error(sqlite3 *handle, GError **error, const char *doing)
{
    if (disk_is_full(handle))
        return error_set_errno(error, ENOSPC, "writing to the store");
    return error_set(error, ERROR_INTERNAL, "%s: the store says: %s", doing,
                     sqlite3_errmsg(handle));
}

static void finalize(void *statement)
{
    sqlite3_finalize(statement);
}

struct store_connection *connection_open(const char *path, int flags, GError **error)
{
    struct store_connection *connection = g_new0(struct store_connection, 1);
    connection->statements = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, finalize);
    connection->used = g_ptr_array_new();
    int code = sqlite3_open_v2(path, &connection->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        error_set(error, ERROR_INTERNAL, "opening the store %s: %s", path, sqlite3_errstr(code));
        connection_free(connection);
        return NULL;
    }
    sqlite3_busy_timeout(connection->handle, 10000);
    return connection;
}

void connection_free(struct store_connection *connection)
{
    g_ptr_array_unref(connection->used);
    g_hash_table_unref(connection->statements);
    sqlite3_close(connection->handle);
    g_free(connection);
}

bool connection_in_transaction(const struct store_connection *connection)
{
    return !sqlite3_get_autocommit(connection->handle);
}

/* ---- statements ---- */

/* The statement is about to be used for something else: it should stand on no row. */
static void expect_at_rest(sqlite3_stmt *statement, const char *when)
{
#ifdef LATHE_CHECK_STORE
    if (sqlite3_stmt_busy(statement))
        g_error("%s, this statement still stood on a row: %s", when, sqlite3_sql(statement));
#else
    (void)statement;
    (void)when;
#endif
}

static void put_to_rest(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static sqlite3_stmt *prepare(struct store_connection *connection, const char *sql, GError **error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(connection->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           NULL) == SQLITE_OK)
        g_hash_table_insert(connection->statements, g_strdup(sql), statement);
    else
        sqlite_error(connection->handle, error, sql);
    return statement;
}

/* From the connection's cache, at rest and without bindings. */
static sqlite3_stmt *take(struct store_connection *connection, const char *sql, GError **error)
{
    sqlite3_stmt *statement = g_hash_table_lookup(connection->statements, sql);
    if (statement) {
        expect_at_rest(statement, "When it was prepared again");
        put_to_rest(statement);
    } else if (!(statement = prepare(connection, sql, error))) {
        return NULL;
    }
    GPtrArray *used = connection->used;
    if (!used->len || used->pdata[used->len - 1] != statement) /* a loop prepares one again */
        g_ptr_array_add(used, statement);
    return statement;
}

void connection_settle(struct store_connection *connection)
{
    for (guint i = 0; i < connection->used->len; i++) {
        sqlite3_stmt *statement = g_ptr_array_index(connection->used, i);
        expect_at_rest(statement, "When its reader or writer had done");
        put_to_rest(statement);
    }
    g_ptr_array_set_size(connection->used, 0);
}

static void bind_bytes(sqlite3_stmt *statement, int index, const void *bytes, size_t size)
{
    /* No bytes are a text without length, and not null. */
    sqlite3_bind_blob64(statement, index, bytes ? bytes : "", size, SQLITE_STATIC);
}

static void bind(sqlite3_stmt *statement, const char *format, va_list arguments)
{
    for (int i = 1; *format; format++, i++) {
        if (*format == 's')
            sqlite3_bind_text(statement, i, va_arg(arguments, const char *), -1, SQLITE_STATIC);
        else if (*format == 'S')
            sqlite3_bind_text(statement, i, va_arg(arguments, const char *), -1, SQLITE_TRANSIENT);
        else if (*format == 'i')
            sqlite3_bind_int64(statement, i, va_arg(arguments, gint64));
        else if (*format == 'd')
            sqlite3_bind_double(statement, i, va_arg(arguments, double));
        else {
            const void *bytes = va_arg(arguments, const void *);
            bind_bytes(statement, i, bytes, va_arg(arguments, size_t));
        }
    }
}

bool store_run(struct store_connection *connection, GError **error, const char *sql,
               const char *format, ...)
{
    sqlite3_stmt *statement = take(connection, sql, error);
    if (!statement)
        return false;
    va_list arguments;
    va_start(arguments, format);
    bind(statement, format, arguments);
    va_end(arguments);
    enum store_step step;
    do
        step = store_next((struct store_rows *)statement, error);
    while (step == STORE_ROW);
    sqlite3_clear_bindings(statement); /* what they stood for is the caller's again */
    return step == STORE_END;
}

int store_changes(struct store_connection *connection)
{
    return sqlite3_changes(connection->handle);
}

gint64 store_last_row(struct store_connection *connection)
{
    return sqlite3_last_insert_rowid(connection->handle);
}

/* ---- rows ---- */

/* What stands on them is the statement itself, under a name that says nothing of it. */
static sqlite3_stmt *statement_of(struct store_rows *rows)
{
    return (sqlite3_stmt *)rows;
}

struct store_rows *store_ask(struct store_connection *connection, GError **error, const char *sql,
                             const char *format, ...)
{
    sqlite3_stmt *statement = take(connection, sql, error);
    if (!statement)
        return NULL;
    va_list arguments;
    va_start(arguments, format);
    bind(statement, format, arguments);
    va_end(arguments);
    return (struct store_rows *)statement;
}

enum store_step store_next(struct store_rows *rows, GError **error)
{
    if (!rows)
        return STORE_FAILED;
    sqlite3_stmt *statement = statement_of(rows);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return STORE_ROW;
    if (code != SQLITE_DONE)
        sqlite_error(sqlite3_db_handle(statement), error, sqlite3_sql(statement));
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? STORE_END : STORE_FAILED;
}

void store_end(struct store_rows *rows)
{
    if (rows)
        sqlite3_reset(statement_of(rows));
}

const char *store_text(struct store_rows *rows, int column)
{
    return (const char *)sqlite3_column_text(statement_of(rows), column);
}

char *store_text_copy(struct store_rows *rows, int column)
{
    return g_strdup(store_text(rows, column));
}

gint64 store_int(struct store_rows *rows, int column)
{
    return sqlite3_column_int64(statement_of(rows), column);
}

double store_double(struct store_rows *rows, int column)
{
    return sqlite3_column_double(statement_of(rows), column);
}

const void *store_bytes(struct store_rows *rows, int column, size_t *size)
{
    const void *bytes = sqlite3_column_blob(statement_of(rows), column);
    *size = (size_t)sqlite3_column_bytes(statement_of(rows), column);
    return bytes;
}

bool store_is_null(struct store_rows *rows, int column)
{
    return sqlite3_column_type(statement_of(rows), column) == SQLITE_NULL;
}

bool connection_execute(struct store_connection *connection, const char *sql, GError **error)
{
    if (sqlite3_exec(connection->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_error(connection->handle, error, sql);
    return true;
}
