#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "http/http_inside.h"

/* Bodies up to this size are read into memory and leave in one packet with their head; a file's
 * beyond it goes by sendfile. */
#define SMALL_BODY (64 * 1024)

void http_reply_header(struct http_reply *reply, const char *name, const char *value)
{
    if (!reply->headers)
        reply->headers = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(reply->headers, g_strdup(name));
    g_ptr_array_add(reply->headers, g_strdup(value));
}

void http_reply_text(struct http_reply *reply, unsigned status, const char *content_type,
                     char *text)
{
    reply->status = status;
    http_reply_header(reply, "Content-Type", content_type);
    stream_free(reply->body);
    reply->body = stream_from_text(text);
}

void http_reply_clear(struct http_reply *reply)
{
    GPtrArray *headers = reply->headers;
    if (headers)
        g_ptr_array_set_size(headers, 0);
    stream_free(reply->body);
    *reply = (struct http_reply){.headers = headers};
}

/* Fields that say where the reply ends are the server's to write. */
static bool is_framing(const char *name)
{
    return g_ascii_strcasecmp(name, "Content-Length") == 0 ||
           g_ascii_strcasecmp(name, "Transfer-Encoding") == 0 ||
           g_ascii_strcasecmp(name, "Connection") == 0;
}

static bool add_headers(struct MHD_Response *response, const struct http_reply *reply,
                        GError **error)
{
    for (size_t i = 0; reply->headers && i + 1 < reply->headers->len; i += 2) {
        const char *name = reply->headers->pdata[i], *value = reply->headers->pdata[i + 1];
        /* MHD takes no empty value; blanks around a value are no part of it. */
        if (!is_framing(name) && !MHD_add_response_header(response, name, *value ? value : " "))
            return error_set(error, ERROR_INTERNAL,
                             "the reply's field %s has a value that HTTP cannot carry", name);
    }
    if (reply->close)
        MHD_add_response_header(response, "Connection", "close");
    return true;
}

/* ---- the body ---- */

static void unref_bytes(void *bytes)
{
    g_bytes_unref(bytes);
}

static struct MHD_Response *from_memory(GBytes *bytes)
{
    size_t size;
    const void *data = g_bytes_get_data(bytes, &size);
    if (size == 0)
        return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_buffer_with_free_callback_cls(size, (void *)data, unref_bytes,
                                                                  g_bytes_ref(bytes));
}

static struct MHD_Response *from_file(struct stream *body, GError **error)
{
    gint64 offset, length;
    int fd;
    stream_take_file(body, &fd, &offset, &length); /* MHD closes it */
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64((uint64_t)length, fd, (uint64_t)offset);
    if (!response) {
        error_set_errno(error, errno, "sending an object's file");
        close(fd);
    }
    return response;
}

/* A response without a body is never read. */
static ssize_t read_nothing(void *data, uint64_t position, char *buffer, size_t size)
{
    (void)data, (void)position, (void)buffer, (void)size;
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *head_only(gint64 length)
{
    return MHD_create_response_from_callback(length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)length, 1,
                                             read_nothing, NULL, NULL);
}

static struct MHD_Response *with_body(struct http_reply *reply, bool may_block,
                                      MHD_ContentReaderCallback reader, void *data, bool *pump,
                                      GError **error)
{
    struct stream *body = reply->body;
    gint64 offset, length = stream_length(body);
    int fd;
    bool is_file = stream_file(body, &fd, &offset, &length);
    bool small = length >= 0 && length <= SMALL_BODY;
    if (stream_memory(body) || (small && (is_file || may_block))) {
        g_autoptr(GBytes) bytes = stream_read_all(body, G_MAXSIZE, error);
        return bytes ? from_memory(bytes) : NULL;
    }
    if (is_file)
        return from_file(body, error);
    *pump = true;
    return MHD_create_response_from_callback(length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)length,
                                             SMALL_BODY, reader, data, NULL);
}

struct MHD_Response *http_reply_response(struct http_reply *reply, bool is_head, bool may_block,
                                         MHD_ContentReaderCallback reader, void *data, bool *pump,
                                         GError **error)
{
    if (reply->status == 0) {
        error_set(error, ERROR_INTERNAL, "the request's handler made no reply");
        return NULL;
    }
    struct MHD_Response *response;
    is_head |= reply->status == 304; /* neither has a body; both may tell its length */
    if (is_head && reply->head_only)
        response = head_only(reply->content_length);
    else if (reply->head_only || !reply->body)
        response = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    else if (is_head)
        response = head_only(stream_length(reply->body));
    else
        response = with_body(reply, may_block, reader, data, pump, error);
    if (!*pump) {
        stream_free(reply->body);
        reply->body = NULL;
    }
    if (response && !add_headers(response, reply, error)) {
        MHD_destroy_response(response);
        response = NULL;
        *pump = false;
    }
    return response;
}

GString *http_reply_text_form(const struct http_reply *reply)
{
    GString *text = g_string_new(NULL);
    g_string_printf(text, "HTTP/1.1 %u %s\r\n", reply->status,
                    MHD_get_reason_phrase_for(reply->status));
    for (size_t i = 0; reply->headers && i + 1 < reply->headers->len; i += 2)
        if (!is_framing(reply->headers->pdata[i]))
            g_string_append_printf(text, "%s: %s\r\n", (char *)reply->headers->pdata[i],
                                   (char *)reply->headers->pdata[i + 1]);
    GBytes *body = reply->body ? stream_memory(reply->body) : NULL;
    g_string_append_printf(text, "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                           body ? g_bytes_get_size(body) : 0);
    if (body)
        g_string_append_len(text, g_bytes_get_data(body, NULL), (gssize)g_bytes_get_size(body));
    return text;
}
