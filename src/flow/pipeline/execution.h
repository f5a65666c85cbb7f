/* execution.h: one execution of a pipeline while the engine has it in hand.
 *
 * Its state is a list of entries, one a step that was begun, kept in the body of its resource; what
 * stands here beside it can be made again from there. An entry is what ListPipelineExecutionSteps
 * tells (StepName, StepStatus, StartTime, EndTime, AttemptCount, FailureReason, Metadata,
 * CacheHitResult), and
 *     JobName    the name chosen for what it starts, before it is started
 *     Describe   the request that describes what it started
 *     Reply      what its operation answered, where nothing can be described
 *     CacheKey, NotBefore (of a retry), Interruptions (by ends of the server)
 *
 * A step goes from Starting (or nothing) to Executing in memory, then in the store, and only then
 * is its operation called. After a crash, an Executing step has either been called or not: its
 * Describe tells, and where the operation has none, its client token makes the repeated call the
 * same one. */
#ifndef LATHE_FLOW_PIPELINE_EXECUTION_H
#define LATHE_FLOW_PIPELINE_EXECUTION_H

#include "flow/pipeline/definition.h"
#include "flow/pipeline/expression.h"
#include "operation/kind.h"
#include "operation/operation.h"
#include "store/resource.h"

/* A step in hand. */
struct execution_step {
    const struct definition_step *definition;
    const struct kind *kind; /* of what it makes; NULL: its operation is done when it answers */
    json_t *entry;           /* in execution->entries; NULL: not begun. Borrowed */
    json_t *request;         /* what is to be called, until it was */
    json_t *description;     /* what properties are read from, once it succeeded */
    GArray *dependents;      /* unsigned: the steps whose turn may come when it has succeeded */
    bool considered;         /* in execution->candidates */
};

struct execution {
    struct store *store;
    const struct operations *operations;
    struct resource *resource; /* as it was read; `entries` goes beyond it */
    struct definition *definition;
    json_t *entries;
    struct execution_step *steps; /* as many as the definition has */
    /* What a change of one step is looked up in, so that a long graph costs no more a step: */
    GSequence *candidates; /* steps whose turn may have come, in the definition's order */
    GPtrArray *running;    /* Executing or Stopping */
    GPtrArray *called;     /* with a request that is to be called */
    GPtrArray *retried;    /* Starting: they wait for their retry */
    unsigned failed;
    const char *region;
    gint64 parallel; /* steps at once; 0: as many as there are */
    bool stopping;
    bool goes_on;      /* there is more to do at once */
    bool changed;      /* entries are not in the store yet */
    const char *final; /* the status it ends with, NULL before */
};

/* Reads an execution; what its steps had started is looked for. NULL without an error where it is
 * not there or has ended. */
struct execution *execution_load(struct store *store, const struct operations *operations,
                                 const char *id, GError **error);
void execution_free(struct execution *execution);

/* Begins what can be begun and calls it, or reaches the end (execution->final). Where that may have
 * made more possible execution->goes_on is true: in between, the engine hears of stops and lets the
 * others advance. False: the store could not be written; try again later. */
bool execution_advance(struct execution *execution, GError **error);

/* A resource reached another status: settles the step that waited for it, if any. */
void execution_heard(struct execution *execution, const char *kind, const char *name);

/* When a step is to be tried again, or 0. */
double execution_wakes_at(const struct execution *execution);

/* Lets the graph look at the steps that need this one. */
void execution_consider_dependents(struct execution *execution, const struct execution_step *step);

/* --- steps (step.c) ------------------------------------------------------------------------------
 */

const char *step_status(const struct execution_step *step); /* "" where it was not begun */
bool step_is(const struct execution_step *step, const char *status);
bool step_runs(const struct execution_step *step); /* Executing or Stopping */

/* A step's status as it is read from the store becomes part of what the execution counts. */
void step_count(struct execution *execution, struct execution_step *step);
/* Gives the step an entry that is Executing, with a request to call; or settles it at once. */
void step_begin(struct execution *execution, struct execution_step *step);
/* Calls its operation. */
void step_call(struct execution *execution, struct execution_step *step);
/* Looks at what it started, and settles it where that is at its end. */
void step_look(struct execution *execution, struct execution_step *step);
/* The same after a start of the engine: what was never called will be, what was cut off begins
 * again. */
void step_take_up(struct execution *execution, struct execution_step *step);
/* Stops what it started, as far as that can be stopped. */
void step_stop(struct execution *execution, struct execution_step *step);
/* Sets a final status; reason may be NULL. */
void step_settle(struct execution *execution, struct execution_step *step, const char *status,
                 const char *reason);

#endif
