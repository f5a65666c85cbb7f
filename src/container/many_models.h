/* many_models.h: a container that holds many models (Mode MultiModel): its ModelDataUrl is a
 * prefix, and a request's TargetModel the name of an archive below it. Each is opened with the
 * first request that names it, and stays until many others have been asked for since. */
#ifndef LATHE_CONTAINER_MANY_MODELS_H
#define LATHE_CONTAINER_MANY_MODELS_H

#include "container/model.h"

enum { MANY_MODELS_OPEN = 32 }; /* at once */

/* Opens the model of that name, or NULL and an error: ERROR_MODEL's text becomes a refusal. One
 * call at a time. */
struct served_model *many_models_new(struct served_model *(*open)(const char *name, void *data,
                                                                  GError **error),
                                     void (*free_data)(void *data), void *data);

#endif
