/* Models: which containers, with which artifacts, make a predictor. */
#include <string.h>

#include "runtime/runtime.h"
#include "service/sagemaker/sagemaker.h"

const struct sagemaker_kind model_kind = {
    .kind = "model",
    .name_member = "ModelName",
    .arn_member = "ModelArn",
    .summaries = "Models",
    .missing_code = ERROR_VALIDATION,
    .missing = "Could not find model \"%s\".",
    .taken_code = ERROR_VALIDATION,
    .taken = "Cannot create already existing model \"%s\".",
};

static bool check_container(const json_t *container, GError **error)
{
    const char *image = json_text_at(container, "Image");
    const char *data = json_text_at(container, "ModelDataUrl");
    if (!image)
        return error_set(error, ERROR_VALIDATION, "The container has no Image.");
    const struct runtime *runtime = runtime_find(image, NULL, error);
    if (!runtime)
        return false;
    if (!runtime->serves)
        return error_set(error, ERROR_VALIDATION, "The image %s does not serve models.", image);
    if (!data || !g_str_has_prefix(data, "s3://") || !g_str_has_suffix(data, ".tar.gz"))
        return error_set(error, ERROR_VALIDATION,
                         "ModelDataUrl %s: an s3:// URL of a .tar.gz object is needed.",
                         data ? data : "is missing");
    return true;
}

bool create_model(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    const json_t *primary = json_object_get(request, "PrimaryContainer");
    const json_t *containers = json_object_get(request, "Containers");
    size_t count = json_array_size(containers);
    if ((primary != NULL) == (count > 0))
        return error_set(error, ERROR_VALIDATION,
                         "Exactly one of PrimaryContainer and Containers must be given.");
    if (primary && !check_container(primary, error))
        return false;
    if (count > 1)
        return error_set(error, ERROR_VALIDATION,
                         "Containers has %zu entries; models of one container are served so far.",
                         count);
    if (count && !check_container(json_array_get(containers, 0), error))
        return false;
    return sagemaker_create(call, &model_kind, request, "", NULL, reply, error);
}

bool describe_model(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    return sagemaker_describe_call(call, &model_kind, request, reply, error);
}

bool list_models(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    return sagemaker_list(call, &model_kind, request, NULL, reply, error);
}

bool delete_model(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    (void)reply;
    return sagemaker_delete(call, &model_kind, request, error);
}
