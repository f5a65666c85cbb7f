#include "program/features_job.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "feature/bundle.h"
#include "feature/fit.h"
#include "feature/split.h"
#include "parse/number_write.h"
#include "program/bundle_file.h"
#include "program/data_options.h"
#include "program/job_folder.h"
#include "program/specification.h"
#include "rows/rows.h"

enum part { TRAIN, VALIDATION, TEST, PARTS };
static const char *const part_names[PARTS] = {"train", "validation", "test"};

struct features_job {
    const char *folder;
    json_t *specification;
    GPtrArray *files;
    struct data_options options; /* how they are written */
    struct rows_columns *rows;
    union feature_values *values; /* of a batch */
    struct fit *fit;
    struct pipeline *pipeline, *after;

    GArray *columns;        /* struct feature_column: what is read */
    guint pipeline_columns; /* the first of them: the fit's inputs, and the label */
    const char *features, *label;

    struct split *split;
    gint split_column; /* in columns; -1: rows are dealt one by one */
    bool by_group;
    unsigned folds, fold; /* 0: parts by their shares */
    GByteArray *parts;    /* of every row, in order */
    bool dealt;           /* parts is whole: the first pass deals */
};

/* ---- the specification ---- */

static bool check_specification(const json_t *specification, const char *name, GError **error)
{
    static const struct specification_member members[] = {
        {"data", SPECIFICATION_OBJECT},   {"featuresCol", SPECIFICATION_TEXT},
        {"labelCol", SPECIFICATION_TEXT}, {"split", SPECIFICATION_OBJECT},
        {"stages", SPECIFICATION_LIST},   {"after", SPECIFICATION_LIST}};
    static const struct specification_member of_split[] = {
        {"train", SPECIFICATION_NUMBER}, {"validation", SPECIFICATION_NUMBER},
        {"test", SPECIFICATION_NUMBER},  {"folds", SPECIFICATION_COUNT},
        {"fold", SPECIFICATION_COUNT},   {"seed", SPECIFICATION_COUNT},
        {"groupBy", SPECIFICATION_TEXT}, {"stratifyBy", SPECIFICATION_TEXT}};
    return specification_check(specification, name, members, G_N_ELEMENTS(members), error) &&
           specification_check(json_object_get(specification, "split"), "split", of_split,
                               G_N_ELEMENTS(of_split), error);
}

static bool read_specification(struct features_job *job, GError **error)
{
    g_autofree char *name = NULL;
    job->specification = specification_read(job->folder, true, &name, error);
    if (!job->specification || !check_specification(job->specification, name, error))
        return false;
    const char *features = json_text_at(job->specification, "featuresCol");
    const char *label = json_text_at(job->specification, "labelCol");
    job->features = features ? features : "features";
    job->label = label ? label : "label";
    g_autoptr(json_auto) stages = json_object();
    json_copy_members(stages, job->specification, (const char *const[]){"stages", "after", NULL});
    g_autofree char *json = json_text_of(stages);
    struct lathe_error cause;
    job->fit = fit_open(json, strlen(json), &cause);
    return job->fit ? true : error_set(error, ERROR_VALIDATION, "%s: %s", name, cause.message);
}

/* ---- columns ---- */

static gint column_index(const struct features_job *job, const char *name)
{
    for (guint i = 0; i < job->columns->len; i++)
        if (strcmp(g_array_index(job->columns, struct feature_column, i).name, name) == 0)
            return (gint)i;
    return -1;
}

/* Whether a stage of the specification makes the column. */
static bool is_made(const struct features_job *job, const char *name)
{
    size_t i, o;
    const json_t *stage, *output;
    json_array_foreach(json_object_get(job->specification, "stages"), i, stage)
    {
        if (g_strcmp0(json_text_at(stage, "outputCol"), name) == 0)
            return true;
        json_array_foreach(json_object_get(stage, "outputCols"), o,
                           output) if (g_strcmp0(json_string_value(output), name) == 0) return true;
    }
    return false;
}

static const struct feature_column *columns_of(const struct features_job *job)
{
    return (const struct feature_column *)(void *)job->columns->data;
}

/* The column by which rows are dealt out. Groups are told apart as they are written, whatever the
 * stages read the column as; labels that the stages read as numbers, as numbers. */
static bool choose_split_column(struct features_job *job, GError **error)
{
    const json_t *split = json_object_get(job->specification, "split");
    const char *stratify = json_text_at(split, "stratifyBy");
    const char *group = json_text_at(split, "groupBy");
    const char *by = stratify ? stratify : group;
    if (stratify && group)
        return error_set(error, ERROR_VALIDATION,
                         "split: stratifyBy and groupBy cannot both be given");
    job->by_group = group != NULL;
    job->split_column = stratify ? column_index(job, stratify) : -1;
    if (!by || job->split_column >= 0)
        return true;
    if (is_made(job, by))
        return error_set(error, ERROR_VALIDATION,
                         "split: the column %s is made by a stage; name one of the data's", by);
    struct feature_column column = {by, FEATURE_TEXT, false, 1};
    job->split_column = (gint)job->columns->len;
    g_array_append_val(job->columns, column);
    return true;
}

/* Of an error of a label that is a text. */
static bool advise_label(const struct features_job *job, GError **error)
{
    const char *label = job->label;
    g_autofree char *advice =
        g_strdup_printf("; a label of texts is numbered by a stage {type: StringIndexer, inputCol: "
                        "%s, outputCol: %sIndex}, and labelCol: %sIndex",
                        label, label, label);
    if (error && *error) {
        char *whole = g_strconcat((*error)->message, advice, NULL);
        g_free((*error)->message);
        (*error)->message = whole;
    }
    return false;
}

/* What has to be read: what the stages ask for, the label where no stage makes it, and the column
 * by which rows are dealt. */
static bool choose_columns(struct features_job *job, GError **error)
{
    size_t count;
    const struct feature_column *inputs = fit_inputs(job->fit, &count);
    job->columns = g_array_new(FALSE, FALSE, sizeof(struct feature_column));
    g_array_append_vals(job->columns, inputs, (guint)count);
    if (!is_made(job, job->label) && column_index(job, job->label) < 0) {
        struct feature_column label = {job->label, FEATURE_NUMBER, false, 1};
        g_array_append_val(job->columns, label);
    }
    job->pipeline_columns = job->columns->len;
    bool chosen = choose_split_column(job, error);
    job->values = g_new0(union feature_values, job->columns->len + 1);
    return chosen;
}

/* Begins at the first row; wanted: the columns that are read. */
static bool rewind_rows(struct features_job *job, const bool *wanted, GError **error)
{
    guint count = job->columns->len;
    g_autofree struct csv_column *columns = g_new0(struct csv_column, count + 1);
    for (guint i = 0; i < count; i++) {
        columns[i].name = columns_of(job)[i].name;
        columns[i].type = columns_of(job)[i].type == FEATURE_TEXT ? CSV_TEXT : CSV_NUMBER;
    }
    return rows_columns_start(job->rows, columns, count, wanted, error);
}

/* ---- dealing rows out ---- */

static bool read_folds(struct features_job *job, const json_t *split, GError **error)
{
    gint64 folds = json_integer_at(split, "folds", 0), fold = json_integer_at(split, "fold", 0);
    for (int part = 0; part < PARTS; part++)
        if (json_object_get(split, part_names[part]))
            return error_set(error, ERROR_VALIDATION,
                             "split: folds and the share of %s cannot both be given",
                             part_names[part]);
    if (folds < 2 || folds > SPLIT_PARTS || fold >= folds)
        return error_set(error, ERROR_VALIDATION,
                         "split: fold %lld of %lld folds: 2 to %d folds, counted from 0",
                         (long long)fold, (long long)folds, SPLIT_PARTS);
    job->folds = (unsigned)folds;
    job->fold = (unsigned)fold;
    return true;
}

static bool open_split(struct features_job *job, GError **error)
{
    const json_t *split = json_object_get(job->specification, "split");
    double shares[SPLIT_PARTS] = {1};
    size_t parts = 1;
    if (json_object_get(split, "folds") || json_object_get(split, "fold")) {
        if (!read_folds(job, split, error))
            return false;
        parts = job->folds;
        for (size_t i = 0; i < parts; i++)
            shares[i] = 1.0 / (double)parts;
    } else if (split) {
        parts = PARTS;
        for (size_t i = 0; i < parts; i++)
            shares[i] = json_number_at(split, part_names[i], 0);
    }
    struct lathe_error cause;
    job->split = split_open(shares, parts, (uint64_t)json_integer_at(split, "seed", 1), &cause);
    return job->split ? true : error_set(error, ERROR_VALIDATION, "split: %s", cause.message);
}

/* Deals the batch's rows, which follow those dealt before. */
static bool deal(struct features_job *job, const struct feature_batch *batch, GError **error)
{
    guint first = job->parts->len;
    g_byte_array_set_size(job->parts, first + (guint)batch->rows);
    uint8_t *parts = job->parts->data + first;
    struct lathe_error cause;
    bool dealt = true;
    if (job->split_column < 0) {
        split_rows(job->split, batch->rows, parts);
    } else {
        const struct feature_column *column = &columns_of(job)[job->split_column];
        union feature_values values = batch->values[job->split_column];
        if (column->type != FEATURE_TEXT)
            dealt = split_by_number(job->split, values.numbers, batch->rows, parts, &cause);
        else if (job->by_group)
            dealt = split_by_group(job->split, values.texts, batch->rows, parts, &cause);
        else
            dealt = split_by_label(job->split, values.texts, batch->rows, parts, &cause);
    }
    if (!dealt)
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    for (size_t i = 0; job->folds && i < batch->rows; i++)
        parts[i] = parts[i] == job->fold ? TEST : TRAIN;
    return true;
}

/* The part of a row by its number from 1. */
static enum part part_of(const struct features_job *job, size_t row)
{
    return (enum part)job->parts->data[row - 1];
}

/* ---- fitting ---- */

/* Moves the rows of the train part to the front, in place: the batch's memory is ours until the
 * next is read. Notes their numbers; returns how many they are. */
static size_t keep_train(const struct features_job *job, const bool *reads,
                         const struct feature_batch *batch, size_t *row_numbers)
{
    const struct feature_column *columns = columns_of(job);
    size_t kept = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        if (part_of(job, batch->first_row + row) != TRAIN)
            continue;
        for (guint c = 0; kept < row && c < job->pipeline_columns; c++) {
            if (!reads[c])
                continue;
            if (columns[c].type == FEATURE_TEXT) {
                struct csv_text *texts = (struct csv_text *)batch->values[c].texts;
                texts[kept] = texts[row];
            } else {
                double *numbers = (double *)batch->values[c].numbers;
                numbers[kept] = numbers[row];
            }
        }
        row_numbers[kept++] = batch->first_row + row;
    }
    return kept;
}

static bool read_rows(struct features_job *job, struct rows_columns_batch *batch, GError **error)
{
    GError *cause = NULL;
    if (rows_columns_next(job->rows, batch, &cause))
        return true;
    g_autofree char *place = g_strdup_printf(" in %s, expected a number", job->label);
    bool label = strstr(cause->message, place) && !is_made(job, job->label);
    g_propagate_error(error, cause);
    return label ? advise_label(job, error) : false;
}

/* The next rows, dealt out where this is the first pass over them. */
static bool next_rows(struct features_job *job, struct feature_batch *batch, GError **error)
{
    struct rows_columns_batch read;
    if (!read_rows(job, &read, error))
        return false;
    for (guint i = 0; i < job->columns->len; i++) {
        if (read.columns[i].type == CSV_TEXT)
            job->values[i].texts = read.columns[i].texts;
        else
            job->values[i].numbers = read.columns[i].numbers;
    }
    *batch = (struct feature_batch){
        .rows = read.rows, .first_row = read.first_row, .values = job->values};
    if (!job->dealt && !deal(job, batch, error))
        return false;
    job->dealt |= !batch->rows;
    return true;
}

/* One pass over the columns that the fit, or the dealing, needs. */
static bool pass(struct features_job *job, GError **error)
{
    struct lathe_error cause;
    g_autofree bool *reads = g_new0(bool, job->columns->len + 1);
    g_autofree bool *wanted = g_new0(bool, job->columns->len + 1);
    g_autofree size_t *row_numbers = g_new(size_t, ROWS_BATCH);
    for (guint c = 0; c < job->pipeline_columns; c++)
        wanted[c] = reads[c] = fit_reads(job->fit, c);
    if (!job->dealt && job->split_column >= 0)
        wanted[job->split_column] = true;
    if (!rewind_rows(job, wanted, error))
        return false;
    for (;;) {
        struct feature_batch batch;
        if (!next_rows(job, &batch, error))
            return false;
        if (!batch.rows)
            return true;
        batch.rows = keep_train(job, reads, &batch, row_numbers);
        batch.numbers = row_numbers;
        if (!fit_add(job->fit, &batch, &cause))
            return error_set_lathe(error, ERROR_VALIDATION, &cause);
    }
}

static bool fit_pipeline(struct features_job *job, GError **error)
{
    struct lathe_error cause = {0};
    if (!fit_start(job->fit, columns_of(job), job->pipeline_columns, &cause))
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    unsigned passes = 0;
    for (; fit_pass(job->fit); passes++) {
        if (!pass(job, error))
            return false;
        if (!fit_end_pass(job->fit, &cause))
            return error_set_lathe(error, ERROR_VALIDATION, &cause);
    }
    job->pipeline = fit_take(job->fit, &cause);
    if (!job->pipeline)
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    cause.code = LATHE_OK;
    job->after = fit_take_after(job->fit, &cause);
    if (passes)
        job_say("fitted the pipeline on the train part in %u pass%s over the rows", passes,
                passes == 1 ? "" : "es");
    return true;
}

/* ---- applying ---- */

struct output {
    FILE *files[PARTS];
    size_t rows[PARTS];
    GByteArray *texts[PARTS]; /* not written yet */
    size_t skipped;
};

static char *output_path(const struct features_job *job, int part)
{
    g_autofree char *below =
        g_strdup_printf("processing/output/%s/%s.csv", part_names[part], part_names[part]);
    return job_folder_path(job->folder, below);
}

static bool open_outputs(const struct features_job *job, struct output *output, GError **error)
{
    for (int part = 0; part < PARTS; part++)
        output->texts[part] = g_byte_array_new();
    for (int part = 0; part < PARTS; part++) {
        g_autofree char *path = output_path(job, part);
        g_autofree char *folder = g_path_get_dirname(path);
        if (!file_make_folders(folder, error))
            return false;
        remove(path); /* not written through: an input that was put there is a link to the lake */
        output->files[part] = fopen(path, "wbx");
        if (!output->files[part])
            return error_set(error, ERROR_INTERNAL, "%s cannot be written", path);
    }
    return true;
}

static bool close_outputs(const struct features_job *job, struct output *output, GError **error)
{
    bool closed = true;
    for (int part = 0; part < PARTS; part++) {
        g_clear_pointer(&output->texts[part], g_byte_array_unref);
        if (!output->files[part])
            continue;
        if (fclose(output->files[part]) != 0 && closed)
            closed = error_set(error, ERROR_INTERNAL, "the rows could not be written whole");
        g_autofree char *path = output_path(job, part);
        if (!output->rows[part])
            remove(path); /* an empty channel would fail the training that reads it */
    }
    return closed;
}

/* Writes a row: values[0] is its label, the rest its features. A missing number is an empty field.
 * Returns the end. */
static char *write_row(char *at, const union feature_values *values, size_t width, size_t row)
{
    for (size_t i = 0; i <= width; i++) {
        double value = values[i].numbers[row];
        if (i)
            *at++ = ',';
        if (value == value)
            at += number_write(at, value);
        if (value == value && at[-1] == '0' && at[-2] == '.') /* 1, not 1.0: half the file */
            at -= 2;
    }
    *at++ = '\n';
    return at;
}

static bool write_text(struct output *output, int part, GError **error)
{
    GByteArray *text = output->texts[part];
    if (text->len && fwrite(text->data, 1, text->len, output->files[part]) != text->len)
        return error_set(error, ERROR_INTERNAL, "writing the rows failed: is the disk full?");
    g_byte_array_set_size(text, 0);
    return true;
}

/* Appends a row to its part's text, and writes that where it has become long. */
static bool add_row(struct output *output, int part, const struct feature_result *result,
                    size_t width, size_t row, GError **error)
{
    enum { LONG = 1 << 20 };
    GByteArray *text = output->texts[part];
    guint used = text->len;
    g_byte_array_set_size(text, used + (guint)((width + 1) * (NUMBER_TEXT + 1)));
    char *end = write_row((char *)text->data + used, result->values, width, row);
    g_byte_array_set_size(text, (guint)(end - (char *)text->data));
    output->rows[part]++;
    return text->len < LONG || write_text(output, part, error);
}

/* Writes the batch's rows to their parts. */
static bool write_rows(const struct features_job *job, struct output *output,
                       const struct feature_batch *batch, const struct feature_result *result,
                       size_t width, GError **error)
{
    for (size_t row = 0; row < batch->rows; row++) {
        size_t number = batch->first_row + row;
        if (result->skipped && result->skipped[row]) {
            output->skipped++;
            continue;
        }
        if (isnan(result->values[0].numbers[row]))
            return error_set(error, ERROR_VALIDATION,
                             "row %zu: the label (%s) is missing; every row needs one", number,
                             job->label);
        if (!add_row(output, part_of(job, number), result, width, row, error))
            return false;
    }
    for (int part = 0; part < PARTS; part++)
        if (!write_text(output, part, error))
            return false;
    return true;
}

static bool check_outputs(const struct features_job *job, const struct feature_column *outputs,
                          GError **error)
{
    if (outputs[0].vector || outputs[0].type == FEATURE_TEXT) {
        error_set(error, ERROR_VALIDATION, "labelCol: %s is not a number", job->label);
        return outputs[0].vector ? false : advise_label(job, error);
    }
    if (outputs[1].type == FEATURE_TEXT)
        return error_set(error, ERROR_VALIDATION, "featuresCol: %s is a text", job->features);
    return true;
}

static bool apply_plan(struct features_job *job, struct plan *plan, struct output *output,
                       GError **error)
{
    size_t count;
    const struct feature_column *outputs = plan_outputs(plan, &count);
    g_autofree void *scratch = g_malloc(plan_scratch(plan, ROWS_BATCH));
    g_autofree bool *wanted = g_new0(bool, job->columns->len + 1);
    for (guint c = 0; c < job->columns->len; c++)
        wanted[c] = c < job->pipeline_columns ? plan_reads(plan, c) : !job->dealt;
    if (!job->dealt && job->split_column >= 0)
        wanted[job->split_column] = true;
    if (!check_outputs(job, outputs, error) || !rewind_rows(job, wanted, error))
        return false;
    for (;;) {
        struct feature_batch batch;
        struct feature_result result;
        struct lathe_error cause;
        if (!next_rows(job, &batch, error))
            return false;
        if (!batch.rows)
            return true;
        if (!plan_apply(plan, &batch, scratch, &result, &cause))
            return error_set_lathe(error, ERROR_VALIDATION, &cause);
        if (!write_rows(job, output, &batch, &result, outputs[1].width, error))
            return false;
    }
}

static bool say_rows(const struct output *output, GError **error)
{
    size_t all = 0;
    for (int part = 0; part < PARTS; part++) {
        all += output->rows[part];
        if (output->rows[part])
            job_say("%s: %zu rows", part_names[part], output->rows[part]);
    }
    if (output->skipped)
        job_say("%zu rows were left out (handleInvalid skip)", output->skipped);
    return all ? true : error_set(error, ERROR_VALIDATION, "the data has no rows");
}

static bool apply_pipeline(struct features_job *job, GError **error)
{
    struct lathe_error cause;
    const char *wanted[] = {job->label, job->features};
    struct plan *plan = plan_open(job->pipeline, columns_of(job), job->pipeline_columns, wanted,
                                  G_N_ELEMENTS(wanted), &cause);
    if (!plan)
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    struct output output = {0};
    bool applied = open_outputs(job, &output, error) && apply_plan(job, plan, &output, error);
    applied = close_outputs(job, &output, applied ? error : NULL) && applied;
    plan_close(plan);
    return applied && say_rows(&output, error);
}

/* ---- bundles ---- */

static bool write_bundle(const struct features_job *job, const struct pipeline *pipeline,
                         const char *name, GError **error)
{
    g_autofree char *below = g_strconcat("processing/output/", name, NULL);
    g_autofree char *folder = job_folder_path(job->folder, below);
    g_autofree char *path = g_build_filename(folder, "model.tar.gz", NULL);
    return file_make_folders(folder, error) && bundle_file_write(pipeline, path, error);
}

/* ---- the job ---- */

static bool open_rows(struct features_job *job, GError **error)
{
    g_autofree char *data = job_folder_path(job->folder, "processing/input/data");
    if (!data_options_read(&job->options, json_object_get(job->specification, "data"), error))
        return false;
    job->files = rows_files(data, error);
    if (job->files && !job->files->len)
        return error_set(error, ERROR_VALIDATION, "there is no file below %s", data);
    if (job->files)
        job->rows = rows_columns_open(job->files, &job->options.rows);
    return job->rows != NULL;
}

static bool run_features(struct features_job *job, GError **error)
{
    return read_specification(job, error) && open_rows(job, error) && choose_columns(job, error) &&
           open_split(job, error) && fit_pipeline(job, error) && apply_pipeline(job, error) &&
           write_bundle(job, job->pipeline, "bundle", error) &&
           (!job->after || write_bundle(job, job->after, "after", error));
}

int features_main(const char *opt_ml, int report)
{
    (void)report; /* it has no metrics while it runs */
    g_autoptr(GError) error = NULL;
    struct features_job job = {.folder = opt_ml, .parts = g_byte_array_new()};
    bool done = run_features(&job, &error);
    pipeline_close(job.pipeline);
    pipeline_close(job.after);
    fit_close(job.fit);
    split_close(job.split);
    rows_columns_close(job.rows);
    data_options_clear(&job.options);
    if (job.files)
        g_ptr_array_unref(job.files);
    g_free(job.values);
    if (job.columns)
        g_array_unref(job.columns);
    g_byte_array_unref(job.parts);
    json_decref(job.specification);
    return done ? 0 : job_fail(opt_ml, error);
}

/* ---- help ---- */

static void help_parameter(GString *text, const struct fit_parameter *parameter)
{
    g_string_append_printf(text, "    %-16s %s\n", parameter->name, parameter->words);
}

static void help_operations(GString *text, bool unary)
{
    enum feature_operation end = unary ? MATH_ADD : MATH_OPERATIONS;
    g_string_append_printf(text, "    %-16s", "operation");
    for (enum feature_operation i = unary ? MATH_LOG : MATH_ADD; i < end; i++)
        g_string_append_printf(text, " %s", feature_operation_name(i));
    g_string_append_c(text, '\n');
}

static bool can_be_specified(const char *name)
{
    bool found = false;
    for (size_t type = 0; fit_type(type) && !found; type++)
        found = strcmp(fit_type(type), name) == 0;
    return found;
}

static void help_read_only(GString *text)
{
    g_string_append(text, "\nMLeap bundles of pipelines that Spark fitted are served with these, "
                          "too:\n");
    for (enum feature_kind kind = 0; kind < FEATURE_KINDS; kind++)
        if (!can_be_specified(feature_kind_name(kind)))
            g_string_append_printf(text, "  %s\n", feature_kind_name(kind));
}

char *features_help(void)
{
    GString *text = g_string_new(
        "A features job's specification, YAML or JSON: data, featuresCol, labelCol, split, stages "
        "and\nafter (stages for what a model predicts). A stage is {type: ..., uid: ..., and its "
        "parameters}, in\nSpark ML's words and with its defaults (in parentheses):\n");
    for (size_t type = 0; fit_type(type); type++) {
        g_string_append_printf(text, "\n  %s\n", fit_type(type));
        for (const struct fit_parameter *at = fit_parameters(type); at->name; at++) {
            if (strcmp(at->name, "operation") == 0)
                help_operations(text, strcmp(fit_type(type), "MathUnary") == 0);
            else if (at->words)
                help_parameter(text, at);
        }
    }
    help_read_only(text);
    return g_string_free(text, FALSE);
}
