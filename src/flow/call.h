/* call.h: an operation as a step of a workflow calls it: JSON in, JSON out, bodies included. */
#ifndef LATHE_FLOW_CALL_H
#define LATHE_FLOW_CALL_H

#include "operation/operation.h"

/* Calls an operation for whoever asked for the workflow (call_kept); its reply (a new reference),
 * or NULL and an error. A request's member that is the body itself (PutObject's Body) is given as
 * text; the reply's body comes back as text under its member's name where it is UTF-8 and not too
 * long to keep. */
json_t *flow_call(const struct operations *operations, const struct call_context *asker,
                  const char *service, const char *operation, const json_t *request,
                  GError **error);

/* The asker for an errand, which outlives what the body kept it in. */
struct call_context flow_asker_copy(const struct call_context *asker);
void flow_asker_clear(struct call_context *asker);

/* The JSON object at an s3:// URI. */
json_t *flow_read_document(const struct operations *operations, const struct call_context *asker,
                           const char *uri, GError **error);

/* Gives the request its client token, if the operation takes one: derived from `seed`, so that the
 * call repeated after a crash is answered with the first answer. */
void flow_set_token(const char *service, const char *operation, json_t *request, const char *seed);

#endif
