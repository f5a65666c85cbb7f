#include "program/evaluate_job.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "lathe.h"
#include "monitor/quality.h"
#include "program/job_folder.h"
#include "program/specification.h"
#include "rows/rows.h"

enum problem { REGRESSION, BINARY, MULTICLASS };

/* Rows with their labels and what the model says of them. */
struct answers {
    double *labels, *predictions;
    size_t rows, room;
};

struct evaluation {
    const char *folder;
    json_t *options;
    struct lathe_predictor *predictor;
    enum problem problem;
};

/* ---- the model ---- */

static bool open_model(struct evaluation *evaluation, GError **error)
{
    g_autofree char *folder = job_folder_path(evaluation->folder, "processing/input/model");
    g_autoptr(GPtrArray) files = rows_files(folder, error);
    if (!files)
        return false;
    if (files->len != 1)
        return error_set(error, ERROR_VALIDATION,
                         "the input \"model\" (%s) holds %u files; one model is needed", folder,
                         files->len);
    struct lathe_error cause;
    const struct rows_file *file = g_ptr_array_index(files, 0);
    const char *path = file->path;
    evaluation->predictor = lathe_predictor_open_files(&path, 1, &cause);
    return evaluation->predictor ? true : error_set_lathe(error, ERROR_VALIDATION, &cause);
}

static bool find_problem(struct evaluation *evaluation, GError **error)
{
    const char *objective = lathe_predictor_objective(evaluation->predictor);
    if (!objective)
        return error_set(error, ERROR_VALIDATION,
                         "the input \"model\" has no trees; regression, binary and multiclass "
                         "models are evaluated");
    if (g_str_has_prefix(objective, "binary:"))
        evaluation->problem = BINARY;
    else if (g_str_has_prefix(objective, "multi:"))
        evaluation->problem = MULTICLASS;
    else if (g_str_has_prefix(objective, "reg:") || g_str_has_prefix(objective, "count:"))
        evaluation->problem = REGRESSION;
    else
        return error_set(error, ERROR_VALIDATION,
                         "a model with the objective %s is not evaluated: regression, binary and "
                         "multiclass models are",
                         objective);
    return true;
}

static bool read_options(struct evaluation *evaluation, GError **error)
{
    static const struct specification_member members[] = {{"threshold", SPECIFICATION_NUMBER},
                                                          {"labels", SPECIFICATION_TEXTS}};
    g_autofree char *name = NULL;
    evaluation->options = specification_read(evaluation->folder, false, &name, error);
    return evaluation->options &&
           specification_check(evaluation->options, name, members, G_N_ELEMENTS(members), error);
}

/* ---- answers ---- */

static void answers_clear(struct answers *answers)
{
    g_free(answers->labels);
    g_free(answers->predictions);
}

/* One number a row: the value, the probability of 1, or the class with the largest probability. */
static double verdict(const float *values, size_t width)
{
    if (width == 1)
        return (double)values[0];
    size_t best = 0;
    for (size_t i = 1; i < width; i++)
        if (values[i] > values[best])
            best = i;
    return (double)best;
}

static bool check_width(const struct evaluation *evaluation, size_t columns, GError **error)
{
    size_t inputs = lathe_predictor_inputs(evaluation->predictor);
    return columns == inputs + 1 ||
           error_set(error, ERROR_VALIDATION,
                     "the rows have %zu columns; the label and the model's %zu features make %zu",
                     columns, inputs, inputs + 1);
}

/* Twice as much where there is none: a row of answers is all that is kept of a row. */
static void make_room(struct answers *answers, size_t rows)
{
    if (rows <= answers->room)
        return;
    answers->room = MAX(rows, 2 * answers->room);
    answers->labels = g_renew(double, answers->labels, answers->room);
    answers->predictions = g_renew(double, answers->predictions, answers->room);
}

static bool predict(const struct evaluation *evaluation, const struct csv_matrix *matrix,
                    struct answers *answers, GError **error)
{
    if (!check_width(evaluation, matrix->columns, error))
        return false;
    size_t width = lathe_answer_width(evaluation->predictor, LATHE_PREDICTION);
    size_t room = lathe_predictor_outputs(evaluation->predictor);
    g_autofree float *values = g_new(float, matrix->rows *room + 1);
    struct lathe_error cause;
    if (!lathe_predict_floats(evaluation->predictor, LATHE_PREDICTION, matrix->values + 1,
                              matrix->rows, matrix->columns, values, &cause))
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    make_room(answers, answers->rows + matrix->rows);
    for (size_t row = 0; row < matrix->rows; row++) {
        answers->labels[answers->rows + row] = (double)matrix->values[row * matrix->columns];
        answers->predictions[answers->rows + row] = verdict(values + row * width, width);
    }
    answers->rows += matrix->rows;
    return true;
}

static bool answer_all(const struct evaluation *evaluation, struct rows_numbers *rows,
                       struct answers *answers, GError **error)
{
    for (;;) {
        struct rows_numbers_batch batch;
        if (!rows_numbers_next(rows, &batch, error))
            return false;
        if (!batch.rows)
            return true;
        if (!predict(evaluation, batch.dense, answers, error))
            return false;
    }
}

static bool answer_rows(const struct evaluation *evaluation, const char *input,
                        struct answers *answers, GError **error)
{
    g_autofree char *below = g_strconcat("processing/input/", input, NULL);
    g_autofree char *folder = job_folder_path(evaluation->folder, below);
    g_autoptr(GPtrArray) files = rows_files(folder, error);
    if (!files)
        return false;
    struct rows_numbers *rows = rows_numbers_open(files, &(struct rows_numbers_options){0});
    bool answered = answer_all(evaluation, rows, answers, error);
    rows_numbers_close(rows);
    return answered && (answers->rows ||
                        error_set(error, ERROR_VALIDATION, "there are no rows below %s", folder));
}

/* rows: what errors call them. */
static bool check_labels(const struct evaluation *evaluation, const struct answers *answers,
                         size_t classes, const char *rows, GError **error)
{
    for (size_t row = 0; row < answers->rows; row++) {
        double label = answers->labels[row];
        if (!isfinite(label))
            return error_set(error, ERROR_VALIDATION,
                             "row %zu of the %s rows: the label is missing or not finite", row + 1,
                             rows);
        if (evaluation->problem == REGRESSION)
            continue;
        if (!(label >= 0 && label < (double)classes && label == floor(label)))
            return error_set(error, ERROR_VALIDATION,
                             "row %zu of the %s rows: the label %g is not a class from 0 to %zu",
                             row + 1, rows, label, classes - 1);
    }
    return true;
}

/* ---- the report ---- */

static bool choose_threshold(const struct evaluation *evaluation, double *threshold, GError **error)
{
    /* Without other advice where a probability is even; of log odds that is zero. */
    bool odds = strcmp(lathe_predictor_objective(evaluation->predictor), "binary:logitraw") == 0;
    *threshold = json_number_at(evaluation->options, "threshold", odds ? 0 : 0.5);
    g_autofree char *rows = job_folder_path(evaluation->folder, "processing/input/validation");
    if (json_object_get(evaluation->options, "threshold") || !g_file_test(rows, G_FILE_TEST_IS_DIR))
        return true;
    struct answers answers = {0};
    bool chosen = answer_rows(evaluation, "validation", &answers, error) &&
                  check_labels(evaluation, &answers, 2, "validation", error);
    if (chosen)
        *threshold = quality_best_threshold(answers.labels, answers.predictions, answers.rows);
    answers_clear(&answers);
    return chosen;
}

static json_t *measure_classes(const struct evaluation *evaluation, const struct answers *answers,
                               GError **error)
{
    size_t classes = lathe_predictor_outputs(evaluation->predictor);
    const json_t *labels = json_object_get(evaluation->options, "labels");
    if (labels && json_array_size(labels) != classes) {
        error_set(error, ERROR_VALIDATION, "\"labels\" names %zu classes; the model has %zu",
                  json_array_size(labels), classes);
        return NULL;
    }
    g_autofree const char **names = labels ? g_new0(const char *, classes) : NULL;
    for (size_t i = 0; labels && i < classes; i++)
        names[i] = json_string_value(json_array_get(labels, i));
    return quality_multiclass(answers->labels, answers->predictions, answers->rows, classes, names);
}

static json_t *measure(const struct evaluation *evaluation, const struct answers *answers,
                       GError **error)
{
    bool binary = evaluation->problem == BINARY;
    size_t classes = binary ? 2 : lathe_predictor_outputs(evaluation->predictor);
    double threshold;
    if (!check_labels(evaluation, answers, classes, "test", error))
        return NULL;
    switch (evaluation->problem) {
    case REGRESSION:
        return quality_regression(answers->labels, answers->predictions, answers->rows);
    case MULTICLASS:
        return measure_classes(evaluation, answers, error);
    case BINARY:
        if (!choose_threshold(evaluation, &threshold, error))
            return NULL;
        return quality_binary(answers->labels, answers->predictions, answers->rows, threshold);
    }
    return NULL;
}

static void print_table(const json_t *metrics)
{
    const char *name, *label, *prediction;
    json_t *metric, *row, *count;
    json_object_foreach((json_t *)metrics, name, metric)
    {
        if (json_object_get(metric, "value"))
            job_say("%-24s %10.5f", name, json_number_at(metric, "value", NAN));
    }
    json_object_foreach(json_object_get(metrics, "confusion_matrix"), label, row)
    {
        GString *line = g_string_new(NULL);
        json_object_foreach(row, prediction, count) g_string_append_printf(
            line, "  %s: %lld", prediction, (long long)json_integer_value(count));
        job_say("label %s predicted as%s", label, line->str);
        g_string_free(line, TRUE);
    }
}

static bool write_report(const struct evaluation *evaluation, const char *member, json_t *metrics,
                         size_t rows, GError **error)
{
    g_autofree char *folder = job_folder_path(evaluation->folder, "processing/output/evaluation");
    g_autofree char *path = g_build_filename(folder, "evaluation.json", NULL);
    g_autoptr(json_auto) report =
        json_pack("{s{sI}sO}", "dataset", "item_count", (json_int_t)rows, member, metrics);
    g_autofree char *text = json_text_of(report);
    return file_make_folders(folder, error) && g_file_set_contents(path, text, -1, error);
}

static bool run_evaluation(struct evaluation *evaluation, GError **error)
{
    static const char *const members[] = {"regression_metrics", "binary_classification_metrics",
                                          "multiclass_classification_metrics"};
    if (!open_model(evaluation, error) || !find_problem(evaluation, error) ||
        !read_options(evaluation, error))
        return false;
    struct answers answers = {0};
    g_autoptr(json_auto) metrics = NULL;
    if (answer_rows(evaluation, "test", &answers, error))
        metrics = measure(evaluation, &answers, error);
    answers_clear(&answers);
    if (!metrics)
        return false;
    job_say("%s on %zu rows", members[evaluation->problem], answers.rows);
    print_table(metrics);
    return write_report(evaluation, members[evaluation->problem], metrics, answers.rows, error);
}

int evaluate_main(const char *opt_ml, int report)
{
    (void)report; /* it has no metrics while it runs */
    g_autoptr(GError) error = NULL;
    struct evaluation evaluation = {.folder = opt_ml};
    bool done = run_evaluation(&evaluation, &error);
    lathe_predictor_close(evaluation.predictor);
    json_decref(evaluation.options);
    return done ? 0 : job_fail(opt_ml, error);
}
