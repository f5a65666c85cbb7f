#include "wire/error_reply.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "wire/mlflow.h"
#include "wire/s3.h"
#include "wire/xml.h"

#define BAD_REQUEST 400
#define NOT_MODIFIED 304
#define METHOD_NOT_ALLOWED 405
#define SERVER_ERROR 500

static bool is_unknown(const GError *error)
{
    return g_error_matches(error, LATHE_ERROR, ERROR_UNKNOWN_OPERATION);
}

static void json_reply(const struct error_context *context, const GError *error,
                       struct http_reply *reply)
{
    const char *code = error_name(error);
    bool rest = context->protocol == PROTOCOL_REST_JSON;
    g_autoptr(json_auto) body = json_object();
    if (!rest)
        json_object_set_new(body, "__type", json_string(code));
    json_object_set_new(body, "message", json_string(error->message));
    if (context->members) {
        /* Errors that have members of their own spell it so in their shapes. */
        json_object_set_new(body, "Message", json_string(error->message));
        json_object_update(body, (json_t *)context->members);
    }
    http_reply_header(reply, "x-amzn-ErrorType", code);
    if (context->query_mode) {
        g_autofree char *both = g_strdup_printf(
            "%s;%s", code, error_status(error) < SERVER_ERROR ? "Sender" : "Receiver");
        http_reply_header(reply, "x-amzn-query-error", both);
    }
    const char *type = rest                                   ? "application/json"
                       : context->protocol == PROTOCOL_JSON10 ? "application/x-amz-json-1.0"
                                                              : "application/x-amz-json-1.1";
    http_reply_text(reply, error_status(error), type, json_text_of(body));
}

static void query_reply(const struct error_context *context, const GError *error,
                        struct http_reply *reply)
{
    unsigned status = error_status(error);
    GString *out = g_string_new("<ErrorResponse");
    if (context->xml_namespace)
        g_string_append_printf(out, " xmlns=\"%s\"", context->xml_namespace);
    g_string_append(out, "><Error>");
    xml_append_element(out, "Type", status < SERVER_ERROR ? "Sender" : "Receiver");
    xml_append_element(out, "Code", is_unknown(error) ? "InvalidAction" : error_name(error));
    xml_append_element(out, "Message", error->message);
    g_string_append(out, "</Error>");
    xml_append_element(out, "RequestId", context->request_id);
    g_string_append(out, "</ErrorResponse>");
    http_reply_text(reply, status, "text/xml", g_string_free(out, FALSE));
}

/* What S3 says in headers although it refuses: what a 304 or 412 was decided by, and how large the
 * object is whose range was asked for. */
static void s3_headers(const json_t *members, struct http_reply *reply)
{
    const char *etag = json_text_at(members, "ETag");
    double modified = json_number_at(members, "LastModified", 0);
    const char *size = json_text_at(members, "ActualObjectSize");
    if (etag)
        http_reply_header(reply, "ETag", etag);
    if (modified > 0) {
        g_autofree char *date = clock_http(modified);
        http_reply_header(reply, "Last-Modified", date);
    }
    if (json_true_at(members, "DeleteMarker")) {
        http_reply_header(reply, "x-amz-delete-marker", "true");
        if (reply->status == METHOD_NOT_ALLOWED)
            http_reply_header(reply, "Allow", "DELETE");
    }
    if (json_text_at(members, "VersionId"))
        http_reply_header(reply, "x-amz-version-id", json_text_at(members, "VersionId"));
    if (size) {
        g_autofree char *range = g_strdup_printf("bytes */%s", size);
        http_reply_header(reply, "Content-Range", range);
    }
}

static void s3_reply(const struct error_context *context, const GError *error,
                     struct http_reply *reply)
{
    unsigned status = is_unknown(error) ? 501 : error_status(error);
    reply->status = status;
    s3_headers(context->members, reply);
    if (strcmp(context->method, "HEAD") == 0) {
        reply->head_only = true;
        return;
    }
    if (status != NOT_MODIFIED)
        http_reply_text(reply, status, "application/xml",
                        s3_encode_error(error, context->members, context->resource,
                                        context->request_id, context->host_id));
}

void error_reply(const struct error_context *context, const GError *error, struct http_reply *reply)
{
    /* A message may repeat what a client sent. */
    g_autoptr(GError) clean = g_error_copy(error);
    g_free(clean->message);
    clean->message = g_utf8_make_valid(error->message, -1);
    switch (context->protocol) {
    case PROTOCOL_QUERY:
        query_reply(context, clean, reply);
        break;
    case PROTOCOL_REST_XML:
        s3_reply(context, clean, reply);
        break;
    case PROTOCOL_REST_MLFLOW:
        mlflow_error_reply(clean, reply);
        break;
    default:
        json_reply(context, clean, reply);
    }
}
