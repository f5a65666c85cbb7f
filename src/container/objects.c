#include "container/objects.h"

GBytes *model_object_get(const struct model_objects *objects, const char *uri, size_t limit,
                         GError **error)
{
    GBytes *bytes = objects->get(objects->data, uri, limit, error);
    if (!bytes)
        g_prefix_error(error, "%s: ", uri);
    return bytes;
}
