/* capture.h (of serve): takes samples of an endpoint's traffic to the lake. Records gather in
 * memory and are delivered within a second or two; a crash may lose the last ones, never half of
 * one. */
#ifndef LATHE_SERVE_CAPTURE_H
#define LATHE_SERVE_CAPTURE_H

#include "base/json.h"
#include "serve/endpoint.h"

struct lake;
struct captures;

struct captures *captures_new(struct lake *lake);
/* Delivers what has gathered, and ends. */
void captures_free(struct captures *captures);

/* From now on an endpoint's traffic is captured as a DataCaptureConfig asks (NULL: not at all). */
void captures_set(struct captures *captures, const char *endpoint, const json_t *config);

/* The observer to be given to endpoints_observe, with the captures as its data. Of a hundred
 * requests in a row exactly as many are recorded as the percentage says. */
endpoint_observer captures_observe;

#endif
