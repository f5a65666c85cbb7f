#include "serve/model.h"

#include <stdatomic.h>

#include "base/error.h"
#include "lake/lake.h"

/* Larger artifacts are refused: an archive is input from outside. */
#define ARTIFACT_LIMIT ((size_t)4 << 30)

struct served_model {
    atomic_int references;
    char *default_accept;
    const struct xgboost_release *reader, *writer;
    bool selects;
    struct lathe_predictor *predictor;
};

/* One container's artifact, and its environment as "NAME=VALUE"s. */
struct fetched {
    GBytes *archive;
    GStrv environment;
};

static void fetched_clear(void *of)
{
    struct fetched *fetched = of;
    g_clear_pointer(&fetched->archive, g_bytes_unref);
    g_strfreev(fetched->environment);
}

static GStrv environment_of(const json_t *container)
{
    g_autoptr(GStrvBuilder) variables = g_strv_builder_new();
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(container, "Environment"), name, value)
    {
        g_autofree char *variable = g_strdup_printf("%s=%s", name, json_string_value(value));
        g_strv_builder_add(variables, variable);
    }
    return g_strv_builder_end(variables);
}

/* Fetches the artifacts of all containers; lets one failed fetch fail all. */
static bool fetch(struct lake *lake, const json_t *containers, GArray *fetched, GError **error)
{
    size_t i;
    const json_t *container;
    json_array_foreach((json_t *)containers, i, container)
    {
        const char *uri = json_text_at(container, "ModelDataUrl");
        struct fetched one = {.archive = lake_get_bytes(lake, uri, ARTIFACT_LIMIT, error)};
        if (!one.archive) {
            g_prefix_error(error, "%s: ", uri);
            return false;
        }
        one.environment = environment_of(container);
        g_array_append_val(fetched, one);
    }
    return true;
}

static const char *image_of(const json_t *container)
{
    const char *image = json_text_at(container, "Image");
    return image ? image : "";
}

/* The ways of the containers at the two ends. */
static void note_ends(struct served_model *served, const json_t *containers)
{
    const json_t *first = json_array_get(containers, 0);
    const json_t *last = json_array_get(containers, json_array_size(containers) - 1);
    if (!lathe_predictor_starts_with_bundle(served->predictor))
        served->reader = xgboost_release_find(image_of(first));
    if (!lathe_predictor_ends_in_bundle(served->predictor))
        served->writer = xgboost_release_find(image_of(last));
    served->default_accept =
        g_strdup(json_text_at(last, "Environment.SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"));
    served->selects = served->writer && served->writer->selects &&
                      json_text_at(last, "Environment.SAGEMAKER_INFERENCE_OUTPUT");
}

static struct lathe_predictor *open_predictor(const json_t *containers, const GArray *fetched,
                                              GError **error)
{
    g_autofree struct lathe_artifact *artifacts = g_new0(struct lathe_artifact, fetched->len);
    for (guint i = 0; i < fetched->len; i++) {
        const struct fetched *one = &g_array_index(fetched, struct fetched, i);
        artifacts[i].name = json_text_at(json_array_get(containers, i), "ModelDataUrl");
        artifacts[i].bytes = g_bytes_get_data(one->archive, &artifacts[i].size);
        artifacts[i].image = image_of(json_array_get(containers, i));
        artifacts[i].environment = (const char *const *)one->environment;
    }
    struct lathe_error cause;
    struct lathe_predictor *predictor = lathe_predictor_open(artifacts, fetched->len, &cause);
    if (!predictor)
        error_set(error, ERROR_VALIDATION, "%s", cause.message);
    return predictor;
}

struct served_model *served_model_open(struct lake *lake, const json_t *containers, GError **error)
{
    g_autoptr(GArray) fetched = g_array_new(FALSE, FALSE, sizeof(struct fetched));
    g_array_set_clear_func(fetched, fetched_clear);
    struct lathe_predictor *predictor = NULL;
    if (fetch(lake, containers, fetched, error))
        predictor = open_predictor(containers, fetched, error);
    if (!predictor)
        return NULL;
    struct served_model *served = g_new0(struct served_model, 1);
    atomic_init(&served->references, 1);
    served->predictor = predictor;
    note_ends(served, containers);
    return served;
}

struct served_model *served_model_ref(struct served_model *model)
{
    atomic_fetch_add(&model->references, 1);
    return model;
}

void served_model_unref(struct served_model *model)
{
    if (!model || atomic_fetch_sub(&model->references, 1) > 1)
        return;
    lathe_predictor_close(model->predictor);
    g_free(model->default_accept);
    g_free(model);
}

const struct lathe_predictor *served_model_predictor(const struct served_model *model)
{
    return model->predictor;
}

const struct xgboost_release *served_model_reader(const struct served_model *model)
{
    return model->reader;
}

const struct xgboost_release *served_model_writer(const struct served_model *model)
{
    return model->writer;
}

bool served_model_selects(const struct served_model *model)
{
    return model->selects;
}

const char *served_model_default_accept(const struct served_model *model)
{
    return model->default_accept;
}
