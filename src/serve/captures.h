/* captures.h: takes samples of endpoints' traffic to the lake. What is captured of an endpoint is
 * a plan that its fleet holds; the records gather there, and become a file of the lake a minute
 * after the first of them, at 1 MiB, and when the last who holds the plan lets go of it: when the
 * endpoint changes or is deleted, and when the server stops. A crash may lose the last minute's,
 * never half of one. */
#ifndef LATHE_SERVE_CAPTURES_H
#define LATHE_SERVE_CAPTURES_H

#include "base/json.h"
#include "container/model.h"

struct clock;
struct lake;
struct captures;
struct endpoint_capture;

enum { CAPTURE_SECONDS = 60 }; /* that records gather for */

/* Both stay the caller's. */
struct captures *captures_new(struct lake *lake, struct clock *clock);
/* When no plan is held any more: waits until all is written. */
void captures_free(struct captures *captures);
/* Waits until what was due is written. */
void captures_wait(struct captures *captures);

/* What a DataCaptureConfig asks for, under the name with which the endpoint was created. NULL where
 * it asks for nothing (or is NULL). */
struct endpoint_capture *endpoint_capture_new(struct captures *captures, const char *endpoint,
                                              const json_t *config);
/* NULL is let be. */
struct endpoint_capture *endpoint_capture_ref(struct endpoint_capture *capture);
void endpoint_capture_unref(struct endpoint_capture *capture);

/* Is shown every answer, on the thread that made it and before it goes out. Of a hundred in a row
 * exactly as many are recorded as the percentage says; the others cost no lock. */
void endpoint_capture_see(struct endpoint_capture *capture, const struct invocation *invocation,
                          const struct invocation_reply *reply);

#endif
