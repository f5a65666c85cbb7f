#include "train/booster.h"

#include <string.h>

#include "base/error.h"
#include "train/pickle.h"
#include "train/report.h"

/* What steers the job, and what has no meaning on one machine's CPU. */
static const char *const not_parameters[] = {"num_round",
                                             "csv_weights",
                                             "silent",
                                             "early_stopping_rounds",
                                             "_kfold",
                                             "_num_cv_round",
                                             "_tuning_objective_metric",
                                             "save_model_on_termination",
                                             "use_dask_gpu_training",
                                             "eval_metric",
                                             "dsplit",
                                             "predictor",
                                             NULL};

static bool set(const struct xgboost *xgboost, void *booster, const char *name, const char *value,
                GError **error)
{
    if (xgboost->booster_set(booster, name, value) == 0)
        return true;
    g_autofree char *attempted = g_strdup_printf("setting hyperparameter %s to %s", name, value);
    return xgboost_fail(xgboost, error, attempted);
}

bool booster_configure(const struct xgboost *xgboost, void *booster, const json_t *hyperparameters,
                       const char *const *metrics, GError **error)
{
    /* Then the log tells of hyperparameters that this release does not know, as Python's does. */
    if (!set(xgboost, booster, "validate_parameters", "1", error))
        return false;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)hyperparameters, name, value)
    {
        const char *text = json_string_value(value);
        if (g_strv_contains(not_parameters, name))
            continue;
        if (strcmp(text, "gpu_hist") == 0) {
            report_log("WARNING", "tree_method gpu_hist: training on the CPU with hist, which "
                                  "finds the same kind of splits");
            text = "hist";
        }
        if (!set(xgboost, booster, name, text, error))
            return false;
    }
    for (size_t i = 0; metrics[i]; i++)
        if (!set(xgboost, booster, "eval_metric", metrics[i], error))
            return false;
    return true;
}

static bool write_bytes(const char *path, const void *bytes, size_t size, GError **error)
{
    if (g_file_set_contents(path, bytes, (gssize)size, error))
        return true;
    g_prefix_error(error, "writing the model: ");
    return false;
}

/* XGBoost's bytes of a form ("ubj", "json", "deprecated"), its own until it is next called. */
static const char *save(const struct xgboost *xgboost, void *booster, const char *form,
                        uint64_t *size, GError **error)
{
    g_autofree char *config = g_strdup_printf("{\"format\":\"%s\"}", form);
    const char *bytes = NULL;
    if (xgboost->booster_save(booster, config, size, &bytes) != 0) {
        xgboost_fail(xgboost, error, "writing the model");
        return NULL;
    }
    return bytes;
}

bool booster_write(const struct xgboost *xgboost, void *booster, const char *path, GError **error)
{
    uint64_t size;
    const char *bytes = save(xgboost, booster, "ubj", &size, error);
    return bytes && write_bytes(path, bytes, size, error);
}

const char *booster_bytes(const struct xgboost *xgboost, void *booster, uint64_t *size,
                          GError **error)
{
    return save(xgboost, booster, "ubj", size, error);
}

bool booster_write_model(const struct xgboost *xgboost, void *booster, const char *path,
                         GError **error)
{
    enum xgboost_model_form form = xgboost->release->model;
    if (form == MODEL_UBJSON)
        return booster_write(xgboost, booster, path, error);
    uint64_t size;
    const char *bytes =
        save(xgboost, booster, form == MODEL_PICKLED_JSON ? "json" : "deprecated", &size, error);
    if (!bytes || form == MODEL_BINARY)
        return bytes && write_bytes(path, bytes, size, error);
    g_autoptr(GByteArray) pickle = pickle_booster(bytes, size, error);
    return pickle && write_bytes(path, pickle->data, pickle->len, error);
}

bool booster_read(const struct xgboost *xgboost, void *booster, const char *path, GError **error)
{
    g_autofree char *bytes = NULL;
    size_t size;
    if (!g_file_get_contents(path, &bytes, &size, error))
        return false;
    /* The library reads on behind the end of a file that was cut, until no memory is left. */
    if (size == 0 || bytes[size - 1] != '}') {
        return error_set(error, ERROR_VALIDATION, "the model %s does not end as models do: cut off",
                         path);
    }
    if (xgboost->booster_load(booster, bytes, size) != 0) {
        g_autofree char *attempted = g_strdup_printf("reading the model %s", path);
        return xgboost_fail(xgboost, error, attempted);
    }
    return true;
}

bool booster_predict(const struct xgboost *xgboost, void *booster, void *matrix,
                     enum prediction prediction, const float **values, size_t *width,
                     GError **error)
{
    g_autofree char *config =
        g_strdup_printf("{\"type\":%d,\"training\":false,\"iteration_begin\":0,"
                        "\"iteration_end\":0,\"strict_shape\":true}",
                        (int)prediction);
    const uint64_t *shape;
    uint64_t dimensions;
    if (xgboost->booster_predict(booster, matrix, config, &shape, &dimensions, values) != 0)
        return xgboost_fail(xgboost, error, "predicting");
    *width = dimensions < 2 ? 1 : (size_t)shape[1];
    return true;
}
