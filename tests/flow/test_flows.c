/* The engine with a driver of the test's own: what it promises in driver.h. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "flow/driver.h"
#include "flow/flows.h"
#include "operation/kind.h"
#include "store/resource.h"

#define KIND "made-up"

/* ---- a house around the engine ---- */

struct state {
    struct flow_life *life;
    unsigned turns;
    bool told; /* it heard of what it awaits, or of itself */
};

static struct {
    char *folder;
    struct clock *clock;
    struct store *store;
    struct operations *operations;
    struct flows *flows;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    /* What the driver does, as the test likes; under the lock. */
    enum flow_turn (*advance)(struct state *state, GError **error);
    bool unreadable;
    /* What happened. */
    unsigned loaded, advanced, heard, freed;
    unsigned begun, back, done; /* errands */
    bool open;                  /* what long errands wait for */
} house;

static void count(unsigned *counter)
{
    pthread_mutex_lock(&house.lock);
    ++*counter;
    pthread_cond_broadcast(&house.changed);
    pthread_mutex_unlock(&house.lock);
}

static void wait_for(const unsigned *counter, unsigned wanted)
{
    pthread_mutex_lock(&house.lock);
    while (*counter < wanted)
        pthread_cond_wait(&house.changed, &house.lock);
    pthread_mutex_unlock(&house.lock);
}

static void assert_count(const unsigned *counter, unsigned wanted)
{
    pthread_mutex_lock(&house.lock);
    unsigned found = *counter;
    pthread_mutex_unlock(&house.lock);
    assert_int_equal(found, wanted);
}

static void let_errands_go(void)
{
    pthread_mutex_lock(&house.lock);
    house.open = true;
    pthread_cond_broadcast(&house.changed);
    pthread_mutex_unlock(&house.lock);
}

/* ---- the driver ---- */

static void *load(struct flow_life *life, GError **error)
{
    g_autoptr(resource_auto) resource =
        resource_get(flow_context(life)->store, KIND, flow_name(life), error);
    if (!resource || strcmp(resource->status, "Going") != 0)
        return NULL;
    bool unreadable = house.unreadable;
    count(&house.loaded);
    if (unreadable) {
        error_set(error, ERROR_INTERNAL, "this cannot be read");
        return NULL;
    }
    struct state *state = g_new0(struct state, 1);
    state->life = life;
    return state;
}

static void hear(void *state, const char *kind, const char *name, const char *status)
{
    (void)kind;
    (void)name;
    (void)status;
    ((struct state *)state)->told = true;
    count(&house.heard);
}

static enum flow_turn advance(void *data, GError **error)
{
    struct state *state = data;
    state->turns++;
    enum flow_turn turn = house.advance(state, error);
    count(&house.advanced);
    return turn;
}

static double wakes_at(const void *state)
{
    (void)state;
    return 0;
}

static void free_state(void *state)
{
    g_free(state);
    count(&house.freed);
}

static const char *const statuses[] = {"Going", "Stopping", NULL};
static const struct flow_driver driver = {KIND,    statuses, load,      hear,
                                          advance, wakes_at, free_state};
static const struct flow_driver *const drivers[] = {&driver, NULL};
static const struct kind made_up = {.service = "sagemaker",
                                    .word = KIND,
                                    .name = "",
                                    .create = "",
                                    .reason = "FailureReason",
                                    .good = {"Ended"},
                                    .bad = {"Failed"}};
static const struct kind *const kinds[] = {&made_up, NULL};
static const struct service sagemaker = {.name = "sagemaker", .kinds = kinds, .drivers = drivers};
static const struct service *const services[] = {&sagemaker, NULL};

/* ---- errands ---- */

static void run_long(void *data)
{
    (void)data;
    count(&house.begun);
    pthread_mutex_lock(&house.lock);
    while (!house.open)
        pthread_cond_wait(&house.changed, &house.lock);
    pthread_mutex_unlock(&house.lock);
}

static void run_brief(void *data)
{
    (void)data;
}

static void is_back(void *state, void *data)
{
    (void)state;
    (void)data;
    count(&house.back);
}

static void is_done(void *data)
{
    (void)data;
    count(&house.done);
}

static const struct flow_errand long_errand = {run_long, is_back, is_done, false};
static const struct flow_errand brief_errand = {run_brief, is_back, is_done, true};

/* ---- setting up ---- */

static int open_house(void **state)
{
    (void)state;
    memset(&house, 0, sizeof(house));
    house.folder = g_dir_make_tmp("lathe-flows-XXXXXX", NULL);
    house.clock = clock_open(NULL);
    g_autofree char *path = g_build_filename(house.folder, "meta.db", NULL);
    pthread_mutex_init(&house.lock, NULL);
    pthread_cond_init(&house.changed, NULL);
    house.store = store_open(path, NULL);
    house.operations =
        operations_new((struct lathe *)&house, house.store, services, "123456789012", NULL);
    house.flows = flows_open(house.store, house.operations, house.clock, NULL);
    return house.flows ? 0 : -1;
}

static int close_house(void **state)
{
    (void)state;
    flows_close(house.flows);
    operations_free(house.operations);
    store_close(house.store);
    clock_close(house.clock);
    file_remove_tree(house.folder, NULL);
    g_free(house.folder);
    return 0;
}

static void put(const char *kind, const char *name, const char *status)
{
    g_autoptr(json_auto) body = json_object();
    g_autofree char *arn = g_strdup_printf("arn/%s/%s", kind, name);
    struct resource resource = {.kind = (char *)kind,
                                .name = (char *)name,
                                .arn = arn,
                                .status = (char *)status,
                                .parent = (char *)"",
                                .body = body};
    assert_true(resource_create(house.store, &resource, NULL, NULL));
}

static bool change_status(struct resource *resource, void *data, GError **error)
{
    (void)error;
    g_free(resource->status);
    resource->status = g_strdup(data);
    return true;
}

static void give_status(const char *kind, const char *name, const char *status)
{
    assert_true(
        resource_update(house.store, kind, name, change_status, (void *)status, NULL, NULL));
}

/* ---- turns ---- */

static enum flow_turn wait_to_be_told(struct state *state, GError **error)
{
    (void)error;
    flow_await(state->life, "thing", "one");
    if (state->told)
        give_status(KIND, flow_name(state->life), "Ended");
    return state->told ? FLOW_ENDED : FLOW_WAITS;
}

static void all_that_await_a_thing_hear_of_it(void **unused)
{
    (void)unused;
    house.advance = wait_to_be_told;
    put("thing", "one", "New");
    put(KIND, "a", "Going");
    put(KIND, "b", "Going");
    wait_for(&house.advanced, 2);
    put("thing", "other", "New");
    assert_count(&house.heard, 0);
    give_status("thing", "one", "Old");
    wait_for(&house.freed, 2);
    assert_count(&house.heard, 2);
    assert_count(&house.loaded, 2);
    give_status("thing", "one", "Older");
    assert_count(&house.heard, 2);
}

static void a_deleted_one_ends_and_may_come_again(void **unused)
{
    (void)unused;
    house.advance = wait_to_be_told;
    put(KIND, "a", "Going");
    wait_for(&house.advanced, 1);
    assert_true(resource_delete(house.store, KIND, "a", NULL, NULL));
    wait_for(&house.freed, 1);
    assert_count(&house.advanced, 1);
    assert_count(&house.heard, 0);
    put(KIND, "a", "Going");
    wait_for(&house.advanced, 2);
    assert_count(&house.loaded, 2);
}

static void one_that_cannot_be_read_fails_with_the_reason(void **unused)
{
    (void)unused;
    house.unreadable = true;
    put(KIND, "a", "Going");
    wait_for(&house.loaded, 1);
    flows_close(house.flows); /* its turn is over */
    house.flows = NULL;
    g_autoptr(resource_auto) failed = resource_get(house.store, KIND, "a", NULL);
    assert_string_equal(failed->status, "Failed");
    assert_string_equal(json_text_at(failed->body, "FailureReason"), "this cannot be read");
}

static enum flow_turn fail_at_first(struct state *state, GError **error)
{
    if (state->turns > 1)
        return FLOW_ENDED;
    error_set(error, ERROR_INTERNAL, "the store is full");
    return FLOW_FAILED;
}

static void what_could_not_be_written_is_tried_again_in_a_second(void **unused)
{
    (void)unused;
    house.advance = fail_at_first;
    put(KIND, "a", "Going");
    wait_for(&house.freed, 1);
    assert_count(&house.advanced, 2);
    assert_count(&house.loaded, 1);
}

/* ---- errands that take long ---- */

static enum flow_turn send_one_and_end(struct state *state, GError **error)
{
    (void)error;
    flow_send(state->life, &long_errand, NULL);
    give_status(KIND, flow_name(state->life), "Ended");
    return FLOW_ENDED;
}

static enum flow_turn wait(struct state *state, GError **error)
{
    (void)state;
    (void)error;
    return FLOW_WAITS;
}

static void an_errand_of_an_earlier_life_comes_back_to_none(void **unused)
{
    (void)unused;
    house.advance = send_one_and_end;
    put(KIND, "a", "Going");
    wait_for(&house.freed, 1);
    wait_for(&house.begun, 1);
    house.advance = wait;
    give_status(KIND, "a", "Going");
    wait_for(&house.advanced, 2);
    let_errands_go();
    wait_for(&house.done, 1);
    assert_count(&house.back, 0);
    assert_count(&house.loaded, 2);
}

/* The life "brief" sends one that is brief, the others as many long ones as they may. */
static enum flow_turn send_all(struct state *state, GError **error)
{
    (void)error;
    bool brief = strcmp(flow_name(state->life), "brief") == 0;
    if (state->turns > 1)
        return FLOW_WAITS;
    if (brief)
        flow_send(state->life, &brief_errand, NULL);
    while (!brief && flow_may_send(state->life))
        flow_send(state->life, &long_errand, NULL);
    return FLOW_WAITS;
}

static void brief_errands_wait_for_no_long_ones(void **unused)
{
    (void)unused;
    enum { LIVES = 12, THREADS = 64, OF_ONE = 8 };
    house.advance = send_all;
    for (unsigned i = 0; i < LIVES; i++) {
        g_autofree char *name = g_strdup_printf("l%u", i);
        put(KIND, name, "Going");
    }
    wait_for(&house.advanced, LIVES);
    wait_for(&house.begun, THREADS);
    put(KIND, "brief", "Going");
    wait_for(&house.back, 1);
    assert_count(&house.begun, THREADS);
    let_errands_go();
    wait_for(&house.back, LIVES * OF_ONE + 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_that_await_a_thing_hear_of_it),
        TEST(a_deleted_one_ends_and_may_come_again),
        TEST(one_that_cannot_be_read_fails_with_the_reason),
        TEST(what_could_not_be_written_is_tried_again_in_a_second),
        TEST(an_errand_of_an_earlier_life_comes_back_to_none),
        TEST(brief_errands_wait_for_no_long_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
