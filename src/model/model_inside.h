/* model_inside.h: the way of a batch of rows through a predictor's parts, shared by the files of
 * this folder. */
#ifndef LATHE_MODEL_MODEL_INSIDE_H
#define LATHE_MODEL_MODEL_INSIDE_H

#include "model/parts.h"

enum {
    MOST_PARTS = 15, /* as many containers as an inference pipeline may have */
    BATCH_ROWS = 512 /* at once: their columns stay in the caches */
};

/* Values of rows, by column (doubles or texts), or row by row (floats). */
struct batch {
    size_t rows;
    size_t width;                        /* values a row */
    const union feature_values *columns; /* width of them; or */
    const float *floats;                 /* rows x stride */
    size_t stride;
};

/* Tells the plan, whose answers come to `next` (NULL: to nobody), what the trees there ask about.
 * LATHE_NO_MEMORY. */
bool plan_narrow_for(struct plan *plan, const struct part *next, struct lathe_error *error);

/* One request's way through the parts: the memory for batches of up to `rows` rows. */
struct run {
    const struct lathe_predictor *predictor;
    const struct schema *schema; /* of the first part: its own, or the request's */
    const struct plan *plan;     /* that goes with it */
    size_t rows;
    char *memory;
    struct run_part *parts;
};

/* How many rows to take through the parts at once (plan: as in run_open): BATCH_ROWS, or fewer
 * where transformers make so many values of a row that memory would run short. */
size_t run_most_rows(const struct lathe_predictor *predictor, const struct plan *plan);

/* LATHE_NO_MEMORY. */
bool run_open(struct run *run, const struct lathe_predictor *predictor, const struct schema *schema,
              const struct plan *plan, size_t rows, struct lathe_error *error);
void run_close(struct run *run);

/* Takes a batch through all the parts. first_row is the number of its first row (from 1), for
 * errors. What comes out is valid until the next call. */
bool run_batch(struct run *run, const struct batch *in, size_t first_row, struct batch *out,
               struct lathe_error *error);

/* The same up to the trees at `index` of the parts: what comes out are the rows that they read, as
 * floats. */
bool run_rows(struct run *run, size_t index, const struct batch *in, size_t first_row,
              struct batch *out, struct lathe_error *error);

#endif
