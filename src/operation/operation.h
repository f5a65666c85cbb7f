/* operation.h: the spine. Everything lathe can be asked to do is an AWS operation, one C function
 * from a request to a reply; HTTP, the command line and workflow steps all come through
 * operation_call, and nothing else changes state.
 *
 * CONTRIBUTING.md says which files a new operation touches. */
#ifndef LATHE_OPERATION_OPERATION_H
#define LATHE_OPERATION_OPERATION_H

#include "base/error.h"
#include "base/json.h"
#include "base/stream.h"
#include "base/waiting.h"

struct flow_driver;
struct kind;
struct lathe; /* what operations work on; defined on the floor of the services */
struct store;
struct store_connection;
struct token_use;

/* Who asks, and what comes beside the JSON. */
struct call {
    struct lathe *lathe;
    const char *service;   /* "sagemaker": botocore's folder name */
    const char *operation; /* "CreateTrainingJob" */
    const char *region;    /* from the credential scope; colours ARNs */
    const char *account;   /* twelve digits */
    const char *request_id;
    bool within;             /* a script in a sandbox asks, or did for what asks now */
    bool is_step;            /* what it changes need only be in order (struct call_context) */
    struct stream *body;     /* the request's streaming member (PutObject's Body), or NULL */
    struct token_use *token; /* for call_remember */
};

/* What an operation answers. Where it fails, `output` may hold members that the error carries on
 * the wire beside its message (ModelError's OriginalStatusCode). */
struct reply {
    json_t *output;      /* an object, or NULL for an empty one */
    struct stream *body; /* the reply's streaming member, or NULL */
    char *text;          /* of an operation_direct: the output as JSON, in its place */
};
void reply_clear(struct reply *reply);

/* The request is valid by its shape: required members are there, types, lengths, ranges, patterns
 * and enumerations fit. Member names are botocore's, whatever place they have on the wire.
 * Timestamps are numbers (seconds), blobs base64 text. */
typedef bool operation_function(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error);

/* How a request went that was to be read directly. */
enum operation_way {
    OPERATION_DONE,
    OPERATION_FAILED,  /* with an error */
    OPERATION_GENERAL, /* nothing was done: it is to be read in the general way */
};
/* The same straight from a request's body, where that is JSON: for requests of so many small
 * members that a tree of them is most of the work. It takes bodies of a plain form that are valid
 * by their shape, and leaves all others to the general way, which knows what is wrong with them. */
typedef enum operation_way operation_direct(const struct call *call, const char *body, size_t size,
                                            struct reply *reply, GError **error);

enum operation_flags {
    OPERATION_BLOCKING = 0, /* may wait for the disk, a lock or another process */
    OPERATION_QUICK = 1,    /* answers from memory: may run on a poll thread */
    OPERATION_STREAMS = 2,  /* reads call->body itself, however large it is */
    OPERATION_LOOKS_UP = 4, /* names are only looked up: one that breaks its pattern is not found,
                               and the patterns need not be run */
    OPERATION_DECIDED = 8,  /* its service's pace says of each request what it is */
};

/* What is known of a request once its head has arrived. */
struct call_head {
    const char *operation;
    const json_t *labels; /* of its path, decoded, by their names on the wire; NULL: none */
    gint64 size;          /* of its body, in bytes; -1: not told */
};

struct operation {
    const char *name;
    operation_function *run;
    unsigned flags;
};

struct direct_operation {
    const char *name; /* of one of the service's operations, whose requests have no client token */
    operation_direct *run;
};

/* A service brings its operations and its life. Each hook may be NULL. */
struct service {
    const char *name;
    const struct operation *operations; /* those that its kinds do not bring */
    size_t count;
    const struct direct_operation *direct; /* ends with {0}; or NULL: none */
    const struct kind *const *kinds;       /* of its resources; ends with NULL, or NULL: none */
    /* Of its operations with OPERATION_DECIDED: what this request does to a poll thread. Runs on
     * one itself. */
    enum pace (*pace)(struct lathe *lathe, const struct call_head *head);
    /* Of those that live long (flow/driver.h); ends with NULL, or NULL: none. */
    const struct flow_driver *const *drivers;
    /* Makes what its operations work on, beside the store, the lake and the jobs. */
    bool (*open)(struct lathe *lathe, GError **error);
    /* Now and then, on a thread of its own: takes away what has grown old by `now` (seconds since
     * 1970). What fails is told in the server's log. */
    void (*tidy)(struct lathe *lathe, double now);
    /* When nothing is asked any more and no job runs; also where open failed or never ran. */
    void (*close)(struct lathe *lathe);
};

/* The operations of all services and what they work on. */
struct operations;

/* services (which stay the caller's) end with NULL. Fails where an operation has no shape or is
 * there twice. The store keeps the client tokens; all must outlive the result. */
struct operations *operations_new(struct lathe *lathe, struct store *store,
                                  const struct service *const *services, const char *account,
                                  GError **error);
void operations_free(struct operations *operations);
const char *operations_account(const struct operations *operations);
/* What they work on: for the services' drivers. */
struct lathe *operations_lathe(const struct operations *operations);
/* As they were given to operations_new. */
const struct service *const *operations_services(const struct operations *operations);

/* The operation, or NULL where it is not built. */
const struct operation *operation_find(const struct operations *operations, const char *service,
                                       const char *name);

/* What a request to that operation, which is built, does to a poll thread. */
enum pace operation_pace(const struct operations *operations, const char *service,
                         const struct call_head *head);

/* What a caller knows beside the request; zero what it does not (region: us-east-1). */
struct call_context {
    const char *region;
    const char *request_id;
    bool within; /* a script in a sandbox asks, or did for what asks now (call_kept) */
    /* Whoever asks keeps in the store what it asks for, and looks after a crash whether it
     * happened: nobody is told of it, and it need not be on the disk before the next change is
     * (store_write_step). An operation may do more. */
    bool is_step;
    struct stream *body;
};

/* Validates the request against its shape, answers a repeated client token with the first answer,
 * runs the operation. An operation that is not built: ERROR_UNKNOWN_OPERATION naming it. With
 * LATHE_CHECK_REPLIES the reply is held against its shape too, and one that does not fit is an
 * InternalFailure. The caller clears reply in both cases. */
bool operation_call(const struct operations *operations, const struct call_context *context,
                    const char *service, const char *name, const json_t *request,
                    struct reply *reply, GError **error);

/* The same with the request's body, where the operation reads some directly; else, and where it
 * does not take this one, OPERATION_GENERAL. */
enum operation_way operation_call_direct(const struct operations *operations,
                                         const struct call_context *context, const char *service,
                                         const char *name, GBytes *body, struct reply *reply,
                                         GError **error);

/* Within the change of the store that does what was asked, and last in it: remembers the answer for
 * repeats of the request's client token, so that a crash leaves both or neither. Nothing where the
 * request has none. Where an operation does not call it, its answer is remembered in a change of
 * its own after it returned; this is for those that change nothing. */
bool call_remember(const struct call *call, struct store_connection *connection,
                   const json_t *answer, GError **error);

/* What goes on after a call, and makes calls of its own, makes them for whoever asked for it, also
 * after a restart: its resource's body keeps the call's region and, where a script in a sandbox
 * asked, CALL_WITHIN, which is true and stays whoever else asks for it later. */
#define CALL_WITHIN "AskedWithin"
void call_keep(const struct call *call, json_t *body);
/* The same without the region. */
void call_mark(const struct call *call, json_t *body);
/* What was kept: with what all such calls are made. As long as the body is. */
struct call_context call_kept(const json_t *body);

/* "arn:aws:sagemaker:<region>:<account>:<kind>/<name>", g_free. */
char *call_arn(const struct call *call, const char *kind, const char *name);

#endif
