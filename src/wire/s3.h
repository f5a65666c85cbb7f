/* s3.h: where S3's requests and documents differ from what its shapes say. */
#ifndef LATHE_WIRE_S3_H
#define LATHE_WIRE_S3_H

#include "http/http.h"
#include "operation/operation.h"
#include "operation/shape.h"
#include "wire/request.h"

/* A header's value that a presigned URL carries in its query instead: the x-amz-... ones, and under
 * signature version 2 all of them. Not the checksums: they are those of the body that the URL's
 * maker had, which is none, and S3 does not look at them. */
const char *s3_presigned_header(const GArray *query, const char *name);

/* Whether a query parameter that the operation does not have makes the request another operation,
 * and so may not be ignored, as S3 ignores all others. A read is another only where one of the same
 * path and method asks for the parameter; what writes is refused for any such (`PUT /b/k?policy`).
 */
bool s3_selects_another(const struct shape_service *service,
                        const struct shape_operation *operation, const char *parameter);

/* Whether a query parameter counts although it is empty: a token, which S3 tells back. */
bool s3_tells_empty(const char *parameter);

/* Refuses a header that asks for what the operation cannot do, where S3 refuses it. */
bool s3_check_headers(const struct shape_operation *operation, const struct wire_request *request,
                      GError **error);

/* Whether this is a condition whose date is none: RFC 9110 (13.1.3, 13.1.4) ignores it then. */
bool s3_is_no_date(const struct shape_member *member, const char *text);

/* The reply's XML, under the name that S3 gives the document's root. */
void s3_encode_body(const struct shape_service *service, const struct shape_operation *operation,
                    const struct shape_member *payload, const json_t *output,
                    struct http_reply *http);

/* <Error> with Code, Message, the error's own members, Resource, RequestId and HostId; g_free. */
char *s3_encode_error(const GError *error, const json_t *members, const char *resource,
                      const char *request_id, const char *host_id);

#endif
