/* Workflows: creating, telling, changing, deleting; and what is asked of their runs. */
#include <string.h>

#include "base/clock.h"
#include "service/glue/named.h"
#include "service/glue/trigger.h"
#include "store/entry.h"

#define LIST_PAGE 25
#define RUNS_PAGE 1000

static const struct named_type named = {WORKFLOW_KIND,
                                        "workflow",
                                        {"Workflow ", " not found."},
                                        {"Workflow with name ", " already exists."}};

static bool wants_graph(const json_t *request)
{
    return json_is_true(json_object_get(request, "IncludeGraph"));
}

/* ---- telling of runs ---- */

static json_t *describe_run(struct lathe *lathe, const struct resource *run, bool graph,
                            GError **error)
{
    static const char *const told[] = {"PreviousRunId", "WorkflowRunProperties", "StartedOn",
                                       "CompletedOn", "ErrorMessage"};
    g_autoptr(GPtrArray) nodes = workflow_nodes(lathe->store, run->name, error);
    g_autoptr(json_auto) drawn =
        nodes && graph ? workflow_graph(lathe, run->parent, run->name, error) : NULL;
    if (!nodes || (graph && !drawn))
        return NULL;
    json_t *described =
        json_pack("{ss ss ss so s{}}", "Name", run->parent, "WorkflowRunId", run->name, "Status",
                  run->status, "Statistics", workflow_statistics(nodes), "WorkflowRunProperties");
    for (size_t i = 0; i < G_N_ELEMENTS(told); i++)
        json_put(described, told[i], json_incref(json_object_get(run->body, told[i])));
    json_put(described, "Graph", json_incref(drawn));
    return described;
}

GPtrArray *workflow_runs(struct store *store, const char *workflow, GError **error)
{
    struct resource_query query = {.kind = WORKFLOW_RUN_KIND, .parent = workflow};
    return resource_list(store, &query, NULL, error);
}

/* ---- CreateWorkflow, UpdateWorkflow ---- */

static bool check(const json_t *request, GError **error)
{
    return json_integer_at(request, "MaxConcurrentRuns", 1) > 0 ||
           error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "MaxConcurrentRuns is at least 1.");
}

static void take_members(json_t *body, const json_t *request, double now)
{
    static const char *const taken[] = {"Description", "DefaultRunProperties", "MaxConcurrentRuns"};
    for (size_t i = 0; i < G_N_ELEMENTS(taken); i++)
        json_put(body, taken[i], json_incref(json_object_get(request, taken[i])));
    json_object_set_new(body, "LastModifiedOn", json_real(now));
}

bool create_workflow(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    if (!check(request, error))
        return false;
    g_autoptr(json_auto) body = json_object();
    take_members(body, request, clock_wall(call->lathe->clock));
    struct named_creation creation = {
        .call = call, .type = &named, .request = request, .status = "", .parent = "", .body = body};
    reply->output = json_pack("{sO}", "Name", json_object_get(request, "Name"));
    return named_create(&creation, error);
}

struct update {
    const struct call *call;
    const json_t *request;
};

static bool change(struct resource *workflow, void *data, GError **error)
{
    const struct update *update = data;
    (void)error;
    take_members(workflow->body, update->request, clock_wall(update->call->lathe->clock));
    return true;
}

bool update_workflow(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    const char *name = json_text_at(request, "Name");
    struct update update = {call, request};
    bool found;
    reply->output = json_pack("{ss}", "Name", name);
    return check(request, error) &&
           resource_update(call->lathe->store, WORKFLOW_KIND, name, change, &update, &found,
                           error) &&
           (found || named_missing(&named, name, error));
}

/* ---- telling ---- */

static bool add_last_run(struct lathe *lathe, const char *name, json_t *described, GError **error)
{
    struct resource_query query = {.kind = WORKFLOW_RUN_KIND, .parent = name, .limit = 1};
    g_autofree char *next = NULL;
    g_autoptr(GPtrArray) runs = resource_list(lathe->store, &query, &next, error);
    json_t *last = runs && runs->len ? describe_run(lathe, runs->pdata[0], false, error) : NULL;
    if (last)
        json_object_set_new(described, "LastRun", last);
    return runs && (!runs->len || last);
}

static json_t *describe(struct lathe *lathe, const struct resource *workflow, bool graph,
                        GError **error)
{
    static const char *const told[] = {"Description", "DefaultRunProperties", "LastModifiedOn",
                                       "MaxConcurrentRuns"};
    g_autoptr(json_auto) described = json_pack("{ss sf s{}}", "Name", workflow->name, "CreatedOn",
                                               workflow->created, "DefaultRunProperties");
    g_autoptr(json_auto) drawn = graph ? workflow_graph(lathe, workflow->name, NULL, error) : NULL;
    if ((graph && !drawn) || !add_last_run(lathe, workflow->name, described, error))
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(told); i++)
        json_put(described, told[i], json_incref(json_object_get(workflow->body, told[i])));
    json_put(described, "Graph", json_incref(drawn));
    return g_steal_pointer(&described);
}

bool get_workflow(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    g_autoptr(resource_auto) workflow =
        named_find(call, &named, json_text_at(request, "Name"), error);
    return workflow && glue_reply(reply, "Workflow",
                                  describe(call->lathe, workflow, wants_graph(request), error));
}

bool list_workflows(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    g_autoptr(GPtrArray) all = named_list(call, &named, 0, error);
    json_t *names = named_names(call, all, request);
    return glue_reply_page(call, request, NULL, "Workflows", names, LIST_PAGE, reply, error);
}

bool batch_get_workflows(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    json_t *found = json_array(), *absent = json_array();
    size_t i;
    json_t *name;
    reply->output = json_pack("{soso}", "Workflows", found, "MissingWorkflows", absent);
    json_array_foreach(json_object_get(request, "Names"), i, name)
    {
        g_autoptr(resource_auto) workflow =
            resource_get(call->lathe->store, WORKFLOW_KIND, json_string_value(name), NULL);
        json_t *described =
            workflow ? describe(call->lathe, workflow, wants_graph(request), error) : NULL;
        if (workflow && !described)
            return false;
        if (described)
            json_array_append_new(found, described);
        else
            json_array_append(absent, name);
    }
    return true;
}

/* ---- DeleteWorkflow ---- */

struct removal {
    struct store *store;
    const char *name;
    GPtrArray *triggers, *runs;
    bool found;
};

static bool check_still(struct resource *workflow, void *data, GError **error)
{
    struct removal *removal = data;
    removal->found = true;
    return json_array_size(json_object_get(workflow->body, "Going")) == 0 ||
           error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                     "The workflow %s has a run on its way: StopWorkflowRun ends it.",
                     workflow->name);
}

static bool delete_each(struct store_connection *connection, struct store *store,
                        const GPtrArray *list, GError **error)
{
    bool found;
    for (guint i = 0; i < list->len; i++) {
        const struct resource *one = list->pdata[i];
        if (!resource_delete_within(connection, store, one->kind, one->name, &found, error))
            return false;
    }
    return true;
}

static bool delete_all(struct store_connection *connection, void *data, GError **error)
{
    struct removal *removal = data;
    bool found;
    return resource_update_within(connection, removal->store, WORKFLOW_KIND, removal->name,
                                  check_still, removal, error) &&
           delete_each(connection, removal->store, removal->triggers, error) &&
           delete_each(connection, removal->store, removal->runs, error) &&
           resource_delete_within(connection, removal->store, WORKFLOW_KIND, removal->name, &found,
                                  error);
}

/* Its triggers and runs go with it; jobs and crawlers stay. One that is not there is deleted, as
 * with AWS. */
bool delete_workflow(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    const char *name = json_text_at(request, "Name");
    struct store *store = call->lathe->store;
    g_autoptr(GPtrArray) triggers = triggers_of(store, name, error);
    g_autoptr(GPtrArray) runs = triggers ? workflow_runs(store, name, error) : NULL;
    struct removal removal = {store, name, triggers, runs, false};
    reply->output = json_pack("{ss}", "Name", name);
    return runs && store_write(store, delete_all, &removal, error);
}

/* ---- StartWorkflowRun ---- */

static char *first_trigger(const struct call *call, const char *workflow, GError **error)
{
    g_autoptr(GPtrArray) triggers = triggers_of(call->lathe->store, workflow, error);
    for (guint i = 0; triggers && i < triggers->len; i++) {
        const struct resource *trigger = triggers->pdata[i];
        if (!trigger_has_type(trigger, "CONDITIONAL"))
            return g_strdup(trigger->name);
    }
    if (triggers)
        error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                  "The workflow %s has no trigger of type ON_DEMAND or SCHEDULED that begins it.",
                  workflow);
    return NULL;
}

static json_t *properties_of(const struct resource *workflow, const json_t *request)
{
    json_t *made = json_object();
    json_t *usual = json_object_get(workflow->body, "DefaultRunProperties");
    json_t *given = json_object_get(request, "RunProperties");
    if (usual)
        json_object_update(made, usual);
    if (given)
        json_object_update(made, given);
    return made;
}

static bool start(struct store_connection *connection, void *data, GError **error)
{
    return workflow_start_within(connection, data, error);
}

bool start_workflow_run(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    const char *name = json_text_at(request, "Name");
    g_autoptr(resource_auto) workflow = named_find(call, &named, name, error);
    g_autofree char *trigger = workflow ? first_trigger(call, name, error) : NULL;
    if (!trigger)
        return false;
    g_autoptr(json_auto) properties = properties_of(workflow, request);
    g_autoptr(json_auto) asker = json_object();
    call_keep(call, asker);
    struct workflow_start begun = {.lathe = call->lathe,
                                   .asker = asker,
                                   .workflow = name,
                                   .trigger = trigger,
                                   .properties = properties};
    bool done = store_write(call->lathe->store, start, &begun, error);
    if (done)
        reply->output = json_pack("{ss}", "RunId", begun.id);
    g_free(begun.id);
    return done;
}

/* ---- what is asked of runs ---- */

static bool run_missing(const char *id, GError **error)
{
    return error_set(error, ERROR_ENTITY_NOT_FOUND, "Workflow run %s not found.", id);
}

static struct resource *find_run(const struct call *call, const json_t *request, GError **error)
{
    const char *id = json_text_at(request, "RunId");
    GError *cause = NULL;
    g_autoptr(resource_auto) run = resource_get(call->lathe->store, WORKFLOW_RUN_KIND, id, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!run || strcmp(run->parent, json_text_at(request, "Name")) != 0)
        run_missing(id, error);
    else
        return g_steal_pointer(&run);
    return NULL;
}

bool get_workflow_run(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    g_autoptr(resource_auto) run = find_run(call, request, error);
    return run &&
           glue_reply(reply, "Run", describe_run(call->lathe, run, wants_graph(request), error));
}

bool get_workflow_runs(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    const char *name = json_text_at(request, "Name");
    g_autoptr(resource_auto) workflow = named_find(call, &named, name, error);
    g_autoptr(GPtrArray) runs = workflow ? workflow_runs(call->lathe->store, name, error) : NULL;
    json_t *told = runs ? json_array() : NULL;
    for (guint i = 0; told && i < runs->len; i++) {
        json_t *run = describe_run(call->lathe, runs->pdata[i], wants_graph(request), error);
        if (!run)
            return json_decref(told), false;
        json_array_append_new(told, run);
    }
    return glue_reply_page(call, request, name, "Runs", told, RUNS_PAGE, reply, error);
}

bool get_workflow_run_properties(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) run = find_run(call, request, error);
    json_t *properties = run ? json_object_get(run->body, "WorkflowRunProperties") : NULL;
    return run &&
           glue_reply(reply, "RunProperties", properties ? json_incref(properties) : json_object());
}

static bool put_properties(struct resource *run, void *data, GError **error)
{
    json_t *properties = json_object_get(run->body, "WorkflowRunProperties");
    (void)error;
    if (!properties)
        json_object_set_new(run->body, "WorkflowRunProperties", properties = json_object());
    json_object_update(properties, data);
    return true;
}

bool put_workflow_run_properties(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) run = find_run(call, request, error);
    bool found;
    return run &&
           resource_update(call->lathe->store, WORKFLOW_RUN_KIND, run->name, put_properties,
                           json_object_get(request, "RunProperties"), &found, error) &&
           (found || run_missing(run->name, error));
}

static bool stop(struct resource *run, void *data, GError **error)
{
    (void)data;
    if (strcmp(run->status, "RUNNING") != 0)
        return error_set(error, ERROR_ILLEGAL_WORKFLOW_STATE, "The workflow run %s is %s.",
                         run->name, run->status);
    g_free(run->status);
    run->status = g_strdup("STOPPING");
    return true;
}

bool stop_workflow_run(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) run = find_run(call, request, error);
    bool found;
    return run &&
           resource_update(call->lathe->store, WORKFLOW_RUN_KIND, run->name, stop, NULL, &found,
                           error) &&
           (found || run_missing(run->name, error));
}

/* ---- ResumeWorkflowRun ---- */

struct resumption {
    const struct call *call;
    struct workflow_start begun;
    GPtrArray *nodes, *triggers; /* of the run that is resumed; of the workflow */
    GHashTable *again;           /* "JOB\nname" of what begins anew */
    GHashTable *gone;            /* of what lies behind it */
};

static char *key_of(const char *type, const char *name)
{
    return g_strdup_printf("%s\n%s", type, name);
}

static bool waits_for(const struct resumption *resumption, const struct resource *trigger)
{
    size_t i;
    json_t *condition;
    json_array_foreach(json_at(trigger->body, "Predicate.Conditions"), i, condition)
    {
        const char *name, *type = trigger_target(condition, &name);
        g_autofree char *key = key_of(type, name);
        if (g_hash_table_contains(resumption->again, key) ||
            g_hash_table_contains(resumption->gone, key))
            return true;
    }
    return false;
}

/* Whether something was added. */
static bool mark_behind(struct resumption *resumption, const struct resource *trigger)
{
    bool added = false;
    size_t i;
    json_t *action;
    if (!waits_for(resumption, trigger))
        return false;
    json_array_foreach(json_object_get(trigger->body, "Actions"), i, action)
    {
        const char *name, *type = trigger_target(action, &name);
        char *key = key_of(type, name);
        added |= g_hash_table_add(resumption->gone, key);
    }
    return added;
}

static void mark_all_behind(struct resumption *resumption)
{
    bool added = true;
    while (added) {
        added = false;
        for (guint i = 0; i < resumption->triggers->len; i++)
            added |= mark_behind(resumption, resumption->triggers->pdata[i]);
    }
}

static json_t *begun_anew(const json_t *node)
{
    json_t *anew = json_copy((json_t *)node);
    json_object_set_new(anew, NODE_STATE, json_string("PENDING"));
    json_object_set_new(anew, NODE_RUNS, json_array());
    json_object_del(anew, NODE_RUN);
    json_object_del(anew, NODE_ERROR);
    return anew;
}

static bool resume(struct store_connection *connection, void *data, GError **error)
{
    struct resumption *resumption = data;
    gint64 number = 0;
    if (!workflow_start_within(connection, &resumption->begun, error))
        return false;
    for (guint i = 0; i < resumption->nodes->len; i++) {
        json_t *node = ((const struct entry *)resumption->nodes->pdata[i])->body;
        g_autofree char *key = key_of(json_text_at(node, NODE_TYPE), json_text_at(node, NODE_NAME));
        bool again = g_hash_table_contains(resumption->again, key);
        if (!again && g_hash_table_contains(resumption->gone, key))
            continue;
        g_autoptr(json_auto) body = again ? begun_anew(node) : json_incref(node);
        if (!entry_put(connection, WORKFLOW_RUN_KIND, resumption->begun.id, ++number, NULL, body,
                       error))
            return false;
    }
    return true;
}

/* The nodes that begin anew, by their ids: jobs and crawlers that ran. */
static bool find_nodes(struct resumption *resumption, const json_t *ids, const char *workflow,
                       GError **error)
{
    size_t i;
    json_t *id;
    json_array_foreach((json_t *)ids, i, id)
    {
        bool found = false;
        for (guint k = 0; k < resumption->nodes->len && !found; k++) {
            const json_t *node = ((const struct entry *)resumption->nodes->pdata[k])->body;
            const char *type = json_text_at(node, NODE_TYPE), *name = json_text_at(node, NODE_NAME);
            g_autofree char *own = workflow_node_id(workflow, type, name);
            found = strcmp(own, json_string_value(id)) == 0;
            if (found)
                g_hash_table_add(resumption->again, key_of(type, name));
        }
        if (!found)
            return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                             "NodeIds: %s is no job or crawler that the run began.",
                             json_string_value(id));
    }
    return json_array_size(ids) > 0 ||
           error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "NodeIds: there are none.");
}

static bool resume_run(struct resumption *resumption, const struct resource *run,
                       const json_t *request, struct reply *reply, GError **error)
{
    json_t *ids = json_object_get(request, "NodeIds");
    if (!find_nodes(resumption, ids, run->parent, error))
        return false;
    mark_all_behind(resumption);
    if (!store_write(resumption->call->lathe->store, resume, resumption, error))
        return false;
    reply->output = json_pack("{sssO}", "RunId", resumption->begun.id, "NodeIds", ids);
    return true;
}

bool resume_workflow_run(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_autoptr(resource_auto) run = find_run(call, request, error);
    if (!run)
        return false;
    if (kind_outcome(&workflow_run_kind, run->status) == KIND_GOES_ON)
        return error_set(error, ERROR_ILLEGAL_WORKFLOW_STATE, "The workflow run %s is %s.",
                         run->name, run->status);
    g_autoptr(json_auto) asker = json_object();
    call_keep(call, asker);
    g_autoptr(GHashTable) again = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) gone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) nodes = workflow_nodes(call->lathe->store, run->name, error);
    g_autoptr(GPtrArray) triggers =
        nodes ? triggers_of(call->lathe->store, run->parent, error) : NULL;
    struct resumption resumption = {
        call,
        {.lathe = call->lathe,
         .asker = asker,
         .workflow = run->parent,
         .trigger = json_text_at(run->body, "Trigger"),
         .properties = json_object_get(run->body, "WorkflowRunProperties"),
         .previous = run->name},
        nodes,
        triggers,
        again,
        gone};
    bool done = triggers && resume_run(&resumption, run, request, reply, error);
    g_free(resumption.begun.id);
    return done;
}
