/* error_reply.h: an error as each protocol writes it. */
#ifndef LATHE_WIRE_ERROR_REPLY_H
#define LATHE_WIRE_ERROR_REPLY_H

#include "base/json.h"
#include "http/http.h"
#include "operation/shape.h"

/* What an error reply is made of beside the error. */
struct error_context {
    enum protocol protocol;
    const char *xml_namespace; /* query only; may be NULL */
    const char *method;        /* a HEAD's reply has no body */
    const char *resource;      /* S3's path */
    const char *request_id;
    const char *host_id;   /* S3 only */
    const json_t *members; /* what the error carries beside its message, or NULL */
    bool query_mode;       /* the client wants the query protocol's code too */
};

/* Fills in status, headers and body. An operation that is not built is told in the protocol's way:
 * UnknownOperationException, InvalidAction, or S3's 501 NotImplemented. */
void error_reply(const struct error_context *context, const GError *error,
                 struct http_reply *reply);

#endif
