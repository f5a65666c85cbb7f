/* Settings of buckets: what is put is checked, kept and given back. A setting is a row of the table
 * below; its operations are three functions that all settings share. */
#include <string.h>

#include "service/s3/lifecycle.h"

#define DEFAULT_ENCRYPTION                                                                \
    "{\"ServerSideEncryptionConfiguration\": {\"Rules\": [{\"BucketKeyEnabled\": false, " \
    "\"ApplyServerSideEncryptionByDefault\": {\"SSEAlgorithm\": \"AES256\"}}]}}"

static const struct s3_setting table[] = {
    {.noun = "BucketAccelerateConfiguration",
     .member = "AccelerateConfiguration",
     .otherwise = "{\"AccelerateConfiguration\": {}}",
     .check = s3_check_accelerate},
    {.noun = "BucketCors",
     .member = "CORSConfiguration",
     .missing = ERROR_NO_SUCH_CORS,
     .text = "The CORS configuration does not exist",
     .check = s3_check_cors},
    {.noun = "BucketEncryption",
     .member = "ServerSideEncryptionConfiguration",
     .whole = true,
     .otherwise = DEFAULT_ENCRYPTION,
     .check = s3_check_encryption},
    {.noun = "BucketLifecycle", /* DeleteBucketLifecycle */
     .member = S3_LIFECYCLE},
    {.noun = "BucketLifecycleConfiguration",
     .member = S3_LIFECYCLE,
     .missing = ERROR_NO_SUCH_LIFECYCLE,
     .text = "The lifecycle configuration does not exist",
     .check = s3_check_lifecycle},
    {.noun = "BucketLogging",
     .member = "BucketLoggingStatus",
     .otherwise = "{\"BucketLoggingStatus\": {}}",
     .check = s3_check_logging},
    {.noun = "BucketNotificationConfiguration",
     .member = "NotificationConfiguration",
     .otherwise = "{\"NotificationConfiguration\": {}}",
     .check = s3_check_notification},
    {.noun = "BucketOwnershipControls",
     .member = "OwnershipControls",
     .whole = true,
     .missing = ERROR_NO_OWNERSHIP,
     .text = "The bucket ownership controls were not found",
     .check = s3_check_ownership},
    {.noun = "BucketPolicy",
     .member = "Policy",
     .whole = true,
     .missing = ERROR_NO_SUCH_BUCKET_POLICY,
     .text = "The bucket policy does not exist",
     .check = s3_check_policy},
    {.noun = "BucketReplication",
     .member = "ReplicationConfiguration",
     .missing = ERROR_NO_REPLICATION,
     .text = "The replication configuration was not found"},
    {.noun = "BucketRequestPayment",
     .member = "RequestPaymentConfiguration",
     .otherwise = "{\"RequestPaymentConfiguration\": {\"Payer\": \"BucketOwner\"}}"},
    {.noun = "BucketTagging",
     .member = "Tagging",
     .missing = ERROR_NO_SUCH_TAG_SET,
     .text = "The TagSet does not exist",
     .check = s3_check_bucket_tags},
    {.noun = "BucketWebsite",
     .member = "WebsiteConfiguration",
     .missing = ERROR_NO_SUCH_WEBSITE,
     .text = "The specified bucket does not have a website configuration"},
    {.noun = "PublicAccessBlock",
     .member = "PublicAccessBlockConfiguration",
     .whole = true,
     .missing = ERROR_NO_ACCESS_BLOCK,
     .text = "The public access block configuration was not found",
     .check = s3_check_public_access_block},
};

/* That of PutBucketCors, GetBucketCors, DeleteBucketCors: the registry lists no others. */
static const struct s3_setting *setting_of(const struct call *call)
{
    const char *noun = call->operation + 1;
    while (!g_ascii_isupper(*noun))
        noun++;
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        if (strcmp(table[i].noun, noun) == 0)
            return &table[i];
    g_assert_not_reached();
}

json_t *s3_setting(const struct call *call, const json_t *request, const char *member,
                   GError **error)
{
    return lake_setting(s3_lake(call), s3_text(request, "Bucket"), member, error);
}

/* ---- operations ---- */

bool s3_put_setting(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    (void)reply;
    const struct s3_setting *setting = setting_of(call);
    json_t *given = json_object_get(request, setting->member);
    if (!s3_check(call, request, error))
        return false;
    if (!given)
        return error_set(error, ERROR_MALFORMED_XML,
                         "The XML you provided was not well-formed or did not validate against our "
                         "published schema: the request has no %s",
                         setting->member);
    g_autoptr(json_auto) document = json_object();
    json_object_set_new(document, setting->member, json_deep_copy(given));
    if (setting->check && !setting->check(call, request, document, error))
        return false;
    return lake_set_setting(s3_lake(call), s3_text(request, "Bucket"), setting->member, document,
                            error);
}

static bool is_missing(const struct s3_setting *setting, const json_t *request, struct reply *reply,
                       GError **error)
{
    const char *bucket = s3_text(request, "Bucket");
    reply->output = json_pack("{ss}", "BucketName", bucket);
    return error_set(error, setting->missing, "%s: bucket %s", setting->text, bucket);
}

bool s3_get_setting(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    const struct s3_setting *setting = setting_of(call);
    if (!s3_check(call, request, error))
        return false;
    GError *failure = NULL;
    g_autoptr(json_auto) document = s3_setting(call, request, setting->member, &failure);
    if (failure) {
        g_propagate_error(error, failure);
        return false;
    }
    if (!document && !setting->otherwise)
        return is_missing(setting, request, reply, error);
    if (!document)
        document = json_loads(setting->otherwise, 0, NULL);
    reply->output =
        json_incref(setting->whole ? document : json_object_get(document, setting->member));
    return true;
}

bool s3_delete_setting(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    return s3_check(call, request, error) &&
           lake_set_setting(s3_lake(call), s3_text(request, "Bucket"), setting_of(call)->member,
                            NULL, error);
}
