/* SO_REUSEPORT, which lets our threads share a port, also lets a second server of the same account
 * take half of the connections without a word. So the first socket is bound without it, which fails
 * where anybody else listens, and only then opened for our own others. */
#define _DEFAULT_SOURCE /* SO_REUSEPORT */
#include "http/listen.h"

#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#define BACKLOG 1024

/* The inode of the socket that listens on the port, as /proc/net/tcp and tcp6 tell, or 0. */
static unsigned long listener_inode(const char *table, unsigned port)
{
    FILE *file = fopen(table, "re");
    if (!file)
        return 0;
    enum { LISTEN = 0x0a };
    char line[512];
    unsigned long found = 0;
    while (!found && fgets(line, sizeof line, file)) {
        unsigned local_port, state;
        unsigned long inode;
        if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu",
                   &local_port, &state, &inode) == 3 &&
            local_port == port && state == LISTEN)
            found = inode;
    }
    fclose(file);
    return found;
}

/* Whether a process (a name under /proc) has the socket among its descriptors. */
static bool process_has_socket(const char *pid, unsigned long inode)
{
    g_autofree char *folder = g_strdup_printf("/proc/%s/fd", pid);
    g_autofree char *wanted = g_strdup_printf("socket:[%lu]", inode);
    DIR *descriptors = opendir(folder);
    if (!descriptors)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(descriptors));) {
        g_autofree char *link = g_build_filename(folder, entry->d_name, NULL);
        char target[64];
        ssize_t size = readlink(link, target, sizeof target - 1);
        target[MAX(size, 0)] = '\0';
        found = strcmp(target, wanted) == 0;
    }
    closedir(descriptors);
    return found;
}

/* "python3 (process 4711)", or NULL where it cannot be seen (another account's, say). */
static char *port_owner(unsigned port)
{
    unsigned long inode = listener_inode("/proc/net/tcp", port);
    if (!inode)
        inode = listener_inode("/proc/net/tcp6", port);
    DIR *processes = inode ? opendir("/proc") : NULL;
    if (!processes)
        return NULL;
    char *owner = NULL;
    for (struct dirent *entry; !owner && (entry = readdir(processes));) {
        if (!g_ascii_isdigit(entry->d_name[0]) || !process_has_socket(entry->d_name, inode))
            continue;
        g_autofree char *path = g_build_filename("/proc", entry->d_name, "comm", NULL);
        g_autofree char *name = NULL;
        g_file_get_contents(path, &name, NULL, NULL);
        owner = g_strdup_printf("%s (process %s)", name ? g_strchomp(name) : "a program",
                                entry->d_name);
    }
    closedir(processes);
    return owner;
}

static bool in_use(const char *address, unsigned port, GError **error)
{
    g_autofree char *owner = port_owner(port);
    return error_set(error, ERROR_IN_USE,
                     "cannot listen on %s port %u: it is already used by %s; stop that, or choose "
                     "another port",
                     address, port, owner ? owner : "another program");
}

/* One socket, bound and listening. Where it is the first, its port is found free beforehand. */
static int open_socket(const struct addrinfo *place, bool first, const char *address, unsigned port,
                       GError **error)
{
    int one = 1;
    int fd = socket(place->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        error_set_errno(error, errno, "opening a socket for %s", address);
        return -1;
    }
    /* Only sets aside connections of an earlier server that are in TIME_WAIT. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!first)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    bool bound = bind(fd, place->ai_addr, place->ai_addrlen) == 0;
    if (bound && first)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bound && listen(fd, BACKLOG) == 0)
        return fd;
    if (errno == EADDRINUSE)
        in_use(address, port, error);
    else
        error_set_errno(error, errno, "listening on %s port %u", address, port);
    close(fd);
    return -1;
}

/* Puts the port that the kernel chose into the address of the sockets to come. */
static void note_port(int fd, struct addrinfo *place, unsigned *port)
{
    getsockname(fd, place->ai_addr, &place->ai_addrlen);
    in_port_t chosen = place->ai_family == AF_INET6
                           ? ((struct sockaddr_in6 *)(void *)place->ai_addr)->sin6_port
                           : ((struct sockaddr_in *)(void *)place->ai_addr)->sin_port;
    *port = ntohs(chosen);
}

bool http_listen(const char *address, unsigned *port, int *sockets, unsigned count, GError **error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *place;
    g_autofree char *service = g_strdup_printf("%u", *port);
    int failure = getaddrinfo(address, service, &hints, &place);
    if (failure)
        return error_set(error, ERROR_VALIDATION,
                         "cannot listen on \"%s\" port %u: %s; an address such as 127.0.0.1 is "
                         "wanted",
                         address, *port, gai_strerror(failure));
    unsigned opened = 0;
    while (opened < count) {
        int fd = open_socket(place, opened == 0, address, *port, error);
        if (fd < 0)
            break;
        sockets[opened++] = fd;
        note_port(fd, place, port);
    }
    freeaddrinfo(place);
    if (opened == count)
        return true;
    while (opened)
        close(sockets[--opened]);
    return false;
}
