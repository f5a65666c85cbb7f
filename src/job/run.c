/* One job: in, run, out, end. */
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "job/job_inside.h"
#include "job/stage.h"
#include "log/log_stream.h"

#define CUT_OFF                                                                                    \
    "InternalServerError: lathe ended unexpectedly while the job was running; start the job again" \
    " under another name."
#define ABANDONED                                                                           \
    "InternalServerError: lathe was stopped before the job ran; start the job again under " \
    "another "                                                                              \
    "name."

struct job_end job_end_of_crash(void)
{
    return (struct job_end){
        .how = JOB_FAILED, .reason = CUT_OFF, .cut_off = true, .ended = clock_now()};
}

/* ---- in ---- */

static char *in_folder(const struct job *job, const char *path)
{
    return g_build_filename(job->folder, path, NULL);
}

static bool make_folders(const struct job *job, GError **error)
{
    g_autofree char *output = in_folder(job, "output"); /* for its reason, or its message */
    if (!file_make_folders(output, error))
        return false;
    for (guint i = 0; i < job->plan->outputs->len; i++) {
        const struct job_output *place = g_ptr_array_index(job->plan->outputs, i);
        g_autofree char *folder = in_folder(job, place->folder);
        if (!file_make_folders(folder, error))
            return false;
    }
    return true;
}

static bool write_files(const struct job *job, GError **error)
{
    for (guint i = 0; i < job->plan->files->len; i++) {
        const struct job_file *file = g_ptr_array_index(job->plan->files, i);
        g_autofree char *path = in_folder(job, file->path);
        g_autofree char *above = g_path_get_dirname(path);
        g_autofree char *text = json_text_of(file->value);
        if (!file_make_folders(above, error) || !g_file_set_contents(path, text, -1, error))
            return false;
    }
    return true;
}

/* Before any work is done for nothing. */
static bool check_buckets(const struct job *job, GError **error)
{
    for (guint i = 0; i < job->plan->outputs->len; i++) {
        const struct job_output *output = g_ptr_array_index(job->plan->outputs, i);
        if (!stage_check_bucket(job->jobs->lake, output->what, output->uri, error))
            return false;
    }
    return true;
}

static bool bring_inputs(const struct job *job, GError **error)
{
    for (guint i = 0; i < job->plan->inputs->len; i++) {
        const struct job_input *input = g_ptr_array_index(job->plan->inputs, i);
        g_autofree char *folder = in_folder(job, input->folder);
        if (!stage_in(job->jobs->lake, input->source, folder, input->may_be_empty, error) ||
            (input->copied && !stage_copy(folder, error))) {
            g_prefix_error(error, "ClientError: Data download failed for %s: ", input->what);
            return false;
        }
    }
    return true;
}

static bool stage(const struct job *job, GError **error)
{
    if (file_make_folders(job->folder, error) && make_folders(job, error) &&
        write_files(job, error))
        return check_buckets(job, error) && bring_inputs(job, error);
    g_prefix_error(error, "InternalServerError: the job's folder could not be made: ");
    return false;
}

/* ---- out ---- */

struct coming {
    struct job *job;
    const struct job_output *output;
};

/* A file of an output that comes, as it is now: one that takes its place is another. NULL where it
 * is gone, or not whole yet. g_free. */
static char *mark_of(const char *path, const char *name)
{
    struct stat status;
    if (*name == '.' || strstr(name, "/.") || stat(path, &status) != 0)
        return NULL;
    return g_strdup_printf("%s %ju %jd.%09ld", path, (uintmax_t)status.st_ino,
                           (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/* What was brought in need not be stored. */
static bool mark_file(const char *path, const char *name, void *data, GError **error)
{
    (void)error;
    const struct coming *coming = data;
    char *mark = mark_of(path, name);
    if (mark)
        g_hash_table_add(coming->job->taken, mark);
    return true;
}

static bool take_file(const char *path, const char *name, void *data, GError **error)
{
    (void)error;
    const struct coming *coming = data;
    struct job *job = coming->job;
    g_autofree char *mark = mark_of(path, name);
    g_autoptr(GError) cause = NULL;
    if (!mark || g_hash_table_contains(job->taken, mark))
        return true;
    if (stage_out_file(job->jobs->lake, job->folder, coming->output->folder, name,
                       coming->output->uri, &cause))
        g_hash_table_add(job->taken, g_steal_pointer(&mark));
    else
        job_log(job, "%s: %s could not be stored: %s", coming->output->what, name, cause->message);
    return true;
}

static void each_coming(struct job *job, bool (*visit)(const char *path, const char *name,
                                                       void *data, GError **error))
{
    for (guint i = 0; i < job->plan->outputs->len; i++) {
        const struct job_output *output = g_ptr_array_index(job->plan->outputs, i);
        g_autofree char *folder = in_folder(job, output->folder);
        struct coming coming = {job, output};
        if (output->when == JOB_OUTPUT_COMES && file_has_folder(job->folder, output->folder))
            file_each(folder, visit, &coming, NULL);
    }
}

void job_take_outputs(struct job *job)
{
    job->looked = clock_monotonic();
    if (job->ran)
        each_coming(job, take_file);
}

static bool is_due(const struct job_output *output, const struct job_end *end)
{
    bool stopped = end->how == JOB_STOPPED || end->how == JOB_TIMED_OUT;
    bool failed = end->how == JOB_FAILED && !end->cut_off;
    return output->when != JOB_OUTPUT_COMES &&
           (end->how == JOB_COMPLETED || (stopped && output->when == JOB_OUTPUT_STOPPED) ||
            (failed && output->when == JOB_OUTPUT_FAILED));
}

static bool any_is_due(const struct job *job, const struct job_end *end)
{
    for (guint i = 0; i < job->plan->outputs->len; i++)
        if (is_due(g_ptr_array_index(job->plan->outputs, i), end))
            return job->ran;
    return false;
}

/* A program may have put a link in its folder's place, which leads to what is not the job's. */
static bool check_folder(const struct job *job, const struct job_output *output, GError **error)
{
    g_autofree char *path = in_folder(job, output->folder);
    struct stat status;
    bool is_gone = lstat(path, &status) != 0;
    return is_gone || file_has_folder(job->folder, output->folder) ||
           error_set(error, ERROR_VALIDATION,
                     "%s: /opt/ml/%s, where it was to lie, is a folder no more", output->what,
                     output->folder);
}

static bool add_outputs(const struct job *job, const struct job_end *end, struct lake_batch *batch,
                        GError **error)
{
    for (guint i = 0; i < job->plan->outputs->len; i++) {
        const struct job_output *output = g_ptr_array_index(job->plan->outputs, i);
        g_autofree char *folder = in_folder(job, output->folder);
        if (!is_due(output, end))
            continue;
        if (!check_folder(job, output, error))
            return false;
        if (!(output->archive ? stage_out_archive(batch, folder, output->uri, error)
                              : stage_out(batch, folder, output->uri, error))) {
            g_prefix_error(error, "%s: ", output->what);
            return false;
        }
    }
    return true;
}

/* ---- the end ---- */

struct ending {
    const struct job *job;
    const struct job_end *end;
};

static bool write_end(struct store_connection *connection, void *data, GError **error)
{
    const struct ending *ending = data;
    return ending->job->actor->end(connection, ending->end, ending->job->data, error);
}

static bool commit(struct job *job, struct lake_batch *batch, const struct job_end *end,
                   GError **error)
{
    struct ending ending = {job, end};
    return lake_batch_commit_with(batch, write_end, &ending, error);
}

/* The end alone, and why it is a bad one. */
static bool commit_alone(struct job *job, const struct job_end *end, GError **error)
{
    if (end->reason && !job->told)
        job_log(job, "%s", end->reason);
    job->told = true;
    g_autoptr(lake_batch_auto) none = lake_batch_new(job->jobs->lake);
    return commit(job, none, end, error);
}

/* Outputs and end in one change: a crash leaves both or none. False: the store takes no changes
 * now. Outputs that cannot be stored for another reason make the job a failure. */
static bool try_to_end(struct job *job, const struct job_end *end, GError **error)
{
    job_take_outputs(job);
    if (!any_is_due(job, end))
        return commit_alone(job, end, error);
    g_autoptr(lake_batch_auto) outputs = lake_batch_new(job->jobs->lake);
    g_autoptr(GError) cause = NULL;
    if (add_outputs(job, end, outputs, &cause) && commit(job, outputs, end, &cause))
        return true;
    if (g_error_matches(cause, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE)) { /* a full disk */
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    g_autofree char *reason = g_strdup_printf(
        "InternalServerError: the job's results could not be stored: %s", cause->message);
    struct job_end failed = *end;
    failed.how = JOB_FAILED;
    failed.reason = reason;
    return commit_alone(job, &failed, error);
}

/* How long the store is left alone that took no changes, at most. Each try may write an archive. */
#define LONGEST_PAUSE 8

/* False where the server stops. A Stop wakes it, too: the store is tried the sooner. */
static bool pause_before_retry(struct job *job, int seconds)
{
    struct pollfd wake = {.fd = job->wake, .events = POLLIN};
    poll(&wake, 1, seconds * 1000);
    job_hear_wake(job);
    return !job_wish(job).closing;
}

/* What a job did must not be lost because a disk was full when it ended: the end is kept, with its
 * slot, since another job could do no better. */
static void finish(struct job *job, const struct job_end *end)
{
    for (int seconds = 1;; seconds = MIN(2 * seconds, LONGEST_PAUSE)) {
        g_autoptr(GError) error = NULL;
        if (try_to_end(job, end, &error))
            return;
        if (seconds == 1)
            g_warning("the end of %s could not be written and is kept: %s", job->id,
                      error->message);
        if (!pause_before_retry(job, seconds))
            return;
    }
}

bool job_end_waiting(struct job *job)
{
    struct job_end end = {.how = JOB_STOPPED, .ended = clock_now()};
    return try_to_end(job, &end, NULL);
}

/* ---- from start to end ---- */

static char *read_message(const struct job *job)
{
    char *text = job_words(job, "output/message");
    return text ? g_strstrip(text) : NULL;
}

/* Whether there is nothing against running it. */
static bool enter(struct job *job, enum job_phase phase, struct child_end *end)
{
    bool wanted = job->actor->enters(job, phase, job->data);
    struct job_wish wish = job_wish(job);
    if (wanted && !wish.stop && !wish.closing)
        return true;
    bool stopped = !wanted || wish.stop;
    *end = (struct child_end){.how = stopped ? JOB_STOPPED : JOB_FAILED,
                              .reason = stopped ? NULL : g_strdup(ABANDONED),
                              .cut_off = !stopped};
    return false;
}

static void run_program(struct job *job, struct child_end *end)
{
    g_autoptr(GError) error = NULL;
    if (!enter(job, JOB_STARTS, end))
        return;
    if (!stage(job, &error)) {
        *end = (struct child_end){JOB_FAILED, g_strdup(error->message), false};
        return;
    }
    each_coming(job, mark_file);
    job->ran = true;
    if (enter(job, JOB_RUNS, end) && !child_run(job, end, &error))
        *end = (struct child_end){
            JOB_FAILED, g_strdup_printf("InternalServerError: %s", error->message), false};
}

void job_run(struct job *job)
{
    double started = clock_now();
    struct child_end child = {.how = JOB_COMPLETED};
    job->log = log_writer_open(job->jobs->logs, job->log_group, job->log_stream, NULL);
    if (job->errors_group)
        job->errors = log_writer_open(job->jobs->logs, job->errors_group, job->log_stream, NULL);
    if (job->plan->remark)
        job_log(job, "%s", job->plan->remark);
    run_program(job, &child);
    g_autofree char *message = read_message(job);
    struct job_end end = {.how = child.how,
                          .reason = child.reason,
                          .message = message,
                          .cut_off = child.cut_off,
                          .started = started,
                          .ended = clock_now()};
    if (any_is_due(job, &end))
        job->actor->enters(job, JOB_STORES, job->data);
    finish(job, &end);
    g_free(child.reason);
    job_leave_folder(job);
}
