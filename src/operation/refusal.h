/* refusal.h: members of requests that are refused by name. Inside src/operation only. */
#ifndef LATHE_OPERATION_REFUSAL_H
#define LATHE_OPERATION_REFUSAL_H

#include "operation/validate.h"

/* Fails, under the code given, where the request has a member that its operation refuses. One that
 * is false or empty asks for nothing and may be there. The request need not fit its shape. */
bool refusals_check(const struct shape_operation *operation, const json_t *request,
                    enum error_code code, GError **error);

#endif
