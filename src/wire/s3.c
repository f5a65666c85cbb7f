#include "wire/s3.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "wire/url.h"
#include "wire/xml.h"

/* ---- requests ---- */

static bool is_version_2(const GArray *query)
{
    return url_pair_value(query, "Signature") && url_pair_value(query, "AWSAccessKeyId");
}

/* Whether a header counts where it is in the query. Expires is the URL's own there. */
static bool counts_in_query(const GArray *query, const char *name)
{
    static const char *const choices[] = {"x-amz-checksum-mode", "x-amz-checksum-algorithm",
                                          "x-amz-checksum-type", NULL};
    g_autofree char *lower = g_ascii_strdown(name, -1);
    if (g_str_has_prefix(lower, "x-amz-checksum-"))
        return g_strv_contains(choices, lower);
    if (strcmp(lower, "x-amz-sdk-checksum-algorithm") == 0 || strcmp(lower, "expires") == 0)
        return false;
    return g_str_has_prefix(lower, "x-amz-") || is_version_2(query);
}

const char *s3_presigned_header(const GArray *query, const char *name)
{
    if (query->len == 0 || !counts_in_query(query, name))
        return NULL;
    for (guint i = 0; i < query->len; i++) {
        const struct url_pair *pair = &g_array_index(query, struct url_pair, i);
        if (g_ascii_strcasecmp(pair->name, name) == 0)
            return pair->value;
    }
    return NULL;
}

static bool needs(const struct shape_operation *operation, const char *parameter)
{
    for (size_t i = 0; i < operation->need_count; i++)
        if (shape_need_is(operation->needs[i], parameter))
            return true;
    return false;
}

bool s3_selects_another(const struct shape_service *service,
                        const struct shape_operation *operation, const char *parameter)
{
    bool reads = strcmp(operation->method, "GET") == 0 || strcmp(operation->method, "HEAD") == 0;
    for (size_t i = 0; i < service->operation_count; i++) {
        const struct shape_operation *other = &service->operations[i];
        bool alike = strcmp(other->path, operation->path) == 0 &&
                     strcmp(other->method, operation->method) == 0;
        if (needs(other, parameter) && (!reads || alike))
            return true;
    }
    return !reads && strcmp(parameter, "versionId") == 0;
}

bool s3_tells_empty(const char *parameter)
{
    return strcmp(parameter, "continuation-token") == 0;
}

bool s3_check_headers(const struct shape_operation *operation, const struct wire_request *request,
                      GError **error)
{
    const char *name = "x-amz-server-side-encryption";
    return !wire_header(request, name) ||
           (operation->input && shape_member_find(operation->input, "ServerSideEncryption")) ||
           error_set(error, ERROR_INVALID_ARGUMENT,
                     "%s header is not supported for this operation.", name);
}

bool s3_is_no_date(const struct shape_member *member, const char *text)
{
    const char *name = shape_wire_name(member);
    double date;
    bool condition =
        member->shape->type == SHAPE_TIMESTAMP &&
        (g_str_has_suffix(name, "odified-Since") || g_str_has_suffix(name, "-modified-since") ||
         g_str_has_suffix(name, "-unmodified-since"));
    return condition && !(g_ascii_isalpha(*text) && clock_parse(text, &date));
}

/* ---- replies ---- */

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* The roots of S3's documents, which its model does not tell. */
static const struct {
    const char *operation, *root;
} roots[] = {
    {"CompleteMultipartUpload", "CompleteMultipartUploadResult"},
    {"CreateMultipartUpload", "InitiateMultipartUploadResult"},
    {"DeleteObjects", "DeleteResult"},
    {"GetBucketAccelerateConfiguration", "AccelerateConfiguration"},
    {"GetBucketAcl", "AccessControlPolicy"},
    {"GetBucketCors", "CORSConfiguration"},
    {"GetBucketLifecycleConfiguration", "LifecycleConfiguration"},
    {"GetBucketLocation", "LocationConstraint"},
    {"GetBucketLogging", "BucketLoggingStatus"},
    {"GetBucketNotificationConfiguration", "NotificationConfiguration"},
    {"GetBucketRequestPayment", "RequestPaymentConfiguration"},
    {"GetBucketTagging", "Tagging"},
    {"GetBucketVersioning", "VersioningConfiguration"},
    {"GetBucketWebsite", "WebsiteConfiguration"},
    {"GetObjectAcl", "AccessControlPolicy"},
    {"GetObjectAttributes", "GetObjectAttributesResponse"},
    {"GetObjectTagging", "Tagging"},
    {"ListBuckets", "ListAllMyBucketsResult"},
    {"ListMultipartUploads", "ListMultipartUploadsResult"},
    {"ListObjectVersions", "ListVersionsResult"},
    {"ListObjects", "ListBucketResult"},
    {"ListObjectsV2", "ListBucketResult"},
    {"ListParts", "ListPartsResult"},
};

static const char *root_of(const struct shape_operation *operation)
{
    for (size_t i = 0; i < G_N_ELEMENTS(roots); i++)
        if (strcmp(roots[i].operation, operation->name) == 0)
            return roots[i].root;
    return operation->output->name;
}

static bool has_body(const struct shape *output)
{
    for (size_t i = 0; i < output->member_count; i++)
        if (output->members[i].location == AT_BODY)
            return true;
    return false;
}

void s3_encode_body(const struct shape_service *service, const struct shape_operation *operation,
                    const struct shape_member *payload, const json_t *output,
                    struct http_reply *http)
{
    if (http->head_only || !has_body(operation->output))
        return;
    const json_t *value = payload ? json_object_get(output, payload->name) : output;
    if (payload && payload->shape->type == SHAPE_STRING) {
        if (json_is_string(value))
            http_reply_text(http, http->status, "application/json",
                            g_strdup(json_string_value(value)));
        return;
    }
    const char *root = payload ? shape_wire_name(payload) : root_of(operation);
    GString *out = g_string_new(DECLARATION);
    g_string_append_printf(out, "<%s xmlns=\"%s\">", root, service->xml_namespace);
    /* GetBucketLocation's one member is the root's own text; us-east-1 is written as nothing. */
    const char *location = json_string_value(json_object_get(output, "LocationConstraint"));
    if (strcmp(operation->name, "GetBucketLocation") == 0)
        xml_append_text(out, location ? location : "", location ? strlen(location) : 0);
    else if (value)
        xml_append_members(out, payload ? payload->shape : operation->output, value);
    g_string_append_printf(out, "</%s>", root);
    http_reply_text(http, http->status, "application/xml", g_string_free(out, FALSE));
}

char *s3_encode_error(const GError *error, const json_t *members, const char *resource,
                      const char *request_id, const char *host_id)
{
    GString *out = g_string_new(DECLARATION "<Error>");
    xml_append_element(out, "Code", error_name_s3(error));
    xml_append_element(out, "Message", error->message);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)members, name, value)
    {
        if (json_is_string(value))
            xml_append_element(out, name, json_string_value(value));
    }
    xml_append_element(out, "Resource", resource);
    xml_append_element(out, "RequestId", request_id);
    xml_append_element(out, "HostId", host_id);
    g_string_append(out, "</Error>");
    return g_string_free(out, FALSE);
}
