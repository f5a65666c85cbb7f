/* payload.h: a request's body as its operation sees it: what was wrapped around it taken off, and
 * the digests that came with it checked on the way. */
#ifndef LATHE_WIRE_PAYLOAD_H
#define LATHE_WIRE_PAYLOAD_H

#include "base/stream.h"
#include "wire/request.h"

/* A stream of S3's: aws-chunked decoded (x-amz-content-sha256: STREAMING-...), or x-amz-content-
 * sha256 checked (ERROR_CONTENT_SHA256_MISMATCH on the last read). *filter is the stream to read,
 * which the caller frees, or NULL: source itself. Source must outlive it. */
bool payload_filter(const struct wire_request *request, struct stream *source,
                    struct stream **filter, GError **error);

/* The bytes that a decoded body will have, or -1. */
gint64 payload_length(const struct wire_request *request);

/* A whole body of S3's against Content-MD5 and x-amz-checksum-... (ERROR_BAD_DIGEST). */
bool payload_check(const struct wire_request *request, GBytes *body, GError **error);

/* Inflates a whole body sent with Content-Encoding: gzip, to at most limit bytes; any other body is
 * returned as it is. */
GBytes *payload_inflate(const struct wire_request *request, GBytes *body, size_t limit,
                        GError **error);

#endif
