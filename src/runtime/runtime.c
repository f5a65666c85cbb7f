#include "runtime/runtime.h"

#include <string.h>

#include "base/error.h"

static const struct runtime_role features = {"features", NULL};
static const struct runtime_role evaluate = {"evaluate", NULL};
static const struct runtime_role in_the_server = {NULL, NULL};

static const struct runtime runtimes[] = {
    {.repository = "sagemaker-xgboost", .trains = &xgboost_trains, .serves = &in_the_server},
    {.repository = "xgboost", .trains = &xgboost_trains, .serves = &in_the_server},
    {.repository = "sagemaker-sparkml-serving", .serves = &in_the_server},
    {.repository = "lathe-features", .processes = &features},
    {.repository = "lathe-evaluate", .processes = &evaluate},
};

static const struct runtime *by_repository(const char *repository)
{
    for (size_t i = 0; i < G_N_ELEMENTS(runtimes); i++)
        if (strcmp(runtimes[i].repository, repository) == 0)
            return &runtimes[i];
    return NULL;
}

const struct runtime *runtime_find(const char *image, GError **error)
{
    const char *slash = strrchr(image, '/');
    const char *name = slash ? slash + 1 : image;
    size_t length = strcspn(name, ":@");
    g_autofree char *repository = g_strndup(name, length);
    const struct runtime *runtime = by_repository(repository);
    if (!runtime) {
        GString *known = g_string_new(NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(runtimes); i++)
            g_string_append_printf(known, "%s%s", i ? ", " : "", runtimes[i].repository);
        error_set(error, ERROR_VALIDATION,
                  "No runtime for the image %s: lathe runs the repositories %s.", image,
                  known->str);
        g_string_free(known, TRUE);
        return NULL;
    }
    return runtime;
}
