/* model.h (of container): what answers behind a variant, as an endpoint sees it: an invocation's
 * bytes go in, an answer's bytes or a refusal come out. Two things make one: trees and transformers
 * fused into one predictor (fused_model.h), and processes (worker_model.h, script_model.h); two put
 * others together: one after the other (chain_model.h), and one of many by name (many_models.h).
 * Counted, so that variants and threads may share one. */
#ifndef LATHE_CONTAINER_MODEL_H
#define LATHE_CONTAINER_MODEL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "lathe.h"

struct invocation {
    const char *endpoint;       /* in any case */
    const char *account;        /* told where there is no such endpoint */
    const char *content_type;   /* NULL: what the container takes it for: of XGBoost's, libsvm */
    const char *accept;         /* NULL or any: the model's default */
    const char *target_variant; /* NULL: by weights */
    const char *target_model;   /* of a container that holds several; NULL: none */
    const char *inference_id, *custom_attributes; /* NULL: none */
    const void *bytes;
    size_t size;
};

/* Zeroed before the first use. */
struct invocation_reply {
    char *variant;      /* which one answered */
    char *content_type; /* NULL where there is no answer, the container's 204 */
    char *custom_attributes;
    struct lathe_text body;
    /* Where the container refuses the request: its words, and its status (415, 406, 400 ...; 0: it
     * has not said any). */
    char *refusal;
    unsigned refused_status;
};
void invocation_reply_clear(struct invocation_reply *reply);

/* Notes a refusal in the reply, and sets ERROR_MODEL in SageMaker's words. Returns false. */
bool invocation_refuse(struct invocation_reply *reply, unsigned status, const char *words,
                       GError **error);
/* The same refusal as that of a container among several, by its name. */
bool invocation_refuse_from(const struct invocation_reply *reply, const char *container,
                            GError **error);

/* How a kind of model answers. Safe to call from several threads at once. */
struct served_model_kind {
    /* Fills in the reply but for its variant. False: the reply has a refusal and the error is
     * ERROR_MODEL, or only the error is set, which is then lathe's and not the model's. */
    bool (*answer)(void *model, const struct invocation *invocation, struct invocation_reply *reply,
                   GError **error);
    void (*close)(void *model);
    /* Fails what is under way, since the server ends; NULL: nothing lasts. */
    void (*end)(void *model);
    /* Bodies up to so many bytes are answered in well under a millisecond, and so may be on a poll
     * thread: from memory, or, where `waits`, by a process that is waited for by waiting_poll. 0:
     * it may wait for anything, whatever the size. */
    size_t quick_bytes;
    bool waits;
    bool takes_target; /* it holds several models, of which a request names one */
    /* Whether, to requests like this one, the answer to two bodies, one behind the other, is what
     * both together are answered, wherever the line end is that parts them. NULL: never. */
    bool (*joins)(void *model, const struct invocation *invocation);
};

struct served_model;

/* A reference to a model of that kind (a static one); the model is closed with the last one. */
struct served_model *served_model_new(const struct served_model_kind *kind, void *model);
struct served_model *served_model_ref(struct served_model *model);
void served_model_unref(struct served_model *model);

void served_model_end(struct served_model *model);

bool served_model_answer(struct served_model *model, const struct invocation *invocation,
                         struct invocation_reply *reply, GError **error);
size_t served_model_quick_bytes(const struct served_model *model);
bool served_model_waits(const struct served_model *model);
bool served_model_takes_target(const struct served_model *model);
bool served_model_joins(const struct served_model *model, const struct invocation *invocation);

#endif
