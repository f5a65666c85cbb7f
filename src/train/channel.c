#include "train/channel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "csv/reader.h"
#include "table/parquet.h"
#include "train/channel_files.h"
#include "train/channel_text.h"
#include "train/report.h"

/* Text parsed at a time, for each thread: work for some milliseconds between two reads. */
#define STRETCH ((size_t)4 << 20)

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
    if (channel == NULL) {
        return;
    }
    channel_drop_features(channel);
    g_array_free(channel->files, TRUE);
    g_free(channel->labels);
    g_free(channel->weights);
    g_free(channel);
}

/* A file's name in messages. */
static const char *shown_name(const struct channel *channel, const char *path)
{
    return *path == '\0' ? channel->name : path;
}

char *channel_place(const struct channel *channel, size_t row)
{
    size_t i = channel->files->len - 1;
    while (i > 0 && g_array_index(channel->files, struct channel_file, i).first_row > row) {
        i--;
    }
    const struct channel_file *file = &g_array_index(channel->files, struct channel_file, i);
    return g_strdup_printf("channel %s, file %s, row %zu", channel->name,
                           shown_name(channel, file->path), row - file->first_row + 1);
}

/* Where CSV's lines go. The delimiter is that of the channel's first line, as in the container; 0
 * before it is known. */
struct csv_target {
    struct csv_matrix *matrix;
    struct csv_options options;
    char *delimiter;
};

static bool append_csv(void *state, const char *name, const char *text, size_t size,
                       struct lathe_error *error)
{
    struct csv_target *target = state;
    if (*target->delimiter == 0) {
        *target->delimiter = csv_sniff_delimiter(text, size);
        report_log("INFO", "Determined delimiter of CSV input is '%c'", *target->delimiter);
    }
    target->options.name = name;
    target->options.delimiter = *target->delimiter;
    return csv_matrix_append(target->matrix, text, size, &target->options, error);
}

static bool check_csv(void *state, const char *name, const char *text, size_t size,
                      struct lathe_error *error)
{
    struct csv_target *target = state;
    struct csv_matrix scratch = {.columns = target->matrix->columns};
    struct csv_options options = {.name = name, .delimiter = *target->delimiter};
    bool good = csv_matrix_append(&scratch, text, size, &options, error);
    csv_matrix_clear(&scratch);
    return good;
}

static bool append_libsvm(void *state, const char *name, const char *text, size_t size,
                          struct lathe_error *error)
{
    return libsvm_append(state, text, size, &(struct libsvm_options){.name = name}, error);
}

static bool check_libsvm(void *state, const char *name, const char *text, size_t size,
                         struct lathe_error *error)
{
    (void)state;
    struct libsvm_rows scratch = {0};
    bool good = libsvm_append(&scratch, text, size, &(struct libsvm_options){.name = name}, error);
    libsvm_clear(&scratch);
    return good;
}

static bool append_file(struct channel *channel, const char *path, const char *name,
                        const struct channel_options *options, GError **error)
{
    if (options->format == CHANNEL_PARQUET) {
        return parquet_append(&channel->matrix, path, name, error);
    }
    struct csv_target target = {
        &channel->matrix, {.threads = options->threads}, &channel->delimiter};
    struct line_taker taker = {append_csv, check_csv, &target, name,
                               STRETCH * MAX(options->threads, 1)};
    if (options->format == CHANNEL_LIBSVM) {
        taker = (struct line_taker){append_libsvm, check_libsvm, &channel->sparse, name, STRETCH};
    }
    return channel_text_read(path, &taker, error);
}

static bool read_file(struct channel *channel, const char *folder, const char *relative,
                      const struct channel_options *options, GError **error)
{
    g_autofree char *path = g_build_filename(folder, relative, NULL);
    size_t before = row_count(channel);
    if (!append_file(channel, path, shown_name(channel, relative), options, error)) {
        g_prefix_error(error, "channel %s: ", channel->name);
        return false;
    }
    if (row_count(channel) == before) {
        report_log("WARNING", "channel %s: file %s has no rows", channel->name,
                   shown_name(channel, relative));
        return true;
    }
    struct channel_file file = {.path = g_strdup(relative), .first_row = before};
    g_array_append_val(channel->files, file);
    return true;
}

/* Column `column` of the matrix as an array of its own. */
static float *copy_column(const struct csv_matrix *matrix, size_t column)
{
    float *values = g_new(float, matrix->rows);
    for (size_t row = 0; row < matrix->rows; row++) {
        values[row] = matrix->values[row * matrix->columns + column];
    }
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
            if (isinf(value)) {
                return fail_infinite(channel, row, "column", column + 1, value, error);
            }
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
    g_autoptr(GPtrArray) files = channel_files_list(folder, error);
    if (files == NULL) {
        return false;
    }
    for (guint i = 0; i < files->len; i++) {
        if (!read_file(channel, folder, files->pdata[i], options, error)) {
            return false;
        }
    }
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
    channel->is_sparse = options->format == CHANNEL_LIBSVM;
    channel->files = g_array_new(FALSE, FALSE, sizeof(struct channel_file));
    g_array_set_clear_func(channel->files, clear_file);
    for (size_t i = 0; folders[i] != NULL; i++) {
        if (!read_folder(channel, folders[i], options, error)) {
            return NULL;
        }
    }
    bool taken =
        channel->is_sparse ? take_sparse(channel, error) : take_dense(channel, options, error);
    return taken ? g_steal_pointer(&channel) : NULL;
}
