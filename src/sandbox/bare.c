/* runtime.isolation: none. The command finds /opt/ml as a link to its folder, so that only one can
 * run at a time on a machine; it is its user's in all it may do. */
#define _GNU_SOURCE /* clearenv */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "sandbox/sandbox_inside.h"

#define ROOT "/opt/ml"

/* Waits for its turn. */
static int lock(GError **error)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "lathe-opt-ml.lock", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (fd >= 0 && flock(fd, LOCK_EX) != 0)
        if (errno != EINTR)
            break;
    if (fd < 0)
        error_set_errno(error, errno, "locking %s", path);
    return fd;
}

static bool link_root(const char *folder, GError **error)
{
    struct stat status;
    if (lstat(ROOT, &status) == 0 && !S_ISLNK(status.st_mode))
        return error_set(error, ERROR_INTERNAL,
                         "runtime.isolation is none, and " ROOT
                         " is a folder of this machine; it would have to be a link to the job's");
    if (unlink(ROOT) != 0 && errno != ENOENT)
        return error_set_errno(error, errno, "replacing " ROOT);
    return symlink(folder, ROOT) == 0 ||
           error_set_errno(
               error, errno,
               "runtime.isolation is none: making " ROOT
               " a link to the job's folder (make /opt writable for the server's user)");
}

static _Noreturn void become(const struct sandbox *sandbox, const struct sandbox_command *order,
                             const struct heard *heard)
{
    g_autoptr(json_auto) environment = sandbox_environment(sandbox, order);
    const char *name;
    const json_t *value;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    clearenv();
    json_object_foreach(environment, name, value) if (strcmp(name, "HOME") != 0)
        g_setenv(name, json_string_value(value), TRUE);
    g_setenv("HOME", g_get_home_dir(), TRUE);
    if (heard_become(heard) && chdir(order->folder ? order->folder : ROOT) == 0)
        execvp(order->argv[0], order->argv);
    fprintf(stderr, "the command %s could not be executed: %s\n", order->argv[0],
            g_strerror(errno));
    _exit(127);
}

/* What the command left behind is ours now, and ends. */
static void end_orphans(void)
{
    g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", (int)getpid());
    for (;;) {
        g_autofree char *text = NULL;
        if (!g_file_get_contents(path, &text, NULL, NULL) || !*g_strstrip(text))
            return;
        g_auto(GStrv) children = g_strsplit(text, " ", -1);
        for (char **child = children; *child; child++)
            kill((pid_t)g_ascii_strtoll(*child, NULL, 10), SIGKILL);
        waitpid(-1, NULL, 0);
    }
}

static int wait_for(pid_t pid, struct heard *heard)
{
    struct pollfd fds[1 + HEARD] = {{(int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0}};
    heard_watch(heard, fds + 1);
    while (!fds[0].revents)
        if (poll(fds, G_N_ELEMENTS(fds), -1) > 0)
            heard_hear(heard, fds + 1);
    close(fds[0].fd);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    kill(-pid, SIGKILL);
    end_orphans();
    heard_drain(heard, fds + 1);
    return shell_status(status);
}

static pid_t start(const struct sandbox *sandbox, const struct sandbox_command *order,
                   struct heard *heard, GError **error)
{
    if (!link_root(sandbox->folder, error))
        return -1;
    hand_signals_to(0);
    pid_t pid = heard_open(heard, sandbox, order) ? fork() : -1;
    if (pid == 0)
        become(sandbox, order, heard);
    if (pid < 0)
        error_set_errno(error, errno, "starting the command");
    else
        hand_signals_to(pid);
    heard_close(heard, 1);
    return pid;
}

void bare_run(const struct sandbox *sandbox, const struct sandbox_command *order,
              struct sandbox_end *end)
{
    g_autoptr(GError) error = NULL;
    struct heard heard = HEARD_NONE;
    int turn = lock(&error);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    pid_t pid = turn >= 0 ? start(sandbox, order, &heard, &error) : -1;
    if (pid > 0) {
        end->status = wait_for(pid, &heard);
        unlink(ROOT);
    } else {
        end->not_begun = true;
        end->reason = g_strdup(error->message);
    }
    heard_close(&heard, 0);
    if (turn >= 0)
        close(turn);
}
