/* query_inside.h: a statement under way, for those that run its parts. */
#ifndef LATHE_QUERY_QUERY_INSIDE_H
#define LATHE_QUERY_QUERY_INSIDE_H

#include "lake/lake.h"
#include "query/hive.h"
#include "query/query.h"
#include "sql/sql.h"

/* A statement under way. */
struct query_run {
    const struct queries *queries;
    const struct query_request *request;
    struct query_end *end;
    char *folder;   /* its own, made when it is first needed; or NULL */
    unsigned files; /* made there */
    double began;   /* on the steady clock */
};

/* Its folder, made when it is first asked for; NULL and an error. */
const char *query_folder(struct query_run *run, GError **error);
/* Where a result of that name goes, "s3://bucket/prefix/name"; g_free. */
char *query_output(const struct query_run *run, const char *name);
/* Adds a text, or a file of the folder's, to what the end puts into the lake, at that address. */
bool query_add_text(struct query_run *run, struct lake_batch *batch, const char *uri,
                    const GString *text, GError **error);
bool query_add_file(struct lake_batch *batch, const char *uri, const char *path, GError **error);

/* A statement of Hive's. */
struct definition {
    struct query_run *run;
    const struct hive_statement *hive;
    const char *database; /* its own, or the session's */
    GString *lines;       /* its result, a line a row */
    json_t *table;        /* that it is about, as the catalog has it; or NULL */
    json_t *input;        /* for its change */
    /* What it does, within the change that ends it; or NULL: it only looks. */
    bool (*change)(struct store_connection *connection, struct definition *definition,
                   GError **error);
};

/* Compiles and runs a statement of Trino's. */
bool query_select(struct query_run *run, store_work *finish, void *data, GError **error);

/* Does a statement of Hive's and stores its lines as <id>.txt. */
bool query_define(struct query_run *run, store_work *finish, void *data, GError **error);

/* What each verb shows, or prepares. */
typedef bool definition_verb(struct definition *definition, GError **error);
extern definition_verb *const definition_verbs[];
definition_verb show_databases, show_tables, show_views, show_columns, show_partitions,
    show_table_properties, show_create_table, show_create_view, show_description, repair_table;

/* The table that it names: "Table not found" where there is none. */
bool definition_find_table(struct definition *definition, GError **error);
/* A partition's values in the order of the table's keys, out of a Spec; NULL and an error where it
 * names other keys than the table has. partial: some may be missing; they come out as null. */
json_t *definition_values(const struct definition *definition, const json_t *spec, bool partial,
                          GError **error);
/* "year=2026/month=11", each value escaped as Hive does; g_free. */
char *partition_path(const json_t *keys, const json_t *values);
/* The PartitionInput of such values, below the table's place where location is NULL. */
json_t *partition_input(const json_t *table, const json_t *values, const char *location);

/* The ColumnInfo of a column. */
json_t *column_info(const char *name, const char *type);
/* Of columns that are texts. names end with NULL. */
json_t *text_columns(const char *const *names);

/* Of a compiled statement's. */
json_t *result_columns(const struct sql_column *columns, size_t count);
/* [{"Name", "Type"}] as the engine takes them. */
json_t *engine_columns(const struct sql_column *columns, size_t count);

/* ---- views, as Presto keeps them in a Hive catalog ---- */

bool view_is(const json_t *table);
/* {"originalSql", "catalog", "schema", "columns": [{"name", "type"}]}; NULL and an error where it
 * is no view of Presto's. */
json_t *view_definition(const json_t *table, GError **error);
/* "/ * Presto View: ... * /", g_free */
char *view_text(const json_t *definition);

#endif
