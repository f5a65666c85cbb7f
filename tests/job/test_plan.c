/* Plans: what layouts make of requests, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "job/layout.h"

static json_t *parsed(const char *text)
{
    GError *error = NULL;
    json_t *value = json_parse(text, strlen(text), "the test", &error);
    assert_null(error);
    return value;
}

static const struct job_input *input(const struct job_plan *plan, guint index)
{
    return g_ptr_array_index(plan->inputs, index);
}

static const struct job_output *output(const struct job_plan *plan, guint index)
{
    return g_ptr_array_index(plan->outputs, index);
}

static const json_t *file(const struct job_plan *plan, const char *path)
{
    for (guint i = 0; i < plan->files->len; i++) {
        const struct job_file *file = g_ptr_array_index(plan->files, i);
        if (strcmp(file->path, path) == 0)
            return file->value;
    }
    return NULL;
}

static void training_is_laid_out_as_in_the_container(void **state)
{
    (void)state;
    g_autoptr(json_auto) channels =
        parsed("[{\"ChannelName\": \"train\", \"ContentType\": \"text/csv\", \"DataSource\": "
               "{\"S3DataSource\": {\"S3Uri\": \"s3://b/t\", \"S3DataType\": \"S3Prefix\"}}}, "
               "{\"ChannelName\": \"other\", \"InputMode\": \"Pipe\", \"DataSource\": "
               "{\"S3DataSource\": {\"S3Uri\": \"s3://b/o\"}}}]");
    struct layout_training given = {.program = "xgboost",
                                    .image = "an/image:1",
                                    .channels = channels,
                                    .input_mode = "File",
                                    .checkpoints = "s3://b/c",
                                    .output = "s3://b/out/job/output/"};
    g_autoptr(job_plan_auto) plan = layout_training(&given);
    assert_true(job_plan_check(plan, NULL));
    assert_string_equal(plan->program, "xgboost");
    g_autoptr(json_auto) wanted =
        parsed("{\"train\": {\"TrainingInputMode\": \"File\", \"S3DistributionType\": "
               "\"FullyReplicated\", \"ContentType\": \"text/csv\"}, \"other\": "
               "{\"TrainingInputMode\": \"Pipe\", \"S3DistributionType\": \"FullyReplicated\"}}");
    assert_true(json_equal(file(plan, "input/config/inputdataconfig.json"), wanted));
    assert_int_equal(json_object_size(file(plan, "input/config/hyperparameters.json")), 0);
    assert_string_equal(input(plan, 0)->folder, "input/data/train");
    assert_string_equal(json_text_at(input(plan, 0)->source, "S3Uri"), "s3://b/t");
    assert_string_equal(input(plan, 2)->folder, "checkpoints");
    assert_true(input(plan, 2)->may_be_empty && !input(plan, 0)->may_be_empty);
    assert_int_equal(output(plan, 0)->when, JOB_OUTPUT_COMES);
    assert_string_equal(output(plan, 0)->uri, "s3://b/c");
    assert_string_equal(output(plan, 2)->folder, "model");
    assert_string_equal(output(plan, 2)->uri, "s3://b/out/job/output/model.tar.gz");
    assert_true(output(plan, 2)->archive);
}

static void channels_stay_in_their_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"..", "."};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(json_auto) channels =
            json_pack("[{sss{s{ss}}}]", "ChannelName", names[i], "DataSource", "S3DataSource",
                      "S3Uri", "s3://b/t");
        struct layout_training given = {
            .program = "xgboost", .channels = channels, .output = "s3://b/out/"};
        g_autoptr(job_plan_auto) plan = layout_training(&given);
        g_autoptr(GError) error = NULL;
        assert_false(job_plan_check(plan, &error));
        assert_int_equal(error->code, ERROR_VALIDATION);
        assert_non_null(strstr(error->message, names[i]));
    }
}

static struct job_plan *processing(const char *in, const char *out, GError **error)
{
    g_autoptr(json_auto) inputs = json_pack("[{sss{ssss}}]", "InputName", "in", "S3Input", "S3Uri",
                                            "s3://b/in", "LocalPath", in);
    g_autoptr(json_auto) outputs = json_pack("[{sss{ssss}}]", "OutputName", "out", "S3Output",
                                             "S3Uri", "s3://b/out", "LocalPath", out);
    g_autoptr(json_auto) config = json_object();
    struct layout_processing given = {
        .program = "features", .config = config, .inputs = inputs, .outputs = outputs};
    return layout_processing(&given, error);
}

static void what_a_job_writes_lies_apart_from_what_it_reads(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        bool apart;
    } cases[] = {
        {"/opt/ml/processing/in", "/opt/ml/processing/out", true},
        {"/opt/ml/processing/output2", "/opt/ml/processing/output", true},
        {"/opt/ml/processing/in/", "/opt/ml/processing/in", false},
        {"/opt/ml/processing/out/below", "/opt/ml/processing/out", false},
        {"/opt/ml/processing/in", "/opt/ml/processing/./in//below", false},
        {"/opt/ml/processing/x/../out", "/opt/ml/processing/out", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(job_plan_auto) plan = processing(cases[i].in, cases[i].out, NULL);
        g_autoptr(GError) error = NULL;
        assert_int_equal(job_plan_check(plan, &error), cases[i].apart);
        assert_true(cases[i].apart || strstr(error->message, "input in and output out overlap"));
    }
}

static void local_paths_stay_below_processing(void **state)
{
    (void)state;
    static const char *const paths[] = {"/opt/ml/processing", "/opt/ml/processing/../model", "/tmp",
                                        "processing/in", "/opt/ml/processing/../../../etc"};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(processing(paths[i], "/opt/ml/processing/out", &error));
        assert_non_null(strstr(error->message, paths[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_is_laid_out_as_in_the_container),
        cmocka_unit_test(channels_stay_in_their_folder),
        cmocka_unit_test(what_a_job_writes_lies_apart_from_what_it_reads),
        cmocka_unit_test(local_paths_stay_below_processing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
