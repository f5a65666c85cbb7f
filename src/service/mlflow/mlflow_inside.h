/* mlflow_inside.h: between the files of this folder.
 *
 * An MLflow experiment is an experiment of SageMaker's and a run a trial component of it, with what
 * only MLflow knows under the member "Mlflow" of their bodies. */
#ifndef LATHE_SERVICE_MLFLOW_MLFLOW_INSIDE_H
#define LATHE_SERVICE_MLFLOW_MLFLOW_INSIDE_H

#include "operation/operation.h"
#include "service/home.h"
#include "store/resource.h"
#include "store/series.h"

/* The status of what is deleted and can be restored; "" of what is not. */
#define MLFLOW_DELETED "deleted"

/* ---- requests (check.c) ---- */

/* The text of a member that has to be there and not empty; NULL: MLflow's error. */
const char *mlflow_text(const json_t *request, const char *member, GError **error);
/* run_id, or run_uuid as old clients have it. */
const char *mlflow_run_id_in(const json_t *request, GError **error);
/* `Missing value for required parameter 'path'. ...` */
bool mlflow_missing(GError **error, const char *path);
/* `Invalid value <value> for parameter 'path' supplied: <why>` */
bool mlflow_invalid(GError **error, const char *path, const json_t *value, const char *why);
/* What metrics, parameters and tags may be called; path: of the member in the request. */
bool mlflow_check_key(const char *path, const char *key, GError **error);
/* Length in characters; what: "Param value". */
bool mlflow_check_length(const char *what, size_t limit, const char *value, GError **error);
enum { MLFLOW_KEY_LIMIT = 250 };
/* Tags that an experiment or a run is made with; most: characters of a value. */
bool mlflow_check_tags(const json_t *tags, size_t most, GError **error);
/* A list's page of the request's max_results (at most `most`, else `standard`) and page_token. */
bool mlflow_page(const json_t *request, gint64 standard, gint64 most, const json_t *all,
                 const char *member, struct reply *reply, GError **error);

gint64 mlflow_milliseconds(double seconds);
/* Tags and the like: [{"key", "value"}] of an object, and back into it. */
json_t *mlflow_pairs(const json_t *object);
void mlflow_put_pairs(json_t *object, const json_t *pairs);
/* The object at a member of another's, made where there is none; borrowed. */
json_t *mlflow_object_in(json_t *object, const char *member);
/* A number as JSON, or the text of what is no number or not finite; and back. */
json_t *mlflow_number(double value);
bool mlflow_number_of(const json_t *value, double *number);
/* "brave-crane-317"; g_free. */
char *mlflow_random_name(void);

/* What MLflow makes is SageMaker's. g_free. */
char *mlflow_arn(const struct call *call, const char *kind, const char *name);
/* NULL and RESOURCE_DOES_NOT_EXIST where there is none. */
struct resource *mlflow_get(const struct call *call, const char *kind, const char *name,
                            GError **error, const char *format, ...) G_GNUC_PRINTF(5, 6);
/* The same for a change of it. */
bool mlflow_change(const struct call *call, const struct resource *resource,
                   resource_change *change, void *data, GError **error);

/* ---- tags of registered models and of their versions (registry_tag.c) ---- */

bool registry_check_tags(const json_t *tags, GError **error);
/* The request's key, with its value, in the resource; and out of it. */
bool registry_put_tag(const struct call *call, const struct resource *resource,
                      const json_t *request, GError **error);
bool registry_drop_tag(const struct call *call, const struct resource *resource,
                       const json_t *request, GError **error);

/* ---- locations and paths of artifacts (place.c) ---- */

struct place {
    char *bucket, *key; /* key: without a slash at its ends; may be "" */
};
void place_clear(struct place *place);
typedef struct place place_auto;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(place_auto, place_clear)

/* Refuses what leaves its folder, also where it is encoded, once or again. */
bool place_check_path(const char *path, GError **error);
/* s3://bucket/key of this home, or mlflow-artifacts:/path. */
bool place_check_location(const char *location, GError **error);
/* Where the objects of such a location are, with path (may be NULL) behind it. */
bool place_find(const struct call *call, const char *location, const char *path,
                struct place *place, GError **error);
/* The location as the caller's client can use it: SageMaker's plugin has no artifacts but in S3.
 * g_free. */
char *place_shown(const struct call *call, const json_t *request, const char *location);
/* The bucket of mlflow-artifacts:, made where there is none. */
bool place_prepare(const struct call *call, GError **error);
/* Where new experiments of the request's tracking server keep artifacts; NULL: where all do. */
char *place_of_server(const struct call *call, const json_t *request);

/* ---- filters and orders (filter.c, order.c) ---- */

/* What one search's language has. Subjects are objects of objects: {"attribute": {...}, "tag":
 * {...}, "metric": ..., "parameter": ...} and "dataset": a list of objects. */
struct filter_language {
    const char *const *attributes; /* what may be asked for; NULL at the end */
    const char *const *orders;     /* what may be ordered by */
    const char *const *numeric;    /* of these, numbers */
    const char *const *lists;      /* which take IN (...) */
    bool whole;                    /* metrics, parameters and data sets too */
};
struct filter;
struct filter *filter_parse(const struct filter_language *language, const char *text,
                            GError **error);
bool filter_matches(const struct filter *filter, const json_t *subject);
void filter_free(struct filter *filter);
typedef struct filter filter_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(filter_auto, filter_free)

/* "metrics.`a b`": its type as subjects have it, and key; both g_free. */
bool filter_read_identifier(const struct filter_language *language, const char *const *attributes,
                            const char *text, char **type, char **key, GError **error);

/* A list of subjects in order: by `clauses` ("metrics.loss DESC", an array of texts), then `last`.
 */
bool order_subjects(const struct filter_language *language, json_t *subjects, const json_t *clauses,
                    const char *const *last, GError **error);

/* What is searched, as the request's members `filter`, `order_by` and its page say. */
struct search {
    const struct filter_language *language;
    const char *const *last; /* as order_subjects has it */
    const json_t *clauses;   /* instead of the request's order_by; or NULL */
    /* What filters look at of one, and under "view" what is answered; a new reference. NULL: it is
     * not searched; or an error. */
    json_t *(*subject)(const struct call *call, const json_t *request, const struct resource *one,
                       GError **error);
    const char *member; /* of the answer */
    json_int_t usual, most;
};
/* Answers with those of `all` (NULL: passes the error on) that match. */
bool search_resources(const struct call *call, const json_t *request, const struct search *search,
                      const GPtrArray *all, struct reply *reply, GError **error);

/* ---- metrics out of a body (plain_batch.c) ---- */

/* A log-batch of metrics alone, in the plain form in which MLflow's client writes it. */
struct plain_batch {
    char *run;
    GArray *points;   /* struct series_point */
    GPtrArray *names; /* theirs */
};
/* False: it is of another form, or not valid. To be cleared in both cases. */
bool plain_batch_read(struct plain_batch *batch, size_t most, const char *body, size_t size);
void plain_batch_clear(struct plain_batch *batch);
operation_direct mlflow_log_batch_directly;

/* ---- experiments (experiment.c) ---- */

char *mlflow_experiment_id(const char *resource_name); /* g_free */
/* By id; the default one is made where there is none yet. */
struct resource *mlflow_experiment(const struct call *call, const char *id, GError **error);
struct resource *mlflow_active_experiment(const struct call *call, const char *id, GError **error);
/* Where its artifacts are; g_free. */
char *mlflow_experiment_location(const struct resource *experiment);
const char *mlflow_lifecycle(const struct resource *resource); /* "active" or "deleted" */
/* Whether the request's view (ACTIVE_ONLY, DELETED_ONLY, ALL) has it. */
bool mlflow_is_viewed(const struct resource *resource, const char *view);

operation_function mlflow_create_experiment, mlflow_get_experiment, mlflow_get_experiment_by_name,
    mlflow_search_experiments, mlflow_update_experiment, mlflow_delete_experiment,
    mlflow_restore_experiment, mlflow_set_experiment_tag, mlflow_delete_experiment_tag,
    mlflow_search_datasets;

/* ---- runs (run.c, run_view.c, run_log.c, run_search.c, history.c) ---- */

struct resource *mlflow_run(const struct call *call, const char *id, GError **error);
/* {"info", "data", "inputs", "outputs"} */
json_t *mlflow_run_view(const struct call *call, const json_t *request, const struct resource *run);
/* Its experiment's name in the store; "" where it belongs to none. Borrowed from it. */
const char *mlflow_run_experiment(const struct resource *run);
char *mlflow_run_location(const struct call *call, const struct resource *run, GError **error);
/* A change of a run that is active. */
bool mlflow_check_active(const struct resource *run, GError **error);
/* Sets a tag; the name of a run is one, too. */
void mlflow_run_put_tag(json_t *body, const char *key, const char *value);
void mlflow_run_put_name(json_t *body, const char *name);
/* "A-Za-z0-9" with hyphens inside, as names of SageMaker's experiments are. */
bool mlflow_is_entity_name(const char *name);

operation_function mlflow_create_run, mlflow_get_run, mlflow_update_run, mlflow_delete_run,
    mlflow_restore_run, mlflow_search_runs;
operation_function mlflow_log_metric, mlflow_log_param, mlflow_set_tag, mlflow_delete_tag,
    mlflow_log_batch, mlflow_log_model, mlflow_log_inputs, mlflow_log_outputs;
operation_function mlflow_get_history, mlflow_get_history_bulk, mlflow_get_history_samples;

/* ---- logged models (logged_model.c) ---- */

#define MLFLOW_LOGGED_MODEL "mlflow-logged-model"
struct resource *mlflow_logged_model(const struct call *call, const char *id, GError **error);
/* A metric of a run that is a model's, too: {"key", "value", "timestamp", "step", "run_id",
 * "dataset_name", "dataset_digest"}. Within a change of the store's. */
bool mlflow_model_metric_within(struct store_connection *connection, const struct call *call,
                                const char *model, const char *run, const json_t *metric,
                                GError **error);
char *mlflow_logged_model_location(const struct resource *model);

operation_function mlflow_create_logged_model, mlflow_get_logged_model,
    mlflow_finalize_logged_model, mlflow_delete_logged_model, mlflow_search_logged_models,
    mlflow_set_logged_model_tags, mlflow_delete_logged_model_tag, mlflow_log_logged_model_params,
    mlflow_list_logged_model_artifacts;

/* ---- artifacts (artifact.c, upload.c) ---- */

/* {root member, "files", "next_page_token"}: what is below path in a location. */
bool mlflow_list_place(const struct call *call, const json_t *request, const char *location,
                       const char *path, struct reply *reply, GError **error);

/* A member that is the path of a file, checked before anything is looked up, as MLflow does. */
const char *mlflow_path_in(const json_t *request, const char *member, GError **error);
/* The file at path below a location, as a download. */
bool mlflow_send_artifact(const struct call *call, const char *location, const char *path,
                          struct reply *reply, GError **error);

operation_function mlflow_get_run_artifact, mlflow_get_logged_model_artifact,
    mlflow_get_version_artifact;
operation_function mlflow_list_artifacts, mlflow_download, mlflow_upload, mlflow_list_proxied,
    mlflow_delete_artifact, mlflow_create_multipart, mlflow_complete_multipart,
    mlflow_abort_multipart, mlflow_presign_download, mlflow_presign_run_upload,
    mlflow_presign_run_download;

/* ---- the registry (registered_model.c, model_version.c) ---- */

#define MLFLOW_MODEL "mlflow-registered-model"
#define MLFLOW_VERSION "mlflow-model-version"
struct resource *mlflow_registered_model(const struct call *call, const char *name, GError **error);
/* The versions of a model, newest first: struct resource. */
GPtrArray *mlflow_versions_of(const struct call *call, const char *model, GError **error);
json_t *mlflow_version_view(const struct call *call, const json_t *request,
                            const struct resource *version, const struct resource *model);
/* [the newest of each stage] */
json_t *mlflow_latest_versions(const struct call *call, const json_t *request,
                               const struct resource *model, const json_t *wanted, GError **error);
/* The version's name in the store; g_free. */
char *mlflow_version_name(const char *model, const char *version);
/* Its number, by which versions are ordered. */
gint64 mlflow_version_number(const struct resource *version);
struct resource *mlflow_version(const struct call *call, const char *model, const char *version,
                                GError **error);

operation_function mlflow_create_model, mlflow_get_model, mlflow_rename_model, mlflow_update_model,
    mlflow_delete_model, mlflow_search_models, mlflow_set_model_tag, mlflow_delete_model_tag,
    mlflow_set_alias, mlflow_delete_alias, mlflow_get_by_alias, mlflow_get_latest_versions;
operation_function mlflow_create_version, mlflow_get_version, mlflow_update_version,
    mlflow_delete_version, mlflow_search_versions, mlflow_transition_stage, mlflow_get_download_uri,
    mlflow_set_version_tag, mlflow_delete_version_tag;

#endif
