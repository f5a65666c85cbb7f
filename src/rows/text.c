#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "rows/rows_inside.h"

/* What has no end by then is no record of CSV, but a quote that was left open. */
#define LONGEST_RECORD ((size_t)256 << 20)

struct rows_text {
    const struct rows_file *file;
    struct rows_cut cut;
    gzFile stream;           /* zlib reads files that are not gzip as they are */
    struct rows_buffer rest; /* what was read behind the last piece */
    bool ended;
};

/* What says how its files are packed is held to it. What begins as gzip within gzip is no record
 * of anything. */
static bool check_packing(gzFile stream, const struct rows_file *file, enum rows_packing packing,
                          GError **error)
{
    if (packing == ROWS_PACKING_TOLD)
        return true;
    bool packed = !gzdirect(stream);
    if (packed != (packing == ROWS_PACKED) && !(gzeof(stream) && packing == ROWS_PACKED))
        return error_set(error, ERROR_VALIDATION,
                         packed ? "%s is packed with gzip, which nothing says of it"
                                : "%s is said to be packed with gzip, and is not",
                         file->name);
    return true;
}

struct rows_text *rows_text_open(const struct rows_file *file, const struct rows_cut *cut,
                                 GError **error)
{
    gzFile stream =
        strcmp(file->path, "-") == 0 ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(file->path, "rb");
    if (!stream) {
        error_set(error, ERROR_VALIDATION, "%s cannot be opened: %s", file->path,
                  g_strerror(errno));
        return NULL;
    }
    gzbuffer(stream, 1 << 18);
    if (!check_packing(stream, file, cut->packing, error)) {
        gzclose(stream);
        return NULL;
    }
    struct rows_text *text = g_new0(struct rows_text, 1);
    *text = (struct rows_text){.file = file, .cut = *cut, .stream = stream};
    if (!text->cut.longest)
        text->cut.longest = LONGEST_RECORD;
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
    at += marked && !text->cut.dialect.inside ? 3 : 0;
    at += span_of(buffer, at, true);
    if (at == buffer->size) /* nothing but line ends: any delimiter would do */
        return true;
    if (at + span_of(buffer, at, false) == buffer->size)
        return false;
    text->cut.dialect.delimiter = csv_sniff_delimiter(buffer->bytes, buffer->size);
    return true;
}

static size_t whole_lines(const struct rows_buffer *buffer)
{
    size_t size = buffer->size;
    while (size && buffer->bytes[size - 1] != '\n')
        size--;
    return size;
}

/* False where something is no frame. */
static bool whole_frames(const struct rows_text *text, const struct rows_buffer *buffer,
                         size_t *whole, GError **error)
{
    gssize size = 0;
    for (*whole = 0; (size = rows_frame_size(text->cut.split, buffer->bytes + *whole,
                                             buffer->size - *whole)) > 0;)
        *whole += (size_t)size;
    if (size == 0 && !(text->ended && *whole < buffer->size))
        return true;
    return error_set(error, ERROR_VALIDATION, "%s: %s is no whole record of %s", text->file->name,
                     size ? "what stands where one should begin" : "what stands at its end",
                     text->cut.split == ROWS_SPLIT_RECORDIO ? "RecordIO" : "TFRecord");
}

static bool is_framed(const struct rows_text *text)
{
    return text->cut.format == ROWS_RECORDS && text->cut.split >= ROWS_SPLIT_RECORDIO;
}

/* How many bytes of the buffer are whole records, before the file's end is reached. */
static size_t whole_records(struct rows_text *text, const struct rows_buffer *buffer)
{
    if (text->cut.format == ROWS_RECORDS && text->cut.split == ROWS_SPLIT_NONE)
        return 0;
    if (text->cut.format == ROWS_RECORDS || text->cut.format == ROWS_JSON_LINES)
        return whole_lines(buffer);
    if (!text->cut.dialect.delimiter && !find_delimiter(text, buffer))
        return 0;
    return csv_whole_records(buffer->bytes, buffer->size, &text->cut.dialect);
}

/* AWS's words where the limit is a payload's. */
static bool fail_long(const struct rows_text *text, GError **error)
{
    if (text->cut.format == ROWS_RECORDS)
        return error_set(
            error, ERROR_ENTITY_TOO_LARGE,
            "%s: Too much data for max payload size: %s has more than %zu bytes", text->file->name,
            text->cut.split == ROWS_SPLIT_NONE ? "the file" : "a record", text->cut.longest);
    return error_set(error, ERROR_VALIDATION,
                     "%s: a record of more than %zu MiB: is a quote left open?", text->file->name,
                     text->cut.longest >> 20);
}

/* Whole records at the buffer's front, which fills until there is one; all of it at the end. */
static bool cut(struct rows_text *text, struct rows_buffer *buffer, size_t *whole, GError **error)
{
    for (;;) {
        if (!fill(text, buffer, error))
            return false;
        if (is_framed(text) && !whole_frames(text, buffer, whole, error))
            return false;
        if (!is_framed(text))
            *whole = text->ended ? buffer->size : whole_records(text, buffer);
        if (*whole || text->ended)
            return true;
        if (buffer->size >= text->cut.longest)
            return fail_long(text, error);
        make_room(buffer, MIN(2 * buffer->room, text->cut.longest));
    }
}

bool rows_text_next(struct rows_text *text, struct rows_buffer *buffer, GError **error)
{
    size_t whole;
    buffer->size = 0;
    make_room(buffer, text->cut.piece);
    append(buffer, text->rest.bytes, text->rest.size);
    text->rest.size = 0;
    if (!cut(text, buffer, &whole, error))
        return false;
    append(&text->rest, buffer->bytes + whole, buffer->size - whole);
    buffer->size = whole;
    text->cut.dialect.inside = true;
    return true;
}

size_t rows_text_lines(enum rows_format format, const char *text, size_t size)
{
    size_t lines = 0;
    if (format == ROWS_RECORDS)
        return 0;
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
