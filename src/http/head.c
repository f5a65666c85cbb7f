/* What makes two readers of one byte stream disagree about where a request ends is refused here:
 * libmicrohttpd 0.9.75 lets most of it through.
 *
 * It parses a head in place. Of "Name: value CR LF" it overwrites the colon, CR and LF with NULs
 * and hands out pointers to both parts. So an honest head is, in memory, one run of fields, each
 * starting two bytes behind the end of the one before. A NUL inside a value, a folded line and a
 * line that ends in LF alone all break the run, and that is how they are found: a byte that MHD did
 * not account for is a byte that another reader could read otherwise. */
#include "http/head.h"

#include <string.h>

/* RFC 9110's tchar: what a method and a field's name are made of. */
static bool is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!g_ascii_isalnum(text[i]) && (text[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", text[i])))
            return false;
    return size > 0;
}

static bool is_field_value(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static const char *check_request_line(const char *method, const char *target, const char *version)
{
    size_t method_size = strlen(method), target_size = strlen(target);
    if (!is_token(method, method_size))
        return "the method is not a word";
    for (const char *c = target; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return "the request's target holds a blank or a control character";
    if (target[0] != '/' && strcmp(target, "*") != 0)
        return "the request's target does not start with a slash";
    if (method + method_size + 1 + target_size + 1 != version)
        return "the request line is not a method, a target and a version with one blank between";
    return NULL;
}

struct walk {
    struct http_head *head;
    const char *next; /* where the next field has to start */
    bool chunked;
    bool old; /* HTTP/1.0 */
    unsigned status;
    const char *why;
};

static enum MHD_Result refuse(struct walk *walk, unsigned status, const char *why)
{
    walk->status = status;
    walk->why = why;
    return MHD_NO;
}

/* Fields that say where the request ends, or whom it is for. */
static enum MHD_Result note_framing(struct walk *walk, const char *name, const char *value)
{
    struct http_head *head = walk->head;
    if (g_ascii_strcasecmp(name, "Content-Length") == 0) {
        if (head->has_length)
            return refuse(walk, 400, "there are two Content-Length fields");
        head->has_length = true;
        guint64 length = g_ascii_strtoull(value, NULL, 10);
        if (length > G_MAXINT64)
            return refuse(walk, 413, "Content-Length is larger than any body can be");
        head->content_length = (gint64)length;
    } else if (g_ascii_strcasecmp(name, "Transfer-Encoding") == 0) {
        if (walk->chunked || walk->old || g_ascii_strcasecmp(value, "chunked") != 0)
            return refuse(walk, 400, "the only Transfer-Encoding understood is one 'chunked'");
        walk->chunked = true;
    } else if (g_ascii_strcasecmp(name, "Host") == 0) {
        if (head->has_host)
            return refuse(walk, 400, "there are two Host fields");
        head->has_host = true;
    } else if (g_ascii_strcasecmp(name, "Expect") == 0) {
        if (g_ascii_strcasecmp(value, "100-continue") != 0)
            return refuse(walk, 417, "the only expectation understood is 100-continue");
        head->expects_continue = !walk->old;
    }
    return MHD_YES;
}

static enum MHD_Result take_field(void *data, enum MHD_ValueKind kind, const char *name,
                                  size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    struct walk *walk = data;
    struct http_head *head = walk->head;
    if (name != walk->next)
        return refuse(walk, 400, "a line of the head is folded, holds a NUL or ends without CR");
    if (!is_token(name, name_size))
        return refuse(walk, 400, "a field's name holds a blank or another odd character");
    if (!is_field_value(value, value_size))
        return refuse(walk, 400, "a field's value holds a control character");
    walk->next = value + value_size + 2;

    if (head->count == head->capacity) {
        head->capacity = MAX(16, 2 * head->capacity);
        head->fields = g_renew(struct http_field, head->fields, head->capacity);
    }
    head->fields[head->count++] = (struct http_field){name, value};

    /* Only names of these lengths are looked at closer: most fields are neither. */
    switch (name_size) {
    case sizeof "Host" - 1:
    case sizeof "Expect" - 1:
    case sizeof "Content-Length" - 1:
    case sizeof "Transfer-Encoding" - 1:
        return note_framing(walk, name, value);
    default:
        return MHD_YES;
    }
}

unsigned http_head_read(struct http_head *head, struct MHD_Connection *connection,
                        const char *method, const char *target, const char *version,
                        const char **why)
{
    *why = check_request_line(method, target, version);
    if (*why)
        return 400;
    struct walk walk = {
        .head = head,
        .next = version + strlen("HTTP/1.1\r\n"),
        .old = strcmp(version, "HTTP/1.0") == 0,
    };
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_field, &walk);
    if (walk.status) {
        *why = walk.why;
        return walk.status;
    }
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    head->block = method;
    head->block_size = size ? size->header_size : 0;
    if (walk.next + strlen("\r\n") != head->block + head->block_size) {
        *why = "a line of the head is folded, holds a NUL or ends without CR";
        return 400;
    }
    if (!head->has_host) {
        *why = "there is no Host field";
        return 400;
    }
    if (walk.chunked && head->has_length) {
        *why = "there are both Transfer-Encoding and Content-Length";
        return 400;
    }
    if (walk.chunked)
        head->content_length = -1;
    return 0;
}

const char *http_head_find(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->count; i++)
        if (g_ascii_strcasecmp(head->fields[i].name, name) == 0)
            return head->fields[i].value;
    return NULL;
}

void http_head_keep(struct http_head *head)
{
    head->copy = g_memdup2(head->block, head->block_size);
    for (size_t i = 0; i < head->count; i++) {
        struct http_field *field = &head->fields[i];
        field->name = head->copy + (field->name - head->block);
        field->value = head->copy + (field->value - head->block);
    }
    head->block = head->copy;
}

void http_head_reset(struct http_head *head)
{
    g_free(head->copy);
    *head = (struct http_head){.fields = head->fields, .capacity = head->capacity};
}

void http_head_clear(struct http_head *head)
{
    g_free(head->copy);
    g_free(head->fields);
}
