/* feature_apply: the transformers from the command line, for the Python tests of this room.
 *
 *   feature_apply fit SPECIFICATION.json ROWS.json BUNDLE.zip COLUMN...
 *   feature_apply open BUNDLE ROWS.json COLUMN...
 *
 * Fits on the rows and writes the bundle, or reads it; then prints the columns of the transformed
 * rows as JSON, or {"error": ...}. ROWS.json as table.h has it, under "columns". */
#include "table.h"

#include "feature/bundle.h"
#include "feature/fit.h"

static int fail_with(const struct lathe_error *error)
{
    struct json_out out = {0};
    out_open(&out, NULL, '{');
    out_text(&out, "error", error->message, strlen(error->message));
    out_close(&out, '}');
    printf("%.*s\n", (int)out.size, out.bytes);
    free(out.bytes);
    return 1;
}

static struct pipeline *fit_rows(const char *path, const struct table *rows, const char *bundle,
                                 struct lathe_error *error)
{
    size_t size;
    char *json = table_file(path, &size);
    struct fit *fit = json ? fit_open(json, size, error) : NULL;
    free(json);
    bool fitted = fit && fit_start(fit, rows->columns, rows->column_count, error);
    while (fitted && fit_pass(fit))
        fitted = fit_add(fit, &rows->batch, error) && fit_end_pass(fit, error);
    struct pipeline *pipeline = fitted ? fit_take(fit, error) : NULL;
    fit_close(fit);
    void *bytes;
    if (!pipeline || !bundle_write_zip(pipeline, &bytes, &size, error)) {
        pipeline_close(pipeline);
        return NULL;
    }
    FILE *file = fopen(bundle, "wb");
    if (file) {
        fwrite(bytes, 1, size, file);
        fclose(file);
    }
    free(bytes);
    return pipeline;
}

static void put_value(struct json_out *out, enum feature_type type, union feature_values values,
                      size_t row)
{
    if (type == FEATURE_TEXT) {
        struct csv_text text = values.texts[row];
        if (text.bytes)
            out_text(out, NULL, text.bytes, text.size);
        else
            out_number(out, NULL, NAN);
        return;
    }
    double number = values.numbers[row];
    if (isfinite(number))
        out_number(out, NULL, number);
    else if (isnan(number))
        out_text(out, NULL, "NaN", 3);
    else
        out_text(out, NULL, number > 0 ? "Infinity" : "-Infinity", number > 0 ? 8 : 9);
}

static void print_columns(const struct plan *plan, const struct feature_result *result, size_t rows)
{
    size_t count;
    const struct feature_column *columns = plan_outputs(plan, &count);
    const union feature_values *values = result->values;
    struct json_out out = {0};
    out_open(&out, NULL, '[');
    for (size_t c = 0; c < count; values += columns[c].width, c++) {
        out_open(&out, NULL, '{');
        out_text(&out, "name", columns[c].name, strlen(columns[c].name));
        out_open(&out, "values", '[');
        for (size_t row = 0; row < rows; row++) {
            if (result->skipped && result->skipped[row])
                continue;
            if (columns[c].vector)
                out_open(&out, NULL, '[');
            for (size_t e = 0; e < columns[c].width; e++)
                put_value(&out, columns[c].type, values[e], row);
            if (columns[c].vector)
                out_close(&out, ']');
        }
        out_close(&out, ']');
        out_close(&out, '}');
    }
    out_close(&out, ']');
    printf("%.*s\n", (int)out.size, out.bytes);
    free(out.bytes);
}

static int apply(const struct pipeline *pipeline, const struct table *rows,
                 const char *const *wanted, size_t count)
{
    struct lathe_error error = {0};
    struct plan *plan =
        plan_open(pipeline, rows->columns, rows->column_count, wanted, count, &error);
    if (!plan)
        return fail_with(&error);
    void *scratch = malloc(plan_scratch(plan, rows->rows));
    struct feature_result result;
    bool applied = plan_apply(plan, &rows->batch, scratch, &result, &error);
    if (applied)
        print_columns(plan, &result, rows->rows);
    free(scratch);
    plan_close(plan);
    return applied ? 0 : fail_with(&error);
}

int main(int count, char **arguments)
{
    bool fits = count > 5 && strcmp(arguments[1], "fit") == 0;
    if (!fits && !(count > 4 && strcmp(arguments[1], "open") == 0)) {
        fprintf(stderr, "usage: feature_apply fit SPECIFICATION ROWS BUNDLE COLUMN...\n"
                        "       feature_apply open BUNDLE ROWS COLUMN...\n");
        return 2;
    }
    struct lathe_error error = {0};
    struct table rows = {0};
    size_t size;
    char *bytes = table_file(arguments[3], &size);
    const struct json *json = bytes ? json_read(&rows.arena, bytes, size, &error) : NULL;
    free(bytes);
    if (!json_member(json, "columns"))
        return fail_with(&error);
    table_open(&rows, json_member(json, "columns"));
    struct pipeline *pipeline = fits ? fit_rows(arguments[2], &rows, arguments[4], &error)
                                     : bundle_open(arguments[2], &error);
    int first = fits ? 5 : 4;
    int status = pipeline ? apply(pipeline, &rows, (const char *const *)arguments + first,
                                  (size_t)(count - first))
                          : fail_with(&error);
    pipeline_close(pipeline);
    table_close(&rows);
    return status;
}
