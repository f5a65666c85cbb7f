/* Types in a statement: CAST(x AS ...), columns of CREATE TABLE. */
#include "sql/parser.h"

#include <string.h>

static struct sql_node *type_node(struct sql_compiler *c, const char *name)
{
    struct sql_node *node = sql_new_node(c, NODE_TYPE, sql_peek(c, 0));
    node->text = name;
    return node;
}

static bool is_field(const struct sql_compiler *c, size_t ahead)
{
    static const char *const FIELDS[] = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"};
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
        if (sql_is_ahead(c, ahead, FIELDS[i]))
            return true;
    return false;
}

static struct sql_node *parse_interval_type(struct sql_compiler *c)
{
    struct sql_node *node = type_node(c, "interval day to second");
    c->at++;
    const char *from = sql_peek(c, 0)->keyword, *to = from;
    c->at++;
    if (sql_accept(c, "TO")) {
        if (!is_field(c, 0))
            sql_fail_syntax(c);
        to = sql_peek(c, 0)->keyword;
        c->at++;
    }
    bool months = strcmp(from, "YEAR") == 0 && strcmp(to, "MONTH") == 0;
    bool days = strcmp(from, "DAY") == 0 && strcmp(to, "SECOND") == 0;
    if (!months && !days)
        sql_fail_at(c, node, "SYNTAX_ERROR", "Invalid interval qualifier: INTERVAL %s TO %s", from,
                    to);
    node->text = months ? "interval year to month" : node->text;
    return node;
}

static struct sql_node *parse_parameter(struct sql_compiler *c)
{
    const struct sql_token *token = sql_peek(c, 0);
    if (token->kind != TOKEN_INTEGER)
        return sql_parse_type(c);
    struct sql_node *node = sql_new_node(c, NODE_INTEGER, token);
    node->text = arena_copy(&c->arena, token->start, token->size);
    c->at++;
    return node;
}

static void parse_parameters(struct sql_compiler *c, struct sql_node *node)
{
    if (!sql_accept(c, "("))
        return;
    do
        sql_add_part(c, node, parse_parameter(c));
    while (sql_accept(c, ","));
    sql_expect(c, ")");
}

static void parse_zone(struct sql_compiler *c, struct sql_node *node)
{
    bool with = sql_is(c, "WITH");
    if (!(with || sql_is(c, "WITHOUT")) || !sql_is_ahead(c, 1, "TIME"))
        return;
    c->at += 2;
    sql_expect(c, "ZONE");
    if (with)
        node->flags |= NODE_QUOTED; /* "with time zone" */
}

/* In ROW(a integer, b): whether a name stands before a type. */
static bool is_named_field(const struct sql_compiler *c)
{
    bool both = sql_is_identifier(c, 0) && sql_is_identifier(c, 1);
    if (!both || (sql_is(c, "DOUBLE") && sql_is_ahead(c, 1, "PRECISION")) ||
        (sql_is(c, "INTERVAL") && is_field(c, 1)))
        return false;
    bool without = sql_is_ahead(c, 1, "WITHOUT") && sql_is_ahead(c, 2, "TIME");
    bool array =
        sql_is_ahead(c, 1, "ARRAY") && !sql_is_ahead(c, 2, "(") && !sql_is_ahead(c, 2, "<");
    return !without && !array;
}

static struct sql_node *parse_row_field(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_SUBFIELD, sql_peek(c, 0));
    if (is_named_field(c)) {
        struct sql_name name = sql_identifier(c);
        node->text = name.text;
        node->flags = name.quoted ? NODE_QUOTED : 0;
    }
    sql_add_part(c, node, sql_parse_type(c));
    return node;
}

static struct sql_node *parse_row_type(struct sql_compiler *c)
{
    struct sql_node *node = type_node(c, "row");
    c->at++;
    sql_expect(c, "(");
    do
        sql_add_part(c, node, parse_row_field(c));
    while (sql_accept(c, ","));
    sql_expect(c, ")");
    return node;
}

/* array<T>, map<K, V>: the older spelling */
static struct sql_node *parse_angled(struct sql_compiler *c)
{
    bool map = sql_is(c, "MAP");
    struct sql_node *node = type_node(c, map ? "map" : "array");
    c->at += 2;
    sql_add_part(c, node, sql_parse_type(c));
    if (map) {
        sql_expect(c, ",");
        sql_add_part(c, node, sql_parse_type(c));
    }
    sql_expect(c, ">");
    return node;
}

static struct sql_node *parse_named_type(struct sql_compiler *c)
{
    struct sql_node *node = type_node(c, NULL);
    bool clock = sql_is(c, "TIME") || sql_is(c, "TIMESTAMP");
    if (sql_accept_two(c, "DOUBLE", "PRECISION")) {
        node->text = node->more = "double";
        return node;
    }
    node->more = sql_identifier(c).text;
    node->text = sql_lower(&c->arena, node->more);
    parse_parameters(c, node);
    if (clock)
        parse_zone(c, node);
    return node;
}

static struct sql_node *parse_base(struct sql_compiler *c)
{
    if (sql_is(c, "ROW") && sql_is_ahead(c, 1, "("))
        return parse_row_type(c);
    if (sql_is(c, "INTERVAL") && is_field(c, 1))
        return parse_interval_type(c);
    if ((sql_is(c, "ARRAY") || sql_is(c, "MAP")) && sql_is_ahead(c, 1, "<"))
        return parse_angled(c);
    return parse_named_type(c);
}

struct sql_node *sql_parse_type(struct sql_compiler *c)
{
    sql_enter(c);
    struct sql_node *type = parse_base(c);
    while (sql_is(c, "ARRAY")) {
        struct sql_node *array = type_node(c, "array");
        c->at++;
        sql_add_part(c, array, type);
        if (sql_accept(c, "[")) {
            c->at += sql_peek(c, 0)->kind == TOKEN_INTEGER;
            sql_expect(c, "]");
        }
        type = array;
    }
    sql_leave(c);
    return type;
}
