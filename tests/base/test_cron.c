#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/cron.h"

static void the_next_time_is_aws_s(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *after, *next;
    } cases[] = {
        {"cron(15 12 * * ? *)", "2026-11-29T12:14:59Z", "2026-11-29T12:15:00Z"},
        {"cron(15 12 * * ? *)", "2026-11-29T12:15:00Z", "2026-11-30T12:15:00Z"},
        {"cron(0 18 ? * MON-FRI *)", "2026-11-27T18:00:00Z", "2026-11-30T18:00:00Z"},
        {"cron(0 8 1 * ? *)", "2026-12-01T08:00:01Z", "2027-01-01T08:00:00Z"},
        {"cron(0/15 * * * ? *)", "2026-11-29T10:07:00Z", "2026-11-29T10:15:00Z"},
        {"cron(0/5 8-17 ? * MON-FRI *)", "2026-11-27T17:55:00Z", "2026-11-30T08:00:00Z"},
        {"cron(0 9 ? * 2#1 *)", "2026-11-29T00:00:00Z", "2026-12-07T09:00:00Z"},
        {"cron(0 9 L * ? *)", "2028-02-01T00:00:00Z", "2028-02-29T09:00:00Z"},
        {"cron(0 9 ? * 6L *)", "2026-11-01T00:00:00Z", "2026-11-27T09:00:00Z"},
        {"cron(0 9 1W * ? *)", "2026-07-31T10:00:00Z", "2026-08-03T09:00:00Z"},
        {"cron(0 9 LW * ? *)", "2026-10-01T00:00:00Z", "2026-10-30T09:00:00Z"},
        {"cron(30 23 31 JAN,MAR ? *)", "2026-02-01T00:00:00Z", "2026-03-31T23:30:00Z"},
        {"cron(0 0 29 2 ? *)", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"cron(0 0 1 1 ? 2030)", "2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"},
        {"cron(0 0 ? * FRI-SUN *)", "2026-11-23T00:00:00Z", "2026-11-27T00:00:00Z"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        double after = 0, next = 0;
        assert_true(clock_parse(cases[i].after, &after) && clock_parse(cases[i].next, &next));
        g_autofree char *told = clock_iso(cron_next(cases[i].expression, after));
        g_autofree char *wanted = clock_iso(next);
        if (g_strcmp0(told, wanted) != 0)
            fail_msg("%s after %s: %s, not %s", cases[i].expression, cases[i].after, told, wanted);
    }
    assert_true(cron_next("cron(0 0 1 1 ? 2020)", 1.7e9) == 0);
    assert_true(cron_next("cron(0 0 31 2 ? *)", 1.7e9) == 0);
}

static void wrong_schedules_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "0 12 * * ? *",
        "cron(0 12 * * ?)",
        "cron(0 12 * * ? * *)",
        "cron(60 12 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 12 1 * MON *)",
        "cron(0 12 * ABC ? *)",
        "cron(0 12 ? * 8 *)",
        "cron(0/0 12 * * ? *)",
        "cron(a 12 * * ? *)",
        "rate(5 minutes)",
        "cron()",
        "cron(",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        if (cron_check(wrong[i], ERROR_VALIDATION, &error))
            fail_msg("%s", wrong[i]);
        assert_non_null(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_time_is_aws_s),
        cmocka_unit_test(wrong_schedules_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
