/* When to end: against the rules as they are written down. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tune/stopping.h"

static void the_median_of_running_averages_decides(void **state)
{
    (void)state;
    /* Running averages at the third epoch: 2, 4, 6, 8; of the fifth nothing is known there. */
    const double a[] = {3, 2, 1, 1}, b[] = {4, 4, 4, 4}, c[] = {7, 6, 5, 5}, d[] = {8, 8, 8, 8},
                 e[] = {0, 0};
    const struct tune_curve earlier[] = {{a, 4}, {b, 4}, {c, 4}, {d, 4}, {e, 2}};
    const double fair[] = {9, 9, 5}, poor[] = {1, 1, 6.5};
    assert_false(median_rule_stops(&(struct tune_curve){fair, 3}, earlier, 5));
    assert_true(median_rule_stops(&(struct tune_curve){poor, 3}, earlier, 5));
    assert_false(median_rule_stops(&(struct tune_curve){poor, 2}, earlier, 5));
    assert_false(median_rule_stops(&(struct tune_curve){poor, 3}, earlier, 3)); /* too few */
    assert_false(median_rule_stops(&(struct tune_curve){poor, 0}, earlier, 5));
}

static void rungs_are_powers_of_three_below_the_most(void **state)
{
    (void)state;
    assert_int_equal(halving_brackets(1, 27), 3);
    assert_int_equal(halving_rung(1, 27, 0, 0), 1);
    assert_int_equal(halving_rung(1, 27, 0, 2), 9);
    assert_int_equal(halving_rung(1, 27, 0, 3), 0);
    assert_int_equal(halving_rung(1, 27, 2, 0), 9);
    assert_int_equal(halving_brackets(10, 10), 1);
    assert_int_equal(halving_rung(10, 10, 0, 0), 0);
}

static void a_rung_keeps_its_best_third(void **state)
{
    (void)state;
    const double losses[] = {5, 1, 4, 2, 3, 6};
    int kept = 0;
    for (int i = 0; i < 6; i++)
        kept += halving_keeps(losses[i], losses, 6);
    assert_int_equal(kept, 2);
    assert_true(halving_keeps(2, losses, 6));
    assert_false(halving_keeps(3, losses, 6));
    assert_true(halving_keeps(5, losses, 1));
    assert_false(halving_keeps(5, losses, 2));
}

static void a_search_converges_when_nothing_is_gained(void **state)
{
    (void)state;
    double losses[60];
    for (int i = 0; i < 60; i++)
        losses[i] = i < 20 ? 10 - i * 0.4 : 2.4 + i % 3;
    assert_true(search_has_converged(losses, 60, 2));
    assert_false(search_has_converged(losses, 60, 7)); /* too few for so many parameters */
    assert_false(search_has_converged(losses, 29, 2));
    losses[55] = 1;
    assert_false(search_has_converged(losses, 60, 2));
    assert_int_equal(not_improving(losses, 60), 4);
    assert_int_equal(not_improving(losses, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_of_running_averages_decides),
        cmocka_unit_test(rungs_are_powers_of_three_below_the_most),
        cmocka_unit_test(a_rung_keeps_its_best_third),
        cmocka_unit_test(a_search_converges_when_nothing_is_gained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
