#include "train/library.h"

#include <dlfcn.h>
#include <string.h>

#include "base/error.h"
#include "base/library.h"

#define OLD_LIBRARY "libxgboost.so.0"

static const struct library_symbol symbols[] = {
    {"XGBGetLastError", offsetof(struct xgboost, last_error)},
    {"XGBRegisterLogCallback", offsetof(struct xgboost, register_log)},
    {"XGDMatrixCreateFromDense", offsetof(struct xgboost, matrix_from_dense)},
    {"XGDMatrixCreateFromCSR", offsetof(struct xgboost, matrix_from_csr)},
    {"XGProxyDMatrixCreate", offsetof(struct xgboost, proxy_create)},
    {"XGProxyDMatrixSetDataDense", offsetof(struct xgboost, proxy_set_dense)},
    {"XGQuantileDMatrixCreateFromCallback", offsetof(struct xgboost, quantile_matrix)},
    {"XGDMatrixSetInfoFromInterface", offsetof(struct xgboost, matrix_set_info)},
    {"XGDMatrixSliceDMatrixEx", offsetof(struct xgboost, matrix_slice)},
    {"XGDMatrixNumCol", offsetof(struct xgboost, matrix_columns)},
    {"XGDMatrixNumNonMissing", offsetof(struct xgboost, matrix_present)},
    {"XGDMatrixGetDataAsCSR", offsetof(struct xgboost, matrix_rows)},
    {"XGDMatrixFree", offsetof(struct xgboost, matrix_free)},
    {"XGBoosterCreate", offsetof(struct xgboost, booster_create)},
    {"XGBoosterFree", offsetof(struct xgboost, booster_free)},
    {"XGBoosterSetParam", offsetof(struct xgboost, booster_set)},
    {"XGBoosterSetAttr", offsetof(struct xgboost, booster_set_attribute)},
    {"XGBoosterUpdateOneIter", offsetof(struct xgboost, booster_update)},
    {"XGBoosterEvalOneIter", offsetof(struct xgboost, booster_evaluate)},
    {"XGBoosterPredictFromDMatrix", offsetof(struct xgboost, booster_predict)},
    {"XGBoosterSlice", offsetof(struct xgboost, booster_slice)},
    {"XGBoosterBoostedRounds", offsetof(struct xgboost, booster_rounds)},
    {"XGBoosterFeatureScore", offsetof(struct xgboost, booster_feature_score)},
    {"XGBoosterDumpModelEx", offsetof(struct xgboost, booster_dump)},
    {"XGBoosterLoadModelFromBuffer", offsetof(struct xgboost, booster_load)},
    {"XGBoosterSaveModelToBuffer", offsetof(struct xgboost, booster_save)},
};

static void read_version(struct xgboost *xgboost, void *library)
{
    void (*version)(int *, int *, int *);
    void *address = dlsym(library, "XGBoostVersion");
    if (address) {
        memcpy(&version, &address, sizeof address);
        version(&xgboost->major, &xgboost->minor, &xgboost->patch);
    }
}

struct xgboost *xgboost_open(const char *image, GError **error)
{
    g_autoptr(xgboost_auto) xgboost = g_new0(struct xgboost, 1);
    xgboost->release = xgboost_release_find(image);
    bool old = xgboost->release->image <= IMAGE_1_7_1;
    xgboost->path = old ? g_strdup(OLD_LIBRARY)
                        : library_find("LATHE_XGBOOST_LIBRARY", "xgboost/libxgboost.so", error);
    if (!xgboost->path)
        return NULL;
    /* OpenMP's threads spin at every barrier, and read this once, when they load. Jobs that share
     * cores would burn each other's time: 100 rounds on 3,000 rows beside a busy machine's other
     * work took 0.2 s asleep and 3 s spinning. */
    g_setenv("OMP_WAIT_POLICY", "passive", FALSE);
    /* A few microseconds of spinning first (GCC's OpenMP): on an idle machine the next parallel
     * part begins sooner than a sleeper wakes. The same job took 0.30 s asleep, 0.12 s so; a
     * hundred times the count costs a busy machine as much as spinning without end. */
    g_setenv("GOMP_SPINCOUNT", "5000", FALSE);
    void *library = library_load(xgboost->path, symbols, G_N_ELEMENTS(symbols), xgboost,
                                 "XGBoost 1.7 or later", error);
    if (!library) {
        g_prefix_error(error, "the image's release %s: %s", xgboost->release->tag,
                       old ? "the package libxgboost0 is needed: " : "");
        return NULL;
    }
    read_version(xgboost, library);
    return g_steal_pointer(&xgboost);
}

void xgboost_close(struct xgboost *xgboost)
{
    if (!xgboost)
        return;
    /* The library stays mapped: its OpenMP threads outlive every call and would run in thin air. */
    g_free(xgboost->path);
    g_free(xgboost);
}

/* Whether the word of that length, which a colon ends, is a level or a source line. */
static bool is_origin(const char *word, size_t length)
{
    return !memchr(word, ' ', length) &&
           (memchr(word, '/', length) || g_str_has_prefix(word, "WARNING:") ||
            g_str_has_prefix(word, "INFO:"));
}

const char *xgboost_message(const char *text)
{
    if (*text == '[') {
        const char *end = strstr(text, "] ");
        text = !end ? text : end + 2;
    }
    const char *colon;
    while ((colon = strstr(text, ": ")) && is_origin(text, (size_t)(colon - text)))
        text = colon + 2;
    return text;
}

bool xgboost_fail(const struct xgboost *xgboost, GError **error, const char *attempted)
{
    const char *text = xgboost_message(xgboost->last_error());
    const char *stack = strstr(text, "\nStack trace:");
    g_autofree char *reason =
        g_strstrip(!stack ? g_strdup(text) : g_strndup(text, (size_t)(stack - text)));
    g_strdelimit(reason, "\n", ' ');
    return error_set(error, ERROR_VALIDATION, "%s: XGBoost %d.%d.%d says: %s", attempted,
                     xgboost->major, xgboost->minor, xgboost->patch, reason);
}
