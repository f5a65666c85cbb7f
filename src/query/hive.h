/* hive.h: Hive's DDL as Athena takes it: a statement's text into what it asks of the catalog.
 *
 * Names in single words are the same in any case, and come out in lower case as the catalog keeps
 * them; backticks quote them. Types, locations and properties come out as Glue's members. */
#ifndef LATHE_QUERY_HIVE_H
#define LATHE_QUERY_HIVE_H

#include "base/json.h"

enum hive_verb {
    HIVE_CREATE_DATABASE,
    HIVE_DROP_DATABASE,
    HIVE_SET_DATABASE_PROPERTIES,
    HIVE_CREATE_TABLE,
    HIVE_DROP_TABLE,
    HIVE_DROP_VIEW,
    HIVE_ADD_PARTITIONS,
    HIVE_DROP_PARTITIONS,
    HIVE_RENAME_PARTITION,
    HIVE_ADD_COLUMNS,
    HIVE_REPLACE_COLUMNS,
    HIVE_CHANGE_COLUMN,
    HIVE_SET_LOCATION,
    HIVE_SET_TABLE_PROPERTIES,
    HIVE_REPAIR,
    HIVE_SHOW_DATABASES,
    HIVE_SHOW_TABLES,
    HIVE_SHOW_VIEWS,
    HIVE_SHOW_COLUMNS,
    HIVE_SHOW_PARTITIONS,
    HIVE_SHOW_TABLE_PROPERTIES,
    HIVE_SHOW_CREATE_TABLE,
    HIVE_SHOW_CREATE_VIEW,
    HIVE_DESCRIBE,
    HIVE_DESCRIBE_VIEW,
};

struct hive_statement {
    enum hive_verb verb;
    char *catalog;  /* where a name had three parts; or NULL */
    char *database; /* NULL: the session's */
    char *name;     /* of the table or view; NULL for statements on databases */
    char *pattern;  /* of SHOW ... LIKE 'pattern', as it was written; or NULL */
    char *column;   /* of DESCRIBE table column, or the one that is changed; or NULL */
    char *after;    /* CHANGE COLUMN ... AFTER column; or NULL */
    bool first;     /* CHANGE COLUMN ... FIRST */
    char *property; /* of SHOW TBLPROPERTIES table('name'); or NULL */
    char *location; /* of SET LOCATION; or NULL */
    bool maybe;     /* IF [NOT] EXISTS */
    bool cascade;   /* DROP DATABASE ... CASCADE */
    bool extended;  /* DESCRIBE EXTENDED | FORMATTED */
    /* A DatabaseInput, a TableInput (either without Name), the columns, or the properties. */
    json_t *input;
    /* [{"Spec": [{"Name", "Value"}], "Location"}]: partitions in order; a RENAME has two. */
    json_t *partitions;
};

/* Whether a statement is one of these by its first words: else it is Trino's. */
bool hive_is_ddl(const char *text);

/* NULL and ERROR_INVALID_REQUEST with Athena's text ("FAILED: ParseException line 1:7 ..."), or
 * what was asked for and is not there. */
struct hive_statement *hive_parse(const char *text, GError **error);
void hive_statement_free(struct hive_statement *statement);
typedef struct hive_statement hive_statement_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hive_statement_auto, hive_statement_free)

#endif
