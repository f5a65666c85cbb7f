/* Tasks on their threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <pthread.h>

#include "base/tasks.h"

#define TASKS 1000

struct work {
    struct tasks *tasks;
    int numbers[TASKS];
    int count;
};

static void take_number(void *data)
{
    struct work *work = data;
    work->numbers[work->count] = work->count;
    work->count++;
}

/* The count has no lock: the thread sanitizer would tell of two at once. */
static void test_one_thread_runs_them_in_order(void **state)
{
    (void)state;
    struct work work = {.tasks = tasks_new()};
    for (int i = 0; i < TASKS; i++)
        tasks_add(work.tasks, take_number, &work);
    tasks_wait(work.tasks);
    assert_int_equal(work.count, TASKS);
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(work.numbers[i], i);
    tasks_free(work.tasks);
}

static void meet(void *barrier)
{
    pthread_barrier_wait(barrier);
}

/* None of them would end alone. */
static void test_many_run_at_once(void **state)
{
    (void)state;
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 4);
    struct tasks *tasks = tasks_new_many(4);
    for (int i = 0; i < 8; i++)
        tasks_add(tasks, meet, &barrier);
    tasks_free(tasks);
    pthread_barrier_destroy(&barrier);
}

struct lender {
    struct tasks *tasks;
    pthread_barrier_t barrier;
};

static void wait_for_the_next(void *data)
{
    struct lender *lender = data;
    tasks_lend(lender->tasks);
    pthread_barrier_wait(&lender->barrier);
    tasks_take_back(lender->tasks);
}

static void come(void *data)
{
    pthread_barrier_wait(&((struct lender *)data)->barrier);
}

/* The first would wait for ever for the second, which has no thread of its own. */
static void test_one_that_waits_lends_its_place(void **state)
{
    (void)state;
    struct lender lender = {.tasks = tasks_new()};
    pthread_barrier_init(&lender.barrier, NULL, 2);
    for (int i = 0; i < 3; i++) {
        tasks_add(lender.tasks, wait_for_the_next, &lender);
        tasks_add(lender.tasks, come, &lender);
        tasks_wait(lender.tasks);
    }
    struct work work = {.tasks = lender.tasks}; /* one at a time again */
    for (int i = 0; i < TASKS; i++)
        tasks_add(work.tasks, take_number, &work);
    tasks_free(lender.tasks);
    assert_int_equal(work.count, TASKS);
    pthread_barrier_destroy(&lender.barrier);
}

static void add_another(void *data)
{
    struct work *work = data;
    if (++work->count < TASKS)
        tasks_add(work->tasks, add_another, work);
}

static void test_the_end_runs_what_tasks_add(void **state)
{
    (void)state;
    struct work work = {.tasks = tasks_new()};
    tasks_add(work.tasks, add_another, &work);
    tasks_free(work.tasks);
    assert_int_equal(work.count, TASKS);
    tasks_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thread_runs_them_in_order),
        cmocka_unit_test(test_many_run_at_once),
        cmocka_unit_test(test_one_that_waits_lends_its_place),
        cmocka_unit_test(test_the_end_runs_what_tasks_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
