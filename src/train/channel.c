#include "train/channel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "table/parquet.h"
#include "train/channel_csv.h"
#include "train/channel_files.h"
#include "train/report.h"

static void clear_file(gpointer file)
{
    g_free(((struct channel_file *)file)->path);
}

void channel_drop_features(struct channel *channel)
{
    csv_matrix_clear(&channel->matrix);
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

char *channel_place(const struct channel *channel, size_t row)
{
    size_t i = channel->files->len - 1;
    while (i > 0 && g_array_index(channel->files, struct channel_file, i).first_row > row) {
        i--;
    }
    const struct channel_file *file = &g_array_index(channel->files, struct channel_file, i);
    return g_strdup_printf("channel %s, file %s, row %zu", channel->name,
                           *file->path == '\0' ? channel->name : file->path,
                           row - file->first_row + 1);
}

static bool read_file(struct channel *channel, const char *folder, const char *relative,
                      const struct channel_options *options, GError **error)
{
    g_autofree char *path = g_build_filename(folder, relative, NULL);
    size_t before = channel->matrix.rows;
    bool read = options->format == CHANNEL_PARQUET
                    ? parquet_append(&channel->matrix, path, error)
                    : channel_csv_append(&channel->matrix, path, options->threads, error);
    if (!read) {
        g_prefix_error(error, "channel %s: ", channel->name);
        return false;
    }
    if (channel->matrix.rows == before) {
        report_log("WARNING", "channel %s: file %s has no rows", channel->name, relative);
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
static bool check_finite(const struct channel *channel, size_t first_feature, GError **error)
{
    const struct csv_matrix *matrix = &channel->matrix;
    for (size_t row = 0; row < matrix->rows; row++) {
        for (size_t column = first_feature; column < matrix->columns; column++) {
            float value = matrix->values[row * matrix->columns + column];
            if (isinf(value)) {
                g_autofree char *place = channel_place(channel, row);
                return error_set(error, ERROR_VALIDATION,
                                 "%s, column %zu: the value is %s, or too large for a 32-bit "
                                 "float; leave the field empty where the value is missing",
                                 place, column + 1, value > 0 ? "infinite" : "-infinite");
            }
        }
    }
    return true;
}

static bool take_columns(struct channel *channel, const struct channel_options *options,
                         GError **error)
{
    size_t first_feature = options->weights ? 2 : 1;
    channel->rows = channel->matrix.rows;
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

struct channel *channel_read(const char *name, const char *folder,
                             const struct channel_options *options, GError **error)
{
    g_autoptr(GPtrArray) files = channel_files_list(folder, error);
    if (files == NULL) {
        return NULL;
    }
    g_autoptr(channel_auto) channel = g_new0(struct channel, 1);
    channel->name = name;
    channel->files = g_array_new(FALSE, FALSE, sizeof(struct channel_file));
    g_array_set_clear_func(channel->files, clear_file);
    for (guint i = 0; i < files->len; i++) {
        if (!read_file(channel, folder, files->pdata[i], options, error)) {
            return NULL;
        }
    }
    if (channel->matrix.rows == 0) {
        error_set(error, ERROR_VALIDATION, "No data in %s channel path %s%s",
                  strcmp(name, "train") == 0 ? "training" : name, folder,
                  files->len == 0 ? ": it holds no files (names that start with . or _ are passed "
                                    "over)"
                                  : ": its files are empty");
        return NULL;
    }
    return take_columns(channel, options, error) ? g_steal_pointer(&channel) : NULL;
}
