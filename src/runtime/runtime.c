#include "runtime/runtime.h"

#include <string.h>

#include "base/error.h"

static const struct runtime runtimes[] = {
    {"sagemaker-xgboost", "train", NULL, true},      {"xgboost", "train", NULL, true},
    {"sagemaker-sparkml-serving", NULL, NULL, true}, {"lathe-features", NULL, "features", false},
    {"lathe-evaluate", NULL, "evaluate", false},
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
