/* validate.h: holds requests and replies against their shapes, in AWS's words. */
#ifndef LATHE_OPERATION_VALIDATE_H
#define LATHE_OPERATION_VALIDATE_H

#include "base/error.h"
#include "base/json.h"
#include "operation/shape.h"

/* Compiled patterns, kept from their first use on. Safe for many threads at once. */
struct patterns;
struct patterns *patterns_new(void);
void patterns_free(struct patterns *patterns);

/* The request in its normal form, a new object: members that are null left out, timestamps as
 * numbers. NULL and all that is wrong with it, under the code that the service's clients know:
 *
 *     2 validation errors detected: Value 'a b' at 'trainingJobName' failed to satisfy constraint:
 *     Member must satisfy regular expression pattern: ...; Value null at 'roleArn' failed ...
 *
 * A value of the wrong JSON type ends the check with a SerializationException. A member that the
 * shape does not know is refused, naming the nearest one. patterns may be NULL: not checked. */
json_t *validate_request(struct patterns *patterns, const struct shape_service *service,
                         const struct shape_operation *operation, const json_t *request,
                         GError **error);

/* The same for what an operation answers (NULL: an empty object); what does not fit is an
 * InternalFailure. */
bool validate_reply(struct patterns *patterns, const struct shape_operation *operation,
                    const json_t *output, GError **error);

#endif
