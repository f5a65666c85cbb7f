/* Notebooks: what SDKs ask when they run in one, to find their role. A home has one domain, of
 * which any profile, space or notebook instance that is asked for is one; all run as the role that
 * STS answers. */
#include "service/sagemaker/sagemaker.h"

/* "<kind>/<domain>/<name>" in ARNs; without a name, "<kind>/<domain>". */
static json_t *arn_in_domain(const struct call *call, const char *kind, const json_t *request,
                             const char *name)
{
    const char *domain = json_text_at(request, "DomainId");
    g_autofree char *inside = g_strjoin("/", domain, name, NULL);
    g_autofree char *arn = call_arn(call, kind, inside);
    return json_string(arn);
}

static json_t *role_settings(const struct call *call)
{
    g_autofree char *role = call_role(call);
    return json_pack("{ss}", "ExecutionRole", role);
}

/* What all of them have: they are there, and always were. */
static json_t *in_service(const char *status, const char *arn_member, json_t *arn)
{
    return json_pack("{sssosfsf}", status, "InService", arn_member, arn, "CreationTime", 0.0,
                     "LastModifiedTime", 0.0);
}

/* With the members of the request, which are its names. */
static bool answer(struct reply *reply, json_t *described, const json_t *request)
{
    json_object_update(described, (json_t *)request);
    reply->output = described;
    return true;
}

bool describe_domain(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    (void)error;
    const char *domain = json_text_at(request, "DomainId");
    json_t *described =
        in_service("Status", "DomainArn", arn_in_domain(call, "domain", request, NULL));
    json_put(described, "DomainName", json_string("lathe"));
    json_put(described, "AuthMode", json_string("IAM"));
    json_put(described, "AppNetworkAccessType", json_string("PublicInternetOnly"));
    json_put(described, "Url",
             json_sprintf("https://%s.studio.%s.sagemaker.aws", domain, call->region));
    json_put(described, "DefaultUserSettings", role_settings(call));
    json_put(described, "DefaultSpaceSettings", role_settings(call));
    return answer(reply, described, request);
}

bool describe_user_profile(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    (void)error;
    const char *name = json_text_at(request, "UserProfileName");
    json_t *described =
        in_service("Status", "UserProfileArn", arn_in_domain(call, "user-profile", request, name));
    json_put(described, "UserSettings", role_settings(call));
    return answer(reply, described, request);
}

bool describe_space(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    (void)error;
    const char *name = json_text_at(request, "SpaceName");
    json_t *described =
        in_service("Status", "SpaceArn", arn_in_domain(call, "space", request, name));
    json_put(described, "SpaceSettings", json_pack("{ss}", "AppType", "JupyterLab"));
    json_put(described, "OwnershipSettings", json_pack("{ss}", "OwnerUserProfileName", "default"));
    json_put(described, "SpaceSharingSettings", json_pack("{ss}", "SharingType", "Private"));
    return answer(reply, described, request);
}

bool describe_notebook_instance(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    (void)error;
    const char *name = json_text_at(request, "NotebookInstanceName");
    g_autofree char *arn = call_arn(call, "notebook-instance", name);
    g_autofree char *role = call_role(call);
    json_t *described =
        in_service("NotebookInstanceStatus", "NotebookInstanceArn", json_string(arn));
    json_put(described, "RoleArn", json_string(role));
    json_put(described, "Url", json_sprintf("%s.notebook.%s.sagemaker.aws", name, call->region));
    json_put(described, "InstanceType", json_string("ml.t3.medium"));
    json_put(described, "DirectInternetAccess", json_string("Enabled"));
    json_put(described, "RootAccess", json_string("Enabled"));
    json_put(described, "VolumeSizeInGB", json_integer(5));
    return answer(reply, described, request);
}
