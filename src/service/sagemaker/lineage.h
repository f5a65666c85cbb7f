/* lineage.h: what came from what: artifacts, contexts and actions, and the associations between
 * these and the trial components of jobs.
 *
 * What jobs, model packages and endpoints say of it is made from them on reading, so that it is
 * never older than they are. Rows of the store are laid over that: what users made or changed
 * themselves, what they deleted of it, and what was known of a resource that has been deleted
 * since.
 */
#ifndef LATHE_SERVICE_SAGEMAKER_LINEAGE_H
#define LATHE_SERVICE_SAGEMAKER_LINEAGE_H

#include "service/sagemaker/sagemaker.h"

/* An association. Its ends are ARNs. */
struct lineage_edge {
    char *source, *destination;
    char *type; /* "ContributedTo"; or NULL */
    double created;
    /* The way back from an endpoint to what it serves, which clients list; a query goes it only
     * from where it starts, since it would else lead from a model to all others beside it. */
    bool back;
};

/* The graph as it was at one moment. Vertices are resources in the form in which the store has
 * them: of the kinds artifact, context, action, and those of experiments. */
struct lineage {
    struct lathe *lathe;
    GHashTable *entities; /* struct resource by ARN */
    GHashTable *edges;    /* struct lineage_edge by "source\ndestination" */
    GHashTable *made;     /* the names of those, of both, that are made on reading */
    char *without;        /* the ARN of a resource that is left out; or NULL */
    bool narrow;          /* without what trainings and processing jobs tell */
    char *prefix;         /* "arn:aws:sagemaker:us-east-1:000000000000:": of what is being told */
};
struct lineage *lineage_open(struct lathe *lathe, GError **error);
void lineage_free(struct lineage *lineage);
typedef struct lineage lineage_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lineage_auto, lineage_free)

/* Whether there is an entity of that ARN. */
bool lineage_has(struct lathe *lathe, const char *arn, bool *has, GError **error);

/* Before a resource is deleted, or changes so that it tells something else: what only it tells is
 * written down. */
bool lineage_keep(struct lathe *lathe, const char *arn, GError **error);

/* "Artifact", "TrialComponent": what sort of entity it is; NULL for a resource that is none. */
const char *lineage_entity(const struct resource *resource);
/* "DataSet", "ModelDeployment", "SageMakerTrainingJob": what associations call it. */
const char *lineage_type(const struct resource *resource);
/* An artifact's name in the store and in its ARN: there is one of each source. g_free. */
char *lineage_artifact_id(const json_t *source);
/* "source\ndestination"; g_free. */
char *lineage_edge_key(const char *source, const char *destination);
/* All edges, and all entities of a kind, oldest first. Borrowed from the graph. */
GPtrArray *lineage_edges(const struct lineage *lineage);
GPtrArray *lineage_entities(const struct lineage *lineage, const char *kind);

/* ---- telling: what resources say ---- */

bool lineage_tell(struct lineage *lineage, GError **error);
/* Adds an entity, whose body is taken, or one more that says the same; the ARN, borrowed. name is
 * in the case in which it is told. */
const char *lineage_add(struct lineage *lineage, const struct kind *kind, const char *name,
                        json_t *body, double created);
void lineage_join(struct lineage *lineage, const char *source, const char *destination,
                  const char *type, double created);

/* ---- rows ---- */

/* The kind of associations in the store, where nothing but this names them. */
#define LINEAGE_ASSOCIATION "lineage-association"
/* The status of a row that stands for what users deleted. */
#define LINEAGE_REMOVED "Removed"
/* Within a change of the store: writes the row, also where one says that it was deleted. */
bool lineage_put(struct store_connection *connection, struct store *store,
                 struct resource *resource, GError **error);
/* The same for an association; removed: that it is none any more. */
bool lineage_put_edge(struct store_connection *connection, struct store *store,
                      const struct lineage_edge *edge, bool removed, GError **error);

#endif
