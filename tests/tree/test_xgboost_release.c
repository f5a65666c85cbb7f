/* xgboost_release.h: which release an image is. */
#include "tree/xgboost_release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void images_are_their_releases(void **state)
{
    (void)state;
    static const char *const found[][2] = {
        {"811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:latest", "0.72"},
        {"811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1", "0.72"},
        {"xgboost", "0.72"},
        {"xgboost:1.2-1", "1.2-1"},
        {"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:0.90-1-cpu-py3", "0.90-1"},
        {"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.0-1-cpu-py3", "1.0-1"},
        {"localhost:5000/sagemaker-xgboost:1.2-2", "1.2-2"},
        {"sagemaker-xgboost:1.3-1", "1.3-1"},
        {"sagemaker-xgboost:1.5-1", "1.5-1"},
        {"sagemaker-xgboost:1.7-1", "1.7-1"},
        {"sagemaker-xgboost:3.0-5", "3.0-5"},
        {"sagemaker-xgboost:3.2-0-cpu", "3.2-0"},
        {"sagemaker-xgboost:latest", "3.2-0"},
        {"sagemaker-xgboost@sha256:01ab", "3.2-0"},
        {NULL, "3.2-0"},
        /* Releases that are not in the table. */
        {"0.80-1", "0.72"},
        {"1.6-1", "1.5-1"},
        {"1.7-2", "1.7-1"},
        {"1", "1.7-1"},
        {"2.1-0", "1.7-1"},
        {"4.0-0", "3.2-0"},
    };
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        assert_string_equal(xgboost_release_find(found[i][0])->tag, found[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(images_are_their_releases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
