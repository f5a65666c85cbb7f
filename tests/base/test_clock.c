/* The clock: alarms go off in order, once, at their time and not before; cancelled ones never. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define DAY 86400.0

struct story {
    struct clock *clock;
    GString *told;
    double times[8]; /* the steady time at which each part was told */
    guint64 other;
};

struct part {
    struct story *story;
    char letter;
};

static void tell(void *data)
{
    const struct part *part = data;
    struct story *story = part->story;
    story->times[story->told->len % 8] = clock_steady(story->clock);
    g_string_append_c(story->told, part->letter);
}

static int begin(void **state)
{
    struct story *story = g_new0(struct story, 1);
    story->clock = clock_open(NULL);
    story->told = g_string_new("");
    *state = story;
    return story->clock ? 0 : -1;
}

static int end(void **state)
{
    struct story *story = *state;
    clock_close(story->clock);
    g_string_free(story->told, TRUE);
    g_free(story);
    return 0;
}

static void goes_off_in_order(void **state)
{
    struct story *story = *state;
    struct part a = {story, 'a'}, b = {story, 'b'}, c = {story, 'c'}, d = {story, 'd'};
    double wall = clock_wall(story->clock), steady = clock_steady(story->clock);
    clock_set(story->clock, CLOCK_STEADY, steady + 3 * DAY, tell, &c);
    clock_set(story->clock, CLOCK_WALL, wall + DAY, tell, &a);
    clock_set(story->clock, CLOCK_WALL, wall + 4 * DAY, tell, &d);
    clock_set(story->clock, CLOCK_STEADY, steady + 2 * DAY, tell, &b);
    clock_move(story->clock, DAY / 2);
    assert_string_equal(story->told->str, "");
    clock_move(story->clock, 3 * DAY);
    assert_string_equal(story->told->str, "abc");
    for (int i = 0; i < 3; i++) {
        /* To the second: the two times were not read at the same moment. */
        assert_true(story->times[i] >= steady + (i + 1) * DAY - 1);
        assert_true(story->times[i] < steady + (i + 1.5) * DAY);
    }
    clock_move(story->clock, DAY);
    assert_string_equal(story->told->str, "abcd");
}

static void the_same_time_keeps_the_order_of_setting(void **state)
{
    struct story *story = *state;
    struct part a = {story, 'a'}, b = {story, 'b'}, c = {story, 'c'};
    double at = clock_wall(story->clock) + DAY;
    clock_set(story->clock, CLOCK_WALL, at, tell, &a);
    clock_set(story->clock, CLOCK_WALL, at, tell, &b);
    clock_set(story->clock, CLOCK_WALL, at, tell, &c);
    clock_move(story->clock, 2 * DAY);
    assert_string_equal(story->told->str, "abc");
}

static void cancelled_it_never_goes_off(void **state)
{
    struct story *story = *state;
    struct part a = {story, 'a'}, b = {story, 'b'};
    guint64 id = clock_set(story->clock, CLOCK_WALL, clock_wall(story->clock) + DAY, tell, &a);
    clock_set(story->clock, CLOCK_WALL, clock_wall(story->clock) + DAY, tell, &b);
    clock_cancel(story->clock, id);
    clock_cancel(story->clock, id);
    clock_cancel(story->clock, 0);
    clock_move(story->clock, 2 * DAY);
    assert_string_equal(story->told->str, "b");
}

/* Each day again, as a schedule does. */
static void tell_daily(void *data)
{
    const struct part *part = data;
    struct story *story = part->story;
    tell(data);
    clock_set(story->clock, CLOCK_STEADY, clock_steady(story->clock) + DAY, tell_daily, data);
}

static void what_a_wake_sets_goes_off_at_its_own_time(void **state)
{
    struct story *story = *state;
    struct part a = {story, 'a'};
    double start = clock_steady(story->clock);
    clock_set(story->clock, CLOCK_STEADY, start + DAY, tell_daily, &a);
    clock_move(story->clock, 5.5 * DAY);
    assert_string_equal(story->told->str, "aaaaa");
    for (int i = 0; i < 5; i++)
        assert_true(story->times[i] < start + (i + 1.5) * DAY);
}

static void cancel_other(void *data)
{
    struct part *part = data;
    clock_cancel(part->story->clock, part->story->other);
    tell(data);
}

static void a_wake_may_cancel(void **state)
{
    struct story *story = *state;
    struct part a = {story, 'a'}, b = {story, 'b'};
    double now = clock_wall(story->clock);
    clock_set(story->clock, CLOCK_WALL, now + DAY, cancel_other, &a);
    story->other = clock_set(story->clock, CLOCK_WALL, now + 2 * DAY, tell, &b);
    clock_move(story->clock, 3 * DAY);
    assert_string_equal(story->told->str, "a");
}

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool in, open, out;
};

static void pass(void *data)
{
    struct gate *gate = data;
    pthread_mutex_lock(&gate->lock);
    gate->in = true;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    gate->out = true;
    pthread_mutex_unlock(&gate->lock);
}

static void *open_gate(void *data)
{
    struct gate *gate = data;
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
    return NULL;
}

/* Real time, and a cancel that comes while the alarm goes off: it returns after the alarm's end. */
static void cancel_waits_for_a_wake_under_way(void **state)
{
    struct story *story = *state;
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, false};
    guint64 id = clock_set(story->clock, CLOCK_STEADY, 0, pass, &gate);
    pthread_mutex_lock(&gate.lock);
    while (!gate.in)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    pthread_t opener;
    assert_int_equal(pthread_create(&opener, NULL, open_gate, &gate), 0);
    clock_cancel(story->clock, id);
    assert_true(gate.out);
    pthread_join(opener, NULL);
}

static void thousands(void **state)
{
    struct story *story = *state;
    struct part a = {story, 'a'};
    g_autofree guint64 *ids = g_new(guint64, 10000);
    for (int i = 0; i < 10000; i++)
        ids[i] = clock_set(story->clock, i % 2 ? CLOCK_WALL : CLOCK_STEADY,
                           (i % 2 ? clock_wall(story->clock) : clock_steady(story->clock)) + DAY +
                               i * 7919 % 10000,
                           tell, &a);
    for (int i = 0; i < 10000; i += 2)
        clock_cancel(story->clock, ids[i]);
    clock_move(story->clock, 2 * DAY);
    assert_int_equal(story->told->len, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_off_in_order, begin, end),
        cmocka_unit_test_setup_teardown(the_same_time_keeps_the_order_of_setting, begin, end),
        cmocka_unit_test_setup_teardown(cancelled_it_never_goes_off, begin, end),
        cmocka_unit_test_setup_teardown(what_a_wake_sets_goes_off_at_its_own_time, begin, end),
        cmocka_unit_test_setup_teardown(a_wake_may_cancel, begin, end),
        cmocka_unit_test_setup_teardown(cancel_waits_for_a_wake_under_way, begin, end),
        cmocka_unit_test_setup_teardown(thousands, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
