/* Captured traffic: when what has gathered becomes files of the lake. The captures are told the
 * time; the thread of their own would wait a minute, and so never comes in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "lake/lake.h"
#include "serve/capture.h"
#include "store/store.h"

struct fixture {
    char *home;
    struct store *store;
    struct lake *lake;
    struct captures *captures;
};

static void no_error(const GError *error)
{
    if (error)
        fail_msg("%s", error->message);
}

static json_t *everything(void)
{
    return json_pack("{sbsisss[{ss}{ss}]}", "EnableCapture", 1, "InitialSamplingPercentage", 100,
                     "DestinationS3Uri", "s3://bucket/to/", "CaptureOptions", "CaptureMode",
                     "Input", "CaptureMode", "Output");
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
    fixture->captures = captures_new(fixture->lake);
    g_autoptr(json_auto) config = everything();
    captures_set(fixture->captures, "a", config);
    captures_set(fixture->captures, "b", config);
    *state = fixture;
    return 0;
}

static int down(void **state)
{
    struct fixture *fixture = *state;
    captures_free(fixture->captures);
    lake_close(fixture->lake);
    store_close(fixture->store);
    file_remove_tree(fixture->home, NULL);
    g_free(fixture->home);
    g_free(fixture);
    return 0;
}

static void answered(struct fixture *fixture, const char *endpoint, const char *rows)
{
    const struct invocation invocation = {
        .endpoint = endpoint, .content_type = "text/csv", .bytes = rows, .size = strlen(rows)};
    char one[] = "1";
    const struct invocation_reply reply = {
        .variant = one, .content_type = "text/csv", .body = {.bytes = one, .size = 1}};
    captures_observe(&invocation, &reply, fixture->captures);
}

/* Files below s3://bucket/to/ENDPOINT/. */
static unsigned files(struct fixture *fixture, const char *endpoint)
{
    GError *error = NULL;
    g_autofree char *prefix = g_strdup_printf("to/%s/1/", endpoint);
    g_autoptr(GPtrArray) found = lake_list(fixture->lake, "bucket", prefix, &error);
    no_error(error);
    return found->len;
}

/* Delivers what is left, as a stop of the server does; then all is written. */
static void stop(struct fixture *fixture)
{
    captures_free(fixture->captures);
    fixture->captures = NULL;
}

static void a_minute_after_the_first_record(void **state)
{
    struct fixture *fixture = *state;
    double now = clock_now();
    assert_true(isinf(captures_tick(fixture->captures, now)));
    answered(fixture, "a", "1");
    answered(fixture, "a", "2");
    answered(fixture, "b", "3");
    double next = captures_tick(fixture->captures, now + 30);
    assert_true(next >= now + CAPTURE_SECONDS && next <= clock_now() + CAPTURE_SECONDS);
    assert_int_equal(files(fixture, "a"), 0);
    assert_true(isinf(captures_tick(fixture->captures, clock_now() + CAPTURE_SECONDS)));
    assert_int_equal(files(fixture, "a"), 1);
    assert_int_equal(files(fixture, "b"), 1);
}

static void at_a_megabyte(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *rows = g_strnfill(1 << 19, '7');
    answered(fixture, "b", "1");
    answered(fixture, "a", rows);
    captures_tick(fixture->captures, clock_now());
    answered(fixture, "a", rows);
    captures_tick(fixture->captures, clock_now());
    answered(fixture, "a", "1");
    answered(fixture, "b", "1");
    stop(fixture);
    assert_int_equal(files(fixture, "a"), 2);
    assert_int_equal(files(fixture, "b"), 1);
}

static void when_the_endpoint_changes(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(json_auto) config = everything();
    answered(fixture, "a", "1");
    answered(fixture, "b", "1");
    captures_set(fixture->captures, "a", config);
    captures_tick(fixture->captures, clock_now());
    answered(fixture, "a", "2");
    answered(fixture, "b", "2");
    captures_set(fixture->captures, "a", NULL);
    answered(fixture, "a", "not captured");
    stop(fixture);
    assert_int_equal(files(fixture, "a"), 2);
    assert_int_equal(files(fixture, "b"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_minute_after_the_first_record, up, down),
        cmocka_unit_test_setup_teardown(at_a_megabyte, up, down),
        cmocka_unit_test_setup_teardown(when_the_endpoint_changes, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
