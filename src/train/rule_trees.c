/* Rules that look at the trees. */
#include <math.h>

#include "train/rules_inside.h"

static int larger_first(gconstpointer a, gconstpointer b)
{
    const double *first = a, *second = b;
    return (*first < *second) - (*first > *second);
}

/* double, the largest first. */
static GArray *shares_of(const GArray *features)
{
    GArray *shares = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint i = 0; i < features->len; i++)
        g_array_append_val(shares, g_array_index(features, struct round_feature, i).share);
    g_array_sort(shares, larger_first);
    return shares;
}

/* The n most important features' share of all splits. */
bool check_importance(struct rule *rule, struct round_view *view, bool *met, GError **error)
{
    const GArray *features = round_view_importance(view, "weight", error);
    if (!features)
        return false;
    g_autoptr(GArray) shares = shares_of(features);
    double most = rule_number(rule, "nfeatures", 3), share = 0;
    for (guint i = 0; i < shares->len && i < most; i++)
        share += g_array_index(shares, double, i);
    *met = share > rule_number(rule, "threshold", 0.8);
    return true;
}

/* XGBoost leaves out splits that do not improve the loss, so that trees may stay less deep than
 * they were allowed to be: this tells when they do. */
bool check_tree_depth(struct rule *rule, struct round_view *view, bool *met, GError **error)
{
    if (!round_view_nodes(view, error))
        return false;
    double depth = view->largest_node ? floor(log2((double)view->largest_node)) : 0;
    *met = depth < rule_number(rule, "depth", 4);
    return true;
}
