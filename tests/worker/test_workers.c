/* Pools run this very program as their processes: see serve. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "worker/frame.h"
#include "worker/serve.h"
#include "worker/workers.h"

/* ---- the process ---- */

static GBytes *text(const char *words)
{
    return g_bytes_new(words, strlen(words));
}

/* Why this process is about to end. */
static void say_why(const char *why)
{
    g_autofree char *words = g_strconcat("ProcessEnded\n", why, NULL);
    GByteArray *said = g_byte_array_new();
    frame_put(said, FRAME_ERROR, words, strlen(words));
    ssize_t n = write(3, said->data, said->len);
    (void)n;
    g_byte_array_unref(said);
}

static GBytes *answer(struct worker_server *server, GBytes *request, void *data, GError **error)
{
    (void)data;
    gsize size;
    const char *bytes = g_bytes_get_data(request, &size);
    g_autofree char *words = g_strndup(bytes ? bytes : "", size);
    if (strcmp(words, "pid") == 0) {
        g_autofree char *pid = g_strdup_printf("%ld", (long)getpid());
        return text(pid);
    }
    if (strcmp(words, "refuse") == 0) {
        error_set(error, ERROR_VALIDATION, "column 3 is not a number");
        return NULL;
    }
    if (strcmp(words, "crash") == 0)
        raise(SIGKILL);
    if (strcmp(words, "hang") == 0)
        sleep(60);
    while (strcmp(words, "spin") == 0)
        if (worker_cancelled(server))
            return text("cancelled");
    if (strcmp(words, "eat") == 0) {
        char *memory = malloc(96 << 20);
        for (size_t i = 0; i < 96 << 20; i += 4096)
            memory[i] = 1;
        sleep(60);
    }
    if (strcmp(words, "farewell") == 0) {
        say_why("too much memory");
        g_usleep(20000); /* another call must not come to it */
        exit(3);
    }
    if (strcmp(words, "say") == 0) {
        printf("a line\n");
        fflush(stdout);
    }
    return g_bytes_ref(request);
}

static int serve(const char *how)
{
    if (strcmp(how, "broken") == 0) {
        fprintf(stderr, "no such module\n");
        return 3;
    }
    if (strcmp(how, "sorry") == 0) {
        say_why("no such module");
        return 3;
    }
    if (strcmp(how, "mute") == 0)
        sleep(60);
    if (strcmp(how, "nonsense") == 0) {
        if (write(3, "HTTP/1.1 200 OK\r\n\r\n", 19) < 0)
            return 1;
        sleep(60);
    }
    return worker_serve(answer, NULL);
}

/* ---- the pool's side ---- */

static struct workers *open_pool(const char *how, struct workers_plan plan)
{
    char self[] = "/proc/self/exe", path[] = "PATH=/usr/bin:/bin";
    char *argv[] = {self, (char *)how, NULL}, *environment[] = {path, NULL};
    plan.name = "the test";
    plan.argv = argv;
    plan.environment = environment;
    plan.folder = "/";
    struct workers *workers = workers_open(&plan, NULL);
    assert_non_null(workers);
    return workers;
}

static char *ask(struct workers *workers, const char *words, GError **error)
{
    g_autoptr(GBytes) request = text(words);
    g_autoptr(GBytes) reply = workers_call(workers, request, error);
    gsize size;
    const char *bytes = reply ? g_bytes_get_data(reply, &size) : NULL;
    return reply ? g_strndup(bytes ? bytes : "", size) : NULL;
}

static void expect(struct workers *workers, const char *words, const char *right)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *reply = ask(workers, words, &error);
    if (error)
        fail_msg("%s: %s", words, error->message);
    assert_string_equal(reply, right);
}

static void expect_error(struct workers *workers, const char *words, enum error_code code,
                         const char *part)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *reply = ask(workers, words, &error);
    assert_null(reply);
    assert_non_null(error);
    assert_non_null(strstr(error->message, part));
    assert_int_equal(error->code, code);
}

static void one_process_answers_many_calls(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){0});
    g_autofree char *first = ask(workers, "pid", NULL);
    for (int i = 0; i < 100; i++) {
        expect(workers, "hello", "hello");
        expect(workers, "pid", first);
    }
    expect(workers, "", "");
    assert_int_equal(workers_count(workers).started, 1);
    workers_close(workers);
}

static void large_calls_and_replies(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){.longest_reply = 8 << 20});
    g_autofree char *words = g_strnfill(8 << 20, 'x');
    expect(workers, words, words);
    g_autofree char *longer = g_strnfill((8 << 20) + 1, 'x');
    expect_error(workers, longer, ERROR_PROCESS_ENDED, "longer than allowed");
    expect(workers, "small", "small");
    workers_close(workers);
}

static void an_error_is_its_callers(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){0});
    expect_error(workers, "refuse", ERROR_VALIDATION, "column 3 is not a number");
    expect(workers, "next", "next");
    assert_int_equal(workers_count(workers).started, 1);
    workers_close(workers);
}

static void a_crash_fails_one_call(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){0});
    for (int i = 0; i < 3; i++) {
        expect_error(workers, "crash", ERROR_PROCESS_ENDED, "killed by signal 9");
        expect(workers, "next", "next");
    }
    assert_int_equal(workers_count(workers).started, 4);
    workers_close(workers);
}

static void what_takes_too_long_is_ended(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){.call_seconds = 0.5});
    expect_error(workers, "hang", ERROR_PROCESS_LATE, "longer than it may");
    expect(workers, "next", "next");
    workers_close(workers);
}

static void what_takes_too_much_memory_is_ended(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){.memory = 64 << 20});
    expect(workers, "small", "small");
    expect_error(workers, "eat", ERROR_PROCESS_ENDED, "more than the 64 MiB allowed");
    expect(workers, "next", "next");
    workers_close(workers);
}

/* ---- calls that nobody waits for yet ---- */

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int good, cancelled, refused, ended, other;
};

static void count_end(GBytes *reply, const GError *error, void *data)
{
    struct waiting *waiting = data;
    pthread_mutex_lock(&waiting->lock);
    if (reply)
        waiting->good++;
    else if (error->code == ERROR_CANCELLED)
        waiting->cancelled++;
    else if (error->code == ERROR_SERVICE_UNAVAILABLE)
        waiting->refused++;
    else if (error->code == ERROR_PROCESS_ENDED)
        waiting->ended++;
    else
        waiting->other++;
    pthread_cond_broadcast(&waiting->changed);
    pthread_mutex_unlock(&waiting->lock);
}

static void wait_until_it_runs(struct workers *workers)
{
    while (!workers_count(workers).running)
        g_usleep(1000);
}

static void wait_for(struct waiting *waiting, const int *what, int count)
{
    pthread_mutex_lock(&waiting->lock);
    while (*what < count)
        pthread_cond_wait(&waiting->changed, &waiting->lock);
    pthread_mutex_unlock(&waiting->lock);
}

static guint64 submit(struct workers *workers, const char *words, struct waiting *waiting,
                      GError **error)
{
    g_autoptr(GBytes) request = text(words);
    return workers_submit(workers, request, count_end, waiting, error);
}

#define WAITING                                                            \
    {                                                                      \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, 0, 0 \
    }

static void as_many_wait_as_may(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){.count = 2, .waiting = 3});
    struct waiting waiting = WAITING;
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 5; i++)
        assert_true(submit(workers, "hang", &waiting, NULL) > 0);
    assert_int_equal(submit(workers, "hang", &waiting, &error), 0);
    assert_int_equal(error->code, ERROR_SERVICE_UNAVAILABLE);
    workers_close(workers);
    assert_int_equal(waiting.refused, 5);
}

static void cancelled_waiting_or_running(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){.waiting = 2});
    struct waiting waiting = WAITING;
    expect(workers, "small", "small");
    guint64 running = submit(workers, "hang", &waiting, NULL);
    guint64 waits = submit(workers, "hello", &waiting, NULL);
    guint64 goes_on = submit(workers, "hello", &waiting, NULL);
    wait_until_it_runs(workers);
    workers_cancel(workers, waits);
    assert_int_equal(waiting.cancelled, 1);
    workers_cancel(workers, running);
    wait_for(&waiting, &waiting.cancelled, 2);
    wait_for(&waiting, &waiting.good, 1);
    workers_cancel(workers, goes_on);
    assert_int_equal(workers_count(workers).started, 2);
    workers_close(workers);
}

static void a_call_that_hears_keeps_its_process(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){.grace_seconds = 30});
    struct waiting waiting = WAITING;
    g_autofree char *first = ask(workers, "pid", NULL);
    guint64 id = submit(workers, "spin", &waiting, NULL);
    wait_until_it_runs(workers);
    workers_cancel(workers, id);
    wait_for(&waiting, &waiting.good, 1);
    expect(workers, "pid", first);
    workers_close(workers);
}

static void many_callers_and_processes(void **state)
{
    (void)state;
    struct workers *workers =
        open_pool("serve", (struct workers_plan){.count = 4, .waiting = 1000, .warm = true});
    struct waiting waiting = WAITING;
    for (int i = 0; i < 400; i++)
        assert_true(submit(workers, i % 100 == 7 ? "crash" : "hello", &waiting, NULL) > 0);
    wait_for(&waiting, &waiting.good, 396);
    wait_for(&waiting, &waiting.ended, 4);
    assert_int_equal(workers_count(workers).waiting, 0);
    workers_close(workers);
}

/* Callers that wait talk with the processes themselves, and hand them to each other. */
static void *call_often(void *data)
{
    struct workers *workers = data;
    for (int i = 0; i < 100; i++) {
        if (i % 50 == 7)
            expect_error(workers, "crash", ERROR_PROCESS_ENDED, "ended unexpectedly");
        else
            expect(workers, "hello", "hello");
        if (i % 25 == 3)
            expect_error(workers, "refuse", ERROR_VALIDATION, "column 3");
    }
    return NULL;
}

static void many_callers_that_wait(void **state)
{
    (void)state;
    struct workers *workers =
        open_pool("serve", (struct workers_plan){.count = 2, .waiting = 10, .warm = true});
    pthread_t callers[8];
    for (size_t i = 0; i < G_N_ELEMENTS(callers); i++)
        assert_int_equal(pthread_create(&callers[i], NULL, call_often, workers), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(callers); i++)
        pthread_join(callers[i], NULL);
    struct workers_count count = workers_count(workers);
    assert_int_equal(count.running + count.waiting, 0);
    assert_in_range(count.started, 2 + 16 - 2, 2 + 16);
    workers_close(workers);
}

static void *call_until_closed(void *data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *reply = ask(data, "hang", &error);
    assert_true(g_error_matches(error, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE));
    return reply;
}

static void closing_ends_callers_that_wait(void **state)
{
    (void)state;
    struct workers *workers =
        open_pool("serve", (struct workers_plan){.count = 2, .waiting = 10, .warm = true});
    pthread_t callers[4];
    for (size_t i = 0; i < G_N_ELEMENTS(callers); i++)
        assert_int_equal(pthread_create(&callers[i], NULL, call_until_closed, workers), 0);
    while (workers_count(workers).running < 2 || workers_count(workers).waiting < 2)
        g_usleep(1000);
    workers_close(workers);
    for (size_t i = 0; i < G_N_ELEMENTS(callers); i++)
        pthread_join(callers[i], NULL);
}

static void a_process_may_say_why_it_ends(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){.warm = true});
    for (int i = 0; i < 3; i++) {
        expect_error(workers, "farewell", ERROR_PROCESS_ENDED, "the test: too much memory");
        expect(workers, "hello", "hello");
    }
    workers_close(workers);
    workers = open_pool("serve", (struct workers_plan){.warm = true, .grace_seconds = 1});
    expect_error(workers, "farewell", ERROR_PROCESS_ENDED, "the test: too much memory");
    expect(workers, "hello", "hello");
    workers_close(workers);
}

static void an_idle_process_that_ends_is_replaced(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){.warm = true});
    g_autofree char *pid = ask(workers, "pid", NULL);
    assert_int_equal(kill((pid_t)atoi(pid), SIGKILL), 0);
    while (workers_count(workers).started < 2)
        g_usleep(1000);
    expect(workers, "hello", "hello");
    workers_close(workers);
}

static void *wait_for_start(void *data)
{
    assert_false(workers_wait_ready(data, NULL, NULL, NULL));
    return NULL;
}

static bool says_so(void *data)
{
    return *(int *)data;
}

static void waiting_for_a_start_may_be_given_up(void **state)
{
    (void)state;
    int yes = 1;
    struct workers *workers = open_pool("mute", (struct workers_plan){.warm = true});
    assert_false(workers_wait_ready(workers, says_so, &yes, NULL));
    pthread_t waits;
    assert_int_equal(pthread_create(&waits, NULL, wait_for_start, workers), 0);
    workers_end(workers);
    pthread_join(waits, NULL);
    workers_close(workers);
}

/* ---- starts that come to nothing ---- */

static void keep_line(unsigned process, const char *line, size_t size, void *data)
{
    (void)process;
    g_string_append_len(data, line, (gssize)size);
}

static void a_start_that_fails_says_so(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    GString *log = g_string_new("");
    struct workers *workers =
        open_pool("broken", (struct workers_plan){.warm = true, .log = keep_line, .data = log});
    assert_false(workers_wait_ready(workers, NULL, NULL, &error));
    assert_non_null(strstr(error->message, "before it was ready (exit status 3)"));
    expect_error(workers, "hello", ERROR_PROCESS_ENDED, "exit status 3");
    workers_close(workers);
    assert_non_null(strstr(log->str, "no such module"));
    g_string_free(log, TRUE);
}

static void a_process_says_itself_why_it_cannot_start(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    struct workers *workers = open_pool("sorry", (struct workers_plan){.warm = true});
    assert_false(workers_wait_ready(workers, NULL, NULL, &error));
    assert_string_equal(error->message, "the test: no such module");
    expect_error(workers, "hello", ERROR_PROCESS_ENDED, "no such module");
    workers_close(workers);
}

static void a_start_that_does_not_end_is_ended(void **state)
{
    (void)state;
    struct workers *workers = open_pool("mute", (struct workers_plan){.start_seconds = 0.3});
    expect_error(workers, "hello", ERROR_PROCESS_ENDED, "not ready in time");
    workers_close(workers);
}

static void nonsense_on_the_socket(void **state)
{
    (void)state;
    struct workers *workers = open_pool("nonsense", (struct workers_plan){0});
    expect_error(workers, "hello", ERROR_PROCESS_ENDED, "no frame");
    workers_close(workers);
}

static void a_warm_pool_is_ready_before_its_first_call(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){.warm = true});
    assert_true(workers_wait_ready(workers, NULL, NULL, NULL));
    assert_int_equal(workers_count(workers).alive, 1);
    expect(workers, "hello", "hello");
    assert_int_equal(workers_count(workers).started, 1);
    workers_close(workers);
}

static void what_is_idle_gives_its_memory_back(void **state)
{
    (void)state;
    struct workers *workers = open_pool("serve", (struct workers_plan){.idle_seconds = 0.05});
    expect(workers, "hello", "hello");
    while (workers_count(workers).alive)
        g_usleep(1000);
    expect(workers, "hello", "hello");
    assert_int_equal(workers_count(workers).started, 2);
    workers_close(workers);
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return serve(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_answers_many_calls),
        cmocka_unit_test(large_calls_and_replies),
        cmocka_unit_test(an_error_is_its_callers),
        cmocka_unit_test(a_crash_fails_one_call),
        cmocka_unit_test(what_takes_too_long_is_ended),
        cmocka_unit_test(what_takes_too_much_memory_is_ended),
        cmocka_unit_test(as_many_wait_as_may),
        cmocka_unit_test(cancelled_waiting_or_running),
        cmocka_unit_test(a_call_that_hears_keeps_its_process),
        cmocka_unit_test(many_callers_and_processes),
        cmocka_unit_test(many_callers_that_wait),
        cmocka_unit_test(closing_ends_callers_that_wait),
        cmocka_unit_test(waiting_for_a_start_may_be_given_up),
        cmocka_unit_test(a_process_may_say_why_it_ends),
        cmocka_unit_test(an_idle_process_that_ends_is_replaced),
        cmocka_unit_test(a_start_that_fails_says_so),
        cmocka_unit_test(a_process_says_itself_why_it_cannot_start),
        cmocka_unit_test(a_start_that_does_not_end_is_ended),
        cmocka_unit_test(nonsense_on_the_socket),
        cmocka_unit_test(a_warm_pool_is_ready_before_its_first_call),
        cmocka_unit_test(what_is_idle_gives_its_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
