#define _GNU_SOURCE /* copy_file_range */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/openat2.h>
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

bool file_remove_tree(const char *path, GError **error)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT || error_set_errno(error, errno, "looking at %s", path);
    if (S_ISDIR(status.st_mode)) {
        g_autoptr(GDir) folder = g_dir_open(path, 0, error);
        if (!folder)
            return false;
        const char *name;
        while ((name = g_dir_read_name(folder))) {
            g_autofree char *child = g_build_filename(path, name, NULL);
            if (!file_remove_tree(child, error))
                return false;
        }
    }
    if (g_remove(path) != 0 && errno != ENOENT)
        return error_set_errno(error, errno, "removing %s", path);
    return true;
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

static bool write_aside(const char *path, const void *bytes, size_t size, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(error, errno, "creating %s", path);
    bool written = file_write_all(fd, bytes, size, error);
    if (written && fsync(fd) != 0)
        written = error_set_errno(error, errno, "syncing %s", path);
    if (close(fd) != 0 && written)
        written = error_set_errno(error, errno, "closing %s", path);
    return written;
}

bool file_replace(const char *path, const void *bytes, size_t size, GError **error)
{
    g_autofree char *mark = id_hex(8);
    g_autofree char *aside = g_strdup_printf("%s.%s", path, mark);
    g_autofree char *folder = g_path_get_dirname(path);
    if (!write_aside(aside, bytes, size, error)) {
        unlink(aside);
        return false;
    }
    if (rename(aside, path) != 0) {
        error_set_errno(error, errno, "renaming %s to %s", aside, path);
        unlink(aside);
        return false;
    }
    return file_sync_folder(folder, error);
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

int file_open_below(const char *folder, const char *name, GError **error)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int base = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = base < 0 ? -1 : (int)syscall(SYS_openat2, base, name, &how, sizeof how);
    struct stat status;
    bool opened = fd >= 0 && fstat(fd, &status) == 0;
    if (!opened)
        error_set_errno(error, errno, "opening %s in %s", name, folder);
    else if (!S_ISREG(status.st_mode))
        opened = error_set(error, ERROR_VALIDATION, "%s in %s is no file", name, folder);
    if (base >= 0)
        close(base);
    if (!opened && fd >= 0)
        close(fd);
    return opened ? fd : -1;
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
