/* Buckets. */
#include <string.h>

#include "base/page.h"
#include "operation/shape.h"
#include "service/s3/acl.h"

#define FIRST_REGION "us-east-1"

/* The settings that a bucket begins with. */
static json_t *first_settings(const struct call *call, const json_t *request, GError **error)
{
    const json_t *set = json_at(request, "CreateBucketConfiguration.Tags");
    const char *ownership = s3_text(request, "ObjectOwnership");
    g_autoptr(json_auto) tags = s3_tags_of_set(set, 50, error);
    if (!tags)
        return NULL;
    g_autoptr(json_auto) settings = json_object();
    if (json_object_size(tags))
        json_object_set_new(settings, "Tagging", json_pack("{s{sO}}", "Tagging", "TagSet", set));
    if (ownership)
        json_object_set_new(
            settings, "OwnershipControls",
            json_pack("{s{s[{ss}]}}", "OwnershipControls", "Rules", "ObjectOwnership", ownership));
    GError *failure = NULL;
    g_autoptr(json_auto) grants = s3_grants_of(call, request, settings, &failure);
    if (g_error_matches(failure, LATHE_ERROR, ERROR_ACL_NOT_SUPPORTED)) {
        g_error_free(failure);
        error_set(error, ERROR_ACL_WITH_OWNER,
                  "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
        return NULL;
    }
    if (failure) {
        g_propagate_error(error, failure);
        return NULL;
    }
    if (grants)
        json_object_set_new(settings, S3_BUCKET_ACL, json_pack("{sO}", "Grants", grants));
    return g_steal_pointer(&settings);
}

bool s3_create_bucket(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    const char *name = s3_text(request, "Bucket");
    const char *region = json_text_at(request, "CreateBucketConfiguration.LocationConstraint");
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(json_auto) settings = first_settings(call, request, error);
    if (!settings)
        return false;
    bool locks = json_true_at(request, "ObjectLockEnabledForBucket");
    GError *failure = NULL;
    if (!lake_bucket_create_with(s3_lake(call), name, region ? region : call->region, settings,
                                 locks, &failure)) {
        /* In its first region, S3 lets the owner create a bucket again. */
        bool again = g_error_matches(failure, LATHE_ERROR, ERROR_BUCKET_OWNED_BY_YOU) &&
                     strcmp(call->region, FIRST_REGION) == 0;
        if (!again) {
            g_propagate_error(error, failure);
            return false;
        }
        g_error_free(failure);
    }
    reply->output = json_object();
    json_object_set_new(reply->output, "Location", json_sprintf("/%s", name));
    return true;
}

bool s3_head_bucket(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(lake_bucket_auto) bucket =
        lake_bucket_get(s3_lake(call), s3_text(request, "Bucket"), error);
    if (!bucket)
        return false;
    reply->output = json_pack("{ss}", "BucketRegion", bucket->region);
    return true;
}

bool s3_delete_bucket(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    (void)reply;
    return s3_check(call, request, error) &&
           lake_bucket_delete(s3_lake(call), s3_text(request, "Bucket"), error);
}

/* Whether it is one of AWS's regions, which clients check the answer against. Where a bucket was
 * made with another region's name ("US", "local"), it has S3's first one. */
static bool is_location(const char *region)
{
    const struct shape_operation *operation =
        shape_operation_find(shape_service_find("s3"), "GetBucketLocation");
    const struct shape *known = shape_member_find(operation->output, "LocationConstraint")->shape;
    for (size_t i = 0; i < known->value_count; i++)
        if (strcmp(known->values[i], region) == 0)
            return true;
    return false;
}

bool s3_get_bucket_location(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    if (!s3_check(call, request, error))
        return false;
    g_autoptr(lake_bucket_auto) bucket =
        lake_bucket_get(s3_lake(call), s3_text(request, "Bucket"), error);
    if (!bucket)
        return false;
    reply->output = json_object(); /* the first region's name is no answer */
    if (is_location(bucket->region))
        json_object_set_new(reply->output, "LocationConstraint", json_string(bucket->region));
    return true;
}

/* ListBuckets' page: buckets of the prefix and region after the token, at most MaxBuckets. */
static json_t *page_of(GPtrArray *buckets, const json_t *request, const char *after, char **next)
{
    const char *prefix = s3_text(request, "Prefix");
    const char *region = s3_text(request, "BucketRegion");
    size_t limit = (size_t)json_integer_at(request, "MaxBuckets", G_MAXINT);
    json_t *page = json_array();
    const char *last = NULL;
    for (guint i = 0; i < buckets->len; i++) {
        const struct lake_bucket *bucket = g_ptr_array_index(buckets, i);
        if ((prefix && !g_str_has_prefix(bucket->name, prefix)) ||
            (region && strcmp(region, bucket->region) != 0) ||
            (after && strcmp(bucket->name, after) <= 0))
            continue;
        if (json_array_size(page) == limit) {
            *next = page_token("ListBuckets", last);
            break;
        }
        last = bucket->name;
        json_array_append_new(page, json_pack("{sssfss}", "Name", bucket->name, "CreationDate",
                                              bucket->created, "BucketRegion", bucket->region));
    }
    return page;
}

bool s3_list_buckets(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    const char *token = s3_text(request, "ContinuationToken");
    g_autofree char *after = token ? s3_token_key(call, token, error) : NULL;
    if (token && !after)
        return false;
    g_autoptr(GPtrArray) buckets = lake_bucket_list(s3_lake(call), error);
    if (!buckets)
        return false;
    g_autofree char *next = NULL;
    json_t *page = page_of(buckets, request, after, &next);
    reply->output = json_pack("{soso}", "Buckets", page, "Owner", s3_owner(call));
    json_put(reply->output, "ContinuationToken", next ? json_string(next) : NULL);
    json_put(reply->output, "Prefix", json_incref(json_object_get(request, "Prefix")));
    return true;
}
