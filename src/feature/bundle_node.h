/* bundle_node.h: one node of a bundle; between bundle_read.c, which finds it, and bundle_node.c,
 * which understands it. */
#ifndef LATHE_FEATURE_BUNDLE_NODE_H
#define LATHE_FEATURE_BUNDLE_NODE_H

#include "feature/build.h"
#include "feature/json.h"

struct bundle_node {
    struct pipeline *pipeline;
    struct arena *arena; /* the pipeline's */
    const struct json *attributes;
    const struct json *inputs, *outputs; /* the lists of its shape */
    struct feature_stage stage;          /* kind and name are set */
    struct lathe_error *error;
};

/* Fills in the stage from the attributes and the shape. */
bool node_read(struct bundle_node *node);

/* The elements of a list or tensor among the attributes; *list is NULL where it is empty. */
bool node_list(const struct bundle_node *node, const char *name, const char *type,
               const struct json **list);

#endif
