/* Executions of pipelines in the engine's hands, with operations of the test's own: rows written
 * are counted, calls are held up, the clock is moved. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "flow/flows.h"
#include "flow/pipeline/pipeline.h"
#include "operation/kind.h"
#include "store/entry.h"
#include "store/resource.h"

/* ---- a house around the engine ---- */

struct house {
    char *folder;
    struct clock *clock;
    struct store *store;
    struct operations *operations;
    struct flows *flows;
    unsigned watch;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    unsigned ended, called, failures;
    bool open; /* what ListEndpoints waits for */
};

static struct house house;

static bool list_models(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)call;
    (void)request;
    (void)error;
    reply->output = json_pack("{s[]}", "Models");
    return true;
}

/* Takes as long as the test likes. */
static bool list_endpoints(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    (void)call;
    (void)request;
    (void)error;
    pthread_mutex_lock(&house.lock);
    house.called++;
    pthread_cond_broadcast(&house.changed);
    while (!house.open)
        pthread_cond_wait(&house.changed, &house.lock);
    pthread_mutex_unlock(&house.lock);
    reply->output = json_pack("{s[]}", "Endpoints");
    return true;
}

/* Fails as often as the test likes. */
static bool list_training_jobs(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)call;
    (void)request;
    pthread_mutex_lock(&house.lock);
    house.called++;
    bool fails = house.failures && house.failures--;
    pthread_cond_broadcast(&house.changed);
    pthread_mutex_unlock(&house.lock);
    if (fails)
        return error_set(error, ERROR_INTERNAL, "not today");
    reply->output = json_pack("{s[]}", "TrainingJobSummaries");
    return true;
}

static const struct operation operations[] = {{"ListModels", list_models, 0},
                                              {"ListEndpoints", list_endpoints, 0},
                                              {"ListTrainingJobs", list_training_jobs, 0}};
static const struct kind execution_kind = {.service = "sagemaker",
                                           .word = PIPELINE_EXECUTION,
                                           .name = "",
                                           .create = "StartPipelineExecution",
                                           .reason = "FailureReason",
                                           .good = {"Succeeded"},
                                           .bad = {"Failed"}};
static const struct kind *const kinds[] = {&execution_kind, NULL};
static const struct flow_driver *const drivers[] = {&pipeline_driver, NULL};
static const struct service sagemaker = {.name = "sagemaker",
                                         .operations = operations,
                                         .count = G_N_ELEMENTS(operations),
                                         .kinds = kinds,
                                         .drivers = drivers};
static const struct service *const services[] = {&sagemaker, NULL};

static void count_ends(const char *kind, const char *name, const char *status, void *data)
{
    (void)name;
    (void)data;
    bool ended = strcmp(kind, PIPELINE_EXECUTION) == 0 && strcmp(status, "Executing") != 0 &&
                 strcmp(status, "Stopping") != 0;
    pthread_mutex_lock(&house.lock);
    house.ended += ended;
    pthread_cond_broadcast(&house.changed);
    pthread_mutex_unlock(&house.lock);
}

static void open_flows(void)
{
    house.flows = flows_open(house.store, house.operations, house.clock, NULL);
    assert_non_null(house.flows);
}

static int open_house(void **state)
{
    (void)state;
    house = (struct house){.folder = g_dir_make_tmp("lathe-flow-XXXXXX", NULL),
                           .clock = clock_open(NULL)};
    g_autofree char *path = g_build_filename(house.folder, "meta.db", NULL);
    pthread_mutex_init(&house.lock, NULL);
    pthread_cond_init(&house.changed, NULL);
    house.store = store_open(path, NULL);
    house.operations =
        operations_new((struct lathe *)&house, house.store, services, "123456789012", NULL);
    if (!house.store || !house.operations)
        return -1;
    house.watch = store_watch(house.store, count_ends, NULL);
    open_flows();
    return 0;
}

static int close_house(void **state)
{
    (void)state;
    flows_close(house.flows);
    store_unwatch(house.store, house.watch);
    operations_free(house.operations);
    store_close(house.store);
    clock_close(house.clock);
    file_remove_tree(house.folder, NULL);
    g_free(house.folder);
    return 0;
}

/* ---- definitions ---- */

static json_t *operation_step(int number, const char *operation, bool chained)
{
    g_autofree char *name = g_strdup_printf("s%d", number);
    g_autofree char *before = g_strdup_printf("s%d", number - 1);
    json_t *step = json_pack("{ssssssss s{}}", "Name", name, "Type", "Operation", "Service",
                             "sagemaker", "Operation", operation, "Arguments");
    if (chained && number)
        json_object_set_new(step, "DependsOn", json_pack("[s]", before));
    return step;
}

/* Done where it is begun: no operation is called. */
static json_t *condition_step(int number)
{
    json_t *step = operation_step(number, "ListModels", true);
    json_object_set_new(step, "Type", json_string("Condition"));
    json_object_del(step, "Service");
    json_object_del(step, "Operation");
    json_object_set_new(step, "Arguments",
                        json_pack("{s[{sssisi}]s[]s[]}", "Conditions", "Type", "Equals",
                                  "LeftValue", 2, "RightValue", 1, "IfSteps", "ElseSteps"));
    return step;
}

/* Takes steps. */
static void keep_definition(const char *pipeline, json_t *steps)
{
    g_autoptr(json_auto) definition = json_pack("{ss so}", "Version", "2020-12-01", "Steps", steps);
    g_autofree char *text = json_text_of(definition);
    g_autofree char *name = pipeline_version_name(pipeline, 1);
    g_autoptr(json_auto) body = json_pack("{ss}", "PipelineDefinition", text);
    struct resource version = {.kind = (char *)PIPELINE_VERSION,
                               .name = name,
                               .arn = (char *)"",
                               .status = (char *)"",
                               .parent = (char *)pipeline,
                               .body = body};
    assert_true(resource_create(house.store, &version, NULL, NULL));
}

static void start(const char *pipeline, const char *id)
{
    g_autoptr(json_auto) body =
        json_pack("{sssssssis{}}", "PipelineName", pipeline, "PipelineArn", "arn", "Region",
                  "us-east-1", "PipelineVersionId", 1, "Parameters");
    g_autofree char *arn = g_strdup_printf("arn/%s", id);
    struct resource execution = {.kind = (char *)PIPELINE_EXECUTION,
                                 .name = (char *)id,
                                 .arn = arn,
                                 .status = (char *)"Executing",
                                 .parent = (char *)pipeline,
                                 .body = body};
    assert_true(resource_create(house.store, &execution, NULL, NULL));
}

static bool stop(struct resource *execution, void *data, GError **error)
{
    (void)data;
    (void)error;
    g_free(execution->status);
    execution->status = g_strdup("Stopping");
    return true;
}

static void wait_for(const unsigned *count, unsigned wanted)
{
    pthread_mutex_lock(&house.lock);
    while (*count < wanted)
        pthread_cond_wait(&house.changed, &house.lock);
    pthread_mutex_unlock(&house.lock);
}

static void assert_status(const char *id, const char *status)
{
    g_autoptr(resource_auto) execution = resource_get(house.store, PIPELINE_EXECUTION, id, NULL);
    assert_string_equal(execution->status, status);
}

/* How many of an execution's entries have that status. */
static unsigned count_steps(const char *id, const char *status)
{
    struct entry_query query = {.kind = PIPELINE_EXECUTION, .owner = id};
    g_autoptr(GPtrArray) entries = entry_list(house.store, &query, NULL);
    unsigned count = 0;
    for (guint i = 0; i < entries->len; i++) {
        const struct entry *entry = g_ptr_array_index(entries, i);
        count += strcmp(json_text_at(entry->body, "StepStatus"), status) == 0;
    }
    return count;
}

static void let_calls_go(void)
{
    pthread_mutex_lock(&house.lock);
    house.open = true;
    pthread_cond_broadcast(&house.changed);
    pthread_mutex_unlock(&house.lock);
}

/* ---- rows ---- */

/* Under the thread sanitizer a thousand would take a minute, and find no more races than these. */
#ifdef __SANITIZE_THREAD__
#define MANY 100
#else
#define MANY 1000
#endif

/* A step that calls is written when it is begun and when it is done, and its execution beside it.
 */
static void assert_rows(gint64 before, int steps, int executions)
{
    gint64 rows = store_rows_written(house.store) - before;
    if (rows > 3 * (gint64)steps + 3 * executions || rows < steps)
        fail_msg("%d steps of %d executions wrote %ld rows", steps, executions, (long)rows);
}

static void a_long_chain_writes_rows_linear_in_its_steps(void **state)
{
    (void)state;
    enum { STEPS = 4000 };
    json_t *steps = json_array();
    for (int i = 0; i < STEPS; i++)
        json_array_append_new(steps, operation_step(i, "ListModels", true));
    keep_definition("long", steps);
    gint64 before = store_rows_written(house.store);
    start("long", "one");
    wait_for(&house.ended, 1);
    assert_status("one", "Succeeded");
    assert_int_equal(count_steps("one", "Succeeded"), STEPS);
    assert_rows(before, STEPS, 1);
}

static void many_executions_at_once_write_rows_linear_in_their_steps(void **state)
{
    (void)state;
    enum { EXECUTIONS = MANY, STEPS = 100, CALLS = 4 };
    json_t *steps = json_array();
    for (int i = 0; i < STEPS; i++)
        json_array_append_new(steps, i % (STEPS / CALLS) ? condition_step(i)
                                                         : operation_step(i, "ListModels", true));
    keep_definition("many", steps);
    gint64 before = store_rows_written(house.store);
    flows_close(house.flows); /* they begin at once */
    for (int i = 0; i < EXECUTIONS; i++) {
        g_autofree char *id = g_strdup_printf("e%d", i);
        start("many", id);
    }
    open_flows();
    wait_for(&house.ended, EXECUTIONS);
    for (int i = 0; i < EXECUTIONS; i += 99) {
        g_autofree char *id = g_strdup_printf("e%d", i);
        assert_status(id, "Succeeded");
        assert_int_equal(count_steps(id, "Succeeded"), STEPS);
    }
    assert_rows(before, EXECUTIONS * STEPS, EXECUTIONS);
}

/* ---- calls that take long ---- */

/* More of them than one execution may have under way. */
static void keep_slow_definition(void)
{
    json_t *steps = json_array();
    for (int i = 0; i < 40; i++)
        json_array_append_new(steps, operation_step(i, "ListEndpoints", false));
    keep_definition("slow", steps);
    keep_definition("quick", json_pack("[o]", operation_step(0, "ListModels", false)));
}

static void calls_that_take_long_hold_up_no_other_execution(void **state)
{
    (void)state;
    keep_slow_definition();
    start("slow", "slow");
    wait_for(&house.called, 2); /* several of an execution are called at once */
    start("quick", "quick");
    wait_for(&house.ended, 1);
    assert_status("quick", "Succeeded");
    assert_status("slow", "Executing");
    let_calls_go();
    wait_for(&house.ended, 2);
    assert_status("slow", "Succeeded");
    assert_int_equal(house.called, 40);
}

static void a_stop_is_heard_while_calls_take_long(void **state)
{
    (void)state;
    keep_slow_definition();
    start("slow", "slow");
    wait_for(&house.called, 2);
    assert_true(resource_update(house.store, PIPELINE_EXECUTION, "slow", stop, NULL, NULL, NULL));
    while (count_steps("slow", "Stopped") == 0) /* those that were not called yet */
        g_usleep(1000);
    unsigned called = count_steps("slow", "Stopping");
    assert_true(called >= 2 && called + count_steps("slow", "Stopped") == 40);
    let_calls_go();
    wait_for(&house.ended, 1);
    assert_status("slow", "Stopped");
    assert_int_equal(count_steps("slow", "Succeeded"), called);
    assert_int_equal(house.called, called);
}

static void what_was_called_is_called_again_where_its_answer_was_never_kept(void **state)
{
    (void)state;
    keep_slow_definition();
    json_t *one = operation_step(0, "ListEndpoints", false);
    keep_definition("one", json_pack("[o]", one));
    start("one", "one");
    wait_for(&house.called, 1);
    let_calls_go();
    flows_close(house.flows);
    open_flows();
    wait_for(&house.ended, 1);
    assert_status("one", "Succeeded");
    assert_int_equal(count_steps("one", "Succeeded"), 1);
}

/* ---- the clock ---- */

static void a_retry_waits_on_the_clock(void **state)
{
    (void)state;
    json_t *step = operation_step(0, "ListTrainingJobs", false);
    json_object_set_new(step, "RetryPolicies",
                        json_pack("[{s[s]sisisi}]", "ExceptionType", "Step.SERVICE_FAULT",
                                  "IntervalSeconds", 3600, "BackoffRate", 1, "MaxAttempts", 3));
    keep_definition("retried", json_pack("[o]", step));
    house.failures = 2;
    start("retried", "retried");
    for (unsigned attempt = 1; attempt <= 2; attempt++) {
        wait_for(&house.called, attempt);
        while (count_steps("retried", "Starting") == 0)
            g_usleep(1000);
        clock_move(house.clock, 3000);
        assert_int_equal(house.called, attempt);
        assert_int_equal(count_steps("retried", "Starting"), 1);
        clock_move(house.clock, 700);
    }
    wait_for(&house.ended, 1);
    assert_status("retried", "Succeeded");
    assert_int_equal(house.called, 3);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_long_chain_writes_rows_linear_in_its_steps),
        TEST(many_executions_at_once_write_rows_linear_in_their_steps),
        TEST(calls_that_take_long_hold_up_no_other_execution),
        TEST(a_stop_is_heard_while_calls_take_long),
        TEST(what_was_called_is_called_again_where_its_answer_was_never_kept),
        TEST(a_retry_waits_on_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
