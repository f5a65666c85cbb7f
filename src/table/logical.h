/* logical.h: SQL's types as DuckDB's handles, and names and texts in SQL for DuckDB. */
#ifndef LATHE_TABLE_LOGICAL_H
#define LATHE_TABLE_LOGICAL_H

#include <glib.h>

#include "sql/type.h"
#include "table/duckdb_library.h"

/* The handle of what sql_type_duckdb says, to be destroyed. */
void *logical_of(const struct duckdb_library *library, const struct sql_type *type);

/* Adds a name in double quotes, a text in single ones. */
void logical_put_name(GString *sql, const char *name);
void logical_put_text(GString *sql, const char *text);

#endif
