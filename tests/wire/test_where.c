/* Where a request runs: there is one poll thread here, and an operation whose service decides of
 * each request. A large one waits in it until a small one has been answered, which only comes about
 * where the large one does not hold the poll thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "http/http.h"
#include "operation/operation.h"
#include "store/store.h"
#include "wire/dispatch.h"

enum { SMALL = 10, LARGE = 1000, WAITERS = 20 };

struct lathe {
    sem_t large_runs, large_may_end;
    pthread_t small_on, large_on, waited_on;
    int pipe[2]; /* what those that wait are woken by, each by a byte */
    sem_t waits;
    gint64 told; /* the size of the last body, as the head said it */
};

/* Where it went on is told only where it is where it began. */
static void wait_for_a_byte(struct lathe *lathe)
{
    struct pollfd end = {.fd = lathe->pipe[0], .events = POLLIN};
    pthread_t before = pthread_self();
    char byte;
    sem_post(&lathe->waits);
    while (waiting_poll(&end, 1, 60000) == 0 || read(end.fd, &byte, 1) != 1)
        continue;
    lathe->waited_on = pthread_equal(before, pthread_self()) ? before : (pthread_t){0};
}

static bool invoke(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    (void)reply;
    g_autoptr(GBytes) body = stream_read_all(call->body, 1 << 20, error);
    const char *endpoint = json_text_at(request, "EndpointName");
    if (strcmp(endpoint, "process") == 0)
        wait_for_a_byte(call->lathe);
    if (strcmp(endpoint, "late") == 0) {
        assert_int_equal(waiting_poll(NULL, 0, 20), 0);
        return true;
    }
    if (strcmp(endpoint, "process") == 0)
        return true;
    if (g_bytes_get_size(body) == SMALL) {
        call->lathe->small_on = pthread_self();
        return true;
    }
    call->lathe->large_on = pthread_self();
    sem_post(&call->lathe->large_runs);
    sem_wait(&call->lathe->large_may_end);
    return true;
}

static enum pace pace(struct lathe *lathe, const struct call_head *head)
{
    const char *endpoint = json_text_at(head->labels, "EndpointName");
    lathe->told = head->size;
    assert_string_equal(head->operation, "InvokeEndpoint");
    if (head->size < 0 || head->size > SMALL || strcmp(endpoint, "slow") == 0)
        return PACE_BLOCKING;
    return strcmp(endpoint, "fast") == 0 ? PACE_QUICK : PACE_WAITING;
}

struct fixture {
    struct lathe lathe;
    char *home;
    struct store *store;
    struct operations *operations;
    struct dispatcher *dispatcher;
    struct http_server *server;
};

static int up(void **state)
{
    static const struct operation table[] = {{"InvokeEndpoint", invoke, OPERATION_DECIDED}};
    static const struct service service = {
        .name = "sagemaker-runtime", .operations = table, .count = 1, .pace = pace};
    static const struct service *const services[] = {&service, NULL};
    static const struct dispatcher_options options = {.version = "test"};
    static const struct http_options http = {.address = "127.0.0.1", .threads = 1};
    struct fixture *fixture = g_new0(struct fixture, 1);
    sem_init(&fixture->lathe.large_runs, 0, 0);
    sem_init(&fixture->lathe.large_may_end, 0, 0);
    sem_init(&fixture->lathe.waits, 0, 0);
    assert_int_equal(pipe2(fixture->lathe.pipe, O_NONBLOCK), 0);
    fixture->home = g_dir_make_tmp("lathe-where-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(fixture->home, "meta.db", NULL);
    fixture->store = store_open(path, NULL);
    fixture->operations =
        operations_new(&fixture->lathe, fixture->store, services, "123456789012", NULL);
    fixture->dispatcher = dispatcher_new(fixture->operations, &options);
    fixture->server = http_server_open(&http, dispatcher_handler(fixture->dispatcher), NULL);
    assert_non_null(fixture->server);
    assert_true(http_server_start(fixture->server, NULL));
    *state = fixture;
    return 0;
}

static int down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->server)
        http_server_stop(fixture->server, 5);
    dispatcher_free(fixture->dispatcher);
    operations_free(fixture->operations);
    store_close(fixture->store);
    file_remove_tree(fixture->home, NULL);
    close(fixture->lathe.pipe[0]);
    close(fixture->lathe.pipe[1]);
    g_free(fixture->home);
    g_free(fixture);
    return 0;
}

static void *send_a_byte_later(void *lathe)
{
    g_usleep(100000);
    assert_int_equal(write(((struct lathe *)lathe)->pipe[1], "x", 1), 1);
    return NULL;
}

/* Sends an invocation with a body of so many bytes; the connection. */
static int ask(struct fixture *fixture, const char *endpoint, int size, bool chunked)
{
    int link = socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port =
                                            htons((uint16_t)http_server_port(fixture->server)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(link, (const struct sockaddr *)&address, sizeof address), 0);
    g_autofree char *body = g_strnfill((gsize)size, '7');
    g_autofree char *length = chunked ? g_strdup("Transfer-Encoding: chunked")
                                      : g_strdup_printf("Content-Length: %d", size);
    g_autofree char *text = g_strdup_printf(
        "POST /endpoints/%s/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s"
        "\r\n\r\n",
        endpoint, length);
    g_autofree char *sent = chunked ? g_strdup_printf("%s%x\r\n%s\r\n0\r\n\r\n", text, size, body)
                                    : g_strconcat(text, body, NULL);
    assert_int_equal(write(link, sent, strlen(sent)), (ssize_t)strlen(sent));
    return link;
}

static void expect_answer(int link)
{
    char text[32] = "";
    assert_true(read(link, text, sizeof text - 1) > 0);
    assert_non_null(strstr(text, " 200 "));
    close(link);
}

static void answer_small(struct fixture *fixture)
{
    expect_answer(ask(fixture, "fast", SMALL, false));
    assert_int_equal(fixture->lathe.told, SMALL);
}

static void holds_up_nobody(struct fixture *fixture, const char *endpoint, int size, bool chunked)
{
    int large = ask(fixture, endpoint, size, chunked);
    sem_wait(&fixture->lathe.large_runs);
    assert_int_equal(fixture->lathe.told, chunked ? -1 : size);
    answer_small(fixture);
    pthread_t first = fixture->lathe.small_on;
    answer_small(fixture);
    assert_true(pthread_equal(first, fixture->lathe.small_on)); /* there is one poll thread */
    assert_false(pthread_equal(first, fixture->lathe.large_on));
    sem_post(&fixture->lathe.large_may_end);
    expect_answer(large);
}

static void a_large_body_holds_up_no_small_one(void **state)
{
    holds_up_nobody(*state, "fast", LARGE, false);
}

static void a_body_of_unknown_size_holds_up_no_small_one(void **state)
{
    holds_up_nobody(*state, "fast", LARGE, true);
}

static void an_endpoint_that_waits_holds_up_no_other(void **state)
{
    holds_up_nobody(*state, "slow", SMALL + 1, false);
}

/* Many at once, all on the one poll thread, which serves others between. */
static void who_waits_for_processes_holds_up_nobody(void **state)
{
    struct fixture *fixture = *state;
    int links[WAITERS];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < WAITERS; i++)
            links[i] = ask(fixture, "process", SMALL, false);
        for (int i = 0; i < WAITERS; i++)
            sem_wait(&fixture->lathe.waits);
        answer_small(fixture);
        for (int i = 0; i < WAITERS; i++)
            assert_int_equal(write(fixture->lathe.pipe[1], "x", 1), 1);
        for (int i = 0; i < WAITERS; i++)
            expect_answer(links[i]);
        assert_true(pthread_equal(fixture->lathe.waited_on, fixture->lathe.small_on));
    }
}

static void who_waits_in_vain_goes_on_in_time(void **state)
{
    expect_answer(ask(*state, "late", SMALL, false));
}

/* The server's end waits for what is under way. */
static void the_servers_end_waits_for_who_waits(void **state)
{
    struct fixture *fixture = *state;
    int link = ask(fixture, "process", SMALL, false);
    sem_wait(&fixture->lathe.waits);
    pthread_t other;
    pthread_create(&other, NULL, send_a_byte_later, &fixture->lathe);
    http_server_stop(g_steal_pointer(&fixture->server), 5);
    pthread_join(other, NULL);
    expect_answer(link);
}

static void a_service_that_does_not_decide_is_refused(void **state)
{
    static const struct operation table[] = {{"InvokeEndpoint", invoke, OPERATION_DECIDED}};
    static const struct service service = {
        .name = "sagemaker-runtime", .operations = table, .count = 1};
    static const struct service *const services[] = {&service, NULL};
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    assert_null(operations_new(&fixture->lathe, fixture->store, services, "123456789012", &error));
    assert_non_null(strstr(error->message, "InvokeEndpoint"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_large_body_holds_up_no_small_one, up, down),
        cmocka_unit_test_setup_teardown(a_body_of_unknown_size_holds_up_no_small_one, up, down),
        cmocka_unit_test_setup_teardown(an_endpoint_that_waits_holds_up_no_other, up, down),
        cmocka_unit_test_setup_teardown(who_waits_for_processes_holds_up_nobody, up, down),
        cmocka_unit_test_setup_teardown(who_waits_in_vain_goes_on_in_time, up, down),
        cmocka_unit_test_setup_teardown(the_servers_end_waits_for_who_waits, up, down),
        cmocka_unit_test_setup_teardown(a_service_that_does_not_decide_is_refused, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
