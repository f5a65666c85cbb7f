/* Splits: every row in one part, the shares as asked for, and the same every time. */
#include "feature/split.h"
#include "feature/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 10007 };

static const double THREE[] = {0.7, 0.15, 0.15};
static const double FOLDS[] = {0.2, 0.2, 0.2, 0.2, 0.2};

static struct split *open_split(const double *shares, size_t parts, uint64_t seed)
{
    struct lathe_error error = {0};
    struct split *split = split_open(shares, parts, seed, &error);
    if (!split)
        fail_msg("%s", error.message);
    return split;
}

static void deal(uint64_t seed, uint8_t *parts)
{
    struct split *split = open_split(THREE, 3, seed);
    split_rows(split, ROWS, parts);
    split_close(split);
}

static void test_random(void **state)
{
    (void)state;
    static uint8_t first[ROWS], again[ROWS], other[ROWS];
    deal(7, first);
    deal(7, again);
    deal(8, other);
    assert_memory_equal(first, again, ROWS);
    size_t counts[3] = {0}, differ = 0;
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(first[i] < 3);
        counts[first[i]]++;
        differ += first[i] != other[i];
    }
    for (size_t part = 0; part < 3; part++)
        assert_true(abs((int)counts[part] - (int)(THREE[part] * ROWS)) <= 6);
    /* Two independent splits differ in 1 - 0.7^2 - 2 x 0.15^2 = 46.5 % of the rows. */
    assert_in_range(differ, ROWS * 43 / 100, ROWS * 50 / 100);
    /* No part prefers a place in the block, and neighbours do not know of each other. */
    size_t places[SPLIT_BLOCK] = {0}, together = 0;
    for (size_t i = 0; i < ROWS; i++) {
        places[i % SPLIT_BLOCK] += first[i] == 2;
        together += i && first[i] == 2 && first[i - 1] == 2;
    }
    for (size_t place = 0; place < SPLIT_BLOCK; place++)
        assert_in_range(places[place], 40, 115); /* 75 expected */
    assert_in_range(together, 140, 290);         /* 3/20 x 2/19 of the rows expected, and ends */
}

/* A label of 3 % and others: each fold gets its fifth of each. */
static void test_stratified(void **state)
{
    (void)state;
    static struct csv_text labels[ROWS];
    static uint8_t parts[ROWS], pieces[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        labels[i] = i % 33 == 0   ? text_of("rare", 4)
                    : i % 7 == 0  ? text_of("", 0)
                    : i % 50 == 1 ? text_of(NULL, 0)
                                  : text_of("common", 6);
    struct split *split = open_split(FOLDS, 5, 1);
    assert_true(split_by_label(split, labels, ROWS, parts, NULL));
    split_close(split);
    split = open_split(FOLDS, 5, 1);
    for (size_t from = 0; from < ROWS; from += 13) {
        size_t rows = ROWS - from < 13 ? ROWS - from : 13;
        assert_true(split_by_label(split, labels + from, rows, pieces + from, NULL));
    }
    split_close(split);
    assert_memory_equal(parts, pieces, ROWS);
    const char *const kinds[] = {"rare", "", "common", NULL};
    for (size_t k = 0; k < 4; k++) {
        size_t counts[5] = {0}, all = 0;
        for (size_t i = 0; i < ROWS; i++) {
            bool same = !kinds[k] ? !labels[i].bytes
                                  : labels[i].bytes && labels[i].size == strlen(kinds[k]) &&
                                        memcmp(labels[i].bytes, kinds[k], labels[i].size) == 0;
            counts[parts[i]] += same;
            all += same;
        }
        assert_true(all > 100);
        for (size_t fold = 0; fold < 5; fold++)
            assert_true(abs((int)counts[fold] * 5 - (int)all) <= 20);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static double labels[ROWS];
    static uint8_t parts[ROWS];
    size_t ones[3] = {0}, all = 0;
    for (size_t i = 0; i < ROWS; i++)
        labels[i] = i % 29 == 3 ? 1 : i % 2 ? 0.0 : -0.0;
    struct split *split = open_split(THREE, 3, 5);
    assert_true(split_by_number(split, labels, ROWS, parts, NULL));
    split_close(split);
    for (size_t i = 0; i < ROWS; i++) {
        ones[parts[i]] += labels[i] == 1;
        all += labels[i] == 1;
    }
    for (size_t part = 0; part < 3; part++)
        assert_true(abs((int)ones[part] - (int)(THREE[part] * (double)all)) <= 4);
}

/* 400 groups of different sizes: none is torn, 60 +- 3 are in the test part. */
static void test_groups(void **state)
{
    (void)state;
    static struct csv_text groups[ROWS];
    static char names[400][8];
    static uint8_t parts[ROWS];
    int of_group[400], counts[3] = {0};
    for (size_t g = 0; g < 400; g++) {
        snprintf(names[g], sizeof names[g], "g%zu", g);
        of_group[g] = -1;
    }
    for (size_t i = 0; i < ROWS; i++) {
        size_t g = i * i % 400 * (i % 3 + 1) % 400;
        groups[i] = text_of(names[g], strlen(names[g]));
    }
    struct split *split = open_split(THREE, 3, 11);
    assert_true(split_by_group(split, groups, ROWS, parts, NULL));
    split_close(split);
    int seen = 0;
    for (size_t i = 0; i < ROWS; i++) {
        int g = atoi(groups[i].bytes + 1);
        if (of_group[g] < 0) {
            of_group[g] = parts[i];
            counts[parts[i]]++;
            seen++;
        }
        assert_int_equal(of_group[g], parts[i]);
    }
    for (size_t part = 0; part < 3; part++)
        assert_true(abs(counts[part] - (int)(THREE[part] * seen)) <= 5);
}

/* Shares that no block divides evenly. */
static void test_odd_shares(void **state)
{
    (void)state;
    static uint8_t parts[ROWS];
    const double shares[] = {0.5249, 0.0001, 0.3333, 0.1417};
    struct split *split = open_split(shares, 4, 3);
    split_rows(split, ROWS, parts);
    split_close(split);
    size_t counts[4] = {0};
    for (size_t i = 0; i < ROWS; i++)
        counts[parts[i]]++;
    for (size_t part = 0; part < 4; part++)
        assert_true(abs((int)counts[part] - (int)(shares[part] * ROWS)) <= 8);
}

static void test_refused(void **state)
{
    (void)state;
    const double wrong[] = {0.5, 0.6}, negative[] = {1.5, -0.5};
    struct lathe_error error = {0};
    assert_null(split_open(wrong, 2, 0, &error));
    assert_non_null(strstr(error.message, "sum of 1.1"));
    assert_null(split_open(negative, 2, 0, &error));
    assert_null(split_open(wrong, 0, 0, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),     cmocka_unit_test(test_stratified),
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_groups),
        cmocka_unit_test(test_odd_shares), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
