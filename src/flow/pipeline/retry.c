#include "flow/pipeline/retry.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

/* What AWS takes where a policy leaves a member out. */
#define DEFAULT_INTERVAL 1
#define DEFAULT_BACKOFF 2.0
#define DEFAULT_ATTEMPTS 5

static const char *const cause_names[] = {
    [RETRY_SERVICE_FAULT] = "Step.SERVICE_FAULT",
    [RETRY_THROTTLING] = "Step.THROTTLING",
    [RETRY_JOB_INTERNAL] = "SageMaker.JOB_INTERNAL_ERROR",
    [RETRY_CAPACITY] = "SageMaker.CAPACITY_ERROR",
    [RETRY_RESOURCE_LIMIT] = "SageMaker.RESOURCE_LIMIT",
};

static enum retry_cause cause_named(const char *name)
{
    for (enum retry_cause cause = RETRY_SERVICE_FAULT; cause < G_N_ELEMENTS(cause_names); cause++)
        if (g_strcmp0(name, cause_names[cause]) == 0)
            return cause;
    return RETRY_NEVER;
}

static bool check_policy(const char *step, const json_t *policy, GError **error)
{
    static const char *const known[] = {"ExceptionType", "IntervalSeconds", "BackoffRate",
                                        "MaxAttempts",   "ExpireAfterMin",  NULL};
    const char *member;
    json_t *value;
    json_object_foreach((json_t *)policy, member, value)
    {
        if (!g_strv_contains(known, member))
            return error_set(error, ERROR_VALIDATION,
                             "step %s: RetryPolicies: the member %s is not supported", step,
                             member);
        if (strcmp(member, "ExceptionType") != 0 && !json_is_number(value))
            return error_set(error, ERROR_VALIDATION, "step %s: RetryPolicies: %s is no number",
                             step, member);
    }
    size_t i;
    json_array_foreach(json_object_get(policy, "ExceptionType"), i, value)
    {
        if (cause_named(json_string_value(value)) == RETRY_NEVER)
            return error_set(error, ERROR_VALIDATION,
                             "step %s: RetryPolicies: there is no ExceptionType %s", step,
                             json_is_string(value) ? json_string_value(value) : "of that kind");
    }
    return json_array_size(json_object_get(policy, "ExceptionType")) ||
           error_set(error, ERROR_VALIDATION,
                     "step %s: RetryPolicies: a policy needs a list of ExceptionType", step);
}

bool retry_check(const char *step, const json_t *policies, GError **error)
{
    size_t i;
    const json_t *policy;
    json_array_foreach((json_t *)policies, i, policy)
    {
        if (!check_policy(step, policy, error))
            return false;
    }
    return true;
}

enum retry_cause retry_cause_of_error(const GError *error)
{
    if (g_error_matches(error, LATHE_ERROR, ERROR_LIMIT_EXCEEDED))
        return RETRY_RESOURCE_LIMIT;
    if (g_error_matches(error, LATHE_ERROR, ERROR_SLOW_DOWN))
        return RETRY_THROTTLING;
    return error_status(error) >= 500 ? RETRY_SERVICE_FAULT : RETRY_NEVER;
}

enum retry_cause retry_cause_of_reason(const char *reason)
{
    if (g_str_has_prefix(reason, "InternalServerError"))
        return RETRY_JOB_INTERNAL;
    return g_str_has_prefix(reason, "CapacityError") ? RETRY_CAPACITY : RETRY_NEVER;
}

static bool covers(const json_t *policy, enum retry_cause cause)
{
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(policy, "ExceptionType"), i, name)
    {
        if (cause_named(json_string_value(name)) == cause)
            return true;
    }
    return false;
}

bool retry_wanted(const json_t *policies, enum retry_cause cause, int attempt, double begun,
                  double now, double *seconds)
{
    size_t i;
    const json_t *policy;
    json_array_foreach((json_t *)policies, i, policy)
    {
        double minutes = json_number_at(policy, "ExpireAfterMin", G_MAXDOUBLE);
        if (cause == RETRY_NEVER || !covers(policy, cause))
            continue;
        *seconds = json_number_at(policy, "IntervalSeconds", DEFAULT_INTERVAL) *
                   pow(json_number_at(policy, "BackoffRate", DEFAULT_BACKOFF), attempt - 1);
        return attempt < json_integer_at(policy, "MaxAttempts", DEFAULT_ATTEMPTS) &&
               (now + *seconds - begun) / 60 <= minutes;
    }
    return false;
}
