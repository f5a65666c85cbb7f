/* The text of a file is some three times the size of its numbers, and is never in memory at once.
 */
#include "train/channel_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"

/* Text read ahead of what was parsed. */
struct text {
    gzFile file;
    const char *path;
    char *bytes;
    size_t used, size;
    bool ended;
};

static bool fail_read(const struct text *text, GError **error)
{
    int code;
    const char *reason = gzerror(text->file, &code);
    return error_set(error, ERROR_VALIDATION, "reading %s: %s", text->path,
                     code == Z_ERRNO ? g_strerror(errno) : reason);
}

/* Fills the buffer, or notices the end. */
static bool fill(struct text *text, GError **error)
{
    while (text->used < text->size && !text->ended) {
        size_t wanted = MIN(text->size - text->used, (size_t)1 << 30);
        int count = gzread(text->file, text->bytes + text->used, (unsigned)wanted);
        if (count < 0) {
            return fail_read(text, error);
        }
        text->ended = count == 0;
        text->used += (size_t)count;
    }
    int code;
    gzerror(text->file, &code);
    return code == Z_OK || code == Z_STREAM_END || fail_read(text, error);
}

/* The length of the whole lines in the buffer; makes room where one line fills it. */
static size_t whole_lines(struct text *text)
{
    if (text->ended) {
        return text->used;
    }
    for (size_t end = text->used; end > 0; end--) {
        if (text->bytes[end - 1] == '\n') {
            return end;
        }
    }
    text->size *= 2;
    text->bytes = g_realloc(text->bytes, text->size);
    return 0;
}

/* What is wrong, with its line counted from the file's start: the file is read again, in one piece.
 * Only a job that has failed pays for it. */
static bool fail_lines(struct text *text, const struct line_taker *taker, GError **error)
{
    gzrewind(text->file);
    text->used = 0;
    text->ended = false;
    while (!text->ended) {
        if (!fill(text, error)) {
            return false;
        }
        text->size *= 2;
        text->bytes = g_realloc(text->bytes, text->size);
    }
    struct lathe_error cause = {.message = "the file changed while it was read"};
    taker->check(taker->state, taker->name, text->bytes, text->used, &cause);
    return error_set_lathe(error, ERROR_VALIDATION, &cause);
}

static bool read_all(struct text *text, const struct line_taker *taker, GError **error)
{
    while (!text->ended || text->used > 0) {
        if (!fill(text, error)) {
            return false;
        }
        size_t size = whole_lines(text);
        struct lathe_error cause;
        if (size > 0 && !taker->append(taker->state, taker->name, text->bytes, size, &cause)) {
            return fail_lines(text, taker, error);
        }
        memmove(text->bytes, text->bytes + size, text->used - size);
        text->used -= size;
    }
    return true;
}

bool channel_text_read(const char *path, const struct line_taker *taker, GError **error)
{
    struct text text = {.path = path, .file = gzopen(path, "rb"), .size = taker->stretch};
    if (text.file == NULL) {
        return error_set_errno(error, errno, "opening %s", path);
    }
    gzbuffer(text.file, 1 << 18);
    text.bytes = g_malloc(text.size);
    bool read = read_all(&text, taker, error);
    g_free(text.bytes);
    gzclose(text.file);
    return read;
}
