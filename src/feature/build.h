/* build.h: how fit.h and bundle.h make a pipeline; nobody else's business. */
#ifndef LATHE_FEATURE_BUILD_H
#define LATHE_FEATURE_BUILD_H

#include "feature/pipeline.h"
#include "parse/arena.h"

/* Limits on what a specification or a bundle may ask for. */
enum {
    BUILD_STAGES = 10000,
    BUILD_COLUMNS = 100000,    /* inputs or outputs of one stage */
    BUILD_WIDTH = 1 << 20,     /* elements of a vector */
    BUILD_VALUES = 1 << 24,    /* that all stages of a plan read and make, a row */
    BUILD_CATEGORIES = 1 << 20 /* of one column of a OneHotEncoder */
};

/* An empty pipeline to which stages are added. */
struct pipeline *pipeline_new(void);
struct arena *pipeline_arena(struct pipeline *pipeline);
/* Kept, not copied. */
void pipeline_rename(struct pipeline *pipeline, const char *name);
void pipeline_set_schema(struct pipeline *pipeline, const char *schema);

/* Another table of labels that lives as long as the pipeline; NULL: no memory. */
struct labels *pipeline_labels(struct pipeline *pipeline);

/* Adds a stage whose memory is the pipeline's, and checks its parameters and that it makes no
 * column that is already there or that an earlier stage has read. An unfitted stage is told by
 * its missing parameters (NULL, category 0). Where name is NULL it gets one. */
bool pipeline_add(struct pipeline *pipeline, struct feature_stage stage, struct lathe_error *error);

/* The stage, to be fitted in place. */
struct feature_stage *pipeline_stage(struct pipeline *pipeline, size_t index);

/* As plan_open, with only those stages for which ready is true (NULL: all). */
struct plan *plan_open_ready(const struct pipeline *pipeline, const bool *ready,
                             const struct feature_column *columns, size_t count,
                             const char *const *wanted, size_t wanted_count,
                             struct lathe_error *error);

/* Whether the stage, with what is known of its parameters, may leave rows out. */
bool stage_skips(const struct feature_stage *stage);

/* What the stage asks its input i to be; a width of SIZE_MAX: any. */
struct feature_column stage_input(const struct feature_stage *stage, size_t i);

/* The column that output i is, where the inputs have `total` values a row together. */
struct feature_column stage_output(const struct feature_stage *stage, size_t i, size_t total);

/* Notes in the stages of a fitted pipeline what shapes their inputs have, where they did not know,
 * for rows of these columns (NULL: pipeline_inputs). */
bool pipeline_note_shapes(struct pipeline *pipeline, const struct feature_column *columns,
                          size_t count, struct lathe_error *error);

/* "stage 3 (StringIndexer of 'Type')": for errors. */
enum { STAGE_TEXT = 160 };
const char *stage_text(const struct feature_stage *stage, size_t index, char out[STAGE_TEXT]);

#endif
