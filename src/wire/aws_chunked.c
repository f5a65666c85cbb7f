#include "wire/aws_chunked.h"

#include <string.h>

#include "base/checksum.h"
#include "base/error.h"

#define LONGEST_LINE 1024 /* a chunk's head or a trailer */
#define CHECKSUM_HEADER "x-amz-checksum-"

/* Grammar:  ( SIZE [";" extension] CRLF bytes CRLF )* "0" [";" ...] CRLF ( name ":" value CRLF )*
 * [CRLF] */
struct chunked {
    struct stream *source;
    gint64 expected; /* bytes still to come by x-amz-decoded-content-length, or -1 */
    gint64 left;     /* in this chunk */
    bool in_chunk;   /* a chunk was begun: its bytes are followed by CRLF */
    bool ended;
    enum checksum_kind kind;
    struct checksum *checksum; /* NULL: no trailer was announced */
    char *computed;            /* base64, at the end */
    bool verified;
    char buffer[8192]; /* read ahead from the source */
    size_t at, filled;
};

static bool fill(struct chunked *chunked, GError **error)
{
    gssize n = stream_read(chunked->source, chunked->buffer, sizeof chunked->buffer, error);
    chunked->at = 0;
    chunked->filled = n > 0 ? (size_t)n : 0;
    return n >= 0;
}

/* Reads a line without its CRLF. *length 0 and *end true at the end of the source. */
static bool read_line(struct chunked *chunked, char line[LONGEST_LINE], size_t *length, bool *end,
                      GError **error)
{
    *length = 0;
    *end = false;
    for (;;) {
        if (chunked->at == chunked->filled && !fill(chunked, error))
            return false;
        if (chunked->filled == 0) {
            *end = true;
            break;
        }
        char c = chunked->buffer[chunked->at++];
        if (c == '\n')
            break;
        if (*length == LONGEST_LINE - 1)
            return error_set(error, ERROR_INVALID_REQUEST,
                             "a line of the aws-chunked body is longer than %d bytes",
                             LONGEST_LINE);
        line[(*length)++] = c;
    }
    if (*length && line[*length - 1] == '\r')
        --*length;
    line[*length] = '\0';
    return true;
}

static bool fail_incomplete(GError **error)
{
    return error_set(error, ERROR_INCOMPLETE_BODY,
                     "You did not provide the number of bytes specified by the aws-chunked body: "
                     "it ends inside a chunk");
}

static bool begin_chunk(struct chunked *chunked, GError **error)
{
    char line[LONGEST_LINE];
    size_t length;
    bool end;
    if (chunked->in_chunk) {
        if (!read_line(chunked, line, &length, &end, error))
            return false;
        if (length || end)
            return end ? fail_incomplete(error)
                       : error_set(error, ERROR_INVALID_REQUEST,
                                   "a chunk of the aws-chunked body is longer than it says");
    }
    if (!read_line(chunked, line, &length, &end, error))
        return false;
    size_t digits = strspn(line, "0123456789abcdefABCDEF");
    if (end && !length)
        return fail_incomplete(error);
    if (digits == 0 || digits > 15 || (line[digits] && line[digits] != ';'))
        return error_set(error, ERROR_INVALID_REQUEST,
                         "a chunk of the aws-chunked body begins with '%.32s', not with its size "
                         "in hexadecimal digits",
                         line);
    chunked->left = (gint64)g_ascii_strtoull(line, NULL, 16);
    chunked->in_chunk = true;
    if (chunked->expected >= 0 && chunked->left > chunked->expected)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "the aws-chunked body is longer than x-amz-decoded-content-length");
    return true;
}

static bool check_trailer(struct chunked *chunked, char *line, GError **error)
{
    char *colon = strchr(line, ':');
    if (!colon || !chunked->checksum)
        return true;
    *colon = '\0';
    enum checksum_kind kind;
    bool ours = g_ascii_strncasecmp(line, CHECKSUM_HEADER, strlen(CHECKSUM_HEADER)) == 0 &&
                checksum_from_name(line + strlen(CHECKSUM_HEADER), &kind) && kind == chunked->kind;
    if (!ours)
        return true;
    const char *given = g_strstrip(colon + 1);
    if (strcmp(given, chunked->computed) != 0)
        return error_set(error, ERROR_BAD_DIGEST,
                         "The %s you specified did not match the calculated checksum: '%.128s' was "
                         "sent, '%s' calculated",
                         checksum_name(chunked->kind), given, chunked->computed);
    chunked->verified = true;
    return true;
}

/* After the last chunk: the trailers, an empty line, the end. */
static bool finish(struct chunked *chunked, GError **error)
{
    chunked->ended = true;
    if (chunked->expected > 0)
        return error_set(error, ERROR_INCOMPLETE_BODY,
                         "You did not provide the number of bytes specified by "
                         "x-amz-decoded-content-length: %" G_GINT64_FORMAT " are missing",
                         chunked->expected);
    if (chunked->checksum)
        chunked->computed = checksum_base64(chunked->checksum);
    char line[LONGEST_LINE];
    size_t length;
    for (bool end = false; !end;) {
        if (!read_line(chunked, line, &length, &end, error) || !check_trailer(chunked, line, error))
            return false;
    }
    if (chunked->checksum && !chunked->verified)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "The value specified in the x-amz-trailer header is not behind the body: "
                         "no x-amz-checksum of kind %s",
                         checksum_name(chunked->kind));
    return true;
}

static gssize chunked_read(void *state, void *buffer, size_t size, GError **error)
{
    struct chunked *chunked = state;
    if (chunked->ended)
        return 0;
    if (chunked->left == 0) {
        if (!begin_chunk(chunked, error))
            return -1;
        if (chunked->left == 0)
            return finish(chunked, error) ? 0 : -1;
    }
    size_t wanted = (size_t)MIN((gint64)MIN(size, G_MAXSSIZE), chunked->left);
    gssize n;
    if (chunked->at < chunked->filled) {
        n = (gssize)MIN(wanted, chunked->filled - chunked->at);
        memcpy(buffer, chunked->buffer + chunked->at, (size_t)n);
        chunked->at += (size_t)n;
    } else {
        n = stream_read(chunked->source, buffer, wanted, error);
        if (n == 0)
            fail_incomplete(error);
        if (n <= 0)
            return -1;
    }
    if (chunked->checksum)
        checksum_update(chunked->checksum, buffer, (size_t)n);
    chunked->left -= n;
    if (chunked->expected >= 0)
        chunked->expected -= n;
    return n;
}

static void chunked_close(void *state)
{
    struct chunked *chunked = state;
    checksum_free(chunked->checksum);
    g_free(chunked->computed);
    g_free(chunked);
}

struct stream *aws_chunked_new(struct stream *source, gint64 decoded_length, const char *trailer,
                               GError **error)
{
    static const struct stream_source chunked_source = {chunked_read, chunked_close};
    struct chunked *chunked = g_new0(struct chunked, 1);
    chunked->source = source;
    chunked->expected = decoded_length;
    if (trailer) {
        if (g_ascii_strncasecmp(trailer, CHECKSUM_HEADER, strlen(CHECKSUM_HEADER)) != 0 ||
            !checksum_from_name(trailer + strlen(CHECKSUM_HEADER), &chunked->kind)) {
            error_set(error, ERROR_INVALID_REQUEST,
                      "x-amz-trailer is '%.64s', not the name of a checksum such as "
                      "x-amz-checksum-crc32",
                      trailer);
            chunked_close(chunked);
            return NULL;
        }
        chunked->checksum = checksum_new(chunked->kind);
    }
    /* The stream's own length stays unknown: the last read, which checks the end, has to happen. */
    return stream_new(&chunked_source, chunked, -1);
}
