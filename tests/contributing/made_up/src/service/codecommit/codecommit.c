/* A service that is made up: the last commit of every branch is its name. */
#include "operation/operation.h"

static bool get_branch(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)call;
    (void)error;
    const char *name = json_text_at(request, "branchName");
    reply->output = json_pack("{s{ssss}}", "branch", "branchName", name, "commitId", name);
    return true;
}

static const struct operation operations[] = {
    {"GetBranch", get_branch, OPERATION_QUICK},
};

const struct service codecommit_service = {
    .name = "codecommit",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
