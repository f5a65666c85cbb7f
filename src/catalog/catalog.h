/* catalog.h: the data catalog: databases, tables with their versions, partitions.
 *
 * It lives in meta.db, and nowhere else. What comes in and goes out is JSON with the members of
 * Glue's shapes: a DatabaseInput, TableInput or PartitionInput in, a Database, Table or Partition
 * out, less what only an account has (CatalogId). Results are the caller's to json_decref.
 *
 * Names of databases and tables are kept in lower case, and found in any. Errors are Glue's:
 * ERROR_ENTITY_NOT_FOUND, ERROR_ALREADY_EXISTS, ERROR_INVALID_INPUT_EXCEPTION.
 *
 * Those that end in _within are for a change of the store's that has to happen together with
 * others, as the lake's (lake_batch_commit_with): then a table is there with its objects, or
 * neither is. */
#ifndef LATHE_CATALOG_CATALOG_H
#define LATHE_CATALOG_CATALOG_H

#include "base/error.h"
#include "base/json.h"
#include "store/store.h"

struct catalog;

/* The store must outlive it. The database "default" is there from the start. */
struct catalog *catalog_open(struct store *store, GError **error);
void catalog_close(struct catalog *catalog);

/* ---- databases ---- */

bool catalog_database_create(struct catalog *catalog, const json_t *input, GError **error);
json_t *catalog_database_get(struct catalog *catalog, const char *name, GError **error);
/* All, in order of their names. */
json_t *catalog_database_list(struct catalog *catalog, GError **error);
bool catalog_database_update(struct catalog *catalog, const char *name, const json_t *input,
                             GError **error);
/* With all its tables, as Glue does. Athena's refusal where there are some is its own. */
bool catalog_database_delete(struct catalog *catalog, const char *name, GError **error);

/* ---- tables ---- */

json_t *catalog_table_get(struct catalog *catalog, const char *database, const char *name,
                          GError **error);

struct catalog_table_query {
    const char *database;
    const char *pattern; /* Hive's: * is anything, | divides choices; else a regular expression */
    const char *after;   /* the name that the last page ended with; or NULL */
    size_t limit;        /* 0: all */
};
/* Tables in order of their names. */
json_t *catalog_table_list(struct catalog *catalog, const struct catalog_table_query *query,
                           GError **error);

/* created_by: an ARN, or NULL. */
bool catalog_table_create(struct catalog *catalog, const char *database, const json_t *input,
                          const char *created_by, GError **error);
bool catalog_table_create_within(struct store_connection *connection, const char *database,
                                 const json_t *input, const char *created_by, GError **error);

/* Replaces the table that input names. What it was stays as an earlier version, unless
 * skip_archive. version: the one that is replaced, else ERROR_CONCURRENT_CHANGE; NULL: any. */
struct catalog_table_update {
    const char *version;
    bool skip_archive;
};
bool catalog_table_update(struct catalog *catalog, const char *database, const json_t *input,
                          const struct catalog_table_update *update, GError **error);
bool catalog_table_update_within(struct store_connection *connection, const char *database,
                                 const json_t *input, const struct catalog_table_update *update,
                                 GError **error);

/* With its versions, partitions and statistics. */
bool catalog_table_delete(struct catalog *catalog, const char *database, const char *name,
                          GError **error);
bool catalog_table_delete_within(struct store_connection *connection, const char *database,
                                 const char *name, GError **error);

/* Versions of a table, as Tables, the newest (the table itself) first. */
json_t *catalog_version_list(struct catalog *catalog, const char *database, const char *table,
                             GError **error);
/* version NULL: the newest. */
json_t *catalog_version_get(struct catalog *catalog, const char *database, const char *table,
                            const char *version, GError **error);
/* An earlier one. */
bool catalog_version_delete(struct catalog *catalog, const char *database, const char *table,
                            const char *version, GError **error);

/* ---- partitions ----
 *
 * A partition is named by its values, a JSON array of texts in the order of the table's partition
 * keys. A key without a value (Hive's null) is "__HIVE_DEFAULT_PARTITION__". */

#define CATALOG_NO_VALUE "__HIVE_DEFAULT_PARTITION__"

json_t *catalog_partition_get(struct catalog *catalog, const char *database, const char *table,
                              const json_t *values, GError **error);
/* Those of a list of values that are there; *missed gets the others. */
json_t *catalog_partition_get_many(struct catalog *catalog, const char *database, const char *table,
                                   const json_t *list, json_t **missed, GError **error);

enum catalog_put {
    CATALOG_CREATE,  /* one that is there is an ERROR_ALREADY_EXISTS */
    CATALOG_ADD,     /* one that is there stays as it is */
    CATALOG_REPLACE, /* one that is there becomes this */
};
/* Puts a list of PartitionInputs. With `failed`, those that cannot be put are told there, as a list
 * of {"PartitionValues", "ErrorDetail": {"ErrorCode", "ErrorMessage"}}, and the others are put;
 * with NULL the first such is the error, and none is put. *added (may be NULL): how many are new.
 */
bool catalog_partition_put(struct catalog *catalog, const char *database, const char *table,
                           const json_t *inputs, enum catalog_put put, json_t *failed,
                           size_t *added, GError **error);
bool catalog_partition_put_within(struct store_connection *connection, const char *database,
                                  const char *table, const json_t *inputs, enum catalog_put put,
                                  json_t *failed, size_t *added, GError **error);
/* Replaces the one of those values, whose values may change. */
bool catalog_partition_update(struct catalog *catalog, const char *database, const char *table,
                              const json_t *values, const json_t *input, GError **error);
/* Removes those of a list of values. failed: as above. */
bool catalog_partition_delete(struct catalog *catalog, const char *database, const char *table,
                              const json_t *list, json_t *failed, GError **error);
bool catalog_partition_delete_within(struct store_connection *connection, const char *database,
                                     const char *table, const json_t *list, json_t *failed,
                                     GError **error);

/* Which partitions of a table, in order of their values (as texts). */
struct catalog_partition_query {
    const char *database, *table;
    const char *expression;   /* Glue's, as "year = 2026 AND day IN ('a', 'b')"; or NULL: all */
    const json_t *equal;      /* further: an object of keys and the text that each has; or NULL */
    gint64 segment, segments; /* one of so many parts of the table; segments 0: all */
    const char *after;        /* the place where the last page ended; or NULL */
    size_t limit;             /* 0: all */
    bool without_columns;     /* their StorageDescriptors have no Columns */
};
/* *next (may be NULL): the place where this page ends where there is more, g_free; else NULL. */
json_t *catalog_partition_list(struct catalog *catalog, const struct catalog_partition_query *query,
                               char **next, GError **error);

/* The same for who asks for nothing but where they lie; a hundred thousand are quick. */
struct catalog_place {
    char **values;  /* ends with NULL */
    char *location; /* or NULL */
    gint64 layout;  /* the same for partitions whose StorageDescriptors are the same, less Location
                     * and Parameters */
};
void catalog_place_free(void *data);
/* Of struct catalog_place, which the array frees. */
GPtrArray *catalog_partition_places(struct catalog *catalog,
                                    const struct catalog_partition_query *query, GError **error);
/* The StorageDescriptor that partitions of that layout have; NULL without an error where none. */
json_t *catalog_layout_get(struct catalog *catalog, gint64 layout, GError **error);

/* How many a table has. -1 and an error where there is no such table. */
gint64 catalog_partition_count(struct catalog *catalog, const char *database, const char *table,
                               GError **error);

#endif
