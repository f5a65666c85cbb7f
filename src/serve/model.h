/* model.h (of serve): a model as an endpoint holds it: its artifacts fetched from the lake and
 * opened as one predictor. Counted, and immutable, so that variants and threads may share one. */
#ifndef LATHE_SERVE_MODEL_H
#define LATHE_SERVE_MODEL_H

#include "base/json.h"
#include "lathe.h"
#include "tree/xgboost_release.h"

struct lake;
struct served_model;

/* Opens a model's 1 to 15 containers, in the order of the pipeline: [{"Image", "ModelDataUrl",
 * "Environment"}]. The error says which artifact was refused and why. */
struct served_model *served_model_open(struct lake *lake, const json_t *containers, GError **error);
struct served_model *served_model_ref(struct served_model *model);
void served_model_unref(struct served_model *model);

const struct lathe_predictor *served_model_predictor(const struct served_model *model);
/* The release of the XGBoost container that reads the rows, or that writes the answer; NULL where
 * that is a bundle's. */
const struct xgboost_release *served_model_reader(const struct served_model *model);
const struct xgboost_release *served_model_writer(const struct served_model *model);
/* Whether the last container's environment selects an answer's content. */
bool served_model_selects(const struct served_model *model);
/* The content type of answers where a request leaves it open: the last container's environment
 * variable SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT, or NULL. */
const char *served_model_default_accept(const struct served_model *model);

#endif
