#define _GNU_SOURCE /* pipe2, and descriptors that come closed on exec */
#include "base/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/process_inside.h"

/* A piece of work is one message: its folder and its environment as texts one behind the other, and
 * these descriptors. The answer is the process's id. */
enum { OUTPUT, REPORT, ENDED, DESCRIPTORS };
enum { MOST_WORDS = 65536, MOST_VARIABLES = 255 };

union control {
    struct cmsghdr header; /* for its alignment */
    char bytes[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
};

struct warm {
    struct process process; /* its `report` is the line to it */
};

/* ---- who asks ---- */

struct warm *warm_open(char *const *argv, char *const *environment, GError **error)
{
    int line[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) != 0) {
        error_set_errno(error, errno, "starting %s", argv[0]);
        return NULL;
    }
    struct warm *warm = g_new0(struct warm, 1);
    bool started = process_start_with(&warm->process, argv, environment, "/", line[1], error);
    warm->process.report = line[0];
    close(line[1]);
    if (started)
        return warm;
    close(line[0]);
    g_free(warm);
    return NULL;
}

void warm_close(struct warm *warm)
{
    if (!warm)
        return;
    process_signal(&warm->process, SIGKILL);
    process_finish(&warm->process);
    g_free(warm);
}

static GByteArray *words_of(const char *folder, char *const *environment)
{
    GByteArray *words = g_byte_array_new();
    g_byte_array_append(words, (const guint8 *)folder, (guint)strlen(folder) + 1);
    for (; *environment; environment++)
        g_byte_array_append(words, (const guint8 *)*environment, (guint)strlen(*environment) + 1);
    return words;
}

static bool ask(int line, const char *folder, char *const *environment, int pipes[][2])
{
    g_autoptr(GByteArray) words = words_of(folder, environment);
    struct iovec text = {words->data, words->len};
    union control control = {0};
    struct msghdr message = {.msg_iov = &text,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(DESCRIPTORS * sizeof(int));
    for (int i = 0; i < DESCRIPTORS; i++)
        memcpy(CMSG_DATA(header) + i * sizeof(int), &pipes[i][1], sizeof(int));
    if (words->len <= MOST_WORDS)
        return sendmsg(line, &message, MSG_NOSIGNAL) == (ssize_t)words->len;
    errno = E2BIG;
    return false;
}

static bool hear(int line, pid_t *pid)
{
    ssize_t size;
    while ((size = recv(line, pid, sizeof *pid, 0)) < 0 && errno == EINTR)
        continue;
    if (size >= 0)
        errno = ECHILD;
    return size == sizeof *pid && *pid > 0;
}

static void close_ends(int pipes[][2], int end)
{
    for (int i = 0; i < DESCRIPTORS; i++)
        if (pipes[i][end] >= 0)
            close(pipes[i][end]);
}

bool warm_fork(struct warm *warm, struct process *process, char *const *environment,
               const char *folder, GError **error)
{
    int pipes[DESCRIPTORS][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    pid_t pid = -1;
    bool made = true;
    for (int i = 0; i < DESCRIPTORS && made; i++)
        made = pipe2(pipes[i], O_CLOEXEC) == 0;
    bool forked = made && ask(warm->process.report, folder, environment, pipes) &&
                  hear(warm->process.report, &pid);
    int cause = errno;
    close_ends(pipes, 1);
    if (!forked) {
        close_ends(pipes, 0);
        return error_set_errno(error, cause, "forking a warm process");
    }
    fcntl(pipes[OUTPUT][0], F_SETFL, O_NONBLOCK);
    fcntl(pipes[REPORT][0], F_SETFL, O_NONBLOCK);
    *process = (struct process){.pid = pid,
                                .output = pipes[OUTPUT][0],
                                .errors = -1,
                                .report = pipes[REPORT][0],
                                .ended = pipes[ENDED][0],
                                .is_told = true};
    return true;
}

/* ---- who is asked ---- */

struct work {
    char words[MOST_WORDS + 1];
    size_t size;
    int descriptors[DESCRIPTORS];
};

static bool take_descriptors(struct msghdr *message, struct work *work)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (!header || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof work->descriptors))
        return false;
    memcpy(work->descriptors, CMSG_DATA(header), sizeof work->descriptors);
    return true;
}

/* False: nobody asks any more. */
static bool wait_for_work(int line, struct work *work)
{
    struct iovec text = {work->words, MOST_WORDS};
    union control control = {0};
    struct msghdr message = {.msg_iov = &text,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t size;
    while ((size = recvmsg(line, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        continue;
    if (size <= 0 || !take_descriptors(&message, work))
        return false;
    work->size = (size_t)size;
    work->words[size] = '\0';
    return true;
}

/* The folder is the first of the texts; what follows is the environment. */
static void read_environment(struct work *work, char **environment)
{
    const char *end = work->words + work->size;
    size_t count = 0;
    for (char *at = work->words + strlen(work->words) + 1; at < end && count < MOST_VARIABLES;
         at += strlen(at) + 1)
        environment[count++] = at;
    environment[count] = NULL;
}

static void close_all(const int *descriptors, int count)
{
    for (int i = 0; i < count; i++)
        close(descriptors[i]);
}

static _Noreturn void work_on(struct work *work, pid_t parent,
                              int (*run)(const char *folder, int report))
{
    close(work->descriptors[ENDED]);
    if (!process_settle(work->words, parent, work->descriptors[OUTPUT], work->descriptors[OUTPUT],
                        work->descriptors[REPORT]))
        _exit(127);
    close_all(work->descriptors, ENDED);
    char *environment[MOST_VARIABLES + 1]; /* there until the process ends */
    read_environment(work, environment);
    environ = environment;
    exit(run(work->words, PROCESS_REPORT));
}

/* Its status once it has ended. What is left of its group ends before its number may be another's.
 */
static int status_of(pid_t pid)
{
    int status = SIGKILL;
    siginfo_t ended;
    while (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        continue;
    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* Who asked is told the process's id at once and its status once it has ended. */
static void watch(int line, pid_t pid, const struct work *work)
{
    setpgid(pid, pid); /* here too: a signal may be sent before the child got that far */
    close_all(work->descriptors, ENDED);
    if (send(line, &pid, sizeof pid, MSG_NOSIGNAL) == sizeof pid && pid > 0) {
        int status = status_of(pid);
        ssize_t written = write(work->descriptors[ENDED], &status, sizeof status);
        (void)written; /* nobody waits for it any more */
    }
    close(work->descriptors[ENDED]);
}

int warm_serve(int line, void (*prepare)(const char *folder),
               int (*run)(const char *folder, int report))
{
    pid_t self = getpid();
    struct work work;
    signal(SIGPIPE, SIG_IGN);
    while (wait_for_work(line, &work)) {
        if (prepare)
            prepare(work.words);
        pid_t pid = fork();
        if (pid == 0)
            work_on(&work, self, run);
        watch(line, pid, &work);
    }
    return 0;
}
