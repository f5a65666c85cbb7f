#define _GNU_SOURCE /* pipe2: descriptors that no other thread's child inherits */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/process_inside.h"

static void keep(GStrvBuilder *environment, const char *const *names)
{
    for (; names && *names; names++) {
        const char *value = g_getenv(*names);
        g_autofree char *variable = g_strconcat(*names, "=", value, NULL);
        if (value)
            g_strv_builder_add(environment, variable);
    }
}

GStrvBuilder *process_environment(const char *const *more)
{
    static const char *const kept[] = {"PATH",         "HOME",          "LANG", "LD_LIBRARY_PATH",
                                       "ASAN_OPTIONS", "UBSAN_OPTIONS", NULL};
    GStrvBuilder *environment = g_strv_builder_new();
    keep(environment, kept);
    keep(environment, more);
    return environment;
}

/* A child of root writes only where its owner may: root's right to write any file would make the
 * lake's immutable files, which jobs read by hard links, as open to it as its own. Without the
 * right to gain any by executing, the program does not get it back. Nothing to do for others. */
void process_lay_down_override(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, sets) != 0 ||
        !(sets[0].permitted & CAP_TO_MASK(CAP_DAC_OVERRIDE)))
        return;
    /* Still what it needs to read a home that is another user's. */
    sets[0].effective &= ~CAP_TO_MASK(CAP_DAC_OVERRIDE);
    sets[0].permitted &= ~CAP_TO_MASK(CAP_DAC_OVERRIDE);
    sets[0].inheritable &= ~CAP_TO_MASK(CAP_DAC_OVERRIDE);
    syscall(SYS_capset, &header, sets);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

bool process_settle(const char *folder, pid_t parent, int output, int errors, int report)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above */
        return false;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    /* report may be 1 or 2 where the server was started without them: moved up first. */
    report = fcntl(report, F_DUPFD, 10);
    bool settled = dup2(output, STDOUT_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0 &&
                   dup2(report, PROCESS_REPORT) >= 0 && chdir(folder) == 0;
    close(report);
    return settled;
}

/* After fork, in the child. */
static void become(char *const *argv, char *const *environment, const char *folder, pid_t parent,
                   int null, int output, int errors, int report)
{
    int in = fcntl(null, F_DUPFD_CLOEXEC, 10); /* null may be 1 or 2, too */
    if (!process_settle(folder, parent, output, errors, report) || dup2(in, STDIN_FILENO) < 0)
        _exit(127);
    execve(argv[0], argv, environment);
    static const char words[] = "the program could not be executed\n";
    ssize_t ignored = write(STDERR_FILENO, words, sizeof words - 1);
    (void)ignored;
    _exit(127);
}

static void close_pair(int ends[2])
{
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

/* Of a pipe whose other end is the child's. */
static void keep_read_end(int ends[2])
{
    if (ends[0] < 0)
        return;
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

/* A child whose end could not be waited for. */
static void end_unwatched(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static bool start(struct process *process, char *const *argv, char *const *environment,
                  const char *folder, int report, bool apart, GError **error)
{
    int output[2] = {-1, -1}, errors[2] = {-1, -1};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_t parent = getpid(), pid = -1;
    if (null >= 0 && pipe2(output, O_CLOEXEC) == 0 && (!apart || pipe2(errors, O_CLOEXEC) == 0))
        pid = fork();
    if (pid == 0)
        become(argv, environment, folder, parent, null, output[1], apart ? errors[1] : output[1],
               report);
    int ended = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1; /* is closed on exec */
    int cause = errno;
    if (null >= 0)
        close(null);
    if (ended < 0) {
        end_unwatched(pid);
        close_pair(output);
        close_pair(errors);
        return error_set_errno(error, cause, "starting %s", argv[0]);
    }
    keep_read_end(output);
    keep_read_end(errors);
    setpgid(pid, pid); /* here too: a signal may be sent before the child got that far */
    *process = (struct process){pid, output[0], errors[0], -1, ended, false};
    return true;
}

bool process_start_with(struct process *process, char *const *argv, char *const *environment,
                        const char *folder, int report, GError **error)
{
    return start(process, argv, environment, folder, report, false, error);
}

bool process_start(struct process *process, char *const *argv, char *const *environment,
                   const char *folder, bool apart, GError **error)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0)
        return error_set_errno(error, errno, "starting %s", argv[0]);
    bool started = start(process, argv, environment, folder, report[1], apart, error);
    close(report[1]);
    fcntl(report[0], F_SETFL, O_NONBLOCK);
    if (started)
        process->report = report[0];
    else
        close(report[0]);
    return started;
}

void process_signal(const struct process *process, int signal)
{
    kill(-process->pid, signal);
}

/* What it was told, after the group's end; where nothing, who was to tell it has ended, and the
 * process with it. */
static int status_told(const struct process *process)
{
    int status;
    ssize_t size;
    while ((size = read(process->ended, &status, sizeof status)) < 0 && errno == EINTR)
        continue;
    if (size == sizeof status)
        return status;
    kill(-process->pid, SIGKILL);
    return SIGKILL;
}

static int status_waited_for(const struct process *process)
{
    int status = 0;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    kill(-process->pid, SIGKILL);
    return status;
}

int process_finish(struct process *process)
{
    close(process->output);
    if (process->errors >= 0)
        close(process->errors);
    close(process->report);
    int status = process->is_told ? status_told(process) : status_waited_for(process);
    close(process->ended);
    return status;
}

char *process_describe(int wait_status)
{
    if (WIFEXITED(wait_status))
        return g_strdup_printf("exit status %d", WEXITSTATUS(wait_status));
    int signal = WTERMSIG(wait_status);
    return g_strdup_printf("killed by signal %d (%s)", signal, strsignal(signal));
}
