/* QueryLineage: a walk through the graph, from a start to what came before or after it. */
#include <string.h>

#include "base/page.h"
#include "service/sagemaker/lineage.h"

enum { MOST_DEPTH = 10 };

/* ---- the walk ---- */

struct vertex {
    const struct resource *entity;
    int depth;
    bool may_go_back; /* the start, or reached from it by ways back alone */
};

struct walk {
    struct lineage *lineage;
    GPtrArray *edges;
    GHashTable *from, *to; /* arrays of them, by their sources' and destinations' ARNs */
    GPtrArray *vertices;   /* struct vertex, in the order of reaching */
    GHashTable *reached;   /* the same by ARN */
    bool up, down;
};

static void free_array(void *array)
{
    g_ptr_array_unref(array);
}

static void add_edge(GHashTable *ends, char *arn, struct lineage_edge *edge)
{
    GPtrArray *edges = g_hash_table_lookup(ends, arn);
    if (!edges) {
        edges = g_ptr_array_new();
        g_hash_table_insert(ends, arn, edges);
    }
    g_ptr_array_add(edges, edge);
}

static void walk_open(struct walk *walk, struct lineage *lineage)
{
    *walk = (struct walk){.lineage = lineage,
                          .edges = lineage_edges(lineage),
                          .from = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_array),
                          .to = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_array),
                          .vertices = g_ptr_array_new_with_free_func(g_free),
                          .reached = g_hash_table_new(g_str_hash, g_str_equal)};
    for (guint i = 0; i < walk->edges->len; i++) {
        struct lineage_edge *edge = g_ptr_array_index(walk->edges, i);
        add_edge(walk->from, edge->source, edge);
        add_edge(walk->to, edge->destination, edge);
    }
}

static void walk_close(struct walk *walk)
{
    g_ptr_array_unref(walk->edges);
    g_ptr_array_unref(walk->vertices);
    g_hash_table_unref(walk->from);
    g_hash_table_unref(walk->to);
    g_hash_table_unref(walk->reached);
}

static void reach(struct walk *walk, const char *arn, int depth, bool may_go_back)
{
    const struct resource *entity = g_hash_table_lookup(walk->lineage->entities, arn);
    bool passes = strcmp(entity->kind, trial_kind.word) != 0 &&
                  strcmp(entity->kind, experiment_kind.word) != 0;
    if (!passes || g_hash_table_contains(walk->reached, arn))
        return;
    struct vertex *vertex = g_new(struct vertex, 1);
    *vertex = (struct vertex){entity, depth, may_go_back};
    g_ptr_array_add(walk->vertices, vertex);
    g_hash_table_insert(walk->reached, entity->arn, vertex);
}

static void step(struct walk *walk, const struct vertex *at)
{
    GPtrArray *from = walk->down ? g_hash_table_lookup(walk->from, at->entity->arn) : NULL;
    GPtrArray *to = walk->up ? g_hash_table_lookup(walk->to, at->entity->arn) : NULL;
    for (guint i = 0; from && i < from->len; i++) {
        const struct lineage_edge *edge = g_ptr_array_index(from, i);
        if (!edge->back || at->may_go_back)
            reach(walk, edge->destination, at->depth + 1, edge->back);
    }
    for (guint i = 0; to && i < to->len; i++) {
        const struct lineage_edge *edge = g_ptr_array_index(to, i);
        if (!edge->back)
            reach(walk, edge->source, at->depth + 1, false);
    }
}

static void walk_all(struct walk *walk, int depth)
{
    for (guint i = 0; i < walk->vertices->len; i++) {
        const struct vertex *at = g_ptr_array_index(walk->vertices, i);
        if (at->depth < depth)
            step(walk, at);
    }
}

/* ---- what of it is wanted ---- */

static bool has_text(const json_t *list, const char *text)
{
    size_t i;
    const json_t *one;
    json_array_foreach((json_t *)list, i, one)
    {
        if (g_strcmp0(json_string_value(one), text) == 0)
            return true;
    }
    return json_array_size(list) == 0;
}

/* A job's component is a TrainingJob here, and a SageMakerTrainingJob in associations. */
static const char *vertex_type(const struct resource *entity)
{
    const char *type = lineage_type(entity);
    bool component = strcmp(entity->kind, trial_component_kind.word) == 0;
    return component && g_str_has_prefix(type, "SageMaker") ? type + strlen("SageMaker") : type;
}

static bool has_properties(const struct resource *entity, const json_t *wanted)
{
    const json_t *properties = json_object_get(entity->body, "Properties");
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)wanted, name, value)
    {
        if (!json_equal(value, json_object_get(properties, name)))
            return false;
    }
    return true;
}

static bool is_within(double time, const json_t *filters, const char *after, const char *before)
{
    double end = json_number_at(filters, before, 0);
    return time >= json_number_at(filters, after, 0) && (end == 0 || time <= end);
}

static bool fits(const struct resource *entity, const json_t *filters)
{
    return has_text(json_object_get(filters, "Types"), vertex_type(entity)) &&
           has_text(json_object_get(filters, "LineageTypes"), lineage_entity(entity)) &&
           has_properties(entity, json_object_get(filters, "Properties")) &&
           is_within(entity->created, filters, "CreatedAfter", "CreatedBefore") &&
           is_within(entity->modified, filters, "ModifiedAfter", "ModifiedBefore");
}

/* ---- the answer ---- */

static json_t *vertices_of(const struct walk *walk, const json_t *filters, guint first)
{
    json_t *vertices = json_array();
    for (guint i = first; i < walk->vertices->len; i++) {
        const struct vertex *vertex = g_ptr_array_index(walk->vertices, i);
        if (fits(vertex->entity, filters))
            json_array_append_new(vertices,
                                  json_pack("{ssssss}", "Arn", vertex->entity->arn, "Type",
                                            vertex_type(vertex->entity), "LineageType",
                                            lineage_entity(vertex->entity)));
    }
    return vertices;
}

/* Their places, from 1, by ARN. */
static GHashTable *places_of(const json_t *vertices)
{
    GHashTable *places = g_hash_table_new(g_str_hash, g_str_equal);
    size_t i;
    const json_t *vertex;
    json_array_foreach((json_t *)vertices, i, vertex)
        g_hash_table_insert(places, (char *)json_text_at(vertex, "Arn"), GSIZE_TO_POINTER(i + 1));
    return places;
}

/* An edge is on the page of the later of its ends, so that all pages have each of them once. */
static json_t *edges_of(const struct walk *walk, const json_t *vertices, const struct page *page)
{
    g_autoptr(GHashTable) places = places_of(vertices);
    json_t *edges = json_array();
    for (guint i = 0; i < walk->edges->len; i++) {
        const struct lineage_edge *edge = g_ptr_array_index(walk->edges, i);
        size_t source = GPOINTER_TO_SIZE(g_hash_table_lookup(places, edge->source));
        size_t destination = GPOINTER_TO_SIZE(g_hash_table_lookup(places, edge->destination));
        size_t later = MAX(source, destination);
        if (!edge->back && source && destination && later > page->first && later <= page->end)
            json_array_append_new(edges, json_pack("{ssssss*}", "SourceArn", edge->source,
                                                   "DestinationArn", edge->destination,
                                                   "AssociationType", edge->type));
    }
    return edges;
}

static bool answer(const struct walk *walk, const json_t *request, guint first, struct reply *reply,
                   GError **error)
{
    g_autoptr(json_auto) vertices = vertices_of(walk, json_object_get(request, "Filters"), first);
    size_t count = json_array_size(vertices);
    size_t limit = (size_t)json_integer_at(request, "MaxResults", 0);
    struct page page;
    if (!page_find(&page, "QueryLineage", json_text_at(request, "NextToken"), count,
                   limit ? limit : count, ERROR_VALIDATION, error))
        return false;
    json_t *shown = json_array();
    for (size_t i = page.first; i < page.end; i++)
        json_array_append(shown, json_array_get(vertices, i));
    bool edges = json_true_at(request, "IncludeEdges") || !json_object_get(request, "IncludeEdges");
    g_autofree char *token = page_next(&page, "QueryLineage", count);
    reply->output = json_pack("{soso}", "Vertices", shown, "Edges",
                              edges ? edges_of(walk, vertices, &page) : json_array());
    if (token)
        json_put(reply->output, "NextToken", json_string(token));
    return true;
}

/* ---- the start ---- */

static bool begin(struct walk *walk, const json_t *request, GError **error)
{
    const char *start = json_text_at(request, "StartArns[0]");
    if (start && !g_hash_table_contains(walk->lineage->entities, start))
        return error_set(
            error, ERROR_NOT_FOUND,
            "%s is no lineage entity; ListArtifacts, ListContexts and ListActions find "
            "those of a resource by its ARN as SourceUri.",
            start);
    if (start) {
        reach(walk, start, 0, true);
        return true;
    }
    static const struct kind *const kinds[] = {&artifact_kind, &context_kind, &action_kind,
                                               &trial_component_kind};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GPtrArray) all = lineage_entities(walk->lineage, kinds[i]->word);
        for (guint e = 0; e < all->len; e++)
            reach(walk, ((struct resource *)g_ptr_array_index(all, e))->arn, 0, true);
    }
    return true;
}

/* With filters, what was started from is none of what was looked for. */
static bool walk_and_answer(struct walk *walk, const json_t *request, struct reply *reply,
                            GError **error)
{
    const char *direction = json_text_at(request, "Direction");
    walk->up = g_strcmp0(direction, "Descendants") != 0;
    walk->down = g_strcmp0(direction, "Ascendants") != 0;
    if (!begin(walk, request, error))
        return false;
    bool started = json_text_at(request, "StartArns[0]") != NULL;
    bool filtered = json_object_size(json_object_get(request, "Filters")) > 0;
    walk_all(walk, (int)json_integer_at(request, "MaxDepth", MOST_DEPTH));
    return answer(walk, request, started && filtered, reply, error);
}

bool query_lineage(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    g_autoptr(lineage_auto) lineage = lineage_open(call->lathe, error);
    if (!lineage)
        return false;
    struct walk walk;
    walk_open(&walk, lineage);
    bool answered = walk_and_answer(&walk, request, reply, error);
    walk_close(&walk);
    return answered;
}
