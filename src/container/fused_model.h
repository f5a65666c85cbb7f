/* fused_model.h: a model whose containers lathe knows: its artifacts fetched and opened as
 * one predictor, which answers in one pass, on the thread that asks. It answers as the
 * containers of its images do: as the SageMaker XGBoost container at the release of the image
 * (content type 415, rows 415, columns that the model does not have 400, accept type 406, 500; no
 * bytes: no answer), or as its SparkML container (rows and accept type 400). */
#ifndef LATHE_CONTAINER_FUSED_MODEL_H
#define LATHE_CONTAINER_FUSED_MODEL_H

#include "base/json.h"
#include "container/model.h"
#include "container/objects.h"

/* Bodies up to this size are answered on a poll thread (served_model_kind). As plain CSV one of
 * this size takes 0.1 ms with 100 trees of depth 6 on 28 columns, and 0.5 ms with 500 trees of
 * depth 8 on 8 columns; to hand it to another thread and back takes up to 0.07 ms more. */
enum { FUSED_QUICK_BYTES = 32 << 10 };

/* Set ("true") in the environment of a container that is one of many, as SageMaker sets it: the
 * XGBoost container then answers through another server, in other formats. */
#define MULTI_MODEL_VARIABLE "SAGEMAKER_MULTI_MODEL"

/* Opens a model's 1 to 15 containers, in the order of the pipeline: [{"Image", "ModelDataUrl",
 * "Environment"}]. The error says which artifact was refused and why. */
struct served_model *fused_model_open(const struct model_objects *objects, const json_t *containers,
                                      GError **error);

#endif
