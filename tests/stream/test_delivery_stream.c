/* Delivery streams at the seams: what a crash cuts off or leaves, a backlog that is full, a disk
 * that takes no more, and the prefixes of objects. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "store/resource.h"
#include "stream/delivery_stream.h"
#include "stream/prefix.h"

#define BACKLOG 4000
#define NAME "readings"

struct fixture {
    char *home;
    struct store *store;
    struct lake *lake;
    struct clock *clock;
    struct delivery_streams *streams;
};

static void no_error(GError *error)
{
    if (error)
        fail_msg("%s", error->message);
}

static char *below(const struct fixture *fixture, const char *name)
{
    return g_build_filename(fixture->home, name, NULL);
}

static struct delivery_config *config_new(void)
{
    struct delivery_config *config = delivery_config_new();
    config->version = g_strdup("1");
    config->bucket = g_strdup("bucket");
    config->prefix = g_strdup("out/");
    config->size = 3000;
    config->interval = 60;
    return config;
}

static void open_home(struct fixture *fixture)
{
    GError *error = NULL;
    g_autofree char *database = below(fixture, "meta.db");
    g_autofree char *lake = below(fixture, "lake");
    g_autofree char *folder = below(fixture, "streams");
    fixture->store = store_open(database, &error);
    no_error(error);
    fixture->lake = lake_open(fixture->store, lake, &error);
    no_error(error);
    fixture->clock = clock_open(&error);
    no_error(error);
    struct delivery_streams_settings settings = {.folder = folder,
                                                 .store = fixture->store,
                                                 .lake = fixture->lake,
                                                 .clock = fixture->clock,
                                                 .backlog = BACKLOG};
    fixture->streams = delivery_streams_open(&settings, &error);
    no_error(error);
}

static void add_stream(struct fixture *fixture)
{
    GError *error = NULL;
    delivery_streams_add(fixture->streams, NAME, "id", config_new(), NULL, &error);
    no_error(error);
}

static void close_home(struct fixture *fixture)
{
    delivery_streams_close(fixture->streams);
    lake_close(fixture->lake);
    store_close(fixture->store);
    clock_close(fixture->clock);
}

static int up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    fixture->home = g_dir_make_tmp("lathe-stream-XXXXXX", NULL);
    open_home(fixture);
    GError *error = NULL;
    lake_bucket_create(fixture->lake, "bucket", "us-east-1", &error);
    no_error(error);
    g_autoptr(json_auto) body = json_object();
    struct resource stream = {.kind = (char *)DELIVERY_STREAM_KIND,
                              .name = (char *)NAME,
                              .arn = (char *)"arn",
                              .status = (char *)"ACTIVE",
                              .parent = (char *)"",
                              .body = body};
    resource_create(fixture->store, &stream, NULL, &error);
    no_error(error);
    add_stream(fixture);
    *state = fixture;
    return 0;
}

static int down(void **state)
{
    struct fixture *fixture = *state;
    close_home(fixture);
    file_remove_tree(fixture->home, NULL);
    g_free(fixture->home);
    g_free(fixture);
    return 0;
}

/* So many records of `size` times the letter, one letter after the other. */
static bool put(struct fixture *fixture, char first, int count, size_t size, size_t *taken,
                GError **error)
{
    g_autoptr(delivery_stream_auto) stream = delivery_streams_find(fixture->streams, NAME);
    g_autoptr(spool_records_auto) records = spool_records_new();
    g_autofree char *bytes = g_malloc(size + 1);
    for (int i = 0; i < count; i++) {
        memset(bytes, first + i, size);
        spool_records_add(records, bytes, size);
    }
    return delivery_stream_put(stream, records, taken, error);
}

static void put_one(struct fixture *fixture, char letter, size_t size)
{
    GError *error = NULL;
    size_t taken;
    put(fixture, letter, 1, size, &taken, &error);
    no_error(error);
    assert_int_equal(taken, 1);
}

static void pass_time(struct fixture *fixture, double seconds)
{
    clock_move(fixture->clock, seconds);
    delivery_streams_wait(fixture->streams);
}

/* What was delivered: each letter, as often as it stands there in a row, objects in no order. */
static char *letters_delivered(struct fixture *fixture, guint *objects)
{
    GError *error = NULL;
    g_autoptr(GPtrArray) list = lake_list(fixture->lake, "bucket", "out/", &error);
    no_error(error);
    guint counts[128] = {0};
    for (guint i = 0; i < list->len; i++) {
        struct lake_object *object = g_ptr_array_index(list, i);
        g_autoptr(stream_auto) body = lake_get(fixture->lake, object, &error);
        no_error(error);
        g_autoptr(GBytes) bytes = stream_read_all(body, 1 << 20, &error);
        no_error(error);
        gsize size;
        const unsigned char *at = g_bytes_get_data(bytes, &size);
        for (gsize b = 0; b < size; b++)
            counts[at[b] & 127]++;
    }
    *objects = list->len;
    GString *text = g_string_new(NULL);
    for (int letter = 0; letter < 128; letter++)
        if (counts[letter])
            g_string_append_printf(text, "%c%u ", letter, counts[letter]);
    return g_string_free(text, FALSE);
}

static void assert_delivered(struct fixture *fixture, const char *letters, guint objects)
{
    guint found;
    g_autofree char *text = letters_delivered(fixture, &found);
    assert_string_equal(text, letters);
    assert_int_equal(found, objects);
}

/* ---- age and size ---- */

static void a_buffer_is_delivered_when_it_is_old_or_full(void **state)
{
    struct fixture *fixture = *state;
    put_one(fixture, 'a', 10);
    pass_time(fixture, 59);
    put_one(fixture, 'b', 10);
    assert_delivered(fixture, "", 0);
    pass_time(fixture, 1);
    assert_delivered(fixture, "a10 b10 ", 1);
    put_one(fixture, 'c', 2999);
    delivery_streams_wait(fixture->streams);
    assert_delivered(fixture, "a10 b10 ", 1);
    put_one(fixture, 'd', 1);
    delivery_streams_wait(fixture->streams);
    assert_delivered(fixture, "a10 b10 c2999 d1 ", 2);
    pass_time(fixture, 1000);
    assert_delivered(fixture, "a10 b10 c2999 d1 ", 2);
}

/* ---- many at once ---- */

#define THREADS 6
#define PUTS 60

struct publisher {
    struct fixture *fixture;
    char letter;
};

/* What is refused is put again, until there is room. */
static void *publish(void *data)
{
    const struct publisher *publisher = data;
    for (int i = 0; i < PUTS;) {
        g_autoptr(GError) error = NULL;
        size_t taken;
        if (put(publisher->fixture, publisher->letter, 1, 100, &taken, &error))
            i++;
        else if (!g_error_matches(error, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE))
            g_error("a put failed: %s", error->message);
    }
    return NULL;
}

static void each_record_of_many_callers_is_delivered_once(void **state)
{
    struct fixture *fixture = *state;
    struct publisher publishers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        publishers[i] = (struct publisher){fixture, (char)('a' + i)};
        pthread_create(&threads[i], NULL, publish, &publishers[i]);
    }
    for (int i = 0; i < 20; i++) { /* age and size, by turns */
        g_usleep(2000);
        clock_move(fixture->clock, 60);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pass_time(fixture, 61);
    guint objects;
    g_autofree char *letters = letters_delivered(fixture, &objects);
    assert_string_equal(letters, "a6000 b6000 c6000 d6000 e6000 f6000 ");
}

/* ---- back-pressure ---- */

static void what_does_not_fit_is_refused_until_there_is_room(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    size_t taken;
    lake_bucket_delete(fixture->lake, "bucket", &error);
    no_error(error);
    put(fixture, 'a', 5, 1000, &taken, &error);
    no_error(error);
    assert_int_equal(taken, 3);
    assert_false(put(fixture, 'x', 1, 1000, &taken, &error));
    assert_int_equal(error->code, ERROR_SERVICE_UNAVAILABLE);
    g_clear_error(&error);
    put_one(fixture, 'z', 10);
    delivery_streams_wait(fixture->streams); /* for the first try, which fails */

    lake_bucket_create(fixture->lake, "bucket", "us-east-1", &error);
    no_error(error);
    pass_time(fixture, 400); /* it is tried again now and then */
    assert_delivered(fixture, "a1000 b1000 c1000 z10 ", 2);
    put(fixture, 'd', 3, 1000, &taken, &error);
    no_error(error);
    assert_int_equal(taken, 3);
}

static void a_disk_that_takes_no_more_refuses_and_keeps_what_it_has(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before, small = {.rlim_cur = 600, .rlim_max = RLIM_INFINITY};
    GError *error = NULL;
    size_t taken;
    put_one(fixture, 'a', 500);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    bool done = put(fixture, 'x', 1, 1000, &taken, &error);
    delivery_streams_wait(fixture->streams);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(done);
    g_clear_error(&error);
    put_one(fixture, 'b', 500);
    pass_time(fixture, 400);
    guint objects;
    g_autofree char *letters = letters_delivered(fixture, &objects);
    assert_string_equal(letters, "a500 b500 ");
}

/* ---- crashes ---- */

static char *only_file(const struct fixture *fixture)
{
    g_autofree char *folder = below(fixture, "streams/" NAME "/id");
    g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
    const char *name = g_dir_read_name(files);
    assert_non_null(name);
    assert_null(g_dir_read_name(files));
    return g_build_filename(folder, name, NULL);
}

/* The server died when the object was in the lake, and the file not yet removed. */
static void what_the_store_has_as_delivered_is_not_delivered_again(void **state)
{
    struct fixture *fixture = *state;
    put_one(fixture, 'a', 10);
    g_autofree char *path = only_file(fixture);
    g_autofree char *bytes = NULL;
    gsize size;
    assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    pass_time(fixture, 61);
    assert_delivered(fixture, "a10 ", 1);
    close_home(fixture);
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));

    open_home(fixture);
    add_stream(fixture);
    pass_time(fixture, 61);
    assert_delivered(fixture, "a10 ", 1);
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    put_one(fixture, 'b', 10);
    pass_time(fixture, 61);
    assert_delivered(fixture, "a10 b10 ", 2);
}

static void what_was_not_delivered_is_at_the_next_start(void **state)
{
    struct fixture *fixture = *state;
    put_one(fixture, 'a', 10);
    close_home(fixture);
    open_home(fixture);
    add_stream(fixture);
    delivery_streams_wait(fixture->streams);
    assert_delivered(fixture, "a10 ", 1);
}

/* ---- files that were cut off or damaged ---- */

static bool gather(const void *bytes, size_t size, void *data, GError **error)
{
    (void)error;
    g_string_append_len(data, bytes, (gssize)size);
    g_string_append_c(data, '|');
    return true;
}

/* The whole records of a file with these bytes. */
static char *read_file_of(const char *folder, const char *bytes, gsize size)
{
    GError *error = NULL;
    g_autofree char *path = g_build_filename(folder, "00000000000000000007", NULL);
    GString *text = g_string_new(NULL);
    g_file_set_contents(path, bytes, (gssize)size, &error);
    no_error(error);
    g_autoptr(GPtrArray) found = spool_find(folder, &error);
    no_error(error);
    assert_int_equal(found->len, 1);
    struct spool *spool = g_ptr_array_index(found, 0);
    assert_int_equal(spool->number, 7);
    spool_each(spool, gather, text, &error);
    no_error(error);
    return g_string_free(text, FALSE);
}

static char *write_file(const char *folder, gsize *size)
{
    static const char *const texts[] = {"first", "", "a third one", "4"};
    GError *error = NULL;
    g_autoptr(spool_records_auto) records = spool_records_new();
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        spool_records_add(records, texts[i], strlen(texts[i]));
    struct spool *spool = spool_new(folder, 7, 1000.5, &error);
    no_error(error);
    struct spool_piece piece = {records->frames->data, records->frames->len};
    spool_append(spool, &piece, 1, &error);
    no_error(error);
    char *bytes = NULL;
    assert_true(g_file_get_contents(spool->path, &bytes, size, NULL));
    spool_free(spool);
    return bytes;
}

static void only_whole_records_are_read(void **state)
{
    (void)state;
    static const char whole[] = "first||a third one|4|";
    g_autofree char *folder = g_dir_make_tmp("lathe-spool-XXXXXX", NULL);
    gsize size;
    g_autofree char *bytes = write_file(folder, &size);
    size_t longest = 0;
    for (gsize cut = 0; cut <= size; cut++) {
        g_autofree char *text = read_file_of(folder, bytes, cut);
        assert_true(g_str_has_prefix(whole, text));
        assert_true(strlen(text) >= longest);
        assert_true(!*text || text[strlen(text) - 1] == '|');
        longest = strlen(text);
    }
    assert_int_equal(longest, strlen(whole));
    for (gsize at = 0; at < size; at++) { /* one byte is another: the time's alone may be */
        bytes[at] ^= 0x41;
        g_autofree char *text = read_file_of(folder, bytes, size);
        assert_true(g_str_has_prefix(whole, text));
        assert_true((at >= 8 && at < 16) == (strcmp(text, whole) == 0));
        bytes[at] ^= 0x41;
    }
    file_remove_tree(folder, NULL);
}

/* ---- prefixes ---- */

static void prefixes_are_evaluated(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *zone, *expected;
    } cases[] = {
        {NULL, NULL, "2026/03/05/23/"},
        {"", NULL, "2026/03/05/23/"},
        {"raw", NULL, "raw2026/03/05/23/"},
        {"raw/", "Europe/Berlin", "raw/2026/03/06/00/"},
        {"x!{timestamp:yyyy}/y", NULL, "x2026/y"},
        {"!{timestamp:yyyy-M-d H:m:s.SSS}", NULL, "2026-3-5 23:7:9.250"},
        {"!{timestamp:'at' hh 'o''clock' a, kk KK}", NULL, "at 11 o'clock PM, 23 11"},
        {"!{timestamp:EEE EEEE MMM MMMM D DDD yy uuuu}", NULL,
         "Thu Thursday Mar March 64 064 26 2026"},
        {"!{timestamp:yyyy}{}!/!{timestamp:MM}", NULL, "2026{}!/03"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        g_autoptr(GTimeZone) zone = prefix_zone(cases[i].zone, &error);
        no_error(error);
        prefix_check(cases[i].prefix, "!{firehose:error-output-type}/", false, &error);
        no_error(error);
        g_autofree char *text = prefix_evaluate(cases[i].prefix, NULL, 1772752029.25, zone, &error);
        no_error(error);
        assert_string_equal(text, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_buffer_is_delivered_when_it_is_old_or_full, up, down),
        cmocka_unit_test_setup_teardown(each_record_of_many_callers_is_delivered_once, up, down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused_until_there_is_room, up, down),
        cmocka_unit_test_setup_teardown(a_disk_that_takes_no_more_refuses_and_keeps_what_it_has, up,
                                        down),
        cmocka_unit_test_setup_teardown(what_the_store_has_as_delivered_is_not_delivered_again, up,
                                        down),
        cmocka_unit_test_setup_teardown(what_was_not_delivered_is_at_the_next_start, up, down),
        cmocka_unit_test(only_whole_records_are_read),
        cmocka_unit_test(prefixes_are_evaluated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
