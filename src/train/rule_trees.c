/* Rules that look at the trees. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/rules_inside.h"

static int larger_first(gconstpointer a, gconstpointer b)
{
    const double *first = a, *second = b;
    return (*first < *second) - (*first > *second);
}

bool view_importance(struct rule_view *view, GError **error)
{
    static const char config[] = "{\"importance_type\":\"weight\"}";
    uint64_t count = 0, dimensions = 0;
    const char **names = NULL;
    const uint64_t *shape = NULL;
    const float *scores = NULL;
    if (view->importance)
        return true;
    if (view->xgboost->booster_feature_score(view->booster, config, &count, &names, &dimensions,
                                             &shape, &scores) != 0)
        return xgboost_fail(view->xgboost, error, "asking for the features' importance");
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += (double)scores[i];
    view->importance = g_array_new(FALSE, FALSE, sizeof(double));
    for (uint64_t i = 0; i < count; i++) {
        double share = (double)scores[i] / sum;
        g_array_append_val(view->importance, share);
    }
    g_array_sort(view->importance, larger_first);
    return true;
}

/* The n most important features' share of all splits. */
bool check_importance(struct rule *rule, struct rule_view *view, bool *met, GError **error)
{
    if (!view_importance(view, error))
        return false;
    double most = rule_number(rule, "nfeatures", 3), share = 0;
    for (guint i = 0; i < view->importance->len && i < most; i++)
        share += g_array_index(view->importance, double, i);
    *met = share > rule_number(rule, "threshold", 0.8);
    return true;
}

/* A tree's text has a line a node, which begins with its number. */
static guint64 largest_number(const char *dump)
{
    guint64 largest = 0;
    for (const char *line = dump; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        guint64 number = strtoull(line + strspn(line, "\t "), NULL, 10);
        largest = MAX(largest, number);
    }
    return largest;
}

bool view_nodes(struct rule_view *view, GError **error)
{
    void *slice;
    uint64_t count = 0;
    const char **dumps = NULL;
    if (view->has_nodes)
        return true;
    if (!view->has_trees)
        return error_set(error, ERROR_VALIDATION, "the booster gblinear has no trees");
    if (view->xgboost->booster_slice(view->booster, view->round, view->round + 1, 1, &slice) != 0)
        return xgboost_fail(view->xgboost, error, "taking out the round's trees");
    bool dumped = view->xgboost->booster_dump(slice, "", 0, "text", &count, &dumps) == 0 ||
                  xgboost_fail(view->xgboost, error, "writing the round's trees");
    for (uint64_t i = 0; dumped && i < count; i++)
        view->largest_node = MAX(view->largest_node, largest_number(dumps[i]));
    view->xgboost->booster_free(slice);
    view->has_nodes = dumped;
    return dumped;
}

/* XGBoost leaves out splits that do not improve the loss, so that trees may stay less deep than
 * they were allowed to be: this tells when they do. */
bool check_tree_depth(struct rule *rule, struct rule_view *view, bool *met, GError **error)
{
    if (!view_nodes(view, error))
        return false;
    double depth = view->largest_node ? floor(log2((double)view->largest_node)) : 0;
    *met = depth < rule_number(rule, "depth", 4);
    return true;
}
