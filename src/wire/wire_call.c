#include "wire/wire_call.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "http/http.h"
#include "wire/guard.h"
#include "wire/mlflow.h"
#include "wire/url.h"

#define MOST_QUERY_PAIRS 256
#define MOST_FORM_PAIRS 20000
#define LONGEST_FORM_NAME 256 /* "MetricData.member.12.Dimensions.member.3.Value" */

static void take_header(const char *name, const char *value, void *data)
{
    struct wire_call *call = data;
    if (call->request.header_count < MOST_HEADERS)
        call->headers[call->request.header_count++] = (struct wire_header){name, value};
}

void wire_request_id(char id[REQUEST_ID_LENGTH + 1], guint64 high, guint64 low)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0, nibble = 0; i < REQUEST_ID_LENGTH; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            id[i] = '-';
            continue;
        }
        guint64 half = nibble < 16 ? high : low;
        id[i] = digits[half >> (60 - 4 * (nibble % 16)) & 15];
        nibble++;
    }
    id[REQUEST_ID_LENGTH] = '\0';
}

void wire_call_refresh(struct wire_call *call, const struct http_request *http)
{
    call->request = (struct wire_request){.method = http->method,
                                          .path = call->path ? call->path : http->path,
                                          .query = http->query,
                                          .headers = call->headers};
    http_headers(http, take_header, call);
}

/* A host's name says what a signature's scope does, and outranks it. */
static void take_aws_host(struct wire_call *call, const char *host)
{
    struct credential *credential = &call->credential;
    call->aws = g_new(struct aws_host, 1);
    aws_host_read(host, call->aws);
    if (*call->aws->service)
        g_strlcpy(credential->service, call->aws->service, sizeof credential->service);
    if (*call->aws->region)
        g_strlcpy(credential->region, call->aws->region, sizeof credential->region);
}

struct wire_call *wire_call_new(const struct http_request *http, guint64 id_high, guint64 id_low)
{
    /* The headers' array needs no zeros: it is long, and this runs for every prediction. */
    struct wire_call *call = g_new(struct wire_call, 1);
    call->query = NULL;
    call->path = NULL;
    call->service = NULL;
    call->operation = NULL;
    call->protocol = PROTOCOL_JSON11;
    call->route = (struct route){0};
    call->form = NULL;
    call->is_post = false;
    call->post = NULL;
    wire_request_id(call->request_id, id_high, id_low);
    wire_call_refresh(call, http);
    credential_read(&call->request, &call->credential);
    call->aws = NULL;
    call->within = http->within;
    if (http->host)
        take_aws_host(call, http->host);
    return call;
}

void wire_call_free(struct wire_call *call)
{
    if (call->query)
        g_array_unref(call->query);
    if (call->form)
        g_array_unref(call->form);
    s3_post_free(call->post);
    g_free(call->path);
    g_free(call->aws);
    route_clear(&call->route);
    g_free(call);
}

static bool unknown(GError **error, const char *service, const char *operation)
{
    return error_set(error, ERROR_UNKNOWN_OPERATION, "%.128s has no operation %.128s", service,
                     operation);
}

/* X-Amz-Target: <prefix>.<Operation> */
static bool identify_target(struct wire_call *call, const char *target, GError **error)
{
    const char *dot = strrchr(target, '.');
    const char *type = wire_header(&call->request, "content-type");
    bool old = type && strstr(type, "x-amz-json-1.0");
    call->protocol = old ? PROTOCOL_JSON10 : PROTOCOL_JSON11;
    call->service = dot ? shape_service_by_target(target, (size_t)(dot - target)) : NULL;
    if (!call->service)
        return error_set(error, ERROR_UNKNOWN_OPERATION,
                         "X-Amz-Target '%.255s' names no service that lathe serves", target);
    if (call->aws && strcmp(call->service->signing_name, call->aws->service) != 0)
        return error_set(error, ERROR_UNKNOWN_OPERATION,
                         "X-Amz-Target '%.255s' is none of the service '%s', whose host was asked",
                         target, call->aws->service);
    call->operation = shape_operation_find(call->service, dot + 1);
    return call->operation || unknown(error, call->service->name, dot + 1);
}

/* A REST service other than S3 that was meant: by the credential scope where there is one, and by
 * the path. */
static const struct shape_service *rest_service(const struct wire_call *call)
{
    const char *scope = call->credential.service;
    for (size_t i = 0; shape_services[i]; i++) {
        const struct shape_service *service = shape_services[i];
        if (service->protocol == PROTOCOL_REST_JSON &&
            (!*scope || strcmp(scope, service->signing_name) == 0) &&
            route_fits_path(service, &call->request))
            return service;
    }
    return NULL;
}

static bool identify_rest(struct wire_call *call, const struct shape_service *service,
                          GError **error)
{
    call->service = service;
    call->protocol = service->protocol;
    if (!route_find(service, &call->request, call->query, &call->route, error))
        return false;
    call->operation = call->route.operation;
    return call->operation ||
           error_set(error,
                     service->protocol == PROTOCOL_REST_XML ? ERROR_METHOD_NOT_ALLOWED
                                                            : ERROR_UNKNOWN_OPERATION,
                     "The specified method is not allowed against this resource: no operation of "
                     "%s fits %s %.255s",
                     service->name, call->request.method, call->request.path);
}

static char *aws_bucket(const struct wire_call *call)
{
    return *call->aws->bucket ? g_strdup(call->aws->bucket) : NULL;
}

static bool identify_s3(struct wire_call *call, GError **error)
{
    g_autofree char *bucket = call->aws ? aws_bucket(call) : guard_virtual_bucket(&call->request);
    if (bucket) {
        call->path = g_strconcat("/", bucket, call->request.path, NULL);
        call->request.path = call->path;
    }
    const struct shape_service *s3 = shape_service_find("s3");
    if (!s3_post_fits(&call->request))
        return identify_rest(call, s3, error);
    call->is_post = true;
    call->service = s3;
    call->protocol = s3->protocol;
    if (!s3_post_route(s3, &call->request, &call->route, error))
        return false;
    call->operation = call->route.operation;
    return true;
}

/* MLflow's, where the path is: the whole of that path is its own. */
static const struct shape_service *mlflow_service(struct wire_call *call)
{
    char *path = call->aws ? NULL : mlflow_path(call->request.path, call->credential.service);
    if (!path)
        return NULL;
    call->path = path;
    call->request.path = path;
    return shape_service_find("mlflow");
}

/* The service that a scope names and that is neither S3 nor was reached by its own door. */
static bool is_foreign_scope(const char *scope)
{
    return *scope && !g_str_has_prefix(scope, "s3");
}

bool wire_call_identify(struct wire_call *call, GError **error)
{
    const struct wire_request *request = &call->request;
    const char *target = wire_header(request, "x-amz-target");
    if (target)
        return identify_target(call, target, error);
    const char *type = wire_header(request, "content-type");
    const char *scope = call->credential.service;
    bool posted = strcmp(request->method, "POST") == 0;
    bool is_form = type && g_str_has_prefix(type, "application/x-www-form-urlencoded");
    if (posted && is_form && strcmp(request->path, "/") == 0 && strcmp(scope, "s3") != 0) {
        call->protocol = PROTOCOL_QUERY;
        return true;
    }
    bool is_s3 = g_str_has_prefix(scope, "s3") || (!*scope && s3_post_fits(request));
    const struct shape_service *rest = mlflow_service(call);
    if (!rest && !is_s3)
        rest = rest_service(call);
    call->protocol = rest ? rest->protocol : PROTOCOL_REST_XML;
    call->query = url_pairs(request->query, strlen(request->query), MOST_QUERY_PAIRS, error);
    if (!call->query)
        return false;
    if (rest)
        return identify_rest(call, rest, error);
    if (is_foreign_scope(scope)) {
        call->protocol = PROTOCOL_REST_JSON;
        return error_set(error, ERROR_UNKNOWN_OPERATION,
                         "no operation of the service '%s' that lathe serves fits %s %.255s", scope,
                         request->method, request->path);
    }
    return identify_s3(call, error);
}

/* Each name is looked at part by part, so its length has a bound. */
static bool check_names(const GArray *form, GError **error)
{
    for (guint i = 0; i < form->len; i++) {
        const char *name = g_array_index(form, struct url_pair, i).name;
        if (strlen(name) > LONGEST_FORM_NAME)
            return error_set(error, ERROR_INVALID_ARGUMENT,
                             "the name of the form's parameter %u, '%.64s...', is longer than %d "
                             "bytes",
                             i + 1, name, LONGEST_FORM_NAME);
    }
    return true;
}

/* By the scope, else by the version, which differs from service to service. */
static const struct shape_service *form_service(const struct wire_call *call, const char *version)
{
    const char *scope = call->credential.service;
    for (size_t i = 0; shape_services[i]; i++) {
        const struct shape_service *service = shape_services[i];
        bool speaks = service->protocol == PROTOCOL_QUERY || service->query_compatible;
        if (speaks && (*scope ? strcmp(service->signing_name, scope) == 0
                              : strcmp(service->version, version) == 0))
            return service;
    }
    return NULL;
}

bool wire_call_identify_form(struct wire_call *call, GBytes *body, GError **error)
{
    gsize size;
    const char *text = g_bytes_get_data(body, &size);
    call->form = url_pairs(text, size, MOST_FORM_PAIRS, error);
    if (!call->form || !check_names(call->form, error))
        return false;
    const char *action = url_pair_value(call->form, "Action");
    const char *version = url_pair_value(call->form, "Version");
    if (!action)
        return error_set(error, ERROR_INVALID_ACTION,
                         "the form has no Action, which names the operation");
    call->service = form_service(call, version ? version : "");
    if (!call->service)
        return error_set(error, ERROR_INVALID_ACTION,
                         "Could not find operation %.128s for version %.32s", action,
                         version ? version : "(none)");
    call->operation = shape_operation_find(call->service, action);
    return call->operation ||
           error_set(error, ERROR_INVALID_ACTION, "Could not find operation %.128s of %s", action,
                     call->service->name);
}
