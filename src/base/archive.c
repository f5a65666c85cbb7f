#include "base/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define BLOCK 65536

typedef struct archive archive_writer;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(archive_writer, archive_write_free)
typedef struct archive_entry entry_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(entry_auto, archive_entry_free)

static bool library_error(struct archive *archive, GError **error, const char *doing)
{
    const char *why = archive_error_string(archive);
    int cause = archive_errno(archive);
    enum error_code code =
        cause == ENOSPC || cause == EDQUOT ? ERROR_SERVICE_UNAVAILABLE : ERROR_VALIDATION;
    return error_set(error, code, "%s: %s", doing, why ? why : "unknown error");
}

static bool copy_file(struct archive *archive, const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "opening %s", path);
    char block[BLOCK];
    ssize_t n;
    bool copied = true;
    while (copied && (n = read(fd, block, sizeof block)) > 0)
        if (archive_write_data(archive, block, (size_t)n) != n)
            copied = library_error(archive, error, path);
    if (copied && n < 0)
        copied = error_set_errno(error, errno, "reading %s", path);
    close(fd);
    return copied;
}

static bool begin_member(struct archive *archive, const char *name, gint64 size, time_t modified,
                         GError **error)
{
    g_autoptr(entry_auto) entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, size);
    archive_entry_set_mtime(entry, modified, 0);
    return archive_write_header(archive, entry) == ARCHIVE_OK ||
           library_error(archive, error, name);
}

static bool add_member(const char *path, const char *name, void *data, GError **error)
{
    struct archive *archive = data;
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set_errno(error, errno, "looking at %s", path);
    return begin_member(archive, name, status.st_size, status.st_mtime, error) &&
           copy_file(archive, path, error);
}

static struct archive *create(const char *path, GError **error)
{
    g_autoptr(archive_writer) archive = archive_write_new();
    archive_write_add_filter_gzip(archive);
    /* Models are mostly floats: level 1 is within a few per cent of 6 in size, several times as
     * fast. */
    archive_write_set_options(archive, "gzip:compression-level=1");
    archive_write_set_format_pax_restricted(archive);
    unlink(path); /* not written through: what stands there may be a link to what must stay */
    if (archive_write_open_filename(archive, path) == ARCHIVE_OK)
        return g_steal_pointer(&archive);
    library_error(archive, error, path);
    return NULL;
}

static bool finish(struct archive *archive, const char *path, GError **error)
{
    return archive_write_close(archive) == ARCHIVE_OK || library_error(archive, error, path);
}

bool archive_write(const char *folder, const char *path, GError **error)
{
    g_autoptr(archive_writer) archive = create(path, error);
    return archive && file_each(folder, add_member, archive, error) && finish(archive, path, error);
}

/* ---- members in memory ---- */

struct archive_file {
    struct archive *archive;
    char *path;
};

struct archive_file *archive_file_new(const char *path, GError **error)
{
    struct archive *archive = create(path, error);
    if (!archive)
        return NULL;
    struct archive_file *file = g_new0(struct archive_file, 1);
    *file = (struct archive_file){archive, g_strdup(path)};
    return file;
}

bool archive_file_add(struct archive_file *file, const char *name, const void *bytes, size_t size,
                      GError **error)
{
    return begin_member(file->archive, name, (gint64)size, time(NULL), error) &&
           (archive_write_data(file->archive, bytes, size) == (la_ssize_t)size ||
            library_error(file->archive, error, name));
}

bool archive_file_finish(struct archive_file *file, GError **error)
{
    return finish(file->archive, file->path, error);
}

void archive_file_free(struct archive_file *file)
{
    if (!file)
        return;
    archive_write_free(file->archive);
    g_free(file->path);
    g_free(file);
}
