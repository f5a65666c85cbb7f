/* Objects: put, found, replaced, listed, deleted, and what other rooms get of them. */
#include <glib/gstdio.h>

#include "lake_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* Around the limit between rows and files, and around the hasher's buffers. */
static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 262143, 262144, 262145, 3000000};

static void every_size_comes_back(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GBytes) bytes = body_of(sizes[i], 7);
        put_bytes(fixture->lake, "key", bytes);
        assert_object(fixture->lake, "key", bytes);
        g_autoptr(lake_object_auto) object = lake_find(fixture->lake, "bucket", "key", NULL, NULL);
        g_autofree char *md5 = g_compute_checksum_for_bytes(G_CHECKSUM_MD5, bytes);
        assert_string_equal(object->etag, md5);
    }
    assert_files(fixture, 1); /* what was replaced is gone */
}

static void survives_reopening(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) small = body_of(10, 1);
    g_autoptr(GBytes) large = body_of(100000, 2);
    put_bytes(fixture->lake, "small", small);
    put_bytes(fixture->lake, "large", large);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_object(fixture->lake, "small", small);
    assert_object(fixture->lake, "large", large);
}

static void stat_gives_a_readable_file(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GBytes) bytes = body_of(sizes[i], 3);
        put_bytes(fixture->lake, "key", bytes);
        g_autoptr(lake_object_auto) object = lake_stat(fixture->lake, "bucket", "key", NULL);
        char *text;
        gsize length;
        assert_true(g_file_get_contents(object->file, &text, &length, NULL));
        assert_int_equal(length, sizes[i]);
        assert_memory_equal(text, g_bytes_get_data(bytes, NULL), length);
        g_free(text);
    }
}

static void a_reader_keeps_what_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) old = body_of(200000, 1);
    g_autoptr(GBytes) new = body_of(200000, 2);
    put_bytes(fixture->lake, "key", old);
    struct stream *body;
    g_autoptr(lake_object_auto) object = lake_find(fixture->lake, "bucket", "key", &body, NULL);
    put_bytes(fixture->lake, "key", new);
    g_autoptr(GBytes) read = stream_read_all(body, SIZE_MAX, NULL);
    stream_free(body);
    assert_true(g_bytes_equal(read, old));
    assert_files(fixture, 1); /* the old one is gone for who comes now */
    assert_fails(lake_get(fixture->lake, object, error), ERROR_NO_SUCH_KEY);
}

static void missing_things(void **state)
{
    struct fixture *fixture = *state;
    struct lake *lake = fixture->lake;
    assert_fails(lake_stat(lake, "none", "key", error), ERROR_NO_SUCH_BUCKET);
    assert_fails(lake_stat(lake, "bucket", "key", error), ERROR_NO_SUCH_KEY);
    assert_fails(lake_list(lake, "none", "", error), ERROR_NO_SUCH_BUCKET);
    g_autoptr(stream_auto) body = stream_from_text(g_strdup("x"));
    assert_fails(lake_put(lake, "none", "key", body, NULL, error), ERROR_NO_SUCH_BUCKET);
    assert_true(lake_delete(lake, "bucket", "key", NULL));
    assert_files(fixture, 0);
}

static void limits_of_keys(void **state)
{
    struct fixture *fixture = *state;
    char key[1026];
    memset(key, 'k', sizeof key);
    key[1024] = '\0';
    put_text(fixture->lake, key, "x");
    key[1024] = 'k';
    key[1025] = '\0';
    g_autoptr(stream_auto) body = stream_from_text(g_strdup("x"));
    assert_fails(lake_put(fixture->lake, "bucket", key, body, NULL, error), ERROR_KEY_TOO_LONG);
}

/* Names that would be trouble as files, in the order of their bytes. */
static void any_key_and_their_order(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = {"..",   "../x", "/",      "/etc/passwd", "A",
                                       "a",    "a b",  "a/",     "a//b",        "a/b",
                                       "a\tb", "b",    "\u00e9", "\uffee",      "\U0001f600"};
    for (size_t i = G_N_ELEMENTS(keys); i-- > 0;)
        put_text(fixture->lake, keys[i], keys[i]);
    GPtrArray *all = lake_list(fixture->lake, "bucket", "", NULL);
    assert_int_equal(all->len, G_N_ELEMENTS(keys));
    for (guint i = 0; i + 1 < all->len; i++) {
        const struct lake_object *a = g_ptr_array_index(all, i), *b = g_ptr_array_index(all, i + 1);
        assert_true(strcmp(a->key, b->key) < 0);
    }
    for (guint i = 0; i < all->len; i++) {
        const struct lake_object *object = g_ptr_array_index(all, i);
        g_autoptr(GBytes) expected = g_bytes_new(object->key, strlen(object->key));
        assert_object(fixture->lake, object->key, expected);
    }
    g_ptr_array_unref(all);
}

static void put_file_moves(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GBytes) bytes = body_of(sizes[i], 5);
        g_autofree char *path = g_build_filename(fixture->home, "out", NULL);
        g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)sizes[i], NULL);
        GError *error = NULL;
        lake_put_file(fixture->lake, "bucket", "key", path, &error);
        no_error(error);
        assert_int_not_equal(access(path, F_OK), 0);
        assert_object(fixture->lake, "key", bytes);
    }
}

static void put_file_with_other_names_is_copied(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) bytes = body_of(100000, 5);
    g_autofree char *path = g_build_filename(fixture->home, "out", NULL);
    g_autofree char *other = g_build_filename(fixture->home, "other", NULL);
    g_file_set_contents(path, g_bytes_get_data(bytes, NULL), 100000, NULL);
    assert_int_equal(link(path, other), 0);
    assert_true(lake_put_file(fixture->lake, "bucket", "key", path, NULL));
    int fd = open(other, O_WRONLY | O_TRUNC);
    close(fd);
    assert_object(fixture->lake, "key", bytes);
}

/* A file outside the lake, for objects of its number: some large, some small. */
static char *write_numbered(const struct fixture *fixture, unsigned number, GBytes **bytes)
{
    *bytes = body_of(number % 3 ? 70000 + number : number, number);
    char *path = g_strdup_printf("%s/out-%u", fixture->home, number);
    gsize size;
    const char *data = g_bytes_get_data(*bytes, &size);
    assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
    return path;
}

static void add_numbered(struct lake_batch *batch, const struct fixture *fixture, unsigned number)
{
    g_autoptr(GBytes) bytes = NULL;
    g_autofree char *path = write_numbered(fixture, number, &bytes);
    g_autofree char *key = g_strdup_printf("%u", number);
    GError *error = NULL;
    lake_batch_add(batch, "bucket", key, path, &error);
    no_error(error);
}

static void files_are_put_together(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->lake, "4", "replaced");
    struct lake_batch *batch = lake_batch_new(fixture->lake);
    for (unsigned number = 0; number < 300; number++)
        add_numbered(batch, fixture, number);
    assert_null(get_bytes(fixture->lake, "0"));
    assert_null(get_bytes(fixture->lake, "299"));
    GError *error = NULL;
    lake_batch_commit(batch, &error);
    no_error(error);
    lake_batch_free(batch);
    for (unsigned number = 0; number < 300; number++) {
        g_autoptr(GBytes) bytes = NULL;
        g_autofree char *path = g_strdup_printf("%s/out-%u", fixture->home, number);
        g_autofree char *key = g_strdup_printf("%u", number);
        assert_int_not_equal(access(path, F_OK), 0);
        bytes = body_of(number % 3 ? 70000 + number : number, number);
        assert_object(fixture->lake, key, bytes);
    }
    assert_files(fixture, 200);
}

/* More small ones than wait in memory: those that come later stay files. */
static void many_small_files_are_put_together(void **state)
{
    struct fixture *fixture = *state;
    enum { COUNT = 300, SIZE = 60000, HELD = (16 << 20) / SIZE + 1 };
    struct lake_batch *batch = lake_batch_new(fixture->lake);
    g_autoptr(GBytes) bytes = body_of(SIZE, 1);
    GError *error = NULL;
    for (unsigned number = 0; number < COUNT; number++) {
        g_autofree char *path = g_strdup_printf("%s/out-%u", fixture->home, number);
        g_autofree char *key = g_strdup_printf("%u", number);
        g_file_set_contents(path, g_bytes_get_data(bytes, NULL), SIZE, &error);
        lake_batch_add(batch, "bucket", key, path, &error);
        no_error(error);
    }
    assert_null(get_bytes(fixture->lake, "0"));
    assert_files(fixture, COUNT - HELD);
    lake_batch_commit(batch, &error);
    no_error(error);
    lake_batch_free(batch);
    assert_object(fixture->lake, "0", bytes);
    assert_object(fixture->lake, "299", bytes);
    assert_files(fixture, COUNT - HELD);
}

static void what_a_batch_cannot_put_stays(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->home, "out-1", NULL);
    struct lake_batch *batch = lake_batch_new(fixture->lake);
    add_numbered(batch, fixture, 1);
    lake_batch_free(batch); /* without a commit */
    assert_files(fixture, 0);
    assert_int_equal(access(path, F_OK), 0);

    batch = lake_batch_new(fixture->lake);
    add_numbered(batch, fixture, 2);
    assert_fails(lake_batch_add(batch, "bucket", "missing", "/nowhere", error), ERROR_INTERNAL);
    GError *failure = NULL;
    lake_batch_add(batch, "no-such-bucket", "1", path, &failure);
    no_error(failure);
    assert_fails(lake_batch_commit(batch, error), ERROR_NO_SUCH_BUCKET);
    lake_batch_free(batch);
    assert_null(get_bytes(fixture->lake, "2"));
    assert_files(fixture, 0);
    assert_int_equal(access(path, F_OK), 0);
}

static void modified_is_not_before_the_upload(void **state)
{
    struct fixture *fixture = *state;
    double before = clock_now();
    put_text(fixture->lake, "key", "x");
    g_autoptr(lake_object_auto) object = lake_find(fixture->lake, "bucket", "key", NULL, NULL);
    assert_true(object->modified >= before && object->modified <= before + 5);
    assert_true(object->modified == (double)(gint64)object->modified);
}

static bool commit_text(struct lake *lake, const char *key, const char *if_match,
                        const char *if_none_match, GError **error)
{
    g_autoptr(stream_auto) body = stream_from_text(g_strdup("text"));
    g_autoptr(lake_draft_auto) draft = lake_receive(lake, body, 0, NULL);
    struct lake_entry entry = {
        .bucket = "bucket", .key = key, .if_match = if_match, .if_none_match = if_none_match};
    g_autoptr(lake_object_auto) object = lake_commit(lake, draft, &entry, error);
    return object != NULL;
}

static void conditions_of_puts(void **state)
{
    struct lake *lake = ((struct fixture *)*state)->lake;
    assert_fails(commit_text(lake, "key", "\"x\"", NULL, error), ERROR_NO_SUCH_KEY);
    assert_true(commit_text(lake, "key", NULL, "*", NULL));
    assert_fails(commit_text(lake, "key", NULL, "*", error), ERROR_PRECONDITION_FAILED);
    assert_fails(commit_text(lake, "key", "\"other\"", NULL, error), ERROR_PRECONDITION_FAILED);
    assert_true(commit_text(lake, "key", "\"1cb251ec0d568de6a929b520c4aed8d1\"", NULL, NULL));
    assert_true(commit_text(lake, "key", "\"x\", 1cb251ec0d568de6a929b520c4aed8d1", NULL, NULL));
}

static void *create_once(void *data)
{
    return GINT_TO_POINTER(commit_text(data, "contended", NULL, "*", NULL));
}

static void one_of_many_creates_wins(void **state)
{
    struct lake *lake = ((struct fixture *)*state)->lake;
    pthread_t threads[16];
    int winners = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_create(&threads[i], NULL, create_once, lake);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        void *won;
        pthread_join(threads[i], &won);
        winners += GPOINTER_TO_INT(won);
    }
    assert_int_equal(winners, 1);
}

static void copies_share_bytes_not_fate(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GBytes) bytes = body_of(sizes[i], 9);
        put_bytes(fixture->lake, "source", bytes);
        g_autoptr(lake_object_auto) source =
            lake_find(fixture->lake, "bucket", "source", NULL, NULL);
        g_autoptr(lake_draft_auto) draft = lake_draft_of(fixture->lake, source, 0, NULL);
        struct lake_entry entry = {.bucket = "bucket", .key = "copy"};
        g_autoptr(lake_object_auto) copy = lake_commit(fixture->lake, draft, &entry, NULL);
        assert_string_equal(copy->etag, source->etag);
        assert_true(lake_delete(fixture->lake, "bucket", "source", NULL));
        assert_object(fixture->lake, "copy", bytes);
    }
}

struct cut_body {
    gint64 left;
};

static gssize cut_read(void *state, void *buffer, size_t size, GError **error)
{
    struct cut_body *body = state;
    if (body->left <= 0) {
        error_set(error, ERROR_INCOMPLETE_BODY, "the client went away");
        return -1;
    }
    gssize n = (gssize)MIN((gint64)size, body->left);
    memset(buffer, 'x', (size_t)n);
    body->left -= n;
    return n;
}

static void a_cut_body_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const struct stream_source source = {cut_read, NULL};
    static const gint64 cuts[] = {1, 65537, 300000, 2000000};
    for (size_t i = 0; i < G_N_ELEMENTS(cuts); i++) {
        struct cut_body cut = {cuts[i]};
        g_autoptr(stream_auto) body = stream_new(&source, &cut, 5000000);
        assert_fails(lake_put(fixture->lake, "bucket", "key", body, NULL, error),
                     ERROR_INCOMPLETE_BODY);
    }
    assert_files(fixture, 0);
    assert_null(get_bytes(fixture->lake, "key"));
}

static void files_that_were_cut_or_are_gone_are_told(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GBytes) bytes = body_of(100000, 1);
    put_bytes(fixture->lake, "key", bytes);
    g_autoptr(lake_object_auto) object = lake_stat(fixture->lake, "bucket", "key", NULL);
    struct stream *body = NULL;
    assert_int_equal(chmod(object->file, 0600), 0);
    assert_int_equal(truncate(object->file, 99999), 0);
    assert_fails(lake_find(fixture->lake, "bucket", "key", &body, error), ERROR_INTERNAL);
    g_autofree char *link = g_build_filename(fixture->home, "link", NULL);
    assert_fails(lake_link(fixture->lake, object, link, error), ERROR_INTERNAL);
    assert_int_equal(g_unlink(object->file), 0);
    assert_fails(lake_find(fixture->lake, "bucket", "key", &body, error), ERROR_INTERNAL);
    assert_true(lake_delete(fixture->lake, "bucket", "key", NULL));
    assert_fails(lake_find(fixture->lake, "bucket", "key", &body, error), ERROR_NO_SUCH_KEY);
}

int main(void)
{
#define with_lake(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)
    const struct CMUnitTest tests[] = {
        with_lake(every_size_comes_back),
        with_lake(survives_reopening),
        with_lake(stat_gives_a_readable_file),
        with_lake(a_reader_keeps_what_is_replaced),
        with_lake(missing_things),
        with_lake(limits_of_keys),
        with_lake(any_key_and_their_order),
        with_lake(put_file_moves),
        with_lake(put_file_with_other_names_is_copied),
        with_lake(files_are_put_together),
        with_lake(many_small_files_are_put_together),
        with_lake(what_a_batch_cannot_put_stays),
        with_lake(modified_is_not_before_the_upload),
        with_lake(conditions_of_puts),
        with_lake(one_of_many_creates_wins),
        with_lake(copies_share_bytes_not_fate),
        with_lake(a_cut_body_leaves_nothing),
        with_lake(files_that_were_cut_or_are_gone_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
