#include "container/exchange.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define LARGEST_HEAD (64u << 10)
#define LONGEST_HEADER 1024

GBytes *exchange_pack(const json_t *head, const void *body, size_t size)
{
    g_autofree char *text = json_text_of(head);
    size_t head_size = strlen(text);
    guint32 length = GUINT32_TO_LE((guint32)head_size);
    char *message = g_malloc(sizeof length + head_size + size);
    memcpy(message, &length, sizeof length);
    memcpy(message + sizeof length, text, head_size);
    if (size)
        memcpy(message + sizeof length + head_size, body, size);
    return g_bytes_new_take(message, sizeof length + head_size + size);
}

json_t *exchange_unpack(GBytes *message, const char **body, size_t *size, GError **error)
{
    gsize whole;
    const char *bytes = g_bytes_get_data(message, &whole);
    guint32 length = UINT32_MAX;
    if (whole >= sizeof length)
        memcpy(&length, bytes, sizeof length);
    length = GUINT32_FROM_LE(length);
    if (length > LARGEST_HEAD || length > whole - sizeof length) {
        error_set(error, ERROR_INTERNAL,
                  "a message of %zu bytes does not begin with a head and its size (at most %u "
                  "bytes)",
                  whole, LARGEST_HEAD);
        return NULL;
    }
    json_t *head = json_parse(bytes + sizeof length, length, "the head of a message", error);
    if (head && !json_is_object(head)) {
        error_set(error, ERROR_INTERNAL, "the head of a message is not a JSON object");
        g_clear_pointer(&head, json_decref);
    }
    *body = bytes + sizeof length + length;
    *size = whole - sizeof length - length;
    return head;
}

GBytes *exchange_call(const struct invocation *invocation)
{
    g_autoptr(json_auto) head =
        json_pack("{ss*ss*ss*ss*ss*}", "ContentType", invocation->content_type, "Accept",
                  invocation->accept, "TargetModel", invocation->target_model, "CustomAttributes",
                  invocation->custom_attributes, "InferenceId", invocation->inference_id);
    return exchange_pack(head, invocation->bytes, invocation->size);
}

static bool refuse_answer(struct invocation_reply *reply, const char *why, GError **error)
{
    g_autofree char *words =
        g_strdup_printf("The model's process does not answer as it is to: %s", why);
    return invocation_refuse(reply, 500, words, error);
}

/* A text to be told, of bytes from outside. */
static bool take_refusal(struct invocation_reply *reply, unsigned status, const char *body,
                         size_t size, GError **error)
{
    g_autofree char *words = g_utf8_make_valid(size ? body : "", (gssize)size);
    return invocation_refuse(reply, status, words, error);
}

/* What becomes a header of HTTP. */
static bool is_header(const char *text)
{
    size_t size = text ? strlen(text) : 0;
    for (size_t i = 0; i < size; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return size <= LONGEST_HEADER;
}

static void take_body(struct invocation_reply *reply, const json_t *head, const char *body,
                      size_t size)
{
    reply->content_type = g_strdup(json_text_at(head, "ContentType"));
    reply->custom_attributes = g_strdup(json_text_at(head, "CustomAttributes"));
    char *copy = malloc(size ? size : 1); /* as lathe_text_clear frees */
    g_assert(copy);
    if (size)
        memcpy(copy, body, size);
    reply->body = (struct lathe_text){copy, size, size ? size : 1};
}

bool exchange_take_answer(GBytes *message, struct invocation_reply *reply, GError **error)
{
    g_autoptr(GError) cause = NULL;
    const char *body;
    size_t size;
    g_autoptr(json_auto) head = exchange_unpack(message, &body, &size, &cause);
    if (!head)
        return refuse_answer(reply, cause->message, error);
    gint64 status = json_integer_at(head, "Status", 0);
    if (status < 100 || status > 599)
        return refuse_answer(reply, "it does not say a status from 100 to 599", error);
    if (status < 200 || status > 299)
        return take_refusal(reply, (unsigned)status, body, size, error);
    if (!is_header(json_text_at(head, "ContentType")) ||
        !is_header(json_text_at(head, "CustomAttributes")))
        return refuse_answer(reply,
                             "its ContentType or CustomAttributes are not printable ASCII of at "
                             "most 1024 characters",
                             error);
    take_body(reply, head, body, size);
    return true;
}
