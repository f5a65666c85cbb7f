#include "train/matrix.h"

#include <inttypes.h>
#include <stdint.h>

#include "base/error.h"

/* XGBoost takes arrays as NumPy's __array_interface__, as JSON text. */
static char *array_1d(const void *values, size_t count, const char *type)
{
    return g_strdup_printf("{\"data\":[%" PRIuPTR ",true],\"shape\":[%zu],\"typestr\":\"%s\","
                           "\"version\":3}",
                           (uintptr_t)values, count, type);
}

/* Sparse rows as compressed rows: where each row starts, and its columns and values. */
static int create_sparse(const struct xgboost *xgboost, const struct channel *channel,
                         const char *config, void **matrix)
{
    const struct libsvm_rows *sparse = &channel->sparse;
    size_t entries = sparse->starts[sparse->rows];
    g_autofree char *starts = array_1d(sparse->starts, sparse->rows + 1, "<u8");
    g_autofree char *columns = array_1d(sparse->indices, entries, "<u4");
    g_autofree char *values = array_1d(sparse->values, entries, "<f4");
    return xgboost->matrix_from_csr(starts, columns, values, channel->features, config, matrix);
}

/* The last `columns` columns of the matrix, where they lie. */
static char *array_2d(const struct csv_matrix *matrix, size_t columns)
{
    const float *first = matrix->values + (matrix->columns - columns);
    return g_strdup_printf("{\"data\":[%" PRIuPTR ",true],\"shape\":[%zu,%zu],"
                           "\"strides\":[%zu,%zu],\"typestr\":\"<f4\",\"version\":3}",
                           (uintptr_t)first, matrix->rows, columns, matrix->columns * sizeof(float),
                           sizeof(float));
}

static bool set_info(const struct xgboost *xgboost, void *matrix, const char *field,
                     const void *values, size_t count, const char *type, GError **error)
{
    if (!values)
        return true;
    g_autofree char *array = array_1d(values, count, type);
    g_autofree char *attempted = g_strdup_printf("setting the rows' %s", field);
    return xgboost->matrix_set_info(matrix, field, array) == 0 ||
           xgboost_fail(xgboost, error, attempted);
}

static bool set_infos(const struct xgboost *xgboost, void *matrix, const struct channel *channel,
                      GError **error)
{
    const uint32_t *queries = channel->sparse.has_queries ? channel->sparse.queries : NULL;
    return set_info(xgboost, matrix, "label", channel->labels, channel->rows, "<f4", error) &&
           set_info(xgboost, matrix, "weight", channel->weights, channel->rows, "<f4", error) &&
           set_info(xgboost, matrix, "qid", queries, channel->rows, "<u4", error);
}

/* Hands XGBoost the whole channel as one batch, as often as it starts over. */
struct batch {
    const struct xgboost *xgboost;
    const struct channel *channel;
    void *proxy;
    bool given;
    GError *error;
};

static void batch_reset(void *iterator)
{
    ((struct batch *)iterator)->given = false;
}

static int batch_next(void *iterator)
{
    struct batch *batch = iterator;
    if (batch->given || batch->error)
        return 0;
    batch->given = true;
    const struct channel *channel = batch->channel;
    g_autofree char *values = array_2d(&channel->matrix, channel->features);
    if (batch->xgboost->proxy_set_dense(batch->proxy, values) != 0) {
        xgboost_fail(batch->xgboost, &batch->error, "giving a batch of rows");
        return 0;
    }
    return set_infos(batch->xgboost, batch->proxy, channel, &batch->error) ? 1 : 0;
}

static void *create_quantile(const struct xgboost *xgboost, const struct channel *channel,
                             int max_bin, int threads, const char *attempted, GError **error)
{
    struct batch batch = {.xgboost = xgboost, .channel = channel};
    if (xgboost->proxy_create(&batch.proxy) != 0) {
        xgboost_fail(xgboost, error, attempted);
        return NULL;
    }
    g_autofree char *config =
        g_strdup_printf("{\"missing\":NaN,\"nthread\":%d,\"max_bin\":%d}", threads, max_bin);
    void *matrix = NULL;
    int failed = xgboost->quantile_matrix(&batch, batch.proxy, NULL, batch_reset, batch_next,
                                          config, &matrix);
    xgboost->matrix_free(batch.proxy);
    if (batch.error) {
        g_propagate_error(error, batch.error);
        if (failed == 0)
            xgboost->matrix_free(matrix);
        return NULL;
    }
    if (failed != 0) {
        xgboost_fail(xgboost, error, attempted);
        return NULL;
    }
    return matrix;
}

static void *create_plain(const struct xgboost *xgboost, const struct channel *channel, int threads,
                          const char *attempted, GError **error)
{
    g_autofree char *config = g_strdup_printf("{\"missing\":NaN,\"nthread\":%d}", threads);
    void *matrix = NULL;
    int failed;
    if (channel->is_sparse) {
        failed = create_sparse(xgboost, channel, config, &matrix);
    } else {
        g_autofree char *values = array_2d(&channel->matrix, channel->features);
        failed = xgboost->matrix_from_dense(values, config, &matrix);
    }
    if (failed != 0) {
        xgboost_fail(xgboost, error, attempted);
        return NULL;
    }
    if (!set_infos(xgboost, matrix, channel, error)) {
        xgboost->matrix_free(matrix);
        return NULL;
    }
    return matrix;
}

void *matrix_create(const struct xgboost *xgboost, const struct channel *channel,
                    enum matrix_kind kind, int max_bin, int threads, GError **error)
{
    g_autofree char *attempted = g_strdup_printf("loading the channel %s", channel->name);
    return kind == MATRIX_QUANTILE
               ? create_quantile(xgboost, channel, max_bin, threads, attempted, error)
               : create_plain(xgboost, channel, threads, attempted, error);
}
