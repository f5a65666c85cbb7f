/* The catalog's tables, a line each. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static json_t *ask_all(const char *operation, const char *member, const char *database,
                       GError **error)
{
    g_autoptr(json_auto) all = json_array();
    g_autoptr(json_auto) request = json_object();
    json_put(request, "DatabaseName", database ? json_string(database) : NULL);
    for (;;) {
        g_autoptr(json_auto) page = cli_ask("glue", operation, request, error);
        if (!page)
            return NULL;
        json_array_extend(all, json_object_get(page, member));
        json_t *token = json_object_get(page, "NextToken");
        if (!token)
            return g_steal_pointer(&all);
        json_object_set(request, "NextToken", token);
    }
}

static void print_table(const char *database, const json_t *table)
{
    g_autofree char *name = g_strdup_printf("%s.%s", database, json_text_at(table, "Name"));
    const char *type = json_text_at(table, "TableType");
    const char *format = json_text_at(table, "Parameters.classification");
    const char *place = json_text_at(table, "StorageDescriptor.Location");
    bool view = type && strcmp(type, "VIRTUAL_VIEW") == 0;
    g_autofree char *keys =
        g_strdup_printf("%zu", json_array_size(json_object_get(table, "PartitionKeys")));
    printf("%-40s  %-8s  %3zu columns  %s partition keys  %s\n", name,
           view     ? "view"
           : format ? format
                    : "table",
           json_array_size(json_at(table, "StorageDescriptor.Columns")), keys, place ? place : "");
}

static bool print_database(const char *database, GError **error)
{
    g_autoptr(json_auto) tables = ask_all("GetTables", "TableList", database, error);
    size_t i;
    const json_t *table;
    json_array_foreach(tables, i, table) print_table(database, table);
    return tables != NULL;
}

static bool print_all(GError **error)
{
    g_autoptr(json_auto) databases = ask_all("GetDatabases", "DatabaseList", NULL, error);
    size_t i;
    const json_t *database;
    json_array_foreach(databases, i, database) if (!print_database(json_text_at(database, "Name"),
                                                                   error)) return false;
    return databases != NULL;
}

int cli_tables(int argc, char **argv)
{
    if (!cli_options(&argc, &argv, NULL))
        return CLI_USAGE;
    if (argc > 2) {
        fprintf(stderr, "lathe tables: at most one database is named\n");
        return CLI_USAGE;
    }
    GError *error = NULL;
    if (argc == 2 ? print_database(argv[1], &error) : print_all(&error))
        return CLI_OK;
    return cli_error(error);
}
