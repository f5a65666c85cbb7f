#include "service/sagemaker/job_state.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "job/job.h"
#include "lake/lake.h"
#include "store/log_stream.h"
#include "store/metric.h"

/* --- running ------------------------------------------------------------------------------------
 */

/* Jobs of different kinds may have the same name. */
static char *job_id(const struct kind *kind, const char *name)
{
    return g_strdup_printf("%s-%s", kind->word, name);
}

void sagemaker_submit_job(struct lathe *lathe, const struct kind *kind, const char *name,
                          const json_t *request, const struct job_actor *actor, void *data)
{
    g_autofree char *id = job_id(kind, name);
    g_autofree char *stream = g_strdup_printf("%s/algo-1-%.0f", name, clock_now());
    struct job_plan plan = {
        .name = id,
        .log_group = kind->log_group,
        .log_stream = stream,
        .max_seconds = json_number_at(request, "StoppingCondition.MaxRuntimeInSeconds", 0),
        .actor = actor,
        .data = data,
    };
    jobs_submit(lathe->jobs, &plan);
}

/* --- its end ------------------------------------------------------------------------------------
 */

static bool write_end(struct store_connection *connection, void *data, GError **error)
{
    const struct job_ending *ending = data;
    return resource_update_within(connection, ending->lathe->store, ending->kind->word,
                                  ending->name, ending->change, ending->data, error);
}

bool sagemaker_end_job(const struct job_ending *ending, struct lake_batch *results, GError **error)
{
    return lake_batch_commit_with(results, write_end, (void *)ending, error);
}

bool sagemaker_end_may_wait(const GError *error)
{
    return g_error_matches(error, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE);
}

/* --- stopping -----------------------------------------------------------------------------------
 */

struct stopping {
    const char *what; /* "training job" */
    resource_change *change;
};

static bool begin_to_stop(struct resource *resource, void *data, GError **error)
{
    const struct stopping *stopping = data;
    if (strcmp(resource->status, "InProgress") != 0)
        return error_set(error, ERROR_VALIDATION,
                         "The request was rejected because the %s is in status %s.", stopping->what,
                         resource->status);
    sagemaker_set_status(resource, "Stopping");
    return !stopping->change || stopping->change(resource, NULL, error);
}

bool sagemaker_stop_job(const struct call *call, const struct kind *kind, const json_t *request,
                        resource_change *change, GError **error)
{
    const char *name = json_text_at(request, kind->name);
    g_autofree char *what = g_strdelimit(g_strdup(kind->word), "-", ' ');
    struct stopping stopping = {what, change};
    g_autofree char *id = job_id(kind, name);
    GError *cause = NULL;
    bool found;
    if (resource_update(call->lathe->store, kind->word, name, begin_to_stop, &stopping, &found,
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

/* --- deleting -----------------------------------------------------------------------------------
 */

static bool is_at_its_end(struct resource *job, void *data, GError **error)
{
    (void)data;
    bool going = strcmp(job->status, "InProgress") == 0 || strcmp(job->status, "Stopping") == 0;
    return !going || error_set(error, ERROR_IN_USE,
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
    if (!resource_delete_checked(store, kind->word, name, is_at_its_end, &found, error))
        return false;
    if (!found)
        return error_set(error, ERROR_NOT_FOUND, "%s", kind->missing);
    g_autofree char *streams = g_strconcat(name, "/", NULL);
    logs_remove(call->lathe->logs, kind->log_group, streams);
    g_autoptr(json_auto) dimensions = json_pack("[{ssss}]", "Name", kind->name, "Value", name);
    return metric_remove(store, kind->log_group, dimensions, error);
}

/* --- after a crash -------------------------------------------------------------------------------
 */

bool sagemaker_each_unfinished(struct lathe *lathe, const struct kind *kind,
                               bool (*fail)(struct lathe *lathe, const struct resource *job,
                                            GError **error),
                               GError **error)
{
    static const char *const unfinished[] = {"InProgress", "Stopping"};
    for (size_t s = 0; s < G_N_ELEMENTS(unfinished); s++) {
        struct resource_query query = {.kind = kind->word, .status = unfinished[s]};
        g_autoptr(GPtrArray) jobs = resource_list(lathe->store, &query, NULL, error);
        if (!jobs)
            return false;
        for (guint i = 0; i < jobs->len; i++)
            if (!fail(lathe, g_ptr_array_index(jobs, i), error))
                return false;
    }
    return true;
}
