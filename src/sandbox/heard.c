/* What a command writes, on its way to who hears it. */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "sandbox/sandbox_inside.h"

/* What it writes to is its user's, who may open it anew: /dev/stderr, /proc/self/fd/2. */
bool heard_open(struct heard *heard, const struct sandbox *sandbox,
                const struct sandbox_command *command)
{
    heard->command = command;
    if ((command->hear && pipe2(heard->output, O_CLOEXEC) != 0) ||
        (command->hear_errors && pipe2(heard->errors, O_CLOEXEC) != 0))
        return false;
    if (sandbox->not_isolated && !command->image)
        return true; /* this process's user's already */
    return (!command->hear || fchown(heard->output[1], sandbox->user, sandbox->group) == 0) &&
           (!command->hear_errors || fchown(heard->errors[1], sandbox->user, sandbox->group) == 0);
}

bool heard_become(const struct heard *heard)
{
    int output = heard->output[1], errors = heard->errors[1] >= 0 ? heard->errors[1] : output;
    return output < 0 || (dup2(output, STDOUT_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0);
}

void heard_close(struct heard *heard, int end)
{
    if (heard->output[end] >= 0)
        close(heard->output[end]);
    if (heard->errors[end] >= 0)
        close(heard->errors[end]);
}

void heard_watch(const struct heard *heard, struct pollfd fds[HEARD])
{
    fds[0] = (struct pollfd){heard->output[0], POLLIN, 0};
    fds[1] = (struct pollfd){heard->errors[0], POLLIN, 0};
}

/* Whether there may be more. */
static bool hear(const struct heard *heard, struct pollfd fds[HEARD], int which)
{
    char bytes[65536];
    const struct sandbox_command *command = heard->command;
    ssize_t n = read(fds[which].fd, bytes, sizeof bytes);
    if (n > 0)
        (which ? command->hear_errors : command->hear)(bytes, (size_t)n, command->data);
    else if (n == 0 || errno != EINTR)
        fds[which].fd = -1;
    return fds[which].fd >= 0;
}

void heard_hear(const struct heard *heard, struct pollfd fds[HEARD])
{
    for (int i = 0; i < HEARD; i++)
        if (fds[i].revents)
            hear(heard, fds, i);
}

void heard_drain(const struct heard *heard, struct pollfd fds[HEARD])
{
    for (int i = 0; i < HEARD; i++)
        while (fds[i].fd >= 0 && hear(heard, fds, i))
            continue;
}
