/* objects.h: where the artifacts of models come from: the lake, as an endpoint sees it, or the
 * folder of a job that the lake's objects were brought to. */
#ifndef LATHE_CONTAINER_OBJECTS_H
#define LATHE_CONTAINER_OBJECTS_H

#include <glib.h>
#include <stdbool.h>

struct model_objects {
    /* The object at an s3:// URI; ERROR_NO_SUCH_BUCKET or ERROR_NO_SUCH_KEY where there is none. */
    GBytes *(*get)(void *data, const char *uri, size_t limit, GError **error);
    /* Whether there is one, without its bytes. */
    bool (*has)(void *data, const char *uri);
    void *data; /* outlives the models */
};

/* Its bytes, or NULL and an error that begins with the URI. */
GBytes *model_object_get(const struct model_objects *objects, const char *uri, size_t limit,
                         GError **error);

#endif
