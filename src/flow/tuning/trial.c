#include "flow/tuning/trial.h"

#include <math.h>
#include <string.h>

#include "operation/kind.h"

#define TRAINING_COUNTERS "TrainingJobStatusCounters"
#define OBJECTIVE_COUNTERS "ObjectiveStatusCounters"

/* ---- one trial ---- */

bool trial_is_settled(const json_t *entry)
{
    const char *status = json_text_at(entry, "ObjectiveStatus");
    return status && strcmp(status, "Pending") != 0;
}

bool trial_is_superseded(const json_t *entry)
{
    return json_true_at(entry, "Dropped") ||
           g_strcmp0(json_text_at(entry, "Failure"), "Retryable") == 0;
}

bool trial_objective(const json_t *entry, double *value)
{
    const json_t *found = json_at(entry, "FinalHyperParameterTuningJobObjectiveMetric.Value");
    if (!found || g_strcmp0(json_text_at(entry, "ObjectiveStatus"), "Succeeded") != 0)
        return false;
    *value = json_number_value(found);
    return true;
}

/* Clients get a metric's value as a 32-bit float. */
static void take_objective(json_t *entry, const struct tuning_definition *definition,
                           const json_t *training)
{
    size_t i;
    const json_t *metric, *found = NULL;
    json_array_foreach(json_object_get(training, "FinalMetricDataList"), i, metric)
    {
        if (g_strcmp0(json_text_at(metric, "MetricName"), definition->metric) == 0)
            found = metric;
    }
    double value = json_number_at(found, "Value", NAN);
    json_object_set_new(entry, "ObjectiveStatus",
                        json_string(isfinite(value) ? "Succeeded" : "Failed"));
    if (isfinite(value))
        json_object_set_new(entry, "FinalHyperParameterTuningJobObjectiveMetric",
                            json_pack("{sssssf}", "Type",
                                      definition->maximize ? "Maximize" : "Minimize", "MetricName",
                                      definition->metric, "Value", value));
}

/* Only what failed by no fault of its own may succeed another time. */
static void take_failure(json_t *entry, const json_t *training)
{
    const char *reason = json_text_at(training, "FailureReason");
    bool ours = reason && g_str_has_prefix(reason, "InternalServerError");
    json_object_set_new(entry, "Failure", json_string(ours ? "Retryable" : "Final"));
    json_object_set_new(entry, "ObjectiveStatus", json_string("Failed"));
    if (json_true_at(training, KIND_CUT_OFF))
        json_object_set_new(entry, KIND_CUT_OFF, json_true());
}

void trial_follow(json_t *entry, const struct tuning_definition *definition,
                  const struct resource *training)
{
    static const char *const members[] = {"TrainingStartTime", "TrainingEndTime", "FailureReason",
                                          NULL};
    if (trial_is_settled(entry))
        return;
    const char *status = training->status;
    json_copy_members(entry, training->body, members);
    json_object_set_new(entry, "TrainingJobStatus", json_string(status));
    json_object_set_new(entry, "TrainingJobArn", json_string(training->arn));
    json_object_set_new(entry, "CreationTime", json_real(training->created));
    if (strcmp(status, "Completed") == 0 || strcmp(status, "Stopped") == 0)
        take_objective(entry, definition, training->body);
    else if (strcmp(status, "Failed") == 0)
        take_failure(entry, training->body);
    else
        json_object_set_new(entry, "ObjectiveStatus", json_string("Pending"));
}

void trial_fail(json_t *entry, const char *reason)
{
    json_object_set_new(entry, "TrainingJobStatus", json_string("Failed"));
    json_object_set_new(entry, "FailureReason", json_string(reason));
    json_object_set_new(entry, "Failure", json_string("Final"));
    json_object_set_new(entry, "ObjectiveStatus", json_string("Failed"));
}

json_t *trial_summary(const json_t *entry)
{
    static const char *const members[] = {"TrainingJobDefinitionName",
                                          "TrainingJobName",
                                          "TrainingJobArn",
                                          "TuningJobName",
                                          "CreationTime",
                                          "TrainingStartTime",
                                          "TrainingEndTime",
                                          "TrainingJobStatus",
                                          "TunedHyperParameters",
                                          "FailureReason",
                                          "FinalHyperParameterTuningJobObjectiveMetric",
                                          "ObjectiveStatus",
                                          NULL};
    json_t *summary = json_object();
    json_copy_members(summary, entry, members);
    return summary;
}

/* ---- counting ---- */

void tally_clear(json_t *body)
{
    json_object_set_new(body, TRAINING_COUNTERS,
                        json_pack("{sisisisisi}", "Completed", 0, "InProgress", 0, "RetryableError",
                                  0, "NonRetryableError", 0, "Stopped", 0));
    json_object_set_new(body, OBJECTIVE_COUNTERS,
                        json_pack("{sisisi}", "Succeeded", 0, "Pending", 0, "Failed", 0));
}

void tally_forget_pending(json_t *body)
{
    json_object_set_new(json_object_get(body, TRAINING_COUNTERS), "InProgress", json_integer(0));
    json_object_set_new(json_object_get(body, OBJECTIVE_COUNTERS), "Pending", json_integer(0));
}

static void count(json_t *body, const char *counters, const char *counter)
{
    json_t *object = json_object_get(body, counters);
    json_object_set_new(object, counter, json_integer(json_integer_at(object, counter, 0) + 1));
}

/* The counter of a trial's status. */
static const char *counter_of(const json_t *entry)
{
    const char *status = json_text_at(entry, "TrainingJobStatus");
    if (!trial_is_settled(entry))
        return "InProgress";
    if (strcmp(status, "Failed") != 0)
        return status; /* Completed or Stopped */
    return g_strcmp0(json_text_at(entry, "Failure"), "Retryable") == 0 ? "RetryableError"
                                                                       : "NonRetryableError";
}

/* Puts it where the best stands, if it is better. */
static void offer(json_t *body, const char *member, const struct tuning_definition *definition,
                  const json_t *entry)
{
    double value, best;
    if (!trial_objective(entry, &value))
        return;
    bool first = !trial_objective(json_object_get(body, member), &best);
    if (first || (definition->maximize ? value > best : value < best))
        json_object_set_new(body, member, trial_summary(entry));
}

void tally_add(json_t *body, const struct tuning_definition *definition, const json_t *entry)
{
    const char *objective = json_text_at(entry, "ObjectiveStatus");
    const char *warm = json_text_at(body, "WarmStartConfig.WarmStartType");
    count(body, TRAINING_COUNTERS, counter_of(entry));
    count(body, OBJECTIVE_COUNTERS, objective ? objective : "Pending");
    offer(body, "BestTrainingJob", definition, entry);
    if (g_strcmp0(warm, "IdenticalDataAndAlgorithm") == 0)
        offer(body, "OverallBestTrainingJob", definition, entry);
}
