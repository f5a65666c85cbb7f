/* What AWS's hosts' names say: names as AWS's documentation and botocore's endpoints write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "proxy/aws_host.h"

static void which_names_are_aws(void **state)
{
    (void)state;
    static const char *const ours[] = {"sts.amazonaws.com", "a.b.amazonaws.com.cn",
                                       "sagemaker.us-east-1.api.aws",
                                       "x.studio.us-east-1.sagemaker.aws"};
    static const char *const others[] = {
        "amazonaws.com",  "xamazonaws.com", "amazonaws.com.evil.x", "sts.amazonaws.comx",
        ".amazonaws.com", "aws.amazon.com", "example.com",          "api.aws"};
    for (size_t i = 0; i < G_N_ELEMENTS(ours); i++)
        assert_true(aws_host_is(ours[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        assert_false(aws_host_is(others[i]));
}

static void services_regions_and_buckets(void **state)
{
    (void)state;
    static const struct {
        const char *name, *service, *region, *bucket;
    } cases[] = {
        {"sts.us-east-1.amazonaws.com", "sts", "us-east-1", ""},
        {"sts.amazonaws.com", "sts", "", ""},
        {"sts-fips.us-gov-west-1.amazonaws.com", "sts", "us-gov-west-1", ""},
        {"iam.amazonaws.com", "iam", "", ""},
        {"api.sagemaker.eu-west-1.amazonaws.com", "sagemaker", "eu-west-1", ""},
        {"runtime.sagemaker.cn-north-1.amazonaws.com.cn", "sagemaker", "cn-north-1", ""},
        {"metrics.sagemaker.us-east-1.amazonaws.com", "sagemaker", "us-east-1", ""},
        {"sagemaker.us-east-1.api.aws", "sagemaker", "us-east-1", ""},
        {"t-1.us-east-1.experiments.sagemaker.aws", "sagemaker", "us-east-1", ""},
        {"monitoring.ap-southeast-2.amazonaws.com", "monitoring", "ap-southeast-2", ""},
        {"api.ecr.us-east-1.amazonaws.com", "ecr", "us-east-1", ""},
        {"us-east-1.queue.amazonaws.com", "sqs", "us-east-1", ""},
        {"queue.amazonaws.com", "sqs", "", ""},
        {"s3.amazonaws.com", "s3", "", ""},
        {"s3.us-west-2.amazonaws.com", "s3", "us-west-2", ""},
        {"s3-eu-west-1.amazonaws.com", "s3", "eu-west-1", ""},
        {"s3.dualstack.us-west-2.amazonaws.com", "s3", "us-west-2", ""},
        {"rows.s3.amazonaws.com", "s3", "", "rows"},
        {"rows.s3.us-west-2.amazonaws.com", "s3", "us-west-2", "rows"},
        {"rows.s3-us-west-2.amazonaws.com", "s3", "us-west-2", "rows"},
        {"rows.s3.dualstack.us-west-2.amazonaws.com", "s3", "us-west-2", "rows"},
        {"rows.s3-fips.us-east-1.amazonaws.com", "s3", "us-east-1", "rows"},
        {"rows.s3-accelerate.amazonaws.com", "s3", "", "rows"},
        {"my.rows.2024.s3.eu-central-1.amazonaws.com", "s3", "eu-central-1", "my.rows.2024"},
        {"a.s3.b.s3.us-east-1.amazonaws.com", "s3", "us-east-1", "a.s3.b"},
        {"sagemaker-us-east-1-000000000000.s3.us-east-1.amazonaws.com", "s3", "us-east-1",
         "sagemaker-us-east-1-000000000000"},
        {"1.s3-control.us-east-1.amazonaws.com", "s3-control", "us-east-1", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct aws_host host;
        aws_host_read(cases[i].name, &host);
        assert_string_equal(host.service, cases[i].service);
        assert_string_equal(host.region, cases[i].region);
        assert_string_equal(host.bucket, cases[i].bucket);
        assert_false(host.is_telemetry);
    }
}

static void hosts_of_telemetry(void **state)
{
    (void)state;
    struct aws_host host;
    aws_host_read("sm-pysdk-t-us-east-1.s3.us-east-1.amazonaws.com", &host);
    assert_true(host.is_telemetry);
    aws_host_read("dev-exp-t-eu-west-1.s3.eu-west-1.amazonaws.com", &host);
    assert_true(host.is_telemetry);
    aws_host_read("sm-pysdk-t-us-east-1.sts.us-east-1.amazonaws.com", &host);
    assert_false(host.is_telemetry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_names_are_aws),
        cmocka_unit_test(services_regions_and_buckets),
        cmocka_unit_test(hosts_of_telemetry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
