/* aws-chunked bodies. The first byte says how the body is cut where it arrives; what comes out is
 * never longer than what went in, and a body that was accepted is accepted again when it arrives in
 * other pieces, with the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/aws_chunked.h"

struct pieces {
    const uint8_t *at;
    size_t left, piece;
};

static gssize pieces_read(void *state, void *buffer, size_t size, GError **error)
{
    (void)error;
    struct pieces *pieces = state;
    size_t n = MIN(MIN(size, pieces->left), pieces->piece);
    if (n)
        memcpy(buffer, pieces->at, n);
    pieces->at += n;
    pieces->left -= n;
    return (gssize)n;
}

/* The decoded body, or NULL where it was refused. */
static GBytes *decode(const uint8_t *data, size_t size, size_t piece, gint64 length,
                      const char *trailer)
{
    static const struct stream_source source = {pieces_read, NULL};
    struct pieces pieces = {data, size, piece};
    g_autoptr(stream_auto) sent = stream_new(&source, &pieces, -1);
    g_autoptr(stream_auto) decoded = aws_chunked_new(sent, length, trailer, NULL);
    return decoded ? stream_read_all(decoded, 1u << 20, NULL) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *trailer = data[1] & 1 ? "x-amz-checksum-crc32" : NULL;
    gint64 length = data[1] & 2 ? data[1] >> 2 : -1;
    size_t piece = data[0] % 16 + 1u;
    data += 2;
    size -= 2;
    g_autoptr(GBytes) in_pieces = decode(data, size, piece, length, trailer);
    g_autoptr(GBytes) at_once = decode(data, size, size ? size : 1, length, trailer);
    if (!in_pieces != !at_once || (at_once && !g_bytes_equal(in_pieces, at_once)) ||
        (at_once && g_bytes_get_size(at_once) > size))
        abort();
    return 0;
}
