#include "wire/payload.h"

#include <string.h>
#include <zlib.h>

#include "base/checksum.h"
#include "base/error.h"
#include "wire/aws_chunked.h"

#define SHA256_DIGITS 64

/* ---- the body's SHA-256, checked at its end ---- */

struct hashed {
    struct stream *source;
    struct checksum *checksum;
    char expected[SHA256_DIGITS + 1];
    bool ended;
};

static bool check_sha256(struct hashed *hashed, GError **error)
{
    hashed->ended = true;
    g_autofree char *computed = checksum_hex(hashed->checksum);
    if (g_ascii_strcasecmp(computed, hashed->expected) == 0)
        return true;
    return error_set(error, ERROR_CONTENT_SHA256_MISMATCH,
                     "The provided 'x-amz-content-sha256' header does not match what was computed: "
                     "%s",
                     computed);
}

static gssize hashed_read(void *state, void *buffer, size_t size, GError **error)
{
    struct hashed *hashed = state;
    if (hashed->ended)
        return 0;
    gssize n = stream_read(hashed->source, buffer, size, error);
    if (n > 0)
        checksum_update(hashed->checksum, buffer, (size_t)n);
    if (n == 0 && !check_sha256(hashed, error))
        return -1;
    return n;
}

static void hashed_close(void *state)
{
    struct hashed *hashed = state;
    checksum_free(hashed->checksum);
    g_free(hashed);
}

static struct stream *hashed_new(struct stream *source, const char *expected)
{
    static const struct stream_source hashed_source = {hashed_read, hashed_close};
    struct hashed *hashed = g_new0(struct hashed, 1);
    hashed->source = source;
    hashed->checksum = checksum_new(CHECKSUM_SHA256);
    memcpy(hashed->expected, expected, SHA256_DIGITS);
    /* Of unknown length, so that the read at the end, which checks, happens. */
    return stream_new(&hashed_source, hashed, -1);
}

/* ---- what S3's headers say ---- */

/* A Content-Encoding alone does not make a body chunked: who cuts it says how long it was. */
static bool is_chunked(const struct wire_request *request)
{
    const char *digest = wire_header(request, "x-amz-content-sha256");
    const char *encoding = wire_header(request, "content-encoding");
    return (digest && g_str_has_prefix(digest, "STREAMING-")) ||
           (encoding && strstr(encoding, "aws-chunked") &&
            wire_header(request, "x-amz-decoded-content-length"));
}

gint64 payload_length(const struct wire_request *request)
{
    const char *text = wire_header(request, is_chunked(request) ? "x-amz-decoded-content-length"
                                                                : "content-length");
    gint64 length;
    return text && g_ascii_string_to_signed(text, 10, 0, G_MAXINT64, &length, NULL) ? length : -1;
}

bool payload_filter(const struct wire_request *request, struct stream *source,
                    struct stream **filter, GError **error)
{
    const char *digest = wire_header(request, "x-amz-content-sha256");
    *filter = NULL;
    if (is_chunked(request)) {
        *filter = aws_chunked_new(source, payload_length(request),
                                  wire_header(request, "x-amz-trailer"), error);
        return *filter != NULL;
    }
    if (!digest || strcmp(digest, "UNSIGNED-PAYLOAD") == 0)
        return true;
    if (strlen(digest) != SHA256_DIGITS ||
        strspn(digest, "0123456789abcdefABCDEF") != SHA256_DIGITS)
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-..., or a valid "
                         "sha256 value");
    *filter = hashed_new(source, digest);
    return true;
}

static bool check_digest(enum checksum_kind kind, const char *header, const char *given,
                         GBytes *body, GError **error)
{
    gsize size;
    const void *bytes = g_bytes_get_data(body, &size);
    g_autofree char *computed = checksum_base64_of(kind, bytes, size);
    if (strcmp(computed, given) == 0)
        return true;
    return error_set(error, ERROR_BAD_DIGEST,
                     "The %s you specified did not match what we received: '%.128s' was sent, '%s' "
                     "calculated",
                     header, given, computed);
}

bool payload_check(const struct wire_request *request, GBytes *body, GError **error)
{
    const char *md5 = wire_header(request, "content-md5");
    if (md5 && !check_digest(CHECKSUM_MD5, "Content-MD5", md5, body, error))
        return false;
    for (enum checksum_kind kind = 0; kind < CHECKSUM_KINDS; kind++) {
        g_autofree char *header = g_strconcat("x-amz-checksum-", checksum_name(kind), NULL);
        const char *given = wire_header(request, header);
        if (given && !check_digest(kind, header, given, body, error))
            return false;
    }
    return true;
}

/* ---- gzip ---- */

static GBytes *inflate_all(GBytes *body, size_t limit, GError **error)
{
    gsize size;
    const void *bytes = g_bytes_get_data(body, &size);
    z_stream zlib = {.next_in = (Bytef *)bytes, .avail_in = (uInt)MIN(size, G_MAXUINT)};
    if (inflateInit2(&zlib, MAX_WBITS + 16) != Z_OK) {
        error_set(error, ERROR_INTERNAL, "no memory to inflate a gzip body");
        return NULL;
    }
    g_autoptr(GByteArray) whole = g_byte_array_new();
    unsigned char buffer[16384];
    int state = Z_OK;
    while (state == Z_OK && whole->len <= limit) {
        zlib.next_out = buffer;
        zlib.avail_out = sizeof buffer;
        state = inflate(&zlib, Z_NO_FLUSH);
        g_byte_array_append(whole, buffer, (guint)(sizeof buffer - zlib.avail_out));
    }
    inflateEnd(&zlib);
    if (whole->len > limit)
        error_set(error, ERROR_ENTITY_TOO_LARGE,
                  "the gzip body inflates to more than the limit of %zu bytes", limit);
    else if (state != Z_STREAM_END)
        error_set(error, ERROR_SERIALIZATION,
                  "the body is not the gzip that its "
                  "Content-Encoding says, or is cut short");
    else
        return g_byte_array_free_to_bytes(g_steal_pointer(&whole));
    return NULL;
}

GBytes *payload_inflate(const struct wire_request *request, GBytes *body, size_t limit,
                        GError **error)
{
    const char *encoding = wire_header(request, "content-encoding");
    if (!encoding || g_ascii_strcasecmp(encoding, "gzip") != 0)
        return g_bytes_ref(body);
    return inflate_all(body, limit, error);
}
