/* trial.h: a trial as it is told, and what is counted of trials: functions of JSON alone.
 *
 * A trial's entry is its summary in ListTrainingJobsForHyperParameterTuningJob, and
 *     Definition   the number of its training definition
 *     Failure      "Retryable" or "Final", of one that failed
 *     RetryOf      the number of the trial of which it is another attempt, with the same values
 *     Attempt      from 1
 *     Bracket, Paused, GoesOnFrom, Checkpoints   Hyperband's: its bracket; the rung at which it was
 *                  stopped; the number of the trial that it goes on from, and whose checkpoints it
 * has Dropped      it was never begun One that has no TrainingJobStatus was chosen; its training
 * job may not be there yet. */
#ifndef LATHE_FLOW_TUNING_TRIAL_H
#define LATHE_FLOW_TUNING_TRIAL_H

#include "flow/tuning/definition.h"
#include "store/resource.h"

/* Whether nothing more comes of it. */
bool trial_is_settled(const json_t *entry);
/* Whether it says nothing: another attempt has its place, or it was never begun. */
bool trial_is_superseded(const json_t *entry);
/* Whether its objective is known; its value. */
bool trial_objective(const json_t *entry, double *value);

/* Takes over what its training job is by now (a resource; its body as it is kept). */
void trial_follow(json_t *entry, const struct tuning_definition *definition,
                  const struct resource *training);
/* It failed without a training job. */
void trial_fail(json_t *entry, const char *reason);

/* Status counters and the best training job, in a tuning job's body. */
void tally_clear(json_t *body);
/* What is under way is counted anew each time. */
void tally_forget_pending(json_t *body);
void tally_add(json_t *body, const struct tuning_definition *definition, const json_t *entry);

/* What a summary has of an entry: a new object. */
json_t *trial_summary(const json_t *entry);

#endif
