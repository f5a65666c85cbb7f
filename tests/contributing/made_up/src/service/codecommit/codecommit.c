/* A service that is made up: every parameter's value is its name. */
#include "operation/operation.h"

static bool get_parameter(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    (void)call;
    (void)error;
    const char *name = json_text_at(request, "Name");
    reply->output = json_pack("{s{ssss}}", "Parameter", "Name", name, "Value", name);
    return true;
}

static const struct operation operations[] = {
    {"GetParameter", get_parameter, OPERATION_QUICK},
};

const struct service ssm_service = {
    .name = "ssm",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
