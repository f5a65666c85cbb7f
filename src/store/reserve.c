#define _GNU_SOURCE /* fallocate */
#include "store/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MIB ((gint64)1 << 20)
#define PAGE_SIZE 4096 /* of the database */

enum {
    SHARE_OF_DISK = 16, /* of a small disk, so much is taken; of others LARGEST */
    LARGEST = 20,       /* MiB */
    SMALLEST = 1,
    LOG_PERCENT = 80, /* the rest is for what is written when the log is full already */
};
#define LEAST_TAKEN ((gint64)256 << 10)

struct reserve {
    int fd; /* -1: there is none */
    gint64 held, wanted;
};

static gint64 wanted_on(const struct statvfs *disk)
{
    gint64 share = (gint64)disk->f_blocks * (gint64)disk->f_frsize / SHARE_OF_DISK;
    return CLAMP(share, SMALLEST * MIB, LARGEST * MIB);
}

struct reserve *reserve_open(const char *database)
{
    struct reserve *reserve = g_new0(struct reserve, 1);
    g_autofree char *path = g_strconcat(database, "-reserve", NULL);
    struct statvfs disk;
    struct stat status;
    reserve->wanted = LARGEST * MIB;
    reserve->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (reserve->fd < 0)
        return reserve;
    if (fstatvfs(reserve->fd, &disk) == 0)
        reserve->wanted = wanted_on(&disk);
    if (fstat(reserve->fd, &status) == 0)
        reserve->held = status.st_size;
    return reserve;
}

void reserve_close(struct reserve *reserve)
{
    if (reserve->fd >= 0)
        close(reserve->fd);
    g_free(reserve);
}

gint64 reserve_wanted(const struct reserve *reserve)
{
    return reserve->wanted;
}

int reserve_log_pages(const struct reserve *reserve)
{
    return (int)(reserve->wanted / 100 * LOG_PERCENT / PAGE_SIZE);
}

bool reserve_is_low(const struct reserve *reserve)
{
    struct statvfs disk;
    return reserve->fd < 0 || reserve->held < reserve->wanted ||
           fstatvfs(reserve->fd, &disk) != 0 ||
           (gint64)disk.f_bavail * (gint64)disk.f_frsize < reserve->wanted;
}

static bool grow(const struct reserve *reserve, gint64 size)
{
    if (fallocate(reserve->fd, 0, reserve->held, size) == 0)
        return true;
    if (errno == EOPNOTSUPP && posix_fallocate(reserve->fd, reserve->held, size) == 0)
        return true;
    (void)!ftruncate(reserve->fd, reserve->held); /* some of it may have been found */
    return false;
}

void reserve_take(struct reserve *reserve)
{
    gint64 step = reserve->wanted - reserve->held;
    while (reserve->fd >= 0 && reserve->held < reserve->wanted && step > 0) {
        if (grow(reserve, step))
            reserve->held += step;
        else if (step > LEAST_TAKEN)
            step = MAX(step / 2, LEAST_TAKEN);
        else
            break;
        step = MIN(step, reserve->wanted - reserve->held);
    }
}

void reserve_give(struct reserve *reserve)
{
    if (reserve->fd >= 0 && ftruncate(reserve->fd, 0) == 0)
        reserve->held = 0;
}
