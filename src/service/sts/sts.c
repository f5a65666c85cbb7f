/* STS: who is asking. One home is one account, whatever the credentials. */
#include "service/home.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"

static bool get_caller_identity(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    (void)request;
    (void)error;
    /* An assumed role, because the SageMaker SDK's get_execution_role() takes its role from it. */
    reply->output =
        json_pack("{ssssso}", "UserId", "AROALATHE:lathe", "Account", call->account, "Arn",
                  json_sprintf("arn:aws:sts::%s:assumed-role/" LATHE_ROLE "/lathe", call->account));
    return true;
}

static bool assume_role(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)error;
    const char *role = strrchr(json_text_at(request, "RoleArn"), '/');
    const char *session = json_text_at(request, "RoleSessionName");
    g_autofree char *key = id_word(16);
    g_autofree char *upper = g_ascii_strup(key, -1);
    g_autofree char *secret = id_word(40);
    g_autofree char *token = id_word(64);
    double expires = clock_now() + (double)json_integer_at(request, "DurationSeconds", 3600);
    reply->output = json_pack("{s{sosssssf}s{soso}}", "Credentials", "AccessKeyId",
                              json_sprintf("ASIA%s", upper), "SecretAccessKey", secret,
                              "SessionToken", token, "Expiration", expires, "AssumedRoleUser",
                              "AssumedRoleId", json_sprintf("AROALATHE:%s", session), "Arn",
                              json_sprintf("arn:aws:sts::%s:assumed-role/%s/%s", call->account,
                                           role ? role + 1 : "role", session));
    return true;
}

static const struct operation operations[] = {
    {"GetCallerIdentity", get_caller_identity, OPERATION_QUICK},
    {"AssumeRole", assume_role, OPERATION_QUICK},
};

const struct service sts_service = {
    .name = "sts",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
