/* glue_inside.h: between the files of this service. */
#ifndef LATHE_SERVICE_GLUE_GLUE_INSIDE_H
#define LATHE_SERVICE_GLUE_GLUE_INSIDE_H

#include "base/page.h"
#include "catalog/catalog.h"
#include "service/home.h"

/* There is one catalog, the account's: ERROR_ENTITY_NOT_FOUND where a request names another. NULL
 * then, else the catalog. */
struct catalog *glue_catalog(const struct call *call, const json_t *request, GError **error);

/* What AWS tells of everything in a catalog: whose it is. Of each of a list. */
void glue_dress(const struct call *call, json_t *entity);
void glue_dress_all(const struct call *call, json_t *list);

/* Makes *output {member: entity}, which is taken; false where it is NULL. */
bool glue_reply(struct reply *reply, const char *member, json_t *entity);
/* A page of a list, which is taken: as page_put; false where it is NULL. `place`: what else than
 * the operation its listing depends on, or NULL. */
bool glue_reply_page(const struct call *call, const json_t *request, const char *place,
                     const char *member, json_t *list, size_t limit, struct reply *reply,
                     GError **error);

/* Errors of parts of a batch, in Glue's form: an ErrorDetail. */
json_t *glue_error_detail(const GError *error);

/* "arn:aws:glue:<region>:<account>:<kind>/<name>", g_free. */
char *glue_arn(const struct call *call, const char *kind, const char *name);
/* Tags of a request, {key: value}, as the store has them; json_decref. NULL: it has none. */
json_t *glue_tags(const json_t *tags);
struct resource;
/* Whether it has all of these tags, {key: value}. */
bool glue_has_tags(const struct call *call, const struct resource *resource, const json_t *wanted);

operation_function create_database, get_database, get_databases, update_database, delete_database;
operation_function create_table, get_table, get_tables, update_table, delete_table,
    batch_delete_table, search_tables, get_table_version, get_table_versions, delete_table_version,
    batch_delete_table_version;
operation_function create_partition, batch_create_partition, get_partition, get_partitions,
    batch_get_partition, update_partition, batch_update_partition, delete_partition,
    batch_delete_partition, create_partition_index, get_partition_indexes, delete_partition_index;
/* Of tables and of partitions. */
operation_function update_column_statistics, get_column_statistics, delete_column_statistics;
operation_function create_user_defined_function, get_user_defined_function,
    get_user_defined_functions, update_user_defined_function, delete_user_defined_function;
operation_function create_connection, get_connection, get_connections, update_connection,
    delete_connection, batch_delete_connection;
operation_function tag_resource, untag_resource, get_tags, get_catalog_import_status;

#endif
