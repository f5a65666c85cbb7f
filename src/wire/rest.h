/* rest.h: the REST protocols: a request's members are in its path, query, headers and body, and so
 * are the reply's. The body is JSON or XML, or one member alone, or bytes. */
#ifndef LATHE_WIRE_REST_H
#define LATHE_WIRE_REST_H

#include "base/json.h"
#include "http/http.h"
#include "operation/operation.h"
#include "operation/shape.h"
#include "wire/request.h"
#include "wire/route.h"

/* The request; body is what is not a stream (NULL: none). Empty query values count as not given. A
 * query member that the operation does not know is refused (ERROR_INVALID_ARGUMENT), but for those
 * of a signature and x-..., which AWS leaves to the caller's own use. */
json_t *rest_decode(const struct shape_service *service, const struct route *route,
                    const struct wire_request *request, const GArray *query, GBytes *body,
                    GError **error);

/* Whether the body alone is the request: nothing of it stands in the path, the query or headers. */
bool rest_is_body(const struct route *route, const struct wire_request *request,
                  const GArray *query);

/* Fills in status, headers and body; takes reply->body. */
void rest_encode(const struct shape_service *service, const struct shape_operation *operation,
                 struct reply *reply, struct http_reply *http);

/* The members of an output that are headers, alone. */
void rest_encode_headers(const struct shape *output, const json_t *value, struct http_reply *http);

#endif
