/* Runs of workflows, and of triggers on their own: a life whose entries are the jobs and crawlers
 * that its triggers start. What a trigger starts is first there as entries, in one change; then
 * each is started, in a change that says so in its entry. After a crash those that are PENDING are
 * started. */
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "flow/call.h"
#include "service/glue/crawler.h"
#include "service/glue/job.h"
#include "service/glue/workflow_run.h"
#include "store/entry.h"

const struct kind workflow_run_kind = {
    .service = "glue",
    .word = WORKFLOW_RUN_KIND,
    .noun = "WorkflowRun",
    .name = "RunId",
    .status = "Status",
    .reason = "ErrorMessage",
    .good = {"COMPLETED"},
    .bad = {"ERROR"},
    .stopped = {"STOPPED"},
    .going = "RUNNING",
    .stopping = "STOPPING",
};

bool workflow_node_ended(const json_t *node)
{
    static const char *const going[] = {"PENDING", "RUNNING", NULL};
    return !g_strv_contains(going, json_text_at(node, NODE_STATE));
}

GPtrArray *workflow_nodes(struct store *store, const char *run, GError **error)
{
    struct entry_query query = {.kind = WORKFLOW_RUN_KIND, .owner = run};
    return entry_list(store, &query, error);
}

/* ---- its beginning ---- */

/* The runs of a workflow that are on their way its body names, so that they are counted in the
 * change that adds one. */
#define GOING "Going"

struct entering {
    const char *id;
    bool found;
};

static json_t *going_of(json_t *workflow)
{
    json_t *going = json_object_get(workflow, GOING);
    if (!going)
        json_object_set_new(workflow, GOING, going = json_array());
    return going;
}

static bool enter(struct resource *workflow, void *data, GError **error)
{
    struct entering *entering = data;
    json_t *going = going_of(workflow->body);
    gint64 most = json_integer_at(workflow->body, "MaxConcurrentRuns", 0);
    entering->found = true;
    if (most && (gint64)json_array_size(going) >= most)
        return error_set(error, ERROR_CONCURRENT_RUNS,
                         "The workflow %s has %lld runs on their way, as many as it may.",
                         workflow->name, (long long)most);
    json_array_append_new(going, json_string(entering->id));
    return true;
}

static bool enter_workflow(struct store_connection *connection, const struct workflow_start *start,
                           GError **error)
{
    struct entering entering = {start->id, false};
    if (!*start->workflow)
        return true;
    return resource_update_within(connection, start->lathe->store, WORKFLOW_KIND, start->workflow,
                                  enter, &entering, error) &&
           (entering.found ||
            error_set(error, ERROR_ENTITY_NOT_FOUND, "Workflow %s not found.", start->workflow));
}

static json_t *body_of(const struct workflow_start *start)
{
    struct call_context asker = call_kept(start->asker);
    json_t *body = json_pack("{sf ss* ss* ss* sO*}", "StartedOn", clock_now(), "Trigger",
                             start->trigger, "PreviousRunId", start->previous, "Region",
                             asker.region, "WorkflowRunProperties", start->properties);
    if (asker.within)
        json_object_set_new(body, CALL_WITHIN, json_true());
    return body;
}

bool workflow_start_within(struct store_connection *connection, struct workflow_start *start,
                           GError **error)
{
    g_autofree char *word = id_hex(64);
    start->id = g_strdup_printf("wr_%s", word);
    g_autoptr(json_auto) body = body_of(start);
    struct resource run = {.kind = (char *)WORKFLOW_RUN_KIND,
                           .name = start->id,
                           .arn = (char *)"",
                           .status = (char *)"RUNNING",
                           .parent = (char *)start->workflow,
                           .body = body};
    return enter_workflow(connection, start, error) &&
           resource_create_within(connection, start->lathe->store, &run, NULL, error);
}

/* ---- the life ---- */

const char *workflow_node_text(const struct workflow_node *node, const char *member)
{
    return json_text_at(node->body, member);
}

struct workflow_node *workflow_run_add(struct workflow_run *run, gint64 number, json_t *body)
{
    struct workflow_node *node = g_new0(struct workflow_node, 1);
    node->number = number;
    node->body = body;
    g_ptr_array_add(run->nodes, node);
    return node;
}

static bool is_job(const struct workflow_node *node)
{
    return strcmp(workflow_node_text(node, NODE_TYPE), "JOB") == 0;
}

static const char *kind_of(const struct workflow_node *node)
{
    return is_job(node) ? JOB_RUN_KIND : CRAWL_KIND;
}

static void set(struct workflow_node *node, const char *member, const char *value)
{
    json_object_set_new(node->body, member, json_string(value));
    node->changed = true;
}

static void node_free(void *data)
{
    struct workflow_node *node = data;
    json_decref(node->body);
    g_free(node);
}

static void free_run(void *state)
{
    struct workflow_run *run = state;
    g_ptr_array_unref(run->nodes);
    json_decref(run->body);
    g_free(run->workflow);
    g_free(run);
}

static void await(struct workflow_run *run, struct workflow_node *node)
{
    node->heard = true;
    flow_await(run->life, kind_of(node), workflow_node_text(node, NODE_RUN));
}

static bool read_nodes(struct workflow_run *run, GError **error)
{
    g_autoptr(GPtrArray) entries = workflow_nodes(run->lathe->store, flow_name(run->life), error);
    for (guint i = 0; entries && i < entries->len; i++) {
        const struct entry *entry = entries->pdata[i];
        struct workflow_node *node = workflow_run_add(run, entry->number, json_incref(entry->body));
        if (strcmp(workflow_node_text(node, NODE_STATE), "RUNNING") == 0)
            await(run, node);
    }
    return entries != NULL;
}

static void *load(struct flow_life *life, GError **error)
{
    struct lathe *lathe = operations_lathe(flow_context(life)->operations);
    g_autoptr(resource_auto) found =
        resource_get(lathe->store, WORKFLOW_RUN_KIND, flow_name(life), error);
    bool stops = found && strcmp(found->status, "STOPPING") == 0;
    if (!found || (!stops && strcmp(found->status, "RUNNING") != 0))
        return NULL;
    struct workflow_run *run = g_new0(struct workflow_run, 1);
    run->life = life;
    run->lathe = lathe;
    run->workflow = g_strdup(found->parent);
    run->body = json_incref(found->body);
    run->nodes = g_ptr_array_new_with_free_func(node_free);
    run->stops = stops;
    if (read_nodes(run, error))
        return run;
    free_run(run);
    return NULL;
}

static void heard(void *state, const char *kind, const char *name, const char *status)
{
    struct workflow_run *run = state;
    if (strcmp(kind, WORKFLOW_RUN_KIND) == 0) {
        run->stops |= g_strcmp0(status, "STOPPING") == 0;
        return;
    }
    for (guint i = 0; i < run->nodes->len; i++) {
        struct workflow_node *node = run->nodes->pdata[i];
        node->heard |= g_strcmp0(workflow_node_text(node, NODE_RUN), name) == 0;
    }
}

/* ---- how its nodes end ---- */

/* The run that repeats one that failed, where there is one: it takes its place. */
static bool follow_retry(struct workflow_run *run, struct workflow_node *node,
                         const struct resource *failed, GError **error)
{
    GError *cause = NULL;
    g_autofree char *name = job_run_retry_name(failed);
    g_autoptr(resource_auto) retry = resource_get(run->lathe->store, JOB_RUN_KIND, name, &cause);
    if (cause)
        return g_propagate_error(error, cause), false;
    if (!retry) {
        set(node, NODE_STATE, failed->status);
        return true;
    }
    set(node, NODE_RUN, name);
    json_array_append_new(json_object_get(node->body, NODE_RUNS), json_string(name));
    await(run, node);
    return true;
}

static const char *crawl_state(const char *status)
{
    return strcmp(status, "COMPLETED") == 0 ? "SUCCEEDED"
           : strcmp(status, "STOPPED") == 0 ? "CANCELLED"
                                            : "FAILED";
}

static bool look(struct workflow_run *run, struct workflow_node *node, GError **error)
{
    GError *cause = NULL;
    const struct kind *kind = is_job(node) ? &job_run_kind : &crawl_kind;
    g_autoptr(resource_auto) found =
        resource_get(run->lathe->store, kind->word, workflow_node_text(node, NODE_RUN), &cause);
    node->heard = false;
    if (cause)
        return g_propagate_error(error, cause), false;
    if (!found)
        set(node, NODE_STATE, is_job(node) ? "STOPPED" : "CANCELLED"); /* it was deleted */
    else if (kind_outcome(kind, found->status) == KIND_GOES_ON)
        return true;
    else if (!is_job(node))
        set(node, NODE_STATE, crawl_state(found->status));
    else
        return follow_retry(run, node, found, error);
    return true;
}

static bool look_at_all(struct workflow_run *run, GError **error)
{
    for (guint i = 0; i < run->nodes->len; i++) {
        struct workflow_node *node = run->nodes->pdata[i];
        while (node->heard) {
            bool going = strcmp(workflow_node_text(node, NODE_STATE), "RUNNING") == 0;
            if (!going)
                node->heard = false;
            else if (!look(run, node, error))
                return false;
        }
    }
    return true;
}

/* ---- what is kept ---- */

static bool put_changed(struct store_connection *connection, void *data, GError **error)
{
    struct workflow_run *run = data;
    for (guint i = 0; i < run->nodes->len; i++) {
        const struct workflow_node *node = run->nodes->pdata[i];
        if (node->changed && !entry_put(connection, WORKFLOW_RUN_KIND, flow_name(run->life),
                                        node->number, NULL, node->body, error))
            return false;
    }
    return true;
}

static bool keep(struct workflow_run *run, GError **error)
{
    bool changed = false;
    for (guint i = 0; i < run->nodes->len; i++)
        changed |= ((const struct workflow_node *)run->nodes->pdata[i])->changed;
    if (changed && !store_write_ordered(run->lathe->store, put_changed, run, error))
        return false;
    for (guint i = 0; i < run->nodes->len; i++)
        ((struct workflow_node *)run->nodes->pdata[i])->changed = false;
    return true;
}

/* ---- starting ---- */

struct starting {
    struct workflow_run *run;
    struct workflow_node *node;
    json_t *body; /* the node's, as it will be */
    GError *refused;
};

/* As AWS gives it to jobs of a workflow's. */
static json_t *job_request(const struct workflow_run *run, const struct workflow_node *node)
{
    json_t *request = json_deep_copy(json_object_get(node->body, NODE_ACTION));
    json_t *arguments = json_object_get(request, "Arguments");
    if (!*run->workflow)
        return request;
    if (!arguments)
        json_object_set_new(request, "Arguments", arguments = json_object());
    json_object_set_new(arguments, "--WORKFLOW_NAME", json_string(run->workflow));
    json_object_set_new(arguments, "--WORKFLOW_RUN_ID", json_string(flow_name(run->life)));
    return request;
}

static char *start_job(struct store_connection *connection, const struct starting *starting,
                       GError **error)
{
    const struct workflow_run *run = starting->run;
    struct call_context asker = call_kept(run->body);
    struct call call = {.lathe = run->lathe,
                        .service = "glue",
                        .region = asker.region ? asker.region : "us-east-1",
                        .account = run->lathe->account,
                        .within = asker.within};
    g_autoptr(json_auto) request = job_request(run, starting->node);
    struct job_run_start start = {.call = &call,
                                  .request = request,
                                  .trigger = workflow_node_text(starting->node, NODE_TRIGGER)};
    if (job_run_start_within(connection, &start, error))
        return start.id;
    g_free(start.id);
    return NULL;
}

static char *start_crawl(struct store_connection *connection, const struct starting *starting,
                         GError **error)
{
    char *id = NULL;
    crawl_start_within(connection, starting->run->lathe->store,
                       workflow_node_text(starting->node, NODE_NAME), &id, error);
    return id;
}

/* What AWS would refuse as a call, too: then the action is in error, and the run goes on. */
static bool is_refusal(const GError *error)
{
    static const int codes[] = {ERROR_ENTITY_NOT_FOUND, ERROR_CONCURRENT_RUNS,
                                ERROR_CRAWLER_RUNNING, ERROR_INVALID_INPUT_EXCEPTION,
                                ERROR_CRAWLER_STOPPING};
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (g_error_matches(error, LATHE_ERROR, codes[i]))
            return true;
    return false;
}

static bool start(struct store_connection *connection, void *data, GError **error)
{
    struct starting *starting = data;
    struct workflow_node *node = starting->node;
    g_autofree char *id = (is_job(node) ? start_job : start_crawl)(connection, starting, error);
    if (!id)
        return false;
    json_object_set_new(starting->body, NODE_STATE, json_string("RUNNING"));
    json_object_set_new(starting->body, NODE_RUN, json_string(id));
    json_array_append_new(json_object_get(starting->body, NODE_RUNS), json_string(id));
    return entry_put(connection, WORKFLOW_RUN_KIND, flow_name(starting->run->life), node->number,
                     NULL, starting->body, error);
}

static void refuse(struct workflow_node *node, const GError *error)
{
    set(node, NODE_STATE, "ERROR");
    g_autofree char *message = g_strdup_printf("%s: %s", error_name(error), error->message);
    set(node, NODE_ERROR, message);
}

static bool start_node(struct workflow_run *run, struct workflow_node *node, GError **error)
{
    g_autoptr(GError) cause = NULL;
    struct starting starting = {run, node, json_deep_copy(node->body), NULL};
    bool done = store_write(run->lathe->store, start, &starting, &cause);
    if (done) {
        json_decref(node->body);
        node->body = json_incref(starting.body);
        await(run, node);
    } else if (is_refusal(cause)) {
        refuse(node, cause);
        done = true;
    } else {
        g_propagate_error(error, g_steal_pointer(&cause));
    }
    json_decref(starting.body);
    return done;
}

static bool start_pending(struct workflow_run *run, GError **error)
{
    for (guint i = 0; i < run->nodes->len; i++) {
        struct workflow_node *node = run->nodes->pdata[i];
        if (strcmp(workflow_node_text(node, NODE_STATE), "PENDING") == 0 &&
            !start_node(run, node, error))
            return false;
    }
    return true;
}

/* ---- stopping ---- */

struct stop_errand {
    const struct operations *operations;
    struct call_context asker;
    json_t *requests; /* {"Operation", "Request"} */
};

static void run_stop(void *data)
{
    const struct stop_errand *errand = data;
    size_t i;
    const json_t *one;
    json_array_foreach(errand->requests, i, one)
    {
        g_autoptr(GError) error = NULL;
        g_autoptr(json_auto) reply =
            flow_call(errand->operations, &errand->asker, "glue", json_text_at(one, "Operation"),
                      json_object_get(one, "Request"), &error);
        if (!reply)
            g_message("a run that stops could not stop all that it started: %s", error->message);
    }
}

static void stop_back(void *state, void *data)
{
    (void)state;
    (void)data;
}

static void free_stop(void *data)
{
    struct stop_errand *errand = data;
    flow_asker_clear(&errand->asker);
    json_decref(errand->requests);
    g_free(errand);
}

static json_t *stop_request(const struct workflow_node *node)
{
    const char *name = workflow_node_text(node, NODE_NAME);
    return is_job(node)
               ? json_pack("{ss s{ss s[s]}}", "Operation", "BatchStopJobRun", "Request", "JobName",
                           name, "JobRunIds", workflow_node_text(node, NODE_RUN))
               : json_pack("{ss s{ss}}", "Operation", "StopCrawler", "Request", "Name", name);
}

/* What has not begun does not; what runs is asked to stop, once. */
static void stop_all(struct workflow_run *run)
{
    static const struct flow_errand type = {run_stop, stop_back, free_stop, true};
    const struct call_context asker = call_kept(run->body);
    json_t *requests = json_array();
    for (guint i = 0; i < run->nodes->len; i++) {
        struct workflow_node *node = run->nodes->pdata[i];
        if (strcmp(workflow_node_text(node, NODE_STATE), "PENDING") == 0)
            set(node, NODE_STATE, is_job(node) ? "STOPPED" : "CANCELLED");
        else if (strcmp(workflow_node_text(node, NODE_STATE), "RUNNING") == 0)
            json_array_append_new(requests, stop_request(node));
    }
    struct stop_errand *errand = g_new0(struct stop_errand, 1);
    errand->operations = flow_context(run->life)->operations;
    errand->asker = flow_asker_copy(&asker);
    errand->requests = requests;
    run->stop_sent = true;
    flow_send(run->life, &type, errand);
}

/* ---- its end ---- */

static bool leave(struct resource *workflow, void *data, GError **error)
{
    const char *id = data;
    json_t *going = going_of(workflow->body);
    (void)error;
    for (size_t i = json_array_size(going); i-- > 0;)
        if (strcmp(json_string_value(json_array_get(going, i)), id) == 0)
            json_array_remove(going, i);
    return true;
}

static bool end(struct resource *resource, void *data, GError **error)
{
    const struct workflow_run *run = data;
    (void)error;
    bool stopped = run->stops || strcmp(resource->status, "STOPPING") == 0;
    g_free(resource->status);
    resource->status = g_strdup(stopped ? "STOPPED" : "COMPLETED");
    json_object_set_new(resource->body, "CompletedOn", json_real(clock_now()));
    return true;
}

static bool write_end(struct store_connection *connection, void *data, GError **error)
{
    struct workflow_run *run = data;
    struct store *store = run->lathe->store;
    const char *id = flow_name(run->life);
    bool found;
    if (!*run->workflow) /* nobody asks for it any more */
        return resource_delete_within(connection, store, WORKFLOW_RUN_KIND, id, &found, error);
    return resource_update_within(connection, store, WORKFLOW_RUN_KIND, id, end, run, error) &&
           resource_update_within(connection, store, WORKFLOW_KIND, run->workflow, leave,
                                  (void *)id, error);
}

static bool has_ended(const struct workflow_run *run)
{
    for (guint i = 0; i < run->nodes->len; i++)
        if (!workflow_node_ended(((const struct workflow_node *)run->nodes->pdata[i])->body))
            return false;
    return true;
}

static bool go_on(struct workflow_run *run, GError **error)
{
    return workflow_run_fire_first(run, error) && workflow_run_fire(run, error) &&
           keep(run, error) && start_pending(run, error) && keep(run, error);
}

static enum flow_turn advance(void *state, GError **error)
{
    struct workflow_run *run = state;
    guint before = run->nodes->len;
    if (!look_at_all(run, error))
        return FLOW_FAILED;
    if (run->stops && !run->stop_sent)
        stop_all(run);
    if (!(run->stops ? keep(run, error) : go_on(run, error)))
        return FLOW_FAILED;
    if (!run->stops && run->nodes->len > before)
        return FLOW_GOES_ON; /* what was refused at once may fire others */
    if (!has_ended(run))
        return FLOW_WAITS;
    return store_write_spare(run->lathe->store, write_end, run, error) ? FLOW_ENDED : FLOW_FAILED;
}

static double wakes_at(const void *state)
{
    (void)state;
    return 0; /* it waits for nothing but others */
}

static const char *const statuses[] = {"RUNNING", "STOPPING", NULL};

const struct flow_driver workflow_run_driver = {
    .kind = WORKFLOW_RUN_KIND,
    .statuses = statuses,
    .load = load,
    .heard = heard,
    .advance = advance,
    .wakes_at = wakes_at,
    .free = free_run,
};
