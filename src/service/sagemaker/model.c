/* Models: which containers, with which artifacts, make a predictor. */
#include <string.h>

#include "base/s3_uri.h"
#include "container/open_model.h"
#include "lake/lake.h"
#include "serve/place.h"
#include "service/sagemaker/lineage.h"

/* The containers as they were given, however many ways there are to give them. */
static json_t *given_containers(const json_t *model)
{
    json_t *primary = json_object_get(model, "PrimaryContainer");
    json_t *containers = json_object_get(model, "Containers");
    return primary ? json_pack("[O]", primary) : json_incref(containers);
}

/* What a model package stands for: its container, with the model's own environment over it. */
static json_t *resolve_package(struct lathe *lathe, const json_t *container, GError **error)
{
    const char *package_name = json_text_at(container, "ModelPackageName");
    g_autoptr(resource_auto) package = model_package_find(lathe, package_name, error);
    if (!package)
        return NULL;
    if (strcmp(package->status, "Rejected") == 0) {
        error_set(error, ERROR_VALIDATION,
                  "The model package %s is rejected and cannot be deployed.", package_name);
        return NULL;
    }
    const json_t *containers = json_at(package->body, "InferenceSpecification.Containers");
    if (json_array_size(containers) != 1) {
        error_set(error, ERROR_VALIDATION,
                  "The model package %s has %zu containers; one is needed.", package_name,
                  json_array_size(containers));
        return NULL;
    }
    json_t *resolved = json_deep_copy(json_array_get(containers, 0));
    const json_t *environment = json_object_get(container, "Environment");
    if (environment && json_object_get(resolved, "Environment"))
        json_object_update(json_object_get(resolved, "Environment"), (json_t *)environment);
    else if (environment)
        json_object_set(resolved, "Environment", (json_t *)environment);
    return resolved;
}

json_t *model_containers(struct lathe *lathe, const json_t *model, GError **error)
{
    g_autoptr(json_auto) given = given_containers(model);
    g_autoptr(json_auto) resolved = json_array();
    size_t i;
    json_t *container;
    json_array_foreach(given, i, container)
    {
        bool package = json_object_get(container, "ModelPackageName") != NULL;
        json_t *one = package ? resolve_package(lathe, container, error) : json_incref(container);
        if (!one)
            return NULL;
        json_array_append_new(resolved, one);
    }
    return g_steal_pointer(&resolved);
}

/* AWS's words, whether it is the object that is missing or its bucket. */
static bool check_data(struct lathe *lathe, const char *uri, GError **error)
{
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    if (!s3_uri_parse(uri, &bucket, &key, error))
        return false;
    GError *cause = NULL;
    g_autoptr(lake_object_auto) object = lake_stat(lathe->lake, bucket, key, &cause);
    if (object)
        return true;
    if (!g_error_matches(cause, LATHE_ERROR, ERROR_NO_SUCH_KEY) &&
        !g_error_matches(cause, LATHE_ERROR, ERROR_NO_SUCH_BUCKET)) {
        g_propagate_error(error, cause);
        return false;
    }
    g_error_free(cause);
    return error_set(error, ERROR_VALIDATION, "Could not find model data at %s.", uri);
}

/* The archive, and the script's source where that is an object of its own; not those of many. */
static bool check_objects(struct lathe *lathe, const json_t *container, GError **error)
{
    const char *data = json_text_at(container, "ModelDataUrl");
    const char *source = json_text_at(container, "Environment.SAGEMAKER_SUBMIT_DIRECTORY");
    bool many = g_strcmp0(json_text_at(container, "Mode"), "MultiModel") == 0;
    return (!data || many || check_data(lathe, data, error)) &&
           (!source || !s3_uri_is(source) || check_data(lathe, source, error));
}

static bool check_container(struct lathe *lathe, const json_t *container, GError **error)
{
    const char *image = json_text_at(container, "Image");
    if (!image)
        return error_set(error, ERROR_VALIDATION, "The container has no Image.");
    struct model_objects objects = lake_objects(lathe->lake);
    return open_model_check(&objects, container, error) && check_objects(lathe, container, error);
}

static bool create_model(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    const json_t *primary = json_object_get(request, "PrimaryContainer");
    bool several = json_array_size(json_object_get(request, "Containers")) > 0;
    if ((primary != NULL) == several)
        return error_set(error, ERROR_VALIDATION,
                         "Exactly one of PrimaryContainer and Containers must be given.");
    g_autoptr(json_auto) containers = model_containers(call->lathe, request, error);
    size_t i;
    const json_t *container;
    json_array_foreach(containers, i, container)
    {
        if (!check_container(call->lathe, container, error))
            return false;
    }
    return containers && sagemaker_create(call, &model_kind, request, "", NULL, reply, error);
}

static bool describe_model(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    return sagemaker_describe_call(call, &model_kind, request, reply, error);
}

static bool list_models(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    return sagemaker_list(call, &model_kind, request, reply, error);
}

static bool delete_model(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) model =
        sagemaker_get(call, &model_kind, json_text_at(request, "ModelName"), error);
    return model && lineage_keep(call->lathe, model->arn, error) &&
           sagemaker_delete(call, &model_kind, request, NULL, error);
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"CreateModel", create_model, OPERATION_BLOCKING},
    {"DescribeModel", describe_model, OPERATION_BLOCKING},
    {"ListModels", list_models, OPERATION_BLOCKING},
    {"DeleteModel", delete_model, OPERATION_BLOCKING},
};

const struct kind model_kind = {
    .service = "sagemaker",
    .word = "model",
    .noun = "Model",
    KIND_WORDS("Model"),
    .summaries = "Models",
    .step = "Model",
    .step_metadata = "Model",
    .always = "{\"EnableNetworkIsolation\": false}",
    .missing_code = ERROR_VALIDATION,
    .missing = "Could not find model \"%s\".",
    .taken_code = ERROR_VALIDATION,
    .taken = "Cannot create already existing model \"%s\".",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
