/* A table of the catalog, for people: its rows, its partitions, its columns with their values. */
#include "cli/describe_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/athena.h"
#include "cli/cli.h"

enum { BINS = 16, MOST_COLUMNS = 100 };

/* ---- what a column is asked ---- */

/* By Hive's types: what has an order, and what has a mean. */
static bool is_numeric(const char *type)
{
    static const char *const numbers[] = {"tinyint", "smallint", "int",     "bigint",
                                          "float",   "double",   "decimal", NULL};
    g_autofree char *stem = g_strndup(type, strcspn(type, "("));
    return g_strv_contains(numbers, stem);
}

static bool is_nested(const char *type)
{
    return strchr(type, '<') || strcmp(type, "binary") == 0;
}

static char *quoted(const char *name)
{
    g_auto(GStrv) parts = g_strsplit(name, "\"", -1);
    g_autofree char *inner = g_strjoinv("\"\"", parts);
    return g_strdup_printf("\"%s\"", inner);
}

/* Four values a column: how many are there, how many differ, the least and the greatest; and a
 * mean. */
static void add_questions(GString *sql, const json_t *column)
{
    g_autofree char *name = quoted(json_text_at(column, "Name"));
    const char *type = json_text_at(column, "Type");
    g_string_append_printf(sql, ", count(%s)", name);
    if (is_nested(type))
        g_string_append(sql, ", 0, '', '', ''");
    else
        g_string_append_printf(sql, ", approx_distinct(%s), min(%s), max(%s), %s%s%s", name, name,
                               name, is_numeric(type) ? "avg(CAST(" : "''",
                               is_numeric(type) ? name : "",
                               is_numeric(type) ? " AS double))" : "");
}

static json_t *ask_statistics(const char *table, const char *database, const json_t *columns,
                              GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT count(*)");
    size_t i;
    const json_t *column;
    json_array_foreach(columns, i, column) add_questions(sql, column);
    g_string_append_printf(sql, " FROM %s", table);
    g_autoptr(json_auto) rows = cli_query_rows(sql->str, database, error);
    return json_incref(json_array_get(rows, 0));
}

/* ---- histograms ---- */

struct range {
    double low, high;
};

/* Whether a column's least and greatest span something to be divided. */
static bool range_of(const json_t *column, const json_t *statistics, size_t number,
                     struct range *range)
{
    const char *low = json_string_value(json_array_get(statistics, 1 + number * 5 + 2));
    const char *high = json_string_value(json_array_get(statistics, 1 + number * 5 + 3));
    if (!is_numeric(json_text_at(column, "Type")) || !low || !high)
        return false;
    range->low = g_ascii_strtod(low, NULL);
    range->high = g_ascii_strtod(high, NULL);
    return isfinite(range->low) && isfinite(range->high) && range->low < range->high;
}

static void add_bins(GString *sql, const char *column, const struct range *range)
{
    g_autofree char *name = quoted(column);
    char low[G_ASCII_DTOSTR_BUF_SIZE], high[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(low, sizeof low, "%.17e", range->low);
    g_ascii_formatd(high, sizeof high, "%.17e", range->high);
    for (int i = 0; i < BINS; i++)
        g_string_append_printf(sql,
                               "%scount_if(least(width_bucket(CAST(%s AS double), %s, %s, %d), %d) "
                               "= %d)",
                               sql->len > strlen("SELECT ") ? ", " : "", name, low, high, BINS,
                               BINS, i + 1);
}

static json_t *ask_bins(const char *table, const char *database, const json_t *columns,
                        const json_t *statistics, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT ");
    size_t i;
    const json_t *column;
    struct range range;
    json_array_foreach(columns, i, column) if (range_of(column, statistics, i, &range))
        add_bins(sql, json_text_at(column, "Name"), &range);
    if (sql->len == strlen("SELECT "))
        return json_array();
    g_string_append_printf(sql, " FROM %s", table);
    g_autoptr(json_auto) rows = cli_query_rows(sql->str, database, error);
    return json_incref(json_array_get(rows, 0));
}

static double bin_at(const json_t *bins, size_t at)
{
    const char *text = json_string_value(json_array_get(bins, at));
    return text ? g_ascii_strtod(text, NULL) : 0;
}

static void print_bars(const json_t *bins, size_t first)
{
    static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double most = 1;
    for (size_t i = 0; i < BINS; i++)
        most = fmax(most, bin_at(bins, first + i));
    for (size_t i = 0; i < BINS; i++)
        printf("%s", bars[(int)ceil(bin_at(bins, first + i) / most * 8)]);
}

/* ---- printing ---- */

static const char *shown(const json_t *statistics, size_t number, size_t which)
{
    const char *text = json_string_value(json_array_get(statistics, 1 + number * 5 + which));
    return text ? text : "";
}

static gint64 nulls_of(const json_t *statistics, size_t number)
{
    const char *rows = json_string_value(json_array_get(statistics, 0));
    return g_ascii_strtoll(rows, NULL, 10) -
           g_ascii_strtoll(shown(statistics, number, 0), NULL, 10);
}

static void print_columns(const json_t *columns, const json_t *statistics, const json_t *bins)
{
    printf("\n  %-24s %-14s %10s %10s %-16s %-16s %-16s\n", "column", "type", "nulls", "distinct",
           "least", "greatest", "mean");
    size_t i, at = 0;
    const json_t *column;
    struct range range;
    json_array_foreach(columns, i, column)
    {
        printf("  %-24.24s %-14.14s %10" G_GINT64_FORMAT " %10s %-16.16s %-16.16s %-16.16s ",
               json_text_at(column, "Name"), json_text_at(column, "Type"), nulls_of(statistics, i),
               shown(statistics, i, 1), shown(statistics, i, 2), shown(statistics, i, 3),
               shown(statistics, i, 4));
        if (range_of(column, statistics, i, &range)) {
            print_bars(bins, at);
            at += BINS;
        }
        putchar('\n');
    }
}

static gint64 count_partitions(const char *table, const char *database)
{
    g_auto(GStrv) parts = g_strsplit(table, ".", 2);
    g_autofree char *sql =
        parts[1] ? g_strdup_printf("SELECT count(*) FROM %s.\"%s$partitions\"", parts[0], parts[1])
                 : g_strdup_printf("SELECT count(*) FROM \"%s$partitions\"", table);
    g_autoptr(json_auto) rows = cli_query_rows(sql, database, NULL);
    const char *text = json_string_value(json_array_get(json_array_get(rows, 0), 0));
    return text ? g_ascii_strtoll(text, NULL, 10) : 0;
}

static json_t *find_table(const char *name, const char *database, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(name, ".", 2);
    g_autoptr(json_auto) request =
        json_pack("{ssss}", "DatabaseName", parts[1] ? parts[0] : database, "Name",
                  parts[1] ? parts[1] : name);
    g_autoptr(json_auto) reply = cli_ask("glue", "GetTable", request, error);
    return json_incref(json_object_get(reply, "Table"));
}

static json_t *columns_of(const json_t *table)
{
    json_t *columns = json_array();
    json_array_extend(columns, json_at(table, "StorageDescriptor.Columns"));
    json_array_extend(columns, json_object_get(table, "PartitionKeys"));
    while (json_array_size(columns) > MOST_COLUMNS)
        json_array_remove(columns, MOST_COLUMNS);
    return columns;
}

static void print_head(const json_t *table, const char *name, const char *database,
                       const json_t *statistics)
{
    const char *place = json_text_at(table, "StorageDescriptor.Location");
    printf("%s  %s\n  rows        %s\n", name, place ? place : "",
           json_string_value(json_array_get(statistics, 0)));
    if (json_array_size(json_object_get(table, "PartitionKeys")))
        printf("  partitions  %" G_GINT64_FORMAT "\n", count_partitions(name, database));
}

bool describe_table(const char *name, GError **error)
{
    const char *database = "default";
    g_autoptr(json_auto) table = find_table(name, database, error);
    g_autoptr(json_auto) columns = columns_of(table);
    g_autoptr(json_auto) statistics = table ? ask_statistics(name, database, columns, error) : NULL;
    g_autoptr(json_auto) bins =
        statistics ? ask_bins(name, database, columns, statistics, error) : NULL;
    if (!bins)
        return false;
    print_head(table, name, database, statistics);
    print_columns(columns, statistics, bins);
    return true;
}
