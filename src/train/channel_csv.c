/* A file is read in stretches of whole lines: its text, three times the size of its numbers, is
 * never in memory at once. */
#include "train/channel_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"

/* Enough for every thread to work for some milliseconds between two reads. */
#define STRETCH ((size_t)4 << 20)

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

static bool append(struct csv_matrix *matrix, const struct text *text, size_t size,
                   unsigned threads, struct lathe_error *cause)
{
    struct csv_options options = {.name = text->path, .threads = threads};
    return csv_matrix_append(matrix, text->bytes, size, &options, cause);
}

/* What is wrong, with its line counted from the file's start: the file is read again, in one piece.
 * Only a job that has failed pays for it. */
static bool fail_append(const struct csv_matrix *matrix, struct text *text, GError **error)
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
    struct csv_matrix scratch = {.columns = matrix->columns};
    struct lathe_error cause = {.message = "the file changed while it was read"};
    append(&scratch, text, text->used, 1, &cause);
    csv_matrix_clear(&scratch);
    return error_set_lathe(error, ERROR_VALIDATION, &cause);
}

static bool append_all(struct csv_matrix *matrix, struct text *text, unsigned threads,
                       GError **error)
{
    while (!text->ended || text->used > 0) {
        if (!fill(text, error)) {
            return false;
        }
        size_t size = whole_lines(text);
        struct lathe_error cause;
        if (size > 0 && !append(matrix, text, size, threads, &cause)) {
            return fail_append(matrix, text, error);
        }
        memmove(text->bytes, text->bytes + size, text->used - size);
        text->used -= size;
    }
    return true;
}

bool channel_csv_append(struct csv_matrix *matrix, const char *path, unsigned threads,
                        GError **error)
{
    struct text text = {.path = path, .file = gzopen(path, "rb")};
    if (text.file == NULL) {
        return error_set_errno(error, errno, "opening %s", path);
    }
    gzbuffer(text.file, 1 << 18);
    text.size = STRETCH * MAX(threads, 1);
    text.bytes = g_malloc(text.size);
    bool appended = append_all(matrix, &text, threads, error);
    g_free(text.bytes);
    gzclose(text.file);
    return appended;
}
