/* hyperparameter_releases.h: which releases of the image know a value of a hyperparameter. */
#ifndef LATHE_TRAIN_HYPERPARAMETER_RELEASES_H
#define LATHE_TRAIN_HYPERPARAMETER_RELEASES_H

#include <stdbool.h>

#include "tree/xgboost_release.h"

/* Whether a release is one of these; until 0 (which has nothing that later ones lack): there is no
 * end. One that passes over what it does not know is any of them. */
bool release_is_in(const struct xgboost_release *release, enum xgboost_image since,
                   enum xgboost_image until);

/* Whether a value that some release takes for a hyperparameter is one in this release. */
bool release_has_value(const struct xgboost_release *release, const char *name, const char *value);

#endif
