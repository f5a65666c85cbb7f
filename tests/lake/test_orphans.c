/* Whose the files of the lake are: what no row names is moved aside and found again, and a database
 * that is not the lake's is refused. */
#include "lake_fixture.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

static char *in_home(const struct fixture *fixture, const char *name)
{
    return g_build_filename(fixture->home, name, NULL);
}

/* A file of the lake, by a name below lake/. */
static void make_file(const struct fixture *fixture, const char *name)
{
    g_autofree char *path = g_build_filename(fixture->home, "lake", name, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_true(g_file_set_contents(path, "half", 4, NULL));
}

static bool has_file(const struct fixture *fixture, const char *name)
{
    g_autofree char *path = g_build_filename(fixture->home, "lake", name, NULL);
    return g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

static void reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    fixture_open(fixture);
}

/* The object's file, below lake/. */
static char *file_of(const struct fixture *fixture, const char *key)
{
    GError *error = NULL;
    g_autoptr(lake_object_auto) object = lake_stat(fixture->lake, "bucket", key, &error);
    no_error(error);
    return g_path_get_basename(object->file);
}

/* An id of the run that made the object. */
static char *id_of_run(const struct fixture *fixture, const char *key, unsigned number)
{
    g_autofree char *file = file_of(fixture, key);
    return g_strdup_printf("%024x%s", number, file + 24);
}

static char *day(double days_ago)
{
    g_autofree char *time = clock_iso(clock_now() - days_ago * 86400);
    return g_strndup(time, strlen("2026-11-20"));
}

static void assert_aside(const struct fixture *fixture, guint files)
{
    g_autofree char *aside = in_home(fixture, "lake/aside");
    for (int wait = 0; wait < 500 && file_sum(aside).files != files; wait++)
        g_usleep(10000);
    assert_int_equal(file_sum(aside).files, files);
}

/* Until the collector, which moved that many, has also looked at the rest: what it should leave
 * would go in this moment. */
static void let_collect(const struct fixture *fixture, guint aside)
{
    assert_aside(fixture, aside);
    g_usleep(100000);
}

static void orphans_go_aside(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) kept = body_of(100000, 2);
    put_bytes(fixture->lake, "kept", kept);
    for (unsigned number = 0; number < 600; number++) {
        g_autofree char *id = id_of_run(fixture, "kept", number);
        make_file(fixture, id);
    }
    assert_files(fixture, 601);
    reopen(fixture);
    assert_files(fixture, 1);
    assert_aside(fixture, 600);
    g_autofree char *aside = in_home(fixture, "lake/aside");
    assert_int_equal(file_sum(aside).bytes, 2400);
    assert_object(fixture->lake, "kept", kept);
}

static void strangers_stay(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) kept = body_of(100000, 2);
    put_bytes(fixture->lake, "kept", kept);
    make_file(fixture, "0123456789abcdef0123456789abcdef");
    make_file(fixture, "notes.txt");
    g_autofree char *id = id_of_run(fixture, "kept", 1);
    make_file(fixture, id);
    reopen(fixture);
    let_collect(fixture, 1);
    assert_true(has_file(fixture, "0123456789abcdef0123456789abcdef"));
    assert_true(has_file(fixture, "notes.txt"));
}

static void what_lay_aside_for_seven_days_goes(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) kept = body_of(100000, 2);
    put_bytes(fixture->lake, "kept", kept);
    g_autofree char *id = id_of_run(fixture, "kept", 1);
    for (int ago = 6; ago < 10; ago++) {
        g_autofree char *date = day(ago);
        g_autofree char *name = g_build_filename("aside", date, id, NULL);
        make_file(fixture, name);
    }
    g_autofree char *old = day(9);
    g_autofree char *stranger =
        g_build_filename("aside", old, "0123456789abcdef0123456789abcdef", NULL);
    make_file(fixture, stranger);
    reopen(fixture); /* ids of its own run are nobody else's */
    lake_tidy(fixture->lake, clock_now());
    assert_aside(fixture, 3); /* six and seven days old, and what was never this database's */
    assert_true(has_file(fixture, stranger));
}

static void what_a_row_names_comes_back(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) kept = body_of(100000, 2);
    put_bytes(fixture->lake, "kept", kept);
    g_autofree char *id = file_of(fixture, "kept");
    g_autofree char *name = g_build_filename("aside", "2020-01-01", id, NULL);
    make_file(fixture, name);
    g_autofree char *from = g_build_filename(fixture->home, "lake", id, NULL);
    g_autofree char *to = g_build_filename(fixture->home, "lake", name, NULL);
    assert_int_equal(g_rename(from, to), 0);
    reopen(fixture);
    assert_object(fixture->lake, "kept", kept);
    assert_aside(fixture, 0);
}

/* Copies meta.db of a closed home away, or back. */
static void copy_database(const struct fixture *fixture, const char *from, const char *to)
{
    g_autofree char *source = in_home(fixture, from);
    g_autofree char *target = in_home(fixture, to);
    g_autofree char *bytes = NULL;
    gsize size;
    assert_true(g_file_get_contents(source, &bytes, &size, NULL));
    assert_true(g_file_set_contents(target, bytes, (gssize)size, NULL));
}

/* An older meta.db is put back, and later the right one again: nothing is lost of either. */
static void an_older_database_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) first = body_of(100000, 1);
    g_autoptr(GBytes) second = body_of(200000, 2);
    put_bytes(fixture->lake, "first", first);
    g_autofree char *id = file_of(fixture, "first");
    const char *run = id + 24;
    fixture_close(fixture);
    copy_database(fixture, "meta.db", "old");
    fixture_open(fixture);
    put_bytes(fixture->lake, "second", second);
    fixture_close(fixture);
    copy_database(fixture, "meta.db", "new");
    copy_database(fixture, "old", "meta.db");
    g_autofree char *orphan = g_strdup_printf("%024x%s", 1, run);
    make_file(fixture, orphan);
    fixture_open(fixture);
    let_collect(fixture, 1);
    assert_object(fixture->lake, "first", first);
    assert_null(get_bytes(fixture->lake, "second"));
    fixture_close(fixture);
    copy_database(fixture, "new", "meta.db");
    fixture_open(fixture);
    assert_object(fixture->lake, "first", first);
    assert_object(fixture->lake, "second", second);
}

/* The same where the older one was copied in the middle of the run that made the file. */
static void a_database_of_the_same_run_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) body = body_of(100000, 1);
    put_bytes(fixture->lake, "key", body);
    fixture_close(fixture);
    copy_database(fixture, "meta.db", "new");
    fixture_open(fixture);
    GError *error = NULL;
    /* What the database was before the put: the row is gone, its file is not. */
    g_autofree char *id = file_of(fixture, "key");
    g_autofree char *path = g_build_filename(fixture->home, "lake", id, NULL);
    g_autofree char *other = in_home(fixture, "other name");
    assert_int_equal(link(path, other), 0);
    lake_delete(fixture->lake, "bucket", "key", &error);
    no_error(error);
    assert_files(fixture, 0);
    assert_int_equal(g_rename(other, path), 0);
    reopen(fixture);
    assert_aside(fixture, 1);
    fixture_close(fixture);
    copy_database(fixture, "new", "meta.db");
    fixture_open(fixture);
    assert_object(fixture->lake, "key", body);
}

/* ---- databases that are not the lake's ---- */

static void assert_refused(const struct fixture *fixture, const char *why)
{
    g_autofree char *database = in_home(fixture, "meta.db");
    g_autofree char *folder = in_home(fixture, "lake");
    g_autoptr(GError) error = NULL;
    struct store *store = store_open(database, &error);
    no_error(error);
    assert_null(lake_open(store, folder, &error));
    assert_non_null(strstr(error->message, why));
    assert_non_null(strstr(error->message, "Nothing was changed"));
    store_close(store);
}

static void a_missing_or_empty_database_is_no_new_home(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) body = body_of(100000, 1);
    put_bytes(fixture->lake, "key", body);
    fixture_close(fixture);
    copy_database(fixture, "meta.db", "kept");
    g_autofree char *database = in_home(fixture, "meta.db");
    g_autofree char *folder = in_home(fixture, "lake");
    assert_true(lake_check_home(database, folder, NULL));
    assert_int_equal(g_unlink(database), 0);
    for (int empty = 0; empty < 2; empty++) {
        if (empty)
            assert_true(g_file_set_contents(database, "", 0, NULL));
        g_autoptr(GError) error = NULL;
        assert_false(lake_check_home(database, folder, &error));
        assert_non_null(strstr(error->message, empty ? "meta.db is empty" : "meta.db is missing"));
        assert_non_null(strstr(error->message, "holds 1 files"));
    }
    /* Somebody who goes on all the same meets the lake's own check, each time. */
    assert_refused(fixture, "meta.db is new");
    assert_refused(fixture, "meta.db is new");
    copy_database(fixture, "kept", "meta.db");
    fixture_open(fixture);
    assert_object(fixture->lake, "key", body);
}

/* Without large objects the lake's folder holds no file, and yet there was a database. */
static void a_lake_without_files_knows_its_database(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->lake, "key", "a row");
    fixture_close(fixture);
    g_autofree char *database = in_home(fixture, "meta.db");
    g_autofree char *folder = in_home(fixture, "lake");
    copy_database(fixture, "meta.db", "kept");
    assert_int_equal(g_unlink(database), 0);
    assert_fails(lake_check_home(database, folder, error), ERROR_INTERNAL);
    copy_database(fixture, "kept", "meta.db");
    fixture_open(fixture);
}

static void a_log_alone_is_no_new_home(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *database = in_home(fixture, "database");
    g_autofree char *log = in_home(fixture, "database-wal");
    g_autofree char *folder = in_home(fixture, "no lake");
    assert_true(lake_check_home(database, folder, NULL));
    assert_true(g_file_set_contents(log, "changes", 7, NULL));
    assert_fails(lake_check_home(database, folder, error), ERROR_INTERNAL);
}

static void another_homes_database_is_refused(void **state)
{
    struct fixture *fixture = *state, *other;
    fixture_up((void **)&other);
    fixture_close(other);
    fixture_close(fixture);
    copy_database(fixture, "meta.db", "kept");
    g_autofree char *theirs = in_home(other, "meta.db");
    g_autofree char *ours = in_home(fixture, "meta.db");
    assert_int_equal(g_rename(theirs, ours), 0);
    assert_refused(fixture, "is the lake of another meta.db");

    g_autofree char *owner = g_build_filename(fixture->home, "lake", "owner", NULL);
    assert_int_equal(g_unlink(owner), 0); /* as the error says, where they do belong together */
    fixture_open(fixture);
    fixture_close(fixture);
    copy_database(fixture, "kept", "meta.db");
    assert_refused(fixture, "is the lake of another meta.db");
    assert_int_equal(g_unlink(owner), 0);
    fixture_open(fixture);
    file_remove_tree(other->home, NULL);
    g_free(other->home);
    g_free(other);
}

int main(void)
{
#define with_lake(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)
    const struct CMUnitTest tests[] = {
        with_lake(orphans_go_aside),
        with_lake(strangers_stay),
        with_lake(what_lay_aside_for_seven_days_goes),
        with_lake(what_a_row_names_comes_back),
        with_lake(an_older_database_loses_nothing),
        with_lake(a_database_of_the_same_run_loses_nothing),
        with_lake(a_missing_or_empty_database_is_no_new_home),
        with_lake(a_lake_without_files_knows_its_database),
        with_lake(a_log_alone_is_no_new_home),
        with_lake(another_homes_database_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
