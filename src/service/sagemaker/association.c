/* Associations: the edges of lineage. */
#include <string.h>

#include "base/page.h"
#include "service/sagemaker/lineage.h"

/* ---- adding and deleting ---- */

static const struct resource *end_of(const struct lineage *lineage, const char *arn, GError **error)
{
    const struct resource *entity = g_hash_table_lookup(lineage->entities, arn);
    if (!entity)
        error_set(error, ERROR_NOT_FOUND,
                  "%s does not exist; an association is between artifacts, contexts, actions, "
                  "trial components, trials and experiments.",
                  arn);
    return entity;
}

static bool is_of_experiments(const struct resource *entity)
{
    return strcmp(entity->kind, artifact_kind.word) != 0 &&
           strcmp(entity->kind, context_kind.word) != 0 &&
           strcmp(entity->kind, action_kind.word) != 0;
}

static bool check_ends(const struct lineage *lineage, const json_t *request, GError **error)
{
    const struct resource *source = end_of(lineage, json_text_at(request, "SourceArn"), error);
    const struct resource *destination =
        source ? end_of(lineage, json_text_at(request, "DestinationArn"), error) : NULL;
    if (!destination)
        return false;
    if (is_of_experiments(source) && is_of_experiments(destination))
        return error_set(error, ERROR_VALIDATION,
                         "%s and %s are both experiment entities, between which there are no "
                         "associations.",
                         source->arn, destination->arn);
    return true;
}

struct writing {
    struct store *store;
    struct lineage_edge edge;
    bool removed;
};

static bool put_within(struct store_connection *connection, void *data, GError **error)
{
    const struct writing *writing = data;
    return lineage_put_edge(connection, writing->store, &writing->edge, writing->removed, error);
}

static struct lineage_edge edge_in(const json_t *request)
{
    return (struct lineage_edge){
        .source = (char *)json_text_at(request, "SourceArn"),
        .destination = (char *)json_text_at(request, "DestinationArn"),
        .type = (char *)json_text_at(request, "AssociationType"),
    };
}

static void answer(const struct lineage_edge *edge, struct reply *reply)
{
    reply->output =
        json_pack("{ssss}", "SourceArn", edge->source, "DestinationArn", edge->destination);
}

bool add_association(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    struct writing writing = {call->lathe->store, edge_in(request), false};
    g_autoptr(lineage_auto) lineage = lineage_open(call->lathe, error);
    if (!lineage || !check_ends(lineage, request, error))
        return false;
    g_autofree char *key = lineage_edge_key(writing.edge.source, writing.edge.destination);
    if (g_hash_table_contains(lineage->edges, key))
        return error_set(error, ERROR_VALIDATION, "Association already exists: from %s to %s",
                         writing.edge.source, writing.edge.destination);
    if (!store_write(call->lathe->store, put_within, &writing, error))
        return false;
    answer(&writing.edge, reply);
    return true;
}

/* What resources tell stays away only where a row says that it was deleted. */
bool delete_association(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    struct writing writing = {call->lathe->store, edge_in(request), true};
    g_autoptr(lineage_auto) lineage = lineage_open(call->lathe, error);
    if (!lineage)
        return false;
    g_autofree char *key = lineage_edge_key(writing.edge.source, writing.edge.destination);
    if (!g_hash_table_contains(lineage->edges, key))
        return error_set(error, ERROR_NOT_FOUND, "There is no association from %s to %s.",
                         writing.edge.source, writing.edge.destination);
    bool made = g_hash_table_contains(lineage->made, key);
    g_autofree char *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
    if (made ? !store_write_spare(call->lathe->store, put_within, &writing, error)
             : !resource_delete(call->lathe->store, LINEAGE_ASSOCIATION, name, NULL, error))
        return false;
    answer(&writing.edge, reply);
    return true;
}

/* ---- listing ---- */

/* Clients name a type, or the sort of entity. */
static bool is_type(const struct resource *entity, const char *type)
{
    return !type || strcmp(lineage_type(entity), type) == 0 ||
           strcmp(lineage_entity(entity), type) == 0;
}

/* A way back is told to who asks from where it begins. */
static bool is_wanted(const struct lineage *lineage, const struct lineage_edge *edge,
                      const json_t *request)
{
    const char *source = json_text_at(request, "SourceArn");
    const char *destination = json_text_at(request, "DestinationArn");
    const char *type = json_text_at(request, "AssociationType");
    double before = json_number_at(request, "CreatedBefore", 0);
    return (source ? strcmp(source, edge->source) == 0 : !edge->back) &&
           (!destination || strcmp(destination, edge->destination) == 0) &&
           (!type || g_strcmp0(type, edge->type) == 0) &&
           edge->created >= json_number_at(request, "CreatedAfter", 0) &&
           (before == 0 || edge->created <= before) &&
           is_type(g_hash_table_lookup(lineage->entities, edge->source),
                   json_text_at(request, "SourceType")) &&
           is_type(g_hash_table_lookup(lineage->entities, edge->destination),
                   json_text_at(request, "DestinationType"));
}

/* An artifact's name in the store is no name that users see. */
static const char *shown_name(const struct resource *entity)
{
    bool artifact = strcmp(entity->kind, artifact_kind.word) == 0;
    return artifact ? json_text_at(entity->body, "ArtifactName") : entity->name;
}

static json_t *summary_of(const struct lineage *lineage, const struct lineage_edge *edge)
{
    const struct resource *source = g_hash_table_lookup(lineage->entities, edge->source);
    const struct resource *destination = g_hash_table_lookup(lineage->entities, edge->destination);
    return json_pack("{ssssssssss*ss*ss*sfs{}}", "SourceArn", edge->source, "DestinationArn",
                     edge->destination, "SourceType", lineage_type(source), "DestinationType",
                     lineage_type(destination), "AssociationType", edge->type, "SourceName",
                     shown_name(source), "DestinationName", shown_name(destination), "CreationTime",
                     edge->created, "CreatedBy");
}

static int by_member(const void *a, const void *b, void *member)
{
    return strcmp(json_text_at(*(json_t *const *)a, member),
                  json_text_at(*(json_t *const *)b, member));
}

static json_t *in_order(GPtrArray *summaries, const json_t *request)
{
    const char *by = json_text_at(request, "SortBy");
    bool ascending = g_strcmp0(json_text_at(request, "SortOrder"), "Ascending") == 0;
    if (by && strcmp(by, "CreationTime") != 0)
        g_ptr_array_sort_with_data(summaries, by_member, (void *)by);
    json_t *sorted = json_array();
    for (guint i = 0; i < summaries->len; i++)
        json_array_append(sorted,
                          g_ptr_array_index(summaries, ascending ? i : summaries->len - 1 - i));
    return sorted;
}

static void decref(void *value)
{
    json_decref(value);
}

bool list_associations(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    g_autoptr(lineage_auto) lineage = lineage_open(call->lathe, error);
    if (!lineage)
        return false;
    g_autoptr(GPtrArray) edges = lineage_edges(lineage);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(decref);
    for (guint i = 0; i < edges->len; i++)
        if (is_wanted(lineage, g_ptr_array_index(edges, i), request))
            g_ptr_array_add(found, summary_of(lineage, g_ptr_array_index(edges, i)));
    g_autoptr(json_auto) sorted = in_order(found, request);
    struct page_listing listing = {"ListAssociations", 10, ERROR_VALIDATION};
    return page_put(&reply->output, "AssociationSummaries", sorted, &listing, request, error);
}
