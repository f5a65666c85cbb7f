/* SHOW and DESCRIBE: the catalog as lines of text. */
#include <string.h>

#include "catalog/catalog.h"
#include "query/query_inside.h"

static void one_column(struct definition *definition, const char *name)
{
    const char *names[] = {name, NULL};
    definition->run->end->columns = text_columns(names);
}

static void add_line(struct definition *definition, const char *text)
{
    g_string_append_printf(definition->lines, "%s\n", text);
}

/* ---- names ---- */

/* Hive's patterns: * is anything, | divides choices. */
static bool fits(const char *name, const char *pattern)
{
    if (!pattern)
        return true;
    g_auto(GStrv) choices = g_strsplit(pattern, "|", -1);
    for (size_t i = 0; choices[i]; i++) {
        g_autofree char *small = g_utf8_strdown(choices[i], -1);
        if (g_pattern_match_simple(small, name))
            return true;
    }
    return false;
}

bool show_databases(struct definition *definition, GError **error)
{
    g_autoptr(json_auto) all = catalog_database_list(definition->run->queries->catalog, error);
    one_column(definition, "database_name");
    size_t i;
    const json_t *each;
    json_array_foreach(all, i,
                       each) if (fits(json_text_at(each, "Name"), definition->hive->pattern))
        add_line(definition, json_text_at(each, "Name"));
    return all != NULL;
}

static bool check_database(const struct definition *definition, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(json_auto) database =
        catalog_database_get(definition->run->queries->catalog, definition->database, &cause);
    return database || error_set(error, ERROR_INVALID_REQUEST,
                                 "FAILED: SemanticException [Error 10072]: Database does not "
                                 "exist: %s",
                                 definition->database);
}

static bool list_tables(struct definition *definition, bool views, GError **error)
{
    if (!check_database(definition, error))
        return false;
    struct catalog_table_query query = {.database = definition->database};
    g_autoptr(json_auto) all = catalog_table_list(definition->run->queries->catalog, &query, error);
    size_t i;
    const json_t *each;
    json_array_foreach(all, i,
                       each) if ((!views || view_is(each)) &&
                                 fits(json_text_at(each, "Name"), definition->hive->pattern))
        add_line(definition, json_text_at(each, "Name"));
    return all != NULL;
}

bool show_tables(struct definition *definition, GError **error)
{
    one_column(definition, "tab_name");
    return list_tables(definition, false, error);
}

bool show_views(struct definition *definition, GError **error)
{
    one_column(definition, "views");
    return list_tables(definition, true, error);
}

/* ---- columns ---- */

/* Hive pads what it describes. */
static void add_padded(struct definition *definition, const json_t *column)
{
    const char *comment = json_text_at(column, "Comment");
    g_string_append_printf(definition->lines, "%-20s\t%-20s\t%-20s\n", json_text_at(column, "Name"),
                           json_text_at(column, "Type"), comment ? comment : "");
}

static const json_t *columns_of(const struct definition *definition)
{
    return json_at(definition->table, "StorageDescriptor.Columns");
}

static const json_t *keys_of(const struct definition *definition)
{
    return json_object_get(definition->table, "PartitionKeys");
}

bool show_columns(struct definition *definition, GError **error)
{
    one_column(definition, "field");
    if (!definition_find_table(definition, error))
        return false;
    const json_t *lists[] = {columns_of(definition), keys_of(definition)};
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        size_t j;
        const json_t *each;
        json_array_foreach(lists[i], j, each)
            g_string_append_printf(definition->lines, "%-20s\n", json_text_at(each, "Name"));
    }
    return true;
}

static const json_t *find_column(const struct definition *definition, const char *name)
{
    const json_t *lists[] = {columns_of(definition), keys_of(definition)};
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        size_t j;
        const json_t *each;
        json_array_foreach(lists[i], j,
                           each) if (strcmp(json_text_at(each, "Name"), name) == 0) return each;
    }
    return NULL;
}

static void add_all_columns(struct definition *definition)
{
    size_t i;
    const json_t *each;
    json_array_foreach(columns_of(definition), i, each) add_padded(definition, each);
    json_array_foreach(keys_of(definition), i, each) add_padded(definition, each);
    if (!json_array_size(keys_of(definition)))
        return;
    g_string_append(definition->lines, "\t \t \n# Partition Information\t \t \n");
    g_string_append_printf(definition->lines, "%-20s\t%-20s\t%-20s\n\t \t \n", "# col_name",
                           "data_type", "comment");
    json_array_foreach(keys_of(definition), i, each) add_padded(definition, each);
}

static void add_fact(struct definition *definition, const char *name, const char *value)
{
    g_string_append_printf(definition->lines, "%-20s\t%-20s\t \n", name, value ? value : "");
}

static void add_details(struct definition *definition)
{
    const json_t *table = definition->table;
    g_string_append(definition->lines, "\t \t \n# Detailed Table Information\t \t \n");
    add_fact(definition, "Database:", definition->database);
    add_fact(definition, "Location:", json_text_at(table, "StorageDescriptor.Location"));
    add_fact(definition, "Table Type:", json_text_at(table, "TableType"));
    g_string_append(definition->lines, "Table Parameters:\t \t \n");
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(table, "Parameters"), name, value) g_string_append_printf(
        definition->lines, "\t%-20s\t%-20s\n", name, json_string_value(value));
    g_string_append(definition->lines, "\t \t \n# Storage Information\t \t \n");
    add_fact(definition, "SerDe Library:",
             json_text_at(table, "StorageDescriptor.SerdeInfo.SerializationLibrary"));
    add_fact(definition, "InputFormat:", json_text_at(table, "StorageDescriptor.InputFormat"));
    add_fact(definition, "OutputFormat:", json_text_at(table, "StorageDescriptor.OutputFormat"));
}

static bool describe_column(struct definition *definition, GError **error)
{
    const json_t *column = find_column(definition, definition->hive->column);
    if (!column)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "FAILED: SemanticException [Error 10004]: Invalid column reference %s",
                         definition->hive->column);
    add_padded(definition, column);
    return true;
}

bool show_description(struct definition *definition, GError **error)
{
    static const char *const names[] = {"col_name", "data_type", "comment", NULL};
    definition->run->end->columns = text_columns(names);
    if (!definition_find_table(definition, error))
        return false;
    if (definition->hive->column)
        return describe_column(definition, error);
    add_all_columns(definition);
    if (definition->hive->extended)
        add_details(definition);
    return true;
}

/* ---- partitions ---- */

static bool add_partition_lines(struct definition *definition, GError **error)
{
    struct catalog_partition_query query = {.database = definition->database,
                                            .table = definition->hive->name};
    g_autoptr(GPtrArray) places =
        catalog_partition_places(definition->run->queries->catalog, &query, error);
    for (guint i = 0; places && i < places->len; i++) {
        const struct catalog_place *place = places->pdata[i];
        g_autoptr(json_auto) values = json_array();
        for (size_t j = 0; place->values[j]; j++)
            json_array_append_new(values, json_string(place->values[j]));
        g_autofree char *path = partition_path(keys_of(definition), values);
        add_line(definition, path);
    }
    return places != NULL;
}

bool show_partitions(struct definition *definition, GError **error)
{
    one_column(definition, "partition");
    if (!definition_find_table(definition, error))
        return false;
    if (json_array_size(keys_of(definition)))
        return add_partition_lines(definition, error);
    return error_set(error, ERROR_INVALID_REQUEST,
                     "FAILED: Execution Error, return code 1 from "
                     "org.apache.hadoop.hive.ql.exec.DDLTask. Table %s.%s is not a partitioned "
                     "table",
                     definition->database, definition->hive->name);
}

/* ---- properties ---- */

bool show_table_properties(struct definition *definition, GError **error)
{
    static const char *const names[] = {"prpt_name", "prpt_value", NULL};
    definition->run->end->columns = text_columns(names);
    if (!definition_find_table(definition, error))
        return false;
    const json_t *all = json_object_get(definition->table, "Parameters");
    const char *wanted = definition->hive->property;
    if (wanted) {
        const char *value = json_text_at(all, wanted);
        g_autofree char *none =
            g_strdup_printf("Table %s.%s does not have property: %s", definition->database,
                            definition->hive->name, wanted);
        add_line(definition, value ? value : none);
        return true;
    }
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)all, name, value)
        g_string_append_printf(definition->lines, "%s\t%s\n", name, json_string_value(value));
    return true;
}
