/* What S3 asks of a bucket's settings beyond their shapes. */
#include <string.h>

#include "base/id.h"
#include "service/s3/acl.h"
#include "service/s3/setting.h"

enum { CORS_RULES = 100, BUCKET_TAGS = 50 };

bool s3_check_accelerate(const struct call *call, const json_t *request, json_t *document,
                         GError **error)
{
    (void)call;
    if (strchr(s3_text(request, "Bucket"), '.'))
        return error_set(error, ERROR_INVALID_REQUEST,
                         "S3 Transfer Acceleration is not supported for buckets with periods (.) "
                         "in their names: %s",
                         s3_text(request, "Bucket"));
    return json_text_at(document, "AccelerateConfiguration.Status") ||
           error_set(error, ERROR_MALFORMED_XML,
                     "The XML you provided was not well-formed or did not validate against our "
                     "published schema: there is no Status, Enabled or Suspended");
}

/* ---- CORS ---- */

static bool check_methods(const json_t *methods, GError **error)
{
    static const char *const known[] = {"GET", "PUT", "POST", "DELETE", "HEAD", NULL};
    size_t i;
    const json_t *method;
    json_array_foreach(methods, i, method)
    {
        if (!g_strv_contains(known, json_string_value(method)))
            return error_set(error, ERROR_INVALID_REQUEST,
                             "Found unsupported HTTP method in CORS config. Unsupported method is "
                             "%s",
                             json_string_value(method));
    }
    return json_array_size(methods) > 0 ||
           error_set(error, ERROR_MALFORMED_XML, "a CORS rule has no AllowedMethod");
}

static bool check_wildcards(const json_t *texts, const char *element, GError **error)
{
    size_t i;
    const json_t *text;
    json_array_foreach(texts, i, text)
    {
        const char *star = strchr(json_string_value(text), '*');
        if (star && strchr(star + 1, '*'))
            return error_set(error, ERROR_INVALID_REQUEST,
                             "%s \"%s\" can not have more than one wildcard.", element,
                             json_string_value(text));
    }
    return true;
}

static bool check_exposed(const json_t *headers, GError **error)
{
    size_t i;
    const json_t *header;
    json_array_foreach(headers, i, header)
    {
        if (strchr(json_string_value(header), '*'))
            return error_set(error, ERROR_INVALID_REQUEST,
                             "ExposeHeader \"%s\" contains wildcard. We currently do not support "
                             "wildcard for ExposeHeader.",
                             json_string_value(header));
    }
    return true;
}

bool s3_check_cors(const struct call *call, const json_t *request, json_t *document, GError **error)
{
    (void)call;
    (void)request;
    const json_t *rules = json_at(document, "CORSConfiguration.CORSRules");
    if (json_array_size(rules) == 0 || json_array_size(rules) > CORS_RULES)
        return error_set(error, ERROR_MALFORMED_XML,
                         "a CORS configuration has 1 to %d rules; this one has %zu", CORS_RULES,
                         json_array_size(rules));
    size_t i;
    const json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        const json_t *origins = json_object_get(rule, "AllowedOrigins");
        if (json_array_size(origins) == 0)
            return error_set(error, ERROR_MALFORMED_XML, "a CORS rule has no AllowedOrigin");
        if (!check_methods(json_object_get(rule, "AllowedMethods"), error) ||
            !check_wildcards(origins, "AllowedOrigin", error) ||
            !check_wildcards(json_object_get(rule, "AllowedHeaders"), "AllowedHeader", error) ||
            !check_exposed(json_object_get(rule, "ExposeHeaders"), error))
            return false;
    }
    return true;
}

/* ---- encryption ---- */

bool s3_check_encryption(const struct call *call, const json_t *request, json_t *document,
                         GError **error)
{
    (void)call;
    (void)request;
    json_t *rules = json_at(document, "ServerSideEncryptionConfiguration.Rules");
    json_t *rule = json_array_get(rules, 0);
    const char *algorithm = json_text_at(rule, "ApplyServerSideEncryptionByDefault.SSEAlgorithm");
    if (json_array_size(rules) != 1)
        return error_set(error, ERROR_MALFORMED_XML,
                         "an encryption configuration has one rule; this one has %zu",
                         json_array_size(rules));
    if (json_at(rule, "ApplyServerSideEncryptionByDefault.KMSMasterKeyID") &&
        !g_str_has_prefix(algorithm, "aws:kms"))
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "a KMSMasterKeyID is not applicable if the default sse algorithm is not "
                         "aws:kms or aws:kms:dsse");
    if (!json_object_get(rule, "BucketKeyEnabled"))
        json_object_set_new(rule, "BucketKeyEnabled", json_false());
    return true;
}

/* ---- logging, notification ---- */

bool s3_check_logging(const struct call *call, const json_t *request, json_t *document,
                      GError **error)
{
    (void)request;
    const char *target = json_text_at(document, "BucketLoggingStatus.LoggingEnabled.TargetBucket");
    if (!target)
        return true;
    g_autoptr(GError) failure = NULL;
    g_autoptr(lake_bucket_auto) bucket = lake_bucket_get(s3_lake(call), target, &failure);
    return bucket || error_set(error, ERROR_INVALID_LOG_TARGET,
                               "The target bucket for logging does not exist: %s", target);
}

bool s3_check_notification(const struct call *call, const json_t *request, json_t *document,
                           GError **error)
{
    (void)call;
    (void)request;
    (void)error;
    static const char *const kinds[] = {"TopicConfigurations", "QueueConfigurations",
                                        "LambdaFunctionConfigurations"};
    const json_t *configuration = json_object_get(document, "NotificationConfiguration");
    for (size_t kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
        size_t i;
        json_t *one;
        json_array_foreach(json_object_get(configuration, kinds[kind]), i, one)
        {
            g_autofree char *id = id_hex(32);
            if (!json_object_get(one, "Id"))
                json_object_set_new(one, "Id", json_string(id));
        }
    }
    return true;
}

/* ---- ownership, public access ---- */

bool s3_check_ownership(const struct call *call, const json_t *request, json_t *document,
                        GError **error)
{
    const json_t *rules = json_at(document, "OwnershipControls.Rules");
    const char *ownership = json_text_at(json_array_get(rules, 0), "ObjectOwnership");
    if (json_array_size(rules) != 1)
        return error_set(error, ERROR_MALFORMED_XML,
                         "ownership controls have one rule; these have %zu",
                         json_array_size(rules));
    if (strcmp(ownership, S3_OWNER_ENFORCED) != 0)
        return true;
    GError *failure = NULL;
    g_autoptr(json_auto) grants = s3_bucket_grants(call, request, &failure);
    if (failure) {
        g_propagate_error(error, failure);
        return false;
    }
    return !grants || error_set(error, ERROR_ACL_WITH_OWNER,
                                "Bucket cannot have ACLs set with ObjectOwnership's "
                                "BucketOwnerEnforced setting: put the ACL private first");
}

bool s3_check_public_access_block(const struct call *call, const json_t *request, json_t *document,
                                  GError **error)
{
    (void)call;
    (void)request;
    (void)error;
    static const char *const switches[] = {"BlockPublicAcls", "IgnorePublicAcls",
                                           "BlockPublicPolicy", "RestrictPublicBuckets"};
    json_t *block = json_object_get(document, "PublicAccessBlockConfiguration");
    for (size_t i = 0; i < G_N_ELEMENTS(switches); i++)
        if (!json_object_get(block, switches[i]))
            json_object_set_new(block, switches[i], json_false());
    return true;
}

/* ---- tags ---- */

bool s3_check_bucket_tags(const struct call *call, const json_t *request, json_t *document,
                          GError **error)
{
    (void)call;
    (void)request;
    g_autoptr(json_auto) tags =
        s3_tags_of_set(json_at(document, "Tagging.TagSet"), BUCKET_TAGS, error);
    return tags != NULL;
}
