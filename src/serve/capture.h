/* capture.h (of serve): takes samples of an endpoint's traffic to the lake. Records gather in
 * memory, and become a file of the lake a minute after the first of them, at 1 MiB, when the
 * endpoint changes or is deleted, and when the server stops. A crash may lose the last minute's,
 * never half of one. */
#ifndef LATHE_SERVE_CAPTURE_H
#define LATHE_SERVE_CAPTURE_H

#include "base/json.h"
#include "serve/endpoint.h"

struct lake;
struct captures;

enum { CAPTURE_SECONDS = 60 }; /* that records gather for */

struct captures *captures_new(struct lake *lake);
/* Delivers what has gathered, and ends. */
void captures_free(struct captures *captures);

/* Delivers what is due at a time (seconds since 1970), and says when the next will be (INFINITY:
 * nothing waits). The captures do so themselves, on a thread of their own. */
double captures_tick(struct captures *captures, double now);

/* Lets records gather for another time than CAPTURE_SECONDS. */
void captures_pace(struct captures *captures, double seconds);

/* From now on an endpoint's traffic is captured as a DataCaptureConfig asks (NULL: not at all). */
void captures_set(struct captures *captures, const char *endpoint, const json_t *config);

/* The observer to be given to endpoints_observe, with the captures as its data. Of a hundred
 * requests in a row exactly as many are recorded as the percentage says. */
endpoint_observer captures_observe;

#endif
