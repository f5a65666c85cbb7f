/* Trino's statements: compiled, and done by what they are. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "query/places.h"
#include "query/select.h"
#include "table/engine.h"

/* ---- errors ---- */

bool select_fail(const struct sql_error *fault, GError **error)
{
    g_autofree char *place =
        fault->line ? g_strdup_printf("line %d:%d: ", fault->line, fault->column) : g_strdup("");
    bool hidden = strcmp(fault->name, "COLUMN_NOT_FOUND") == 0;
    return error_set(error, ERROR_INVALID_REQUEST, "%s: %s%s%s", fault->name, place, fault->message,
                     hidden ? " or requester is not authorized to access requested resources" : "");
}

static bool not_supported(const char *what, GError **error)
{
    return error_set(error, ERROR_INVALID_REQUEST, "NOT_SUPPORTED: %s is not supported", what);
}

/* ---- what is read ---- */

json_t *select_relations(struct selection *selection, GError **error)
{
    const struct sql_statement *statement = selection->statement;
    g_autoptr(json_auto) relations = json_array();
    gint64 bytes = 0;
    for (size_t i = 0; i < statement->reference_count; i++) {
        const struct sql_reference *reference = &statement->references[i];
        const json_t *table =
            resolver_table(selection->resolver, reference->schema, reference->table);
        json_t *relation = relation_of(selection->run, reference, table, &bytes, error);
        if (!relation)
            return NULL;
        json_array_append_new(relations, relation);
    }
    selection->run->end->planning = clock_monotonic() - selection->run->began;
    return g_steal_pointer(&relations);
}

static bool check_scanned(const struct query_run *run, GError **error)
{
    gint64 limit = run->request->scan_limit;
    return !limit || run->end->scanned <= limit ||
           error_set(error, ERROR_CANCELLED,
                     "Query cancelled! : Bytes scanned limit was exceeded: %" G_GINT64_FORMAT
                     " bytes of %" G_GINT64_FORMAT,
                     run->end->scanned, limit);
}

json_t *select_ask(struct selection *selection, json_t *result, GError **error)
{
    const struct sql_statement *statement = selection->statement;
    g_autoptr(json_auto) form = result;
    g_autoptr(json_auto) relations = select_relations(selection, error);
    if (!relations)
        return NULL;
    g_autoptr(json_auto) request = json_pack("{sssosOsO}", "Sql", statement->text, "Columns",
                                             engine_columns(statement->columns, statement->count),
                                             "Relations", relations, "Result", form);
    g_autoptr(json_auto) reply = query_ask_engine(selection->run, request, error);
    if (!reply)
        return NULL;
    selection->run->end->scanned = json_integer_at(reply, "BytesScanned", 0);
    return check_scanned(selection->run, error) ? g_steal_pointer(&reply) : NULL;
}

/* ---- SELECT ---- */

bool select_add_metadata(struct query_run *run, struct lake_batch *batch, const char *output,
                         GError **error)
{
    g_autofree char *uri = g_strconcat(output, ".metadata", NULL);
    g_autofree char *text = json_text_of(run->end->columns);
    g_autoptr(GString) body = g_string_new(text);
    return query_add_text(run, batch, uri, body, error);
}

static bool store_result(struct selection *selection, const char *path, GError **error)
{
    struct query_run *run = selection->run;
    g_autoptr(lake_batch_auto) batch = lake_batch_new(run->queries->lake);
    return query_add_file(batch, run->end->output, path, error) &&
           select_add_metadata(run, batch, run->end->output, error) &&
           lake_batch_commit_with(batch, selection->finish, selection->data, error);
}

static bool run_select(struct selection *selection, GError **error)
{
    struct query_run *run = selection->run;
    const struct sql_statement *statement = selection->statement;
    const char *folder = query_folder(run, error);
    if (!folder)
        return false;
    g_autofree char *path = g_build_filename(folder, "result.csv", NULL);
    g_autofree char *name = g_strconcat(run->request->id, ".csv", NULL);
    run->end->output = query_output(run, name);
    run->end->columns = result_columns(statement->columns, statement->count);
    g_autoptr(json_auto) reply =
        select_ask(selection, json_pack("{ssss}", "Form", "csv", "File", path), error);
    return reply && store_result(selection, path, error);
}

/* ---- what shows lines ---- */

bool select_store_lines(struct selection *selection, const char *column, GString *lines,
                        GError **error)
{
    struct query_run *run = selection->run;
    const char *names[] = {column, NULL};
    g_autofree char *name = g_strconcat(run->request->id, ".txt", NULL);
    run->end->output = query_output(run, name);
    run->end->columns = column ? text_columns(names) : json_array();
    g_autoptr(lake_batch_auto) batch = lake_batch_new(run->queries->lake);
    return query_add_text(run, batch, run->end->output, lines, error) &&
           lake_batch_commit_with(batch, selection->finish, selection->data, error);
}

/* LIKE, of names in ASCII. */
static bool is_like(const char *name, const char *pattern, char escape)
{
    if (!*pattern)
        return !*name;
    if (*pattern == '%' && escape != '%')
        return is_like(name, pattern + 1, escape) || (*name && is_like(name + 1, pattern, escape));
    bool any = *pattern == '_' && escape != '_';
    pattern += escape && *pattern == escape && pattern[1];
    return *name && (any || *name == *pattern) && is_like(name + 1, pattern + 1, escape);
}

static bool show_catalogs(struct selection *selection, GError **error)
{
    static const char name[] = "awsdatacatalog";
    const struct sql_statement *show = selection->statement;
    bool shown =
        !show->pattern || is_like(name, show->pattern, show->escape ? *show->escape : '\0');
    g_autoptr(GString) lines = g_string_new(NULL);
    if (shown)
        g_string_printf(lines, "%s\n", name);
    return select_store_lines(selection, "Catalog", lines, error);
}

/* ---- views ---- */

static json_t *view_columns(const struct sql_statement *statement, bool hive)
{
    struct arena arena = {0};
    json_t *columns = json_array();
    for (size_t i = 0; i < statement->count; i++) {
        const struct sql_column *column = &statement->columns[i];
        const char *type =
            hive ? sql_type_to_hive(&arena, column->type) : sql_type_write(&arena, column->type);
        json_array_append_new(columns, json_pack("{ssss}", hive ? "Name" : "name", column->name,
                                                 hive ? "Type" : "type", type));
    }
    arena_free(&arena);
    return columns;
}

static json_t *view_input(const struct selection *selection)
{
    const struct sql_statement *statement = selection->statement;
    g_autoptr(json_auto) view =
        json_pack("{sssssssoss}", "originalSql", statement->source, "catalog", "awsdatacatalog",
                  "schema", selection->run->request->database, "columns",
                  view_columns(statement, false), "owner", "lathe");
    g_autofree char *text = view_text(view);
    return json_pack("{sssss{sos{}ss}s[]sss{ssss}}", "Name", statement->target, "TableType",
                     "VIRTUAL_VIEW", "StorageDescriptor", "Columns", view_columns(statement, true),
                     "SerdeInfo", "Location", "", "PartitionKeys", "ViewOriginalText", text,
                     "Parameters", "presto_view", "true", "comment", "Presto View");
}

struct view_change {
    struct selection *selection;
    json_t *input;
    bool replace;
};

static bool put_view(struct store_connection *connection, void *data, GError **error)
{
    struct view_change *change = data;
    const char *schema = change->selection->statement->target_schema;
    struct catalog_table_update update = {0};
    bool put = change->replace
                   ? catalog_table_update_within(connection, schema, change->input, &update, error)
                   : catalog_table_create_within(connection, schema, change->input, NULL, error);
    return put && change->selection->finish(connection, change->selection->data, error);
}

bool select_find_target(const struct selection *selection, json_t **table, GError **error)
{
    const struct sql_statement *statement = selection->statement;
    GError *cause = NULL;
    *table = catalog_table_get(selection->run->queries->catalog, statement->target_schema,
                               statement->target, &cause);
    if (!cause || g_error_matches(cause, LATHE_ERROR, ERROR_ENTITY_NOT_FOUND)) {
        g_clear_error(&cause);
        return true;
    }
    g_propagate_error(error, cause);
    return false;
}

static bool check_view(const struct sql_statement *statement, const json_t *there, GError **error)
{
    if (there && !view_is(there))
        return error_set(error, ERROR_INVALID_REQUEST,
                         "TABLE_ALREADY_EXISTS: line 1:1: Table already exists: '%s.%s.%s'",
                         statement->target_catalog, statement->target_schema, statement->target);
    if (there && !statement->or_replace)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "TABLE_ALREADY_EXISTS: line 1:1: View already exists: '%s.%s.%s'",
                         statement->target_catalog, statement->target_schema, statement->target);
    return true;
}

static bool run_create_view(struct selection *selection, GError **error)
{
    struct query_run *run = selection->run;
    g_autoptr(json_auto) there = NULL;
    if (!select_find_target(selection, &there, error) ||
        !check_view(selection->statement, there, error))
        return false;
    g_autoptr(json_auto) input = view_input(selection);
    struct view_change change = {selection, input, there != NULL};
    g_autoptr(GString) none = g_string_new(NULL);
    g_autofree char *name = g_strconcat(run->request->id, ".txt", NULL);
    run->end->output = query_output(run, name);
    run->end->columns = json_array();
    g_autoptr(lake_batch_auto) batch = lake_batch_new(run->queries->lake);
    return query_add_text(run, batch, run->end->output, none, error) &&
           lake_batch_commit_with(batch, put_view, &change, error);
}

/* ---- prepared statements ---- */

static bool run_prepare(struct selection *selection, GError **error)
{
    const struct query_request *request = selection->run->request;
    g_autoptr(GString) none = g_string_new(NULL);
    return request->prepared->keep(selection->statement->target, selection->statement->source,
                                   request->data, error) &&
           select_store_lines(selection, NULL, none, error);
}

static bool run_deallocate(struct selection *selection, GError **error)
{
    const struct query_request *request = selection->run->request;
    g_autoptr(GString) none = g_string_new(NULL);
    return request->prepared->drop(selection->statement->target, request->data, error) &&
           select_store_lines(selection, NULL, none, error);
}

/* ---- what is known, as SELECTs ---- */

static struct sql_statement *compile(const struct selection *selection, const char *text,
                                     const char *const *parameters, size_t count, GError **error);

/* Runs a text in place of the statement, and frees it. */
static bool run_instead(struct selection *selection, char *text, GError **error)
{
    struct sql_statement *own = selection->statement;
    selection->statement = compile(selection, text, NULL, 0, error);
    free(text);
    bool done = selection->statement && run_select(selection, error);
    sql_statement_free(selection->statement);
    selection->statement = own;
    return done;
}

/* The text of a prepared statement, its question marks open. */
static struct sql_statement *describe(const struct selection *selection, GError **error)
{
    const struct query_request *request = selection->run->request;
    g_autofree char *text =
        request->prepared->find(selection->statement->target, request->data, error);
    struct sql_error fault = {0};
    struct sql_catalog catalog = {
        .schema = request->database, .zone = "UTC", .now = request->now, .describes = true};
    if (!text)
        return NULL;
    resolver_offer(selection->resolver, &catalog);
    struct sql_statement *described = sql_compile(text, &catalog, &fault);
    if (!described)
        select_fail(&fault, error);
    return described;
}

static bool run_describe(struct selection *selection, GError **error)
{
    struct sql_statement *described = describe(selection, error);
    if (!described)
        return false;
    char *text = selection->statement->kind == SQL_DESCRIBE_INPUT ? sql_describe_input(described)
                                                                  : sql_describe_output(described);
    sql_statement_free(described);
    return run_instead(selection, text, error);
}

/* ---- which ---- */

static bool run_statement(struct selection *selection, GError **error)
{
    switch (selection->statement->kind) {
    case SQL_SELECT:
        return run_select(selection, error);
    case SQL_CREATE_TABLE_AS:
        return write_table(selection, error);
    case SQL_INSERT:
        return write_rows(selection, error);
    case SQL_UNLOAD:
        return write_unload(selection, error);
    case SQL_CREATE_VIEW:
        return run_create_view(selection, error);
    case SQL_EXPLAIN:
        return explain_statement(selection, error);
    case SQL_PREPARE:
        return run_prepare(selection, error);
    case SQL_DEALLOCATE:
        return run_deallocate(selection, error);
    case SQL_SHOW_FUNCTIONS:
        return run_instead(selection, sql_show_functions(selection->statement), error);
    case SQL_DESCRIBE_INPUT:
    case SQL_DESCRIBE_OUTPUT:
        return run_describe(selection, error);
    case SQL_SHOW_CATALOGS:
        return show_catalogs(selection, error);
    default:
        return not_supported("This statement", error);
    }
}

static struct sql_statement *compile(const struct selection *selection, const char *text,
                                     const char *const *parameters, size_t count, GError **error)
{
    const struct query_request *request = selection->run->request;
    struct sql_error fault = {0};
    struct sql_catalog catalog = {.schema = request->database,
                                  .zone = "UTC",
                                  .now = request->now,
                                  .parameters = parameters,
                                  .parameter_count = count};
    resolver_offer(selection->resolver, &catalog);
    struct sql_statement *statement = sql_compile(text, &catalog, &fault);
    if (!statement)
        select_fail(&fault, error);
    return statement;
}

/* What is no constant expression is a text, which Athena takes without its quotes, too. */
static char *as_expression(const struct selection *selection, const char *given)
{
    g_autofree char *alone = g_strdup_printf("SELECT (%s\n)", given);
    struct sql_statement *statement = compile(selection, alone, NULL, 0, NULL);
    if (statement) {
        sql_statement_free(statement);
        return g_strdup(given);
    }
    g_auto(GStrv) parts = g_strsplit(given, "'", -1);
    g_autofree char *doubled = g_strjoinv("''", parts);
    return g_strdup_printf("'%s'", doubled);
}

/* ExecutionParameters as expressions. */
static GStrv request_parameters(const struct selection *selection)
{
    const char *const *given = selection->run->request->parameters;
    guint count = g_strv_length((char **)given);
    GStrv made = g_new0(char *, count + 1);
    for (guint i = 0; i < count; i++)
        made[i] = as_expression(selection, given[i]);
    return made;
}

/* EXECUTE name USING ..., EXECUTE IMMEDIATE 'text' USING ...: the text with these parameters; of
 * the request's, where there are none. */
static bool run_prepared(struct selection *selection, const struct sql_statement *execute,
                         GError **error)
{
    const struct query_request *request = selection->run->request;
    bool immediate = execute->kind == SQL_EXECUTE_IMMEDIATE;
    g_autofree char *text = immediate
                                ? g_strdup(execute->source)
                                : request->prepared->find(execute->target, request->data, error);
    if (!text)
        return false;
    bool own = execute->argument_count > 0;
    g_auto(GStrv) given = own ? NULL : request_parameters(selection);
    selection->statement =
        compile(selection, text, own ? execute->arguments : (const char *const *)given,
                own ? execute->argument_count : g_strv_length(given), error);
    bool done = selection->statement && run_statement(selection, error);
    sql_statement_free(selection->statement);
    return done;
}

/* What stands alone by its grammar; NULL without an error where it has to be compiled. */
static struct sql_statement *parse_execute(const char *text)
{
    struct sql_error fault = {0};
    struct sql_statement *parsed = sql_parse(text, &fault);
    if (parsed && (parsed->kind == SQL_EXECUTE || parsed->kind == SQL_EXECUTE_IMMEDIATE))
        return parsed;
    sql_statement_free(parsed);
    return NULL;
}

bool query_select(struct query_run *run, store_work *finish, void *data, GError **error)
{
    const struct query_request *request = run->request;
    g_autoptr(resolver_auto) resolver = resolver_new(run->queries->catalog, request->news != NULL);
    struct selection selection = {.run = run, .resolver = resolver, .finish = finish, .data = data};
    struct sql_statement *execute = parse_execute(request->text);
    if (execute) {
        bool done = run_prepared(&selection, execute, error);
        sql_statement_free(execute);
        return done;
    }
    g_auto(GStrv) given = request_parameters(&selection);
    selection.statement =
        compile(&selection, request->text, (const char *const *)given, g_strv_length(given), error);
    bool done = selection.statement && run_statement(&selection, error);
    sql_statement_free(selection.statement);
    return done;
}
