/* Tags of SageMaker's resources, by ARN. */
#include "service/sagemaker/sagemaker.h"

static bool resource_exists(const struct call *call, const char *arn, GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) resource = resource_get_by_arn(call->lathe->store, arn, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    return resource ||
           error_set(error, ERROR_VALIDATION, "Could not find the resource with the ARN %s.", arn);
}

bool add_tags(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    struct store *store = call->lathe->store;
    const char *arn = json_text_at(request, "ResourceArn");
    if (!resource_exists(call, arn, error) ||
        !resource_tags_put(store, arn, json_object_get(request, "Tags"), error))
        return false;
    json_t *tags = resource_tags(store, arn, error);
    if (tags)
        reply->output = json_pack("{so}", "Tags", tags);
    return tags != NULL;
}

bool list_tags(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    const char *arn = json_text_at(request, "ResourceArn");
    if (!resource_exists(call, arn, error))
        return false;
    json_t *tags = resource_tags(call->lathe->store, arn, error);
    if (tags)
        reply->output = json_pack("{so}", "Tags", tags);
    return tags != NULL;
}

bool delete_tags(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    (void)reply;
    const char *arn = json_text_at(request, "ResourceArn");
    return resource_exists(call, arn, error) &&
           resource_tags_remove(call->lathe->store, arn, json_object_get(request, "TagKeys"),
                                error);
}
