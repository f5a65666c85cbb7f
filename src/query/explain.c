/* EXPLAIN: what a statement reads, and what DuckDB is asked. */
#include <string.h>

#include "base/error.h"
#include "query/select.h"

static size_t objects_of(const json_t *relations, size_t i)
{
    return json_array_size(json_object_get(json_array_get(relations, i), "Files"));
}

static void put_text(GString *lines, const struct sql_statement *statement, const json_t *relations)
{
    for (size_t i = 0; i < statement->reference_count; i++) {
        const struct sql_reference *reference = &statement->references[i];
        g_string_append_printf(lines, "%s: %s.%s.%s, %zu objects", reference->relation,
                               reference->catalog, reference->schema, reference->table,
                               objects_of(relations, i));
        g_string_append_printf(lines,
                               reference->partition_filter ? ", of partitions with %s\n" : "\n",
                               reference->partition_filter);
    }
    g_string_append_printf(lines, "%s\n", statement->text);
}

/* ---- JSON ---- */

static void put_json(GString *lines, json_t *value)
{
    g_autofree char *text = json_dumps(value, JSON_INDENT(2));
    g_string_append_printf(lines, "%s\n", text);
    json_decref(value);
}

static json_t *outputs_of(const struct sql_column *columns, size_t count, const bool *wanted)
{
    struct arena arena = {0};
    json_t *outputs = json_array();
    for (size_t i = 0; i < count; i++)
        if (!wanted || wanted[i])
            json_array_append_new(outputs, json_pack("{ssss}", "symbol", columns[i].name, "type",
                                                     sql_type_write(&arena, columns[i].type)));
    arena_free(&arena);
    return outputs;
}

/* A node of a plan, as Trino writes such. */
static json_t *node_of(size_t id, const char *name, json_t *descriptor, json_t *outputs,
                       json_t *details, json_t *children)
{
    return json_pack("{sosssososos[]so}", "id", json_sprintf("%zu", id), "name", name, "descriptor",
                     descriptor, "outputs", outputs, "details", details, "estimates", "children",
                     children);
}

static json_t *scan_of(const struct sql_reference *reference, size_t id, size_t objects)
{
    json_t *table =
        json_sprintf("%s:%s:%s", reference->catalog, reference->schema, reference->table);
    json_t *details = json_pack("[o]", json_sprintf("%zu objects", objects));
    if (reference->partition_filter)
        json_array_append_new(details,
                              json_sprintf("of partitions with %s", reference->partition_filter));
    return node_of(id, "TableScan", json_pack("{so}", "table", table),
                   outputs_of(reference->columns, reference->count, reference->used), details,
                   json_array());
}

static json_t *plan_of(const struct sql_statement *statement, const json_t *relations)
{
    json_t *scans = json_array();
    for (size_t i = 0; i < statement->reference_count; i++)
        json_array_append_new(scans,
                              scan_of(&statement->references[i], i + 1, objects_of(relations, i)));
    return node_of(0, "Output", json_object(),
                   outputs_of(statement->columns, statement->count, NULL),
                   json_pack("[s]", statement->text), scans);
}

/* The tables that are read. */
static json_t *input_of(const struct sql_statement *statement)
{
    json_t *tables = json_array();
    for (size_t i = 0; i < statement->reference_count; i++) {
        const struct sql_reference *reference = &statement->references[i];
        json_array_append_new(tables, json_pack("{s{sss{ssss}}s{sbs[]}}", "table", "catalog",
                                                reference->catalog, "schemaTable", "schema",
                                                reference->schema, "table", reference->table,
                                                "constraint", "none", false, "columnConstraints"));
    }
    return json_pack("{so}", "inputTableColumnInfos", tables);
}

/* ---- EXPLAIN ANALYZE ---- */

static bool put_analysis(struct selection *selection, GString *lines, GError **error)
{
    struct query_run *run = selection->run;
    const char *folder = query_folder(run, error);
    if (!folder)
        return false;
    g_autofree char *path = g_build_filename(folder, "analyzed.csv", NULL);
    g_autoptr(json_auto) reply =
        select_ask(selection, json_pack("{ssss}", "Form", "csv", "File", path), error);
    if (reply)
        g_string_append_printf(
            lines, "Rows: %" JSON_INTEGER_FORMAT ", bytes scanned: %" G_GINT64_FORMAT "\n",
            (json_int_t)json_integer_at(reply, "RowCount", 0), run->end->scanned);
    return reply != NULL;
}

/* ---- which ---- */

static bool is(const char *option, const char *word)
{
    return option && strcmp(option, word) == 0;
}

static bool put_plan(struct selection *selection, GString *lines, GError **error)
{
    const struct sql_statement *statement = selection->statement;
    bool input = is(statement->explain_type, "IO");
    if (is(statement->explain_format, "GRAPHVIZ"))
        return error_set(error, ERROR_INVALID_REQUEST,
                         "NOT_SUPPORTED: EXPLAIN in the format GRAPHVIZ is not supported: TEXT and "
                         "JSON are");
    g_autoptr(json_auto) relations = select_relations(selection, error);
    if (!relations)
        return false;
    if (input)
        put_json(lines, input_of(statement));
    else if (is(statement->explain_format, "JSON"))
        put_json(lines, json_pack("{so}", "0", plan_of(statement, relations)));
    else
        put_text(lines, statement, relations);
    return !statement->analyze || put_analysis(selection, lines, error);
}

bool explain_statement(struct selection *selection, GError **error)
{
    bool validate = is(selection->statement->explain_type, "VALIDATE");
    g_autoptr(GString) lines = g_string_new(validate ? "Valid\ntrue\n" : "Query Plan\n");
    return (validate || put_plan(selection, lines, error)) &&
           select_store_lines(selection, validate ? "Valid" : "Query Plan", lines, error);
}
