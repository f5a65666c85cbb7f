/* The child, while it runs. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lines.h"
#include "job/job_inside.h"

#define STOP_SECONDS 120
#define LOOK_SECONDS 5 /* between looks for outputs that come */

#define ABANDONED                                                                                  \
    "InternalServerError: lathe was stopped while the job was running; start the job again under " \
    "another name."

/* ---- what it says ---- */

/* Bytes of a job's logs; what a program prints beyond them is lost. */
#define LONGEST_LOG ((guint64)256 << 20)

static void log_line(struct job *job, bool errors, const char *line, size_t size)
{
    if (!size || job->logged > LONGEST_LOG) /* CloudWatch has no empty lines */
        return;
    job->logged += size;
    job_log_text(job, errors, line, size);
    if (job->logged > LONGEST_LOG)
        job_log(job, "The log ends here: it has more than 256 MiB. The job goes on.");
}

static void take_output_line(const char *line, size_t size, void *data)
{
    log_line(data, false, line, size);
}

static void take_error_line(const char *line, size_t size, void *data)
{
    log_line(data, true, line, size);
}

static void take_report_line(const char *line, size_t size, void *data)
{
    struct job *job = data;
    g_autoptr(json_auto) report = json_parse(line, size, "a job's report", NULL);
    if (json_object_get(report, "waits"))
        job_lend(job, json_true_at(report, "waits"));
    else if (json_is_object(report))
        job->actor->report(report, job->data);
    else if (!report)
        job_log(job, "a line on the report pipe is not JSON and was left out: %.*s",
                (int)MIN(size, 200), line);
}

/* ---- how long it may ---- */

/* Decides whether to signal the child, and how long to sleep until the next decision. */
struct watchdog {
    double kill_at; /* when SIGTERM has had its time; 0: none was sent */
    bool closing;   /* the server's end was heard of */
    struct child_end end;
};

static void send_term(struct job *job, struct watchdog *dog, int how, double seconds)
{
    dog->end.how = how;
    dog->kill_at = clock_monotonic() + seconds;
    process_signal(&job->process, SIGTERM);
}

/* A server that stops waits for no job as long as a Stop does. */
static void hurry(struct job *job, struct watchdog *dog, bool stop)
{
    dog->closing = true;
    if (dog->kill_at > 0) {
        dog->kill_at = MIN(dog->kill_at, clock_monotonic() + job->jobs->close_seconds);
        return;
    }
    dog->end.cut_off = !stop;
    send_term(job, dog, stop ? JOB_STOPPED : JOB_FAILED, job->jobs->close_seconds);
}

static bool stores_early(const struct job_plan *plan)
{
    for (guint i = 0; i < plan->outputs->len; i++) {
        const struct job_output *output = g_ptr_array_index(plan->outputs, i);
        if (output->when == JOB_OUTPUT_COMES)
            return true;
    }
    return false;
}

static int watch_child(struct job *job, struct watchdog *dog)
{
    double now = clock_monotonic();
    double grace = job->plan->stop_seconds > 0 ? job->plan->stop_seconds : STOP_SECONDS;
    struct job_wish wish = job_wish(job);
    if (wish.closing && !dog->closing) {
        hurry(job, dog, wish.stop);
    } else if (dog->kill_at == 0) {
        if (wish.stop)
            send_term(job, dog, JOB_STOPPED, grace);
        else if (wish.late)
            send_term(job, dog, JOB_TIMED_OUT, grace);
    } else if (now >= dog->kill_at) {
        process_signal(&job->process, SIGKILL);
        dog->kill_at = now + 1;
    }
    double next = dog->kill_at;
    if (stores_early(job->plan)) /* silence is no reason not to look */
        next = next > 0 ? MIN(next, now + LOOK_SECONDS) : now + LOOK_SECONDS;
    return next > 0 ? (int)CLAMP((next - now) * 1000 + 1, 1, 60000) : -1;
}

/* ---- reading ---- */

/* How long a child that has just been read may gather more: a change of the store and of the log
 * each time takes the cores that it trains on. */
#define GATHER_MILLISECONDS 50

static void tell_reported(const struct job *job)
{
    if (job->actor->reported)
        job->actor->reported(job->data);
}

/* Whole handfuls are written and told at once: what a program says may be a line each millisecond.
 * False: there will be no more. */
static bool take_some(struct job *job, struct lines *lines, int fd, bool *more)
{
    job_hold_log(job, true);
    bool open = lines_read(lines, fd, more);
    job_hold_log(job, false);
    tell_reported(job);
    return open;
}

/* What the pipes still hold of a child that has ended. */
static void drain(struct job *job, struct lines *lines, int fd)
{
    for (bool more = true; more && fd >= 0;) {
        more = false;
        take_some(job, lines, fd, &more);
    }
    lines_end(lines);
    tell_reported(job);
}

/* Its output, its errors where they are apart, its reports. */
enum { PIPES = 3 };

/* Whether there was something, and all of it was read. */
static bool read_pipes(struct job *job, struct lines *pipes, struct pollfd *fds)
{
    bool some = false, more = false;
    for (int i = 0; i < PIPES; i++) {
        some |= fds[i].revents != 0;
        if (fds[i].revents && !take_some(job, &pipes[i], fds[i].fd, &more))
            fds[i].fd = -1;
    }
    return some && !more;
}

/* Reads until the child has ended: it may close its pipes before, and what it started may hold them
 * open after. After a read only ends wake it for a while: a round of training may take a
 * millisecond, and who wakes for each takes the cores that the child trains on. */
static void pump(struct job *job, struct watchdog *dog)
{
    struct lines pipes[PIPES] = {{.take = take_output_line, .data = job},
                                 {.take = take_error_line, .data = job},
                                 {.take = take_report_line, .data = job}};
    struct pollfd fds[PIPES + 2] = {{.fd = job->process.output},
                                    {.fd = job->process.errors},
                                    {.fd = job->process.report},
                                    {.fd = job->wake, .events = POLLIN},
                                    {.fd = job->process.ended, .events = POLLIN}};
    const struct pollfd *wake = fds + PIPES, *ended = wake + 1;
    bool gathers = false;
    struct profile profile = {0};
    while (!ended->revents) {
        int wait = watch_child(job, dog);
        double look = profile_look(job, &profile);
        if (look > 0 && (wait < 0 || wait > look * 1000))
            wait = (int)(look * 1000) + 1;
        for (int i = 0; i < PIPES; i++)
            fds[i].events = gathers ? 0 : POLLIN;
        if (gathers && (wait < 0 || wait > GATHER_MILLISECONDS))
            wait = GATHER_MILLISECONDS;
        if (poll(fds, G_N_ELEMENTS(fds), wait) < 0) {
            if (errno != EINTR)
                break;
            continue;
        }
        gathers = read_pipes(job, pipes, fds);
        if (wake->revents)
            job_hear_wake(job);
        if (clock_monotonic() - job->looked > LOOK_SECONDS)
            job_take_outputs(job);
    }
    for (int i = 0; i < PIPES; i++)
        drain(job, &pipes[i], fds[i].fd);
}

/* ---- from its start to its end ---- */

/* How many threads are its own, beside the jobs that run or wait now: a hint. */
static unsigned share_of_cores(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    unsigned live = MAX(jobs->live->len, 1);
    pthread_mutex_unlock(&jobs->lock);
    return MAX(g_get_num_processors() / live, 1);
}

/* A few of our own variables, never what a request says: the loader and libraries obey them. */
static char **environment_of(struct job *job)
{
    const struct job_plan *plan = job->plan;
    static const char *const more[] = {"OMP_NUM_THREADS", "SSL_CERT_FILE", "LATHE_XGBOOST_LIBRARY",
                                       "LATHE_DUCKDB_LIBRARY", NULL};
    g_autoptr(GStrvBuilder) environment = process_environment(more);
    g_autofree char *report = g_strdup_printf("LATHE_REPORT_FD=%d", PROCESS_REPORT);
    g_autofree char *threads = g_strdup_printf("LATHE_THREADS=%u", share_of_cores(job->jobs));
    g_autofree char *image = g_strconcat("LATHE_IMAGE=", plan->image, NULL);
    g_strv_builder_add_many(environment, report, threads, plan->image ? image : NULL, NULL);
    return g_strv_builder_end(environment);
}

static bool start(struct job *job, GError **error)
{
    /* Not the path that it stands for: an upgrade may have put another program there since. */
    char self[] = "/proc/self/exe", verb[] = "job";
    char *argv[] = {self, verb, job->plan->program, job->folder, NULL};
    g_auto(GStrv) environment = environment_of(job);
    if (job->plan->is_warm && !job->errors_group && warmed_start(job, environment))
        return true;
    return process_start(&job->process, argv, environment, job->folder, job->errors_group != NULL,
                         error);
}

/* A reason has at most 1,024 characters, those around the child's own among them. */
#define MOST_WORDS ((gsize)16 << 20) /* bytes that are read of one */
#define REASON "AlgorithmError: %s, exit code: %d"
enum { LONGEST_REASON = 1024, LONGEST_WORDS = LONGEST_REASON - sizeof REASON };

/* What is there may be no more than a link to what the program may not read itself. */
char *job_words(const struct job *job, const char *path)
{
    g_autoptr(GBytes) bytes = file_read_below(job->folder, path, MOST_WORDS, NULL);
    gsize size = 0;
    const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    return text ? g_utf8_make_valid(text, (gssize)size) : NULL;
}

/* What the child wrote about its failure (SageMaker's contract: output/failure), else what the
 * kernel says. */
static char *failure_reason(const struct job *job, int wait_status)
{
    g_autofree char *text = job_words(job, "output/failure");
    if (text && *g_strstrip(text))
        return g_utf8_substring(text, 0, MIN(LONGEST_WORDS, g_utf8_strlen(text, -1)));
    g_autofree char *how = process_describe(wait_status);
    return g_strdup_printf("The job's process ended without giving a reason (%s); its last log "
                           "lines may say more.",
                           how);
}

static char *reason_of_exit(const struct job *job, int wait_status)
{
    g_autofree char *reason = failure_reason(job, wait_status);
    if (job->plan->whole_reason && WIFEXITED(wait_status))
        return g_steal_pointer(&reason);
    int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    return g_strdup_printf(REASON, reason, status);
}

/* 0: it may run for ever. */
static guint64 set_alarm(struct job *job)
{
    struct clock *clock = job->jobs->clock;
    double seconds = job->plan->max_seconds;
    return seconds > 0
               ? clock_set(clock, CLOCK_STEADY, clock_steady(clock) + seconds, job_is_late, job)
               : 0;
}

bool child_run(struct job *job, struct child_end *end, GError **error)
{
    if (!start(job, error))
        return false;
    struct watchdog dog = {.end.how = JOB_COMPLETED};
    guint64 alarm = set_alarm(job);
    pump(job, &dog);
    clock_cancel(job->jobs->clock, alarm);
    job_lend(job, false);
    int status = process_finish(&job->process);
    warmed_give_back(job);
    *end = dog.end;
    if (end->cut_off) {
        end->reason = g_strdup(ABANDONED);
    } else if (end->how == JOB_COMPLETED && status != 0) {
        end->how = JOB_FAILED;
        end->reason = reason_of_exit(job, status);
    }
    return true;
}
