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

/* Forms that are their parts with something around and between. */
static bool put_form(struct sql_text *text, const struct sql_node *node)
{
    static const struct {
        enum node_kind kind;
        const char *before, *between, *after;
    } FORMS[] = {
        {NODE_SUBSCRIPT, "", "[", "]"},
        {NODE_ARRAY, "ARRAY[", ",", "]"},
        {NODE_ROW, "ROW (", ", ", ")"},
        {NODE_GROUPING, "GROUPING (", ", ", ")"},
        {NODE_LISTAGG, "LISTAGG(", ", ", ")"},
        {NODE_NOT, "(NOT ", "", ")"},
        {NODE_AND, "(", " AND ", ")"},
        {NODE_OR, "(", " OR ", ")"},
        {NODE_AT_ZONE, "", " AT TIME ZONE ", ""},
        {NODE_CONCAT, "(", " || ", ")"},
    };
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        if (FORMS[i].kind == node->kind) {
            put_around(text, FORMS[i].before, node, FORMS[i].between, FORMS[i].after);
            return true;
        }
    return false;
}

static void put_field(struct sql_text *text, const struct sql_node *node)
{
    put(text, node->parts[0]);
    sql_text_put(text, ".");
    put_name(text, node);
}

static void put_extract(struct sql_text *text, const struct sql_node *node)
{
    sql_text_printf(text, "EXTRACT(%s FROM ", node->text);
    put_around(text, "", node, "", ")");
}

static void put_trim(struct sql_text *text, const struct sql_node *node)
{
    sql_text_printf(text, "trim(%s FROM ", node->more ? node->more : "BOTH");
    put(text, node->parts[0]);
    sql_text_put(text, ")");
}

static void put_sign(struct sql_text *text, const struct sql_node *node)
{
    put_around(text, node->text, node, "", "");
}

static void put_operator(struct sql_text *text, const struct sql_node *node)
{
    put_binary(text, node, node->text);
}

static void put_distinct(struct sql_text *text, const struct sql_node *node)
{
    bool not = node->flags & NODE_NEGATIVE;
    put_binary(text, node, not ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM");
}

static void put_null_test(struct sql_text *text, const struct sql_node *node)
{
    bool not = node->flags & NODE_NEGATIVE;
    put_around(text, "(", node, "", not ? " IS NOT NULL)" : " IS NULL)");
}

static void put_query(struct sql_text *text, const struct sql_node *node)
{
    sql_text_put(text, node->kind == NODE_EXISTS ? "(EXISTS (<query>))" : "(<query>)");
}

static void put(struct sql_text *text, const struct sql_node *node)
{
    static void (*const PUT[NODE_SUBFIELD + 1])(struct sql_text *, const struct sql_node *) = {
        [NODE_NULL] = put_literal,
        [NODE_BOOLEAN] = put_literal,
        [NODE_INTEGER] = put_literal,
        [NODE_DECIMAL] = put_literal,
        [NODE_DOUBLE] = put_literal,
        [NODE_STRING] = put_literal,
        [NODE_BYTES] = put_literal,
        [NODE_TYPED] = put_literal,
        [NODE_INTERVAL] = put_literal,
        [NODE_NAME] = put_name,
        [NODE_FIELD] = put_field,
        [NODE_CALL] = put_call,
        [NODE_LAMBDA] = put_lambda,
        [NODE_SUBQUERY] = put_query,
        [NODE_EXISTS] = put_query,
        [NODE_CASE] = put_case,
        [NODE_CAST] = put_cast,
        [NODE_NEGATE] = put_sign,
        [NODE_ARITHMETIC] = put_operator,
        [NODE_COMPARE] = put_operator,
        [NODE_BETWEEN] = put_negated,
        [NODE_IN] = put_negated,
        [NODE_LIKE] = put_negated,
        [NODE_IS_NULL] = put_null_test,
        [NODE_IS_DISTINCT] = put_distinct,
        [NODE_EXTRACT] = put_extract,
        [NODE_TRIM] = put_trim,
        [NODE_TYPE] = put_type,
        [NODE_SUBFIELD] = put_type,
    };
    if (!node || put_form(text, node))
        return;
    if (PUT[node->kind])
        PUT[node->kind](text, node);
    else
        sql_text_put(text, node->text ? node->text : "<expression>");
}

const char *sql_node_text(struct arena *arena, const struct sql_node *node)
{
    struct sql_text text = {.arena = arena};
    put(&text, node);
    return sql_text_end(&text);
}
