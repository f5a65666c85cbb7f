/* steps.h: what a plan is made of, shared by plan.c, which makes it, and apply.c and its like,
 * which carry it out. */
#ifndef LATHE_FEATURE_STEPS_H
#define LATHE_FEATURE_STEPS_H

#include "feature/build.h"
#include "parse/fail.h"

/* Where the values of one scalar or of one element of a vector are. */
enum place {
    GIVEN,   /* in the batch, at `at` */
    NUMBERS, /* in the scratch: its column `at` of numbers */
    TEXTS    /* in the scratch: its column `at` of texts */
};

struct slot_plan {
    enum place place;
    size_t at;
    enum feature_type type;
    /* Neither NaN nor -0.0: a VectorAssembler need not look at it. */
    bool plain;
    bool unasked; /* nothing depends on its values: see plan_narrow */
};

/* One stage at work. Slots are numbered; vectors are one slot an element. */
struct step {
    const struct feature_stage *stage;
    size_t index;           /* of the stage */
    const size_t *in, *out; /* slots */
    const size_t *columns;  /* VectorAssembler: the scalar input that in[i] is, or SIZE_MAX */
    size_t in_count, out_count;
    int form;  /* enum kind_form of the vector that it reads */
    bool idle; /* it would make nothing that is asked for, and cannot fail */
};

struct plan {
    struct arena arena;
    struct feature_column *columns, *outputs;
    size_t column_count, output_count;
    bool *reads;
    struct slot_plan *slots;
    size_t slot_count, number_count, text_count;
    struct step *steps;
    size_t step_count;
    size_t *output_slots;
    size_t output_slot_count;
    bool skips;
};

/* One batch on its way through the steps. */
struct work {
    const struct plan *plan;
    const struct feature_batch *batch;
    size_t rows;
    const union feature_values *slots; /* by slot */
    double *numbers;                   /* the scratch's columns, `rows` apart */
    struct csv_text *texts;
    unsigned char *skipped; /* NULL where no step skips */
    struct lathe_error *error;
};

typedef bool step_function(const struct work *work, const struct step *step);

step_function step_string_indexer, step_one_hot, step_index_to_string, step_assemble, step_standard,
    step_min_max, step_imputer, step_bucketizer, step_string_map, step_number_map, step_math_unary,
    step_math_binary;

static inline const double *numbers_in(const struct work *work, size_t slot)
{
    return work->slots[slot].numbers;
}

static inline double *numbers_out(const struct work *work, size_t slot)
{
    return work->numbers + work->plan->slots[slot].at * work->rows;
}

/* Where an input of a step that computes its inputs one by one is not, nothing is to be made of
 * it. */
static inline bool is_asked(const struct work *work, size_t slot)
{
    return !work->plan->slots[slot].unasked;
}

static inline bool is_skipped(const struct work *work, size_t row)
{
    return work->skipped && work->skipped[row];
}

/* Fails with "row R, column 'C': ..., stage N (...)": the text says what was found and what would
 * be right. Returns false. */
bool step_fail(const struct work *work, const struct step *step, size_t row, const char *column,
               const char *format, ...) LATHE_PRINTF(5, 6);

#endif
