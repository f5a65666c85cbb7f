/* Calls: scalars, aggregates, window functions. */
#include "sql/call.h"

#include "sql/type_kinds.h"

#include <string.h>

static void find_rows(struct sql_function_call *call)
{
    for (size_t i = 0; sql_function_families[i]; i++)
        for (const struct sql_function *row = sql_function_families[i]; row->name; row++)
            if (strcmp(row->name, call->name) == 0 && call->row_count < SQL_MOST_OVERLOADS)
                call->rows[call->row_count++] = row;
}

static void take_arguments(struct sql_function_call *call, struct sql_context *x,
                           struct sql_node *const *nodes)
{
    for (size_t i = 0; i < call->count; i++) {
        bool lambda = nodes[i] && nodes[i]->kind == NODE_LAMBDA;
        call->lambdas[i] = lambda ? nodes[i] : NULL;
        if (!lambda)
            call->values[i] = sql_expression(x, nodes[i]);
        call->types[i] = lambda ? NULL : call->values[i].type;
    }
}

static struct sql_function_call new_call(struct sql_context *x, const struct sql_node *node,
                                         const char *name, size_t count)
{
    struct sql_function_call call = {.x = x, .node = node, .name = name, .count = count};
    call.values = sql_take(x->c, count, sizeof *call.values);
    call.types = sql_take(x->c, count, sizeof *call.types);
    call.lambdas = sql_take(x->c, count, sizeof *call.lambdas);
    find_rows(&call);
    return call;
}

struct sql_value sql_call_values(struct sql_context *x, const struct sql_node *node,
                                 const char *name, struct sql_value *values, size_t count)
{
    struct sql_function_call call = new_call(x, node, name, count);
    if (!call.row_count)
        sql_fail_at(x->c, node, "FUNCTION_NOT_FOUND", "Function '%s' not registered", name);
    for (size_t i = 0; i < count; i++) {
        call.values[i] = values[i];
        call.types[i] = values[i].type;
    }
    const struct sql_signature *signature = sql_call_bind(&call);
    struct sql_filling filling = {&call, signature, sql_call_result(&call, signature), "", "",
                                  "",    ""};
    return sql_call_text(&filling);
}

/* --- aggregates and windows --- */

static void refuse_nesting(struct sql_context *x, const struct sql_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct sql_node *nested =
            node->parts[i] ? sql_scan_first(x->c, node->parts[i], SCAN_AGGREGATE) : NULL;
        if (nested)
            sql_fail_at(x->c, node, "NESTED_AGGREGATION",
                        "Cannot nest aggregations inside aggregation '%s': [%s]", node->text,
                        sql_node_text(&x->c->arena, nested));
        nested = node->parts[i] ? sql_scan_first(x->c, node->parts[i], SCAN_WINDOW) : NULL;
        if (nested)
            sql_fail_at(x->c, node, "NESTED_WINDOW",
                        "Cannot nest window functions inside aggregation '%s': [%s]", node->text,
                        sql_node_text(&x->c->arena, nested));
    }
}

static const char *filter_text(struct sql_context *x, struct sql_node *node)
{
    if (!node->filter)
        return "";
    return sql_printf(&x->c->arena, " FILTER (WHERE %s)",
                      sql_condition(x, node->filter, "Filter expression").text);
}

static size_t argument_count(const struct sql_node *node)
{
    return node->flags & NODE_COUNT_STAR ? 0 : node->count;
}

/* Zoned times are counted by their instants. */
static void distinct_argument(struct sql_context *x, const struct sql_node *node,
                              struct sql_function_call *call)
{
    if (strcmp(node->text, "count") != 0)
        sql_fail_at(x->c, node, "NOT_SUPPORTED", "DISTINCT of %s is not supported in %s",
                    sql_type_write(&x->c->arena, call->types[0]), node->text);
    call->values[0].text = sql_sort_key(x, call->values[0]);
}

static struct sql_value aggregate_value(struct sql_context *x, struct sql_node *node,
                                        const char *over)
{
    struct sql_function_call call = new_call(x, node, node->text, argument_count(node));
    take_arguments(&call, x, node->parts);
    if (node->kind == NODE_LISTAGG && call.types[0]->kind != SQL_VARCHAR)
        sql_fail_at(x->c, node, "TYPE_MISMATCH",
                    "Expected expression of varchar, but '%s' has %s type",
                    sql_node_text(&x->c->arena, node->parts[0]),
                    sql_type_write(&x->c->arena, call.types[0]));
    if (node->flags & NODE_DISTINCT && call.count == 1 && sql_distinct_by_key(call.types[0]))
        distinct_argument(x, node, &call);
    const struct sql_signature *signature = sql_call_bind(&call);
    struct sql_filling filling = {&call,
                                  signature,
                                  sql_call_result(&call, signature),
                                  node->flags & NODE_DISTINCT ? "DISTINCT " : "",
                                  sql_order(x, node->sorts, node->sort_count),
                                  "",
                                  node->flags & NODE_IGNORE_NULLS ? " IGNORE NULLS" : ""};
    filling.filter = sql_printf(&x->c->arena, "%s%s", filter_text(x, node), over);
    if (node->flags & NODE_DISTINCT && call.count && !sql_type_comparable(call.values[0].type))
        sql_fail_at(x->c, node, "TYPE_MISMATCH",
                    "DISTINCT can only be applied to comparable types (actual: %s)",
                    sql_type_write(&x->c->arena, call.values[0].type));
    return sql_call_text(&filling);
}

/* The aggregate's column of the grouped query below. */
static struct sql_value aggregate_column(struct sql_context *x, struct sql_value value)
{
    struct sql_aggregation *groups = x->aggregation;
    size_t found = 0;
    while (found < groups->call_count && !sql_same_text(groups->calls[found].text, value.text))
        found++;
    if (found == groups->call_count) {
        groups->calls = sql_push(x->c, groups->calls, &groups->call_count, sizeof *groups->calls);
        groups->calls[found] = value;
    }
    return sql_write(x, value.type, "%s.a%zu", groups->relation, found + 1);
}

static struct sql_value aggregate(struct sql_context *x, struct sql_node *node)
{
    if (!x->aggregation)
        sql_fail_at(x->c, x->top ? x->top : node, "EXPRESSION_NOT_SCALAR",
                    "%s cannot contain aggregations, window functions or grouping operations: [%s]",
                    x->clause ? x->clause : "Expression", sql_node_text(&x->c->arena, node));
    if (x->in_lambda)
        sql_fail_at(x->c, node, "EXPRESSION_NOT_SCALAR",
                    "Lambda expression cannot contain aggregations, window functions or grouping "
                    "operations: [%s]",
                    sql_node_text(&x->c->arena, node));
    refuse_nesting(x, node);
    struct sql_context source = *x;
    source.aggregation = NULL;
    source.outputs = NULL;
    source.clause = "Aggregate function";
    return aggregate_column(x, aggregate_value(&source, node, ""));
}

static void refuse_nested_windows(struct sql_context *x, const struct sql_node *node)
{
    const struct sql_node *nested = NULL;
    for (size_t i = 0; i < node->window->partition_count && !nested; i++)
        nested = sql_scan_first(x->c, node->window->partition[i], SCAN_WINDOW);
    for (size_t i = 0; i < node->window->sort_count && !nested; i++)
        nested = sql_scan_first(x->c, node->window->sorts[i].key, SCAN_WINDOW);
    if (nested)
        sql_fail_at(x->c, nested, "NESTED_WINDOW",
                    "Cannot nest window functions or row pattern measures inside window "
                    "specification");
}

static struct sql_value window(struct sql_context *x, struct sql_node *node)
{
    refuse_nested_windows(x, node);
    if (node->filter && x->body)
        sql_fail_at(x->c, x->body, "NOT_SUPPORTED",
                    "FILTER is not yet supported for window functions");
    const struct sql_node *nested = NULL;
    for (size_t i = 0; i < node->count && !nested; i++)
        nested = sql_scan_first(x->c, node->parts[i], SCAN_WINDOW);
    if (nested)
        sql_fail_at(x->c, nested, "NESTED_WINDOW",
                    "Cannot nest window functions or row pattern measures inside window function "
                    "arguments");
    if (x->clause || x->in_lambda)
        sql_fail_at(x->c, x->top ? x->top : node, "EXPRESSION_NOT_SCALAR",
                    "%s cannot contain aggregations, window functions or grouping operations: [%s]",
                    x->clause ? x->clause : "Lambda expression", sql_node_text(&x->c->arena, node));
    if (node->flags & NODE_DISTINCT && x->body)
        sql_fail_at(x->c, x->body, "NOT_SUPPORTED",
                    "DISTINCT in window function parameters not yet supported: %s",
                    sql_node_text(&x->c->arena, node));
    return aggregate_value(x, node, sql_over(x, node));
}

static enum sql_function_kind kind_of(const struct sql_function_call *call)
{
    return call->rows[0]->kind;
}

static void refuse_extras(struct sql_context *x, const struct sql_node *node,
                          enum sql_function_kind kind)
{
    if (kind == SQL_WINDOW && !node->window)
        sql_fail_at(x->c, node, "MISSING_OVER", "Window function %s requires an OVER clause",
                    node->text);
    if (kind == SQL_SCALAR && node->window)
        sql_fail(x->c, x->body ? x->body->line : node->line,
                 x->body ? x->body->column : node->column, "FUNCTION_NOT_WINDOW",
                 "Not a window function: %s", node->text);
    if (kind == SQL_SCALAR && node->filter)
        sql_fail_at(x->c, node, "FUNCTION_NOT_AGGREGATE",
                    "Filter is only valid for aggregation functions");
    if (kind == SQL_SCALAR && node->flags & NODE_DISTINCT)
        sql_fail_at(x->c, node, "FUNCTION_NOT_AGGREGATE",
                    "DISTINCT is not supported for non-aggregation functions");
    if (kind == SQL_SCALAR && node->sort_count)
        sql_fail_at(x->c, node, "FUNCTION_NOT_AGGREGATE",
                    "ORDER BY is only valid for aggregation functions");
}

struct sql_value sql_call(struct sql_context *x, struct sql_node *node)
{
    static const char *const FORMS[] = {"coalesce", "if", "nullif", "try"};
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        if (strcmp(node->text, FORMS[i]) == 0)
            return sql_special(x, node);
    struct sql_function_call call = new_call(x, node, node->text, argument_count(node));
    if (!call.row_count || sql_call_is_operator(&call))
        sql_fail_at(x->c, node, "FUNCTION_NOT_FOUND", "Function '%s' not registered", node->text);
    if (node->flags & NODE_COUNT_STAR && strcmp(node->text, "count") != 0)
        sql_fail_at(x->c, node, "FUNCTION_NOT_FOUND",
                    "Unexpected parameters () for function %s. Expected: %s", node->text,
                    sql_signature_text(x->c, sql_signature_read(x->c, call.rows[0])));
    refuse_extras(x, node, kind_of(&call));
    if (node->window)
        return window(x, node);
    if (kind_of(&call) == SQL_AGGREGATE)
        return aggregate(x, node);
    take_arguments(&call, x, node->parts);
    const struct sql_signature *signature = sql_call_bind(&call);
    struct sql_filling filling = {&call, signature, sql_call_result(&call, signature), "", "",
                                  "",    ""};
    return sql_call_text(&filling);
}
