/* stream.h: a stream of bytes that its reader pulls: the body of a PutObject on its way in, of a
 * GetObject on its way out. One reader at a time. */
#ifndef LATHE_BASE_STREAM_H
#define LATHE_BASE_STREAM_H

#include <glib.h>
#include <stdbool.h>

struct stream;

/* Where a stream's bytes come from. read gives 1..size bytes, 0 at the end, -1 and an error; close
 * (may be NULL) is called once, when the stream is freed. */
struct stream_source {
    gssize (*read)(void *state, void *buffer, size_t size, GError **error);
    void (*close)(void *state);
};

/* length is the number of bytes to come, or -1 where it is not known. */
struct stream *stream_new(const struct stream_source *source, void *state, gint64 length);
struct stream *stream_from_bytes(GBytes *bytes);                       /* takes a reference */
struct stream *stream_from_text(char *text);                           /* takes the text, g_free */
struct stream *stream_from_file(int fd, gint64 offset, gint64 length); /* takes the descriptor */
void stream_free(struct stream *stream);

/* 1..size bytes, 0 at the end, -1 and an error. */
gssize stream_read(struct stream *stream, void *buffer, size_t size, GError **error);

/* Bytes still to come, or -1. */
gint64 stream_length(const struct stream *stream);

/* Where the stream is a stretch of a file: true, its descriptor (still the stream's) and what is
 * left of the stretch, for sendfile and reflinks. Where it is in memory: stream_memory. */
bool stream_file(const struct stream *stream, int *fd, gint64 *offset, gint64 *length);
/* The same, and the descriptor becomes the caller's to close; nothing more is read. */
bool stream_take_file(struct stream *stream, int *fd, gint64 *offset, gint64 *length);
GBytes *stream_memory(const struct stream *stream); /* borrowed, or NULL */

/* Everything to the end, at most limit bytes (ERROR_ENTITY_TOO_LARGE beyond). */
GBytes *stream_read_all(struct stream *stream, size_t limit, GError **error);

/* A stretch of a stream whose bytes are in a file or in memory, and of which nothing was read;
 * takes the stream. */
struct stream *stream_slice(struct stream *whole, gint64 offset, gint64 size);

typedef struct stream stream_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(stream_auto, stream_free)

#endif
