/* rules_inside.h: between the files that have the rules; not for others. */
#ifndef LATHE_TRAIN_RULES_INSIDE_H
#define LATHE_TRAIN_RULES_INSIDE_H

#include "train/rules.h"

/* What a rule may look at after a round: each is found out when it is first asked for. */
struct rule_view {
    const struct xgboost *xgboost;
    void *booster;
    const struct watched
        *judged; /* the validation's rows, or the training's where there are none */
    int round;
    const GArray *scores;
    bool has_trees;

    const float *predictions; /* of judged, `width` a row */
    size_t width;
    GArray *importance;   /* double: each used feature's share of the splits, the largest first */
    guint64 largest_node; /* of the round's trees */
    bool has_nodes;
};
bool view_predictions(struct rule_view *view, GError **error);
bool view_importance(struct rule_view *view, GError **error);
bool view_nodes(struct rule_view *view, GError **error);

/* A rule of a job, and what it remembers from step to step. */
struct rule {
    const struct rule_kind *kind;
    const char *name;         /* of its configuration */
    const json_t *parameters; /* texts, or NULL */
    int interval;             /* rounds between steps */
    bool over_with;

    GHashTable *losses;  /* name -> struct rule_loss */
    GHashTable *tensors; /* name -> struct rule_tensor; or NULL */
    int over;            /* steps in a row */
    size_t classes;
};

struct rule_loss {
    int step; /* when it was last noted, or was last better */
    double value;
    int waited; /* steps without improvement */
};

struct rule_tensor {
    double *values; /* at the last step */
    size_t count;
    int same; /* steps in a row */
};

struct rule_kind {
    const char *name;       /* "LossNotDecreasing" */
    const char *collection; /* whose save_interval says how often; NULL: the first it names */
    bool (*check)(struct rule *rule, struct rule_view *view, bool *met, GError **error);
};
extern const struct rule_kind rule_kinds[]; /* up to one without a name */

/* What is told of a rule whose condition is met, or which could not be evaluated. g_free. */
char *rule_details(const char *kind, int round, const GError *cause);

/* In rule_stall.c: StalledTrainingRule, which looks at the time and not at what a round made. Says
 * once when nothing moved for that many seconds; moved: a round is over. */
struct rule_stall;
struct rule_stall *rule_stall_start(const char *name, double threshold, int report_fd);
void rule_stall_moved(struct rule_stall *stall, int round);
void rule_stall_end(void *of);

double rule_number(const struct rule *rule, const char *name, double usual);

/* In rule_losses.c, rule_labels.c, rule_trees.c and rule_tensors.c. */
bool check_loss_not_decreasing(struct rule *rule, struct rule_view *view, bool *met,
                               GError **error);
bool check_overfit(struct rule *rule, struct rule_view *view, bool *met, GError **error);
bool check_overtraining(struct rule *rule, struct rule_view *view, bool *met, GError **error);
bool check_class_imbalance(struct rule *rule, struct rule_view *view, bool *met, GError **error);
bool check_confusion(struct rule *rule, struct rule_view *view, bool *met, GError **error);
bool check_importance(struct rule *rule, struct rule_view *view, bool *met, GError **error);
bool check_tree_depth(struct rule *rule, struct rule_view *view, bool *met, GError **error);
bool check_all_zero(struct rule *rule, struct rule_view *view, bool *met, GError **error);
bool check_tensor_variance(struct rule *rule, struct rule_view *view, bool *met, GError **error);
bool check_unchanged_tensor(struct rule *rule, struct rule_view *view, bool *met, GError **error);

#endif
