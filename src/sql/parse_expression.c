/* Expressions, from OR down to what a primary expression is followed by. */
#include "sql/parser.h"

#include <string.h>

static struct sql_node *list_node(struct sql_compiler *c, enum node_kind kind,
                                  struct sql_node *(*rule)(struct sql_compiler *), const char *word)
{
    struct sql_node *first = rule(c);
    if (!sql_is(c, word))
        return first;
    struct sql_node *node = sql_new_node(c, kind, sql_peek(c, 0));
    node->line = first->line;
    node->column = first->column;
    sql_add_part(c, node, first);
    while (sql_accept(c, word))
        sql_add_part(c, node, rule(c));
    return node;
}

static struct sql_node *parse_predicated(struct sql_compiler *c);

static struct sql_node *parse_not(struct sql_compiler *c)
{
    if (!sql_is(c, "NOT"))
        return parse_predicated(c);
    struct sql_node *node = sql_new_node(c, NODE_NOT, sql_peek(c, 0));
    c->at++;
    sql_enter(c);
    sql_add_part(c, node, parse_not(c));
    sql_leave(c);
    return node;
}

static struct sql_node *parse_and(struct sql_compiler *c)
{
    return list_node(c, NODE_AND, parse_not, "AND");
}

struct sql_node *sql_parse_expression(struct sql_compiler *c)
{
    sql_enter(c);
    struct sql_node *node = list_node(c, NODE_OR, parse_and, "OR");
    sql_leave(c);
    return node;
}

static struct sql_node *parse_quantified(struct sql_compiler *c, struct sql_node *node)
{
    static const char *const QUANTIFIERS[] = {"ALL", "SOME", "ANY", NULL};
    node->more = sql_accept_one(c, QUANTIFIERS);
    node->kind = NODE_QUANTIFIED;
    sql_expect(c, "(");
    node->query = sql_parse_query(c);
    sql_expect(c, ")");
    return node;
}

/* ALL (SELECT ...); ALL(2, 3) would be a function. */
static bool is_quantifier(struct sql_compiler *c)
{
    if (!sql_is(c, "ALL") && !sql_is(c, "SOME") && !sql_is(c, "ANY"))
        return false;
    c->at++;
    bool query = sql_is_query(c);
    c->at--;
    return query;
}

static struct sql_node *parse_comparison(struct sql_compiler *c, struct sql_node *left)
{
    static const char *const OPERATORS[] = {"=", "<>", "<", "<=", ">", ">=", NULL};
    const struct sql_token *at = sql_peek(c, 0);
    const char *operation = sql_accept_one(c, OPERATORS);
    if (!operation)
        return left;
    struct sql_node *node = sql_new_node(c, NODE_COMPARE, at);
    node->text = operation;
    sql_add_part(c, node, left);
    if (is_quantifier(c))
        return parse_quantified(c, node);
    sql_add_part(c, node, sql_parse_value(c));
    return node;
}

static void parse_between(struct sql_compiler *c, struct sql_node *node)
{
    node->kind = NODE_BETWEEN;
    sql_add_part(c, node, sql_parse_value(c));
    sql_expect(c, "AND");
    sql_add_part(c, node, sql_parse_value(c));
}

static void parse_in(struct sql_compiler *c, struct sql_node *node)
{
    node->kind = NODE_IN;
    bool query = sql_is_query(c);
    sql_expect(c, "(");
    if (query) {
        node->query = sql_parse_query(c);
    } else {
        do
            sql_add_part(c, node, sql_parse_expression(c));
        while (sql_accept(c, ","));
    }
    sql_expect(c, ")");
}

static void parse_like(struct sql_compiler *c, struct sql_node *node)
{
    node->kind = NODE_LIKE;
    sql_add_part(c, node, sql_parse_value(c));
    sql_add_part(c, node, sql_accept(c, "ESCAPE") ? sql_parse_value(c) : NULL);
}

static void parse_is(struct sql_compiler *c, struct sql_node *node)
{
    if (sql_accept(c, "NOT"))
        node->flags |= NODE_NEGATIVE;
    node->kind = NODE_IS_NULL;
    if (sql_accept(c, "NULL"))
        return;
    node->kind = NODE_IS_DISTINCT;
    sql_expect(c, "DISTINCT");
    sql_expect(c, "FROM");
    sql_add_part(c, node, sql_parse_value(c));
}

static bool is_predicate(const struct sql_compiler *c, size_t ahead)
{
    return sql_is_ahead(c, ahead, "BETWEEN") || sql_is_ahead(c, ahead, "IN") ||
           sql_is_ahead(c, ahead, "LIKE");
}

static struct sql_node *parse_worded(struct sql_compiler *c, struct sql_node *left)
{
    struct sql_node *node = sql_new_node(c, NODE_IN, sql_peek(c, 0));
    sql_add_part(c, node, left);
    if (sql_accept(c, "NOT"))
        node->flags |= NODE_NEGATIVE;
    if (sql_accept(c, "BETWEEN"))
        parse_between(c, node);
    else if (sql_accept(c, "IN"))
        parse_in(c, node);
    else if (sql_accept(c, "LIKE"))
        parse_like(c, node);
    else if (sql_accept(c, "IS"))
        parse_is(c, node);
    return node;
}

static struct sql_node *parse_predicated(struct sql_compiler *c)
{
    struct sql_node *left = sql_parse_value(c);
    bool worded = is_predicate(c, 0) || sql_is(c, "IS") || (sql_is(c, "NOT") && is_predicate(c, 1));
    return worded ? parse_worded(c, left) : parse_comparison(c, left);
}

static struct sql_node *parse_zone(struct sql_compiler *c)
{
    if (sql_is(c, "INTERVAL"))
        return sql_parse_interval(c);
    struct sql_node *node = sql_new_node(c, NODE_STRING, sql_peek(c, 0));
    node->text = sql_string(c);
    return node;
}

static bool is_at_zone(const struct sql_compiler *c)
{
    return sql_is(c, "AT") && sql_is_ahead(c, 1, "TIME") && sql_is_ahead(c, 2, "ZONE");
}

static struct sql_node *parse_at_zone(struct sql_compiler *c)
{
    struct sql_node *value = sql_parse_primary(c);
    while (is_at_zone(c)) {
        struct sql_node *node = sql_new_node(c, NODE_AT_ZONE, sql_peek(c, 0));
        c->at += 3;
        sql_add_part(c, node, value);
        sql_add_part(c, node, parse_zone(c));
        value = node;
    }
    return value;
}

static bool is_number(const struct sql_compiler *c, size_t ahead)
{
    enum sql_token_kind kind = sql_peek(c, ahead)->kind;
    return kind == TOKEN_INTEGER || kind == TOKEN_DECIMAL || kind == TOKEN_DOUBLE;
}

/* A minus before a number is the number's. */
static struct sql_node *parse_sign(struct sql_compiler *c)
{
    bool number = sql_is(c, "-") && is_number(c, 1);
    if (number || !(sql_is(c, "-") || sql_is(c, "+")))
        return parse_at_zone(c);
    struct sql_node *node = sql_new_node(c, NODE_NEGATE, sql_peek(c, 0));
    node->text = sql_is(c, "-") ? "-" : "+";
    c->at++;
    sql_enter(c);
    sql_add_part(c, node, parse_sign(c));
    sql_leave(c);
    return node;
}

static struct sql_node *left_chain(struct sql_compiler *c, enum node_kind kind,
                                   struct sql_node *(*rule)(struct sql_compiler *),
                                   const char *const *words)
{
    struct sql_node *left = rule(c);
    for (;;) {
        const struct sql_token *at = sql_peek(c, 0);
        const char *operation = sql_accept_one(c, words);
        if (!operation)
            return left;
        struct sql_node *node = sql_new_node(c, kind, at);
        node->text = operation;
        sql_add_part(c, node, left);
        sql_add_part(c, node, rule(c));
        left = node;
    }
}

static struct sql_node *parse_product(struct sql_compiler *c)
{
    static const char *const WORDS[] = {"*", "/", "%", NULL};
    return left_chain(c, NODE_ARITHMETIC, parse_sign, WORDS);
}

static struct sql_node *parse_sum(struct sql_compiler *c)
{
    static const char *const WORDS[] = {"+", "-", NULL};
    return left_chain(c, NODE_ARITHMETIC, parse_product, WORDS);
}

struct sql_node *sql_parse_value(struct sql_compiler *c)
{
    static const char *const WORDS[] = {"||", NULL};
    sql_enter(c);
    struct sql_node *node = left_chain(c, NODE_CONCAT, parse_sum, WORDS);
    sql_leave(c);
    return node;
}

static struct sql_node *parse_subscript(struct sql_compiler *c, struct sql_node *base)
{
    struct sql_node *node = sql_new_node(c, NODE_SUBSCRIPT, sql_peek(c, 0));
    node->line = base->line;
    node->column = base->column;
    sql_expect(c, "[");
    sql_add_part(c, node, base);
    sql_add_part(c, node, sql_parse_value(c));
    sql_expect(c, "]");
    return node;
}

static struct sql_node *parse_field(struct sql_compiler *c, struct sql_node *base)
{
    struct sql_node *node = sql_new_node(c, NODE_FIELD, sql_peek(c, 0));
    node->line = base->line;
    node->column = base->column;
    sql_expect(c, ".");
    struct sql_name name = sql_identifier(c);
    node->text = name.text;
    node->flags |= name.quoted ? NODE_QUOTED : 0;
    sql_add_part(c, node, base);
    return node;
}

static bool is_name_list_and_arrow(const struct sql_compiler *c)
{
    size_t at = 1;
    if (!sql_is(c, "("))
        return false;
    while (sql_is_identifier(c, at) && sql_is_ahead(c, at + 1, ",") && sql_is_identifier(c, at + 2))
        at += 2;
    at += sql_is_identifier(c, at);
    return sql_is_ahead(c, at, ")") && sql_is_ahead(c, at + 1, "->");
}

static bool is_lambda(const struct sql_compiler *c)
{
    return (sql_is_identifier(c, 0) && sql_is_ahead(c, 1, "->")) || is_name_list_and_arrow(c);
}

static void parse_lambda_names(struct sql_compiler *c, struct sql_node *node)
{
    bool list = sql_accept(c, "(");
    while (sql_is_identifier(c, 0)) {
        struct sql_node *name = sql_new_node(c, NODE_NAME, sql_peek(c, 0));
        name->text = sql_identifier(c).text;
        sql_add_part(c, node, name);
        if (!list || !sql_accept(c, ","))
            break;
    }
    if (list)
        sql_expect(c, ")");
}

static struct sql_node *parse_lambda(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_LAMBDA, sql_peek(c, 0));
    parse_lambda_names(c, node);
    sql_expect(c, "->");
    sql_add_part(c, node, sql_parse_expression(c));
    return node;
}

static struct sql_node *parse_subquery(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_SUBQUERY, sql_peek(c, 0));
    sql_expect(c, "(");
    node->query = sql_parse_query(c);
    sql_expect(c, ")");
    return node;
}

static struct sql_node *parse_parentheses(struct sql_compiler *c)
{
    if (sql_is_query(c))
        return parse_subquery(c);
    struct sql_node *row = sql_new_node(c, NODE_ROW, sql_peek(c, 0));
    sql_expect(c, "(");
    struct sql_node *first = sql_parse_expression(c);
    sql_add_part(c, row, first);
    while (sql_accept(c, ","))
        sql_add_part(c, row, sql_parse_expression(c));
    sql_expect(c, ")");
    if (row->count == 1)
        first->flags |= NODE_PARENTHESES;
    return row->count > 1 ? row : first;
}

static struct sql_node *parse_atom(struct sql_compiler *c)
{
    if (is_lambda(c))
        return parse_lambda(c);
    if (sql_is(c, "("))
        return parse_parentheses(c);
    struct sql_node *node = sql_parse_literal(c);
    node = node ? node : sql_parse_special(c);
    return node ? node : sql_parse_call(c);
}

struct sql_node *sql_parse_primary(struct sql_compiler *c)
{
    struct sql_node *node = parse_atom(c);
    for (;;) {
        if (sql_is(c, "["))
            node = parse_subscript(c, node);
        else if (sql_is(c, ".") && !sql_is_ahead(c, 1, "*"))
            node = parse_field(c, node);
        else
            return node;
    }
}
