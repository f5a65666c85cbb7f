/* The registry and operation_call: what runs, what does not, and client tokens under threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "operation/operation.h"
#include "store/resource.h"

struct lathe {
    atomic_int runs;
    struct store *store;
    bool fails, dies; /* CreateModelPackage: in its change, or after it */
};

static bool list_models(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)request, (void)error;
    atomic_fetch_add(&call->lathe->runs, 1);
    g_autofree char *arn = call_arn(call, "model", "m");
    reply->output = json_pack("{s:[{s:s, s:s, s:f}]}", "Models", "ModelName", "m", "ModelArn", arn,
                              "CreationTime", 1.5);
    return true;
}

/* Slow enough that threads meet in it. */
static bool create_pipeline(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)request, (void)error;
    int run = atomic_fetch_add(&call->lathe->runs, 1);
    usleep(20000);
    g_autofree char *name = g_strdup_printf("p-%d", run);
    g_autofree char *arn = call_arn(call, "pipeline", name);
    reply->output = json_pack("{s:s}", "PipelineArn", arn);
    return true;
}

static bool create_within(struct store_connection *connection, void *data, GError **error)
{
    const struct call *call = data;
    struct lathe *lathe = call->lathe;
    g_autofree char *arn = call_arn(call, "model-package", "g/1");
    g_autoptr(json_auto) body = json_object();
    g_autoptr(json_auto) answer = json_pack("{ss}", "ModelPackageArn", arn);
    struct resource resource = {.kind = (char *)"model-package",
                                .name = (char *)"g/1",
                                .arn = arn,
                                .status = (char *)"",
                                .parent = (char *)"",
                                .body = body};
    return resource_create_within(connection, lathe->store, &resource, NULL, error) &&
           call_remember(call, connection, answer, error) &&
           (!lathe->fails || error_set(error, ERROR_INTERNAL, "after it was remembered"));
}

static bool create_package(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    (void)request;
    if (!store_write(call->lathe->store, create_within, (void *)call, error))
        return false;
    if (call->lathe->dies)
        raise(SIGKILL);
    g_autofree char *arn = call_arn(call, "model-package", "g/1");
    reply->output = json_pack("{ss}", "ModelPackageArn", arn);
    return true;
}

static const struct operation operations_table[] = {
    {"CreateModelPackage", create_package, OPERATION_BLOCKING},
    {"CreatePipeline", create_pipeline, OPERATION_BLOCKING},
    {"ListModels", list_models, OPERATION_QUICK},
};
static const struct service sagemaker = {
    .name = "sagemaker", .operations = operations_table, .count = 3};

static struct lathe lathe;
static struct store *store;
static struct operations *operations;
static char *folder;

static int setup(void **state)
{
    (void)state;
    folder = g_dir_make_tmp("lathe-operation-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "meta.db", NULL);
    store = store_open(path, NULL);
    const struct service *const services[] = {&sagemaker, NULL};
    operations = operations_new(&lathe, store, services, "123456789012", NULL);
    return store && operations ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    operations_free(operations);
    store_close(store);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_free(folder);
    return 0;
}

static void test_runs_with_its_context(void **state)
{
    (void)state;
    const struct call_context context = {.region = "eu-west-1"};
    struct reply reply = {0};
    g_autoptr(GError) error = NULL;
    assert_true(
        operation_call(operations, &context, "sagemaker", "ListModels", NULL, &reply, &error));
    assert_string_equal(json_text_at(reply.output, "Models[0].ModelArn"),
                        "arn:aws:sagemaker:eu-west-1:123456789012:model/m");
    reply_clear(&reply);
}

static void refused(const char *service, const char *name, enum error_code code, const char *text)
{
    struct reply reply = {0};
    const struct call_context context = {0};
    g_autoptr(json_auto) request = json_object();
    g_autoptr(GError) error = NULL;
    int before = atomic_load(&lathe.runs);
    assert_false(operation_call(operations, &context, service, name, request, &reply, &error));
    assert_int_equal(error->code, code);
    assert_non_null(strstr(error->message, text));
    assert_int_equal(atomic_load(&lathe.runs), before);
    reply_clear(&reply);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("sagemaker", "CreatePipeline", ERROR_VALIDATION, "Value null at 'pipelineName'");
    refused("sagemaker", "CreateTrainingJob", ERROR_UNKNOWN_OPERATION, "is not built in lathe");
    refused("sagemaker", "MakeCoffee", ERROR_UNKNOWN_OPERATION, "has no operation MakeCoffee");
    refused("kitchen", "MakeCoffee", ERROR_UNKNOWN_OPERATION, "unknown service");
}

static void test_registering_is_checked(void **state)
{
    (void)state;
    static const struct operation unlisted[] = {{"CreateAutoMLJob", list_models, 0}};
    static const struct operation twice[] = {{"ListModels", list_models, 0},
                                             {"ListModels", list_models, 0}};
    static const struct operation invented[] = {{"MakeCoffee", list_models, 0}};
    const struct service wrong[] = {{.name = "sagemaker", .operations = unlisted, .count = 1},
                                    {.name = "sagemaker", .operations = twice, .count = 2},
                                    {.name = "sagemaker", .operations = invented, .count = 1},
                                    {.name = "kitchen", .operations = unlisted, .count = 1}};
    const char *const texts[] = {"tools/operations/sagemaker.txt", "registered twice",
                                 "no such operation", "no shapes"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        const struct service *const services[] = {&wrong[i], NULL};
        g_autoptr(GError) error = NULL;
        assert_null(operations_new(&lathe, store, services, "123456789012", &error));
        assert_non_null(strstr(error->message, texts[i]));
    }
}

static void *create_with_token(void *arn)
{
    g_autoptr(json_auto) request =
        json_pack("{s:s, s:s, s:s, s:s}", "PipelineName", "p", "PipelineDefinition", "{}",
                  "RoleArn", "arn:aws:iam::123456789012:role/service", "ClientRequestToken",
                  "0123456789012345678901234567890123456789");
    struct reply reply = {0};
    const struct call_context context = {0};
    if (operation_call(operations, &context, "sagemaker", "CreatePipeline", request, &reply, NULL))
        *(char **)arn = g_strdup(json_text_at(reply.output, "PipelineArn"));
    reply_clear(&reply);
    return NULL;
}

static void test_a_token_runs_once_however_many_send_it(void **state)
{
    (void)state;
    pthread_t threads[8];
    char *arns[8] = {NULL};
    int before = atomic_load(&lathe.runs);
    for (size_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, create_with_token, &arns[i]);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&lathe.runs), before + 1);
    for (size_t i = 0; i < 8; i++) {
        assert_non_null(arns[i]);
        assert_string_equal(arns[i], arns[0]);
    }
    for (size_t i = 0; i < 8; i++)
        g_free(arns[i]);
}

/* CreateModelPackage with a token, in a home of its own; whether it succeeded. */
static bool create_package_in(const char *path, bool fails, bool dies)
{
    struct lathe own = {.store = store_open(path, NULL), .fails = fails, .dies = dies};
    const struct service *const services[] = {&sagemaker, NULL};
    struct operations *all = operations_new(&own, own.store, services, "123456789012", NULL);
    g_autoptr(json_auto) request =
        json_pack("{ssss}", "ModelPackageGroupName", "g", "ClientToken", "once");
    struct reply reply = {0};
    const struct call_context context = {0};
    bool created =
        operation_call(all, &context, "sagemaker", "CreateModelPackage", request, &reply, NULL);
    if (created)
        assert_string_equal(json_text_at(reply.output, "ModelPackageArn"),
                            "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1");
    reply_clear(&reply);
    operations_free(all);
    store_close(own.store);
    return created;
}

static void test_a_crash_keeps_a_token_with_its_change_or_neither(void **state)
{
    (void)state;
    g_autofree char *path = g_build_filename(folder, "crash.db", NULL);
    assert_false(create_package_in(path, true, false)); /* the token is as new as before */
    pid_t child = fork();
    if (child == 0) {
        create_package_in(path, false, true);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(create_package_in(path, false, false)); /* what would now say that it exists */
    assert_true(create_package_in(path, false, false));
}

static void test_what_goes_on_is_asked_for_by_who_began_it(void **state)
{
    (void)state;
    g_autoptr(json_auto) body = json_object();
    call_keep(&(struct call){.region = "eu-west-1"}, body);
    assert_string_equal(call_kept(body).region, "eu-west-1");
    assert_false(call_kept(body).within);
    call_mark(&(struct call){.region = "us-east-1", .within = true}, body);
    call_mark(&(struct call){.region = "us-east-1"}, body);
    assert_string_equal(call_kept(body).region, "eu-west-1");
    assert_true(call_kept(body).within);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_with_its_context),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_what_goes_on_is_asked_for_by_who_began_it),
        cmocka_unit_test(test_registering_is_checked),
        cmocka_unit_test(test_a_token_runs_once_however_many_send_it),
        cmocka_unit_test(test_a_crash_keeps_a_token_with_its_change_or_neither),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
