/* fused_model.h: a model whose containers lathe knows: its artifacts fetched from the lake and
 * opened as one predictor, which answers in one pass, on the thread that asks. It answers as the
 * containers of its images do: as the SageMaker XGBoost container at the release of the image
 * (content type 415, rows 415, columns that the model does not have 400, accept type 406, 500; no
 * bytes: no answer), or as its SparkML container (rows and accept type 400). */
#ifndef LATHE_SERVE_FUSED_MODEL_H
#define LATHE_SERVE_FUSED_MODEL_H

#include "base/json.h"
#include "serve/model.h"

struct lake;

/* Bodies up to this size are answered on a poll thread (served_model_kind). In plain CSV that is
 * 0.1 to 0.2 ms with 100 trees of depth 6, and 0.5 to 1 ms with 500 trees of depth 8, by the number
 * of columns; to hand a request to another thread and back takes 0.02 ms. */
enum { FUSED_QUICK_BYTES = 8 << 10 };

/* Opens a model's 1 to 15 containers, in the order of the pipeline: [{"Image", "ModelDataUrl",
 * "Environment"}]. The error says which artifact was refused and why. */
struct served_model *fused_model_open(struct lake *lake, const json_t *containers, GError **error);

#endif
