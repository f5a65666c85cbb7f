/* Refusals in AWS's words. The sentences are AWS's own, as its services answer them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "operation/validate.h"

static struct patterns *patterns;

static json_t *validate(const char *service, const char *operation, const char *request,
                        GError **error)
{
    const struct shape_service *shape = shape_service_find(service);
    assert_non_null(shape);
    const struct shape_operation *found = shape_operation_find(shape, operation);
    assert_non_null(found);
    g_autoptr(json_auto) value = json_loads(request, 0, NULL);
    assert_non_null(value);
    return validate_request(patterns, shape, found, value, error);
}

static void refused(const char *service, const char *operation, const char *request,
                    enum error_code code, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_auto) normal = validate(service, operation, request, &error);
    assert_null(normal);
    assert_string_equal(error->message, message);
    assert_int_equal(error->code, code);
}

static void accepted(const char *service, const char *operation, const char *request,
                     const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_auto) normal = validate(service, operation, request, &error);
    if (error)
        fail_msg("%s", error->message);
    g_autoptr(json_auto) wanted = json_loads(expected, 0, NULL);
    assert_true(json_equal(normal, wanted));
}

#define ONE "1 validation error detected: "
#define BROKEN " failed to satisfy constraint: "

static void test_constraints(void **state)
{
    (void)state;
    refused("sagemaker", "DescribeModel", "{}", ERROR_VALIDATION,
            ONE "Value null at 'modelName'" BROKEN "Member must not be null");
    refused("sagemaker", "ListModels", "{\"MaxResults\": 101}", ERROR_VALIDATION,
            ONE "Value '101' at 'maxResults'" BROKEN
                "Member must have value less than or equal to 100");
    refused("sagemaker", "ListModels", "{\"MaxResults\": 0}", ERROR_VALIDATION,
            ONE "Value '0' at 'maxResults'" BROKEN
                "Member must have value greater than or equal to 1");
    refused("sagemaker", "ListModels", "{\"SortOrder\": \"Up\"}", ERROR_VALIDATION,
            ONE "Value 'Up' at 'sortOrder'" BROKEN
                "Member must satisfy enum value set: [Ascending, Descending]");
    refused("logs", "DescribeLogStreams", "{\"logGroupName\": \"\"}", ERROR_INVALID_PARAMETER,
            "2 validation errors detected: Value '' at 'logGroupName'" BROKEN
            "Member must have length greater than or equal to 1; Value '' at 'logGroupName'" BROKEN
            "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+");
    refused("sts", "AssumeRole", "{\"RoleArn\": \"arn:aws:iam::1:role/r\"}",
            ERROR_VALIDATION_RUNTIME,
            ONE "Value null at 'roleSessionName'" BROKEN "Member must not be null");
}

static void test_paths(void **state)
{
    (void)state;
    refused("sagemaker", "CreateEndpointConfig",
            "{\"EndpointConfigName\": \"c\", \"ProductionVariants\": [{\"VariantName\": \"v\"},"
            "{\"VariantName\": \"w\", \"ModelName\": \"-\"}]}",
            ERROR_VALIDATION,
            ONE "Value '-' at 'productionVariants.2.member.modelName'" BROKEN
                "Member must satisfy regular expression pattern: "
                "[a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?");
}

static void test_elements(void **state)
{
    (void)state;
    refused("iam", "SimulatePrincipalPolicy",
            "{\"PolicySourceArn\": \"arn:aws:iam::123456789012:role/r\", \"ActionNames\": "
            "[\"s3:Get\", \"s\"]}",
            ERROR_VALIDATION_RUNTIME,
            ONE "Value '[s3:Get, s]' at 'actionNames'" BROKEN
                "Member must satisfy constraint: [Member must have length less than or equal to "
                "128, Member must have length greater than or equal to 3]");
    refused(
        "sagemaker", "AddTags",
        "{\"ResourceArn\": \"arn:aws:sagemaker:us-east-1:123456789012:model/m\", \"Tags\": [null]}",
        ERROR_VALIDATION, ONE "Value null at 'tags.1.member'" BROKEN "Member must not be null");
}

static void test_wrong_types(void **state)
{
    (void)state;
    refused("sagemaker", "ListModels", "{\"MaxResults\": \"5\"}", ERROR_SERIALIZATION,
            "STRING_VALUE cannot be converted to Integer, at 'maxResults'");
    refused("sagemaker", "ListModels", "{\"MaxResults\": 5.5}", ERROR_SERIALIZATION,
            "NUMBER_VALUE cannot be converted to Integer, at 'maxResults'");
    refused("sagemaker", "ListModels", "{\"MaxResults\": 99999999999}", ERROR_SERIALIZATION,
            "NUMBER_VALUE cannot be converted to Integer, at 'maxResults'");
    refused("sagemaker", "ListModels", "{\"NameContains\": true}", ERROR_SERIALIZATION,
            "TRUE_VALUE cannot be converted to String, at 'nameContains'");
    refused("sagemaker", "AddTags", "{\"ResourceArn\": \"a\", \"Tags\": {}}", ERROR_SERIALIZATION,
            "Start of structure or map found where not expected, at 'tags'");
    refused("sagemaker", "ListModels", "{\"CreationTimeAfter\": \"soon\"}", ERROR_SERIALIZATION,
            "STRING_VALUE cannot be converted to Timestamp, at 'creationTimeAfter'");
    refused("s3", "ListObjectsV2", "{\"Bucket\": \"b\", \"MaxKeys\": \"many\"}",
            ERROR_INVALID_ARGUMENT, "STRING_VALUE cannot be converted to Integer, at 'maxKeys'");
}

static void test_unknown_members(void **state)
{
    (void)state;
    refused("sagemaker", "ListModels", "{\"Maxresults\": 5}", ERROR_VALIDATION,
            ONE "Unknown member 'Maxresults' in the request; did you mean 'MaxResults'?");
    refused("sagemaker", "AddTags",
            "{\"ResourceArn\": \"arn:aws:sagemaker:us-east-1:123456789012:model/m\", \"Tags\": "
            "[{\"Key\": \"k\", \"Value\": \"v\", "
            "\"Colour\": 1}]}",
            ERROR_VALIDATION,
            ONE "Unknown member 'Colour' in tags.1.member: there is none of this name");
}

/* ---- members that are refused by name (tools/operations/) ---- */

static void test_refused_members(void **state)
{
    (void)state;
    refused(
        "sagemaker", "CreateTrainingJob",
        "{\"AlgorithmSpecification\": {\"AlgorithmName\": \"mine\"}}", ERROR_VALIDATION,
        "CreateTrainingJob: AlgorithmSpecification.AlgorithmName is not supported: algorithms of "
        "one's own are not built; name a TrainingImage.");
    refused("sagemaker", "ListModelPackageGroups",
            "{\"CrossAccountFilterOption\": \"CrossAccount\"}", ERROR_VALIDATION,
            "ListModelPackageGroups: CrossAccountFilterOption CrossAccount is not supported, only "
            "SameAccount: there is one account.");
    refused("sagemaker-runtime", "InvokeEndpoint", "{\"InferenceComponentName\": \"m\"}",
            ERROR_VALIDATION_RUNTIME,
            "InvokeEndpoint: InferenceComponentName is not supported: inference components are not "
            "built.");
    /* What asks for nothing may be there. */
    accepted("sagemaker", "ListModelPackageGroups",
             "{\"CrossAccountFilterOption\": \"SameAccount\"}",
             "{\"CrossAccountFilterOption\": \"SameAccount\"}");
    accepted("logs", "GetLogEvents", "{\"logStreamName\": \"s\", \"unmask\": false}",
             "{\"logStreamName\": \"s\", \"unmask\": false}");
    accepted("cloudwatch", "ListMetrics", "{\"OwningAccount\": null}", "{}");
}

/* {"A": [{"B": "x"}]} from "A[].B". */
static json_t *request_with(const char *path)
{
    if (!*path)
        return json_string("x");
    if (g_str_has_prefix(path, "[]"))
        return json_pack("[o]", request_with(path + 2));
    if (g_str_has_prefix(path, "{}"))
        return json_pack("{s:o}", "key", request_with(path + 2));
    path += *path == '.';
    size_t length = strcspn(path, ".[{");
    g_autofree char *name = g_strndup(path, length);
    return json_pack("{s:o}", name, request_with(path + length));
}

/* Of every operation: the mechanism reaches wherever a decision points. */
static void test_every_refused_member(void **state)
{
    (void)state;
    size_t tried = 0;
    for (size_t s = 0; shape_services[s]; s++) {
        for (size_t o = 0; o < shape_services[s]->operation_count; o++) {
            const struct shape_operation *operation = &shape_services[s]->operations[o];
            for (size_t r = 0; r < operation->refusal_count; r++, tried++) {
                const char *path = operation->refusals[r].path;
                g_autoptr(GError) error = NULL;
                struct shape_operation alone = *operation;
                alone.refusals += r;
                alone.refusal_count = 1;
                g_autoptr(json_auto) request = request_with(path);
                g_autoptr(json_auto) normal =
                    validate_request(patterns, shape_services[s], &alone, request, &error);
                assert_null(normal);
                if (!strstr(error->message, path) ||
                    !strstr(error->message, operation->refusals[r].words))
                    fail_msg("%s %s: %s", operation->name, path, error->message);
            }
        }
    }
    assert_true(tried > 50);
}

/* No request that is compiled in has a union yet. */
static void test_unions_have_one_member(void **state)
{
    (void)state;
    static const struct shape text = {.name = "Text", .type = SHAPE_STRING};
    static const struct shape_member choices[] = {{.name = "A", .shape = &text},
                                                  {.name = "B", .shape = &text}};
    static const struct shape choice = {
        .members = choices, .member_count = 2, .type = SHAPE_STRUCTURE, .flags = SHAPE_UNION};
    static const struct shape_operation choose = {.name = "Choose", .output = &choice};
    g_autoptr(json_auto) one = json_pack("{s:s}", "A", "a");
    g_autoptr(json_auto) two = json_pack("{s:s, s:s}", "A", "a", "B", "b");
    assert_true(validate_reply(patterns, &choose, one, NULL));
    assert_false(validate_reply(patterns, &choose, two, NULL));
    assert_false(validate_reply(patterns, &choose, NULL, NULL));
}

static void test_normal_form(void **state)
{
    (void)state;
    accepted("sagemaker", "ListModels",
             "{\"CreationTimeAfter\": \"2001-09-09T01:46:40Z\", \"MaxResults\": 5.0, "
             "\"NameContains\": null}",
             "{\"CreationTimeAfter\": 1000000000.0, \"MaxResults\": 5}");
    accepted("sts", "GetCallerIdentity", "{}", "{}");
}

static json_t *nested_filters(unsigned levels)
{
    json_t *inner = json_pack("{s:[{s:s}]}", "Filters", "Name", "n");
    while (levels--)
        inner = json_pack("{s:[o]}", "SubExpressions", inner);
    return json_pack("{s:s, s:o}", "Resource", "TrainingJob", "SearchExpression", inner);
}

static void test_nesting_has_a_limit(void **state)
{
    (void)state;
    const struct shape_service *service = shape_service_find("sagemaker");
    const struct shape_operation *search = shape_operation_find(service, "Search");
    g_autoptr(json_auto) shallow = nested_filters(20);
    g_autoptr(json_auto) normal = validate_request(patterns, service, search, shallow, NULL);
    assert_true(json_equal(normal, shallow));
    g_autoptr(json_auto) deep = nested_filters(500);
    g_autoptr(GError) error = NULL;
    assert_null(validate_request(patterns, service, search, deep, &error));
    assert_non_null(strstr(error->message, "is nested deeper than 64 levels"));
}

static void test_long_values_are_cut_in_the_message(void **state)
{
    (void)state;
    g_autofree char *name = g_strnfill(100000, 'x');
    g_autofree char *request = g_strdup_printf("{\"ModelName\": \"%s\"}", name);
    g_autoptr(GError) error = NULL;
    assert_null(validate("sagemaker", "DescribeModel", request, &error));
    assert_true(strlen(error->message) < 4000);
    assert_non_null(strstr(error->message, "x...' at 'modelName'"));
}

static void test_replies(void **state)
{
    (void)state;
    const struct shape_operation *list =
        shape_operation_find(shape_service_find("sagemaker"), "ListModels");
    g_autoptr(json_auto) right = json_pack("{s:[]}", "Models");
    assert_true(validate_reply(patterns, list, right, NULL));
    g_autoptr(GError) error = NULL;
    assert_false(validate_reply(patterns, list, NULL, &error));
    assert_int_equal(error->code, ERROR_INTERNAL);
    assert_non_null(strstr(error->message, "Value null at 'models'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constraints),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_unknown_members),
        cmocka_unit_test(test_refused_members),
        cmocka_unit_test(test_every_refused_member),
        cmocka_unit_test(test_unions_have_one_member),
        cmocka_unit_test(test_normal_form),
        cmocka_unit_test(test_nesting_has_a_limit),
        cmocka_unit_test(test_long_values_are_cut_in_the_message),
        cmocka_unit_test(test_replies),
    };
    patterns = patterns_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    patterns_free(patterns);
    return failed;
}
