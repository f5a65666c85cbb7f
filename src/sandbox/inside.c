/* The first process of a sandbox: opens the ways to the server, starts the command, hands SIGTERM
 * on to it, buries what is orphaned, and ends with the command, by which all that it started ends.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "sandbox/sandbox_inside.h"

static volatile sig_atomic_t told_group;

static void hand_on(int signal)
{
    if (told_group > 0)
        kill(-told_group, signal);
}

void hand_signals_to(pid_t group)
{
    told_group = group;
    signal(SIGTERM, hand_on);
    signal(SIGINT, hand_on);
}

/* ---- the command ---- */

/* Replaces the environment: the sandbox's own is empty. */
static void set_environment(const json_t *environment)
{
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)environment, name, value)
        g_setenv(name, json_string_value(value), TRUE);
}

static void limit(int resource, gint64 most)
{
    if (most > 0)
        setrlimit(resource, &(struct rlimit){(rlim_t)most, (rlim_t)most});
}

static _Noreturn void become(const json_t *orders)
{
    static const int handled[] = {SIGTERM, SIGINT, SIGPIPE};
    for (size_t i = 0; i < G_N_ELEMENTS(handled); i++)
        signal(handled[i], SIG_DFL);
    setpgid(0, 0);
    limit(RLIMIT_NPROC, json_integer_at(orders, "Processes", 0));
    limit(RLIMIT_FSIZE, json_integer_at(orders, "Bytes", 0));
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    char **argv = texts_of(json_object_get(orders, "Command"));
    set_environment(json_object_get(orders, "Environment"));
    execvp(argv[0], argv);
    fprintf(stderr, "the command %s could not be executed: %s\n", argv[0], g_strerror(errno));
    _exit(127);
}

/* ---- the ways to the servers ---- */

static bool open_way(const char *server, unsigned number, const char *folder, GError **error)
{
    g_autofree char *socket = g_strdup_printf("%s/" INSIDE_SOCKET, folder, number);
    int listener = forward_listen_tcp(server, error);
    return listener >= 0 && forward_to_unix(listener, socket, error);
}

static bool open_ways(const json_t *orders, const char *folder, GError **error)
{
    size_t i;
    const json_t *server;
    json_array_foreach(
        json_object_get(orders, "Servers"), i,
        server) if (!open_way(json_string_value(server), (unsigned)i, folder, error)) return false;
    return true;
}

/* ---- from begin to end ---- */

/* Buries until the command has ended; as a shell tells it. */
static int wait_for(pid_t pid)
{
    int status = 0;
    pid_t ended = 0;
    while (ended != pid) {
        ended = waitpid(-1, &status, 0);
        if (ended < 0 && errno != EINTR)
            return 127;
    }
    return shell_status(status);
}

static void say_begun(void)
{
    ssize_t n = write(SANDBOX_BEGUN, "b", 1);
    (void)n;
    close(SANDBOX_BEGUN);
    dup2(SANDBOX_ERRORS, STDERR_FILENO);
    close(SANDBOX_ERRORS);
}

int sandbox_inside(const char *folder)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(folder, INSIDE_ORDERS, NULL);
    g_autoptr(json_auto) orders = json_read_file(path, &error);
    hand_signals_to(0);
    /* Forked before there are threads. */
    pid_t pid = -1;
    int gate[2] = {-1, -1};
    if (orders && pipe(gate) == 0 && (pid = fork()) == 0) {
        char byte;
        close(gate[1]);
        ssize_t n = read(gate[0], &byte, 1);
        close(gate[0]);
        if (n != 1)
            _exit(127);
        dup2(SANDBOX_ERRORS, STDERR_FILENO);
        close(SANDBOX_ERRORS);
        close(SANDBOX_BEGUN);
        become(orders);
    }
    if (!orders || pid < 0 || !open_ways(orders, folder, &error)) {
        fprintf(stderr, "%s\n", error ? error->message : g_strerror(errno));
        return 127;
    }
    hand_signals_to(pid);
    setpgid(pid, pid);
    say_begun();
    ssize_t n = write(gate[1], "g", 1);
    (void)n;
    close(gate[0]);
    close(gate[1]);
    close(SANDBOX_LAST);
    return wait_for(pid);
}
