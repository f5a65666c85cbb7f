/* Models that processes answer for: this very program is the process (see serve). What a call asks
 * of it is its body's first word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "container/exchange.h"
#include "container/worker_model.h"
#include "serve/endpoint.h"
#include "worker/serve.h"

/* ---- the process ---- */

static GBytes *answer_as(int status, const char *text)
{
    g_autoptr(json_auto) head = json_pack("{si}", "Status", status);
    return exchange_pack(head, text, strlen(text));
}

/* What the process was told, as the answer. */
static GBytes *tell(const json_t *head, const char *body, size_t size)
{
    g_autoptr(json_auto) answer =
        json_pack("{sissss}", "Status", 201, "ContentType", "text/plain; charset=utf-8",
                  "CustomAttributes", "from the process");
    g_autofree char *text = json_dumps(head, JSON_SORT_KEYS | JSON_COMPACT);
    g_autoptr(GString) told = g_string_new(text);
    g_string_append_len(told, body, (gssize)size);
    return exchange_pack(answer, told->str, told->len);
}

static GBytes *wait_for_file(const char *path)
{
    while (access(path, F_OK) != 0)
        g_usleep(1000);
    return answer_as(200, "at last");
}

static GBytes *answer(struct worker_server *server, GBytes *request, void *data, GError **error)
{
    (void)server, (void)data;
    const char *body;
    size_t size;
    g_autoptr(json_auto) head = exchange_unpack(request, &body, &size, error);
    g_autofree char *words = g_strndup(size ? body : "", size);
    if (!head || g_str_has_prefix(words, "crash"))
        raise(SIGKILL);
    if (g_str_has_prefix(words, "hang"))
        sleep(60);
    if (g_str_has_prefix(words, "/"))
        return wait_for_file(words);
    if (strcmp(words, "refuse") == 0)
        return answer_as(415, "no \xff such type");
    if (strcmp(words, "fail") == 0)
        return answer_as(503, "the model is out");
    if (strcmp(words, "nothing") == 0)
        return answer_as(204, "");
    if (strcmp(words, "status") == 0)
        return answer_as(42, "");
    if (strcmp(words, "nonsense") == 0)
        return g_bytes_new("\xff\xff\xff\xff", 4);
    if (strcmp(words, "short") == 0)
        return g_bytes_new("\x01", 1);
    if (strcmp(words, "list") == 0)
        return g_bytes_new("\x02\0\0\0[]", 6);
    if (strcmp(words, "split") == 0) {
        g_autoptr(json_auto) evil =
            json_pack("{siss}", "Status", 200, "ContentType", "text/csv\r\nX-Evil: 1");
        return exchange_pack(evil, "1", 1);
    }
    if (strcmp(words, "error") == 0) {
        error_set(error, ERROR_VALIDATION, "model_fn raised ValueError");
        return NULL;
    }
    return tell(head, body, size);
}

/* ---- the endpoint's side ---- */

static int up(void **state)
{
    *state = endpoints_new();
    return 0;
}

static int down(void **state)
{
    endpoints_free(*state);
    return 0;
}

static void put(struct endpoints *endpoints, struct workers_plan plan)
{
    char self[] = "/proc/self/exe", serve[] = "serve", path[] = "PATH=/usr/bin:/bin";
    char *argv[] = {self, serve, NULL}, *environment[] = {path, NULL};
    plan.name = "the model 'm'";
    plan.argv = argv;
    plan.environment = environment;
    plan.folder = "/";
    struct served_model *model = worker_model_open(&plan, &(struct model_wait){0}, NULL);
    assert_non_null(model);
    struct endpoint_variant one = {.name = "v", .weight = 1, .model = model};
    endpoints_put(endpoints, "e", &one, 1, NULL);
    served_model_unref(model);
}

static struct invocation ask(const char *words)
{
    return (struct invocation){
        .endpoint = "e", .account = "123456789012", .bytes = words, .size = strlen(words)};
}

static void expect(struct endpoints *endpoints, const char *words, const char *right)
{
    g_autoptr(GError) error = NULL;
    struct invocation invocation = ask(words);
    struct invocation_reply reply = {0};
    if (!endpoint_invoke(endpoints, &invocation, &reply, &error))
        fail_msg("%s: %s", words, error->message);
    assert_int_equal(reply.body.size, strlen(right));
    assert_memory_equal(reply.body.bytes, right, strlen(right));
    invocation_reply_clear(&reply);
}

static void expect_refusal(struct endpoints *endpoints, const char *words, unsigned status,
                           const char *text)
{
    g_autoptr(GError) error = NULL;
    struct invocation invocation = ask(words);
    struct invocation_reply reply = {0};
    assert_false(endpoint_invoke(endpoints, &invocation, &reply, &error));
    assert_true(g_error_matches(error, LATHE_ERROR, ERROR_MODEL));
    assert_int_equal(reply.refused_status, status);
    if (!strstr(reply.refusal, text))
        fail_msg("\"%s\" does not say \"%s\"", reply.refusal, text);
    assert_non_null(strstr(error->message, reply.refusal));
    invocation_reply_clear(&reply);
}

static void a_process_is_told_the_request_and_answers_it(void **state)
{
    struct invocation_reply reply = {0};
    put(*state, (struct workers_plan){0});
    struct invocation invocation = ask("bytes \x01\xfe");
    invocation.content_type = "application/x-npy";
    invocation.accept = "text/plain";
    invocation.target_model = "m.tar.gz";
    invocation.custom_attributes = "trace=1";
    invocation.inference_id = "7";
    assert_true(endpoint_invoke(*state, &invocation, &reply, NULL));
    const char *told = "{\"Accept\":\"text/plain\",\"ContentType\":\"application/x-npy\","
                       "\"CustomAttributes\":\"trace=1\",\"InferenceId\":\"7\","
                       "\"TargetModel\":\"m.tar.gz\"}bytes \x01\xfe";
    assert_int_equal(reply.body.size, strlen(told));
    assert_memory_equal(reply.body.bytes, told, strlen(told));
    assert_string_equal(reply.variant, "v");
    assert_string_equal(reply.content_type, "text/plain; charset=utf-8");
    assert_string_equal(reply.custom_attributes, "from the process");
    invocation_reply_clear(&reply);
    expect(*state, "", "{}");
    expect(*state, "nothing", "");
}

static void it_waits_for_a_process_and_little_else(void **state)
{
    put(*state, (struct workers_plan){0});
    assert_int_equal(endpoint_pace(*state, "e", 0), PACE_WAITING);
    assert_int_equal(endpoint_pace(*state, "e", WORKER_QUICK_BYTES), PACE_WAITING);
    assert_int_equal(endpoint_pace(*state, "e", WORKER_QUICK_BYTES + 1), PACE_BLOCKING);
    assert_int_equal(endpoint_pace(*state, "e", -1), PACE_BLOCKING);
}

static void a_refusal_has_the_status_and_text_of_the_process(void **state)
{
    put(*state, (struct workers_plan){0});
    expect_refusal(*state, "refuse", 415, "no \xEF\xBF\xBD such type");
    expect_refusal(*state, "fail", 503, "the model is out");
    expect_refusal(*state, "error", 500, "model_fn raised ValueError");
    expect(*state, "next", "{}next");
}

static void an_answer_that_breaks_the_rules_is_the_containers_error(void **state)
{
    put(*state, (struct workers_plan){0});
    expect_refusal(*state, "status", 500, "from 100 to 599");
    expect_refusal(*state, "nonsense", 500, "does not begin with a head");
    expect_refusal(*state, "short", 500, "does not begin with a head");
    expect_refusal(*state, "list", 500, "not a JSON object");
    expect_refusal(*state, "split", 500, "not printable ASCII");
    expect(*state, "next", "{}next");
}

/* ---- processes that end, or are busy ---- */

struct asker {
    struct endpoints *endpoints;
    char *path; /* of the file that its process waits for */
    pthread_t thread;
};

/* Again and again while those of wait_until_busy are taken in its place. */
static void *ask_and_wait(void *data)
{
    const struct asker *asker = data;
    bool busy = true;
    while (busy) {
        g_autoptr(GError) error = NULL;
        struct invocation invocation = ask(asker->path);
        struct invocation_reply reply = {0};
        endpoint_invoke(asker->endpoints, &invocation, &reply, &error);
        busy = g_error_matches(error, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE);
        assert_true(busy || (!error && reply.body.size == strlen("at last")));
        invocation_reply_clear(&reply);
    }
    return NULL;
}

static void begin_to_wait(struct asker *asker, struct endpoints *endpoints)
{
    g_autofree char *folder = g_dir_make_tmp("lathe-asker-XXXXXX", NULL);
    *asker = (struct asker){endpoints, g_build_filename(folder, "go", NULL), 0};
    pthread_create(&asker->thread, NULL, ask_and_wait, asker);
}

static void let_it_end(struct asker *asker)
{
    g_autofree char *folder = g_path_get_dirname(asker->path);
    assert_true(g_file_set_contents(asker->path, "", 0, NULL));
    pthread_join(asker->thread, NULL);
    file_remove_tree(folder, NULL);
    g_free(asker->path);
}

/* Asks until no more calls are taken: then the asker's is under way. */
static void wait_until_busy(struct endpoints *endpoints)
{
    g_autoptr(GError) error = NULL;
    while (!error) {
        struct invocation invocation = ask("hello");
        struct invocation_reply reply = {0};
        endpoint_invoke(endpoints, &invocation, &reply, &error);
        assert_null(reply.refusal);
        invocation_reply_clear(&reply);
    }
    assert_true(g_error_matches(error, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE));
    assert_int_equal(error_status(error), 503);
}

static void more_than_may_wait_are_told_to_come_again(void **state)
{
    struct asker asker;
    put(*state, (struct workers_plan){0});
    begin_to_wait(&asker, *state);
    wait_until_busy(*state);
    let_it_end(&asker);
    expect(*state, "next", "{}next");
}

static void a_crash_fails_its_own_call_alone(void **state)
{
    struct asker asker;
    put(*state, (struct workers_plan){.count = 2, .waiting = 4});
    begin_to_wait(&asker, *state);
    for (int i = 0; i < 3; i++)
        expect_refusal(*state, "crash", 500, "killed by signal 9");
    expect(*state, "next", "{}next");
    let_it_end(&asker);
}

static void an_update_lets_calls_under_way_end(void **state)
{
    struct asker asker;
    put(*state, (struct workers_plan){0});
    begin_to_wait(&asker, *state);
    wait_until_busy(*state);
    put(*state, (struct workers_plan){0});
    expect(*state, "next", "{}next");
    let_it_end(&asker);
}

static void what_takes_too_long_is_said_as_SageMaker_does(void **state)
{
    put(*state, (struct workers_plan){.call_seconds = 0.3});
    expect_refusal(*state, "hang", 0, "Your invocation timed out while waiting for a response");
    expect(*state, "next", "{}next");
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc == 2)
        return worker_serve(answer, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_process_is_told_the_request_and_answers_it, up, down),
        cmocka_unit_test_setup_teardown(it_waits_for_a_process_and_little_else, up, down),
        cmocka_unit_test_setup_teardown(a_refusal_has_the_status_and_text_of_the_process, up, down),
        cmocka_unit_test_setup_teardown(an_answer_that_breaks_the_rules_is_the_containers_error, up,
                                        down),
        cmocka_unit_test_setup_teardown(more_than_may_wait_are_told_to_come_again, up, down),
        cmocka_unit_test_setup_teardown(a_crash_fails_its_own_call_alone, up, down),
        cmocka_unit_test_setup_teardown(an_update_lets_calls_under_way_end, up, down),
        cmocka_unit_test_setup_teardown(what_takes_too_long_is_said_as_SageMaker_does, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
