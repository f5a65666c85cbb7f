/* sql.h: Trino's SQL, compiled to DuckDB's text. One call: sql_compile takes a statement's text and
 * a catalog to ask for tables, and gives what the statement is, DuckDB's text of its query, the
 * result's names and types as Trino says them, and the tables that it reads. Nothing is given to
 * DuckDB that was not understood; what is not understood fails with Trino's name and text. */
#ifndef LATHE_SQL_SQL_H
#define LATHE_SQL_SQL_H

#include "sql/type.h"

#include <stdbool.h>
#include <stddef.h>

/* Trino's error. The message is without Trino's "line 1:8: ": line and column say it (0: nowhere).
 */
struct sql_error {
    char name[64]; /* COLUMN_NOT_FOUND, SYNTAX_ERROR, ... */
    int line, column;
    char message[4000];
};

enum sql_kind {
    SQL_SELECT, /* every query: SELECT, VALUES, TABLE, WITH */
    SQL_CREATE_TABLE_AS,
    SQL_INSERT,
    SQL_UNLOAD,
    SQL_CREATE_VIEW,
    SQL_EXPLAIN, /* text is that of the statement explained; analyze says EXPLAIN ANALYZE */
    SQL_PREPARE, /* target is the name, source the statement's text */
    SQL_EXECUTE, /* target is the name, arguments the expressions of USING */
    SQL_EXECUTE_IMMEDIATE,
    SQL_DEALLOCATE,
    SQL_DESCRIBE_INPUT,
    SQL_DESCRIBE_OUTPUT,
    SQL_SHOW_CATALOGS, /* pattern and escape say LIKE for all of SHOW */
    SQL_SHOW_SCHEMAS,
    SQL_SHOW_TABLES,
    SQL_SHOW_COLUMNS, /* and DESCRIBE */
    SQL_SHOW_FUNCTIONS,
    SQL_SHOW_SESSION,
    SQL_SHOW_CREATE_TABLE,
    SQL_SHOW_CREATE_VIEW,
    SQL_SHOW_CREATE_SCHEMA,
    SQL_SHOW_STATS,
    SQL_USE,
    SQL_DROP_TABLE,
    SQL_DROP_VIEW,
    SQL_OTHER /* Trino's grammar, and nothing that we do: the caller refuses it */
};

struct sql_column {
    const char *name;
    const struct sql_type *type;
    bool partition;
};

/* A table: its columns, or a view: its own SELECT and where its names are looked up. */
struct sql_table {
    const struct sql_column *columns;
    size_t count;
    const char *view; /* NULL for a table */
    const char *view_catalog, *view_schema;
};

/* What the compiler asks. All strings are the caller's and outlive the call. */
struct sql_catalog {
    /* Names come in lower case. False without error->name: there is no such table; false with it:
     * that error. */
    bool (*find)(void *data, const char *catalog, const char *schema, const char *table,
                 struct sql_table *found, struct sql_error *error);
    bool (*has_catalog)(void *data, const char *catalog); /* NULL: the session's alone */
    bool (*has_schema)(void *data, const char *catalog, const char *schema);
    void *data;
    const char *name, *schema;     /* the session's: "awsdatacatalog", "default" */
    const char *zone, *user;       /* NULL: "UTC", "lathe" */
    double now;                    /* seconds since 1970 */
    const char *const *parameters; /* SQL expressions for the question marks, in order */
    size_t parameter_count;
    bool describes; /* none is given: they are of an unknown type, and which is wanted is told */
};

/* Where a result's column comes from: all NULL where it is computed. */
struct sql_origin {
    const char *catalog, *schema, *table;
};

/* key = value, where the value is a literal: its text as a partition's path says it. */
struct sql_equal {
    const char *column, *value;
};

/* A table that the statement reads, under the name of relation in DuckDB's text. */
struct sql_reference {
    const char *catalog, *schema, *table;
    const char *relation; /* "r1": columns under their own names, types as sql_type_duckdb says */
    const struct sql_column *columns;
    size_t count;
    const bool *used;             /* a column each */
    const char *partition_filter; /* DuckDB's text over the partition columns alone, or NULL */
    const struct sql_equal *equal;
    size_t equals;
};

/* name = value of WITH (...), the value as DuckDB's text and, where it is a literal, plainly:
 * 'PARQUET' is PARQUET, ARRAY['a', 'b'] is the list of items. */
struct sql_property {
    const char *name;
    const char *text; /* NULL where the value is a list */
    const char *const *items;
    size_t count;
    int line, column;
};

struct sql_statement {
    enum sql_kind kind;
    const char *text; /* DuckDB's SELECT; NULL where the kind has none */
    const struct sql_column *columns;
    size_t count;
    const struct sql_reference *references;
    size_t reference_count;
    bool ordered;               /* the outermost query has ORDER BY */
    const char *target_catalog; /* CTAS, INSERT, view, SHOW, DROP: what it is about */
    const char *target_schema, *target;
    const char *const *target_columns; /* CREATE TABLE t (a, b) AS, INSERT INTO t (a, b); or NULL */
    size_t target_count;
    bool if_not_exists, or_replace, with_no_data, if_exists, analyze;
    const char *comment;
    const struct sql_property *properties;
    size_t property_count;
    const char *location;         /* UNLOAD ... TO 's3://...' */
    const char *source;           /* a view's SELECT, a prepared statement's text, as written */
    const char *const *arguments; /* EXECUTE ... USING: SQL expressions as written */
    size_t argument_count;
    const char *pattern, *escape;
    const char *explain_type, *explain_format; /* as options of EXPLAIN name them; or NULL */
    size_t parameter_count;                    /* question marks in the text */
    /* Of a text that is described: of each column its origin, and whether it has an alias; of each
     * question mark the type that it is coerced to, or NULL. */
    const struct sql_origin *origins;
    const bool *aliased;
    const struct sql_type *const *parameter_types;
};

/* NULL: error is filled. */
struct sql_statement *sql_compile(const char *text, const struct sql_catalog *catalog,
                                  struct sql_error *error);

/* What the statement is, by its grammar alone: kind, target, properties, source, arguments,
 * parameter_count; nothing is looked up, and text is NULL. */
struct sql_statement *sql_parse(const char *text, struct sql_error *error);

void sql_statement_free(struct sql_statement *statement);

/* SELECTs of Trino's that say what statements ask for, to be compiled and freed: NULL where there
 * is no memory. DESCRIBE INPUT and OUTPUT of a text compiled with `describes`; SHOW FUNCTIONS. */
char *sql_describe_input(const struct sql_statement *described);
char *sql_describe_output(const struct sql_statement *described);
char *sql_show_functions(const struct sql_statement *show);

/* What a connection of DuckDB has to be told once, before any statement's text: settings and
 * macros. Statements that end in semicolons. The functions that C registers come before it. */
const char *sql_prelude(void);

#endif
