/* wire_call.h: what an HTTP request asks for: its service, its operation, who signed it. Inside
 * src/wire only. */
#ifndef LATHE_WIRE_WIRE_CALL_H
#define LATHE_WIRE_WIRE_CALL_H

#include "proxy/aws_host.h"
#include "wire/error_reply.h"
#include "wire/request.h"
#include "wire/route.h"
#include "wire/s3_post.h"
#include "wire/signature.h"

#define MOST_HEADERS 128
#define REQUEST_ID_LENGTH 36

struct wire_call {
    struct wire_request request;
    struct wire_header headers[MOST_HEADERS];
    char request_id[REQUEST_ID_LENGTH + 1];
    struct credential credential;
    struct aws_host *aws; /* of a connection that was made to one of AWS's hosts, else NULL */
    bool within;          /* it comes from a sandbox */
    GArray *query;        /* url_pairs of the request's query */
    char *path;           /* owned where the bucket came from the Host, else NULL */
    const struct shape_service *service;     /* NULL: told by the form's Version, or unknown */
    const struct shape_operation *operation; /* NULL: told by the form's Action */
    enum protocol protocol;                  /* what is spoken: cloudwatch may come as a query */
    struct route route;                      /* REST only */
    GArray *form;                            /* query protocol: the body's pairs */
    bool is_post;                            /* S3: a browser's form on a bucket */
    struct s3_post *post;                    /* that, once it is read */
};

/* An id of 36 characters, 8-4-4-4-12 digits, from 128 bits. */
void wire_request_id(char id[REQUEST_ID_LENGTH + 1], guint64 high, guint64 low);

/* Takes in the head. */
struct wire_call *wire_call_new(const struct http_request *http, guint64 id_high, guint64 id_low);
void wire_call_free(struct wire_call *call);

/* Takes in the head's strings anew: they stay the HTTP request's, which may have moved them since
 * the call was made. What was found out about the call stays. */
void wire_call_refresh(struct wire_call *call, const struct http_request *http);

/* Finds service and operation from the head alone. False and an error in the protocol that
 * call->protocol then names; for the query protocol `operation` stays NULL without an error. */
bool wire_call_identify(struct wire_call *call, GError **error);

/* Finds the query protocol's operation from its form. */
bool wire_call_identify_form(struct wire_call *call, GBytes *body, GError **error);

#endif
