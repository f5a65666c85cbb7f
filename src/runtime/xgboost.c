/* The images of XGBoost, in algorithm mode. */
#include "base/error.h"
#include "runtime/runtime.h"

static bool check(const json_t *request, GError **error)
{
    return json_array_size(json_object_get(request, "InputDataConfig")) > 0 ||
           error_set(error, ERROR_VALIDATION,
                     "InputDataConfig is empty; XGBoost needs a channel named train.");
}

const struct runtime_role xgboost_trains = {"xgboost", check};
