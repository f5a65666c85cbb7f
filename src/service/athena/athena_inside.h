/* athena_inside.h: between the files of this service. */
#ifndef LATHE_SERVICE_ATHENA_ATHENA_INSIDE_H
#define LATHE_SERVICE_ATHENA_ATHENA_INSIDE_H

#include "query/query.h"
#include "service/home.h"
#include "store/entry.h"
#include "store/resource.h"

/* The store's words for what there is. Executions, named queries and prepared statements have their
 * workgroup as parent; a prepared statement is called "<workgroup>/<name>". */
#define WORK_GROUP "workgroup"
#define DATA_CATALOG "datacatalog"
#define NAMED_QUERY "named-query"
#define PREPARED_STATEMENT "prepared-statement"
#define QUERY_EXECUTION "query-execution"

#define PRIMARY "primary"
#define GLUE_CATALOG "AwsDataCatalog"
#define ENGINE_VERSION "Athena engine version 3"

/* The resource of that kind and name, or ERROR_INVALID_REQUEST_EXCEPTION: "<noun> <name> ...". */
struct resource *athena_get(const struct call *call, const char *kind, const char *name,
                            GError **error);
/* Writes a resource; one whose name is taken is an ERROR_INVALID_REQUEST_EXCEPTION. body is
 * borrowed. */
bool athena_create(const struct call *call, const char *kind, const char *name, const char *parent,
                   json_t *body, const json_t *tags, GError **error);
/* A request's tags, each with a Value; NULL and an error where one has no Key. */
json_t *athena_tags(const json_t *request, GError **error);
/* "arn:aws:athena:<region>:<account>:<kind>/<name>", g_free. */
char *athena_arn(const struct call *call, const char *kind, const char *name);
/* A wrong token is this service's InvalidRequestException; false. */
bool athena_list_error(GError **error);
/* The names of all of a kind in a workgroup (NULL: in any), the newest first, as a page. */
bool athena_list_names(const struct call *call, const char *kind, const char *member,
                       const json_t *request, json_t **output, GError **error);
/* The workgroup of a request that names one, or "primary". */
const char *athena_group_of(const json_t *request);
/* Takes the resources of a batch, by their names within a workgroup (NULL: they need none):
 * `describe` makes the member of each that is there, the others are told as unprocessed under
 * `word`. */
typedef json_t *athena_describe(const struct resource *resource);
bool athena_batch(const struct call *call, const char *kind, const char *group, const json_t *names,
                  athena_describe *describe, const char *word, json_t **found, json_t **missing,
                  GError **error);

/* The workgroup, which is there and, where it is to run something, enabled. */
struct resource *athena_work_group(const struct call *call, const char *name, bool enabled,
                                   GError **error);
/* Makes "primary" where it is not there yet. */
bool athena_open_groups(struct lathe *lathe, GError **error);

/* Whether a catalog of that name is there: the account's own, or one that was created. */
bool athena_has_catalog(const struct call *call, const char *name, GError **error);

/* Prepared statements as SQL finds, makes and drops them; data is a struct athena_group. */
struct athena_group {
    struct lathe *lathe;
    const char *name;
};
extern const struct query_prepared athena_prepared;

/* Executions: what a crash cut off fails; those older than 45 days go. */
bool athena_open_executions(struct lathe *lathe, GError **error);
void athena_close_executions(struct lathe *lathe);
void athena_tidy_executions(struct lathe *lathe, double now);

operation_function create_work_group, get_work_group, list_work_groups, update_work_group,
    delete_work_group, list_engine_versions;
operation_function create_data_catalog, get_data_catalog, list_data_catalogs, update_data_catalog,
    delete_data_catalog;
operation_function create_named_query, get_named_query, batch_get_named_query, list_named_queries,
    update_named_query, delete_named_query;
operation_function create_prepared_statement, get_prepared_statement, batch_get_prepared_statement,
    list_prepared_statements, update_prepared_statement, delete_prepared_statement;
operation_function athena_get_database, list_databases, get_table_metadata, list_table_metadata;
operation_function start_query_execution, get_query_execution, batch_get_query_execution,
    list_query_executions, stop_query_execution, get_query_results, get_query_runtime_statistics;

#endif
