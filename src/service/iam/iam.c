/* IAM: roles exist when they are asked for. lathe trusts whoever may reach it and records the roles
 * that requests name; clients only look them up to see that SageMaker may use them. */
#include "service/home.h"

#include "base/page.h"

static const char trust[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
    "\"sagemaker.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";

static bool get_role(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    (void)error;
    const char *name = json_text_at(request, "RoleName");
    g_autofree char *policy = g_uri_escape_string(trust, NULL, FALSE);
    reply->output = json_pack("{s{sssssssosfss}}", "Role", "Path", "/", "RoleName", name, "RoleId",
                              "AROALATHE0000000000", "Arn",
                              json_sprintf("arn:aws:iam::%s:role/%s", call->account, name),
                              "CreateDate", 0.0, "AssumeRolePolicyDocument", policy);
    return true;
}

static bool simulate_principal_policy(const struct call *call, const json_t *request,
                                      struct reply *reply, GError **error)
{
    const json_t *actions = json_object_get(request, "ActionNames");
    size_t count = json_array_size(actions);
    struct page page;
    if (!page_find(&page, call->operation, json_text_at(request, "Marker"), count,
                   (size_t)json_integer_at(request, "MaxItems", 100), ERROR_INVALID_INPUT, error))
        return false;
    json_t *results = json_array();
    for (size_t i = page.first; i < page.end; i++)
        json_array_append_new(results,
                              json_pack("{sOss}", "EvalActionName", json_array_get(actions, i),
                                        "EvalDecision", "allowed"));
    g_autofree char *next = page_next(&page, call->operation, count);
    reply->output = json_pack("{sosb}", "EvaluationResults", results, "IsTruncated", next != NULL);
    json_put(reply->output, "Marker", next ? json_string(next) : NULL);
    return true;
}

static const struct operation operations[] = {
    {"GetRole", get_role, OPERATION_QUICK},
    {"SimulatePrincipalPolicy", simulate_principal_policy, OPERATION_QUICK},
};

const struct service iam_service = {
    .name = "iam",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
