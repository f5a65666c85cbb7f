/* Hive's statements: one function a verb. */
#include "query/hive.h"

#include <string.h>

#include "query/hive_inside.h"

void hive_statement_free(struct hive_statement *statement)
{
    if (!statement)
        return;
    char *texts[] = {statement->catalog,  statement->database, statement->name,
                     statement->pattern,  statement->column,   statement->property,
                     statement->location, statement->after};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    json_decref(statement->input);
    json_decref(statement->partitions);
    g_free(statement);
}

/* ---- names ---- */

static bool read_database(struct hive_reader *reader, struct hive_statement *into)
{
    into->database = hive_name(reader);
    return into->database != NULL;
}

/* table, database.table or catalog.database.table. */
static bool read_table(struct hive_reader *reader, struct hive_statement *into)
{
    char **places[] = {&into->name, &into->database, &into->catalog};
    g_autoptr(GPtrArray) parts = g_ptr_array_new();
    do {
        char *part = hive_name(reader);
        g_ptr_array_add(parts, part);
    } while (parts->pdata[parts->len - 1] && parts->len < 3 && hive_takes(reader, "."));
    for (guint i = 0; i < parts->len; i++)
        *places[parts->len - 1 - i] = parts->pdata[i];
    return into->name != NULL && parts->pdata[parts->len - 1] != NULL;
}

static bool read_pattern(struct hive_reader *reader, struct hive_statement *into)
{
    hive_takes(reader, "like");
    if (hive_here(reader)->kind == HIVE_END)
        return true;
    into->pattern = hive_quoted(reader);
    return into->pattern != NULL;
}

/* [FROM | IN] database */
static bool read_place(struct hive_reader *reader, struct hive_statement *into)
{
    if (hive_takes(reader, "in") || hive_takes(reader, "from"))
        return read_database(reader, into);
    return true;
}

/* ---- partitions ---- */

static json_t *read_spec(struct hive_reader *reader)
{
    g_autoptr(json_auto) spec = json_array();
    if (!hive_needs_words(reader, "partition ("))
        return NULL;
    do {
        g_autofree char *name = hive_name(reader);
        g_autofree char *value = name && hive_needs(reader, "=") ? hive_literal(reader) : NULL;
        if (!value)
            return NULL;
        json_array_append_new(spec, json_pack("{ssss}", "Name", name, "Value", value));
    } while (hive_takes(reader, ","));
    return hive_needs(reader, ")") ? g_steal_pointer(&spec) : NULL;
}

static bool read_partition(struct hive_reader *reader, struct hive_statement *into)
{
    json_t *spec = read_spec(reader);
    if (!spec)
        return false;
    json_t *partition = json_pack("{so}", "Spec", spec);
    if (!into->partitions)
        into->partitions = json_array();
    json_array_append_new(into->partitions, partition);
    if (!hive_takes(reader, "location"))
        return true;
    g_autofree char *place = hive_quoted(reader);
    json_put(partition, "Location", place ? json_string(place) : NULL);
    return place != NULL;
}

static bool add_partitions(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_ADD_PARTITIONS;
    into->maybe = hive_takes_words(reader, "if not exists");
    do
        if (!read_partition(reader, into))
            return false;
    while (hive_here(reader)->kind != HIVE_END);
    return true;
}

static bool drop_partitions(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_DROP_PARTITIONS;
    into->maybe = hive_takes_words(reader, "if exists");
    do
        if (!read_partition(reader, into))
            return false;
    while (hive_takes(reader, ","));
    return true;
}

/* ---- CREATE ---- */

static bool read_database_clauses(struct hive_reader *reader, json_t *input)
{
    static const char *const members[] = {"Description", "LocationUri"};
    static const char *const words[] = {"comment", "location"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (!hive_takes(reader, words[i]))
            continue;
        g_autofree char *text = hive_quoted(reader);
        if (!text)
            return false;
        json_object_set_new(input, members[i], json_string(text));
    }
    if (!hive_takes_words(reader, "with dbproperties"))
        return true;
    json_t *properties = hive_properties(reader);
    json_put(input, "Parameters", properties);
    return properties != NULL;
}

static bool create_database(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_CREATE_DATABASE;
    into->maybe = hive_takes_words(reader, "if not exists");
    into->input = json_object();
    return read_database(reader, into) && read_database_clauses(reader, into->input);
}

static bool create_table(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_CREATE_TABLE;
    into->maybe = hive_takes_words(reader, "if not exists");
    into->input = read_table(reader, into) ? hive_table_input(reader) : NULL;
    return into->input != NULL;
}

/* Athena's own tables, without EXTERNAL, are Iceberg's. */
static bool create_own_table(struct hive_reader *reader, struct hive_statement *into)
{
    if (!create_table(reader, into))
        return false;
    return error_set(reader->error, ERROR_INVALID_REQUEST,
                     "FAILED: SemanticException A table of Athena's own is an Iceberg table, which "
                     "is not supported: CREATE EXTERNAL TABLE makes one of files");
}

/* ---- ALTER ---- */

static bool rename_partition(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_RENAME_PARTITION;
    return hive_needs_words(reader, "rename to") && read_partition(reader, into);
}

static bool set_location(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_SET_LOCATION;
    into->location = hive_needs_words(reader, "set location") ? hive_quoted(reader) : NULL;
    return into->location != NULL;
}

static bool change_columns(struct hive_reader *reader, struct hive_statement *into,
                           enum hive_verb verb)
{
    into->verb = verb;
    into->input = hive_columns(reader);
    return into->input != NULL;
}

static bool alter_partition(struct hive_reader *reader, struct hive_statement *into)
{
    if (!read_partition(reader, into))
        return false;
    if (hive_takes_words(reader, "add columns"))
        return change_columns(reader, into, HIVE_ADD_COLUMNS);
    return hive_sees(reader, "set") ? set_location(reader, into) : rename_partition(reader, into);
}

/* [COLUMN] name column [FIRST | AFTER name] */
static bool change_column(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_CHANGE_COLUMN;
    hive_takes(reader, "column");
    into->column = hive_name(reader);
    json_t *column = into->column ? hive_column(reader) : NULL;
    if (!column)
        return false;
    into->input = json_pack("[o]", column);
    into->first = hive_takes(reader, "first");
    if (into->first || !hive_takes(reader, "after"))
        return true;
    into->after = hive_name(reader);
    return into->after != NULL;
}

static bool set_properties(struct hive_reader *reader, struct hive_statement *into,
                           enum hive_verb verb)
{
    into->verb = verb;
    into->input = hive_properties(reader);
    return into->input != NULL;
}

static bool alter_table(struct hive_reader *reader, struct hive_statement *into)
{
    if (!read_table(reader, into))
        return false;
    if (hive_sees(reader, "partition"))
        return alter_partition(reader, into);
    if (hive_takes_words(reader, "add columns"))
        return change_columns(reader, into, HIVE_ADD_COLUMNS);
    if (hive_takes_words(reader, "replace columns"))
        return change_columns(reader, into, HIVE_REPLACE_COLUMNS);
    if (hive_takes(reader, "change"))
        return change_column(reader, into);
    if (hive_takes_words(reader, "set tblproperties"))
        return set_properties(reader, into, HIVE_SET_TABLE_PROPERTIES);
    if (hive_sees(reader, "set"))
        return set_location(reader, into);
    if (hive_takes(reader, "add"))
        return add_partitions(reader, into);
    return hive_needs(reader, "drop") && drop_partitions(reader, into);
}

static bool alter_database(struct hive_reader *reader, struct hive_statement *into)
{
    return read_database(reader, into) && hive_needs_words(reader, "set dbproperties") &&
           set_properties(reader, into, HIVE_SET_DATABASE_PROPERTIES);
}

/* ---- DROP, MSCK ---- */

static bool drop_database(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_DROP_DATABASE;
    into->maybe = hive_takes_words(reader, "if exists");
    if (!read_database(reader, into))
        return false;
    into->cascade = hive_takes(reader, "cascade");
    if (!into->cascade)
        hive_takes(reader, "restrict"); /* which it is anyway */
    return true;
}

static bool drop(struct hive_reader *reader, struct hive_statement *into, enum hive_verb verb)
{
    into->verb = verb;
    into->maybe = hive_takes_words(reader, "if exists");
    if (!read_table(reader, into))
        return false;
    hive_takes(reader, "purge");
    return true;
}

static bool drop_table(struct hive_reader *reader, struct hive_statement *into)
{
    return drop(reader, into, HIVE_DROP_TABLE);
}

static bool drop_view(struct hive_reader *reader, struct hive_statement *into)
{
    return drop(reader, into, HIVE_DROP_VIEW);
}

static bool repair(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_REPAIR;
    return read_table(reader, into);
}

/* ---- SHOW ---- */

static bool show_databases(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_SHOW_DATABASES;
    return read_pattern(reader, into);
}

static bool show_tables(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_SHOW_TABLES;
    return read_place(reader, into) && read_pattern(reader, into);
}

static bool show_views(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_SHOW_VIEWS;
    return read_place(reader, into) && read_pattern(reader, into);
}

static bool show_columns(struct hive_reader *reader, struct hive_statement *into)
{
    into->verb = HIVE_SHOW_COLUMNS;
    if (!hive_takes(reader, "in") && !hive_needs(reader, "from"))
        return false;
    return read_table(reader, into) && read_place(reader, into);
}

static bool show_of_table(struct hive_reader *reader, struct hive_statement *into,
                          enum hive_verb verb)
{
    into->verb = verb;
    return read_table(reader, into);
}

static bool show_partitions(struct hive_reader *reader, struct hive_statement *into)
{
    return show_of_table(reader, into, HIVE_SHOW_PARTITIONS);
}

static bool show_create_table(struct hive_reader *reader, struct hive_statement *into)
{
    return show_of_table(reader, into, HIVE_SHOW_CREATE_TABLE);
}

static bool show_create_view(struct hive_reader *reader, struct hive_statement *into)
{
    return show_of_table(reader, into, HIVE_SHOW_CREATE_VIEW);
}

static bool show_table_properties(struct hive_reader *reader, struct hive_statement *into)
{
    if (!show_of_table(reader, into, HIVE_SHOW_TABLE_PROPERTIES) || !hive_takes(reader, "("))
        return into->name != NULL;
    into->property = hive_quoted(reader);
    return into->property && hive_needs(reader, ")");
}

/* ---- DESCRIBE ---- */

static bool describe_view(struct hive_reader *reader, struct hive_statement *into)
{
    return show_of_table(reader, into, HIVE_DESCRIBE_VIEW);
}

static bool describe(struct hive_reader *reader, struct hive_statement *into)
{
    into->extended = hive_takes(reader, "extended") || hive_takes(reader, "formatted");
    if (!show_of_table(reader, into, HIVE_DESCRIBE))
        return false;
    if (hive_sees(reader, "partition") && !read_partition(reader, into))
        return false;
    if (hive_here(reader)->kind == HIVE_END)
        return true;
    into->column = hive_name(reader);
    return into->column != NULL;
}

/* ---- which ---- */

static const struct verb {
    const char *words;
    bool (*read)(struct hive_reader *reader, struct hive_statement *into);
} verbs[] = {
    {"create external table", create_table},
    {"create database", create_database},
    {"create schema", create_database},
    {"create table", create_own_table},
    {"alter table", alter_table},
    {"alter database", alter_database},
    {"alter schema", alter_database},
    {"drop database", drop_database},
    {"drop schema", drop_database},
    {"drop table", drop_table},
    {"drop view", drop_view},
    {"msck repair table", repair},
    {"show databases", show_databases},
    {"show schemas", show_databases},
    {"show tables", show_tables},
    {"show views", show_views},
    {"show columns", show_columns},
    {"show partitions", show_partitions},
    {"show tblproperties", show_table_properties},
    {"show create table", show_create_table},
    {"show create view", show_create_view},
    {"describe view", describe_view},
    {"desc view", describe_view},
    {"describe", describe},
    {"desc", describe},
};

static const struct verb *find_verb(struct hive_reader *reader)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (hive_takes_words(reader, verbs[i].words))
            return &verbs[i];
    return NULL;
}

/* CREATE TABLE ... AS SELECT is Trino's: an AS that stands in no brackets, and not behind STORED.
 */
static bool has_select(const struct hive_reader *reader)
{
    int depth = 0;
    for (guint i = reader->at; i + 1 < reader->tokens->len; i++) {
        struct hive_reader place = {reader->tokens, i, NULL},
                           before = {reader->tokens, i - 1, NULL};
        depth += hive_sees(&place, "(") - hive_sees(&place, ")");
        if (depth == 0 && hive_sees(&place, "as") && !hive_sees(&before, "stored"))
            return true;
    }
    return false;
}

/* DESCRIBE INPUT and OUTPUT are of prepared statements. */
static bool is_of_prepared(struct hive_reader *reader)
{
    return (hive_sees(reader, "input") || hive_sees(reader, "output")) &&
           reader->at + 2 < reader->tokens->len;
}

bool hive_is_ddl(const char *text)
{
    g_autoptr(GArray) tokens = hive_tokens(text);
    struct hive_reader reader = {tokens, 0, NULL};
    static const char *const words[] = {"alter", "drop", "msck", "describe", "desc"};
    if (find_verb(&reader)) {
        reader.at = 0;
        if (hive_takes_words(&reader, "create table"))
            return !has_select(&reader);
        bool describes = hive_takes(&reader, "describe") || hive_takes(&reader, "desc");
        return !describes || !is_of_prepared(&reader);
    }
    reader.at = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (hive_takes(&reader, words[i]))
            return true;
    return hive_takes_words(&reader, "create external");
}

static bool read_end(struct hive_reader *reader)
{
    return hive_here(reader)->kind == HIVE_END || hive_fail(reader);
}

struct hive_statement *hive_parse(const char *text, GError **error)
{
    GError *cause = NULL;
    g_autoptr(GArray) tokens = hive_tokens(text);
    struct hive_reader reader = {tokens, 0, &cause};
    struct hive_statement *statement = g_new0(struct hive_statement, 1);
    const struct verb *verb = find_verb(&reader);
    bool read = verb ? verb->read(&reader, statement) && read_end(&reader) : hive_fail(&reader);
    if (read)
        return statement;
    g_propagate_error(error, cause);
    hive_statement_free(statement);
    return NULL;
}
