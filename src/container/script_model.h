/* script_model.h: a container with a script of the user's, as a pool of processes that answer for
 * it: each is `lathe job serve FOLDER`, which runs the user's interpreter in a sandbox. The folder
 * is laid out as /opt/ml: the model's archive in model/, the script's source in code/ where it is
 * an object of its own. Both are the pool's; it removes them at its end. */
#ifndef LATHE_CONTAINER_SCRIPT_MODEL_H
#define LATHE_CONTAINER_SCRIPT_MODEL_H

#include "base/json.h"
#include "container/model.h"
#include "container/objects.h"
#include "container/worker_model.h"

/* Where what a script's processes write goes. Lines of one log come one after another. */
struct model_logs {
    void *(*open)(void *data, const char *endpoint, const char *stream, GError **error);
    void (*write)(void *log, const char *line, size_t size);
    void (*close)(void *log);
    void *data; /* outlives the models */
};

/* Where a model is to answer, and what its processes are given. */
struct model_place {
    struct model_objects objects;
    struct model_logs logs;
    const char *folder;             /* where models are unpacked; made where it is missing */
    const char *endpoint, *variant; /* NULL: it is a job that asks */
    unsigned call_seconds;          /* for an answer; 0: SageMaker's, of endpoints */
    const json_t *sandbox;  /* the settings of sandbox.h, and the Environment of every container */
    struct model_wait wait; /* until the script has loaded its model, or failed to */
};

/* How a container came to be in what it is in. */
struct model_part {
    const json_t *container; /* Image, ModelDataUrl (or none), Environment */
    const char *hostname;    /* of a container among several, else NULL */
    bool one_of_many;        /* one of the models of a container that holds several */
};

/* Whether the container brings a script: SAGEMAKER_PROGRAM in its Environment, or code/inference.py
 * in its archive, which is fetched for that. */
bool script_model_is(const struct model_objects *objects, const json_t *container, bool *is,
                     GError **error);
/* Whether a container that names its script does without: none of the functions that serve is in
 * it, so that the container's own defaults do all. */
bool script_model_is_default(const struct model_objects *objects, const json_t *container);

struct served_model *script_model_open(const struct model_place *place,
                                       const struct model_part *part, GError **error);

#endif
