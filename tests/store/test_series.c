/* Series: what a resource reported of itself (store/series.h). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/resource.h"
#include "store/series.h"

static char *folder;

static int open_store(void **state)
{
    folder = g_dir_make_tmp("lathe-series-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "meta.db", NULL);
    *state = store_open(path, NULL);
    g_autoptr(json_auto) body = json_object();
    struct resource resource = {.kind = (char *)"run",
                                .name = (char *)"one",
                                .arn = (char *)"one",
                                .status = (char *)"",
                                .parent = (char *)"",
                                .body = body};
    return *state && resource_create(*state, &resource, NULL, NULL) ? 0 : -1;
}

static int close_store(void **state)
{
    store_close(*state);
    file_remove_tree(folder, NULL);
    g_free(folder);
    return 0;
}

struct addition {
    const struct series_point *points;
    size_t count;
    bool repeats;
};

static bool add_work(struct store_connection *connection, void *data, GError **error)
{
    const struct addition *addition = data;
    return series_add(connection, "run", "one", addition->points, addition->count,
                      addition->repeats, error);
}

static void add(struct store *store, const struct series_point *points, size_t count, bool repeats)
{
    struct addition addition = {points, count, repeats};
    assert_true(store_write(store, add_work, &addition, NULL));
}

static GArray *points_of(struct store *store, const char *name, bool by_step, gint64 offset,
                         gint64 limit)
{
    const struct series_query query = {"run", "one", name, by_step, offset, limit};
    GArray *points = series_points(store, &query, NULL);
    assert_non_null(points);
    return points;
}

static void test_a_series_is_summed_up(void **state)
{
    static const struct series_point points[] = {
        {"loss", 3000, 2, 4}, {"loss", 1000, 0, 1}, {"loss", 2000, 1, 7}, {"other", 1, 0, -1}};
    add(*state, points, G_N_ELEMENTS(points), false);
    g_autoptr(GPtrArray) all = series_list(*state, "run", "one", NULL);
    assert_int_equal(all->len, 2);
    const struct series *loss = all->pdata[0];
    assert_string_equal(loss->name, "loss");
    assert_int_equal(loss->summary.count, 3);
    assert_true(loss->summary.minimum == 1 && loss->summary.maximum == 7);
    assert_true(fabs(loss->summary.mean - 4) < 1e-12);
    assert_true(fabs(loss->summary.deviation - sqrt(6)) < 1e-12);
    assert_true(loss->summary.last == 4 && loss->summary.time == 3000);
    assert_true(loss->latest.value == 4 && loss->latest.step == 2);
}

static void test_the_latest_is_of_the_greatest_step_time_and_value(void **state)
{
    static const struct series_point first[] = {{"loss", 5000, 3, 1}, {"loss", 9000, 2, 2}};
    static const struct series_point then[] = {{"loss", 5000, 3, 0.5}, {"loss", 6000, 3, 8}};
    add(*state, first, 2, false);
    add(*state, then, 2, false);
    g_autoptr(GPtrArray) all = series_list(*state, "run", "one", NULL);
    const struct series *loss = all->pdata[0];
    assert_true(loss->latest.value == 8 && loss->latest.time == 6000);
    assert_true(loss->summary.last == 2); /* of the greatest time */
}

static void test_repeats_count_where_they_are_said_to(void **state)
{
    static const struct series_point same[] = {{"loss", 1, 0, 5}, {"loss", 1, 0, 5}};
    static const struct series_point more[] = {{"more", 1, 0, 5}, {"more", 1, 0, 5}};
    add(*state, same, 2, false);
    add(*state, same, 2, false);
    add(*state, more, 2, true);
    add(*state, more, 2, true);
    g_autoptr(GPtrArray) all = series_list(*state, "run", "one", NULL);
    assert_int_equal(((const struct series *)all->pdata[0])->summary.count, 1);
    assert_int_equal(((const struct series *)all->pdata[1])->summary.count, 4);
}

static void test_what_is_not_finite_is_kept_and_not_summed_up(void **state)
{
    const struct series_point points[] = {
        {"loss", 1, 0, 5}, {"loss", 2, 1, INFINITY}, {"loss", 3, 2, NAN}, {"loss", 3, 2, NAN}};
    add(*state, points, 4, false);
    g_autoptr(GPtrArray) all = series_list(*state, "run", "one", NULL);
    const struct series *loss = all->pdata[0];
    assert_int_equal(loss->summary.count, 1);
    assert_true(isnan(loss->latest.value) && loss->latest.step == 2);
    g_autoptr(GArray) read = points_of(*state, "loss", false, 0, 0);
    assert_int_equal(read->len, 3);
    assert_true(isinf(g_array_index(read, struct series_point, 1).value));
    assert_true(isnan(g_array_index(read, struct series_point, 2).value));
}

static void test_points_come_in_order_and_in_pages(void **state)
{
    static const struct series_point points[] = {
        {"loss", 3, 0, 1}, {"loss", 1, 2, 2}, {"loss", 2, 1, 3}};
    add(*state, points, 3, false);
    g_autoptr(GArray) page = points_of(*state, "loss", false, 1, 1);
    assert_int_equal(page->len, 1);
    assert_true(g_array_index(page, struct series_point, 0).value == 3);
    g_autoptr(GArray) by_step = points_of(*state, "loss", true, 0, 2);
    assert_int_equal(by_step->len, 2);
    assert_true(g_array_index(by_step, struct series_point, 0).value == 1);
}

static void test_they_go_with_their_resource(void **state)
{
    static const struct series_point point = {"loss", 3, 0, 1};
    add(*state, &point, 1, false);
    assert_true(resource_delete(*state, "run", "one", NULL, NULL));
    g_autoptr(GPtrArray) all = series_list(*state, "run", "one", NULL);
    assert_int_equal(all->len, 0);
    g_autoptr(GArray) points = points_of(*state, "loss", false, 0, 0);
    assert_int_equal(points->len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_a_series_is_summed_up),
        TEST(test_the_latest_is_of_the_greatest_step_time_and_value),
        TEST(test_repeats_count_where_they_are_said_to),
        TEST(test_what_is_not_finite_is_kept_and_not_summed_up),
        TEST(test_points_come_in_order_and_in_pages),
        TEST(test_they_go_with_their_resource),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
