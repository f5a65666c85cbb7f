/* plan_view.h: what a plan does, step by step, for whoever writes it down in another form. Rows
 * are computed by plan_apply alone.
 *
 * A slot is where one value of a row is kept: a scalar, or one element of a vector. Steps read
 * slots and set others, each once. */
#ifndef LATHE_FEATURE_PLAN_VIEW_H
#define LATHE_FEATURE_PLAN_VIEW_H

#include "feature/pipeline.h"

struct plan_view_slot {
    enum feature_type type;
    bool given; /* value `at` of the row that comes in, otherwise of the plan's own */
    size_t at;  /* own texts and own numbers are counted apart */
};

struct plan_view_step {
    const struct feature_stage *stage;
    size_t index;           /* of the stage in its pipeline */
    const size_t *in, *out; /* slots; a vector's are side by side */
    size_t in_count;
    const size_t *columns; /* VectorAssembler: the scalar input that in[i] is, or SIZE_MAX */
};

size_t plan_view_steps(const struct plan *plan);
struct plan_view_step plan_view_step(const struct plan *plan, size_t step);
struct plan_view_slot plan_view_slot(const struct plan *plan, size_t slot);

/* How many own numbers and texts there are. */
size_t plan_view_numbers(const struct plan *plan);
size_t plan_view_texts(const struct plan *plan);

/* The slots that are the answer, in order. */
const size_t *plan_view_outputs(const struct plan *plan, size_t *count);

#endif
