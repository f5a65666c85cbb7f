/* tuning_open.h: what a tuning job's request leaves open or takes from others: Autotune's ranges
 * and limits, and the parents of a warm start. */
#ifndef LATHE_SERVICE_SAGEMAKER_TUNING_OPEN_H
#define LATHE_SERVICE_SAGEMAKER_TUNING_OPEN_H

#include "operation/operation.h"

/* The runtime that trains what a definition says; NULL: there is none. */
const struct runtime_role *tuning_role(const json_t *definition);

/* Gives the AutoParameters of a request ranges around their hints, and with Autotune the
 * algorithm's own ranges where it has none, and limits where it has none. ERROR_VALIDATION. */
bool tuning_autotune(json_t *request, GError **error);

/* Whether it may be started warm from its parents. */
bool tuning_check_parents(const struct call *call, const json_t *request, GError **error);

#endif
