/* aws_chunked.h: S3's own chunks inside a body: what the SDKs send where the body's checksum is
 * known only at its end. */
#ifndef LATHE_WIRE_AWS_CHUNKED_H
#define LATHE_WIRE_AWS_CHUNKED_H

#include "base/stream.h"

/* A stream of what the chunks hold. Source stays the caller's and must outlive it. decoded_length:
 * x-amz-decoded-content-length, or -1; a body of another length is an ERROR_INCOMPLETE_BODY. Chunk
 * signatures are not checked. trailer: x-amz-trailer ("x-amz-checksum-crc32"), or NULL: the
 * checksum behind the last chunk is computed along and has to be there and right
 * (ERROR_BAD_DIGEST); the stream's last read says so. NULL: a trailer that is no checksum. */
struct stream *aws_chunked_new(struct stream *source, gint64 decoded_length, const char *trailer,
                               GError **error);

#endif
