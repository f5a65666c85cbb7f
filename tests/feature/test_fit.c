/* Specifications that are wrong, and how the error says so; passes; numbers as texts. */
#include "table.h"

#include "feature/bundle.h"
#include "feature/fit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void refuse(const char *json, enum lathe_code code, const char *says)
{
    struct lathe_error error = {0};
    struct fit *fit = fit_open(json, strlen(json), &error);
    if (fit)
        fail_msg("%s is taken, where \"%s\" was due", json, says);
    if (!strstr(error.message, says))
        fail_msg("%s: \"%s\", and not \"%s\"", json, error.message, says);
    assert_int_equal(error.code, code);
}

#define STAGE(text) "{\"stages\": [{" text "}]}"
#define INDEXER "\"type\": \"StringIndexer\", \"inputCol\": \"a\", \"outputCol\": \"b\""
#define NUMBER_MAP "\"type\": \"NumberMap\", \"inputCol\": \"x\", \"outputCol\": \"b\""
#define BINARY "\"type\": \"MathBinary\", \"outputCol\": \"b\""

static void test_refused(void **state)
{
    (void)state;
    refuse("", LATHE_INVALID_DATA, "specification: ");
    refuse("[]", LATHE_INVALID_MODEL, "must be an object with a list of \"stages\"");
    refuse("{}", LATHE_INVALID_MODEL, "needs at least one stage");
    refuse("{\"stages\": [], \"step\": []}", LATHE_INVALID_MODEL, "has no \"step\"");
    refuse("{\"stages\": [3]}", LATHE_INVALID_MODEL, "stage 1 is a number");
    refuse(STAGE("\"inputCol\": \"a\""), LATHE_INVALID_MODEL, "stage 1: its type is nothing");
    refuse(STAGE("\"type\": \"StringIndexr\""), LATHE_UNSUPPORTED,
           "did you mean \"StringIndexer\"?");
    refuse(STAGE(INDEXER ", \"handleinvalid\": \"keep\""), LATHE_INVALID_MODEL,
           "stage 1 (StringIndexer) has no parameter \"handleinvalid\"; did you mean "
           "\"handleInvalid\"?");
    refuse(STAGE(INDEXER ", \"handleInvalid\": \"keeep\""), LATHE_INVALID_MODEL,
           "handleInvalid is \"keeep\"; did you mean \"keep\"?");
    refuse(STAGE(INDEXER ", \"stringOrderType\": 7"), LATHE_INVALID_MODEL,
           "stringOrderType is a number, and must be a text");
    refuse(STAGE(INDEXER ", \"inputCols\": [\"c\"]"), LATHE_INVALID_MODEL,
           "has both inputCol and inputCols");
    refuse(STAGE("\"type\": \"StringIndexer\", \"inputCols\": [\"a\", \"c\"], \"outputCols\": "
                 "[\"b\"]"),
           LATHE_INVALID_MODEL, "2 input columns and 1 output columns");
    refuse(STAGE("\"type\": \"OneHotEncoder\", \"inputCol\": \"a\", \"outputCol\": \"b\", "
                 "\"handleInvalid\": \"skip\""),
           LATHE_INVALID_MODEL, "must be \"error\" or \"keep\"");
    refuse(STAGE("\"type\": \"Bucketizer\", \"inputCol\": \"a\", \"outputCol\": \"b\", "
                 "\"splits\": [0, 2, 1]"),
           LATHE_INVALID_MODEL, "split 3 is 1 after 2");
    refuse(STAGE("\"type\": \"Bucketizer\", \"inputCol\": \"a\", \"outputCol\": \"b\", "
                 "\"splits\": [0, 2]"),
           LATHE_INVALID_MODEL, "has 2 splits, and needs at least 3");
    refuse(STAGE("\"type\": \"MinMaxScaler\", \"inputCol\": \"a\", \"outputCol\": \"b\", \"min\": "
                 "1"),
           LATHE_INVALID_MODEL, "min is 1, and must be below max");
    refuse(STAGE(BINARY ", \"operation\": \"add\", \"inputA\": \"a\""), LATHE_INVALID_MODEL,
           "needs inputB (a column) or db (a number)");
    refuse(STAGE(BINARY ", \"operation\": \"plus\", \"inputA\": \"a\", \"db\": 1"),
           LATHE_INVALID_MODEL, "operation is \"plus\"");
    refuse(STAGE("\"type\": \"MathUnary\", \"inputCol\": \"a\", \"outputCol\": \"b\", "
                 "\"operation\": \"add\""),
           LATHE_INVALID_MODEL, "operation is \"add\"");
    refuse(STAGE(NUMBER_MAP ", \"values\": [1]"), LATHE_INVALID_MODEL, "needs keys");
    refuse(STAGE(NUMBER_MAP ", \"keys\": [1, 2], \"values\": [1]"), LATHE_INVALID_MODEL,
           "has 2 keys and 1 values");
    refuse(STAGE(NUMBER_MAP ", \"keys\": [1, 1], \"values\": [1, 2]"), LATHE_INVALID_MODEL,
           "key 2 is 1 after 1");
    refuse(STAGE(NUMBER_MAP ", \"keys\": [\"a\"], \"values\": [1]"), LATHE_INVALID_MODEL,
           "keys is a text (\"a\"), and must be a list of numbers");
    refuse(STAGE(NUMBER_MAP ", \"keys\": [], \"values\": [], \"handleInvalid\": \"skip\""),
           LATHE_INVALID_MODEL, "must be \"error\" or \"keep\"");
    refuse(STAGE("\"type\": \"OneHotEncoder\", \"inputCol\": \"a\", \"outputCol\": \"b\", "
                 "\"categorySizes\": [1, 2]"),
           LATHE_INVALID_MODEL, "a list of one whole number a column");
    refuse(STAGE("\"type\": \"OneHotEncoder\", \"inputCol\": \"a\", \"outputCol\": \"b\", "
                 "\"categorySizes\": [1.5]"),
           LATHE_INVALID_MODEL, "a list of one whole number a column");
    refuse("{\"stages\": [{" INDEXER "}, {\"type\": \"MathUnary\", \"operation\": \"abs\", "
           "\"inputCol\": \"c\", \"outputCol\": \"b\"}]}",
           LATHE_INVALID_MODEL, "makes column 'b', which stage 1 makes already");
    refuse("{\"stages\": [{" INDEXER "}, {\"type\": \"MathUnary\", \"operation\": \"abs\", "
           "\"inputCol\": \"b\", \"outputCol\": \"a\"}]}",
           LATHE_INVALID_MODEL, "makes column 'a', which stage 1 has already read");
}

/* Fits on three rows of a (text) and x (number); the error of whichever step fails. */
static struct pipeline *fit_small(const char *json, size_t *passes, struct pipeline **after,
                                  struct lathe_error *error)
{
    const struct csv_text a[] = {text_of("p", 1), text_of("q", 1), text_of("p", 1)};
    const double x[] = {1, 2, 6};
    const union feature_values values[] = {{.texts = a}, {.numbers = x}};
    const struct feature_column columns[] = {{"a", FEATURE_TEXT, false, 1},
                                             {"x", FEATURE_NUMBER, false, 1}};
    const struct feature_batch batch = {.rows = 3, .first_row = 1, .values = values};
    struct fit *fit = fit_open(json, strlen(json), error);
    bool fitted = fit && fit_start(fit, columns, 2, error);
    for (*passes = 0; fitted && fit_pass(fit); ++*passes)
        fitted = fit_add(fit, &batch, error) && fit_end_pass(fit, error);
    struct pipeline *pipeline = fitted ? fit_take(fit, error) : NULL;
    if (after)
        *after = fitted ? fit_take_after(fit, error) : NULL;
    fit_close(fit);
    return pipeline;
}

static void test_fits_refused(void **state)
{
    static const struct {
        const char *json, *says;
    } CASES[] = {
        {STAGE("\"type\": \"StringIndexer\", \"inputCol\": \"z\", \"outputCol\": \"b\""), "'z'"},
        {STAGE("\"type\": \"Imputer\", \"inputCol\": \"a\", \"outputCol\": \"b\""),
         "reads numbers, and column 'a' has texts"},
        {STAGE("\"type\": \"StandardScaler\", \"inputCol\": \"x\", \"outputCol\": \"b\""),
         "put a VectorAssembler before it"},
        {STAGE("\"type\": \"OneHotEncoder\", \"inputCol\": \"a\", \"outputCol\": \"b\""),
         "has texts"},
        {STAGE("\"type\": \"IndexToString\", \"inputCol\": \"x\", \"outputCol\": \"b\""),
         "has no labels"},
        {"{\"stages\": [{" INDEXER "}], \"after\": [{\"type\": \"Imputer\", \"inputCol\": "
         "\"prediction\", \"outputCol\": \"c\"}]}",
         "has to learn from rows, and there are none"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct lathe_error error = {0};
        size_t passes;
        struct pipeline *pipeline = fit_small(CASES[i].json, &passes, NULL, &error);
        if (pipeline)
            fail_msg("%s is taken", CASES[i].json);
        if (!strstr(error.message, CASES[i].says))
            fail_msg("\"%s\", and not \"%s\"", error.message, CASES[i].says);
    }
}

/* What does not depend on each other is learned in one pass. */
static void test_passes(void **state)
{
    (void)state;
    struct lathe_error error = {0};
    size_t passes;
    struct pipeline *pipeline =
        fit_small("{\"stages\": [{" INDEXER "},"
                  "{\"type\": \"OneHotEncoder\", \"inputCol\": \"b\", \"outputCol\": \"h\"},"
                  "{\"type\": \"Imputer\", \"inputCol\": \"x\", \"outputCol\": \"i\"},"
                  "{\"type\": \"VectorAssembler\", \"inputCols\": [\"x\"], \"outputCol\": \"v\"},"
                  "{\"type\": \"MinMaxScaler\", \"inputCol\": \"v\", \"outputCol\": \"m\"}]}",
                  &passes, NULL, &error);
    assert_non_null(pipeline);
    assert_int_equal(passes, 1);
    pipeline_close(pipeline);
    pipeline = fit_small("{\"stages\": ["
                         "{\"type\": \"Imputer\", \"inputCol\": \"x\", \"outputCol\": \"i\"},"
                         "{\"type\": \"VectorAssembler\", \"inputCols\": [\"i\"], \"outputCol\": "
                         "\"v\"},"
                         "{\"type\": \"MinMaxScaler\", \"inputCol\": \"v\", \"outputCol\": "
                         "\"m\"}]}",
                         &passes, NULL, &error);
    assert_non_null(pipeline);
    assert_int_equal(passes, 2);
    pipeline_close(pipeline);
    pipeline = fit_small(STAGE(BINARY ", \"operation\": \"add\", \"inputA\": \"x\", \"db\": 1"),
                         &passes, NULL, &error);
    assert_non_null(pipeline);
    assert_int_equal(passes, 0);
    pipeline_close(pipeline);
}

/* Maps that take what is missing, and stages that were told what others learn: no row is needed,
 * and a bundle keeps all of it. */
static void test_told(void **state)
{
    (void)state;
    struct lathe_error error = {0};
    size_t passes, size;
    void *bytes;
    struct pipeline *told = fit_small(
        "{\"schema\": \"{}\", \"stages\": ["
        "{\"type\": \"StringMap\", \"inputCol\": \"a\", \"outputCol\": \"s\", \"labels\": "
        "{\"q\": 7}, \"handleInvalid\": \"keep\", \"missingValue\": -2},"
        "{\"type\": \"NumberMap\", \"inputCol\": \"x\", \"outputCol\": \"n\", \"keys\": "
        "[-0.5, 0, 6], \"values\": [1, 2, \"NaN\"], \"missingValue\": 4},"
        "{\"type\": \"Imputer\", \"inputCol\": \"x\", \"outputCol\": \"i\", \"surrogate\": -3},"
        "{\"type\": \"OneHotEncoder\", \"inputCol\": \"n\", \"outputCol\": \"h\", "
        "\"categorySizes\": [5], \"handleInvalid\": \"keep\"},"
        "{\"type\": \"VectorAssembler\", \"inputCols\": [\"x\", \"s\", \"i\", \"h\"], "
        "\"outputCol\": \"v\", \"handleInvalid\": \"keep\", \"exact\": true}]}",
        &passes, NULL, &error);
    if (!told)
        fail_msg("%s", error.message);
    assert_int_equal(passes, 0);
    assert_true(bundle_write_zip(told, &bytes, &size, &error));
    struct pipeline *read = bundle_read(bytes, size, &error);
    if (!read)
        fail_msg("%s", error.message);
    assert_string_equal(pipeline_schema(read), "{}");
    struct plan *plan = plan_open(read, NULL, 0, NULL, 0, &error);
    assert_non_null(plan);
    const struct csv_text a[] = {text_of("q", 1), text_of(NULL, 0), text_of("p", 1)};
    const double x[] = {-0.0, NAN, 6};
    const union feature_values values[] = {{.texts = a}, {.numbers = x}};
    const struct feature_batch batch = {.rows = 3, .values = values};
    struct feature_result result;
    void *scratch = malloc(plan_scratch(plan, 3));
    if (!plan_apply(plan, &batch, scratch, &result, &error))
        fail_msg("%s", error.message);
    assert_true(signbit(result.values[0].numbers[0]));
    assert_float_equal(result.values[1].numbers[0], 7, 0);
    assert_float_equal(result.values[1].numbers[1], -2, 0);
    assert_float_equal(result.values[1].numbers[2], 0, 0);
    assert_float_equal(result.values[2].numbers[1], -3, 0);
    assert_float_equal(result.values[3 + 2].numbers[0], 1, 0);
    assert_float_equal(result.values[3 + 4].numbers[1], 1, 0);
    free(scratch);
    plan_close(plan);
    pipeline_close(read);
    pipeline_close(told);
    free(bytes);
}

/* Labels learned from the rows decode what a model predicts; and a prediction needs no label. */
static void test_after(void **state)
{
    (void)state;
    struct lathe_error error = {0};
    size_t passes;
    struct pipeline *after = NULL;
    struct pipeline *pipeline =
        fit_small("{\"stages\": [{" INDEXER "}, {\"type\": \"VectorAssembler\", \"inputCols\": "
                  "[\"x\"], \"outputCol\": \"v\"}], \"after\": [{\"type\": \"IndexToString\", "
                  "\"inputCol\": \"prediction\", \"outputCol\": \"class\", \"labelsFrom\": "
                  "\"b\"}]}",
                  &passes, &after, &error);
    if (!pipeline || !after)
        fail_msg("%s", error.message);
    struct plan *plan = plan_open(after, NULL, 0, NULL, 0, &error);
    assert_non_null(plan);
    double predictions[] = {1, 0, NAN};
    union feature_values value = {.numbers = predictions};
    struct feature_batch batch = {.rows = 3, .first_row = 1, .values = &value};
    struct feature_result result;
    void *scratch = malloc(plan_scratch(plan, 3));
    assert_true(plan_apply(plan, &batch, scratch, &result, &error));
    assert_memory_equal(result.values[0].texts[0].bytes, "q", 1);
    assert_memory_equal(result.values[0].texts[1].bytes, "p", 1);
    assert_null(result.values[0].texts[2].bytes);
    predictions[1] = 2;
    assert_false(plan_apply(plan, &batch, scratch, &result, &error));
    assert_non_null(strstr(error.message, "row 2, column 'prediction': found 2, expected an index"
                                          " from 0 to 1"));
    free(scratch);
    plan_close(plan);
    const struct feature_column only_x = {"x", FEATURE_NUMBER, false, 1};
    const char *features = "v";
    plan = plan_open(pipeline, &only_x, 1, &features, 1, &error);
    if (!plan)
        fail_msg("%s", error.message);
    plan_close(plan);
    const char *label = "b";
    assert_null(plan_open(pipeline, &only_x, 1, &label, 1, &error));
    assert_non_null(strstr(error.message, "needs column 'a' to make 'b'"));
    pipeline_close(pipeline);
    pipeline_close(after);
}

/* What a row's error says. */
static void test_unknown_category(void **state)
{
    (void)state;
    struct lathe_error error = {0};
    size_t passes;
    struct pipeline *pipeline = fit_small(STAGE(INDEXER), &passes, NULL, &error);
    assert_non_null(pipeline);
    struct plan *plan = plan_open(pipeline, NULL, 0, NULL, 0, &error);
    assert_non_null(plan);
    const struct csv_text texts[] = {text_of("p", 1), text_of("zebra", 5)};
    union feature_values value = {.texts = texts};
    struct feature_batch batch = {.rows = 2, .first_row = 41, .values = &value};
    struct feature_result result;
    void *scratch = malloc(plan_scratch(plan, 2));
    assert_false(plan_apply(plan, &batch, scratch, &result, &error));
    assert_string_equal(error.message, "row 42, column 'a': found \"zebra\", expected one of \"p\","
                                       " \"q\"; or set handleInvalid to \"keep\" or \"skip\" "
                                       "[stage 1 (StringIndexer of 'a')]");
    free(scratch);
    plan_close(plan);
    pipeline_close(pipeline);
}

/* Java's Double.toString, by its documentation and JDK 19's shortest digits. */
static void test_numbers_as_text(void **state)
{
    static const struct {
        double value;
        const char *text;
    } CASES[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-12.5, "-12.5"},
        {0.001, "0.001"},
        {0.0009, "9.0E-4"},
        {9999999, "9999999.0"},
        {1e7, "1.0E7"},
        {1.5e300, "1.5E300"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {123456789.25, "1.2345678925E8"},
        {2e-3, "0.002"},
        {100, "100.0"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {NAN, "NaN"},
        {4.35, "4.35"},
        {9007199254740993.0, "9.007199254740992E15"},
    };
    char text[TEXT_NUMBER];
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        size_t size = text_double(text, CASES[i].value);
        assert_string_equal(text, CASES[i].text);
        assert_int_equal(size, strlen(text));
    }
    text_integer(text, 4);
    assert_string_equal(text, "4");
    text_integer(text, -12345678901.0);
    assert_string_equal(text, "-12345678901");
}

/* A scaler that is told to do neither changes nothing, and the bundle that has it can be opened. */
static void test_scaler_of_neither(void **state)
{
    (void)state;
    struct lathe_error error = {0};
    size_t passes, size;
    void *zip = NULL;
    struct pipeline *pipeline = fit_small(
        "{\"stages\": [{\"type\": \"VectorAssembler\", \"inputCols\": [\"x\"], \"outputCol\": "
        "\"v\"}, {\"type\": \"StandardScaler\", \"inputCol\": \"v\", \"outputCol\": \"s\", "
        "\"withStd\": false}]}",
        &passes, NULL, &error);
    assert_non_null(pipeline);
    assert_true(bundle_write_zip(pipeline, &zip, &size, &error));
    struct pipeline *again = bundle_read(zip, size, &error);
    if (!again)
        fail_msg("%s", error.message);
    pipeline_close(again);
    pipeline_close(pipeline);
    free(zip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scaler_of_neither),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_fits_refused),
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_after),
        cmocka_unit_test(test_unknown_category),
        cmocka_unit_test(test_numbers_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
