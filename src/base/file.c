#define _GNU_SOURCE /* copy_file_range */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/id.h"

bool file_make_folders(const char *path, GError **error)
{
    if (g_mkdir_with_parents(path, 0700) != 0)
        return error_set_errno(error, errno, "making the folder %s", path);
    return true;
}

/* ---- removing ---- */

/* Opens a folder below another, also one that its owner shut. */
static DIR *open_below(int above, const char *name)
{
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(above, name, 0700, 0) == 0)
        fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder && fd >= 0)
        close(fd);
    return folder;
}

/* The next that is neither "." nor ".."; NULL at the end. */
static const struct dirent *next_entry(DIR *folder)
{
    const struct dirent *entry;
    while ((entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            break;
    return entry;
}

/* Removes what is no folder, and moves folders up to `top` under names of their own: however deep a
 * tree is, no path grows long and nothing calls itself. */
static bool empty_folder(int top, DIR *folder, guint64 *number)
{
    const struct dirent *entry;
    while ((entry = next_entry(folder))) {
        int fd = dirfd(folder);
        if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR && errno != EPERM && errno != EACCES)
            return false;
        g_autofree char *name = g_strdup_printf(".removed-%" G_GUINT64_FORMAT, (*number)++);
        fchmodat(fd, entry->d_name, 0700, 0);
        if (renameat(fd, entry->d_name, top, name) != 0)
            return false;
    }
    return true;
}

/* Removes one entry of `top`. */
static bool remove_entry(int top, const char *name, guint64 *number)
{
    if (unlinkat(top, name, 0) == 0 || errno == ENOENT)
        return true;
    DIR *folder = open_below(top, name);
    bool emptied = folder && empty_folder(top, folder, number);
    int cause = errno;
    if (folder)
        closedir(folder);
    errno = cause;
    return emptied && unlinkat(top, name, AT_REMOVEDIR) == 0;
}

/* Until nothing is left: what is moved up may come before where the reading is. */
static bool empty_top(DIR *top)
{
    guint64 number = 0;
    const struct dirent *entry;
    for (bool found = true; found;) {
        found = false;
        rewinddir(top);
        while ((entry = next_entry(top))) {
            found = true;
            if (!remove_entry(dirfd(top), entry->d_name, &number))
                return false;
        }
    }
    return true;
}

bool file_remove_tree(const char *path, GError **error)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    DIR *top = open_below(AT_FDCWD, path);
    bool removed = top && empty_top(top) && rmdir(path) == 0;
    if (!removed)
        error_set_errno(error, errno, "removing %s", path);
    if (top)
        closedir(top);
    return removed;
}

bool file_sync_folder(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "opening the folder %s", path);
    bool synced = fsync(fd) == 0;
    if (!synced)
        error_set_errno(error, errno, "syncing the folder %s", path);
    close(fd);
    return synced;
}

bool file_write_all(int fd, const void *bytes, size_t size, GError **error)
{
    const char *at = bytes;
    while (size) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(error, errno, "writing %zu bytes", size);
        at += n;
        size -= (size_t)n;
    }
    return true;
}

struct aside {
    const char *path;
    mode_t mode;
    bool is_synced;
};

static bool write_aside(const struct aside *aside, const void *bytes, size_t size, GError **error)
{
    int fd = open(aside->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, aside->mode);
    if (fd < 0)
        return error_set_errno(error, errno, "creating %s", aside->path);
    bool written = file_write_all(fd, bytes, size, error);
    if (written && aside->is_synced && fsync(fd) != 0)
        written = error_set_errno(error, errno, "syncing %s", aside->path);
    if (close(fd) != 0 && written)
        written = error_set_errno(error, errno, "closing %s", aside->path);
    return written;
}

static bool replace_by(const char *path, const struct aside *aside, const void *bytes, size_t size,
                       GError **error)
{
    bool replaced = write_aside(aside, bytes, size, error);
    if (replaced && rename(aside->path, path) != 0)
        replaced = error_set_errno(error, errno, "renaming %s to %s", aside->path, path);
    if (!replaced)
        unlink(aside->path);
    return replaced;
}

bool file_replace(const char *path, const void *bytes, size_t size, GError **error)
{
    g_autofree char *mark = id_hex(8);
    g_autofree char *aside = g_strdup_printf("%s.%s", path, mark);
    g_autofree char *folder = g_path_get_dirname(path);
    return replace_by(path, &(struct aside){aside, 0600, true}, bytes, size, error) &&
           file_sync_folder(folder, error);
}

bool file_put(const char *path, const void *bytes, size_t size, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *aside = g_strdup_printf("%s/.%s", folder, name);
    unlink(aside); /* what a process that was killed left */
    unlink(path);  /* ext4 writes out at once what takes another's name */
    return replace_by(path, &(struct aside){aside, 0666, false}, bytes, size, error);
}

static int by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *sorted_entries(const char *folder, GError **error)
{
    g_autoptr(GDir) handle = g_dir_open(folder, 0, error);
    if (!handle)
        return NULL;
    GPtrArray *entries = g_ptr_array_new_with_free_func(g_free);
    const char *entry;
    while ((entry = g_dir_read_name(handle)))
        g_ptr_array_add(entries, g_strdup(entry));
    g_ptr_array_sort(entries, by_text);
    return entries;
}

typedef bool file_visit(const char *path, const char *name, void *data, GError **error);

static bool each_below(const char *folder, const char *prefix, file_visit *visit, void *data,
                       GError **error)
{
    g_autoptr(GPtrArray) entries = sorted_entries(folder, error);
    for (guint i = 0; entries && i < entries->len; i++) {
        const char *entry = g_ptr_array_index(entries, i);
        g_autofree char *path = g_build_filename(folder, entry, NULL);
        g_autofree char *name = g_strconcat(prefix, entry, NULL);
        g_autofree char *below = g_strconcat(name, "/", NULL);
        struct stat status;
        bool there = lstat(path, &status) == 0, done = true;
        if (there && S_ISDIR(status.st_mode))
            done = each_below(path, below, visit, data, error);
        else if (there && S_ISREG(status.st_mode))
            done = visit(path, name, data, error);
        if (!done)
            return false;
    }
    return entries != NULL;
}

bool file_each(const char *folder, file_visit *visit, void *data, GError **error)
{
    return each_below(folder, "", visit, data, error);
}

static void add_sum(const char *path, struct file_sum *sum)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return;
    if (!S_ISDIR(status.st_mode)) {
        sum->files++;
        sum->bytes += (guint64)status.st_size;
        return;
    }
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        add_sum(child, sum);
    }
}

struct file_sum file_sum(const char *path)
{
    struct file_sum sum = {0, 0};
    add_sum(path, &sum);
    return sum;
}

bool file_copy(const char *from, const char *to, mode_t mode, GError **error)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in >= 0 ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode) : -1;
    ssize_t n = out >= 0 ? 1 : -1;
    while (n > 0)
        n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
    bool copied = n == 0 || error_set_errno(error, errno, "copying %s to %s", from, to);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return copied;
}

/* Without a link on the way; -1 and errno. */
static int open_beneath(const char *folder, const char *name, int flags)
{
    struct open_how how = {.flags = (guint64)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int base = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = base < 0 ? -1 : (int)syscall(SYS_openat2, base, name, &how, sizeof how);
    int cause = errno;
    if (base >= 0)
        close(base);
    errno = cause;
    return fd;
}

int file_open_below(const char *folder, const char *name, GError **error)
{
    int fd = open_beneath(folder, name, O_RDONLY | O_NONBLOCK);
    struct stat status;
    bool opened = fd >= 0 && fstat(fd, &status) == 0;
    if (!opened)
        error_set_errno(error, errno, "opening %s in %s", name, folder);
    else if (!S_ISREG(status.st_mode))
        opened = error_set(error, ERROR_VALIDATION, "%s in %s is no file", name, folder);
    if (!opened && fd >= 0)
        close(fd);
    return opened ? fd : -1;
}

static bool read_all(int fd, char *to, size_t size)
{
    ssize_t got = 1;
    for (; size && got != 0; to += MAX(got, 0), size -= (size_t)MAX(got, 0)) {
        got = read(fd, to, size);
        if (got < 0 && errno != EINTR)
            return false;
    }
    return size == 0;
}

GBytes *file_read_below(const char *folder, const char *name, gsize most, GError **error)
{
    int fd = file_open_below(folder, name, error);
    struct stat status = {0};
    if (fd < 0)
        return NULL;
    bool fits = fstat(fd, &status) == 0 && (guint64)status.st_size <= most;
    g_autofree char *bytes = fits ? g_try_malloc((gsize)status.st_size + 1) : NULL;
    bool whole = bytes && read_all(fd, bytes, (size_t)status.st_size);
    close(fd);
    if (whole)
        return g_bytes_new_take(g_steal_pointer(&bytes), (gsize)status.st_size);
    if (fits)
        error_set(error, ERROR_VALIDATION, "%s in %s could not be read", name, folder);
    else
        error_set(error, ERROR_VALIDATION, "%s in %s has %jd bytes; %zu are the most", name, folder,
                  (intmax_t)status.st_size, most);
    return NULL;
}

bool file_has_folder(const char *folder, const char *name)
{
    int fd = open_beneath(folder, name, O_PATH | O_DIRECTORY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

bool file_is_inside(const char *relative)
{
    if (!*relative || *relative == '/')
        return false;
    g_auto(GStrv) parts = g_strsplit(relative, "/", -1);
    for (char **part = parts; *part; part++)
        if (!**part || strcmp(*part, ".") == 0 || strcmp(*part, "..") == 0)
            return false;
    return true;
}
