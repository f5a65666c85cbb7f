/* place.h: what a model's containers are opened with where an endpoint is to answer: artifacts of
 * the lake, and the endpoint's log. */
#ifndef LATHE_SERVE_PLACE_H
#define LATHE_SERVE_PLACE_H

#include "container/script_model.h"

struct lake;
struct logs;

struct model_objects lake_objects(struct lake *lake);
/* /aws/sagemaker/Endpoints/NAME. */
struct model_logs endpoint_logs(struct logs *logs);

#endif
