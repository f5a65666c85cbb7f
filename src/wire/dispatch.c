#include "wire/dispatch.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "wire/guard.h"
#include "wire/pages.h"
#include "wire/payload.h"
#include "wire/public_bucket.h"
#include "wire/query.h"
#include "wire/rest.h"
#include "wire/url.h"
#include "wire/wire_call.h"
#include "wire/xml.h"

/* Of a body that is read whole, inflated too. */
#define BODY_LIMIT (32u << 20)
#define XML_LIMIT (8u << 20) /* forms too */

struct dispatcher {
    const struct operations *operations;
    char *region;
    struct pages pages;
    char **hosts, **origins;
    guint64 id_high; /* request ids: random, then counted */
    atomic_ullong id_next;
    struct http_handler handler;
};

/* ---- replies ---- */

static bool is_s3(const struct wire_call *call)
{
    return call->protocol == PROTOCOL_REST_XML;
}

/* S3 has headers of its own; clients look for its HostId only where the others' is not. */
static void put_ids(const struct wire_call *call, struct http_reply *reply)
{
    if (!is_s3(call)) {
        http_reply_header(reply, "x-amzn-RequestId", call->request_id);
        return;
    }
    http_reply_header(reply, "x-amz-request-id", call->request_id);
    http_reply_header(reply, "x-amz-id-2", call->request_id);
    /* What a bucket holds shares its origin with the whole API: a page or a report of it runs in an
     * origin of its own, and a text is no page. */
    http_reply_header(reply, "X-Content-Type-Options", "nosniff");
    http_reply_header(reply, "Content-Security-Policy", "sandbox allow-scripts");
}

static void reply_error(struct wire_call *call, const json_t *members, const GError *error,
                        struct http_reply *reply)
{
    const struct error_context context = {
        .protocol = call->protocol,
        .xml_namespace = call->service ? call->service->xml_namespace : NULL,
        .method = call->request.method,
        .resource = call->request.path,
        .request_id = call->request_id,
        .host_id = call->request_id,
        .members = members,
        .query_mode = call->service && call->service->query_compatible &&
                      wire_header(&call->request, "x-amzn-query-mode"),
    };
    const char *bucket = is_s3(call) ? json_text_at(call->route.labels, "Bucket") : NULL;
    g_autoptr(GError) hint = public_bucket_hint(error, bucket, call->aws != NULL);
    put_ids(call, reply);
    error_reply(&context, hint ? hint : error, reply);
}

/* Where the client finds paths that begin with a bucket. */
static char *server_url(const struct wire_call *call)
{
    return call->aws ? g_strdup("https://s3.amazonaws.com")
                     : g_strconcat("http://", wire_header(&call->request, "host"), NULL);
}

static void encode(struct wire_call *call, struct reply *reply, struct http_reply *http)
{
    put_ids(call, http);
    if (call->post) {
        g_autofree char *server = server_url(call);
        s3_post_reply(call->post, server, reply->output, http);
        return;
    }
    switch (call->protocol) {
    case PROTOCOL_QUERY:
        http_reply_text(
            http, 200, "text/xml",
            query_encode(call->service, call->operation, reply->output, call->request_id));
        break;
    case PROTOCOL_REST_JSON:
    case PROTOCOL_REST_MLFLOW:
    case PROTOCOL_REST_XML:
        rest_encode(call->service, call->operation, reply, http);
        break;
    default:
        http_reply_text(http, 200,
                        call->protocol == PROTOCOL_JSON10 ? "application/x-amz-json-1.0"
                                                          : "application/x-amz-json-1.1",
                        reply->text     ? g_steal_pointer(&reply->text)
                        : reply->output ? json_text_of(reply->output)
                                        : g_strdup("{}"));
    }
}

/* ---- requests ---- */

/* Java's clients of Kinesis send CBOR unless they are told not to. */
static bool check_content(const struct wire_call *call, GError **error)
{
    const char *type = wire_header(&call->request, "content-type");
    return !type || !g_str_has_prefix(type, "application/x-amz-cbor") ||
           error_set(
               error, ERROR_SERIALIZATION,
               "the body of %s is CBOR, and lathe reads JSON: the AWS SDK for Java sends that "
               "with AWS_CBOR_ENABLED=false in the environment (version 1: "
               "AWS_CBOR_DISABLE=true).",
               call->operation->name);
}

static json_t *decode_json(const struct wire_call *call, GBytes *body, GError **error)
{
    gsize size;
    const char *text = g_bytes_get_data(body, &size);
    if (size == 0)
        return json_object();
    json_t *request = json_parse(text, size, "the body", error);
    if (request && !json_is_object(request)) {
        g_clear_pointer(&request, json_decref);
        error_set(error, ERROR_SERIALIZATION, "the body of %s is not a JSON object",
                  call->operation->name);
    }
    return request;
}

/* What aws-chunked took off the body goes off the members that describe it too, and the trailer's
 * name says which checksum the object is to have. */
static void settle_members(const struct wire_call *call, json_t *request)
{
    gint64 length = payload_length(&call->request);
    if (shape_member_find(call->operation->input, "ContentLength")) {
        json_object_del(request, "ContentLength");
        if (length >= 0)
            json_object_set_new(request, "ContentLength", json_integer(length));
    }
    const char *encoding = json_string_value(json_object_get(request, "ContentEncoding"));
    if (encoding && strstr(encoding, "aws-chunked")) {
        g_auto(GStrv) parts = g_strsplit(encoding, ",", -1);
        GString *rest = g_string_new(NULL);
        for (char **part = parts; *part; part++) {
            g_strstrip(*part);
            if (**part && strcmp(*part, "aws-chunked") != 0)
                g_string_append_printf(rest, "%s%s", rest->len ? "," : "", *part);
        }
        json_object_del(request, "ContentEncoding");
        if (rest->len)
            json_object_set_new(request, "ContentEncoding", json_string(rest->str));
        g_string_free(rest, TRUE);
    }
    const char *trailer = wire_header(&call->request, "x-amz-trailer");
    const char *prefix = "x-amz-checksum-";
    if (trailer && g_str_has_prefix(trailer, prefix) &&
        !json_object_get(request, "ChecksumAlgorithm")) {
        g_autofree char *name = g_ascii_strup(trailer + strlen(prefix), -1);
        json_object_set_new(request, "ChecksumAlgorithm", json_string(name));
    }
}

static bool has_stream(const struct shape_operation *operation)
{
    const struct shape_member *payload = operation->input ? shape_payload(operation->input) : NULL;
    return payload && payload->flags & MEMBER_STREAM;
}

/* The body whole, unwrapped and checked. */
static GBytes *read_body(const struct wire_call *call, struct stream *body, GError **error)
{
    bool xml = is_s3(call);
    g_autoptr(GBytes) sent = stream_read_all(body, xml ? XML_LIMIT : BODY_LIMIT, error);
    if (!sent)
        return NULL;
    if (xml && call->operation->flags & OPERATION_SHAPE_CHECKSUM &&
        !payload_check(&call->request, sent, error))
        return NULL;
    return xml ? g_steal_pointer(&sent) : payload_inflate(&call->request, sent, BODY_LIMIT, error);
}

static bool is_json(const struct wire_call *call)
{
    return call->protocol == PROTOCOL_JSON10 || call->protocol == PROTOCOL_JSON11;
}

static bool is_rest_json(const struct wire_call *call)
{
    return call->protocol == PROTOCOL_REST_JSON || call->protocol == PROTOCOL_REST_MLFLOW;
}

static json_t *decode(struct wire_call *call, struct stream *body, GError **error)
{
    if (has_stream(call->operation)) {
        json_t *request =
            rest_decode(call->service, &call->route, &call->request, call->query, NULL, error);
        if (request && is_s3(call))
            settle_members(call, request);
        return request;
    }
    if (call->protocol == PROTOCOL_QUERY)
        return query_decode(call->operation, call->form);
    g_autoptr(GBytes) whole = read_body(call, body, error);
    return whole
               ? rest_decode(call->service, &call->route, &call->request, call->query, whole, error)
               : NULL;
}

static struct call_context context_of(const struct dispatcher *dispatcher,
                                      const struct wire_call *call, struct stream *body)
{
    const char *region = call->credential.region;
    return (struct call_context){
        .region = *region ? region : dispatcher->region,
        .request_id = call->request_id,
        .within = call->within,
        .body = body,
    };
}

static bool call_operation(struct dispatcher *dispatcher, const struct wire_call *call,
                           const json_t *request, struct stream *body, struct reply *reply,
                           GError **error)
{
    const struct call_context context = context_of(dispatcher, call, body);
    return operation_call(dispatcher->operations, &context, call->service->name,
                          call->operation->name, request, reply, error);
}

/* Some operations read bodies of a plain form themselves. */
static enum operation_way run_directly(struct dispatcher *dispatcher, const struct wire_call *call,
                                       GBytes *whole, struct reply *reply, GError **error)
{
    const struct call_context context = context_of(dispatcher, call, NULL);
    return operation_call_direct(dispatcher->operations, &context, call->service->name,
                                 call->operation->name, whole, reply, error);
}

static bool run_json(struct dispatcher *dispatcher, struct wire_call *call, struct stream *body,
                     struct reply *reply, GError **error)
{
    g_autoptr(GBytes) whole = check_content(call, error) ? read_body(call, body, error) : NULL;
    if (!whole)
        return false;
    enum operation_way way = run_directly(dispatcher, call, whole, reply, error);
    if (way != OPERATION_GENERAL)
        return way == OPERATION_DONE;
    g_autoptr(json_auto) request = decode_json(call, whole, error);
    return request && call_operation(dispatcher, call, request, NULL, reply, error);
}

static bool run_rest_json(struct dispatcher *dispatcher, struct wire_call *call,
                          struct stream *body, struct reply *reply, GError **error)
{
    g_autoptr(GBytes) whole = read_body(call, body, error);
    if (!whole)
        return false;
    enum operation_way way = rest_is_body(&call->route, &call->request, call->query)
                                 ? run_directly(dispatcher, call, whole, reply, error)
                                 : OPERATION_GENERAL;
    if (way != OPERATION_GENERAL)
        return way == OPERATION_DONE;
    g_autoptr(json_auto) request =
        rest_decode(call->service, &call->route, &call->request, call->query, whole, error);
    return request && call_operation(dispatcher, call, request, NULL, reply, error);
}

static bool run_post(struct dispatcher *dispatcher, struct wire_call *call, struct stream *body,
                     struct reply *reply, GError **error)
{
    call->post = s3_post_read(&call->request, &call->route, body, error);
    g_autoptr(json_auto) request =
        call->post ? s3_post_decode(call->post, call->service, &call->route, error) : NULL;
    return request &&
           call_operation(dispatcher, call, request, s3_post_file(call->post), reply, error);
}

static bool run_call(struct dispatcher *dispatcher, struct wire_call *call, struct stream *body,
                     struct reply *reply, GError **error)
{
    if (call->is_post)
        return run_post(dispatcher, call, body, reply, error);
    if (is_json(call))
        return run_json(dispatcher, call, body, reply, error);
    if (is_rest_json(call) && !has_stream(call->operation))
        return run_rest_json(dispatcher, call, body, reply, error);
    if (call->protocol == PROTOCOL_QUERY) {
        g_autoptr(GBytes) form = stream_read_all(body, XML_LIMIT, error);
        g_autoptr(GBytes) plain =
            form ? payload_inflate(&call->request, form, XML_LIMIT, error) : NULL;
        if (!plain || !wire_call_identify_form(call, plain, error))
            return false;
    }
    g_autoptr(stream_auto) filter = NULL;
    if (is_s3(call) && !payload_filter(&call->request, body, &filter, error))
        return false;
    struct stream *decoded = filter ? filter : body;
    g_autoptr(json_auto) request = decode(call, decoded, error);
    if (!request)
        return false;
    return call_operation(dispatcher, call, request, has_stream(call->operation) ? decoded : NULL,
                          reply, error);
}

/* ---- the handler ---- */

/* A browser asks before it lets a page of a configured origin call. */
static void reply_preflight(const struct wire_call *call, struct http_reply *reply)
{
    const char *method = wire_header(&call->request, "access-control-request-method");
    const char *headers = wire_header(&call->request, "access-control-request-headers");
    reply->status = 204;
    http_reply_header(reply, "Access-Control-Allow-Methods", method ? method : "GET");
    if (headers)
        http_reply_header(reply, "Access-Control-Allow-Headers", headers);
    http_reply_header(reply, "Access-Control-Max-Age", "600");
}

static void put_cors(const struct wire_call *call, struct http_reply *reply)
{
    /* The guard has let the origin through. */
    const char *origin = wire_header(&call->request, "origin");
    if (!origin)
        return;
    http_reply_header(reply, "Access-Control-Allow-Origin", origin);
    http_reply_header(reply, "Access-Control-Expose-Headers", "*");
    http_reply_header(reply, "Vary", "Origin");
}

/* size: of the body; -1: not told. */
static enum http_where where_to_run(const struct dispatcher *dispatcher,
                                    const struct wire_call *call, gint64 size, GError **error)
{
    if (call->protocol == PROTOCOL_QUERY)
        return strcmp(call->request.method, "POST") == 0 ? HTTP_BLOCKING : HTTP_QUICK;
    const struct operation *operation =
        operation_find(dispatcher->operations, call->service->name, call->operation->name);
    if (!operation) {
        error_set(error, ERROR_UNKNOWN_OPERATION,
                  "%s is an operation of %s that lathe does not "
                  "have",
                  call->operation->name, call->service->name);
        return HTTP_REFUSE;
    }
    if (operation->flags & OPERATION_STREAMS)
        return HTTP_STREAMING;
    const struct call_head head = {call->operation->name, call->route.labels, size};
    static const enum http_where places[] = {
        [PACE_BLOCKING] = HTTP_BLOCKING, [PACE_QUICK] = HTTP_QUICK, [PACE_WAITING] = HTTP_WAITING};
    return places[operation_pace(dispatcher->operations, call->service->name, &head)];
}

/* Our own pages: a bucket's host has objects of all names instead. */
static bool is_page(const struct wire_call *call)
{
    return !call->aws && pages_has(call->request.path);
}

/* Where a request that may come in is to run. */
static enum http_where route_call(struct dispatcher *dispatcher, struct wire_call *call,
                                  gint64 size, struct http_reply *reply, GError **error)
{
    if (strcmp(call->request.method, "OPTIONS") == 0) {
        if (wire_header(&call->request, "origin"))
            reply_preflight(call, reply);
        else
            error_set(error, ERROR_BAD_REQUEST,
                      "Insufficient information. Origin request header needed: OPTIONS is answered "
                      "to a browser's preflight only.");
        return HTTP_REFUSE;
    }
    if (is_page(call))
        return HTTP_BLOCKING;
    if (call->aws && call->aws->is_telemetry) { /* told no further, and not kept */
        http_reply_text(reply, 200, "text/plain", g_strdup(""));
        return HTTP_REFUSE;
    }
    if (!wire_call_identify(call, error) ||
        (call->query && !presigned_is_valid(call->query, clock_now(), error)))
        return HTTP_REFUSE;
    return where_to_run(dispatcher, call, size, error);
}

static void free_call(void *call)
{
    wire_call_free(call);
}

static bool guard_name(const struct dispatcher *dispatcher, const struct wire_call *call,
                       const char *host, GError **error)
{
    return host ? guard_same_host(&call->request, host, error)
                : guard_host(&call->request, (const char *const *)dispatcher->hosts, error);
}

static enum http_where route(void *context, struct http_request *http, struct http_reply *reply)
{
    struct dispatcher *dispatcher = context;
    struct wire_call *call =
        wire_call_new(http, dispatcher->id_high, atomic_fetch_add(&dispatcher->id_next, 1));
    http->data = call;
    http->data_free = free_call;
    g_autoptr(GError) error = NULL;
    enum http_where where = HTTP_REFUSE;
    if (guard_name(dispatcher, call, http->host, &error) &&
        guard_origin(&call->request, (const char *const *)dispatcher->origins, &error)) {
        where = route_call(dispatcher, call, http->content_length, reply, &error);
        if (where == HTTP_REFUSE)
            put_cors(call, reply);
    }
    if (error)
        reply_error(call, NULL, error, reply);
    return where;
}

static void respond(void *context, struct http_request *http, struct http_reply *reply)
{
    struct dispatcher *dispatcher = context;
    struct wire_call *call = http->data;
    wire_call_refresh(call, http);
    put_cors(call, reply);
    if (is_page(call)) {
        pages_reply(&dispatcher->pages, call->request.method, call->request.path, reply);
        return;
    }
    g_autoptr(GError) error = NULL;
    struct reply answer = {0};
    if (run_call(dispatcher, call, http->body, &answer, &error))
        encode(call, &answer, reply);
    else
        reply_error(call, answer.output, error, reply);
    reply_clear(&answer);
}

/* What HTTP itself refuses comes before any protocol is known: JSON, which no client mistakes for
 * its own service's refusal. */
static void refuse(void *context, unsigned status, const char *why, struct http_reply *reply)
{
    struct dispatcher *dispatcher = context;
    char id[REQUEST_ID_LENGTH + 1];
    wire_request_id(id, dispatcher->id_high, atomic_fetch_add(&dispatcher->id_next, 1));
    http_reply_header(reply, "x-amzn-RequestId", id);
    g_autoptr(json_auto) body = json_pack("{s:s, s:s}", "__type",
                                          status == 413   ? "EntityTooLarge"
                                          : status == 503 ? "ServiceUnavailable"
                                                          : "BadRequest",
                                          "message", why);
    http_reply_text(reply, status, "application/json", json_text_of(body));
}

struct dispatcher *dispatcher_new(const struct operations *operations,
                                  const struct dispatcher_options *options)
{
    struct dispatcher *dispatcher = g_new0(struct dispatcher, 1);
    dispatcher->operations = operations;
    dispatcher->region = g_strdup(options->region ? options->region : "us-east-1");
    dispatcher->pages =
        (struct pages){operations, g_strdup(options->version), options->move_clock, options->data};
    dispatcher->hosts = g_strdupv((char **)options->hosts);
    dispatcher->origins = g_strdupv((char **)options->origins);
    id_random(&dispatcher->id_high, sizeof dispatcher->id_high);
    dispatcher->handler = (struct http_handler){route, respond, refuse, dispatcher};
    return dispatcher;
}

void dispatcher_free(struct dispatcher *dispatcher)
{
    if (!dispatcher)
        return;
    g_free(dispatcher->region);
    g_free((char *)dispatcher->pages.version);
    g_strfreev(dispatcher->hosts);
    g_strfreev(dispatcher->origins);
    g_free(dispatcher);
}

const struct http_handler *dispatcher_handler(const struct dispatcher *dispatcher)
{
    return &dispatcher->handler;
}
