/* channel.h: a channel's rows in memory: labels, weights, and features as floats. */
#ifndef LATHE_TRAIN_CHANNEL_H
#define LATHE_TRAIN_CHANNEL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "rows/rows.h"

/* A file and the number of its first row in the channel. */
struct channel_file {
    char *path; /* below the channel's folder */
    size_t first_row;
};

struct channel {
    const char *name; /* "train" */
    size_t rows;
    size_t features;
    GArray *files;  /* struct channel_file, only those with rows */
    float *labels;  /* `rows` */
    float *weights; /* `rows`, or NULL */

    /* CSV and Parquet: rows as the files have them; the features are the last columns. */
    struct csv_matrix matrix;
    char delimiter; /* CSV's, 0 before the first line */
    /* libsvm, where sparse is true: features as they are numbered in the files, from 0. */
    bool is_sparse;
    struct libsvm_rows sparse;
    enum libsvm_queries queries;
};

struct channel_options {
    enum rows_format format;
    bool weights;     /* CSV: the second column is the row's weight */
    unsigned threads; /* to parse with */
};

/* Reads every file of a channel: those below the folders of a NULL-ended list, one after the other.
 * Errors name file, line and column. No rows is an error. */
struct channel *channel_read(const char *name, const char *const *folders,
                             const struct channel_options *options, GError **error);
void channel_free(struct channel *channel);

/* Lets go of the features, which XGBoost has copied; labels and weights stay. */
void channel_drop_features(struct channel *channel);

/* "file part-1.csv, row 3": where a row of the channel came from; g_free it. */
char *channel_place(const struct channel *channel, size_t row);

typedef struct channel channel_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(channel_auto, channel_free)

#endif
