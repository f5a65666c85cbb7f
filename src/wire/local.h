/* local.h: the door for the command line: a Unix socket in the home folder, open to the user who
 * runs lathe and to no one else. A request is a line of JSON, and so is its reply:
 *
 *     {"Service": "sagemaker", "Operation": "ListModels", "Request": {}}
 *     {"Output": {...}}   or   {"Error": {"Code": "...", "Message": "..."}}
 *
 * Either may say "BodySize": 5; then five bytes, the operation's byte stream, follow the newline.
 * {"About": true} is answered with what the server says of itself; {"Stop": true} ends it. */
#ifndef LATHE_WIRE_LOCAL_H
#define LATHE_WIRE_LOCAL_H

#include "operation/operation.h"

struct local_door;

/* Listens on <home>/socket. about is the answer to About (taken); stop is called for Stop. */
struct local_door *local_open(const char *home, const struct operations *operations, json_t *about,
                              void (*stop)(void *data), void *data, GError **error);
void local_close(struct local_door *door);

/* ---- the other side ---- */

/* Sends one request to whoever owns the home; the whole reply. ERROR_SERVICE_UNAVAILABLE where
 * nobody listens there. An Error in the reply is not an error of this function. */
json_t *local_ask(const char *home, const json_t *request, GError **error);

/* The reply's Output (a new reference), or its Error as error. body (may be NULL) becomes the
 * reply's byte stream, or NULL. */
json_t *local_call(const char *home, const char *service, const char *operation,
                   const json_t *request, GBytes *send, GBytes **body, GError **error);

#endif
