/* Tags of registered models and of their versions. */
#include "service/mlflow/mlflow_inside.h"

enum { VALUE_LIMIT = 100000 };

static bool check_tag(const json_t *tag, GError **error)
{
    const char *key = json_text_at(tag, "key"), *value = json_text_at(tag, "value");
    if (!key || !*key)
        return mlflow_missing(error, "key");
    return mlflow_check_key("key", key, error) &&
           mlflow_check_length("key", MLFLOW_KEY_LIMIT, key, error) &&
           mlflow_check_length("value", VALUE_LIMIT, value ? value : "", error);
}

bool registry_check_tags(const json_t *tags, GError **error)
{
    size_t i;
    const json_t *tag;
    json_array_foreach((json_t *)tags, i, tag)
    {
        if (!check_tag(tag, error))
            return false;
    }
    return true;
}

static bool put_tag(struct resource *resource, void *data, GError **error)
{
    (void)error;
    const char *value = json_text_at(data, "value");
    json_object_set_new(mlflow_object_in(resource->body, "Tags"), json_text_at(data, "key"),
                        json_string(value ? value : ""));
    return true;
}

bool registry_put_tag(const struct call *call, const struct resource *resource,
                      const json_t *request, GError **error)
{
    return check_tag(request, error) &&
           mlflow_change(call, resource, put_tag, (void *)request, error);
}

static bool drop_tag(struct resource *resource, void *data, GError **error)
{
    (void)error;
    json_object_del(json_object_get(resource->body, "Tags"), json_text_at(data, "key"));
    return true;
}

bool registry_drop_tag(const struct call *call, const struct resource *resource,
                       const json_t *request, GError **error)
{
    return mlflow_text(request, "key", error) &&
           mlflow_change(call, resource, drop_tag, (void *)request, error);
}
