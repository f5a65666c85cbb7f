/* The model registry: groups of versioned model packages, and their approval. The status of a
 * package in the store is its ModelApprovalStatus, which is what lists are filtered by; there is no
 * validation to wait for, so ModelPackageStatus is Completed from the start. */
#include <string.h>

#include "base/clock.h"
#include "service/sagemaker/experiments.h"
#include "service/sagemaker/lineage.h"

/* Requests name groups and packages by name or by ARN: what follows the kind in either. */
static const char *name_of(const char *name_or_arn, const struct kind *kind)
{
    g_autofree char *mark = g_strdup_printf(":%s/", kind->word);
    const char *found = strstr(name_or_arn, mark);
    return found ? found + strlen(mark) : name_or_arn;
}

/* The request with its name member as a plain name. */
static json_t *with_plain_name(const json_t *request, const struct kind *kind)
{
    json_t *plain = json_copy((json_t *)request);
    const char *name = json_text_at(request, kind->name);
    if (name)
        json_object_set_new(plain, kind->name, json_string(name_of(name, kind)));
    return plain;
}

/* ---- groups ---- */

static bool create_model_package_group(const struct call *call, const json_t *request,
                                       struct reply *reply, GError **error)
{
    return sagemaker_create(call, &model_package_group_kind, request, "Completed", NULL, reply,
                            error);
}

static bool describe_model_package_group(const struct call *call, const json_t *request,
                                         struct reply *reply, GError **error)
{
    g_autoptr(json_auto) plain = with_plain_name(request, &model_package_group_kind);
    return sagemaker_describe_call(call, &model_package_group_kind, plain, reply, error);
}

static bool list_model_package_groups(const struct call *call, const json_t *request,
                                      struct reply *reply, GError **error)
{
    return sagemaker_list(call, &model_package_group_kind, request, reply, error);
}

static bool delete_model_package_group(const struct call *call, const json_t *request,
                                       struct reply *reply, GError **error)
{
    (void)reply;
    g_autoptr(json_auto) plain = with_plain_name(request, &model_package_group_kind);
    const char *group = json_text_at(plain, "ModelPackageGroupName");
    struct resource_query query = {.kind = model_package_kind.word, .parent = group, .limit = 1};
    g_autoptr(GPtrArray) packages = resource_list(call->lathe->store, &query, NULL, error);
    if (!packages)
        return false;
    if (packages->len)
        return error_set(error, ERROR_CONFLICT,
                         "Model Package Group %s cannot be deleted: it still has model packages.",
                         group);
    return sagemaker_delete(call, &model_package_group_kind, plain, NULL, error);
}

/* ---- packages ---- */

static bool count_version(struct resource *group, void *data, GError **error)
{
    (void)error;
    json_int_t *version = data;
    *version = json_integer_at(group->body, "LastVersion", 0) + 1;
    json_object_set_new(group->body, "LastVersion", json_integer(*version));
    return true;
}

/* Gives the package of a group its version and its name, "<group>/<version>". */
static bool number_version(struct store_connection *connection, const struct call *call,
                           const char *group, json_t *package, GError **error)
{
    json_int_t version = 0;
    if (!resource_update_within(connection, call->lathe->store, model_package_group_kind.word,
                                group, count_version, &version, error))
        return false;
    if (!version)
        return error_set(error, ERROR_VALIDATION, "ModelPackageGroup %s does not exist.", group);
    json_object_set_new(package, "ModelPackageVersion", json_integer(version));
    json_object_set_new(package, "ModelPackageName",
                        json_sprintf("%s/%lld", group, (long long)version));
    /* Last: group may be part of what this replaces. */
    json_object_set_new(package, "ModelPackageGroupName", json_string(group));
    return true;
}

/* A group counts those that there are: a package that could not be written takes no number. */
static bool create_package(struct store_connection *connection, void *data, GError **error)
{
    struct creation *creation = data;
    const char *group = json_text_at(creation->body, "ModelPackageGroupName");
    if (group && !number_version(connection, creation->call,
                                 name_of(group, &model_package_group_kind), creation->body, error))
        return false;
    creation->request = creation->body;
    return sagemaker_create_within(connection, creation, error);
}

/* What a model's containers are in the inference specification of a package. */
static json_t *specification_of_model(struct lathe *lathe, const json_t *model, GError **error)
{
    static const char *const members[] = {"ContainerHostname", "Image", "ModelDataUrl",
                                          "Environment", NULL};
    g_autoptr(json_auto) resolved = model_containers(lathe, model, error);
    if (!resolved)
        return NULL;
    json_t *containers = json_array();
    size_t i;
    const json_t *container;
    json_array_foreach(resolved, i, container)
    {
        json_array_append_new(containers, json_object());
        json_copy_members(json_array_get(containers, i), container, members);
    }
    return json_pack("{so}", "Containers", containers);
}

/* A package that is made of another one, or of a model, has what that has to deploy; of any other
 * source (a training job, an address) nothing is known until an update says it. */
static bool take_from_source(const struct call *call, json_t *package, GError **error)
{
    const char *source = json_text_at(package, "SourceUri");
    bool of_package = source && strstr(source, ":model-package/");
    const char *model = source ? strstr(source, ":model/") : NULL;
    if (json_object_get(package, "InferenceSpecification") || (!of_package && !model))
        return true;
    g_autoptr(resource_auto) found =
        of_package ? model_package_find(call->lathe, source, error)
                   : sagemaker_get(call, &model_kind, model + strlen(":model/"), error);
    if (!found)
        return false;
    json_t *specification =
        of_package ? json_incref(json_object_get(found->body, "InferenceSpecification"))
                   : specification_of_model(call->lathe, found->body, error);
    json_put(package, "InferenceSpecification", specification);
    return specification || of_package;
}

static bool check_source(const json_t *request, GError **error)
{
    if (json_at(request, "InferenceSpecification.Containers[0]") ||
        json_object_get(request, "SourceUri"))
        return true;
    return error_set(error, ERROR_VALIDATION,
                     "InferenceSpecification.Containers or SourceUri is needed; it says what the "
                     "package deploys.");
}

static bool create_model_package(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    const char *group = json_text_at(request, "ModelPackageGroupName");
    const char *name = json_text_at(request, "ModelPackageName");
    if ((group != NULL) == (name != NULL))
        return error_set(
            error, ERROR_VALIDATION,
            "Exactly one of ModelPackageGroupName and ModelPackageName must be given.");
    g_autoptr(json_auto) package = json_deep_copy(request);
    if (!check_source(request, error) || !take_from_source(call, package, error))
        return false;
    json_object_del(package, "ClientToken");
    json_object_del(package, "ModelApprovalStatus");
    json_object_set_new(package, "ModelPackageStatus", json_string("Completed"));
    json_object_set_new(package, "ModelPackageStatusDetails",
                        json_pack("{s[]}", "ValidationStatuses"));
    const char *approval = json_text_at(request, "ModelApprovalStatus");
    struct creation creation = {
        .call = call,
        .kind = &model_package_kind,
        .status = approval ? approval : "PendingManualApproval",
        .body = package,
        .reply = reply,
    };
    return sagemaker_check_tags(json_object_get(request, "Tags"), error) &&
           sagemaker_write(call, create_package, &creation, reply, error);
}

struct resource *model_package_find(struct lathe *lathe, const char *name_or_arn, GError **error)
{
    GError *cause = NULL;
    struct resource *package = resource_get(lathe->store, model_package_kind.word,
                                            name_of(name_or_arn, &model_package_kind), &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!package)
        error_set(error, ERROR_VALIDATION, "ModelPackage %s does not exist.", name_or_arn);
    return package;
}

static bool describe_model_package(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) package =
        model_package_find(call->lathe, json_text_at(request, "ModelPackageName"), error);
    if (!package)
        return false;
    reply->output = sagemaker_describe(&model_package_kind, package);
    return true;
}

/* Without a group, AWS lists packages without versions unless asked for others. */
static void choose_type(struct resource_query *query, const char *group, const char *type)
{
    bool both = g_strcmp0(type, "Both") == 0, versioned = g_strcmp0(type, "Versioned") == 0;
    if (group)
        query->parent = name_of(group, &model_package_group_kind);
    else if (!both && !versioned)
        query->parent = "";
    query->of_a_parent = versioned;
}

static bool list_model_packages(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    const char *group = json_text_at(request, "ModelPackageGroupName");
    struct resource_query query = sagemaker_query(&model_package_kind, request);
    choose_type(&query, group, json_text_at(request, "ModelPackageType"));
    query.status = json_text_at(request, "ModelApprovalStatus");
    return sagemaker_list_query(call, &model_package_kind, &query, reply, error);
}

/* A card is changed in its content or in its status; each leaves the other. */
static void change_card(json_t *package, const json_t *change)
{
    json_t *card = json_object_get(package, "ModelCard");
    if (change && card)
        json_object_update(card, (json_t *)change);
    else if (change)
        json_object_set(package, "ModelCard", (json_t *)change);
}

static bool add_specifications(json_t *package, const json_t *added, GError **error)
{
    static const char member[] = "AdditionalInferenceSpecifications";
    if (added && !json_object_get(package, member))
        json_object_set_new(package, member, json_array());
    json_t *all = json_object_get(package, member);
    size_t i, other;
    const json_t *one, *there;
    json_array_foreach(added, i, one)
    {
        const char *name = json_text_at(one, "Name");
        json_array_foreach(all, other, there)
        {
            if (g_strcmp0(json_text_at(there, "Name"), name) == 0)
                return error_set(error, ERROR_VALIDATION,
                                 "The model package has an additional inference specification "
                                 "with the name %s already.",
                                 name);
        }
        json_array_append(all, (json_t *)one);
    }
    return true;
}

static bool change_package(struct resource *package, void *data, GError **error)
{
    const json_t *request = data;
    static const char *const members[] = {
        "ApprovalDescription", "InferenceSpecification",       "ModelLifeCycle",
        "SourceUri",           "ModelPackageRegistrationType", NULL};
    if (!add_specifications(package->body,
                            json_object_get(request, "AdditionalInferenceSpecificationsToAdd"),
                            error))
        return false;
    json_copy_members(package->body, request, members);
    change_card(package->body, json_object_get(request, "ModelCard"));
    experiments_change_map(package->body, request, "CustomerMetadataProperties",
                           "CustomerMetadataPropertiesToRemove");
    const char *approval = json_text_at(request, "ModelApprovalStatus");
    if (approval) {
        sagemaker_set_status(package, approval);
        json_object_set_new(package->body, MODEL_PACKAGE_DECIDED, json_real(clock_now()));
    }
    json_object_set_new(package->body, "LastModifiedTime", json_real(package->modified));
    return true;
}

static bool update_model_package(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    const char *arn = json_text_at(request, "ModelPackageArn");
    g_autoptr(resource_auto) package = model_package_find(call->lathe, arn, error);
    bool kept = package && (!json_object_get(request, "ModelApprovalStatus") ||
                            lineage_keep(call->lathe, package->arn, error));
    return kept && sagemaker_update(
                       call, &model_package_kind, package->name, change_package, (void *)request,
                       json_pack("{ss}", "ModelPackageArn", package->arn), reply, error);
}

static bool delete_model_package(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    (void)reply;
    g_autoptr(json_auto) plain = with_plain_name(request, &model_package_kind);
    g_autoptr(resource_auto) package =
        sagemaker_get(call, &model_package_kind, json_text_at(plain, "ModelPackageName"), error);
    return package && lineage_keep(call->lathe, package->arn, error) &&
           sagemaker_delete(call, &model_package_kind, plain, NULL, error);
}

/* ---- what it is ---- */

static const struct operation group_operations[] = {
    {"CreateModelPackageGroup", create_model_package_group, OPERATION_BLOCKING},
    {"DescribeModelPackageGroup", describe_model_package_group, OPERATION_BLOCKING},
    {"ListModelPackageGroups", list_model_package_groups, OPERATION_BLOCKING},
    {"DeleteModelPackageGroup", delete_model_package_group, OPERATION_BLOCKING},
};

const struct kind model_package_group_kind = {
    .service = "sagemaker",
    .word = "model-package-group",
    .noun = "ModelPackageGroup",
    KIND_WORDS("ModelPackageGroup"),
    .status = "ModelPackageGroupStatus",
    .summaries = "ModelPackageGroupSummaryList",
    .searchable = true,
    .always = "{\"CreatedBy\": {}}",
    .missing_code = ERROR_VALIDATION,
    .missing = "ModelPackageGroup %s does not exist.",
    .taken_code = ERROR_VALIDATION,
    .taken = "Model Package Group already exists: %s",
    .operations = group_operations,
    .count = G_N_ELEMENTS(group_operations),
};

static const struct operation operations[] = {
    {"CreateModelPackage", create_model_package, OPERATION_BLOCKING},
    {"DescribeModelPackage", describe_model_package, OPERATION_BLOCKING},
    {"ListModelPackages", list_model_packages, OPERATION_BLOCKING},
    {"UpdateModelPackage", update_model_package, OPERATION_BLOCKING},
    {"DeleteModelPackage", delete_model_package, OPERATION_BLOCKING},
};

/* Its name in the store is "<group>/<version>". */
const struct kind model_package_kind = {
    .service = "sagemaker",
    .word = "model-package",
    .noun = "ModelPackage",
    KIND_WORDS("ModelPackage"),
    .status = "ModelApprovalStatus",
    .parent = "ModelPackageGroupName",
    .shows_parent = true,
    .summaries = "ModelPackageSummaryList",
    .named_by_reply = true,
    .marked = true,
    .step = "RegisterModel",
    .step_metadata = "RegisterModel",
    .step_makes_parent = "CreateModelPackageGroup",
    .searchable = true,
    .always = "{\"CreatedBy\": {}, \"CertifyForMarketplace\": false}",
    .missing_code = ERROR_VALIDATION,
    .missing = "ModelPackage %s does not exist.",
    .taken_code = ERROR_CONFLICT,
    .taken = "Model Package already exists: %s",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
