/* tensors.h: the files in which smdebug keeps the tensors of a step: records of TFRecord, each an
 * event of TensorBoard's with one tensor, and an index that says where each lies. */
#ifndef LATHE_TRAIN_TENSORS_H
#define LATHE_TRAIN_TENSORS_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

struct tensor_step;

/* Of a folder, which is made where it is missing. */
struct tensor_step *tensor_step_new(const char *folder, int step);
void tensor_step_free(struct tensor_step *step);

/* DataTypes of tensor.proto; the hook here writes the first three. */
enum tensor_type {
    TENSOR_FLOAT = 1,
    TENSOR_DOUBLE = 2,
    TENSOR_INT64 = 9,
    TENSOR_INT32 = 3,
    TENSOR_UINT8 = 4,
    TENSOR_INT16 = 5,
    TENSOR_INT8 = 6,
    TENSOR_BOOL = 10,
    TENSOR_UINT32 = 22,
    TENSOR_UINT64 = 23
};

/* An array of up to three dimensions; one without a value is left out. */
struct tensor_shape {
    size_t dimensions[3];
    unsigned count;
};
void tensor_add(struct tensor_step *step, const char *name, enum tensor_type type,
                const void *values, struct tensor_shape shape);
void tensor_add_double(struct tensor_step *step, const char *name, double value);
/* One of texts: a NULL-ended list. */
void tensor_add_texts(struct tensor_step *step, const char *name, const char *const *texts);

/* Writes what there is: the events, and then the index that names them. */
bool tensor_step_write(const struct tensor_step *step, GError **error);

/* collections/000000000/worker_0_collections.json, and the file that says that there is no more. */
bool tensor_write_collections(const char *folder, const json_t *collections, GError **error);
bool tensor_write_end(const char *folder, GError **error);

#endif
