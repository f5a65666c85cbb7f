/* endpoint.h: the endpoints that answer, in memory: which variants share an endpoint's traffic, and
 * invoking them. What endpoints there are, the store knows; this is what can be rebuilt from it. */
#ifndef LATHE_SERVE_ENDPOINT_H
#define LATHE_SERVE_ENDPOINT_H

#include "base/json.h"
#include "lathe.h"
#include "serve/model.h"

struct endpoints;

struct endpoints *endpoints_new(void);
void endpoints_free(struct endpoints *endpoints);

struct endpoint_variant {
    const char *name;
    double weight;              /* its share of the traffic is weight / sum of weights */
    struct served_model *model; /* a reference is taken */
};

/* Puts variants behind a name, in place of those that were there: requests under way finish with
 * the old ones, those that come after it get the new; none fails. */
void endpoints_put(struct endpoints *endpoints, const char *name,
                   const struct endpoint_variant *variants, size_t count);
/* Changes one variant's weight; false where there is no such endpoint or variant. */
bool endpoints_weigh(struct endpoints *endpoints, const char *name, const char *variant,
                     double weight);
void endpoints_remove(struct endpoints *endpoints, const char *name);
/* Whether there is anything behind a name. */
bool endpoints_have(struct endpoints *endpoints, const char *name);

struct invocation {
    const char *endpoint;       /* in any case */
    const char *account;        /* told where there is no such endpoint */
    const char *content_type;   /* NULL: what the container takes it for: of XGBoost's, libsvm */
    const char *accept;         /* NULL or any: the model's default */
    const char *target_variant; /* NULL: by weights */
    const char *inference_id, *custom_attributes; /* for the observer; NULL: none */
    const void *bytes;
    size_t size;
};

struct invocation_reply {
    char *variant; /* which one answered */
    const char *content_type;
    struct lathe_text body;
    /* Where the container refuses the request: its status (415, 406, 400 ...) and words. */
    unsigned refused_status;
    char *refusal;
};
void invocation_reply_clear(struct invocation_reply *reply);

/* Is told of every invocation that was answered, under the name that the endpoint was created with,
 * on the thread that answered it and before the answer goes out: this is where data capture takes
 * its copy. It must not wait. Set once, before the first invocation. */
typedef void endpoint_observer(const struct invocation *invocation,
                               const struct invocation_reply *reply, void *data);
void endpoints_observe(struct endpoints *endpoints, endpoint_observer *observer, void *data);

/* Answers an invocation. ERROR_VALIDATION_RUNTIME where there is no such endpoint or variant;
 * ERROR_MODEL, with refused_status and refusal set, where a container refuses it as the SageMaker
 * XGBoost container would at the release of the image (content type 415, rows 415, columns that the
 * model does not have 400, accept type 406, 500; no bytes: no answer, and content_type is NULL, the
 * container's 204) or its SparkML container (rows and accept type 400).
 */
bool endpoint_invoke(struct endpoints *endpoints, const struct invocation *invocation,
                     struct invocation_reply *reply, GError **error);

#endif
