/* InvokeEndpoint where a process answers for the model (this very program, see main): where it
 * runs, and what AWS's error is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>

#include "base/file.h"
#include "container/exchange.h"
#include "container/worker_model.h"
#include "serve/endpoint.h"
#include "service/home.h"
#include "worker/serve.h"

static GBytes *answer(struct worker_server *server, GBytes *request, void *data, GError **error)
{
    (void)server, (void)data;
    const char *body;
    size_t size;
    g_autoptr(json_auto) head = exchange_unpack(request, &body, &size, error);
    if (size == 5 && memcmp(body, "crash", 5) == 0)
        raise(SIGKILL);
    g_autoptr(json_auto) answer = json_pack("{sissss}", "Status", 200, "ContentType", "text/plain",
                                            "CustomAttributes", "seen");
    return exchange_pack(answer, "fine", 4);
}

struct fixture {
    char *home;
    struct lathe *lathe;
};

static int up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    fixture->home = g_dir_make_tmp("lathe-invoke-XXXXXX", NULL);
    fixture->lathe = lathe_open(fixture->home, "123456789012", NULL, NULL);
    assert_non_null(fixture->lathe);
    assert_true(lathe_recover(fixture->lathe, NULL));
    char self[] = "/proc/self/exe", serve[] = "serve", path[] = "PATH=/usr/bin:/bin";
    char *argv[] = {self, serve, NULL}, *environment[] = {path, NULL};
    const struct workers_plan plan = {
        .name = "the model 'm'", .argv = argv, .environment = environment, .folder = "/"};
    struct served_model *model = worker_model_open(&plan, &(struct model_wait){0}, NULL);
    const struct endpoint_variant one = {"v", 1, model};
    endpoints_put(fixture->lathe->endpoints, "e", &one, 1, NULL);
    served_model_unref(model);
    *state = fixture;
    return 0;
}

static int down(void **state)
{
    struct fixture *fixture = *state;
    lathe_close(fixture->lathe);
    file_remove_tree(fixture->home, NULL);
    g_free(fixture->home);
    g_free(fixture);
    return 0;
}

static bool invoke(struct fixture *fixture, const char *words, struct reply *reply, GError **error)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(words, strlen(words));
    g_autoptr(stream_auto) body = stream_from_bytes(bytes);
    const struct call_context context = {.body = body};
    g_autoptr(json_auto) request = json_pack("{ss}", "EndpointName", "e");
    return operation_call(fixture->lathe->operations, &context, "sagemaker-runtime",
                          "InvokeEndpoint", request, reply, error);
}

static void a_process_answers(void **state)
{
    struct reply reply = {0};
    assert_true(invoke(*state, "1,2", &reply, NULL));
    assert_string_equal(json_text_at(reply.output, "ContentType"), "text/plain");
    assert_string_equal(json_text_at(reply.output, "CustomAttributes"), "seen");
    assert_string_equal(json_text_at(reply.output, "InvokedProductionVariant"), "v");
    reply_clear(&reply);
}

static void a_crash_is_a_model_error(void **state)
{
    struct reply reply = {0};
    g_autoptr(GError) error = NULL;
    assert_false(invoke(*state, "crash", &reply, &error));
    assert_string_equal(error_name(error), "ModelError");
    assert_int_equal(error_status(error), 424);
    assert_int_equal(json_integer_at(reply.output, "OriginalStatusCode", 0), 500);
    assert_non_null(strstr(json_text_at(reply.output, "OriginalMessage"), "signal 9"));
    reply_clear(&reply);
    a_process_answers(state);
}

static void it_runs_where_it_may_wait(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(json_auto) labels = json_pack("{ss}", "EndpointName", "e");
    const struct call_head head = {"InvokeEndpoint", labels, 1};
    assert_int_equal(operation_pace(fixture->lathe->operations, "sagemaker-runtime", &head),
                     PACE_WAITING);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc == 2)
        return worker_serve(answer, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_process_answers, up, down),
        cmocka_unit_test_setup_teardown(a_crash_is_a_model_error, up, down),
        cmocka_unit_test_setup_teardown(it_runs_where_it_may_wait, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
