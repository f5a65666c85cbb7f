/* The service: its kinds, which bring their operations, and the operations that are no kind's. */
#include "service/sagemaker/sagemaker.h"

#include "base/tasks.h"
#include "flow/pipeline/pipeline.h"
#include "flow/tuning/tuning.h"
#include "serve/captures.h"
#include "serve/endpoint.h"

static const struct operation operations[] = {
    {"Search", search, OPERATION_BLOCKING},
    {"AddTags", add_tags, OPERATION_BLOCKING},
    {"ListTags", list_tags, OPERATION_BLOCKING},
    {"DeleteTags", delete_tags, OPERATION_BLOCKING},
    {"AddAssociation", add_association, OPERATION_BLOCKING},
    {"DeleteAssociation", delete_association, OPERATION_BLOCKING},
    {"ListAssociations", list_associations, OPERATION_BLOCKING},
    {"QueryLineage", query_lineage, OPERATION_BLOCKING},
    {"DescribeDomain", describe_domain, OPERATION_QUICK},
    {"DescribeUserProfile", describe_user_profile, OPERATION_QUICK},
    {"DescribeSpace", describe_space, OPERATION_QUICK},
    {"DescribeNotebookInstance", describe_notebook_instance, OPERATION_QUICK},
};

static const struct operation runtime_operations[] = {
    {"InvokeEndpoint", invoke_endpoint, OPERATION_DECIDED | OPERATION_LOOKS_UP},
};

static bool open_service(struct lathe *lathe, GError **error)
{
    (void)error;
    lathe->endpoints = endpoints_new();
    lathe->captures = captures_new(lathe->lake, lathe->clock);
    for (size_t i = 0; i < DEPLOYERS; i++)
        lathe->deployers[i] = tasks_new();
    return true;
}

static void close_service(struct lathe *lathe)
{
    for (size_t i = 0; i < DEPLOYERS; i++)
        tasks_free(lathe->deployers[i]);
    endpoints_free(lathe->endpoints);
    captures_free(lathe->captures);
}

#define IN_LIST(name) &name##_kind,
static const struct kind *const kinds[] = {SAGEMAKER_KINDS(IN_LIST) NULL};

static const struct flow_driver *const drivers[] = {&pipeline_driver, &tuning_driver, NULL};

const struct service sagemaker_service = {
    .name = "sagemaker",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .kinds = kinds,
    .drivers = drivers,
    .open = open_service,
    .close = close_service,
};
const struct service sagemaker_runtime_service = {
    .name = "sagemaker-runtime",
    .operations = runtime_operations,
    .count = G_N_ELEMENTS(runtime_operations),
    .pace = invoke_pace,
};
