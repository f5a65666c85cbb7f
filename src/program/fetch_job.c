#include "program/fetch_job.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "fetch/http.h"
#include "program/fetch_list.h"
#include "program/job_folder.h"
#include "program/specification.h"

#define OUTPUT "/opt/ml/processing/output"
#define TELL_SECONDS 10 /* between lines of a file that is on its way */

struct fetch_job {
    const char *folder;
    struct fetch_list *list;
    json_t *rules, *config;
    double told;
};

/* ---- the log ---- */

static void says(const char *line, void *data)
{
    (void)data;
    job_say("%s", line);
}

static void moves(const struct fetch_file *file, guint index, gint64 here, gint64 total, void *data)
{
    struct fetch_job *job = data;
    if (clock_monotonic() - job->told < TELL_SECONDS)
        return;
    job->told = clock_monotonic();
    g_autofree char *shown = http_shown(file->source);
    g_autofree char *bytes = g_format_size_full((guint64)here, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *all =
        total >= 0 ? g_format_size_full((guint64)total, G_FORMAT_SIZE_IEC_UNITS) : NULL;
    job_say("%s (file %u of %u): %s%s%s", shown, index + 1, job->list->files->len, bytes,
            all ? " of " : "", all ? all : "");
}

/* ---- what it is told ---- */

static json_t *read_config(const char *folder, const char *name)
{
    g_autofree char *path = job_folder_path(folder, name);
    return json_read_file(path, NULL);
}

/* NULL-terminated; its texts are the value's. g_free. */
static const char **texts_of(const json_t *value)
{
    const char **texts = g_new0(const char *, json_array_size(value) + 1);
    for (size_t i = 0; i < json_array_size(value); i++)
        texts[i] = json_string_value(json_array_get(value, i));
    return texts;
}

/* Whether what is at that path is below a LocalPath of the job's outputs. An archive of the top may
 * have members for any of them. */
static bool is_stored(const json_t *outputs, const char *path)
{
    size_t i;
    const json_t *output;
    g_autofree char *full = g_build_filename(OUTPUT, path, NULL);
    json_array_foreach((json_t *)outputs, i, output)
    {
        const char *local = json_text_at(output, "S3Output.LocalPath");
        g_autofree char *plain = local ? g_canonicalize_filename(local, "/") : NULL;
        if (plain && (!*path || strcmp(plain, full) == 0 ||
                      (g_str_has_prefix(full, plain) && full[strlen(plain)] == '/')))
            return true;
    }
    return false;
}

/* What no output stores would be brought for nothing. */
static bool check_outputs(const struct fetch_job *job, GError **error)
{
    const json_t *outputs = json_at(job->config, "ProcessingOutputConfig.Outputs");
    for (guint i = 0; outputs && i < job->list->files->len; i++) {
        const struct fetch_file *file = g_ptr_array_index(job->list->files, i);
        g_autofree char *shown = http_shown(file->source);
        if (!is_stored(outputs, file->path))
            return error_set(error, ERROR_VALIDATION,
                             "%s: it would become " OUTPUT "/%s, which is in no output's "
                             "LocalPath; an output of " OUTPUT " stores all that is brought",
                             shown, file->path);
    }
    return true;
}

static bool read_list(struct fetch_job *job, GError **error)
{
    g_autofree char *name = NULL;
    g_autoptr(json_auto) specification = specification_read(job->folder, true, &name, error);
    if (!specification)
        return false;
    job->list = fetch_list_read(specification, name, NULL, error);
    return job->list && check_outputs(job, error);
}

static bool fetch(struct fetch_job *job, GError **error)
{
    const char *shared = json_text_at(job->rules, "Cache");
    g_autofree const char **allow = texts_of(json_object_get(job->rules, "Allow"));
    g_autofree char *output = job_folder_path(job->folder, "processing/output");
    g_autofree char *scratch = job_folder_path(job->folder, "scratch");
    g_autofree char *own = job_folder_path(job->folder, "cache");
    const struct fetch_place place = {
        .output = output,
        .scratch = scratch,
        .cache = shared ? shared : own,
        .rules = {.allow = allow, .listed_only = json_true_at(job->rules, "ListedOnly")},
        .view = {says, moves, job},
    };
    job->told = clock_monotonic();
    return fetch_all(job->list, &place, error);
}

int fetch_main(const char *opt_ml, int report)
{
    (void)report; /* it has no metrics */
    g_autoptr(GError) error = NULL;
    struct fetch_job job = {.folder = opt_ml,
                            .rules = read_config(opt_ml, "config/fetch.json"),
                            .config = read_config(opt_ml, "config/processingjobconfig.json")};
    bool fetched = read_list(&job, &error) && fetch(&job, &error);
    fetch_list_free(job.list);
    json_decref(job.rules);
    json_decref(job.config);
    return fetched ? 0 : job_fail(opt_ml, error);
}
