#include "crawl/sample.h"

#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"

#define HEAD_BYTES ((size_t)128 << 10)
#define PIECE_BYTES ((size_t)32 << 10)
#define FOOTER_BYTES ((size_t)4 << 20)

static bool read_head(struct stream *stream, char *bytes, size_t *size, GError **error)
{
    gssize got = 1;
    *size = 0;
    while (*size < HEAD_BYTES && got > 0) {
        got = stream_read(stream, bytes + *size, HEAD_BYTES - *size, error);
        *size += got > 0 ? (size_t)got : 0;
    }
    return got >= 0;
}

/* ---- gzip ---- */

static bool is_gzip(const char *bytes, size_t size)
{
    return size > 2 && (unsigned char)bytes[0] == 0x1f && (unsigned char)bytes[1] == 0x8b;
}

/* All members, as far as the head and room for it reach. */
static void inflate_all(z_stream *stream, bool *ended)
{
    int code = Z_OK;
    while (stream->avail_in && stream->avail_out && (code == Z_OK || code == Z_STREAM_END)) {
        if (code == Z_STREAM_END)
            inflateReset(stream);
        code = inflate(stream, Z_NO_FLUSH);
    }
    *ended = code == Z_STREAM_END;
}

static void unpack(struct sampled *sampled)
{
    z_stream stream = {.next_in = (unsigned char *)sampled->head,
                       .avail_in = (unsigned)sampled->sample.size};
    char *plain = g_malloc(HEAD_BYTES);
    bool ended = false;
    stream.next_out = (unsigned char *)plain;
    stream.avail_out = (unsigned)HEAD_BYTES;
    if (inflateInit2(&stream, 15 + 32) == Z_OK) {
        inflate_all(&stream, &ended);
        inflateEnd(&stream);
    }
    g_free(sampled->head);
    sampled->head = plain;
    sampled->gzip = true;
    sampled->sample.whole &= ended && !stream.avail_in;
    sampled->sample.size = HEAD_BYTES - stream.avail_out;
}

/* ---- footers ---- */

static bool ends_as_parquet(const unsigned char *end, gint64 file_size, size_t *size)
{
    *size = (size_t)end[0] | (size_t)end[1] << 8 | (size_t)end[2] << 16 | (size_t)end[3] << 24;
    return memcmp(end + 4, "PAR1", 4) == 0 && (gint64)*size + 12 <= file_size;
}

/* Of the file, at that place. */
static char *read_at(int fd, gint64 at, size_t size)
{
    char *bytes = g_malloc(size + 1);
    size_t done = 0;
    ssize_t got = 1;
    while (done < size && got > 0) {
        got = pread(fd, bytes + done, size - done, (off_t)(at + (gint64)done));
        done += got > 0 ? (size_t)got : 0;
    }
    if (done == size)
        return bytes;
    g_free(bytes);
    return NULL;
}

static void read_footer(struct sampled *sampled, int fd, gint64 offset, gint64 length)
{
    size_t size;
    g_autofree char *end = read_at(fd, offset + length - 8, 8);
    if (!end || !ends_as_parquet((unsigned char *)end, length, &size))
        return;
    size_t wanted = MIN(size, FOOTER_BYTES);
    sampled->tail = read_at(fd, offset + length - 8 - (gint64)size, wanted);
    sampled->sample.tail = sampled->tail;
    sampled->sample.tail_size = sampled->tail ? wanted : 0;
}

/* Of a file that is here as a whole. */
static void find_footer(struct sampled *sampled)
{
    struct sample *sample = &sampled->sample;
    size_t size;
    if (sample->size < 12 ||
        !ends_as_parquet((const unsigned char *)sample->bytes + sample->size - 8,
                         (gint64)sample->size, &size))
        return;
    sample->tail = sample->bytes + sample->size - 8 - size;
    sample->tail_size = size;
}

/* Of what is behind the head: one amid it, one at its end. */
static void read_pieces(struct sampled *sampled, int fd, gint64 offset, gint64 length)
{
    gint64 head = (gint64)sampled->sample.size, last = length - (gint64)PIECE_BYTES;
    for (int i = 0; i < SAMPLE_PIECES && last > head; i++) {
        gint64 at = head + (last - head) * (i + 1) / SAMPLE_PIECES;
        sampled->pieces[i] = read_at(fd, offset + at, PIECE_BYTES);
        sampled->sample.pieces[i].bytes = sampled->pieces[i];
        sampled->sample.pieces[i].size = sampled->pieces[i] ? PIECE_BYTES : 0;
    }
}

static bool is_parquet(const struct sample *sample)
{
    return sample->size >= 4 && memcmp(sample->bytes, "PAR1", 4) == 0;
}

bool sample_read(struct lake *lake, const struct lake_object *object, struct sampled *sampled,
                 GError **error)
{
    int fd = -1;
    gint64 offset = 0, length = 0;
    g_autoptr(stream_auto) stream = lake_get(lake, object, error);
    if (!stream)
        return false;
    bool is_file = stream_file(stream, &fd, &offset, &length);
    *sampled = (struct sampled){.head = g_malloc(HEAD_BYTES)};
    struct sample *sample = &sampled->sample;
    if (!read_head(stream, sampled->head, &sample->size, error)) {
        sample_clear(sampled);
        return false;
    }
    sample->key = object->key;
    sample->file_size = object->size;
    sample->whole = (gint64)sample->size == object->size;
    if (is_gzip(sampled->head, sample->size))
        unpack(sampled);
    sample->bytes = sampled->head;
    if (is_parquet(sample) && sample->whole && !sampled->gzip)
        find_footer(sampled);
    else if (is_parquet(sample) && is_file)
        read_footer(sampled, fd, offset, length);
    else if (is_file && !sampled->gzip)
        read_pieces(sampled, fd, offset, length);
    return true;
}

void sample_clear(struct sampled *sampled)
{
    g_clear_pointer(&sampled->head, g_free);
    g_clear_pointer(&sampled->tail, g_free);
    for (size_t i = 0; i < SAMPLE_PIECES; i++)
        g_clear_pointer(&sampled->pieces[i], g_free);
}
