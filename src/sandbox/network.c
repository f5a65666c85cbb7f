/* The network of a sandbox: its own, with a loopback and nothing else. What listens below port 1024
 * there is opened now: who is within has no right to. */
#define _GNU_SOURCE /* struct ifreq */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "sandbox/resolver.h"
#include "sandbox/sandbox_inside.h"

static bool raise_loopback(GError **error)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool raised = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
    if (!raised)
        error_set_errno(error, errno, "opening a network for a sandbox");
    if (fd >= 0)
        close(fd);
    return raised;
}

/* As that descriptor, which outlives bubblewrap's beginning. */
static bool keep_as(int fd, int number)
{
    if (fd < 0)
        return false;
    if (fd == number)
        return fcntl(fd, F_SETFD, 0) == 0;
    bool kept = dup2(fd, number) == number;
    close(fd);
    return kept;
}

bool network_open(const struct sandbox *sandbox, GError **error)
{
    return raise_loopback(error) &&
           (sandbox_domains_server(sandbox) < 0 ||
            (keep_as(forward_listen_tcp("127.0.0.1:443", error), SANDBOX_HTTPS) &&
             keep_as(resolver_listen(error), SANDBOX_RESOLVER)));
}
