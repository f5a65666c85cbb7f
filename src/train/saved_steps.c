#include "train/saved_steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "train/report.h"
#include "train/rules.h"
#include "train/saved_tensors.h"

#define ROOT "/opt/ml/"
#define IMPORTANCE "feature_importance/"
#define CONTRIBUTIONS "full_shap/"

struct saved_steps {
    struct rules *rules;
    const char *opt_ml;
    char *below;        /* the hook's folder in it */
    GHashTable *seen;   /* index files */
    GHashTable *latest; /* as saved_tensors_new's: of each name the newest */
};

/* ---- a step as a view ---- */

static const struct saved_tensor *find(const struct round_view *view, const char *name)
{
    return g_hash_table_lookup(view->tensors, name);
}

static bool any_begins(const struct round_view *view, const char *prefix)
{
    GHashTableIter iterator;
    void *name;
    g_hash_table_iter_init(&iterator, view->tensors);
    while (g_hash_table_iter_next(&iterator, &name, NULL))
        if (g_str_has_prefix(name, prefix))
            return true;
    return false;
}

/* What rules look at of predictions they compare with the labels. */
static bool shows(const struct round_view *view, const char *collection)
{
    if (strcmp(collection, "metrics") == 0)
        return view->scores->len > 0;
    if (strcmp(collection, "predictions") == 0)
        return view->rows && find(view, "predictions");
    if (strcmp(collection, "trees") == 0)
        return find(view, "trees/Node") != NULL;
    return any_begins(view, IMPORTANCE);
}

static GArray *floats_of(const struct saved_tensor *tensor)
{
    g_autoptr(GArray) numbers = tensor ? saved_tensor_numbers(tensor) : NULL;
    if (!numbers)
        return NULL;
    GArray *floats = g_array_sized_new(FALSE, FALSE, sizeof(float), numbers->len);
    for (guint i = 0; i < numbers->len; i++) {
        float value = (float)g_array_index(numbers, double, i);
        g_array_append_val(floats, value);
    }
    return floats;
}

static bool predict(struct round_view *view, GError **error)
{
    const struct saved_tensor *tensor = find(view, "predictions");
    view->own_predicted = floats_of(tensor);
    size_t values = view->own_predicted ? view->own_predicted->len : 0;
    if (!values || values % view->rows != 0)
        return error_set(error, ERROR_VALIDATION,
                         "there are %zu predictions for %zu labels: the hook's validation_data "
                         "has both",
                         values, view->rows);
    view->predictions = (const float *)(const void *)view->own_predicted->data;
    view->width = values / view->rows;
    return true;
}

static bool weigh(struct round_view *view, const char *kind, GArray *features, GError **error)
{
    (void)error;
    g_autofree char *prefix = g_strconcat(IMPORTANCE, kind, "/", NULL);
    GHashTableIter iterator;
    void *name, *tensor;
    g_hash_table_iter_init(&iterator, view->tensors);
    while (g_hash_table_iter_next(&iterator, &name, &tensor)) {
        if (!g_str_has_prefix(name, prefix))
            continue;
        double share = saved_tensor_number(tensor);
        struct round_feature one = {g_strdup((char *)name + strlen(prefix)), share, share};
        g_array_append_val(features, one);
    }
    return true;
}

static bool walk(struct round_view *view, GError **error)
{
    (void)error;
    g_autoptr(GArray) nodes = saved_tensor_numbers(find(view, "trees/Node"));
    for (guint i = 0; nodes && i < nodes->len; i++) {
        double node = g_array_index(nodes, double, i);
        if (node >= 0 && node <= G_MAXUINT32)
            view->largest_node = MAX(view->largest_node, (guint64)node);
    }
    return true;
}

struct named_tensor {
    const char *name;
    const struct saved_tensor *tensor;
};

static int by_place(gconstpointer a, gconstpointer b)
{
    const guint8 *first = ((const struct named_tensor *)a)->tensor->values,
                 *second = ((const struct named_tensor *)b)->tensor->values;
    return (first > second) - (first < second);
}

/* Under each feature's name, the bias last, all contributions: in the order of the columns. */
static GArray *find_contributions(const struct round_view *view)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(struct named_tensor));
    GHashTableIter iterator;
    void *name, *tensor;
    g_hash_table_iter_init(&iterator, view->tensors);
    while (g_hash_table_iter_next(&iterator, &name, &tensor)) {
        struct named_tensor one = {name, tensor};
        if (g_str_has_prefix(name, CONTRIBUTIONS) && one.tensor->values)
            g_array_append_val(found, one);
    }
    g_array_sort(found, by_place);
    return found;
}

static double mean_of_column(const GArray *numbers, size_t column, size_t columns)
{
    double sum = 0;
    for (size_t i = column; i < numbers->len; i += columns)
        sum += fabs(g_array_index(numbers, double, i));
    return sum * (double)columns / (double)numbers->len;
}

static bool contribute(struct round_view *view, GArray *features, GError **error)
{
    (void)error;
    g_autoptr(GArray) found = find_contributions(view);
    const struct named_tensor *all = (const struct named_tensor *)(const void *)found->data;
    g_autoptr(GArray) numbers = found->len ? saved_tensor_numbers(all[0].tensor) : NULL;
    size_t columns = found->len ? all[0].tensor->columns : 0;
    if (!numbers || found->len + 1 < columns || found->len > columns || numbers->len % columns != 0)
        return true; /* not all of them were saved; the bias need not be */
    for (size_t i = 0; i + 1 < columns; i++) {
        struct round_feature one = {g_strdup(all[i].name + strlen(CONTRIBUTIONS)),
                                    mean_of_column(numbers, i, columns), 0};
        g_array_append_val(features, one);
    }
    return true;
}

/* ---- what a step's tensors are ---- */

/* "train-rmse": data set and metric; neither has a slash. */
static void add_score(const char *name, const struct saved_tensor *tensor, GArray *scores)
{
    const char *dash = strchr(name, '-');
    if (!dash || strchr(name, '/'))
        return;
    struct score score = {.data = g_strndup(name, (gsize)(dash - name)),
                          .metric = g_strdup(dash + 1),
                          .value = saved_tensor_number(tensor)};
    g_array_append_val(scores, score);
}

static void clear_score(void *of)
{
    struct score *score = of;
    g_free((char *)score->data);
    g_free((char *)score->metric);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of their names. */
static GArray *scores_of(GHashTable *tensors)
{
    GArray *scores = g_array_new(FALSE, FALSE, sizeof(struct score));
    g_array_set_clear_func(scores, clear_score);
    guint count;
    g_autofree void **names = g_hash_table_get_keys_as_array(tensors, &count);
    qsort(names, count, sizeof *names, by_text);
    for (guint i = 0; i < count; i++)
        add_score(names[i], g_hash_table_lookup(tensors, names[i]), scores);
    return scores;
}

/* Texts, as those of a job are. */
static json_t *hyperparameters_of(GHashTable *tensors)
{
    static const char prefix[] = "hyperparameters/";
    json_t *all = json_object();
    GHashTableIter iterator;
    void *name, *of;
    g_hash_table_iter_init(&iterator, tensors);
    while (g_hash_table_iter_next(&iterator, &name, &of)) {
        const struct saved_tensor *tensor = of;
        if (!g_str_has_prefix(name, prefix))
            continue;
        g_autofree char *text = tensor->text
                                    ? g_strdup(tensor->text)
                                    : g_strdup_printf("%.15g", saved_tensor_number(tensor));
        json_object_set_new(all, (char *)name + strlen(prefix), json_string(text));
    }
    return all;
}

/* scores and hyperparameters are those below; what it holds of its own is let go by view_end. */
static struct round_view view_begin(GHashTable *tensors, int step)
{
    static const struct round_source saved = {shows, predict, weigh, walk, contribute};
    struct round_view view = {.source = &saved,
                              .round = step,
                              .scores = scores_of(tensors),
                              .hyperparameters = hyperparameters_of(tensors),
                              .rows_of = "validation",
                              .tensors = tensors,
                              .own_labels = floats_of(g_hash_table_lookup(tensors, "labels"))};
    if (view.own_labels && view.own_labels->len) {
        view.labels = (const float *)(const void *)view.own_labels->data;
        view.rows = view.own_labels->len;
    }
    return view;
}

static void view_end(struct round_view *view)
{
    g_array_unref((GArray *)view->scores);
    json_decref((json_t *)view->hyperparameters);
    round_view_clear(view);
}

/* ---- steps as they come ---- */

struct saved_steps *saved_steps_open(const json_t *config, const char *opt_ml, int report_fd)
{
    const char *path = json_text_at(config, "Hook.LocalPath");
    g_autofree char *whole = g_canonicalize_filename(path ? path : ROOT "output/tensors", "/");
    const char *below = g_str_has_prefix(whole, ROOT) ? whole + strlen(ROOT) : "output/tensors";
    struct saved_steps *steps = g_new(struct saved_steps, 1);
    *steps =
        (struct saved_steps){.rules = rules_open(config, report_fd),
                             .opt_ml = opt_ml,
                             .below = g_strdup(below),
                             .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                             .latest = saved_tensors_new()};
    return steps;
}

static void keep_latest(struct saved_steps *steps, const char *index)
{
    int step;
    saved_tensors_read(steps->opt_ml, steps->below, index, steps->latest, &step, NULL);
}

static void evaluate_step(struct saved_steps *steps, const char *index)
{
    g_autoptr(GHashTable) tensors = saved_tensors_new();
    g_autoptr(GError) cause = NULL;
    int step;
    if (!saved_tensors_read(steps->opt_ml, steps->below, index, tensors, &step, &cause)) {
        report_log("WARNING", "tensors that the hook saved are not looked at: %s", cause->message);
        return;
    }
    struct round_view view = view_begin(tensors, step);
    rules_round(steps->rules, &view);
    view_end(&view);
    keep_latest(steps, index);
}

/* The names of index files are in the order of their steps. Others, which begin with a dot, are
 * still being written. */
static bool take_index(const char *path, const char *name, void *data, GError **error)
{
    (void)path;
    (void)error;
    struct saved_steps *steps = data;
    const char *last = strrchr(name, '/');
    g_autofree char *index = g_build_filename("index", name, NULL);
    if (!g_str_has_suffix(name, ".json") || (last ? last[1] : *name) == '.' ||
        g_hash_table_contains(steps->seen, index))
        return true;
    evaluate_step(steps, index);
    g_hash_table_add(steps->seen, g_steal_pointer(&index));
    return true;
}

void saved_steps_look(struct saved_steps *steps)
{
    g_autofree char *below = g_build_filename(steps->below, "index", NULL);
    g_autofree char *folder = g_build_filename(steps->opt_ml, below, NULL);
    if (file_has_folder(steps->opt_ml, below))
        file_each(folder, take_index, steps, NULL);
}

void saved_steps_close(struct saved_steps *steps, const char *output)
{
    struct round_view last = view_begin(steps->latest, 0);
    if (output)
        rules_finish(steps->rules, g_hash_table_size(steps->latest) ? &last : NULL, steps->opt_ml,
                     output);
    view_end(&last);
    rules_close(steps->rules);
    g_free(steps->below);
    g_hash_table_unref(steps->seen);
    g_hash_table_unref(steps->latest);
    g_free(steps);
}
