#include "lake/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/id.h"

/* ---- making ---- */

static bool write_file(const char *path, GBytes *bytes, GError **error)
{
    g_autofree char *mark = id_hex(8);
    g_autofree char *aside = g_strdup_printf("%s.%s", path, mark);
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    if (fd < 0)
        return error_set_errno(error, errno, "creating %s", aside);
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    bool written = file_write_all(fd, data, size, error);
    close(fd);
    if (written && rename(aside, path) != 0)
        written = error_set_errno(error, errno, "renaming %s", aside);
    if (!written)
        unlink(aside);
    return written;
}

char *cache_file(struct lake *lake, const struct lake_object *object, GError **error)
{
    g_autofree char *path = lake_cache_path(lake, object->id);
    if (utimensat(AT_FDCWD, path, NULL, 0) != 0) { /* is there, and is wanted now */
        g_autoptr(stream_auto) body = lake_get(lake, object, error);
        if (!body || !file_make_folders(lake->cache, error) ||
            !write_file(path, stream_memory(body), error))
            return NULL;
    }
    return g_steal_pointer(&path);
}

/* ---- removing ---- */

bool cache_empty(const struct lake *lake, GError **error)
{
    return file_remove_tree(lake->cache, error);
}

#define KEPT_SECONDS (7 * 86400.0)
#define KEPT_BYTES ((gint64)4 << 30)

struct entry {
    char *path;
    double wanted; /* when it was last asked for */
    gint64 size;
};

static void clear_entry(void *data)
{
    g_free(((struct entry *)data)->path);
}

static int by_wanted(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    return (one->wanted > other->wanted) - (one->wanted < other->wanted);
}

static bool add_entry(const char *path, const char *name, void *entries, GError **error)
{
    (void)name;
    (void)error;
    struct stat status;
    if (stat(path, &status) == 0) {
        struct entry entry = {g_strdup(path), (double)status.st_mtim.tv_sec, status.st_size};
        g_array_append_val((GArray *)entries, entry);
    }
    return true;
}

void cache_tidy(const struct lake *lake, double now)
{
    g_autoptr(GArray) entries = g_array_new(false, false, sizeof(struct entry));
    g_array_set_clear_func(entries, clear_entry);
    file_each(lake->cache, add_entry, entries, NULL); /* there may be none */
    g_array_sort(entries, by_wanted);
    gint64 bytes = 0;
    for (guint i = 0; i < entries->len; i++)
        bytes += g_array_index(entries, struct entry, i).size;
    for (guint i = 0; i < entries->len; i++) {
        const struct entry *entry = &g_array_index(entries, struct entry, i);
        if (bytes <= KEPT_BYTES && now - entry->wanted <= KEPT_SECONDS)
            return;
        unlink(entry->path);
        bytes -= entry->size;
    }
}
