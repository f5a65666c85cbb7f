/* The service mlflow: MLflow's own REST API, over SageMaker's experiments. */
#include <string.h>

#include "service/mlflow/mlflow_inside.h"

/* Of the protocol that is spoken: what clients ask to know what they may ask. */
#define VERSION "3.17.2"

/* ---- the server itself ---- */

static bool get_version(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)call, (void)request, (void)error;
    reply->output = json_pack("{ss}", "body", VERSION);
    return true;
}

static bool get_health(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)call, (void)request, (void)error;
    reply->output = json_pack("{ss}", "body", "OK");
    return true;
}

static bool get_page(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    (void)request, (void)error;
    const char *url = call->lathe->url ? call->lathe->url : "";
    reply->output = json_pack(
        "{so}", "body",
        json_sprintf("lathe answers MLflow's REST API and has no pages of MLflow's. The tracking "
                     "URI is %s/mlflow\n",
                     url));
    return true;
}

static bool get_info(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    (void)call, (void)request, (void)error;
    reply->output = json_pack("{sssbsbsbsbsbsb}", "store_type", "SqlStore", "workspaces_enabled", 0,
                              "trace_archival_enabled", 0, "multipart_uploads_enabled", 1,
                              "multipart_downloads_enabled", 1, "presigned_upload_run_id_supported",
                              1, "presigned_upload_model_id_supported", 1);
    return true;
}

/* ---- its operations ---- */

/* A tracking server or an app that a request names has to be there, and to run. */
static bool check_server(const struct call *call, const json_t *request, GError **error)
{
    const char *arn = json_text_at(request, "TrackingServerArn");
    if (!arn)
        return true;
    g_autoptr(resource_auto) server = resource_get_by_arn(call->lathe->store, arn, NULL);
    bool app = server && strcmp(server->kind, "mlflow-app") == 0;
    if (!server || (!app && strcmp(server->kind, "mlflow-tracking-server") != 0))
        return error_set(error, ERROR_MLFLOW_MISSING, "there is no tracking server or app %.512s",
                         arn);
    bool stands = strcmp(server->status, "Stopped") == 0;
    return !stands || error_set(error, ERROR_MLFLOW_STATE,
                                "the tracking server %s is stopped: StartMlflowTrackingServer "
                                "starts it",
                                server->name);
}

#define OPERATIONS(X)                                               \
    X(CreateExperiment, mlflow_create_experiment)                   \
    X(GetExperiment, mlflow_get_experiment)                         \
    X(GetExperimentByName, mlflow_get_experiment_by_name)           \
    X(SearchExperiments, mlflow_search_experiments)                 \
    X(SearchExperimentsByQuery, mlflow_search_experiments)          \
    X(UpdateExperiment, mlflow_update_experiment)                   \
    X(DeleteExperiment, mlflow_delete_experiment)                   \
    X(RestoreExperiment, mlflow_restore_experiment)                 \
    X(SetExperimentTag, mlflow_set_experiment_tag)                  \
    X(DeleteExperimentTag, mlflow_delete_experiment_tag)            \
    X(SearchDatasets, mlflow_search_datasets)                       \
    X(CreateRun, mlflow_create_run)                                 \
    X(GetRun, mlflow_get_run)                                       \
    X(UpdateRun, mlflow_update_run)                                 \
    X(DeleteRun, mlflow_delete_run)                                 \
    X(RestoreRun, mlflow_restore_run)                               \
    X(SearchRuns, mlflow_search_runs)                               \
    X(LogMetric, mlflow_log_metric)                                 \
    X(LogParam, mlflow_log_param)                                   \
    X(SetTag, mlflow_set_tag)                                       \
    X(DeleteTag, mlflow_delete_tag)                                 \
    X(LogBatch, mlflow_log_batch)                                   \
    X(LogModel, mlflow_log_model)                                   \
    X(LogInputs, mlflow_log_inputs)                                 \
    X(LogOutputs, mlflow_log_outputs)                               \
    X(GetMetricHistory, mlflow_get_history)                         \
    X(GetMetricHistoryBulk, mlflow_get_history_bulk)                \
    X(GetMetricHistoryBulkInterval, mlflow_get_history_samples)     \
    X(CreateLoggedModel, mlflow_create_logged_model)                \
    X(GetLoggedModel, mlflow_get_logged_model)                      \
    X(FinalizeLoggedModel, mlflow_finalize_logged_model)            \
    X(DeleteLoggedModel, mlflow_delete_logged_model)                \
    X(SearchLoggedModels, mlflow_search_logged_models)              \
    X(SetLoggedModelTags, mlflow_set_logged_model_tags)             \
    X(DeleteLoggedModelTag, mlflow_delete_logged_model_tag)         \
    X(LogLoggedModelParams, mlflow_log_logged_model_params)         \
    X(ListLoggedModelArtifacts, mlflow_list_logged_model_artifacts) \
    X(ListArtifacts, mlflow_list_artifacts)                         \
    X(DownloadArtifact, mlflow_download)                            \
    X(GetRunArtifact, mlflow_get_run_artifact)                      \
    X(GetLoggedModelArtifact, mlflow_get_logged_model_artifact)     \
    X(GetModelVersionArtifact, mlflow_get_version_artifact)         \
    X(ProxiedListArtifacts, mlflow_list_proxied)                    \
    X(DeleteArtifact, mlflow_delete_artifact)                       \
    X(CreateMultipartUpload, mlflow_create_multipart)               \
    X(CompleteMultipartUpload, mlflow_complete_multipart)           \
    X(AbortMultipartUpload, mlflow_abort_multipart)                 \
    X(GetPresignedDownloadUrl, mlflow_presign_download)             \
    X(CreatePresignedUploadUrl, mlflow_presign_run_upload)          \
    X(CreatePresignedDownloadUrl, mlflow_presign_run_download)      \
    X(CreateRegisteredModel, mlflow_create_model)                   \
    X(GetRegisteredModel, mlflow_get_model)                         \
    X(RenameRegisteredModel, mlflow_rename_model)                   \
    X(UpdateRegisteredModel, mlflow_update_model)                   \
    X(DeleteRegisteredModel, mlflow_delete_model)                   \
    X(SearchRegisteredModels, mlflow_search_models)                 \
    X(SetRegisteredModelTag, mlflow_set_model_tag)                  \
    X(DeleteRegisteredModelTag, mlflow_delete_model_tag)            \
    X(SetRegisteredModelAlias, mlflow_set_alias)                    \
    X(DeleteRegisteredModelAlias, mlflow_delete_alias)              \
    X(GetModelVersionByAlias, mlflow_get_by_alias)                  \
    X(GetLatestVersions, mlflow_get_latest_versions)                \
    X(GetLatestVersionsByQuery, mlflow_get_latest_versions)         \
    X(CreateModelVersion, mlflow_create_version)                    \
    X(GetModelVersion, mlflow_get_version)                          \
    X(UpdateModelVersion, mlflow_update_version)                    \
    X(DeleteModelVersion, mlflow_delete_version)                    \
    X(SearchModelVersions, mlflow_search_versions)                  \
    X(TransitionModelVersionStage, mlflow_transition_stage)         \
    X(GetModelVersionDownloadUri, mlflow_get_download_uri)          \
    X(SetModelVersionTag, mlflow_set_version_tag)                   \
    X(DeleteModelVersionTag, mlflow_delete_version_tag)             \
    X(GetServerVersion, get_version)                                \
    X(GetServerHealth, get_health)                                  \
    X(GetServerPage, get_page)                                      \
    X(GetServerInfo, get_info)

/* Each behind the check of its tracking server. */
#define CHECKED(name, function)                                                                 \
    static bool run_##name(const struct call *call, const json_t *request, struct reply *reply, \
                           GError **error)                                                      \
    {                                                                                           \
        return check_server(call, request, error) && function(call, request, reply, error);     \
    }
OPERATIONS(CHECKED)

#define ROW(name, function) {#name, run_##name, OPERATION_BLOCKING},
static const struct operation operations[] = {
    OPERATIONS(ROW){"UploadArtifact", mlflow_upload, OPERATION_STREAMS},
};

/* Of requests without headers, which name no tracking server. */
static const struct direct_operation direct[] = {
    {"LogBatch", mlflow_log_batch_directly},
    {0},
};

const struct service mlflow_service = {
    .name = "mlflow",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .direct = direct,
};
