/* The queue and its slots. */
#include "job/job.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/tasks.h"
#include "job/job_inside.h"
#include "log/log_stream.h"

/* What the name of a folder begins with that is only there to be removed. */
#define GONE ".gone-"

/* ---- jobs ---- */

void job_log_text(struct job *job, bool errors, const char *text, size_t size)
{
    struct log_writer *log = errors && job->errors ? job->errors : job->log;
    /* A log that cannot be written (a full disk) must not end the job: the line is lost. */
    if (log)
        log_writer_add(log, (gint64)(clock_now() * 1000), text, size, NULL);
}

void job_hold_log(const struct job *job, bool held)
{
    if (job->log)
        log_writer_hold(job->log, held, NULL);
    if (job->errors)
        log_writer_hold(job->errors, held, NULL);
}

void job_log(struct job *job, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    job_log_text(job, true, text, strlen(text));
}

struct job_wish job_wish(struct job *job)
{
    pthread_mutex_lock(&job->jobs->lock);
    struct job_wish wish = {job->stop_wanted, job->jobs->closing, job->late};
    pthread_mutex_unlock(&job->jobs->lock);
    return wish;
}

static void wake(const struct job *job)
{
    uint64_t one = 1;
    ssize_t n = write(job->wake, &one, sizeof one);
    (void)n; /* an eventfd that is full is awake already */
}

void job_is_late(void *data)
{
    struct job *job = data;
    pthread_mutex_lock(&job->jobs->lock);
    job->late = true;
    wake(job);
    pthread_mutex_unlock(&job->jobs->lock);
}

void job_hear_wake(const struct job *job)
{
    uint64_t ignored;
    ssize_t n = read(job->wake, &ignored, sizeof ignored);
    (void)n;
}

static struct job *job_new(struct jobs *jobs, const struct job_order *order)
{
    struct job *job = g_new0(struct job, 1);
    job->jobs = jobs;
    job->id = g_strdup(order->id);
    job->log_group = g_strdup(order->log_group);
    job->errors_group = g_strdup(order->errors_group);
    job->log_stream = g_strdup(order->log_stream);
    job->folder = g_build_filename(jobs->folder, order->id, NULL);
    job->plan = order->plan;
    job->actor = order->actor;
    job->data = order->data;
    job->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    job->taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    job->looked = clock_monotonic();
    return job;
}

static void job_free(struct job *job)
{
    job->actor->free(job->data);
    job_plan_free(job->plan);
    g_free(job->id);
    g_free(job->log_group);
    g_free(job->errors_group);
    g_free(job->log_stream);
    g_free(job->folder);
    g_hash_table_unref(job->taken);
    log_writer_close(job->log);
    log_writer_close(job->errors);
    close(job->wake);
    g_free(job);
}

void job_lend(struct job *job, bool waits)
{
    if (waits == job->lent)
        return;
    job->lent = waits;
    if (waits)
        tasks_lend(job->jobs->slots);
    else
        tasks_take_back(job->jobs->slots);
}

/* ---- the queue ---- */

/* The longest in the queue, unless it was taken out meanwhile. */
static void run_next(void *data)
{
    struct jobs *jobs = data;
    pthread_mutex_lock(&jobs->lock);
    struct job *job = g_queue_pop_head(&jobs->queue);
    pthread_mutex_unlock(&jobs->lock);
    if (!job)
        return;
    job_run(job);
    pthread_mutex_lock(&jobs->lock);
    g_ptr_array_remove_fast(jobs->live, job);
    pthread_mutex_unlock(&jobs->lock);
    job_free(job);
}

/* Puts a job into the queue, and one more turn to the slots. */
static void enter(struct job *job, void (*push)(GQueue *queue, void *job))
{
    struct jobs *jobs = job->jobs;
    pthread_mutex_lock(&jobs->lock);
    push(&jobs->queue, job);
    g_ptr_array_add(jobs->live, job);
    pthread_mutex_unlock(&jobs->lock);
    tasks_add(jobs->slots, run_next, jobs);
}

struct jobs *jobs_open(const struct jobs_settings *settings, GError **error)
{
    /* What is there is of jobs that a crash ended; their children died with the server. */
    if (!file_remove_tree(settings->folder, error) || !file_make_folders(settings->folder, error))
        return NULL;
    struct jobs *jobs = g_new0(struct jobs, 1);
    jobs->folder = g_strdup(settings->folder);
    jobs->logs = settings->logs;
    jobs->lake = settings->lake;
    jobs->slots = tasks_new_many(settings->slots ? settings->slots : g_get_num_processors());
    jobs->sweeper = tasks_new();
    jobs->close_seconds = settings->close_seconds > 0 ? settings->close_seconds : 10;
    jobs->clock = settings->clock;
    jobs->live = g_ptr_array_new();
    jobs->warmed = g_ptr_array_new_with_free_func(warmed_free);
    pthread_mutex_init(&jobs->lock, NULL);
    return jobs;
}

void jobs_close(struct jobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->closing = true;
    for (guint i = 0; i < jobs->live->len; i++)
        wake(g_ptr_array_index(jobs->live, i));
    pthread_mutex_unlock(&jobs->lock);
    tasks_free(jobs->slots);
    tasks_free(jobs->sweeper);
    clock_cancel(jobs->clock, jobs->cools);
    g_ptr_array_unref(jobs->live);
    g_ptr_array_unref(jobs->warmed);
    pthread_mutex_destroy(&jobs->lock);
    g_free(jobs->folder);
    g_free(jobs);
}

void jobs_submit(struct jobs *jobs, const struct job_order *order)
{
    enter(job_new(jobs, order), g_queue_push_tail);
}

/* ---- tidying ---- */

/* Gives a folder a name that no job will want. The lock is held. */
static void disown(struct jobs *jobs, const char *name)
{
    g_autofree char *from = g_build_filename(jobs->folder, name, NULL);
    g_autofree char *to =
        g_strdup_printf("%s/" GONE "%" G_GUINT64_FORMAT, jobs->folder, jobs->gone++);
    rename(from, to); /* what stays is tried again the next time */
}

/* Removes what was disowned; whoever says so is told of what cannot be removed. */
static void remove_disowned(const struct jobs *jobs, bool tells)
{
    g_autoptr(GDir) folders = g_dir_open(jobs->folder, 0, NULL);
    const char *name;
    while (folders && (name = g_dir_read_name(folders))) {
        g_autofree char *path = g_build_filename(jobs->folder, name, NULL);
        g_autoptr(GError) error = NULL;
        if (g_str_has_prefix(name, GONE) && !file_remove_tree(path, &error) && tells)
            g_warning("a job's folder is left behind: %s", error->message);
    }
}

static void sweep(void *jobs)
{
    remove_disowned(jobs, false);
}

static void tidy(void *jobs)
{
    remove_disowned(jobs, true);
}

void job_leave_folder(struct job *job)
{
    struct jobs *jobs = job->jobs;
    pthread_mutex_lock(&jobs->lock);
    disown(jobs, job->id);
    pthread_mutex_unlock(&jobs->lock);
    tasks_add(jobs->sweeper, sweep, jobs);
}

/* The live job of that id, or NULL. The lock is held. */
static struct job *find_live(const struct jobs *jobs, const char *id)
{
    for (guint i = 0; i < jobs->live->len; i++) {
        struct job *live = g_ptr_array_index(jobs->live, i);
        if (strcmp(live->id, id) == 0)
            return live;
    }
    return NULL;
}

/* The folders that belong to no live job. */
static void disown_all(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    g_autoptr(GDir) folders = g_dir_open(jobs->folder, 0, NULL);
    const char *name;
    while (folders && (name = g_dir_read_name(folders)))
        if (!g_str_has_prefix(name, GONE) && !find_live(jobs, name))
            disown(jobs, name);
    pthread_mutex_unlock(&jobs->lock);
}

void jobs_tidy(struct jobs *jobs)
{
    disown_all(jobs);
    tasks_add(jobs->sweeper, tidy, jobs);
}

/* ---- stopping ---- */

/* A job that waited ends at once, though all slots may be taken; where the store takes no changes,
 * the next slot that is free keeps trying. */
static void end_waiting(struct job *job)
{
    if (job_end_waiting(job))
        job_free(job);
    else
        enter(job, g_queue_push_head);
}

bool jobs_stop(struct jobs *jobs, const char *id)
{
    pthread_mutex_lock(&jobs->lock);
    struct job *job = find_live(jobs, id);
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
