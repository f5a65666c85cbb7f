#include "service/sagemaker/rule_jobs.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "service/sagemaker/sagemaker.h"

#define OUTPUT "/opt/ml/processing/output/rule/"
enum { PART = 26, MARK = 8, VOLUME = 30 };

/* ---- names ---- */

/* As notebooks put it together: of the training job's name and the rule's the first letters, and
 * the last of the ARN, which is in lower case. What no name may have becomes a dash. g_free. */
static char *name_of(const char *training_job, const char *rule, const char *mark)
{
    char *name = g_strdup_printf("%.*s-%.*s-%s", PART, training_job, PART, rule, mark);
    for (char *at = name; *at; at++)
        if (!g_ascii_isalnum(*at))
            *at = '-';
    return name;
}

char *rule_job_arn(const struct call *call, const char *training_job, const char *rule)
{
    g_autofree char *mark = id_hex(MARK);
    g_autofree char *name = name_of(training_job, rule, mark);
    return call_arn(call, processing_job_kind.word, name);
}

/* ---- what is told of one ---- */

static const json_t *rule_named(const json_t *body, const char *name)
{
    size_t i;
    const json_t *rule;
    json_array_foreach(json_object_get(body, "DebugRuleConfigurations"), i, rule)
    {
        if (g_strcmp0(json_text_at(rule, "RuleConfigurationName"), name) == 0)
            return rule;
    }
    return NULL;
}

static json_t *output_of(const json_t *body, const char *training_job, const char *rule)
{
    const char *path = json_text_at(body, "OutputDataConfig.S3OutputPath");
    const char *slash = g_str_has_suffix(path, "/") ? "" : "/";
    json_t *uri = json_sprintf("%s%s%s/rule-output/%s", path, slash, training_job, rule);
    return json_pack("{s[{ss s{so ss ss}}]}", "Outputs", "OutputName", "rule-output", "S3Output",
                     "S3Uri", uri, "LocalPath", OUTPUT, "S3UploadMode", "EndOfJob");
}

/* As call_arn has it of the training job, in the same region. */
static json_t *training_arn(const char *rule_job, const char *training_job)
{
    const char *word = strstr(rule_job, processing_job_kind.word);
    return json_sprintf("%.*s%s/%s", (int)(word - rule_job), rule_job, training_job_kind.word,
                        training_job);
}

static json_t *describe(const json_t *body, const char *training_job, const json_t *status)
{
    const char *name = json_text_at(status, "RuleConfigurationName");
    const json_t *rule = rule_named(body, name);
    const char *type = json_text_at(rule, "InstanceType");
    json_int_t volume = json_integer_at(rule, "VolumeSizeInGB", 0);
    json_t *cluster =
        json_pack("{si ss sI}", "InstanceCount", 1, "InstanceType", type ? type : "ml.t3.medium",
                  "VolumeSizeInGB", volume ? volume : (json_int_t)VOLUME);
    return json_pack(
        "{s{so} s{sO*} sO* sO* so so s{sO*}}", "ProcessingResources", "ClusterConfig", cluster,
        "AppSpecification", "ImageUri", json_object_get(rule, "RuleEvaluatorImage"), "RoleArn",
        json_object_get(body, "RoleArn"), "Environment", json_object_get(rule, "RuleParameters"),
        "ProcessingOutputConfig", output_of(body, training_job, name), "TrainingJobArn",
        training_arn(json_text_at(status, "RuleEvaluationJobArn"), training_job),
        "StoppingCondition", "MaxRuntimeInSeconds",
        json_at(body, "StoppingCondition.MaxRuntimeInSeconds"));
}

/* ---- its status ---- */

/* A rule that found an issue did its work. */
static const char *status_of(const json_t *status)
{
    static const char *const words[][2] = {
        {"NoIssuesFound", "Completed"}, {"IssuesFound", "Completed"}, {"Error", "Failed"},
        {"Stopping", "Stopping"},       {"Stopped", "Stopped"},
    };
    const char *own = json_text_at(status, "RuleEvaluationStatus");
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_strcmp0(own, words[i][0]) == 0)
            return words[i][1];
    return "InProgress";
}

static bool take_status(struct resource *job, void *data, GError **error)
{
    (void)error;
    const json_t *status = data;
    const char *now = status_of(status);
    bool failed = strcmp(now, "Failed") == 0;
    json_t *details = json_object_get(status, "StatusDetails");
    json_object_del(job->body, "FailureReason"); /* where a start found it cut off */
    if (details)
        json_object_set(job->body, failed ? "FailureReason" : "ExitMessage", details);
    if (strcmp(now, "InProgress") != 0 && !json_object_get(job->body, "ProcessingEndTime"))
        json_object_set_new(job->body, "ProcessingEndTime", json_real(clock_now()));
    sagemaker_set_status(job, now);
    return true;
}

/* ---- writing ---- */

static bool create(struct store_connection *connection, struct store *store, const char *name,
                   const char *training_job, const json_t *body, const json_t *status,
                   GError **error)
{
    g_autoptr(json_auto) described = describe(body, training_job, status);
    struct resource job = {.kind = (char *)processing_job_kind.word,
                           .name = (char *)name,
                           .arn = (char *)json_text_at(status, "RuleEvaluationJobArn"),
                           .status = (char *)processing_job_kind.going,
                           .parent = (char *)"",
                           .body = described};
    return resource_create_within(connection, store, &job, NULL, error);
}

static bool write_one(struct store_connection *connection, struct store *store,
                      const char *training_job, const json_t *body, const json_t *status,
                      GError **error)
{
    const char *arn = json_text_at(status, "RuleEvaluationJobArn");
    const char *rule = json_text_at(status, "RuleConfigurationName");
    if (!arn) /* of a training job of an earlier version */
        return true;
    g_autofree char *name = name_of(training_job, rule, arn + strlen(arn) - MARK);
    g_autofree char *known = NULL;
    if (!resource_status_within(connection, processing_job_kind.word, name, &known, error))
        return false;
    return known ? resource_update_within(connection, store, processing_job_kind.word, name,
                                          take_status, (void *)status, error)
                 : create(connection, store, name, training_job, body, status, error);
}

bool rule_jobs_write(struct store_connection *connection, struct store *store,
                     const char *training_job, const json_t *body, GError **error)
{
    size_t i;
    const json_t *status;
    json_array_foreach(json_object_get(body, "DebugRuleEvaluationStatuses"), i, status)
    {
        if (!write_one(connection, store, training_job, body, status, error))
            return false;
    }
    return true;
}
