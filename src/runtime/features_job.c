#include "runtime/features_job.h"

#include <stdio.h>
#include <string.h>

#include "base/archive.h"
#include "base/error.h"
#include "base/file.h"
#include "base/yaml.h"
#include "feature/bundle.h"
#include "feature/fit.h"
#include "feature/split.h"
#include "runtime/job_folder.h"
#include "runtime/rows.h"

enum part { TRAIN, VALIDATION, TEST, PARTS };
static const char *const part_names[PARTS] = {"train", "validation", "test"};

struct job {
    const char *folder;
    json_t *specification;
    struct rows *rows;
    struct fit *fit;
    struct pipeline *pipeline, *after;

    GArray
        *columns; /* struct feature_column: what is read: the fit's inputs, label, split column */
    const char *features, *label;

    struct split *split;
    gint split_column; /* in columns; -1: rows are dealt one by one */
    bool by_group;
    unsigned folds, fold; /* 0: parts by their shares */
    GByteArray *parts;    /* of every row, in order: known after the first pass */
};

/* --- the specification
 * ---------------------------------------------------------------------------- */

static char *find_specification(const char *folder, GError **error)
{
    g_autofree char *config = job_folder_path(folder, "processing/input/config");
    g_autoptr(GDir) entries = g_dir_open(config, 0, error);
    if (!entries)
        return NULL;
    const char *entry;
    while ((entry = g_dir_read_name(entries)))
        if (g_str_has_suffix(entry, ".yaml") || g_str_has_suffix(entry, ".yml") ||
            g_str_has_suffix(entry, ".json"))
            return g_build_filename(config, entry, NULL);
    error_set(error, ERROR_VALIDATION,
              "the input \"config\" holds no .yaml, .yml or .json file with the specification");
    return NULL;
}

static bool check_members(const json_t *specification, GError **error)
{
    static const char *const known[] = {"data",  "featuresCol", "labelCol",
                                        "split", "stages",      "after"};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)specification, name, value)
    {
        bool is_known = false;
        for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
            is_known |= strcmp(name, known[i]) == 0;
        if (!is_known)
            return error_set(error, ERROR_VALIDATION,
                             "the specification has a member %s; data, featuresCol, labelCol, "
                             "split, stages and after are known",
                             name);
    }
    return true;
}

static bool read_specification(struct job *job, GError **error)
{
    g_autofree char *path = find_specification(job->folder, error);
    g_autofree char *text = NULL;
    gsize size;
    if (!path || !g_file_get_contents(path, &text, &size, error))
        return false;
    g_autofree char *name = g_path_get_basename(path);
    job->specification = yaml_parse(text, size, name, error);
    if (!job->specification || !check_members(job->specification, error))
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

/* --- columns
 * ---------------------------------------------------------------------------------------- */

static gint column_index(const struct job *job, const char *name)
{
    for (guint i = 0; i < job->columns->len; i++)
        if (strcmp(g_array_index(job->columns, struct feature_column, i).name, name) == 0)
            return (gint)i;
    return -1;
}

/* Whether a stage of the specification makes the column. */
static bool is_made(const struct job *job, const char *name)
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

static void add_column(struct job *job, const char *name, enum feature_type type)
{
    struct feature_column column = {name, type, false, 1};
    if (column_index(job, name) < 0)
        g_array_append_val(job->columns, column);
}

/* What has to be read: what the stages ask for, the label where no stage makes it, and the column
 * by which rows are dealt. */
static bool choose_columns(struct job *job, GError **error)
{
    size_t count;
    const struct feature_column *inputs = fit_inputs(job->fit, &count);
    job->columns = g_array_new(FALSE, FALSE, sizeof(struct feature_column));
    for (size_t i = 0; i < count; i++)
        g_array_append_val(job->columns, inputs[i]);
    if (!is_made(job, job->label))
        add_column(job, job->label, FEATURE_NUMBER);
    const json_t *split = json_object_get(job->specification, "split");
    const char *stratify = json_text_at(split, "stratifyBy"),
               *group = json_text_at(split, "groupBy");
    if (stratify && group)
        return error_set(error, ERROR_VALIDATION,
                         "split: stratifyBy and groupBy cannot both be given");
    const char *by = stratify ? stratify : group;
    if (by && (group || !is_made(job, by)))
        add_column(job, by, FEATURE_TEXT);
    job->by_group = group != NULL;
    job->split_column = by ? column_index(job, by) : -1;
    if (by && job->split_column < 0)
        return error_set(error, ERROR_VALIDATION,
                         "split: the column %s is made by a stage; name one of the data's", by);
    return rows_select(job->rows, (const struct feature_column *)(void *)job->columns->data,
                       job->columns->len, error);
}

/* --- dealing rows out
 * -------------------------------------------------------------------------------- */

static bool open_split(struct job *job, GError **error)
{
    const json_t *split = json_object_get(job->specification, "split");
    double shares[SPLIT_PARTS] = {1};
    size_t parts = 1;
    job->folds = (unsigned)json_integer_at(split, "folds", 0);
    job->fold = (unsigned)json_integer_at(split, "fold", 0);
    if (job->folds > SPLIT_PARTS || (job->folds && job->fold >= job->folds))
        return error_set(error, ERROR_VALIDATION,
                         "split: fold %u of %u folds: at most %d folds, counted from 0", job->fold,
                         job->folds, SPLIT_PARTS);
    if (job->folds) {
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
static bool deal(struct job *job, const struct feature_batch *batch, GError **error)
{
    guint first = job->parts->len;
    g_byte_array_set_size(job->parts, first + (guint)batch->rows);
    uint8_t *parts = job->parts->data + first;
    struct lathe_error cause;
    bool dealt = true;
    if (job->split_column < 0) {
        split_rows(job->split, batch->rows, parts);
    } else {
        const struct feature_column *column =
            &g_array_index(job->columns, struct feature_column, job->split_column);
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
static enum part part_of(const struct job *job, size_t row)
{
    return (enum part)job->parts->data[row - 1];
}

/* --- fitting
 * ----------------------------------------------------------------------------------------- */

/* Moves the rows of the train part to the front, in place: the batch's memory is ours until the
 * next is read. */
static size_t keep_train(const struct job *job, const struct feature_batch *batch)
{
    size_t kept = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        if (part_of(job, batch->first_row + row) != TRAIN)
            continue;
        for (guint c = 0; kept < row && c < job->columns->len; c++) {
            if (g_array_index(job->columns, struct feature_column, c).type == FEATURE_TEXT) {
                struct csv_text *texts = (struct csv_text *)batch->values[c].texts;
                texts[kept] = texts[row];
            } else {
                double *numbers = (double *)batch->values[c].numbers;
                numbers[kept] = numbers[row];
            }
        }
        kept++;
    }
    return kept;
}

/* One pass over all rows: the first deals them out, too. */
static bool pass(struct job *job, bool learn, GError **error)
{
    struct lathe_error cause;
    bool first = job->parts->len == 0;
    if (!rows_rewind(job->rows, error))
        return false;
    for (;;) {
        struct feature_batch batch;
        if (!rows_next(job->rows, &batch, error) || (first && !deal(job, &batch, error)))
            return false;
        if (!batch.rows)
            return true;
        if (!learn)
            continue;
        batch.rows = keep_train(job, &batch);
        if (!fit_add(job->fit, &batch, &cause))
            return error_set_lathe(error, ERROR_VALIDATION, &cause);
    }
}

static bool fit_pipeline(struct job *job, GError **error)
{
    struct lathe_error cause = {0};
    if (!fit_start(job->fit, (const struct feature_column *)(void *)job->columns->data,
                   job->columns->len, &cause))
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    unsigned passes = 0;
    for (; fit_pass(job->fit); passes++) {
        if (!pass(job, true, error))
            return false;
        if (!fit_end_pass(job->fit, &cause))
            return error_set_lathe(error, ERROR_VALIDATION, &cause);
    }
    if (!passes && !pass(job, false, error))
        return false;
    job->pipeline = fit_take(job->fit, &cause);
    if (!job->pipeline)
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    job->after = fit_take_after(job->fit, &cause);
    job_say("fitted the pipeline on %s in %u passes", "the train part", MAX(passes, 1));
    return true;
}

/* --- applying
 * ---------------------------------------------------------------------------------------- */

struct output {
    FILE *files[PARTS];
    size_t rows[PARTS];
    GString *line;
};

static bool open_outputs(const struct job *job, struct output *output, GError **error)
{
    output->line = g_string_new(NULL);
    for (int part = 0; part < PARTS; part++) {
        g_autofree char *below = g_strconcat("processing/output/", part_names[part], NULL);
        g_autofree char *folder = job_folder_path(job->folder, below);
        g_autofree char *path = g_strdup_printf("%s/%s.csv", folder, part_names[part]);
        if (!file_make_folders(folder, error))
            return false;
        output->files[part] = fopen(path, "wb");
        if (!output->files[part])
            return error_set(error, ERROR_INTERNAL, "%s cannot be written", path);
    }
    return true;
}

static bool close_outputs(const struct job *job, struct output *output, GError **error)
{
    bool closed = true;
    for (int part = 0; part < PARTS; part++) {
        if (output->files[part] && fclose(output->files[part]) != 0)
            closed = error_set(error, ERROR_INTERNAL, "the rows could not be written whole");
        if (output->rows[part] || !output->files[part])
            continue;
        g_autofree char *below =
            g_strdup_printf("processing/output/%s/%s.csv", part_names[part], part_names[part]);
        g_autofree char *path = job_folder_path(job->folder, below);
        remove(path); /* an empty channel would fail the training that reads it */
    }
    g_string_free(output->line, TRUE);
    return closed;
}

static void append_number(GString *line, double value)
{
    char text[TEXT_NUMBER];
    if (value == value) /* a missing number is an empty field */
        g_string_append_len(line, text, (gssize)text_double(text, value));
}

/* Writes the batch's rows: values[0] is the label, the rest the features. */
static bool write_rows(const struct job *job, struct output *output,
                       const struct feature_batch *batch, const struct feature_result *result,
                       size_t width, GError **error)
{
    for (size_t row = 0; row < batch->rows; row++) {
        if (result->skipped && result->skipped[row])
            continue;
        GString *line = g_string_truncate(output->line, 0);
        for (size_t i = 0; i <= width; i++) {
            if (i)
                g_string_append_c(line, ',');
            append_number(line, result->values[i].numbers[row]);
        }
        g_string_append_c(line, '\n');
        enum part part = part_of(job, batch->first_row + row);
        output->rows[part]++;
        if (fwrite(line->str, 1, line->len, output->files[part]) != line->len)
            return error_set(error, ERROR_INTERNAL, "writing the rows failed: is the disk full?");
    }
    return true;
}

static bool apply_plan(struct job *job, struct plan *plan, struct output *output, GError **error)
{
    size_t count;
    const struct feature_column *outputs = plan_outputs(plan, &count);
    g_autofree void *scratch = g_malloc(plan_scratch(plan, ROWS_BATCH));
    if (outputs[0].vector || outputs[0].type == FEATURE_TEXT)
        return error_set(error, ERROR_VALIDATION, "labelCol: %s is not a number", job->label);
    if (outputs[1].type == FEATURE_TEXT)
        return error_set(error, ERROR_VALIDATION, "featuresCol: %s is a text", job->features);
    if (!rows_rewind(job->rows, error))
        return false;
    for (;;) {
        struct feature_batch batch;
        struct feature_result result;
        struct lathe_error cause;
        if (!rows_next(job->rows, &batch, error))
            return false;
        if (!batch.rows)
            return true;
        if (!plan_apply(plan, &batch, scratch, &result, &cause))
            return error_set_lathe(error, ERROR_VALIDATION, &cause);
        if (!write_rows(job, output, &batch, &result, outputs[1].width, error))
            return false;
    }
}

static bool apply_pipeline(struct job *job, GError **error)
{
    struct lathe_error cause;
    const char *wanted[] = {job->label, job->features};
    struct plan *plan =
        plan_open(job->pipeline, (const struct feature_column *)(void *)job->columns->data,
                  job->columns->len, wanted, 2, &cause);
    if (!plan)
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    struct output output = {0};
    bool applied = open_outputs(job, &output, error) && apply_plan(job, plan, &output, error);
    applied = close_outputs(job, &output, applied ? error : NULL) && applied;
    plan_close(plan);
    for (int part = 0; applied && part < PARTS; part++)
        if (output.rows[part])
            job_say("%s: %zu rows", part_names[part], output.rows[part]);
    return applied;
}

/* --- bundles
 * ----------------------------------------------------------------------------------------- */

static bool write_bundle(const struct job *job, const struct pipeline *pipeline, const char *name,
                         GError **error)
{
    g_autofree char *below = g_strconcat("processing/output/", name, NULL);
    g_autofree char *folder = job_folder_path(job->folder, below);
    g_autofree char *unpacked = job_folder_path(job->folder, name);
    g_autofree char *archive = g_build_filename(folder, "model.tar.gz", NULL);
    struct lathe_error cause;
    if (!bundle_write_folder(pipeline, unpacked, &cause))
        return error_set_lathe(error, ERROR_INTERNAL, &cause);
    return file_make_folders(folder, error) && archive_write(unpacked, archive, error);
}

/* --- the job
 * ------------------------------------------------------------------------------------------ */

static bool run(struct job *job, GError **error)
{
    g_autofree char *data = job_folder_path(job->folder, "processing/input/data");
    return read_specification(job, error) &&
           (job->rows =
                rows_open(data, json_object_get(job->specification, "data"), job->folder, error)) &&
           choose_columns(job, error) && open_split(job, error) && fit_pipeline(job, error) &&
           apply_pipeline(job, error) && write_bundle(job, job->pipeline, "bundle", error) &&
           (!job->after || write_bundle(job, job->after, "after", error));
}

int features_main(const char *opt_ml)
{
    g_autoptr(GError) error = NULL;
    struct job job = {.folder = opt_ml, .parts = g_byte_array_new()};
    bool done = run(&job, &error);
    pipeline_close(job.pipeline);
    pipeline_close(job.after);
    fit_close(job.fit);
    split_close(job.split);
    rows_close(job.rows);
    if (job.columns)
        g_array_unref(job.columns);
    g_byte_array_unref(job.parts);
    json_decref(job.specification);
    return done ? 0 : job_fail(opt_ml, error);
}
