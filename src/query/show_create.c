/* SHOW CREATE: a table as the statement that would make it. */
#include <string.h>

#include "base/error.h"
#include "query/query_inside.h"

static void add_text(GString *text, const char *value)
{
    g_string_append_c(text, '\'');
    for (; *value; value++)
        switch (*value) {
        case '\'':
        case '\\':
            g_string_append_printf(text, "\\%c", *value);
            break;
        case '\t':
            g_string_append(text, "\\t");
            break;
        case '\n':
            g_string_append(text, "\\n");
            break;
        default:
            if ((unsigned char)*value < 0x20)
                g_string_append_printf(text, "\\u%04x", *value);
            else
                g_string_append_c(text, *value);
        }
    g_string_append_c(text, '\'');
}

static void add_columns(GString *text, const json_t *columns, const char *closing)
{
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *column = json_array_get(columns, i);
        const char *comment = json_text_at(column, "Comment");
        g_string_append_printf(text, "  `%s` %s", json_text_at(column, "Name"),
                               json_text_at(column, "Type"));
        if (comment) {
            g_string_append(text, " COMMENT ");
            add_text(text, comment);
        }
        g_string_append(text, i + 1 < json_array_size(columns) ? ", \n" : closing);
    }
}

/* 'name'='value' lines, without those that have clauses of their own. */
static void add_pairs(GString *text, const json_t *pairs, const char *const *left_out)
{
    const char *between = "";
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)pairs, name, value)
    {
        if (g_strv_contains(left_out, name) || !json_is_string(value))
            continue;
        g_string_append_printf(text, "%s  ", between);
        add_text(text, name);
        g_string_append_c(text, '=');
        add_text(text, json_string_value(value));
        between = ", \n";
    }
    g_string_append(text, ")");
}

/* As Hive shows them: without the format that is the default. */
static json_t *shown_parameters(const json_t *serde)
{
    json_t *shown = json_object();
    json_object_update(shown, json_object_get(serde, "Parameters"));
    if (g_strcmp0(json_string_value(json_object_get(shown, "serialization.format")), "1") == 0)
        json_object_del(shown, "serialization.format");
    return shown;
}

static void add_serde(GString *text, const json_t *table)
{
    static const char *const none[] = {NULL};
    const json_t *serde = json_at(table, "StorageDescriptor.SerdeInfo");
    const char *library = json_text_at(serde, "SerializationLibrary");
    if (!library)
        return;
    g_string_append(text, "ROW FORMAT SERDE \n  ");
    add_text(text, library);
    g_string_append(text, " \n");
    g_autoptr(json_auto) parameters = shown_parameters(serde);
    if (json_object_size(parameters) == 0)
        return;
    g_string_append(text, "WITH SERDEPROPERTIES ( \n");
    add_pairs(text, parameters, none);
    g_string_append(text, " \n");
}

static void add_place(GString *text, const char *words, const char *value)
{
    if (!value)
        return;
    g_string_append_printf(text, "%s\n  ", words);
    add_text(text, value);
    g_string_append_c(text, '\n');
}

static void add_storage(GString *text, const json_t *table)
{
    add_serde(text, table);
    add_place(text, "STORED AS INPUTFORMAT ", json_text_at(table, "StorageDescriptor.InputFormat"));
    add_place(text, "OUTPUTFORMAT ", json_text_at(table, "StorageDescriptor.OutputFormat"));
    add_place(text, "LOCATION", json_text_at(table, "StorageDescriptor.Location"));
}

/* database: the statement's own, which is shown; or NULL. */
static void add_table(GString *text, const json_t *table, const char *database)
{
    static const char *const said[] = {"EXTERNAL", "comment", NULL};
    const json_t *keys = json_object_get(table, "PartitionKeys");
    const char *comment = json_text_at(table, "Parameters.comment");
    g_string_append_printf(text, "CREATE EXTERNAL TABLE `%s%s%s`(\n", database ? database : "",
                           database ? "." : "", json_text_at(table, "Name"));
    add_columns(text, json_at(table, "StorageDescriptor.Columns"), ")\n");
    add_place(text, "COMMENT", comment);
    if (json_array_size(keys)) {
        g_string_append(text, "PARTITIONED BY ( \n");
        add_columns(text, keys, ")\n");
    }
    add_storage(text, table);
    g_string_append(text, "TBLPROPERTIES (\n");
    add_pairs(text, json_object_get(table, "Parameters"), said);
    g_string_append_c(text, '\n');
}

static void statement_column(struct definition *definition, const char *name)
{
    const char *names[] = {name, NULL};
    definition->run->end->columns = text_columns(names);
}

bool show_create_table(struct definition *definition, GError **error)
{
    statement_column(definition, "createtab_stmt");
    if (!definition_find_table(definition, error))
        return false;
    if (view_is(definition->table))
        return error_set(error, ERROR_INVALID_REQUEST,
                         "FAILED: SemanticException %s.%s is a view: SHOW CREATE VIEW shows it",
                         definition->database, definition->hive->name);
    add_table(definition->lines, definition->table, definition->hive->database);
    return true;
}

bool show_create_view(struct definition *definition, GError **error)
{
    statement_column(definition, "Create View");
    if (!definition_find_table(definition, error))
        return false;
    if (!view_is(definition->table))
        return error_set(error, ERROR_INVALID_REQUEST,
                         "FAILED: SemanticException %s.%s is a table: SHOW CREATE TABLE shows it",
                         definition->database, definition->hive->name);
    g_autoptr(json_auto) view = view_definition(definition->table, error);
    if (!view)
        return false;
    g_string_append_printf(definition->lines, "CREATE VIEW %s.%s AS\n%s\n", definition->database,
                           definition->hive->name, json_text_at(view, "originalSql"));
    return true;
}
