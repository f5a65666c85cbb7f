#include "train/inputs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "train/hyperparameters.h"
#include "train/labels.h"
#include "train/matrix.h"
#include "train/report.h"

/* ---- threads ---- */

/* All that it may have. */
static int thread_count(const struct inputs_plan *plan)
{
    if (plan->one_thread)
        return 1;
    bool given = hyperparameter_given(plan->hyperparameters, "nthread");
    return given ? (int)hyperparameter_integer(plan->hyperparameters, "nthread")
                 : (int)g_get_num_processors();
}

/* Values (rows by columns) that a round takes milliseconds for, barriers included. */
#define SMALL_VALUES (1 << 20)

/* How many threads other jobs leave it (job/child.c says); all cores where nobody does. */
static int own_threads(const struct inputs_plan *plan)
{
    const char *told = g_getenv("LATHE_THREADS");
    int own = told ? atoi(told) : 0;
    return own > 0 ? MIN(own, thread_count(plan)) : thread_count(plan);
}

static bool is_small(const struct channel *channel)
{
    return channel->rows * channel->features <= SMALL_VALUES;
}

int inputs_threads_to_choose_from(const struct inputs_plan *plan, const struct channel *channel)
{
    bool given = hyperparameter_given(plan->hyperparameters, "nthread");
    bool trees = strcmp(hyperparameter_text(plan->hyperparameters, "booster"), "gblinear") != 0;
    return !given && trees && is_small(channel) ? own_threads(plan) : 0;
}

/* To start and wake others for a small matrix takes longer than they save. */
int inputs_matrix_threads(const struct inputs_plan *plan, const struct channel *channel)
{
    return is_small(channel) ? own_threads(plan) : thread_count(plan);
}

/* ---- what is kept ---- */

/* A channel as a training before had it, and what was said of it: report_keep's lines. */
struct kept_channel {
    struct channel *channel;
    void *matrix;
    GPtrArray *said;
};

/* Of this process, which forks for each training; and so of each of those. */
static struct {
    char *key;      /* of the files, and of how they were looked at */
    GArray *opened; /* the files, so that no others get their numbers */
    int (*matrix_free)(void *matrix);
    struct kept_channel train, validation;
} kept;

static bool take_kept(struct kept_channel *from, struct channel **channel, void **matrix)
{
    if (!from->matrix)
        return false;
    report_kept(from->said);
    *channel = g_steal_pointer(&from->channel);
    *matrix = g_steal_pointer(&from->matrix);
    return true;
}

/* ---- channels ---- */

struct channel *inputs_channel(const struct inputs_plan *plan, const char *folder,
                               const char *other_folder, enum rows_format format, GError **error)
{
    g_autofree char *path = g_build_filename(plan->opt_ml, "input", "data", folder, NULL);
    g_autofree char *other =
        !other_folder ? NULL : g_build_filename(plan->opt_ml, "input", "data", other_folder, NULL);
    struct channel_options options = {
        .format = format,
        .weights =
            format == ROWS_CSV && hyperparameter_integer(plan->hyperparameters, "csv_weights") == 1,
        .threads = (unsigned)thread_count(plan),
    };
    g_autoptr(channel_auto) channel =
        channel_read(folder, (const char *const[]){path, other, NULL}, &options, error);
    if (!channel ||
        !labels_check(channel, hyperparameter_text(plan->hyperparameters, "objective"),
                      hyperparameter_integer(plan->hyperparameters, "num_class"), error))
        return NULL;
    return g_steal_pointer(&channel);
}

/* Whether the rounds see nothing but histograms, so that a byte a value is all they need. */
static enum matrix_kind train_matrix_kind(const struct inputs_plan *plan,
                                          const struct channel *train, int max_bin)
{
    const json_t *given = plan->hyperparameters;
    const char *method = hyperparameter_text(given, "tree_method");
    /* Since 2.0 auto is hist. */
    bool hist = strcmp(method, "hist") == 0 || strcmp(method, "gpu_hist") == 0 ||
                (strcmp(method, "auto") == 0 && plan->xgboost->major >= 2);
    bool plain_trees = strcmp(hyperparameter_text(given, "booster"), "gbtree") == 0 &&
                       !hyperparameter_given(given, "updater") &&
                       !hyperparameter_given(given, "process_type");
    bool whole = !train->is_sparse && !plan->shows_values && !hyperparameter_given(given, "_kfold");
    return hist && plain_trees && whole && max_bin >= 2 ? MATRIX_QUANTILE : MATRIX_PLAIN;
}

static void log_train_matrix(const struct inputs_plan *plan, const struct channel *train)
{
    const struct xgboost_release *release = plan->xgboost->release;
    if (release->image > IMAGE_0_72)
        report_log("INFO", "Single node training.");
    if (release->counts_columns) {
        report_log("INFO", "Train matrix has %zu rows and %zu columns", train->rows,
                   train->features);
    } else {
        report_log("INFO", "Train matrix has %zu rows", train->rows);
    }
}

static bool load_train(const struct inputs_plan *plan, struct inputs *inputs, GError **error)
{
    if (take_kept(&kept.train, &inputs->train, &inputs->train_matrix))
        return true;
    inputs->train = inputs_channel(plan, "train", NULL, plan->channels->train, error);
    if (!inputs->train)
        return false;
    log_train_matrix(plan, inputs->train);
    int max_bin = (int)hyperparameter_integer(plan->hyperparameters, "max_bin");
    inputs->train_matrix =
        matrix_create(plan->xgboost, inputs->train, train_matrix_kind(plan, inputs->train, max_bin),
                      max_bin, inputs_matrix_threads(plan, inputs->train), error);
    channel_drop_features(inputs->train);
    return inputs->train_matrix != NULL;
}

static bool load_validation(const struct inputs_plan *plan, struct inputs *inputs, GError **error)
{
    if (take_kept(&kept.validation, &inputs->validation, &inputs->validation_matrix))
        return true;
    inputs->validation =
        inputs_channel(plan, "validation", NULL, plan->channels->validation, error);
    if (!inputs->validation)
        return false;
    report_log("INFO", "Validation matrix has %zu rows", inputs->validation->rows);
    /* Sparse rows show columns only up to the last that any of them has. */
    if (inputs->validation->is_sparse && inputs->validation->features < inputs->train->features)
        inputs->validation->features = inputs->train->features;
    if (inputs->validation->features != inputs->train->features) {
        return error_set(error, ERROR_VALIDATION,
                         "channel validation has %zu feature columns where channel train has %zu: "
                         "both must have the same columns in the same order",
                         inputs->validation->features, inputs->train->features);
    }
    inputs->validation_matrix =
        matrix_create(plan->xgboost, inputs->validation, MATRIX_PLAIN, 0,
                      inputs_matrix_threads(plan, inputs->validation), error);
    channel_drop_features(inputs->validation);
    return inputs->validation_matrix != NULL;
}

/* A file of the same name and size in both channels makes the validation's scores worthless. */
static void warn_of_shared_files(const struct inputs_plan *plan, const struct channel *in_train)
{
    g_autofree char *data = g_build_filename(plan->opt_ml, "input", "data", NULL);
    for (guint i = 0; i < in_train->files->len; i++) {
        const char *name = g_array_index(in_train->files, struct channel_file, i).path;
        g_autofree char *train = g_build_filename(data, "train", name, NULL);
        g_autofree char *validation = g_build_filename(data, "validation", name, NULL);
        struct stat a;
        struct stat b;
        if (stat(train, &a) == 0 && stat(validation, &b) == 0 && a.st_size == b.st_size) {
            report_log("WARNING",
                       "Suspected identical files found. (%s and %s with same size %lld bytes). "
                       "Note: Duplicate data in the training set and validation set is usually not "
                       "intentional and can impair the validity of the model evaluation by the "
                       "validation score.",
                       train, validation, (long long)a.st_size);
        }
    }
}

bool inputs_load(const struct inputs_plan *plan, struct inputs *inputs, GError **error)
{
    if (!load_train(plan, inputs, error))
        return false;
    if (!plan->channels->has_validation)
        return true;
    warn_of_shared_files(plan, inputs->train);
    return load_validation(plan, inputs, error);
}

void inputs_clear(const struct xgboost *xgboost, struct inputs *inputs)
{
    if (inputs->train_matrix)
        xgboost->matrix_free(inputs->train_matrix);
    if (inputs->validation_matrix)
        xgboost->matrix_free(inputs->validation_matrix);
    channel_free(inputs->train);
    channel_free(inputs->validation);
    *inputs = (struct inputs){0};
}

/* ---- keeping ---- */

/* Together, of files that are kept: what takes longer to read is read with all threads. */
#define MOST_KEPT_BYTES (16 << 20)
#define MOST_KEPT_FILES 64

static void close_file(void *fd)
{
    close(*(int *)fd);
}

static void drop_channel(struct kept_channel *channel)
{
    if (channel->matrix)
        kept.matrix_free(channel->matrix);
    channel_free(channel->channel);
    g_clear_pointer(&channel->said, g_ptr_array_unref);
    *channel = (struct kept_channel){0};
}

static void drop_kept(void)
{
    drop_channel(&kept.train);
    drop_channel(&kept.validation);
    g_clear_pointer(&kept.opened, g_array_unref);
    g_clear_pointer(&kept.key, g_free);
}

/* Opens a file, and says which it is: by its number, which is no other's while it is open. The
 * lake's files are never written again; when they were wanted last is no matter. */
static bool add_file(const struct rows_file *file, GString *key, GArray *opened, goffset *bytes)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0)
        return false;
    g_array_append_val(opened, fd);
    if (fstat(fd, &status) != 0)
        return false;
    *bytes += status.st_size;
    g_string_append_printf(key, "\n%ju:%ju %s", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino,
                           file->name);
    return true;
}

static bool add_files(const struct inputs_plan *plan, const char *channel, GString *key,
                      GArray *opened, goffset *bytes)
{
    g_autofree char *folder = g_build_filename(plan->opt_ml, "input", "data", channel, NULL);
    g_autoptr(GPtrArray) files = rows_files(folder, NULL);
    g_string_append_printf(key, "\n%s", channel);
    for (guint i = 0; files && i < files->len; i++)
        if (i == MOST_KEPT_FILES || !add_file(g_ptr_array_index(files, i), key, opened, bytes))
            return false;
    return files && *bytes <= MOST_KEPT_BYTES;
}

/* All that a load looks at; g_free. NULL where what it reads is not to be kept. */
static char *key_of(const struct inputs_plan *plan, GArray *opened)
{
    static const char *const looked_at[] = {"booster",      "csv_weights", "max_bin",     "nthread",
                                            "num_class",    "objective",   "tree_method", "updater",
                                            "process_type", NULL};
    g_autoptr(json_auto) how =
        json_pack("{s[iii] sb}", "formats", plan->channels->train, plan->channels->validation,
                  plan->channels->has_validation, "values", plan->shows_values);
    json_copy_members(how, plan->hyperparameters, looked_at);
    g_autofree char *text = json_text_of(how);
    g_autoptr(GString) key = g_string_new(text);
    goffset bytes = 0;
    if (hyperparameter_given(plan->hyperparameters, "_kfold") ||
        !add_files(plan, "train", key, opened, &bytes) ||
        (plan->channels->has_validation && !add_files(plan, "validation", key, opened, &bytes)))
        return NULL;
    return g_strdup(key->str);
}

typedef bool load_function(const struct inputs_plan *plan, struct inputs *inputs, GError **error);

/* Loads one channel, saying nothing. */
static bool keep_channel(const struct inputs_plan *plan, load_function *load, struct inputs *inputs,
                         GPtrArray **said)
{
    *said = g_ptr_array_new_with_free_func(g_free);
    report_keep(*said);
    bool loaded = load(plan, inputs, NULL);
    report_keep(NULL);
    return loaded;
}

/* All or nothing: of what cannot be read each training says why. */
static void keep_channels(const struct inputs_plan *plan)
{
    struct inputs inputs = {0};
    GPtrArray *train = NULL, *validation = NULL;
    bool read = keep_channel(plan, load_train, &inputs, &train) && is_small(inputs.train) &&
                (!plan->channels->has_validation ||
                 (keep_channel(plan, load_validation, &inputs, &validation) &&
                  is_small(inputs.validation)));
    kept.train = (struct kept_channel){inputs.train, inputs.train_matrix, train};
    kept.validation =
        (struct kept_channel){inputs.validation, inputs.validation_matrix, validation};
    if (read)
        return;
    drop_channel(&kept.train);
    drop_channel(&kept.validation);
}

void inputs_keep(const struct inputs_plan *plan)
{
    g_autoptr(GArray) opened = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_set_clear_func(opened, close_file);
    g_autofree char *key = !plan ? NULL : key_of(plan, opened);
    if (key && g_strcmp0(key, kept.key) == 0)
        return;
    drop_kept();
    if (!key)
        return;
    kept.key = g_steal_pointer(&key);
    kept.opened = g_steal_pointer(&opened);
    kept.matrix_free = plan->xgboost->matrix_free;
    keep_channels(plan);
}
