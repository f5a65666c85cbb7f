#include "train/channel.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "train/report.h"

static size_t row_count(const struct channel *channel)
{
    return channel->is_sparse ? channel->sparse.rows : channel->matrix.rows;
}

static void clear_file(gpointer file)
{
    g_free(((struct channel_file *)file)->path);
}

void channel_drop_features(struct channel *channel)
{
    csv_matrix_clear(&channel->matrix);
    libsvm_clear(&channel->sparse);
}

void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    channel_drop_features(channel);
    g_array_free(channel->files, TRUE);
    g_free(channel->labels);
    g_free(channel->weights);
    g_free(channel);
}

char *channel_place(const struct channel *channel, size_t row)
{
    size_t i = channel->files->len - 1;
    while (i > 0 && g_array_index(channel->files, struct channel_file, i).first_row > row)
        i--;
    const struct channel_file *file = &g_array_index(channel->files, struct channel_file, i);
    return g_strdup_printf("channel %s, file %s, row %zu", channel->name, file->path,
                           row - file->first_row + 1);
}

static bool append_dense(struct csv_matrix *matrix, const struct csv_matrix *more,
                         struct lathe_error *error)
{
    matrix->columns = more->columns;
    if (!csv_matrix_reserve(matrix, more->rows, error))
        return false;
    memcpy(matrix->values + matrix->rows * matrix->columns, more->values,
           more->rows * more->columns * sizeof *more->values);
    matrix->rows += more->rows;
    return true;
}

/* Notes where a file's rows begin, and takes them. */
static bool take_batch(struct channel *channel, const struct rows_file *file,
                       const struct rows_numbers_batch *batch, GError **error)
{
    struct lathe_error cause;
    if (batch->first_row == 1) {
        struct channel_file entry = {g_strdup(file->name), row_count(channel)};
        g_array_append_val(channel->files, entry);
    }
    bool taken = batch->sparse ? libsvm_join(&channel->sparse, batch->sparse, &cause)
                               : append_dense(&channel->matrix, batch->dense, &cause);
    return taken || error_set_lathe(error, ERROR_VALIDATION, &cause);
}

/* The delimiter is that of the channel's first line, as in the container. */
static void note_shape(struct channel *channel, const struct rows_numbers *rows)
{
    if (channel->delimiter == 0 && rows_numbers_delimiter(rows) != 0) {
        channel->delimiter = rows_numbers_delimiter(rows);
        report_log("INFO", "Determined delimiter of CSV input is '%c'", channel->delimiter);
    }
    channel->queries = rows_numbers_queries(rows);
}

/* Of an error of a label that is a text. */
static bool advise_label(const struct channel *channel, GError **error)
{
    if (error && !channel->is_sparse && strstr((*error)->message, ", column 1: found ")) {
        char *whole = g_strconcat((*error)->message,
                                  "; the first column is the label, a number: a features job's "
                                  "StringIndexer numbers texts",
                                  NULL);
        g_free((*error)->message);
        (*error)->message = whole;
    }
    return false;
}

/* Takes all rows of the files; seen[i]: file i has some. */
static bool read_rows(struct channel *channel, const GPtrArray *files, struct rows_numbers *rows,
                      bool *seen, GError **error)
{
    for (;;) {
        struct rows_numbers_batch batch;
        bool read = rows_numbers_next(rows, &batch, error);
        note_shape(channel, rows);
        if (!read) {
            g_prefix_error(error, "channel %s: ", channel->name);
            return advise_label(channel, error);
        }
        if (batch.rows == 0)
            return true;
        seen[batch.file] = true;
        if (!take_batch(channel, files->pdata[batch.file], &batch, error))
            return false;
    }
}

static bool read_files(struct channel *channel, const GPtrArray *files,
                       const struct channel_options *options, GError **error)
{
    const struct rows_numbers_options how = {.format = options->format,
                                             .delimiter = channel->delimiter,
                                             .columns = channel->matrix.columns,
                                             .queries = channel->queries,
                                             .threads = options->threads};
    struct rows_numbers *rows = rows_numbers_open(files, &how);
    g_autofree bool *seen = g_new0(bool, files->len + 1);
    bool read = read_rows(channel, files, rows, seen, error);
    rows_numbers_close(rows);
    for (guint i = 0; read && i < files->len; i++) {
        if (!seen[i]) {
            const struct rows_file *file = files->pdata[i];
            report_log("WARNING", "channel %s: file %s has no rows", channel->name, file->name);
        }
    }
    return read;
}

/* Column `column` of the matrix as an array of its own. */
static float *copy_column(const struct csv_matrix *matrix, size_t column)
{
    float *values = g_new(float, matrix->rows);
    for (size_t row = 0; row < matrix->rows; row++)
        values[row] = matrix->values[row * matrix->columns + column];
    return values;
}

/* A feature that is infinite is refused by XGBoost without a word of where it stands. */
static bool fail_infinite(const struct channel *channel, size_t row, const char *what,
                          size_t number, float value, GError **error)
{
    g_autofree char *place = channel_place(channel, row);
    return error_set(error, ERROR_VALIDATION,
                     "%s, %s %zu: the value is %s, or too large for a 32-bit float; leave the "
                     "field empty where the value is missing",
                     place, what, number, value > 0 ? "infinite" : "-infinite");
}

static bool check_finite(const struct channel *channel, size_t first_feature, GError **error)
{
    const struct csv_matrix *matrix = &channel->matrix;
    for (size_t row = 0; row < matrix->rows; row++) {
        for (size_t column = first_feature; column < matrix->columns; column++) {
            float value = matrix->values[row * matrix->columns + column];
            if (isinf(value))
                return fail_infinite(channel, row, "column", column + 1, value, error);
        }
    }
    return true;
}

static bool check_finite_sparse(const struct channel *channel, GError **error)
{
    const struct libsvm_rows *sparse = &channel->sparse;
    for (size_t row = 0; row < sparse->rows; row++) {
        for (size_t i = sparse->starts[row]; i < sparse->starts[row + 1]; i++) {
            if (isinf(sparse->values[i])) {
                return fail_infinite(channel, row, "feature", sparse->indices[i], sparse->values[i],
                                     error);
            }
        }
    }
    return true;
}

static bool take_sparse(struct channel *channel, GError **error)
{
    const struct libsvm_rows *sparse = &channel->sparse;
    if (sparse->lowest == UINT32_MAX) {
        return error_set(error, ERROR_VALIDATION,
                         "channel %s: none of its %zu rows has a feature (index:value)",
                         channel->name, channel->rows);
    }
    channel->features = (size_t)sparse->highest + 1;
    channel->labels = g_memdup2(sparse->labels, channel->rows * sizeof(float));
    channel->weights =
        sparse->has_weights ? g_memdup2(sparse->weights, channel->rows * sizeof(float)) : NULL;
    return check_finite_sparse(channel, error);
}

static bool take_dense(struct channel *channel, const struct channel_options *options,
                       GError **error)
{
    size_t first_feature = options->weights ? 2 : 1;
    if (channel->matrix.columns <= first_feature) {
        return error_set(error, ERROR_VALIDATION,
                         "channel %s: its rows have %zu column%s: a label%s and at least one "
                         "feature are needed",
                         channel->name, channel->matrix.columns,
                         channel->matrix.columns == 1 ? "" : "s",
                         options->weights ? ", a weight (csv_weights=1)" : "");
    }
    channel->features = channel->matrix.columns - first_feature;
    channel->labels = copy_column(&channel->matrix, 0);
    channel->weights = options->weights ? copy_column(&channel->matrix, 1) : NULL;
    return check_finite(channel, first_feature, error);
}

static bool read_folder(struct channel *channel, const char *folder,
                        const struct channel_options *options, GError **error)
{
    g_autoptr(GPtrArray) files = rows_files(folder, error);
    if (!files || !read_files(channel, files, options, error))
        return false;
    channel->rows = row_count(channel);
    return channel->rows > 0 ||
           error_set(error, ERROR_VALIDATION, "No data in %s channel path %s%s",
                     strcmp(channel->name, "train") == 0 ? "training" : channel->name, folder,
                     files->len == 0 ? ": it holds no files (names that start with . or _ are "
                                       "passed over)"
                                     : ": its files are empty");
}

struct channel *channel_read(const char *name, const char *const *folders,
                             const struct channel_options *options, GError **error)
{
    g_autoptr(channel_auto) channel = g_new0(struct channel, 1);
    channel->name = name;
    channel->is_sparse = options->format == ROWS_LIBSVM;
    channel->files = g_array_new(FALSE, FALSE, sizeof(struct channel_file));
    g_array_set_clear_func(channel->files, clear_file);
    for (size_t i = 0; folders[i]; i++)
        if (!read_folder(channel, folders[i], options, error))
            return NULL;
    bool taken =
        channel->is_sparse ? take_sparse(channel, error) : take_dense(channel, options, error);
    return taken ? g_steal_pointer(&channel) : NULL;
}
