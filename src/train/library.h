/* library.h: XGBoost's C API, loaded while a job runs: two releases, chosen by the image's tag.
 *
 * The members are the functions of XGBoost's <xgboost/c_api.h> without their prefix; all exist in
 * 1.7.4 and in 3.2. They return 0, or -1 and a text in last_error. */
#ifndef LATHE_TRAIN_LIBRARY_H
#define LATHE_TRAIN_LIBRARY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "tree/xgboost_release.h"

/* How XGBoost asks for a matrix batch by batch: next returns 1 for a batch, 0 at the end. */
typedef void matrix_reset(void *iterator);
typedef int matrix_next(void *iterator);

struct xgboost {
    const struct xgboost_release *release; /* what the image is */
    char *path;                            /* what was loaded, in its place */
    int major, minor, patch;

    const char *(*last_error)(void);
    int (*register_log)(void (*callback)(const char *text));

    int (*matrix_from_dense)(const char *data, const char *config, void **matrix);
    int (*matrix_from_csr)(const char *row_starts, const char *columns, const char *values,
                           uint64_t column_count, const char *config, void **matrix);
    int (*proxy_create)(void **proxy);
    int (*proxy_set_dense)(void *proxy, const char *data);
    int (*quantile_matrix)(void *iterator, void *proxy, void *reference, matrix_reset *reset,
                           matrix_next *next, const char *config, void **matrix);
    int (*matrix_set_info)(void *matrix, const char *field, const char *array);
    int (*matrix_slice)(void *matrix, const int *rows, uint64_t count, void **slice, int groups);
    int (*matrix_columns)(void *matrix, uint64_t *count);
    int (*matrix_present)(void *matrix, uint64_t *count); /* values that are not missing */
    int (*matrix_rows)(void *matrix, const char *config, uint64_t *row_starts, unsigned *columns,
                       float *values);
    int (*matrix_free)(void *matrix);

    int (*booster_create)(void *const matrices[], uint64_t count, void **booster);
    int (*booster_free)(void *booster);
    int (*booster_set)(void *booster, const char *name, const char *value);
    int (*booster_set_attribute)(void *booster, const char *name, const char *value);
    int (*booster_update)(void *booster, int round, void *matrix);
    int (*booster_evaluate)(void *booster, int round, void *matrices[], const char *names[],
                            uint64_t count, const char **line);
    int (*booster_predict)(void *booster, void *matrix, const char *config, const uint64_t **shape,
                           uint64_t *dimensions, const float **values);
    int (*booster_slice)(void *booster, int begin, int end, int step, void **slice);
    int (*booster_rounds)(void *booster, int *rounds);
    int (*booster_load)(void *booster, const void *bytes, uint64_t size);
    int (*booster_feature_score)(void *booster, const char *config, uint64_t *count,
                                 const char ***names, uint64_t *dimensions, const uint64_t **shape,
                                 const float **scores);
    int (*booster_dump)(void *booster, const char *feature_map, int with_statistics,
                        const char *format, uint64_t *count, const char ***dumps);
    int (*booster_save)(void *booster, const char *config, uint64_t *size, const char **bytes);
};

/* Loads what stands in for an image (as xgboost_release_find reads it): releases up to 1.7-1 are
 * Debian's libxgboost.so.0, later ones the newer one, looked for at $LATHE_XGBOOST_LIBRARY, then
 * beside the program in lib/xgboost/ and ../lib/lathe/xgboost/. */
struct xgboost *xgboost_open(const char *image, GError **error);
void xgboost_close(struct xgboost *xgboost);
typedef struct xgboost xgboost_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xgboost_auto, xgboost_close)

/* Where a text of XGBoost's ("[12:00:00] WARNING: /src/x.cc:12: what it has to say") begins to
 * speak to its users. */
const char *xgboost_message(const char *text);

/* Sets error to what was attempted and XGBoost's own last text, without its time, source line and
 * stack. Returns false. */
bool xgboost_fail(const struct xgboost *xgboost, GError **error, const char *attempted);

#endif
