#include "train/library.h"

#include <dlfcn.h>
#include <string.h>

#include "base/error.h"

#define OLD_LIBRARY "libxgboost.so.0"

/* Each function's name in the library, and where its address goes. */
struct symbol {
    const char *name;
    size_t offset;
};

static const struct symbol symbols[] = {
    {"XGBGetLastError", offsetof(struct xgboost, last_error)},
    {"XGBRegisterLogCallback", offsetof(struct xgboost, register_log)},
    {"XGDMatrixCreateFromDense", offsetof(struct xgboost, matrix_from_dense)},
    {"XGDMatrixCreateFromCSR", offsetof(struct xgboost, matrix_from_csr)},
    {"XGProxyDMatrixCreate", offsetof(struct xgboost, proxy_create)},
    {"XGProxyDMatrixSetDataDense", offsetof(struct xgboost, proxy_set_dense)},
    {"XGQuantileDMatrixCreateFromCallback", offsetof(struct xgboost, quantile_matrix)},
    {"XGDMatrixSetInfoFromInterface", offsetof(struct xgboost, matrix_set_info)},
    {"XGDMatrixSliceDMatrixEx", offsetof(struct xgboost, matrix_slice)},
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
    {"XGBoosterLoadModelFromBuffer", offsetof(struct xgboost, booster_load)},
    {"XGBoosterSaveModelToBuffer", offsetof(struct xgboost, booster_save)},
};

static bool is_old_release(const char *image_tag)
{
    return image_tag != NULL &&
           (g_str_has_prefix(image_tag, "1.") || g_str_has_prefix(image_tag, "0."));
}

/* Where the newer library may lie; the first that exists is taken. */
static char *find_new_library(GError **error)
{
    const char *configured = g_getenv("LATHE_XGBOOST_LIBRARY");
    if (configured != NULL && *configured != '\0') {
        return g_strdup(configured);
    }
    g_autofree char *program = g_file_read_link("/proc/self/exe", error);
    if (program == NULL) {
        return NULL;
    }
    g_autofree char *folder = g_path_get_dirname(program);
    static const char *const places[] = {"lib/xgboost/libxgboost.so",
                                         "../lib/lathe/xgboost/libxgboost.so"};
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *path = g_build_filename(folder, places[i], NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS)) {
            return g_steal_pointer(&path);
        }
    }
    error_set(
        error, ERROR_INTERNAL,
        "XGBoost's library was found neither as %s/%s nor as %s/%s: install it there, or name "
        "it in LATHE_XGBOOST_LIBRARY",
        folder, places[0], folder, places[1]);
    return NULL;
}

static bool bind_symbols(struct xgboost *xgboost, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++) {
        void *address = dlsym(xgboost->library, symbols[i].name);
        if (address == NULL) {
            return error_set(error, ERROR_INTERNAL,
                             "%s has no function %s: XGBoost 1.7 or later is needed", xgboost->path,
                             symbols[i].name);
        }
        /* POSIX lets a function's address pass through a void pointer; ISO C has no cast for it. */
        memcpy((char *)xgboost + symbols[i].offset, &address, sizeof address);
    }
    void (*version)(int *, int *, int *);
    void *address = dlsym(xgboost->library, "XGBoostVersion");
    if (address != NULL) {
        memcpy(&version, &address, sizeof address);
        version(&xgboost->major, &xgboost->minor, &xgboost->patch);
    }
    return true;
}

struct xgboost *xgboost_open(const char *image_tag, GError **error)
{
    g_autoptr(xgboost_auto) xgboost = g_new0(struct xgboost, 1);
    bool old = is_old_release(image_tag);
    xgboost->path = old ? g_strdup(OLD_LIBRARY) : find_new_library(error);
    if (xgboost->path == NULL) {
        return NULL;
    }
    /* OpenMP's threads spin at every barrier, and read this once, when they load. Jobs that share
     * cores would burn each other's time: 100 rounds on 3,000 rows beside a busy machine's other
     * work took 0.2 s asleep and 3 s spinning. */
    g_setenv("OMP_WAIT_POLICY", "passive", FALSE);
    /* RTLD_LOCAL: whatever else the process has loaded must not answer for XGBoost's symbols. */
    xgboost->library = dlopen(xgboost->path, RTLD_NOW | RTLD_LOCAL);
    if (xgboost->library == NULL) {
        error_set(error, ERROR_INTERNAL, "loading XGBoost for image tag %s: %s%s",
                  image_tag == NULL ? "(none)" : image_tag, dlerror(),
                  old ? ": install the package libxgboost0" : "");
        return NULL;
    }
    return bind_symbols(xgboost, error) ? g_steal_pointer(&xgboost) : NULL;
}

void xgboost_close(struct xgboost *xgboost)
{
    if (xgboost == NULL) {
        return;
    }
    /* The library stays mapped: its OpenMP threads outlive every call and would run in thin air. */
    g_free(xgboost->path);
    g_free(xgboost);
}

/* Whether the word of that length, which a colon ends, is a level or a source line. */
static bool is_origin(const char *word, size_t length)
{
    return memchr(word, ' ', length) == NULL &&
           (memchr(word, '/', length) != NULL || g_str_has_prefix(word, "WARNING:") ||
            g_str_has_prefix(word, "INFO:"));
}

const char *xgboost_message(const char *text)
{
    if (*text == '[') {
        const char *end = strstr(text, "] ");
        text = end == NULL ? text : end + 2;
    }
    const char *colon;
    while ((colon = strstr(text, ": ")) != NULL && is_origin(text, (size_t)(colon - text))) {
        text = colon + 2;
    }
    return text;
}

bool xgboost_fail(const struct xgboost *xgboost, GError **error, const char *attempted)
{
    const char *text = xgboost_message(xgboost->last_error());
    const char *stack = strstr(text, "\nStack trace:");
    g_autofree char *reason =
        g_strstrip(stack == NULL ? g_strdup(text) : g_strndup(text, (size_t)(stack - text)));
    g_strdelimit(reason, "\n", ' ');
    return error_set(error, ERROR_VALIDATION, "%s: XGBoost %d.%d.%d says: %s", attempted,
                     xgboost->major, xgboost->minor, xgboost->patch, reason);
}
