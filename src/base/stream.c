#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

struct stream {
    const struct stream_source *source;
    void *state;
    gint64 length;  /* still to come, -1 unknown */
    GBytes *memory; /* where the bytes are in memory, with `offset` of them read */
    int fd;         /* where they are in a file, from `offset` on; else -1 */
    gint64 offset;
};

static gssize memory_read(void *state, void *buffer, size_t size, GError **error)
{
    (void)error;
    struct stream *stream = state;
    size_t n = MIN(size, (size_t)stream->length);
    memcpy(buffer, (const char *)g_bytes_get_data(stream->memory, NULL) + stream->offset, n);
    stream->offset += (gint64)n;
    return (gssize)n;
}

static gssize file_read(void *state, void *buffer, size_t size, GError **error)
{
    struct stream *stream = state;
    ssize_t n;
    do
        n = pread(stream->fd, buffer, MIN(size, (size_t)stream->length), stream->offset);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        error_set_errno(error, errno, "reading an object's file");
        return -1;
    }
    if (n == 0) {
        error_set(error, ERROR_INTERNAL,
                  "an object's file ends %" G_GINT64_FORMAT " bytes before its size says",
                  stream->length);
        return -1;
    }
    stream->offset += n;
    return n;
}

static const struct stream_source memory_source = {memory_read, NULL};
static const struct stream_source file_source = {file_read, NULL};

struct stream *stream_new(const struct stream_source *source, void *state, gint64 length)
{
    struct stream *stream = g_new0(struct stream, 1);
    stream->source = source;
    stream->state = state ? state : stream;
    stream->length = length;
    stream->fd = -1;
    return stream;
}

struct stream *stream_from_bytes(GBytes *bytes)
{
    struct stream *stream = stream_new(&memory_source, NULL, (gint64)g_bytes_get_size(bytes));
    stream->memory = g_bytes_ref(bytes);
    return stream;
}

struct stream *stream_from_text(char *text)
{
    g_autoptr(GBytes) bytes = g_bytes_new_take(text, strlen(text));
    return stream_from_bytes(bytes);
}

struct stream *stream_from_file(int fd, gint64 offset, gint64 length)
{
    struct stream *stream = stream_new(&file_source, NULL, length);
    stream->fd = fd;
    stream->offset = offset;
    return stream;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    if (stream->source->close)
        stream->source->close(stream->state);
    if (stream->memory)
        g_bytes_unref(stream->memory);
    if (stream->fd >= 0)
        close(stream->fd);
    g_free(stream);
}

gssize stream_read(struct stream *stream, void *buffer, size_t size, GError **error)
{
    if (stream->length == 0 || size == 0)
        return 0;
    gssize n = stream->source->read(stream->state, buffer, size, error);
    if (n > 0 && stream->length > 0)
        stream->length -= n;
    return n;
}

gint64 stream_length(const struct stream *stream)
{
    return stream->length;
}

bool stream_file(const struct stream *stream, int *fd, gint64 *offset, gint64 *length)
{
    if (stream->fd < 0)
        return false;
    *fd = stream->fd;
    *offset = stream->offset;
    *length = stream->length;
    return true;
}

bool stream_take_file(struct stream *stream, int *fd, gint64 *offset, gint64 *length)
{
    if (!stream_file(stream, fd, offset, length))
        return false;
    stream->fd = -1;
    stream->length = 0;
    return true;
}

GBytes *stream_memory(const struct stream *stream)
{
    return stream->offset == 0 ? stream->memory : NULL;
}

GBytes *stream_read_all(struct stream *stream, size_t limit, GError **error)
{
    GBytes *memory = stream_memory(stream);
    if (memory && g_bytes_get_size(memory) <= limit)
        return g_bytes_ref(memory);
    g_autoptr(GByteArray) whole = g_byte_array_new();
    char buffer[16384];
    for (;;) {
        gssize n = stream_read(stream, buffer, sizeof buffer, error);
        if (n < 0)
            return NULL;
        if (n == 0)
            return g_byte_array_free_to_bytes(g_steal_pointer(&whole));
        if (whole->len + (size_t)n > limit) {
            error_set(error, ERROR_ENTITY_TOO_LARGE,
                      "the body is larger than the limit of %zu bytes", limit);
            return NULL;
        }
        g_byte_array_append(whole, (const guint8 *)buffer, (guint)n);
    }
}

struct stream *stream_slice(struct stream *whole, gint64 offset, gint64 size)
{
    int fd;
    gint64 start, length;
    struct stream *slice;
    if (offset == 0 && size == stream_length(whole))
        return whole;
    if (stream_file(whole, &fd, &start, &length)) {
        slice = stream_from_file(fcntl(fd, F_DUPFD_CLOEXEC, 0), start + offset, size);
    } else {
        g_autoptr(GBytes) bytes =
            g_bytes_new_from_bytes(stream_memory(whole), (gsize)offset, (gsize)size);
        slice = stream_from_bytes(bytes);
    }
    stream_free(whole);
    return slice;
}
