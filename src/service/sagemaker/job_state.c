#include "service/sagemaker/job_state.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "job/job.h"
#include "lake/lake.h"
#include "log/log_stream.h"
#include "service/sagemaker/experiments.h"
#include "store/metric.h"

/* A job while it is on its way. */
struct under_way {
    struct lathe *lathe;
    const struct job_life *life;
    char *name;
    char *objective; /* the metric that a tuning job waits for; or NULL */
    double started;
    json_t *metrics;    /* name -> FinalMetricDataList's entry, in order of appearance */
    json_t *dimensions; /* of what it reports, in CloudWatch's terms */
    GArray *gathered;   /* struct metric_datum, whose names are those of `metrics` */
    bool objective_came;
};

/* Jobs of different kinds may have the same name. */
static char *job_id(const struct kind *kind, const char *name)
{
    return g_strdup_printf("%s-%s", kind->word, name);
}

/* ---- changes ---- */

/* One of a job, and of what its life writes beside it. */
struct job_change {
    struct store *store;
    const struct job_life *life;
    const char *name;
    resource_change *change;
    void *data;
    struct store_connection *connection;
};

static bool change_job(struct resource *resource, void *data, GError **error)
{
    const struct job_change *job = data;
    return job->change(resource, job->data, error) &&
           (!job->life->beside ||
            job->life->beside(job->connection, job->store, resource->name, resource->body, error));
}

static bool write_change(struct store_connection *connection, void *data, GError **error)
{
    struct job_change *job = data;
    job->connection = connection;
    return resource_update_within(connection, job->store, job->life->kind->word, job->name,
                                  change_job, job, error);
}

/* ---- on its way ---- */

struct phase_change {
    const struct under_way *job;
    enum job_phase phase;
    bool wanted; /* nobody has stopped it */
};

static bool take_step(struct resource *resource, void *data, GError **error)
{
    (void)error;
    struct phase_change *step = data;
    step->wanted = strcmp(resource->status, step->job->life->kind->stopping) != 0;
    step->job->life->enter(resource->body, step->phase, step->job->started);
    return true;
}

/* A step that cannot be written (a full disk) is told in the job's log; the next one may be. Only
 * the last has to be on the disk: a job that was cut off has failed wherever it was. */
static bool enters(struct job *job, enum job_phase phase, void *data)
{
    struct under_way *under_way = data;
    if (phase == JOB_STARTS)
        under_way->started = clock_now();
    struct phase_change step = {under_way, phase, true};
    g_autoptr(GError) error = NULL;
    if (!resource_update_ordered(under_way->lathe->store, under_way->life->kind->word,
                                 under_way->name, take_step, &step, &error))
        job_log(job, "How far the job is could not be recorded: %s", error->message);
    return step.wanted;
}

/* What a program reported of its job. */
struct heard {
    const struct job_life *life;
    const json_t *report;
    bool stop;
};

static bool take_heard(struct resource *resource, void *data, GError **error)
{
    (void)error;
    struct heard *heard = data;
    const struct kind *kind = heard->life->kind;
    heard->life->hear(resource->body, heard->report, &heard->stop);
    if (!heard->stop || strcmp(resource->status, kind->going) != 0)
        return true;
    sagemaker_set_status(resource, kind->stopping);
    if (heard->life->stop)
        heard->life->stop(resource->body);
    return true;
}

static void hear(const struct under_way *job, const json_t *line)
{
    struct store *store = job->lathe->store;
    struct heard heard = {job->life, line, false};
    struct job_change change = {store, job->life, job->name, take_heard, &heard, NULL};
    g_autoptr(GError) error = NULL;
    if (!store_write_spare(store, write_change, &change, &error))
        g_warning("what %s reported could not be recorded: %s", job->name, error->message);
    g_autofree char *id = job_id(job->life->kind, job->name);
    if (heard.stop)
        jobs_stop(job->lathe->jobs, id);
}

/* A metric's last value becomes final; all of them go to CloudWatch, where the SDK plots them from.
 */
static void report(const json_t *line, void *data)
{
    struct under_way *job = data;
    const struct kind *kind = job->life->kind;
    const char *name = json_text_at(line, "metric");
    if (!name && job->life->hear && json_object_get(line, "rule"))
        hear(job, line);
    if (!name)
        return;
    double value = json_number_at(line, "value", 0);
    double time = json_number_at(line, "time", clock_now());
    json_object_set_new(
        job->metrics, name,
        json_pack("{sssfsf}", "MetricName", name, "Value", value, "Timestamp", time));
    const char *kept = json_object_iter_key(json_object_iter_at(job->metrics, name));
    struct metric_datum datum = {kind->log_group, kept,  job->dimensions, time, NULL,
                                 value,           value, value,           1};
    g_array_append_val(job->gathered, datum);
    job->objective_came |= g_strcmp0(name, job->objective) == 0;
}

/* Rounds may take a millisecond each: what came together is one change of the store, and news once.
 */
static void reported(void *data)
{
    struct under_way *job = data;
    struct store *store = job->lathe->store;
    const struct kind *kind = job->life->kind;
    if (job->gathered->len)
        metric_put_later(store, job->gathered);
    g_array_set_size(job->gathered, 0);
    if (job->objective_came)
        resource_tell_later(store, kind->word, job->name, kind->going);
    job->objective_came = false;
}

struct last_step {
    const struct job_life *life;
    const struct job_end *end;
    const json_t *metrics;
};

static bool take_last_step(struct resource *resource, void *data, GError **error)
{
    (void)error;
    const struct last_step *step = data;
    if (step->end->reason)
        json_object_set_new(resource->body, "FailureReason", json_string(step->end->reason));
    if (step->end->cut_off)
        json_object_set_new(resource->body, KIND_CUT_OFF, json_true());
    sagemaker_set_status(resource, step->life->end(resource->body, step->end, step->metrics));
    return true;
}

static bool end(struct store_connection *connection, const struct job_end *how, void *data,
                GError **error)
{
    const struct under_way *job = data;
    g_autoptr(json_auto) metrics = json_array();
    const char *name;
    json_t *metric;
    json_object_foreach(job->metrics, name, metric) json_array_append(metrics, metric);
    struct last_step step = {job->life, how, metrics};
    struct job_change change = {job->lathe->store, job->life, job->name,
                                take_last_step,    &step,     NULL};
    return write_change(connection, &change, error);
}

static void free_under_way(void *data)
{
    struct under_way *job = data;
    g_free(job->name);
    g_free(job->objective);
    json_decref(job->metrics);
    json_decref(job->dimensions);
    g_array_unref(job->gathered);
    g_free(job);
}

static const struct job_actor actor = {enters, report, reported, end, free_under_way};

/* ---- creating ---- */

/* Takes the plan. */
static void submit(struct lathe *lathe, const struct job_life *life, const json_t *request,
                   struct job_plan *plan)
{
    const char *name = json_text_at(request, life->kind->name);
    struct under_way *job = g_new0(struct under_way, 1);
    *job = (struct under_way){
        .lathe = lathe,
        .life = life,
        .name = g_strdup(name),
        .objective = g_strdup(json_text_at(request, "HyperParameters._tuning_objective_metric")),
        .metrics = json_object(),
        .dimensions = json_pack("[{ssss}]", "Name", life->kind->name, "Value", name),
        .gathered = g_array_new(FALSE, FALSE, sizeof(struct metric_datum)),
    };
    g_autofree char *id = job_id(life->kind, name);
    g_autofree char *stream = g_strdup_printf("%s/algo-1-%.0f", name, clock_now());
    struct job_order order = {.id = id,
                              .log_group = life->kind->log_group,
                              .log_stream = stream,
                              .plan = plan,
                              .actor = &actor,
                              .data = job};
    jobs_submit(lathe->jobs, &order);
}

struct job_creation {
    struct creation creation;
    const struct job_life *life;
    const struct job_component *component;
};

static bool write_beside(struct store_connection *connection, const struct job_creation *job,
                         GError **error)
{
    const struct creation *creation = &job->creation;
    const char *name = json_text_at(creation->request, creation->kind->name);
    return !job->life->beside ||
           job->life->beside(connection, creation->call->lathe->store, name, creation->body, error);
}

static bool write_job(struct store_connection *connection, void *data, GError **error)
{
    const struct job_creation *job = data;
    return write_beside(connection, job, error) &&
           job_component_create_within(connection, job->creation.call, job->component, error) &&
           sagemaker_create_within(connection, &job->creation, error);
}

/* The job, and its trial component, in one change. */
static bool write_created(const struct creation *creation, const struct job_life *life,
                          GError **error)
{
    const struct call *call = creation->call;
    const json_t *request = creation->request;
    g_autoptr(job_component_auto) component = NULL;
    if (!sagemaker_check_tags(json_object_get(request, "Tags"), error) ||
        !job_component_find(call, creation->kind, request, &component, error))
        return false;
    struct job_creation job = {*creation, life, component};
    return sagemaker_write(call, write_job, &job, creation->reply, error);
}

bool sagemaker_create_job(const struct call *call, const struct job_life *life,
                          const json_t *request, json_t *body, struct reply *reply, GError **error)
{
    g_autoptr(json_auto) kept = body;
    g_autoptr(job_plan_auto) plan = life->plan(call, request, error);
    if (!plan || !job_plan_check(plan, error))
        return false;
    plan->max_seconds = json_number_at(request, "StoppingCondition.MaxRuntimeInSeconds", 0);
    struct creation creation = {call, life->kind, request, life->kind->going, kept, reply};
    if (!write_created(&creation, life, error))
        return false;
    submit(call->lathe, life, request, g_steal_pointer(&plan));
    return true;
}

/* ---- stopping ---- */

static bool begin_to_stop(struct resource *resource, void *data, GError **error)
{
    const struct job_life *life = data;
    g_autofree char *what = g_strdelimit(g_strdup(life->kind->word), "-", ' ');
    if (strcmp(resource->status, life->kind->going) != 0)
        return error_set(error, ERROR_VALIDATION,
                         "The request was rejected because the %s is in status %s.", what,
                         resource->status);
    sagemaker_set_status(resource, life->kind->stopping);
    if (life->stop)
        life->stop(resource->body);
    return true;
}

bool sagemaker_stop_job(const struct call *call, const struct job_life *life, const json_t *request,
                        GError **error)
{
    const struct kind *kind = life->kind;
    const char *name = json_text_at(request, kind->name);
    g_autofree char *id = job_id(kind, name);
    GError *cause = NULL;
    bool found;
    if (resource_update(call->lathe->store, kind->word, name, begin_to_stop, (void *)life, &found,
                        &cause)) {
        if (!found)
            return error_set(error, kind->missing_code, "%s", kind->missing);
        jobs_stop(call->lathe->jobs, id); /* one that has just ended needs no stopping */
        return true;
    }
    /* A store that takes no changes (a full disk) keeps nobody from stopping what fills it: the end
     * is written when it can be. */
    if (!g_error_matches(cause, LATHE_ERROR, ERROR_VALIDATION) &&
        jobs_stop(call->lathe->jobs, id)) {
        g_error_free(cause);
        return true;
    }
    g_propagate_error(error, cause);
    return false;
}

/* ---- deleting ---- */

static bool is_at_its_end(struct resource *job, void *data, GError **error)
{
    (void)data;
    const struct kind *kind = kind_of_word(services, job->kind);
    return kind_outcome(kind, job->status) != KIND_GOES_ON ||
           error_set(error, ERROR_IN_USE,
                     "%s is %s; only a job that is Completed, Failed or Stopped can be "
                     "deleted.",
                     job->arn, job->status);
}

bool sagemaker_delete_job(const struct call *call, const struct kind *kind, const json_t *request,
                          GError **error)
{
    struct store *store = call->lathe->store;
    const char *name = json_text_at(request, kind->name);
    bool found;
    if (!job_component_keep(call->lathe, kind, name, error) ||
        !resource_delete_checked(store, kind->word, name, is_at_its_end, &found, error))
        return false;
    if (!found)
        return error_set(error, ERROR_NOT_FOUND, "%s", kind->missing);
    g_autofree char *streams = g_strconcat(name, "/", NULL);
    logs_remove(call->lathe->logs, kind->log_group, streams);
    g_autoptr(json_auto) dimensions = json_pack("[{ssss}]", "Name", kind->name, "Value", name);
    return metric_remove(store, kind->log_group, dimensions, error);
}

/* ---- after a crash ---- */

bool sagemaker_recover_jobs(struct lathe *lathe, const struct job_life *life, GError **error)
{
    const char *const unfinished[] = {life->kind->going, life->kind->stopping};
    struct job_end crash = job_end_of_crash();
    for (size_t s = 0; s < G_N_ELEMENTS(unfinished); s++) {
        struct resource_query query = {.kind = life->kind->word, .status = unfinished[s]};
        g_autoptr(GPtrArray) jobs = resource_list(lathe->store, &query, NULL, error);
        for (guint i = 0; jobs && i < jobs->len; i++) {
            const struct resource *job = g_ptr_array_index(jobs, i);
            struct last_step step = {life, &crash, NULL};
            struct job_change change = {lathe->store, life, job->name, take_last_step, &step, NULL};
            if (!store_write_spare(lathe->store, write_change, &change, error))
                return false;
        }
        if (!jobs)
            return false;
    }
    return true;
}
