/* tune.h: what the files of `lathe tune` share. */
#ifndef LATHE_CLI_TUNE_H
#define LATHE_CLI_TUNE_H

#include "base/json.h"

/* Shows a tuning job's trials: a table that is drawn anew on a terminal, the best so far, and how
 * it improved; a line an end where the output is no terminal. */
struct tune_view;
struct tune_view *tune_view_new(bool silent);
/* What DescribeHyperParameterTuningJob and ListTrainingJobsForHyperParameterTuningJob (by
 * CreationTime, all of them) answered. */
void tune_view_update(struct tune_view *view, const json_t *job, const json_t *trials);
void tune_view_free(struct tune_view *view);

#endif
