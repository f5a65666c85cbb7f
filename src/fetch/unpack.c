#include "fetch/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/archive.h"
#include "base/error.h"
#include "base/file.h"

#define PIECE 65536

static const char *const names[FETCH_FORMS] = {"none", "gzip", "tar", "zip"};

const char *fetch_form_name(enum fetch_form form)
{
    return names[form];
}

bool fetch_form_from_name(const char *name, enum fetch_form *form)
{
    for (size_t i = 0; i < FETCH_FORMS; i++)
        if (strcmp(names[i], name) == 0) {
            *form = (enum fetch_form)i;
            return true;
        }
    return false;
}

enum fetch_form fetch_form_of(const char *file)
{
    static const struct {
        const char *end;
        enum fetch_form form;
    } ends[] = {{".tar.gz", FETCH_TAR},
                {".tgz", FETCH_TAR},
                {".tar", FETCH_TAR},
                {".zip", FETCH_ZIP},
                {".gz", FETCH_GZIP}};
    g_autofree char *small = g_ascii_strdown(file, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
        if (g_str_has_suffix(small, ends[i].end))
            return ends[i].form;
    return FETCH_PLAIN;
}

/* ---- gzip ---- */

static bool zlib_error(gzFile file, GError **error)
{
    int code;
    const char *why = gzerror(file, &code);
    return error_set(error, ERROR_VALIDATION, "the gzip data is cut or corrupt: %s", why);
}

static bool inflate_to(gzFile file, int fd, gint64 left, GError **error)
{
    char piece[PIECE];
    int n;
    while ((n = gzread(file, piece, sizeof piece)) > 0) {
        if ((left -= n) < 0)
            return error_set(error, ERROR_VALIDATION,
                             "the gzip data inflates to more than its bound");
        if (!file_write_all(fd, piece, (size_t)n, error))
            return false;
    }
    int code;
    gzerror(file, &code);
    return (n == 0 && code == Z_OK) || zlib_error(file, error);
}

static bool unpack_gzip(const char *path, const char *to, gint64 bytes, GError **error)
{
    gzFile file = gzopen(path, "rbe");
    if (!file)
        return error_set_errno(error, errno, "opening %s", path);
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool unpacked = fd >= 0 || error_set_errno(error, errno, "writing %s", to);
    if (unpacked && gzdirect(file))
        unpacked = error_set(error, ERROR_VALIDATION, "it is no gzip data");
    unpacked = unpacked && inflate_to(file, fd, bytes, error);
    gzclose_r(file);
    if (fd >= 0)
        close(fd);
    return unpacked;
}

bool fetch_unpack(const char *path, enum fetch_form form, const char *to,
                  const struct unpack_bounds *bounds, GError **error)
{
    if (form == FETCH_GZIP)
        return unpack_gzip(path, to, bounds->bytes, error);
    const struct archive_bounds own = {.bytes = bounds->bytes, .members = bounds->members};
    return archive_unpack_file(path, form == FETCH_ZIP ? ARCHIVE_ZIP : ARCHIVE_TAR, to, &own,
                               error);
}
