/* Which rounds all threads grow and which one, by how long each takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "train/pace.h"

#define THREADS 4

/* What the booster was told. */
struct told {
    int threads;
    int times;
};

static int set_parameter(void *booster, const char *name, const char *value)
{
    struct told *told = booster;
    if (strcmp(name, "nthread") == 0) {
        told->threads = atoi(value);
        told->times++;
    }
    return 0;
}

/* Runs rounds that take so long with one thread and with all; how many were grown by one. */
static int run_rounds(int rounds, int one_microseconds, int all_microseconds, struct told *told)
{
    const struct xgboost xgboost = {.booster_set = set_parameter};
    struct pace pace = {.threads = THREADS};
    GError *error = NULL;
    int by_one = 0;
    for (int round = 0; round < rounds; round++) {
        assert_true(pace_begin(&pace, &xgboost, told, &error));
        by_one += told->threads == 1;
        g_usleep((gulong)(told->threads == 1 ? one_microseconds : all_microseconds));
        pace_end(&pace);
    }
    return by_one;
}

static void the_faster_go_on(void **state)
{
    (void)state;
    struct told told = {0};
    assert_in_range(run_rounds(60, 200, 5000, &told), 57, 59); /* tried once is enough */
    assert_int_equal(told.threads, 1);
    told = (struct told){0};
    assert_in_range(run_rounds(60, 5000, 200, &told), 3, 5);
    assert_int_equal(told.threads, THREADS);
}

static void trials_are_few(void **state)
{
    (void)state;
    struct told told = {0};
    run_rounds(300, 100, 2000, &told);
    assert_in_range(told.times, 3, 12);
}

static void no_choice_is_no_change(void **state)
{
    (void)state;
    const struct xgboost none = {0}; /* a call would crash */
    GError *error = NULL;
    struct pace pace = {.threads = 0};
    for (int round = 0; round < 100; round++) {
        assert_true(pace_begin(&pace, &none, NULL, &error));
        pace_end(&pace);
    }
}

static int set_once(void *booster, const char *name, const char *value)
{
    assert_string_equal(name, "nthread");
    assert_string_equal(value, "1");
    ++*(int *)booster;
    return 0;
}

static void one_thread_is_told_once(void **state)
{
    (void)state;
    const struct xgboost xgboost = {.booster_set = set_once};
    GError *error = NULL;
    int times = 0;
    struct pace pace = {.threads = 1};
    for (int round = 0; round < 100; round++) {
        assert_true(pace_begin(&pace, &xgboost, &times, &error));
        pace_end(&pace);
    }
    assert_int_equal(times, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_faster_go_on),
        cmocka_unit_test(trials_are_few),
        cmocka_unit_test(no_choice_is_no_change),
        cmocka_unit_test(one_thread_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
