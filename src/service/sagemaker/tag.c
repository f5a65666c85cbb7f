/* Tags of SageMaker's resources, by ARN. */
#include "base/page.h"
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
    g_autoptr(json_auto) tags = resource_tags(call->lathe->store, arn, error);
    if (!tags)
        return false;
    g_autofree char *listing = g_strconcat("ListTags\n", arn, NULL);
    size_t count = json_array_size(tags);
    struct page page;
    if (!page_find(&page, listing, json_text_at(request, "NextToken"), count,
                   (size_t)json_integer_at(request, "MaxResults", (gint64)count), ERROR_VALIDATION,
                   error))
        return false;
    json_t *found = json_array();
    for (size_t i = page.first; i < page.end; i++)
        json_array_append(found, json_array_get(tags, i));
    reply->output = json_pack("{so}", "Tags", found);
    g_autofree char *next = page_next(&page, listing, count);
    json_put(reply->output, "NextToken", next ? json_string(next) : NULL);
    return true;
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
