/* Links to the lake's files are root's where the server is root, and a job is another user: within,
 * they are to be its own. The kernel can show a tree so (idmapped mounts, from 5.12 on; below an
 * overlay from 5.19), without touching a file. */
#define _GNU_SOURCE /* unshare */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "sandbox/sandbox_inside.h"

/* A process in a namespace of users of its own, until it is killed; -1. */
static pid_t start_holder(void)
{
    int ready[2];
    if (pipe(ready) != 0)
        return -1;
    pid_t holder = fork();
    if (holder == 0) {
        bool left = unshare(CLONE_NEWUSER) == 0;
        if (left && write(ready[1], "r", 1) == 1)
            pause();
        _exit(1);
    }
    char byte;
    close(ready[1]);
    bool is_ready = holder > 0 && read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (is_ready || holder < 0)
        return holder;
    waitpid(holder, NULL, 0);
    return -1;
}

static bool write_map(pid_t holder, const char *name, id_t user)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)holder, name);
    g_autofree char *map = g_strdup_printf("0 %u 1\n", (unsigned)user);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && file_write_all(fd, map, strlen(map), NULL);
    if (fd >= 0)
        close(fd);
    return written;
}

/* A namespace in which root is that user; -1. */
static int open_map(uid_t user)
{
    pid_t holder = start_holder();
    if (holder < 0)
        return -1;
    g_autofree char *path = g_strdup_printf("/proc/%d/ns/user", (int)holder);
    int fd = write_map(holder, "uid_map", user) && write_map(holder, "gid_map", user)
                 ? open(path, O_RDONLY | O_CLOEXEC)
                 : -1;
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    return fd;
}

bool idmap_bind(const char *from, const char *to, uid_t user)
{
    int map = open_map(user);
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY,
                                    .userns_fd = (guint64)map};
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, from, OPEN_TREE_CLONE | O_CLOEXEC);
    bool bound =
        map >= 0 && tree >= 0 &&
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0 &&
        syscall(SYS_move_mount, tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) == 0;
    if (tree >= 0)
        close(tree);
    if (map >= 0)
        close(map);
    return bound;
}
