/* The graph: what resources tell, with the rows of the store over it. */
#include "service/sagemaker/lineage.h"

#include <string.h>

/* ---- its parts ---- */

static void edge_free(void *data)
{
    struct lineage_edge *edge = data;
    g_free(edge->source);
    g_free(edge->destination);
    g_free(edge->type);
    g_free(edge);
}

static void free_resource(void *resource)
{
    resource_free(resource);
}

void lineage_free(struct lineage *lineage)
{
    if (!lineage)
        return;
    g_hash_table_unref(lineage->entities);
    g_hash_table_unref(lineage->edges);
    g_hash_table_unref(lineage->made);
    g_free(lineage->without);
    g_free(lineage->prefix);
    g_free(lineage);
}

char *lineage_edge_key(const char *source, const char *destination)
{
    return g_strconcat(source, "\n", destination, NULL);
}

char *lineage_artifact_id(const json_t *source)
{
    const json_t *types = json_object_get(source, "SourceTypes");
    g_autofree char *more = json_array_size(types) ? json_text_of(types) : g_strdup("");
    g_autofree char *whole = g_strconcat(json_text_at(source, "SourceUri"), "\n", more, NULL);
    char *id = g_compute_checksum_for_string(G_CHECKSUM_SHA256, whole, -1);
    id[32] = '\0';
    return id;
}

/* ---- what they are ---- */

static const struct {
    const struct kind *kind;
    const char *entity, *type; /* type: the member that tells it; or NULL */
} sorts[] = {
    {&artifact_kind, "Artifact", "ArtifactType"},
    {&context_kind, "Context", "ContextType"},
    {&action_kind, "Action", "ActionType"},
    {&trial_component_kind, "TrialComponent", "Source.SourceType"},
    {&trial_kind, "Trial", NULL},
    {&experiment_kind, "Experiment", NULL},
};

static size_t sort_of(const struct resource *resource)
{
    size_t i = 0;
    while (i < G_N_ELEMENTS(sorts) && strcmp(sorts[i].kind->word, resource->kind) != 0)
        i++;
    return i;
}

const char *lineage_entity(const struct resource *resource)
{
    size_t sort = sort_of(resource);
    return sort < G_N_ELEMENTS(sorts) ? sorts[sort].entity : NULL;
}

const char *lineage_type(const struct resource *resource)
{
    size_t sort = sort_of(resource);
    if (sort == G_N_ELEMENTS(sorts))
        return NULL;
    const char *type = sorts[sort].type ? json_text_at(resource->body, sorts[sort].type) : NULL;
    bool component = sorts[sort].kind == &trial_component_kind;
    return type ? type : component ? "SageMakerExperimentTrialComponent" : sorts[sort].entity;
}

/* ---- what is told ---- */

static void see_again(struct resource *entity, double created)
{
    entity->created = MIN(entity->created, created);
    entity->modified = MAX(entity->modified, created);
}

const char *lineage_add(struct lineage *lineage, const struct kind *kind, const char *name,
                        json_t *body, double created)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);
    g_autofree char *arn = g_strconcat(lineage->prefix, kind->word, "/", lower, NULL);
    struct resource *entity = g_hash_table_lookup(lineage->entities, arn);
    if (entity) {
        json_decref(body);
        see_again(entity, created);
        return entity->arn;
    }
    entity = g_new0(struct resource, 1);
    const char *status = json_text_at(body, "Status");
    *entity = (struct resource){.kind = g_strdup(kind->word),
                                .name = g_strdup(name),
                                .arn = g_steal_pointer(&arn),
                                .status = g_strdup(status ? status : ""),
                                .parent = g_strdup(""),
                                .body = body,
                                .created = created,
                                .modified = created};
    json_object_del(body, "Status");
    g_hash_table_insert(lineage->entities, entity->arn, entity);
    g_hash_table_add(lineage->made, g_strdup(entity->arn));
    return entity->arn;
}

static struct lineage_edge *new_edge(const char *source, const char *destination, const char *type,
                                     double created)
{
    struct lineage_edge *edge = g_new0(struct lineage_edge, 1);
    *edge = (struct lineage_edge){g_strdup(source), g_strdup(destination), g_strdup(type), created,
                                  false};
    return edge;
}

void lineage_join(struct lineage *lineage, const char *source, const char *destination,
                  const char *type, double created)
{
    char *key = lineage_edge_key(source, destination);
    struct lineage_edge *edge = new_edge(source, destination, type, created);
    edge->back = strstr(source, ":context/") || strstr(destination, ":artifact/");
    edge->back = edge->back && strcmp(type, "AssociatedWith") == 0;
    g_hash_table_replace(lineage->edges, key, edge);
    g_hash_table_add(lineage->made, g_strdup(key));
}

/* ---- the rows over it ---- */

/* What was deleted, and has not been told anew since, is there no more. */
static void lay_entity(struct lineage *lineage, struct resource *row)
{
    struct resource *told = g_hash_table_lookup(lineage->entities, row->arn);
    bool removed = strcmp(row->status, LINEAGE_REMOVED) == 0;
    if (!removed)
        g_hash_table_replace(lineage->entities, row->arn, row);
    else if (told && told->modified <= row->modified)
        g_hash_table_remove(lineage->entities, row->arn);
    if (removed)
        resource_free(row);
}

static void lay_edge(struct lineage *lineage, struct resource *row)
{
    g_autofree char *key = lineage_edge_key(json_text_at(row->body, "SourceArn"),
                                            json_text_at(row->body, "DestinationArn"));
    struct lineage_edge *told = g_hash_table_lookup(lineage->edges, key);
    bool removed = strcmp(row->status, LINEAGE_REMOVED) == 0;
    if (!removed) {
        struct lineage_edge *edge = new_edge(
            json_text_at(row->body, "SourceArn"), json_text_at(row->body, "DestinationArn"),
            json_text_at(row->body, "AssociationType"), row->created);
        edge->back = json_true_at(row->body, "Back");
        g_hash_table_replace(lineage->edges, g_steal_pointer(&key), edge);
    } else if (told && told->created <= row->modified) {
        g_hash_table_remove(lineage->edges, key);
    }
    resource_free(row);
}

/* What trainings and processing jobs tell needs no other resources: where only what these tell is
 * looked for, of all components those of transforms are enough. */
static const char *needed(const struct lineage *lineage, const char *kind)
{
    bool components = strcmp(kind, trial_component_kind.word) == 0;
    return lineage->narrow && components ? "-aws-transform-job" : NULL;
}

static bool lay_rows(struct lineage *lineage, const char *kind,
                     void (*lay)(struct lineage *lineage, struct resource *row), GError **error)
{
    struct resource_query query = {.kind = kind, .name_contains = needed(lineage, kind)};
    g_autoptr(GPtrArray) rows = resource_list(lineage->lathe->store, &query, NULL, error);
    if (!rows)
        return false;
    g_ptr_array_set_free_func(rows, NULL);
    for (guint i = 0; i < rows->len; i++)
        lay(lineage, g_ptr_array_index(rows, i));
    return true;
}

/* Only what has both its ends is shown. */
static gboolean has_no_ends(void *key, void *value, void *data)
{
    (void)key;
    const struct lineage_edge *edge = value;
    const struct lineage *lineage = data;
    return !g_hash_table_contains(lineage->entities, edge->source) ||
           !g_hash_table_contains(lineage->entities, edge->destination);
}

static bool fill(struct lineage *lineage, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sorts); i++) {
        bool later = sorts[i].kind == &artifact_kind || sorts[i].kind == &context_kind ||
                     sorts[i].kind == &action_kind;
        if (!later && !lay_rows(lineage, sorts[i].kind->word, lay_entity, error))
            return false;
    }
    if (!lineage_tell(lineage, error) ||
        !lay_rows(lineage, artifact_kind.word, lay_entity, error) ||
        !lay_rows(lineage, context_kind.word, lay_entity, error) ||
        !lay_rows(lineage, action_kind.word, lay_entity, error) ||
        !lay_rows(lineage, LINEAGE_ASSOCIATION, lay_edge, error))
        return false;
    g_hash_table_foreach_remove(lineage->edges, has_no_ends, lineage);
    return true;
}

static struct lineage *open_part(struct lathe *lathe, bool narrow, const char *without,
                                 GError **error)
{
    g_autoptr(lineage_auto) lineage = g_new0(struct lineage, 1);
    *lineage = (struct lineage){
        .lathe = lathe,
        .entities = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_resource),
        .edges = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, edge_free),
        .made = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .without = g_strdup(without),
        .narrow = narrow};
    return fill(lineage, error) ? g_steal_pointer(&lineage) : NULL;
}

struct lineage *lineage_open(struct lathe *lathe, GError **error)
{
    return open_part(lathe, false, NULL, error);
}

bool lineage_has(struct lathe *lathe, const char *arn, bool *has, GError **error)
{
    g_autoptr(lineage_auto) lineage = lineage_open(lathe, error);
    *has = lineage && g_hash_table_contains(lineage->entities, arn);
    return lineage != NULL;
}

/* ---- in order ---- */

static int by_time(double a, double b, const char *a_name, const char *b_name)
{
    return a < b ? -1 : a > b ? 1 : strcmp(a_name, b_name);
}

static int compare_edges(gconstpointer a, gconstpointer b)
{
    const struct lineage_edge *x = *(struct lineage_edge *const *)a;
    const struct lineage_edge *y = *(struct lineage_edge *const *)b;
    int order = by_time(x->created, y->created, x->source, y->source);
    return order ? order : strcmp(x->destination, y->destination);
}

static int compare_entities(gconstpointer a, gconstpointer b)
{
    const struct resource *x = *(struct resource *const *)a, *y = *(struct resource *const *)b;
    return by_time(x->created, y->created, x->arn, y->arn);
}

GPtrArray *lineage_edges(const struct lineage *lineage)
{
    GPtrArray *edges = g_ptr_array_new();
    GHashTableIter all;
    void *edge;
    g_hash_table_iter_init(&all, lineage->edges);
    while (g_hash_table_iter_next(&all, NULL, &edge))
        g_ptr_array_add(edges, edge);
    g_ptr_array_sort(edges, compare_edges);
    return edges;
}

GPtrArray *lineage_entities(const struct lineage *lineage, const char *kind)
{
    GPtrArray *found = g_ptr_array_new();
    GHashTableIter all;
    void *entity;
    g_hash_table_iter_init(&all, lineage->entities);
    while (g_hash_table_iter_next(&all, NULL, &entity))
        if (strcmp(((struct resource *)entity)->kind, kind) == 0)
            g_ptr_array_add(found, entity);
    g_ptr_array_sort(found, compare_entities);
    return found;
}

/* ---- writing ---- */

bool lineage_put(struct store_connection *connection, struct store *store,
                 struct resource *resource, GError **error)
{
    bool found;
    return resource_delete_within(connection, store, resource->kind, resource->name, &found,
                                  error) &&
           resource_create_within(connection, store, resource, NULL, error);
}

bool lineage_put_edge(struct store_connection *connection, struct store *store,
                      const struct lineage_edge *edge, bool removed, GError **error)
{
    g_autofree char *key = lineage_edge_key(edge->source, edge->destination);
    g_autofree char *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
    g_autofree char *arn = g_strconcat(LINEAGE_ASSOCIATION "/", name, NULL);
    g_autoptr(json_auto) body = json_pack("{sssssb}", "SourceArn", edge->source, "DestinationArn",
                                          edge->destination, "Back", edge->back);
    if (edge->type)
        json_object_set_new(body, "AssociationType", json_string(edge->type));
    struct resource row = {.kind = (char *)LINEAGE_ASSOCIATION,
                           .name = name,
                           .arn = arn,
                           .status = (char *)(removed ? LINEAGE_REMOVED : ""),
                           .parent = (char *)"",
                           .body = body,
                           .created = edge->created};
    return lineage_put(connection, store, &row, error);
}

struct keeping {
    const struct lineage *all, *rest;
};

static bool keep_entities(struct store_connection *connection, const struct keeping *keeping,
                          GError **error)
{
    GHashTableIter all;
    void *arn, *entity;
    g_hash_table_iter_init(&all, keeping->all->entities);
    while (g_hash_table_iter_next(&all, &arn, &entity))
        if (!g_hash_table_contains(keeping->rest->entities, arn) &&
            !lineage_put(connection, keeping->all->lathe->store, entity, error))
            return false;
    return true;
}

static bool keep_within(struct store_connection *connection, void *data, GError **error)
{
    const struct keeping *keeping = data;
    GHashTableIter all;
    void *key, *edge;
    g_hash_table_iter_init(&all, keeping->all->edges);
    while (g_hash_table_iter_next(&all, &key, &edge))
        if (!g_hash_table_contains(keeping->rest->edges, key) &&
            !lineage_put_edge(connection, keeping->all->lathe->store, edge, false, error))
            return false;
    return keep_entities(connection, keeping, error);
}

bool lineage_keep(struct lathe *lathe, const char *arn, GError **error)
{
    g_autoptr(lineage_auto) all = open_part(lathe, true, NULL, error);
    g_autoptr(lineage_auto) rest = all ? open_part(lathe, true, arn, error) : NULL;
    struct keeping keeping = {all, rest};
    return rest && store_write_spare(lathe->store, keep_within, &keeping, error);
}
