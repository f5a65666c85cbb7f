/* tracking.h: what MLflow tracking servers and MLflow apps have in common: names under which
 * SageMaker's plugin asks for MLflow, each with a place for its artifacts. All of them show the one
 * store of runs (service/mlflow). */
#ifndef LATHE_SERVICE_SAGEMAKER_TRACKING_H
#define LATHE_SERVICE_SAGEMAKER_TRACKING_H

#include "service/sagemaker/sagemaker.h"

#define TRACKING_MLFLOW_VERSION "3.17.2" /* where the request names none */

/* A request's ArtifactStoreUri, where it has one: s3://bucket/prefix. */
bool tracking_check_place(const json_t *request, GError **error);

/* Answers a List request. status: the request's, or NULL; shows (may be NULL): whether one that is
 * described so is among those that the request asks for; it may add to the description. */
bool tracking_list(const struct call *call, const struct kind *kind, const json_t *request,
                   const char *status,
                   bool (*shows)(const struct call *call, const json_t *request,
                                 const struct resource *resource, json_t *description),
                   struct reply *reply, GError **error);

/* Answers with the address of MLflow's page. */
bool tracking_presign(const struct call *call, struct reply *reply, GError **error);

#endif
