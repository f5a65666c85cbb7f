#include "script/script_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/error.h"
#include "base/file.h"
#include "sandbox/sandbox.h"
#include "script/job_settings.h"
#include "script/metrics.h"
#include "script/python_files.h"
#include "script/reason.h"
#include "script/requirements.h"
#include "script/spark_files.h"

/* ---- what is run ---- */

/* The program of Spark's containers is ours, and becomes spark-submit. */
static void add_smspark_submit(const struct sandbox *sandbox, GPtrArray *argv)
{
    g_ptr_array_add(argv, g_strdup("python3"));
    g_ptr_array_add(argv, g_build_filename(sandbox_python(sandbox), "lathe_spark.py", NULL));
}

/* Script mode begins with a program of ours, which reads what the training toolkit of the
 * containers reads, and becomes the user's. */
static GPtrArray *command_of(const struct sandbox *sandbox, const json_t *settings)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    size_t i;
    const json_t *word;
    json_array_foreach(json_object_get(settings, "Command"), i, word)
    {
        if (i == 0 && strcmp(json_string_value(word), "smspark-submit") == 0)
            add_smspark_submit(sandbox, argv);
        else
            g_ptr_array_add(argv, g_strdup(json_string_value(word)));
    }
    if (!argv->len && !json_object_get(settings, "Image")) {
        g_ptr_array_add(argv, g_strdup("python3"));
        g_ptr_array_add(argv, g_build_filename(sandbox_python(sandbox), "lathe_training.py", NULL));
    }
    g_ptr_array_add(argv, NULL);
    return argv;
}

/* ---- how it ended ---- */

#define FAILURE "output/failure"

static void write_failure(const char *words)
{
    if (*words && file_make_folders("output", NULL) && file_has_folder(".", "output"))
        g_file_set_contents(FAILURE, words, -1, NULL);
}

/* The program's own words count for more than ours. */
static bool has_failure(void)
{
    return g_file_test(FAILURE, G_FILE_TEST_EXISTS | G_FILE_TEST_IS_SYMLINK);
}

/* What a reason is looked for in, in that order. */
enum { ERRORS, OUTPUT, TAILS };

/* What is written to output/failure; NULL: nothing. g_free. */
static char *words_of(const struct sandbox *sandbox, const struct sandbox_end *end,
                      const struct reason_tail *tails)
{
    if (end->reason)
        return g_strdup_printf("%s%s", end->not_begun ? "" : "the job was ended: ", end->reason);
    if (end->status && !has_failure())
        return reason_of(tails, TAILS, end->status, sandbox->python);
    return NULL;
}

static int tell_end(const struct sandbox *sandbox, const struct sandbox_end *end,
                    const struct reason_tail *tails)
{
    sandbox_be_user(sandbox, true);
    g_autofree char *words = words_of(sandbox, end, tails);
    if (words)
        write_failure(words);
    sandbox_be_user(sandbox, false);
    if (end->reason)
        fprintf(stderr, "%s\n", words);
    return end->reason && !end->status ? 1 : end->status;
}

/* Who listens to what the program says. Its errors, where they are heard apart, are looked into for
 * a reason first, and for no metrics, which jobs with two logs do not have; else both are its
 * output. */
struct listener {
    struct reason_tail tails[TAILS];
    struct metrics *metrics;
    int report;
};

/* While it waits, for another job perhaps, its slot is of use to that one. */
static void tell_waiting(bool waits, void *data)
{
    const struct listener *listener = data;
    const char *line = waits ? "{\"waits\": true}\n" : "{\"waits\": false}\n";
    if (listener->report >= 0)
        file_write_all(listener->report, line, strlen(line), NULL);
}

static void pass(const char *bytes, size_t size, FILE *file)
{
    fwrite(bytes, 1, size, file);
    fflush(file);
}

static void hear(const char *bytes, size_t size, void *data)
{
    struct listener *listener = data;
    reason_hear(&listener->tails[OUTPUT], bytes, size);
    metrics_hear(listener->metrics, bytes, size);
    pass(bytes, size, stdout);
}

static void hear_errors(const char *bytes, size_t size, void *data)
{
    struct listener *listener = data;
    reason_hear(&listener->tails[ERRORS], bytes, size);
    pass(bytes, size, stderr);
}

/* Who runs us says by what we have: two descriptors of one pipe keep the order of both. */
static bool hears_apart(void)
{
    struct stat output, errors;
    return fstat(STDOUT_FILENO, &output) == 0 && fstat(STDERR_FILENO, &errors) == 0 &&
           (output.st_dev != errors.st_dev || output.st_ino != errors.st_ino);
}

static bool unpack_to(const char *path, const char *folder, GError **error)
{
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, error);
    g_autoptr(GBytes) bytes = file ? g_mapped_file_get_bytes(file) : NULL;
    return bytes && archive_unpack(bytes, folder, error);
}

/* Script mode's source, to where the containers have it. */
static bool unpack_source(GError **error)
{
    g_autoptr(GDir) folder = g_dir_open(SANDBOX_FOLDER "/source", 0, NULL);
    const char *name = folder ? g_dir_read_name(folder) : NULL;
    if (!name)
        return true;
    g_autofree char *path = g_build_filename(SANDBOX_FOLDER "/source", name, NULL);
    if (unpack_to(path, "code", error))
        return true;
    g_prefix_error(error, "the source %s: ", name);
    return false;
}

/* Wheels that no pip is asked for: what is in them may be more than Python reads in a zip. */
static bool unpack_wheels(const json_t *settings, GError **error)
{
    size_t i;
    const json_t *path;
    json_array_foreach(json_object_get(settings, "Wheels"), i, path)
    {
        const char *wheel = json_string_value(path);
        g_autofree char *folder = g_strconcat(wheel, ".unpacked", NULL);
        if (!unpack_to(wheel, folder, error)) {
            g_prefix_error(error, "%s: ", wheel);
            return false;
        }
    }
    return true;
}

/* What pip is asked for: what the settings say, else the requirements.txt of what is about to run.
 */
static char *requirements_of(const struct sandbox *sandbox, const json_t *settings)
{
    g_autoptr(GString) text = g_string_new(NULL);
    size_t i;
    const json_t *line;
    json_array_foreach(json_object_get(settings, "Requirements"), i, line)
        g_string_append_printf(text, "%s\n", json_string_value(line));
    return text->len ? g_strdup(text->str) : requirements_find(sandbox->folder);
}

/* What is done before the program's sandbox is made, while the folder is still ours. */
static bool prepare(struct sandbox *sandbox, const json_t *settings, struct listener *listener,
                    GError **error)
{
    const char *cache = json_text_at(settings, "Cache");
    if (!unpack_source(error) || !unpack_wheels(settings, error))
        return false;
    g_autofree char *text = cache ? requirements_of(sandbox, settings) : NULL;
    return !text || (sandbox->packages =
                         requirements_install(sandbox, text, cache, hear, listener, error)) != NULL;
}

static int run(struct sandbox *sandbox, const json_t *settings, struct metrics *metrics, int report,
               GError **error)
{
    g_autoptr(GString) output = g_string_new(NULL);
    g_autoptr(GString) errors = g_string_new(NULL);
    struct listener listener = {{{errors}, {output}}, metrics, report};
    if (!prepare(sandbox, settings, &listener, error))
        return -1;
    g_autoptr(GPtrArray) argv = command_of(sandbox, settings);
    g_autoptr(json_auto) environment = job_settings_environment(sandbox, settings);
    struct sandbox_command command = {.argv = (char *const *)argv->pdata,
                                      .image = json_text_at(settings, "Image"),
                                      .environment = environment,
                                      .hear = hear,
                                      .hear_errors = hears_apart() ? hear_errors : NULL,
                                      .waits = tell_waiting,
                                      .data = &listener};
    struct sandbox_end end;
    sandbox_run(sandbox, &command, &end);
    int status = tell_end(sandbox, &end, listener.tails);
    sandbox_end_clear(&end);
    return status;
}

/* The pipe for reports stays ours: what a program writes there by mistake is no metric. */
static int keep_report(int report)
{
    int kept = report >= 0 ? fcntl(report, F_DUPFD_CLOEXEC, 32) : -1;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (kept >= 0 && null >= 0)
        dup2(null, report);
    if (null >= 0)
        close(null);
    return kept;
}

int script_main(const char *folder, int report)
{
    int kept = keep_report(report);
    g_autoptr(GError) error = NULL;
    g_autofree char *whole = g_canonicalize_filename(folder, NULL);
    /* From here on by relative paths: the job's user cannot come by way of the server's home. */
    if (chdir(whole) != 0) {
        fprintf(stderr, "%s: %s\n", whole, g_strerror(errno));
        return 1;
    }
    g_autoptr(json_auto) settings = job_settings_read(whole, &error);
    g_autoptr(sandbox_auto) sandbox = settings ? sandbox_read(whole, &error) : NULL;
    struct metrics *metrics =
        sandbox ? metrics_new(json_object_get(settings, "Metrics"), kept, &error) : NULL;
    if (metrics && python_files_write(whole, &error) &&
        spark_files_write(whole, settings, &error)) {
        int status = run(sandbox, settings, metrics, kept, &error);
        metrics_free(metrics);
        if (status >= 0)
            return status;
    }
    fprintf(stderr, "%s\n", error->message);
    write_failure(error->message);
    return 1;
}
