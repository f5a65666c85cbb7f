#include "train/boost.h"

#include "base/error.h"
#include "train/booster.h"
#include "train/checkpoint.h"
#include "train/hook.h"
#include "train/hyperparameters.h"
#include "train/metrics.h"
#include "train/pace.h"
#include "train/rules.h"
#include "train/stop.h"

/* XGBoost's EarlyStopping callback: any improvement counts, however small. */
struct early_stopping {
    gint64 patience; /* rounds without improvement; 0: no early stopping */
    const char *metric;
    bool maximize;
    int best_round; /* -1 before the first */
    double best_score;
};

static struct early_stopping plan_early_stopping(const struct boost_plan *plan,
                                                 const struct evaluator *evaluator)
{
    struct early_stopping early = {.best_round = -1};
    gint64 patience = hyperparameter_integer(plan->hyperparameters, "early_stopping_rounds");
    if (patience == 0)
        return early;
    early.metric = evaluator_stopping_metric(evaluator);
    bool validation = plan->set_count > 1;
    if (!validation || !early.metric) {
        report_log("WARNING",
                   "early_stopping_rounds has no effect without %s: all rounds will be trained",
                   validation ? "eval_metric" : "a validation channel");
        return early;
    }
    const struct train_metric *metric = train_metric_find(early.metric);
    early.maximize = metric && metric->maximize;
    early.patience = patience;
    return early;
}

/* Takes note of a round's score; *stop is set where patience is used up. */
static bool note_score(struct early_stopping *early, const struct boost_plan *plan, int round,
                       const GArray *scores, bool *stop, GError **error)
{
    if (early->patience == 0)
        return true;
    const char *data = plan->sets[plan->set_count - 1].name;
    const struct score *score = evaluation_find(scores, data, early->metric);
    if (!score) {
        return error_set(error, ERROR_VALIDATION,
                         "early_stopping_rounds watches the metric %s, which XGBoost does not "
                         "report",
                         early->metric);
    }
    bool better = early->best_round < 0 || (early->maximize ? score->value > early->best_score
                                                            : score->value < early->best_score);
    if (better) {
        early->best_round = round;
        early->best_score = score->value;
    }
    *stop = round - early->best_round >= early->patience;
    return true;
}

static bool set_attribute(const struct boost_plan *plan, void *booster, const char *name,
                          const char *value, GError **error)
{
    return plan->xgboost->booster_set_attribute(booster, name, value) == 0 ||
           xgboost_fail(plan->xgboost, error, name);
}

static bool cut_to_best(const struct early_stopping *early, const struct boost_plan *plan,
                        void **booster, GError **error)
{
    if (early->patience == 0 || early->best_round < 0)
        return true;
    void *best;
    if (plan->xgboost->booster_slice(*booster, 0, early->best_round + 1, 1, &best) != 0)
        return xgboost_fail(plan->xgboost, error, "cutting the model back to its best round");
    report_log("INFO", "The best round is %d, with %s:%.5f", early->best_round, early->metric,
               early->best_score);
    plan->xgboost->booster_free(*booster);
    *booster = best;
    /* A slice has no attributes, and Python's predict() looks for these. */
    char score[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_dtostr(score, sizeof score, early->best_score);
    g_autofree char *round = g_strdup_printf("%d", early->best_round);
    return set_attribute(plan, best, "best_iteration", round, error) &&
           set_attribute(plan, best, "best_score", score, error);
}

/* A booster with the parameters, and with the trees of the newest checkpoint. */
static bool start(const struct boost_plan *plan, const struct evaluator *evaluator, void **booster,
                  int *first_round, GError **error)
{
    g_autofree void **matrices = g_new(void *, plan->set_count + 1);
    matrices[0] = plan->train;
    for (size_t i = 0; i < plan->set_count; i++)
        matrices[i + 1] = plan->sets[i].matrix;
    *first_round = 0;
    if (plan->xgboost->booster_create(matrices, plan->set_count + 1, booster) != 0)
        return xgboost_fail(plan->xgboost, error, "making a booster");
    if (plan->checkpoints &&
        !checkpoint_resume(plan->xgboost, plan->checkpoints, booster, first_round, error))
        return false;
    return booster_configure(plan->xgboost, *booster, plan->hyperparameters,
                             evaluator_xgboost_metrics(evaluator), error);
}

/* One round: grow, evaluate, say so, keep a checkpoint. Takes the place of outcome->last. */
static bool run_round(const struct boost_plan *plan, struct boost_outcome *outcome, int round,
                      int rounds, GError **error)
{
    if (plan->xgboost->booster_update(outcome->booster, round, plan->train) != 0)
        return xgboost_fail(plan->xgboost, error, "training");
    GArray *scores = evaluate(outcome->evaluator, outcome->booster, round, error);
    if (!scores)
        return false;
    g_clear_pointer(&outcome->last, g_array_unref);
    outcome->last = scores;
    bool six_digits = plan->xgboost->release->six_digits;
    g_autofree char *line = evaluation_line(round, scores, six_digits);
    report_line(line);
    double part = (double)(round + 1) / rounds;
    report_round(plan->report_fd, round, scores, six_digits,
                 plan->progress_from + part * (plan->progress_to - plan->progress_from));
    struct round_view view = round_view_of(plan->xgboost, outcome->booster, plan->hyperparameters,
                                           plan->sets, plan->set_count, round, scores);
    hook_round(plan->hook, &view);
    rules_round(plan->rules, &view);
    round_view_clear(&view);
    return !plan->checkpoints ||
           checkpoint_save(plan->xgboost, outcome->booster, plan->checkpoints, round, error);
}

static bool run_rounds(const struct boost_plan *plan, struct boost_outcome *outcome, GError **error)
{
    int rounds = (int)hyperparameter_integer(plan->hyperparameters, "num_round");
    int first;
    if (!start(plan, outcome->evaluator, &outcome->booster, &first, error))
        return false;
    struct early_stopping early = plan_early_stopping(plan, outcome->evaluator);
    struct pace pace = {.threads = plan->threads};
    bool enough = false;
    for (int round = first; round < rounds && !enough; round++) {
        if (!pace_begin(&pace, plan->xgboost, outcome->booster, error) ||
            !run_round(plan, outcome, round, rounds, error) ||
            !note_score(&early, plan, round, outcome->last, &enough, error))
            return false;
        pace_end(&pace);
        outcome->stopped = stop_requested() && round + 1 < rounds;
        enough = enough || outcome->stopped;
    }
    return cut_to_best(&early, plan, &outcome->booster, error);
}

bool boost(const struct boost_plan *plan, struct boost_outcome *outcome, GError **error)
{
    *outcome = (struct boost_outcome){0};
    outcome->evaluator =
        evaluator_new(plan->xgboost, plan->hyperparameters, plan->sets, plan->set_count);
    if (run_rounds(plan, outcome, error))
        return true;
    boost_outcome_clear(plan->xgboost, outcome);
    return false;
}

void boost_outcome_clear(const struct xgboost *xgboost, struct boost_outcome *outcome)
{
    if (outcome->booster)
        xgboost->booster_free(outcome->booster);
    g_clear_pointer(&outcome->last, g_array_unref);
    evaluator_free(outcome->evaluator);
    *outcome = (struct boost_outcome){0};
}
