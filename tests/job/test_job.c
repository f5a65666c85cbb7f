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

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/warm.h"
#include "job/job.h"
#include "lake/lake.h"
#include "log/log_stream.h"

/* ---- the child ---- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wx");
    fputs(text, file);
    fclose(file);
}

static int write_files(void)
{
    write_file("model/model.txt", "a model");
    write_file("tree/below.txt", "a file");
    write_file("checkpoints/.aside", "half a checkpoint");
    write_file("checkpoints/1", "a checkpoint");
    return 0;
}

static void close_pipes(void)
{
    close(atoi(getenv("LATHE_REPORT_FD")));
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
}

/* One that leaves the group, and keeps the pipes. */
static int start_daemon(void)
{
    pid_t daemon = fork();
    if (daemon != 0)
        return printf("%ld\n", (long)daemon) > 0 ? 0 : 1;
    setsid();
    sleep(60);
    _exit(0);
}

static int child_main(const char *verb)
{
    if (strcmp(verb, "speak") == 0) {
        printf("first line\nsecond");
        fflush(stdout);
        write_file("output/message", "all is well\n");
        dprintf(atoi(getenv("LATHE_REPORT_FD")), "{\"metric\":\"m\",\"value\":0.5}\nnonsense\n");
        return 0;
    }
    if (strcmp(verb, "both") == 0) {
        for (int i = 0; i < 3; i++) {
            dprintf(STDOUT_FILENO, "out %d\n", i);
            dprintf(STDERR_FILENO, "err %d\n", i);
        }
        return 1;
    }
    if (strcmp(verb, "fail") == 0) {
        FILE *file = fopen("output/failure", "w");
        fputs("column 3 is not a number", file);
        fclose(file);
        return 1;
    }
    if (strcmp(verb, "overwrite") == 0) {
        int fd = open("input/rows.csv", O_WRONLY);
        return fd < 0 && errno == EACCES ? 0 : 1;
    }
    if (strcmp(verb, "write") == 0)
        return write_files();
    if (strcmp(verb, "replace") == 0) {
        write_file("checkpoints/.aside", "a checkpoint");
        return rename("checkpoints/.aside", "checkpoints/1");
    }
    if (strcmp(verb, "crash") == 0)
        raise(SIGKILL);
    if (strcmp(verb, "silent") == 0)
        close_pipes();
    if (strcmp(verb, "daemon") == 0)
        return start_daemon();
    if (strcmp(verb, "deaf") == 0)
        signal(SIGTERM, SIG_IGN);
    if (strcmp(verb, "parent") == 0 && fork() == 0)
        signal(SIGTERM, SIG_IGN); /* a grandchild that holds the pipes open */
    printf("%ld\n", (long)getpid());
    fflush(stdout);
    sleep(60);
    return 0;
}

/* ---- the submitting side ---- */

struct run {
    const char *program;
    double max_seconds, stop_seconds;
    const char *input;   /* a URI of what is brought to input/, or NULL */
    bool unwanted;       /* it was stopped before it was submitted */
    const char *results; /* a URI for what "write" leaves, or NULL */
    const char *errors;  /* the group of the log of its errors, or NULL */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool runs, stores, ended;
    bool full;  /* the store takes no changes */
    bool tried; /* the end was to be written while it did not */
    struct job_end end;
    char *reason, *message;
    double reported, gathered; /* gathered: what was reported as a handful was over */
};

static void note(struct run *run, bool *what)
{
    pthread_mutex_lock(&run->lock);
    *what = true;
    pthread_cond_signal(&run->changed);
    pthread_mutex_unlock(&run->lock);
}

static bool enters(struct job *job, enum job_phase phase, void *data)
{
    (void)job;
    struct run *run = data;
    if (phase == JOB_RUNS)
        note(run, &run->runs);
    if (phase == JOB_STORES)
        note(run, &run->stores);
    return !run->unwanted;
}

static void report(const json_t *line, void *data)
{
    ((struct run *)data)->reported = json_number_at(line, "value", -1);
}

static void reported(void *data)
{
    struct run *run = data;
    run->gathered = run->reported;
}

static bool end(struct store_connection *connection, const struct job_end *how, void *data,
                GError **error)
{
    (void)connection;
    struct run *run = data;
    pthread_mutex_lock(&run->lock);
    bool full = run->full;
    pthread_mutex_unlock(&run->lock);
    if (full) {
        note(run, &run->tried);
        return error_set(error, ERROR_SERVICE_UNAVAILABLE, "the disk is full");
    }
    run->end = *how;
    run->reason = g_strdup(how->reason);
    run->message = g_strdup(how->message);
    return true;
}

/* After the change that wrote the end, and with the job gone. */
static void forget(void *data)
{
    struct run *run = data;
    note(run, &run->ended);
}

static const struct job_actor actor = {enters, report, reported, end, forget};

static char *folder;
static struct logs *logs;
static struct store *store;
static struct lake *lake;
static struct clock *clock_of_jobs;
static struct jobs *jobs;
static bool warm; /* jobs are forked from processes that are warm */

static struct jobs *open_jobs(void)
{
    g_autofree char *job_folders = g_build_filename(folder, "jobs", NULL);
    struct jobs_settings settings = {job_folders, logs, lake, 1, 0.2, clock_of_jobs};
    return jobs_open(&settings, NULL);
}

static void put(const char *key, const char *text)
{
    g_autoptr(stream_auto) bytes = stream_from_text(g_strdup(text));
    assert_true(lake_put(lake, "bucket", key, bytes, NULL, NULL));
}

static void open_all(void)
{
    g_autofree char *database = g_build_filename(folder, "meta.db", NULL);
    g_autofree char *lake_folder = g_build_filename(folder, "lake", NULL);
    store = store_open(database, NULL);
    lake = lake_open(store, lake_folder, NULL);
    clock_of_jobs = clock_open(NULL);
    jobs = open_jobs();
}

static void close_all(void)
{
    jobs_close(jobs);
    clock_close(clock_of_jobs);
    lake_close(lake);
    store_close(store);
    jobs = NULL;
    lake = NULL;
    clock_of_jobs = NULL;
    store = NULL;
}

static int set_up(void **state)
{
    (void)state;
    folder = g_dir_make_tmp("lathe-job-XXXXXX", NULL);
    g_autofree char *log_folder = g_build_filename(folder, "logs", NULL);
    logs = logs_open(log_folder, NULL);
    open_all();
    assert_true(lake_bucket_create(lake, "bucket", "us-east-1", NULL));
    put("in/rows.csv", "1,2\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_all();
    logs_close(logs);
    file_remove_tree(folder, NULL);
    g_free(folder);
    return 0;
}

static void clear(struct run *run)
{
    g_free(run->reason);
    g_free(run->message);
}

static void plan_results(struct job_plan *plan, const char *uri)
{
    g_autofree char *archive = g_strconcat(uri, "model.tar.gz", NULL);
    g_autofree char *checkpoints = g_strconcat(uri, "checkpoints", NULL);
    struct job_output *model = job_plan_output(plan, g_strdup("the model"), "model", archive);
    model->archive = true;
    model->when = JOB_OUTPUT_STOPPED;
    job_plan_output(plan, g_strdup("the tree"), "tree", uri);
    job_plan_output(plan, g_strdup("checkpoints"), "checkpoints", checkpoints)->when =
        JOB_OUTPUT_COMES;
    g_autoptr(json_auto) source = json_pack("{so}", "S3Uri", json_sprintf("%s/", checkpoints));
    job_plan_input(plan, g_strdup("checkpoints"), "checkpoints", source)->may_be_empty = true;
}

static void submit(struct run *run, const char *id)
{
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->changed, NULL);
    struct job_plan *plan = job_plan_new(run->program, "an-image:1");
    plan->max_seconds = run->max_seconds;
    plan->is_warm = warm;
    plan->stop_seconds = run->stop_seconds > 0 ? run->stop_seconds : 0.2;
    job_plan_file(plan, "input/config/some.json", json_pack("{ss}", "a", "b"));
    if (run->input) {
        g_autoptr(json_auto) source = json_pack("{ss}", "S3Uri", run->input);
        job_plan_input(plan, g_strdup("channel train"), "input", source);
    }
    if (run->results)
        plan_results(plan, run->results);
    assert_true(job_plan_check(plan, NULL));
    struct job_order order = {.id = id,
                              .log_group = "group",
                              .errors_group = run->errors,
                              .log_stream = id,
                              .plan = plan,
                              .actor = &actor,
                              .data = run};
    jobs_submit(jobs, &order);
}

static void set_full(struct run *run, bool full)
{
    pthread_mutex_lock(&run->lock);
    run->full = full;
    pthread_mutex_unlock(&run->lock);
}

static void wait_for(struct run *run, const bool *what)
{
    pthread_mutex_lock(&run->lock);
    while (!*what)
        pthread_cond_wait(&run->changed, &run->lock);
    pthread_mutex_unlock(&run->lock);
}

/* The messages of a log stream, joined by "|". */
static char *log_in(const char *group, const char *stream)
{
    struct log_query query = {.position = -1, .from_head = true};
    struct log_page page = {0};
    GString *text = g_string_new(NULL);
    if (logs_read(logs, group, stream, &query, &page, NULL))
        for (guint i = 0; i < page.events->len; i++)
            g_string_append_printf(
                text, "%s|", ((struct log_event *)g_ptr_array_index(page.events, i))->message);
    log_page_clear(&page);
    return g_string_free(text, FALSE);
}

static char *log_of(const char *stream)
{
    return log_in("group", stream);
}

static void a_job_speaks_reports_and_ends(void **state)
{
    (void)state;
    struct run run = {.program = "speak"};
    submit(&run, "one");
    wait_for(&run, &run.ended);
    assert_int_equal(run.end.how, JOB_COMPLETED);
    assert_null(run.reason);
    assert_string_equal(run.message, "all is well");
    assert_true(run.end.started > 0 && run.end.started <= run.end.ended);
    assert_true(run.gathered == 0.5);
    assert_false(run.stores); /* it has no outputs */
    g_autofree char *log = log_of("one");
    assert_non_null(strstr(log, "first line|"));
    assert_non_null(strstr(log, "second|")); /* which had no newline */
    assert_non_null(strstr(log, "not JSON and was left out: nonsense"));
    clear(&run);
}

static void errors_are_in_order_with_the_output_or_apart(void **state)
{
    (void)state;
    static const char reason[] = "AlgorithmError: The job's process ended without giving a reason";
    struct run together = {.program = "both"}, apart = {.program = "both", .errors = "errors"};
    submit(&together, "together");
    wait_for(&together, &together.ended);
    submit(&apart, "apart");
    wait_for(&apart, &apart.ended);
    g_autofree char *both = log_of("together");
    g_autofree char *output = log_of("apart");
    g_autofree char *errors = log_in("errors", "apart");
    assert_true(g_str_has_prefix(both, "out 0|err 0|out 1|err 1|out 2|err 2|AlgorithmError"));
    assert_string_equal(output, "out 0|out 1|out 2|");
    assert_true(g_str_has_prefix(errors, "err 0|err 1|err 2|"));
    assert_true(g_str_has_prefix(errors + strlen("err 0|err 1|err 2|"), reason));
    clear(&together);
    clear(&apart);
}

static void a_failure_gives_the_reason_that_the_child_wrote(void **state)
{
    (void)state;
    struct run run = {.program = "fail"};
    submit(&run, "one");
    wait_for(&run, &run.ended);
    assert_int_equal(run.end.how, JOB_FAILED);
    assert_string_equal(run.reason, "AlgorithmError: column 3 is not a number, exit code: 1");
    assert_false(run.end.cut_off);
    clear(&run);
    struct run crash = {.program = "crash"};
    submit(&crash, "two");
    wait_for(&crash, &crash.ended);
    assert_non_null(strstr(crash.reason, "killed by signal 9"));
    clear(&crash);
    g_autofree char *log = log_of("one");
    assert_non_null(strstr(log, "AlgorithmError: column 3"));
}

static void what_cannot_be_brought_in_is_the_client_s_error(void **state)
{
    (void)state;
    struct run run = {.program = "speak", .input = "s3://bucket/nothing/"};
    submit(&run, "one");
    wait_for(&run, &run.ended);
    assert_int_equal(run.end.how, JOB_FAILED);
    assert_true(
        g_str_has_prefix(run.reason, "ClientError: Data download failed for channel train"));
    assert_non_null(strstr(run.reason, "s3://bucket/nothing/"));
    assert_false(run.runs);
    clear(&run);
    struct run nowhere = {.program = "speak", .results = "s3://no-such-bucket/out/"};
    submit(&nowhere, "two");
    wait_for(&nowhere, &nowhere.ended);
    assert_true(
        g_str_has_prefix(nowhere.reason, "ClientError: the model: the bucket no-such-bucket"));
    assert_false(nowhere.runs);
    clear(&nowhere);
}

/* Also where the server, and with it this test, is root's. */
static void a_job_cannot_write_what_it_reads(void **state)
{
    (void)state;
    struct run run = {.program = "overwrite", .input = "s3://bucket/in/"};
    submit(&run, "one");
    wait_for(&run, &run.ended);
    assert_int_equal(run.end.how, JOB_COMPLETED);
    clear(&run);
}

/* The keys below out/, joined by "|". */
static char *stored(void)
{
    g_autoptr(GPtrArray) objects = lake_list(lake, "bucket", "out/", NULL);
    GString *keys = g_string_new(NULL);
    for (guint i = 0; i < objects->len; i++)
        g_string_append_printf(keys, "%s|",
                               ((struct lake_object *)g_ptr_array_index(objects, i))->key);
    return g_string_free(keys, FALSE);
}

static char *id_of(const char *key)
{
    g_autoptr(lake_object_auto) object = lake_stat(lake, "bucket", key, NULL);
    return g_strdup(object->id);
}

/* Checkpoints of an earlier job come in; only what is new goes out. */
static void what_was_brought_in_is_not_stored_again(void **state)
{
    (void)state;
    put("out/checkpoints/0", "an earlier one");
    put("out/checkpoints/1", "will be replaced");
    g_autofree char *kept = id_of("out/checkpoints/0");
    g_autofree char *replaced = id_of("out/checkpoints/1");
    struct run run = {.program = "replace", .results = "s3://bucket/out/"};
    submit(&run, "one");
    wait_for(&run, &run.ended);
    assert_int_equal(run.end.how, JOB_COMPLETED);
    g_autofree char *kept_now = id_of("out/checkpoints/0");
    g_autofree char *replaced_now = id_of("out/checkpoints/1");
    assert_string_equal(kept_now, kept);
    assert_string_not_equal(replaced_now, replaced);
    g_autoptr(GBytes) bytes = lake_get_bytes(lake, "s3://bucket/out/checkpoints/1", 100, NULL);
    assert_int_equal(g_bytes_get_size(bytes), strlen("a checkpoint"));
    clear(&run);
}

static void outputs_are_stored_with_the_end_and_checkpoints_before(void **state)
{
    (void)state;
    struct run run = {.program = "write", .results = "s3://bucket/out/", .full = true};
    submit(&run, "one");
    wait_for(&run, &run.tried);
    assert_true(run.stores);
    g_autofree char *before = stored();
    assert_string_equal(before, "out/checkpoints/1|");
    set_full(&run, false);
    assert_true(jobs_stop(jobs, "one")); /* is still known, and tried again */
    wait_for(&run, &run.ended);
    assert_int_equal(run.end.how, JOB_COMPLETED);
    g_autofree char *after = stored();
    assert_string_equal(after, "out/below.txt|out/checkpoints/1|out/model.tar.gz|");
    clear(&run);
}

static void a_stop_ends_what_runs_and_what_waits(void **state)
{
    (void)state;
    struct run running = {.program = "deaf", .results = "s3://bucket/out/"};
    struct run waiting = {.program = "speak", .results = "s3://bucket/out/"};
    submit(&running, "running");
    submit(&waiting, "waiting");
    wait_for(&running, &running.runs);
    assert_true(jobs_stop(jobs, "waiting"));
    assert_true(waiting.ended); /* at once, though the only slot is taken */
    assert_int_equal(waiting.end.how, JOB_STOPPED);
    assert_false(waiting.runs || waiting.stores);
    assert_true(jobs_stop(jobs, "running"));
    wait_for(&running, &running.ended); /* it ignores SIGTERM */
    assert_int_equal(running.end.how, JOB_STOPPED);
    assert_true(running.stores);
    assert_null(running.reason);
    assert_false(jobs_stop(jobs, "waiting"));
    clear(&waiting);
    clear(&running);
}

/* A Stop that came between making a job known and submitting it found nothing to stop. */
static void what_was_stopped_before_it_was_submitted_never_runs(void **state)
{
    (void)state;
    struct run run = {.program = "speak", .unwanted = true};
    submit(&run, "one");
    wait_for(&run, &run.ended);
    assert_int_equal(run.end.how, JOB_STOPPED);
    g_autofree char *log = log_of("one");
    assert_string_equal(log, "");
    clear(&run);
}

static void a_job_that_runs_too_long_is_ended_with_its_children(void **state)
{
    (void)state;
    struct run run = {.program = "parent", .max_seconds = 0.3};
    submit(&run, "one");
    wait_for(&run, &run.ended);
    assert_int_equal(run.end.how, JOB_TIMED_OUT);
    clear(&run);
}

static void a_job_that_closed_its_pipes_can_be_ended(void **state)
{
    (void)state;
    struct run run = {.program = "silent", .max_seconds = 0.3};
    submit(&run, "one");
    wait_for(&run, &run.ended);
    assert_int_equal(run.end.how, JOB_TIMED_OUT);
    clear(&run);
}

static void a_job_ends_with_its_program_whoever_holds_its_pipes(void **state)
{
    (void)state;
    struct run run = {.program = "daemon"};
    submit(&run, "one");
    wait_for(&run, &run.ended);
    assert_int_equal(run.end.how, JOB_COMPLETED);
    g_autofree char *log = log_of("one");
    assert_int_equal(kill((pid_t)atol(log), SIGKILL), 0); /* it was still there */
    clear(&run);
}

static void closing_abandons_what_runs_and_what_waits(void **state)
{
    (void)state;
    struct run run = {.program = "wait"}, waiting = {.program = "wait"};
    submit(&run, "one");
    submit(&waiting, "two");
    wait_for(&run, &run.runs);
    jobs_close(jobs);
    jobs = NULL;
    assert_true(run.ended && waiting.ended);
    assert_true(run.end.how == JOB_FAILED && run.end.cut_off);
    assert_true(waiting.end.how == JOB_FAILED && waiting.end.cut_off);
    assert_non_null(strstr(run.reason, "lathe was stopped"));
    assert_false(waiting.runs);
    clear(&run);
    clear(&waiting);
}

/* Neither SIGTERM nor the time that a Stop gave it holds up the server's own end. */
static void closing_does_not_wait_for_what_was_told_to_stop(void **state)
{
    (void)state;
    struct run run = {.program = "deaf", .stop_seconds = 1e6};
    submit(&run, "one");
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
    assert_int_equal(run.end.how, JOB_STOPPED);
    clear(&run);
}

static void an_end_that_cannot_be_written_is_kept(void **state)
{
    (void)state;
    struct run ran = {.program = "speak", .full = true},
               waited = {.program = "speak", .full = true};
    submit(&ran, "ran");
    wait_for(&ran, &ran.tried);
    submit(&waited, "waited");
    assert_true(jobs_stop(jobs, "waited"));
    assert_true(waited.tried);
    assert_false(ran.ended || waited.ended);
    set_full(&ran, false);
    set_full(&waited, false);
    assert_true(jobs_stop(jobs, "ran")); /* is still known, and tried again */
    wait_for(&ran, &ran.ended);
    wait_for(&waited, &waited.ended);
    assert_int_equal(ran.end.how, JOB_COMPLETED);
    assert_int_equal(waited.end.how, JOB_STOPPED);
    clear(&ran);
    clear(&waited);
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
    close_all(); /* no thread is lost by the fork */
    pid_t server = fork();
    if (server == 0) {
        open_all();
        struct run run = {.program = "wait"};
        submit(&run, "one");
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

/* What `lathe job` runs: a folder's program, here the one of the process that was executed. */
static const char *program;

static int child_in(const char *folder_of_job, int report)
{
    (void)folder_of_job;
    (void)report;
    return child_main(program);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        process_lay_down_override(); /* as `lathe job` does */
        program = argv[2];
        return strcmp(argv[3], "-") == 0 ? warm_serve(PROCESS_REPORT, NULL, child_in)
                                         : child_main(program);
    }
    const struct CMUnitTest tests[] = {
        TEST(a_job_speaks_reports_and_ends),
        TEST(errors_are_in_order_with_the_output_or_apart),
        TEST(a_failure_gives_the_reason_that_the_child_wrote),
        TEST(what_cannot_be_brought_in_is_the_client_s_error),
        TEST(a_job_cannot_write_what_it_reads),
        TEST(what_was_brought_in_is_not_stored_again),
        TEST(outputs_are_stored_with_the_end_and_checkpoints_before),
        TEST(a_stop_ends_what_runs_and_what_waits),
        TEST(what_was_stopped_before_it_was_submitted_never_runs),
        TEST(a_job_that_runs_too_long_is_ended_with_its_children),
        TEST(a_job_that_closed_its_pipes_can_be_ended),
        TEST(a_job_ends_with_its_program_whoever_holds_its_pipes),
        TEST(closing_abandons_what_runs_and_what_waits),
        TEST(closing_does_not_wait_for_what_was_told_to_stop),
        TEST(an_end_that_cannot_be_written_is_kept),
        TEST(a_killed_server_takes_its_jobs_along),
    };
    int failed = cmocka_run_group_tests_name("executed", tests, NULL, NULL);
    warm = true;
    return failed + cmocka_run_group_tests_name("forked", tests, NULL, NULL);
}
