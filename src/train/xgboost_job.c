#include "train/xgboost_job.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "train/boost.h"
#include "train/booster.h"
#include "train/channel_config.h"
#include "train/cross_validate.h"
#include "train/hook.h"
#include "train/hyperparameters.h"
#include "train/inputs.h"
#include "train/library.h"
#include "train/matrix.h"
#include "train/report.h"
#include "train/rules.h"
#include "train/stop.h"

/* What one job needs from its start to its end. */
struct training {
    const char *opt_ml;
    int report_fd;
    const struct xgboost_release *release;
    json_t *hyperparameters; /* checked */
    json_t *rules;           /* debugger rules, or NULL */
    json_t *hook_config;     /* the same */
    struct hook *hook;
    struct channel_config channels;
    struct xgboost *xgboost;
    struct inputs inputs;
    bool boosting; /* from the first round on: what fails then has failed in XGBoost */
};

static char *below(const struct training *job, const char *path)
{
    return g_build_filename(job->opt_ml, path, NULL);
}

/* A JSON object below input/config/; NULL with no error where an optional one is missing. */
static json_t *read_config(const struct training *job, const char *name, bool required,
                           GError **error)
{
    g_autofree char *path = g_build_filename(job->opt_ml, "input", "config", name, NULL);
    if (!required && !g_file_test(path, G_FILE_TEST_EXISTS))
        return NULL;
    json_t *config = json_read_file(path, error);
    if (!config)
        g_prefix_error(error, "reading the job's configuration: ");
    if (config && !json_is_object(config)) {
        json_decref(config);
        error_set(error, ERROR_VALIDATION, "%s is not a JSON object", path);
        return NULL;
    }
    return config;
}

static bool check_hosts(const struct training *job, GError **error)
{
    GError *failed = NULL;
    g_autoptr(json_auto) resources = read_config(job, "resourceconfig.json", false, &failed);
    if (failed) {
        g_propagate_error(error, failed);
        return false;
    }
    size_t hosts = json_array_size(json_object_get(resources, "hosts"));
    return hosts <= 1 || error_set(error, ERROR_VALIDATION,
                                   "resourceconfig.json names %zu hosts: this algorithm trains on "
                                   "one; name that alone",
                                   hosts);
}

static bool read_configs(struct training *job, GError **error)
{
    g_autoptr(json_auto) given = read_config(job, "hyperparameters.json", true, error);
    if (!given || !train_check_hyperparameters(given, job->release, &job->hyperparameters, error))
        return false;
    GError *failed = NULL;
    job->rules = read_config(job, "debugrules.json", false, &failed);
    if (!failed)
        job->hook_config = read_config(job, "debughookconfig.json", false, &failed);
    if (failed) {
        g_propagate_error(error, failed);
        return false;
    }
    g_autoptr(json_auto) channels = read_config(job, "inputdataconfig.json", true, error);
    return channels && channel_config_read(channels, &job->channels, error) &&
           check_hosts(job, error);
}

/* XGBoost's own messages; it hands over one at a time, without saying for whom. */
static void log_library(const char *text)
{
    bool warning = strstr(text, "WARNING") != NULL;
    report_log(warning ? "WARNING" : "INFO", "XGBoost: %s", xgboost_message(text));
}

/* The image's first words, and which XGBoost it is that speaks them. */
static void log_start(const struct xgboost *xgboost)
{
    const struct xgboost_release *release = xgboost->release;
    g_autofree char *own =
        g_strdup_printf("%d.%d.%d", xgboost->major, xgboost->minor, xgboost->patch);
    if (release->image == IMAGE_0_72) {
        report_line("Arguments: train");
        report_log("INFO", "Running standalone xgboost training.");
    } else {
        report_log("INFO", "Imported framework sagemaker_xgboost_container.training");
        report_log("INFO", "Running XGBoost Sagemaker in algorithm mode");
    }
    report_log("INFO", "Running XGBoost %s of the image %s", release->version, release->tag);
    if (strcmp(own, release->version) != 0)
        report_log("INFO", "Running XGBoost %s in its place", own);
}

static bool load_library(struct training *job, GError **error)
{
    job->xgboost = xgboost_open(job->release->tag, error);
    if (!job->xgboost)
        return false;
    job->xgboost->register_log(log_library);
    log_start(job->xgboost);
    return true;
}

static struct inputs_plan inputs_plan_of(const struct training *job)
{
    return (struct inputs_plan){.opt_ml = job->opt_ml,
                                .hyperparameters = job->hyperparameters,
                                .channels = &job->channels,
                                .xgboost = job->xgboost,
                                .shows_values = hook_wants_shap(job->hook)};
}

static bool train_one(const struct training *job, const struct boost_plan *plan, bool keep,
                      GError **error)
{
    struct boost_outcome outcome;
    struct boost_plan ruled = *plan;
    ruled.hook = job->hook;
    ruled.rules = rules_open(job->rules, job->report_fd);
    g_autofree char *rule_output = below(job, "output/rules");
    bool boosted = boost(&ruled, &outcome, error);
    if (boosted) {
        struct round_view last = round_view_of(job->xgboost, outcome.booster, job->hyperparameters,
                                               plan->sets, plan->set_count, 0, outcome.last);
        rules_finish(ruled.rules, &last, job->opt_ml, rule_output);
        round_view_clear(&last);
    }
    rules_close(ruled.rules);
    if (!boosted)
        return false;
    if (outcome.stopped) {
        report_log("INFO", "Stopped after the round that was running; the model is %s",
                   keep ? "saved" : "not saved (save_model_on_termination is not true)");
    }
    g_autofree char *path = below(job, "model/xgboost-model");
    bool saved = (outcome.stopped && !keep) ||
                 booster_write_model(job->xgboost, outcome.booster, path, error);
    boost_outcome_clear(job->xgboost, &outcome);
    return saved;
}

static struct watched watch(const char *name, void *matrix, const struct channel *channel)
{
    return (struct watched){name, matrix, channel->labels, channel->rows, channel->weights != NULL};
}

/* Cross validation deals the rows of both channels, read into one matrix. */
static bool train_folds(const struct training *job, const struct boost_plan *plan, bool keep,
                        GError **error)
{
    if (job->channels.has_validation && job->channels.train != job->channels.validation) {
        return error_set(error, ERROR_VALIDATION,
                         "_kfold puts the rows of the channels train and validation together: "
                         "both need the same ContentType");
    }
    struct inputs_plan inputs = inputs_plan_of(job);
    g_autoptr(channel_auto) all =
        inputs_channel(&inputs, "train", job->channels.has_validation ? "validation" : NULL,
                       job->channels.train, error);
    if (!all)
        return false;
    if (all->rows < (size_t)hyperparameter_integer(job->hyperparameters, "_kfold")) {
        return error_set(error, ERROR_VALIDATION, "_kfold is more than the %zu rows there are",
                         all->rows);
    }
    struct watched rows = watch("all", NULL, all);
    rows.matrix = matrix_create(job->xgboost, all, MATRIX_PLAIN, 0,
                                inputs_matrix_threads(&inputs, all), error);
    channel_drop_features(all);
    if (!rows.matrix)
        return false;
    bool trained = cross_validate(plan, &rows, job->opt_ml, keep, error);
    job->xgboost->matrix_free(rows.matrix);
    return trained;
}

static bool train(struct training *job, GError **error)
{
    const struct inputs *inputs = &job->inputs;
    struct inputs_plan plan_of_inputs = inputs_plan_of(job);
    struct watched sets[2] = {watch("train", inputs->train_matrix, inputs->train)};
    if (inputs->validation)
        sets[1] = watch("validation", inputs->validation_matrix, inputs->validation);
    g_autofree char *checkpoints = below(job, "checkpoints");
    struct boost_plan plan = {
        .xgboost = job->xgboost,
        .hyperparameters = job->hyperparameters,
        .train = inputs->train_matrix,
        .sets = sets,
        .set_count = !inputs->validation ? 1 : 2,
        .checkpoints = g_file_test(checkpoints, G_FILE_TEST_IS_DIR) ? checkpoints : NULL,
        .report_fd = job->report_fd,
        .threads = inputs_threads_to_choose_from(&plan_of_inputs, inputs->train),
        .progress_to = 1,
    };
    bool keep =
        strcmp(hyperparameter_text(job->hyperparameters, "save_model_on_termination"), "true") == 0;
    bool folds = hyperparameter_given(job->hyperparameters, "_kfold");
    job->boosting = true;
    return folds ? train_folds(job, &plan, keep, error) : train_one(job, &plan, keep, error);
}

static bool run_training(struct training *job, GError **error)
{
    g_autofree char *model = below(job, "model");
    if (!read_configs(job, error) || !file_make_folders(model, error) || !load_library(job, error))
        return false;
    if (!hyperparameter_given(job->hyperparameters, "_kfold"))
        job->hook = hook_open(job->hook_config, job->opt_ml, job->xgboost, job->hyperparameters);
    struct inputs_plan inputs = inputs_plan_of(job);
    return inputs_load(&inputs, &job->inputs, error) && train(job, error);
}

static void job_clear(struct training *job)
{
    hook_close(job->hook);
    inputs_clear(job->xgboost, &job->inputs);
    xgboost_close(job->xgboost);
    json_decref(job->hyperparameters);
    json_decref(job->rules);
    json_decref(job->hook_config);
}

/* XGBoost's complaints that the container lays to the user (its CUSTOMER_ERRORS). */
static bool is_users_fault(const char *message)
{
    static const char *const texts[] = {
        "label must be in [0,1] for logistic regression",
        "label must be in [0, num_class)",
        "the dataset only contains pos or neg samples",
        "base_score must be in (0,1)",
        "PoissonRegression: label must be nonnegative",
        "TweedieRegression: label must be nonnegative",
        "Parameter reg_lambda should be greater equal to 0",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (strstr(message, texts[i]))
            return true;
    return false;
}

/* The reason in the release's words: 0.72 says it as it is; later ones are Python programs of which
 * SageMaker's toolkit reports the exception. Its traceback we have not. g_free it. */
static char *failure_text(const struct training *job, const char *message)
{
    if (job->release->image == IMAGE_0_72)
        return g_strdup(message);
    bool own = job->boosting && !is_users_fault(message);
    return g_strdup_printf("framework error: \nsagemaker_algorithm_toolkit.exceptions.%s: %s%s",
                           own ? "AlgorithmError" : "UserError",
                           own ? "XGB train call failed with exception:\n " : "", message);
}

/* Leaves the reason where SageMaker looks for it. */
static void write_failure(const struct training *job, const char *reason)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = below(job, "output");
    g_autofree char *path = below(job, "output/failure");
    if (!file_make_folders(folder, &error) || !g_file_set_contents(path, reason, -1, &error))
        report_log("ERROR", "the reason could not be written: %s", error->message);
}

bool train_warm_up(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xgboost_auto) xgboost =
        xgboost_open(xgboost_release_find(g_getenv("LATHE_IMAGE"))->tag, &error);
    return xgboost != NULL; /* the library stays loaded */
}

/* A hook may look at the features, which is told once it is open: such trainings read for
 * themselves. */
void train_prepare(const char *opt_ml)
{
    struct training job = {.opt_ml = opt_ml,
                           .report_fd = -1,
                           .release = xgboost_release_find(g_getenv("LATHE_IMAGE"))};
    bool may = read_configs(&job, NULL) && !job.hook_config &&
               (job.xgboost = xgboost_open(job.release->tag, NULL));
    if (may)
        job.xgboost->register_log(log_library);
    struct inputs_plan plan = inputs_plan_of(&job);
    plan.one_thread = true;
    inputs_keep(may ? &plan : NULL);
    job_clear(&job);
}

int train_main(const char *opt_ml, int report_fd)
{
    stop_hold();
    /* Whoever reads the log or the report may end first; that is no reason to lose the model. */
    signal(SIGPIPE, SIG_IGN);
    struct training job = {.opt_ml = opt_ml,
                           .report_fd = report_fd,
                           .release = xgboost_release_find(g_getenv("LATHE_IMAGE"))};
    g_autoptr(GError) error = NULL;
    bool trained = run_training(&job, &error);
    if (!trained) {
        g_autofree char *reason = failure_text(&job, error->message);
        report_log("ERROR", "Reporting training FAILURE");
        report_log("ERROR", "%s", reason);
        write_failure(&job, reason);
    }
    job_clear(&job);
    return trained ? 0 : 1;
}
