#include "base/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define BLOCK 65536

typedef struct archive archive_reader;
typedef struct archive archive_writer;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(archive_reader, archive_read_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(archive_writer, archive_write_free)
typedef struct archive_entry entry_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(entry_auto, archive_entry_free)

static bool library_error(struct archive *archive, GError **error, const char *doing)
{
    const char *why = archive_error_string(archive);
    return error_set(error, ERROR_VALIDATION, "%s: %s", doing, why ? why : "unknown error");
}

/* --- writing ---------------------------------------------------------------------------------- */

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

static bool add_member(const char *path, const char *name, void *data, GError **error)
{
    struct archive *archive = data;
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set_errno(error, errno, "looking at %s", path);
    g_autoptr(entry_auto) entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, status.st_size);
    archive_entry_set_mtime(entry, status.st_mtime, 0);
    if (archive_write_header(archive, entry) != ARCHIVE_OK)
        return library_error(archive, error, name);
    return copy_file(archive, path, error);
}

bool archive_write(const char *folder, const char *path, GError **error)
{
    g_autoptr(archive_writer) archive = archive_write_new();
    archive_write_add_filter_gzip(archive);
    /* Models are mostly floats: level 1 is within a few per cent of 6 in size, several times as
     * fast. */
    archive_write_set_options(archive, "gzip:compression-level=1");
    archive_write_set_format_pax_restricted(archive);
    if (archive_write_open_filename(archive, path) != ARCHIVE_OK)
        return library_error(archive, error, path);
    if (!file_each(folder, add_member, archive, error))
        return false;
    if (archive_write_close(archive) != ARCHIVE_OK)
        return library_error(archive, error, path);
    return true;
}

/* --- unpacking -------------------------------------------------------------------------------- */

static bool unpack_file(struct archive *archive, const char *path, gint64 *room, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(error, errno, "creating %s", path);
    char block[BLOCK];
    la_ssize_t n;
    bool unpacked = true;
    while (unpacked && (n = archive_read_data(archive, block, sizeof block)) > 0) {
        *room -= n;
        unpacked = *room < 0 ? error_set(error, ERROR_VALIDATION,
                                         "the archive unpacks to more bytes than the limit")
                             : file_write_all(fd, block, (size_t)n, error);
    }
    if (unpacked && n < 0)
        unpacked = library_error(archive, error, path);
    if (close(fd) != 0 && unpacked)
        unpacked = error_set_errno(error, errno, "closing %s", path);
    return unpacked;
}

/* The member's name below the folder, without a leading "./"; NULL and an error if it leaves. */
static const char *safe_name(struct archive_entry *entry, GError **error)
{
    const char *name = archive_entry_pathname(entry);
    while (name && g_str_has_prefix(name, "./"))
        name += 2;
    if (!name || !*name || strcmp(name, ".") == 0)
        return "";
    size_t length = strlen(name);
    g_autofree char *plain = g_strndup(name, name[length - 1] == '/' ? length - 1 : length);
    if (file_is_inside(plain))
        return name;
    error_set(error, ERROR_VALIDATION, "the archive's member %s would leave its folder", name);
    return NULL;
}

static bool unpack_member(struct archive *archive, struct archive_entry *entry, const char *folder,
                          gint64 *room, GError **error)
{
    const char *name = safe_name(entry, error);
    if (!name || !*name)
        return name != NULL;
    g_autofree char *path = g_build_filename(folder, name, NULL);
    if (archive_entry_filetype(entry) == AE_IFDIR)
        return file_make_folders(path, error);
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
        return error_set(error, ERROR_VALIDATION,
                         "the archive's member %s is a link or a device; only files and folders "
                         "are unpacked",
                         name);
    g_autofree char *above = g_path_get_dirname(path);
    return file_make_folders(above, error) && unpack_file(archive, path, room, error);
}

bool archive_extract(const char *path, const char *folder, const struct archive_limits *limits,
                     GError **error)
{
    g_autoptr(archive_reader) archive = archive_read_new();
    archive_read_support_filter_gzip(archive);
    archive_read_support_format_tar(archive);
    archive_read_support_format_zip(archive);
    if (archive_read_open_filename(archive, path, BLOCK) != ARCHIVE_OK)
        return library_error(archive, error, "reading the archive");
    gint64 room = limits->bytes;
    unsigned members = 0;
    struct archive_entry *entry;
    int code;
    while ((code = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
        if (++members > limits->members)
            return error_set(error, ERROR_VALIDATION,
                             "the archive has more members than the limit of %u", limits->members);
        if (!unpack_member(archive, entry, folder, &room, error))
            return false;
    }
    return code == ARCHIVE_EOF || library_error(archive, error, "reading the archive");
}
