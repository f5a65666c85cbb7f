/* MLflow tracking servers: names under which SageMaker's plugin asks for MLflow, each with a place
 * for its artifacts. All of them show the one store of runs (service/mlflow). */
#include <string.h>

#include "base/page.h"
#include "base/s3_uri.h"
#include "service/sagemaker/sagemaker.h"

#define MLFLOW_VERSION "3.17.2" /* where the request names none */

/* ---- creating and changing ---- */

static bool check_request(const json_t *request, GError **error)
{
    const char *place = json_text_at(request, "ArtifactStoreUri");
    g_autofree char *bucket = NULL, *key = NULL;
    if (json_true_at(request, "AutomaticModelRegistration"))
        return error_set(error, ERROR_VALIDATION,
                         "AutomaticModelRegistration is refused: models of MLflow's registry stay "
                         "there");
    if (!place)
        return true;
    bool read = s3_uri_parse(place, &bucket, &key, error);
    return read && ((*bucket && !strpbrk(place, "#?%") && !strstr(place, "..")) ||
                    error_set(error, ERROR_VALIDATION,
                              "ArtifactStoreUri '%.512s' is not s3://bucket/prefix", place));
}

static bool create_server(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    if (!check_request(request, error))
        return false;
    json_t *body = json_deep_copy(request);
    if (!json_object_get(body, "MlflowVersion"))
        json_object_set_new(body, "MlflowVersion", json_string(MLFLOW_VERSION));
    if (!json_object_get(body, "TrackingServerSize"))
        json_object_set_new(body, "TrackingServerSize", json_string("Small"));
    return sagemaker_create(call, &tracking_server_kind, request, "Created", body, reply, error);
}

struct server_change {
    const json_t *request; /* or NULL */
    const char *status;
};

static bool change(struct resource *server, void *data, GError **error)
{
    static const char *const members[] = {"ArtifactStoreUri",
                                          "TrackingServerSize",
                                          "AutomaticModelRegistration",
                                          "WeeklyMaintenanceWindowStart",
                                          "S3BucketOwnerAccountId",
                                          "S3BucketOwnerVerification",
                                          NULL};
    const struct server_change *wanted = data;
    if (strcmp(server->status, wanted->status) == 0 && !wanted->request)
        return error_set(error, ERROR_CONFLICT, "Tracking server %s is %s already.", server->arn,
                         server->status);
    if (wanted->request)
        json_copy_members(server->body, wanted->request, members);
    if (strcmp(server->status, "Stopped") != 0 || !wanted->request)
        sagemaker_set_status(server, wanted->status);
    return true;
}

static bool change_server(const struct call *call, const json_t *request,
                          struct server_change *wanted, struct reply *reply, GError **error)
{
    const struct kind *kind = &tracking_server_kind;
    g_autoptr(resource_auto) found =
        sagemaker_get(call, kind, json_text_at(request, kind->name), error);
    return found && sagemaker_update(call, kind, found->name, change, wanted,
                                     json_pack("{ss}", kind->arn, found->arn), reply, error);
}

/* One that is stopped stays so. */
static bool update_server(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    struct server_change wanted = {request, "Updated"};
    return check_request(request, error) && change_server(call, request, &wanted, reply, error);
}

static bool start_server(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    struct server_change wanted = {NULL, "Started"};
    return change_server(call, request, &wanted, reply, error);
}

static bool stop_server(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    struct server_change wanted = {NULL, "Stopped"};
    return change_server(call, request, &wanted, reply, error);
}

/* ---- telling ---- */

static bool tell(struct lathe *lathe, const struct resource *server, json_t *description)
{
    bool stands = strcmp(server->status, "Stopped") == 0;
    json_put(description, "IsActive", json_string(stands ? "Inactive" : "Active"));
    if (lathe->url)
        json_put(description, "TrackingServerUrl", json_sprintf("%s/mlflow", lathe->url));
    return true;
}

static bool describe_server(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    const struct kind *kind = &tracking_server_kind;
    g_autoptr(resource_auto) found =
        sagemaker_get(call, kind, json_text_at(request, kind->name), error);
    if (!found)
        return false;
    reply->output = sagemaker_describe(kind, found);
    tell(call->lathe, found, reply->output);
    kind_fit_description(kind, reply->output);
    return true;
}

static json_t *summary_of(const struct call *call, const struct resource *server)
{
    json_t *summary = sagemaker_describe(&tracking_server_kind, server);
    tell(call->lathe, server, summary);
    kind_fit_summary(&tracking_server_kind, summary);
    return summary;
}

static bool list_servers(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    const struct kind *kind = &tracking_server_kind;
    struct resource_query query = sagemaker_query(kind, request);
    query.status = json_text_at(request, "TrackingServerStatus");
    query.created_after = json_number_at(request, "CreatedAfter", 0);
    query.created_before = json_number_at(request, "CreatedBefore", 0);
    query.limit = 0;
    query.token = NULL;
    const char *version = json_text_at(request, "MlflowVersion");
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    g_autoptr(json_auto) found = json_array();
    for (guint i = 0; all && i < all->len; i++) {
        const struct resource *server = g_ptr_array_index(all, i);
        if (!version || g_strcmp0(json_text_at(server->body, "MlflowVersion"), version) == 0)
            json_array_append_new(found, summary_of(call, server));
    }
    struct page_listing listing = {kind->list, 10, ERROR_VALIDATION};
    return all && page_put(&reply->output, kind->summaries, found, &listing, request, error);
}

/* ---- the rest ---- */

static bool delete_server(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    const struct kind *kind = &tracking_server_kind;
    g_autoptr(resource_auto) found =
        sagemaker_get(call, kind, json_text_at(request, kind->name), error);
    if (!found || !sagemaker_delete(call, kind, request, NULL, error))
        return false;
    reply->output = json_pack("{ss}", kind->arn, found->arn);
    return true;
}

static bool presign(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    const struct kind *kind = &tracking_server_kind;
    g_autoptr(resource_auto) found =
        sagemaker_get(call, kind, json_text_at(request, kind->name), error);
    if (!found)
        return false;
    if (!call->lathe->url)
        return error_set(error, ERROR_VALIDATION,
                         "this home is not served over HTTP, so that nothing in it has an address");
    reply->output =
        json_pack("{so}", "AuthorizedUrl",
                  json_sprintf("%s/mlflow/auth?authToken=%s", call->lathe->url, call->request_id));
    return true;
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"CreateMlflowTrackingServer", create_server, OPERATION_BLOCKING},
    {"DescribeMlflowTrackingServer", describe_server, OPERATION_BLOCKING},
    {"ListMlflowTrackingServers", list_servers, OPERATION_BLOCKING},
    {"UpdateMlflowTrackingServer", update_server, OPERATION_BLOCKING},
    {"StartMlflowTrackingServer", start_server, OPERATION_BLOCKING},
    {"StopMlflowTrackingServer", stop_server, OPERATION_BLOCKING},
    {"DeleteMlflowTrackingServer", delete_server, OPERATION_BLOCKING},
    {"CreatePresignedMlflowTrackingServerUrl", presign, OPERATION_BLOCKING},
};

const struct kind tracking_server_kind = {
    .service = "sagemaker",
    .word = "mlflow-tracking-server",
    .noun = "MlflowTrackingServer",
    .name = "TrackingServerName",
    .arn = "TrackingServerArn",
    .status = "TrackingServerStatus",
    .summaries = "TrackingServerSummaries",
    .any_case = true,
    .create = "CreateMlflowTrackingServer",
    .describe = "DescribeMlflowTrackingServer",
    .list = "ListMlflowTrackingServers",
    .good = {"Created", "Updated", "Started"},
    .stopped = {"Stopped"},
    .missing_code = ERROR_NOT_FOUND,
    .missing = "Tracking server %s does not exist.",
    .taken_code = ERROR_CONFLICT,
    .taken = "A tracking server with this name already exists (%s)",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
