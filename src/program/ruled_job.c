#define _GNU_SOURCE /* syscall */
#include "program/ruled_job.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "program/job_folder.h"
#include "sandbox/sandbox.h"
#include "train/saved_steps.h"
#include "train/stop.h"

/* How often is looked for new steps: a script that trains saves them more rarely. */
enum { LOOK_MILLISECONDS = 100 };

/* In this process's group, so that who stops the job stops the script. */
static void become_script(const char *folder, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        execl("/proc/self/exe", "lathe", "job", "script", folder, (char *)NULL);
    _exit(127);
}

/* A descriptor that can be read once it has ended; -1: the kernel gives none. */
static pid_t start_script(const char *folder, int *ended)
{
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        become_script(folder, parent);
    *ended = child < 0 ? -1 : (int)syscall(SYS_pidfd_open, child, 0);
    return child;
}

static void look_until(int ended, struct saved_steps *steps)
{
    struct pollfd end = {.fd = ended, .events = POLLIN};
    while (poll(&end, 1, LOOK_MILLISECONDS) <= 0)
        saved_steps_look(steps);
    saved_steps_look(steps);
}

static int status_of(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(const char *folder, const json_t *config, int report)
{
    int ended;
    pid_t child = start_script(folder, &ended);
    if (child < 0 || ended < 0) {
        printf("the script could not be started: %s\n", g_strerror(errno));
        return 1;
    }
    g_autofree char *output = job_folder_path(folder, SANDBOX_RULES);
    struct saved_steps *steps = saved_steps_open(config, folder, report);
    look_until(ended, steps);
    close(ended);
    int status = status_of(child);
    saved_steps_close(steps, status == 0 ? output : NULL);
    return status;
}

int ruled_main(const char *folder, int report)
{
    stop_hold(); /* the script is the one that a SIGTERM ends */
    g_autoptr(GError) error = NULL;
    g_autofree char *whole = g_canonicalize_filename(folder, NULL);
    g_autofree char *path = job_folder_path(whole, "input/config/debugrules.json");
    g_autoptr(json_auto) config = json_read_file(path, &error);
    return config ? run(whole, config, report) : job_fail(whole, error);
}
