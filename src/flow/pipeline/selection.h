/* selection.h: executions of some of a pipeline's steps (SelectiveExecutionConfig): the others are
 * not run, and what the selected ones need of them is an earlier execution's. */
#ifndef LATHE_FLOW_PIPELINE_SELECTION_H
#define LATHE_FLOW_PIPELINE_SELECTION_H

#include "flow/pipeline/definition.h"

/* Whether the step is to be run. config: SelectiveExecutionConfig; NULL: all are. */
bool selection_has(const json_t *config, const char *step);

/* The entries (execution.h) that an execution with that selection begins with: those of `source`,
 * the earlier execution's (struct entry; NULL: there is none), which the selected steps need. An
 * error names a step that is not there, that has no result, or that lies between selected ones. */
json_t *selection_reused(const struct definition *definition, const json_t *config,
                         const GPtrArray *source, GError **error);

#endif
