/* MLflow apps, which SageMaker has in the place of tracking servers now: they are always there, and
 * requests name them by their ARN, which ends in the app's name here. */
#include <string.h>

#include "service/sagemaker/tracking.h"

static bool check_request(const json_t *request, GError **error)
{
    const char *mode = json_text_at(request, "ModelRegistrationMode");
    if (g_strcmp0(mode, "AutoModelRegistrationEnabled") == 0)
        return error_set(error, ERROR_VALIDATION,
                         "ModelRegistrationMode AutoModelRegistrationEnabled is refused: models of "
                         "MLflow's registry stay there");
    return tracking_check_place(request, error);
}

static bool create_app(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    if (!check_request(request, error))
        return false;
    json_t *body = json_deep_copy(request);
    json_put(body, "MlflowVersion", json_string(TRACKING_MLFLOW_VERSION));
    return sagemaker_create(call, &mlflow_app_kind, request, "Created", body, reply, error);
}

/* The app that a request's Arn names. */
static struct resource *find_app(const struct call *call, const json_t *request, GError **error)
{
    const struct kind *kind = &mlflow_app_kind;
    return sagemaker_get(call, kind, kind_name_in(kind, request), error);
}

static bool change(struct resource *app, void *data, GError **error)
{
    static const char *const members[] = {
        "ArtifactStoreUri",    "ModelRegistrationMode", "WeeklyMaintenanceWindowStart",
        "DefaultDomainIdList", "AccountDefaultStatus",  NULL};
    const json_t *request = data;
    const char *name = json_text_at(request, "Name");
    if (name && strcmp(name, app->name) != 0)
        return error_set(error, ERROR_VALIDATION,
                         "Name '%s': an app's name is the end of its ARN, and stays '%s'", name,
                         app->name);
    json_copy_members(app->body, request, members);
    sagemaker_set_status(app, "Updated");
    return true;
}

static bool update_app(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    const struct kind *kind = &mlflow_app_kind;
    g_autoptr(resource_auto) found =
        check_request(request, error) ? find_app(call, request, error) : NULL;
    return found && sagemaker_update(call, kind, found->name, change, (void *)request,
                                     json_pack("{ss}", kind->arn, found->arn), reply, error);
}

static bool describe_app(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_autoptr(resource_auto) found = find_app(call, request, error);
    if (!found)
        return false;
    reply->output = sagemaker_describe(&mlflow_app_kind, found);
    return true;
}

static bool is_default(const struct call *call, const json_t *request,
                       const struct resource *resource, json_t *description)
{
    (void)call, (void)resource;
    const char *domain = json_text_at(request, "DefaultForDomainId");
    const char *account = json_text_at(request, "AccountDefaultStatus");
    bool found = !domain;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(description, "DefaultDomainIdList"), i, one) found =
        found || g_strcmp0(json_string_value(one), domain) == 0;
    return found &&
           (!account || strcmp(json_text_at(description, "AccountDefaultStatus"), account) == 0);
}

static bool list_apps(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    return tracking_list(call, &mlflow_app_kind, request, json_text_at(request, "Status"),
                         is_default, reply, error);
}

static bool delete_app(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    const struct kind *kind = &mlflow_app_kind;
    g_autoptr(resource_auto) found = find_app(call, request, error);
    g_autoptr(json_auto) named = found ? json_pack("{ss}", kind->name, found->name) : NULL;
    if (!found || !sagemaker_delete(call, kind, named, NULL, error))
        return false;
    reply->output = json_pack("{ss}", kind->arn, found->arn);
    return true;
}

static bool presign(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    g_autoptr(resource_auto) found = find_app(call, request, error);
    return found && tracking_presign(call, reply, error);
}

static const struct operation operations[] = {
    {"CreateMlflowApp", create_app, OPERATION_BLOCKING},
    {"DescribeMlflowApp", describe_app, OPERATION_BLOCKING},
    {"ListMlflowApps", list_apps, OPERATION_BLOCKING},
    {"UpdateMlflowApp", update_app, OPERATION_BLOCKING},
    {"DeleteMlflowApp", delete_app, OPERATION_BLOCKING},
    {"CreatePresignedMlflowAppUrl", presign, OPERATION_BLOCKING},
};

const struct kind mlflow_app_kind = {
    .service = "sagemaker",
    .word = "mlflow-app",
    .noun = "MlflowApp",
    .name = "Name",
    .arn = "Arn",
    .status = "Status",
    .summaries = "Summaries",
    .any_case = true,
    .create = "CreateMlflowApp",
    .describe = "DescribeMlflowApp",
    .list = "ListMlflowApps",
    .described_by = "Arn",
    .named_by_reply = true,
    .good = {"Created", "Updated"},
    .always = "{\"ModelRegistrationMode\": \"AutoModelRegistrationDisabled\", "
              "\"AccountDefaultStatus\": \"DISABLED\"}",
    .missing_code = ERROR_NOT_FOUND,
    .missing = "MLflow App %s does not exist.",
    .taken_code = ERROR_CONFLICT,
    .taken = "An MLflow App with this name already exists (%s)",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
