/* open_model.h: a model's containers made into what answers. Those that lathe knows and that stand
 * next to each other become one predictor (fused_model.h); one with a script of the user's a pool
 * of processes (script_model.h); one in Mode MultiModel either, for each model that is asked for.
 */
#ifndef LATHE_CONTAINER_OPEN_MODEL_H
#define LATHE_CONTAINER_OPEN_MODEL_H

#include "container/script_model.h"

/* Whether a container can be served: its image is known, or it brings a script; and its archive is
 * named as one. ERROR_VALIDATION. Whether its objects are there is not looked at. */
bool open_model_check(const struct model_objects *objects, const json_t *container, GError **error);

/* Opens 1 to 15 containers, in their order. */
struct served_model *open_model(const struct model_place *place, const json_t *containers,
                                GError **error);

#endif
