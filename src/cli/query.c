/* A statement of SQL, its result as a table for people or as text for programs. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/athena.h"
#include "cli/cli.h"

enum { WIDEST = 60 };

/* ---- an aligned table ---- */

struct table {
    size_t count;
    int *widths;
    bool *right; /* numbers stand right */
};

static bool is_number(const char *type)
{
    static const char *const numbers[] = {"tinyint", "smallint", "integer", "bigint",
                                          "float",   "double",   "decimal", NULL};
    return g_strv_contains(numbers, type);
}

static const char *text_of(const json_t *value)
{
    const char *text = json_text_at(value, "VarCharValue");
    return text ? text : "";
}

static int width_of(const char *text)
{
    return (int)MIN(g_utf8_strlen(text, -1), WIDEST);
}

static struct table *table_new(const json_t *columns, const json_t *rows)
{
    struct table *table = g_new0(struct table, 1);
    table->count = json_array_size(columns);
    table->widths = g_new0(int, table->count + 1);
    table->right = g_new0(bool, table->count + 1);
    for (size_t i = 0; i < table->count; i++)
        table->right[i] = is_number(json_text_at(json_array_get(columns, i), "Type"));
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row) for (size_t j = 0; j < table->count; j++)
    {
        const json_t *value = json_array_get(json_object_get(row, "Data"), j);
        table->widths[j] = MAX(table->widths[j], width_of(text_of(value)));
    }
    return table;
}

static void table_free(struct table *table)
{
    if (!table)
        return;
    g_free(table->widths);
    g_free(table->right);
    g_free(table);
}

/* Newlines and tabs would break the table. */
static void print_cell(const char *text, int width, bool right, bool last)
{
    g_autofree char *plain = g_strdelimit(g_strdup(text), "\n\r\t", ' ');
    glong length = g_utf8_strlen(plain, -1);
    if (length > WIDEST) {
        *g_utf8_offset_to_pointer(plain, WIDEST - 1) = '\0';
        printf("%s\u2026", plain);
        length = WIDEST;
    } else {
        printf("%*s%s", right ? (int)(width - length) : 0, "", plain);
    }
    if (!last)
        printf("%*s  ", right ? 0 : (int)(width - length), "");
}

static void print_row(const struct table *table, const json_t *row)
{
    for (size_t i = 0; i < table->count; i++)
        print_cell(text_of(json_array_get(json_object_get(row, "Data"), i)), table->widths[i],
                   table->right[i], i + 1 == table->count);
    putchar('\n');
}

static void print_line(const struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        for (int j = 0; j < table->widths[i]; j++)
            putchar('-');
        printf("%s", i + 1 == table->count ? "\n" : "  ");
    }
}

/* What has no header is text as it is: SHOW, DESCRIBE. */
static bool is_text(const struct cli_query *query)
{
    return !g_str_has_suffix(query->output, ".csv");
}

static void print_page(struct table *table, const json_t *rows, bool text, bool first)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (text) {
            printf("%s\n", text_of(json_array_get(json_object_get(row, "Data"), 0)));
            continue;
        }
        print_row(table, row);
        if (first && i == 0)
            print_line(table);
    }
}

static bool print_table(const struct cli_query *query, GError **error)
{
    char *token = g_strdup("");
    struct table *table = NULL;
    bool first = true, good = true;
    while (good && token) {
        g_autoptr(json_auto) page = cli_query_page(query, &token, error);
        const json_t *rows = json_at(page, "ResultSet.Rows");
        good = page != NULL;
        if (good && first)
            table = table_new(json_at(page, "ResultSet.ResultSetMetadata.ColumnInfo"), rows);
        if (good)
            print_page(table, rows, is_text(query), first);
        first = false;
    }
    table_free(table);
    g_free(token);
    return good;
}

/* ---- text for programs ---- */

static json_t *value_of(const json_t *value, const char *type)
{
    const char *text = json_text_at(value, "VarCharValue");
    if (!text)
        return json_null();
    if (strcmp(type, "boolean") == 0)
        return json_boolean(strcmp(text, "true") == 0);
    json_t *number = is_number(type) ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    return number ? number : json_string(text);
}

static void print_object(const json_t *columns, const json_t *row)
{
    g_autoptr(json_auto) object = json_object();
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *column = json_array_get(columns, i);
        json_object_set_new(object, json_text_at(column, "Name"),
                            value_of(json_array_get(json_object_get(row, "Data"), i),
                                     json_text_at(column, "Type")));
    }
    g_autofree char *text = json_text_of(object);
    printf("%s\n", text);
}

static bool print_json(const struct cli_query *query, GError **error)
{
    char *token = g_strdup("");
    bool good = true;
    for (bool first = !is_text(query); good && token; first = false) {
        g_autoptr(json_auto) page = cli_query_page(query, &token, error);
        const json_t *columns = json_at(page, "ResultSet.ResultSetMetadata.ColumnInfo");
        size_t i;
        const json_t *row;
        good = page != NULL;
        json_array_foreach(json_at(page, "ResultSet.Rows"), i, row) if (i || !first)
            print_object(columns, row);
    }
    g_free(token);
    return good;
}

/* ---- objects as they are ---- */

static bool write_object(const char *uri, const char *path, GError **error)
{
    g_autoptr(GBytes) body = cli_query_object(uri, error);
    if (!body)
        return false;
    gsize size;
    const char *bytes = g_bytes_get_data(body, &size);
    if (path)
        return g_file_set_contents(path, bytes, (gssize)size, error);
    return fwrite(bytes, 1, size, stdout) == size ||
           error_set(error, ERROR_INTERNAL, "the result could not be written");
}

/* The first goes to the path, the others beside it: rows.parquet, rows.parquet.1 ... */
static bool write_files(char *const *uris, const char *path, GError **error)
{
    for (size_t i = 0; uris[i] && *uris[i]; i++) {
        g_autofree char *beside = i ? g_strdup_printf("%s.%zu", path, i) : g_strdup(path);
        if (!write_object(uris[i], beside, error))
            return false;
    }
    return true;
}

static bool write_parquet(const char *sql, const char *database, const char *path, GError **error)
{
    struct cli_query query;
    g_autoptr(GBytes) manifest = cli_query_unload(&query, sql, database, error)
                                     ? cli_query_object(query.manifest, error)
                                     : NULL;
    cli_query_clear(&query);
    if (!manifest)
        return false;
    gsize size;
    const char *bytes = g_bytes_get_data(manifest, &size);
    g_autofree char *text = g_strndup(bytes, size);
    g_auto(GStrv) uris = g_strsplit(text, "\n", -1);
    if (!size)
        return error_set(error, ERROR_VALIDATION, "there is no row, and so no file");
    return write_files(uris, path, error);
}

/* ---- the verb ---- */

struct asked {
    char *database, *format, *output;
};

static bool show(const char *sql, const struct asked *asked, GError **error)
{
    struct cli_query query;
    if (g_strcmp0(asked->format, "parquet") == 0)
        return write_parquet(sql, asked->database, asked->output, error);
    bool good = cli_query_run(&query, sql, asked->database, NULL, error);
    if (good && g_strcmp0(asked->format, "csv") == 0)
        good = write_object(query.output, asked->output, error);
    else if (good && g_strcmp0(asked->format, "json") == 0)
        good = print_json(&query, error);
    else if (good)
        good = print_table(&query, error);
    cli_query_clear(&query);
    return good;
}

static bool is_well_asked(const struct asked *asked)
{
    static const char *const formats[] = {"table", "csv", "json", "parquet", NULL};
    static const char *const files[] = {"csv", "parquet", NULL};
    const char *format = asked->format ? asked->format : "table";
    bool needs = strcmp(format, "parquet") == 0;
    return g_strv_contains(formats, format) && (!needs || asked->output) &&
           (!asked->output || g_strv_contains(files, format));
}

/* SQL may begin with a comment, which GOption would take for an option; none has a blank there. */
static bool begins_with_comment(const char *text)
{
    return g_str_has_prefix(text, "--") && g_ascii_isspace(text[2]);
}

/* Takes such a statement out of the arguments; NULL where there is none. */
static char *take_commented(int *argc, char **argv)
{
    int at = 1;
    while (at < *argc && !begins_with_comment(argv[at]) && strcmp(argv[at], "--") != 0)
        at++;
    if (at == *argc || strcmp(argv[at], "--") == 0)
        return NULL;
    char *sql = argv[at];
    for (--*argc; at < *argc; at++)
        argv[at] = argv[at + 1];
    return sql;
}

/* The one statement; NULL where there is none, or more. GOption leaves "--" before what it would
 * have taken for an option. */
static const char *the_statement(const char *commented, int argc, char **argv)
{
    int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
    if (commented)
        return argc == 1 ? commented : NULL;
    return argc == first + 1 ? argv[first] : NULL;
}

int cli_query(int argc, char **argv)
{
    struct asked asked = {0};
    const GOptionEntry options[] = {
        {"database", 0, 0, G_OPTION_ARG_STRING, &asked.database, NULL, NULL},
        {"format", 0, 0, G_OPTION_ARG_STRING, &asked.format, NULL, NULL},
        {"output", 0, 0, G_OPTION_ARG_FILENAME, &asked.output, NULL, NULL},
        {0},
    };
    const char *commented = take_commented(&argc, argv);
    bool parsed = cli_options(&argc, &argv, options);
    g_autofree char *database = asked.database;
    g_autofree char *format = asked.format;
    g_autofree char *output = asked.output;
    if (!parsed)
        return CLI_USAGE;
    const char *sql = the_statement(commented, argc, argv);
    if (!sql || !is_well_asked(&asked)) {
        fprintf(stderr, "lathe query: one statement is needed, and a format that is table, csv, "
                        "json or parquet; csv and parquet may go to --output FILE, parquet has "
                        "to:\n  lathe query 'SELECT count(*) FROM flights'\n");
        return CLI_USAGE;
    }
    GError *error = NULL;
    show(sql, &asked, &error);
    return error ? cli_error(error) : CLI_OK;
}
