#include "train/hook.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "train/hyperparameters.h"
#include "train/report.h"
#include "train/tensors.h"

#define ROOT "/opt/ml/"
enum { MODES = 4, GLOBAL = 3, USUAL_INTERVAL = 10, COLLECTION_INTERVAL = 500 };

static const char *const modes[MODES] = {"TRAIN", "EVAL", "PREDICT", "GLOBAL"};
static const char *const importances[] = {"weight", "gain", "cover", "total_gain", "total_cover"};

/* At which steps; end -1: no end. */
struct saving {
    gint64 interval, start, end;
    json_t *steps; /* integers, or NULL */
};

struct collection {
    char *name;
    json_t *patterns;
    GPtrArray *regexes;
    GHashTable *names;
    struct saving savings[MODES];
    bool is_included, of_scalars;
};

struct hook {
    char *folder;
    const struct xgboost *xgboost;
    const json_t *hyperparameters;
    GPtrArray *collections;
    GHashTable *belongs; /* a tensor's name -> GPtrArray of the included collections it is in */
    bool exported;

    /* While a step is saved. */
    struct tensor_step *step;
    struct round_view *view;
};

/* ---- collections ---- */

static void free_collection(void *of)
{
    struct collection *collection = of;
    g_free(collection->name);
    json_decref(collection->patterns);
    g_ptr_array_unref(collection->regexes);
    g_hash_table_unref(collection->names);
    for (size_t i = 0; i < MODES; i++)
        json_decref(collection->savings[i].steps);
    g_free(collection);
}

static void free_regex(void *regex)
{
    g_regex_unref(regex);
}

static void add_pattern(struct collection *collection, const char *pattern)
{
    g_autoptr(GError) error = NULL;
    GRegex *regex = g_regex_new(pattern, 0, 0, &error);
    json_array_append_new(collection->patterns, json_string(pattern));
    if (regex)
        g_ptr_array_add(collection->regexes, regex);
    else
        report_log("WARNING", "the collection %s: %s", collection->name, error->message);
}

/* Words between commas. */
static void add_patterns(struct collection *collection, const char *words)
{
    g_auto(GStrv) all = g_strsplit(words, ",", -1);
    for (char **word = all; *word; word++)
        add_pattern(collection, g_strstrip(*word));
}

static struct collection *find_collection(const struct hook *hook, const char *name)
{
    for (guint i = 0; i < hook->collections->len; i++) {
        struct collection *one = g_ptr_array_index(hook->collections, i);
        if (strcmp(one->name, name) == 0)
            return one;
    }
    return NULL;
}

static struct collection *add_collection(struct hook *hook, const char *name)
{
    struct collection *made = g_new0(struct collection, 1);
    made->name = g_strdup(name);
    made->patterns = json_array();
    made->regexes = g_ptr_array_new_with_free_func(free_regex);
    made->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_ptr_array_add(hook->collections, made);
    return made;
}

/* smdebug's own, with its own patterns. */
static void add_usual(struct hook *hook)
{
    static const struct {
        const char *name, *pattern;
        bool of_scalars;
    } usual[] = {{"all", NULL, false},
                 {"default", NULL, false},
                 {"hyperparameters", "^hyperparameters/.*$", false},
                 {"metrics", "^[a-zA-z]+-[a-zA-z0-9]+$", true},
                 {"losses", "^[a-zA-z]+-.+(?<!(auc|map))$", true},
                 {"predictions", "^predictions$", false},
                 {"labels", "^labels$", false},
                 {"feature_importance", "^feature_importance/.*", true},
                 {"average_shap", "^average_shap/.*[^/bias]$", true},
                 {"full_shap", "^full_shap/.*[^/bias]$", false},
                 {"trees", "^trees/.*", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(usual); i++) {
        struct collection *made = add_collection(hook, usual[i].name);
        made->of_scalars = usual[i].of_scalars;
        if (usual[i].pattern)
            add_pattern(made, usual[i].pattern);
    }
}

/* ---- at which steps ---- */

static void read_number(const json_t *parameters, const char *prefix, const char *name,
                        gint64 *number)
{
    g_autofree char *whole = g_strconcat(prefix, name, NULL);
    const char *text = json_string_value(json_object_get(parameters, whole));
    if (text)
        *number = g_ascii_strtoll(text, NULL, 10);
}

static void read_steps(const json_t *parameters, const char *prefix, json_t **steps)
{
    g_autofree char *whole = g_strconcat(prefix, "save_steps", NULL);
    const char *text = json_string_value(json_object_get(parameters, whole));
    if (!text)
        return;
    json_decref(*steps);
    *steps = json_array();
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    for (char **word = words; *word; word++)
        json_array_append_new(*steps, json_integer(g_ascii_strtoll(*word, NULL, 10)));
}

/* What parameters say, of all modes and of each. */
static void read_savings(const json_t *parameters, struct saving *savings)
{
    for (size_t i = 0; i < MODES; i++) {
        g_autofree char *lower = g_ascii_strdown(modes[i], -1);
        g_autofree char *own = g_strconcat(lower, ".", NULL);
        const char *prefixes[] = {"", own};
        for (size_t p = 0; p < G_N_ELEMENTS(prefixes); p++) {
            read_number(parameters, prefixes[p], "save_interval", &savings[i].interval);
            read_number(parameters, prefixes[p], "start_step", &savings[i].start);
            read_number(parameters, prefixes[p], "end_step", &savings[i].end);
            read_steps(parameters, prefixes[p], &savings[i].steps);
        }
        if (savings[i].interval < 1)
            savings[i].interval = 1;
    }
}

static bool is_due(const struct collection *collection, int step)
{
    const struct saving *saving = &collection->savings[GLOBAL];
    size_t i;
    const json_t *one;
    json_array_foreach(saving->steps, i, one)
    {
        if (json_integer_value(one) == step)
            return true;
    }
    return step >= saving->start && (saving->end < 0 || step < saving->end) &&
           step % saving->interval == 0;
}

/* ---- what a configuration says ---- */

static bool is_true(const char *text)
{
    return text && (g_ascii_strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0 ||
                    g_ascii_strcasecmp(text, "yes") == 0);
}

static void read_hook(struct hook *hook, const json_t *parameters)
{
    const char *regex = json_string_value(json_object_get(parameters, "include_regex"));
    bool all = is_true(json_string_value(json_object_get(parameters, "save_all")));
    for (guint i = 0; i < hook->collections->len; i++) {
        struct collection *one = g_ptr_array_index(hook->collections, i);
        for (size_t m = 0; m < MODES; m++)
            one->savings[m] = (struct saving){USUAL_INTERVAL, 0, -1, NULL};
        read_savings(parameters, one->savings);
        one->is_included = all || strcmp(one->name, "metrics") == 0;
    }
    struct collection *usual = find_collection(hook, "default");
    if (regex) {
        usual->is_included = true;
        add_patterns(usual, regex);
    }
    if (all)
        add_pattern(find_collection(hook, "all"), ".*");
}

static void read_collection(struct hook *hook, const json_t *given, const json_t *base)
{
    const char *name = json_text_at(given, "CollectionName");
    const json_t *parameters = json_object_get(given, "CollectionParameters");
    const char *regex = json_string_value(json_object_get(parameters, "include_regex"));
    struct collection *one = find_collection(hook, name);
    if (!one)
        one = add_collection(hook, name);
    for (size_t m = 0; m < MODES; m++) {
        json_decref(one->savings[m].steps);
        one->savings[m] = (struct saving){COLLECTION_INTERVAL, 0, -1, NULL};
    }
    read_savings(base, one->savings);
    read_savings(parameters, one->savings);
    one->is_included = true;
    if (regex)
        add_patterns(one, regex);
}

struct hook *hook_open(const json_t *config, const char *opt_ml, const struct xgboost *xgboost,
                       const json_t *hyperparameters)
{
    if (!config)
        return NULL;
    const char *path = json_text_at(config, "LocalPath");
    const char *below =
        path && g_str_has_prefix(path, ROOT) ? path + strlen(ROOT) : "output/tensors";
    const json_t *parameters = json_object_get(config, "HookParameters");
    struct hook *hook = g_new0(struct hook, 1);
    hook->folder = g_build_filename(opt_ml, below, NULL);
    hook->xgboost = xgboost;
    hook->hyperparameters = hyperparameters;
    hook->collections = g_ptr_array_new_with_free_func(free_collection);
    hook->belongs =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    add_usual(hook);
    read_hook(hook, parameters);
    size_t i;
    const json_t *given;
    json_array_foreach(json_object_get(config, "CollectionConfigurations"), i, given)
        read_collection(hook, given, parameters);
    return hook;
}

static bool is_included(const struct hook *hook, const char *name)
{
    return find_collection(hook, name)->is_included;
}

bool hook_wants_shap(const struct hook *hook)
{
    return hook && (is_included(hook, "average_shap") || is_included(hook, "full_shap"));
}

/* ---- tensors ---- */

static bool matches(const struct collection *collection, const char *name)
{
    for (guint i = 0; i < collection->regexes->len; i++)
        if (g_regex_match(g_ptr_array_index(collection->regexes, i), name, 0, NULL))
            return true;
    return false;
}

/* Looked for once, as the same names come at each step: each collection remembers its own. */
static const GPtrArray *collections_of(struct hook *hook, const char *name)
{
    GPtrArray *found = g_hash_table_lookup(hook->belongs, name);
    if (found)
        return found;
    found = g_ptr_array_new();
    for (guint i = 0; i < hook->collections->len; i++) {
        struct collection *one = g_ptr_array_index(hook->collections, i);
        if (!one->is_included || !matches(one, name))
            continue;
        g_hash_table_add(one->names, g_strdup(name));
        g_ptr_array_add(found, one);
    }
    g_hash_table_insert(hook->belongs, g_strdup(name), found);
    return found;
}

static bool wants(struct hook *hook, const char *name)
{
    const GPtrArray *collections = collections_of(hook, name);
    for (guint i = 0; i < collections->len; i++)
        if (is_due(g_ptr_array_index(collections, i), hook->view->round))
            return true;
    return false;
}

static void save_number(struct hook *hook, const char *name, double value)
{
    if (wants(hook, name))
        tensor_add_double(hook->step, name, value);
}

static bool save_hyperparameters(struct hook *hook, GError **error)
{
    (void)error;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)hook->hyperparameters, name, value)
    {
        g_autofree char *called = g_strconcat("hyperparameters/", name, NULL);
        const char *text = json_string_value(value);
        char *integer_end, *end;
        gint64 integer = g_ascii_strtoll(text, &integer_end, 10);
        double number = g_ascii_strtod(text, &end);
        if (!wants(hook, called))
            continue;
        if (*text && !*integer_end)
            tensor_add(hook->step, called, TENSOR_INT64, &integer, (struct tensor_shape){{1}, 1});
        else if (*text && !*end)
            tensor_add_double(hook->step, called, number);
        else
            tensor_add_texts(hook->step, called, (const char *const[]){text, NULL});
    }
    return true;
}

static void save_scores(struct hook *hook, bool losses)
{
    for (guint i = 0; i < hook->view->scores->len; i++) {
        const struct score *score = &g_array_index(hook->view->scores, struct score, i);
        bool falls = strcmp(score->metric, "auc") != 0 && strcmp(score->metric, "map") != 0;
        g_autofree char *name = g_strconcat(score->data, "-", score->metric, NULL);
        if (!losses || falls)
            save_number(hook, name, score->value);
    }
}

static bool save_metrics(struct hook *hook, GError **error)
{
    (void)error;
    save_scores(hook, false);
    return true;
}

/* Where all metrics are saved these are among them. */
static bool save_losses(struct hook *hook, GError **error)
{
    (void)error;
    const struct collection *metrics = find_collection(hook, "metrics");
    if (!metrics->is_included || !is_due(metrics, hook->view->round))
        save_scores(hook, true);
    return true;
}

/* The rows that are predicted are those of the validation. */
static bool has_validation(const struct hook *hook)
{
    return hook->view->set_count > 1;
}

static bool save_predictions(struct hook *hook, GError **error)
{
    struct round_view *view = hook->view;
    if (!has_validation(hook) || !wants(hook, "predictions"))
        return true;
    if (!round_view_predictions(view, error))
        return false;
    struct tensor_shape shape = {{view->rows, view->width}, view->width > 1 ? 2 : 1};
    tensor_add(hook->step, "predictions", TENSOR_FLOAT, view->predictions, shape);
    return true;
}

static bool save_labels(struct hook *hook, GError **error)
{
    (void)error;
    if (has_validation(hook) && wants(hook, "labels"))
        tensor_add(hook->step, "labels", TENSOR_FLOAT, hook->view->labels,
                   (struct tensor_shape){{hook->view->rows}, 1});
    return true;
}

static bool save_importance(struct hook *hook, const char *kind, GError **error)
{
    const GArray *features = round_view_importance(hook->view, kind, error);
    for (guint i = 0; features && i < features->len; i++) {
        const struct round_feature *one = &g_array_index(features, struct round_feature, i);
        g_autofree char *name = g_strdup_printf("feature_importance/%s/%s", kind, one->name);
        save_number(hook, name, one->share);
    }
    return features != NULL;
}

static bool has_trees(const struct hook *hook)
{
    return strcmp(hyperparameter_text(hook->hyperparameters, "booster"), "gblinear") != 0;
}

static bool save_importances(struct hook *hook, GError **error)
{
    for (size_t i = 0; has_trees(hook) && i < G_N_ELEMENTS(importances); i++)
        if (!save_importance(hook, importances[i], error))
            return false;
    return true;
}

/* ---- a tree as columns ---- */

struct node {
    gint64 node;
    char *feature; /* NULL: a leaf */
    double split, gain, cover;
    gint64 yes, no, missing;
};

static void clear_node(void *of)
{
    g_free(((struct node *)of)->feature);
}

static double number_behind(const char *line, const char *word)
{
    const char *at = strstr(line, word);
    return at ? g_ascii_strtod(at + strlen(word), NULL) : 0;
}

/* "0:[f2<0.5] yes=1,no=2,missing=2,gain=3,cover=4", or "3:leaf=0.1,cover=2". */
static struct node read_node(const char *line)
{
    struct node node = {.node = g_ascii_strtoll(line, NULL, 10),
                        .cover = number_behind(line, "cover=")};
    const char *open = strchr(line, '['), *less = open ? strchr(open, '<') : NULL;
    if (!less) {
        node.gain = number_behind(line, "leaf=");
        return node;
    }
    node.feature = g_strndup(open + 1, (gsize)(less - open - 1));
    node.split = g_ascii_strtod(less + 1, NULL);
    node.gain = number_behind(line, "gain=");
    node.yes = (gint64)number_behind(line, "yes=");
    node.no = (gint64)number_behind(line, "no=");
    node.missing = (gint64)number_behind(line, "missing=");
    return node;
}

static int by_number(gconstpointer a, gconstpointer b)
{
    const struct node *first = a, *second = b;
    return (first->node > second->node) - (first->node < second->node);
}

static GArray *read_tree(const char *dump)
{
    GArray *nodes = g_array_new(FALSE, FALSE, sizeof(struct node));
    g_array_set_clear_func(nodes, clear_node);
    g_auto(GStrv) lines = g_strsplit(dump, "\n", -1);
    for (char **line = lines; *line; line++) {
        const char *text = g_strstrip(*line);
        if (*text) {
            struct node node = read_node(text);
            g_array_append_val(nodes, node);
        }
    }
    g_array_sort(nodes, by_number);
    return nodes;
}

static void save_doubles(struct hook *hook, const char *name, const GArray *values)
{
    if (wants(hook, name))
        tensor_add(hook->step, name, TENSOR_DOUBLE, values->data,
                   (struct tensor_shape){{values->len}, 1});
}

enum number_column { SPLIT, GAIN, COVER };

static void save_numbers(struct hook *hook, const char *name, const GArray *nodes,
                         enum number_column column)
{
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint i = 0; i < nodes->len; i++) {
        const struct node *node = &g_array_index(nodes, struct node, i);
        double value = column == GAIN ? node->gain : column == COVER ? node->cover : node->split;
        if (column == SPLIT && !node->feature)
            value = (double)NAN;
        g_array_append_val(values, value);
    }
    save_doubles(hook, name, values);
}

static void save_integers(struct hook *hook, const char *name, const GArray *nodes, bool numbers)
{
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(gint64));
    for (guint i = 0; i < nodes->len; i++) {
        gint64 value = numbers ? g_array_index(nodes, struct node, i).node : hook->view->round;
        g_array_append_val(values, value);
    }
    if (wants(hook, name))
        tensor_add(hook->step, name, TENSOR_INT64, values->data,
                   (struct tensor_shape){{values->len}, 1});
}

enum text_column { ID, FEATURE, YES, NO, MISSING, CATEGORY };

static char *text_of(const struct node *node, enum text_column column, int tree)
{
    gint64 numbers[] = {node->node, 0, node->yes, node->no, node->missing, 0};
    if (column == FEATURE)
        return g_strdup(node->feature ? node->feature : "Leaf");
    if (column == CATEGORY || (column != ID && !node->feature))
        return g_strdup("nan");
    return g_strdup_printf("%d-%" G_GINT64_FORMAT, tree, numbers[column]);
}

static void save_texts(struct hook *hook, const char *name, const GArray *nodes,
                       enum text_column column)
{
    g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
    if (!wants(hook, name))
        return;
    for (guint i = 0; i < nodes->len; i++) {
        g_autofree char *text =
            text_of(&g_array_index(nodes, struct node, i), column, hook->view->round);
        g_strv_builder_add(texts, text);
    }
    g_auto(GStrv) all = g_strv_builder_end(texts);
    tensor_add_texts(hook->step, name, (const char *const *)all);
}

static void save_columns(struct hook *hook, const GArray *nodes)
{
    save_integers(hook, "trees/Tree", nodes, false);
    save_integers(hook, "trees/Node", nodes, true);
    save_texts(hook, "trees/ID", nodes, ID);
    save_texts(hook, "trees/Feature", nodes, FEATURE);
    save_numbers(hook, "trees/Split", nodes, SPLIT);
    save_texts(hook, "trees/Yes", nodes, YES);
    save_texts(hook, "trees/No", nodes, NO);
    save_texts(hook, "trees/Missing", nodes, MISSING);
    save_numbers(hook, "trees/Gain", nodes, GAIN);
    save_numbers(hook, "trees/Cover", nodes, COVER);
    save_texts(hook, "trees/Category", nodes, CATEGORY);
}

/* As smdebug does, the tree whose number is the round's: of several classes that is not the round's
 * own. */
static bool save_trees(struct hook *hook, GError **error)
{
    uint64_t count = 0;
    const char **dumps = NULL;
    if (!has_trees(hook))
        return true;
    if (hook->xgboost->booster_dump(hook->view->booster, "", 1, "text", &count, &dumps) != 0)
        return xgboost_fail(hook->xgboost, error, "writing the trees");
    if ((uint64_t)hook->view->round >= count)
        return true;
    g_autoptr(GArray) nodes = read_tree(dumps[hook->view->round]);
    save_columns(hook, nodes);
    return true;
}

/* ---- contributions ---- */

struct contributions {
    const float *values;
    struct tensor_shape shape;
    size_t groups, features; /* those with the bias */
};

static bool find_contributions(struct hook *hook, struct contributions *found, GError **error)
{
    static const char config[] = "{\"type\":2,\"training\":false,\"iteration_begin\":0,"
                                 "\"iteration_end\":0,\"strict_shape\":true}";
    const uint64_t *shape;
    uint64_t dimensions;
    hook->view->predictions = NULL; /* XGBoost has one place for both */
    if (hook->xgboost->booster_predict(hook->view->booster, hook->view->sets[0].matrix, config,
                                       &shape, &dimensions, &found->values) != 0)
        return xgboost_fail(hook->xgboost, error, "asking for contributions");
    found->groups = (size_t)shape[1];
    found->features = (size_t)shape[2];
    found->shape =
        found->groups == 1
            ? (struct tensor_shape){{(size_t)shape[0], found->features}, 2}
            : (struct tensor_shape){{(size_t)shape[0], found->groups, found->features}, 3};
    return true;
}

static char *name_of(const char *collection, size_t feature, size_t features)
{
    return feature + 1 == features ? g_strdup_printf("%s/bias", collection)
                                   : g_strdup_printf("%s/f%zu", collection, feature);
}

/* All of them under each feature's name: that is what smdebug does. */
static bool save_full_shap(struct hook *hook, GError **error)
{
    struct contributions all;
    if (!find_contributions(hook, &all, error))
        return false;
    for (size_t i = 0; i < all.features; i++) {
        g_autofree char *name = name_of("full_shap", i, all.features);
        if (wants(hook, name))
            tensor_add(hook->step, name, TENSOR_FLOAT, all.values, all.shape);
    }
    return true;
}

static bool save_average_shap(struct hook *hook, GError **error)
{
    struct contributions all;
    if (!find_contributions(hook, &all, error))
        return false;
    size_t rows = all.shape.dimensions[0] * all.groups;
    for (size_t i = 0; i < all.features; i++) {
        g_autofree char *name = name_of("average_shap", i, all.features);
        float sum = 0;
        for (size_t row = 0; row < rows; row++)
            sum += all.values[row * all.features + i];
        sum /= (float)rows;
        if (wants(hook, name))
            tensor_add(hook->step, name, TENSOR_FLOAT, &sum, (struct tensor_shape){{1}, 1});
    }
    return true;
}

/* ---- rounds ---- */

static const struct {
    const char *collection;
    bool (*save)(struct hook *hook, GError **error);
} writers[] = {{"hyperparameters", save_hyperparameters},
               {"metrics", save_metrics},
               {"losses", save_losses},
               {"predictions", save_predictions},
               {"labels", save_labels},
               {"feature_importance", save_importances},
               {"trees", save_trees},
               {"full_shap", save_full_shap},
               {"average_shap", save_average_shap}};

static json_t *describe_saving(const struct saving *saving)
{
    json_t *steps = saving->steps ? json_incref(saving->steps) : json_array();
    return json_pack("{sIsosIso}", "save_interval", (json_int_t)saving->interval, "save_steps",
                     steps, "start_step", (json_int_t)saving->start, "end_step",
                     saving->end < 0 ? json_null() : json_integer(saving->end));
}

static json_t *describe_collection(const struct collection *one)
{
    json_t *savings = json_object(), *names = json_array();
    for (size_t i = 0; i < MODES; i++)
        json_object_set_new(savings, modes[i], describe_saving(&one->savings[i]));
    GList *all = g_list_sort(g_hash_table_get_keys(one->names), (GCompareFunc)strcmp);
    for (const GList *name = all; name; name = name->next)
        json_array_append_new(names, json_string(name->data));
    g_list_free(all);
    return json_pack("{sssOsos{sbsssb}sosb}", "name", one->name, "include_regex", one->patterns,
                     "tensor_names", names, "reduction_config", "save_raw_tensor", true,
                     "reductions", "", "save_shape", false, "save_config", savings,
                     "save_histogram", !one->of_scalars);
}

/* After the first step that is saved, when the tensors' names are known. */
static bool export_collections(struct hook *hook, GError **error)
{
    g_autoptr(json_auto) all = json_object();
    if (hook->exported)
        return true;
    for (guint i = 0; i < hook->collections->len; i++) {
        const struct collection *one = g_ptr_array_index(hook->collections, i);
        json_object_set_new(all, one->name, describe_collection(one));
    }
    hook->exported = true;
    return tensor_write_collections(hook->folder, all, error);
}

static bool save_step(struct hook *hook, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(writers); i++) {
        const struct collection *of = find_collection(hook, writers[i].collection);
        if (of->is_included && is_due(of, hook->view->round) && !writers[i].save(hook, error))
            return false;
    }
    return tensor_step_write(hook->step, error) && export_collections(hook, error);
}

static bool any_is_due(const struct hook *hook)
{
    for (guint i = 0; i < hook->collections->len; i++) {
        const struct collection *one = g_ptr_array_index(hook->collections, i);
        if (one->is_included && is_due(one, hook->view->round))
            return true;
    }
    return false;
}

void hook_round(struct hook *hook, struct round_view *view)
{
    g_autoptr(GError) error = NULL;
    if (!hook)
        return;
    hook->view = view;
    if (!any_is_due(hook))
        return;
    hook->step = tensor_step_new(hook->folder, view->round);
    if (!save_step(hook, &error))
        report_log("WARNING", "tensors of step %d are not saved: %s", view->round, error->message);
    g_clear_pointer(&hook->step, tensor_step_free);
}

void hook_close(struct hook *hook)
{
    g_autoptr(GError) error = NULL;
    if (!hook)
        return;
    if (!export_collections(hook, &error) || !tensor_write_end(hook->folder, &error))
        report_log("WARNING", "the end of the saved tensors is not told: %s", error->message);
    g_hash_table_unref(hook->belongs);
    g_ptr_array_unref(hook->collections);
    g_free(hook->folder);
    g_free(hook);
}
