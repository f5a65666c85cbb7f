/* cache.h: results of earlier executions, used again where a step's arguments are the same. */
#ifndef LATHE_FLOW_PIPELINE_CACHE_H
#define LATHE_FLOW_PIPELINE_CACHE_H

#include "flow/pipeline/definition.h"
#include "flow/pipeline/expression.h"
#include "store/store.h"

/* The key of a step's work: a digest of its arguments before Execution.* is put in, since default
 * outputs hold the execution's id and nothing would ever be found; g_free. scope's execution is not
 * used. */
char *cache_key(const struct definition_step *step, const struct expression_scope *scope,
                GError **error);

/* What a step's entry is found again by (store/entry.h); g_free. */
char *cache_word(const char *pipeline, const struct definition_step *step, const char *key);

/* The entry of a step that succeeded with that key in an execution of the pipeline not longer ago
 * (seen from now) than the step allows (a new reference, its CacheHitResult set), the newest; NULL
 * without an error where there is none. */
json_t *cache_find(struct store *store, const char *pipeline, const struct definition_step *step,
                   const char *key, double now, GError **error);

#endif
