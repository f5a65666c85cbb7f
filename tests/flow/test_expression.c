/* Paths, texts, durations and parameters, where a running workflow would show them late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flow/pipeline/condition.h"
#include "flow/pipeline/definition.h"
#include "flow/pipeline/expression.h"
#include "flow/pipeline/retry.h"

static json_t *parse(const char *text)
{
    json_t *value = json_parse(text, strlen(text), "a test's JSON", NULL);
    assert_non_null(value);
    return value;
}

static void paths_find_members_elements_and_names(void **state)
{
    (void)state;
    g_autoptr(json_auto) value =
        parse("{\"a\": {\"b.c\": 1, \"d\": [10, {\"OutputName\": \"train\", \"x\": 2}]},"
              " \"m\": [{\"MetricName\": \"validation:auc\", \"Value\": 0.5}]}");
    static const struct {
        const char *path;
        double number; /* -1: nothing is there */
    } cases[] = {{"a['b.c']", 1},
                 {"a[\"b.c\"]", 1},
                 {"$.a.d[0]", 10},
                 {"a.d['train'].x", 2},
                 {"a.d[1]['x']", 2},
                 {"a.d[2]", -1},
                 {"a.d[x]", -1},
                 {"a.d['train", -1},
                 {"a.none", -1},
                 {"a.d.x", -1},
                 {"a.d[-1]", -1},
                 {"a.d['test'].x", -1},
                 {"m['validation:auc'].Value", 0.5}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const json_t *found = expression_path(value, cases[i].path);
        if ((found != NULL) != (cases[i].number >= 0) ||
            (found && json_number_value(found) != cases[i].number))
            fail_msg("the path %s", cases[i].path);
    }
}

static void numbers_become_the_shortest_text_that_reads_back(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } cases[] = {{0.1, "0.1"}, {0.9, "0.9"},      {1.0 / 3, "0.3333333333333333"},
                 {100, "100"}, {1e300, "1e+300"}, {-2.5, "-2.5"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(json_auto) value = json_real(cases[i].number);
        g_autofree char *text = expression_text(value);
        assert_string_equal(text, cases[i].text);
    }
    g_autoptr(json_auto) list = json_array();
    assert_null(expression_text(list));
}

/* A cache's key must not see the execution, nor lose what is joined with it. */
static void without_an_execution_its_variables_stay_expressions(void **state)
{
    (void)state;
    g_autoptr(json_auto) parameters = parse("{\"P\": 5}");
    g_autoptr(json_auto) value =
        parse("{\"o\": {\"Std:Join\": {\"On\": \"/\", \"Values\": "
              "[\"s3:/\", {\"Get\": \"Parameters.P\"}, {\"Get\": \"Execution.PipelineName\"}]}}}");
    g_autoptr(json_auto) execution = parse("{\"PipelineName\": \"p\"}");
    struct expression_scope scope = {.parameters = parameters, .execution = execution};
    g_autoptr(json_auto) whole = expression_resolve(value, &scope, NULL);
    assert_string_equal(json_text_at(whole, "o"), "s3://5/p");
    scope.execution = NULL;
    g_autoptr(json_auto) key = expression_resolve(value, &scope, NULL);
    g_autofree char *text = json_text_of(key);
    assert_non_null(strstr(text, "Execution.PipelineName"));
    assert_non_null(strstr(text, "5"));
    assert_null(strstr(text, "Parameters"));
}

static void durations_are_iso_8601_s(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds; /* -1: none */
    } cases[] = {{"PT1H", 3600},
                 {"P30D", 2592000},
                 {"PT1H30M", 5400},
                 {"P1DT12H", 129600},
                 {"P2W", 1209600},
                 {"P1M", 2592000},
                 {"PT1M", 60},
                 {"PT0.5S", 0.5},
                 {"30d", 2592000},
                 {"5y", 157680000},
                 {"T16m", 960},
                 {"30dT5h", 2610000},
                 {"p30d", 2592000},
                 {"P4DT12H", 388800},
                 {"T12H", 43200},
                 {"pt0,5h", 1800},
                 {"P1Y2M3W4DT5H6M7S", 31536000 + 2 * 2592000 + 3 * 604800 + 4 * 86400 + 18367},
                 {"P1DT", -1},
                 {"P1D1D", -1},
                 {"PT1M1H", -1},
                 {"PP1D", -1},
                 {"P", -1},
                 {"PT", -1},
                 {"1H", -1},
                 {"PT1D", -1},
                 {"P1H", -1},
                 {"PTH", -1},
                 {"PT-1H", -1},
                 {"", -1}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        double seconds;
        bool read_it = definition_duration(cases[i].text, &seconds);
        if (read_it != (cases[i].seconds >= 0) || (read_it && seconds != cases[i].seconds))
            fail_msg("the duration %s", cases[i].text);
    }
}

static void retries_wait_longer_each_time_and_end(void **state)
{
    (void)state;
    g_autoptr(json_auto) policies =
        parse("[{\"ExceptionType\": [\"SageMaker.JOB_INTERNAL_ERROR\"], \"IntervalSeconds\": 2,"
              " \"BackoffRate\": 3, \"MaxAttempts\": 3}]");
    double seconds;
    assert_true(retry_wanted(policies, RETRY_JOB_INTERNAL, 1, 0, 0, &seconds));
    assert_true(seconds == 2);
    assert_true(retry_wanted(policies, RETRY_JOB_INTERNAL, 2, 0, 0, &seconds));
    assert_true(seconds == 6);
    assert_false(retry_wanted(policies, RETRY_JOB_INTERNAL, 3, 0, 0, &seconds));
    assert_false(retry_wanted(policies, RETRY_CAPACITY, 1, 0, 0, &seconds));
    assert_false(retry_wanted(NULL, RETRY_JOB_INTERNAL, 1, 0, 0, &seconds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_members_elements_and_names),
        cmocka_unit_test(numbers_become_the_shortest_text_that_reads_back),
        cmocka_unit_test(without_an_execution_its_variables_stay_expressions),
        cmocka_unit_test(durations_are_iso_8601_s),
        cmocka_unit_test(retries_wait_longer_each_time_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
