/* Triggers: creating, telling, changing, deleting, firing; and those on a schedule, each a life
 * that wakes when its time has come. One whose time came while no server ran fires when the next
 * does. */
#include "service/glue/trigger.h"

#include <string.h>

#include "base/cron.h"
#include "service/glue/named.h"
#include "service/glue/timer.h"

#define LIST_PAGE 200

const struct kind trigger_kind = {
    .service = "glue",
    .word = TRIGGER_KIND,
    .noun = "Trigger",
    .name = "Name",
    .status = "State",
    .bad = {"DEACTIVATED"},
    .going = "ACTIVATED",
};

static const struct timer_type timer;
static const struct named_type named = {TRIGGER_KIND,
                                        "trigger",
                                        {"Trigger ", " not found."},
                                        {"Trigger with name ", " already exists."}};

bool trigger_has_type(const struct resource *trigger, const char *type)
{
    return g_strcmp0(json_text_at(trigger->body, "Type"), type) == 0;
}

const char *trigger_target(const json_t *part, const char **name)
{
    const char *job = json_text_at(part, "JobName");
    *name = job ? job : json_text_at(part, "CrawlerName");
    return job ? "JOB" : "CRAWLER";
}

static bool is_set(const char *text)
{
    return text && *text;
}

/* ---- checking ---- */

static bool refuse(GError **error, const char *text)
{
    return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "%s", text);
}

/* One of the two, by name. */
static bool check_target(const json_t *part, const char *member, GError **error)
{
    return is_set(json_text_at(part, "JobName")) != is_set(json_text_at(part, "CrawlerName")) ||
           error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                     "%s: each names a JobName or a CrawlerName, and not both.", member);
}

static bool check_actions(const json_t *actions, GError **error)
{
    size_t i;
    const json_t *action;
    if (!json_array_size(actions))
        return refuse(error, "Actions: the trigger has none.");
    json_array_foreach((json_t *)actions, i, action)
    {
        if (!check_target(action, "Actions", error))
            return false;
    }
    return true;
}

static bool is_one_of(const char *word, const char *const *words)
{
    return word && g_strv_contains(words, word);
}

static bool check_condition(const json_t *condition, GError **error)
{
    static const char *const runs[] = {"SUCCEEDED", "STOPPED", "FAILED", "TIMEOUT", NULL};
    static const char *const crawls[] = {"SUCCEEDED", "CANCELLED", "FAILED", NULL};
    const char *state = json_text_at(condition, "State");
    const char *crawl = json_text_at(condition, "CrawlState");
    if (!check_target(condition, "Predicate.Conditions", error))
        return false;
    if (is_set(json_text_at(condition, "JobName")))
        return is_one_of(state, runs) ||
               refuse(error,
                      "Predicate.Conditions: the State of a job is one of SUCCEEDED, STOPPED, "
                      "FAILED and TIMEOUT.");
    return is_one_of(crawl, crawls) ||
           refuse(error, "Predicate.Conditions: the CrawlState of a crawler is one of SUCCEEDED, "
                         "CANCELLED and FAILED.");
}

static bool check_predicate(const json_t *predicate, GError **error)
{
    const json_t *conditions = json_object_get(predicate, "Conditions");
    size_t i;
    const json_t *condition;
    if (!json_array_size(conditions))
        return refuse(error, "Predicate: a trigger of type CONDITIONAL needs Conditions.");
    if (json_array_size(conditions) > 1 && !json_text_at(predicate, "Logical"))
        return refuse(error, "Predicate: with several Conditions Logical says AND or ANY.");
    json_array_foreach((json_t *)conditions, i, condition)
    {
        if (!check_condition(condition, error))
            return false;
    }
    return true;
}

static bool check_type(const json_t *body, GError **error)
{
    const char *type = json_text_at(body, "Type");
    const char *schedule = json_text_at(body, "Schedule");
    if (strcmp(type, "EVENT") == 0)
        return refuse(error,
                      "Type EVENT: there is no EventBridge here; use SCHEDULED, CONDITIONAL or "
                      "ON_DEMAND.");
    if (strcmp(type, "SCHEDULED") == 0 && !is_set(schedule))
        return refuse(error,
                      "A trigger of type SCHEDULED needs a Schedule, as cron(0 12 * * ? *).");
    if (strcmp(type, "SCHEDULED") != 0 && is_set(schedule))
        return refuse(error, "Schedule: only a trigger of type SCHEDULED has one.");
    if (strcmp(type, "CONDITIONAL") != 0 && json_object_get(body, "Predicate"))
        return refuse(error, "Predicate: only a trigger of type CONDITIONAL has one.");
    return (!is_set(schedule) || cron_check(schedule, ERROR_INVALID_INPUT_EXCEPTION, error)) &&
           (strcmp(type, "CONDITIONAL") != 0 ||
            check_predicate(json_object_get(body, "Predicate"), error));
}

static bool check(const json_t *body, GError **error)
{
    return check_type(body, error) && check_actions(json_object_get(body, "Actions"), error);
}

GPtrArray *triggers_of(struct store *store, const char *workflow, GError **error)
{
    struct resource_query query = {.kind = TRIGGER_KIND,
                                   .parent = *workflow ? workflow : NULL,
                                   .order = RESOURCE_BY_NAME,
                                   .ascending = true};
    GPtrArray *all = resource_list(store, &query, NULL, error);
    for (guint i = 0; all && i < all->len;) {
        const struct resource *trigger = all->pdata[i];
        if (strcmp(trigger->parent, workflow) == 0)
            i++;
        else
            g_ptr_array_remove_index(all, i);
    }
    return all;
}

/* What begins a workflow: it has one at most. */
static bool begins(const struct resource *trigger)
{
    return !trigger_has_type(trigger, "CONDITIONAL");
}

static bool check_workflow(const struct call *call, const json_t *body, GError **error)
{
    const char *workflow = json_text_at(body, "WorkflowName");
    GError *cause = NULL;
    if (!is_set(workflow))
        return true;
    g_autoptr(resource_auto) found =
        resource_get(call->lathe->store, WORKFLOW_KIND, workflow, &cause);
    if (cause)
        return g_propagate_error(error, cause), false;
    if (!found)
        return error_set(error, ERROR_ENTITY_NOT_FOUND, "Workflow %s not found.", workflow);
    g_autoptr(GPtrArray) others = triggers_of(call->lathe->store, workflow, error);
    for (guint i = 0; others && i < others->len; i++) {
        const struct resource *other = others->pdata[i];
        if (strcmp(json_text_at(body, "Type"), "CONDITIONAL") != 0 && begins(other))
            return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                             "The workflow %s is begun by the trigger %s already.", workflow,
                             other->name);
    }
    return others != NULL;
}

/* ---- CreateTrigger ---- */

static json_t *body_of(const struct call *call, const json_t *request)
{
    json_t *body = json_copy((json_t *)request);
    json_object_del(body, "Tags");
    json_object_del(body, "StartOnCreation");
    json_object_del(body, "Name");
    call_keep(call, body);
    timer_set(&timer, call->lathe, body);
    return body;
}

static bool starts(const json_t *request, GError **error)
{
    return !json_is_true(json_object_get(request, "StartOnCreation")) ||
           strcmp(json_text_at(request, "Type"), "ON_DEMAND") != 0 ||
           refuse(error,
                  "StartOnCreation: a trigger of type ON_DEMAND is started by StartTrigger.");
}

bool create_trigger(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    const char *workflow = json_text_at(request, "WorkflowName");
    if (!check(request, error) || !starts(request, error) || !check_workflow(call, request, error))
        return false;
    bool active = json_is_true(json_object_get(request, "StartOnCreation"));
    g_autoptr(json_auto) body = body_of(call, request);
    struct named_creation creation = {.call = call,
                                      .type = &named,
                                      .request = request,
                                      .status = active ? "ACTIVATED" : "CREATED",
                                      .parent = workflow ? workflow : "",
                                      .body = body};
    reply->output = json_pack("{sO}", "Name", json_object_get(request, "Name"));
    return named_create(&creation, error);
}

/* ---- telling ---- */

static json_t *describe(struct lathe *lathe, const struct resource *trigger)
{
    (void)lathe;
    return trigger_describe(trigger);
}

json_t *trigger_describe(const struct resource *trigger)
{
    static const char *const told[] = {"WorkflowName", "Type",      "Description",
                                       "Schedule",     "Predicate", "EventBatchingCondition",
                                       "Actions"};
    json_t *described = json_pack("{ssss}", "Name", trigger->name, "State", trigger->status);
    for (size_t i = 0; i < G_N_ELEMENTS(told); i++)
        json_put(described, told[i], json_incref(json_object_get(trigger->body, told[i])));
    return described;
}

bool get_trigger(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    g_autoptr(resource_auto) trigger =
        named_find(call, &named, json_text_at(request, "Name"), error);
    return trigger && glue_reply(reply, "Trigger", trigger_describe(trigger));
}

static bool starts_job(const struct resource *trigger, const char *job)
{
    size_t i;
    const json_t *action;
    json_array_foreach(json_object_get(trigger->body, "Actions"), i, action)
    {
        if (g_strcmp0(json_text_at(action, "JobName"), job) == 0)
            return true;
    }
    return false;
}

/* By DependentJobName: those that start that job. */
static GPtrArray *list(const struct call *call, const json_t *request, GError **error)
{
    const char *job = json_text_at(request, "DependentJobName");
    GPtrArray *all = named_list(call, &named, 0, error);
    for (guint i = 0; all && job && i < all->len;) {
        if (starts_job(all->pdata[i], job))
            i++;
        else
            g_ptr_array_remove_index(all, i);
    }
    return all;
}

bool get_triggers(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    g_autoptr(GPtrArray) all = list(call, request, error);
    json_t *told = named_described(call, all, describe);
    return glue_reply_page(call, request, json_text_at(request, "DependentJobName"), "Triggers",
                           told, LIST_PAGE, reply, error);
}

bool list_triggers(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    g_autoptr(GPtrArray) all = list(call, request, error);
    json_t *names = named_names(call, all, request);
    return glue_reply_page(call, request, json_text_at(request, "DependentJobName"), "TriggerNames",
                           names, LIST_PAGE, reply, error);
}

bool batch_get_triggers(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)error;
    named_get_batch(call, &named, describe, json_object_get(request, "TriggerNames"), "Triggers",
                    "TriggersNotFound", reply);
    return true;
}

/* ---- UpdateTrigger ---- */

struct update {
    const struct call *call;
    const json_t *given;
    json_t *described; /* comes out */
};

static bool replace(struct resource *trigger, void *data, GError **error)
{
    struct update *update = data;
    const char *name = json_text_at(update->given, "Name");
    if (name && strcmp(name, trigger->name) != 0)
        return refuse(error, "TriggerUpdate.Name: a trigger keeps its name.");
    g_autoptr(json_auto) body = json_copy(trigger->body);
    json_object_update(body, (json_t *)update->given);
    json_object_del(body, "Name");
    if (!check(body, error))
        return false;
    call_mark(update->call, body);
    timer_set(&timer, update->call->lathe, body);
    json_decref(trigger->body);
    trigger->body = g_steal_pointer(&body);
    update->described = trigger_describe(trigger);
    return true;
}

bool update_trigger(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    const char *name = json_text_at(request, "Name");
    struct update update = {call, json_object_get(request, "TriggerUpdate"), NULL};
    bool found;
    if (!resource_update(call->lathe->store, TRIGGER_KIND, name, replace, &update, &found, error))
        return false;
    if (!found)
        return named_missing(&named, name, error);
    timer_tell(&timer, call->lathe, name);
    return glue_reply(reply, "Trigger", update.described);
}

/* ---- DeleteTrigger ---- */

/* One that is not there is deleted, as with AWS. */
bool delete_trigger(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    const char *name = json_text_at(request, "Name");
    bool found;
    reply->output = json_pack("{ss}", "Name", name);
    return resource_delete(call->lathe->store, TRIGGER_KIND, name, &found, error);
}

/* ---- StartTrigger, StopTrigger ---- */

struct activation {
    struct lathe *lathe;
    const char *status;
};

static bool activate(struct resource *trigger, void *data, GError **error)
{
    const struct activation *activation = data;
    if (trigger_has_type(trigger, "ON_DEMAND"))
        return refuse(error, "A trigger of type ON_DEMAND is not activated, and not stopped.");
    g_free(trigger->status);
    trigger->status = g_strdup(activation->status);
    timer_set(&timer, activation->lathe, trigger->body);
    return true;
}

static bool fire(struct store_connection *connection, void *data, GError **error)
{
    return workflow_start_within(connection, data, error);
}

/* On its own: one of a workflow is fired by StartWorkflowRun. */
static bool fire_now(const struct call *call, const struct resource *trigger, GError **error)
{
    if (*trigger->parent)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                         "The trigger %s begins the workflow %s: StartWorkflowRun fires it.",
                         trigger->name, trigger->parent);
    g_autoptr(json_auto) asker = json_object();
    call_keep(call, asker);
    struct workflow_start start = {
        .lathe = call->lathe, .asker = asker, .workflow = "", .trigger = trigger->name};
    bool done = store_write(call->lathe->store, fire, &start, error);
    g_free(start.id);
    return done;
}

bool start_trigger(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    const char *name = json_text_at(request, "Name");
    g_autoptr(resource_auto) trigger = named_find(call, &named, name, error);
    struct activation activation = {call->lathe, "ACTIVATED"};
    bool found;
    reply->output = json_pack("{ss}", "Name", name);
    if (!trigger)
        return false;
    if (trigger_has_type(trigger, "ON_DEMAND"))
        return fire_now(call, trigger, error);
    return resource_update(call->lathe->store, TRIGGER_KIND, name, activate, &activation, &found,
                           error) &&
           (found || named_missing(&named, name, error));
}

bool stop_trigger(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    const char *name = json_text_at(request, "Name");
    struct activation activation = {call->lathe, "DEACTIVATED"};
    bool found;
    reply->output = json_pack("{ss}", "Name", name);
    return resource_update(call->lathe->store, TRIGGER_KIND, name, activate, &activation, &found,
                           error) &&
           (found || named_missing(&named, name, error));
}

/* ---- the life of one on a schedule ---- */

/* A workflow that has as many runs as it may is not begun this time. */
static bool fire_due(struct store_connection *connection, struct lathe *lathe,
                     const struct resource *trigger, GError **error)
{
    g_autoptr(GError) cause = NULL;
    struct workflow_start start = {.lathe = lathe,
                                   .asker = trigger->body,
                                   .workflow = trigger->parent,
                                   .trigger = trigger->name};
    bool done = workflow_start_within(connection, &start, &cause);
    g_free(start.id);
    if (done || g_error_matches(cause, LATHE_ERROR, ERROR_CONCURRENT_RUNS))
        return true;
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

static const struct timer_type timer = {TRIGGER_KIND, "ACTIVATED", "Schedule", fire_due};

static void *load(struct flow_life *life, GError **error)
{
    return timer_load(life, &timer, error);
}

static const char *const statuses[] = {"ACTIVATED", NULL};

const struct flow_driver trigger_driver = {
    .kind = TRIGGER_KIND,
    .statuses = statuses,
    .load = load,
    .heard = timer_heard,
    .advance = timer_advance,
    .wakes_at = timer_wakes_at,
    .free = g_free,
};
