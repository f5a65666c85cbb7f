#include "service/sagemaker/tracking.h"

#include <string.h>

#include "base/page.h"
#include "base/s3_uri.h"

bool tracking_check_place(const json_t *request, GError **error)
{
    const char *place = json_text_at(request, "ArtifactStoreUri");
    g_autofree char *bucket = NULL, *key = NULL;
    if (!place)
        return true;
    bool read = s3_uri_parse(place, &bucket, &key, error);
    return read && ((*bucket && !strpbrk(place, "#?%") && !strstr(place, "..")) ||
                    error_set(error, ERROR_VALIDATION,
                              "ArtifactStoreUri '%.512s' is not s3://bucket/prefix", place));
}

bool tracking_list(const struct call *call, const struct kind *kind, const json_t *request,
                   const char *status,
                   bool (*shows)(const struct call *call, const json_t *request,
                                 const struct resource *resource, json_t *description),
                   struct reply *reply, GError **error)
{
    struct resource_query query = sagemaker_query(kind, request);
    query.status = status;
    query.created_after = json_number_at(request, "CreatedAfter", 0);
    query.created_before = json_number_at(request, "CreatedBefore", 0);
    query.limit = 0;
    query.token = NULL;
    const char *version = json_text_at(request, "MlflowVersion");
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    g_autoptr(json_auto) found = json_array();
    for (guint i = 0; all && i < all->len; i++) {
        const struct resource *one = g_ptr_array_index(all, i);
        g_autoptr(json_auto) summary = sagemaker_describe(kind, one);
        bool wanted = !version || g_strcmp0(json_text_at(summary, "MlflowVersion"), version) == 0;
        if (!wanted || (shows && !shows(call, request, one, summary)))
            continue;
        kind_fit_summary(kind, summary);
        json_array_append(found, summary);
    }
    struct page_listing listing = {kind->list, 10, ERROR_VALIDATION};
    return all && page_put(&reply->output, kind->summaries, found, &listing, request, error);
}

bool tracking_presign(const struct call *call, struct reply *reply, GError **error)
{
    if (!call->lathe->url)
        return error_set(error, ERROR_VALIDATION,
                         "this home is not served over HTTP, so that nothing in it has an address");
    reply->output =
        json_pack("{so}", "AuthorizedUrl",
                  json_sprintf("%s/mlflow/auth?authToken=%s", call->lathe->url, call->request_id));
    return true;
}
