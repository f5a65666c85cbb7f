/* endpoint.h: the endpoints that answer, in memory: which variants share an endpoint's traffic, and
 * invoking them. What endpoints there are, the store knows; this is what can be rebuilt from it. */
#ifndef LATHE_SERVE_ENDPOINT_H
#define LATHE_SERVE_ENDPOINT_H

#include "base/waiting.h"
#include "container/model.h"

struct endpoint_capture;
struct endpoints;

struct endpoints *endpoints_new(void);
void endpoints_free(struct endpoints *endpoints);

struct endpoint_variant {
    const char *name;
    double weight;              /* its share of the traffic is weight / sum of weights */
    struct served_model *model; /* a reference is taken */
};

/* Puts variants behind a name, in place of those that were there: requests under way finish with
 * the old ones, those that come after it get the new; none fails. Their traffic is captured as
 * `capture` says (captures.h; NULL: not at all), of which a reference is taken. */
void endpoints_put(struct endpoints *endpoints, const char *name,
                   const struct endpoint_variant *variants, size_t count,
                   struct endpoint_capture *capture);
/* Changes one variant's weight; false where there is no such endpoint or variant. */
bool endpoints_weigh(struct endpoints *endpoints, const char *name, const char *variant,
                     double weight);
void endpoints_remove(struct endpoints *endpoints, const char *name);
/* Fails the invocations that wait for processes, those to come too: the server ends. */
void endpoints_end(struct endpoints *endpoints);
/* Whether there is anything behind a name. */
bool endpoints_have(struct endpoints *endpoints, const char *name);

/* What a request with a body of so many bytes (-1: not told) does to its thread: as the slowest
 * variant says. PACE_BLOCKING where there is no such endpoint. */
enum pace endpoint_pace(struct endpoints *endpoints, const char *name, gint64 size);

/* Answers an invocation. ERROR_VALIDATION_RUNTIME where there is no such endpoint or variant;
 * ERROR_MODEL, with the reply's refusal set, where the model refuses it. What was answered, and not
 * refused, is captured before this returns. */
bool endpoint_invoke(struct endpoints *endpoints, const struct invocation *invocation,
                     struct invocation_reply *reply, GError **error);

#endif
