#include "train/cross_validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "train/booster.h"
#include "train/folds.h"
#include "train/hyperparameters.h"

struct crossing {
    const struct boost_plan *plan;
    const struct watched *all;
    const char *opt_ml;
    int folds, repeats;
    bool classes;    /* labels are class numbers */
    int *fold;       /* of each row, in the deal at hand */
    GArray *models;  /* struct boost_outcome */
    float *answers;  /* rows x repeats: the class or number predicted for a row left out */
    float *chances;  /* rows x repeats: the probability of that class */
    uint64_t random; /* the shuffle's state */
    bool stopped;
};

/* The rows of one fold, or all others. */
static void *slice(const struct crossing *crossing, int fold, bool left_out, GError **error)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(int));
    for (size_t row = 0; row < crossing->all->rows; row++) {
        if ((crossing->fold[row] == fold) == left_out) {
            int number = (int)row;
            g_array_append_val(rows, number);
        }
    }
    const struct xgboost *xgboost = crossing->plan->xgboost;
    void *matrix = NULL;
    if (xgboost->matrix_slice(crossing->all->matrix, (const int *)(void *)rows->data, rows->len,
                              &matrix, 0) != 0)
        xgboost_fail(xgboost, error, "leaving out a fold (_kfold)");
    return matrix;
}

/* Notes what a model says of the rows of the fold that it has not seen. */
static bool record(struct crossing *crossing, int fold, int repeat, void *booster, void *left_out,
                   GError **error)
{
    const float *values;
    size_t width;
    if (!booster_predict(crossing->plan->xgboost, booster, left_out, PREDICT_ANSWER, &values,
                         &width, error))
        return false;
    const char *objective = hyperparameter_text(crossing->plan->hyperparameters, "objective");
    /* What is predicted is a probability, but for raw margins; multi:softmax says the class. */
    float half = strcmp(objective, "binary:logitraw") == 0 ? 0.0F : 0.5F;
    bool says_class = strcmp(objective, "multi:softmax") == 0;
    for (size_t row = 0; row < crossing->all->rows; row++) {
        if (crossing->fold[row] != fold)
            continue;
        size_t best = 0;
        for (size_t i = 1; i < width; i++)
            best = values[i] > values[best] ? i : best;
        size_t at = row * (size_t)crossing->repeats + (size_t)repeat;
        crossing->chances[at] = values[best];
        crossing->answers[at] = values[0];
        if (crossing->classes && !says_class)
            crossing->answers[at] = width > 1 ? (float)best : (float)(values[0] > half);
        values += width;
    }
    return true;
}

/* One model, on all rows but a fold's. */
static bool run_fold(struct crossing *crossing, int repeat, int fold, GError **error)
{
    const struct xgboost *xgboost = crossing->plan->xgboost;
    guint number = crossing->models->len;
    double total = crossing->folds * (double)crossing->repeats;
    g_autofree char *checkpoints = NULL;
    if (crossing->plan->checkpoints) {
        checkpoints = g_strdup_printf("%s/model-%u", crossing->plan->checkpoints, number);
        if (!file_make_folders(checkpoints, error))
            return false;
    }
    report_log("INFO", "Train cross validation fold %d", fold + 1);
    struct boost_plan plan = *crossing->plan;
    plan.checkpoints = checkpoints;
    plan.progress_from = number / total;
    plan.progress_to = (number + 1) / total;
    plan.train = slice(crossing, fold, false, error);
    void *left_out = !plan.train ? NULL : slice(crossing, fold, true, error);
    struct boost_outcome outcome = {0};
    bool good = left_out && boost(&plan, &outcome, error);
    if (good) {
        g_array_append_val(crossing->models, outcome);
        crossing->stopped = outcome.stopped;
        good = record(crossing, fold, repeat, outcome.booster, left_out, error);
    }
    if (plan.train)
        xgboost->matrix_free(plan.train);
    if (left_out)
        xgboost->matrix_free(left_out);
    return good;
}

/* The means of the last scores of models from `first` on: "[rounds]#011train-rmse:..." */
static void report_means(const struct crossing *crossing, guint first)
{
    const struct boost_outcome *models =
        (const struct boost_outcome *)(void *)crossing->models->data;
    if (!models[first].last)
        return; /* every round was in a checkpoint already */
    g_autoptr(GArray) means = g_array_copy(models[first].last);
    for (guint i = 0; i < means->len; i++) {
        struct score *mean = &g_array_index(means, struct score, i);
        mean->value = 0;
        guint counted = 0;
        for (guint model = first; model < crossing->models->len; model++) {
            if (models[model].last) {
                mean->value += g_array_index(models[model].last, struct score, i).value;
                counted++;
            }
        }
        mean->value /= counted;
    }
    int rounds = (int)hyperparameter_integer(crossing->plan->hyperparameters, "num_round");
    g_autofree char *line =
        evaluation_line(rounds, means, crossing->plan->xgboost->release->six_digits);
    report_line(line);
}

static bool run_repeats(struct crossing *crossing, GError **error)
{
    for (int repeat = 0; repeat < crossing->repeats && !crossing->stopped; repeat++) {
        guint first = crossing->models->len;
        folds_deal(crossing->fold, crossing->all->rows, crossing->folds,
                   crossing->classes ? crossing->all->labels : NULL, &crossing->random);
        for (int fold = 0; fold < crossing->folds && !crossing->stopped; fold++)
            if (!run_fold(crossing, repeat, fold, error))
                return false;
        report_log("INFO", "The metrics of round %d cross validation", repeat + 1);
        report_means(crossing, first);
    }
    if (crossing->repeats > 1) {
        report_log("INFO", "The overall metrics of %d-round cross validation", crossing->repeats);
        report_means(crossing, 0);
    }
    return true;
}

static bool write_models(const struct crossing *crossing, GError **error)
{
    for (guint i = 0; i < crossing->models->len; i++) {
        g_autofree char *path = g_strdup_printf("%s/model/xgboost-model-%u", crossing->opt_ml, i);
        void *booster = g_array_index(crossing->models, struct boost_outcome, i).booster;
        if (!booster_write_model(crossing->plan->xgboost, booster, path, error))
            return false;
    }
    return true;
}

static double mean(const float *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)values[i];
    return sum / count;
}

/* The value that occurs most often, the least of several. */
static double mode(const float *values, int count)
{
    int most = 0;
    float found = values[0];
    for (int i = 0; i < count; i++) {
        int times = 0;
        for (int j = 0; j < count; j++)
            times += values[j] == values[i];
        if (times > most || (times == most && values[i] < found)) {
            most = times;
            found = values[i];
        }
    }
    return (double)found;
}

static bool write_predictions(const struct crossing *crossing, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t row = 0; row < crossing->all->rows; row++) {
        const float *answers = crossing->answers + row * (size_t)crossing->repeats;
        const float *chances = crossing->chances + row * (size_t)crossing->repeats;
        g_string_append_printf(text, "%f,", (double)crossing->all->labels[row]);
        if (crossing->classes) {
            g_string_append_printf(text, "%f,%f\n", mean(chances, crossing->repeats),
                                   mode(answers, crossing->repeats));
        } else {
            g_string_append_printf(text, "%f\n", mean(answers, crossing->repeats));
        }
    }
    g_autofree char *folder = g_build_filename(crossing->opt_ml, "output", "data", NULL);
    g_autofree char *path = g_build_filename(folder, "predictions.csv", NULL);
    return file_make_folders(folder, error) &&
           g_file_set_contents(path, text->str, (gssize)text->len, error);
}

static void crossing_clear(struct crossing *crossing)
{
    for (guint i = 0; i < crossing->models->len; i++) {
        boost_outcome_clear(crossing->plan->xgboost,
                            &g_array_index(crossing->models, struct boost_outcome, i));
    }
    g_array_free(crossing->models, TRUE);
    g_free(crossing->fold);
    g_free(crossing->answers);
    g_free(crossing->chances);
}

bool cross_validate(const struct boost_plan *plan, const struct watched *all, const char *opt_ml,
                    bool keep, GError **error)
{
    const char *objective = hyperparameter_text(plan->hyperparameters, "objective");
    struct crossing crossing = {
        .plan = plan,
        .all = all,
        .opt_ml = opt_ml,
        .folds = (int)hyperparameter_integer(plan->hyperparameters, "_kfold"),
        .repeats = (int)hyperparameter_integer(plan->hyperparameters, "_num_cv_round"),
        .classes = g_str_has_prefix(objective, "multi:") || g_str_has_prefix(objective, "binary:"),
        .random = (uint64_t)hyperparameter_integer(plan->hyperparameters, "seed"),
    };
    size_t cells = all->rows * (size_t)crossing.repeats;
    crossing.fold = g_new(int, all->rows);
    crossing.answers = g_new0(float, cells);
    crossing.chances = g_new0(float, cells);
    crossing.models = g_array_new(FALSE, FALSE, sizeof(struct boost_outcome));
    report_log("INFO", "Run %d-round of %d-fold cross validation with %zu rows", crossing.repeats,
               crossing.folds, all->rows);
    bool good = run_repeats(&crossing, error);
    if (good && (!crossing.stopped || keep))
        good = write_models(&crossing, error);
    if (good && !crossing.stopped)
        good = write_predictions(&crossing, error);
    crossing_clear(&crossing);
    return good;
}
