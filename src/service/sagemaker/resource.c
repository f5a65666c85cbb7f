/* What SageMaker's resources have in common: create, describe, list, delete. */
#include <string.h>

#include "service/sagemaker/sagemaker.h"

static char *arn_of(const struct call *call, const struct kind *kind, const char *name)
{
    /* AWS writes names in lower case here; clients take what follows the last slash. */
    g_autofree char *lower = g_ascii_strdown(name, -1);
    return call_arn(call, kind->word, lower);
}

/* The kind's message about one ARN. The table's formats have exactly one %s. */
static bool about(GError **error, enum error_code code, const char *message, const char *arn)
{
    g_auto(GStrv) parts = g_strsplit(message, "%s", 2);
    return error_set(error, code, "%s%s%s", parts[0], parts[1] ? arn : "",
                     parts[1] ? parts[1] : "");
}

/* NULL without an error where there is none. */
static struct resource *look_up(const struct call *call, const struct kind *kind, const char *name,
                                GError **error)
{
    struct store *store = call->lathe->store;
    return kind->any_case ? resource_get_any_case(store, kind->word, name, error)
                          : resource_get(store, kind->word, name, error);
}

bool sagemaker_check_free(const struct call *call, const struct kind *kind, const char *name,
                          GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) present = look_up(call, kind, name, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    return !present || about(error, kind->taken_code, kind->taken, present->arn);
}

bool sagemaker_create(const struct call *call, const struct kind *kind, const json_t *request,
                      const char *status, json_t *body, struct reply *reply, GError **error)
{
    g_autoptr(json_auto) kept = body ? body : json_copy((json_t *)request);
    json_object_del(kept, kind->name);
    json_object_del(kept, "Tags");
    const char *name = json_text_at(request, kind->name);
    const char *parent = kind->parent ? json_text_at(request, kind->parent) : NULL;
    g_autofree char *arn = arn_of(call, kind, name);
    struct store *store = call->lathe->store;
    struct resource resource = {.kind = (char *)kind->word,
                                .name = (char *)name,
                                .arn = arn,
                                .status = (char *)status,
                                .parent = (char *)(parent ? parent : ""),
                                .body = kept,
                                .any_case = kind->any_case};
    if (!sagemaker_check_tags(json_object_get(request, "Tags"), error))
        return false;
    bool taken = false;
    if (!resource_create(store, &resource, &taken, error)) {
        if (!taken)
            return false;
        g_clear_error(error);
        return about(error, kind->taken_code, kind->taken, arn);
    }
    if (!resource_tags_put(store, arn, json_object_get(request, "Tags"), error))
        return false;
    reply->output = json_pack("{ss}", kind->arn, arn);
    return true;
}

struct resource *sagemaker_get(const struct call *call, const struct kind *kind, const char *name,
                               GError **error)
{
    GError *cause = NULL;
    struct resource *resource = look_up(call, kind, name, &cause);
    if (cause) {
        g_propagate_error(error, cause);
    } else if (!resource) {
        g_autofree char *arn = arn_of(call, kind, name);
        about(error, kind->missing_code, kind->missing, arn);
    }
    return resource;
}

/* All there is to tell: what of it is told, its shape says. */
static json_t *all_of(const struct kind *kind, const struct resource *resource)
{
    json_t *all = json_pack("{sssfsf}", kind->arn, resource->arn, "CreationTime", resource->created,
                            "LastModifiedTime", resource->modified);
    const char *name = kind->shows_parent && *resource->parent ? resource->parent : resource->name;
    if (kind->name)
        json_put(all, kind->name, json_string(name));
    if (kind->status)
        json_put(all, kind->status, json_string(resource->status));
    json_object_update_missing(all, resource->body);
    return all;
}

json_t *sagemaker_describe(const struct kind *kind, const struct resource *resource)
{
    json_t *description = all_of(kind, resource);
    g_autoptr(json_auto) always = kind->always ? json_loads(kind->always, 0, NULL) : NULL;
    if (always)
        json_object_update_missing(description, always);
    kind_fit_description(kind, description);
    return description;
}

bool sagemaker_describe_call(const struct call *call, const struct kind *kind,
                             const json_t *request, struct reply *reply, GError **error)
{
    const char *name = json_text_at(request, kind->name);
    g_autoptr(resource_auto) resource = sagemaker_get(call, kind, name, error);
    if (!resource)
        return false;
    reply->output = sagemaker_describe(kind, resource);
    return true;
}

bool sagemaker_list(const struct call *call, const struct kind *kind, const json_t *request,
                    struct reply *reply, GError **error)
{
    struct resource_query query = {.kind = kind->word};
    resource_query_from_request(&query, request);
    return sagemaker_list_query(call, kind, &query, reply, error);
}

bool sagemaker_list_query(const struct call *call, const struct kind *kind,
                          const struct resource_query *query, struct reply *reply, GError **error)
{
    g_autofree char *token = NULL;
    g_autoptr(GPtrArray) resources = resource_list(call->lathe->store, query, &token, error);
    if (!resources)
        return false;
    json_t *summaries = json_array();
    for (guint i = 0; i < resources->len; i++) {
        json_t *summary = all_of(kind, g_ptr_array_index(resources, i));
        kind_fit_summary(kind, summary);
        json_array_append_new(summaries, summary);
    }
    reply->output = json_pack("{so}", kind->summaries, summaries);
    if (token)
        json_put(reply->output, "NextToken", json_string(token));
    return true;
}

bool sagemaker_delete(const struct call *call, const struct kind *kind, const json_t *request,
                      GError **error)
{
    const char *name = json_text_at(request, kind->name);
    g_autoptr(resource_auto) present = sagemaker_get(call, kind, name, error);
    bool found;
    if (!present || !resource_delete(call->lathe->store, kind->word, present->name, &found, error))
        return false;
    return found || about(error, kind->missing_code, kind->missing, present->arn);
}

void sagemaker_set_status(struct resource *resource, const char *status)
{
    g_free(resource->status);
    resource->status = g_strdup(status);
}
