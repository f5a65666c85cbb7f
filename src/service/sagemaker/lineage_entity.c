/* Artifacts, contexts and actions: those that users make, and those that resources tell. */
#include <string.h>

#include "base/page.h"
#include "service/sagemaker/experiments.h"
#include "service/sagemaker/lineage.h"

/* ---- finding ---- */

static bool is_it(const struct resource *entity, const struct kind *kind, const char *name)
{
    return strcmp(entity->kind, kind->word) == 0 && g_ascii_strcasecmp(entity->name, name) == 0;
}

static struct resource *find(const struct lineage *lineage, const struct kind *kind,
                             const char *name)
{
    GHashTableIter all;
    void *entity;
    g_hash_table_iter_init(&all, lineage->entities);
    while (g_hash_table_iter_next(&all, NULL, &entity))
        if (is_it(entity, kind, name))
            return entity;
    return NULL;
}

static bool say_missing(const struct kind *kind, const char *name, GError **error)
{
    return error_set(error, ERROR_NOT_FOUND, "%s %s does not exist.", kind->noun, name);
}

/* What a request names: "artifact/<id>" is behind the last slash of an ARN. g_free. */
static char *name_in(const struct kind *kind, const json_t *request)
{
    if (kind != &artifact_kind)
        return g_strdup(json_text_at(request, kind->name));
    const char *arn = json_text_at(request, "ArtifactArn");
    return arn ? g_path_get_basename(arn) : lineage_artifact_id(json_object_get(request, "Source"));
}

/* ---- making ---- */

struct making {
    struct store *store;
    struct resource *entity;
};

static bool put_within(struct store_connection *connection, void *data, GError **error)
{
    const struct making *making = data;
    return lineage_put(connection, making->store, making->entity, error);
}

static bool put(const struct call *call, struct resource *entity, GError **error)
{
    struct making making = {call->lathe->store, entity};
    return store_write(call->lathe->store, put_within, &making, error);
}

static json_t *body_of(const struct kind *kind, const json_t *request)
{
    json_t *body = json_deep_copy(request);
    const char *const not_kept[] = {"Tags", "Status", kind->name};
    for (size_t i = 0; i < G_N_ELEMENTS(not_kept); i++)
        json_object_del(body, not_kept[i]);
    return body;
}

static bool create_entity(const struct call *call, const struct kind *kind, const json_t *request,
                          struct reply *reply, GError **error)
{
    g_autofree char *name = name_in(kind, request);
    g_autoptr(lineage_auto) lineage = sagemaker_check_tags(json_object_get(request, "Tags"), error)
                                          ? lineage_open(call->lathe, error)
                                          : NULL;
    if (!lineage)
        return false;
    const struct resource *present = find(lineage, kind, name);
    if (present)
        return error_set(error, kind->taken_code, "%s already exists: %s", kind->noun,
                         present->arn);
    g_autofree char *lower = g_ascii_strdown(name, -1);
    g_autofree char *arn = call_arn(call, kind->word, lower);
    g_autoptr(json_auto) body = body_of(kind, request);
    const char *status = json_text_at(request, "Status");
    struct resource entity = {.kind = (char *)kind->word,
                              .name = name,
                              .arn = arn,
                              .status = (char *)(status         ? status
                                                 : kind->status ? "Unknown"
                                                                : ""),
                              .parent = (char *)"",
                              .body = body,
                              .any_case = true,
                              .tags = json_object_get(request, "Tags")};
    if (!put(call, &entity, error))
        return false;
    reply->output = json_pack("{ss}", kind->arn, arn);
    return true;
}

/* ---- telling ---- */

static bool describe_entity(const struct call *call, const struct kind *kind, const json_t *request,
                            struct reply *reply, GError **error)
{
    g_autofree char *name = name_in(kind, request);
    g_autoptr(lineage_auto) lineage = lineage_open(call->lathe, error);
    const struct resource *entity = lineage ? find(lineage, kind, name) : NULL;
    if (!entity)
        return lineage && say_missing(kind, name, error);
    reply->output = sagemaker_describe(kind, entity);
    return true;
}

static bool is_wanted(const struct resource *entity, const json_t *request)
{
    const char *uri = json_text_at(request, "SourceUri");
    const char *type = NULL;
    static const char *const types[] = {"ArtifactType", "ContextType", "ActionType"};
    for (size_t i = 0; i < G_N_ELEMENTS(types) && !type; i++)
        type = json_text_at(request, types[i]);
    double before = json_number_at(request, "CreatedBefore", 0);
    return (!uri || g_strcmp0(uri, json_text_at(entity->body, "Source.SourceUri")) == 0) &&
           (!type || g_strcmp0(type, lineage_type(entity)) == 0) &&
           entity->created >= json_number_at(request, "CreatedAfter", 0) &&
           (before == 0 || entity->created <= before);
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp((*(struct resource *const *)a)->name, (*(struct resource *const *)b)->name);
}

static json_t *summary_of(const struct kind *kind, const struct resource *entity)
{
    json_t *summary = sagemaker_describe(kind, entity);
    kind_fit_summary(kind, summary);
    return summary;
}

static bool list_entities(const struct call *call, const struct kind *kind, const json_t *request,
                          struct reply *reply, GError **error)
{
    g_autoptr(lineage_auto) lineage = lineage_open(call->lathe, error);
    if (!lineage)
        return false;
    g_autoptr(GPtrArray) all = lineage_entities(lineage, kind->word);
    if (g_strcmp0(json_text_at(request, "SortBy"), "Name") == 0)
        g_ptr_array_sort(all, by_name);
    bool ascending = g_strcmp0(json_text_at(request, "SortOrder"), "Ascending") == 0;
    g_autoptr(json_auto) found = json_array();
    for (guint i = 0; i < all->len; i++) {
        const struct resource *entity = g_ptr_array_index(all, ascending ? i : all->len - 1 - i);
        if (is_wanted(entity, request))
            json_array_append_new(found, summary_of(kind, entity));
    }
    struct page_listing listing = {kind->list, 10, ERROR_VALIDATION};
    return page_put(&reply->output, kind->summaries, found, &listing, request, error);
}

/* ---- changing ---- */

static bool change_entity(struct resource *entity, void *data, GError **error)
{
    (void)error;
    static const char *const members[] = {"ArtifactName", "Description", NULL};
    json_copy_members(entity->body, data, members);
    experiments_change_map(entity->body, data, "Properties", "PropertiesToRemove");
    const char *status = json_text_at(data, "Status");
    if (status)
        sagemaker_set_status(entity, status);
    return true;
}

/* What resources told becomes a row of its own when somebody changes it. */
static bool write_down(const struct call *call, const struct lineage *lineage,
                       struct resource *entity, GError **error)
{
    g_autoptr(resource_auto) row = resource_get_by_arn(call->lathe->store, entity->arn, NULL);
    bool there = row && strcmp(row->status, LINEAGE_REMOVED) != 0;
    return there || !g_hash_table_contains(lineage->made, entity->arn) || put(call, entity, error);
}

static bool update_entity(const struct call *call, const struct kind *kind, const json_t *request,
                          struct reply *reply, GError **error)
{
    g_autofree char *name = name_in(kind, request);
    g_autoptr(lineage_auto) lineage = lineage_open(call->lathe, error);
    struct resource *entity = lineage ? find(lineage, kind, name) : NULL;
    if (!entity)
        return lineage && say_missing(kind, name, error);
    return write_down(call, lineage, entity, error) &&
           sagemaker_update(call, kind, entity->name, change_entity, (void *)request,
                            json_pack("{ss}", kind->arn, entity->arn), reply, error);
}

/* ---- deleting ---- */

static size_t count_edges(const struct lineage *lineage, const char *arn)
{
    size_t count = 0;
    GHashTableIter all;
    void *value;
    g_hash_table_iter_init(&all, lineage->edges);
    while (g_hash_table_iter_next(&all, NULL, &value)) {
        const struct lineage_edge *edge = value;
        bool touches = strcmp(edge->source, arn) == 0 || strcmp(edge->destination, arn) == 0;
        count += touches && !edge->back;
    }
    return count;
}

static bool delete_found(const struct call *call, const struct lineage *lineage,
                         struct resource *entity, GError **error)
{
    size_t edges = count_edges(lineage, entity->arn);
    if (edges)
        return error_set(error, ERROR_VALIDATION,
                         "%s cannot be deleted: it has %zu associations, which have to be deleted "
                         "first.",
                         entity->arn, edges);
    if (!g_hash_table_contains(lineage->made, entity->arn))
        return resource_delete(call->lathe->store, entity->kind, entity->name, NULL, error);
    sagemaker_set_status(entity, LINEAGE_REMOVED);
    entity->created = entity->modified = 0; /* now */
    return put(call, entity, error);
}

static bool delete_entity(const struct call *call, const struct kind *kind, const json_t *request,
                          struct reply *reply, GError **error)
{
    g_autofree char *name = name_in(kind, request);
    g_autoptr(lineage_auto) lineage = lineage_open(call->lathe, error);
    struct resource *entity = lineage ? find(lineage, kind, name) : NULL;
    if (!entity)
        return lineage && say_missing(kind, name, error);
    if (!delete_found(call, lineage, entity, error))
        return false;
    reply->output = json_pack("{ss}", kind->arn, entity->arn);
    return true;
}

/* ---- what they are ---- */

#define ENTITY_OPERATION(verb, entity, kind)                                                       \
    static bool verb##_##kind(const struct call *call, const json_t *request, struct reply *reply, \
                              GError **error)                                                      \
    {                                                                                              \
        return verb##_##entity(call, &kind##_kind, request, reply, error);                         \
    }
#define ENTITY_OPERATIONS(kind)              \
    ENTITY_OPERATION(create, entity, kind)   \
    ENTITY_OPERATION(describe, entity, kind) \
    ENTITY_OPERATION(update, entity, kind)   \
    ENTITY_OPERATION(list, entities, kind)

ENTITY_OPERATIONS(artifact)
ENTITY_OPERATIONS(context)
ENTITY_OPERATIONS(action)
ENTITY_OPERATION(delete, entity, context)
ENTITY_OPERATION(delete, entity, action)

static bool delete_artifact(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    bool both = json_object_get(request, "ArtifactArn") && json_object_get(request, "Source");
    if (both || json_object_size(request) == 0)
        return error_set(error, ERROR_VALIDATION,
                         "Exactly one of ArtifactArn and Source must be given.");
    return delete_entity(call, &artifact_kind, request, reply, error);
}

static const struct operation artifact_operations[] = {
    {"CreateArtifact", create_artifact, OPERATION_BLOCKING},
    {"DescribeArtifact", describe_artifact, OPERATION_BLOCKING},
    {"ListArtifacts", list_artifact, OPERATION_BLOCKING},
    {"UpdateArtifact", update_artifact, OPERATION_BLOCKING},
    {"DeleteArtifact", delete_artifact, OPERATION_BLOCKING},
};

#define ALWAYS "{\"CreatedBy\": {}, \"LastModifiedBy\": {}, \"Properties\": {}}"

/* Its name in the store is made from its source; ArtifactName is no more than a label. */
const struct kind artifact_kind = {
    .service = "sagemaker",
    .word = "artifact",
    .noun = "Artifact",
    .name = "ArtifactId",
    .arn = "ArtifactArn",
    .summaries = "ArtifactSummaries",
    .any_case = true,
    .create = "CreateArtifact",
    .describe = "DescribeArtifact",
    .list = "ListArtifacts",
    .described_by = "ArtifactArn",
    .named_by_reply = true,
    .always = ALWAYS,
    .missing_code = ERROR_NOT_FOUND,
    .missing = "Artifact %s does not exist.",
    .taken_code = ERROR_VALIDATION,
    .taken = "Artifact already exists: %s",
    .operations = artifact_operations,
    .count = G_N_ELEMENTS(artifact_operations),
};

static const struct operation context_operations[] = {
    {"CreateContext", create_context, OPERATION_BLOCKING},
    {"DescribeContext", describe_context, OPERATION_BLOCKING},
    {"ListContexts", list_context, OPERATION_BLOCKING},
    {"UpdateContext", update_context, OPERATION_BLOCKING},
    {"DeleteContext", delete_context, OPERATION_BLOCKING},
};

const struct kind context_kind = {
    .service = "sagemaker",
    .word = "context",
    .noun = "Context",
    KIND_WORDS("Context"),
    .summaries = "ContextSummaries",
    .any_case = true,
    .always = ALWAYS,
    .missing_code = ERROR_NOT_FOUND,
    .missing = "Context %s does not exist.",
    .taken_code = ERROR_VALIDATION,
    .taken = "Context already exists: %s",
    .operations = context_operations,
    .count = G_N_ELEMENTS(context_operations),
};

static const struct operation action_operations[] = {
    {"CreateAction", create_action, OPERATION_BLOCKING},
    {"DescribeAction", describe_action, OPERATION_BLOCKING},
    {"ListActions", list_action, OPERATION_BLOCKING},
    {"UpdateAction", update_action, OPERATION_BLOCKING},
    {"DeleteAction", delete_action, OPERATION_BLOCKING},
};

const struct kind action_kind = {
    .service = "sagemaker",
    .word = "action",
    .noun = "Action",
    KIND_WORDS("Action"),
    .status = "Status",
    .summaries = "ActionSummaries",
    .any_case = true,
    .always = ALWAYS,
    .missing_code = ERROR_NOT_FOUND,
    .missing = "Action %s does not exist.",
    .taken_code = ERROR_VALIDATION,
    .taken = "Action already exists: %s",
    .operations = action_operations,
    .count = G_N_ELEMENTS(action_operations),
};
