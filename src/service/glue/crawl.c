/* Crawls: started, stopped, told; and the driver that runs them, as errands of which the store
 * knows before they begin. One that the server's end cut off begins again. */
#include "crawl/crawl.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "log/log_stream.h"
#include "service/glue/crawler.h"

#define LIST_PAGE 20
#define MOST_RUNTIMES 100

const struct kind crawl_kind = {
    .service = "glue",
    .word = CRAWL_KIND,
    .noun = "Crawl",
    .name = "CrawlId",
    .status = "State",
    .reason = "ErrorMessage",
    .good = {"COMPLETED"},
    .bad = {"FAILED"},
    .stopped = {"STOPPED"},
    .going = "RUNNING",
    .stopping = "STOPPING",
};

/* ---- starting, stopping ---- */

struct start {
    const char *id;
    double now;
    bool found;
};

static bool begin(struct resource *crawler, void *data, GError **error)
{
    struct start *start = data;
    start->found = true;
    if (strcmp(crawler->status, "READY") != 0)
        return error_set(error, ERROR_CRAWLER_RUNNING, "Crawler with name %s has already started",
                         crawler->name);
    g_free(crawler->status);
    crawler->status = g_strdup("RUNNING");
    json_object_set_new(crawler->body, "Crawl", json_string(start->id));
    json_object_set_new(crawler->body, "Began", json_real(start->now));
    return true;
}

bool crawl_start_within(struct store_connection *connection, struct store *store,
                        const char *crawler, char **made, GError **error)
{
    g_autofree char *id = id_uuid();
    g_autoptr(json_auto) body = json_object();
    struct start start = {.id = id, .now = clock_now()};
    struct resource crawl = {.kind = (char *)CRAWL_KIND,
                             .name = id,
                             .arn = (char *)"",
                             .status = (char *)"RUNNING",
                             .parent = (char *)crawler,
                             .body = body};
    if (!resource_update_within(connection, store, CRAWLER_KIND, crawler, begin, &start, error) ||
        !(start.found || crawler_missing(crawler, error)) ||
        !resource_create_within(connection, store, &crawl, NULL, error))
        return false;
    if (made)
        *made = g_steal_pointer(&id);
    return true;
}

struct asking {
    struct store *store;
    const char *crawler;
    char *crawl; /* of a stop */
    bool found;
};

static bool start(struct store_connection *connection, void *data, GError **error)
{
    const struct asking *asking = data;
    return crawl_start_within(connection, asking->store, asking->crawler, NULL, error);
}

bool start_crawler(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    (void)reply;
    struct asking asking = {.store = call->lathe->store, .crawler = json_text_at(request, "Name")};
    return store_write(call->lathe->store, start, &asking, error);
}

static bool begin_to_stop(struct resource *crawler, void *data, GError **error)
{
    struct asking *asking = data;
    asking->found = true;
    if (strcmp(crawler->status, "READY") == 0)
        return error_set(error, ERROR_CRAWLER_NOT_RUNNING, "Crawler with name %s isn't running",
                         crawler->name);
    if (strcmp(crawler->status, "STOPPING") == 0)
        return error_set(error, ERROR_CRAWLER_STOPPING, "Crawler with name %s is stopping",
                         crawler->name);
    g_free(crawler->status);
    crawler->status = g_strdup("STOPPING");
    asking->crawl = g_strdup(json_text_at(crawler->body, "Crawl"));
    return true;
}

static bool stop_crawl(struct resource *crawl, void *data, GError **error)
{
    (void)data;
    (void)error;
    if (strcmp(crawl->status, "RUNNING") == 0) {
        g_free(crawl->status);
        crawl->status = g_strdup("STOPPING");
    }
    return true;
}

static bool stop(struct store_connection *connection, void *data, GError **error)
{
    struct asking *asking = data;
    return resource_update_within(connection, asking->store, CRAWLER_KIND, asking->crawler,
                                  begin_to_stop, asking, error) &&
           (asking->found || crawler_missing(asking->crawler, error)) &&
           resource_update_within(connection, asking->store, CRAWL_KIND, asking->crawl, stop_crawl,
                                  NULL, error);
}

bool stop_crawler(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    (void)reply;
    struct asking asking = {.store = call->lathe->store, .crawler = json_text_at(request, "Name")};
    bool done = store_write(call->lathe->store, stop, &asking, error);
    g_free(asking.crawl);
    return done;
}

/* ---- the errand ---- */

/* Shared by a life and its errand, which may outlive each other. */
struct flag {
    atomic_int users;
    atomic_bool set;
};

static void flag_unref(struct flag *flag)
{
    if (atomic_fetch_sub(&flag->users, 1) == 1)
        g_free(flag);
}

struct errand {
    struct lathe *lathe;
    char *id, *crawler;
    struct flag *cancelled;
    struct log_writer *log;
    struct crawl_result result;
    GError *error;
};

static void add_log(const char *message, void *data)
{
    struct errand *errand = data;
    g_autofree char *line = g_strdup_printf("[%s] %s", errand->id, message);
    if (errand->log)
        log_writer_add(errand->log, (gint64)(clock_wall(errand->lathe->clock) * 1000), line,
                       strlen(line), NULL);
}

static bool run_crawler(struct errand *errand, const struct resource *crawler, GError **error)
{
    const json_t *body = crawler->body;
    const char *configuration = json_text_at(body, "Configuration");
    const char *recrawl = json_text_at(body, "RecrawlPolicy.RecrawlBehavior");
    g_autoptr(json_auto) settings =
        configuration && *configuration ? json_loads(configuration, 0, NULL) : NULL;
    g_autoptr(json_auto) classifiers =
        classifiers_named(errand->lathe->store, json_object_get(body, "Classifiers"), error);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, crawler->name, -1);
    g_autofree char *memo = g_build_filename(errand->lathe->home, "cache", "crawls", digest, NULL);
    struct crawl_plan plan = {
        .lake = errand->lathe->lake,
        .catalog = errand->lathe->catalog,
        .crawler = crawler->name,
        .database = json_text_at(body, "DatabaseName"),
        .targets = json_at(body, "Targets.S3Targets"),
        .classifiers = classifiers,
        .table_prefix = json_text_at(body, "TablePrefix"),
        .configuration = settings,
        .update_behavior = json_text_at(body, "SchemaChangePolicy.UpdateBehavior"),
        .delete_behavior = json_text_at(body, "SchemaChangePolicy.DeleteBehavior"),
        .new_folders_only = g_strcmp0(recrawl, "CRAWL_NEW_FOLDERS_ONLY") == 0,
        .memo_path = memo,
        .cancelled = &errand->cancelled->set,
        .ends = &errand->lathe->ends,
        .log = add_log,
        .data = errand};
    return classifiers && crawl_run(&plan, &errand->result, error);
}

static void run_errand(void *data)
{
    struct errand *errand = data;
    g_autoptr(resource_auto) crawler =
        resource_get(errand->lathe->store, CRAWLER_KIND, errand->crawler, &errand->error);
    errand->log = log_writer_open(errand->lathe->logs, CRAWLER_LOG_GROUP, errand->crawler, NULL);
    g_autofree char *begins =
        g_strdup_printf("BENCHMARK : Running Start Crawl for Crawler %s", errand->crawler);
    add_log(begins, errand);
    if (crawler)
        run_crawler(errand, crawler, &errand->error);
    if (errand->error) {
        g_autofree char *fails = g_strdup_printf("ERROR : %s", errand->error->message);
        add_log(fails, errand);
    }
    add_log("BENCHMARK : Crawler has finished running and is in state READY", errand);
    if (errand->log)
        log_writer_close(errand->log);
}

static void free_errand(void *data)
{
    struct errand *errand = data;
    flag_unref(errand->cancelled);
    crawl_result_clear(&errand->result);
    g_clear_error(&errand->error);
    g_free(errand->id);
    g_free(errand->crawler);
    g_free(errand);
}

/* ---- the life ---- */

struct life {
    struct flow_life *life;
    struct lathe *lathe;
    char *crawler;
    double began;
    struct flag *cancelled;
    bool sent, ended;
    const char *status; /* at its end */
    char *message;
    struct crawl_counts tables, partitions;
    unsigned read;
};

static void *load(struct flow_life *flow, GError **error)
{
    const struct flow_context *context = flow_context(flow);
    g_autoptr(resource_auto) crawl =
        resource_get(context->store, CRAWL_KIND, flow_name(flow), error);
    bool stops = crawl && strcmp(crawl->status, "STOPPING") == 0;
    if (!crawl || (!stops && strcmp(crawl->status, "RUNNING") != 0))
        return NULL;
    struct life *life = g_new0(struct life, 1);
    life->life = flow;
    life->lathe = operations_lathe(context->operations);
    life->crawler = g_strdup(crawl->parent);
    life->began = crawl->created;
    life->cancelled = g_new0(struct flag, 1);
    atomic_store(&life->cancelled->users, 1);
    atomic_store(&life->cancelled->set, stops);
    return life;
}

static void heard(void *state, const char *kind, const char *name, const char *status)
{
    struct life *life = state;
    (void)name;
    if (strcmp(kind, CRAWL_KIND) == 0 && g_strcmp0(status, "STOPPING") == 0)
        atomic_store(&life->cancelled->set, true);
}

/* What is known by name and not read is why it failed, though the rest was done. */
static void back(void *state, void *data)
{
    struct life *life = state;
    struct errand *errand = data;
    bool stopped = g_error_matches(errand->error, LATHE_ERROR, ERROR_CANCELLED);
    const GString *refused = errand->result.refused;
    if (stopped && !atomic_load(&life->cancelled->set))
        return; /* the server ends: the next start goes on with it */
    life->ended = true;
    life->status = stopped ? "STOPPED" : errand->error || refused ? "FAILED" : "COMPLETED";
    life->tables = errand->result.tables;
    life->partitions = errand->result.partitions;
    life->read = errand->result.read;
    if (!stopped && (errand->error || refused))
        life->message = g_strdup(errand->error ? errand->error->message : refused->str);
}

static void send(struct life *life)
{
    static const struct flow_errand type = {run_errand, back, free_errand, false};
    struct errand *errand = g_new0(struct errand, 1);
    errand->lathe = life->lathe;
    errand->id = g_strdup(flow_name(life->life));
    errand->crawler = g_strdup(life->crawler);
    errand->cancelled = life->cancelled;
    atomic_fetch_add(&life->cancelled->users, 1);
    life->sent = true;
    flow_send(life->life, &type, errand);
}

/* ---- its end ---- */

static json_t *changes(const struct crawl_counts *counts)
{
    return json_pack("{sisisi}", "ADD", (int)counts->created, "UPDATE", (int)counts->updated,
                     "DELETE", (int)counts->deleted);
}

/* As AWS tells it: a text of JSON. */
static char *summary_of(const struct life *life)
{
    g_autoptr(json_auto) summary =
        json_pack("{s:o, s:o, s:i}", "TABLE", changes(&life->tables), "PARTITION",
                  changes(&life->partitions), "ObjectsRead", (int)life->read);
    return json_text_of(summary);
}

static bool end_crawl(struct resource *crawl, void *data, GError **error)
{
    const struct life *life = data;
    (void)error;
    g_autofree char *summary = summary_of(life);
    g_free(crawl->status);
    crawl->status = g_strdup(life->status);
    json_object_set_new(crawl->body, "EndTime", json_real(clock_now()));
    json_object_set_new(crawl->body, "Summary", json_string(summary));
    if (life->message)
        json_object_set_new(crawl->body, "ErrorMessage", json_string(life->message));
    return true;
}

static void add_runtime(json_t *body, double seconds)
{
    json_t *list = json_object_get(body, "Runtimes");
    if (!list)
        json_object_set_new(body, "Runtimes", list = json_array());
    json_array_append_new(list, json_real(MAX(seconds, 0)));
    while (json_array_size(list) > MOST_RUNTIMES)
        json_array_remove(list, 0);
}

static bool end_crawler(struct resource *crawler, void *data, GError **error)
{
    const struct life *life = data;
    const char *status = strcmp(life->status, "COMPLETED") == 0 ? "SUCCEEDED"
                         : strcmp(life->status, "STOPPED") == 0 ? "CANCELLED"
                                                                : "FAILED";
    (void)error;
    g_free(crawler->status);
    crawler->status = g_strdup("READY");
    add_runtime(crawler->body, clock_now() - life->began);
    json_object_set_new(crawler->body, "Counts",
                        json_pack("{sisisi}", "Created", (int)life->tables.created, "Updated",
                                  (int)life->tables.updated, "Deleted", (int)life->tables.deleted));
    json_object_set_new(crawler->body, "LastCrawl",
                        json_pack("{sssssssssfss*}", "Status", status, "LogGroup",
                                  CRAWLER_LOG_GROUP, "LogStream", crawler->name, "MessagePrefix",
                                  flow_name(life->life), "StartTime", life->began, "ErrorMessage",
                                  life->message));
    return true;
}

static bool end(struct store_connection *connection, void *data, GError **error)
{
    struct life *life = data;
    struct store *store = life->lathe->store;
    return resource_update_within(connection, store, CRAWL_KIND, flow_name(life->life), end_crawl,
                                  life, error) &&
           resource_update_within(connection, store, CRAWLER_KIND, life->crawler, end_crawler, life,
                                  error);
}

static enum flow_turn advance(void *state, GError **error)
{
    struct life *life = state;
    if (!life->sent)
        send(life);
    if (!life->ended)
        return FLOW_WAITS;
    return store_write_spare(life->lathe->store, end, life, error) ? FLOW_ENDED : FLOW_FAILED;
}

static double wakes_at(const void *state)
{
    (void)state;
    return 0;
}

/* What is under way when the engine closes is taken up by the next start. */
static void free_life(void *state)
{
    struct life *life = state;
    flag_unref(life->cancelled);
    g_free(life->crawler);
    g_free(life->message);
    g_free(life);
}

static const char *const statuses[] = {"RUNNING", "STOPPING", NULL};

const struct flow_driver crawl_driver = {
    .kind = CRAWL_KIND,
    .statuses = statuses,
    .load = load,
    .heard = heard,
    .advance = advance,
    .wakes_at = wakes_at,
    .free = free_life,
};

/* ---- ListCrawls ---- */

static bool list(struct store *store, const char *crawler, GPtrArray **crawls, GError **error)
{
    struct resource_query query = {.kind = CRAWL_KIND, .parent = crawler};
    *crawls = resource_list(store, &query, NULL, error);
    return *crawls != NULL;
}

bool crawls_delete(struct store *store, const char *crawler, GError **error)
{
    g_autoptr(GPtrArray) all = NULL;
    bool done = list(store, crawler, &all, error);
    for (guint i = 0; done && i < all->len; i++) {
        const struct resource *crawl = all->pdata[i];
        bool found;
        done = resource_delete(store, CRAWL_KIND, crawl->name, &found, error);
    }
    return done;
}

static json_t *describe(const struct resource *crawl)
{
    bool stops = strcmp(crawl->status, "STOPPING") == 0;
    json_t *described = json_pack("{sssssfsssssssf}", "CrawlId", crawl->name, "State",
                                  stops ? "RUNNING" : crawl->status, "StartTime", crawl->created,
                                  "LogGroup", CRAWLER_LOG_GROUP, "LogStream", crawl->parent,
                                  "MessagePrefix", crawl->name, "DPUHour", 0.0);
    json_object_update(described, crawl->body);
    return described;
}

/* A filter's value, as the member has it: times as seconds, or milliseconds. */
static double number_of(const char *text)
{
    double number = 0;
    clock_parse(text, &number);
    return number > 1e11 ? number / 1000 : number;
}

static int compare(const json_t *crawl, const char *field, const char *value)
{
    if (strcmp(field, "CRAWL_ID") == 0)
        return strcmp(json_text_at(crawl, "CrawlId"), value);
    if (strcmp(field, "STATE") == 0)
        return strcmp(json_text_at(crawl, "State"), value);
    const char *member = strcmp(field, "START_TIME") == 0 ? "StartTime"
                         : strcmp(field, "END_TIME") == 0 ? "EndTime"
                                                          : "DPUHour";
    double have = json_number_at(crawl, member, 0), wanted = number_of(value);
    return (have > wanted) - (have < wanted);
}

static bool holds(const char *operator, int order)
{
    static const struct {
        const char *word;
        bool less, equal, more;
    } operators[] = {{"GT", false, false, true}, {"GE", false, true, true},
                     {"LT", true, false, false}, {"LE", true, true, false},
                     {"EQ", false, true, false}, {"NE", true, false, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(operators); i++)
        if (strcmp(operators[i].word, operator) == 0)
            return order < 0   ? operators[i].less
                   : order > 0 ? operators[i].more
                               : operators[i].equal;
    return false;
}

static bool passes(const json_t *crawl, const json_t *filters)
{
    size_t i;
    const json_t *filter;
    json_array_foreach((json_t *)filters, i, filter)
    {
        const char *field = json_text_at(filter, "FieldName");
        const char *operator= json_text_at(filter, "FilterOperator");
        const char *value = json_text_at(filter, "FieldValue");
        if (field && operator&& value && !holds(operator, compare(crawl, field, value)))
            return false;
    }
    return true;
}

bool list_crawls(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    const char *name = json_text_at(request, "CrawlerName");
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(resource_auto) crawler = resource_get(call->lathe->store, CRAWLER_KIND, name, NULL);
    if (!crawler)
        return crawler_missing(name, error);
    if (!list(call->lathe->store, name, &all, error))
        return false;
    json_t *crawls = json_array();
    for (guint i = 0; i < all->len; i++) {
        json_t *crawl = describe(all->pdata[i]);
        if (passes(crawl, json_object_get(request, "Filters")))
            json_array_append(crawls, crawl);
        json_decref(crawl);
    }
    return glue_reply_page(call, request, name, "Crawls", crawls, LIST_PAGE, reply, error);
}
