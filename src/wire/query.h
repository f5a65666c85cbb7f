/* query.h: the query protocol: forms in ("Tags.member.1.Key=..."), XML out. */
#ifndef LATHE_WIRE_QUERY_H
#define LATHE_WIRE_QUERY_H

#include "base/json.h"
#include "operation/shape.h"

/* The request that a form's pairs (url_pairs) spell. Pairs that the shape does not know come along
 * under their names, for validation to refuse; those of the envelope and the signature do not. */
json_t *query_decode(const struct shape_operation *operation, const GArray *pairs);

/* The reply's document; g_free. */
char *query_encode(const struct shape_service *service, const struct shape_operation *operation,
                   const json_t *output, const char *request_id);

#endif
