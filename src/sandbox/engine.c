#define _GNU_SOURCE /* pipe2 */
#include "sandbox/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/sandbox_inside.h"

static void add(GPtrArray *arguments, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    for (const char *word = first; word; word = va_arg(rest, const char *))
        g_ptr_array_add(arguments, g_strdup(word));
    va_end(rest);
}

static bool is_podman(const struct sandbox *sandbox)
{
    g_autofree char *name = g_path_get_basename(sandbox->engine);
    return strstr(name, "podman") != NULL;
}

enum engine_network engine_network(const struct sandbox *sandbox)
{
    return sandbox->host_network || (is_podman(sandbox) && geteuid() == 0) ? ENGINE_SHARED
                                                                           : ENGINE_ALONE;
}

/* ---- what it may ---- */

/* The engines' own defaults may be more than this process may have. */
static void add_limits(GPtrArray *arguments, const struct sandbox *sandbox)
{
    struct rlimit files = {1024, 1024};
    getrlimit(RLIMIT_NOFILE, &files);
    g_autofree char *descriptors = g_strdup_printf(
        "nofile=%llu:%llu", (unsigned long long)files.rlim_cur, (unsigned long long)files.rlim_max);
    add(arguments, "--ulimit", descriptors, NULL);
    if (sandbox->processes && geteuid() == 0) { /* who is alone a user */
        g_autofree char *processes =
            g_strdup_printf("nproc=%" G_GUINT64_FORMAT, sandbox->processes);
        add(arguments, "--ulimit", processes, NULL);
    }
    if (sandbox->memory) {
        g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT "b", sandbox->memory);
        add(arguments, "--memory", bytes, NULL);
    }
}

static void add_rights(GPtrArray *arguments, const struct sandbox *sandbox)
{
    g_autofree char *user =
        g_strdup_printf("%u:%u", (unsigned)sandbox->user, (unsigned)sandbox->group);
    add(arguments, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt",
        "no-new-privileges", "--user", user, NULL);
    if (is_podman(sandbox) && geteuid() != 0)
        add(arguments, "--userns", "keep-id", NULL);
}

/* ---- what it finds ---- */

static void add_volume(GPtrArray *arguments, const char *from, const char *to, const char *mode)
{
    g_autofree char *words = g_strconcat(from, ":", to, mode, NULL);
    add(arguments, "--volume", words, NULL);
}

static void add_folder(GPtrArray *arguments, const struct sandbox *sandbox)
{
    g_autofree char *empty = g_build_filename(sandbox->folder, SANDBOX_FOLDER, "var-tmp", NULL);
    g_autofree char *resolver =
        g_build_filename(sandbox->folder, SANDBOX_FOLDER, "resolv.conf", NULL);
    add_volume(arguments, sandbox->folder, "/opt/ml", "");
    add_volume(arguments, empty, "/opt/ml/" SANDBOX_FOLDER, ":ro");
    if (sandbox->certificates)
        add_volume(arguments, sandbox->certificates, SANDBOX_CERTIFICATES, ":ro");
    if (sandbox_domains_server(sandbox) >= 0 && engine_network(sandbox) == ENGINE_SHARED)
        add_volume(arguments, resolver, "/etc/resolv.conf", ":ro");
}

/* As arguments: the engine itself is not to obey them. */
static void add_environment(GPtrArray *arguments, const json_t *environment)
{
    const char *name;
    const json_t *value;
    add(arguments, "--env", "HOME=/tmp", NULL);
    json_object_foreach((json_t *)environment, name, value)
    {
        g_autofree char *setting = g_strdup_printf("%s=%s", name, json_string_value(value));
        add(arguments, "--env", setting, NULL);
    }
}

GPtrArray *engine_arguments(const struct sandbox *sandbox, const struct sandbox_command *command,
                            const char *name)
{
    GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);
    bool shared = engine_network(sandbox) == ENGINE_SHARED;
    add(arguments, sandbox->engine, "run", "--rm", "--pull", "never", "--name", name, "--network",
        shared ? "host" : "none", NULL);
    add_rights(arguments, sandbox);
    add_limits(arguments, sandbox);
    add_folder(arguments, sandbox);
    add_environment(arguments, command->environment);
    add(arguments, command->image, NULL);
    g_ptr_array_add(arguments, NULL);
    return arguments;
}

GPtrArray *engine_end_arguments(const struct sandbox *sandbox, const char *name)
{
    GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);
    add(arguments, sandbox->engine, "rm", "--force", name, NULL);
    g_ptr_array_add(arguments, NULL);
    return arguments;
}

/* ---- its end ---- */

static _Noreturn void become_end(const struct sandbox *sandbox, const char *name, int null)
{
    g_autoptr(GPtrArray) argv = engine_end_arguments(sandbox, name);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    execv(argv->pdata[0], (char *const *)argv->pdata);
    _exit(127);
}

/* In the child: until the other end of the pipe is closed, by whatever ends who has it. */
static _Noreturn void watch(const struct sandbox *sandbox, const char *name, int gone)
{
    char byte;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    setsid();
    for (int fd = 0; fd < 64; fd++) /* whose ends others wait for */
        if (fd != gone && fd != null)
            close(fd);
    while (read(gone, &byte, 1) < 0 && errno == EINTR)
        continue;
    become_end(sandbox, name, null);
}

pid_t engine_watch(const struct sandbox *sandbox, const char *name)
{
    int gone[2];
    if (pipe2(gone, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        watch(sandbox, name, gone[0]);
    close(gone[0]); /* the other lasts as long as this process */
    return pid;
}

void engine_end(const struct sandbox *sandbox, const char *name)
{
    pid_t pid = fork();
    if (pid == 0)
        become_end(sandbox, name, open("/dev/null", O_RDWR | O_CLOEXEC));
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
