/* Versions of pipelines: every definition that a pipeline has had stays under its number, may carry
 * words and aliases, and can be started by either. */
#include "service/sagemaker/pipeline.h"

#include <string.h>

#include "flow/pipeline/pipeline.h"

gint64 pipeline_present_version(const struct resource *pipeline)
{
    return json_integer_at(pipeline->body, "PipelineVersionId", 1);
}

gint64 pipeline_version_number(const struct resource *version)
{
    return g_ascii_strtoll(strrchr(version->name, '/') + 1, NULL, 10);
}

/* ---- keeping ---- */

bool pipeline_version_keep(struct store_connection *connection, const struct call *call,
                           const char *pipeline, const json_t *body, GError **error)
{
    static const char *const members[] = {"PipelineDefinition", CALL_WITHIN, NULL};
    g_autofree char *name =
        pipeline_version_name(pipeline, json_integer_at(body, "PipelineVersionId", 1));
    g_autoptr(json_auto) kept_body = json_object();
    json_copy_members(kept_body, body, members);
    struct resource kept = {.kind = (char *)PIPELINE_VERSION,
                            .name = name,
                            .arn = (char *)"",
                            .status = (char *)"",
                            .parent = (char *)pipeline,
                            .body = kept_body};
    bool taken = false;
    g_autoptr(GError) cause = NULL;
    if (resource_create_within(connection, call->lathe->store, &kept, &taken, &cause) || taken)
        return true;
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

static bool set_last_execution(struct resource *version, void *data, GError **error)
{
    (void)error;
    json_object_set_new(version->body, "LastExecutionPipelineExecutionArn", json_string(data));
    return true;
}

bool pipeline_version_mark_run(struct store_connection *connection, const struct call *call,
                               const char *pipeline, gint64 version, const char *execution,
                               GError **error)
{
    g_autofree char *name = pipeline_version_name(pipeline, version);
    return resource_update_within(connection, call->lathe->store, PIPELINE_VERSION, name,
                                  set_last_execution, (void *)execution, error);
}

/* ---- aliases ---- */

static bool is_among(const json_t *aliases, const char *alias)
{
    size_t i;
    const json_t *one;
    json_array_foreach(aliases, i, one)
    {
        if (g_strcmp0(json_string_value(one), alias) == 0)
            return true;
    }
    return false;
}

/* None of `data`, a list, are the version's aliases any more. */
static bool take_aliases(struct resource *version, void *data, GError **error)
{
    (void)error;
    const json_t *gone = data;
    json_t *left = json_array();
    size_t i;
    json_t *alias;
    json_array_foreach(json_object_get(version->body, "PipelineVersionAliases"), i, alias)
    {
        if (!is_among(gone, json_string_value(alias)))
            json_array_append(left, alias);
    }
    json_object_set_new(version->body, "PipelineVersionAliases", left);
    return true;
}

static bool add_aliases(struct resource *version, void *data, GError **error)
{
    json_t *added = data;
    take_aliases(version, added, error);
    json_array_extend(json_object_get(version->body, "PipelineVersionAliases"), added);
    return true;
}

bool pipeline_version_alias(struct store_connection *connection, const struct call *call,
                            const char *pipeline, gint64 version, const json_t *aliases,
                            GError **error)
{
    if (json_array_size(aliases) == 0)
        return true;
    struct store *store = call->lathe->store;
    struct resource_query query = {.kind = PIPELINE_VERSION, .parent = pipeline};
    g_autoptr(GPtrArray) versions = resource_list_within(connection, &query, error);
    if (!versions)
        return false;
    for (guint i = 0; i < versions->len; i++) {
        const struct resource *other = g_ptr_array_index(versions, i);
        if (json_array_size(json_object_get(other->body, "PipelineVersionAliases")) > 0 &&
            !resource_update_within(connection, store, PIPELINE_VERSION, other->name, take_aliases,
                                    (void *)aliases, error))
            return false;
    }
    g_autofree char *name = pipeline_version_name(pipeline, version);
    return resource_update_within(connection, store, PIPELINE_VERSION, name, add_aliases,
                                  (void *)aliases, error);
}

/* ---- finding ---- */

static struct resource *find_alias(const struct call *call, const struct resource *pipeline,
                                   const char *alias, GError **error)
{
    struct resource_query query = {.kind = PIPELINE_VERSION, .parent = pipeline->name};
    g_autoptr(GPtrArray) versions = resource_list(call->lathe->store, &query, NULL, error);
    if (!versions)
        return NULL;
    for (guint i = 0; i < versions->len; i++) {
        const struct resource *aliased = g_ptr_array_index(versions, i);
        if (is_among(json_object_get(aliased->body, "PipelineVersionAliases"), alias))
            return g_ptr_array_steal_index(versions, i);
    }
    error_set(error, ERROR_NOT_FOUND, "Pipeline '%s' has no version with the alias %s.",
              pipeline->arn, alias);
    return NULL;
}

/* What a home of an older lathe never ran has no row. */
static struct resource *present_without_row(const struct resource *pipeline)
{
    struct resource *version = g_new0(struct resource, 1);
    version->name = pipeline_version_name(pipeline->name, pipeline_present_version(pipeline));
    version->body = json_copy(pipeline->body);
    version->created = version->modified = pipeline->modified;
    return version;
}

static struct resource *find_number(const struct call *call, const struct resource *pipeline,
                                    gint64 number, GError **error)
{
    GError *cause = NULL;
    g_autofree char *name = pipeline_version_name(pipeline->name, number);
    struct resource *version = resource_get(call->lathe->store, PIPELINE_VERSION, name, &cause);
    if (version)
        return version;
    if (!cause && number == pipeline_present_version(pipeline))
        return present_without_row(pipeline);
    if (cause)
        g_propagate_error(error, cause);
    else
        error_set(error, ERROR_NOT_FOUND, "Pipeline '%s' has no version %lld.", pipeline->arn,
                  (long long)number);
    return NULL;
}

struct resource *pipeline_version_find(const struct call *call, const struct resource *pipeline,
                                       const json_t *request, GError **error)
{
    const char *alias = json_text_at(request, "PipelineVersionAlias");
    const json_t *number = json_object_get(request, "PipelineVersionId");
    if (alias && number) {
        error_set(error, ERROR_VALIDATION,
                  "Only one of PipelineVersionId and PipelineVersionAlias can be given.");
        return NULL;
    }
    return alias ? find_alias(call, pipeline, alias, error)
                 : find_number(call, pipeline,
                               json_integer_at(request, "PipelineVersionId",
                                               pipeline_present_version(pipeline)),
                               error);
}

/* ---- operations ---- */

static json_t *summary_of(const struct resource *pipeline, const struct resource *version)
{
    json_t *summary =
        json_pack("{sssIsf}", "PipelineArn", pipeline->arn, "PipelineVersionId",
                  (json_int_t)pipeline_version_number(version), "CreationTime", version->created);
    pipeline_version_tell(version, summary);
    json_put(summary, "LastExecutionPipelineExecutionArn",
             json_incref(json_object_get(version->body, "LastExecutionPipelineExecutionArn")));
    return summary;
}

void pipeline_version_tell(const struct resource *version, json_t *description)
{
    static const char *const members[] = {
        "PipelineVersionDisplayName", "PipelineVersionDescription", "PipelineVersionAliases", NULL};
    json_copy_members(description, version->body, members);
}

bool list_pipeline_versions(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    g_autoptr(resource_auto) pipeline =
        pipeline_find(call, json_text_at(request, "PipelineName"), error);
    if (!pipeline)
        return false;
    struct resource_query query = pipeline_query(PIPELINE_VERSION, pipeline, request);
    g_autofree char *token = NULL;
    g_autoptr(GPtrArray) versions = resource_list(call->lathe->store, &query, &token, error);
    if (!versions)
        return false;
    json_t *summaries = json_array();
    for (guint i = 0; i < versions->len; i++)
        json_array_append_new(summaries, summary_of(pipeline, g_ptr_array_index(versions, i)));
    reply->output = json_pack("{so}", "PipelineVersionSummaries", summaries);
    if (token)
        json_put(reply->output, "NextToken", json_string(token));
    return true;
}

struct naming {
    const struct call *call;
    const json_t *request;
    const struct resource *pipeline;
    gint64 version;
};

static bool change_words(struct resource *version, void *data, GError **error)
{
    static const char *const members[] = {"PipelineVersionDisplayName",
                                          "PipelineVersionDescription", NULL};
    const struct naming *naming = data;
    json_t *removed = json_at(naming->request, "PipelineVersionAliasOperations.Remove");
    json_copy_members(version->body, naming->request, members);
    return !removed || take_aliases(version, removed, error);
}

static bool change_version(struct store_connection *connection, void *data, GError **error)
{
    const struct naming *naming = data;
    const struct resource *pipeline = naming->pipeline;
    g_autofree char *name = pipeline_version_name(pipeline->name, naming->version);
    return (naming->version != pipeline_present_version(pipeline) ||
            pipeline_version_keep(connection, naming->call, pipeline->name, pipeline->body,
                                  error)) &&
           resource_update_within(connection, naming->call->lathe->store, PIPELINE_VERSION, name,
                                  change_words, data, error) &&
           pipeline_version_alias(connection, naming->call, pipeline->name, naming->version,
                                  json_at(naming->request, "PipelineVersionAliasOperations.Add"),
                                  error);
}

bool update_pipeline_version(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    g_autoptr(resource_auto) pipeline =
        pipeline_find(call, json_text_at(request, "PipelineArn"), error);
    g_autoptr(resource_auto) version =
        pipeline ? pipeline_version_find(call, pipeline, request, error) : NULL;
    if (!version)
        return false;
    struct naming naming = {call, request, pipeline, pipeline_version_number(version)};
    reply->output = json_pack("{sssI}", "PipelineArn", pipeline->arn, "PipelineVersionId",
                              (json_int_t)naming.version);
    return sagemaker_write(call, change_version, &naming, reply, error);
}
