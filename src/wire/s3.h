/* s3.h: where S3's documents differ from what its shapes say. */
#ifndef LATHE_WIRE_S3_H
#define LATHE_WIRE_S3_H

#include "operation/operation.h"
#include "operation/shape.h"
#include "wire/http.h"

/* The reply's XML, under the name that S3 gives the document's root. */
void s3_encode_body(const struct shape_service *service, const struct shape_operation *operation,
                    const struct shape_member *payload, const json_t *output,
                    struct http_reply *http);

/* <Error> with Code, Message, the error's own members, Resource, RequestId and HostId; g_free. */
char *s3_encode_error(const GError *error, const json_t *members, const char *resource,
                      const char *request_id, const char *host_id);

#endif
