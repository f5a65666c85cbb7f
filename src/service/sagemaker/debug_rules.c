#include "service/sagemaker/debug_rules.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "service/sagemaker/rule_jobs.h"

#define RULES "DebugRuleConfigurations"
#define STATUSES "DebugRuleEvaluationStatuses"
#define STOP_TRAINING "stoptraining"
enum { MOST_RULES = 20 };

/* ---- actions ---- */

/* What the SDK sends as action_json: an object or a list of them, its quotes escaped. A new
 * reference; NULL where there is none, or none that can be read. */
static json_t *actions_of(const json_t *rule)
{
    const char *text = json_text_at(rule, "RuleParameters.action_json");
    if (!text)
        return NULL;
    g_autofree char *plain = g_strdup(text);
    char *to = plain;
    for (const char *at = plain; *at; at++)
        if (*at != '\\')
            *to++ = *at;
    *to = '\0';
    json_t *actions = json_loads(plain, 0, NULL);
    if (json_is_object(actions)) {
        json_t *list = json_pack("[o]", actions);
        return list;
    }
    return actions;
}

static bool check_actions(const json_t *rule, GError **error)
{
    const char *name = json_text_at(rule, "RuleConfigurationName");
    const char *text = json_text_at(rule, "RuleParameters.action_json");
    g_autoptr(json_auto) actions = actions_of(rule);
    size_t i;
    const json_t *action;
    if (text && !json_is_array(actions))
        return error_set(error, ERROR_VALIDATION,
                         "The rule %s: RuleParameters.action_json is no JSON object, nor a list of "
                         "them: %s",
                         name, text);
    json_array_foreach(actions, i, action)
    {
        const char *what = json_text_at(action, "name");
        if (g_strcmp0(what, STOP_TRAINING) != 0)
            return error_set(error, ERROR_VALIDATION,
                             "The rule %s: the action %s is not supported: nothing is sent from "
                             "here. The action StopTraining is.",
                             name, what ? what : "without a name");
    }
    return true;
}

/* StalledTrainingRule says it without an action. */
static bool stops_itself(const json_t *rule)
{
    const char *word = json_text_at(rule, "RuleParameters.stop_training_on_fire");
    return word && g_ascii_strcasecmp(word, "true") == 0;
}

static bool stops_training(const json_t *body, const char *name)
{
    size_t i;
    const json_t *rule;
    json_array_foreach(json_object_get(body, RULES), i, rule)
    {
        if (g_strcmp0(json_text_at(rule, "RuleConfigurationName"), name) == 0) {
            g_autoptr(json_auto) actions = actions_of(rule);
            return json_array_size(actions) > 0 || stops_itself(rule);
        }
    }
    return false;
}

/* ---- what is refused ---- */

bool debug_rules_check(const json_t *request, GError **error)
{
    const json_t *rules = json_object_get(request, RULES);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    size_t i;
    const json_t *rule;
    if (json_array_size(rules) > MOST_RULES)
        return error_set(error, ERROR_VALIDATION, RULES " has %zu rules; %d is the most.",
                         json_array_size(rules), MOST_RULES);
    json_array_foreach((json_t *)rules, i, rule)
    {
        const char *name = json_text_at(rule, "RuleConfigurationName");
        if (!g_hash_table_add(seen, (char *)name))
            return error_set(error, ERROR_VALIDATION,
                             RULES ": the RuleConfigurationName %s is given twice.", name);
        if (!check_actions(rule, error))
            return false;
    }
    return true;
}

/* ---- statuses ---- */

static void set_status(json_t *entry, const char *status, const char *details)
{
    json_object_set_new(entry, "RuleEvaluationStatus", json_string(status));
    json_object_set_new(entry, "LastModifiedTime", json_real(clock_now()));
    if (details)
        json_object_set_new(entry, "StatusDetails", json_string(details));
}

void debug_rules_begin(const struct call *call, const char *job, json_t *body)
{
    json_t *statuses = json_array();
    size_t i;
    const json_t *rule;
    json_array_foreach(json_object_get(body, RULES), i, rule)
    {
        const char *name = json_text_at(rule, "RuleConfigurationName");
        g_autofree char *arn = rule_job_arn(call, job, name);
        json_t *entry =
            json_pack("{ssss}", "RuleConfigurationName", name, "RuleEvaluationJobArn", arn);
        set_status(entry, "InProgress", NULL);
        json_array_append_new(statuses, entry);
    }
    if (json_array_size(statuses))
        json_object_set(body, STATUSES, statuses);
    json_decref(statuses);
}

bool debug_rules_hear(json_t *body, const json_t *report, bool *stop)
{
    const char *name = json_text_at(report, "rule"), *status = json_text_at(report, "status");
    size_t i;
    json_t *entry;
    if (!name || !status)
        return false;
    json_array_foreach(json_object_get(body, STATUSES), i, entry)
    {
        if (g_strcmp0(json_text_at(entry, "RuleConfigurationName"), name) == 0)
            set_status(entry, status, json_text_at(report, "details"));
    }
    *stop = strcmp(status, "IssuesFound") == 0 && stops_training(body, name);
    return true;
}

/* Those that are still looked at: a training that ended before its time proves nothing. */
void debug_rules_end(json_t *body, const struct job_end *end)
{
    bool completed = end->how == JOB_COMPLETED;
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(body, STATUSES), i, entry)
    {
        if (g_strcmp0(json_text_at(entry, "RuleEvaluationStatus"), "InProgress") == 0)
            set_status(entry, completed ? "NoIssuesFound" : "Stopped", NULL);
    }
}
