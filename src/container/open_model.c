#include "container/open_model.h"

#include <string.h>

#include "base/error.h"
#include "base/s3_uri.h"
#include "container/chain_model.h"
#include "container/fused_model.h"
#include "container/many_models.h"
#include "runtime/runtime.h"

static bool is_of_many(const json_t *container)
{
    return g_strcmp0(json_text_at(container, "Mode"), "MultiModel") == 0;
}

static bool is_known(const json_t *container)
{
    return runtime_role(json_text_at(container, "Image"), RUNTIME_SERVES, false, NULL) != NULL;
}

/* ---- whether it can be ---- */

static bool check_data(const json_t *container, GError **error)
{
    const char *data = json_text_at(container, "ModelDataUrl");
    if (is_of_many(container))
        return (s3_uri_is(data) && g_str_has_suffix(data, "/")) ||
               error_set(error, ERROR_VALIDATION,
                         "ModelDataUrl %s: of a container in Mode MultiModel an s3:// prefix is "
                         "needed that ends with a slash.",
                         data ? data : "is missing");
    if (!data && !is_known(container))
        return true; /* a script may need none */
    return (s3_uri_is(data) && g_str_has_suffix(data, ".tar.gz")) ||
           error_set(error, ERROR_VALIDATION,
                     "ModelDataUrl %s: an s3:// URL of a .tar.gz object is needed.",
                     data ? data : "is missing");
}

/* An archive among many may bring one: that is seen when it is asked for. */
static bool check_image(const struct model_objects *objects, const json_t *container,
                        GError **error)
{
    bool scripted = is_of_many(container);
    if (is_known(container) || scripted)
        return true;
    GError *cause = NULL;
    if (!script_model_is(objects, container, &scripted, &cause) &&
        !g_error_matches(cause, LATHE_ERROR, ERROR_NO_SUCH_KEY) &&
        !g_error_matches(cause, LATHE_ERROR, ERROR_NO_SUCH_BUCKET)) {
        g_propagate_error(error, cause);
        return false;
    }
    g_clear_error(&cause);
    return runtime_role(json_text_at(container, "Image"), RUNTIME_SERVES, scripted, error) != NULL;
}

bool open_model_check(const struct model_objects *objects, const json_t *container, GError **error)
{
    return check_data(container, error) && check_image(objects, container, error);
}

/* ---- opening ---- */

enum what { FUSED, SCRIPT, MANY };

static bool is_what(const struct model_objects *objects, const json_t *container, enum what *what,
                    GError **error)
{
    bool scripted = false;
    *what = MANY;
    if (is_of_many(container))
        return true;
    bool named = json_text_at(container, "Environment.SAGEMAKER_PROGRAM") != NULL;
    if (is_known(container))
        scripted = named && !script_model_is_default(objects, container);
    else if (!script_model_is(objects, container, &scripted, error) ||
             !runtime_role(json_text_at(container, "Image"), RUNTIME_SERVES, scripted, error))
        return false;
    *what = scripted ? SCRIPT : FUSED;
    return true;
}

static struct served_model *open_many(const struct model_place *place, const json_t *container,
                                      GError **error);

static struct served_model *open_one(const struct model_place *place, const struct model_part *part,
                                     enum what what, GError **error)
{
    if (what == SCRIPT)
        return script_model_open(place, part, error);
    if (what == MANY)
        return open_many(place, part->container, error);
    g_autoptr(json_auto) alone = json_pack("[O]", part->container);
    return fused_model_open(&place->objects, alone, error);
}

/* ---- one of many ---- */

/* What outlives the place that a model was opened for. */
struct many {
    struct model_place place;
    char *folder, *endpoint, *variant;
    json_t *sandbox, *container;
};

static void free_many(void *data)
{
    struct many *many = data;
    g_free(many->folder);
    g_free(many->endpoint);
    g_free(many->variant);
    json_decref(many->sandbox);
    json_decref(many->container);
    g_free(many);
}

/* The archive below the prefix, or SageMaker's words where it is not there. */
static char *find_archive(const struct many *many, const char *name, GError **error)
{
    const char *prefix = json_text_at(many->container, "ModelDataUrl");
    g_autofree char *uri = g_strconcat(prefix, name + strspn(name, "/"), NULL);
    const struct model_objects *objects = &many->place.objects;
    if (objects->has(objects->data, uri))
        return g_steal_pointer(&uri);
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    s3_uri_parse(uri, &bucket, &key, NULL);
    error_set(error, ERROR_VALIDATION_RUNTIME,
              "Failed to download model data(bucket: %s, key: %s). Please ensure that there is an "
              "object located at the URL and that the role passed to CreateModel has permissions "
              "to download the model.",
              bucket, key);
    return NULL;
}

/* The container of one archive alone, as SageMaker's own one of many learns of it. */
static json_t *container_of(const struct many *many, const char *uri)
{
    json_t *container = json_copy(many->container);
    json_t *environment = json_object();
    json_object_update(environment, json_object_get(container, "Environment"));
    json_object_set_new(environment, MULTI_MODEL_VARIABLE, json_string("true"));
    json_object_set_new(container, "Environment", environment);
    json_object_set_new(container, "ModelDataUrl", json_string(uri));
    json_object_del(container, "Mode");
    return container;
}

/* A model that cannot be loaded is its container's refusal. */
static struct served_model *open_named(const char *name, void *data, GError **error)
{
    const struct many *many = data;
    g_autofree char *uri = find_archive(many, name, error);
    if (!uri)
        return NULL;
    g_autoptr(json_auto) container = container_of(many, uri);
    struct model_part part = {.container = container, .one_of_many = true};
    GError *cause = NULL;
    enum what what;
    struct served_model *model = is_what(&many->place.objects, container, &what, &cause)
                                     ? open_one(&many->place, &part, what, &cause)
                                     : NULL;
    if (!model) {
        error_set(error, ERROR_MODEL, "%s", cause->message);
        g_error_free(cause);
    }
    return model;
}

static struct served_model *open_many(const struct model_place *place, const json_t *container,
                                      GError **error)
{
    (void)error;
    struct many *many = g_new0(struct many, 1);
    many->place = *place;
    many->place.wait = (struct model_wait){.waits = true};
    many->place.folder = many->folder = g_strdup(place->folder);
    many->place.endpoint = many->endpoint = g_strdup(place->endpoint);
    many->place.variant = many->variant = g_strdup(place->variant);
    many->place.sandbox = many->sandbox = json_incref((json_t *)place->sandbox);
    many->container = json_incref((json_t *)container);
    return many_models_new(open_named, free_many, many);
}

/* ---- several in a row ---- */

static void unref_hop(void *data)
{
    struct chain_hop *hop = data;
    served_model_unref(hop->model);
    g_free((char *)hop->name);
}

static char *hostname_of(const json_t *container, size_t number)
{
    const char *name = json_text_at(container, "ContainerHostname");
    return name ? g_strdup(name) : g_strdup_printf("container-%zu", number + 1);
}

/* The containers from `from` on that make one hop: all that can be fused, or one. */
static json_t *hop_of(const json_t *containers, const enum what *whats, size_t from)
{
    json_t *hop = json_array();
    size_t count = json_array_size(containers);
    for (size_t i = from; i < count && (i == from || (whats[from] == FUSED && whats[i] == FUSED));
         i++)
        json_array_append(hop, json_array_get(containers, i));
    return hop;
}

static bool add_hop(const struct model_place *place, const json_t *hop, enum what what,
                    size_t number, GArray *hops, GError **error)
{
    const json_t *container = json_array_get(hop, 0);
    g_autofree char *name = hostname_of(container, number);
    struct model_part part = {.container = container, .hostname = name};
    struct chain_hop made = {.model = what == FUSED ? fused_model_open(&place->objects, hop, error)
                                                    : open_one(place, &part, what, error)};
    if (!made.model)
        return false;
    made.name = g_steal_pointer(&name);
    g_array_append_val(hops, made);
    return true;
}

static struct served_model *open_hops(const struct model_place *place, const json_t *containers,
                                      const enum what *whats, GError **error)
{
    g_autoptr(GArray) hops = g_array_new(FALSE, FALSE, sizeof(struct chain_hop));
    g_array_set_clear_func(hops, unref_hop);
    for (size_t i = 0; i < json_array_size(containers);) {
        g_autoptr(json_auto) hop = hop_of(containers, whats, i);
        if (!add_hop(place, hop, whats[i], i, hops, error))
            return NULL;
        i += json_array_size(hop);
    }
    const struct chain_hop *all = (const struct chain_hop *)(void *)hops->data;
    return hops->len == 1 ? served_model_ref(all->model) : chain_model_new(all, hops->len);
}

struct served_model *open_model(const struct model_place *place, const json_t *containers,
                                GError **error)
{
    size_t count = json_array_size(containers);
    g_autofree enum what *whats = g_new(enum what, MAX(count, 1));
    for (size_t i = 0; i < count; i++)
        if (!is_what(&place->objects, json_array_get(containers, i), &whats[i], error))
            return NULL;
    if (count > 1)
        return open_hops(place, containers, whats, error);
    struct model_part part = {.container = json_array_get(containers, 0)};
    return open_one(place, &part, whats[0], error);
}
