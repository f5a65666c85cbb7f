#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "store/resource.h"

static char *folder, *path;

static int make_folder(void **state)
{
    (void)state;
    folder = g_dir_make_tmp("lathe-store-XXXXXX", NULL);
    path = g_build_filename(folder, "meta.db", NULL);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    file_remove_tree(folder, NULL);
    g_free(folder);
    g_free(path);
    return 0;
}

static struct store *open_store(void)
{
    g_autoptr(GError) error = NULL;
    struct store *store = store_open(path, &error);
    if (!store)
        fail_msg("%s", error->message);
    return store;
}

static bool create(struct store *store, const char *name, const char *status, double created,
                   GError **error)
{
    struct resource resource = {.kind = (char *)"job",
                                .name = (char *)name,
                                .arn = g_strdup_printf("arn:%s", name),
                                .status = (char *)status,
                                .parent = (char *)"",
                                .body = json_pack("{si}", "Count", 0),
                                .created = created};
    bool created_it = resource_create(store, &resource, NULL, error);
    g_free(resource.arn);
    json_decref(resource.body);
    return created_it;
}

static bool count_up(struct resource *resource, void *data, GError **error)
{
    (void)data;
    (void)error;
    json_object_set_new(resource->body, "Count",
                        json_integer(json_integer_at(resource->body, "Count", 0) + 1));
    return true;
}

static void a_resource_lives_and_survives_a_restart(void **state)
{
    (void)state;
    struct store *store = open_store();
    assert_true(create(store, "one", "InProgress", 0, NULL));
    bool found;
    assert_true(resource_update(store, "job", "one", count_up, NULL, &found, NULL));
    assert_true(found);
    store_close(store);

    store = open_store();
    g_autoptr(resource_auto) one = resource_get(store, "job", "one", NULL);
    assert_non_null(one);
    assert_string_equal(one->status, "InProgress");
    assert_int_equal(json_integer_at(one->body, "Count", -1), 1);
    g_autoptr(resource_auto) same = resource_get_by_arn(store, "arn:one", NULL);
    assert_string_equal(same->name, "one");
    assert_true(resource_delete(store, "job", "one", &found, NULL));
    assert_true(found);
    assert_true(resource_delete(store, "job", "one", &found, NULL));
    assert_false(found);
    assert_null(resource_get(store, "job", "one", NULL));
    store_close(store);
}

static void a_taken_name_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct store *store = open_store();
    assert_true(create(store, "one", "Completed", 0, NULL));
    g_autoptr(GError) error = NULL;
    assert_false(create(store, "one", "InProgress", 0, &error));
    assert_true(g_error_matches(error, LATHE_ERROR, ERROR_IN_USE));
    g_autoptr(resource_auto) one = resource_get(store, "job", "one", NULL);
    assert_string_equal(one->status, "Completed");
    store_close(store);
}

/* 250 resources with equal times too: every page size visits each exactly once, in order. */
static void pages_visit_each_once(void **state)
{
    (void)state;
    struct store *store = open_store();
    for (int i = 0; i < 250; i++) {
        g_autofree char *name = g_strdup_printf("job-%03d", i);
        assert_true(create(store, name, i % 2 ? "Completed" : "Failed", 1000.1 + i / 3, NULL));
    }
    for (size_t limit = 1; limit < 300; limit += 33) {
        struct resource_query query = {.kind = "job", .limit = limit, .ascending = true};
        g_autofree char *token = NULL;
        int seen = 0;
        do {
            query.token = token;
            char *next = NULL;
            g_autoptr(GPtrArray) page = resource_list(store, &query, &next, NULL);
            for (guint i = 0; i < page->len; i++, seen++) {
                const struct resource *resource = g_ptr_array_index(page, i);
                assert_int_equal(atoi(resource->name + 4), seen);
            }
            g_free(token);
            token = next;
        } while (token);
        assert_int_equal(seen, 250);
    }
    struct resource_query query = {.kind = "job", .status = "Failed", .name_contains = "JOB-10"};
    g_autoptr(GPtrArray) some = resource_list(store, &query, NULL, NULL);
    assert_int_equal(some->len, 5);
    g_autoptr(GError) error = NULL;
    query.token = "nonsense";
    assert_null(resource_list(store, &query, NULL, &error));
    assert_true(g_error_matches(error, LATHE_ERROR, ERROR_VALIDATION));
    store_close(store);
}

static void *add_hundred(void *data)
{
    for (int i = 0; i < 100; i++)
        resource_update(data, "job", "one", count_up, NULL, NULL, NULL);
    return NULL;
}

static void changes_from_many_threads_all_count(void **state)
{
    (void)state;
    struct store *store = open_store();
    assert_true(create(store, "one", "", 0, NULL));
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, add_hundred, store);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    g_autoptr(resource_auto) one = resource_get(store, "job", "one", NULL);
    assert_int_equal(json_integer_at(one->body, "Count", 0), 800);
    store_close(store);
}

static void note(const char *kind, const char *name, const char *status, void *data)
{
    g_string_append_printf(data, "%s %s %s;", kind, name, status ? status : "gone");
}

static bool refuse(struct resource *resource, void *data, GError **error)
{
    (void)data;
    g_free(resource->status);
    resource->status = g_strdup("Never");
    return error_set(error, ERROR_VALIDATION, "refused");
}

static void the_feed_tells_what_was_committed_and_nothing_else(void **state)
{
    (void)state;
    struct store *store = open_store();
    GString *told = g_string_new("");
    unsigned id = store_watch(store, note, told);
    assert_true(create(store, "one", "InProgress", 0, NULL));
    assert_false(create(store, "one", "InProgress", 0, NULL));
    assert_false(resource_update(store, "job", "one", refuse, NULL, NULL, NULL));
    assert_true(resource_delete(store, "job", "one", NULL, NULL));
    store_unwatch(store, id);
    assert_true(create(store, "two", "InProgress", 0, NULL));
    store_close(store);
    assert_string_equal(told->str, "job one InProgress;job one gone;");
    g_string_free(told, TRUE);
}

struct step {
    struct store *store;
    struct resource resource;
};

static bool make_within(struct store_connection *connection, void *data, GError **error)
{
    struct step *step = data;
    return resource_create_within(connection, step->store, &step->resource, NULL, error);
}

/* What a step of a workflow makes, without waiting for the disk. */
static bool make_as_step(struct store *store, const char *name)
{
    g_autofree char *arn = g_strdup_printf("arn:%s", name);
    g_autoptr(json_auto) body = json_object();
    struct step step = {store,
                        {.kind = (char *)"job",
                         .name = (char *)name,
                         .arn = arn,
                         .status = (char *)"",
                         .parent = (char *)"",
                         .body = body}};
    return store_write_step(store, make_within, &step, NULL);
}

/* A child creates resources, changes each, and reports those that were acknowledged; it is killed
 * at a moment of chance. Whatever it reported must be there, the change too, which need not have
 * been on the disk. */
static void kill_loses_nothing_acknowledged(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            struct store *store = store_open(path, NULL);
            for (int i = 0; store; i++) {
                g_autofree char *name = g_strdup_printf("r%d-%d", round, i);
                g_autofree char *made = g_strdup_printf("made-%s", name);
                if (!create(store, name, "", 0, NULL) || !make_as_step(store, made) ||
                    !resource_update_ordered(store, "job", name, count_up, NULL, NULL) ||
                    write(ends[1], &i, sizeof i) != sizeof i)
                    break;
            }
            _exit(1);
        }
        close(ends[1]);
        int last = -1, i;
        if (read(ends[0], &i, sizeof i) == sizeof i)
            last = i;
        usleep((useconds_t)(g_random_int_range(0, 30000)));
        kill(child, SIGKILL);
        while (read(ends[0], &i, sizeof i) == sizeof i)
            last = i;
        close(ends[0]);
        waitpid(child, NULL, 0);
        assert_true(last >= 0);
        struct store *store = open_store();
        for (i = 0; i <= last; i++) {
            g_autofree char *name = g_strdup_printf("r%d-%d", round, i);
            g_autoptr(resource_auto) resource = resource_get(store, "job", name, NULL);
            assert_non_null(resource);
            assert_int_equal(json_integer_at(resource->body, "Count", 0), 1);
            g_autofree char *name_made = g_strdup_printf("made-%s", name);
            g_autoptr(resource_auto) made = resource_get(store, "job", name_made, NULL);
            assert_non_null(made);
        }
        store_close(store);
    }
}

/* "one" is changed before "two" each time, without waiting for the disk. */
static void change_in_turn(struct store *store, int times)
{
    for (int i = 0; i < times; i++) {
        assert_true(resource_update_ordered(store, "job", "one", count_up, NULL, NULL));
        assert_true(resource_update(store, "job", "two", count_up, NULL, NULL, NULL));
    }
}

static gint64 count_in(struct store *store, const char *name)
{
    g_autoptr(resource_auto) resource = resource_get(store, "job", name, NULL);
    return resource ? json_integer_at(resource->body, "Count", 0) : -1;
}

/* A machine that fails leaves some beginning of the log. Whichever that is: no change is there
 * without those before it. */
static void every_beginning_of_the_log_is_in_order(void **state)
{
    (void)state;
    struct store *store = open_store();
    assert_true(create(store, "one", "", 0, NULL) && create(store, "two", "", 0, NULL));
    change_in_turn(store, 12);
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    char *database, *changes;
    gsize size, length;
    assert_true(g_file_get_contents(path, &database, &size, NULL));
    assert_true(g_file_get_contents(log, &changes, &length, NULL));
    store_close(store);

    gint64 seen = -1;
    for (gsize kept = 0; kept <= length; kept += 1000) {
        g_autofree char *shared = g_strconcat(path, "-shm", NULL);
        unlink(shared);
        assert_true(g_file_set_contents(path, database, (gssize)size, NULL));
        assert_true(g_file_set_contents(log, changes, (gssize)kept, NULL));
        store = open_store();
        gint64 one = count_in(store, "one"), two = count_in(store, "two");
        store_close(store);
        assert_true(one >= seen && (one == two || one == two + 1 || (one == 0 && two < 0)));
        seen = one;
    }
    assert_int_equal(seen, 12);
    g_free(database);
    g_free(changes);
}

static void tags_and_tokens(void **state)
{
    (void)state;
    struct store *store = open_store();
    g_autoptr(json_auto) tags =
        json_pack("[{ssss}{ssss}]", "Key", "b", "Value", "2", "Key", "a", "Value", "1");
    assert_true(resource_tags_put(store, "arn:x", tags, NULL));
    g_autoptr(json_auto) keys = json_pack("[s]", "b");
    assert_true(resource_tags_remove(store, "arn:x", keys, NULL));
    g_autoptr(json_auto) left = resource_tags(store, "arn:x", NULL);
    g_autoptr(json_auto) expected = json_pack("[{ssss}]", "Key", "a", "Value", "1");
    assert_true(json_equal(left, expected));
    assert_null(store_token_get(store, "CreatePipeline", "t", NULL));
    assert_true(store_token_put(store, "CreatePipeline", "t", expected, NULL));
    g_autoptr(json_auto) answer = store_token_get(store, "CreatePipeline", "t", NULL);
    assert_true(json_equal(answer, expected));
    store_close(store);
}

/* More tags than there may be are found when they are written, after the resource itself. */
static void a_resource_is_created_with_its_tags_or_not_at_all(void **state)
{
    (void)state;
    struct store *store = open_store();
    g_autoptr(json_auto) tags = json_array();
    g_autoptr(json_auto) body = json_object();
    struct resource resource = {.kind = (char *)"job",
                                .name = (char *)"one",
                                .arn = (char *)"arn:one",
                                .status = (char *)"InProgress",
                                .parent = (char *)"",
                                .body = body,
                                .tags = tags};
    for (int i = 0; i <= RESOURCE_MOST_TAGS; i++)
        json_array_append_new(tags, json_pack("{soss}", "Key", json_sprintf("%d", i), "Value", ""));
    g_autoptr(GString) told = g_string_new("");
    store_watch(store, note, told);
    bool taken = true;
    g_autoptr(GError) error = NULL;
    assert_false(resource_create(store, &resource, &taken, &error));
    assert_true(g_error_matches(error, LATHE_ERROR, ERROR_VALIDATION));
    assert_false(taken);
    assert_null(resource_get(store, "job", "one", NULL));
    g_autoptr(json_auto) none = resource_tags(store, "arn:one", NULL);
    assert_int_equal(json_array_size(none), 0);
    assert_string_equal(told->str, "");

    json_array_remove(tags, 0);
    assert_true(resource_create(store, &resource, NULL, NULL));
    g_autoptr(json_auto) all = resource_tags(store, "arn:one", NULL);
    assert_int_equal(json_array_size(all), RESOURCE_MOST_TAGS);
    store_close(store);
    assert_string_equal(told->str, "job one InProgress;");
}

static void a_store_from_the_future_is_refused(void **state)
{
    (void)state;
    struct store *store = open_store();
    store_close(store);
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    sqlite3_exec(handle, "PRAGMA user_version=99", NULL, NULL, NULL);
    sqlite3_close(handle);
    g_autoptr(GError) error = NULL;
    assert_null(store_open(path, &error));
    assert_non_null(strstr(error->message, "later lathe"));
}

/* What is bound comes back as it was; texts that are copied may change before the first row. */
static bool bind_and_read(struct store_connection *connection, void *data, GError **error)
{
    (void)data;
    char copied[] = "copied";
    static const char bytes[] = "a\0b";
    struct store_rows *row =
        store_ask(connection, error, "SELECT ?, ?, ?, ?, ?, ?, ?", "sSidbbs", "text", copied,
                  (gint64)1 << 40, 0.1, bytes, (size_t)3, NULL, (size_t)0, NULL);
    strcpy(copied, "other!");
    assert_int_equal(store_next(row, error), STORE_ROW);
    assert_string_equal(store_text(row, 0), "text");
    g_autofree char *copy = store_text_copy(row, 1);
    assert_string_equal(copy, "copied");
    assert_true(store_int(row, 2) == (gint64)1 << 40);
    assert_true(store_double(row, 3) == 0.1);
    size_t size;
    assert_memory_equal(store_bytes(row, 4, &size), bytes, 3);
    assert_int_equal(size, 3);
    store_bytes(row, 5, &size);
    assert_true(size == 0 && !store_is_null(row, 5));
    assert_true(store_is_null(row, 6) && !store_text(row, 6));
    assert_int_equal(store_next(row, error), STORE_END);
    return true;
}

static bool ask_nonsense(struct store_connection *connection, void *data, GError **error)
{
    (void)data;
    struct store_rows *none = store_ask(connection, error, "SELECT nonsense", "");
    assert_null(none);
    assert_int_equal(store_next(none, NULL), STORE_FAILED);
    store_end(none);
    return false;
}

static bool fill_rows(struct store_connection *connection, void *data, GError **error)
{
    (void)data;
    for (gint64 number = 1; number <= 3; number++) {
        if (!store_run(connection, error, "INSERT INTO lake_bytes (bytes) VALUES (?)", "b", "x",
                       (size_t)1))
            return false;
        assert_true(store_last_row(connection) == number && store_changes(connection) == 1);
    }
    bool updated = store_run(connection, error, "UPDATE lake_bytes SET bytes = ''", "");
    assert_int_equal(store_changes(connection), 3);
    return updated;
}

static void questions_and_answers(void **state)
{
    (void)state;
    struct store *store = open_store();
    g_autoptr(GError) error = NULL;
    assert_true(store_read(store, bind_and_read, NULL, NULL));
    assert_false(store_read(store, ask_nonsense, NULL, &error));
    assert_non_null(strstr(error->message, "nonsense"));
    assert_true(store_write(store, fill_rows, NULL, NULL));
    store_close(store);
}

static bool leave_standing(struct store_connection *connection, void *data, GError **error)
{
    (void)data;
    struct store_rows *row = store_ask(connection, error, "SELECT name FROM resource", "");
    return store_next(row, error) == STORE_ROW;
}

/* Whether a read that stops on a row, in either kind of work, makes later ones old. */
static int read_after_leaving(bool in_a_change)
{
    struct store *store = open_store();
    create(store, "one", "", 0, NULL);
    if (in_a_change)
        store_write(store, leave_standing, NULL, NULL);
    else
        store_read(store, leave_standing, NULL, NULL);
    create(store, "two", "", 0, NULL);
    g_autoptr(resource_auto) two = resource_get(store, "job", "two", NULL);
    return two ? 0 : 1;
}

/* A debug build ends at once; any other resets the statement. */
static void no_read_makes_later_ones_old(void **state)
{
    (void)state;
    for (int in_a_change = 0; in_a_change < 2; in_a_change++) {
        pid_t child = fork();
        if (child == 0) {
            freopen("/dev/null", "w", stderr);
            signal(SIGTRAP, SIG_DFL);
            signal(SIGABRT, SIG_DFL);
            _exit(read_after_leaving(in_a_change));
        }
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        unlink(path);
    }
}

/* Refused before anything is written to it. */
static void a_database_of_another_program_is_refused(void **state)
{
    (void)state;
    static const char *const theirs[] = {
        "CREATE TABLE notes (text TEXT)",
        "CREATE TABLE notes (text TEXT); PRAGMA user_version=2",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(theirs); i++) {
        sqlite3 *handle;
        assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
        assert_int_equal(sqlite3_exec(handle, theirs[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(handle);
        g_autofree char *before = NULL;
        g_autofree char *after = NULL;
        gsize size, length;
        assert_true(g_file_get_contents(path, &before, &size, NULL));
        g_autoptr(GError) error = NULL;
        assert_null(store_open(path, &error));
        assert_non_null(strstr(error->message, "a database of another program"));
        assert_true(g_file_get_contents(path, &after, &length, NULL));
        assert_true(size == length && memcmp(before, after, size) == 0);
        unlink(path);
    }
    assert_true(g_file_set_contents(path, "no database at all, but text", -1, NULL));
    assert_null(store_open(path, NULL));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_resource_lives_and_survives_a_restart),
        TEST(a_taken_name_is_refused_and_changes_nothing),
        TEST(pages_visit_each_once),
        TEST(changes_from_many_threads_all_count),
        TEST(the_feed_tells_what_was_committed_and_nothing_else),
        TEST(kill_loses_nothing_acknowledged),
        TEST(every_beginning_of_the_log_is_in_order),
        TEST(tags_and_tokens),
        TEST(a_resource_is_created_with_its_tags_or_not_at_all),
        TEST(a_store_from_the_future_is_refused),
        TEST(a_database_of_another_program_is_refused),
        TEST(questions_and_answers),
        TEST(no_read_makes_later_ones_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
