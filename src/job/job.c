#include "job/job.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/lines.h"
#include "base/process.h"
#include "store/log_stream.h"

struct job {
    struct jobs *jobs;
    char *name, *log_group, *log_stream, *folder;
    double max_seconds, stop_seconds;
    const struct job_actor *actor;
    void *data;

    char *program, *setting;
    struct log_writer *log;
    struct process process;
    int wake; /* eventfd: someone wants the job to stop */

    bool stop_wanted; /* under jobs->lock */
};

struct jobs {
    char *folder;
    struct logs *logs;
    unsigned slots;
    double close_seconds;
    pthread_t *threads;
    pthread_mutex_t lock;
    pthread_cond_t waits;
    GQueue queue;    /* of struct job that wait */
    GPtrArray *live; /* those and the ones that run */
    bool closing;
};

const char *job_folder(const struct job *job)
{
    return job->folder;
}

void job_execute(struct job *job, const char *program, char *setting)
{
    job->program = g_strdup(program);
    job->setting = setting;
}

static void log_text(struct job *job, const char *text, size_t size)
{
    /* A log that cannot be written (a full disk) must not end the job: the line is lost. */
    if (job->log)
        log_writer_add(job->log, (gint64)(clock_now() * 1000), text, size, NULL);
}

void job_log(struct job *job, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    log_text(job, text, strlen(text));
}

/* --- the child, while it runs ----------------------------------------------------------------- */

static void take_log_line(const char *line, size_t size, void *data)
{
    log_text(data, line, size);
}

static void take_report_line(const char *line, size_t size, void *data)
{
    struct job *job = data;
    g_autoptr(json_auto) report = json_parse(line, size, "a job's report", NULL);
    if (json_is_object(report) && job->actor->report)
        job->actor->report(job, report, job->data);
    else if (!report)
        job_log(job, "a line on the report pipe is not JSON and was left out: %.*s",
                (int)MIN(size, 200), line);
}

/* Whether the job is to end, and as what: a Stop counts for more than the server's end. */
static bool must_stop(struct job *job, bool *closing, enum job_how *how)
{
    pthread_mutex_lock(&job->jobs->lock);
    bool stop = job->stop_wanted;
    *closing = job->jobs->closing;
    pthread_mutex_unlock(&job->jobs->lock);
    *how = stop ? JOB_STOPPED : JOB_ABANDONED;
    return stop || *closing;
}

/* Decides whether to signal the child, and how long to sleep until the next decision. */
struct watchdog {
    double deadline; /* when it has run long enough; 0: never */
    double kill_at;  /* when SIGTERM has had its time; 0: none was sent */
    bool closing;    /* jobs_close was heard of */
    enum job_how how;
};

static void send_term(struct job *job, struct watchdog *dog, enum job_how how, double seconds)
{
    dog->how = how;
    process_signal(&job->process, SIGTERM);
    dog->kill_at = clock_monotonic() + seconds;
}

/* A server that stops waits for no job as long as a Stop does. */
static void hurry(struct job *job, struct watchdog *dog, enum job_how how)
{
    dog->closing = true;
    if (dog->how == JOB_EXITED)
        send_term(job, dog, how, job->jobs->close_seconds);
    else
        dog->kill_at = MIN(dog->kill_at, clock_monotonic() + job->jobs->close_seconds);
}

static int watch_child(struct job *job, struct watchdog *dog)
{
    double now = clock_monotonic();
    bool closing;
    enum job_how how;
    bool stop = must_stop(job, &closing, &how);
    if (closing && !dog->closing) {
        hurry(job, dog, how);
    } else if (dog->how == JOB_EXITED) {
        if (stop)
            send_term(job, dog, how, job->stop_seconds);
        else if (dog->deadline > 0 && now >= dog->deadline)
            send_term(job, dog, JOB_TIMED_OUT, job->stop_seconds);
    } else if (now >= dog->kill_at) {
        process_signal(&job->process, SIGKILL);
        dog->kill_at = now + 1;
    }
    double next = dog->kill_at > 0 ? dog->kill_at : dog->deadline;
    return next > 0 ? (int)MIN((next - now) * 1000 + 1, 60000) : -1;
}

static void hear_wake(const struct job *job)
{
    uint64_t ignored;
    ssize_t n = read(job->wake, &ignored, sizeof ignored);
    (void)n;
}

/* How long a child that has just been read may gather more. */
#define GATHER_MILLISECONDS 20

/* Reads both pipes to their ends. A grandchild may hold them open after the child's end, so the
 * child is looked at, too. After a read only the ends wake it for a while: a round of training may
 * take a millisecond, and who wakes for each takes the cores that the child trains on. */
static void pump(struct job *job, struct watchdog *dog)
{
    struct lines output = {.take = take_log_line, .data = job};
    struct lines report = {.take = take_report_line, .data = job};
    struct pollfd fds[3] = {{.fd = job->process.output, .events = POLLIN},
                            {.fd = job->process.report, .events = POLLIN},
                            {.fd = job->wake, .events = POLLIN}};
    bool gathers = false;
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        int wait = watch_child(job, dog);
        fds[0].events = fds[1].events = gathers ? 0 : POLLIN;
        if (gathers && (wait < 0 || wait > GATHER_MILLISECONDS))
            wait = GATHER_MILLISECONDS;
        if (poll(fds, 3, wait) < 0 && errno != EINTR)
            break;
        bool more = false;
        gathers = fds[0].revents || fds[1].revents;
        if (fds[0].revents && !lines_read(&output, fds[0].fd, &more))
            fds[0].fd = -1;
        if (fds[1].revents && !lines_read(&report, fds[1].fd, &more))
            fds[1].fd = -1;
        gathers = gathers && !more;
        if (fds[2].revents)
            hear_wake(job);
    }
    lines_end(&output);
    lines_end(&report);
}

static char **child_environment(const char *setting)
{
    GPtrArray *environment = g_ptr_array_new();
    static const char *const kept[] = {"PATH",
                                       "HOME",
                                       "LANG",
                                       "LD_LIBRARY_PATH",
                                       "OMP_NUM_THREADS",
                                       "LATHE_XGBOOST_LIBRARY",
                                       "LATHE_DUCKDB_LIBRARY",
                                       "ASAN_OPTIONS",
                                       "UBSAN_OPTIONS"};
    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
        if (g_getenv(kept[i]))
            g_ptr_array_add(environment, g_strdup_printf("%s=%s", kept[i], g_getenv(kept[i])));
    g_ptr_array_add(environment, g_strdup_printf("LATHE_REPORT_FD=%d", PROCESS_REPORT));
    if (setting)
        g_ptr_array_add(environment, g_strdup(setting));
    g_ptr_array_add(environment, NULL);
    return (char **)g_ptr_array_free(environment, FALSE);
}

static bool start(struct job *job, GError **error)
{
    if (!job->program)
        return error_set(error, ERROR_INTERNAL, "the job has nothing to execute");
    /* Not the path that it stands for: an upgrade may have put another program there since. */
    char self[] = "/proc/self/exe";
    char verb[] = "job";
    char *argv[] = {self, verb, job->program, job->folder, NULL};
    g_auto(GStrv) environment = child_environment(job->setting);
    return process_start(&job->process, argv, environment, job->folder, error);
}

/* What the child wrote about its failure (SageMaker's contract: output/failure, at most 1,024
 * characters are shown), else what the kernel says. */
static char *failure_reason(const struct job *job, int wait_status)
{
    g_autofree char *path = g_build_filename(job->folder, "output", "failure", NULL);
    g_autofree char *text = NULL;
    if (g_file_get_contents(path, &text, NULL, NULL) && *g_strstrip(text)) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        return g_utf8_substring(valid, 0, MIN(1024, g_utf8_strlen(valid, -1)));
    }
    g_autofree char *how = process_describe(wait_status);
    return g_strdup_printf("The job's process ended without giving a reason (%s); its last log "
                           "lines may say more.",
                           how);
}

static void run_child(struct job *job, struct job_end *end)
{
    struct watchdog dog = {.how = JOB_EXITED};
    if (job->max_seconds > 0)
        dog.deadline = clock_monotonic() + job->max_seconds;
    pump(job, &dog);
    int status = process_finish(&job->process);
    end->how = dog.how;
    end->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (end->exit_status != 0)
        end->reason = failure_reason(job, status);
}

/* --- a job, from the queue to its end ----------------------------------------------------------
 */

static void job_free(struct job *job)
{
    job->actor->free(job->data);
    g_free(job->name);
    g_free(job->log_group);
    g_free(job->log_stream);
    g_free(job->folder);
    g_free(job->program);
    g_free(job->setting);
    log_writer_close(job->log);
    close(job->wake);
    g_free(job);
}

/* The end of a job that did not come to run. */
static bool end_early(struct job *job, struct job_end *end)
{
    bool closing;
    enum job_how how;
    if (!must_stop(job, &closing, &how))
        return false;
    end->how = how;
    return true;
}

/* How long the store is left alone that took no changes, at most. Each try may write an archive. */
#define LONGEST_PAUSE 8

/* False where the server stops. A Stop wakes it, too: the store is tried the sooner. */
static bool pause_before_retry(struct job *job, int seconds)
{
    struct pollfd wake = {.fd = job->wake, .events = POLLIN};
    poll(&wake, 1, seconds * 1000);
    hear_wake(job);
    bool closing;
    enum job_how how;
    must_stop(job, &closing, &how);
    return !closing;
}

/* What a job did must not be lost because a disk was full when it ended: the end is kept, with its
 * slot, since another job could do no better. */
static void finish(struct job *job, struct job_end *end)
{
    for (int seconds = 1;; seconds = MIN(2 * seconds, LONGEST_PAUSE)) {
        g_autoptr(GError) error = NULL;
        if (job->actor->finish(job, end, job->data, &error))
            return;
        if (!end->again)
            g_warning("the end of %s could not be written and is kept: %s", job->name,
                      error->message);
        end->again = true;
        if (!pause_before_retry(job, seconds))
            return;
    }
}

static void run(struct job *job)
{
    g_autoptr(GError) error = NULL;
    struct job_end end = {.how = JOB_NOT_STARTED, .exit_status = -1, .started = clock_now()};
    job->log = log_writer_open(job->jobs->logs, job->log_group, job->log_stream, NULL);
    if (!end_early(job, &end)) {
        if (file_make_folders(job->folder, &error) && job->actor->prepare(job, job->data, &error) &&
            start(job, &error))
            run_child(job, &end);
        else
            end.reason = g_strdup(error->message);
    }
    end.ended = clock_now();
    finish(job, &end);
    g_free(end.reason);
    file_remove_tree(job->folder, NULL); /* what is left is collected at the next start */
}

static void *run_slot(void *data)
{
    struct jobs *jobs = data;
    pthread_mutex_lock(&jobs->lock);
    for (;;) {
        while (g_queue_is_empty(&jobs->queue) && !jobs->closing)
            pthread_cond_wait(&jobs->waits, &jobs->lock);
        struct job *job = g_queue_pop_head(&jobs->queue);
        if (!job)
            break;
        pthread_mutex_unlock(&jobs->lock);
        run(job);
        pthread_mutex_lock(&jobs->lock);
        g_ptr_array_remove_fast(jobs->live, job);
        job_free(job);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

/* --- the queue ---------------------------------------------------------------------------------
 */

struct jobs *jobs_open(const struct jobs_settings *settings, GError **error)
{
    /* What is there is of jobs that a crash ended; their children died with the server. */
    if (!file_remove_tree(settings->folder, error) || !file_make_folders(settings->folder, error))
        return NULL;
    struct jobs *jobs = g_new0(struct jobs, 1);
    jobs->folder = g_strdup(settings->folder);
    jobs->logs = settings->logs;
    jobs->slots = settings->slots ? settings->slots : g_get_num_processors();
    jobs->close_seconds = settings->close_seconds > 0 ? settings->close_seconds : 10;
    jobs->live = g_ptr_array_new();
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->waits, NULL);
    jobs->threads = g_new0(pthread_t, jobs->slots);
    for (unsigned i = 0; i < jobs->slots; i++)
        pthread_create(&jobs->threads[i], NULL, run_slot, jobs);
    return jobs;
}

static void wake(const struct job *job)
{
    uint64_t one = 1;
    ssize_t n = write(job->wake, &one, sizeof one);
    (void)n; /* an eventfd that is full is awake already */
}

void jobs_close(struct jobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->closing = true;
    for (guint i = 0; i < jobs->live->len; i++)
        wake(g_ptr_array_index(jobs->live, i));
    pthread_cond_broadcast(&jobs->waits);
    pthread_mutex_unlock(&jobs->lock);
    for (unsigned i = 0; i < jobs->slots; i++)
        pthread_join(jobs->threads[i], NULL);
    g_ptr_array_unref(jobs->live);
    pthread_mutex_destroy(&jobs->lock);
    pthread_cond_destroy(&jobs->waits);
    g_free(jobs->threads);
    g_free(jobs->folder);
    g_free(jobs);
}

void jobs_submit(struct jobs *jobs, const struct job_plan *plan)
{
    struct job *job = g_new0(struct job, 1);
    job->jobs = jobs;
    job->name = g_strdup(plan->name);
    job->log_group = g_strdup(plan->log_group);
    job->log_stream = g_strdup(plan->log_stream);
    job->folder = g_build_filename(jobs->folder, plan->name, NULL);
    job->max_seconds = plan->max_seconds;
    job->stop_seconds = plan->stop_seconds > 0 ? plan->stop_seconds : 120;
    job->actor = plan->actor;
    job->data = plan->data;
    job->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_lock(&jobs->lock);
    g_queue_push_tail(&jobs->queue, job);
    g_ptr_array_add(jobs->live, job);
    pthread_cond_signal(&jobs->waits);
    pthread_mutex_unlock(&jobs->lock);
}

/* A job that waited ends at once, though all slots may be taken; where the store takes no changes,
 * the next slot that is free keeps trying. */
static void end_waiting(struct job *job)
{
    double now = clock_now();
    struct job_end end = {.how = JOB_STOPPED, .exit_status = -1, .started = now, .ended = now};
    if (job->actor->finish(job, &end, job->data, NULL)) {
        job_free(job);
        return;
    }
    struct jobs *jobs = job->jobs;
    pthread_mutex_lock(&jobs->lock);
    g_queue_push_head(&jobs->queue, job);
    g_ptr_array_add(jobs->live, job);
    pthread_cond_signal(&jobs->waits);
    pthread_mutex_unlock(&jobs->lock);
}

bool jobs_stop(struct jobs *jobs, const char *name)
{
    pthread_mutex_lock(&jobs->lock);
    struct job *job = NULL;
    for (guint i = 0; i < jobs->live->len && !job; i++) {
        struct job *live = g_ptr_array_index(jobs->live, i);
        if (strcmp(live->name, name) == 0)
            job = live;
    }
    bool waited = job && g_queue_remove(&jobs->queue, job);
    if (waited)
        g_ptr_array_remove_fast(jobs->live, job);
    if (job) {
        job->stop_wanted = true;
        wake(job);
    }
    pthread_mutex_unlock(&jobs->lock);
    if (waited)
        end_waiting(job);
    return job != NULL;
}
