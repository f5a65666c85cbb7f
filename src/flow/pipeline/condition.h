/* condition.h: the conditions of a Condition step. */
#ifndef LATHE_FLOW_PIPELINE_CONDITION_H
#define LATHE_FLOW_PIPELINE_CONDITION_H

#include "flow/pipeline/expression.h"

/* Checks a list of conditions without its values; an error says which is wrong. */
bool condition_check(const json_t *conditions, GError **error);

/* Whether all of them hold. */
bool condition_holds(const json_t *conditions, const struct expression_scope *scope, bool *holds,
                     GError **error);

#endif
