/* saved_tensors.h: the tensors of a step, out of the files in which a hook of smdebug left them
 * (tensors.h says which). Whoever wrote them may be a user's script: whatever is there is read
 * without harm. */
#ifndef LATHE_TRAIN_SAVED_TENSORS_H
#define LATHE_TRAIN_SAVED_TENSORS_H

#include <glib.h>
#include <stdbool.h>

/* A tensor; what it holds is its events' (bytes). */
struct saved_tensor {
    GBytes *events;
    unsigned type; /* a DataType of tensor.proto */
    size_t rows, columns;
    const guint8 *values; /* `size` bytes; NULL: there are none */
    size_t size;
    char *text; /* the first, of one of texts; else NULL */
};

/* Reads what an index file names; both lie below `folder`, which lies below `root`: no link on the
 * way from there is followed. tensors: name -> struct saved_tensor, of which those of the same name
 * are replaced. */
bool saved_tensors_read(const char *root, const char *folder, const char *index,
                        GHashTable *tensors, int *step, GError **error);
GHashTable *saved_tensors_new(void);

/* Its values as numbers: double; NULL where they are of no type that is read. */
GArray *saved_tensor_numbers(const struct saved_tensor *tensor);
/* The first of them, NaN where there is none. */
double saved_tensor_number(const struct saved_tensor *tensor);

#endif
