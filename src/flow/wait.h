/* wait.h: what it means to wait for an operation. One table says, for each operation that starts
 * or creates something, which operation describes it, how it is named there, which field is its
 * status and which values are final. SageMaker's pipeline steps read it, and so will everything
 * else that waits. */
#ifndef LATHE_FLOW_WAIT_H
#define LATHE_FLOW_WAIT_H

#include "base/json.h"

#define WAIT_VALUES 4

struct wait_row {
    const char *service;   /* "sagemaker" */
    const char *operation; /* "CreateTrainingJob" */
    const char *name;      /* the request's member that names it; NULL: only the reply names it */
    const char *arn;       /* the member of its reply and of its description: "TrainingJobArn" */
    const char *describe;  /* "DescribeTrainingJob" */
    const char *describe_name; /* the member of that request: name's value, or the ARN */
    const char *kind;          /* in the store's change feed */
    const char *status;        /* "TrainingJobStatus"; NULL: there is nothing to wait for */
    const char *good[WAIT_VALUES], *bad[WAIT_VALUES], *stopped[WAIT_VALUES];
    const char *reason;  /* of a bad end: "FailureReason" */
    const char *shows;   /* a member of the request that its description has too, once it took
                            effect: for updates, whose end looks like their beginning */
    const char *list;    /* where only the reply names it: what lists its like, ... */
    const char *list_by; /* ... this member of the request being the same, */
    const char *list_items;
    const char *stop; /* the operation that stops it (named as describe names it), or NULL */
    const char *step_metadata; /* under which name a pipeline step shows its ARN, or NULL */
};

/* NULL where the operation is done when it answers, and what it made cannot be described. */
const struct wait_row *wait_row_find(const char *service, const char *operation);

/* Whether the feed's events of a kind are of interest to anyone who waits. */
bool wait_kind_matters(const char *kind);

/* The request that describes (or stops) what a request and its reply started; reply may be NULL
 * where the row has a `name`. NULL where that names nothing. */
json_t *wait_describe_request(const struct wait_row *row, const json_t *request,
                              const json_t *reply);

/* The name of that thing in the change feed: what follows the last slash. Borrowed. */
const char *wait_feed_name(const struct wait_row *row, const json_t *describe_request);

enum wait_outcome { WAIT_GOING_ON, WAIT_GOOD, WAIT_BAD, WAIT_STOPPED };

/* What a description means. request is the one that started it (for `shows`; may be NULL). */
enum wait_outcome wait_outcome(const struct wait_row *row, const json_t *request,
                               const json_t *description);

/* Why it ended badly, or a text that says that nobody said so. Borrowed. */
const char *wait_reason(const struct wait_row *row, const json_t *description);

/* Whether it ended badly only because lathe itself ended, not by its own fault. */
bool wait_was_interrupted(const struct wait_row *row, const json_t *description);

#endif
