/* artifact.h: what is in the bytes of an artifact: trees, or a bundle of transformers. */
#ifndef LATHE_MODEL_ARTIFACT_H
#define LATHE_MODEL_ARTIFACT_H

#include "feature/bundle.h"
#include "tree/forest.h"
#include "tree/xgboost_release.h"

/* Either a pipeline, or forests whose answers are put together. */
struct contents {
    struct pipeline *pipeline;
    struct forest **forests;
    size_t forest_count;
};

/* Tells by the bytes: an XGBoost model file; a zip, tar or tar.gz with a file xgboost-model in it
 * (or several xgboost-model-N, of which only the first is taken where `ensemble` is false), or with
 * a bundle, or with a single file. Errors begin with the artifact's name. */
bool contents_read(struct contents *contents, const struct lathe_artifact *artifact, bool ensemble,
                   struct lathe_error *error);

/* The bundle in a folder. */
bool contents_read_folder(struct contents *contents, const char *path, struct lathe_error *error);

void contents_clear(struct contents *contents);

/* The release of the XGBoost container that an artifact is of, or NULL. */
const struct xgboost_release *artifact_release(const struct lathe_artifact *artifact);

/* The value of a variable of an artifact's environment, or NULL. */
const char *artifact_setting(const struct lathe_artifact *artifact, const char *name);

#endif
