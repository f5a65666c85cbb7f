/* hyperparameter_releases.h: which releases of the image know a hyperparameter, or a value of one.
 */
#ifndef LATHE_TRAIN_HYPERPARAMETER_RELEASES_H
#define LATHE_TRAIN_HYPERPARAMETER_RELEASES_H

#include <stdbool.h>

#include "tree/xgboost_release.h"

/* Whether a release has a hyperparameter of that name (an alias is a name). One that passes over
 * what it does not know may be given all of them. */
bool release_has_hyperparameter(const struct xgboost_release *release, const char *name);

/* Whether a value that some release takes for a hyperparameter is one in this release. */
bool release_has_value(const struct xgboost_release *release, const char *name, const char *value);

#endif
