/* Every kind, held against AWS's published shapes: each operation and member that its row names is
 * there, and each status is one that AWS gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "operation/kind.h"
#include "operation/shape.h"
#include "service/home.h"

static const struct shape_operation *operation_of(const struct kind *kind, const char *name)
{
    const struct shape_service *service = shape_service_find(kind->service);
    const struct shape_operation *operation = service ? shape_operation_find(service, name) : NULL;
    if (!operation || !(operation->flags & OPERATION_SHAPE_LISTED))
        fail_msg("%s: there are no shapes of %s", kind->word, name);
    return operation;
}

static const struct shape_member *member_of(const struct shape *shape, const char *name)
{
    const struct shape_member *member = shape_member_find(shape, name);
    if (!member)
        fail_msg("%s has no member %s", shape->name, name);
    return member;
}

static void check_statuses(const struct shape *status, const char *const *values)
{
    for (size_t i = 0; i < KIND_STATUSES && values[i]; i++) {
        bool known = false;
        for (size_t v = 0; v < status->value_count; v++)
            known |= strcmp(status->values[v], values[i]) == 0;
        if (!known)
            fail_msg("%s is never %s", status->name, values[i]);
    }
}

static void check_create(const struct kind *kind)
{
    const struct shape_operation *create = operation_of(kind, kind->create);
    member_of(create->output, kind->arn);
    if (!kind->named_by_reply)
        member_of(create->input, kind->name);
    if (kind->parent)
        member_of(create->input, kind->parent);
    if (kind->marked)
        member_of(create->input, "MetadataProperties");
}

static void check_describe(const struct kind *kind)
{
    const struct shape_operation *describe = operation_of(kind, kind->describe);
    const char *by = kind->described_by ? kind->described_by : kind->name;
    member_of(describe->input, by);
    member_of(describe->output, kind->arn);
    if (kind->stop)
        member_of(operation_of(kind, kind->stop)->input, by);
    if (kind->reason)
        member_of(describe->output, kind->reason);
    if (!kind_waits(kind))
        return;
    const struct shape *status = member_of(describe->output, kind->status)->shape;
    check_statuses(status, kind->good);
    check_statuses(status, kind->bad);
    check_statuses(status, kind->stopped);
    check_statuses(status, (const char *[]){kind->going, kind->stopping, NULL});
}

static void check_list(const struct kind *kind)
{
    const struct shape_operation *list = operation_of(kind, kind->list);
    const struct shape *entry = member_of(list->output, kind->summaries)->shape->members[0].shape;
    member_of(entry, kind->arn);
    if (kind->parent)
        member_of(list->input, kind->parent);
}

static void check_update(const struct kind *kind)
{
    member_of(operation_of(kind, kind->update)->input, kind->update_shows);
    member_of(operation_of(kind, kind->describe)->output, kind->update_shows);
}

/* What its row names, its file has a function for. */
static void check_operations(const struct kind *kind)
{
    const char *const names[] = {kind->create, kind->describe, kind->list, kind->update,
                                 kind->stop};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        bool there = !names[i];
        for (size_t o = 0; o < kind->count && !there; o++)
            there = strcmp(kind->operations[o].name, names[i]) == 0;
        if (!there)
            fail_msg("%s brings no function for %s", kind->word, names[i]);
    }
}

static void every_kind_fits_the_published_shapes(void **state)
{
    (void)state;
    const struct kind *kind;
    size_t count = 0;
    for (; (kind = kind_at(services, count)); count++) {
        check_operations(kind);
        if (!kind->create) /* what operations of another kind begin and tell */
            continue;
        check_create(kind);
        check_describe(kind);
        check_list(kind);
        if (kind->update)
            check_update(kind);
        assert_ptr_equal(kind_of_word(services, kind->word), kind);
        assert_ptr_equal(kind_begun_by(services, kind->service, kind->create), kind);
    }
    assert_true(count >= 9);
    assert_null(kind_begun_by(services, "s3", "CreateTrainingJob"));
    assert_null(kind_begun_by(services, "sagemaker", "DeleteModel"));
    assert_null(kind_of_word(services, "coffee"));
}

static void statuses_become_outcomes(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *status;
        enum kind_outcome outcome;
    } cases[] = {
        {"training-job", "InProgress", KIND_GOES_ON},
        {"training-job", "Stopping", KIND_GOES_ON},
        {"training-job", "Completed", KIND_GOOD},
        {"training-job", "Failed", KIND_BAD},
        {"training-job", "Stopped", KIND_STOPPED},
        {"endpoint", "Updating", KIND_GOES_ON},
        {"endpoint", "OutOfService", KIND_BAD},
        {"model", NULL, KIND_GOOD},
        {"model-package", "PendingManualApproval",
         KIND_GOOD}, /* an approval is no end to wait for */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(kind_outcome(kind_of_word(services, cases[i].kind), cases[i].status),
                         cases[i].outcome);
}

/* What the store keeps beside what AWS's clients are told stays in the store. */
static void descriptions_fit_their_shapes(void **state)
{
    (void)state;
    const struct kind *kind = kind_of_word(services, "endpoint");
    g_autoptr(json_auto) description =
        json_pack("{sssssi}", "EndpointName", "e", "FailureReason", "r", "Weights", 1);
    g_autoptr(json_auto) summary = json_deep_copy(description);
    const struct kind *job = kind_of_word(services, "training-job");
    g_autoptr(json_auto) found =
        json_pack("{sss[]}", "TrainingJobName", "j", "ProfilerRuleConfigurations");
    kind_fit_result(job, found);
    assert_int_equal(json_object_size(found), 1); /* its descriptions have both */
    kind_fit_description(kind, description);
    kind_fit_summary(kind, summary);
    g_autofree char *told = json_text_of(description);
    g_autofree char *listed = json_text_of(summary);
    assert_string_equal(told, "{\"EndpointName\":\"e\",\"FailureReason\":\"r\"}");
    assert_string_equal(listed, "{\"EndpointName\":\"e\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_fits_the_published_shapes),
        cmocka_unit_test(statuses_become_outcomes),
        cmocka_unit_test(descriptions_fit_their_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
