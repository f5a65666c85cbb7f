/* An expression as Trino's errors say it: operators in parentheses, names as they were written. */
#include "sql/compiler.h"

#include <stdlib.h>
#include <string.h>

static void put(struct sql_text *text, const struct sql_node *node);

static void put_list(struct sql_text *text, struct sql_node *const *nodes, size_t count,
                     const char *between)
{
    for (size_t i = 0; i < count; i++) {
        sql_text_put(text, i ? between : "");
        put(text, nodes[i]);
    }
}

static void put_name(struct sql_text *text, const struct sql_node *node)
{
    if (node->flags & NODE_QUOTED)
        sql_text_quote(text, node->text, '"');
    else
        sql_text_put(text, node->text);
}

static void put_sorts(struct sql_text *text, const struct sql_sort *sorts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sql_text_put(text, i ? ", " : " ORDER BY ");
        put(text, sorts[i].key);
        sql_text_put(text, sorts[i].descending ? " DESC" : " ASC");
        if (sorts[i].nulls_said)
            sql_text_put(text, sorts[i].nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
}

static void put_window(struct sql_text *text, const struct sql_window *window)
{
    if (window->bare) {
        sql_text_printf(text, " OVER %s", window->reference);
        return;
    }
    sql_text_put(text, " OVER (");
    if (window->partition_count) {
        sql_text_put(text, "PARTITION BY ");
        put_list(text, window->partition, window->partition_count, ", ");
    }
    put_sorts(text, window->sorts, window->sort_count);
    sql_text_put(text, ")");
}

static void put_call(struct sql_text *text, const struct sql_node *node)
{
    sql_text_printf(text, "%s(", node->text);
    sql_text_put(text, node->flags & NODE_DISTINCT ? "DISTINCT " : "");
    sql_text_put(text, node->flags & NODE_COUNT_STAR ? "*" : "");
    put_list(text, node->parts, node->count, ", ");
    put_sorts(text, node->sorts, node->sort_count);
    sql_text_put(text, ")");
    if (node->filter) {
        sql_text_put(text, " FILTER (WHERE ");
        put(text, node->filter);
        sql_text_put(text, ")");
    }
    if (node->window)
        put_window(text, node->window);
}

static void put_case(struct sql_text *text, const struct sql_node *node)
{
    sql_text_put(text, "(CASE");
    if (node->parts[0]) {
        sql_text_put(text, " ");
        put(text, node->parts[0]);
    }
    for (size_t i = 1; i + 2 < node->count; i += 2) {
        sql_text_put(text, " WHEN ");
        put(text, node->parts[i]);
        sql_text_put(text, " THEN ");
        put(text, node->parts[i + 1]);
    }
    if (node->parts[node->count - 1]) {
        sql_text_put(text, " ELSE ");
        put(text, node->parts[node->count - 1]);
    }
    sql_text_put(text, " END)");
}

static void put_binary(struct sql_text *text, const struct sql_node *node, const char *operation)
{
    sql_text_put(text, "(");
    put(text, node->parts[0]);
    sql_text_printf(text, " %s ", operation);
    put(text, node->parts[1]);
    sql_text_put(text, ")");
}

static void put_negated(struct sql_text *text, const struct sql_node *node)
{
    sql_text_put(text, node->flags & NODE_NEGATIVE ? "(NOT (" : "(");
    put(text, node->parts[0]);
    if (node->kind == NODE_BETWEEN) {
        sql_text_put(text, " BETWEEN ");
        put_list(text, node->parts + 1, 2, " AND ");
    } else if (node->kind == NODE_LIKE) {
        sql_text_put(text, " LIKE ");
        put(text, node->parts[1]);
    } else {
        sql_text_put(text, " IN (");
        put_list(text, node->parts + 1, node->count - 1, ", ");
        sql_text_put(text, node->query ? "<query>)" : ")");
    }
    sql_text_put(text, node->flags & NODE_NEGATIVE ? "))" : ")");
}

static void put_type(struct sql_text *text, const struct sql_node *node)
{
    if (node->kind == NODE_SUBFIELD) {
        if (node->text)
            sql_text_printf(text, "%s ", node->text);
        put(text, node->parts[0]);
        return;
    }
    bool row = strcmp(node->text, "row") == 0 || strcmp(node->text, "array") == 0;
    sql_text_put(text, node->more ? node->more
                       : row      ? (*node->text == 'r' ? "ROW" : "ARRAY")
                                  : node->text);
    if (node->count) {
        sql_text_put(text, "(");
        put_list(text, node->parts, node->count, row ? ", " : ",");
        sql_text_put(text, ")");
    }
    if (node->flags & NODE_QUOTED)
        sql_text_put(text, " WITH TIME ZONE");
}

static void put_literal(struct sql_text *text, const struct sql_node *node)
{
    if (node->kind == NODE_STRING)
        sql_text_quote(text, node->text, '\'');
    else if (node->kind == NODE_DECIMAL)
        sql_text_printf(text, "DECIMAL '%s'", node->text);
    else if (node->kind == NODE_DOUBLE)
        sql_text_printf(text, "%E", strtod(node->text, NULL));
    else if (node->kind == NODE_BYTES)
        sql_text_printf(text, "X'%s'", node->text);
    else if (node->kind == NODE_TYPED) {
        sql_text_printf(text, "%s ", node->more);
        sql_text_quote(text, node->text, '\'');
    } else if (node->kind == NODE_INTERVAL)
        sql_text_printf(text, "INTERVAL %s'%s' %s%s%s", node->flags & NODE_NEGATIVE ? "- " : "",
                        node->text, node->more, node->last ? " TO " : "",
                        node->last ? node->last : "");
    else
        sql_text_put(text, node->kind == NODE_NULL ? "null" : node->text);
}

static void put_lambda(struct sql_text *text, const struct sql_node *node)
{
    sql_text_put(text, "(");
    put_list(text, node->parts, node->count - 1, ", ");
    sql_text_put(text, ") -> ");
    put(text, node->parts[node->count - 1]);
}

static void put_around(struct sql_text *text, const char *before, const struct sql_node *node,
                       const char *between, const char *after)
{
    sql_text_put(text, before);
    put_list(text, node->parts, node->count, between);
    sql_text_put(text, after);
}

static void put_cast(struct sql_text *text, const struct sql_node *node)
{
    sql_text_put(text, node->flags & NODE_TRY ? "TRY_CAST(" : "CAST(");
    put(text, node->parts[0]);
    sql_text_put(text, " AS ");
    put(text, node->as_type);
    sql_text_put(text, ")");
}

static void put_other(struct sql_text *text, const struct sql_node *node)
{
    switch (node->kind) {
    case NODE_FIELD:
        put(text, node->parts[0]);
        sql_text_put(text, ".");
        put_name(text, node);
        break;
    case NODE_SUBSCRIPT:
        put_around(text, "", node, "[", "]");
        break;
    case NODE_ARRAY:
        put_around(text, "ARRAY[", node, ",", "]");
        break;
    case NODE_ROW:
        put_around(text, "ROW (", node, ", ", ")");
        break;
    case NODE_GROUPING:
        put_around(text, "GROUPING (", node, ", ", ")");
        break;
    case NODE_EXTRACT:
        sql_text_printf(text, "EXTRACT(%s FROM ", node->text);
        put_around(text, "", node, "", ")");
        break;
    case NODE_TRIM:
        sql_text_printf(text, "trim(%s FROM ", node->more ? node->more : "BOTH");
        put(text, node->parts[0]);
        sql_text_put(text, ")");
        break;
    case NODE_LISTAGG:
        put_around(text, "LISTAGG(", node, ", ", ")");
        break;
    case NODE_EXISTS:
        sql_text_put(text, "(EXISTS (<query>))");
        break;
    case NODE_SUBQUERY:
        sql_text_put(text, "(<query>)");
        break;
    default:
        sql_text_put(text, node->text ? node->text : "<expression>");
    }
}

static void put(struct sql_text *text, const struct sql_node *node)
{
    if (!node)
        return;
    switch (node->kind) {
    case NODE_NAME:
        put_name(text, node);
        break;
    case NODE_CALL:
        put_call(text, node);
        break;
    case NODE_LAMBDA:
        put_lambda(text, node);
        break;
    case NODE_CASE:
        put_case(text, node);
        break;
    case NODE_CAST:
        put_cast(text, node);
        break;
    case NODE_NEGATE:
        put_around(text, node->text, node, "", "");
        break;
    case NODE_NOT:
        put_around(text, "(NOT ", node, "", ")");
        break;
    case NODE_AND:
        put_around(text, "(", node, " AND ", ")");
        break;
    case NODE_OR:
        put_around(text, "(", node, " OR ", ")");
        break;
    case NODE_ARITHMETIC:
    case NODE_COMPARE:
        put_binary(text, node, node->text);
        break;
    case NODE_CONCAT:
        put_binary(text, node, "||");
        break;
    case NODE_IS_DISTINCT:
        put_binary(text, node,
                   node->flags & NODE_NEGATIVE ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM");
        break;
    case NODE_IS_NULL:
        put_around(text, "(", node, "",
                   node->flags & NODE_NEGATIVE ? " IS NOT NULL)" : " IS NULL)");
        break;
    case NODE_BETWEEN:
    case NODE_LIKE:
    case NODE_IN:
        put_negated(text, node);
        break;
    case NODE_AT_ZONE:
        put_around(text, "", node, " AT TIME ZONE ", "");
        break;
    case NODE_TYPE:
    case NODE_SUBFIELD:
        put_type(text, node);
        break;
    case NODE_NULL:
    case NODE_BOOLEAN:
    case NODE_INTEGER:
    case NODE_DECIMAL:
    case NODE_DOUBLE:
    case NODE_STRING:
    case NODE_BYTES:
    case NODE_TYPED:
    case NODE_INTERVAL:
        put_literal(text, node);
        break;
    default:
        put_other(text, node);
    }
}

const char *sql_node_text(struct arena *arena, const struct sql_node *node)
{
    struct sql_text text = {.arena = arena};
    put(&text, node);
    return sql_text_end(&text);
}
