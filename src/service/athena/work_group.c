/* Workgroups: where results go, and how much a query may read. */
#include <string.h>

#include "base/page.h"
#include "base/s3_uri.h"
#include "service/athena/athena_inside.h"

static json_t *engine_version(void)
{
    return json_pack("{ssss}", "SelectedEngineVersion", "AUTO", "EffectiveEngineVersion",
                     ENGINE_VERSION);
}

/* ---- settings ---- */

static bool check_location(const char *location, GError **error)
{
    if (!location || s3_uri_is(location))
        return true;
    return error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                     "OutputLocation is not a valid S3 path: found '%s'; s3://bucket/prefix/ would "
                     "be one.",
                     location);
}

/* What AWS shows of a workgroup where nobody said otherwise. */
static json_t *default_configuration(bool enforced)
{
    return json_pack("{s{}sbsbsbso}", "ResultConfiguration", "EnforceWorkGroupConfiguration",
                     enforced, "PublishCloudWatchMetricsEnabled", 0, "RequesterPaysEnabled", 0,
                     "EngineVersion", engine_version());
}

static bool check_version(const json_t *configuration, GError **error)
{
    const char *version = json_text_at(configuration, "EngineVersion.SelectedEngineVersion");
    if (!version || strcmp(version, "AUTO") == 0 || strcmp(version, ENGINE_VERSION) == 0)
        return true;
    return error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                     "EngineVersion %s is not there: AUTO and " ENGINE_VERSION " are.", version);
}

static bool set_configuration(json_t *configuration, const json_t *given, GError **error)
{
    if (!check_location(json_text_at(given, "ResultConfiguration.OutputLocation"), error) ||
        !check_version(given, error))
        return false;
    json_object_update(configuration, (json_t *)given);
    json_object_set_new(configuration, "EngineVersion", engine_version());
    return true;
}

/* ---- create, get, list ---- */

bool create_work_group(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "Name");
    g_autoptr(json_auto) body =
        json_pack("{ssso}", "State", "ENABLED", "Configuration", default_configuration(true));
    json_put(body, "Description", json_incref(json_object_get(request, "Description")));
    const json_t *given = json_object_get(request, "Configuration");
    g_autoptr(json_auto) tags = athena_tags(request, error);
    return tags &&
           (!given || set_configuration(json_object_get(body, "Configuration"), given, error)) &&
           athena_create(call, WORK_GROUP, name, "", body, tags, error);
}

struct resource *athena_work_group(const struct call *call, const char *name, bool enabled,
                                   GError **error)
{
    g_autoptr(resource_auto) group = athena_get(call, WORK_GROUP, name, error);
    if (!group)
        return NULL;
    if (enabled && strcmp(json_text_at(group->body, "State"), "ENABLED") != 0) {
        error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                  "WorkGroup %s is disabled: UpdateWorkGroup with State ENABLED enables it.", name);
        return NULL;
    }
    return g_steal_pointer(&group);
}

bool get_work_group(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    g_autoptr(resource_auto) group =
        athena_get(call, WORK_GROUP, json_text_at(request, "WorkGroup"), error);
    if (!group)
        return false;
    json_t *shown = json_pack("{sssf}", "Name", group->name, "CreationTime", group->created);
    json_object_update(shown, group->body);
    reply->output = json_pack("{so}", "WorkGroup", shown);
    return true;
}

static json_t *summary(const struct resource *group)
{
    return json_pack("{sssOsfsosO*}", "Name", group->name, "State",
                     json_object_get(group->body, "State"), "CreationTime", group->created,
                     "EngineVersion", engine_version(), "Description",
                     json_object_get(group->body, "Description"));
}

bool list_work_groups(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    struct resource_query query = {
        .kind = WORK_GROUP,
        .order = RESOURCE_BY_NAME,
        .ascending = true,
        .limit = (size_t)json_integer_at(request, "MaxResults", 50),
        .token = json_text_at(request, "NextToken"),
    };
    g_autofree char *next = NULL;
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, &next, error);
    if (!all)
        return athena_list_error(error);
    json_t *groups = json_array();
    for (guint i = 0; i < all->len; i++)
        json_array_append_new(groups, summary(all->pdata[i]));
    reply->output = json_pack("{soss*}", "WorkGroups", groups, "NextToken", next);
    return true;
}

bool list_engine_versions(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    (void)call;
    struct page_listing listing = {"athena ListEngineVersions", 10,
                                   ERROR_INVALID_REQUEST_EXCEPTION};
    g_autoptr(json_auto) all =
        json_pack("[{ssss}o]", "SelectedEngineVersion", ENGINE_VERSION, "EffectiveEngineVersion",
                  ENGINE_VERSION, engine_version());
    return page_put(&reply->output, "EngineVersions", all, &listing, request, error);
}

/* ---- update ---- */

/* Each takes the member away that it names behind "Remove". */
static const char *const removals[] = {
    "RemoveOutputLocation",          "RemoveBytesScannedCutoffPerQuery",
    "RemoveEncryptionConfiguration", "RemoveExpectedBucketOwner",
    "RemoveAclConfiguration",        "RemoveCustomerContentEncryptionConfiguration",
};

static void take_away(json_t *settings, const json_t *updates)
{
    for (size_t i = 0; i < G_N_ELEMENTS(removals); i++)
        if (json_true_at(updates, removals[i]))
            json_object_del(settings, removals[i] + strlen("Remove"));
}

/* Sets what the updates name, but for what removes and for what has updates of its own. */
static void update_settings(json_t *settings, const json_t *updates)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)updates, name, value) if (!g_str_has_prefix(name, "Remove") &&
                                                            !g_str_has_suffix(name, "Updates"))
        json_object_set(settings, name, value);
    take_away(settings, updates);
}

static bool update_group(struct resource *group, void *data, GError **error)
{
    const json_t *request = data;
    const json_t *updates = json_object_get(request, "ConfigurationUpdates");
    const json_t *results = json_object_get(updates, "ResultConfigurationUpdates");
    json_t *configuration = json_object_get(group->body, "Configuration");
    if (!check_location(json_text_at(results, "OutputLocation"), error) ||
        !check_version(updates, error))
        return false;
    update_settings(configuration, updates);
    update_settings(json_object_get(configuration, "ResultConfiguration"), results);
    json_object_set_new(configuration, "EngineVersion", engine_version());
    static const char *const members[] = {"Description", "State", NULL};
    json_copy_members(group->body, request, members);
    return true;
}

bool update_work_group(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "WorkGroup");
    g_autoptr(resource_auto) group = athena_get(call, WORK_GROUP, name, error);
    return group && resource_update(call->lathe->store, WORK_GROUP, name, update_group,
                                    (void *)request, NULL, error);
}

/* ---- delete ---- */

static bool delete_all_of(const struct call *call, const char *kind, const char *group, bool force,
                          GError **error)
{
    struct resource_query query = {.kind = kind, .parent = group};
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    if (!all || (all->len && !force))
        return all && error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                                "WorkGroup %s is not empty: RecursiveDeleteOption deletes what is "
                                "in it, too.",
                                group);
    for (guint i = 0; i < all->len; i++)
        if (!resource_delete(call->lathe->store, kind, ((struct resource *)all->pdata[i])->name,
                             NULL, error))
            return false;
    return true;
}

bool delete_work_group(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    static const char *const kinds[] = {NAMED_QUERY, PREPARED_STATEMENT, QUERY_EXECUTION};
    const char *name = json_text_at(request, "WorkGroup");
    bool force = json_true_at(request, "RecursiveDeleteOption");
    if (strcmp(name, PRIMARY) == 0)
        return error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                         "The primary workgroup cannot be deleted.");
    g_autoptr(resource_auto) group = athena_get(call, WORK_GROUP, name, error);
    if (!group)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (!delete_all_of(call, kinds[i], name, force, error))
            return false;
    return resource_delete(call->lathe->store, WORK_GROUP, name, NULL, error);
}

/* ---- the one that is there from the start ---- */

bool athena_open_groups(struct lathe *lathe, GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) there = resource_get(lathe->store, WORK_GROUP, PRIMARY, &cause);
    if (there || cause) {
        if (cause)
            g_propagate_error(error, cause);
        return there != NULL;
    }
    struct call call = {.lathe = lathe, .region = "us-east-1", .account = lathe->account};
    g_autoptr(json_auto) body =
        json_pack("{ssso}", "State", "ENABLED", "Configuration", default_configuration(false));
    return athena_create(&call, WORK_GROUP, PRIMARY, "", body, NULL, error);
}
