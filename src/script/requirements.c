#include "script/requirements.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "script/python_files.h"
#include "script/reason.h"

#define NAME "requirements.txt"
enum { LONGEST = 1 << 20 };

/* ---- finding ---- */

/* By a name that a client's own file may have said: none leads out of the folder. */
static char *text_below(const char *folder, const char *name)
{
    int fd = file_open_below(folder, name, NULL);
    if (fd < 0)
        return NULL;
    g_autoptr(GMappedFile) file = g_mapped_file_new_from_fd(fd, FALSE, NULL);
    close(fd);
    gsize size = file ? g_mapped_file_get_length(file) : LONGEST;
    return size < LONGEST ? g_strndup(g_mapped_file_get_contents(file), size) : NULL;
}

static char *text_in_archive(const char *path, const char *name)
{
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, NULL);
    g_autoptr(GBytes) bytes = file ? g_mapped_file_get_bytes(file) : NULL;
    return bytes ? archive_find_text(bytes, name, LONGEST, NULL) : NULL;
}

/* The source may come as an archive that the job's own program unpacks. */
static char *text_in_archives(const char *folder, const char *name)
{
    g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
    const char *file;
    char *text = NULL;
    while (listing && !text && (file = g_dir_read_name(listing)))
        if (g_str_has_suffix(file, ".tar.gz") || g_str_has_suffix(file, ".zip")) {
            g_autofree char *path = g_build_filename(folder, file, NULL);
            text = text_in_archive(path, name);
        }
    return text;
}

/* The SDK 3 says with a training job's source where that has them; "auto" is where all have. */
static char *name_in_source_code(const char *folder)
{
    g_autofree char *text = text_below(folder, "input/data/sm_drivers/sourcecode.json");
    g_autoptr(json_auto) source = text ? json_parse(text, strlen(text), "the source", NULL) : NULL;
    const char *name = json_text_at(source, "requirements");
    return name && strcmp(name, "auto") != 0 ? g_strdup(name) : NULL;
}

/* In a processing job, the shell script that it makes does. */
static char *name_in_runproc(const char *folder)
{
    static const char *const places[] = {"processing/input/entrypoint/runproc.sh",
                                         "processing/input/code/runproc.sh"};
    static const char before[] = "/install_requirements.py ";
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *text = text_below(folder, places[i]);
        const char *found = text ? strstr(text, before) : NULL;
        if (found)
            return g_strndup(found + strlen(before), strcspn(found + strlen(before), " \n"));
    }
    return NULL;
}

static char *name_of(const char *folder)
{
    char *name = name_in_source_code(folder);
    if (!name)
        name = name_in_runproc(folder);
    return name ? name : g_strdup(NAME);
}

/* Whether a line asks for anything. */
static bool asks(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if (*g_strstrip(*line) && **line != '#')
            return true;
    return false;
}

/* Functions that the SDKs' @remote and @step send: in the archive of their workspace, or beside. */
static char *text_of_function(const char *folder)
{
    static const char member[] = "sagemaker_remote_function_workspace/" NAME;
    g_autofree char *workspace = g_build_filename(folder, "input/data/sm_rf_user_ws", NULL);
    char *text = text_below(folder, "input/data/pre_exec_script_and_dependencies/" NAME);
    return text ? text : text_in_archives(workspace, member);
}

char *requirements_find(const char *folder)
{
    static const char *const places[] = {"code", "model/code", "input/data/code",
                                         "processing/input/code"};
    enum { UNPACKED = 2 }; /* of them: those whose archives have been */
    g_autofree char *name = name_of(folder);
    g_autofree char *text = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(places) && !text; i++) {
        g_autofree char *place = g_build_filename(folder, places[i], NULL);
        text = text_below(place, name);
        if (!text && i >= UNPACKED)
            text = text_in_archives(place, name);
    }
    if (!text)
        text = text_of_function(folder);
    return text && asks(text) ? g_steal_pointer(&text) : NULL;
}

/* ---- installing ---- */

/* Of the text and of the interpreter, which an upgrade makes another. */
static char *key_of(const struct sandbox *job, const char *text)
{
    struct stat status = {0};
    const char *python = job->python ? job->python : "";
    stat(python, &status);
    g_autofree char *whole = g_strdup_printf("%s\n%ju %jd\n%s", python, (uintmax_t)status.st_ino,
                                             (intmax_t)status.st_mtim.tv_sec, text);
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, whole, -1);
}

/* pip's variables, and the configuration file that the server's user has, which is not seen within.
 */
static json_t *environment_of(const char *folder)
{
    json_t *environment = json_object();
    g_auto(GStrv) names = g_listenv();
    for (char **name = names; *name; name++)
        if (g_str_has_prefix(*name, "PIP_") && strcmp(*name, "PIP_CONFIG_FILE") != 0)
            json_object_set_new(environment, *name, json_string(g_getenv(*name)));
    const char *own = g_getenv("PIP_CONFIG_FILE");
    g_autofree char *usual = g_build_filename(g_get_user_config_dir(), "pip", "pip.conf", NULL);
    g_autofree char *copy = g_build_filename(folder, "pip.conf", NULL);
    if (file_copy(own ? own : usual, copy, 0644, NULL))
        json_object_set_new(environment, "PIP_CONFIG_FILE", json_string("/opt/ml/pip.conf"));
    return environment;
}

static bool lay_out(const char *folder, const char *text, GError **error)
{
    g_autofree char *path = g_build_filename(folder, NAME, NULL);
    g_autofree char *site = g_build_filename(folder, "site", NULL);
    return file_make_folders(site, error) && python_files_write(folder, error) &&
           g_file_set_contents(path, text, -1, error);
}

/* Passes on what pip writes, and keeps the end of it. */
struct pip_listener {
    void (*hear)(const char *bytes, size_t size, void *data);
    void *data;
    struct reason_tail tail;
};

static void hear_pip(const char *bytes, size_t size, void *data)
{
    struct pip_listener *listener = data;
    listener->hear(bytes, size, listener->data);
    reason_hear(&listener->tail, bytes, size);
}

/* pip's last line that begins with ERROR; else what it wrote last. */
static char *pip_reason(const struct pip_listener *listener, int status)
{
    static const char mark[] = "\nERROR: ";
    const char *found = g_strrstr(listener->tail.text->str, mark);
    if (found) {
        found += strlen(mark);
        g_autofree char *line = g_strndup(found, strcspn(found, "\n"));
        return g_utf8_make_valid(line, -1);
    }
    char *reason = reason_of(&listener->tail, 1, status, NULL);
    return reason ? reason : g_strdup("pip wrote nothing");
}

static bool run_pip(const struct sandbox *job, const char *folder,
                    void (*hear)(const char *bytes, size_t size, void *data), void *data,
                    GError **error)
{
    static char *none[] = {NULL};
    struct sandbox sandbox = *job;
    sandbox.folder = (char *)folder;
    sandbox.servers = none;
    sandbox.certificates = NULL;
    sandbox.host_network = true;
    sandbox.overlaid = none;
    sandbox.packages = NULL;
    g_autoptr(json_auto) environment = environment_of(folder);
    json_object_set_new(environment, "PYTHONPATH",
                        json_sprintf("%s/site", sandbox_python(&sandbox)));
    char *argv[] = {(char *)"python3",
                    (char *)"-m",
                    (char *)"pip",
                    (char *)"install",
                    (char *)"--disable-pip-version-check",
                    (char *)"--no-warn-script-location",
                    (char *)"--root-user-action=ignore",
                    (char *)"--target",
                    (char *)"/opt/ml/site",
                    (char *)"-r",
                    (char *)"/opt/ml/" NAME,
                    NULL};
    g_autoptr(GString) text = g_string_new("\n");
    struct pip_listener listener = {hear, data, {text}};
    struct sandbox_command command = {
        .argv = argv, .environment = environment, .hear = hear_pip, .data = &listener};
    struct sandbox_end end;
    sandbox_run(&sandbox, &command, &end);
    bool installed = end.status == 0 && !end.reason;
    if (!installed && !end.reason)
        end.reason = pip_reason(&listener, end.status);
    if (!installed)
        error_set(error, ERROR_VALIDATION, "%s could not be installed: %s", NAME, end.reason);
    sandbox_end_clear(&end);
    return installed;
}

/* A file that one process at a time has locked; it stays for the next. */
static int lock(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR)
        continue;
    if (fd < 0)
        error_set_errno(error, errno, "locking %s", path);
    return fd;
}

/* For all jobs' users to read; none of them writes it, since they see it read-only. */
static bool publish(const char *site, const char *place, GError **error)
{
    return (chmod(site, 0755) == 0 && rename(site, place) == 0) ||
           error_set_errno(error, errno, "renaming %s to %s", site, place);
}

/* Installed aside, and renamed when it is whole. */
static bool install(const struct sandbox *job, const char *text, const char *place,
                    void (*hear)(const char *bytes, size_t size, void *data), void *data,
                    GError **error)
{
    g_autofree char *mark = id_hex(8);
    g_autofree char *aside = g_strdup_printf("%s.%s", place, mark);
    g_autofree char *site = g_build_filename(aside, "site", NULL);
    bool installed = lay_out(aside, text, error) && run_pip(job, aside, hear, data, error) &&
                     publish(site, place, error);
    file_remove_tree(aside, NULL);
    return installed;
}

char *requirements_install(const struct sandbox *job, const char *text, const char *cache,
                           void (*hear)(const char *bytes, size_t size, void *data), void *data,
                           GError **error)
{
    g_autofree char *key = key_of(job, text);
    g_autofree char *place = g_build_filename(cache, key, NULL);
    g_autofree char *lock_path = g_strconcat(place, ".lock", NULL);
    if (!file_make_folders(cache, error))
        return NULL;
    int turn = lock(lock_path, error);
    if (turn < 0)
        return NULL;
    bool there =
        g_file_test(place, G_FILE_TEST_IS_DIR) || install(job, text, place, hear, data, error);
    close(turn);
    return there ? g_steal_pointer(&place) : NULL;
}
