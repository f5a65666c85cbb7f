#include "script/serve_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "sandbox/sandbox.h"
#include "script/job_settings.h"
#include "script/python_files.h"
#include "script/requirements.h"
#include "worker/serve.h"

#define OWN_FOLDERS "processes"
#define MOST_PROCESSES 4096

/* ---- a folder of its own ---- */

/* The first that no living process has: the lock goes with its holder, however that ends, and stays
 * with the interpreter that it may become. */
static char *take_folder(const char *folder, GError **error)
{
    for (unsigned i = 0; i < MOST_PROCESSES; i++) {
        g_autofree char *name = g_strdup_printf(OWN_FOLDERS "/%u", i);
        g_autofree char *own = g_build_filename(folder, name, NULL);
        g_autofree char *path = g_strconcat(own, ".lock", NULL);
        g_autofree char *above = g_path_get_dirname(own);
        int fd = file_make_folders(above, error) ? open(path, O_RDWR | O_CREAT, 0600) : -1;
        if (fd < 0) {
            if (!*error)
                error_set_errno(error, errno, "opening %s", path);
            return NULL;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return g_steal_pointer(&own);
        close(fd);
    }
    error_set(error, ERROR_INTERNAL, "%d processes serve from %s already", MOST_PROCESSES, folder);
    return NULL;
}

static bool link_file(const char *path, const char *name, void *data, GError **error)
{
    g_autofree char *to = g_build_filename(data, name, NULL);
    g_autofree char *above = g_path_get_dirname(to);
    return file_make_folders(above, error) &&
           (link(path, to) == 0 || error_set_errno(error, errno, "linking %s", to));
}

static bool link_folder(const char *folder, const char *own, const char *name, GError **error)
{
    g_autofree char *from = g_build_filename(folder, name, NULL);
    g_autofree char *to = g_build_filename(own, name, NULL);
    return !g_file_test(from, G_FILE_TEST_IS_DIR) ||
           (file_make_folders(to, error) && file_each(from, link_file, to, error));
}

/* What the process before left there goes. */
static bool lay_out(const char *folder, const char *own, GError **error)
{
    g_autofree char *settings = g_build_filename(folder, SANDBOX_FILE, NULL);
    return file_remove_tree(own, error) && file_make_folders(own, error) &&
           link_folder(folder, own, "model", error) && link_folder(folder, own, "code", error) &&
           link_file(settings, SANDBOX_FILE, (void *)own, error) && python_files_write(own, error);
}

/* ---- the script ---- */

static void hear(const char *bytes, size_t size, void *data)
{
    (void)data;
    fwrite(bytes, 1, size, stdout);
    fflush(stdout);
}

/* Of several processes that start at once, one installs. */
static bool install(struct sandbox *sandbox, const json_t *settings, GError **error)
{
    const char *cache = json_text_at(settings, "Cache");
    g_autofree char *text = cache ? requirements_find(sandbox->folder) : NULL;
    return !text || (sandbox->packages =
                         requirements_install(sandbox, text, cache, hear, NULL, error)) != NULL;
}

/* runtime.isolation: none. There is one /opt/ml on a machine and several processes: the script is
 * told its folder, as the containers' own libraries let it be. */
static int become(const struct sandbox *sandbox, const json_t *environment)
{
    g_autofree char *own = g_build_filename(sandbox->folder, SANDBOX_PYTHON_FOLDER, NULL);
    g_autofree char *program = g_build_filename(own, "lathe_serving.py", NULL);
    g_autofree char *model = g_build_filename(sandbox->folder, "model", NULL);
    g_autofree char *path = g_strconcat(own, "/site", sandbox->packages ? ":" : "",
                                        sandbox->packages ? sandbox->packages : "", NULL);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)environment, name, value)
        g_setenv(name, json_string_value(value), TRUE);
    g_setenv("PYTHONPATH", path, TRUE);
    g_setenv("SAGEMAKER_BASE_DIR", sandbox->folder, TRUE);
    g_setenv("SM_MODEL_DIR", model, TRUE);
    const char *python = sandbox->python ? sandbox->python : "python3";
    execlp(python, python, program, (char *)NULL);
    printf("the interpreter %s could not be executed: %s\n", python, g_strerror(errno));
    return 127;
}

/* Why there is, or will be, nobody to answer: to the log, and to the pool. */
static void tell(const char *why)
{
    printf("%s\n", why);
    worker_refuse(why);
}

static int run(const struct sandbox *sandbox, const json_t *settings)
{
    g_autoptr(json_auto) environment = job_settings_environment(sandbox, settings);
    if (sandbox->not_isolated)
        return become(sandbox, environment);
    char python[] = "python3", program[] = SANDBOX_PYTHON "/lathe_serving.py";
    char *argv[] = {python, program, NULL};
    struct sandbox_command command = {.argv = argv, .environment = environment, .folder = "/"};
    struct sandbox_end end;
    sandbox_run(sandbox, &command, &end);
    if (end.reason)
        tell(end.reason);
    int status = end.status;
    sandbox_end_clear(&end);
    return status;
}

int serve_main(const char *folder, int report)
{
    if (report != PROCESS_REPORT && fcntl(PROCESS_REPORT, F_GETFD) < 0) {
        printf("a process that serves answers a pool's calls, at descriptor %d\n", PROCESS_REPORT);
        return 1;
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *whole = g_canonicalize_filename(folder, NULL);
    g_autofree char *own = take_folder(whole, &error);
    g_autoptr(sandbox_auto) sandbox =
        own && lay_out(whole, own, &error) ? sandbox_read(own, &error) : NULL;
    g_autoptr(json_auto) settings = sandbox ? job_settings_read(own, &error) : NULL;
    if (settings && install(sandbox, settings, &error))
        return run(sandbox, settings);
    tell(error->message);
    return 1;
}
