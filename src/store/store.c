#include "store/store.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "store/connection.h"
#include "store/reserve.h"
#include "store/schema.h"
#include "store/store_inside.h"

/* A change that waits for the writer. The waiting caller owns it, unless nobody waits. */
struct change {
    store_work *work;
    void *data;
    void (*free_data)(void *data); /* set where nobody waits */
    bool waited_for;
    bool synced; /* to be on the disk before it is done */
    bool spare;  /* may use the reserve */
    bool done;
    GError *error;
};

struct watch {
    unsigned id;
    store_watcher *watcher;
    void *data;
};

struct event {
    char *kind, *name, *status;
};

struct store {
    char *path;
    pthread_t writer;
    struct store_connection *connection; /* the writer's, as the reserve is */
    struct reserve *reserve;

    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t work_waits, work_done;
    GQueue changes;
    bool closing;
    GPtrArray *idle_readers;

    pthread_mutex_t watch_lock;
    GArray *watches;
    unsigned last_watch;

    GArray *events; /* the writer's: of the change under way and those before it in its group */
};

/* ---- the writer ---- */

static void event_clear(void *data)
{
    struct event *event = data;
    g_free(event->kind);
    g_free(event->name);
    g_free(event->status);
}

void store_announce(struct store *store, const char *kind, const char *name, const char *status)
{
    struct event event = {g_strdup(kind), g_strdup(name), g_strdup(status)};
    g_array_append_val(store->events, event);
}

/* One change in a savepoint: if it fails, what it did and announced is taken back, and the others
 * of its transaction go on. False where the transaction is gone: where a disk is full or fails,
 * SQLite takes all of it back. */
static bool run_change(struct store *store, struct change *change)
{
    struct store_connection *connection = store->connection;
    guint announced = store->events->len;
    if (!connection_execute(connection, "SAVEPOINT change", &change->error))
        return false;
    bool worked = change->work(connection, change->data, &change->error);
    connection_settle(connection);
    if (worked)
        return connection_execute(connection, "RELEASE change", &change->error);
    if (!change->error)
        error_set(&change->error, ERROR_INTERNAL, "a change failed without saying why");
    g_array_set_size(store->events, announced);
    return connection_in_transaction(connection) &&
           connection_execute(connection, "ROLLBACK TO change; RELEASE change", NULL);
}

static void tell_watchers(struct store *store)
{
    pthread_mutex_lock(&store->watch_lock);
    for (guint e = 0; e < store->events->len; e++) {
        const struct event *event = &g_array_index(store->events, struct event, e);
        for (guint w = 0; w < store->watches->len; w++) {
            const struct watch *watch = &g_array_index(store->watches, struct watch, w);
            watch->watcher(event->kind, event->name, event->status, watch->data);
        }
    }
    pthread_mutex_unlock(&store->watch_lock);
    g_array_set_size(store->events, 0);
}

/* Where no change of a transaction has to be on the disk, the commit skips the fsync. The next
 * commit's covers it: both are in the log, one after the other. */
static bool begin(struct store *store, struct change **changes, guint count, GError **error)
{
    bool sync = false;
    for (guint i = 0; i < count; i++)
        sync |= changes[i]->synced;
    return connection_execute(store->connection,
                              sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
                              error) &&
           connection_execute(store->connection, "BEGIN IMMEDIATE", error);
}

/* Nothing of these changes happened: each caller hears why. */
static void fail_all(struct store *store, struct change **changes, guint count, const GError *cause)
{
    g_array_set_size(store->events, 0);
    for (guint i = 0; i < count; i++)
        if (!changes[i]->error)
            changes[i]->error =
                g_error_new(cause->domain, cause->code,
                            "the store took back what it wrote together: %s", cause->message);
}

/* Runs changes in one transaction, until all are committed or none is; how many that were. */
static guint run_transaction(struct store *store, struct change **changes, guint count)
{
    g_autoptr(GError) error = NULL;
    guint done = 0;
    bool open = begin(store, changes, count, &error);
    if (!open)
        done = count;
    while (open && done < count)
        open = run_change(store, changes[done++]);
    if (open)
        connection_execute(store->connection, "COMMIT", &error);
    else if (!error)
        error = g_error_copy(changes[done - 1]->error);
    if (error) {
        connection_execute(store->connection, "ROLLBACK", NULL);
        fail_all(store, changes, done, error);
    }
    tell_watchers(store);
    return done;
}

static void run_transactions(struct store *store, struct change **changes, guint count)
{
    for (guint done = 0; done < count;)
        done += run_transaction(store, changes + done, count - done);
}

/* Moves the log's pages into the database, whose file may have to grow. */
static bool empty_log(struct store *store, GError **error)
{
    return connection_execute(store->connection, "PRAGMA wal_checkpoint(PASSIVE)", error);
}

/* Changes of one kind, on a disk that is as good as full. What may not use the reserve must do with
 * what space there is beside it, and waits until the database has had room for all that is in the
 * log: else the log would fill up, and nothing could be deleted any more. */
static void run_on_full_disk(struct store *store, struct change **changes, guint count)
{
    g_autoptr(GError) error = NULL;
    if (changes[0]->spare) {
        reserve_give(store->reserve);
        run_transactions(store, changes, count);
        empty_log(store, NULL);
        reserve_take(store->reserve);
        return;
    }
    reserve_take(store->reserve);
    if (empty_log(store, &error))
        run_transactions(store, changes, count);
    else
        fail_all(store, changes, count, error);
}

static void run_group(struct store *store, GPtrArray *group)
{
    struct change **changes = (struct change **)group->pdata;
    if (!reserve_is_low(store->reserve)) {
        run_transactions(store, changes, group->len);
        return;
    }
    for (guint from = 0, to; from < group->len; from = to) {
        for (to = from + 1; to < group->len && changes[to]->spare == changes[from]->spare; to++)
            ;
        run_on_full_disk(store, changes + from, to - from);
    }
}

static void finish_group(struct store *store, GPtrArray *group)
{
    pthread_mutex_lock(&store->lock);
    for (guint i = 0; i < group->len; i++) {
        struct change *change = g_ptr_array_index(group, i);
        change->done = true;
        if (change->waited_for)
            continue;
        if (change->free_data)
            change->free_data(change->data);
        g_clear_error(&change->error);
        g_free(change);
    }
    pthread_cond_broadcast(&store->work_done);
    pthread_mutex_unlock(&store->lock);
}

/* Everything that waits goes into one transaction: while its fsync runs, the next group gathers. */
static void *write_changes(void *data)
{
    struct store *store = data;
    g_autoptr(GPtrArray) group = g_ptr_array_new();
    for (;;) {
        pthread_mutex_lock(&store->lock);
        while (g_queue_is_empty(&store->changes) && !store->closing)
            pthread_cond_wait(&store->work_waits, &store->lock);
        struct change *change;
        while ((change = g_queue_pop_head(&store->changes)))
            g_ptr_array_add(group, change);
        pthread_mutex_unlock(&store->lock);
        if (!group->len)
            return NULL;
        run_group(store, group);
        finish_group(store, group);
        g_ptr_array_set_size(group, 0);
    }
}

static void enqueue(struct store *store, struct change *change)
{
    g_queue_push_tail(&store->changes, change);
    pthread_cond_signal(&store->work_waits);
}

static bool write_and_wait(struct store *store, struct change *change, GError **error)
{
    change->waited_for = true;
    pthread_mutex_lock(&store->lock);
    enqueue(store, change);
    while (!change->done)
        pthread_cond_wait(&store->work_done, &store->lock);
    pthread_mutex_unlock(&store->lock);
    if (!change->error)
        return true;
    g_propagate_error(error, change->error);
    return false;
}

bool store_write(struct store *store, store_work *work, void *data, GError **error)
{
    struct change change = {.work = work, .data = data, .synced = true};
    return write_and_wait(store, &change, error);
}

bool store_write_spare(struct store *store, store_work *work, void *data, GError **error)
{
    struct change change = {.work = work, .data = data, .synced = true, .spare = true};
    return write_and_wait(store, &change, error);
}

bool store_write_ordered(struct store *store, store_work *work, void *data, GError **error)
{
    struct change change = {.work = work, .data = data, .spare = true};
    return write_and_wait(store, &change, error);
}

bool store_write_step(struct store *store, store_work *work, void *data, GError **error)
{
    struct change change = {.work = work, .data = data};
    return write_and_wait(store, &change, error);
}

void store_write_later(struct store *store, store_work *work, void *data,
                       void (*free_data)(void *data))
{
    struct change *change = g_new0(struct change, 1);
    *change = (struct change){.work = work, .data = data, .free_data = free_data};
    pthread_mutex_lock(&store->lock);
    enqueue(store, change);
    pthread_mutex_unlock(&store->lock);
}

static bool read_rows_written(struct store_connection *connection, void *data, GError **error)
{
    (void)error;
    *(gint64 *)data = sqlite3_total_changes(connection->handle);
    return true;
}

gint64 store_rows_written(struct store *store)
{
    gint64 rows = 0;
    store_write_ordered(store, read_rows_written, &rows, NULL);
    return rows;
}

/* ---- readers ---- */

static struct store_connection *take_reader(struct store *store, GError **error)
{
    pthread_mutex_lock(&store->lock);
    struct store_connection *reader = NULL;
    if (store->idle_readers->len)
        reader = g_ptr_array_steal_index_fast(store->idle_readers, store->idle_readers->len - 1);
    pthread_mutex_unlock(&store->lock);
    return reader ? reader : connection_open(store->path, SQLITE_OPEN_READONLY, error);
}

static void give_reader_back(struct store *store, struct store_connection *reader)
{
    pthread_mutex_lock(&store->lock);
    bool keep = store->idle_readers->len < 8 && !connection_in_transaction(reader);
    if (keep)
        g_ptr_array_add(store->idle_readers, reader);
    pthread_mutex_unlock(&store->lock);
    if (!keep)
        connection_free(reader);
}

bool store_read(struct store *store, store_work *work, void *data, GError **error)
{
    struct store_connection *reader = take_reader(store, error);
    if (!reader)
        return false;
    bool read = connection_execute(reader, "BEGIN", error) && work(reader, data, error);
    connection_settle(reader);
    connection_execute(reader, "ROLLBACK", NULL);
    give_reader_back(store, reader);
    return read;
}

/* ---- the change feed ---- */

unsigned store_watch(struct store *store, store_watcher *watcher, void *data)
{
    pthread_mutex_lock(&store->watch_lock);
    struct watch watch = {++store->last_watch, watcher, data};
    g_array_append_val(store->watches, watch);
    pthread_mutex_unlock(&store->watch_lock);
    return watch.id;
}

void store_unwatch(struct store *store, unsigned id)
{
    pthread_mutex_lock(&store->watch_lock);
    for (guint i = 0; i < store->watches->len; i++) {
        if (g_array_index(store->watches, struct watch, i).id == id) {
            g_array_remove_index(store->watches, i);
            break;
        }
    }
    pthread_mutex_unlock(&store->watch_lock);
}

/* ---- opening and closing ---- */

static bool set_up(struct store_connection *connection, const char *path,
                   const struct reserve *reserve, GError **error)
{
    int number;
    /* A larger log before checkpoints: fewer of them, and each is one more fsync. */
    g_autofree char *checkpoints =
        g_strdup_printf("PRAGMA wal_autocheckpoint=%d", reserve_log_pages(reserve));
    return schema_check(connection->handle, path, &number, error) &&
           connection_execute(connection, "PRAGMA journal_mode=WAL", error) &&
           connection_execute(connection, checkpoints, error) &&
           /* Savepoints keep what they may have to take back: not in files of their own. */
           connection_execute(connection, "PRAGMA temp_store=MEMORY", error) &&
           schema_upgrade(connection->handle, number, error);
}

/* On a full disk, with the reserve given up: reading the log needs an index of it. */
static struct store_connection *open_writer(const char *path, struct reserve *reserve,
                                            GError **error)
{
    reserve_take(reserve); /* a new home's is not there yet */
    bool low = reserve_is_low(reserve);
    if (low)
        reserve_give(reserve);
    struct store_connection *connection =
        connection_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
    if (connection && !set_up(connection, path, reserve, error)) {
        g_prefix_error(error, "opening the store %s: ", path);
        g_clear_pointer(&connection, connection_free);
    }
    if (connection && low)
        connection_execute(connection, "PRAGMA wal_checkpoint(PASSIVE)", NULL);
    reserve_take(reserve);
    return connection;
}

struct store *store_open(const char *path, GError **error)
{
    struct reserve *reserve = reserve_open(path);
    struct store_connection *connection = open_writer(path, reserve, error);
    if (!connection) {
        reserve_close(reserve);
        return NULL;
    }
    struct store *store = g_new0(struct store, 1);
    store->path = g_strdup(path);
    store->connection = connection;
    store->reserve = reserve;
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->work_waits, NULL);
    pthread_cond_init(&store->work_done, NULL);
    pthread_mutex_init(&store->watch_lock, NULL);
    g_queue_init(&store->changes);
    store->idle_readers = g_ptr_array_new();
    store->watches = g_array_new(FALSE, FALSE, sizeof(struct watch));
    store->events = g_array_new(FALSE, FALSE, sizeof(struct event));
    g_array_set_clear_func(store->events, event_clear);
    pthread_create(&store->writer, NULL, write_changes, store);
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    pthread_mutex_lock(&store->lock);
    store->closing = true;
    pthread_cond_signal(&store->work_waits);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->writer, NULL);
    for (guint i = 0; i < store->idle_readers->len; i++)
        connection_free(g_ptr_array_index(store->idle_readers, i));
    g_ptr_array_unref(store->idle_readers);
    bool low = reserve_is_low(store->reserve);
    if (low) /* closing empties the log */
        reserve_give(store->reserve);
    connection_free(store->connection);
    reserve_take(store->reserve);
    reserve_close(store->reserve);
    g_array_unref(store->watches);
    g_array_unref(store->events);
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->watch_lock);
    pthread_cond_destroy(&store->work_waits);
    pthread_cond_destroy(&store->work_done);
    g_free(store->path);
    g_free(store);
}
