/* Endpoints: a configuration put to work. The models are opened on a deployer's thread; until
 * then an endpoint is Creating or Updating, and an update's requests are answered by what was
 * there. */
#include "serve/endpoint.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/tasks.h"
#include "container/open_model.h"
#include "serve/captures.h"
#include "serve/place.h"
#include "service/sagemaker/lineage.h"
#include "service/sagemaker/sagemaker.h"
#include "service/script.h"

/* In the home: models of scripts, unpacked, while their endpoints are there. */
#define ENDPOINTS_FOLDER "endpoints"

/* ---- deploying ---- */

struct deployment {
    struct lathe *lathe;
    char *endpoint;
    char *config;   /* the configuration to put to work */
    char *region;   /* of the endpoint */
    double created; /* when it was: another of its name may have come since */
    bool waits;     /* until the scripts of its models are at work, while it is wanted */
};

static struct served_model *open_named(const struct deployment *deployment, const char *name,
                                       const struct model_place *place, GError **error)
{
    struct lathe *lathe = deployment->lathe;
    GError *cause = NULL;
    g_autoptr(resource_auto) model = resource_get(lathe->store, model_kind.word, name, &cause);
    if (!model) {
        if (cause)
            g_propagate_error(error, cause);
        else
            error_set(error, ERROR_VALIDATION, "Could not find model \"%s\".", name);
        return NULL;
    }
    g_autoptr(json_auto) containers = model_containers(lathe, model->body, error);
    return containers ? open_model(place, containers, error) : NULL;
}

static bool is_ours(const struct deployment *deployment, const struct resource *endpoint)
{
    return endpoint && endpoint->created == deployment->created;
}

/* The server ends, or the endpoint has been deleted meanwhile. */
static bool is_not_wanted(void *data)
{
    const struct deployment *deployment = data;
    struct lathe *lathe = deployment->lathe;
    if (atomic_load(&lathe->ends))
        return true;
    g_autoptr(GError) cause = NULL;
    g_autoptr(resource_auto) endpoint =
        resource_get(lathe->store, endpoint_kind.word, deployment->endpoint, &cause);
    return !cause && !is_ours(deployment, endpoint);
}

static struct served_model *open_for(const struct deployment *deployment, const json_t *variant,
                                     GError **error)
{
    struct lathe *lathe = deployment->lathe;
    g_autofree char *folder = g_build_filename(lathe->home, ENDPOINTS_FOLDER, NULL);
    g_autoptr(json_auto) sandbox = script_sandbox(lathe, deployment->region);
    struct model_place place = {
        .objects = lake_objects(lathe->lake),
        .logs = endpoint_logs(lathe->logs),
        .folder = folder,
        .endpoint = deployment->endpoint,
        .variant = json_text_at(variant, "VariantName"),
        .sandbox = sandbox,
        .wait = {deployment->waits, is_not_wanted, (void *)deployment},
    };
    return open_named(deployment, json_text_at(variant, "ModelName"), &place, error);
}

static void clear_variant(void *data)
{
    struct endpoint_variant *variant = data;
    served_model_unref(variant->model);
}

/* Opens the model of each variant of a configuration. */
static bool open_variants(const struct deployment *deployment, const json_t *list, GArray *variants,
                          GError **error)
{
    size_t i;
    const json_t *entry;
    json_array_foreach((json_t *)list, i, entry)
    {
        struct endpoint_variant variant = {
            json_text_at(entry, "VariantName"),
            json_number_at(entry, "InitialVariantWeight", 1),
            open_for(deployment, entry, error),
        };
        if (!variant.model)
            return false;
        g_array_append_val(variants, variant);
    }
    return true;
}

static bool deploy_config(const struct deployment *deployment, GError **error)
{
    struct lathe *lathe = deployment->lathe;
    g_autoptr(resource_auto) config =
        resource_get(lathe->store, endpoint_config_kind.word, deployment->config, error);
    if (!config)
        return error && *error
                   ? false
                   : error_set(error, ERROR_VALIDATION,
                               "Could not find endpoint configuration \"%s\".", deployment->config);
    g_autoptr(GArray) variants = g_array_new(FALSE, FALSE, sizeof(struct endpoint_variant));
    g_array_set_clear_func(variants, clear_variant);
    if (!open_variants(deployment, json_object_get(config->body, "ProductionVariants"), variants,
                       error))
        return false;
    struct endpoint_capture *capture = endpoint_capture_new(
        lathe->captures, deployment->endpoint, json_object_get(config->body, "DataCaptureConfig"));
    endpoints_put(lathe->endpoints, deployment->endpoint,
                  (const struct endpoint_variant *)(void *)variants->data, variants->len, capture);
    endpoint_capture_unref(capture);
    return true;
}

struct outcome {
    const struct deployment *deployment;
    const char *failure; /* NULL: the configuration serves */
    bool serves;         /* this configuration, or the one before */
};

/* An endpoint that nothing stands behind is Failed: its creation failed, or it could not be brought
 * back. A failed update leaves the endpoint in service as it was. */
static bool record_outcome(struct resource *endpoint, void *data, GError **error)
{
    (void)error;
    const struct outcome *outcome = data;
    if (!is_ours(outcome->deployment, endpoint))
        return true;
    bool update = strcmp(endpoint->status, "Updating") == 0;
    sagemaker_set_status(endpoint, outcome->serves ? "InService" : "Failed");
    if (outcome->failure) {
        json_object_set_new(endpoint->body, "FailureReason", json_string(outcome->failure));
    } else {
        json_object_set_new(endpoint->body, "EndpointConfigName",
                            json_string(outcome->deployment->config));
        json_object_del(endpoint->body, "FailureReason");
        json_object_del(endpoint->body, "Weights");
        if (update)
            json_object_set_new(endpoint->body, ENDPOINT_DEPLOYED, json_real(clock_now()));
    }
    return true;
}

static void deploy(void *data)
{
    struct deployment *deployment = data;
    g_autoptr(GError) error = NULL;
    struct outcome outcome = {.deployment = deployment};
    if (!deploy_config(deployment, &error))
        outcome.failure = error->message;
    outcome.serves = endpoints_have(deployment->lathe->endpoints, deployment->endpoint);
    g_autoptr(GError) unwritten = NULL;
    bool found;
    if (!resource_update(deployment->lathe->store, endpoint_kind.word, deployment->endpoint,
                         record_outcome, &outcome, &found, &unwritten))
        g_warning("the endpoint %s: %s", deployment->endpoint, unwritten->message);
    else if (!found) /* deleted in the meantime */
        endpoints_remove(deployment->lathe->endpoints, deployment->endpoint);
    g_free(deployment->endpoint);
    g_free(deployment->config);
    g_free(deployment->region);
    g_free(deployment);
}

static void start_deployment(const struct call *call, const char *endpoint, const char *config)
{
    struct deployment *deployment = g_new(struct deployment, 1);
    g_autoptr(resource_auto) found =
        resource_get(call->lathe->store, endpoint_kind.word, endpoint, NULL);
    *deployment = (struct deployment){call->lathe,
                                      g_strdup(endpoint),
                                      g_strdup(config),
                                      g_strdup(call->region),
                                      found ? found->created : 0,
                                      true};
    /* Those of one name come one after the other; one that takes long holds up few others. */
    g_autofree char *name = g_ascii_strdown(endpoint, -1);
    tasks_add(call->lathe->deployers[g_str_hash(name) % DEPLOYERS], deploy, deployment);
}

/* ---- operations ---- */

static bool create_endpoint(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    const char *config = json_text_at(request, "EndpointConfigName");
    g_autoptr(resource_auto) found = sagemaker_get(call, &endpoint_config_kind, config, error);
    if (!found || !sagemaker_create(call, &endpoint_kind, request, "Creating", NULL, reply, error))
        return false;
    start_deployment(call, json_text_at(request, "EndpointName"), config);
    return true;
}

static json_t *describe_variant(const struct call *call, const struct resource *endpoint,
                                const json_t *variant, GError **error)
{
    const char *name = json_text_at(variant, "VariantName");
    const json_t *weights = json_object_get(endpoint->body, "Weights");
    const json_t *set = json_object_get(weights, name);
    double weight =
        set ? json_number_value(set) : json_number_at(variant, "InitialVariantWeight", 1);
    json_int_t instances = json_integer_at(variant, "InitialInstanceCount", 1);
    g_autoptr(json_auto) described =
        json_pack("{sssfsfsIsI}", "VariantName", name, "CurrentWeight", weight, "DesiredWeight",
                  weight, "CurrentInstanceCount", instances, "DesiredInstanceCount", instances);
    g_autoptr(resource_auto) model = resource_get(call->lathe->store, model_kind.word,
                                                  json_text_at(variant, "ModelName"), error);
    if (!model && *error)
        return NULL;
    const char *image = model ? json_text_at(model->body, "PrimaryContainer.Image") : NULL;
    if (model && !image)
        image = json_text_at(model->body, "Containers[0].Image");
    if (image)
        json_object_set_new(described, "DeployedImages",
                            json_pack("[{sssssf}]", "SpecifiedImage", image, "ResolvedImage", image,
                                      "ResolutionTime", endpoint->created));
    return g_steal_pointer(&described);
}

/* What the endpoint's configuration adds to its description. */
static bool describe_config(const struct call *call, const struct resource *endpoint,
                            json_t *output, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(resource_auto) config =
        resource_get(call->lathe->store, endpoint_config_kind.word,
                     json_text_at(endpoint->body, "EndpointConfigName"), &cause);
    json_t *variants = json_array();
    size_t i;
    const json_t *variant;
    json_array_foreach(config ? json_object_get(config->body, "ProductionVariants") : NULL, i,
                       variant)
    {
        json_t *described = describe_variant(call, endpoint, variant, &cause);
        if (described)
            json_array_append_new(variants, described);
    }
    bool known = json_array_size(variants) > 0; /* not where the configuration was deleted */
    json_put(output, "ProductionVariants", known ? json_incref(variants) : NULL);
    json_decref(variants);
    if (cause) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    const json_t *capture = config ? json_object_get(config->body, "DataCaptureConfig") : NULL;
    if (capture)
        json_object_set_new(
            output, "DataCaptureConfig",
            json_pack(
                "{sbsssIssss}", "EnableCapture", json_true_at(capture, "EnableCapture"),
                "CaptureStatus", json_true_at(capture, "EnableCapture") ? "Started" : "Stopped",
                "CurrentSamplingPercentage",
                (json_int_t)json_integer_at(capture, "InitialSamplingPercentage", 0),
                "DestinationS3Uri", json_text_at(capture, "DestinationS3Uri"), "KmsKeyId", ""));
    return true;
}

static bool describe_endpoint(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    g_autoptr(resource_auto) endpoint =
        sagemaker_get(call, &endpoint_kind, json_text_at(request, "EndpointName"), error);
    if (!endpoint)
        return false;
    reply->output = sagemaker_describe(&endpoint_kind, endpoint);
    return describe_config(call, endpoint, reply->output, error);
}

static bool list_endpoints(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    return sagemaker_list(call, &endpoint_kind, request, reply, error);
}

static bool begin_update(struct resource *endpoint, void *data, GError **error)
{
    (void)data;
    if (strcmp(endpoint->status, "InService") != 0 && strcmp(endpoint->status, "Failed") != 0)
        return error_set(error, ERROR_VALIDATION, "Cannot update in-progress endpoint \"%s\".",
                         endpoint->arn);
    sagemaker_set_status(endpoint, "Updating");
    return true;
}

static bool update_endpoint(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    const char *config = json_text_at(request, "EndpointConfigName");
    g_autoptr(resource_auto) endpoint =
        sagemaker_get(call, &endpoint_kind, json_text_at(request, "EndpointName"), error);
    if (!endpoint)
        return false;
    const char *name = endpoint->name;
    g_autoptr(resource_auto) found = sagemaker_get(call, &endpoint_config_kind, config, error);
    if (!found || !lineage_keep(call->lathe, endpoint->arn, error) ||
        !resource_update(call->lathe->store, endpoint_kind.word, name, begin_update, NULL, NULL,
                         error))
        return false;
    start_deployment(call, name, config);
    reply->output = json_pack("{ss}", "EndpointArn", endpoint->arn);
    return true;
}

/* Keeps weights that differ from the configuration's, so that they outlive a restart. */
static bool keep_weights(struct resource *endpoint, void *data, GError **error)
{
    if (strcmp(endpoint->status, "InService") != 0)
        return error_set(error, ERROR_VALIDATION,
                         "The endpoint \"%s\" is %s; its weights can be changed when it is "
                         "InService.",
                         endpoint->arn, endpoint->status);
    json_t *weights = json_object_get(endpoint->body, "Weights");
    if (!weights) {
        weights = json_object();
        json_object_set_new(endpoint->body, "Weights", weights);
    }
    size_t i;
    const json_t *desired;
    json_array_foreach((json_t *)data, i, desired)
    {
        json_t *weight = json_object_get(desired, "DesiredWeight");
        if (weight)
            json_object_set(weights, json_text_at(desired, "VariantName"), weight);
    }
    return true;
}

static bool apply_weights(struct lathe *lathe, const char *name, const json_t *weights,
                          GError **error)
{
    const char *variant;
    json_t *weight;
    json_object_foreach((json_t *)weights, variant, weight)
    {
        if (!endpoints_weigh(lathe->endpoints, name, variant, json_number_value(weight)))
            return error_set(error, ERROR_VALIDATION, "The endpoint %s has no variant %s.", name,
                             variant);
    }
    return true;
}

static bool update_endpoint_weights_and_capacities(const struct call *call, const json_t *request,
                                                   struct reply *reply, GError **error)
{
    json_t *desired = json_object_get(request, "DesiredWeightsAndCapacities");
    g_autoptr(resource_auto) endpoint =
        sagemaker_get(call, &endpoint_kind, json_text_at(request, "EndpointName"), error);
    if (!endpoint)
        return false;
    const char *name = endpoint->name;
    g_autoptr(json_auto) weights = json_object();
    size_t i;
    const json_t *entry;
    json_array_foreach(desired, i, entry)
    {
        json_t *weight = json_object_get(entry, "DesiredWeight");
        if (weight)
            json_object_set(weights, json_text_at(entry, "VariantName"), weight);
    }
    if (!apply_weights(call->lathe, name, weights, error) ||
        !resource_update(call->lathe->store, endpoint_kind.word, name, keep_weights, desired, NULL,
                         error))
        return false;
    reply->output = json_pack("{ss}", "EndpointArn", endpoint->arn);
    return true;
}

static bool delete_endpoint(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) endpoint =
        sagemaker_get(call, &endpoint_kind, json_text_at(request, "EndpointName"), error);
    if (!endpoint || !lineage_keep(call->lathe, endpoint->arn, error) ||
        !sagemaker_delete(call, &endpoint_kind, request, NULL, error))
        return false;
    endpoints_remove(call->lathe->endpoints, endpoint->name);
    return true;
}

/* ---- after a start ---- */

static void bring_back(struct lathe *lathe, const struct resource *endpoint)
{
    g_auto(GStrv) arn = g_strsplit(endpoint->arn, ":", 6); /* arn:aws:sagemaker:REGION:... */
    struct deployment deployment = {
        lathe,  endpoint->name,    (char *)json_text_at(endpoint->body, "EndpointConfigName"),
        arn[3], endpoint->created, false};
    g_autoptr(GError) error = NULL;
    struct outcome outcome = {.deployment = &deployment};
    bool serves =
        deploy_config(&deployment, &error) &&
        apply_weights(lathe, endpoint->name, json_object_get(endpoint->body, "Weights"), &error);
    if (serves && strcmp(endpoint->status, "InService") == 0)
        return;
    if (!serves)
        outcome.failure = error->message;
    outcome.serves = endpoints_have(lathe->endpoints, endpoint->name);
    g_autoptr(GError) unwritten = NULL;
    if (!resource_update(lathe->store, endpoint_kind.word, endpoint->name, record_outcome, &outcome,
                         NULL, &unwritten))
        g_warning("the endpoint %s: %s", endpoint->name, unwritten->message);
}

/* Scripts are started, and not waited for: a server is not to start later for that. Requests until
 * then wait. Failed endpoints stay as they are; an update that was cut off is dropped, as it never
 * answered. What cannot be opened any more (its artifact was deleted) is Failed, with the reason.
 */
static bool recover(struct lathe *lathe, GError **error)
{
    g_autofree char *folder = g_build_filename(lathe->home, ENDPOINTS_FOLDER, NULL);
    if (!file_remove_tree(folder, error)) /* what a crash left */
        return false;
    struct resource_query query = {.kind = endpoint_kind.word};
    g_autoptr(GPtrArray) endpoints = resource_list(lathe->store, &query, NULL, error);
    for (guint i = 0; endpoints && i < endpoints->len; i++) {
        const struct resource *endpoint = g_ptr_array_index(endpoints, i);
        if (strcmp(endpoint->status, "Failed") != 0)
            bring_back(lathe, endpoint);
    }
    return endpoints != NULL;
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"CreateEndpoint", create_endpoint, OPERATION_BLOCKING},
    {"DescribeEndpoint", describe_endpoint, OPERATION_BLOCKING},
    {"ListEndpoints", list_endpoints, OPERATION_BLOCKING},
    {"UpdateEndpoint", update_endpoint, OPERATION_BLOCKING},
    {"UpdateEndpointWeightsAndCapacities", update_endpoint_weights_and_capacities,
     OPERATION_BLOCKING},
    {"DeleteEndpoint", delete_endpoint, OPERATION_BLOCKING},
};

const struct kind endpoint_kind = {
    .service = "sagemaker",
    .word = "endpoint",
    .noun = "Endpoint",
    KIND_WORDS("Endpoint"),
    .any_case = true,
    .status = "EndpointStatus",
    .reason = "FailureReason",
    .summaries = "Endpoints",
    .update = "UpdateEndpoint",
    .update_shows = "EndpointConfigName",
    .good = {"InService"},
    .bad = {"Failed", "OutOfService"},
    .own_log_group = "/aws/sagemaker/Endpoints/",
    .title = "endpoints",
    .step_metadata = "Endpoint",
    .searchable = true,
    .missing_code = ERROR_VALIDATION,
    .missing = "Could not find endpoint \"%s\".",
    .taken_code = ERROR_VALIDATION,
    .taken = "Cannot create already existing endpoint \"%s\".",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .recover = recover,
};
