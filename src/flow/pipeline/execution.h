/* execution.h: one execution of a pipeline while the engine has it in hand: what its driver moves.
 *
 * Its state is its entries, one a step that was begun, numbered in that order, each a row beside
 * its resource; what stands here beside them can be made again from there. An entry is what
 * ListPipelineExecutionSteps tells (StepName, StepStatus, StartTime, EndTime, AttemptCount,
 * FailureReason, Metadata, CacheHitResult, SelectiveExecutionResult), and
 *     JobName    the name chosen for what it starts, before it is started
 *     Describe   the request that describes what it started
 *     Reply      what its operation answered, where nothing can be described
 *     CacheKey, NotBefore (of a retry), Interruptions (by ends of the server)
 *
 * A step goes from Starting (or nothing) to Executing in memory, then in the store, and only then
 * is its operation called, as an errand. After a crash, an Executing step has either been called or
 * not: its Describe tells, and where the operation has none, its client token makes the repeated
 * call the same one. */
#ifndef LATHE_FLOW_PIPELINE_EXECUTION_H
#define LATHE_FLOW_PIPELINE_EXECUTION_H

#include "flow/driver.h"
#include "flow/pipeline/definition.h"
#include "flow/pipeline/expression.h"
#include "operation/kind.h"
#include "store/resource.h"

/* A step in hand. */
struct execution_step {
    const struct definition_step *definition;
    const struct kind *kind; /* of what it makes; NULL: its operation is done when it answers */
    gint64 number;           /* of its entry */
    json_t *entry;           /* NULL: not begun */
    json_t *request;         /* what is to be called, until an errand has it */
    json_t *description;     /* what properties are read from, once it succeeded */
    GArray *dependents;      /* unsigned: the steps whose turn may come when it has succeeded */
    bool selected;           /* it is to be run: selection.h */
    bool considered;         /* in execution->candidates */
    bool changed;            /* in execution->changed */
    bool calling;            /* an errand calls its operation */
    bool stopped;            /* what it started was asked to stop */
};

struct execution {
    struct flow_life *life;
    struct store *store;
    const struct operations *operations;
    struct clock *clock;
    struct resource *resource; /* as it was read */
    struct definition *definition;
    struct execution_step *steps; /* as many as the definition has */
    gint64 entries;               /* how many there are */
    /* What a change of one step is looked up in, so that a long graph costs no more a step: */
    GSequence *candidates; /* steps whose turn may have come, in the definition's order */
    GHashTable *awaiting;  /* "kind\nname" -> GPtrArray of the steps that awaited it */
    GPtrArray *running;    /* Executing or Stopping */
    GPtrArray *retried;    /* Starting: they wait for their retry */
    GPtrArray *changed;    /* steps whose entries are not in the store yet */
    GQueue called;         /* steps that got a request, in order; some may have lost it again */
    unsigned failed;
    struct call_context asker;
    gint64 parallel;   /* steps at once; 0: as many as there are */
    double looked;     /* when due steps were last looked for (wall time) */
    bool retry_is_new; /* PIPELINE_RETRY is in the store still */
    bool stopping;
    bool stop_begun;   /* what ran then was told to end; nothing begins any more */
    const char *final; /* the status it ends with, NULL before */
};

/* The key of execution->awaiting; g_free. */
char *execution_await_key(const char *kind, const char *name);

/* Lets the graph look at the steps that need this one. */
void execution_consider_dependents(struct execution *execution, const struct execution_step *step);

/* ---- steps (step.c) ---- */

const char *step_status(const struct execution_step *step); /* "" where it was not begun */
bool step_is(const struct execution_step *step, const char *status);
bool step_runs(const struct execution_step *step); /* Executing or Stopping */

/* A step's status as it is read from the store becomes part of what the execution counts. */
void step_count(struct execution *execution, struct execution_step *step);
/* Gives the step an entry that is Executing, with a request to call; or settles it at once. */
void step_begin(struct execution *execution, struct execution_step *step);
/* Looks at what it started, and settles it where that is at its end. */
void step_look(struct execution *execution, struct execution_step *step);
/* The same after a start of the engine: what was never called will be, what was cut off begins
 * again. */
void step_take_up(struct execution *execution, struct execution_step *step);
/* Back to Starting: what it started is forgotten, and another attempt is made at that time. */
void step_begin_again(struct execution *execution, struct execution_step *step, const char *reason,
                      double not_before);
/* It is to end: Stopping. */
void step_stopping(struct execution *execution, struct execution_step *step);
/* Its entry is other than in the store. */
void step_changed(struct execution *execution, struct execution_step *step);
/* Hears of what it started, from now on. */
void step_await(struct execution *execution, struct execution_step *step);
/* Tells the ARN of what it started, which its request's or description's answer names. */
void step_keep_metadata(struct execution *execution, struct execution_step *step,
                        const json_t *answer);
/* Fails, or will be tried again where its RetryPolicies say so. */
void step_call_failed(struct execution *execution, struct execution_step *step, const GError *error,
                      const char *reason);
/* Sets a final status; reason may be NULL. */
void step_settle(struct execution *execution, struct execution_step *step, const char *status,
                 const char *reason);

/* ---- what a step's expressions see (step_scope.c) ---- */

/* What {"Get": "Execution.X"} gives; the job's own name only inside its step. */
json_t *step_variables(const struct execution *execution, const struct execution_step *step);
/* Both must outlive it; variables may be NULL. */
struct expression_scope step_scope(struct execution *execution, const json_t *variables);
/* A value of the step's with its expressions replaced; NULL and an error. */
json_t *step_resolve(struct execution *execution, const struct execution_step *step,
                     const json_t *value, GError **error);
/* The description of what it started, as it is now; NULL and an error. */
json_t *step_describe(struct execution *execution, const struct execution_step *step,
                      GError **error);

/* ---- what steps ask for (step_call.c) ---- */

/* Calls the operations of steps that are Executing in the store, as far as they may be now. */
void steps_call(struct execution *execution);
/* Where the execution begins to stop: what was not called yet is Stopped, what was is Stopping. */
void steps_stop(struct execution *execution);
/* Stops what those have started, as far as that can be stopped, where it is not asked to yet. */
void steps_send_stops(struct execution *execution);

#endif
