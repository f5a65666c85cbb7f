/* Runs of jobs: started, told, stopped; and how they end: retries, those that waited, bookmarks. */
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "job/job.h"
#include "log/log_stream.h"
#include "service/glue/job.h"

#define LIST_PAGE 100

/* ---- what a run has ---- */

const char *job_run_option(const struct resource *run, const char *name)
{
    return json_string_value(json_object_get(json_object_get(run->body, "Options"), name));
}

const char *job_run_group(const json_t *command)
{
    return job_command_of(command) == JOB_PYTHON ? "/aws-glue/python-jobs" : "/aws-glue/jobs";
}

char *job_run_log(const json_t *command, const char *stream)
{
    return g_strdup_printf("%s/%s", job_run_group(command), stream);
}

void job_run_tell(struct lathe *lathe, const json_t *command, const char *id, const char *message)
{
    g_autofree char *group = job_run_log(command, "error");
    struct log_writer *log = log_writer_open(lathe->logs, group, id, NULL);
    if (!log)
        return;
    log_writer_add(log, (gint64)(clock_wall(lathe->clock) * 1000), message, strlen(message), NULL);
    log_writer_close(log);
}

static bool has_ended(const char *state)
{
    return kind_outcome(&job_run_kind, state) != KIND_GOES_ON;
}

/* ---- which are on their way ---- */

static json_t *list_in(json_t *job, const char *name)
{
    json_t *list = json_object_get(job, name);
    if (!list)
        json_object_set_new(job, name, list = json_array());
    return list;
}

static void remove_from(json_t *list, const char *id)
{
    for (size_t i = json_array_size(list); i > 0; i--)
        if (strcmp(json_string_value(json_array_get(list, i - 1)), id) == 0)
            json_array_remove(list, i - 1);
}

/* ---- starting ---- */

/* What counts is what the run says, then what the job does; what is not to be overridden is not. */
static json_t *options_of(const json_t *job, const json_t *request)
{
    json_t *options = json_object();
    json_object_update(options, json_object_get(job, "DefaultArguments"));
    json_object_update(options, json_object_get(request, "Arguments"));
    json_object_update(options, json_object_get(job, "NonOverridableArguments"));
    return options;
}

static json_t *body_of(const struct job_run_start *start, const struct resource *job)
{
    static const char *const of_job[] = {"MaxCapacity",
                                         "AllocatedCapacity",
                                         "WorkerType",
                                         "NumberOfWorkers",
                                         "Timeout",
                                         "SecurityConfiguration",
                                         "NotificationProperty",
                                         "GlueVersion",
                                         "ExecutionClass",
                                         "JobMode",
                                         "JobRunQueuingEnabled",
                                         "MaintenanceWindow",
                                         NULL};
    static const char *const of_run[] = {"Arguments",
                                         "Timeout",
                                         "SecurityConfiguration",
                                         "NotificationProperty",
                                         "ExecutionClass",
                                         "ExecutionRoleSessionPolicy",
                                         "JobRunQueuingEnabled",
                                         NULL};
    static const char *const capacity[] = {"MaxCapacity",     "AllocatedCapacity", "WorkerType",
                                           "NumberOfWorkers", "Command",           NULL};
    g_autoptr(json_auto) sized = json_copy(job->body);
    if (json_object_get(start->request, "WorkerType") ||
        json_object_get(start->request, "MaxCapacity") ||
        json_object_get(start->request, "AllocatedCapacity"))
        for (size_t i = 0; i < 4; i++)
            json_object_del(sized, capacity[i]);
    json_copy_members(sized, start->request, capacity);
    g_autoptr(json_auto) told = job_with_defaults(sized);
    const json_t *command = json_object_get(job->body, "Command");
    json_t *body =
        json_pack("{ss si ss* sO sI so ss}", "JobName", job->name, "Attempt", 0, "TriggerName",
                  start->trigger, "Command", command, "MaxRetries",
                  (json_int_t)json_integer_at(job->body, "MaxRetries", 0), "Options",
                  options_of(job->body, start->request), "LogGroupName", job_run_group(command));
    json_copy_members(body, told, of_job);
    json_copy_members(body, start->request, of_run);
    if (start->retry)
        json_object_set_new(body, "PreviousRunId", json_string(start->retry->name));
    call_keep(start->call, body);
    return body;
}

struct beginning {
    struct job_run_start *start;
    json_t *body; /* comes out; NULL: there is no such job */
};

static bool queues(const struct job_run_start *start, const json_t *job)
{
    const json_t *own = json_object_get(start->request, "JobRunQueuingEnabled");
    return own ? json_is_true(own) : json_true_at(job, "JobRunQueuingEnabled");
}

/* Whether it runs at once or waits is the job's to say. */
static bool admit(struct resource *job, void *data, GError **error)
{
    struct beginning *beginning = data;
    struct job_run_start *start = beginning->start;
    gint64 most = json_integer_at(job->body, "ExecutionProperty.MaxConcurrentRuns", 1);
    gint64 runs = json_integer_at(job->body, "Runs", 0) + 1;
    json_t *going = list_in(job->body, "Going");
    start->queued = (gint64)json_array_size(going) >= most;
    if (start->queued && !queues(start, job->body))
        return error_set(error, ERROR_CONCURRENT_RUNS, "Concurrent runs exceeded for %s",
                         job->name);
    json_array_append_new(start->queued ? list_in(job->body, "Waiting") : going,
                          json_string(start->id));
    json_object_set_new(job->body, "Runs", json_integer(runs));
    beginning->body = body_of(start, job);
    json_object_set_new(beginning->body, "Run", json_integer(runs));
    return true;
}

static bool put_run(struct store_connection *connection, struct store *store, const char *id,
                    const char *job, json_t *body, const char *state, GError **error)
{
    struct resource run = {.kind = (char *)JOB_RUN_KIND,
                           .name = (char *)id,
                           .arn = (char *)"",
                           .status = (char *)state,
                           .parent = (char *)job,
                           .body = body};
    return resource_create_within(connection, store, &run, NULL, error);
}

bool job_run_start_within(struct store_connection *connection, struct job_run_start *start,
                          GError **error)
{
    struct store *store = start->call->lathe->store;
    const char *job = json_text_at(start->request, "JobName");
    g_autofree char *digits = id_hex(64);
    g_free(start->id);
    start->id = g_strconcat("jr_", digits, NULL);
    struct beginning beginning = {start, NULL};
    bool done =
        resource_update_within(connection, store, JOB_KIND, job, admit, &beginning, error) &&
        (beginning.body || job_missing(job, error)) &&
        put_run(connection, store, start->id, job, beginning.body,
                start->queued ? "WAITING" : "STARTING", error);
    json_decref(beginning.body);
    return done;
}

/* ---- StartJobRun ---- */

static bool run_missing(const char *id, GError **error)
{
    return error_set(error, ERROR_ENTITY_NOT_FOUND, "Job Run %s is not found.", id);
}

static struct resource *find_run(const struct call *call, const char *job, const char *id,
                                 GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) run = resource_get(call->lathe->store, JOB_RUN_KIND, id, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!run || strcmp(run->parent, job) != 0)
        run_missing(id, error);
    else
        return g_steal_pointer(&run);
    return NULL;
}

/* What is repeated has ended, and has its arguments unless others are given. */
static bool find_retry(const struct call *call, json_t *request, struct resource **retry,
                       GError **error)
{
    const char *id = json_text_at(request, "JobRunId");
    if (!id)
        return true;
    *retry = find_run(call, json_text_at(request, "JobName"), id, error);
    if (*retry && !has_ended((*retry)->status))
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                         "JobRunId: the run %s is %s; only one that has ended is run again.", id,
                         (*retry)->status);
    if (*retry && !json_object_get(request, "Arguments"))
        json_put(request, "Arguments", json_incref(json_object_get((*retry)->body, "Arguments")));
    return *retry != NULL;
}

static bool check_arguments(const json_t *request, GError **error)
{
    enum bookmark_option option;
    return bookmark_option_of(json_object_get(request, "Arguments"), &option, error) &&
           job_check_capacity(request, error);
}

static bool start_within(struct store_connection *connection, void *data, GError **error)
{
    return job_run_start_within(connection, data, error);
}

static bool start_job_run(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    g_autoptr(json_auto) given = json_copy((json_t *)request);
    g_autoptr(resource_auto) retry = NULL;
    struct job_run_start start = {.call = call, .request = given};
    bool done = check_arguments(given, error) && find_retry(call, given, &retry, error);
    start.retry = retry;
    if (done && (done = store_write(call->lathe->store, start_within, &start, error)))
        reply->output = json_pack("{ss}", "JobRunId", start.id);
    g_free(start.id);
    return done;
}

/* ---- how a run ends ---- */

struct ending {
    struct lathe *lathe;
    const struct job_run_end *end;
    struct resource run; /* as it was: name, parent, body */
    bool ends;           /* it had not */
    char *retry;         /* the run that repeats it, or NULL */
    char *next;          /* one that waited, or NULL */
    bool job_is_there;
};

static bool take_end(struct resource *run, void *data, GError **error)
{
    struct ending *ending = data;
    (void)error;
    if (has_ended(run->status))
        return true;
    double now = clock_now(), began = json_number_at(run->body, "Began", 0);
    ending->ends = true;
    g_free(run->status);
    run->status = g_strdup(ending->end->state);
    json_object_set_new(run->body, "CompletedOn", json_real(now));
    json_object_set_new(run->body, "ExecutionTime",
                        json_integer(began > 0 ? (json_int_t)(now - began + 0.5) : 0));
    if (ending->end->message)
        json_object_set_new(run->body, "ErrorMessage", json_string(ending->end->message));
    ending->run.name = g_strdup(run->name);
    ending->run.parent = g_strdup(run->parent);
    ending->run.body = json_deep_copy(run->body);
    return true;
}

static bool is_retried(const struct ending *ending)
{
    const json_t *body = ending->run.body;
    return strcmp(ending->end->state, "FAILED") == 0 &&
           json_integer_at(body, "Attempt", 0) < json_integer_at(body, "MaxRetries", 0);
}

/* "jr_..._attempt_1", after which "jr_..._attempt_2". */
char *job_run_retry_name(const struct resource *run)
{
    const char *suffix = strstr(run->name, "_attempt_");
    int length = (int)(suffix ? (size_t)(suffix - run->name) : strlen(run->name));
    return g_strdup_printf("%.*s_attempt_%d", length, run->name,
                           (int)json_integer_at(run->body, "Attempt", 0) + 1);
}

/* What the job keeps of those on their way: this one goes, its retry takes its place, or one that
 * waited does. */
static bool hand_on(struct resource *job, void *data, GError **error)
{
    struct ending *ending = data;
    (void)error;
    json_t *going = list_in(job->body, "Going"), *waiting = list_in(job->body, "Waiting");
    gint64 most = json_integer_at(job->body, "ExecutionProperty.MaxConcurrentRuns", 1);
    ending->job_is_there = true;
    remove_from(going, ending->end->id);
    remove_from(waiting, ending->end->id);
    if (is_retried(ending)) {
        ending->retry = job_run_retry_name(&ending->run);
        json_array_append_new(going, json_string(ending->retry));
    } else if (json_array_size(waiting) && (gint64)json_array_size(going) < most) {
        ending->next = g_strdup(json_string_value(json_array_get(waiting, 0)));
        json_array_remove(waiting, 0);
        json_array_append_new(going, json_string(ending->next));
    }
    return true;
}

static bool put_retry(struct store_connection *connection, const struct ending *ending,
                      GError **error)
{
    static const char *const of_one[] = {"CompletedOn", "ExecutionTime", "ErrorMessage", "Began",
                                         NULL};
    const struct resource *run = &ending->run;
    g_autoptr(json_auto) body = json_copy(run->body);
    for (size_t i = 0; of_one[i]; i++)
        json_object_del(body, of_one[i]);
    json_object_set_new(body, "Attempt", json_integer(json_integer_at(body, "Attempt", 0) + 1));
    json_object_set_new(body, "PreviousRunId", json_string(run->name));
    return put_run(connection, ending->lathe->store, ending->retry, run->parent, body, "STARTING",
                   error);
}

static bool set_starting(struct resource *run, void *data, GError **error)
{
    (void)data;
    (void)error;
    if (strcmp(run->status, "WAITING") == 0) {
        g_free(run->status);
        run->status = g_strdup("STARTING");
    }
    return true;
}

static bool forget_run(struct store_connection *connection, struct store *store, const char *id,
                       GError **error)
{
    bool found;
    return resource_delete_within(connection, store, JOB_RUN_KIND, id, &found, error);
}

static bool follow(struct store_connection *connection, struct ending *ending, GError **error)
{
    struct store *store = ending->lathe->store;
    const struct job_run_end *end = ending->end;
    if (!resource_update_within(connection, store, JOB_KIND, ending->run.parent, hand_on, ending,
                                error))
        return false;
    if (!ending->job_is_there)
        return forget_run(connection, store, end->id, error);
    return (!ending->retry || put_retry(connection, ending, error)) &&
           (!ending->next || resource_update_within(connection, store, JOB_RUN_KIND, ending->next,
                                                    set_starting, NULL, error)) &&
           (strcmp(end->state, "SUCCEEDED") != 0 ||
            bookmark_step_within(connection, store, &ending->run, end, error));
}

bool job_run_end_within(struct store_connection *connection, struct lathe *lathe,
                        const struct job_run_end *end, GError **error)
{
    struct ending ending = {.lathe = lathe, .end = end};
    bool done = resource_update_within(connection, lathe->store, JOB_RUN_KIND, end->id, take_end,
                                       &ending, error) &&
                (!ending.ends || follow(connection, &ending, error));
    g_free(ending.run.name);
    g_free(ending.run.parent);
    json_decref(ending.run.body);
    g_free(ending.retry);
    g_free(ending.next);
    return done;
}

/* ---- telling ---- */

json_t *job_run_describe(const struct resource *run, bool predecessors)
{
    static const char *const own[] = {"Command", "MaxRetries", "Options",   "Began",
                                      "Run",     "Region",     CALL_WITHIN, NULL};
    json_t *told = json_copy(run->body);
    for (size_t i = 0; own[i]; i++)
        json_object_del(told, own[i]);
    json_object_set_new(told, "Id", json_string(run->name));
    json_object_set_new(told, "JobRunState", json_string(run->status));
    json_object_set_new(told, "StartedOn", json_real(run->created));
    json_object_set_new(told, "LastModifiedOn", json_real(run->modified));
    if (!json_object_get(told, "ExecutionTime"))
        json_object_set_new(told, "ExecutionTime", json_integer(0));
    if (predecessors)
        json_object_set_new(told, "PredecessorRuns", json_array());
    return told;
}

static bool get_job_run(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    g_autoptr(resource_auto) run =
        find_run(call, json_text_at(request, "JobName"), json_text_at(request, "RunId"), error);
    return run && glue_reply(reply, "JobRun",
                             job_run_describe(run, json_true_at(request, "PredecessorsIncluded")));
}

static GPtrArray *runs_of(struct store *store, const char *job, GError **error)
{
    struct resource_query query = {.kind = JOB_RUN_KIND, .parent = job};
    return resource_list(store, &query, NULL, error);
}

static bool get_job_runs(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    const char *name = json_text_at(request, "JobName");
    g_autoptr(resource_auto) job = job_find(call, name, error);
    g_autoptr(GPtrArray) all = job ? runs_of(call->lathe->store, name, error) : NULL;
    json_t *list = all ? json_array() : NULL;
    for (guint i = 0; all && i < all->len; i++)
        json_array_append_new(list, job_run_describe(all->pdata[i], false));
    return glue_reply_page(call, request, name, "JobRuns", list, LIST_PAGE, reply, error);
}

/* ---- BatchStopJobRun ---- */

struct stop {
    const char *job;
    struct lathe *lathe;
    const char *id;
    bool found;
    bool waited; /* nobody moves it: it has stopped */
};

static bool begin_to_stop(struct resource *run, void *data, GError **error)
{
    struct stop *stop = data;
    stop->found = strcmp(run->parent, stop->job) == 0;
    if (!stop->found)
        return true;
    if (has_ended(run->status) || strcmp(run->status, "STOPPING") == 0)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                         "Job Run %s is %s, and cannot be stopped.", run->name, run->status);
    stop->waited = strcmp(run->status, "WAITING") == 0;
    if (stop->waited)
        return true;
    g_free(run->status);
    run->status = g_strdup("STOPPING");
    return true;
}

static bool stop_one(struct store_connection *connection, void *data, GError **error)
{
    struct stop *stop = data;
    struct job_run_end end = {.id = stop->id, .state = "STOPPED", .version = -1};
    return resource_update_within(connection, stop->lathe->store, JOB_RUN_KIND, stop->id,
                                  begin_to_stop, stop, error) &&
           (stop->found || run_missing(stop->id, error)) &&
           (!stop->waited || job_run_end_within(connection, stop->lathe, &end, error));
}

/* A store that takes no changes (a full disk) keeps nobody from stopping what fills it. */
static bool stop_or_signal(struct stop *stop, GError **error)
{
    GError *cause = NULL;
    if (store_write_spare(stop->lathe->store, stop_one, stop, &cause) ||
        (g_error_matches(cause, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE) &&
         jobs_stop(stop->lathe->jobs, stop->id))) {
        g_clear_error(&cause);
        return true;
    }
    g_propagate_error(error, cause);
    return false;
}

static bool batch_stop_job_run(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)error;
    const char *job = json_text_at(request, "JobName");
    json_t *stopped = json_array(), *errors = json_array();
    size_t i;
    const json_t *each;
    json_array_foreach(json_object_get(request, "JobRunIds"), i, each)
    {
        const char *id = json_string_value(each);
        struct stop stop = {.job = job, .lathe = call->lathe, .id = id};
        g_autoptr(GError) cause = NULL;
        if (stop_or_signal(&stop, &cause))
            json_array_append_new(stopped, json_pack("{ssss}", "JobName", job, "JobRunId", id));
        else
            json_array_append_new(errors, json_pack("{ssssso}", "JobName", job, "JobRunId", id,
                                                    "ErrorDetail", glue_error_detail(cause)));
    }
    reply->output = json_pack("{soso}", "SuccessfulSubmissions", stopped, "Errors", errors);
    return true;
}

/* ---- DeleteJob ---- */

static bool stop_any(struct resource *run, void *data, GError **error)
{
    (void)data;
    (void)error;
    g_free(run->status);
    run->status = g_strdup("STOPPING");
    return true;
}

static bool is_in(const json_t *list, const char *id)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), id) == 0)
            return true;
    return false;
}

bool job_runs_forget_within(struct store_connection *connection, struct lathe *lathe,
                            const json_t *going, const json_t *others, GError **error)
{
    struct store *store = lathe->store;
    size_t i;
    const json_t *id;
    json_array_foreach((json_t *)going, i, id)
    {
        if (!resource_update_within(connection, store, JOB_RUN_KIND, json_string_value(id),
                                    stop_any, NULL, error))
            return false;
    }
    json_array_foreach((json_t *)others, i, id)
    {
        if (!is_in(going, json_string_value(id)) &&
            !forget_run(connection, store, json_string_value(id), error))
            return false;
    }
    return true;
}

json_t *job_runs_named(struct store *store, const char *job, GError **error)
{
    g_autoptr(GPtrArray) runs = runs_of(store, job, error);
    json_t *names = runs ? json_array() : NULL;
    for (guint i = 0; runs && i < runs->len; i++)
        json_array_append_new(names, json_string(((struct resource *)runs->pdata[i])->name));
    return names;
}

/* ---- growing old ---- */

#define KEPT_SECONDS (90 * 86400.0)

static void forget_old(struct lathe *lathe, const struct resource *run)
{
    g_autoptr(GError) error = NULL;
    bool found;
    if (!has_ended(run->status))
        return;
    if (!resource_delete(lathe->store, JOB_RUN_KIND, run->name, &found, &error))
        g_warning("a run that grew old: %s", error->message);
}

void job_runs_tidy(struct lathe *lathe, double now)
{
    struct resource_query query = {.kind = JOB_RUN_KIND, .created_before = now - KEPT_SECONDS};
    g_autoptr(GPtrArray) old = resource_list(lathe->store, &query, NULL, NULL);
    for (guint i = 0; old && i < old->len; i++)
        forget_old(lathe, old->pdata[i]);
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"StartJobRun", start_job_run, OPERATION_BLOCKING},
    {"GetJobRun", get_job_run, OPERATION_BLOCKING},
    {"GetJobRuns", get_job_runs, OPERATION_BLOCKING},
    {"BatchStopJobRun", batch_stop_job_run, OPERATION_BLOCKING},
};

const struct kind job_run_kind = {
    .service = "glue",
    .word = JOB_RUN_KIND,
    .noun = "JobRun",
    .name = "Id",
    .status = "JobRunState",
    .reason = "ErrorMessage",
    .parent = "JobName",
    .summaries = "JobRuns",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .describe = "GetJobRun",
    .list = "GetJobRuns",
    .stop = "BatchStopJobRun",
    .described_by = "RunId",
    .parents = "ListJobs",
    .parent_names = "JobNames",
    .told_in = "JobRun",
    .stopped_by = "JobRunIds",
    .good = {"SUCCEEDED"},
    .bad = {"FAILED", "TIMEOUT", "ERROR"},
    .stopped = {"STOPPED"},
    .going = "RUNNING",
    .stopping = "STOPPING",
    .log_group = "/aws-glue/jobs/output",
    .title = "runs of jobs (Glue)",
};
