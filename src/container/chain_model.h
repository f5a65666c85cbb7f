/* chain_model.h: containers one after the other: each one's answer is the next one's request, with
 * the content type that it came with. What the caller accepts only the last one is asked for; the
 * others answer as is their default, as SageMaker's inference pipelines do. Custom attributes and
 * the target model go to each. */
#ifndef LATHE_CONTAINER_CHAIN_MODEL_H
#define LATHE_CONTAINER_CHAIN_MODEL_H

#include "container/model.h"

struct chain_hop {
    struct served_model *model; /* a reference is taken */
    const char *name;           /* of the container, in refusals */
};

struct served_model *chain_model_new(const struct chain_hop *hops, size_t count);

#endif
