#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "rows/rows_inside.h"

/* What has no end by then is no record, but a quote that was left open. */
#define LONGEST_RECORD ((size_t)256 << 20)

struct rows_text {
    const struct rows_file *file;
    enum rows_format format;
    struct csv_dialect dialect;
    gzFile stream; /* zlib reads files that are not gzip as they are */
    size_t piece;
    struct rows_buffer rest; /* what was read behind the last piece */
    bool ended;
};

struct rows_text *rows_text_open(const struct rows_file *file, enum rows_format format,
                                 const struct csv_dialect *dialect, size_t piece, GError **error)
{
    gzFile stream =
        strcmp(file->path, "-") == 0 ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(file->path, "rb");
    if (!stream) {
        error_set(error, ERROR_VALIDATION, "%s cannot be opened: %s", file->path,
                  g_strerror(errno));
        return NULL;
    }
    gzbuffer(stream, 1 << 18);
    struct rows_text *text = g_new0(struct rows_text, 1);
    *text = (struct rows_text){file, format, *dialect, stream, piece, {0}, false};
    return text;
}

void rows_text_close(struct rows_text *text)
{
    if (!text)
        return;
    gzclose(text->stream);
    free(text->rest.bytes);
    g_free(text);
}

static void make_room(struct rows_buffer *buffer, size_t room)
{
    if (buffer->room >= room)
        return;
    buffer->bytes = realloc(buffer->bytes, room);
    if (!buffer->bytes)
        g_error("no memory for %zu bytes of rows", room);
    buffer->room = room;
}

static void append(struct rows_buffer *buffer, const char *bytes, size_t size)
{
    make_room(buffer, buffer->size + size);
    if (size)
        memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
}

/* Where gzread failed, or a packed file is cut, which it reports only by its code. */
static bool fail_read(const struct rows_text *text, GError **error)
{
    int code = Z_OK;
    const char *why = gzerror(text->stream, &code);
    return error_set(error, ERROR_VALIDATION, "reading %s: %s", text->file->path,
                     code == Z_ERRNO ? g_strerror(errno) : why);
}

/* Fills the buffer, or notices the end. */
static bool fill(struct rows_text *text, struct rows_buffer *buffer, GError **error)
{
    while (!text->ended && buffer->size < buffer->room) {
        size_t left = buffer->room - buffer->size;
        int got = gzread(text->stream, buffer->bytes + buffer->size,
                         (unsigned)MIN(left, (size_t)1 << 30));
        if (got < 0)
            return fail_read(text, error);
        buffer->size += (size_t)got;
        text->ended = got == 0;
    }
    int code = Z_OK;
    gzerror(text->stream, &code);
    return code == Z_OK || code == Z_STREAM_END || fail_read(text, error);
}

/* How many bytes from `at` on are line ends, or are none. */
static size_t span_of(const struct rows_buffer *buffer, size_t at, bool line_ends)
{
    size_t start = at;
    while (at < buffer->size &&
           (buffer->bytes[at] == '\n' || buffer->bytes[at] == '\r') == line_ends)
        at++;
    return at - start;
}

/* Where a delimiter stands decides which quotes open a field. False where the line that shows it is
 * not whole yet. */
static bool find_delimiter(struct rows_text *text, const struct rows_buffer *buffer)
{
    size_t at = 0;
    bool marked = buffer->size >= 3 && memcmp(buffer->bytes, "\xef\xbb\xbf", 3) == 0;
    at += marked && !text->dialect.inside ? 3 : 0;
    at += span_of(buffer, at, true);
    if (at == buffer->size) /* nothing but line ends: any delimiter would do */
        return true;
    if (at + span_of(buffer, at, false) == buffer->size)
        return false;
    text->dialect.delimiter = csv_sniff_delimiter(buffer->bytes, buffer->size);
    return true;
}

/* How many bytes of the buffer are whole records. */
static size_t whole_records(struct rows_text *text, const struct rows_buffer *buffer)
{
    size_t size = buffer->size;
    if (text->format == ROWS_JSON_LINES) {
        while (size && buffer->bytes[size - 1] != '\n')
            size--;
        return size;
    }
    if (!text->dialect.delimiter && !find_delimiter(text, buffer))
        return 0;
    return csv_whole_records(buffer->bytes, size, &text->dialect);
}

/* Whole records at the buffer's front, which fills until there is one; all of it at the end. */
static bool cut(struct rows_text *text, struct rows_buffer *buffer, size_t *whole, GError **error)
{
    for (;;) {
        if (!fill(text, buffer, error))
            return false;
        *whole = text->ended ? buffer->size : whole_records(text, buffer);
        if (*whole || text->ended)
            return true;
        if (buffer->size >= LONGEST_RECORD)
            return error_set(error, ERROR_VALIDATION,
                             "%s: a record of more than %zu MiB: is a quote left open?",
                             text->file->name, LONGEST_RECORD >> 20);
        make_room(buffer, 2 * buffer->room);
    }
}

bool rows_text_next(struct rows_text *text, struct rows_buffer *buffer, GError **error)
{
    size_t whole;
    buffer->size = 0;
    make_room(buffer, text->piece);
    append(buffer, text->rest.bytes, text->rest.size);
    text->rest.size = 0;
    if (!cut(text, buffer, &whole, error))
        return false;
    append(&text->rest, buffer->bytes + whole, buffer->size - whole);
    buffer->size = whole;
    text->dialect.inside = true;
    return true;
}

size_t rows_text_lines(enum rows_format format, const char *text, size_t size)
{
    size_t lines = 0;
    if (format != ROWS_JSON_LINES)
        return csv_count_lines(text, text + size);
    for (const char *at = text; (at = memchr(at, '\n', size - (size_t)(at - text))); at++)
        lines++;
    return lines;
}

bool rows_text_ended(const struct rows_text *text)
{
    return text->ended;
}
