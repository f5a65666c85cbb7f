/* The wait table, held against AWS's published shapes: every operation and member it names is
 * there, and every status is one that AWS gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flow/wait.h"
#include "operation/shape.h"

static const char *const operations[] = {
    "CreateTrainingJob",    "CreateProcessingJob",    "CreateEndpoint",
    "UpdateEndpoint",       "StartPipelineExecution", "CreateModel",
    "CreateEndpointConfig", "CreateModelPackage",     "CreateModelPackageGroup"};

static const struct shape_operation *operation_of(const char *name)
{
    const struct shape_service *service = shape_service_find("sagemaker");
    const struct shape_operation *operation = shape_operation_find(service, name);
    if (!operation || !operation->input)
        fail_msg("there are no shapes of %s", name);
    return operation;
}

static const struct shape_member *member_of(const struct shape *shape, const char *name)
{
    const struct shape_member *member = shape_member_find(shape, name);
    if (!member)
        fail_msg("%s has no member %s", shape->name, name);
    return member;
}

static void assert_statuses(const struct shape *status, const char *const *values)
{
    for (size_t i = 0; i < WAIT_VALUES && values[i]; i++) {
        bool known = false;
        for (size_t v = 0; v < status->value_count; v++)
            known |= strcmp(status->values[v], values[i]) == 0;
        if (!known)
            fail_msg("%s is never %s", status->name, values[i]);
    }
}

static void every_row_fits_the_published_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
        const struct wait_row *row = wait_row_find("sagemaker", operations[i]);
        assert_non_null(row);
        const struct shape_operation *called = operation_of(operations[i]);
        const struct shape_operation *describe = operation_of(row->describe);
        if (row->name)
            member_of(called->input, row->name);
        member_of(called->output, row->arn);
        member_of(describe->input, row->describe_name);
        member_of(describe->output, row->arn);
        if (row->shows) {
            member_of(called->input, row->shows);
            member_of(describe->output, row->shows);
        }
        if (row->list) {
            member_of(called->input, row->list_by);
            member_of(operation_of(row->list)->input, row->list_by);
            member_of(operation_of(row->list)->output, row->list_items);
        }
        if (row->stop)
            member_of(operation_of(row->stop)->input, row->describe_name);
        if (!row->status)
            continue;
        assert_non_null(row->kind);
        assert_true(wait_kind_matters(row->kind));
        member_of(describe->output, row->reason);
        const struct shape *status = member_of(describe->output, row->status)->shape;
        assert_statuses(status, row->good);
        assert_statuses(status, row->bad);
        assert_statuses(status, row->stopped);
    }
    assert_null(wait_row_find("s3", "CreateTrainingJob"));
    assert_null(wait_row_find("sagemaker", "DeleteModel"));
}

static void statuses_become_outcomes(void **state)
{
    (void)state;
    const struct wait_row *row = wait_row_find("sagemaker", "CreateTrainingJob");
    static const struct {
        const char *status;
        enum wait_outcome outcome;
    } cases[] = {{"InProgress", WAIT_GOING_ON},
                 {"Stopping", WAIT_GOING_ON},
                 {"Completed", WAIT_GOOD},
                 {"Failed", WAIT_BAD},
                 {"Stopped", WAIT_STOPPED}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(json_auto) description = json_pack("{ss}", "TrainingJobStatus", cases[i].status);
        assert_int_equal(wait_outcome(row, NULL, description), cases[i].outcome);
    }
}

/* An update that failed leaves the endpoint in service with what it had. */
static void an_update_is_good_only_where_it_shows(void **state)
{
    (void)state;
    const struct wait_row *row = wait_row_find("sagemaker", "UpdateEndpoint");
    g_autoptr(json_auto) request = json_pack("{ss}", "EndpointConfigName", "new");
    g_autoptr(json_auto) old =
        json_pack("{ssss}", "EndpointStatus", "InService", "EndpointConfigName", "old");
    g_autoptr(json_auto) fresh =
        json_pack("{ssss}", "EndpointStatus", "InService", "EndpointConfigName", "new");
    assert_int_equal(wait_outcome(row, request, old), WAIT_BAD);
    assert_int_equal(wait_outcome(row, request, fresh), WAIT_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_fits_the_published_shapes),
        cmocka_unit_test(statuses_become_outcomes),
        cmocka_unit_test(an_update_is_good_only_where_it_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
