/* MLflow tracking servers: they can be stopped, and then refuse what is asked under their name. */
#include <string.h>

#include "service/sagemaker/tracking.h"

/* ---- creating and changing ---- */

static bool check_request(const json_t *request, GError **error)
{
    if (json_true_at(request, "AutomaticModelRegistration"))
        return error_set(error, ERROR_VALIDATION,
                         "AutomaticModelRegistration is refused: models of MLflow's registry stay "
                         "there");
    return tracking_check_place(request, error);
}

static bool create_server(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    if (!check_request(request, error))
        return false;
    json_t *body = json_deep_copy(request);
    if (!json_object_get(body, "MlflowVersion"))
        json_object_set_new(body, "MlflowVersion", json_string(TRACKING_MLFLOW_VERSION));
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

static bool shows(const struct call *call, const json_t *request, const struct resource *server,
                  json_t *description)
{
    (void)request;
    return tell(call->lathe, server, description);
}

static bool list_servers(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    return tracking_list(call, &tracking_server_kind, request,
                         json_text_at(request, "TrackingServerStatus"), shows, reply, error);
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
    return found && tracking_presign(call, reply, error);
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
