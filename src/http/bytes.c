/* What MHD reads, read by us first.
 *
 * MHD 0.9.75 takes LF alone for the end of a line of chunk framing, so that two readers can
 * disagree about where a request ends; and it answers a Content-Length that it cannot read with its
 * own head twice. Neither can be configured, and a handler is never shown these bytes. So we stand
 * between it and the socket: it calls recv, and finds ours, since a program's own function goes
 * before that of a shared library. Outside of a poller's turn ours is the system's. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "http/http_inside.h"

#define LONGEST_CHUNK_LINE 4096
#define LENGTH_DIGITS 19

static _Thread_local struct http_poller *turn; /* the poller whose turn it is on this thread */

void http_bytes_turn(struct http_poller *poller)
{
    turn = poller;
}

static void refuse(struct http_framing *framing, unsigned status, const char *why)
{
    framing->status = status;
    framing->why = why;
}

/* ---- heads ---- */

/* A field's value where the line has that name, without blanks in front of it; else NULL. */
static const char *value_of(const char *line, const char *name, size_t *size)
{
    size_t length = strlen(name);
    if (g_ascii_strncasecmp(line, name, length) != 0 || line[length] != ':')
        return NULL;
    const char *value = line + length + 1;
    value += strspn(value, " \t");
    *size = strlen(value);
    if (*size && value[*size - 1] == '\r')
        --*size;
    return value;
}

static void read_length(struct http_framing *framing, const char *value, size_t size)
{
    bool digits = size > 0 && strspn(value, "0123456789") >= size;
    guint64 length = digits ? g_ascii_strtoull(value, NULL, 10) : 0;
    if (!digits)
        refuse(framing, 400, "Content-Length is not a number of decimal digits");
    else if (size > LENGTH_DIGITS || length > G_MAXINT64)
        refuse(framing, 413, "Content-Length is larger than any body can be");
    framing->left = length;
}

/* A line of the head, without its newline. Only what says where the request ends is looked at. */
static void read_head_line(struct http_framing *framing, const char *line)
{
    size_t size;
    const char *value;
    bool empty = *line == '\0' || strcmp(line, "\r") == 0;
    if (!empty && !framing->in_head) {
        framing->in_head = true; /* the request line */
        framing->chunked = false;
        framing->left = 0;
    } else if (!empty && (value = value_of(line, "Content-Length", &size))) {
        read_length(framing, value, size);
    } else if (!empty && value_of(line, "Transfer-Encoding", &size)) {
        framing->chunked = true;
    } else if (empty && framing->in_head) {
        framing->in_head = false;
        framing->part = framing->chunked ? PART_CHUNK_SIZE : framing->left ? PART_BODY : PART_HEAD;
    }
}

/* ---- chunks ---- */

static void read_chunk_line(struct http_framing *framing, const char *line)
{
    if (framing->part == PART_CHUNK_SIZE) {
        size_t digits = strspn(line, "0123456789abcdefABCDEF");
        framing->left = g_ascii_strtoull(line, NULL, 16);
        if (digits == 0 || digits > 16 || framing->left > G_MAXINT64 ||
            (line[digits] != '\r' && line[digits] != ';'))
            refuse(framing, digits > 15 ? 413 : 400,
                   "a chunk does not begin with its size in hexadecimal digits");
        framing->part = framing->left ? PART_CHUNK : PART_TRAILER;
    } else if (framing->part == PART_CHUNK_END) {
        if (strcmp(line, "\r") != 0)
            refuse(framing, 400, "a chunk is longer than it says");
        framing->part = PART_CHUNK_SIZE;
    } else if (strcmp(line, "\r") == 0) {
        framing->part = PART_HEAD; /* behind the trailer */
    }
}

static void read_line(struct http_framing *framing)
{
    GString *line = framing->line;
    if (framing->part == PART_HEAD)
        read_head_line(framing, line->str);
    else if (!g_str_has_suffix(line->str, "\r") || strlen(line->str) != line->len)
        refuse(framing, 400, "a line of the chunk framing ends without CR or holds a NUL");
    else
        read_chunk_line(framing, line->str);
    g_string_truncate(line, 0);
}

/* ---- bytes ---- */

/* Takes what it can of the line at `bytes`; how much that was. */
static size_t take_line(struct http_framing *framing, const char *bytes, size_t size)
{
    const char *newline = memchr(bytes, '\n', size);
    size_t taken = newline ? (size_t)(newline - bytes) : size;
    if (framing->part != PART_HEAD && framing->line->len + taken > LONGEST_CHUNK_LINE)
        refuse(framing, 400, "a line of the chunk framing is too long");
    g_string_append_len(framing->line, bytes, (gssize)taken);
    if (newline)
        read_line(framing);
    return taken + (newline != NULL);
}

static size_t take_body(struct http_framing *framing, size_t size)
{
    size_t taken = (size_t)MIN(framing->left, size);
    framing->left -= taken;
    if (framing->left == 0)
        framing->part = framing->part == PART_BODY ? PART_HEAD : PART_CHUNK_END;
    return taken;
}

/* How much of the bytes MHD may see: all, or what comes before that which is refused. */
static size_t check(struct http_framing *framing, const char *bytes, size_t size)
{
    if (!framing->line)
        framing->line = g_string_new(NULL);
    size_t at = 0, good = 0;
    while (at < size && !framing->status) {
        if (framing->part == PART_BODY || framing->part == PART_CHUNK)
            at += take_body(framing, size - at);
        else
            at += take_line(framing, bytes + at, size - at);
        /* A refused head is not shown at all, a refused body up to the line. */
        bool whole = framing->part != PART_HEAD || (!framing->in_head && framing->line->len == 0);
        if (!framing->status && whole)
            good = at;
    }
    return framing->status ? good : size;
}

void http_framing_clear(struct http_framing *framing)
{
    if (framing->line)
        g_string_free(framing->line, TRUE);
    *framing = (struct http_framing){0};
}

static struct http_client *client_of(int fd)
{
    return turn ? g_hash_table_lookup(turn->by_fd, GINT_TO_POINTER(fd)) : NULL;
}

/* Whether the client has sent its request to the end, and the reply is still to come. */
static bool awaits_reply(const struct http_client *client)
{
    const struct http_framing *framing = &client->framing;
    return client->stage != STAGE_HEAD && framing->part == PART_HEAD && !framing->in_head;
}

/* A client may close its side behind its request and wait for the reply (netcat does). MHD, which
 * reads once more when a suspended connection goes on, would take that for the end of both: it is
 * told to ask again, as it will when the reply is sent. */
static ssize_t end_of_client(const struct http_client *client)
{
    if (!awaits_reply(client))
        return 0;
    errno = EINTR;
    return -1;
}

/* The symbol is the C library's, which libmicrohttpd calls; the names of its arguments are ours. */
__attribute__((visibility("default"))) ssize_t http_recv(int fd, void *buffer, size_t size,
                                                         int flags) __asm__("recv");

ssize_t http_recv(int fd, void *buffer, size_t size, int flags)
{
    struct http_client *client = client_of(fd);
    struct http_framing *framing = client ? &client->framing : NULL;
    ssize_t n = framing && framing->status ? 0 : recvfrom(fd, buffer, size, flags, NULL, NULL);
    if (!framing || n < 0)
        return n;
    if (n == 0 && !framing->status)
        return end_of_client(client);
    size_t good = n > 0 ? check(framing, buffer, (size_t)n) : 0;
    if (!framing->status)
        return n;
    if (good > 0) {
        shutdown(fd, SHUT_RD); /* is reported: MHD comes back for what is refused */
        return (ssize_t)good;
    }
    http_client_cut(client, framing->status, framing->why);
    errno = ECONNRESET;
    return -1;
}
