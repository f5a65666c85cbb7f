/* Endpoint configurations: which models share an endpoint's traffic, in which weights. */
#include <string.h>

#include "service/sagemaker/lineage.h"

static bool check_variants(const struct call *call, const json_t *variants, GError **error)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    size_t i;
    const json_t *variant;
    json_array_foreach((json_t *)variants, i, variant)
    {
        const char *name = json_text_at(variant, "VariantName");
        if (!g_hash_table_add(names, (char *)name))
            return error_set(error, ERROR_VALIDATION, "Duplicate variant name: %s", name);
        const char *model = json_text_at(variant, "ModelName");
        if (!model)
            return error_set(error, ERROR_VALIDATION,
                             "The variant %s has no ModelName; inference components are not "
                             "supported.",
                             name);
        g_autoptr(resource_auto) found = sagemaker_get(call, &model_kind, model, error);
        if (!found)
            return false;
    }
    return true;
}

static bool create_endpoint_config(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    return check_variants(call, json_object_get(request, "ProductionVariants"), error) &&
           sagemaker_create(call, &endpoint_config_kind, request, "", NULL, reply, error);
}

static bool describe_endpoint_config(const struct call *call, const json_t *request,
                                     struct reply *reply, GError **error)
{
    return sagemaker_describe_call(call, &endpoint_config_kind, request, reply, error);
}

static bool list_endpoint_configs(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    return sagemaker_list(call, &endpoint_config_kind, request, reply, error);
}

static bool delete_endpoint_config(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) config = sagemaker_get(
        call, &endpoint_config_kind, json_text_at(request, "EndpointConfigName"), error);
    return config && lineage_keep(call->lathe, config->arn, error) &&
           sagemaker_delete(call, &endpoint_config_kind, request, NULL, error);
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"CreateEndpointConfig", create_endpoint_config, OPERATION_BLOCKING},
    {"DescribeEndpointConfig", describe_endpoint_config, OPERATION_BLOCKING},
    {"ListEndpointConfigs", list_endpoint_configs, OPERATION_BLOCKING},
    {"DeleteEndpointConfig", delete_endpoint_config, OPERATION_BLOCKING},
};

const struct kind endpoint_config_kind = {
    .service = "sagemaker",
    .word = "endpoint-config",
    .noun = "EndpointConfig",
    KIND_WORDS("EndpointConfig"),
    .summaries = "EndpointConfigs",
    .step_metadata = "EndpointConfig",
    .always = "{\"EnableNetworkIsolation\": false}",
    .missing_code = ERROR_VALIDATION,
    .missing = "Could not find endpoint configuration \"%s\".",
    .taken_code = ERROR_VALIDATION,
    .taken = "Cannot create already existing endpoint configuration \"%s\".",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
