#include "base/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

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

/* ---- what comes from outside ---- */

typedef struct archive archive_reader;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(archive_reader, archive_read_free)

static struct archive *open_bytes(GBytes *bytes, GError **error)
{
    g_autoptr(archive_reader) archive = archive_read_new();
    archive_read_support_filter_all(archive);
    archive_read_support_format_tar(archive);
    archive_read_support_format_zip(archive);
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    if (archive_read_open_memory(archive, data, size) == ARCHIVE_OK)
        return g_steal_pointer(&archive);
    library_error(archive, error, "the archive cannot be read");
    return NULL;
}

/* The next member: its name without a leading "./"; NULL at the end, or with an error. */
static const char *next_member(struct archive *archive, struct archive_entry **entry,
                               GError **error)
{
    int result = archive_read_next_header(archive, entry);
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
        if (result != ARCHIVE_EOF)
            library_error(archive, error, "the archive cannot be read");
        return NULL;
    }
    const char *name = archive_entry_pathname(*entry);
    while (name && g_str_has_prefix(name, "./"))
        name += 2 + strspn(name + 2, "/");
    return name ? name : "";
}

/* What is being unpacked, and what may still come of it. */
struct unpacking {
    struct archive *archive;
    const char *folder;
    struct archive_bounds bounds;
    gint64 left; /* bytes */
    bool without_links;
};

static bool too_much(const struct unpacking *unpacking, GError **error)
{
    return error_set(error, ERROR_VALIDATION,
                     "the archive holds more than %" G_GINT64_FORMAT " bytes",
                     unpacking->bounds.bytes);
}

static bool unpack_file(struct unpacking *unpacking, const char *path, mode_t mode, GError **error)
{
    unlink(path); /* the last of a name counts */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode & 0755) | 0644);
    if (fd < 0)
        return error_set_errno(error, errno, "writing %s", path);
    char block[BLOCK];
    la_ssize_t n;
    bool written = true;
    while (written && (n = archive_read_data(unpacking->archive, block, sizeof block)) > 0)
        written = (unpacking->left -= n) < 0 ? too_much(unpacking, error)
                                             : file_write_all(fd, block, (size_t)n, error);
    if (written && n < 0)
        written = library_error(unpacking->archive, error, "the archive cannot be read");
    close(fd);
    return written;
}

/* A link may lead to what lies beside or below it. */
static bool unpack_link(const struct archive_entry *entry, const char *path, GError **error)
{
    const char *target = archive_entry_symlink((struct archive_entry *)entry);
    if (!target || !file_is_inside(target))
        return error_set(error, ERROR_VALIDATION,
                         "the archive's link %s leads to %s; only what lies below it may be linked",
                         archive_entry_pathname((struct archive_entry *)entry),
                         target ? target : "nothing");
    unlink(path);
    return symlink(target, path) == 0 || error_set_errno(error, errno, "writing %s", path);
}

static bool make_folders(const char *path, GError **error)
{
    return g_mkdir_with_parents(path, 0755) == 0 ||
           error_set_errno(error, errno, "making the folder %s", path);
}

/* The member's name without slashes at its end; NULL where it names nothing. */
static char *plain_name(const char *name)
{
    char *plain = g_strchomp(g_strdup(name));
    for (size_t length = strlen(plain); length && plain[length - 1] == '/'; length--)
        plain[length - 1] = '\0';
    if (*plain && strcmp(plain, ".") != 0)
        return plain;
    g_free(plain);
    return NULL;
}

static bool unpack_member(struct unpacking *unpacking, struct archive_entry *entry,
                          const char *name, GError **error)
{
    g_autofree char *plain = plain_name(name);
    if (!plain)
        return true;
    mode_t type = archive_entry_filetype(entry);
    if (!file_is_inside(plain) || archive_entry_hardlink(entry) ||
        (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK))
        return error_set(error, ERROR_VALIDATION,
                         "the archive's member %s is no file or folder that stays in the archive's "
                         "own folder",
                         name);
    g_autofree char *path = g_build_filename(unpacking->folder, plain, NULL);
    g_autofree char *above = g_path_get_dirname(path);
    if (type == AE_IFLNK && unpacking->without_links)
        return true;
    if (!make_folders(type == AE_IFDIR ? path : above, error))
        return false;
    if (type == AE_IFLNK)
        return unpack_link(entry, path, error);
    return type == AE_IFDIR || unpack_file(unpacking, path, archive_entry_perm(entry), error);
}

static bool unpack_all(struct unpacking *unpacking, GError **error)
{
    GError *cause = NULL;
    struct archive_entry *entry;
    const char *name;
    unsigned members = 0;
    unpacking->left = unpacking->bounds.bytes;
    if (!make_folders(unpacking->folder, error))
        return false;
    while (!cause && (name = next_member(unpacking->archive, &entry, &cause))) {
        if (++members > unpacking->bounds.members)
            error_set(&cause, ERROR_VALIDATION, "the archive holds more than %u files",
                      unpacking->bounds.members);
        else
            unpack_member(unpacking, entry, name, &cause);
    }
    if (cause)
        g_propagate_error(error, cause);
    return !cause;
}

bool archive_unpack(GBytes *bytes, const char *folder, GError **error)
{
    g_autoptr(archive_reader) archive = open_bytes(bytes, error);
    struct unpacking unpacking = {.archive = archive,
                                  .folder = folder,
                                  .bounds = {ARCHIVE_UNPACK_BYTES, ARCHIVE_UNPACK_FILES}};
    return archive && unpack_all(&unpacking, error);
}

/* ---- files from outside ---- */

/* A tar comes by way of zlib, which lets plain bytes pass and holds gzip to its own checksum;
 * libarchive would not. */
struct tar_source {
    gzFile file;
    gint64 left; /* of what it may inflate to, with headers and what is passed over */
    char block[BLOCK];
};

/* Of a member's headers. */
#define MEMBER_BYTES 4096

static la_ssize_t read_tar(struct archive *archive, void *data, const void **block)
{
    struct tar_source *source = data;
    int n = gzread(source->file, source->block, BLOCK), code;
    *block = source->block;
    source->left -= MAX(n, 0);
    if (n < 0)
        archive_set_error(archive, EIO, "the gzip data is cut or corrupt: %s",
                          gzerror(source->file, &code));
    if (source->left < 0)
        archive_set_error(archive, EIO, "the archive holds more bytes than its files may have");
    return source->left < 0 ? ARCHIVE_FATAL : n;
}

/* The bytes behind the last member, and how the gzip ends. */
static bool read_rest(struct tar_source *source, GError **error)
{
    int n, code;
    while ((n = gzread(source->file, source->block, BLOCK)) > 0 && source->left >= 0)
        source->left -= n;
    const char *why = gzerror(source->file, &code);
    if (n == 0 && code == Z_OK)
        return true;
    return error_set(error, ERROR_VALIDATION, "the gzip data is cut or corrupt: %s",
                     n > 0 ? "it goes on long after the archive's end" : why);
}

static bool unpack_tar(struct unpacking *unpacking, const char *path, GError **error)
{
    g_autofree struct tar_source *source = g_new(struct tar_source, 1);
    source->left = unpacking->bounds.bytes + (gint64)MEMBER_BYTES * (unpacking->bounds.members + 1);
    source->file = gzopen(path, "rbe");
    if (!source->file)
        return error_set_errno(error, errno, "opening %s", path);
    archive_read_support_format_tar(unpacking->archive);
    int opened = archive_read_open(unpacking->archive, source, NULL, read_tar, NULL);
    bool unpacked =
        (opened == ARCHIVE_OK ||
         library_error(unpacking->archive, error, "the archive cannot be read as a tar")) &&
        unpack_all(unpacking, error) && read_rest(source, error);
    archive_read_close(unpacking->archive);
    gzclose_r(source->file);
    return unpacked;
}

static bool unpack_zip(struct unpacking *unpacking, const char *path, GError **error)
{
    archive_read_support_format_zip_seekable(unpacking->archive);
    bool opened = archive_read_open_filename(unpacking->archive, path, BLOCK) == ARCHIVE_OK ||
                  library_error(unpacking->archive, error, "the archive cannot be read as a zip");
    return opened && unpack_all(unpacking, error);
}

bool archive_unpack_file(const char *path, enum archive_form form, const char *folder,
                         const struct archive_bounds *bounds, GError **error)
{
    g_autoptr(archive_reader) archive = archive_read_new();
    struct unpacking unpacking = {
        .archive = archive, .folder = folder, .bounds = *bounds, .without_links = true};
    return form == ARCHIVE_TAR ? unpack_tar(&unpacking, path, error)
                               : unpack_zip(&unpacking, path, error);
}

/* ---- one text ---- */

static char *read_text(struct archive *archive, const char *name, gsize limit, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char block[BLOCK];
    la_ssize_t n;
    while ((n = archive_read_data(archive, block, sizeof block)) > 0 && text->len <= limit)
        g_string_append_len(text, block, n);
    if (n < 0)
        library_error(archive, error, name);
    else if (text->len > limit)
        error_set(error, ERROR_VALIDATION, "%s is larger than %" G_GSIZE_FORMAT " bytes", name,
                  limit);
    else
        return g_string_free(g_steal_pointer(&text), FALSE);
    return NULL;
}

char *archive_find_text(GBytes *bytes, const char *wanted, gsize limit, GError **error)
{
    g_autoptr(archive_reader) archive = open_bytes(bytes, error);
    struct archive_entry *entry;
    const char *name = NULL;
    GError *cause = NULL;
    while (archive && (name = next_member(archive, &entry, &cause)) && strcmp(name, wanted) != 0)
        continue;
    if (cause)
        g_propagate_error(error, cause);
    return name ? read_text(archive, wanted, limit, error) : NULL;
}
