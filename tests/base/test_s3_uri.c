/* s3://bucket/key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/s3_uri.h"

static void assert_parts(const char *uri, const char *its_bucket, const char *its_key)
{
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    assert_true(s3_uri_parse(uri, &bucket, &key, NULL));
    assert_string_equal(bucket, its_bucket);
    assert_string_equal(key, its_key);
}

static void test_parts(void **state)
{
    (void)state;
    assert_parts("s3://b/k/with//slashes", "b", "k/with//slashes");
    assert_parts("s3://b/", "b", "");
    assert_parts("s3://b", "b", "");
    assert_parts("https://b.c-d.s3.amazonaws.com/k/l", "b.c-d", "k/l");
    assert_parts("https://bkt.s3-eu-west-1.amazonaws.com/k", "bkt", "k");
    assert_parts("https://bkt.s3.dualstack.eu-west-1.amazonaws.com/", "bkt", "");
    assert_parts("https://s3.amazonaws.com/bkt/k/l", "bkt", "k/l");
    assert_parts("https://s3.cn-north-1.amazonaws.com.cn/bkt", "bkt", "");
}

static void test_refuses_other_addresses(void **state)
{
    (void)state;
    const char *const others[] = {"/b/k",
                                  "s3:///k",
                                  "s3://",
                                  "S3://b/k",
                                  "https://b/k",
                                  "",
                                  "https://s3.amazonaws.com/",
                                  "http://b.s3.amazonaws.com/k",
                                  "https://b.s3.amazonaws.com.example.org/k",
                                  "https://sts.amazonaws.com/k"};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(GError) error = NULL;
        char *bucket = NULL, *key = NULL;
        assert_false(s3_uri_is(others[i]));
        assert_false(s3_uri_parse(others[i], &bucket, &key, &error));
        assert_true(g_error_matches(error, LATHE_ERROR, ERROR_VALIDATION));
        assert_null(bucket);
        assert_null(key);
    }
    assert_false(s3_uri_is(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_refuses_other_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
