/* A run's life. It is a trial component of the experiment's trial, from its first moment on. */
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "service/mlflow/mlflow_inside.h"
#include "service/sagemaker/experiments.h"

#define TRIAL \
    "Default-Run-Group-" /* as the SageMaker SDK calls the one that has an experiment's runs */
enum { LONGEST_ENTITY = 120, TAG_LIMIT = 8000 };

/* ---- finding ---- */

struct resource *mlflow_run(const struct call *call, const char *id, GError **error)
{
    return mlflow_get(call, trial_component_kind.word, id, error, "Run with id=%.256s not found",
                      id);
}

static struct resource *named_in(const struct call *call, const json_t *request, GError **error)
{
    const char *id = mlflow_run_id_in(request, error);
    return id ? mlflow_run(call, id, error) : NULL;
}

bool mlflow_check_active(const struct resource *run, GError **error)
{
    return !*run->status ||
           error_set(error, ERROR_MLFLOW_VALUE,
                     "The run %s must be in the 'active' state. Current state is %s.", run->name,
                     mlflow_lifecycle(run));
}

bool mlflow_get_run(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    g_autoptr(resource_auto) run = named_in(call, request, error);
    if (!run)
        return false;
    reply->output = json_pack("{so}", "run", mlflow_run_view(call, request, run));
    return true;
}

/* ---- names ---- */

void mlflow_run_put_name(json_t *body, const char *name)
{
    json_object_set_new(mlflow_object_in(body, "Mlflow"), "Name", json_string(name));
    if (mlflow_is_entity_name(name))
        json_object_set_new(body, "DisplayName", json_string(name));
}

void mlflow_run_put_tag(json_t *body, const char *key, const char *value)
{
    if (strcmp(key, "mlflow.runName") == 0)
        mlflow_run_put_name(body, value);
    json_object_set_new(mlflow_object_in(mlflow_object_in(body, "Mlflow"), "Tags"), key,
                        json_string(value));
}

/* ---- statuses ---- */

static const struct {
    const char *word, *primary;
} statuses[] = {{"RUNNING", "InProgress"},
                {"SCHEDULED", "InProgress"},
                {"FINISHED", "Completed"},
                {"FAILED", "Failed"},
                {"KILLED", "Stopped"}};

/* NULL: there is none of that name. */
static json_t *status_named(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++)
        if (strcmp(statuses[i].word, word) == 0)
            return json_pack("{sssO*}", "PrimaryStatus", statuses[i].primary, "Message",
                             i == 1 ? json_string(word) : NULL);
    return NULL;
}

/* ---- creating ---- */

struct run_creation {
    const struct call *call;
    char *id, *arn, *trial;
    const char *experiment;
    json_t *body;
};

static void clear_creation(struct run_creation *creation)
{
    g_free(creation->id);
    g_free(creation->arn);
    g_free(creation->trial);
    json_decref(creation->body);
}

static char *trial_of(const char *experiment)
{
    char *name = g_strconcat(TRIAL, experiment, NULL);
    if (strlen(name) > LONGEST_ENTITY)
        name[LONGEST_ENTITY] = '\0';
    while (g_str_has_suffix(name, "-"))
        name[strlen(name) - 1] = '\0';
    return name;
}

static bool make_trial(struct store_connection *connection, const struct run_creation *creation,
                       GError **error)
{
    const struct call *call = creation->call;
    g_autofree char *lower = g_ascii_strdown(creation->trial, -1);
    g_autofree char *arn = mlflow_arn(call, trial_kind.word, lower);
    g_autoptr(json_auto) body =
        json_pack("{ssss}", "DisplayName", creation->trial, "ExperimentName", creation->experiment);
    struct resource trial = {.kind = (char *)trial_kind.word,
                             .name = creation->trial,
                             .arn = arn,
                             .status = (char *)"",
                             .parent = (char *)creation->experiment,
                             .body = body,
                             .any_case = true};
    bool taken = false;
    if (resource_create_within(connection, call->lathe->store, &trial, &taken, error))
        return experiments_count(connection, call->lathe->store, &experiment_kind,
                                 creation->experiment, 1, error);
    if (taken)
        g_clear_error(error);
    return taken;
}

static bool create_within(struct store_connection *connection, void *data, GError **error)
{
    struct run_creation *creation = data;
    const struct call *call = creation->call;
    struct resource run = {.kind = (char *)trial_component_kind.word,
                           .name = creation->id,
                           .arn = creation->arn,
                           .status = (char *)"",
                           .parent = (char *)"",
                           .body = creation->body};
    const struct job_component place = {.component = creation->id,
                                        .experiment = (char *)creation->experiment,
                                        .trial = creation->trial};
    return make_trial(connection, creation, error) &&
           resource_create_within(connection, call->lathe->store, &run, NULL, error) &&
           trial_component_associate_within(connection, call->lathe->store, &place, error);
}

/* The name given, or that of the tag, or one made up; g_free. */
static char *name_in(const json_t *request, GError **error)
{
    g_autoptr(json_auto) tags = json_object();
    mlflow_put_pairs(tags, json_object_get(request, "tags"));
    const char *given = json_text_at(request, "run_name");
    const char *tag = json_string_value(json_object_get(tags, "mlflow.runName"));
    if (given && *given && tag && *tag && strcmp(given, tag) != 0) {
        error_set(error, ERROR_MLFLOW_VALUE,
                  "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with "
                  "different values (run_name='%.256s', mlflow.runName='%.256s').",
                  given, tag);
        return NULL;
    }
    if (given && *given)
        return g_strdup(given);
    return tag && *tag ? g_strdup(tag) : mlflow_random_name();
}

static json_t *first_body(const struct call *call, const json_t *request,
                          const struct resource *experiment, const char *id, const char *name)
{
    g_autofree char *root = mlflow_experiment_location(experiment);
    double now = clock_wall(call->lathe->clock);
    double start = (double)json_integer_at(request, "start_time", 0) / 1000;
    json_t *body = json_pack("{sss{ss}sfs{soss*}}", "DisplayName", id, "Status", "PrimaryStatus",
                             "InProgress", "StartTime", start > 0 ? start : now, "Mlflow",
                             "Location", json_sprintf("%s/%s/artifacts", root, id), "User",
                             json_text_at(request, "user_id"));
    mlflow_put_pairs(mlflow_object_in(json_object_get(body, "Mlflow"), "Tags"),
                     json_object_get(request, "tags"));
    mlflow_run_put_tag(body, "mlflow.runName", name);
    return body;
}

static const char *experiment_in(const json_t *request)
{
    const char *id = json_text_at(request, "experiment_id");
    return id && *id ? id : "0";
}

bool mlflow_create_run(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    g_autoptr(resource_auto) experiment =
        mlflow_active_experiment(call, experiment_in(request), error);
    if (!experiment || !mlflow_check_tags(json_object_get(request, "tags"), TAG_LIMIT, error) ||
        !place_prepare(call, error))
        return false;
    g_autofree char *name = name_in(request, error);
    if (!name)
        return false;
    struct run_creation creation = {.call = call, .experiment = experiment->name};
    creation.id = id_hex(32);
    creation.arn = mlflow_arn(call, trial_component_kind.word, creation.id);
    creation.trial = trial_of(experiment->name);
    creation.body = first_body(call, request, experiment, creation.id, name);
    bool created = store_write(call->lathe->store, create_within, &creation, error);
    g_autoptr(resource_auto) run = created ? mlflow_run(call, creation.id, error) : NULL;
    clear_creation(&creation);
    if (!run)
        return false;
    reply->output = json_pack("{so}", "run", mlflow_run_view(call, request, run));
    return true;
}

/* ---- updating ---- */

static bool update(struct resource *run, void *data, GError **error)
{
    const json_t *request = data;
    const char *word = json_text_at(request, "status"), *name = json_text_at(request, "run_name");
    gint64 end = json_integer_at(request, "end_time", 0);
    json_t *status = word && *word ? status_named(word) : NULL;
    if (!mlflow_check_active(run, error)) {
        json_decref(status);
        return false;
    }
    if (word && *word && !status)
        return mlflow_invalid(error, "status", json_object_get(request, "status"),
                              "it is one of RUNNING, SCHEDULED, FINISHED, FAILED and KILLED");
    json_put(run->body, "Status", status);
    if (end > 0)
        json_object_set_new(run->body, "EndTime", json_real((double)end / 1000));
    if (name && *name)
        mlflow_run_put_tag(run->body, "mlflow.runName", name);
    return true;
}

bool mlflow_update_run(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    g_autoptr(resource_auto) run = named_in(call, request, error);
    if (!run || !mlflow_change(call, run, update, (void *)request, error))
        return false;
    g_autoptr(resource_auto) now = mlflow_run(call, run->name, error);
    g_autoptr(json_auto) view = now ? mlflow_run_view(call, request, now) : NULL;
    if (!view)
        return false;
    reply->output = json_pack("{sO}", "run_info", json_object_get(view, "info"));
    return true;
}

/* ---- deleting and restoring ---- */

static bool set_stage(struct resource *run, void *data, GError **error)
{
    (void)error;
    g_free(run->status);
    run->status = g_strdup(data);
    return true;
}

static bool change_stage(const struct call *call, const json_t *request, const char *stage,
                         GError **error)
{
    g_autoptr(resource_auto) run = named_in(call, request, error);
    return run && mlflow_change(call, run, set_stage, (void *)stage, error);
}

bool mlflow_delete_run(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    return change_stage(call, request, MLFLOW_DELETED, error);
}

bool mlflow_restore_run(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)reply;
    return change_stage(call, request, "", error);
}
