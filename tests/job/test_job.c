/* Jobs run this very program as their child: see child_main. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "job/job.h"
#include "store/log_stream.h"

/* --- the child -----------------------------------------------------------------------------------
 */

static int child_main(const char *verb)
{
    if (strcmp(verb, "speak") == 0) {
        printf("first line\nsecond");
        fflush(stdout);
        dprintf(atoi(getenv("LATHE_REPORT_FD")), "{\"metric\":\"m\",\"value\":0.5}\nnonsense\n");
        return 0;
    }
    if (strcmp(verb, "fail") == 0) {
        FILE *file = fopen("output/failure", "w");
        fputs("column 3 is not a number", file);
        fclose(file);
        return 1;
    }
    if (strcmp(verb, "overwrite") == 0) {
        int fd = open("input", O_WRONLY);
        return fd < 0 && errno == EACCES ? 0 : 1;
    }
    if (strcmp(verb, "crash") == 0)
        raise(SIGKILL);
    if (strcmp(verb, "deaf") == 0)
        signal(SIGTERM, SIG_IGN);
    if (strcmp(verb, "parent") == 0 && fork() == 0)
        signal(SIGTERM, SIG_IGN); /* a grandchild that holds the pipes open */
    printf("%ld\n", (long)getpid());
    fflush(stdout);
    sleep(60);
    return 0;
}

/* --- the submitting side
 * --------------------------------------------------------------------------- */

struct run {
    const char *verb;
    bool refuse;
    double stop_seconds;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool prepared, ended;
    bool full;  /* the store takes no changes */
    bool tried; /* finish was called while it did not */
    enum job_how how;
    int exit_status;
    char *reason;
    double reported;
};

static bool prepare(struct job *job, void *data, GError **error)
{
    struct run *run = data;
    if (run->refuse)
        return error_set(error, ERROR_VALIDATION, "no channel named train");
    g_autofree char *output = g_build_filename(job_folder(job), "output", NULL);
    assert_true(file_make_folders(output, error));
    g_autofree char *input = g_build_filename(job_folder(job), "input", NULL);
    close(open(input, O_CREAT | O_WRONLY, 0400));
    job_execute(job, run->verb, NULL);
    pthread_mutex_lock(&run->lock);
    run->prepared = true;
    pthread_cond_signal(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return true;
}

static void report(struct job *job, const json_t *line, void *data)
{
    (void)job;
    ((struct run *)data)->reported = json_number_at(line, "value", -1);
}

static bool finish(struct job *job, const struct job_end *end, void *data, GError **error)
{
    (void)job;
    struct run *run = data;
    pthread_mutex_lock(&run->lock);
    if (run->full) {
        assert_true(end->again == run->tried);
        run->tried = true;
        pthread_cond_signal(&run->changed);
        pthread_mutex_unlock(&run->lock);
        return error_set(error, ERROR_SERVICE_UNAVAILABLE, "the disk is full");
    }
    run->how = end->how;
    run->exit_status = end->exit_status;
    run->reason = g_strdup(end->reason);
    run->ended = true;
    pthread_cond_signal(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return true;
}

static void forget(void *data)
{
    (void)data; /* is on a test's stack */
}

static const struct job_actor actor = {prepare, report, finish, forget};

static char *folder;
static struct logs *logs;
static struct jobs *jobs;

static struct jobs *open_jobs(void)
{
    g_autofree char *job_folders = g_build_filename(folder, "jobs", NULL);
    struct jobs_settings settings = {job_folders, logs, 1, 0.2};
    return jobs_open(&settings, NULL);
}

static int set_up(void **state)
{
    (void)state;
    folder = g_dir_make_tmp("lathe-job-XXXXXX", NULL);
    g_autofree char *log_folder = g_build_filename(folder, "logs", NULL);
    logs = logs_open(log_folder, NULL);
    jobs = open_jobs();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jobs_close(jobs);
    logs_close(logs);
    file_remove_tree(folder, NULL);
    g_free(folder);
    return 0;
}

static void submit(struct run *run, const char *name, double max_seconds)
{
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->changed, NULL);
    struct job_plan plan = {
        name,   "group", name, max_seconds, run->stop_seconds > 0 ? run->stop_seconds : 0.2,
        &actor, run};
    jobs_submit(jobs, &plan);
}

static void wait_for(struct run *run, const bool *what)
{
    pthread_mutex_lock(&run->lock);
    while (!*what)
        pthread_cond_wait(&run->changed, &run->lock);
    pthread_mutex_unlock(&run->lock);
}

/* The messages of a log stream, joined by "|". */
static char *log_of(const char *stream)
{
    struct log_query query = {.position = -1, .from_head = true};
    struct log_page page = {0};
    GString *text = g_string_new(NULL);
    if (logs_read(logs, "group", stream, &query, &page, NULL))
        for (guint i = 0; i < page.events->len; i++)
            g_string_append_printf(
                text, "%s|", ((struct log_event *)g_ptr_array_index(page.events, i))->message);
    log_page_clear(&page);
    return g_string_free(text, FALSE);
}

static void a_job_speaks_reports_and_ends(void **state)
{
    (void)state;
    struct run run = {.verb = "speak"};
    submit(&run, "one", 0);
    wait_for(&run, &run.ended);
    assert_int_equal(run.how, JOB_EXITED);
    assert_int_equal(run.exit_status, 0);
    assert_null(run.reason);
    assert_true(run.reported == 0.5);
    g_autofree char *log = log_of("one");
    assert_non_null(strstr(log, "first line|"));
    assert_non_null(strstr(log, "second|")); /* which had no newline */
    assert_non_null(strstr(log, "not JSON and was left out: nonsense"));
}

static void a_failure_gives_the_reason_that_the_child_wrote(void **state)
{
    (void)state;
    struct run run = {.verb = "fail"};
    submit(&run, "one", 0);
    wait_for(&run, &run.ended);
    assert_int_equal(run.exit_status, 1);
    assert_string_equal(run.reason, "column 3 is not a number");
    g_free(run.reason);
    struct run crash = {.verb = "crash"};
    submit(&crash, "two", 0);
    wait_for(&crash, &crash.ended);
    assert_int_equal(crash.exit_status, -1);
    assert_non_null(strstr(crash.reason, "killed by signal 9"));
    g_free(crash.reason);
    struct run refused = {.refuse = true};
    submit(&refused, "three", 0);
    wait_for(&refused, &refused.ended);
    assert_int_equal(refused.how, JOB_NOT_STARTED);
    assert_string_equal(refused.reason, "no channel named train");
    g_free(refused.reason);
}

/* Also where the server, and with it this test, is root's. */
static void a_job_cannot_write_what_is_read_only(void **state)
{
    (void)state;
    struct run run = {.verb = "overwrite"};
    submit(&run, "one", 0);
    wait_for(&run, &run.ended);
    assert_int_equal(run.how, JOB_EXITED);
    assert_int_equal(run.exit_status, 0);
    g_free(run.reason);
}

static void a_stop_ends_what_runs_and_what_waits(void **state)
{
    (void)state;
    struct run running = {.verb = "deaf"}, waiting = {.verb = "speak"};
    submit(&running, "running", 0);
    submit(&waiting, "waiting", 0);
    wait_for(&running, &running.prepared);
    assert_true(jobs_stop(jobs, "waiting"));
    assert_true(waiting.ended); /* at once, though the only slot is taken */
    assert_int_equal(waiting.how, JOB_STOPPED);
    assert_false(waiting.prepared);
    assert_true(jobs_stop(jobs, "running"));
    wait_for(&running, &running.ended); /* it ignores SIGTERM */
    assert_int_equal(running.how, JOB_STOPPED);
    assert_false(jobs_stop(jobs, "waiting"));
    g_free(running.reason);
}

static void a_job_that_runs_too_long_is_ended_with_its_children(void **state)
{
    (void)state;
    struct run run = {.verb = "parent"};
    submit(&run, "one", 0.3);
    wait_for(&run, &run.ended);
    assert_int_equal(run.how, JOB_TIMED_OUT);
    g_free(run.reason);
}

static void closing_abandons_what_runs(void **state)
{
    (void)state;
    struct run run = {.verb = "wait"};
    submit(&run, "one", 0);
    wait_for(&run, &run.prepared);
    jobs_close(jobs);
    jobs = NULL;
    assert_true(run.ended);
    assert_int_equal(run.how, JOB_ABANDONED);
    g_free(run.reason);
}

/* Neither SIGTERM nor the time that a Stop gave it holds up the server's own end. */
static void closing_does_not_wait_for_what_was_told_to_stop(void **state)
{
    (void)state;
    struct run run = {.verb = "deaf", .stop_seconds = 1e6};
    submit(&run, "one", 0);
    wait_for(&run, &run.prepared);
    while (true) { /* its first line comes when it has become deaf */
        g_autofree char *log = log_of("one");
        if (*log)
            break;
        g_usleep(10000);
    }
    assert_true(jobs_stop(jobs, "one"));
    jobs_close(jobs);
    jobs = NULL;
    assert_true(run.ended);
    assert_int_equal(run.how, JOB_STOPPED);
    g_free(run.reason);
}

static void set_full(struct run *run, bool full)
{
    pthread_mutex_lock(&run->lock);
    run->full = full;
    pthread_mutex_unlock(&run->lock);
}

static void an_end_that_cannot_be_written_is_kept(void **state)
{
    (void)state;
    struct run ran = {.verb = "speak", .full = true}, waited = {.verb = "speak", .full = true};
    submit(&ran, "ran", 0);
    wait_for(&ran, &ran.tried);
    submit(&waited, "waited", 0);
    assert_true(jobs_stop(jobs, "waited"));
    assert_true(waited.tried);
    assert_false(ran.ended || waited.ended);
    set_full(&ran, false);
    set_full(&waited, false);
    assert_true(jobs_stop(jobs, "ran")); /* is still known, and tried again */
    wait_for(&ran, &ran.ended);
    wait_for(&waited, &waited.ended);
    assert_int_equal(ran.how, JOB_EXITED);
    assert_int_equal(waited.how, JOB_STOPPED);
}

static bool is_alive(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%ld/stat", (long)pid);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return false;
    const char *state = strrchr(text, ')');
    return state && state[2] != 'Z';
}

/* A server process is killed with -9 while its job runs: the job's process must not outlive it. */
static void a_killed_server_takes_its_jobs_along(void **state)
{
    (void)state;
    jobs_close(jobs);
    jobs = NULL;
    pid_t server = fork();
    if (server == 0) {
        jobs = open_jobs();
        struct run run = {.verb = "wait"};
        submit(&run, "one", 0);
        for (;;)
            pause();
    }
    pid_t child = 0;
    while (child == 0) { /* the child's first line is its process id */
        g_autofree char *log = log_of("one");
        child = strchr(log, '|') ? (pid_t)atol(log) : 0;
        g_usleep(10000);
    }
    assert_true(is_alive(child));
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    for (int i = 0; i < 500 && is_alive(child); i++)
        g_usleep(10000);
    assert_false(is_alive(child));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    if (argc > 1)
        return child_main(argv[2]);
    const struct CMUnitTest tests[] = {
        TEST(a_job_speaks_reports_and_ends),
        TEST(a_failure_gives_the_reason_that_the_child_wrote),
        TEST(a_job_cannot_write_what_is_read_only),
        TEST(a_stop_ends_what_runs_and_what_waits),
        TEST(a_job_that_runs_too_long_is_ended_with_its_children),
        TEST(closing_abandons_what_runs),
        TEST(closing_does_not_wait_for_what_was_told_to_stop),
        TEST(an_end_that_cannot_be_written_is_kept),
        TEST(a_killed_server_takes_its_jobs_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
