/* Literals: numbers, texts, bytes, intervals, and types before a text. */
#include "sql/parser.h"

#include <stdlib.h>
#include <string.h>

static struct sql_node *parse_number(struct sql_compiler *c)
{
    const struct sql_token *at = sql_peek(c, 0);
    bool minus = sql_accept(c, "-");
    const struct sql_token *digits = sql_peek(c, 0);
    enum node_kind kind = digits->kind == TOKEN_INTEGER   ? NODE_INTEGER
                          : digits->kind == TOKEN_DECIMAL ? NODE_DECIMAL
                                                          : NODE_DOUBLE;
    c->at++;
    struct sql_node *node = sql_new_node(c, kind, at);
    node->text =
        sql_printf(&c->arena, "%s%.*s", minus ? "-" : "", (int)digits->size, digits->start);
    return node;
}

static bool is_number(const struct sql_compiler *c)
{
    enum sql_token_kind kind = sql_peek(c, sql_is(c, "-"))->kind;
    return kind == TOKEN_INTEGER || kind == TOKEN_DECIMAL || kind == TOKEN_DOUBLE;
}

static const char *const FIELDS[] = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", NULL};

bool sql_is_interval(const struct sql_compiler *c)
{
    size_t sign = sql_is_ahead(c, 1, "-") || sql_is_ahead(c, 1, "+");
    if (!sql_is(c, "INTERVAL") || !sql_is_string(c, 1 + sign))
        return false;
    for (size_t i = 0; FIELDS[i]; i++)
        if (sql_is_ahead(c, 2 + sign, FIELDS[i]))
            return true;
    return sql_is_ahead(c, 2 + sign, "UESCAPE");
}

struct sql_node *sql_parse_interval(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_INTERVAL, sql_peek(c, 0));
    sql_expect(c, "INTERVAL");
    if (sql_accept(c, "-"))
        node->flags |= NODE_NEGATIVE;
    else
        sql_accept(c, "+");
    node->text = sql_string(c);
    node->more = sql_accept_one(c, FIELDS);
    if (!node->more)
        sql_fail_syntax(c);
    if (sql_accept(c, "TO") && !(node->last = sql_accept_one(c, FIELDS)))
        sql_fail_syntax(c);
    return node;
}

static struct sql_node *parse_typed(struct sql_compiler *c)
{
    struct sql_node *node = sql_new_node(c, NODE_TYPED, sql_peek(c, 0));
    if (sql_accept_two(c, "DOUBLE", "PRECISION"))
        node->more = "DOUBLE";
    else
        node->more = sql_identifier(c).text;
    node->text = sql_string(c);
    return node;
}

static bool is_typed(const struct sql_compiler *c)
{
    if (sql_is(c, "DOUBLE") && sql_is_ahead(c, 1, "PRECISION") && sql_is_string(c, 2))
        return true;
    return sql_is_identifier(c, 0) && sql_is_string(c, 1);
}

/* X'48 65': digits of any case, white space between them. */
static struct sql_node *parse_bytes(struct sql_compiler *c)
{
    const struct sql_token *token = sql_peek(c, 0);
    struct sql_node *node = sql_new_node(c, NODE_BYTES, token);
    struct sql_text text = {.arena = &c->arena};
    c->at++;
    for (const char *at = token->start + 2; at < token->start + token->size - 1; at++) {
        if (strchr(" \t\r\n", *at))
            continue;
        if (!strchr("0123456789abcdefABCDEF", *at))
            sql_fail_at(c, token, "SYNTAX_ERROR",
                        "Binary literal can only contain hexadecimal digits");
        char capital = (char)(*at >= 'a' ? *at - 32 : *at);
        sql_text_add(&text, &capital, 1);
    }
    if (text.size % 2)
        sql_fail_at(c, token, "SYNTAX_ERROR",
                    "Binary literal must contain an even number of digits");
    node->text = sql_text_end(&text);
    return node;
}

static struct sql_node *parse_constant(struct sql_compiler *c)
{
    const struct sql_token *at = sql_peek(c, 0);
    if (sql_accept(c, "NULL"))
        return sql_new_node(c, NODE_NULL, at);
    if (sql_is(c, "TRUE") || sql_is(c, "FALSE")) {
        struct sql_node *node = sql_new_node(c, NODE_BOOLEAN, at);
        node->text = sql_is(c, "TRUE") ? "true" : "false";
        c->at++;
        return node;
    }
    if (sql_accept(c, "?")) {
        struct sql_node *node = sql_new_node(c, NODE_PARAMETER, at);
        node->number = (int)c->parameters++;
        return node;
    }
    return NULL;
}

struct sql_node *sql_parse_literal(struct sql_compiler *c)
{
    const struct sql_token *at = sql_peek(c, 0);
    if (is_number(c))
        return parse_number(c);
    if (sql_is_string(c, 0)) {
        struct sql_node *node = sql_new_node(c, NODE_STRING, at);
        node->text = sql_string(c);
        return node;
    }
    if (at->kind == TOKEN_BINARY)
        return parse_bytes(c);
    if (sql_is_interval(c))
        return sql_parse_interval(c);
    return is_typed(c) ? parse_typed(c) : parse_constant(c);
}
