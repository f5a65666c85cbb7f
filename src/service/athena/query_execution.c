/* Query executions: started, run on threads of their own, told, stopped, forgotten after 45 days.
 */
#include <pthread.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/s3_uri.h"
#include "base/tasks.h"
#include "lake/lake.h"
#include "query/query.h"
#include "service/athena/athena_inside.h"

enum { THREADS = 4, MOST_UNDER_WAY = 200 };
#define KEPT_SECONDS (45 * 86400.0)
#define CUT_OFF "The server ended while the query was on its way; start it again."

/* What is under way, by its id. */
struct executions {
    struct queries queries;
    char *folder;
    struct tasks *tasks;
    pthread_mutex_t lock;
    GHashTable *under_way; /* char * -> struct under_way */
};

struct under_way {
    struct lathe *lathe;
    char *id;
    struct query_stop *stop;
    struct query_end end;
    double queued, started; /* on the steady clock */
    double when;            /* it was asked for */
};

static void free_under_way(void *data)
{
    struct under_way *query = data;
    g_free(query->id);
    query_stop_free(query->stop);
    query_end_clear(&query->end);
    g_free(query);
}

/* ---- where results go ---- */

static const char *location_in(const json_t *settings)
{
    return json_text_at(settings, "ResultConfiguration.OutputLocation");
}

/* The workgroup's place outranks the request's where it is enforced. */
static const char *choose_location(const json_t *request, const struct resource *group,
                                   GError **error)
{
    const json_t *configuration = json_object_get(group->body, "Configuration");
    const char *own = location_in(configuration), *asked = location_in(request);
    bool enforced = json_true_at(configuration, "EnforceWorkGroupConfiguration");
    const char *chosen = own && (enforced || !asked) ? own : asked;
    if (!chosen)
        error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                  "No output location provided. An output location is required either through the "
                  "Workgroup result configuration setting or as an API input.");
    return chosen;
}

static bool check_bucket(const struct call *call, const char *location, GError **error)
{
    g_autofree char *bucket = NULL, *key = NULL;
    g_autoptr(GError) cause = NULL;
    struct lake_bucket *found = s3_uri_parse(location, &bucket, &key, &cause)
                                    ? lake_bucket_get(call->lathe->lake, bucket, &cause)
                                    : NULL;
    lake_bucket_free(found);
    return found || error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                              "Unable to verify/create output bucket %s: %s",
                              bucket ? bucket : location, cause->message);
}

/* ---- StartQueryExecution ---- */

static json_t *statistics_of(const struct under_way *query, double engine, gint64 scanned)
{
    double queue = query->started - query->queued;
    double total = clock_monotonic() - query->queued;
    const struct query_end *end = &query->end;
    return json_pack(
        "{sIsIsIsIsIsIs{sb}ss*}", "EngineExecutionTimeInMillis", (json_int_t)(engine * 1000),
        "DataScannedInBytes", (json_int_t)scanned, "TotalExecutionTimeInMillis",
        (json_int_t)(total * 1000), "QueryQueueTimeInMillis", (json_int_t)(queue * 1000),
        "QueryPlanningTimeInMillis", (json_int_t)(end->planning * 1000),
        "ServiceProcessingTimeInMillis",
        (json_int_t)(MAX(total - queue - engine - end->planning, 0) * 1000),
        "ResultReuseInformation", "ReusedPreviousResult", 0, "DataManifestLocation", end->manifest);
}

/* Clients quote the database's name, too. */
static char *plain_name(const char *name)
{
    size_t size = strlen(name);
    bool quoted = size > 2 && strchr("`\"", name[0]) && name[size - 1] == name[0];
    g_autofree char *plain = g_strndup(name + quoted, size - 2 * quoted);
    return g_utf8_strdown(plain, -1);
}

static json_t *context_of(const json_t *request)
{
    json_t *context = json_object();
    json_object_update(context, json_object_get(request, "QueryExecutionContext"));
    const char *database = json_text_at(context, "Database");
    g_autofree char *small = database ? plain_name(database) : NULL;
    json_put(context, "Database", small ? json_string(small) : NULL);
    return context;
}

/* Two requests with the same digest ask the same of the same names. */
static char *reuse_word(const json_t *body)
{
    static const char *const members[] = {"Query", "QueryExecutionContext", "WorkGroup",
                                          "ExecutionParameters", NULL};
    g_autoptr(json_auto) asked = json_object();
    json_copy_members(asked, body, members);
    g_autofree char *text = json_text_of(asked);
    return checksum_hex_of(CHECKSUM_SHA256, text, strlen(text));
}

static json_t *body_of(const json_t *request, const struct resource *group, const char *location)
{
    struct query_end kind = {0};
    query_classify(json_text_at(request, "QueryString"), &kind);
    json_t *results = json_object();
    json_object_update(results, json_object_get(request, "ResultConfiguration"));
    json_object_set_new(results, "OutputLocation", json_string(location));
    json_t *body = json_pack(
        "{sOsssssosososss{ssss}s{}s[]}", "Query", json_object_get(request, "QueryString"),
        "StatementType", kind.type, "SubstatementType", kind.sub_type, "ResultConfiguration",
        results, "QueryExecutionContext", context_of(request), "ResultReuseConfiguration",
        json_pack("{s{sb}}", "ResultReuseByAgeConfiguration", "Enabled", 0), "WorkGroup",
        group->name, "EngineVersion", "SelectedEngineVersion", "AUTO", "EffectiveEngineVersion",
        ENGINE_VERSION, "Statistics", "Columns");
    static const char *const members[] = {"ResultReuseConfiguration", "ExecutionParameters", NULL};
    json_copy_members(body, request, members);
    json_put(body, "ScanLimit",
             json_incref(json_at(group->body, "Configuration.BytesScannedCutoffPerQuery")));
    query_end_clear(&kind);
    return body;
}

struct starting {
    const struct call *call;
    struct resource execution;
    const char *word;
    json_t *answer;
};

static bool write_start(struct store_connection *connection, void *data, GError **error)
{
    struct starting *starting = data;
    struct resource *execution = &starting->execution;
    g_autoptr(json_auto) none = json_object();
    return resource_create_within(connection, starting->call->lathe->store, execution, NULL,
                                  error) &&
           entry_put(connection, QUERY_EXECUTION, execution->name, 1, starting->word, none,
                     error) &&
           call_remember(starting->call, connection, starting->answer, error);
}

static void run(void *data);

static bool admit(struct executions *executions, struct under_way *query, GError **error)
{
    pthread_mutex_lock(&executions->lock);
    bool fits = g_hash_table_size(executions->under_way) < MOST_UNDER_WAY;
    if (fits)
        g_hash_table_insert(executions->under_way, query->id, query);
    pthread_mutex_unlock(&executions->lock);
    return fits || error_set(error, ERROR_TOO_MANY_REQUESTS,
                             "%d queries are queued or running already: wait for one to end.",
                             MOST_UNDER_WAY);
}

static void forget(struct executions *executions, struct under_way *query)
{
    pthread_mutex_lock(&executions->lock);
    g_hash_table_remove(executions->under_way, query->id);
    pthread_mutex_unlock(&executions->lock);
}

static bool start(const struct call *call, struct starting *starting, GError **error)
{
    struct executions *executions = call->lathe->executions;
    struct under_way *query = g_new0(struct under_way, 1);
    query->lathe = call->lathe;
    query->id = g_strdup(starting->execution.name);
    query->stop = query_stop_new();
    query->queued = clock_monotonic();
    query->when = clock_wall(call->lathe->clock);
    if (!admit(executions, query, error)) {
        free_under_way(query);
        return false;
    }
    if (store_write(call->lathe->store, write_start, starting, error)) {
        tasks_add(executions->tasks, run, query);
        return true;
    }
    forget(executions, query);
    return false;
}

/* ---- a result that is there already ---- */

/* An execution that asked the same, whose result is young enough; or NULL. */
static struct resource *find_reusable(const struct call *call, const json_t *request,
                                      const char *word)
{
    const json_t *reuse =
        json_at(request, "ResultReuseConfiguration.ResultReuseByAgeConfiguration");
    if (!json_true_at(reuse, "Enabled"))
        return NULL;
    double oldest =
        clock_wall(call->lathe->clock) - 60 * json_number_at(reuse, "MaxAgeInMinutes", 60);
    g_autoptr(GPtrArray) same = entry_find(call->lathe->store, QUERY_EXECUTION, word, NULL);
    for (guint i = 0; same && i < same->len; i++) {
        const struct entry *entry = same->pdata[i];
        g_autoptr(resource_auto) found =
            resource_get(call->lathe->store, QUERY_EXECUTION, entry->owner, NULL);
        if (found && strcmp(found->status, "SUCCEEDED") == 0 &&
            json_number_at(found->body, "Completed", 0) >= oldest &&
            strcmp(json_text_at(found->body, "SubstatementType"), "SELECT") == 0)
            return g_steal_pointer(&found);
    }
    return NULL;
}

static bool answer_by(struct starting *starting, const struct resource *reused, GError **error)
{
    static const char *const members[] = {"ResultConfiguration", "Columns", NULL};
    json_t *body = starting->execution.body;
    json_copy_members(body, reused->body, members);
    json_object_set_new(body, "Completed", json_real(starting->execution.created));
    json_object_set_new(body, "Statistics",
                        json_pack("{sisisis{sb}}", "EngineExecutionTimeInMillis", 0,
                                  "DataScannedInBytes", 0, "TotalExecutionTimeInMillis", 0,
                                  "ResultReuseInformation", "ReusedPreviousResult", 1));
    starting->execution.status = (char *)"SUCCEEDED";
    return store_write(starting->call->lathe->store, write_start, starting, error);
}

bool start_query_execution(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    g_autoptr(resource_auto) group = athena_work_group(call, athena_group_of(request), true, error);
    const char *location = group ? choose_location(request, group, error) : NULL;
    const char *catalog = json_text_at(request, "QueryExecutionContext.Catalog");
    if (!location || (catalog && !athena_has_catalog(call, catalog, error)) ||
        !check_bucket(call, location, error))
        return false;
    g_autofree char *id = id_uuid();
    g_autofree char *arn = athena_arn(call, "query", id);
    g_autoptr(json_auto) body = body_of(request, group, location);
    g_autofree char *word = reuse_word(body);
    g_autoptr(resource_auto) reused = find_reusable(call, request, word);
    struct starting starting = {
        .call = call,
        .execution = {.kind = (char *)QUERY_EXECUTION,
                      .name = id,
                      .arn = arn,
                      .status = (char *)"QUEUED",
                      .parent = group->name,
                      .body = body,
                      .created = clock_wall(call->lathe->clock)},
        .word = word,
        .answer = json_pack("{ss}", "QueryExecutionId", id),
    };
    reply->output = starting.answer;
    return reused ? answer_by(&starting, reused, error) : start(call, &starting, error);
}

/* ---- running ---- */

static bool is_over(const char *status)
{
    return strcmp(status, "QUEUED") != 0 && strcmp(status, "RUNNING") != 0;
}

static bool set_running(struct resource *execution, void *data, GError **error)
{
    (void)data;
    if (strcmp(execution->status, "QUEUED") != 0)
        return error_set(error, ERROR_CANCELLED, "Query was cancelled by the user.");
    g_free(execution->status);
    execution->status = g_strdup("RUNNING");
    return true;
}

static bool set_succeeded(struct resource *execution, void *data, GError **error)
{
    const struct under_way *query = data;
    const struct query_end *end = &query->end;
    if (strcmp(execution->status, "RUNNING") != 0)
        return error_set(error, ERROR_CANCELLED, "Query was cancelled by the user.");
    g_free(execution->status);
    execution->status = g_strdup("SUCCEEDED");
    json_t *body = execution->body;
    json_object_set_new(body, "Completed", json_real(clock_wall(query->lathe->clock)));
    json_object_set_new(body, "Statistics", statistics_of(query, end->run, end->scanned));
    json_object_set_new(body, "StatementType", json_string(end->type));
    json_object_set_new(body, "SubstatementType", json_string(end->sub_type));
    json_object_set_new(json_object_get(body, "ResultConfiguration"), "OutputLocation",
                        json_string(end->output));
    json_put(body, "Columns", json_incref(end->columns));
    json_put(body, "UpdateCount", end->rows < 0 ? NULL : json_integer(end->rows));
    return true;
}

static bool succeed(struct store_connection *connection, void *data, GError **error)
{
    struct under_way *query = data;
    return resource_update_within(connection, query->lathe->store, QUERY_EXECUTION, query->id,
                                  set_succeeded, query, error);
}

struct failure {
    const struct under_way *query; /* NULL: the one that a crash cut off */
    const GError *cause;
    const char *status;
    double now;
};

static bool set_failed(struct resource *execution, void *data, GError **error)
{
    (void)error;
    const struct failure *failure = data;
    if (is_over(execution->status))
        return true;
    g_free(execution->status);
    execution->status = g_strdup(failure->status);
    json_t *body = execution->body;
    json_object_set_new(body, "Completed", json_real(failure->now));
    json_object_set_new(body, "StateChangeReason", json_string(failure->cause->message));
    if (failure->query)
        json_object_set_new(body, "Statistics", statistics_of(failure->query, 0, 0));
    if (strcmp(failure->status, "FAILED") == 0)
        json_object_set_new(body, "AthenaError", query_athena_error(failure->cause));
    return true;
}

static void fail(const struct under_way *query, const GError *cause)
{
    bool cancelled = g_error_matches(cause, LATHE_ERROR, ERROR_CANCELLED);
    struct failure failure = {query, cause, cancelled ? "CANCELLED" : "FAILED",
                              clock_wall(query->lathe->clock)};
    g_autoptr(GError) error = NULL;
    if (!resource_update(query->lathe->store, QUERY_EXECUTION, query->id, set_failed, &failure,
                         NULL, &error))
        g_warning("the end of query %s: %s", query->id, error->message);
}

static bool run_query(struct under_way *query, const struct resource *execution, GError **error)
{
    const json_t *body = execution->body;
    g_autoptr(GPtrArray) parameters = g_ptr_array_new();
    size_t i;
    const json_t *each;
    json_array_foreach(json_object_get(body, "ExecutionParameters"), i, each)
        g_ptr_array_add(parameters, (void *)json_string_value(each));
    g_ptr_array_add(parameters, NULL);
    const char *database = json_text_at(body, "QueryExecutionContext.Database");
    struct athena_group group = {query->lathe, execution->parent};
    struct query_request request = {
        .id = query->id,
        .text = json_text_at(body, "Query"),
        .catalog = "awsdatacatalog",
        .database = database ? database : "default",
        .output = json_text_at(body, "ResultConfiguration.OutputLocation"),
        .parameters = (const char *const *)parameters->pdata,
        .scan_limit = json_integer_at(body, "ScanLimit", 0),
        .now = query->when,
        .stop = query->stop,
        .prepared = &athena_prepared,
        .data = &group,
    };
    return query_run(&query->lathe->executions->queries, &request, &query->end, succeed, query,
                     error);
}

static bool begin(struct under_way *query, GError **error)
{
    return resource_update_ordered(query->lathe->store, QUERY_EXECUTION, query->id, set_running,
                                   NULL, error);
}

static void run(void *data)
{
    struct under_way *query = data;
    struct executions *executions = query->lathe->executions;
    g_autoptr(GError) error = NULL;
    query->started = clock_monotonic();
    g_autoptr(resource_auto) execution =
        begin(query, &error) ? resource_get(query->lathe->store, QUERY_EXECUTION, query->id, &error)
                             : NULL;
    if (!error && execution)
        run_query(query, execution, &error);
    if (error)
        fail(query, error);
    forget(executions, query);
}

/* ---- telling ---- */

/* What the store keeps beside what AWS tells. */
static const char *const kept_back[] = {"Columns",   "UpdateCount", "Completed",
                                        "ScanLimit", "AthenaError", "StateChangeReason"};

static json_t *describe(const struct resource *execution)
{
    json_t *shown = json_copy(execution->body);
    json_t *status =
        json_pack("{sssfsO*sO*sO*}", "State", execution->status, "SubmissionDateTime",
                  execution->created, "CompletionDateTime", json_object_get(shown, "Completed"),
                  "StateChangeReason", json_object_get(shown, "StateChangeReason"), "AthenaError",
                  json_object_get(shown, "AthenaError"));
    for (size_t i = 0; i < G_N_ELEMENTS(kept_back); i++)
        json_object_del(shown, kept_back[i]);
    json_object_set_new(shown, "QueryExecutionId", json_string(execution->name));
    json_object_set_new(shown, "Status", status);
    return shown;
}

bool get_query_execution(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_autoptr(resource_auto) execution =
        athena_get(call, QUERY_EXECUTION, json_text_at(request, "QueryExecutionId"), error);
    if (execution)
        reply->output = json_pack("{so}", "QueryExecution", describe(execution));
    return execution != NULL;
}

bool batch_get_query_execution(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    json_t *found = NULL, *missed = NULL;
    bool done =
        athena_batch(call, QUERY_EXECUTION, NULL, json_object_get(request, "QueryExecutionIds"),
                     describe, "QueryExecutionId", &found, &missed, error);
    reply->output =
        json_pack("{soso}", "QueryExecutions", found, "UnprocessedQueryExecutionIds", missed);
    return done;
}

bool list_query_executions(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    return athena_list_names(call, QUERY_EXECUTION, "QueryExecutionIds", request, &reply->output,
                             error);
}

bool get_query_runtime_statistics(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    static const char *const times[] = {
        "QueryQueueTimeInMillis",      "QueryPlanningTimeInMillis",
        "EngineExecutionTimeInMillis", "ServiceProcessingTimeInMillis",
        "TotalExecutionTimeInMillis",  NULL};
    g_autoptr(resource_auto) execution =
        athena_get(call, QUERY_EXECUTION, json_text_at(request, "QueryExecutionId"), error);
    if (!execution)
        return false;
    const json_t *statistics = json_object_get(execution->body, "Statistics");
    json_t *timeline = json_object();
    json_copy_members(timeline, statistics, times);
    json_t *rows = json_object();
    json_put(rows, "InputBytes", json_incref(json_object_get(statistics, "DataScannedInBytes")));
    json_put(rows, "OutputRows", json_incref(json_object_get(execution->body, "UpdateCount")));
    reply->output =
        json_pack("{s{soso}}", "QueryRuntimeStatistics", "Timeline", timeline, "Rows", rows);
    return true;
}

/* ---- StopQueryExecution ---- */

static void cancel(struct executions *executions, const char *id)
{
    pthread_mutex_lock(&executions->lock);
    struct under_way *query = g_hash_table_lookup(executions->under_way, id);
    if (query)
        query_stop_now(query->stop);
    pthread_mutex_unlock(&executions->lock);
}

/* Its status is CANCELLED when this returns: whatever its thread still does is done to nothing. */
bool stop_query_execution(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    (void)reply;
    const char *id = json_text_at(request, "QueryExecutionId");
    g_autoptr(resource_auto) execution = athena_get(call, QUERY_EXECUTION, id, error);
    if (!execution)
        return false;
    g_autoptr(GError) cause =
        g_error_new_literal(LATHE_ERROR, ERROR_CANCELLED, "Query cancelled by user");
    struct failure failure = {NULL, cause, "CANCELLED", clock_wall(call->lathe->clock)};
    cancel(call->lathe->executions, id);
    return resource_update(call->lathe->store, QUERY_EXECUTION, id, set_failed, &failure, NULL,
                           error);
}

/* ---- opening, growing old, closing ---- */

static bool fail_cut_off(struct lathe *lathe, GError **error)
{
    static const char *const going[] = {"QUEUED", "RUNNING"};
    g_autoptr(GError) cause = g_error_new_literal(LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE, CUT_OFF);
    struct failure failure = {NULL, cause, "FAILED", clock_wall(lathe->clock)};
    for (size_t i = 0; i < G_N_ELEMENTS(going); i++) {
        struct resource_query query = {.kind = QUERY_EXECUTION, .status = going[i]};
        g_autoptr(GPtrArray) cut = resource_list(lathe->store, &query, NULL, error);
        for (guint j = 0; cut && j < cut->len; j++)
            if (!resource_update(lathe->store, QUERY_EXECUTION,
                                 ((struct resource *)cut->pdata[j])->name, set_failed, &failure,
                                 NULL, error))
                return false;
        if (!cut)
            return false;
    }
    return true;
}

bool athena_open_executions(struct lathe *lathe, GError **error)
{
    struct executions *executions = g_new0(struct executions, 1);
    lathe->executions = executions;
    executions->folder = g_build_filename(lathe->home, "queries", NULL);
    executions->under_way = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_under_way);
    pthread_mutex_init(&executions->lock, NULL);
    executions->queries = (struct queries){.store = lathe->store,
                                           .lake = lathe->lake,
                                           .catalog = lathe->catalog,
                                           .engine = lathe->engine,
                                           .folder = executions->folder};
    executions->tasks = tasks_new_many(THREADS);
    query_clean(&executions->queries);
    return fail_cut_off(lathe, error);
}

void athena_tidy_executions(struct lathe *lathe, double now)
{
    g_autoptr(GError) error = NULL;
    struct resource_query query = {.kind = QUERY_EXECUTION, .created_before = now - KEPT_SECONDS};
    g_autoptr(GPtrArray) old = resource_list(lathe->store, &query, NULL, &error);
    for (guint i = 0; old && i < old->len && !error; i++)
        resource_delete(lathe->store, QUERY_EXECUTION, ((struct resource *)old->pdata[i])->name,
                        NULL, &error);
    if (error)
        g_warning("queries that grew old: %s", error->message);
}

static void cancel_all(struct executions *executions)
{
    pthread_mutex_lock(&executions->lock);
    GHashTableIter each;
    g_hash_table_iter_init(&each, executions->under_way);
    for (void *query; g_hash_table_iter_next(&each, NULL, &query);)
        query_stop_now(((struct under_way *)query)->stop);
    pthread_mutex_unlock(&executions->lock);
}

void athena_close_executions(struct lathe *lathe)
{
    struct executions *executions = lathe->executions;
    if (!executions)
        return;
    cancel_all(executions);
    tasks_free(executions->tasks);
    g_hash_table_unref(executions->under_way);
    pthread_mutex_destroy(&executions->lock);
    g_free(executions->folder);
    g_free(executions);
}
