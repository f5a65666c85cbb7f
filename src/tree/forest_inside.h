/* forest_inside.h: what a forest is made of, for the files of this folder. */
#ifndef LATHE_TREE_FOREST_INSIDE_H
#define LATHE_TREE_FOREST_INSIDE_H

#include "tree/ensemble.h"
#include "tree/forest.h"
#include "tree/sliced.h"

struct forest {
    struct forest_info info;
    struct ensemble ensemble;
    struct sliced *sliced; /* NULL: only the plain walk */
    bool *asked;           /* by feature: whether a split or a linear weight asks about it */
    bool pickled;          /* how the file was written */
};

/* Walks the ensemble itself for `count` rows from `first` on, for any forest: the reference that
 * the fast paths must equal. */
void plain_margins(const struct ensemble *ensemble, const struct row_source *source, size_t first,
                   size_t count, float *out);

#endif
