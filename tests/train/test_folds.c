/* The properties that scikit-learn's RepeatedKFold and RepeatedStratifiedKFold promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "train/folds.h"

enum { ROWS = 103, FOLDS = 4 };

static void count(const int *fold, const float *labels, float label, int *counts)
{
    for (int i = 0; i < FOLDS; i++) {
        counts[i] = 0;
    }
    for (int row = 0; row < ROWS; row++) {
        assert_in_range(fold[row], 0, FOLDS - 1);
        if (!labels || labels[row] == label) {
            counts[fold[row]]++;
        }
    }
}

static void assert_even(const int *counts)
{
    for (int i = 0; i < FOLDS; i++) {
        for (int j = 0; j < FOLDS; j++) {
            assert_true(counts[i] - counts[j] <= 1);
        }
    }
}

static void test_folds_are_of_one_size(void **state)
{
    (void)state;
    int fold[ROWS];
    int counts[FOLDS];
    uint64_t random = 7;
    folds_deal(fold, ROWS, FOLDS, NULL, &random);
    count(fold, NULL, 0, counts);
    assert_even(counts);
}

static void test_each_label_is_shared_out(void **state)
{
    (void)state;
    int fold[ROWS];
    int counts[FOLDS];
    float labels[ROWS];
    for (int row = 0; row < ROWS; row++) {
        labels[row] = (float)(row % 10 == 0 ? 2 : row % 2);
    }
    uint64_t random = 0;
    folds_deal(fold, ROWS, FOLDS, labels, &random);
    for (int label = 0; label < 3; label++) {
        count(fold, labels, (float)label, counts);
        assert_even(counts);
    }
    count(fold, NULL, 0, counts);
    assert_even(counts);
}

static void test_a_seed_deals_the_same_and_goes_on_to_another(void **state)
{
    (void)state;
    int first[ROWS];
    int again[ROWS];
    int next[ROWS];
    uint64_t random = 3;
    uint64_t other = 3;
    folds_deal(first, ROWS, FOLDS, NULL, &random);
    folds_deal(again, ROWS, FOLDS, NULL, &other);
    folds_deal(next, ROWS, FOLDS, NULL, &random);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, next, sizeof first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folds_are_of_one_size),
        cmocka_unit_test(test_each_label_is_shared_out),
        cmocka_unit_test(test_a_seed_deals_the_same_and_goes_on_to_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
