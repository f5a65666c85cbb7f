/* bundle_node.h: one node of a bundle: between bundle_read.c, which finds it, or bundle_write.c,
 * which makes it, and the transformers, which understand it. */
#ifndef LATHE_FEATURE_BUNDLE_NODE_H
#define LATHE_FEATURE_BUNDLE_NODE_H

#include "feature/build.h"
#include "feature/json.h"

struct reading;

struct bundle_node {
    struct pipeline *pipeline;
    struct arena *arena; /* the pipeline's */
    const struct json *attributes;
    const struct json *inputs, *outputs; /* the lists of its shape */
    struct feature_stage stage;          /* kind and name are set */
    struct lathe_error *error;
    struct reading *reading; /* the bundle, for node_document */
    const char *path;        /* of the node's folder in it */
};

/* Fills in the stage from the attributes and the shape. */
bool node_read(struct bundle_node *node);

/* Fails with what the attribute must be. */
bool node_needs(const struct bundle_node *node, const char *name, const char *what);

/* Attributes. A scalar that is not there leaves what was before (a text: ""). */
bool node_number(const struct bundle_node *node, const char *name, double *number);
bool node_bool(const struct bundle_node *node, const char *name, bool *truth);
bool node_string(const struct bundle_node *node, const char *name, const char **text);
bool node_invalid(struct bundle_node *node, enum feature_invalid otherwise);

/* A whole number from `least` to `most`; it must be there. */
bool node_whole(const struct bundle_node *node, const char *name, size_t least, size_t most,
                size_t *number);

/* The elements of a list or tensor among the attributes; *list is NULL where it is empty. */
bool node_list(const struct bundle_node *node, const char *name, const char *type,
               const struct json **list);

/* Numbers of a list or of a dense tensor; node_vector: *numbers is NULL where there are none. */
bool node_numbers(const struct bundle_node *node, const char *name, const double **numbers,
                  size_t *count);
bool node_vector(const struct bundle_node *node, const char *name, const double **numbers,
                 size_t *count);
bool node_labels(const struct bundle_node *node, const char *name, const struct labels **labels);

/* How many rows and columns a tensor has, which must have both. */
bool node_matrix(const struct bundle_node *node, const char *name, size_t *rows, size_t *columns);

/* Whole numbers of a list of longs or ints, each below `end`. */
bool node_indices(const struct bundle_node *node, const char *name, size_t end,
                  const size_t **indices, size_t *count);

/* A shape: scalar, or vector of known size. And the one shape or the list of shapes of an
 * attribute, as many as there are input columns. */
bool node_data_shape(const struct bundle_node *node, const struct json *json,
                     struct feature_shape *shape);
bool node_shapes(const struct bundle_node *node, const char *name,
                 const struct feature_shape **shapes);

/* The columns at "input" and "output", or at those and a number; how many they must be (inputs 0:
 * any but none). */
bool node_shape(struct bundle_node *node, size_t inputs, size_t outputs);

/* The columns at these ports, which must all be there. */
bool node_ports(struct bundle_node *node, const char *input, const char *const *outputs,
                size_t count);

/* A file below the node's folder. *loaded is the caller's to free; *bytes is it, or the bundle's.
 */
bool node_file(const struct bundle_node *node, const char *file, const char **bytes, size_t *size,
               char **loaded);

/* ---- writing ---- */

void put_string(struct json_out *json, const char *name, const char *value);
void put_number(struct json_out *json, const char *name, double value);
void put_whole(struct json_out *json, const char *name, const char *type, size_t value);
void put_bool(struct json_out *json, const char *name, bool value);
/* type: "list" or "tensor". */
void put_numbers(struct json_out *json, const char *name, const char *type, const double *values,
                 size_t count);
void put_indices(struct json_out *json, const char *name, const char *type, const size_t *indices,
                 size_t count);
void put_shapes(struct json_out *json, const char *name, const struct feature_shape *shapes,
                size_t count);
void put_data_shape(struct json_out *json, const char *name, struct feature_shape shape);

#endif
