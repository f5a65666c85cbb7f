/* Graphs of workflows: which triggers start which jobs and crawlers, and which of these they wait
 * for; and what a run did at each, also what triggers started that were changed since. */
#include <string.h>

#include "service/glue/crawler.h"
#include "service/glue/job.h"
#include "service/glue/trigger.h"
#include "store/entry.h"

char *workflow_node_id(const char *workflow, const char *type, const char *name)
{
    g_autofree char *said = g_strdup_printf("%s\n%s\n%s", workflow, type, name);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, said, -1);
    return g_strdup_printf("wnode_%s", digest);
}

json_t *workflow_statistics(const GPtrArray *nodes)
{
    static const struct {
        const char *state, *count;
    } counts[] = {
        {"SUCCEEDED", "SucceededActions"}, {"FAILED", "FailedActions"},
        {"TIMEOUT", "TimeoutActions"},     {"STOPPED", "StoppedActions"},
        {"CANCELLED", "StoppedActions"},   {"RUNNING", "RunningActions"},
        {"ERROR", "ErroredActions"},       {"PENDING", "WaitingActions"},
    };
    json_t *told = json_pack("{si}", "TotalActions", (int)nodes->len);
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        gint64 count = json_integer_at(told, counts[i].count, 0);
        for (guint k = 0; k < nodes->len; k++) {
            const struct entry *node = nodes->pdata[k];
            count += strcmp(json_text_at(node->body, NODE_STATE), counts[i].state) == 0;
        }
        json_object_set_new(told, counts[i].count, json_integer(count));
    }
    return told;
}

struct graph {
    struct lathe *lathe;
    const char *workflow;
    GPtrArray *done; /* of a run; or NULL */
    json_t *nodes, *edges;
    GHashTable *known; /* ids of nodes; they own their keys */
};

/* ---- what a run did at a node ---- */

static void add_job_runs(const struct graph *graph, const json_t *entry, json_t *list)
{
    size_t i;
    json_t *id;
    json_array_foreach(json_object_get(entry, NODE_RUNS), i, id)
    {
        g_autoptr(resource_auto) run =
            resource_get(graph->lathe->store, JOB_RUN_KIND, json_string_value(id), NULL);
        if (run)
            json_array_append_new(list, job_run_describe(run, false));
    }
}

static void add_crawl(const struct graph *graph, const json_t *entry, json_t *list)
{
    const char *id = json_text_at(entry, NODE_RUN);
    g_autoptr(resource_auto) crawl =
        id ? resource_get(graph->lathe->store, CRAWL_KIND, id, NULL) : NULL;
    json_t *told = json_pack("{ss ss ss}", "State", json_text_at(entry, NODE_STATE), "LogGroup",
                             CRAWLER_LOG_GROUP, "LogStream", json_text_at(entry, NODE_NAME));
    json_put(told, "ErrorMessage", json_incref(json_object_get(entry, NODE_ERROR)));
    if (crawl) {
        json_object_set_new(told, "StartedOn", json_real(crawl->created));
        json_put(told, "CompletedOn", json_incref(json_object_get(crawl->body, "EndTime")));
        json_put(told, "ErrorMessage", json_incref(json_object_get(crawl->body, "ErrorMessage")));
    }
    json_array_append_new(list, told);
}

static json_t *details_of(const struct graph *graph, const char *type, const char *name)
{
    bool job = strcmp(type, "JOB") == 0;
    json_t *list = json_array();
    for (guint i = 0; graph->done && i < graph->done->len; i++) {
        const json_t *entry = ((const struct entry *)graph->done->pdata[i])->body;
        if (strcmp(json_text_at(entry, NODE_TYPE), type) != 0 ||
            strcmp(json_text_at(entry, NODE_NAME), name) != 0 ||
            strcmp(json_text_at(entry, NODE_STATE), "PENDING") == 0)
            continue;
        (job ? add_job_runs : add_crawl)(graph, entry, list);
    }
    return json_pack("{so}", job ? "JobRuns" : "Crawls", list);
}

/* ---- nodes and edges ---- */

static char *add_node(struct graph *graph, const char *type, const char *name, json_t *details)
{
    char *id = workflow_node_id(graph->workflow, type, name);
    const char *member = strcmp(type, "TRIGGER") == 0 ? "TriggerDetails"
                         : strcmp(type, "JOB") == 0   ? "JobDetails"
                                                      : "CrawlerDetails";
    if (g_hash_table_add(graph->known, g_strdup(id)))
        json_array_append_new(graph->nodes, json_pack("{ss ss ss sO}", "Type", type, "Name", name,
                                                      "UniqueId", id, member, details));
    json_decref(details);
    return id;
}

static char *add_target(struct graph *graph, const json_t *part)
{
    const char *name, *type = trigger_target(part, &name);
    return add_node(graph, type, name, details_of(graph, type, name));
}

static void add_edge(struct graph *graph, const char *from, const char *to)
{
    json_array_append_new(graph->edges, json_pack("{ssss}", "SourceId", from, "DestinationId", to));
}

static void add_trigger(struct graph *graph, const struct resource *trigger)
{
    json_t *details = json_pack("{so}", "Trigger", trigger_describe(trigger));
    g_autofree char *id = add_node(graph, "TRIGGER", trigger->name, details);
    size_t i;
    json_t *part;
    json_array_foreach(json_at(trigger->body, "Predicate.Conditions"), i, part)
    {
        g_autofree char *source = add_target(graph, part);
        add_edge(graph, source, id);
    }
    json_array_foreach(json_object_get(trigger->body, "Actions"), i, part)
    {
        g_autofree char *target = add_target(graph, part);
        add_edge(graph, id, target);
    }
}

static bool has_edge(const struct graph *graph, const char *from, const char *to)
{
    size_t i;
    const json_t *edge;
    json_array_foreach(graph->edges, i, edge)
    {
        if (strcmp(json_text_at(edge, "SourceId"), from) == 0 &&
            strcmp(json_text_at(edge, "DestinationId"), to) == 0)
            return true;
    }
    return false;
}

/* What a run started by a trigger that is gone, or that starts something else by now. */
static void add_started(struct graph *graph, const json_t *entry)
{
    const char *trigger = json_text_at(entry, NODE_TRIGGER);
    json_t *details =
        json_pack("{s{ssss}}", "Trigger", "Name", trigger, "WorkflowName", graph->workflow);
    g_autofree char *source = add_node(graph, "TRIGGER", trigger, details);
    g_autofree char *target = add_target(graph, json_object_get(entry, NODE_ACTION));
    if (!has_edge(graph, source, target))
        add_edge(graph, source, target);
}

json_t *workflow_graph(struct lathe *lathe, const char *workflow, const char *run, GError **error)
{
    g_autoptr(GPtrArray) triggers = triggers_of(lathe->store, workflow, error);
    g_autoptr(GPtrArray) done = triggers && run ? workflow_nodes(lathe->store, run, error) : NULL;
    if (!triggers || (run && !done))
        return NULL;
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct graph graph = {lathe, workflow, done, json_array(), json_array(), known};
    for (guint i = 0; i < triggers->len; i++)
        add_trigger(&graph, triggers->pdata[i]);
    for (guint i = 0; done && i < done->len; i++)
        add_started(&graph, ((const struct entry *)done->pdata[i])->body);
    return json_pack("{soso}", "Nodes", graph.nodes, "Edges", graph.edges);
}
