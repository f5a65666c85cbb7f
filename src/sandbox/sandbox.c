#define _GNU_SOURCE /* pipe2 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "sandbox/cgroup.h"
#include "sandbox/engine.h"
#include "sandbox/sandbox_inside.h"

/* Beyond people, services, and what distributions give to containers. */
enum { FIRST_USER = 200000, USERS = 100000 };

#define LOOK_MILLISECONDS 500 /* between looks at what it holds */
/* A process that looks now and then how far another is costs some hundredths of a second. */
enum { QUIET_TICKS = 3, QUIET_LOOKS = 4 };

struct run {
    const struct sandbox *sandbox;
    const struct sandbox_command *command;
    int errors[2], begun[2], info[2]; /* pipes from bubblewrap and the first process */
    struct heard heard;               /* from the command */
    char *group;                      /* its control group, or NULL */
    char *name;                       /* of an image's container */
    pid_t watcher;                    /* of an image's container; 0: none */
    pid_t wrapper, first;             /* as the machine numbers them; first: 0, not known yet */
    bool has_begun;
    GString *said; /* bubblewrap's errors */
    struct sandbox_end *end;
    guint64 ticks;  /* at the last look */
    unsigned quiet; /* looks without work */
    bool waits;
};

/* ---- settings ---- */

struct sandbox *sandbox_read(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, SANDBOX_FILE, NULL);
    g_autoptr(json_auto) settings = json_read_file(path, error);
    if (!settings)
        return NULL;
    struct sandbox *sandbox = g_new0(struct sandbox, 1);
    sandbox->folder = g_canonicalize_filename(folder, NULL);
    sandbox->python = g_strdup(json_text_at(settings, "Python"));
    sandbox->servers = texts_of(json_object_get(settings, "Servers"));
    sandbox->domains = texts_of(json_object_get(settings, "Domains"));
    sandbox->domains_server = g_strdup(json_text_at(settings, "DomainsServer"));
    sandbox->certificates = g_strdup(json_text_at(settings, "Certificates"));
    sandbox->host_network = g_strcmp0(json_text_at(settings, "Network"), "host") == 0;
    sandbox->not_isolated = g_strcmp0(json_text_at(settings, "Isolation"), "none") == 0;
    sandbox->shown = texts_of(json_object_get(settings, "Shown"));
    sandbox->masked = texts_of(json_object_get(settings, "Masked"));
    sandbox->overlaid = texts_of(json_object_get(settings, "Overlaid"));
    sandbox->engine = g_strdup(json_text_at(settings, "Engine"));
    sandbox->groups = g_strdup(json_text_at(settings, "Groups"));
    sandbox->memory = (guint64)json_integer_at(settings, "Memory", 0);
    sandbox->bytes = (guint64)json_integer_at(settings, "Bytes", 0);
    sandbox->processes = (guint64)json_integer_at(settings, "Processes", 0);
    bool is_root = geteuid() == 0;
    sandbox->user = is_root ? FIRST_USER + (uid_t)getpid() % USERS : geteuid();
    sandbox->group = is_root ? sandbox->user : getegid();
    return sandbox;
}

void sandbox_free(struct sandbox *sandbox)
{
    if (!sandbox)
        return;
    g_free(sandbox->folder);
    g_free(sandbox->python);
    g_strfreev(sandbox->servers);
    g_strfreev(sandbox->domains);
    g_free(sandbox->domains_server);
    g_free(sandbox->certificates);
    g_free(sandbox->packages);
    g_free(sandbox->engine);
    g_free(sandbox->groups);
    g_strfreev(sandbox->shown);
    g_strfreev(sandbox->masked);
    g_strfreev(sandbox->overlaid);
    g_free(sandbox);
}

const char *sandbox_python(const struct sandbox *sandbox)
{
    return sandbox->not_isolated ? "/opt/ml/" SANDBOX_PYTHON_FOLDER : SANDBOX_PYTHON;
}

const char *sandbox_packages(const struct sandbox *sandbox)
{
    return sandbox->not_isolated ? sandbox->packages : INSIDE_PACKAGES;
}

void sandbox_end_clear(struct sandbox_end *end)
{
    g_clear_pointer(&end->reason, g_free);
}

void sandbox_be_user(const struct sandbox *sandbox, bool is_user)
{
    if (sandbox->not_isolated) /* the command was this process's own user */
        return;
    setfsgid(is_user ? sandbox->group : getegid());
    setfsuid(is_user ? sandbox->user : geteuid());
}

char *sandbox_claim_groups(void)
{
    g_autofree char *own = NULL;
    return g_file_get_contents("/proc/self/cgroup", &own, NULL, NULL)
               ? cgroup_claim("/sys/fs/cgroup", own)
               : NULL;
}

/* ---- the orders of the first process ---- */

/* `python` is the one that was set, whatever else the machine has. */
static char *path_of(const struct sandbox *sandbox)
{
    static const char rest[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    g_autofree char *bin = sandbox->python ? g_path_get_dirname(sandbox->python) : NULL;
    const char *own = sandbox->not_isolated ? "" : INSIDE_PROGRAMS ":";
    return g_strconcat(bin ? bin : "", bin ? ":" : "", own, rest, NULL);
}

json_t *sandbox_environment(const struct sandbox *sandbox, const struct sandbox_command *command)
{
    g_autofree char *path = path_of(sandbox);
    json_t *environment = json_pack("{ssssssss}", "PATH", path, "HOME", "/home/job", "LANG",
                                    "C.UTF-8", "TMPDIR", "/tmp");
    if (command->environment)
        json_object_update(environment, command->environment);
    return environment;
}

guint sandbox_forwards(const struct sandbox *sandbox)
{
    return sandbox->host_network ? 0 : MIN(g_strv_length(sandbox->servers), SANDBOX_SERVERS);
}

static json_t *servers_of(const struct sandbox *sandbox)
{
    json_t *servers = json_array();
    for (guint i = 0; i < sandbox_forwards(sandbox); i++)
        json_array_append_new(servers, json_string(sandbox->servers[i]));
    return servers;
}

/* A server that has the port itself is asked there. */
int sandbox_domains_server(const struct sandbox *sandbox)
{
    int found = -1;
    for (guint i = 0; i < sandbox_forwards(sandbox); i++) {
        if (g_str_has_suffix(sandbox->servers[i], ":443"))
            return -1;
        if (g_strcmp0(sandbox->servers[i], sandbox->domains_server) == 0)
            found = (int)i;
    }
    return found;
}

static json_t *domains_of(const struct sandbox *sandbox)
{
    json_t *domains = json_array();
    for (char **domain = sandbox->domains; *domain; domain++)
        json_array_append_new(domains, json_string(*domain));
    return domains;
}

static json_t *list_of(char *const *words)
{
    json_t *list = json_array();
    for (; *words; words++)
        json_array_append_new(list, json_string(*words));
    return list;
}

/* What runs an image is the engine, which has the limits of the job's folder for none of its own.
 */
static json_t *orders_of_engine(const struct sandbox *sandbox,
                                const struct sandbox_command *command, const char *name)
{
    g_autoptr(GPtrArray) argv = engine_arguments(sandbox, command, name);
    return json_pack("{so so so si}", "Command", list_of((char *const *)argv->pdata), "Servers",
                     engine_network(sandbox) == ENGINE_SHARED ? servers_of(sandbox) : json_array(),
                     "Domains", domains_of(sandbox), "DomainsServer",
                     sandbox_domains_server(sandbox));
}

static json_t *orders_of(const struct sandbox *sandbox, const struct sandbox_command *command)
{
    json_t *argv = list_of(command->argv);
    return json_pack("{soso so so si sI sI}", "Command", argv, "Environment",
                     sandbox_environment(sandbox, command), "Servers", servers_of(sandbox),
                     "Domains", domains_of(sandbox), "DomainsServer",
                     sandbox_domains_server(sandbox), "Bytes", (json_int_t)sandbox->bytes,
                     "Processes", (json_int_t)sandbox->processes);
}

static char *own(const struct sandbox *sandbox, const char *name)
{
    return g_build_filename(sandbox->folder, SANDBOX_FOLDER, name, NULL);
}

static bool write_orders(const struct run *run, GError **error)
{
    const struct sandbox *sandbox = run->sandbox;
    g_autoptr(json_auto) orders = run->command->image
                                      ? orders_of_engine(sandbox, run->command, run->name)
                                      : orders_of(sandbox, run->command);
    if (!orders)
        return error_set(error, ERROR_VALIDATION, "the command holds what is no UTF-8");
    g_autofree char *text = json_text_of(orders);
    g_autofree char *path = own(sandbox, INSIDE_ORDERS);
    return mounts_lay_out(sandbox, error) && g_file_set_contents(path, text, -1, error) &&
           (chmod(path, 0644) == 0 || error_set_errno(error, errno, "writing %s", path));
}

/* ---- the child ---- */

/* Moves descriptors to where the first process expects them. */
static void place(const struct run *run)
{
    if (!heard_become(&run->heard))
        _exit(127);
    int errors = fcntl(STDERR_FILENO, F_DUPFD, 20), begun = fcntl(run->begun[1], F_DUPFD, 20);
    int own_errors = fcntl(run->errors[1], F_DUPFD, 20), info = fcntl(run->info[1], F_DUPFD, 20);
    dup2(errors, SANDBOX_ERRORS);
    dup2(begun, SANDBOX_BEGUN);
    dup2(info, SANDBOX_INFO);
    dup2(own_errors, STDERR_FILENO);
    if (fcntl(SANDBOX_LAST, F_GETFD) < 0) /* by hand there is no pipe for reports */
        dup2(STDIN_FILENO, SANDBOX_LAST);
    for (int fd = SANDBOX_INFO + 1; fd < 64; fd++)
        close(fd);
}

static _Noreturn void wrap(const struct run *run, pid_t parent)
{
    g_autoptr(GError) error = NULL;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0); /* a SIGTERM to the job's group is the first process's, by way of ours */
    place(run);
    /* Now, while it may look everywhere. */
    GPtrArray *arguments = mounts_arguments(run->sandbox, run->command->folder);
    if ((!run->group || cgroup_enter(run->group, &error)) && mounts_prepare(run->sandbox, &error)) {
        /* The user has changed: that took it away. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127);
        g_ptr_array_insert(arguments, 1, g_strdup("--info-fd"));
        g_ptr_array_insert(arguments, 2, g_strdup_printf("%d", SANDBOX_INFO));
        execvp("bwrap", (char *const *)arguments->pdata);
        error_set(&error, ERROR_INTERNAL,
                  errno == ENOENT ? "scripts run under bubblewrap, which is not installed: install "
                                    "the package bubblewrap, or set runtime.isolation to none in "
                                    "lathe.yaml"
                                  : "bubblewrap could not be executed: %s",
                  g_strerror(errno));
    }
    dprintf(STDERR_FILENO, "%s\n", error->message);
    _exit(127);
}

/* ---- an image ---- */

/* In the forked child: becomes what an image's engine is started by, which in a sandbox is the
 * first process. What the engine starts is in its network. */
static _Noreturn void wrap_engine(const struct run *run, pid_t parent)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = own(run->sandbox, "");
    char self[] = "/proc/self/exe", verb[] = "job", engine[] = "engine", here[] = ".";
    char *argv[] = {self, verb, engine, here, NULL};
    bool own_network = !run->sandbox->host_network && engine_network(run->sandbox) == ENGINE_SHARED;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    place(run);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    bool ready = !own_network || (unshare(CLONE_NEWNET) == 0 && network_open(run->sandbox, &error));
    if (ready && chdir(folder) == 0)
        execv(self, argv);
    dprintf(STDERR_FILENO, "%s\n", error ? error->message : g_strerror(errno));
    _exit(127);
}

/* ---- watching it ---- */

static bool read_some(int *fd, GString *text)
{
    char bytes[512];
    ssize_t n = read(*fd, bytes, sizeof bytes);
    if (n > 0)
        g_string_append_len(text, bytes, n);
    else if (n == 0 || errno != EINTR)
        *fd = -1;
    return n > 0;
}

/* {"child-pid": 1234, ...} */
static void hear_first(struct run *run, GString *info)
{
    g_autoptr(json_auto) told = json_parse(info->str, info->len, "bubblewrap's report", NULL);
    run->first = (pid_t)json_integer_at(told, "child-pid", 0);
}

static void stop(const struct run *run, int signal)
{
    pid_t first = run->command->image ? run->wrapper : run->first;
    if (signal == SIGTERM && first > 0)
        kill(first, SIGTERM);
    else
        kill(-run->wrapper, SIGKILL);
    if (signal == SIGKILL && run->command->image)
        engine_end(run->sandbox, run->name);
}

/* Whether it has done next to nothing since the last look, and for how many looks. */
static void notice_waiting(struct run *run, guint64 ticks)
{
    bool quiet = run->first > 0 && ticks >= run->ticks && ticks - run->ticks <= QUIET_TICKS;
    run->quiet = quiet ? run->quiet + 1 : 0;
    run->ticks = ticks;
    bool waits = run->quiet >= QUIET_LOOKS;
    if (waits != run->waits && run->command->waits)
        run->command->waits(waits, run->command->data);
    run->waits = waits;
}

static void look(struct run *run)
{
    if (run->end->reason)
        return;
    bool of_memory = run->sandbox->memory && !run->group;
    struct usage usage = limits_usage(run->first, of_memory);
    notice_waiting(run, usage.ticks);
    run->end->reason = limits_check(run->sandbox, &usage);
    if (run->end->reason)
        stop(run, SIGKILL);
}

/* Until bubblewrap has ended. */
static void watch(struct run *run, int signals, int ended)
{
    g_autoptr(GString) info = g_string_new(NULL);
    g_autoptr(GString) begun = g_string_new(NULL);
    struct pollfd fds[5 + HEARD] = {{ended, POLLIN, 0},
                                    {signals, POLLIN, 0},
                                    {run->errors[0], POLLIN, 0},
                                    {run->begun[0], POLLIN, 0},
                                    {run->info[0], POLLIN, 0}};
    struct pollfd *written = fds + 5;
    heard_watch(&run->heard, written);
    double next = clock_monotonic();
    while (!fds[0].revents) {
        if (poll(fds, G_N_ELEMENTS(fds), LOOK_MILLISECONDS) < 0)
            continue;
        struct signalfd_siginfo heard;
        if (fds[1].revents && read(signals, &heard, sizeof heard) == sizeof heard)
            stop(run, SIGTERM);
        if (fds[2].revents)
            read_some(&fds[2].fd, run->said);
        if (fds[3].revents && read_some(&fds[3].fd, begun))
            run->has_begun = true;
        if (fds[4].revents && !read_some(&fds[4].fd, info))
            hear_first(run, info);
        heard_hear(&run->heard, written);
        if (clock_monotonic() >= next) {
            look(run);
            next = clock_monotonic() + LOOK_MILLISECONDS / 1000.0;
        }
    }
    while (fds[2].fd >= 0 && read_some(&fds[2].fd, run->said))
        continue;
    while (fds[3].fd >= 0 && read_some(&fds[3].fd, begun))
        run->has_begun = true;
    heard_drain(&run->heard, written);
}

static void close_ends(struct run *run, int which)
{
    close(run->errors[which]);
    close(run->begun[which]);
    close(run->info[which]);
    heard_close(&run->heard, which);
}

/* The sandbox's own group, where the kernel is to hold the limit of memory. */
static void open_group(struct run *run)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = g_strdup_printf("job-%d", (int)getpid());
    const struct sandbox *sandbox = run->sandbox;
    if (sandbox->groups && sandbox->memory)
        run->group = cgroup_make(sandbox->groups, name, sandbox->memory, &error);
    if (error)
        g_warning("a sandbox's memory is looked at from time to time alone: %s", error->message);
}

static void take_group_away(struct run *run)
{
    guint64 most = run->group ? cgroup_overrun(run->group) : 0;
    if (most && !run->end->reason)
        run->end->reason = limits_overrun(run->sandbox, most);
    if (run->group)
        cgroup_remove(run->group);
    g_clear_pointer(&run->group, g_free);
}

static void finish(struct run *run)
{
    int status = 0;
    while (waitpid(run->wrapper, &status, 0) < 0 && errno == EINTR)
        continue;
    run->end->status = shell_status(status);
    take_group_away(run);
    if (run->has_begun || run->end->reason)
        return;
    run->end->not_begun = true;
    run->end->reason = run->said->len ? g_strdup_printf("the sandbox could not be made: %s",
                                                        g_strstrip(run->said->str))
                                      : g_strdup("the sandbox could not be made");
}

/* The container has ended, and the engine has taken it away. */
static void end_watch(const struct run *run)
{
    if (run->watcher <= 0)
        return;
    kill(run->watcher, SIGKILL);
    waitpid(run->watcher, NULL, 0);
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* A listening socket in the folder, or -1. By a descriptor of the folder: the path of a socket may
 * have 107 characters. */
static int listen_for(const struct sandbox *sandbox, guint number, GError **error)
{
    g_autofree char *name = g_strdup_printf(INSIDE_SOCKET, number);
    g_autofree char *folder = own(sandbox, "");
    g_autofree char *socket = own(sandbox, name);
    int fd = open(folder, O_PATH | O_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d/%s", fd, name);
    unlink(socket);
    int listener = forward_listen_unix(path, error);
    if (fd >= 0)
        close(fd);
    if (listener >= 0 && chmod(socket, 0666) != 0) /* the job may be another user */
        error_set_errno(error, errno, "opening %s for the job", socket);
    return listener;
}

static bool open_listeners(const struct sandbox *sandbox, int *listeners, GError **error)
{
    for (guint i = 0; i < sandbox_forwards(sandbox); i++)
        if ((listeners[i] = listen_for(sandbox, i, error)) < 0)
            return false;
    return true;
}

/* After the fork: with threads. */
static bool open_ways(const struct sandbox *sandbox, const int *listeners, GError **error)
{
    for (guint i = 0; i < sandbox_forwards(sandbox); i++)
        if (!forward_to_tcp(listeners[i], sandbox->servers[i], error))
            return false;
    return true;
}

static bool begin(struct run *run, GError **error)
{
    int listeners[SANDBOX_SERVERS];
    if (!write_orders(run, error) || !open_listeners(run->sandbox, listeners, error) ||
        !mounts_hand_over(run->sandbox, error))
        return false;
    if (pipe2(run->errors, O_CLOEXEC) != 0 || pipe2(run->begun, O_CLOEXEC) != 0 ||
        pipe2(run->info, O_CLOEXEC) != 0 || !heard_open(&run->heard, run->sandbox, run->command))
        return error_set_errno(error, errno, "making pipes for a sandbox");
    if (run->command->image)
        run->watcher = engine_watch(run->sandbox, run->name);
    else
        open_group(run);
    pid_t parent = getpid();
    run->wrapper = fork(); /* before there are threads */
    if (run->wrapper == 0 && run->command->image)
        wrap_engine(run, parent);
    if (run->wrapper == 0)
        wrap(run, parent);
    if (run->wrapper < 0)
        return error_set_errno(error, errno, "starting a sandbox");
    close_ends(run, 1);
    return open_ways(run->sandbox, listeners, error);
}

void sandbox_run(const struct sandbox *sandbox, const struct sandbox_command *command,
                 struct sandbox_end *end)
{
    *end = (struct sandbox_end){.status = 127};
    if (sandbox->not_isolated && !command->image) {
        bare_run(sandbox, command, end);
        return;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) said = g_string_new(NULL);
    g_autofree char *name = g_strdup_printf("lathe-job-%d", (int)getpid());
    struct run run = {.sandbox = sandbox,
                      .command = command,
                      .said = said,
                      .end = end,
                      .name = name,
                      .heard = HEARD_NONE};
    int signals = open_signals();
    if (begin(&run, &error)) {
        int ended = (int)syscall(SYS_pidfd_open, run.wrapper, 0);
        watch(&run, signals, ended);
        close(ended);
        finish(&run);
        close_ends(&run, 0);
        end_watch(&run);
    } else {
        take_group_away(&run);
        end->not_begun = true;
        end->reason = g_strdup_printf("the sandbox could not be made: %s", error->message);
    }
    close(signals);
}
