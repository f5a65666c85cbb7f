/* Captured traffic: which requests are in the sample, and when what has gathered becomes files of
 * the lake. The clock is moved on; without that a minute would have to pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "lake/lake.h"
#include "serve/captures.h"
#include "store/store.h"

struct fixture {
    char *home;
    struct store *store;
    struct lake *lake;
    struct clock *clock;
    struct captures *captures;
    struct endpoint_capture *a, *b;
};

static void no_error(const GError *error)
{
    if (error)
        fail_msg("%s", error->message);
}

static struct endpoint_capture *make_capture(struct fixture *fixture, const char *endpoint,
                                             int percentage)
{
    g_autoptr(json_auto) config =
        json_pack("{sbsisss[{ss}{ss}]}", "EnableCapture", 1, "InitialSamplingPercentage",
                  percentage, "DestinationS3Uri", "s3://bucket/to/", "CaptureOptions",
                  "CaptureMode", "Input", "CaptureMode", "Output");
    return endpoint_capture_new(fixture->captures, endpoint, config);
}

/* Records of two hours are in two files: the tests begin with an hour. */
static void begin_an_hour(struct clock *clock)
{
    clock_move(clock, 3600 - fmod(clock_wall(clock), 3600));
}

static int up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    GError *error = NULL;
    fixture->home = g_dir_make_tmp("lathe-capture-XXXXXX", NULL);
    g_autofree char *database = g_build_filename(fixture->home, "meta.db", NULL);
    g_autofree char *folder = g_build_filename(fixture->home, "lake", NULL);
    fixture->store = store_open(database, &error);
    no_error(error);
    fixture->lake = lake_open(fixture->store, folder, &error);
    no_error(error);
    lake_bucket_create(fixture->lake, "bucket", "us-east-1", &error);
    no_error(error);
    fixture->clock = clock_open(&error);
    no_error(error);
    begin_an_hour(fixture->clock);
    fixture->captures = captures_new(fixture->lake, fixture->clock);
    fixture->a = make_capture(fixture, "a", 100);
    fixture->b = make_capture(fixture, "b", 100);
    *state = fixture;
    return 0;
}

static int down(void **state)
{
    struct fixture *fixture = *state;
    endpoint_capture_unref(fixture->a);
    endpoint_capture_unref(fixture->b);
    captures_free(fixture->captures);
    clock_close(fixture->clock);
    lake_close(fixture->lake);
    store_close(fixture->store);
    file_remove_tree(fixture->home, NULL);
    g_free(fixture->home);
    g_free(fixture);
    return 0;
}

static void answered(struct endpoint_capture *capture, const char *rows)
{
    const struct invocation invocation = {
        .content_type = "text/csv", .bytes = rows, .size = strlen(rows)};
    char one[] = "1", csv[] = "text/csv";
    const struct invocation_reply reply = {
        .variant = one, .content_type = csv, .body = {.bytes = one, .size = 1}};
    endpoint_capture_see(capture, &invocation, &reply);
}

/* Moves the clock on and lets what is due be written. */
static void pass(struct fixture *fixture, double seconds)
{
    clock_move(fixture->clock, seconds);
    captures_wait(fixture->captures);
}

/* As when an endpoint goes. */
static void let_go(struct endpoint_capture **capture)
{
    endpoint_capture_unref(*capture);
    *capture = NULL;
}

/* Files below s3://bucket/to/ENDPOINT/, and the records in them. */
static unsigned files(struct fixture *fixture, const char *endpoint, unsigned *records)
{
    GError *error = NULL;
    g_autofree char *prefix = g_strdup_printf("to/%s/1/", endpoint);
    captures_wait(fixture->captures);
    g_autoptr(GPtrArray) found = lake_list(fixture->lake, "bucket", prefix, &error);
    no_error(error);
    unsigned lines = 0;
    for (guint i = 0; i < found->len; i++) {
        const struct lake_object *object = g_ptr_array_index(found, i);
        g_autofree char *uri = g_strdup_printf("s3://bucket/%s", object->key);
        g_autoptr(GBytes) bytes = lake_get_bytes(fixture->lake, uri, 64 << 20, &error);
        no_error(error);
        gsize size;
        const char *at = g_bytes_get_data(bytes, &size);
        for (gsize j = 0; j < size; j++)
            lines += at[j] == '\n';
    }
    if (records)
        *records = lines;
    return found->len;
}

/* The clock goes on by itself, too, which a busy machine makes a second or more: each step leaves
 * it a third. */
static void a_minute_after_the_first_record(void **state)
{
    const double third = CAPTURE_SECONDS / 3.0;
    struct fixture *fixture = *state;
    unsigned records;
    answered(fixture->a, "1");
    pass(fixture, third);
    answered(fixture->a, "2");
    answered(fixture->b, "3");
    pass(fixture, third);
    assert_int_equal(files(fixture, "a", NULL), 0);
    pass(fixture, third);
    assert_int_equal(files(fixture, "a", &records), 1);
    assert_int_equal(records, 2);
    assert_int_equal(files(fixture, "b", NULL), 0);
    pass(fixture, third);
    assert_int_equal(files(fixture, "b", NULL), 1);
    pass(fixture, 10 * CAPTURE_SECONDS); /* nothing more */
    assert_int_equal(files(fixture, "a", NULL) + files(fixture, "b", NULL), 2);
    answered(fixture->a, "4");
    pass(fixture, CAPTURE_SECONDS);
    assert_int_equal(files(fixture, "a", &records), 2);
    assert_int_equal(records, 3);
}

static void at_a_megabyte(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *rows = g_strnfill(1 << 19, '7');
    answered(fixture->b, "1");
    answered(fixture->a, rows);
    assert_int_equal(files(fixture, "a", NULL), 0);
    answered(fixture->a, rows);
    assert_int_equal(files(fixture, "a", NULL), 1);
    answered(fixture->a, "1");
    let_go(&fixture->a);
    assert_int_equal(files(fixture, "a", NULL), 2);
    assert_int_equal(files(fixture, "b", NULL), 0);
}

static void when_the_endpoint_changes(void **state)
{
    struct fixture *fixture = *state;
    answered(fixture->a, "1");
    answered(fixture->b, "1");
    struct endpoint_capture *under_way = endpoint_capture_ref(fixture->a);
    let_go(&fixture->a);
    answered(under_way, "2"); /* by the fleet that was there before */
    assert_int_equal(files(fixture, "a", NULL), 0);
    let_go(&under_way);
    unsigned records;
    assert_int_equal(files(fixture, "a", &records), 1);
    assert_int_equal(records, 2);
    assert_int_equal(files(fixture, "b", NULL), 0);
}

/* The clock's alarm, the last reference and a request may come at the same time. */
static void *see_and_let_go(void *data)
{
    struct fixture *fixture = data;
    for (int i = 0; i < 50; i++) {
        struct endpoint_capture *capture = make_capture(fixture, "a", 100);
        answered(capture, "1");
        endpoint_capture_unref(capture);
    }
    return NULL;
}

static void going_while_the_alarm_goes_off(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    unsigned records;
    pthread_create(&thread, NULL, see_and_let_go, fixture);
    for (int i = 0; i < 200; i++)
        clock_move(fixture->clock, CAPTURE_SECONDS);
    pthread_join(thread, NULL);
    files(fixture, "a", &records);
    assert_int_equal(records, 50);
}

static void nothing_is_asked_for(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(json_auto) off =
        json_pack("{sbss}", "EnableCapture", 0, "DestinationS3Uri", "s3://b/");
    assert_null(endpoint_capture_new(fixture->captures, "c", off));
    assert_null(endpoint_capture_new(fixture->captures, "c", NULL));
}

/* ---- the sample ---- */

static void exactly_the_percentage_of_a_hundred(void **state)
{
    struct fixture *fixture = *state;
    static const int percentages[] = {1, 7, 50, 99, 100};
    for (size_t i = 0; i < G_N_ELEMENTS(percentages); i++) {
        g_autofree char *name = g_strdup_printf("p%d", percentages[i]);
        struct endpoint_capture *capture = make_capture(fixture, name, percentages[i]);
        unsigned records;
        for (int j = 0; j < 100; j++)
            answered(capture, "1");
        endpoint_capture_unref(capture);
        files(fixture, name, &records);
        assert_int_equal(records, percentages[i]);
    }
}

enum { THREADS = 8, EACH = 125 };

static void *see_many(void *capture)
{
    for (int i = 0; i < EACH; i++)
        answered(capture, "1");
    return NULL;
}

static void exactly_the_percentage_by_many_threads(void **state)
{
    struct fixture *fixture = *state;
    struct endpoint_capture *capture = make_capture(fixture, "many", 30);
    pthread_t threads[THREADS];
    unsigned records;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, see_many, capture);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    endpoint_capture_unref(capture);
    files(fixture, "many", &records);
    assert_int_equal(records, THREADS * EACH * 30 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_minute_after_the_first_record, up, down),
        cmocka_unit_test_setup_teardown(at_a_megabyte, up, down),
        cmocka_unit_test_setup_teardown(when_the_endpoint_changes, up, down),
        cmocka_unit_test_setup_teardown(going_while_the_alarm_goes_off, up, down),
        cmocka_unit_test_setup_teardown(nothing_is_asked_for, up, down),
        cmocka_unit_test_setup_teardown(exactly_the_percentage_of_a_hundred, up, down),
        cmocka_unit_test_setup_teardown(exactly_the_percentage_by_many_threads, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
