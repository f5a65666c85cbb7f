/* Which triggers fire in a run, and what they are to start. */
#include <string.h>

#include "service/glue/workflow_run.h"

static bool has_fired(const struct workflow_run *run, const char *trigger)
{
    for (guint i = 0; i < run->nodes->len; i++)
        if (strcmp(workflow_node_text(run->nodes->pdata[i], NODE_TRIGGER), trigger) == 0)
            return true;
    return false;
}

static bool is_met(const struct workflow_run *run, const json_t *condition)
{
    const char *name, *type = trigger_target(condition, &name);
    const char *wanted = json_text_at(condition, strcmp(type, "JOB") == 0 ? "State" : "CrawlState");
    for (guint i = 0; i < run->nodes->len; i++) {
        const struct workflow_node *node = run->nodes->pdata[i];
        if (strcmp(workflow_node_text(node, NODE_TYPE), type) == 0 &&
            strcmp(workflow_node_text(node, NODE_NAME), name) == 0 &&
            strcmp(workflow_node_text(node, NODE_STATE), wanted) == 0)
            return true;
    }
    return false;
}

static bool fires(const struct workflow_run *run, const struct resource *trigger)
{
    const json_t *predicate = json_object_get(trigger->body, "Predicate");
    const json_t *conditions = json_object_get(predicate, "Conditions");
    bool any = g_strcmp0(json_text_at(predicate, "Logical"), "ANY") == 0;
    size_t met = 0, i;
    json_t *condition;
    if (!trigger_has_type(trigger, "CONDITIONAL") || strcmp(trigger->status, "ACTIVATED") != 0 ||
        has_fired(run, trigger->name))
        return false;
    json_array_foreach((json_t *)conditions, i, condition) met += is_met(run, condition);
    return any ? met > 0 : met == json_array_size(conditions);
}

static void add_action(struct workflow_run *run, const char *trigger, const json_t *action)
{
    const char *name, *type = trigger_target(action, &name);
    struct workflow_node *last = run->nodes->len ? run->nodes->pdata[run->nodes->len - 1] : NULL;
    json_t *body = json_pack("{ss ss ss ss sO s[]}", NODE_TYPE, type, NODE_NAME, name, NODE_TRIGGER,
                             trigger, NODE_STATE, "PENDING", NODE_ACTION, action, NODE_RUNS);
    workflow_run_add(run, last ? last->number + 1 : 1, body)->changed = true;
}

static void fire(struct workflow_run *run, const struct resource *trigger)
{
    size_t i;
    json_t *action;
    json_array_foreach(json_object_get(trigger->body, "Actions"), i, action)
        add_action(run, trigger->name, action);
}

/* That one is gone by now is an end without actions. */
bool workflow_run_fire_first(struct workflow_run *run, GError **error)
{
    const char *name = json_text_at(run->body, "Trigger");
    GError *cause = NULL;
    if (run->nodes->len || !name)
        return true;
    g_autoptr(resource_auto) trigger = resource_get(run->lathe->store, TRIGGER_KIND, name, &cause);
    if (cause)
        return g_propagate_error(error, cause), false;
    if (trigger)
        fire(run, trigger);
    return true;
}

bool workflow_run_fire(struct workflow_run *run, GError **error)
{
    g_autoptr(GPtrArray) triggers = triggers_of(run->lathe->store, run->workflow, error);
    for (guint i = 0; triggers && i < triggers->len; i++)
        if (fires(run, triggers->pdata[i]))
            fire(run, triggers->pdata[i]);
    return triggers != NULL;
}
