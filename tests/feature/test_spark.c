/* Our transformers against real Spark ML: every file of spark/ but two is a pipeline, fitted and
 * applied by Spark on rows.json (tools/mleap_fixtures/spark_cases.py made them). */
#include "table.h"

#include "feature/fit.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct json *load(struct arena *arena, const char *name)
{
    char path[1024];
    struct lathe_error error = {0};
    size_t size;
    snprintf(path, sizeof path, "%s/spark/%s", TEST_FOLDER, name);
    char *bytes = table_file(path, &size);
    assert_non_null(bytes);
    struct json *json = json_read(arena, bytes, size, &error);
    free(bytes);
    if (!json)
        fail_msg("%s: %s", name, error.message);
    return json;
}

/* Feeds the rows in batches of `piece`, until no further pass is needed. */
static bool learn(struct fit *fit, const struct table *table, size_t piece,
                  struct lathe_error *error)
{
    union feature_values *values = calloc(table->value_count, sizeof *values);
    bool learned = fit_start(fit, table->columns, table->column_count, error);
    while (learned && fit_pass(fit)) {
        for (size_t from = 0; learned && from < table->rows; from += piece) {
            size_t value = 0;
            for (size_t c = 0; c < table->column_count; c++)
                for (size_t e = 0; e < table->columns[c].width; e++, value++) {
                    values[value] = table->batch.values[value];
                    if (table->columns[c].type == FEATURE_TEXT)
                        values[value].texts += from;
                    else
                        values[value].numbers += from;
                }
            size_t rows = table->rows - from < piece ? table->rows - from : piece;
            struct feature_batch batch = {.rows = rows, .first_row = from + 1, .values = values};
            learned = fit_add(fit, &batch, error);
        }
        learned = learned && fit_end_pass(fit, error);
    }
    free(values);
    return learned;
}

/* However little is asked for: the same rows are refused, with the same words, and what is asked
 * for has the same values. */
static void check_narrowed(const char *name, struct plan *plan, const struct table *table,
                           const struct feature_result *whole, const struct lathe_error *refused)
{
    size_t count, width = 0;
    const struct feature_column *outputs = plan_outputs(plan, &count);
    for (size_t i = 0; i < count; i++)
        width += outputs[i].width;
    bool *asked = calloc(width + 1, sizeof *asked);
    size_t size = plan_scratch(plan, table->rows);
    void *scratch = malloc(size);
    for (size_t step = 1; step <= width + 1; step++) {
        for (size_t i = 0; i < width; i++)
            asked[i] = (i + 1) % step == 0; /* all, every second, ..., the last, none */
        memset(scratch, 0xff, size);
        plan_narrow(plan, asked);
        struct lathe_error error = {0};
        struct feature_result result;
        if (plan_apply(plan, &table->batch, scratch, &result, &error) == (refused != NULL))
            fail_msg("%s: narrowed, rows are %s", name, refused ? "not refused" : error.message);
        if (refused) {
            assert_string_equal(error.message, refused->message);
            continue;
        }
        assert_int_equal(result.kept, whole->kept);
        size_t value = 0;
        for (size_t i = 0; i < count; i++)
            for (size_t e = 0; e < outputs[i].width; e++, value++) {
                if (asked[value] != (result.values[value].numbers != NULL))
                    fail_msg("%s: value %zu is not as asked", name, value);
                for (size_t row = 0; asked[value] && row < table->rows; row++) {
                    if (result.skipped && result.skipped[row])
                        continue;
                    if (outputs[i].type == FEATURE_TEXT)
                        assert_ptr_equal(result.values[value].texts[row].bytes,
                                         whole->values[value].texts[row].bytes);
                    else
                        assert_memory_equal(&result.values[value].numbers[row],
                                            &whole->values[value].numbers[row], sizeof(double));
                }
            }
    }
    free(asked);
    free(scratch);
}

static void check_rows(const char *name, const struct pipeline *pipeline, const struct table *table,
                       const struct json *wanted_list, const struct json *expected)
{
    const char *wanted[16];
    size_t count = 0;
    struct lathe_error error = {0};
    for (const struct json *column = wanted_list->first; column; column = column->next)
        wanted[count++] = column->string;
    struct plan *plan =
        plan_open(pipeline, table->columns, table->column_count, wanted, count, &error);
    if (!plan)
        fail_msg("%s: %s", name, error.message);
    void *scratch = malloc(plan_scratch(plan, table->rows));
    struct feature_result result;
    bool applied = plan_apply(plan, &table->batch, scratch, &result, &error);
    if (json_member(expected, "error")) {
        if (applied)
            fail_msg("%s: Spark fails on these rows, we do not", name);
        if (error.code != LATHE_INVALID_DATA || !strstr(error.message, "row "))
            fail_msg("%s: the error names no row: %s", name, error.message);
    } else {
        if (!applied)
            fail_msg("%s: %s", name, error.message);
        if (!table_matches(plan, &result, table->rows, json_member(expected, "columns"), 0))
            fail_msg("%s: not what Spark makes of it", name);
    }
    check_narrowed(name, plan, table, &result, applied ? NULL : &error);
    free(scratch);
    plan_close(plan);
}

static void check_case(const char *name, const struct table *fit_rows, const struct table *new_rows,
                       size_t piece)
{
    struct arena arena = {0};
    struct lathe_error error = {0};
    const struct json *test = load(&arena, name);
    const struct json *specification = json_member(test, "specification");
    struct fit *fit = fit_open(specification->string, specification->size, &error);
    if (!fit || !learn(fit, fit_rows, piece, &error))
        fail_msg("%s: %s", name, error.message);
    struct pipeline *pipeline = fit_take(fit, &error);
    fit_close(fit);
    if (!pipeline)
        fail_msg("%s: %s", name, error.message);
    check_rows(name, pipeline, fit_rows, json_member(test, "wanted"), json_member(test, "fit"));
    check_rows(name, pipeline, new_rows, json_member(test, "wanted"), json_member(test, "new"));
    pipeline_close(pipeline);
    arena_free(&arena);
}

static void test_every_case(void **state)
{
    (void)state;
    char path[1024];
    size_t cases = 0;
    struct table fit_rows = {0}, new_rows = {0};
    const struct json *rows = load(&fit_rows.arena, "rows.json");
    table_open(&fit_rows, json_member(rows, "fit"));
    table_open(&new_rows, json_member(rows, "new"));
    snprintf(path, sizeof path, "%s/spark", TEST_FOLDER);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "rows.json") == 0 ||
            strcmp(entry->d_name, "medians.json") == 0)
            continue;
        check_case(entry->d_name, &fit_rows, &new_rows, 1000);
        check_case(entry->d_name, &fit_rows, &new_rows, 5); /* the pieces must not show */
        cases++;
    }
    closedir(folder);
    assert_true(cases >= 40);
    table_close(&fit_rows);
    table_close(&new_rows);
}

/* Approximate medians: Spark's own answers, for more values than its buffers hold. */
static void test_medians(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct json *medians = json_member(load(&arena, "medians.json"), "medians");
    for (const struct json *test = medians->first; test; test = test->next) {
        struct lathe_error error = {0};
        char specification[256];
        size_t rows = (size_t)json_member(test, "rows")->number;
        snprintf(specification, sizeof specification,
                 "{\"stages\": [{\"type\": \"Imputer\", \"inputCol\": \"x\", \"outputCol\": \"z\", "
                 "\"strategy\": \"median\", \"relativeError\": %g}]}",
                 json_member(test, "relativeError")->number);
        double *values = malloc(rows * sizeof *values);
        uint64_t number = rows;
        for (size_t i = 0; i < rows; i++) {
            number = number * 6364136223846793005u + 1442695040888963407u;
            values[i] = (double)((number >> 33) % 100000) / 8;
        }
        struct fit *fit = fit_open(specification, strlen(specification), &error);
        assert_non_null(fit);
        assert_true(fit_start(fit, NULL, 0, &error));
        union feature_values column = {.numbers = values};
        struct feature_batch batch = {.rows = rows, .first_row = 1, .values = &column};
        assert_true(fit_add(fit, &batch, &error));
        assert_true(fit_end_pass(fit, &error));
        assert_false(fit_pass(fit));
        struct pipeline *pipeline = fit_take(fit, &error);
        assert_non_null(pipeline);
        size_t count;
        double median = pipeline_stages(pipeline, &count)->of.imputer.surrogate;
        if (median != json_member(test, "median")->number)
            fail_msg("%zu rows: %.17g, and Spark has %.17g", rows, median,
                     json_member(test, "median")->number);
        pipeline_close(pipeline);
        fit_close(fit);
        free(values);
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_case),
        cmocka_unit_test(test_medians),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
