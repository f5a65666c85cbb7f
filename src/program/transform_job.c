#include "program/transform_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "container/open_model.h"
#include "program/job_folder.h"
#include "program/transform_capture.h"
#include "program/transform_records.h"

#define CONFIG "config/transformjob.json"
#define RESULTS "results"
#define SUFFIX ".out"

enum {
    MEGABYTE = 1 << 20,
    USUAL_PAYLOAD = 6, /* MB, where neither the request nor the container says */
    USUAL_RETRIES = 3,
    USUAL_SECONDS = 600,
    SINGLE_PIECE = 4096, /* bytes of records that are asked one by one: many pieces, many threads */
};

struct job {
    const char *folder;
    json_t *config;
    struct transform transform;
    GPtrArray *files;
    char *part; /* where a file's answers are until they are whole */
    int out;    /* -1: none is open */
    guint64 results;

    size_t failed;
    char *reason; /* of the first file that failed */
};

/* ---- its log, as SageMaker's ---- */

static void say(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *words = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *now = clock_iso(clock_now());
    job_say("%.*s:[sagemaker logs]: %s", (int)strlen(now) - 1, now, words);
}

/* ---- the model ---- */

static const char *path_of_object(const struct job *job, const char *uri)
{
    return json_string_value(json_object_get(json_object_get(job->config, "Objects"), uri));
}

static GBytes *get_object(void *data, const char *uri, size_t limit, GError **error)
{
    const struct job *job = data;
    const char *below = path_of_object(job, uri);
    g_autofree char *path = below ? job_folder_path(job->folder, below) : NULL;
    char *bytes;
    gsize size;
    if (!path) {
        error_set(error, ERROR_NO_SUCH_KEY, CONFIG " does not say where it is");
        return NULL;
    }
    if (!g_file_get_contents(path, &bytes, &size, error))
        return NULL;
    if (size <= limit)
        return g_bytes_new_take(bytes, size);
    g_free(bytes);
    error_set(error, ERROR_ENTITY_TOO_LARGE, "it has more than %zu bytes", limit);
    return NULL;
}

static bool has_object(void *data, const char *uri)
{
    return path_of_object(data, uri) != NULL;
}

static void *open_log(void *data, const char *endpoint, const char *stream, GError **error)
{
    (void)endpoint;
    (void)stream;
    (void)error;
    return data;
}

static void write_line(void *log, const char *line, size_t size)
{
    (void)log;
    job_say("%.*s", (int)MIN(size, (size_t)G_MAXINT), line);
}

static void close_log(void *log)
{
    (void)log;
}

static bool open_containers(struct job *job, GError **error)
{
    g_autofree char *folder = job_folder_path(job->folder, "containers/running");
    gint64 seconds = json_integer_at(job->config, "ModelClientConfig.InvocationsTimeoutInSeconds",
                                     USUAL_SECONDS);
    struct model_place place = {.objects = {get_object, has_object, job},
                                .logs = {open_log, write_line, close_log, job},
                                .folder = folder,
                                .call_seconds = (unsigned)seconds,
                                .sandbox = json_object_get(job->config, "Sandbox"),
                                .wait = {.waits = true}};
    job->transform.model = open_model(&place, json_object_get(job->config, "Containers"), error);
    return job->transform.model != NULL;
}

/* ---- answers to files ---- */

static const struct rows_file *file_at(const struct job *job, size_t number)
{
    return g_ptr_array_index(job->files, number);
}

static bool open_part(struct job *job, GError **error)
{
    if (job->out < 0)
        job->out = open(job->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return job->out >= 0 || error_set_errno(error, errno, "making %s", job->part);
}

static void drop_part(struct job *job)
{
    if (job->out >= 0)
        close(job->out);
    job->out = -1;
}

/* A file's answers are whole: they get its name. */
static bool keep_part(struct job *job, size_t number, GError **error)
{
    g_autofree char *name = g_strconcat(file_at(job, number)->name, SUFFIX, NULL);
    g_autofree char *results = job_folder_path(job->folder, RESULTS);
    g_autofree char *path = g_build_filename(results, name, NULL);
    g_autofree char *above = g_path_get_dirname(path);
    if (!open_part(job, error) || !file_make_folders(above, error))
        return false;
    drop_part(job);
    job->results++;
    return rename(job->part, path) == 0 || error_set_errno(error, errno, "naming %s", path);
}

static bool take(void *data, size_t number, const struct lathe_text *text, GError **error)
{
    struct job *job = data;
    if (!text)
        return keep_part(job, number, error);
    return open_part(job, error) &&
           (!text->size || file_write_all(job->out, text->bytes, text->size, error));
}

/* ---- faults ---- */

/* The client's, unless the model or the machine is to blame. */
static const char *kind_of(const GError *cause)
{
    if (g_error_matches(cause, LATHE_ERROR, ERROR_VALIDATION) ||
        g_error_matches(cause, LATHE_ERROR, ERROR_ENTITY_TOO_LARGE))
        return "ClientError";
    return g_error_matches(cause, LATHE_ERROR, ERROR_MODEL) ? "AlgorithmError"
                                                            : "InternalServerError";
}

static void note_fault(struct job *job, const struct rows_fault *fault, const GError *cause)
{
    const char *name = file_at(job, fault->file)->name, *kind = kind_of(cause);
    g_autofree char *record =
        fault->record ? g_strdup_printf(", record %zu", fault->record) : g_strdup("");
    g_autofree char *at = g_strconcat(name, record, NULL);
    /* Errors of whole files name them already. */
    bool named = g_str_has_prefix(cause->message, name);
    say("%s: %s", at, kind);
    say("%s: Message: %s", at, cause->message);
    if (!job->failed++)
        job->reason =
            g_strdup_printf("%s: %s%s%s", kind, named ? "" : at, named ? "" : ": ", cause->message);
}

/* ---- all of them ---- */

static struct rows_records_options options_of(struct job *job, unsigned threads, size_t payload)
{
    const struct transform *transform = &job->transform;
    struct invocation like = {.content_type = transform->content_type, .accept = transform->accept};
    size_t piece = payload;
    if (transform->single)
        piece = SINGLE_PIECE;
    else if (transform->split == ROWS_SPLIT_LINES && served_model_joins(transform->model, &like))
        piece = 0; /* where payloads end makes no difference to what is answered */
    const char *packed = json_text_at(job->config, "TransformInput.CompressionType");
    return (struct rows_records_options){.split = transform->split,
                                         .packed = g_strcmp0(packed, "Gzip") == 0,
                                         .piece = piece ? MIN(piece, payload) : 0,
                                         .longest = payload,
                                         .threads = threads,
                                         .work = transform_work,
                                         .take = take,
                                         .data = job};
}

/* What is wrong with one file keeps none of the others from being answered. */
static void transform_files(struct job *job, const struct rows_records_options *given)
{
    struct rows_records_options options = *given;
    struct rows_fault fault = {0};
    for (size_t from = 0; from < job->files->len; from = fault.file + 1) {
        g_autoptr(GError) cause = NULL;
        if (rows_records_each(job->files, from, &options, &fault, &cause))
            return;
        note_fault(job, &fault, cause);
        drop_part(job);
    }
}

static void work(void *data, const char *records, size_t size, struct rows_outcome *outcome)
{
    struct job *job = data;
    transform_work(&job->transform, records, size, outcome);
}

static bool run_files(struct job *job, GError **error)
{
    gint64 megabytes = json_integer_at(job->config, "MaxPayloadInMB", USUAL_PAYLOAD);
    gint64 threads = json_integer_at(job->config, "MaxConcurrentTransforms", 0);
    threads = threads ? threads : g_get_num_processors();
    say("MaxConcurrentTransforms=%d, MaxPayloadInMB=%d, BatchStrategy=%s", (int)threads,
        (int)megabytes, job->transform.single ? "SINGLE_RECORD" : "MULTI_RECORD");
    size_t payload = (size_t)megabytes * MEGABYTE;
    struct rows_records_options options = options_of(job, (unsigned)threads, payload);
    options.work = work;
    transform_files(job, &options);
    if (!job->failed)
        return true;
    return error_set(error, ERROR_VALIDATION,
                     "%s (%zu of %u files failed. See job logs for more "
                     "information)",
                     job->reason, job->failed, job->files->len);
}

static bool read_config(struct job *job, GError **error)
{
    g_autofree char *path = job_folder_path(job->folder, CONFIG);
    g_autofree char *text = NULL;
    gsize size;
    if (!g_file_get_contents(path, &text, &size, error))
        return false;
    job->config = json_parse(text, size, path, error);
    if (!job->config || !transform_read(&job->transform, job->config, error))
        return false;
    job->transform.retries = (unsigned)json_integer_at(
        job->config, "ModelClientConfig.InvocationsMaxRetries", USUAL_RETRIES);
    return true;
}

static bool find_files(struct job *job, GError **error)
{
    g_autofree char *input = job_folder_path(job->folder, "input");
    g_autofree char *results = job_folder_path(job->folder, RESULTS);
    job->files = rows_all_files(input, error);
    return job->files && file_make_folders(results, error);
}

static bool run(struct job *job, GError **error)
{
    if (!read_config(job, error) || !find_files(job, error))
        return false;
    if (!open_containers(job, error)) {
        g_prefix_error(error, "AlgorithmError: ");
        return false;
    }
    return run_files(job, error) && transform_capture(job->folder, job->config, job->files, error);
}

int transform_main(const char *folder, int report)
{
    (void)report;
    g_autoptr(GError) error = NULL;
    struct job job = {.folder = folder, .out = -1};
    job.part = job_folder_path(folder, "part");
    bool done = run(&job, &error);
    drop_part(&job);
    unlink(job.part);
    transform_clear(&job.transform);
    if (job.files)
        g_ptr_array_unref(job.files);
    json_decref(job.config);
    g_free(job.reason);
    g_free(job.part);
    return done ? 0 : job_fail(folder, error);
}
