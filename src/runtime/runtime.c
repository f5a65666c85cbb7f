#include "runtime/runtime.h"

#include <string.h>

#include "base/error.h"

static const struct runtime_role features = {.program = "features"};
static const struct runtime_role evaluate = {.program = "evaluate"};
/* What it brings nobody would find. */
static bool check_outputs(const json_t *request, GError **error)
{
    return json_array_size(json_at(request, "ProcessingOutputConfig.Outputs")) > 0 ||
           error_set(error, ERROR_VALIDATION,
                     "ProcessingOutputConfig: lathe-fetch needs an output, with the LocalPath "
                     "/opt/ml/processing/output or a folder below that.");
}

static const struct runtime_role fetch = {
    .program = "fetch", .check = check_outputs, .fetches = true};
static const struct runtime_role script = {.program = RUNTIME_SCRIPT};
static const struct runtime_role in_the_server = {.program = NULL};

static const struct runtime runtimes[] = {
    {"sagemaker-xgboost", {[RUNTIME_TRAINS] = &xgboost_trains, [RUNTIME_SERVES] = &in_the_server}},
    {"xgboost", {[RUNTIME_TRAINS] = &xgboost_trains, [RUNTIME_SERVES] = &in_the_server}},
    {"sagemaker-sparkml-serving", {[RUNTIME_SERVES] = &in_the_server}},
    {RUNTIME_SPARK, {[RUNTIME_PROCESSES] = &script}},
    {"lathe-features", {[RUNTIME_PROCESSES] = &features}},
    {"lathe-evaluate", {[RUNTIME_PROCESSES] = &evaluate}},
    {"lathe-fetch", {[RUNTIME_PROCESSES] = &fetch}},
};

static const struct runtime *by_repository(const char *repository)
{
    for (size_t i = 0; i < G_N_ELEMENTS(runtimes); i++)
        if (strcmp(runtimes[i].repository, repository) == 0)
            return &runtimes[i];
    return NULL;
}

/* g_free. */
static char *repository_of(const char *image)
{
    const char *slash = strrchr(image, '/');
    const char *name = slash ? slash + 1 : image;
    return g_strndup(name, strcspn(name, ":@"));
}

bool runtime_is(const char *image, const char *repository)
{
    g_autofree char *own = repository_of(image);
    return strcmp(own, repository) == 0;
}

/* How a request brings a program of its own, for who did not. */
static const char *const how[] = {
    [RUNTIME_TRAINS] = "a script of your own: the hyperparameters sagemaker_program and "
                       "sagemaker_submit_directory (what an Estimator with an entry_point sends), "
                       "or AlgorithmSpecification.ContainerEntrypoint",
    [RUNTIME_PROCESSES] =
        ("a script of your own: AppSpecification.ContainerEntrypoint, such as "
         "[\"python3\", \"/opt/ml/processing/input/code/script.py\"]. The "
         "image's own program it runs by podman or docker, neither of which was "
         "found where lathe was started (runtime.engine in lathe.yaml names one)"),
    [RUNTIME_SERVES] = "a script of your own: code/inference.py in the model's archive, or "
                       "SAGEMAKER_PROGRAM in the container's Environment",
};

static bool refuse(const char *image, enum runtime_work work, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(runtimes); i++)
        if (runtimes[i].roles[work])
            g_string_append_printf(known, "%s%s", known->len ? ", " : "", runtimes[i].repository);
    static const char *const what[] = {"trains", "processes", "serves"};
    return error_set(error, ERROR_VALIDATION,
                     "No runtime for the image %s: of itself lathe %s with the repositories %s. "
                     "With any other image it runs %s.",
                     image, what[work], known->str, how[work]);
}

const struct runtime_role *runtime_role(const char *image, enum runtime_work work, bool own_program,
                                        GError **error)
{
    if (own_program)
        return &script;
    g_autofree char *repository = repository_of(image);
    const struct runtime *runtime = by_repository(repository);
    if (runtime && runtime->roles[work])
        return runtime->roles[work];
    refuse(image, work, error);
    return NULL;
}

json_t *runtime_metric_definitions(const char *image)
{
    g_autofree char *repository = repository_of(image);
    const struct runtime *runtime = by_repository(repository);
    const struct runtime_role *role = runtime ? runtime->roles[RUNTIME_TRAINS] : NULL;
    return role && role->metric_definitions ? role->metric_definitions() : NULL;
}
