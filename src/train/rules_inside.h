/* rules_inside.h: between the files that have the rules; not for others. */
#ifndef LATHE_TRAIN_RULES_INSIDE_H
#define LATHE_TRAIN_RULES_INSIDE_H

#include "train/rules.h"

/* A rule of a job, and what it remembers from step to step. */
struct rule {
    const struct rule_kind *kind;
    const char *name;         /* of its configuration */
    const json_t *parameters; /* texts, or NULL */
    int interval;             /* rounds between steps */
    bool looked;              /* it was evaluated at least once */
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
    const char *collection; /* what it looks at, and whose save_interval says how often; NULL: the
                             * ones that it names */
    bool (*check)(struct rule *rule, struct round_view *view, bool *met, GError **error);
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
bool check_loss_not_decreasing(struct rule *rule, struct round_view *view, bool *met,
                               GError **error);
bool check_overfit(struct rule *rule, struct round_view *view, bool *met, GError **error);
bool check_overtraining(struct rule *rule, struct round_view *view, bool *met, GError **error);
bool check_class_imbalance(struct rule *rule, struct round_view *view, bool *met, GError **error);
bool check_confusion(struct rule *rule, struct round_view *view, bool *met, GError **error);
bool check_importance(struct rule *rule, struct round_view *view, bool *met, GError **error);
bool check_tree_depth(struct rule *rule, struct round_view *view, bool *met, GError **error);
bool check_all_zero(struct rule *rule, struct round_view *view, bool *met, GError **error);
bool check_tensor_variance(struct rule *rule, struct round_view *view, bool *met, GError **error);
bool check_unchanged_tensor(struct rule *rule, struct round_view *view, bool *met, GError **error);

#endif
