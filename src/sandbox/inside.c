/* The first process of a sandbox: opens the ways to the server, starts the command, hands SIGTERM
 * on to it, buries what is orphaned, and ends with the command, by which all that it started ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "sandbox/resolver.h"
#include "sandbox/sandbox_inside.h"

/* ---- what the caller's side needs, too ---- */

char **texts_of(const json_t *list)
{
    GPtrArray *texts = g_ptr_array_new();
    size_t i;
    const json_t *text;
    json_array_foreach((json_t *)list, i, text)
    {
        if (json_is_string(text))
            g_ptr_array_add(texts, g_strdup(json_string_value(text)));
    }
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, FALSE);
}

int shell_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- signals ---- */

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

/* What is listened to before there is a command, and served beside it. */
struct way {
    int listener;
    char *socket; /* where it leads; NULL: it is the resolver */
};

static void clear_way(void *data)
{
    g_free(((struct way *)data)->socket);
}

static bool add_way(GArray *ways, int listener, char *socket)
{
    struct way way = {listener, socket};
    g_array_append_val(ways, way);
    return listener >= 0;
}

static char *socket_of(const char *folder, gint64 server)
{
    return g_strdup_printf("%s/" INSIDE_SOCKET, folder, (unsigned)server);
}

/* What was opened before there was a sandbox; the command is not to have it. */
static int given(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

static bool open_ways(const json_t *orders, const char *folder, GArray *ways, GError **error)
{
    gint64 of_domains = json_integer_at(orders, "DomainsServer", -1);
    g_auto(GStrv) servers = texts_of(json_object_get(orders, "Servers"));
    for (int i = 0; servers[i]; i++)
        if (!add_way(ways, forward_listen_tcp(servers[i], error), socket_of(folder, i)))
            return false;
    return of_domains < 0 ||
           (add_way(ways, given(SANDBOX_HTTPS), socket_of(folder, of_domains)) &&
            add_way(ways, given(SANDBOX_RESOLVER), NULL)) ||
           error_set_errno(error, errno, "listening within a sandbox");
}

static bool serve_way(const json_t *orders, const struct way *way, GError **error)
{
    if (way->socket)
        return forward_to_unix(way->listener, way->socket, error);
    char **domains = texts_of(json_object_get(orders, "Domains")); /* the resolver's, to the end */
    return resolver_start(way->listener, domains, error);
}

static bool serve_ways(const json_t *orders, const GArray *ways, GError **error)
{
    for (guint i = 0; i < ways->len; i++)
        if (!serve_way(orders, &g_array_index(ways, struct way, i), error))
            return false;
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
    g_autoptr(GArray) ways = g_array_new(false, false, sizeof(struct way));
    g_array_set_clear_func(ways, clear_way);
    if (!orders || !open_ways(orders, folder, ways, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 127;
    }
    hand_signals_to(0);
    say_begun();
    pid_t pid = fork(); /* before there are threads */
    if (pid == 0)
        become(orders);
    hand_signals_to(pid);
    setpgid(pid, pid);
    close(SANDBOX_LAST);
    if (pid > 0 && serve_ways(orders, ways, &error))
        return wait_for(pid);
    fprintf(stderr, "%s\n", error ? error->message : g_strerror(errno));
    return 127;
}
