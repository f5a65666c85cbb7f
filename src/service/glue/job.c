/* Jobs: creating, telling, changing, deleting. */
#include "service/glue/job.h"

#include <string.h>

#include "base/clock.h"
#include "base/s3_uri.h"
#include "service/glue/named.h"

#define LIST_PAGE 100
#define MOST_JOBS 2000

/* Kept in a job's body beside its definition: when it was last changed, which runs are on their
 * way, in what order others wait, and how many there were. */
static const char *const own[] = {"ChangedOn", "Going", "Waiting", "Runs", NULL};

static const struct named_type named = {
    JOB_KIND, "job", {"Job ", " is not found."}, {"Job with name: ", " already exists."}};

bool job_missing(const char *name, GError **error)
{
    return named_missing(&named, name, error);
}

struct resource *job_find(const struct call *call, const char *name, GError **error)
{
    return named_find(call, &named, name, error);
}

/* ---- checking ---- */

static const struct command {
    const char *name;
    enum job_command command;
    const char *refused; /* why; NULL: it is run */
} commands[] = {
    {"glueetl", JOB_SPARK, NULL},
    {"pythonshell", JOB_PYTHON, NULL},
    {"lathe-sql", JOB_SQL, NULL},
    {"gluestreaming", JOB_UNKNOWN,
     "streaming jobs are not supported; a glueetl job on a schedule processes what is new"},
    {"glueray", JOB_UNKNOWN, "Ray is not supported; use glueetl, pythonshell or lathe-sql"},
};

static const struct command *find_command(const json_t *command)
{
    const char *name = json_text_at(command, "Name");
    for (size_t i = 0; name && i < G_N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

enum job_command job_command_of(const json_t *command)
{
    const struct command *found = find_command(command);
    return found ? found->command : JOB_UNKNOWN;
}

static bool refuse(GError **error, const char *text)
{
    return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "%s", text);
}

static bool check_command(const json_t *command, GError **error)
{
    const char *name = json_text_at(command, "Name");
    const char *script = json_text_at(command, "ScriptLocation");
    const struct command *found = find_command(command);
    if (!found)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                         "Command.Name: %s is none of glueetl, pythonshell and lathe-sql.",
                         name ? name : "(none)");
    if (found->refused)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "Command.Name %s: %s.", name,
                         found->refused);
    return s3_uri_is(script) ||
           error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                     "Command.ScriptLocation: %s is no address of an object, as "
                     "s3://bucket/folder/script.py is.",
                     script && *script ? script : "(none)");
}

bool job_check_capacity(const json_t *definition, GError **error)
{
    const char *worker = json_text_at(definition, "WorkerType");
    gint64 workers = json_integer_at(definition, "NumberOfWorkers", 0);
    bool capacity = json_object_get(definition, "MaxCapacity") != NULL;
    if ((worker || workers) && capacity)
        return refuse(error, "Please do not set Max Capacity if using Worker Type and Number of "
                             "Workers.");
    if (capacity && json_object_get(definition, "AllocatedCapacity"))
        return refuse(error, "Please set only Allocated Capacity or Max Capacity");
    if (capacity && json_number_at(definition, "MaxCapacity", 0) <= 0)
        return refuse(error, "MaxCapacity must be more than 0.");
    if ((json_object_get(definition, "NumberOfWorkers") && workers < 1) || workers > 299)
        return refuse(error, "NumberOfWorkers must be between 1 and 299.");
    return true;
}

static bool check_python(const json_t *definition, GError **error)
{
    double capacity = json_number_at(definition, "MaxCapacity", 1);
    if (json_object_get(definition, "WorkerType") || json_object_get(definition, "NumberOfWorkers"))
        return refuse(error, "Worker Type is not supported for Job Command pythonshell.");
    return capacity == 1 || capacity == 0.0625 ||
           refuse(error, "MaxCapacity of Job Command pythonshell can be 0.0625 or 1.");
}

static bool check_workers(const json_t *definition, GError **error)
{
    return !json_object_get(definition, "WorkerType") ==
               !json_object_get(definition, "NumberOfWorkers") ||
           refuse(error, "Worker Type and Number of Workers have to be set both, or neither.");
}

static bool check_numbers(const json_t *definition, GError **error)
{
    gint64 runs = json_integer_at(definition, "ExecutionProperty.MaxConcurrentRuns", 1);
    gint64 retries = json_integer_at(definition, "MaxRetries", 0);
    if (runs < 1 || runs > 1000)
        return refuse(error, "ExecutionProperty.MaxConcurrentRuns must be between 1 and 1000.");
    return (retries >= 0 && retries <= 10) || refuse(error, "MaxRetries must be between 0 and 10.");
}

static bool check(const json_t *definition, GError **error)
{
    const json_t *command = json_object_get(definition, "Command");
    const char *role = json_text_at(definition, "Role");
    if (!role || !*role)
        return refuse(error, "Role is needed.");
    return check_command(command, error) && check_numbers(definition, error) &&
           job_check_capacity(definition, error) &&
           (job_command_of(command) == JOB_PYTHON ? check_python(definition, error)
                                                  : check_workers(definition, error));
}

/* ---- CreateJob ---- */

static json_t *body_of(const json_t *definition, double now)
{
    json_t *body = json_copy((json_t *)definition);
    json_object_del(body, "Name");
    json_object_del(body, "Tags");
    json_object_set_new(body, "ChangedOn", json_real(now));
    return body;
}

static bool check_number(const struct call *call, GError **error)
{
    g_autoptr(GPtrArray) all = named_list(call, &named, MOST_JOBS, error);
    if (all && all->len >= MOST_JOBS)
        return error_set(error, ERROR_TOO_MANY, "There are %d jobs already: delete some first.",
                         MOST_JOBS);
    return all != NULL;
}

bool create_job(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    if (!check(request, error) || !check_number(call, error))
        return false;
    g_autoptr(json_auto) body = body_of(request, clock_now());
    struct named_creation creation = {
        .call = call, .type = &named, .request = request, .status = "", .parent = "", .body = body};
    reply->output = json_pack("{sO}", "Name", json_object_get(request, "Name"));
    return named_create(&creation, error);
}

/* ---- UpdateJob ---- */

struct update {
    const json_t *definition;
    double now;
};

/* What is not named becomes unset, as with AWS. */
static bool replace(struct resource *job, void *data, GError **error)
{
    const struct update *update = data;
    (void)error;
    json_t *body = body_of(update->definition, update->now);
    for (size_t i = 1; own[i]; i++)
        json_put(body, own[i], json_incref(json_object_get(job->body, own[i])));
    json_decref(job->body);
    job->body = body;
    return true;
}

bool update_job(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    const char *name = json_text_at(request, "JobName");
    struct update update = {json_object_get(request, "JobUpdate"), clock_now()};
    bool found;
    reply->output = json_pack("{ss}", "JobName", name);
    return check(update.definition, error) &&
           resource_update(call->lathe->store, JOB_KIND, name, replace, &update, &found, error) &&
           (found || job_missing(name, error));
}

/* ---- telling ---- */

/* Data processing units of a worker. */
static double units_of(const char *worker)
{
    static const struct {
        const char *name;
        double units;
    } workers[] = {{"Standard", 1}, {"G.025X", 0.25}, {"G.1X", 1}, {"G.2X", 2},
                   {"G.4X", 4},     {"G.8X", 8},      {"Z.2X", 2}};
    for (size_t i = 0; i < G_N_ELEMENTS(workers); i++)
        if (strcmp(workers[i].name, worker) == 0)
            return workers[i].units;
    return 1;
}

static double capacity_of(const json_t *definition)
{
    const char *worker = json_text_at(definition, "WorkerType");
    double allocated = json_number_at(definition, "AllocatedCapacity", 0);
    if (worker)
        return units_of(worker) * (double)json_integer_at(definition, "NumberOfWorkers", 1);
    bool python = job_command_of(json_object_get(definition, "Command")) == JOB_PYTHON;
    double usual = allocated > 0 ? allocated : python ? 0.0625 : 10;
    return json_number_at(definition, "MaxCapacity", usual);
}

json_t *job_with_defaults(const json_t *definition)
{
    double capacity = capacity_of(definition);
    json_t *told =
        json_pack("{s{si} si si sf si ss ss}", "ExecutionProperty", "MaxConcurrentRuns", 1,
                  "MaxRetries", 0, "Timeout", 2880, "MaxCapacity", capacity, "AllocatedCapacity",
                  (int)capacity, "GlueVersion", "5.0", "JobMode", "SCRIPT");
    if (job_command_of(json_object_get(definition, "Command")) == JOB_SPARK)
        json_object_set_new(told, "ExecutionClass", json_string("STANDARD"));
    json_object_update(told, (json_t *)definition);
    return told;
}

static json_t *describe(struct lathe *lathe, const struct resource *job)
{
    (void)lathe;
    json_t *told = job_with_defaults(job->body);
    for (size_t i = 0; own[i]; i++)
        json_object_del(told, own[i]);
    json_object_set_new(told, "Name", json_string(job->name));
    json_object_set_new(told, "CreatedOn", json_real(job->created));
    json_object_set_new(told, "LastModifiedOn",
                        json_real(json_number_at(job->body, "ChangedOn", job->created)));
    return told;
}

bool get_job(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) job = job_find(call, json_text_at(request, "JobName"), error);
    return job && glue_reply(reply, "Job", describe(call->lathe, job));
}

bool get_jobs(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    g_autoptr(GPtrArray) all = named_list(call, &named, 0, error);
    json_t *list = named_described(call, all, describe);
    return glue_reply_page(call, request, NULL, "Jobs", list, LIST_PAGE, reply, error);
}

bool list_jobs(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    g_autoptr(GPtrArray) all = named_list(call, &named, 0, error);
    json_t *list = named_names(call, all, request);
    return glue_reply_page(call, request, NULL, "JobNames", list, LIST_PAGE, reply, error);
}

bool batch_get_jobs(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    (void)error;
    named_get_batch(call, &named, describe, json_object_get(request, "JobNames"), "Jobs",
                    "JobsNotFound", reply);
    return true;
}

/* ---- DeleteJob ---- */

struct removal {
    struct lathe *lathe;
    const char *name;
    json_t *runs; /* that there were, by their names */
    json_t *going;
    bool found;
};

static bool look(struct resource *job, void *data, GError **error)
{
    struct removal *removal = data;
    (void)error;
    removal->found = true;
    removal->going = json_deep_copy(json_object_get(job->body, "Going"));
    json_array_extend(removal->runs, json_object_get(job->body, "Waiting"));
    return true;
}

static bool remove_job(struct store_connection *connection, void *data, GError **error)
{
    struct removal *removal = data;
    struct store *store = removal->lathe->store;
    bool found;
    return resource_update_within(connection, store, JOB_KIND, removal->name, look, removal,
                                  error) &&
           (!removal->found ||
            (resource_delete_within(connection, store, JOB_KIND, removal->name, &found, error) &&
             bookmark_delete_within(connection, store, removal->name, error) &&
             job_runs_forget_within(connection, removal->lathe, removal->going, removal->runs,
                                    error)));
}

/* One that is not there is deleted, as with AWS. Its runs go with it, and those on their way are
 * stopped: nobody could stop them later. */
bool delete_job(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    const char *name = json_text_at(request, "JobName");
    g_autoptr(json_auto) runs = job_runs_named(call->lathe->store, name, error);
    struct removal removal = {.lathe = call->lathe, .name = name, .runs = runs};
    bool done = runs && store_write_spare(call->lathe->store, remove_job, &removal, error);
    json_decref(removal.going);
    reply->output = json_pack("{ss}", "JobName", name);
    return done;
}
