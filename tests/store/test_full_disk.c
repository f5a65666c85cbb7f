/* A disk that fails while several changes share a transaction. SQLite then takes all of it back by
 * itself, and the changes that follow must not run as if it were still open. A file system of
 * SQLite's that fails when it is told to stands between it and the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "store/store.h"

/* ---- a file system that fails ---- */

/* The code that the next writes to a log return, and how many more of them do. */
static int failure, failures;

struct failing_file {
    sqlite3_file base;
    bool log;
    sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct failing_file *)file)->real;
}

static int fail_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    if (((struct failing_file *)file)->log && failures > 0) {
        failures--;
        return failure;
    }
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, offset);
}

#define PASS(name, parameters, ...)                           \
    static int pass_##name parameters                         \
    {                                                         \
        return real_of(file)->pMethods->x##name(__VA_ARGS__); \
    }
PASS(Close, (sqlite3_file * file), real_of(file))
PASS(Read, (sqlite3_file * file, void *to, int size, sqlite3_int64 at), real_of(file), to, size, at)
PASS(Truncate, (sqlite3_file * file, sqlite3_int64 size), real_of(file), size)
PASS(Sync, (sqlite3_file * file, int flags), real_of(file), flags)
PASS(FileSize, (sqlite3_file * file, sqlite3_int64 *size), real_of(file), size)
PASS(Lock, (sqlite3_file * file, int level), real_of(file), level)
PASS(Unlock, (sqlite3_file * file, int level), real_of(file), level)
PASS(CheckReservedLock, (sqlite3_file * file, int *held), real_of(file), held)
PASS(FileControl, (sqlite3_file * file, int what, void *data), real_of(file), what, data)
PASS(SectorSize, (sqlite3_file * file), real_of(file))
PASS(DeviceCharacteristics, (sqlite3_file * file), real_of(file))
PASS(ShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **at),
     real_of(file), page, size, extend, at)
PASS(ShmLock, (sqlite3_file * file, int offset, int count, int flags), real_of(file), offset, count,
     flags)
PASS(ShmUnmap, (sqlite3_file * file, int remove), real_of(file), remove)

static void pass_ShmBarrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = pass_Close,
    .xRead = pass_Read,
    .xWrite = fail_write,
    .xTruncate = pass_Truncate,
    .xSync = pass_Sync,
    .xFileSize = pass_FileSize,
    .xLock = pass_Lock,
    .xUnlock = pass_Unlock,
    .xCheckReservedLock = pass_CheckReservedLock,
    .xFileControl = pass_FileControl,
    .xSectorSize = pass_SectorSize,
    .xDeviceCharacteristics = pass_DeviceCharacteristics,
    .xShmMap = pass_ShmMap,
    .xShmLock = pass_ShmLock,
    .xShmBarrier = pass_ShmBarrier,
    .xShmUnmap = pass_ShmUnmap,
};

static sqlite3_vfs *real_files, failing_files;

static int open_failing(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    struct failing_file *opened = (struct failing_file *)file;
    opened->real = (sqlite3_file *)(opened + 1);
    opened->log = flags & SQLITE_OPEN_WAL;
    int code = real_files->xOpen(real_files, name, opened->real, flags, out);
    opened->base.pMethods = opened->real->pMethods ? &methods : NULL;
    return code;
}

static void use_failing_files(void)
{
    real_files = sqlite3_vfs_find(NULL);
    failing_files = *real_files;
    failing_files.zName = "failing";
    failing_files.szOsFile += (int)sizeof(struct failing_file);
    failing_files.xOpen = open_failing;
    sqlite3_vfs_register(&failing_files, 1);
}

/* ---- changes that share a transaction ---- */

enum { CHANGES = 3, LARGE = 8 << 20 /* more than SQLite keeps in memory until the commit */ };

static char *folder, *path;
static struct store *store;

static int set_up(void **state)
{
    (void)state;
    folder = g_dir_make_tmp("lathe-store-XXXXXX", NULL);
    path = g_build_filename(folder, "meta.db", NULL);
    store = store_open(path, NULL);
    assert_non_null(store);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_close(store);
    file_remove_tree(folder, NULL);
    g_free(folder);
    g_free(path);
    return 0;
}

struct insertion {
    const char *name;
    int size;
    bool made;
    GError *error;
};

static bool insert(struct store_connection *connection, void *data, GError **error)
{
    const struct insertion *insertion = data;
    g_autofree char *value = g_strnfill((gsize)insertion->size, 'x');
    return store_run(connection, error, "INSERT INTO tag (arn, key, value) VALUES (?, '', ?)", "ss",
                     insertion->name, value);
}

static void *make(void *data)
{
    struct insertion *insertion = data;
    insertion->made = store_write(store, insert, insertion, &insertion->error);
    return NULL;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static bool wait_at_gate(struct store_connection *connection, void *data, GError **error)
{
    (void)connection;
    (void)error;
    sem_post(data); /* the writer is here */
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return true;
}

/* Runs the insertions in one group: they gather, in order, while the writer waits. */
static void make_together(struct insertion *insertions)
{
    sem_t arrived;
    sem_init(&arrived, 0, 0);
    pthread_mutex_lock(&gate);
    store_write_later(store, wait_at_gate, &arrived, NULL);
    while (sem_wait(&arrived) != 0)
        continue;
    pthread_t threads[CHANGES];
    for (int i = 0; i < CHANGES; i++) {
        pthread_create(&threads[i], NULL, make, &insertions[i]);
        g_usleep(50000);
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < CHANGES; i++)
        pthread_join(threads[i], NULL);
    sem_destroy(&arrived);
}

struct question {
    const char *name;
    int found;
};

static bool count(struct store_connection *connection, void *data, GError **error)
{
    struct question *question = data;
    struct store_rows *rows =
        store_ask(connection, error, "SELECT 1 FROM tag WHERE arn = ?", "s", question->name);
    while (store_next(rows, error) == STORE_ROW)
        question->found++;
    return true;
}

/* What was acknowledged is there, after a restart too, and nothing else. */
static void check(struct insertion *insertions)
{
    for (int restart = 0; restart < 2; restart++) {
        for (int i = 0; i < CHANGES; i++) {
            struct question question = {insertions[i].name, 0};
            assert_true(store_read(store, count, &question, NULL));
            assert_int_equal(question.found, insertions[i].made);
        }
        store_close(store);
        store = store_open(path, NULL);
    }
    for (int i = 0; i < CHANGES; i++)
        g_clear_error(&insertions[i].error);
}

/* The second change writes to the log before the commit, and fails there. */
static void a_transaction_that_sqlite_took_back_is_over(void **state)
{
    (void)state;
    static const struct {
        int code;
        enum error_code error;
    } cases[] = {
        {SQLITE_FULL, ERROR_SERVICE_UNAVAILABLE},
        {SQLITE_IOERR_WRITE, ERROR_INTERNAL},
    };
    for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
        g_autofree char *first = g_strdup_printf("first %zu", c);
        g_autofree char *large = g_strdup_printf("large %zu", c);
        g_autofree char *last = g_strdup_printf("last %zu", c);
        struct insertion insertions[CHANGES] = {
            {first, 10, false, NULL}, {large, LARGE, false, NULL}, {last, 10, false, NULL}};
        failure = cases[c].code;
        failures = 1;
        make_together(insertions);
        failures = 0;
        assert_false(insertions[0].made); /* it went with the transaction */
        assert_false(insertions[1].made);
        assert_true(insertions[2].made);
        assert_int_equal(insertions[0].error->code, cases[c].error);
        assert_int_equal(insertions[1].error->code, cases[c].error);
        check(insertions);
    }
}

static void a_commit_that_fails_acknowledges_nothing(void **state)
{
    (void)state;
    struct insertion insertions[CHANGES] = {
        {"first", 10, false, NULL}, {"second", 10, false, NULL}, {"last", 10, false, NULL}};
    failure = SQLITE_FULL;
    failures = 1;
    make_together(insertions);
    failures = 0;
    for (int i = 0; i < CHANGES; i++) {
        assert_false(insertions[i].made);
        assert_int_equal(insertions[i].error->code, ERROR_SERVICE_UNAVAILABLE);
        assert_non_null(strstr(insertions[i].error->message, "free some space"));
    }
    check(insertions);
}

int main(void)
{
    use_failing_files();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_transaction_that_sqlite_took_back_is_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_commit_that_fails_acknowledges_nothing, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
