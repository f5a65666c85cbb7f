/* The search over tables. */
#include <string.h>

#include "catalog/catalog_inside.h"
#include "catalog/record.h"

/* ---- texts ---- */

static void add_text(GString *all, const char *text)
{
    g_autofree char *folded = text ? g_utf8_casefold(text, -1) : NULL;
    if (folded)
        g_string_append_printf(all, "%s\n", folded);
}

static void add_columns(GString *all, const json_t *columns)
{
    size_t i;
    const json_t *column;
    json_array_foreach((json_t *)columns, i, column)
    {
        add_text(all, json_text_at(column, "Name"));
        add_text(all, json_text_at(column, "Comment"));
    }
}

/* All that a search looks at, in one case. */
static char *text_of(const json_t *table)
{
    GString *all = g_string_new(NULL);
    const char *key;
    const json_t *value;
    add_text(all, json_text_at(table, "Name"));
    add_text(all, json_text_at(table, "DatabaseName"));
    add_text(all, json_text_at(table, "Description"));
    add_text(all, json_text_at(table, "StorageDescriptor.Location"));
    add_columns(all, json_at(table, "StorageDescriptor.Columns"));
    add_columns(all, json_object_get(table, "PartitionKeys"));
    json_object_foreach(json_object_get(table, "Parameters"), key, value)
    {
        add_text(all, key);
        add_text(all, json_string_value(value));
    }
    return g_string_free(all, FALSE);
}

/* In quotes, one word with all its spaces. g_strfreev. */
static char **words_of(const char *text)
{
    g_autofree char *folded = g_utf8_casefold(text ? text : "", -1);
    size_t size = strlen(folded);
    if (size > 1 && folded[0] == '"' && folded[size - 1] == '"') {
        folded[size - 1] = '\0';
        return g_strsplit(folded + 1, "\n", 1);
    }
    return g_strsplit_set(folded, " \t\n", -1);
}

static bool has_words(const json_t *table, char **words)
{
    g_autofree char *text = text_of(table);
    for (size_t i = 0; words[i]; i++)
        if (*words[i] && !strstr(text, words[i]))
            return false;
    return true;
}

/* ---- filters ---- */

/* A property by the name that filters have for it: "databaseName", "classification", or any other
 * of the table's or its Parameters. NULL: it has none. g_free. */
static char *property(const json_t *table, const char *key)
{
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)table, name, value)
    {
        if (g_ascii_strcasecmp(name, key) != 0)
            continue;
        if (json_is_string(value))
            return g_strdup(json_string_value(value));
        if (json_is_number(value))
            return g_strdup_printf("%.3f", json_number_value(value));
    }
    json_t *parameter = json_object_get(json_object_get(table, "Parameters"), key);
    return g_strdup(json_string_value(parameter));
}

static int compare(const char *a, const char *b)
{
    char *first, *second;
    double x = g_ascii_strtod(a, &first), y = g_ascii_strtod(b, &second);
    if (*a && *b && !*first && !*second)
        return (x > y) - (x < y);
    return g_ascii_strcasecmp(a, b);
}

static bool lets_through(const json_t *filter, const json_t *table)
{
    const char *word = json_text_at(filter, "Comparator"), *wanted = json_text_at(filter, "Value");
    g_autofree char *value = property(table, json_text_at(filter, "Key"));
    if (!value)
        return false;
    int order = compare(value, wanted ? wanted : "");
    if (!word || strcmp(word, "EQUALS") == 0)
        return order == 0;
    bool or_equal = g_str_has_suffix(word, "_EQUALS");
    return (or_equal && order == 0) || (g_str_has_prefix(word, "GREATER") ? order > 0 : order < 0);
}

static bool all_let_through(const json_t *filters, const json_t *table)
{
    size_t i;
    const json_t *filter;
    json_array_foreach((json_t *)filters, i, filter)
    {
        if (!lets_through(filter, table))
            return false;
    }
    return true;
}

/* ---- the search ---- */

static int by_field(const void *a, const void *b, void *sort)
{
    const char *field = json_text_at(sort, "FieldName");
    bool down = g_strcmp0(json_text_at(sort, "Sort"), "DESC") == 0;
    g_autofree char *first = property(*(json_t *const *)a, field ? field : "Name");
    g_autofree char *second = property(*(json_t *const *)b, field ? field : "Name");
    int order = compare(first ? first : "", second ? second : "");
    return down ? -order : order;
}

static json_t *sorted(json_t *tables, const json_t *sort)
{
    size_t count = json_array_size(tables);
    g_autofree json_t **order = g_new(json_t *, count + 1);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        order[i] = json_array_get(tables, i);
    g_qsort_with_data(order, (int)count, sizeof *order, by_field, (void *)sort);
    for (size_t i = 0; i < count; i++)
        json_array_append(list, order[i]);
    json_decref(tables);
    return list;
}

static bool search_database(struct catalog *catalog, const char *database, char **words,
                            const json_t *filters, json_t *found, GError **error)
{
    struct catalog_table_query query = {.database = database};
    g_autoptr(json_auto) tables = catalog_table_list(catalog, &query, error);
    size_t i;
    json_t *table;
    json_array_foreach(tables, i, table)
    {
        if (has_words(table, words) && all_let_through(filters, table))
            json_array_append(found, table);
    }
    return tables != NULL;
}

json_t *catalog_search(struct catalog *catalog, const char *text, const json_t *filters,
                       const json_t *sort, GError **error)
{
    g_auto(GStrv) words = words_of(text);
    g_autoptr(json_auto) databases = catalog_database_list(catalog, error);
    g_autoptr(json_auto) found = json_array();
    size_t i;
    const json_t *database;
    json_array_foreach(databases, i, database)
    {
        /* one that was deleted meanwhile has no tables */
        search_database(catalog, json_text_at(database, "Name"), words, filters, found, NULL);
    }
    if (!databases)
        return NULL;
    return sort ? sorted(g_steal_pointer(&found), sort) : g_steal_pointer(&found);
}
