#include "table/text_lines.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <snappy-c.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

struct text_lines {
    char *uri;
    int file;
    struct archive *archive; /* NULL: the bytes are plain, or Snappy's */
    bool snappy;
    int64_t at, to; /* of the first byte in the buffer that is not taken; to: -1 without end */
    char *buffer;
    size_t start, end, room;
    bool over; /* nothing follows the buffer */
};

enum { BLOCK = 1 << 20, LONGEST_LINE = 256 << 20 };

static const char *const packed[] = {".gz",  ".bz2", ".zst",    ".zstd",
                                     ".lz4", ".xz",  ".snappy", ".deflate"};

bool text_lines_splits(const char *uri)
{
    for (size_t i = 0; i < G_N_ELEMENTS(packed); i++)
        if (g_str_has_suffix(uri, packed[i]))
            return false;
    return true;
}

/* ---- bytes ---- */

static bool fail_unpacking(const struct text_lines *lines, const char *why, GError **error)
{
    return error_set(error, ERROR_VALIDATION, "HIVE_CURSOR_ERROR: Failed to read file: %s: %s",
                     lines->uri, why);
}

static bool read_whole(int file, void *bytes, size_t size, size_t *got)
{
    for (*got = 0; *got < size;) {
        ssize_t n = read(file, (char *)bytes + *got, size - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        *got += (size_t)n;
    }
    return true;
}

static bool read_length(struct text_lines *lines, uint32_t *length, bool *over)
{
    unsigned char bytes[4];
    size_t got;
    if (!read_whole(lines->file, bytes, 4, &got))
        return false;
    *over = got == 0;
    *length =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return got == 4 || *over;
}

static void make_room(struct text_lines *lines, size_t wanted)
{
    if (lines->start) {
        memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    if (lines->room - lines->end < wanted) {
        lines->room = lines->end + wanted;
        lines->buffer = g_realloc(lines->buffer, lines->room);
    }
}

/* Hadoop's Snappy: blocks with their whole length, in pieces with the length that they are packed
 * to, both big endian. */
static bool fill_snappy(struct text_lines *lines, GError **error)
{
    uint32_t whole, part;
    bool over;
    if (!read_length(lines, &whole, &over) || whole > LONGEST_LINE)
        return fail_unpacking(lines, "it is no Snappy of Hadoop's", error);
    lines->over = over;
    size_t done = 0, got;
    if (!over)
        make_room(lines, whole);
    while (!over && done < whole) {
        if (!read_length(lines, &part, &over) || over || part > LONGEST_LINE)
            return fail_unpacking(lines, "its Snappy is cut off", error);
        g_autofree char *piece = g_malloc(part + 1);
        size_t length = lines->room - lines->end;
        if (!read_whole(lines->file, piece, part, &got) || got != part ||
            snappy_uncompress(piece, part, lines->buffer + lines->end, &length) != SNAPPY_OK)
            return fail_unpacking(lines, "its Snappy is damaged", error);
        lines->end += length;
        done += length;
    }
    return true;
}

static bool fill(struct text_lines *lines, GError **error)
{
    if (lines->snappy)
        return fill_snappy(lines, error);
    make_room(lines, BLOCK);
    ssize_t n;
    do
        n = lines->archive ? archive_read_data(lines->archive, lines->buffer + lines->end, BLOCK)
                           : read(lines->file, lines->buffer + lines->end, BLOCK);
    while (!lines->archive && n < 0 && errno == EINTR);
    if (n < 0 && lines->archive)
        return fail_unpacking(lines, archive_error_string(lines->archive), error);
    if (n < 0)
        return error_set_errno(error, errno, "reading %s", lines->uri);
    lines->end += (size_t)n;
    lines->over = n == 0;
    return true;
}

/* ---- lines ---- */

/* Where the first line of the buffer ends, and how long its end is; SIZE_MAX: not in the buffer. */
static size_t end_of_line(const struct text_lines *lines, size_t searched, size_t *end)
{
    const char *start = lines->buffer + lines->start, *from = start + searched;
    size_t size = lines->end - lines->start;
    const char *newline = memchr(from, '\n', size - searched);
    size_t before = newline ? (size_t)(newline - from) : size - searched;
    const char *back = memchr(from, '\r', before);
    /* Whether a newline follows is to be seen first. */
    if (back && back + 1 == start + size && !lines->over)
        return SIZE_MAX;
    const char *found = back ? back : newline;
    *end = back && back + 1 < start + size && back[1] == '\n' ? 2 : 1;
    return found ? (size_t)(found - start) : SIZE_MAX;
}

static bool next_line(struct text_lines *lines, const char **line, size_t *size, GError **error)
{
    size_t searched = 0, end = 0, found;
    while (lines->start == lines->end || (found = end_of_line(lines, searched, &end)) == SIZE_MAX) {
        searched = lines->end - lines->start;
        searched -= searched > 0; /* the \r may be its last byte */
        if (lines->over) {
            found = lines->end - lines->start;
            end = 0;
            break;
        }
        if (searched > LONGEST_LINE)
            return error_set(error, ERROR_VALIDATION,
                             "HIVE_CURSOR_ERROR: %s has a line of more than %d bytes", lines->uri,
                             LONGEST_LINE);
        if (!fill(lines, error))
            return false;
    }
    *line = lines->buffer + lines->start;
    *size = found;
    bool is_line = found + end > 0;
    lines->start += found + end;
    lines->at += (int64_t)(found + end);
    return is_line;
}

bool text_lines_next(struct text_lines *lines, const char **line, size_t *size, GError **error)
{
    return (lines->to < 0 || lines->at < lines->to) && next_line(lines, line, size, error);
}

/* ---- opening ---- */

static bool open_archive(struct text_lines *lines, GError **error)
{
    struct archive_entry *entry;
    lines->archive = archive_read_new();
    archive_read_support_filter_all(lines->archive);
    archive_read_support_format_raw(lines->archive);
    archive_read_support_format_empty(lines->archive);
    int opened = archive_read_open_fd(lines->archive, lines->file, BLOCK);
    opened = opened == ARCHIVE_OK ? archive_read_next_header(lines->archive, &entry) : opened;
    lines->over = opened == ARCHIVE_EOF;
    return opened == ARCHIVE_OK || opened == ARCHIVE_EOF ||
           fail_unpacking(lines, archive_error_string(lines->archive), error);
}

/* A part begins with the first line that begins in it: the byte before tells whether one does. */
static bool go_to(struct text_lines *lines, int64_t from, GError **error)
{
    const char *line;
    size_t size;
    if (from <= 0)
        return true;
    if (lseek(lines->file, (off_t)(from - 1), SEEK_SET) < 0)
        return error_set_errno(error, errno, "reading %s", lines->uri);
    lines->at = from - 1;
    g_autoptr(GError) failed = NULL;
    if (next_line(lines, &line, &size, &failed) || !failed)
        return true;
    g_propagate_error(error, g_steal_pointer(&failed));
    return false;
}

struct text_lines *text_lines_open(const char *path, const char *uri, int64_t from, int64_t to,
                                   GError **error)
{
    struct text_lines *lines = g_new0(struct text_lines, 1);
    lines->uri = g_strdup(uri);
    lines->to = to;
    lines->snappy = g_str_has_suffix(uri, ".snappy");
    lines->file = open(path, O_RDONLY | O_CLOEXEC);
    bool opened = lines->file >= 0 || error_set_errno(error, errno, "opening %s", path);
    bool is_packed = !text_lines_splits(uri) && !lines->snappy;
    if (opened && (is_packed ? open_archive(lines, error) : go_to(lines, from, error)))
        return lines;
    text_lines_close(lines);
    return NULL;
}

void text_lines_close(struct text_lines *lines)
{
    if (!lines)
        return;
    if (lines->archive)
        archive_read_free(lines->archive);
    if (lines->file >= 0)
        close(lines->file);
    g_free(lines->buffer);
    g_free(lines->uri);
    g_free(lines);
}
